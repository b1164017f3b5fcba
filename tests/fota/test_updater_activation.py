"""From an executed Update to what runs after the restart: only what was verified, whatever happened to it since."""

import errno

import pytest

from atiny.fota.build import build
from atiny.fota.intake import CHUNK, STEP
from atiny.fota.updater import DELAY_MS
from atiny.testing import FakeStorageDevice
from tests.fota.keys import PUBLIC_PEM
from tests.fota.rig import KEY, NEW, OLD, PLAIN, SIGNED, Rig, image
from tests.fota.vectors_package import WRONG_KEY

STATE = (5, 0, 3)
RESULT = (5, 0, 5)


def loaded(**options):
    rig = Rig(**(options or KEY))
    package = SIGNED if not options else PLAIN
    assert rig.push(package) is None
    return rig


def never_chosen(rig):
    return "active_software" not in rig.storage.calls and rig.storage.software == OLD and not rig.reboots


@pytest.mark.parametrize("position", [0, 1, CHUNK - 1, CHUNK, len(NEW) - 1])
@pytest.mark.parametrize("when", ["before a restart", "after a restart", "while Updating"])
def test_a_bit_that_rots_in_the_storage_does_not_run(position, when):
    rig = loaded()
    if when == "after a restart":
        rig.boot()
    if when == "while Updating":
        after = rig.updater.update()
        rig.storage.new[position] ^= 1
        after()
        rig.run()
    else:
        rig.storage.new[position] ^= 1
        rig.update()
    assert rig.says == (0, 5)
    assert never_chosen(rig)
    assert rig.changes[-2:] == [STATE, RESULT]
    assert rig.boot() == (0, 5)
    assert never_chosen(rig)


@pytest.mark.parametrize("length", [0, 1, len(NEW) - 1])
def test_an_image_that_got_shorter_does_not_run(length):
    rig = loaded()
    del rig.storage.new[length:]
    rig.update()
    assert rig.says == (0, 5)
    assert never_chosen(rig)


def test_bytes_behind_the_image_are_none_of_it():
    rig = loaded()
    rig.storage.new.extend(b"padding")
    assert rig.update() == (3, 0)
    assert rig.boot() == (0, 1)


def test_an_image_that_was_exchanged_does_not_run():
    rig = loaded()
    rig.boot()
    rig.storage.new[:] = image(len(NEW), 9)
    rig.update()
    assert rig.says == (0, 5)
    assert never_chosen(rig)


def test_a_large_image_is_read_back_in_steps():
    content = image(CHUNK * STEP * 3 + 5)
    rig = Rig(FakeStorageDevice(OLD))
    rig.push(build(content), block=4096)
    rig.storage.calls.clear()
    rig.updater.update()()
    rig.clock.ms += DELAY_MS
    steps = 0
    while not rig.reboots:
        due = rig.updater.deadline()
        assert due is not None
        assert due <= rig.clock.ms
        before = rig.storage.calls.count("read_software")
        rig.timer()
        assert rig.storage.calls.count("read_software") - before <= STEP
        steps += 1
    assert steps == 4
    assert rig.updater.deadline() is None
    rig.timer()
    assert rig.reboots == 1
    assert rig.boot() == (0, 1)


def test_nothing_happens_before_the_server_has_its_answer_and_observers_their_notification():
    rig = loaded()
    after = rig.updater.update()
    assert rig.says == (3, 0)
    assert rig.updater.deadline() is None
    rig.timer()
    assert never_chosen(rig)
    after()
    assert rig.updater.deadline() == rig.clock.ms + DELAY_MS
    rig.timer()
    assert never_chosen(rig)
    rig.run()
    assert rig.reboots == 1


def test_update_is_executed_once():
    rig = loaded()
    after = rig.updater.update()
    assert rig.refused(rig.updater.update) == 0x85
    after()
    assert rig.refused(rig.updater.update) == 0x85
    rig.run()
    assert rig.refused(rig.updater.update) == 0x85
    assert rig.reboots == 1


def test_a_storage_that_cannot_be_read_is_trusted():
    rig = loaded()

    def cannot(offset, length):
        raise NotImplementedError

    rig.storage.read_software = cannot
    rig.update()
    assert rig.boot() == (0, 1)
    assert rig.storage.software == NEW


@pytest.mark.parametrize("method", ["read_software", "active_software"])
def test_a_storage_that_fails_leaves_the_old_image_and_the_package(method):
    rig = loaded()
    error = OSError(errno.EIO, "worn out")

    def fails(*args):
        raise error

    setattr(rig.storage, method, fails)
    assert rig.update() == (2, 8)
    assert rig.failures == [(STATE, error)]
    assert not rig.reboots
    delattr(rig.storage, method)
    assert rig.boot() == (2, 8)
    assert rig.storage.software == OLD
    assert rig.update() == (3, 0)
    assert rig.boot() == (0, 1)


