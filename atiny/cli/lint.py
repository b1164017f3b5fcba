"""``atiny lint``: whether a source runs on both runtimes."""

from __future__ import annotations

from pathlib import Path

import click

from ..slim.dialect import check
from .common import FAILED, Output, json_option


@click.command("lint")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE...")
@json_option
def command(sources: tuple[Path, ...], as_json: bool) -> int:
    """Name each line that MicroPython would refuse, ignore or take differently from CPython.

    FILE may be a folder: all .py files below it are read.
    """
    output = Output(as_json)
    found = 0
    for source in sources:
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            try:
                problems = check(str(path), path.read_text())
            except (SyntaxError, ValueError) as error:  # ValueError: no UTF-8, a zero byte
                problems = [f"{path}:{getattr(error, 'lineno', None) or 1}: this is no Python: {error}"]
            for problem in problems:
                found += 1
                line, why = problem[len(f"{path}:") :].split(": ", 1)
                output.say(problem, "finding", file=str(path), line=int(line), why=why)
    return FAILED if found else 0
