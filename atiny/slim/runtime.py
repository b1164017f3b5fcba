"""A build runs on MicroPython, without ``__debug__``: tests for either are answered."""

import ast

from .sources import known_answer
from .tree import Module


def fold_runtime(module: Module) -> None:
    """Replace the tests that a build knows the answer to."""
    _Answer().visit(module.tree)


class _Answer(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> "ast.AST":
        known = known_answer(node) if isinstance(node, ast.expr) else None
        if known is not None:
            return ast.copy_location(ast.Constant(known), node)
        found: ast.AST = self.generic_visit(node)
        return found
