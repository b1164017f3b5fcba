"""A folder with an old firmware that runs, for the tests of the slots."""

import os
from pathlib import Path

import atiny
from atiny.adapter import posix_storage

IMAGE = b"a new image " * 100


def old_folder(path: Path) -> Path:
    """The folder as it is before the first upgrade."""
    path.mkdir()
    (path / "slot0").write_bytes(b"old")
    (path / "current").symlink_to("slot0")
    return path


def started(folder: Path, **options: object) -> posix_storage.SlotStorage:
    storage = atiny.SlotStorage(str(folder), **options)
    storage.init()
    return storage


def loaded(folder: Path, image: bytes = IMAGE, **options: object) -> posix_storage.SlotStorage:
    storage = started(folder, **options)
    storage.begin_software_download()
    storage.write_software(0, image)
    storage.end_software_download()
    return storage


def current(folder: Path) -> "str | None":
    return os.readlink(folder / "current") if (folder / "current").is_symlink() else None
