"""The names that a build composes at run time: ``getattr(self, "read_" + name)``, and what strings name whole."""

import ast
import re

from .links import Links
from .tree import IDENTIFIER, Build, Module

_PREFIX = re.compile(r"([A-Za-z]\w*_)(?:%s)?\Z")
_ROW = "Resource"


class Strings:
    """What strings of a build may name. ``whole``: strings that are identifiers. ``rows``: those of them that stand
    nowhere but in tables of resources, as their names. ``prefixes``: what is put before such a string."""

    def __init__(self, build: Build, links: Links):
        self.whole: "set[str]" = set()
        self.prefixes: "set[str]" = set()
        self.rows: "dict[str, list[ast.Constant]]" = {}
        for module in build:
            rows = set(self._add_rows(module, links))
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in rows:
                    self._add(node.value)
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
                    self.whole.update(keyword.arg for keyword in node.keywords if keyword.arg)
        for name in self.whole:
            self.rows.pop(name, None)

    def _add(self, text: str) -> None:
        if IDENTIFIER.match(text):
            self.whole.add(text)
        prefix = _PREFIX.match(text)
        if prefix:
            self.prefixes.add(prefix.group(1))

    def _add_rows(self, module: Module, links: Links) -> "list[ast.Constant]":
        """The names in the tables of resources of a module."""
        found: "list[ast.Constant]" = []
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and len(node.args) > 1:
                name = node.args[1]
                target = links.of(module, node.func)
                if target is not None and target.ours and target.name == _ROW:
                    if isinstance(name, ast.Constant) and isinstance(name.value, str):
                        found.append(name)
                        self.rows.setdefault(name.value, []).append(name)
        return found

    def is_whole(self, name: str) -> bool:
        """Whether a string that is no row, or one behind a prefix, is this name."""
        return name in self.whole or any(rest in self.whole for _, rest in self.split(name))

    def row_of(self, name: str) -> "str | None":
        """The row that a name is of: itself, or what is behind a prefix."""
        if name in self.rows:
            return name
        for _, rest in self.split(name):
            if rest in self.rows:
                return rest
        return None

    def split(self, name: str) -> "list[tuple[str, str]]":
        """The ways in which a name may be composed: (prefix, rest)."""
        return [(prefix, name[len(prefix) :]) for prefix in sorted(self.prefixes) if name.startswith(prefix)]

    def name(self, name: str) -> bool:
        """Whether some string, or two of them put together, is this name."""
        return self.is_whole(name) or self.row_of(name) is not None
