"""Firmware in two slots of a folder: the contract, which image runs when, the medium, and what it costs."""

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import atiny
from atiny.adapter import posix_storage
from atiny.testing import check_storage
from tests.adapter.slots import IMAGE, current, loaded, old_folder, started
from tests.sources import ROOT


class Clock:
    now_ms = 1000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return old_folder(tmp_path / "slots")


# -- the contract


@pytest.mark.parametrize("activate", [False, True])
def test_the_slots_keep_the_contract(tmp_path, activate):
    folder = str(tmp_path / "a" / "b")
    assert len(check_storage(lambda: atiny.SlotStorage(folder), activate=activate)) == 11 + 2 * activate


def test_it_is_the_runtime_s_own():
    assert atiny.SlotStorage is posix_storage.SlotStorage


def test_it_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, atiny; atiny.Platform(); print('atiny.adapter.posix_storage' in sys.modules); atiny.SlotStorage; "
        "print('subprocess' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert run.stdout.split() == ["False", "False"], run.stderr


def test_an_image_is_a_program_of_its_owner_s(folder):
    loaded(folder)
    assert stat.S_IMODE((folder / "slot1").stat().st_mode) == 0o700
    assert (folder / "slot1").read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (lambda s: s.write_software(0, b"x"), "begin_software_download was not called"),
        (lambda s: s.end_software_download(), "begin_software_download was not called"),
        (lambda s: s.active_software(), "no whole image"),
        (lambda s: s.write_update_info(510, b"xyz"), "512 bytes"),
        (lambda s: s.write_update_info(-1, b"x"), "512 bytes"),
        (lambda s: (s.begin_software_download(), s.write_software(1, b"x")), "a gap: 1 is beyond the 0 bytes"),
    ],
)
def test_what_it_refuses(folder, use, why):
    with pytest.raises(OSError, match=why) as caught:
        use(started(folder))
    assert caught.value.errno == errno.EINVAL
    assert current(folder) == "slot0"


def test_what_nobody_wrote(folder):
    storage = started(folder)
    assert storage.read_software(0, 100) == b""
    assert storage.read_update_info(500, 100) == bytes(12)
    assert storage.get_active_result() is False
    assert storage.confirm() is True
    assert storage.roll_back() is False
    assert storage.on_trial() is False
    assert storage.path() == str(folder / "slot0")


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[]", b"7", b'{"phase": "chosen"}', b'{"phase": "lost"}', b"null"])
def test_a_state_that_makes_no_sense(folder, text):
    (folder / "state.rec").write_bytes(text)
    storage = started(folder)
    assert storage.get_active_result() is False
    assert storage.path() == str(folder / "slot0")
    loaded(folder).active_software()
    assert current(folder) == "slot1"


def test_an_image_that_was_whole_is_written_again(folder):
    """The power failed after the end, before the record of it."""
    storage = loaded(folder)
    storage.end_software_download()
    storage = started(folder)
    storage.write_software(len(IMAGE) - 12, IMAGE[-12:])
    with pytest.raises(OSError, match="no whole image"):
        storage.active_software()
    storage.end_software_download()
    assert storage.read_software(0, 5000) == IMAGE
    storage.active_software()


def test_a_program_that_runs_is_not_overwritten(folder):
    with open(folder / "slot1", "wb") as file:
        file.write(b"it runs")
    with open(folder / "slot1", "rb") as running:
        loaded(folder)
        assert running.read() == b"it runs"


# -- which image runs

