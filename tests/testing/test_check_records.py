"""The conformance checks of store and storage: each rule is broken once, and found."""

import pytest

from atiny.testing import FakeStorageDevice, FakeStore, check_storage, check_store

# -- store


class RaisesForMissing(FakeStore):
    def delete(self, name):
        del self.records[name]


class EmptyForMissing(FakeStore):
    def get(self, name):
        return super().get(name) or b""


class KeepsTheTail(FakeStore):
    def put(self, name, data):
        super().put(name, data + self.records.get(name, b"")[len(data) :])


class Text(FakeStore):
    def put(self, name, data):
        super().put(name, data.replace(b"\r\n", b"\n"))


class Strings(FakeStore):
    def get(self, name):
        data = super().get(name)
        return data if data is None else data.decode("latin-1")


class NoEmptyRecord(FakeStore):
    def get(self, name):
        return super().get(name) or None


class Cached(FakeStore):
    """Writes to the medium when it likes."""

    def __init__(self, records):
        super().__init__()
        self.medium = records

    def get(self, name):
        return self.records.get(name, self.medium.get(name))


class ShortNames(FakeStore):
    def get(self, name):
        return super().get(name[:32])

    def put(self, name, data):
        super().put(name[:32], data)


class StemNames(FakeStore):
    """Takes what follows the dot for a file's ending."""

    def get(self, name):
        return super().get(name.partition(".")[0])

    def put(self, name, data):
        super().put(name.partition(".")[0], data)


class DeletesToo(FakeStore):
    def delete(self, name):
        for record in list(self.records):
            if record.startswith(name):
                super().delete(record)


class Undeletes(FakeStore):
    """Deletes in memory only."""

    def get(self, name):
        return super().get(name) or None if name != "atiny-check" else self.last

    def put(self, name, data):
        super().put(name, data)
        if name == "atiny-check":
            self.last = data

    last = None


def one(kind):
    """A factory whose stores are one: the medium is what they share."""
    store = kind()
    return lambda: store


def cached():
    medium: "dict[str, bytes]" = {}
    return lambda: Cached(medium)


STORE = [
    (one(RaisesForMissing), "delete of what is not there does nothing"),
    (one(EmptyForMissing), "get of what is not there gives None"),
    (one(KeepsTheTail), "get gives what put wrote, as bytes"),
    (one(Text), "get gives what put wrote, as bytes"),
    (one(Strings), "get gives what put wrote, as bytes"),
    (one(NoEmptyRecord), "get gives what put wrote, as bytes"),
    (cached(), "a record outlives a restart"),
    (one(ShortNames), 'names of up to 64 letters, digits, "-", "_" and "." are kept apart'),
    (one(StemNames), 'names of up to 64 letters, digits, "-", "_" and "." are kept apart'),
    (one(DeletesToo), "delete removes one record, for good"),
    (one(Undeletes), "delete removes one record, for good"),
]


@pytest.mark.parametrize(("factory", "rule"), STORE)
def test_a_broken_store_is_found(factory, rule):
    with pytest.raises(AssertionError) as caught:
        check_store(factory)
    assert str(caught.value).startswith(f"Store: broken rule: {rule}. Seen: ")
    assert ". To mend it: " in str(caught.value)


def test_every_rule_of_the_store_is_broken_once():
    assert {rule for _, rule in STORE} == set(check_store(one(FakeStore)))


# -- storage


class ErasesTheRecord(FakeStorageDevice):
    """A flash sector is erased whole."""

    def write_update_info(self, offset, data):
        self.record[:] = b"\xff" * 512
        super().write_update_info(offset, data)


class ShortRecord(FakeStorageDevice):
    def read_update_info(self, offset, length):
        return super().read_update_info(offset, length)[:256]


class ReadsFromTheStart(FakeStorageDevice):
    def read_update_info(self, offset, length):
        return super().read_update_info(0, length)


class InitErases(FakeStorageDevice):
    def init(self):
        super().init()
        self.record[:] = bytes(512)


class Appends(FakeStorageDevice):
    def write_software(self, offset, data):
        self.new.extend(data)
        if offset == 0 and len(self.new) > len(data):
            self.new[:0] = data


class Overreads(FakeStorageDevice):
    def read_software(self, offset, length):
        data = super().read_software(offset, length)
        return data + b"\xff" * (16 if len(data) < length else 0)


class LosesAtTheEnd(FakeStorageDevice):
    def end_software_download(self):
        super().end_software_download()
        self.new[-1] ^= 1


