"""Simplifies what is decided before the program runs: conditions that are constants, what stands behind a return."""

import ast
import operator
from collections.abc import Callable
from typing import Any

from .tree import Function, Module, each_body, fill, has_yield, is_pure, number

_COMPARE: "dict[type, Callable[[Any, Any], bool]]" = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_BINARY: "dict[type, Callable[[Any, Any], Any]]" = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
_LONGEST_SHIFT = 128


class NotConstant(Exception):
    """An expression has no value before the program runs."""


def value_of(node: ast.AST) -> "int | bool | None":
    """The int, bool or None that an expression of such constants is; else `NotConstant`."""
    if isinstance(node, ast.Constant) and (node.value is None or type(node.value) in (int, bool)):
        constant: "int | bool | None" = node.value  # type: ignore[assignment]
        return constant
    if isinstance(node, ast.UnaryOp):
        value = value_of(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if value is not None:
            if isinstance(node.op, ast.USub):
                return -value
            if isinstance(node.op, ast.Invert):
                return ~value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = value_of(node.left), value_of(node.right)
        if left is not None and right is not None:
            if isinstance(node.op, (ast.LShift, ast.Pow)) and not 0 <= right <= _LONGEST_SHIFT:
                raise NotConstant
            if isinstance(node.op, (ast.FloorDiv, ast.Mod)) and right == 0:
                raise NotConstant
            result = _BINARY[type(node.op)](left, right)
            if isinstance(result, int):
                return result
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        left, right = value_of(node.left), value_of(node.comparators[0])
        if isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            if left is not None and right is not None:
                raise NotConstant
        elif (left is None or right is None) and not isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            raise NotConstant
        return bool(_COMPARE[type(node.ops[0])](left, right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        if len(node.args) == 1 and not node.keywords:
            return value_of(node.args[0])
    raise NotConstant


def known(node: ast.AST) -> "bool | None":
    """Whether a constant is true, or None: it is no constant."""
    return bool(node.value) if isinstance(node, ast.Constant) and node.value is not Ellipsis else None


class _Fold(ast.NodeTransformer):
    """Folds from the inside out. Line numbers stay."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = as_test(node.operand)
            truth = known(node.operand)
            if truth is not None:
                return number(not truth, node)
        return self._folded(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._folded(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return self._folded(node)

    def _folded(self, node: ast.expr) -> ast.expr:
        try:
            return number(value_of(node), node)
        except NotConstant:
            return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        stops = isinstance(node.op, ast.Or)  # what ends an "or" is true, what ends an "and" is false
        values: "list[ast.expr]" = []
        for index, value in enumerate(node.values):
            truth = known(value)
            if truth is not None and truth is not stops and index < len(node.values) - 1:
                continue
            values.append(value)
            if truth is stops:
                break
        if len(values) == 1:
            return values[0]
        node.values = values
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = as_test(node.test)
        truth = known(node.test)
        if truth is not None:
            return node.body if truth else node.orelse
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs = [test for test in map(as_test, node.ifs) if known(test) is not True]
        return node

    # -- statements

    def visit_If(self, node: ast.If) -> "ast.AST | list[ast.stmt] | None":
        self.generic_visit(node)
        node.test = as_test(node.test)
        truth = known(node.test)
        if truth is not None:
            return node.body if truth else node.orelse
        if not without_pass(node.body):
            if not without_pass(node.orelse):
                return None if is_pure(node.test) else ast.copy_location(ast.Expr(node.test), node)
            negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
            if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
                node.test = node.test.operand
            else:
                node.test = negated
            node.body, node.orelse = node.orelse, []
        elif not without_pass(node.orelse):
            node.orelse = []
        return node

    def visit_While(self, node: ast.While) -> "ast.AST | list[ast.stmt]":
        self.generic_visit(node)
        node.test = as_test(node.test)
        return node.orelse if known(node.test) is False else node

    def visit_Expr(self, node: ast.Expr) -> "ast.AST | None":
        self.generic_visit(node)
        return None if isinstance(node.value, (ast.Constant, ast.Name)) else node

    def visit_Try(self, node: ast.Try) -> "ast.AST | list[ast.stmt]":
        self.generic_visit(node)
        if not without_pass(node.body):
            return [*node.orelse, *node.finalbody]
        if not without_pass(node.finalbody):
            node.finalbody = []
            if not node.handlers:
                return [*node.body, *node.orelse]
        return node


def as_test(node: ast.expr) -> ast.expr:
    """An expression of which only the truth counts, without what cannot change it."""
    if isinstance(node, ast.BoolOp):
        node.values = [as_test(value) for value in node.values]
        stops = isinstance(node.op, ast.Or)
        values = [value for value in node.values if known(value) is not (not stops)]
        if not values:
            return number(not stops, node)
        if known(values[-1]) is stops and all(is_pure(value) for value in values):
            return number(stops, node)
        if len(values) == 1:
            return values[0]
        node.values = values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand = as_test(node.operand)
    return node


def without_pass(body: "list[ast.stmt]") -> "list[ast.stmt]":
    return [node for node in body if not isinstance(node, ast.Pass)]


def ends(node: ast.stmt) -> bool:
    """Whether nothing behind a statement runs."""
    if isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return True
    if isinstance(node, ast.If):
        return bool(node.orelse) and _ends(node.body) and _ends(node.orelse)
    if isinstance(node, ast.While):
        endless = known(node.test) is True
        return endless and not any(isinstance(child, ast.Break) for child in _same_loop(node.body))
    if isinstance(node, ast.Try):
        if node.finalbody and _ends(node.finalbody):
            return True
        return _ends(node.orelse or node.body) and all(_ends(handler.body) for handler in node.handlers)
    return False


def _ends(body: "list[ast.stmt]") -> bool:
    return bool(body) and ends(body[-1])


def _same_loop(body: "list[ast.stmt]") -> "list[ast.AST]":
    """The nodes below that a break could belong to."""
    found: "list[ast.AST]" = list(body)
    for node in found:
        if not isinstance(node, (*Function, ast.ClassDef, ast.Lambda)):
            found.extend(ast.iter_child_nodes(node))
    return found


def fold(module: Module) -> None:
    """Fold a module to its simplest form."""
    _Fold().visit(module.tree)
    _trim(module.tree)


def _trim(node: ast.AST) -> None:
    """Drop what cannot be reached, and put a pass where a block became empty."""
    for child in ast.iter_child_nodes(node):
        _trim(child)
    for body in each_body(node):
        for index, statement in enumerate(body[:-1]):
            if ends(statement):
                if not has_yield(body[index + 1 :]):
                    del body[index + 1 :]
                break
        if len(body) > 1:
            body[:] = without_pass(body) or body[:1]
    fill(node)
