"""A whole slim build: a folder that a board is installed from.

::

    OUT/atiny/**.mpy        what a board imports: copy it, or install it by mip
    OUT/package.json        for mip
    OUT/source/atiny/**.py  the same, not compiled: what manifest.py freezes into firmware
    OUT/manifest.py         for the firmware's own build
    OUT/size.txt            the size of each file
    OUT/texts.txt           the errors' and the log's texts, by their numbers
    OUT/names.txt           the names in a traceback, and what they are in the sources

The same sources and options give the same bytes.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..errors import ParameterError
from .bundle import SEPARATE
from .compile import Compiler, program
from .optimize import optimize
from .parts import PARTS, part_of
from .pick import Selection, pick
from .plan import Plan
from .sources import FOLDER, PACKAGE, read_package

MANIFEST = """\
# Freezes atiny into firmware: include("$(THIS_FOLDER)/manifest.py") in the manifest of your board.
package("atiny", base_path="source", opt=3)
"""
_FILES = ("package.json", "manifest.py", "size.txt", "texts.txt", "names.txt")
_FOLDERS = ("atiny", "source")


@dataclass(frozen=True)
class Options:
    """What is built: see `pick` for the first three. ``join``: the modules to few files. ``keep_names`` and
    ``keep_texts`` are for whom size is not all; ``public``: names to keep besides those of the API."""

    profile: str = "core"
    add: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    join: bool = True
    keep_names: bool = False
    keep_texts: bool = False
    public: frozenset[str] = frozenset()
    compiler: Compiler = field(default_factory=Compiler)


@dataclass(frozen=True)
class File:
    """One compiled module: its part (None: the core), where it lies, the bytes of its source before and its .mpy."""

    part: str | None
    path: str
    source: int
    data: bytes


@dataclass(frozen=True)
class Build:
    """What came out. ``sources``: the text of each module, by its path; ``texts`` and ``names``: see `optimize`."""

    selection: Selection
    files: list[File]
    sources: dict[str, str]
    texts: list[tuple[int, str, int, str]]
    names: list[tuple[str, str]]

    @property
    def size(self) -> int:
        """The bytes of all .mpy files."""
        return sum(len(file.data) for file in self.files)


def build(options: Options, folder: Path = FOLDER) -> Build:
    """Pick, rewrite and compile. Raises `ParameterError` for what cannot be built, `AtinyError` without a compiler."""
    program()  # before the work, where it is missing
    package = read_package(folder)
    chosen = pick(package, options.profile, options.add, options.drop)
    plan = Plan(
        missing=chosen.missing,
        absent=chosen.absent,
        dropped=chosen.dropped,
        public=options.public,
        bundles=bundles(chosen) if options.join else {},
        keep_names=options.keep_names,
        keep_texts=options.keep_texts,
    )
    result = optimize({name: module.text for name, module in chosen.modules.items()}, plan)
    files, sources = [], {}
    homes = {name: plan.bundles.get(name, name) for name in chosen.modules}
    for name, text in sorted(result.sources.items()):
        path = _path(name, chosen, plan.bundles)
        sources[path] = text
        source = sum(len(module.text.encode()) for member, module in chosen.modules.items() if homes[member] == name)
        data = options.compiler.compile(text, path)
        part = next(part_of(member) for member, home in sorted(homes.items()) if home == name)
        files.append(File(part, path[: -len(".py")] + ".mpy", source, data))
    texts = [(number, module, line, text) for number, (module, line, text) in sorted(result.texts.items())]
    return Build(chosen, files, sources, texts, sorted(result.names.items()))


def bundles(chosen: Selection) -> dict[str, str]:
    """Which modules are joined: to ``atiny`` itself, but for those of parts that are a file of their own."""
    found = {}
    for name in chosen.modules:
        if name not in SEPARATE:
            part = part_of(name)
            file = "" if part is None else PARTS[part].file
            found[name] = f"{PACKAGE}._{file}" if file else PACKAGE
    return found


def _path(name: str, chosen: Selection, joined: dict[str, str]) -> str:
    """Where the text of a module goes."""
    if joined:
        return f"{PACKAGE}/__init__.py" if name == PACKAGE else name.replace(".", "/") + ".py"
    return f"{PACKAGE}/{chosen.modules[name].path}"


def check_folder(out: Path) -> None:
    """`ParameterError` where ``out`` is a file, or a folder that holds something else than an earlier build."""
    if out.exists() and not out.is_dir():
        raise ParameterError(f"{out} is a file: name a folder")
    inside = {path.name for path in out.iterdir()} if out.exists() else set()
    if inside and not {*_FILES} <= inside <= {*_FILES, *_FOLDERS}:
        raise ParameterError(f"{out} holds something else than an earlier build: name an empty folder, or a new one")


def write(built: Build, out: Path) -> None:
    """Write the folder, which has passed `check_folder`, over what an earlier build left there."""
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    for file in built.files:
        _put(out / file.path, file.data)
    for path, text in built.sources.items():
        _put(out / "source" / path, text.encode())
    urls = [[file.path, file.path] for file in built.files]
    _put(out / "package.json", (json.dumps({"urls": urls, "version": __version__}, indent=1) + "\n").encode())
    _put(out / "manifest.py", MANIFEST.encode())
    _put(out / "size.txt", (size_table(built) + "\n").encode())
    texts = "".join(f"#{number} {module}:{line}: {text}\n" for number, module, line, text in built.texts)
    _put(out / "texts.txt", texts.encode())
    _put(out / "names.txt", "".join(f"{new} {old}\n" for new, old in built.names).encode())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def size_table(built: Build) -> str:
    """The report: bytes of the source and of the .mpy by file, largest first; then by part, and in all."""
    lines = [f"{'.mpy':>7}  {'source':>7}  file"]
    for file in sorted(built.files, key=lambda file: (-len(file.data), file.path)):
        lines.append(f"{len(file.data):>7}  {file.source:>7}  {file.path}")
    lines.append("")
    for part in [None, *sorted(built.selection.parts)]:
        own = [file for file in built.files if file.part == part]
        if own:
            lines.append(f"{sum(len(file.data) for file in own):>7}  {'':>7}  {part or 'core'}: {len(own)} files")
    lines.append(f"{built.size:>7}  {sum(file.source for file in built.files):>7}  in all: {len(built.files)} files")
    return "\n".join(lines)