class Ors(FakeStorageDevice):
    """Flash that nobody erases: bits can only be cleared."""

    def begin_software_download(self):
        self.old = bytes(self.new)
        super().begin_software_download()

    def write_software(self, offset, data):
        old = self.old[offset : offset + len(data)].ljust(len(data), b"\xff")
        super().write_software(offset, bytes(a & b for a, b in zip(old, data, strict=True)))


class Buffers(FakeStorageDevice):
    """Brings the image to the medium when it is whole."""

    def begin_software_download(self):
        super().begin_software_download()
        self.medium = b""

    def end_software_download(self):
        super().end_software_download()
        self.medium = bytes(self.new)

    def init(self):
        super().init()
        if self.calls.count("init") > 1:
            self.new[:] = self.medium

    medium = b""


class OneFlash(FakeStorageDevice):
    """The update record lies where an image is written."""

    def write_software(self, offset, data):
        super().write_software(offset, data)
        self.record[:8] = data[:8].ljust(8, b"\0")

    def init(self):
        super().init()
        if self.new and not self.whole:
            self.record[:8] = bytes(8)


class GoesOnInBlocks(FakeStorageDevice):
    """After a restart it writes on where a block of 256 bytes begins."""

    def write_software(self, offset, data):
        start = offset // 256 * 256 if self.record[:4] == b"half" else offset
        self.new.extend(bytes(max(0, start - len(self.new))))
        super().write_software(start, data)


class ActivatesAnything(FakeStorageDevice):
    def active_software(self):
        self.whole = True
        super().active_software()


class Endless(FakeStorageDevice):
    """Goes on writing into what follows the slot."""

    def write_software(self, offset, data):
        self.capacity = 1 << 30
        super().write_software(offset, data)


class NoErrno(FakeStorageDevice):
    def write_software(self, offset, data):
        if offset + len(data) > CAPACITY:
            raise OSError("full")
        super().write_software(offset, data)


class NoResult(FakeStorageDevice):
    def get_active_result(self):
        return 0


class CannotRead(FakeStorageDevice):
    def read_software(self, offset, length):
        raise NotImplementedError


CAPACITY = 20_000
AFTER = "read_software gives after end_software_download and a restart"
PIECES = "read_software gives what was written in pieces of all sizes, with a restart in between"
FULL = "write_software raises OSError (ENOSPC) where the slot is full"
STORAGE = [
    (ErasesTheRecord, "the update record has 512 bytes, and a write changes only its own"),
    (ShortRecord, "the update record has 512 bytes, and a write changes only its own"),
    (ReadsFromTheStart, "read_update_info reads from any offset"),
    (InitErases, "the update record outlives a restart, and init"),
    (Appends, "read_software gives what was written in order, one chunk twice"),
    (Overreads, "read_software ends where the image ends"),
    (LosesAtTheEnd, AFTER),
    (NoResult, "get_active_result gives a bool"),
    (Ors, "begin_software_download makes room for another image"),
    (Buffers, "what was written before write_update_info outlives a restart"),
    (OneFlash, "the update record is kept while an image is written"),
    (GoesOnInBlocks, PIECES),
    (ActivatesAnything, "active_software refuses an image that is not whole"),
    (Endless, FULL),
    (NoErrno, FULL),
]


@pytest.mark.parametrize(("broken", "rule"), STORAGE)
def test_a_broken_storage_is_found(broken, rule):
    storage = broken(capacity=CAPACITY)
    with pytest.raises(AssertionError) as caught:
        check_storage(lambda: storage, activate=True, capacity=CAPACITY)
    assert str(caught.value).startswith(f"StorageDevice: broken rule: {rule}. Seen: ")
    assert ". To mend it: " in str(caught.value)


class ResumesNot(FakeStorageDevice):
    """Takes each chunk once, as flash that is not erased in between."""

    def write_software(self, offset, data):
        if offset < len(self.new):
            raise OSError("written already")
        super().write_software(offset, data)


def test_a_chunk_that_cannot_be_written_again():
    storage = ResumesNot()
    with pytest.raises(OSError, match="written already"):
        check_storage(lambda: storage)


def test_every_rule_of_the_storage_is_broken_once():
    storage = FakeStorageDevice(capacity=CAPACITY)
    rules = set(check_storage(lambda: storage, activate=True, capacity=CAPACITY))
    assert {rule for _, rule in STORAGE} == rules - {"write_software takes a chunk again"}


def test_reading_the_image_back_is_optional():
    storage = CannotRead()
    assert len(check_storage(lambda: storage)) == 4
