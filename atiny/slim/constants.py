"""Folds constants over the whole build: module-level UPPER_CASE names of int, bool and None, and those of classes."""

import ast
from typing import Any

from .fold import NotConstant, value_of
from .links import Links, Target
from .tree import CONSTANT, Build, Module, at, number

Constants = dict[tuple[str, str], "int | bool | None"]  # (module, name) or (module, "Class.name") -> value
PUBLIC = "atiny"


def fold_constants(build: Build) -> None:
    """Put the values of constants where they are used. What `atiny` itself passes on, it binds to the value."""
    links = Links(build)
    constants = _collect(build, links)
    attributes = _class_constants(build, links, constants)
    for module in build:
        _Values(module, links, constants, attributes).visit(module.tree)
        if module.name == PUBLIC:
            _bind(module, links, constants)


def _assigned(node: ast.stmt) -> "str | None":
    """The constant that a statement defines."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        if CONSTANT.match(name):
            return name
    return None


def _collect(build: Build, links: Links) -> Constants:
    """All constants of modules, and of classes under "Class.name"."""
    constants: Constants = {}
    growing = True
    while growing:
        growing = False
        for module in build:
            scopes = links.scopes[module.name]
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    inside = [(child, node.name + ".", scopes.of[node]) for child in node.body]
                else:
                    inside = [(node, "", scopes.module)]
                for statement, prefix, scope in inside:
                    name = _assigned(statement)
                    if name is None or (module.name, prefix + name) in constants or links.stores(scope, name) != 1:
                        continue
                    assert isinstance(statement, ast.Assign)
                    try:
                        value = _evaluate(statement.value, module, links, constants)
                    except NotConstant:
                        continue
                    constants[module.name, prefix + name] = value
                    growing = True
    return constants


def _evaluate(node: ast.expr, module: Module, links: Links, constants: Constants) -> "int | bool | None":
    values = _Values(module, links, constants, {})
    return value_of(values.visit(_copy(node, links, module)))


def _copy(node: ast.expr, links: Links, module: Module) -> ast.expr:
    """A copy of an expression whose names still have their scopes."""
    by_node = links.scopes[module.name].by_node
    fields: "dict[str, Any]" = {name: _copy_field(value, links, module) for name, value in ast.iter_fields(node)}
    fresh = type(node)(**fields)
    if node in by_node:
        by_node[fresh] = by_node[node]
    return ast.copy_location(fresh, node)


def _copy_field(value: object, links: Links, module: Module) -> object:
    if isinstance(value, ast.expr):
        return _copy(value, links, module)
    if isinstance(value, list):
        return [_copy_field(one, links, module) for one in value]
    return value


def _class_constants(build: Build, links: Links, constants: Constants) -> "dict[str, int | bool | None]":
    """Names that are a constant of one class alone, and that nothing else in the build binds: self.X is that too."""
    owners: "dict[str, list[tuple[str, str]]]" = {}
    for home, name in constants:
        owner, point, last = name.rpartition(".")
        if point:
            owners.setdefault(last, []).append((home, name))
    bound: "set[str]" = set()
    for module in build:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                bound.add(node.attr)
        for mention in links.scopes[module.name].mentions:
            if mention.stored and mention.scope.kind == "class":
                key = "%s.%s" % (getattr(mention.scope.node, "name", ""), mention.name)
                if (module.name, key) not in constants:
                    bound.add(mention.name)
    return {name: constants[found[0]] for name, found in owners.items() if len(found) == 1 and name not in bound}


class _Values(ast.NodeTransformer):
    """Replaces names, and attributes of modules and classes, by their values."""

    def __init__(self, module: Module, links: Links, constants: Constants, attributes: "dict[str, int | bool | None]"):
        self._module = module
        self._links = links
        self._constants = constants
        self._attributes = attributes

    def _value(self, node: ast.expr, target: "Target | None", inner: str = "") -> "ast.expr | None":
        if target is not None and target.name is not None:
            key = (target.module, target.name + inner)
            if key in self._constants:
                return number(self._constants[key], node)
        return None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and CONSTANT.match(node.id):
            mention = self._links.scopes[self._module.name].by_node.get(node)
            if mention is not None:
                if mention.scope.kind == "class":
                    owner = Target(self._module.name, getattr(mention.scope.node, "name", ""), True)
                    return self._value(node, owner, "." + node.id) or node
                return self._value(node, self._links.of_mention(self._module, mention)) or node
        elif isinstance(node.ctx, ast.Load):  # an import under another name
            return self._value(node, self._links.of(self._module, node)) or node
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and CONSTANT.match(node.attr):
            found = self._value(node, self._links.of(self._module, node))
            if found is None:
                found = self._value(node, self._links.of(self._module, node.value), "." + node.attr)
            if found is None and node.attr in self._attributes:
                if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                    found = number(self._attributes[node.attr], node)
            if found is not None:
                return found
        self.generic_visit(node)
        return node


def _bind(module: Module, links: Links, constants: Constants) -> None:
    """Turn the imports of constants into assignments of their values."""
    body: "list[ast.stmt]" = []
    values: "list[ast.stmt]" = []
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom):
            kept = []
            for alias in node.names:
                name = alias.asname or alias.name
                target = links.definition(links.imported(module, node, alias))
                key = (target.module, target.name or "")
                if key in constants:
                    value = number(constants[key], node)
                    values.append(at(node, ast.Assign([ast.Name(name, ast.Store())], value)))
                else:
                    kept.append(alias)
            node.names = kept
            if not kept:
                continue
        body.append(node)
    module.tree.body[:] = body + values
