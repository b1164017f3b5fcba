"""What a host may name: computed from what `atiny` exports and from the contracts that a host implements."""

import ast
from dataclasses import dataclass, field

from .constants import PUBLIC
from .links import Links, Target
from .scopes import all_arguments
from .tree import Build, Function, Module

# Modules that are contracts: a host implements their classes, or takes them from there.
CONTRACTS = ("atiny.adapter.base", "atiny.fota.options", "atiny.fota.source")


@dataclass
class Surface:
    """``names``: attributes, methods, classes and functions that keep their names. ``exports``: the globals of
    `atiny`. ``parameters``: those that may be
    passed by name. ``guarded``: private attributes of classes that a host may derive from: what they become must not
    be a name that a host would give. ``nodes``: the public functions and classes. ``required``: those that stay in
    the build although nothing there names them."""

    names: "set[str]" = field(default_factory=set)
    exports: "set[str]" = field(default_factory=set)
    parameters: "set[str]" = field(default_factory=set)
    guarded: "set[str]" = field(default_factory=set)
    nodes: "set[ast.AST]" = field(default_factory=set)
    required: "set[ast.AST]" = field(default_factory=set)


def find_surface(build: Build, links: Links) -> Surface:
    surface = Surface(names=set(build.plan.public))
    for module in build:
        contract = module.name in CONTRACTS
        if contract:
            for node in module.tree.body:
                name = getattr(node, "name", "_")
                if not name.startswith("_"):
                    _add(surface, links, Target(module.name, name, True), contract)
        if module.name == PUBLIC:
            surface.exports |= links.scopes[PUBLIC].module.bound
            for name in sorted(links.scopes[PUBLIC].module.bound):
                if not name.startswith("_"):
                    surface.names.add(name)
                    target = links.definition(Target(PUBLIC, name, True))
                    _add(surface, links, target, target.module in CONTRACTS)
        _add_lazy(surface, build, links, module)
    return surface


def _add_lazy(surface: Surface, build: Build, links: Links, module: Module) -> None:
    """What a module gives when it is asked for."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            for child in ast.walk(node):
                if isinstance(child, ast.ImportFrom):
                    for alias in child.names:
                        target = links.definition(links.imported(module, child, alias))
                        if target.name is not None:
                            surface.names.add(target.name)
                            _add(surface, links, target, False)


def _add(surface: Surface, links: Links, target: Target, contract: bool) -> None:
    node = links.node_of(target)
    if node is None:
        return
    surface.names.add(node.name)
    if isinstance(node, ast.ClassDef):
        home = links.build.modules[target.module]
        for module, cls in [(home, node), *links.bases(home, node)]:
            _add_class(surface, cls, contract or module.name in CONTRACTS)
    else:
        _add_function(surface, node, not contract)


def _add_function(surface: Surface, node: "ast.FunctionDef | ast.AsyncFunctionDef", required: bool) -> None:
    surface.nodes.add(node)
    if required:
        surface.required.add(node)
    for argument in all_arguments(node.args):
        if not argument.arg.startswith("_"):
            surface.parameters.add(argument.arg)


def _add_class(surface: Surface, cls: ast.ClassDef, contract: bool) -> None:
    """A class and what a host sees of it. Of a contract, a method without a body only tells what a host may write."""
    if cls in surface.nodes:
        return
    surface.nodes.add(cls)
    bare = contract
    for node in cls.body:
        if isinstance(node, Function):
            assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            if node.name.startswith("_") and not node.name.startswith("__"):
                surface.guarded.add(node.name)
                continue
            required = not (contract and is_bare(node))
            bare = bare and not required
            surface.names.add(node.name)
            _add_function(surface, node, required)
            for child in ast.walk(node):
                if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
                    _add_stored(surface, child)
        elif isinstance(node, ast.Assign):
            bare = False
            surface.required.add(node)
            for target in node.targets:
                if isinstance(target, ast.Name):
                    (surface.guarded if target.id.startswith("_") else surface.names).add(target.id)
    for child in ast.walk(cls):
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            _add_stored(surface, child)
    if not bare:
        surface.required.add(cls)


def _add_stored(surface: Surface, node: ast.Attribute) -> None:
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        (surface.guarded if node.attr.startswith("_") else surface.names).add(node.attr)


def is_bare(node: "ast.FunctionDef | ast.AsyncFunctionDef") -> bool:
    """Whether a function does nothing but raise NotImplementedError."""
    if len(node.body) != 1 or not isinstance(node.body[0], ast.Raise):
        return False
    error = node.body[0].exc
    if isinstance(error, ast.Call):
        error = error.func
    return isinstance(error, ast.Name) and error.id == "NotImplementedError"
