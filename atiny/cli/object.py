"""``atiny object``: from an OMA object definition to a class that is ready to edit."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from .common import FAILED, Failure
from .definition import MAX_SIZE, DefinitionError, parse
from .source import class_name, source_of

# Those of a client itself: it takes no other class for one that it has.
BUILT_IN = (0, 1, 2, 3, 4, 6, 7, 19)
TAKEN = ("atiny", "codes")  # what the source itself imports


@click.command("object")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.xml")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a new file.")
@click.option("--class", "name", metavar="NAME", help="Of the class; by default made from the object's name.")
def command(file: Path, out: Path | None, name: str | None) -> int:
    """Print an Object class made from an OMA definition, ready to edit.

    FILE.xml is one object of the OMA registry. Each resource is an attribute, what is mandatory with a value; ranges
    are checked; what is executed raises NotImplementedError until you write it.

    \b
    atiny object 3303.xml --out temperature.py
    """
    if name is not None and (not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) or keyword.iskeyword(name)):
        raise click.BadParameter(f"{name!r} cannot name a class: give letters, digits and _", param_hint="--class")
    if name in TAKEN:
        raise click.BadParameter(f"{name!r} is the name of a module that the source needs", param_hint="--class")
    try:
        with file.open("rb") as stream:
            definition = parse(stream.read(MAX_SIZE + 1))
    except DefinitionError as problem:
        raise Failure(FAILED, f"{file}: {problem}") from None
    except OSError as problem:
        raise Failure(FAILED, f"cannot read {file}: {problem.strerror}") from None
    source = source_of(definition, name or class_name(definition), file.name).encode()
    if out is None:
        click.echo(source, nl=False)
    else:
        _write(out, source)
    if definition.id in BUILT_IN:
        click.echo(f"atiny: object {definition.id} is built in: a client that has it refuses another class", err=True)
    return 0


def _write(out: Path, source: bytes) -> None:
    """To a new file: what is there may be an earlier one, edited since."""
    try:
        with out.open("xb") as stream:
            stream.write(source)
    except FileExistsError:
        raise Failure(FAILED, f"{out} exists: give another --out, or remove it") from None
    except OSError as problem:
        raise Failure(FAILED, f"cannot write {out}: {problem.strerror}") from None
