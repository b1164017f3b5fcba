# mypy: disable-error-code="no-any-return"
"""Firmware in two files of a folder, for MicroPython: on any of its file systems, best on littlefs."""

import errno
import os

from .micropython import Hardware
from .micropython_store import FileStore
from .slots import ENOSPC, Slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Hook = Callable[[str], object]


class SlotStorage(Slots):
    """A `StorageDevice` of two files in ``folder``, ``slot0`` and ``slot1``, and a record of which one runs.

    ``folder`` is made where it is missing. What an image is, is the board's affair: an archive that ``main.py`` puts on
    sys.path, a program that it executes, ... ``main.py``, which is not upgraded itself, asks `boot` for its path; None:
    there was no upgrade yet. Whole firmware images belong into a flash partition; see examples/micropython.

    ``activate``: called with the path of an image, makes the board run it after the next start, whatever that takes
    besides ("": what ran before the first upgrade). ``active``: called with the path of the new image after a start,
    says whether it runs. A hook that raises fails with OSError, and the old image stays.

    ``starts``: how many starts the new image has to confirm itself (`confirm`); then the old one is back. 0: it need
    not. ``health_timeout_s``: how long it may take in each start, for who watches it (`health_left_ms`); a hardware
    watchdog ends what hangs. None: any time. ``clock``: milliseconds that never go back.
    """

    def __init__(
        self,
        folder: str,
        activate: "Hook | None" = None,
        active: "Hook | None" = None,
        health_timeout_s: "int | None" = 300,
        starts: int = 3,
        clock: "Callable[[], int] | None" = None,
    ):
        super().__init__(
            folder, FileStore(folder), activate, active, health_timeout_s, starts, clock or Hardware().gettime_ms
        )
        self._file: "Any" = None
        self._position = 0
        self._end = 0  # how long the new image is
        self._dirty = False

    def write_software(self, offset: int, data: bytes) -> None:
        """Write to the file; `write_update_info` and `end_software_download` bring it to the medium."""
        if self._file is None:
            self.open_image(False)
        if offset > self._end:
            raise OSError(errno.EINVAL, "a gap: %d is beyond the %d bytes written" % (offset, self._end))
        self._dirty = True
        self._seek(offset)
        self._position = -1  # not known, should this fail
        try:
            if self._file.write(data) != len(data):
                raise OSError(ENOSPC, "the medium is full")
        except OSError:
            self.drop_image()
            raise
        self._position = offset + len(data)
        if self._position > self._end:
            self._end = self._position

    def read_software(self, offset: int, length: int) -> bytes:
        """Read from the slot that takes new images."""
        if self._file is not None:
            self._seek(offset)
            self._position = -1
            return self._file.read(length)
        try:
            with open(self.new_path(), "rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return b""

    def open_image(self, erase: bool) -> None:
        """Open the new image."""
        if self._file is not None:
            return
        if erase:
            self._file = open(self.new_path(), "w+b")
            self._end = 0
        else:
            self.go_on()
            self._file = open(self.new_path(), "r+b")
            self._end = os.stat(self.new_path())[6]
        self._position = 0
        self._dirty = True

    def sync_image(self) -> None:
        """Bring what was written to the medium."""
        if self._file is not None and self._dirty:
            try:
                self._file.flush()
            except OSError:
                self.drop_image()
                raise
            if hasattr(os, "sync"):
                os.sync()
            self._dirty = False

    def drop_image(self) -> None:
        """Remove the new image."""
        try:
            self.close_image()
        except OSError:  # it has failed already
            pass
        os.remove(self.new_path())

    def close_image(self) -> None:
        """Close the new image."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def link(self) -> "str | None":
        """What the record "current" says."""
        target = self._store.get("current")
        return None if target is None else target.decode()

    def point(self, target: "str | None") -> None:
        """Write the record, or remove it."""
        if target is None:
            self._store.delete("current")
        else:
            self._store.put("current", target.encode())

    def _seek(self, offset: int) -> None:
        if offset != self._position:
            self._file.seek(offset)
