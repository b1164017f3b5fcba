"""The project's own source files, for the tests that read them."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "atiny"

# What runs only on a host, never on a board; the names are relative to the package.
HOST_ONLY = ("testing", "cloud", "slim", "cli")
# Above the host-only line, yet bound to CPython.
CPYTHON_ONLY = (
    "adapter/http_source.py",
    "adapter/posix.py",
    "adapter/posix_net.py",
    "adapter/posix_storage.py",
    "dtls/mbedtls.py",
    "aio.py",
)


def package_files() -> "list[str]":
    """Every module of the package, as a path relative to it, sorted."""
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def is_host_only(name: str) -> bool:
    """Whether the file or folder ``name`` lies below the host-only line."""
    return name.split("/")[0].removesuffix(".py") in HOST_ONLY


def dialect_files() -> "list[str]":
    """The files that have to run unchanged on MicroPython."""
    return [name for name in package_files() if not is_host_only(name) and name not in CPYTHON_ONLY]


def module_of(name: str) -> str:
    """The dotted name of a package file: ``coap/codes.py`` is ``atiny.coap.codes``."""
    parts = name[: -len(".py")].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(["atiny", *parts])


def is_type_checking(node: ast.AST) -> bool:
    """Whether ``node`` is ``if TYPE_CHECKING:``, whose body no runtime executes."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
