"""Drops what nothing names any more: as a linker drops sections, by name, over the whole build, to a fixpoint."""

import ast
from collections import Counter

from .constants import PUBLIC
from .external import MEMBERS
from .fold import fold
from .links import Links
from .strings import Strings
from .surface import Surface, find_surface
from .tree import Build, Module, is_pure, rewrite

Counts = Counter[tuple[str, str]]
_ROUNDS = 50
_ATTRIBUTE = ""  # where an attribute is named: anywhere


def shake(build: Build) -> None:
    """Drop functions, methods, classes, globals, imports, and attributes that are only stored."""
    for _ in range(_ROUNDS):
        if not _Round(build).run():
            return
    raise AssertionError("it does not come to an end")


def defined_name(node: ast.stmt) -> "str | None":
    """The name of a function or class, or of a single assignment that does nothing else."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id if is_pure(node.value) else None
    return None


class _Round:
    """One pass over the build: what nobody names when it begins goes."""

    def __init__(self, build: Build):
        self.build = build
        self.links = Links(build)
        self.surface: Surface = find_surface(build, self.links)
        self.strings = Strings(build, self.links)
        self.owned: "set[str]" = set()  # attributes that a class of the build stores on itself
        self.setters: "set[str]" = set()  # properties that are asked for by a store
        self.changed: "set[str]" = set()
        self.taken: "dict[str, set[str]]" = {}  # module -> what others take from it
        for module in build:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    if isinstance(node.value, ast.Name) and node.value.id == "self":
                        self.owned.add(node.attr)
                elif isinstance(node, ast.FunctionDef):
                    for decorator in node.decorator_list:
                        if isinstance(decorator, ast.Attribute) and decorator.attr == "setter":
                            self.setters.add(node.name)
        # (module, name) of globals; ("", name) of attributes
        self.named: Counts = Counter()
        for module in build:
            self.named.update(self._mentions(module, module.tree))
            self._take(module)

    def _mentions(self, module: Module, node: ast.AST) -> Counts:
        """How often each global and each attribute is asked for below a node."""
        found: Counts = Counter()
        by_node = self.links.scopes[module.name].by_node
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Store):
                mention = by_node[child]
                if mention.scope.kind == "module":
                    found[module.name, child.id] += 1
                elif mention.scope.kind == "class":
                    found[_ATTRIBUTE, child.id] += 1
            elif isinstance(child, ast.Attribute):
                if not isinstance(child.ctx, ast.Store) or child.attr in self.setters:
                    found[_ATTRIBUTE, child.attr] += 1
            elif isinstance(child, ast.ImportFrom):
                source = module.source_of(child)
                for alias in child.names:
                    found[source, alias.name] += 1
            elif isinstance(child, ast.AugAssign):
                if isinstance(child.target, ast.Attribute):
                    found[_ATTRIBUTE, child.target.attr] += 1
                elif isinstance(child.target, ast.Name) and by_node[child.target].scope.kind == "module":
                    found[module.name, child.target.id] += 1
        return found

    def _take(self, module: Module) -> None:
        """What a module takes from others: by an import, or as an attribute."""
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                source = module.source_of(node)
                names = {alias.name for alias in node.names if not self.build.exists(source + "." + alias.name)}
                self.taken.setdefault(source, set()).update(names)
            elif isinstance(node, ast.Attribute):
                base = self.links.of(module, node.value)
                if base is not None and base.name is None:
                    self.taken.setdefault(base.module, set()).add(node.attr)

    def run(self) -> bool:
        """Drop; returns whether there was something."""
        for module in self.build:
            self.module = module
            self.used = self._used_imports(module)
            rewrite(module.tree, self._statement)
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ClassDef):
                    self._class(module, node)
            self._top(module)
            if module.name in self.changed:
                fold(module)
        return bool(self.changed)

    # -- questions

    def _wanted(self, name: str, home: str, node: "ast.AST | None" = None) -> bool:
        """Whether something outside of a node names what it defines; ``home``: the module of a global, or ""."""
        if name in self.build.plan.public or self.strings.name(name):
            return True
        inside = Counter() if node is None else self._mentions(self.module, node)
        if self.named[_ATTRIBUTE, name] > inside[_ATTRIBUTE, name]:
            return True
        return home != _ATTRIBUTE and self.named[home, name] > inside[home, name]

    def _keeps(self, name: str, home: str, node: ast.stmt) -> bool:
        return node in self.surface.required or name.startswith("__") or self._wanted(name, home, node)

    def _gone(self, node: ast.AST) -> "list[ast.stmt]":
        self.changed.add(self.module.name)
        self.named.subtract(self._mentions(self.module, node))
        return []

    # -- what goes

    def _top(self, module: Module) -> None:
        """Functions, classes and names of a module."""
        kept: "list[ast.stmt]" = []
        for node in module.tree.body:
            name = defined_name(node)
            if isinstance(node, ast.Assign) and module.name == PUBLIC:
                name = None
            if name is None or self._keeps(name, module.name, node):
                kept.append(node)
            else:
                self._gone(node)
        module.tree.body[:] = kept

    def _class(self, module: Module, cls: ast.ClassDef) -> None:
        """Methods and names of a class."""
        foreign = self.links.foreign_base(module, cls)
        kept: "list[ast.stmt]" = []
        for node in cls.body:
            name = defined_name(node)
            if name is None or (foreign and name in MEMBERS) or self._keeps(name, _ATTRIBUTE, node):
                kept.append(node)
            else:
                self._gone(node)
        cls.body[:] = kept

    def _statement(self, node: ast.stmt) -> "list[ast.stmt] | None":
        """Imports that are not used, attributes that are only stored."""
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias for alias in node.names if alias in self.used]
            if len(names) < len(node.names):
                self._gone(node)
                node.names = names
                self.named.update(self._mentions(self.module, node))
            return None if names else []
        if isinstance(node, ast.Assign):
            return self._store(node)
        return None

    def _store(self, node: ast.Assign) -> "list[ast.stmt] | None":
        kept = [target for target in node.targets if not self._is_only_stored(target)]
        if len(kept) == len(node.targets):
            return None
        self._gone(node)
        node.targets = kept
        if kept:
            self.named.update(self._mentions(self.module, node))
            return None
        if is_pure(node.value):
            return []
        self.named.update(self._mentions(self.module, node.value))
        return [ast.copy_location(ast.Expr(node.value), node)]

    def _is_only_stored(self, node: ast.expr) -> bool:
        """Whether a target is an attribute that nothing reads."""
        if not isinstance(node, ast.Attribute) or not is_pure(node.value):
            return False
        name = node.attr
        if name in self.build.plan.absent:
            return False  # of which `check_absent` has to hear
        if name not in self.owned or name in MEMBERS or name in self.surface.names or name in self.setters:
            return False
        return not self._wanted(name, _ATTRIBUTE)

    def _used_imports(self, module: Module) -> "set[ast.alias]":
        """The imports of a module whose names are used there, or are taken from there, or are public."""
        scopes = self.links.scopes[module.name]
        loaded = {(mention.scope, mention.name) for mention in scopes.mentions if not mention.stored}
        used: "set[ast.alias]" = set()
        for node in ast.walk(module.tree):
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            for alias in node.names:
                mention = scopes.by_node[alias]
                if (mention.scope, mention.name) in loaded:
                    used.add(alias)
                elif mention.scope.kind == "module" and self._passed_on(module, node, alias, mention.name):
                    used.add(alias)
        return used

    def _passed_on(self, module: Module, node: "ast.Import | ast.ImportFrom", alias: ast.alias, name: str) -> bool:
        """Whether an import is there for others: public, a module of a package, or taken from here by others."""
        if module.name == PUBLIC:
            return not name.startswith("_")
        target = self.links.imported(module, node, alias)
        if target.name is None and target.ours and module.package and alias.asname == alias.name:
            return True
        return name in self.build.plan.public or name in self.taken.get(module.name, ())
