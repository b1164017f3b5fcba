"""Removes the public members that do not exist in a build: "Client.go_offline", "atiny_init", "Settings.awake_ms"."""

import ast

from .surface import CONTRACTS, is_bare
from .tree import Build, Function, Module, rewrite


def drop_members(build: Build) -> None:
    """Remove classes' members and modules' functions, classes and constants, with the imports of them."""
    names = {name for name in build.plan.dropped if "." not in name}
    members: "dict[str, set[str]]" = {}
    for name in build.plan.dropped:
        owner, point, member = name.rpartition(".")
        if point:
            members.setdefault(owner, set()).add(member)
    for module in build:
        rewrite(module.tree, lambda node: _class(node, members))
        if names:
            _drop_names(module, names)


def drop_bare(build: Build) -> None:
    """Take what only says what a host may write out of the contracts. After `find_surface`, which learns names there.

    A method that raises NotImplementedError with a text is called for that, and stays.
    """
    for name in CONTRACTS:
        for node in build.modules[name].tree.body if name in build.modules else ():
            if isinstance(node, ast.ClassDef):
                node.body = [child for child in node.body if not _is_silent(child)] or [ast.Pass()]


def _is_silent(node: ast.stmt) -> bool:
    return isinstance(node, Function) and is_bare(node) and ast.unparse(node.body[0]) == "raise NotImplementedError"


def _class(node: ast.stmt, members: "dict[str, set[str]]") -> "list[ast.stmt] | None":
    """Take the dropped members out of a class."""
    if isinstance(node, ast.ClassDef) and node.name in members:
        gone = members[node.name]
        rewrite(node, lambda child: _member(child, gone))
    return None


def _member(node: ast.stmt, gone: "set[str]") -> "list[ast.stmt] | None":
    if isinstance(node, (ast.ClassDef, *Function)) and node.name in gone:
        return []
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in gone:
            return []
        if isinstance(target, ast.Attribute) and target.attr in gone:
            if isinstance(target.value, ast.Name) and target.value.id == "self":
                return []
    return None


def _drop_names(module: Module, names: "set[str]") -> None:
    """Take names out of the top of a module."""
    kept: "list[ast.stmt]" = []
    for node in module.tree.body:
        if isinstance(node, (ast.ClassDef, *Function)) and node.name in names:
            continue
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id in names:
                continue
        if isinstance(node, ast.ImportFrom):
            node.names = [alias for alias in node.names if alias.name not in names]
            if not node.names:
                continue
        kept.append(node)
    module.tree.body[:] = kept
