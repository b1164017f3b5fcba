"""The package's own sources as the slim build reads them: its modules, what each imports, which a board can run.

An import at the top of a module is a need: without it the module cannot be loaded. An import inside a function is a
choice: what it names is loaded when the function is called, and may be of a part that a build leaves out.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "atiny"
FOLDER = Path(__file__).resolve().parent.parent

# What runs only on a host, never on a board; the names are relative to the package.
HOST_ONLY = ("testing", "cloud", "slim", "cli")
# Above the host-only line, yet bound to CPython.
CPYTHON_ONLY = (
    "adapter/http_source.py",
    "adapter/posix.py",
    "adapter/posix_net.py",
    "adapter/posix_storage.py",
    "dtls/mbedtls.py",
    "fota/signing.py",
    "aio.py",
)


@dataclass(frozen=True)
class Import:
    """One import of a module of the package: by whom (``line``), and whether it is made inside a function."""

    module: str
    line: int
    choice: bool


@dataclass
class Module:
    """One module: its dotted ``name``, its ``path`` in the package, its text, what it imports of the package."""

    name: str
    path: str
    text: str
    imports: list[Import] = field(default_factory=list)


def package_files(folder: Path = FOLDER) -> list[str]:
    """Every module of the package, as a path relative to it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))


def is_host_only(path: str) -> bool:
    """Whether the file or folder ``path`` lies below the host-only line."""
    return path.split("/")[0].removesuffix(".py") in HOST_ONLY


def dialect_files(folder: Path = FOLDER) -> list[str]:
    """The files that have to run unchanged on MicroPython."""
    return [path for path in package_files(folder) if not is_host_only(path) and path not in CPYTHON_ONLY]


def module_of(path: str) -> str:
    """The dotted name of a package file: ``coap/codes.py`` is ``atiny.coap.codes``."""
    parts = path[: -len(".py")].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join([PACKAGE, *parts])


def is_type_checking(node: ast.AST) -> bool:
    """Whether ``node`` is ``if TYPE_CHECKING:``, whose body no runtime executes."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def known_answer(node: ast.expr) -> bool | None:
    """What a build knows the answer to: it is for MicroPython, and without what helps a developer; None: not known."""
    if isinstance(node, ast.Compare) and ast.unparse(node) == "sys.implementation.name == 'micropython'":
        return True
    return False if isinstance(node, ast.Name) and node.id == "__debug__" else None


def read_package(folder: Path = FOLDER) -> dict[str, Module]:
    """Every module that a board can run, by its dotted name."""
    found = {}
    for path in dialect_files(folder):
        found[module_of(path)] = Module(module_of(path), path, (folder / path).read_text())
    known = {module_of(path) for path in package_files(folder)}
    for module in found.values():
        is_package = module.path.endswith("__init__.py")
        module.imports = _imports(ast.parse(module.text), module.name, is_package, known)
    return found


def _imports(tree: ast.Module, name: str, is_package: bool, known: set[str]) -> list[Import]:
    found: list[Import] = []

    def visit(node: ast.AST, inside: bool) -> None:
        if is_type_checking(node):
            assert isinstance(node, ast.If)
            for statement in node.orelse:
                visit(statement, inside)
            return
        if isinstance(node, ast.If) and known_answer(node.test) is not None:
            for statement in node.body if known_answer(node.test) else node.orelse:
                visit(statement, inside)
            return
        if isinstance(node, ast.ImportFrom):
            base = resolve(node, name, is_package)
            if base.split(".")[0] == PACKAGE:
                for alias in node.names:
                    whole = f"{base}.{alias.name}"
                    found.append(Import(whole if whole in known else base, node.lineno, inside))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    found.append(Import(alias.name, node.lineno, inside))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(tree, False)
    return found


def resolve(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    """The dotted module that ``from ... import`` in module ``name`` names."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join(parts + ([node.module] if node.module else []))
