"""The sources that a board runs stay in the dialect of both runtimes: by lint, by mpy-cross, by MicroPython itself."""

import subprocess
from pathlib import Path

import pytest

from atiny.slim.dialect import check
from tests.sources import PACKAGE, ROOT, dialect_files, module_of
from tests.tools import tool

BAD = [
    ("import enum", "no module enum"),
    ("from dataclasses import dataclass", "no module dataclasses"),
    ("import typing", "no module typing"),
    ("from abc import ABC", "no module abc"),
    ("import functools", "no module functools"),
    ("import itertools", "no module itertools"),
    ("import logging", "no module logging"),
    ("import contextlib", "no module contextlib"),
    ("import hmac", "no module hmac"),
    ("import base64", "no module base64"),
    ("import copy", "no module copy"),
    ("import weakref", "no module weakref"),
    ("import collections.abc", "no module collections.abc"),
    ("import os.path", "no module os.path"),
    ("from urllib.parse import quote", "no module urllib.parse"),
    ("def f():\n    import threading", "no module threading"),
    ("from __future__ import annotations", "no module __future__"),
    ("from collections import defaultdict", "collections has no defaultdict"),
    ("from struct import Struct", "struct has no Struct"),
    ("import struct\nstruct.Struct('>H')", "struct has no Struct"),
    ("import struct\nstruct.iter_unpack('>H', b'')", "struct has no iter_unpack"),
    ("import cbor2", "cbor2 is imported outside a function"),
    ("from aiocoap import Message", "aiocoap is imported outside a function"),
    ("from .codes import _GET", "_GET may be a const()"),
    ("from .codes import *", "import of *"),
    ("match x:\n    case 1:\n        pass", "match"),
    ("def f(a, /):\n    pass", "positional-only"),
    ("f = lambda a, /: a", "positional-only"),
    ("x = [*a]", "a star in a display"),
    ("x = (*a, 1)", "a star in a display"),
    ("x = {*a}", "a star in a display"),
    ("def f():\n    return 1, *a", "a star in a display"),
    ("x = {**d}", "{**d}"),
    ("async def f():\n    yield 1", "async generator"),
    ("async def f():\n    return [x async for x in y]", "async comprehension"),
    ("del x[:2]", "del of a slice"),
    ("n = int.from_bytes(b, 'big', signed=True)", "from_bytes(signed=)"),
    ("b = n.to_bytes(2, byteorder='big')", "to_bytes(byteorder=)"),
    ("n = x.bit_length()", "no .bit_length"),
    ("try:\n    f()\nexcept OSError as e:\n    raise ValueError from e", "raise ... from e"),
    ("x = b[::-1]", "a slice with a step"),
    ("x = b[1::2]", "a slice with a step"),
    ("x = s.removeprefix('a')", "no .removeprefix"),
    ("x = s.zfill(4)", "no .zfill"),
    ("x = s.ljust(4)", "no .ljust"),
    ("x = s.split(',', maxsplit=1)", "split(maxsplit=)"),
    ("x = b.decode(errors='replace')", "decode(errors=)"),
    ("x = b.decode('utf-8', 'replace')", "decode ignores its second argument"),
    ("x = str(b, encoding='utf-8')", "str(encoding=)"),
    ("x = int('7', base=8)", "int(base=)"),
    ("x = list(zip(a, b, strict=True))", "zip(strict=)"),
    ("print(1, flush=True)", "print(flush=)"),
    ("for x in iter(f, None):\n    pass", "iter() with a sentinel"),
    ("try:\n    f()\nexcept BlockingIOError:\n    pass", "no BlockingIOError"),
    ("try:\n    f()\nexcept (OSError, TimeoutError):\n    pass", "no TimeoutError"),
    ("raise ConnectionError", "no ConnectionError"),
    ("raise ConnectionRefusedError('x')", "no ConnectionRefusedError"),
    ("x = vars(o)", "no vars"),
    ("x = v.cast('B')", "no .cast"),
    ("x = v.tobytes()", "no .tobytes"),
    ("x = h.hexdigest()", "no .hexdigest"),
    ("import time\nx = time.monotonic()", "no .monotonic"),
    ("import select\nselect.select([], [], [])", "select.select instead of select.poll"),
    ("x = s.getsockname()", "no .getsockname"),
    ("x = f.__doc__", "no .__doc__"),
    ("class A(metaclass=M):\n    pass", "a class with keywords"),
    ("class A(bytes):\n    pass", "a subclass of bytes"),
    ("class A(tuple):\n    pass", "a subclass of tuple"),
    ("class A(OSError, ValueError):\n    pass", "two native exceptions"),
    ("class A:\n    def __init_subclass__(cls):\n        pass", "__init_subclass__ is not called"),
    ("class A:\n    def __set_name__(self, o, n):\n        pass", "__set_name__ is not called"),
    ("X = int | None", "union of types at run time"),
    ("y = isinstance(x, int | str)", "union of types at run time"),
    ("def f(a: 'Foo' | None):\n    pass", "half in quotes"),
    ("x: 'Foo' | None = None", "half in quotes"),
    ("def f() -> None | 'Foo':\n    pass", "half in quotes"),
]


