"""Which scope a name belongs to: as CPython's own symbol tables say, up to 3.11."""

import ast
import symtable
import sys

import pytest

from atiny.slim.scopes import Scope, Scopes
from atiny.slim.tree import Module
from tests.sources import PACKAGE, dialect_files

told_apart = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="symtable has no scope for a comprehension any more (PEP 709)"
)

SOURCES = [
    "x = 1\ndef f(a, *b, c=x, **d):\n    y = a\n    def g():\n        nonlocal y\n        y = x\n    return g",
    "def f():\n    global x\n    x = 1\n    return [x for y in x if y]\n",
    "class A:\n    x = 1\n    def f(self, y=x):\n        return x\n    z = [x for a in x]\n",
    "def f():\n    try:\n        pass\n    except E as e:\n        e\n    import a.b, c as d\n"
    "    from e import f as g\n",
    "def f(x):\n    return lambda y, z=x: x + y\n",
    "def f(x):\n    return {k: v for k, v in x}, {a for a in x}, (b for b in x), [[i for i in j] for j in x]\n",
    "def f():\n    class B(A):\n        def g(self):\n            return __class__, B\n    with a as b:\n        pass\n"
    "    for c, (d, *e) in f:\n        del c\n    g += 1\n",
    "def f():\n    x = 1\n    class A:\n        x = 2\n        def g(self):\n            return x\n    return A\n",
]


def ours(scope: Scope, scopes: Scopes) -> "list[tuple[str, str]]":
    """(name, where it belongs: "local", "global", "free") of the names mentioned in a scope itself."""
    found = set()
    for mention in scopes.mentions:
        if mention.home is scope and mention.name != "__class__":
            if mention.scope is scope:
                where = "local" if scope.kind != "module" else "global"
            else:
                where = "global" if mention.scope.kind == "module" else "free"
            found.add((mention.name, where))
    return sorted(found)


def theirs(table: symtable.SymbolTable) -> "list[tuple[str, str]]":
    found = set()
    for symbol in table.get_symbols():
        if symbol.get_name().startswith(".") or symbol.get_name() in ("__class__", "__classcell__"):
            continue
        if not (symbol.is_referenced() or symbol.is_assigned() or symbol.is_parameter() or symbol.is_imported()
                or symbol.is_namespace()):  # fmt: skip
            continue
        if table.get_type() == "module" or symbol.is_global():
            where = "global"
        else:
            where = "free" if symbol.is_free() else "local"
        found.add((symbol.get_name(), where))
    return sorted(found)


def walk(scope: Scope) -> "list[Scope]":
    return [scope, *[below for child in scope.children for below in walk(child)]]


def walk_tables(table: symtable.SymbolTable) -> "list[symtable.SymbolTable]":
    children = [child for child in table.get_children() if child.get_type() in ("function", "class")]
    return [table, *[below for child in children for below in walk_tables(child)]]


def compare(source: str) -> None:
    scopes = Scopes(Module("m", ast.parse(source), False))
    found = sorted(ours(scope, scopes) for scope in walk(scopes.module))
    assert found == sorted(theirs(table) for table in walk_tables(symtable.symtable(source, "m", "exec")))


@told_apart
@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_scopes(source: str) -> None:
    compare(source)


def test_a_walrus_binds_around_the_comprehension() -> None:
    scopes = Scopes(Module("m", ast.parse("def f(x):\n    return [z for y in x if (z := y)], z"), False))
    assert {mention.scope for mention in scopes.mentions if mention.name == "z"} == {scopes.module.children[0]}


@told_apart
@pytest.mark.parametrize("name", dialect_files())
def test_scopes_of_the_package(name: str) -> None:
    source = (PACKAGE / name).read_text()
    tree = ast.parse(source)
    for node in ast.walk(tree):  # annotations are not names of the program
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(0)
    compare(ast.unparse(tree))
