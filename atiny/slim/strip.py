"""Drops what no runtime needs: annotations, what only type checkers read, docstrings, assertions, ``__slots__``."""

import ast

from .tree import Function, Module, fill, rewrite


def strip(module: Module) -> None:
    rewrite(module.tree, _without)
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        fill(node)


def _without(node: ast.stmt) -> "list[ast.stmt] | None":
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        found = []
        for statement in node.orelse:
            found.extend(_kept(statement))
        return found
    if isinstance(node, (ast.Assert, ast.AnnAssign, ast.Expr, ast.Assign)):
        return _kept(node)
    return None


def _kept(node: ast.stmt) -> "list[ast.stmt]":
    """What stays of a simple statement."""
    if isinstance(node, ast.Assert) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        if node.targets[0].id in ("__slots__", "TYPE_CHECKING"):
            return []
    if isinstance(node, ast.AnnAssign):
        if node.value is None:
            return []
        return [ast.copy_location(ast.Assign([node.target], node.value), node)]
    return [node]
