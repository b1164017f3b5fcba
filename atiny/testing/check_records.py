"""The conformance checks for what outlives a restart: `Store` and `StorageDevice`."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterator

from ..adapter.base import StorageDevice, Store
from .checks import Checklist
from .records import UPDATE_RECORD_SIZE

CHUNK = 256
PIECES = (1, 255, 300, 1024, 37, 4096, 11)  # what a package may come in, beginning anew after the last


def check_store(factory: Callable[[], Store]) -> list[str]:
    """Check the stores of ``factory()``, each of which stands for the same medium after another restart.

    It writes and deletes records whose names begin with "atiny-check". That a record is written whole or not at all
    when the power fails cannot be checked from here: cut it.
    """
    check = Checklist("Store")
    name, other, longest = "atiny-check", "atiny-check.1", "atiny-check_" + "X" * 51
    names = (name, other, longest + "1", longest + "2")
    store = factory()
    try:
        for record in names:
            store.delete(record)
    except Exception as error:
        check.rule("delete of what is not there does nothing", False, repr(error), "ignore a record that is missing")
    check.rule("delete of what is not there does nothing", True, "", "")
    nothing = store.get(name)
    check.rule("get of what is not there gives None", nothing is None, f"{nothing!r}", "return None, raise nothing")
    for data in (b"first", bytes(range(256)) * 16, b"short", b"\0\r\n\xff", b""):
        store.put(name, data)
        found = store.get(name)
        check.rule(
            "get gives what put wrote, as bytes",
            type(found) is bytes and found == data,
            f"{_shown(found)} where {_shown(data)} was put",
            "replace the record whole, in binary, and keep an empty record too",
        )
        found = factory().get(name)
        check.rule(
            "a record outlives a restart",
            found == data,
            f"{_shown(found)} where {_shown(data)} was put, in a new store",
            "write to the medium before put returns; a cache is not enough",
        )
    for number, record in enumerate(names):
        store.put(record, b"record %d" % number)
    for number, record in enumerate(names):
        found = store.get(record)
        check.rule(
            'names of up to 64 letters, digits, "-", "_" and "." are kept apart',
            found == b"record %d" % number,
            f"{found!r} in {record!r}, the {number}th of {names}",
            "use the whole name; map it where the medium's names are shorter",
        )
    store.delete(name)
    gone, kept = factory().get(name), store.get(other)
    check.rule(
        "delete removes one record, for good",
        gone is None and kept == b"record 1",
        f"{name!r}: {gone!r}, {other!r}: {kept!r}",
        "delete that record alone, on the medium",
    )
    for record in names:
        store.delete(record)
    return check.done


def check_storage(
    factory: Callable[[], StorageDevice], size: int = 40 * CHUNK, activate: bool = False, capacity: int | None = None
) -> list[str]:
    """Check the storage of ``factory()``, each of which stands for the same device after another restart.

    It overwrites the slot of the new image (with ``size`` bytes of no use) and the update record: not on a device that
    is to be updated. ``activate``: also choose the image to run next, where the device under test takes anything.
    ``capacity``: how many bytes an image may have; where given, the slot is filled. What a power cut leaves cannot be
    checked from here: cut it.
    """
    check = Checklist("StorageDevice")
    storage = factory()
    storage.init()
    _check_record(check, storage, factory)
    image = _image(1, size)
    storage.begin_software_download()
    for offset in range(0, size, CHUNK):
        storage.write_software(offset, image[offset : offset + CHUNK])
    storage.write_software(0, image[:CHUNK])
    check.rule("write_software takes a chunk again", True, "", "")
    readable = _reads(storage)
    if readable:
        _check_image(check, storage, image, "what was written in order, one chunk twice")
        beyond = storage.read_software(size - 8, 64)
        check.rule(
            "read_software ends where the image ends",
            type(beyond) is bytes and beyond[:8] == image[-8:] and len(beyond) in (8, 64),
            f"{beyond!r} for the last 8 bytes",
            "give the bytes that are there; what follows the image does not count",
        )
    storage.end_software_download()
    if readable:
        storage = _restarted(factory)
        _check_image(check, storage, image, "after end_software_download and a restart")
    storage.begin_software_download()
    storage.write_software(0, b"\x55" * CHUNK)
    if readable:
        found = storage.read_software(0, CHUNK)
        check.rule(
            "begin_software_download makes room for another image",
            found == b"\x55" * CHUNK,
            f"{_shown(found)} where 55 55 55 ... was written",
            "erase the slot: flash takes no second write without it",
        )
    if activate:
        check.rule(
            "active_software refuses an image that is not whole",
            _raises(storage.active_software) is not None,
            "no OSError after begin_software_download and without end_software_download",
            "remember that the image was ended, over a restart too, and forget it when another one begins",
        )
    storage = _check_resume(check, storage, factory, _image(3, size), readable)
    if activate:
        storage.active_software()
        result = storage.get_active_result()
        check.rule(
            "get_active_result gives a bool", type(result) is bool, f"{result!r}", "return whether the new image runs"
        )
    if capacity is not None:
        _check_capacity(check, storage, capacity)
    storage.begin_software_download()
    return check.done


def _check_resume(
    check: Checklist, storage: StorageDevice, factory: Callable[[], StorageDevice], image: bytes, readable: bool
) -> StorageDevice:
    """An image in pieces of all sizes, with a restart in the middle where a download could go on after it."""
    storage.begin_software_download()
    half = len(image) // 2 + 1
    pieces = list(_pieces(len(image)))
    for start, end in pieces:
        if readable and start <= half < end:
            record = b"half of it is there"
            storage.write_update_info(0, record)
            storage = _restarted(factory)
            found = _read(storage, start)
            check.rule(
                "what was written before write_update_info outlives a restart",
                found == image[:start],
                f"a difference at {_difference(found, image[:start])} of {start} bytes",
                "bring the image to the medium before the update record, which counts on it; init erases nothing",
            )
            found = storage.read_update_info(0, len(record))
            check.rule(
                "the update record is kept while an image is written",
                found == record,
                f"{found!r} where {record!r} was written",
                "keep the record out of the new image's slot",
            )
        storage.write_software(start, image[start:end])
    if readable:
        _check_image(check, storage, image, "what was written in pieces of all sizes, with a restart in between")
    storage.end_software_download()
    return storage


def _check_capacity(check: Checklist, storage: StorageDevice, capacity: int) -> None:
    storage.begin_software_download()
    for offset in range(0, capacity, CHUNK):
        storage.write_software(offset, b"\xaa" * min(CHUNK, capacity - offset))
    error = _raises(lambda: storage.write_software(capacity, b"\xaa" * CHUNK))
    check.rule(
        "write_software raises OSError (ENOSPC) where the slot is full",
        error is not None and error.errno == errno.ENOSPC,
        f"{error!r} beyond {capacity} bytes",
        "check the offset against the slot's size",
    )


def _check_record(check: Checklist, storage: StorageDevice, factory: Callable[[], StorageDevice]) -> None:
    storage.write_update_info(0, bytes(UPDATE_RECORD_SIZE))
    expected = bytearray(UPDATE_RECORD_SIZE)
    for offset, data in (
        (0, b"head" * 7),
        (256, b"second half"),
        (UPDATE_RECORD_SIZE - 4, b"last"),
        (3, b"overwritten"),
    ):
        storage.write_update_info(offset, data)
        expected[offset : offset + len(data)] = data
        found = storage.read_update_info(0, UPDATE_RECORD_SIZE)
        check.rule(
            "the update record has 512 bytes, and a write changes only its own",
            type(found) is bytes and found == expected,
            f"a difference at {_difference(found, expected)} after a write of {len(data)} bytes at {offset}",
            "read the record, change it, write it: a flash sector is erased whole",
        )
    part = storage.read_update_info(256, 6)
    check.rule(
        "read_update_info reads from any offset",
        part == b"second",
        f"{part!r} at 256 where b'second' was written",
        "return exactly the bytes asked for",
    )
    again = _restarted(factory)
    found = again.read_update_info(0, UPDATE_RECORD_SIZE)
    check.rule(
        "the update record outlives a restart, and init",
        found == expected,
        f"a difference at {_difference(found, expected)} in a new storage",
        "write to the medium before write_update_info returns; init erases nothing",
    )
    again.write_update_info(0, bytes(UPDATE_RECORD_SIZE))


def _reads(storage: StorageDevice) -> bool:
    try:
        storage.read_software(0, 1)
        return True
    except NotImplementedError:
        return False


def _restarted(factory: Callable[[], StorageDevice]) -> StorageDevice:
    storage = factory()
    storage.init()
    return storage


def _image(step: int, size: int) -> bytes:
    """Bytes that do not repeat themselves at any power of two; another image for another ``step``."""
    return bytes(index * step % 255 + 1 for index in range(size))


def _pieces(size: int) -> Iterator[tuple[int, int]]:
    start = 0
    for length in itertools.cycle(PIECES):
        if start >= size:
            return
        yield start, min(start + length, size)
        start += length


def _raises(function: Callable[[], object]) -> OSError | None:
    try:
        function()
    except OSError as error:
        return error
    return None


def _read(storage: StorageDevice, length: int) -> bytes:
    return b"".join(storage.read_software(offset, CHUNK) for offset in range(0, length, CHUNK))[:length]


def _check_image(check: Checklist, storage: StorageDevice, image: bytes, when: str) -> None:
    found = _read(storage, len(image))
    check.rule(
        f"read_software gives {when}",
        found == image,
        f"a difference at {_difference(found, image)}",
        "write at the offset given, and keep all of it",
    )


def _difference(found: bytes, expected: bytes | bytearray) -> int:
    shorter = min(len(found), len(expected))
    return next((index for index in range(shorter) if found[index] != expected[index]), shorter)


def _shown(data: bytes | None) -> str:
    return repr(data) if data is None or len(data) <= 32 else f"{len(data)} bytes, {data[:16]!r}..."
