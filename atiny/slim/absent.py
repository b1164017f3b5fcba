"""Folds the tests for optional collaborators that are not in a build: ``x.NAME is None`` is true there."""

import ast

from .tree import Build, Conditions, at, is_chain, number, rewrite


def fold_absent(build: Build) -> None:
    """Replace the tests for the attributes that are None, and drop what sets them."""
    absent = build.plan.absent
    if absent:
        for module in build:
            rewrite(module.tree, lambda node: _without(node, absent))
            _Tests(absent).visit(module.tree)
            _Values(absent).visit(module.tree)


def check_absent(build: Build) -> None:
    """Raise `SlimError` for what still uses an absent attribute, or gives it a value."""
    for module in build:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in build.plan.absent:
                if isinstance(node.ctx, ast.Load):
                    raise module.error(node, "%s is used without a test for None" % node.attr)
                raise module.error(node, "%s is set, in a build that has no part for it" % node.attr)


def _without(node: ast.stmt, absent: "frozenset[str]") -> "list[ast.stmt] | None":
    """What stays of a statement that sets attributes: to None, or to what gives None where the part is not there."""
    if isinstance(node, ast.Assign):
        node.targets = [target for target in node.targets if not _is_absent(target, absent)]
        if not node.targets:
            return [] if _only_looks(node.value) else [at(node, ast.Expr(node.value))]  # it may refuse
    return None


def _only_looks(node: ast.expr) -> bool:
    """Whether an expression, of comprehensions too, calls and binds nothing."""
    return not any(isinstance(one, (ast.Call, ast.NamedExpr, ast.Await, ast.Yield)) for one in ast.walk(node))


def _is_absent(node: ast.AST, absent: "frozenset[str]") -> bool:
    return isinstance(node, ast.Attribute) and node.attr in absent and is_chain(node)


class _Tests(Conditions):
    """``x.NAME is None``, and ``x.NAME`` where its truth is asked for."""

    def __init__(self, absent: "frozenset[str]"):
        self.absent = absent

    def condition(self, node: ast.expr) -> ast.expr:
        if _is_absent(node, self.absent):
            return number(None, node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and _is_absent(node.left, self.absent):
            right = node.comparators[0]
            if isinstance(right, ast.Constant) and right.value is None:
                if isinstance(node.ops[0], (ast.Is, ast.IsNot)):
                    return number(isinstance(node.ops[0], ast.Is), node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values = [self.condition(value) for value in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = self.condition(node.operand)
        return node


class _Values(ast.NodeTransformer):
    """``x.NAME`` where it is handed on, as an argument or a result; what else is done with it, None cannot do."""

    def __init__(self, absent: "frozenset[str]"):
        self.absent = absent

    def _value(self, node: "ast.expr | None") -> "ast.expr | None":
        return number(None, node) if node is not None and _is_absent(node, self.absent) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.args = [self._value(value) or value for value in node.args]
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        node.value = self._value(node.value) or node.value
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        node.value = self._value(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = self._value(node.value) or node.value
        return node
