"""Every result, and every way in which a push can go wrong that leads to it."""

import errno

import pytest

from atiny.fota.machine import RESULTS
from tests.fota.rig import KEY, NEW, OLD, PLAIN, SIGNED, Rig, begun

TOO_LARGE = 0x8D
BAD_REQUEST = 0x80
UNSUPPORTED_FORMAT = 0x8F
INTERNAL = 0xA0

RESULT = (5, 0, 5)


def result_1(rig):
    rig.push(PLAIN)
    rig.update()
    rig.boot()


def result_2(rig):
    rig.storage.capacity = 3000
    assert rig.push(PLAIN) == TOO_LARGE


def result_3(rig):
    def exhausted(offset, data):
        raise MemoryError

    rig.storage.write_software = exhausted
    assert rig.push(PLAIN) == INTERNAL


def result_4(rig):
    begun(rig, package=PLAIN).abandon()


def result_5(rig):
    assert rig.push(PLAIN[:-1] + b"?") == BAD_REQUEST


def result_6(rig):
    assert rig.push(NEW) == UNSUPPORTED_FORMAT


def result_7(rig):
    assert rig.pull("lamp.bin") == (0, 7)


def result_8(rig):
    rig.storage.boots = False
    result_1(rig)
    assert rig.updater.record.state == 2


def result_9(rig):
    assert rig.pull("ftp://files/lamp.bin") == (0, 9)


@pytest.mark.parametrize(
    "reach", [result_1, result_2, result_3, result_4, result_5, result_6, result_7, result_8, result_9]
)
def test_every_result_is_reached_survives_a_restart_and_goes_with_the_next_package(reach):
    rig = Rig()
    reach(rig)
    number = int(reach.__name__[-1])
    assert rig.updater.record.result == number, RESULTS[number]
    state = 2 if number == 8 else 0
    assert rig.says == (state, number)
    assert rig.told[-1][:2] == (state, number)
    assert RESULT in rig.changes
    before = rig.storage.operations
    assert rig.boot() == (state, number)
    assert rig.storage.operations == before
    vars(rig.storage).pop("write_software", None)
    rig.storage.capacity = 1 << 20
    if state:
        rig.updater.set_uri("")
    begun(rig, package=PLAIN)
    assert rig.says == (1, 0)


@pytest.mark.parametrize(
    ("error", "result", "code"),
    [
        (OSError(errno.ENOSPC, "full"), 2, TOO_LARGE),
        (OSError(errno.EFBIG, "too large"), 2, TOO_LARGE),
        (OSError(errno.EDQUOT, "quota"), 2, TOO_LARGE),
        (MemoryError(), 3, INTERNAL),
        (OSError(errno.ENOMEM, "no memory"), 3, INTERNAL),
        (OSError(errno.EIO, "worn out"), 8, INTERNAL),
        (OSError("no number"), 8, INTERNAL),
        (OSError(), 8, INTERNAL),
        (ValueError("an adapter with a bug"), 8, INTERNAL),
    ],
)
@pytest.mark.parametrize("method", ["begin_software_download", "write_software", "end_software_download"])
def test_a_storage_that_fails(method, error, result, code):
    rig = Rig(**KEY)

    def fails(*args):
        raise error

    setattr(rig.storage, method, fails)
    assert rig.push(SIGNED) == code
    assert rig.says == (0, result)
    assert rig.failures == ([] if result == 2 else [((5, 0, 0), error)])
    assert rig.boot() == (0, result)


@pytest.mark.parametrize("count", range(6))
def test_a_record_that_cannot_be_written(count):
    """Where it cannot be said that a package is coming or there, none is."""
    rig = Rig(**KEY)
    write = rig.storage.write_update_info
    left = [count]

    def fails(offset, data):
        if not left[0]:
            raise OSError(errno.EIO, "worn out")
        left[0] -= 1
        write(offset, data)

    rig.storage.write_update_info = fails
    code = rig.push(SIGNED)
    if count < 3:
        assert code == INTERNAL
        assert rig.says == (0, 8)
        assert rig.failures
    else:
        assert code is None
        after = rig.refused(rig.updater.update)
        assert after == (INTERNAL if count == 3 else None)
        assert rig.says == ((2, 0) if count == 3 else (3, 0))
    assert "active_software" not in rig.storage.calls
    rig.storage.write_update_info = write
    assert rig.boot() == {0: (0, 0), 1: (0, 4), 2: (0, 4), 3: (2, 0)}.get(count, (2, 8))


@pytest.mark.parametrize("at", range(0, len(SIGNED), 512))
def test_disk_full_at_each_block(at):
    rig = Rig(**KEY)
    rig.storage.capacity = max(0, at - 300)
    assert rig.push(SIGNED) == TOO_LARGE
    assert rig.says == (0, 2)
    assert rig.storage.software == OLD
    rig.storage.capacity = 1 << 20
    assert rig.push(SIGNED) is None


@pytest.mark.parametrize("announced", [len(NEW) - 1, len(NEW) + 1])
def test_a_raw_image_of_another_length_than_announced(announced):
    rig = Rig(accept_raw=True)
    sink = rig.updater.open_push(1)
    sink.write(0, NEW, announced)
    assert rig.refused(sink.end) == BAD_REQUEST
    assert rig.says == (0, 5)


@pytest.mark.parametrize("announced", [len(PLAIN) - 1, len(PLAIN) + 1, 0])
def test_of_a_package_the_head_says_how_long_it_is(announced):
    rig = Rig()
    sink = rig.updater.open_push(1)
    sink.write(0, PLAIN, announced)
    sink.end()
    assert rig.says == (2, 0)
    rig = Rig()
    assert rig.push(PLAIN + b"\0") == BAD_REQUEST
    assert rig.says == (0, 5)
