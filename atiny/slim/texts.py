"""Messages of exceptions and of the log become numbers: "#17 %r"; the texts stand in a table beside the build.

A message is what an exception is made with, what a logging call is told, and any text that reads as prose, unless the
program compares it with something, looks something up by it, or takes it to pieces.
"""

import ast
import re

from .links import Links
from .tree import IDENTIFIER, Build, Module, rewrite

# Functions and methods that only tell a person something.
LOGGING = frozenset(
    (
        *("log_line", "_warn", "warn", "error", "_cut", "_failure", "_failed", "_lose", "_fail", "_refuse"),
        *("handler_failed", "link_failed", "bootstrap_failed", "receive_failed", "send_failed"),
    )
)
SHORTEST = 12
_PAIRS = frozenset(("Rejected",))  # of a code and a text, of which nobody takes but the str
_BUILTIN_ERRORS = frozenset(("AttributeError", "NotImplementedError", "OSError", "RuntimeError", "ValueError"))
_PARSING = frozenset(
    (
        *("find", "index", "startswith", "endswith", "partition", "rpartition", "split", "rsplit", "replace", "count"),
        *("strip", "lstrip", "rstrip", "get", "pop", "setdefault", "getattr", "setattr", "hasattr"),
    )
)
_CONVERSION = re.compile(r"%(?:%|[-+ #0]*(?:\d+|\*)?(?:\.\d+)?[a-zA-Z])")
_PROSE = re.compile(r"[a-z]{2,} [a-z(%]|%[a-z] [a-z]")


def number_texts(build: Build) -> "dict[int, tuple[str, int, str]]":
    """Replace the messages of a build by numbers; returns number -> (module, line, text)."""
    errors, bare = _error_classes(build)
    table: "dict[int, tuple[str, int, str]]" = {}
    for module in build:
        rewrite(module.tree, _without_repr)
        whole = {
            id(node.args[-1])
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call)
            and (len(node.args) == 1 and _name(node.func) in bare or len(node.args) == 2 and _name(node.func) in _PAIRS)
        }
        found = _Messages(build, errors).of(module)
        for text in sorted(found, key=lambda text: (text.lineno, text.col_offset)):
            number = len(table) + 1
            value = text.value
            assert isinstance(value, (str, bytes))
            plain = value if isinstance(value, str) else value.decode()
            table[number] = (module.name, text.lineno, plain)
            instead = short(number, plain)
            if id(text) in whole and instead == "#%d" % number:
                text.value = number  # what an exception is made with may be any object: a number is the smallest
            else:
                text.value = instead if isinstance(value, str) else instead.encode()
    return table


def short(number: int, text: str) -> str:
    """What stands for a text: its number, and its conversions in order."""
    conversions = [found for found in _CONVERSION.findall(text) if found != "%%"]
    return " ".join(["#%d" % number, *conversions]) + (" " if text.endswith(" ") else "")


class _Messages(ast.NodeVisitor):
    """The messages of a module."""

    def __init__(self, build: Build, errors: "set[str]"):
        self._errors = errors
        self._public = build.plan.public
        self._found: "dict[int, ast.Constant]" = {}
        self._data: "set[object]" = set()

    def of(self, module: Module) -> "list[ast.Constant]":
        self._parse(module)
        self.visit(module.tree)
        return [node for node in self._found.values() if node.value not in self._data]

    def _parse(self, module: Module) -> None:
        """The strings that are data: compared, looked up, taken to pieces; there, or under a name that is."""
        held: "dict[str, list[ast.expr]]" = {}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    held.setdefault(_name(target), []).append(node.value)
        for node in ast.walk(module.tree):
            data: "list[ast.AST]" = []
            if isinstance(node, ast.Compare):
                data = [node.left, *node.comparators]
            elif isinstance(node, ast.Dict):
                data = [key for key in node.keys if key is not None]
            elif isinstance(node, ast.Subscript):
                data = [node.slice, node.value]
            elif isinstance(node, ast.Call) and _name(node.func) in _PARSING:
                data = [node]
            elif isinstance(node, ast.JoinedStr):
                data = list(node.values)
            if isinstance(node, ast.Subscript):
                data += held.get(_name(node.value), [])
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PARSING:
                data += held.get(_name(node.func.value), [])
            for one in data:
                for child in ast.walk(one):
                    if isinstance(child, ast.Constant) and isinstance(child.value, (str, bytes)):
                        self._data.add(child.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id in self._public for target in node.targets):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            self._told(node.exc)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if _name(node.func) in self._errors or _name(node.func) in LOGGING:
            self._told(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bytes) and value.isascii():
            value = value.decode()
        if isinstance(value, str) and len(value) >= SHORTEST and _PROSE.search(value):
            self._found[id(node)] = node

    def _told(self, call: ast.Call) -> None:
        for argument in [*call.args, *[keyword.value for keyword in call.keywords]]:
            self._literals(argument)

    def _literals(self, node: ast.expr) -> None:
        """The text of a message: a literal, the left side of %, the parts of a sum, either side of a choice."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and len(node.value) >= SHORTEST and not IDENTIFIER.match(node.value):
                self._found[id(node)] = node
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            self._literals(node.left)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            self._literals(node.left)
            self._literals(node.right)
        elif isinstance(node, ast.IfExp):
            self._literals(node.body)
            self._literals(node.orelse)


def _without_repr(node: ast.stmt) -> "list[ast.stmt] | None":
    """What an object says of itself is a text, too."""
    return [] if isinstance(node, ast.FunctionDef) and node.name == "__repr__" else None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _error_classes(build: Build) -> "tuple[set[str], set[str]]":
    """The names of the exceptions; and of those of the build that only keep what they are made with."""
    links = Links(build)
    errors, bare = set(_BUILTIN_ERRORS), set()
    for module in build:
        for node in module.tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            line = [(module, node), *links.bases(module, node)]
            if any(_name(base).endswith(("Exception", "Error")) for _, above in line for base in above.bases):
                errors.add(node.name)
                methods = {getattr(child, "name", "") for _, above in line for child in above.body}
                if "__init__" not in methods:
                    bare.add(node.name)
    return errors, bare
