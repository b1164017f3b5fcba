"""``atiny slim``: the package that a MicroPython board is installed from."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import ParameterError
from ..slim.compile import ARCHITECTURES, EMITTERS, Compiler
from ..slim.parts import PARTS, PROFILES
from .common import FAILED, Failure, Output, json_option


def _parts(context: click.Context, option: click.Parameter, value: str) -> frozenset[str]:
    return frozenset(name for name in value.replace(",", " ").split())


def _list_parts() -> str:
    """The parts for the help's end."""
    width = max(map(len, PARTS))
    lines = [f"  {name:<{width}}  {part.summary}" for name, part in PARTS.items()]
    for name, parts in PROFILES.items():
        lines.append(f"  profile {name}: {', '.join(sorted(parts)) or 'the core alone'}")
    return "\b\nParts:\n" + "\n".join(lines)


@click.command("slim", epilog=_list_parts())
@click.option("--profile", type=click.Choice(list(PROFILES)), default="core", show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where it is written.")
@click.option("--with", "add", default="", callback=_parts, metavar="PART,...", help="Parts beyond the profile's.")
@click.option("--without", "drop", default="", callback=_parts, metavar="PART,...", help="Parts of it to leave out.")
@click.option("--arch", type=click.Choice(ARCHITECTURES), help="The board's architecture, for machine code.")
@click.option("--emit", type=click.Choice(EMITTERS), default="bytecode", show_default=True)
@click.option("--keep-names", is_flag=True, help="Keep the sources' names, for tracebacks that read well.")
@click.option("--keep-texts", is_flag=True, help="Keep the texts of errors and log lines instead of their numbers.")
@json_option
def command(
    profile: str,
    out: Path,
    add: frozenset[str],
    drop: frozenset[str],
    arch: str | None,
    emit: str,
    keep_names: bool,
    keep_texts: bool,
    as_json: bool,
) -> int:
    """Build atiny for a MicroPython board, into DIR.

    A profile has the parts that a device of its kind needs: core registers, reports and obeys over UDP, dtls does so
    with a pre-shared key, full is the whole LwM2M 1.0 device with firmware update. DIR/atiny is what the board imports:

    \b
    atiny slim --profile dtls --out build
    mpremote mip install build/package.json        (or copy build/atiny to the board's /lib)
    """
    from ..slim.build import Options, build, check_folder, size_table, write

    try:
        check_folder(out)
        options = Options(
            profile, add, drop, keep_names=keep_names, keep_texts=keep_texts, compiler=Compiler(arch, emit)
        )
        built = build(options)
        write(built, out)
    except ParameterError as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        raise Failure(FAILED, f"cannot write {out}: {problem.strerror}") from None
    output = Output(as_json)
    for part, why in built.selection.added.items():
        output.say(f"{part} is added: {why}", "added", part=part, why=why)
    if not as_json:
        print(size_table(built))
    output.say(
        f"{built.size} bytes in {len(built.files)} files: {out}",
        "built",
        bytes=built.size,
        files={file.path: len(file.data) for file in built.files},
        parts=sorted(built.selection.parts),
        out=str(out),
    )
    return 0
