"""Joins the modules of a part to one: what one of them takes from another needs no import any more, and all share one
table of names. A board loads a part as a whole or not at all, so nothing is lost by it.

Each global of a joined module gets a name of its own, but for those that `atiny` exports; `rename` makes them short.
"""

import ast

from .constants import PUBLIC
from .links import Links, Target
from .scopes import Mention, Scope
from .tree import Build, Function, Module, rewrite

# Modules that a host imports by their own names: they stay files.
SEPARATE = ("atiny.errors", "atiny.adapter.base")


def bundle(build: Build) -> None:
    """Join the modules of ``build`` as its plan says: module -> the module that it becomes part of."""
    _Bundler(build).run()


class _Bundler:
    def __init__(self, build: Build):
        self.build = build
        self.links = Links(build)
        self.homes = {name: build.plan.bundles.get(name, name) for name in build.modules}
        self.names: "dict[tuple[str, str], str]" = {}  # (module, global) -> its name in the bundle
        self.wanted: "dict[str, dict[tuple[str, str], str]]" = {}  # bundle -> what it takes of others: target -> name

    def run(self) -> None:
        self._name_all()
        joined: "dict[str, list[ast.stmt]]" = {}
        for name in self._order():
            module = self.build.modules[name]
            home = self.homes[name]
            _Rewrite(self, module, home).run()
            joined.setdefault(home, []).extend(module.tree.body)
        modules = {}
        for home in sorted(joined):
            body = [*self._imports(home), *_without_twins(joined[home])]
            modules[home] = Module(home, ast.fix_missing_locations(ast.Module(body, [])), home == PUBLIC)
        self.build.modules.clear()
        self.build.modules.update(modules)

    # -- names

    def _name_all(self) -> None:
        """What each global will be called: as `atiny` exports it, or with its module behind it."""
        exported: "dict[Target, str]" = {}
        for name in sorted(self.links.scopes[PUBLIC].module.bound):
            target = self.links.definition(Target(PUBLIC, name, True))
            if target.ours and target.name is not None:
                exported.setdefault(target, name)
        for module in self.build:
            for name in sorted(self.links.scopes[module.name].module.bound):
                found = self.links.meaning(self.links.scopes[module.name].module, name)
                if found is not None and (found.ours or module.name == PUBLIC):
                    continue  # an import of ours: what it means has a name
                target = Target(module.name, name, True)
                if self.homes[module.name] == module.name or module.name == PUBLIC or name.startswith("__"):
                    new = name
                elif found is not None:
                    new = "%s__of_%s" % (found.name or found.module, found.module)  # one import for the whole bundle
                elif exported.get(target) == name:
                    new = name
                else:
                    new = "%s__%s" % (name, module.name.replace(".", "_"))
                self.names[module.name, name] = new.replace(".", "_")

    def place(self, target: Target) -> "tuple[str, str]":
        """The bundle that a definition is in, and its name there."""
        assert target.name is not None
        return self.homes.get(target.module, target.module), self.names.get((target.module, target.name), target.name)

    def local(self, home: str, target: Target) -> str:
        """What the bundle ``home`` calls a definition; taken from its bundle where that is another one."""
        there, name = self.place(target)
        if there == home:
            return name
        taken = self.wanted.setdefault(home, {})
        new = name if there in SEPARATE or home != PUBLIC else "%s__%s" % (name, there.replace(".", "_"))
        return taken.setdefault((there, name), new)

    def _imports(self, home: str) -> "list[ast.stmt]":
        """The imports of a bundle from others."""
        found: "dict[str, list[ast.alias]]" = {}
        for (there, name), new in sorted(self.wanted.get(home, {}).items()):
            found.setdefault(there, []).append(ast.alias(name, None if name == new else new))
        return [ast.ImportFrom(there, aliases, 0) for there, aliases in found.items()]

    # -- order

    def _order(self) -> "list[str]":
        """The modules, each behind those that it needs when it is loaded."""
        order: "list[str]" = []
        done: "set[str]" = set()

        def visit(name: str) -> None:
            if name in done or name not in self.build.modules:
                return
            done.add(name)
            for need in self._needs(self.build.modules[name]):
                visit(need)
            order.append(name)

        for name in self.build.modules:
            visit(name)
        return order

    def _needs(self, module: Module) -> "list[str]":
        found = []
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    target = self.links.definition(self.links.imported(module, node, alias))
                    found += [module.source_of(node), target.module]
        return sorted(set(found) - {PUBLIC})


