"""A shortage of memory: a MemoryError where `atiny.coap` allocates, at one place after the other."""

import ast
import sys
from types import FrameType
from typing import Any

from tests.sources import PACKAGE

FILES = {str(path): ast.parse(path.read_text()) for path in (PACKAGE / "coap").glob("*.py")}
FUNCTIONS = [node for tree in FILES.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
# What is called without allocating: what only looks or takes away, what hands over to an owner or a sink (by an index:
# ""), and the layer's own functions, in which it is then counted.
FREE = {"len", "pop", "remove", "index", "isinstance", "min", "max", "range"}
FREE.update(["on_done", "_on_done", "", "_handler", "_failed", "_opener", "write", "end", "abandon"])
FREE.update(function.name for function in FUNCTIONS)


def _allocates(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        function = node.func
        return getattr(function, "attr", getattr(function, "id", "")) not in FREE
    if isinstance(node, (ast.Tuple, ast.List)):
        return isinstance(node.ctx, ast.Load) and not all(isinstance(child, ast.Constant) for child in node.elts)
    return isinstance(node, (ast.Dict, ast.ListComp, ast.Slice))


def _lines(tree: ast.Module) -> "set[int]":
    """The lines inside functions that allocate."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    statements = [statement for function in functions for statement in function.body]
    return {node.lineno for statement in statements for node in ast.walk(statement) if _allocates(node)}


LINES = {path: _lines(tree) for path, tree in FILES.items()}


class Shortage:
    """While it lasts, the line of that number among those that allocate raises a MemoryError instead.

    ``happened``: whether it came to that.
    """

    def __init__(self, at: int):
        self.left = at
        self.happened = False
        self.where = ""
        self._lines: "set[int]" = set()
        self._before: Any = None

    def __enter__(self) -> "Shortage":
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename in LINES else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and frame.f_lineno in LINES[frame.f_code.co_filename]:
            if not self.left and not self.happened:
                self.happened = True
                self.where = "%s:%d" % (frame.f_code.co_filename, frame.f_lineno)
                raise MemoryError("for this test")
            self.left -= 1
        return self._line
