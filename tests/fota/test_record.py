"""The update record: what comes back from it, and what a torn or failed write leaves."""

import pytest
from hypothesis import given, strategies as st

from atiny.fota.record import NOTHING, PULL, PUSH, SLOT_SIZE, UpdateRecord
from atiny.testing import FakeStorageDevice, PowerCut

FIELDS = ("state", "result", "kind", "written", "total", "etag", "check", "uri", "supported_objects")
EMPTY = (0, 0, NOTHING, 0, 0, b"", b"", "", False)


def values(record):
    return tuple(getattr(record, name) for name in FIELDS)


def fill(record, fields):
    for name, value in zip(FIELDS, fields, strict=True):
        setattr(record, name, value)


def load(storage):
    record = UpdateRecord(storage)
    return record.load(), values(record)


def number(n):
    return (1, 0, PULL, n, n + 1, b"etag", b"check", "coap://h/%d" % n, bool(n & 1))


@given(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 9),
        st.integers(1, 2),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=8),
        st.binary(max_size=8),
        st.text("abc/:ä", max_size=100),
        st.booleans(),
    )
)
def test_what_is_saved_comes_back(fields):
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, fields)
    record.save()
    assert load(storage) == (True, fields)


def test_a_new_storage_has_no_record():
    assert load(FakeStorageDevice()) == (False, EMPTY)


def test_a_uri_of_200_bytes_fits_with_what_a_download_needs():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fields = (1, 0, PULL, 1, 2, b"12345678", b"87654321", "u" * 200, False)
    fill(record, fields)
    record.save()
    assert load(storage) == (True, fields)


def test_a_uri_that_does_not_fit_is_not_kept_and_the_rest_is():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, (1, 0, PULL, 1, 2, b"12345678", b"87654321", "u" * 255, True))
    record.save()
    assert load(storage) == (True, (1, 0, PULL, 1, 2, b"12345678", b"87654321", "", True))
    record.etag = b"e" * 250
    record.save()
    assert load(storage) == (True, (1, 0, PULL, 1, 2, b"", b"87654321", "", True))
    assert record.uri == "u" * 255


def test_saving_in_turn_and_only_what_has_changed():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    for n in range(5):
        fill(record, number(n))
        record.save()
        before = storage.operations
        record.save()
        assert storage.operations == before
        assert load(storage) == (True, number(n))
    one, two = storage.record[:SLOT_SIZE], storage.record[SLOT_SIZE:]
    assert b"coap://h/4" in one
    assert b"coap://h/3" in two


def test_a_loaded_record_goes_on_in_the_other_slot():
    storage = FakeStorageDevice()
    for n in range(5):
        record = UpdateRecord(storage)
        record.load()
        fill(record, number(n))
        record.save()
        assert load(storage) == (True, number(n))


@pytest.mark.parametrize("saved", [0, 1, 2, 3])
@pytest.mark.parametrize("length", [*range(0, SLOT_SIZE, 3), SLOT_SIZE - 1])
def test_a_torn_write_leaves_the_record_before(saved, length):
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    for n in range(saved):
        fill(record, number(n))
        record.save()
    before = load(storage)
    written = []
    storage.write_update_info = lambda offset, data: written.append((offset, bytes(data)))
    fill(record, number(77))
    record.save()
    ((offset, data),) = written
    storage.record[offset : offset + length] = data[:length]
    assert load(storage) == before
    storage.record[offset : offset + SLOT_SIZE] = data
    assert load(storage) == (True, number(77))


def test_power_cuts_in_a_row_leave_the_last_one_that_was_whole():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, number(0))
    record.save()
    for n in range(1, 5):
        storage.cut_power_at(1)
        record = UpdateRecord(storage)
        record.load()
        fill(record, number(n))
        with pytest.raises(PowerCut):
            record.save()
        storage.restart()
        assert load(storage) == (True, number(0))


def test_a_write_that_fails_leaves_the_record_before_and_can_be_repeated(monkeypatch):
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, number(0))
    record.save()
    fill(record, number(1))
    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_update_info", lambda offset, data: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            record.save()
    assert load(storage) == (True, number(0))
    record.save()
    assert load(storage) == (True, number(1))
    fill(record, number(0))
    record.save()
    assert load(storage) == (True, number(0))


def test_sequence_numbers_wrap():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    record._sequence = 2**32 - 3
    for n in range(6):
        fill(record, number(n))
        record.save()
        assert load(storage) == (True, number(n))


@given(st.integers(0, SLOT_SIZE - 1), st.integers(0, 7))
def test_one_wrong_bit_is_no_record(position, bit):
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, number(3))
    record.save()
    storage.record[position] ^= 1 << bit
    assert load(storage) == (False, EMPTY)


def resealed(storage, change):
    """The first slot with other contents and the right CRC."""
    from binascii import crc32

    body = bytearray(storage.record[: SLOT_SIZE - 4])
    change(body)
    storage.record[:SLOT_SIZE] = bytes(body) + crc32(body).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 0x42), (6, 4), (7, 10), (8, 3), (8, NOTHING), (18, 255), (19, 255), (20, 255)],
    ids=["magic", "state", "result", "kind", "no kind", "ETag", "check", "URI"],
)
def test_what_no_version_of_this_wrote_is_no_record(at, value):
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, number(3))
    record.save()
    resealed(storage, lambda body: None)
    assert load(storage) == (True, number(3))
    resealed(storage, lambda body: body.__setitem__(at, value))
    assert load(storage) == (False, EMPTY)


def test_a_uri_that_is_no_text_is_forgotten():
    storage = FakeStorageDevice()
    record = UpdateRecord(storage)
    fill(record, (1, 0, PULL, 1, 2, b"", b"", "coap://h", False))
    record.save()
    resealed(storage, lambda body: body.__setitem__(21, 0xFF))
    assert load(storage) == (True, (1, 0, PULL, 1, 2, b"", b"", "", False))


def test_a_storage_that_gives_too_little_has_no_record(monkeypatch):
    storage = FakeStorageDevice()
    monkeypatch.setattr(storage, "read_update_info", lambda offset, length: b"short")
    assert load(storage) == (False, EMPTY)


def test_forget():
    record = UpdateRecord(FakeStorageDevice())
    fill(record, number(1))
    record.state, record.result, record.kind = 2, 8, PUSH
    record.forget()
    assert values(record) == (2, 8, NOTHING, 0, 0, b"", b"", "", True)