class _Rewrite(ast.NodeTransformer):
    """Puts the names of the bundle into one module."""

    def __init__(self, bundler: _Bundler, module: Module, home: str):
        self._bundler = bundler
        self._links = bundler.links
        self._module = module
        self._home = home
        self._scopes = bundler.links.scopes[module.name]

    def run(self) -> None:
        self._attributes: "dict[ast.AST, str]" = {}
        for node in ast.walk(self._module.tree):
            if isinstance(node, ast.Attribute):
                base = self._links.of(self._module, node.value)
                if base is not None and base.name is None and base.ours:
                    target = self._links.of(self._module, node)
                    if target is not None and target.name is not None:
                        self._attributes[node] = self._bundler.local(self._home, target)
        self._module.tree = self.visit(self._module.tree)
        for mention in self._scopes.mentions:
            self._mention(mention)
        for node in ast.walk(self._module.tree):
            if isinstance(node, ast.Global):
                node.names = [self._bundler.names.get((self._module.name, name), name) for name in node.names]
        rewrite(self._module.tree, self._statement)
        rewrite(self._module.tree, _untried)
        for node in ast.walk(self._module.tree):
            if isinstance(node, (ast.If, ast.For, ast.While, ast.With, *Function)) and not node.body:
                node.body.append(ast.Pass())

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node in self._attributes:
            return ast.copy_location(ast.Name(self._attributes[node], node.ctx), node)
        return self.generic_visit(node)

    def _mention(self, mention: Mention) -> None:
        new = self._new_name(mention)
        if new is None or new == mention.name:
            return
        if any(new in scope.bound for scope in _around(mention.home)):
            raise self._module.error(mention.node, "%s means a local name here, and %s" % (mention.name, new))
        node = mention.node
        if isinstance(node, ast.Name):
            node.id = new
        elif isinstance(node, (ast.ClassDef, *Function)):
            node.name = new
        elif isinstance(node, ast.alias):
            node.asname = new

    def _new_name(self, mention: Mention) -> "str | None":
        target = self._links.meaning(mention.scope, mention.name)
        if target is not None and target.ours:
            if isinstance(mention.node, ast.alias):
                return None  # `_statement` sees to it
            if target.name is None:
                return None  # the module of an attribute that is replaced as a whole
            if mention.scope.kind != "module" and self._bundler.place(target)[0] != self._home:
                return None  # a function's own import of another bundle
            return self._bundler.local(self._home, target)
        if mention.scope.kind == "module" and self._scopes.is_bound(mention.name):
            return self._bundler.names.get((self._module.name, mention.name))
        return None

    def _statement(self, node: ast.stmt) -> "list[ast.stmt] | None":
        """Imports of ours: those within the bundle go, those inside functions of another bundle are of that one."""
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            return None
        kept: "list[ast.stmt]" = []
        for alias in node.names:
            target = self._links.definition(self._links.imported(self._module, node, alias))
            mention = self._scopes.by_node[alias]
            if not target.ours:
                kept.append(_single(node, alias))
            elif mention.scope.kind != "module" and target.name is not None:
                there, name = self._bundler.place(target)
                if there != self._home:
                    kept.append(ast.ImportFrom(there, [ast.alias(name, mention.name)], 0))
                elif self._links.meaning(mention.scope, mention.name) is None:  # it is bound elsewhere in it, too
                    kept.append(ast.Assign([ast.Name(mention.name, ast.Store())], ast.Name(name, ast.Load())))
        return kept

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return super().generic_visit(node)


def _untried(node: ast.stmt) -> "list[ast.stmt] | None":
    """Without the ``try`` around an import that may fail, where what it imported is in the same bundle now."""
    if not isinstance(node, ast.Try) or not node.handlers:
        return None
    for handler in node.handlers:
        if not isinstance(handler.type, ast.Name) or handler.type.id != "ImportError":
            return None
    for statement in node.body:
        if any(isinstance(child, (ast.Import, ast.ImportFrom)) for child in ast.walk(statement)):
            return None
    return [*node.body, *node.orelse, *node.finalbody]


def _single(node: "ast.Import | ast.ImportFrom", alias: ast.alias) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.copy_location(ast.Import([alias]), node)
    return ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node)


def _around(scope: "Scope | None") -> "list[Scope]":
    """The functions around a place."""
    found = []
    while scope is not None:
        if scope.kind == "function":
            found.append(scope)
        scope = scope.parent
    return found


def _without_twins(body: "list[ast.stmt]") -> "list[ast.stmt]":
    """Without the second and further imports of the same thing under the same name, at the top."""
    seen: "set[str]" = set()
    found = []
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            text = ast.dump(node)
            if text in seen:
                continue
            seen.add(text)
        found.append(node)
    return found
