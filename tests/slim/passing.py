"""Runs one pass over small sources, and whole builds in a Python of their own."""

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from atiny.slim.plan import Plan, Result
from atiny.slim.tree import Build

MODULE = "atiny.m"


def normal(source: str) -> str:
    """A source as `ast` writes it."""
    return ast.unparse(ast.parse(dedent(source)))


def passed(run, before: "str | dict[str, str]", **plan) -> "dict[str, str]":
    """What a pass makes of sources: module -> text. One text alone is the module atiny.m."""
    sources = {MODULE: before} if isinstance(before, str) else before
    build = Build({name: dedent(text) for name, text in sources.items()}, Plan(**plan))
    run(build)
    return {module.name: ast.unparse(ast.fix_missing_locations(module.tree)) for module in build}


def assert_pass(run, before: str, after: str, **plan) -> None:
    """That a pass makes one source of another."""
    assert passed(run, before, **plan)[MODULE] == normal(after)


def said(result: Result, folder: Path, script: str, hashseed: str = "0") -> str:
    """What a script prints that runs on a build, on CPython."""
    for name, text in result.sources.items():
        package = name == "atiny" or any(other.startswith(name + ".") for other in result.sources)
        path = folder.joinpath(*name.split("."), *(["__init__"] if package else [])).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)],
        env={"PYTHONPATH": str(folder), "PYTHONHASHSEED": hashseed},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
