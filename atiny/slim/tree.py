"""The modules of a build as syntax trees, and what all passes need to know of one."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from .plan import Plan, SlimError

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*\Z")


@dataclass
class Module:
    """One module of a build. ``package``: whether it is the ``__init__`` of one."""

    name: str
    tree: ast.Module
    package: bool

    def source_of(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module that a statement imports from."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        cut = node.level - (1 if self.package else 0)
        parts = parts[: len(parts) - cut]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def error(self, node: ast.AST, why: str) -> SlimError:
        """An error that names the line of a node."""
        path = self.name.replace(".", "/") + ("/__init__" if self.package else "")
        return SlimError("%s.py:%d: %s" % (path, getattr(node, "lineno", 0), why))


class Build:
    """All modules of a build, in the order of their names."""

    def __init__(self, sources: "dict[str, str]", plan: Plan):
        self.plan = plan
        self.modules: "dict[str, Module]" = {}
        known = [*sources, *plan.missing]
        for name in sorted(sources):
            package = name == "atiny" or any(other.startswith(name + ".") for other in known)
            self.modules[name] = Module(name, ast.parse(sources[name], name), package)

    def __iter__(self) -> "Iterator[Module]":
        return iter(self.modules.values())

    def exists(self, name: str) -> bool:
        """Whether that is a module of ours, in this build or not."""
        return name in self.modules or name in self.plan.missing

    def is_ours(self, name: str) -> bool:
        """Whether an import of that name is of the package that is built."""
        return name.partition(".")[0] in {module.partition(".")[0] for module in self.modules}


_Node = TypeVar("_Node", bound=ast.AST)


def copied(node: _Node) -> _Node:
    """A copy of a node with all below it.

    Not by `copy.deepcopy`: `ast` uses one Load for all names there are, and a minifier hangs its whole tree on that.
    """
    fields = {}
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            value = [copied(one) if isinstance(one, ast.AST) else one for one in value]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            value = copied(value)
        fields[name] = value
    return ast.copy_location(type(node)(**fields), node)


def is_pure(node: ast.AST) -> bool:
    """Whether evaluating an expression does nothing but give its value (an AttributeError does not count)."""
    allowed = (
        ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.BinOp, ast.UnaryOp,
        ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda, ast.Subscript, ast.JoinedStr, ast.FormattedValue,
        ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.Starred, ast.Slice,
    )  # fmt: skip
    if isinstance(node, ast.Lambda):
        return all(is_pure(default) for default in [*node.args.defaults, *node.args.kw_defaults] if default is not None)
    if isinstance(node, ast.Call):
        builtin = isinstance(node.func, ast.Name) and node.func.id in ("bytearray", "bytes", "memoryview", "const")
        return builtin and not node.keywords and all(is_pure(argument) for argument in node.args)
    return isinstance(node, allowed) and all(is_pure(child) for child in ast.iter_child_nodes(node))


def is_chain(node: ast.AST) -> bool:
    """Whether an expression is a name with attributes: x, x.y.z."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def own_nodes(node: ast.AST) -> "Iterator[ast.AST]":
    """The nodes below one that are not in a function, lambda or class inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*Function, ast.Lambda, ast.ClassDef)):
            yield from own_nodes(child)


def has_yield(nodes: "list[ast.stmt]") -> bool:
    """Whether statements make their function a generator."""
    for node in nodes:
        if isinstance(node, (*Function, ast.ClassDef)):
            continue
        if any(isinstance(child, (ast.Yield, ast.YieldFrom, ast.Await)) for child in own_nodes(node)):
            return True
    return False


def each_body(node: ast.AST) -> "Iterator[list[ast.stmt]]":
    """The lists of statements that stand in a node itself."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            yield body


def rewrite(node: ast.AST, change: "Callable[[ast.stmt], list[ast.stmt] | None]") -> None:
    """Replace statements: ``change`` gives what takes the place of one, or None to keep it and look inside."""
    for body in each_body(node):
        found: "list[ast.stmt]" = []
        for statement in body:
            instead = change(statement)
            if instead is None:
                rewrite(statement, change)
                found.append(statement)
            else:
                found.extend(instead)
        body[:] = found
    for handler in getattr(node, "handlers", ()):
        rewrite(handler, change)


def fill(node: ast.AST) -> None:
    """Put a pass into a block that became empty."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and not body and not isinstance(node, ast.Module):
        body.append(at(node, ast.Pass()))


def number(value: "int | bool | None", where: ast.AST) -> ast.expr:
    """A constant as an expression, at the place of another one."""
    if type(value) is int and value < 0:
        node: ast.expr = ast.UnaryOp(ast.USub(), ast.copy_location(ast.Constant(-value), where))
    else:
        node = ast.Constant(value)
    return ast.copy_location(node, where)


def at(where: ast.AST, node: "ast.stmt") -> ast.stmt:
    """A new statement with the place of another one."""
    return ast.fix_missing_locations(ast.copy_location(node, where))


class Conditions(ast.NodeTransformer):
    """Puts `condition` of each expression that a jump depends on in its place."""

    def condition(self, node: ast.expr) -> ast.expr:
        raise NotImplementedError

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        node.test = self.condition(node.test)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.test = self.condition(node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = self.condition(node.test)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs = [self.condition(test) for test in node.ifs]
        return node
