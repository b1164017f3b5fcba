"""A folder on a medium that loses its power: what of it has to be there afterwards, and what may be."""

import os
from itertools import compress, product
from pathlib import Path
from typing import Any, Iterator

from atiny.testing import PowerCut

# What has become of the bytes of a file that were not synced: gone, there, half of them, there as zeros.
LOST, KEPT, TORN, ZEROS = "lost", "kept", "torn", "zeros"
FATES = (LOST, KEPT, TORN, ZEROS)
BEFORE, HALF, AFTER = "before", "half", "after"
CALLS = ("open", "pwrite", "fsync", "replace", "unlink", "symlink")


class File:
    """What is known of one file: the bytes that were synced, and those of a file that has lost its name."""

    def __init__(self, synced: bytes = b""):
        self.synced = synced
        self.unnamed: "bytes | None" = None


class Disk:
    """Watches the calls of `os` that change something in ``folder``, and cuts the power in the ``number``-th, from 1.

    ``how``: before it did anything, after it, or (of a write) half way. The model is that of POSIX: each change of a
    name may have come through or not until its folder was synced, a rename whole or not at all; the bytes of a file are
    sure once it was synced, whatever its name, and may have met any of the `FATES` before.
    """

    def __init__(self, folder: Path, monkeypatch: Any, number: "int | None" = None, how: str = BEFORE):
        self.folder = folder
        self.number = number
        self.how = how
        self.calls: "list[str]" = []
        self.off = False
        self._files: "dict[str, File | str]" = {}  # by name; a str is where a link leads
        for path in folder.iterdir():
            self._files[path.name] = os.readlink(path) if path.is_symlink() else File(path.read_bytes())
        self._durable: "dict[str, File | str | None]" = dict(self._files)
        self._pending: "list[dict[str, File | str | None]]" = []  # changes of names since the last sync
        self._descriptors: "dict[int, str]" = {}
        self._real = {name: getattr(os, name) for name in (*CALLS, "close")}
        for name in CALLS:
            monkeypatch.setattr(os, name, getattr(self, "_" + name))

    # -- a power cut

    def hook(self, function: Any) -> Any:
        """``function``, which the host is called by: the power may fail there too."""
        return lambda *arguments: self._do("hook", lambda: function(*arguments))

    def _do(self, call: str, function: Any, half: Any = None) -> Any:
        if self.off:
            raise PowerCut("the power is off")
        self.calls.append(call)
        if len(self.calls) != self.number:
            return function()
        self.off = True
        if self.how == AFTER:
            function()
        elif self.how == HALF and half is not None:
            half()
        raise PowerCut(call)

    def outcomes(self, target: Path) -> "Iterator[str]":
        """Write what may be left to ``target``, anew for each possibility that differs, and yield the bytes' fate."""
        seen = []
        for fate in FATES:
            for chosen in product((False, True), repeat=len(self._pending)):
                names = dict(self._durable)
                for change in compress(self._pending, chosen):
                    names.update(change)
                files = {
                    name: file if isinstance(file, str) else self._bytes(file, fate)
                    for name, file in names.items()
                    if file is not None
                }
                if files not in seen:
                    seen.append(files)
                    _write(target, files)
                    yield fate

    def _bytes(self, file: File, fate: str) -> bytes:
        written = file.unnamed
        if written is None:
            name = next(name for name, other in self._files.items() if other is file)
            written = (self.folder / name).read_bytes()
        if fate == LOST or written == file.synced:
            return file.synced
        if fate == TORN:
            length = (len(written) + 1) // 2
            return written[:length] + file.synced[length:]
        return written if fate == KEPT else file.synced + bytes(max(0, len(written) - len(file.synced)))

    # -- the calls

    def _name(self, path: Any) -> "str | None":
        """The name of a file in the folder; None: it is elsewhere."""
        path = os.fspath(path)
        return os.path.basename(path) if os.path.dirname(path) == str(self.folder) else None

    def _change(self, changes: "dict[str, File | str | None]") -> None:
        for name, file in changes.items():
            old = self._files.pop(name, None)
            if isinstance(old, File) and old not in changes.values():
                old.unnamed = (self.folder / name).read_bytes()
            if file is not None:
                self._files[name] = file
        self._pending.append(changes)

    def _open(self, path: Any, flags: int, *mode: int) -> int:
        name = self._name(path)

        def create() -> int:
            if name is not None and flags & os.O_CREAT and name not in self._files:
                self._change({name: File()})
            fd: int = self._real["open"](path, flags, *mode)
            self._descriptors[fd] = os.fspath(path)
            return fd

        if name is None or not flags & os.O_CREAT:
            return create()
        return int(self._do("open", create))

    def _pwrite(self, fd: int, data: bytes, offset: int) -> int:
        write = self._real["pwrite"]
        half = len(data) // 2
        return int(self._do("pwrite", lambda: write(fd, data, offset), lambda: write(fd, data[:half], offset)))

    def _fsync(self, fd: int) -> None:
        def sync() -> None:
            if self._descriptors[fd] == str(self.folder):
                self._durable, self._pending = dict(self._files), []
            else:
                file = self._files[os.path.basename(self._descriptors[fd])]
                assert isinstance(file, File)
                file.synced = Path(self._descriptors[fd]).read_bytes()

        self._do("fsync", sync)

    def _replace(self, source: Any, target: Any) -> None:
        def replace() -> None:
            old, new = os.path.basename(source), os.path.basename(target)
            self._change({old: None, new: self._files[old]})
            self._real["replace"](source, target)

        self._do("replace", replace)

    def _unlink(self, path: Any) -> None:
        def unlink() -> None:
            if os.path.basename(path) in self._files:
                self._change({os.path.basename(path): None})
            self._real["unlink"](path)

        self._do("unlink", unlink)

    def _symlink(self, target: str, path: Any) -> None:
        def symlink() -> None:
            self._change({os.path.basename(path): target})
            self._real["symlink"](target, path)

        self._do("symlink", symlink)


def _write(target: Path, files: "dict[str, str | bytes]") -> None:
    for path in target.iterdir():
        path.unlink()
    for name, content in files.items():
        if isinstance(content, str):
            (target / name).symlink_to(content)
        else:
            (target / name).write_bytes(content)
