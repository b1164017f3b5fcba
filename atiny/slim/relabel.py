"""Writes new names into the tree of a module."""

import ast
from typing import TYPE_CHECKING

from .scopes import Scopes
from .tree import Module, at

if TYPE_CHECKING:
    from .rename import Names


def relabel(names: "Names", module: Module) -> None:
    """Give everything in a module its new name."""
    links = names.links
    scopes = links.scopes[module.name]
    changes = [(mention, names.new_name(module, mention)) for mention in scopes.mentions]
    targets = {
        alias: links.imported(module, node, alias)
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            _attribute(names, module, node)
        elif isinstance(node, ast.keyword) and node.arg:
            node.arg = names.keywords.get(node.arg, node.arg)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            _declaration(names, module, node, scopes)
    for row in sorted(names.inventory.rows):
        for text in names.inventory.strings.rows[row]:
            text.value = names.attributes[row]
    for mention, new in changes:
        node = mention.node
        if isinstance(node, ast.Name):
            node.id = new
        elif isinstance(node, ast.arg):
            node.arg = new
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.ExceptHandler)):
            node.name = new
        elif isinstance(node, ast.alias):
            target = targets[node]
            if target.name is not None and target.ours:
                node.name = names.imported_name(module.name, target.module, node.name)
            node.asname = None if node.name.partition(".")[0] == new else new
    _add_aliases(names, module)


def _attribute(names: "Names", module: Module, node: ast.Attribute) -> None:
    known = names.inventory
    if node in known.global_nodes:
        base = names.links.of(module, node.value)
        assert base is not None
        node.attr = names.global_name(base.module, node.attr)
    elif node not in known.fixed_nodes:
        node.attr = names.attributes.get(node.attr, node.attr)


def _declaration(names: "Names", module: Module, node: "ast.Global | ast.Nonlocal", scopes: Scopes) -> None:
    """The names of a global or nonlocal statement, as the function that it stands in has them."""
    if isinstance(node, ast.Global):
        node.names = [names.global_name(module.name, name) for name in node.names]
        return
    for index, name in enumerate(node.names):
        above = scopes.of[node].parent
        while above is not None and not (above.kind == "function" and name in above.bound):
            above = above.parent
        if above is not None:
            node.names[index] = names.locals[above].get(name, name)


def _add_aliases(names: "Names", module: Module) -> None:
    """Bind the short names of public classes and functions where they are defined."""
    body: "list[ast.stmt]" = []
    for node in module.tree.body:
        body.append(node)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            new = names.aliases.get((module.name, node.name))
            if new is not None:
                body.append(at(node, ast.Assign([ast.Name(new, ast.Store())], ast.Name(node.name, ast.Load()))))
    module.tree.body[:] = body