# What happens, one letter each: start, launcher, confirm, roll back; then what the link says, whether the image was
# activated with success, and whether it was given up in this run. Three starts are allowed.
LIVES = [
    ("", "slot1", False, False),
    ("s", "slot1", True, False),
    ("ss", "slot1", True, False),
    ("sss", "slot0", True, False),  # the last try: only a confirmation brings it back
    ("ssss", "slot0", False, False),
    ("sssss", "slot0", False, False),
    ("sc", "slot1", True, False),
    ("scssss", "slot1", True, False),
    ("sssc", "slot1", True, False),
    ("ssscss", "slot1", True, False),
    ("ssssc", "slot0", False, False),  # it is the old one that runs, and has nothing to confirm
    ("r", "slot0", False, False),
    ("sr", "slot0", False, True),
    ("srs", "slot0", False, False),
    ("sssr", "slot0", False, True),
    ("scr", "slot0", False, True),
    ("src", "slot0", False, True),
    ("ls", "slot1", True, False),
    ("lslsls", "slot1", True, False),
    ("lslslsc", "slot1", True, False),
    ("lslslsl", "slot0", False, False),
    ("lslslslsl", "slot0", False, False),
    ("llll", "slot0", False, False),  # an image that does not even begin to run
    ("lscllll", "slot1", True, False),
    ("lsss", "slot0", True, False),  # started twice without the launcher
]


@pytest.mark.parametrize(("life", "link", "result", "given_up"), LIVES)
def test_lives_of_a_new_image(folder, life, link, result, given_up):
    loaded(folder).active_software()
    storage = atiny.SlotStorage(str(folder))
    for step in life:
        if step == "s":
            storage = started(folder)
        elif step == "l":
            storage = atiny.SlotStorage(str(folder))
            assert storage.boot() == str(folder / (current(folder) or ""))
        elif step == "c":
            assert storage.confirm() is not storage.given_up()
        else:
            assert storage.roll_back() is True
    assert (current(folder), storage.get_active_result(), storage.given_up()) == (link, result, given_up)
    assert (folder / "slot0").read_bytes() == b"old"
    if life and not storage.on_trial():
        loaded(folder, b"newer").active_software()
        assert (folder / (current(folder) or "")).read_bytes() == b"newer"


def test_the_power_fails_in_a_late_confirmation(folder):
    """The link has moved, the record of it was not written: the link decides."""
    loaded(folder).active_software()
    started(folder, starts=1)
    (folder / "current").unlink()
    (folder / "current").symlink_to("slot1")
    storage = started(folder, starts=1)
    assert storage.get_active_result()
    assert not storage.on_trial()


@pytest.mark.parametrize("steps", [lambda s: s.init(), lambda s: (s.boot(), s.init())])
def test_an_image_that_need_not_confirm_itself(folder, steps):
    loaded(folder).active_software()
    storage = atiny.SlotStorage(str(folder), starts=0)
    steps(storage)
    assert not storage.on_trial()
    assert storage.get_active_result()
    for _ in range(5):
        started(folder)
    assert current(folder) == "slot1"


@pytest.mark.parametrize("starts", [1, 2])
def test_the_old_image_is_left_alone_while_the_new_one_is_on_trial(folder, starts):
    loaded(folder).active_software()
    storage = started(folder, starts=starts)
    for use in (
        storage.begin_software_download,
        storage.end_software_download,
        storage.active_software,
        lambda: storage.write_software(0, b"x"),
    ):
        with pytest.raises(OSError, match="has not confirmed itself") as caught:
            use()
        assert caught.value.errno == errno.EBUSY
    assert storage.confirm()
    loaded(folder, b"newer")
    assert (folder / "slot0").read_bytes() == b"newer"


def test_another_image_takes_the_choice_back(folder):
    storage = loaded(folder)
    storage.active_software()
    storage.active_software()
    storage.begin_software_download()
    assert current(folder) == "slot0"
    assert (folder / "slot1").read_bytes() == b""
    assert not started(folder).get_active_result()


def test_an_image_that_was_given_up_may_be_tried_again(folder):
    loaded(folder).active_software()
    storage = started(folder)
    storage.roll_back()
    storage = started(folder)
    storage.active_software()
    assert current(folder) == "slot1"
    assert started(folder).get_active_result()


