"""Fakes of what outlives a restart: the firmware's storage and the small records, with power cuts on demand."""

from __future__ import annotations

import errno

from ..adapter.base import StorageDevice, Store, check_record_name

UPDATE_RECORD_SIZE = 512


class PowerCut(BaseException):
    """The power failed. Not an Exception: code that goes on after it would show what no device can do."""


class _Powered:
    """Counts operations that change something, and cuts the power in the middle of the nth."""

    def __init__(self) -> None:
        self.operations = 0
        self.off = False
        self._cut_at: int | None = None

    def cut_power_at(self, number: int | None) -> None:
        """Cut the power in the nth changing operation from now (1: the next); None: not at all."""
        self._cut_at = None if number is None else self.operations + number

    def restart(self) -> None:
        """The power is back, and the device starts."""
        self.off = False
        self._cut_at = None

    def _check(self) -> None:
        if self.off:
            raise PowerCut("the power is off: restart() first")

    def _cut(self) -> bool:
        """Count an operation; whether it is the one that the power fails in."""
        self._check()
        self.operations += 1
        if self.operations != self._cut_at:
            return False
        self.off = True
        return True


class FakeStore(_Powered, Store):
    """A `Store` in memory.

    ``records`` is what it holds. A `put` or `delete` that the power fails in took effect if ``cut_applies`` is true:
    a caller has to live with either.
    """

    def __init__(self, records: dict[str, bytes] | None = None):
        super().__init__()
        self.records = dict(records or {})
        self.cut_applies = False

    def get(self, name: str) -> bytes | None:
        """The record, or None."""
        check_record_name(name)
        self._check()
        return self.records.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Keep a copy of ``data``."""
        check_record_name(name)
        self._change(name, bytes(data))

    def delete(self, name: str) -> None:
        """Forget the record."""
        check_record_name(name)
        self._change(name, None)

    def _change(self, name: str, data: bytes | None) -> None:
        cut = self._cut()
        if not cut or self.cut_applies:
            if data is None:
                self.records.pop(name, None)
            else:
                self.records[name] = data
        if cut:
            raise PowerCut(f"in the record {name!r}")


class FakeStorageDevice(_Powered, StorageDevice):
    """Two slots for software and an update record, in memory.

    ``slots``: the contents (bytearrays); ``running``: the index of the slot that runs, the other one takes the new
    image. ``record``: the update record. ``capacity``: the most bytes an image may have; writing more raises OSError,
    as does a gap. ``boots``: whether a new image starts; if not, `restart` falls back to the old one. ``calls``: the
    names of the methods that were called. The write that the power fails in leaves its first half.
    """

    def __init__(self, software: bytes = b"old", capacity: int = 1 << 20):
        super().__init__()
        self.slots = [bytearray(software), bytearray()]
        self.running = 0
        self.record = bytearray(UPDATE_RECORD_SIZE)
        self.capacity = capacity
        self.boots = True
        self.whole = False
        self.calls: list[str] = []
        self._chosen: int | None = None
        self._result = False

    @property
    def software(self) -> bytes:
        """The image that runs."""
        return bytes(self.slots[self.running])

    @property
    def new(self) -> bytearray:
        """The slot that takes the new image."""
        return self.slots[1 - self.running]

    def init(self) -> None:
        """Count the call."""
        self._check()
        self.calls.append("init")

    def begin_software_download(self) -> None:
        """Erase the other slot."""
        cut = self._begin("begin_software_download")
        self.whole = False
        self._chosen = None
        self._result = False  # what is asked of `get_active_result` from here on is another image
        del self.new[len(self.new) // 2 if cut else 0 :]
        self._end(cut)

    def write_software(self, offset: int, data: bytes) -> None:
        """Write into the other slot."""
        if offset > len(self.new):
            raise OSError(f"a gap: {offset} is beyond the {len(self.new)} bytes written")
        if offset + len(data) > self.capacity:
            raise OSError(errno.ENOSPC, f"the slot holds {self.capacity} bytes")
        cut = self._begin("write_software")
        written = data[: len(data) // 2] if cut else data
        self.new[offset : offset + len(written)] = written
        self._end(cut)

    def read_software(self, offset: int, length: int) -> bytes:
        """Read from the other slot."""
        self._check()
        self.calls.append("read_software")
        return bytes(self.new[offset : offset + length])

    def end_software_download(self) -> None:
        """The image is whole."""
        cut = self._begin("end_software_download")
        self.whole = not cut
        self._end(cut)

    def active_software(self) -> None:
        """The other slot runs after the next `restart`; OSError where no whole image is in it."""
        if not self.whole:
            raise OSError("no whole image to run: end_software_download was not called")
        cut = self._begin("active_software")
        if not cut:
            self._chosen = 1 - self.running
        self._end(cut)

    def get_active_result(self) -> bool:
        """Whether the chosen image runs, after the restart that was to start it."""
        self._check()
        self.calls.append("get_active_result")
        return self._result

    def write_update_info(self, offset: int, data: bytes) -> None:
        """Write into the update record; OSError beyond its 512 bytes."""
        if offset < 0 or offset + len(data) > UPDATE_RECORD_SIZE:
            raise OSError(f"the update record has {UPDATE_RECORD_SIZE} bytes")
        cut = self._begin("write_update_info")
        written = data[: len(data) // 2] if cut else data
        self.record[offset : offset + len(written)] = written
        self._end(cut)

    def read_update_info(self, offset: int, length: int) -> bytes:
        """Read from the update record."""
        self._check()
        self.calls.append("read_update_info")
        return bytes(self.record[offset : offset + length])

    def restart(self) -> None:
        """Start: the image that `active_software` chose runs if it ``boots``."""
        super().restart()
        if self._chosen is not None:
            self._result = self.boots
            if self.boots:
                self.running = self._chosen
                self.whole = False
            self._chosen = None

    def _begin(self, name: str) -> bool:
        cut = self._cut()
        self.calls.append(name)
        return cut

    def _end(self, cut: bool) -> None:
        if cut:
            raise PowerCut(f"in {self.calls[-1]}")
