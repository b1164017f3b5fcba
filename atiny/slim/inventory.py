"""All names of a build, by their kind and by the files that have them, and which of them have to stay."""

import ast
from collections import defaultdict

from .external import MEMBERS
from .links import Links
from .naming import Tables
from .scopes import Scope, Scopes, all_arguments
from .strings import Strings
from .surface import Surface
from .tree import Build, Function, Module

Files = dict[str, set[str]]  # name -> the modules that have it


class Inventory:
    """There are three kinds of names, which never meet: attributes (of classes and instances), the globals of modules,
    and the locals of functions. Keywords are locals that callers name. A name that is a module's global and also used
    as an attribute (a module may be handed on as a value) is ``bridged``: it has one new name as both."""

    def __init__(self, build: Build, surface: Surface):
        self.build = build
        self.links = Links(build)
        self.surface = surface
        self.strings = Strings(build, self.links)
        self.tables = Tables(build.modules)
        self.attributes: Files = defaultdict(set)
        self.globals: Files = defaultdict(set)
        self.keywords: Files = defaultdict(set)
        self.defined: "set[str]" = set()  # attributes
        self.parameters: "set[str]" = set()
        self.builtins: Files = defaultdict(set)  # module -> the builtins that it names
        self.imports: Files = defaultdict(set)  # module -> globals whose names an import fixes
        self.taken: Files = defaultdict(set)  # module -> globals that others name
        self.takers: "dict[tuple[str, str], set[str]]" = defaultdict(set)  # (module, global) -> who imports it
        self.fixed_nodes: "set[ast.AST]" = set()  # attributes of the runtime's modules, submodules
        self.global_nodes: "set[ast.AST]" = set()  # attributes that are a module's global
        for module in build:
            self._gather(module, self.links.scopes[module.name])
        self._gather_rows()
        self._split_globals()
        self._fix()
        self._constraints()

    # -- what there is

    def _gather(self, module: Module, scopes: Scopes) -> None:
        file = module.name
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                self._gather_attribute(module, node)
            elif isinstance(node, ast.keyword) and node.arg:
                self.keywords[node.arg].add(file)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                self.parameters.update(argument.arg for argument in all_arguments(node.args))
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._gather_import(module, scopes, node)
        for mention in scopes.mentions:
            if mention.scope.kind == "class":
                self.attributes[mention.name].add(file)
                if mention.stored:
                    self.defined.add(mention.name)
            elif mention.scope.kind == "module":
                if scopes.is_bound(mention.name):
                    self.globals[mention.name].add(file)
                else:
                    self.tables.add(file, mention.name)
                    self.builtins[file].add(mention.name)

    def _gather_attribute(self, module: Module, node: ast.Attribute) -> None:
        base = self.links.of(module, node.value)
        if self.links.is_external(module, node):
            self.fixed_nodes.add(node)
            self.tables.add(module.name, node.attr)
        elif base is None or base.name is not None:
            self.attributes[node.attr].add(module.name)
            if isinstance(node.ctx, ast.Store):
                self.defined.add(node.attr)
        elif self.build.exists(base.module + "." + node.attr):
            self.fixed_nodes.add(node)
            self.tables.add(module.name, node.attr)
        else:
            self.global_nodes.add(node)
            self.taken[base.module].add(node.attr)
            self.takers[base.module, node.attr].add("")
            self.globals[node.attr].add(module.name)

    def _gather_import(self, module: Module, scopes: Scopes, node: "ast.Import | ast.ImportFrom") -> None:
        for alias in node.names:
            target = self.links.imported(module, node, alias)
            if target.name is None or not target.ours:
                self.tables.add(module.name, alias.name)
                if alias.asname in (None, alias.name) and scopes.by_node[alias].scope.kind == "module":
                    self.imports[module.name].add(scopes.by_node[alias].name)
            else:
                self.taken[target.module].add(alias.name)
                self.takers[target.module, alias.name].add(module.name if alias.asname in (None, alias.name) else "")
                self.globals[alias.name].add(module.name)

    def _gather_rows(self) -> None:
        for module in self.build:
            here = {id(node) for node in ast.walk(module.tree)}
            for name, nodes in self.strings.rows.items():
                if any(id(node) in here for node in nodes):
                    self.attributes[name].add(module.name)
                    self.defined.add(name)

    def _split_globals(self) -> None:
        """Which globals others name (``shared``); the rest is ``private`` to its file."""
        self.shared: "set[str]" = set().union(*self.taken.values()) if self.taken else set()
        self.private: "dict[str, set[str]]" = {}
        self.bridged = {name for name in self.shared if name in self.attributes}
        for module in self.build:
            imported = {
                alias.name
                for node in ast.walk(module.tree)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
                if alias.asname in (None, alias.name)
            }
            private = set()
            for name in self.links.scopes[module.name].module.bound:
                if name in self.attributes:
                    self.bridged.add(name)
                elif name not in self.taken[module.name] and name not in imported:
                    private.add(name)
            self.private[module.name] = private

    # -- what stays

    def _fix(self) -> None:
        surface, public, strings = self.surface, self.build.plan.public, self.strings
        kept = surface.names | MEMBERS | public
        kept_rows = {name for name in strings.rows if name in kept}
        for name in sorted(self.attributes):
            row = strings.row_of(name)
            if row is not None and name in kept:
                kept_rows.add(row)
        # A diagnostic names the row that it is about; without texts it is a number there, too.
        self.rows = set() if self.build.plan.keep_texts else set(strings.rows) - kept_rows
        self.fixed_attributes = {
            name
            for name in self.attributes
            if name in kept or name.startswith("__") or name not in self.defined or self._is_named(name)
        }
        own = self.surface.exports
        self.fixed_globals = {
            name for name in self.globals if name in own or name in kept - MEMBERS or name.startswith("__")
        }
        for name in self.bridged:
            defined = name in self.defined
            if name in MEMBERS or name in self.fixed_globals or self._is_named(name):
                stays = True
            else:
                stays = defined and name in self.fixed_attributes
            for kind in (self.fixed_globals, self.fixed_attributes):
                (kind.add if stays else kind.discard)(name)
        self.fixed_keywords = {
            name
            for name in self.keywords
            if name in surface.parameters or name in MEMBERS or name not in self.parameters or strings.is_whole(name)
        }
        self.never = set(strings.whole) | self.fixed_attributes | self.fixed_globals | self.fixed_keywords
        self.never |= surface.names | surface.parameters | public
        for names in self.imports.values():
            self.never |= names
        for files, fixed in (
            (self.attributes, self.fixed_attributes),
            (self.globals, self.fixed_globals),
            (self.keywords, self.fixed_keywords),
        ):
            for name in fixed:
                for file in files[name]:
                    self.tables.add(file, name)

    def _is_named(self, name: str) -> bool:
        """Whether strings keep a name; a row of a table is renamed with what it names."""
        return self.strings.is_whole(name) or self.strings.row_of(name) not in {None, *self.rows}

    def fixed_parameters(self, node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda") -> "list[str]":
        """The parameters of a function that callers may name."""
        public = node in self.surface.nodes
        return [
            argument.arg
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if argument.arg in self.keywords or (public and argument.arg != "self")
        ]

    def _constraints(self) -> None:
        """What must not become the same: a global or builtin, and what could hide it where it is used."""
        self.beside_attributes: Files = defaultdict(set)  # global or builtin -> attributes of the class around it
        self.beside_parameters: Files = defaultdict(set)  # -> parameters that callers name
        for module in self.build:
            for mention in self.links.scopes[module.name].mentions:
                if mention.scope.kind != "module":
                    continue
                scope: "Scope | None" = mention.home
                if scope is not None and scope.kind == "class":
                    self.beside_attributes[mention.name] |= scope.bound
                while scope is not None:
                    if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                        self.beside_parameters[mention.name].update(self.fixed_parameters(scope.node))
                    scope = scope.parent

    def only_source(self, name: str) -> "str | None":
        """The module that defines a class or function, where all who import it take it from there, by its name."""
        sources = [module for module, taken in self.takers if taken == name]
        if len(sources) != 1 or "" in self.takers[sources[0], name]:
            return None
        for node in self.build.modules[sources[0]].tree.body if sources[0] in self.build.modules else []:
            if isinstance(node, (ast.ClassDef, *Function)) and node.name == name:
                return sources[0]
        return None