@pytest.mark.parametrize("before", [None, "/opt/firmware/1.0", "slot1", "slot0"])
def test_the_way_back_leads_where_it_came_from(folder, before):
    (folder / "current").unlink()
    if before is not None:
        (folder / "current").symlink_to(before)
    new = "slot1" if before == "slot0" else "slot0"
    loaded(folder).active_software()
    assert current(folder) == new
    storage = started(folder)
    assert storage.path() == str(folder / new)
    storage.roll_back()
    assert current(folder) == before
    storage = atiny.SlotStorage(str(folder))
    assert storage.boot() == (None if before is None else str(folder / before))


def test_the_time_to_confirm(folder):
    clock = Clock()
    assert started(folder, clock=clock).health_left_ms() is None
    loaded(folder, health_timeout_s=60, clock=clock).active_software()
    clock.now_ms += 5000
    storage = started(folder, health_timeout_s=60, clock=clock)
    assert storage.health_left_ms() == 60_000
    clock.now_ms += 59_999
    assert storage.health_left_ms() == 1
    clock.now_ms += 2
    assert storage.health_left_ms() == 0
    assert started(folder, health_timeout_s=60, clock=clock).health_left_ms() == 60_000
    assert started(folder, health_timeout_s=None, clock=clock).health_left_ms() is None


# -- the medium


def test_a_sync_that_fails_costs_the_image(folder, monkeypatch):
    """The system forgets what it could not write, and says so once."""
    storage = started(folder)
    storage.begin_software_download()
    storage.write_software(0, IMAGE)

    def broken(fd):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            storage.write_update_info(0, b"4711")
    assert storage.read_update_info(0, 4) == bytes(4)
    assert storage.read_software(0, 10) == b""
    for use in (lambda: storage.write_software(len(IMAGE), b"x"), storage.end_software_download):
        with pytest.raises(FileNotFoundError):
            use()
    loaded(folder).active_software()


def test_what_does_not_fit_makes_room_for_the_record(folder, monkeypatch):
    storage = started(folder)
    storage.begin_software_download()
    storage.write_software(0, IMAGE)

    def full(fd, data, offset):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            storage.write_software(len(IMAGE), IMAGE)
    assert not (folder / "slot1").exists()
    storage.write_update_info(0, b"full")
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    storage.begin_software_download()
    assert len(synced) == 1, "and the next image begins without a record of its own"
    storage.write_software(0, IMAGE)
    assert storage.read_software(0, 5000) == IMAGE


def test_a_write_in_parts(folder, monkeypatch):
    real = os.pwrite
    storage = started(folder)
    storage.begin_software_download()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[:7], offset))
        storage.write_software(0, IMAGE[:100])
        storage.write_software(100, memoryview(IMAGE)[100:])
    storage.end_software_download()
    assert storage.read_software(0, 5000) == IMAGE


def test_only_records_and_the_end_wait_for_the_medium(folder, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(fd))
    storage = started(folder)
    storage.begin_software_download()
    begun = len(synced)
    for offset in range(0, 100 * 1024, 1024):
        storage.write_software(offset, bytes(1024))
    assert len(synced) == begun
    storage.write_update_info(0, b"100 KiB")
    assert len(synced) == begun + 3, "the image, the record, its name"
    storage.write_update_info(0, b"100 KiB and no more")
    assert len(synced) == begun + 5


def test_what_a_piece_costs(tmp_path):
    """At most 3 us for each KiB of 10 MB, above what the system takes."""
    storage = started(tmp_path / "slots")
    piece = bytes(1024)
    costs, floor = [], []
    for _ in range(4):
        storage.begin_software_download()
        start = time.process_time_ns()
        for offset in range(0, 10 << 20, 1024):
            storage.write_software(offset, piece)
        costs.append(time.process_time_ns() - start)
        fd = os.open(tmp_path / "plain", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        start = time.process_time_ns()
        for offset in range(0, 10 << 20, 1024):
            os.pwrite(fd, piece, offset)
        floor.append(time.process_time_ns() - start)
        os.close(fd)
    assert (min(costs) - min(floor)) / (10 << 10) < 3000