@pytest.mark.parametrize(("source", "why"), BAD, ids=[why for _, why in BAD])
def test_the_lint_catches(source: str, why: str) -> None:
    found = check("bad.py", "x = 1\n" + source)
    assert len(found) == 1, found
    assert why in found[0].replace(": no keywords there", "")
    line = int(found[0].split(":")[1])
    assert 2 <= line <= 1 + len(source.splitlines())


GOOD = """
import sys, struct, json
from collections import OrderedDict
from . import codes
from .message import Message, encode
from atiny.errors import CodecError
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator
    from enum import Enum
X = 1 | 2
first, *rest = [1, 2]
def f(a: "int | None", b: int | None = None, *c, d=1, **e) -> "list[int] | None":
    f(*c, **e)
    x: int | str = 3
    b[:2] = b""
    if (y := x) > 2 and type(x) is bool:
        raise ValueError("%d" % y) from None
    return sorted(c, key=lambda v: v, reverse=True)
def g():
    import cbor2
    yield from range(3)
class A(CodecError):
    __slots__ = ("x",)
    @property
    def x(self):
        return self.find(path=1) + "a,b".split(",", 1)[0] + int.from_bytes(b"a", "big").to_bytes(2, "big").hex()
async def h():
    await f(1)
print(f"{X!r:>5}", end="")
del rest[0]
"""


def test_the_lint_lets_the_dialect_pass() -> None:
    assert check("good.py", GOOD) == []


@pytest.mark.parametrize("name", dialect_files())
def test_stays_in_the_dialect(name: str) -> None:
    assert check(name, (PACKAGE / name).read_text()) == []


def test_the_lint_sees_the_protocol() -> None:
    names = dialect_files()
    assert {"coap/message.py", "errors.py", "params.py", "adapter/base.py"} <= set(names)
    assert not {"adapter/posix.py", "aio.py", "cli.py"} & set(names)


def test_compiles_for_micropython(tmp_path: Path) -> None:
    compiler = tool("mpy-cross")
    failed = {}
    for number, name in enumerate(dialect_files()):
        command = [compiler, "-o", str(tmp_path / f"{number}.mpy"), "-s", name, str(PACKAGE / name)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if result.returncode:
            failed[name] = result.stderr.strip().splitlines()[-3:]
    assert failed == {}


def test_imports_under_micropython(tmp_path: Path) -> None:
    """Every module above the host-only line, in one process, as a board would: unchanged sources, no CPython."""
    modules = [module_of(name) for name in dialect_files()]
    script = tmp_path / "import_all.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"for name in {modules!r}:\n"
        "    try:\n        __import__(name)\n"
        "    except Exception as e:\n        print('FAILED', name, type(e).__name__, e)\n        raise\n"
        "print('imported', len([m for m in sys.modules if m.startswith('atiny.')]))\n"
    )
    result = subprocess.run([tool("micropython"), str(script)], capture_output=True, text=True, timeout=60)
    # This MicroPython writes its tracebacks to standard output.
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(result.stdout.split()[-1]) >= len(modules) - 1
