"""From a module's text to its .mpy: bytecode for every board, machine code for one."""

import subprocess

import pytest

from atiny.errors import AtinyError, ParameterError
from atiny.slim.compile import ARCHITECTURES, Compiler
from tests.tools import tool

# The native emitters know neither a bare raise nor "from None".
RAISES = """
def again(error):
    try:
        raise error
    except OSError:
        try:
            raise KeyError(1) from None
        except KeyError as e:
            pass
        except:
            raise
        raise
    except ValueError as e:
        raise TypeError(str(e)) from None

for error in (OSError(7), ValueError("v")):
    try:
        again(error)
    except Exception as e:
        print(repr(e))
"""


def test_bytecode_is_the_same_every_time():
    first, second = (Compiler().compile("x = 1\n", "atiny/x.py") for _ in range(2))
    assert first == second
    assert first[:2] == b"M\x06", "a .mpy of version 6"
    assert b"atiny/x.py" in first
    assert Compiler("armv7m").compile("x = 1\n", "atiny/x.py") == first, "bytecode runs on all of them"


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_machine_code_is_for_one_architecture(arch):
    data = Compiler(arch, "native").compile(RAISES, "x.py")
    assert data[:2] == b"M\x06"
    assert data != Compiler().compile(RAISES, "x.py")


@pytest.mark.parametrize("compiler", [Compiler(), Compiler("x64", "native")], ids=["bytecode", "native"])
def test_it_runs(tmp_path, compiler):
    (tmp_path / "raises.mpy").write_bytes(compiler.compile(RAISES, "raises.py"))
    command = [tool("micropython"), "-c", f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport raises\n"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.stdout == "OSError(7,)\nTypeError('v',)\n"


def test_what_cannot_be_compiled():
    with pytest.raises(AtinyError, match="mpy-cross cannot compile atiny/bad.py: (?s:.*)SyntaxError"):
        Compiler().compile("x = = 1\n", "atiny/bad.py")
    with pytest.raises(ParameterError, match="no architecture 'z80': take one of x86, "):
        Compiler("z80")
    with pytest.raises(ParameterError, match="machine code is for one architecture: name it with --arch"):
        Compiler(emit="native")
