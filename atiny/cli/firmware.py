"""The firmware of a device of the command line: a folder of two images, and restarts that are played."""

from __future__ import annotations

import hashlib
from pathlib import Path

import atiny
from atiny.adapter.base import StorageDevice

FACTORY = "factory"  # what ran before the first upgrade


class Firmware:
    """Images in ``folder`` (an `atiny.SlotStorage`), packages signed by ``key`` (PEM) or, without, by nobody.

    Raises `atiny.ParameterError` for a key that is none, OSError for a folder that cannot be.
    """

    def __init__(self, folder: str, key: bytes | None = None):
        self._folder = folder
        self.options = atiny.FirmwareOptions(key=key)
        self._storage = atiny.SlotStorage(folder)

    def boot(self) -> StorageDevice:
        """What a launcher does at each start; the storage for the client that is to run then."""
        self._storage = atiny.SlotStorage(self._folder)
        self._storage.boot()
        return self._storage

    def confirm(self) -> bool:
        """The new image works. False: it has been given up, and the next start is the old one's."""
        return self._storage.confirm()

    @property
    def image(self) -> bytes | None:
        """The image that runs; None: what there was before the first upgrade."""
        path = self._storage.path()
        return None if path is None else Path(path).read_bytes()

    @property
    def version(self) -> str:
        """What tells the image that runs from others: the beginning of its SHA-256."""
        image = self.image
        return FACTORY if image is None else hashlib.sha256(image).hexdigest()[:12]
