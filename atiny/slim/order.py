"""Puts the names that a module says most at the start of its table, where an .mpy says them in one byte instead of two.

The compiler numbers names as it meets them, and meets a module's own globals before all that its functions say. So the
module begins with a condition that never holds, and that says them: two bytes each, once.
"""

import ast
from collections import Counter

from .tree import Module, own_nodes

SHORT = 128  # numbers of one byte
_LEAST = 60  # names in the whole module, for it to be worth it


def order(module: Module) -> None:
    """Add that condition, where it pays."""
    said: "Counter[str]" = Counter()
    names: "set[str]" = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            said[node.attr] += 1
        elif isinstance(node, ast.keyword) and node.arg:
            said[node.arg] += 1
        elif isinstance(node, ast.arg):
            said[node.arg] += 1
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            said[node.name] += 1
            names.add(node.name)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id in names:
            said[node.id] += 1
    first = {getattr(node, "id", "") for node in own_nodes(module.tree)}
    hot = [name for name, count in sorted(said.items(), key=lambda one: (-one[1], one[0])) if count > 3]
    if len(said) < _LEAST or len(hot) + len(first) < SHORT:
        return
    hot = hot[: SHORT - 4]
    chain: ast.expr = ast.Name("a", ast.Load())
    for name in hot:
        chain = ast.Attribute(chain, name, ast.Load())
    test = ast.Compare(ast.Name("__name__", ast.Load()), [ast.Eq()], [ast.Constant(0)])
    module.tree.body.insert(0, ast.fix_missing_locations(ast.If(test, [ast.Expr(chain)], [])))
