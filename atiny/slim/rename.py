"""Gives everything that is not public a short name, by one plan for the whole build."""

import ast
from collections import defaultdict

from .constants import PUBLIC
from .inventory import Inventory
from .naming import BUILTINS, GUARDED, POOL, cost, usable
from .relabel import relabel
from .scopes import Mention, Scope
from .surface import Surface
from .tree import Build, Function, Module


def rename(build: Build, surface: Surface) -> "dict[str, str]":
    """Rename; returns new -> old name, several old ones by "|"."""
    names = Names(Inventory(build, surface))
    for module in build:
        relabel(names, module)
    return names.table()


class Names:
    """The new name of each name."""

    def __init__(self, inventory: Inventory):
        self.inventory = inventory
        self.links = inventory.links
        self.attributes: "dict[str, str]" = {}
        self.keywords: "dict[str, str]" = {}
        self.shared: "dict[str, str]" = {}  # globals that other modules name
        self.private: "dict[tuple[str, str], str]" = {}  # (module, global)
        self.aliases: "dict[tuple[str, str], str]" = {}  # (module, public global): under which others import it
        self.locals: "dict[Scope, dict[str, str]]" = {}
        self._plan_attributes()
        self._plan_keywords()
        self._plan_shared()
        self._plan_aliases()
        for module in inventory.build:
            self._plan_private(module)
        for module in inventory.build:
            self._plan_locals(module)

    # -- attributes, keywords, globals

    def _plan_attributes(self) -> None:
        known = self.inventory
        beside: "dict[str, set[str]]" = defaultdict(set)  # attribute -> what its class names: builtins, globals
        for name, attributes in known.beside_attributes.items():
            for attribute in attributes:
                beside[attribute].add(name)
        files = {name: known.attributes[name] for name in known.attributes if name not in known.fixed_attributes}
        for name in known.bridged - known.fixed_globals:
            files[name] = files.get(name, set()) | known.globals[name]
        composed = {name for name in files if name not in known.rows and known.strings.row_of(name) in known.rows}
        used: "set[str]" = set()
        for name in sorted(set(files) - composed, key=lambda name: (-len(files[name]), name)):
            forbidden = used | known.never | beside[name]
            if name in known.bridged:
                forbidden |= self._hidden_by(name)
                for file in files[name]:
                    forbidden |= known.builtins[file]
            candidates = GUARDED if name in known.surface.guarded else POOL
            new = known.tables.choose(files[name], forbidden, candidates)
            used.add(new)
            self.attributes[name] = new
            if name in known.bridged:
                self.shared[name] = new
        for name in sorted(composed):
            for prefix, row in known.strings.split(name):
                if row in known.rows:
                    self.attributes[name] = prefix + self.attributes[row]

    def _hidden_by(self, name: str) -> "set[str]":
        """New names that would hide a global where it is used."""
        known = self.inventory
        found = {self.attributes.get(other, other) for other in known.beside_attributes.get(name, ())}
        return found | {self.keywords.get(other, other) for other in known.beside_parameters.get(name, ())}

    def _plan_keywords(self) -> None:
        known = self.inventory
        used: "set[str]" = set()
        order = [name for name in known.keywords if name not in known.fixed_keywords]
        for name in sorted(order, key=lambda name: (-len(known.keywords[name]), name)):
            files = known.keywords[name]
            forbidden = used | known.never | BUILTINS | set(self.shared.values())
            new = self.attributes.get(name, "")
            if not new or new in forbidden:
                new = known.tables.choose(files, forbidden, POOL)
            used.add(new)
            self.keywords[name] = new
            for file in files:
                known.tables.add(file, new)

    def _plan_shared(self) -> None:
        known = self.inventory
        order = [name for name in known.shared if name not in self.shared and name not in known.fixed_globals]
        for name in sorted(order, key=lambda name: (-len(known.globals[name]), name)):
            self.shared[name] = self._shared_name(name, known.globals[name])

    def _shared_name(self, name: str, files: "set[str]") -> str:
        known = self.inventory
        forbidden = set(self.shared.values()) | set(self.aliases.values()) | known.never | self._hidden_by(name)
        for file in files:
            forbidden |= known.builtins[file] | known.imports[file]
        return known.tables.choose(files, forbidden, POOL)

    def _plan_aliases(self) -> None:
        """Public classes and functions that other modules import often: under a short name as well."""
        known = self.inventory
        for name in sorted(known.fixed_globals & known.shared):
            home = known.only_source(name)
            if home is None or name in known.bridged:
                continue
            takers = known.takers[home, name] - {PUBLIC}
            if (len(takers) * (cost(name) - 3)) > 8:
                for file in takers:
                    known.tables.names[file].discard(name)
                new = self._shared_name(name, takers | {home})
                for file in takers | {home}:
                    self.aliases[file, name] = new

    def _plan_private(self, module: Module) -> None:
        """Globals that only their own file names: any name that is there already will do."""
        known, file = self.inventory, module.name
        bound = known.links.scopes[file].module.bound
        names = sorted(known.private[file] - known.fixed_globals - known.imports[file])
        used = known.builtins[file] | known.imports[file] | known.strings.whole
        used |= {self.global_name(file, name) for name in bound if name not in names}
        used |= {new for (home, _), new in self.aliases.items() if home == file}
        for name in names:
            here = [one for one in sorted(known.tables.names[file]) if one not in BUILTINS and usable(one)]
            new = known.tables.choose([file], used | self._hidden_by(name), here + POOL)
            used.add(new)
            self.private[file, name] = new

    def global_name(self, module: str, name: str) -> str:
        """What a global is called in a module that has it."""
        known = self.inventory
        if name in known.imports[module]:
            return name
        alias = self.aliases.get((module, name))
        if alias is not None and known.only_source(name) != module:
            return alias
        return self.private.get((module, name)) or self.shared.get(name, name)

    def imported_name(self, module: str, source: str, name: str) -> str:
        """Under which name a module imports a global of another one."""
        alias = self.aliases.get((module, name))
        return alias if alias is not None else self.global_name(source, name)

    # -- locals

    def _plan_locals(self, module: Module) -> None:
        scopes = self.links.scopes[module.name]
        below: "dict[Scope, list[Mention]]" = defaultdict(list)  # scope -> the mentions in it and in those inside it
        for mention in scopes.mentions:
            scope: "Scope | None" = mention.home
            while scope is not None:
                below[scope].append(mention)
                scope = scope.parent
        self._plan_scope(module, scopes.module, below)

    def _plan_scope(self, module: Module, scope: Scope, below: "dict[Scope, list[Mention]]") -> None:
        if scope.kind == "function":
            self._plan_function(module, scope, below[scope])
        for child in scope.children:
            self._plan_scope(module, child, below)

    def _plan_function(self, module: Module, scope: Scope, mentions: "list[Mention]") -> None:
        """Parameters, and the functions and classes inside: their names stand in the .mpy; and all other locals."""
        known, tables = self.inventory, self.inventory.tables
        taken: "set[str]" = set()
        stand: "set[str]" = set()
        mapped: "dict[str, str]" = {}
        wishes: "dict[str, str]" = {}
        for mention in mentions:
            if mention.scope is not scope:
                taken.add(self.new_name(module, mention))
            elif isinstance(mention.node, (ast.arg, ast.ClassDef, *Function)):
                stand.add(mention.name)
            elif isinstance(mention.node, ast.alias):
                wishes[mention.name] = self._import_wish(module, mention.node)
        if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for name in known.fixed_parameters(scope.node):
                mapped[name] = self.keywords.get(name, name)
                tables.add(module.name, mapped[name])
        for name in sorted(wishes):
            if wishes[name] not in taken and wishes[name] not in mapped.values() and name not in mapped:
                mapped[name] = wishes[name]
        here = sorted(filter(usable, tables.names[module.name]), key=lambda one: (cost(one), one))
        parameters = [argument.arg for argument in scope.parameters]
        rest = parameters + sorted(scope.bound - set(parameters), key=lambda name: (name not in stand, name))
        for name in rest:
            if name in mapped:
                continue
            forbidden = taken | set(mapped.values())
            if name in stand:
                mapped[name] = tables.choose([module.name], forbidden, here + POOL)
            else:
                mapped[name] = next(one for one in here + POOL if one not in forbidden)
        self.locals[scope] = mapped

    def _import_wish(self, module: Module, alias: ast.alias) -> str:
        """The name that an import inside a function has for free."""
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and alias in node.names:
                target = self.links.imported(module, node, alias)
                if target.name is not None and target.ours:
                    return self.imported_name(module.name, target.module, alias.name)
        return alias.name.partition(".")[0]

    # -- the answer

    def new_name(self, module: Module, mention: Mention) -> str:
        """What a mentioned name becomes; of a local, once its function was planned."""
        name, scope = mention.name, mention.scope
        if scope.kind == "function":
            return self.locals.get(scope, {}).get(name, name)
        if scope.kind == "class":
            return self.attributes.get(name, name)
        if self.links.scopes[module.name].is_bound(name):
            return self.global_name(module.name, name)
        return name

    def table(self) -> "dict[str, str]":
        """New -> old names: attributes, keywords and globals."""
        found: "dict[str, set[str]]" = defaultdict(set)
        for names in (self.attributes, self.shared, self.keywords):
            for old, new in names.items():
                found[new].add(old)
        for (_, old), new in self.aliases.items():
            found[new].add(old)
        for (module, old), new in self.private.items():
            found[new].add("%s.%s" % (module, old))
        return {new: "|".join(sorted(found[new])) for new in sorted(found)}
