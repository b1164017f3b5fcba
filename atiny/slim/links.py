"""Where an imported name comes from: follows the imports of a build to the module that defines a name."""

import ast
from dataclasses import dataclass

from .scopes import Mention, Scope, Scopes
from .tree import Build, Function, Module


@dataclass(frozen=True)
class Target:
    """What a name means. ``name`` None: the module itself. ``ours``: of the package that is built."""

    module: str
    name: "str | None"
    ours: bool


class Links:
    """The scopes of all modules of a build, and what their names mean. Made anew after the trees were changed."""

    def __init__(self, build: Build):
        self.build = build
        self.scopes: "dict[str, Scopes]" = {module.name: Scopes(module) for module in build}
        self._imports: "dict[Scope, dict[str, list[Target]]]" = {}
        self._stores: "dict[Scope, dict[str, int]]" = {}
        for module in build:
            scopes = self.scopes[module.name]
            for mention in scopes.mentions:
                if mention.stored:
                    counts = self._stores.setdefault(mention.scope, {})
                    counts[mention.name] = counts.get(mention.name, 0) + 1
            for node in ast.walk(module.tree):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    for alias in node.names:
                        mention = scopes.by_node[alias]
                        found = self._imports.setdefault(mention.scope, {}).setdefault(mention.name, [])
                        found.append(self.imported(module, node, alias))

    def imported(self, module: Module, node: "ast.Import | ast.ImportFrom", alias: ast.alias) -> Target:
        """What an import binds to its name."""
        build = self.build
        if isinstance(node, ast.Import):
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            return Target(name, None, build.is_ours(name))
        source = module.source_of(node)
        inner = source + "." + alias.name
        if build.exists(inner):
            return Target(inner, None, True)
        return Target(source, alias.name, build.is_ours(source))

    def stores(self, scope: Scope, name: str) -> int:
        """How often a scope binds a name."""
        return self._stores.get(scope, {}).get(name, 0)

    def meaning(self, scope: Scope, name: str) -> "Target | None":
        """What a name that is bound once, by an import, means; followed to its definition."""
        found = self._imports.get(scope, {}).get(name)
        if not found or self.stores(scope, name) != len(found):
            return None
        targets = {self.definition(target) for target in found}
        return targets.pop() if len(targets) == 1 else None

    def definition(self, target: Target) -> Target:
        """The module that defines what an import names, through those that only pass it on."""
        for _ in range(20):
            if target.name is None or target.module not in self.scopes:
                return target
            scope = self.scopes[target.module].module
            found = self._imports.get(scope, {}).get(target.name)
            if not found or self.stores(scope, target.name) != 1:
                return target
            target = found[0]
        return target

    def of_mention(self, module: Module, mention: Mention) -> "Target | None":
        """What a Name means: something imported, or a name of the module itself; None: a local one or a builtin."""
        found = self.meaning(mention.scope, mention.name)
        if found is None and mention.scope.kind == "module" and mention.name in mention.scope.bound:
            return Target(module.name, mention.name, True)
        return found

    def of(self, module: Module, node: ast.AST) -> "Target | None":
        """What an expression means: a Name, or an attribute of a module."""
        if isinstance(node, ast.Name):
            mention = self.scopes[module.name].by_node.get(node)
            return None if mention is None else self.of_mention(module, mention)
        if isinstance(node, ast.Attribute):
            base = self.of(module, node.value)
            if base is None or base.name is not None:
                return None
            inner = base.module + "." + node.attr
            if base.ours and self.build.exists(inner) and not self._defines(base.module, node.attr):
                return Target(inner, None, True)
            return self.definition(Target(base.module, node.attr, base.ours))
        return None

    def _defines(self, module: str, name: str) -> bool:
        scopes = self.scopes.get(module)
        if scopes is None or name not in scopes.module.bound:
            return False
        found = self._imports.get(scopes.module, {}).get(name)
        return not found or found[0].name is not None

    def is_external(self, module: Module, node: ast.AST) -> bool:
        """Whether an expression is a module of the runtime, or something inside one: time, os.path, struct.pack."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return False
        mention = self.scopes[module.name].by_node.get(node)
        if mention is None:
            return False
        found = self._imports.get(mention.scope, {}).get(mention.name, [])
        return bool(found) and not any(target.ours for target in found)

    def node_of(self, target: "Target | None") -> "ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | None":
        """The class or function at the top of a module that a target is."""
        if target is None or target.name is None or target.module not in self.build.modules:
            return None
        for node in self.build.modules[target.module].tree.body:
            if isinstance(node, (ast.ClassDef, *Function)) and node.name == target.name:
                assert isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                return node
        return None

    def bases(self, module: Module, node: ast.ClassDef) -> "list[tuple[Module, ast.ClassDef]]":
        """The classes of the build that a class derives from, near to far."""
        found: "list[tuple[Module, ast.ClassDef]]" = []
        for base in node.bases:
            target = self.of(module, base)
            above = self.node_of(target)
            if target is not None and isinstance(above, ast.ClassDef):
                home = self.build.modules[target.module]
                found.append((home, above))
                found.extend(self.bases(home, above))
        return found

    def foreign_base(self, module: Module, node: ast.ClassDef) -> bool:
        """Whether a class, or one that it derives from, has a base of the runtime's other than an exception."""
        for home, one in [(module, node), *self.bases(module, node)]:
            for base in one.bases:
                if self.node_of(self.of(home, base)) is None:
                    last = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                    if last != "object" and not last.endswith(("Error", "Exception")):
                        return True
        return False