def test_a_host_that_cannot_restart_itself_is_told_and_the_image_runs_after_the_next_start():
    rig = loaded()
    rig.host.do = lambda cmd: 1 / 0
    assert rig.update() == (3, 0)
    assert rig.failures[0][0] == STATE
    assert rig.boot() == (0, 1)


def test_an_image_that_does_not_boot_can_be_tried_again():
    rig = loaded()
    rig.storage.boots = False
    rig.update()
    assert rig.boot() == (2, 8)
    assert rig.storage.software == OLD
    assert rig.told == [(2, 8, len(SIGNED), len(SIGNED))]
    assert rig.boot() == (2, 8)
    assert rig.push(SIGNED) == 0x85
    rig.storage.boots = True
    assert rig.update() == (3, 0)
    assert rig.boot() == (0, 1)


def test_a_boot_loader_that_tries_once_more_by_itself():
    rig = loaded()
    rig.storage.boots = False
    rig.update()
    rig.boot()
    rig.storage.boots = True
    rig.storage._chosen = 1
    assert rig.boot() == (0, 1)
    assert rig.storage.software == NEW


def test_an_image_that_ran_and_is_rolled_back_later():
    rig = loaded()
    rig.update()
    assert rig.boot() == (0, 1)
    rig.storage.running, rig.storage._result = 0, False
    assert rig.boot() == (0, 8)
    assert rig.storage.software == OLD
    assert rig.told == [(0, 8, 0, None)]
    assert rig.boot() == (0, 8)
    assert rig.push(SIGNED) is None


def test_a_result_that_cannot_be_had_is_a_failure_until_it_can():
    rig = loaded()
    rig.update()
    result = rig.storage.get_active_result

    def fails():
        raise OSError(errno.EIO, "worn out")

    rig.storage.get_active_result = fails
    assert rig.boot() == (2, 8)
    assert rig.failures
    assert rig.boot() == (2, 8)
    rig.storage.get_active_result = result
    assert rig.boot() == (0, 1)
    rig.storage.get_active_result = fails
    assert rig.boot() == (0, 1)


@pytest.mark.parametrize("method", ["init", "read_update_info"])
def test_a_storage_that_fails_at_the_start_does_not_stop_the_device(method):
    rig = loaded()
    error = OSError(errno.EIO, "worn out")

    def fails(*args):
        raise error

    setattr(rig.storage, method, fails)
    assert rig.boot() == (0, 0)
    assert rig.failures == [(RESULT, error)]
    delattr(rig.storage, method)
    assert rig.boot() == (2, 0)


# -- who made it


HOSTILE = {"unsigned": PLAIN, "another key": WRONG_KEY, "raw": NEW}


@pytest.mark.parametrize("name", HOSTILE)
def test_where_a_key_is_set_nothing_else_gets_as_far_as_an_update(name):
    rig = Rig(**KEY)
    assert rig.push(HOSTILE[name]) is not None
    assert rig.says[0] == 0
    assert rig.refused(rig.updater.update) == 0x85
    rig.boot()
    assert rig.refused(rig.updater.update) == 0x85
    assert never_chosen(rig)


@pytest.mark.parametrize("result", [0, 8])
def test_what_was_taken_without_a_key_is_not_trusted_once_there_is_one(result):
    rig = loaded(accept_raw=True)
    if result:
        rig.storage.boots = False
        rig.update()
        rig.reboots = 0
        assert rig.boot() == (2, 8)
        rig.storage.calls.clear()
    rig.options = KEY
    assert rig.boot() == (0, 5)
    assert rig.refused(rig.updater.update) == 0x85
    assert never_chosen(rig)


def test_what_was_taken_by_another_key_is_not_trusted():
    rig = loaded()
    rig.options = {"key": (2**2047 + 1, 3)}
    assert rig.boot() == (0, 5)
    rig = loaded()
    rig.options = {"key": PUBLIC_PEM.decode()}
    assert rig.boot() == (2, 0)


def test_what_was_verified_by_a_key_stays_good_without_one():
    rig = loaded()
    rig.options = {}
    assert rig.boot() == (2, 0)
    rig.update()
    assert rig.boot() == (0, 1)


@pytest.mark.parametrize("flip", range(0, 512, 7))
def test_a_damaged_record_never_makes_an_image_run(flip):
    """Whatever becomes of the record: without one that is whole there is no Update."""
    rig = loaded()
    assert rig.push(b"") is None  # now both slots have been written: Downloaded, then Idle
    rig.storage.record[flip] ^= 0x10
    state, _ = rig.boot()
    assert state in (0, 2)
    assert never_chosen(rig)
    if state == 2:  # the record from before the reset
        rig.storage.new[100] ^= 1
        rig.update()
        assert never_chosen(rig)
