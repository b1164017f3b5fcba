"""The slots and their host: functions and commands that make an image run, and the launcher that starts it."""

import errno
import os
import sys
import time
from pathlib import Path

import pytest

import atiny
from tests.adapter.slots import current, loaded, old_folder, started
from tests.sources import ROOT

ENDED_BY_TERM, ENDED_BY_KILL = -15, -9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return old_folder(tmp_path / "slots")


# -- hooks


def test_the_host_s_functions(folder):
    calls = []
    new, old = str(folder / "slot1"), str(folder / "slot0")

    def activate(path):
        calls.append((path, current(folder)))

    hooks = {"activate": activate, "active": lambda path: path == calls[-1][0], "starts": 2}
    loaded(folder, **hooks).active_software()
    assert calls == [(new, "slot0")], "the link follows what the host could do"
    assert started(folder, **hooks).get_active_result()
    started(folder, **hooks)
    assert calls[1:] == [(old, "slot1")], "its last try"
    storage = started(folder, **hooks)
    assert not storage.get_active_result()
    assert current(folder) == "slot0"
    assert not started(folder, active=lambda path: True).get_active_result(), "what was given up is not brought back"


def test_a_boot_loader_that_went_back_by_itself(folder):
    calls = []
    hooks = {"activate": calls.append, "active": lambda path: False}
    loaded(folder, **hooks).active_software()
    storage = started(folder, **hooks)
    assert not storage.get_active_result()
    assert current(folder) == "slot0"
    assert calls == [str(folder / "slot1"), str(folder / "slot0")]


def test_a_boot_loader_that_is_ahead_of_the_link(folder):
    """The power failed between the hook and the link."""
    loaded(folder, activate=lambda path: None).active_software()
    (folder / "current").unlink()
    (folder / "current").symlink_to("slot0")
    storage = started(folder, active=lambda path: path == str(folder / "slot1"))
    assert storage.get_active_result()
    assert current(folder) == "slot1"


@pytest.mark.parametrize("error", [OSError(errno.EROFS, "read-only"), ValueError("no such board")])
def test_a_function_that_fails(folder, error):
    broken = [True]
    paths = []

    def activate(path):
        paths.append(Path(path).name)
        if broken and path.endswith("slot1"):
            raise error

    storage = loaded(folder, activate=activate)
    with pytest.raises(OSError, match=r"read-only|no such board"):
        storage.active_software()
    assert current(folder) == "slot0"
    assert paths == ["slot1", "slot0"]
    assert not started(folder).get_active_result()
    broken.clear()
    storage.active_software()
    assert current(folder) == "slot1"


def test_a_way_back_that_fails_is_gone_again(folder):
    paths = []

    def activate(path):
        paths.append(Path(path).name)
        if len(paths) in (2, 3):
            raise OSError(errno.EIO, "busy")

    loaded(folder, activate=activate).active_software()
    storage = started(folder, activate=activate)
    with pytest.raises(OSError, match="busy"):
        storage.roll_back()
    with pytest.raises(OSError, match="busy"):
        started(folder, activate=activate)
    storage = started(folder, activate=activate)
    assert paths == ["slot1", "slot0", "slot0", "slot0"]
    assert current(folder) == "slot0"
    assert storage.given_up()
    assert not storage.confirm()
    assert not started(folder, activate=activate).given_up()


def test_before_the_first_upgrade_there_is_no_path(folder):
    (folder / "current").unlink()
    paths = []
    loaded(folder, activate=paths.append).active_software()
    started(folder, activate=paths.append).roll_back()
    assert paths == [str(folder / "slot0"), ""]


def test_commands(folder, tmp_path):
    log = tmp_path / "log"
    activate = ["sh", "-c", f'echo "$0" >> {log}']
    loaded(folder, activate=activate).active_software()
    assert log.read_text() == f"{folder / 'slot1'}\n"
    assert started(folder, active=["test", "-f"]).get_active_result()
    assert not started(folder, activate=activate, active=["test", "-d"]).get_active_result()
    assert current(folder) == "slot0"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["sh", "-c", "exit 3"], "status 3"),
        (["/no/such/command"], "No such file"),
        (["sh", "-c", "sleep 30"], "took longer than 0.1 s"),
    ],
)
def test_commands_that_fail(folder, command, why):
    storage = loaded(folder, activate=command, hook_timeout_s=0.1)
    with pytest.raises(OSError, match=why):
        storage.active_software()
    assert current(folder) == "slot0"
    storage = loaded(folder)
    storage.active_software()
    assert started(folder).get_active_result()


# -- the launcher


def program(text: str) -> bytes:
    return b"#!" + sys.executable.encode() + b"\n" + text.encode()


CONFIRMS = """
import sys
sys.path.insert(0, {root!r})
import atiny
storage = atiny.SlotStorage({folder!r})
storage.init()
assert storage.get_active_result()
storage.confirm()
sys.exit(7)
"""
HANGS = "exec sleep 60"
CLINGS = "trap '' TERM; exec sleep 60"


def fast_ms() -> int:
    """A minute in a tenth of a second."""
    return time.monotonic_ns() * 600 // 1_000_000


def test_the_launcher_starts_what_confirms_itself(folder):
    (folder / "slot0").write_bytes(program("raise SystemExit(3)"))
    (folder / "slot0").chmod(0o700)
    launcher = atiny.SlotStorage(str(folder))
    assert launcher.launch() == 3
    loaded(folder, program(CONFIRMS.format(root=str(ROOT), folder=str(folder)))).active_software()
    for _ in range(5):
        assert launcher.launch() == 7
        assert not launcher.on_trial()
    assert current(folder) == "slot1"


@pytest.mark.parametrize(
    ("text", "grace_s", "status"), [(HANGS, 10, ENDED_BY_TERM), (CLINGS, 0.1, ENDED_BY_KILL)], ids=["hangs", "clings"]
)
def test_the_launcher_ends_what_does_not_confirm_itself(folder, text, grace_s, status):
    loaded(folder, text.encode()).active_software()
    launcher = atiny.SlotStorage(str(folder), health_timeout_s=300, clock=fast_ms)
    assert launcher.launch(["sh"], grace_s) == status
    assert current(folder) == "slot0"
    storage = started(folder)
    assert not storage.get_active_result()
    assert not storage.given_up()


def test_the_launcher_gives_up_what_only_crashes(folder):
    (folder / "slot0").write_bytes(b"raise SystemExit(3)")
    loaded(folder, b"raise SystemExit(1)").active_software()
    launcher = atiny.SlotStorage(str(folder))
    assert [launcher.launch([sys.executable]) for _ in range(5)] == [1, 1, 1, 3, 3]


def test_the_launcher_gives_up_what_cannot_be_started(folder):
    loaded(folder, b"\x7fELF, for another machine").active_software()
    launcher = atiny.SlotStorage(str(folder))
    with pytest.raises(OSError, match="Exec format"):
        launcher.launch()
    assert current(folder) == "slot0"
    with pytest.raises(PermissionError):
        launcher.launch()
    assert current(folder) == "slot0"


def test_the_launcher_needs_a_link(tmp_path):
    with pytest.raises(OSError, match="there is no link"):
        atiny.SlotStorage(str(tmp_path)).launch()


def test_the_launcher_starts_what_there_is_where_the_disk_is_full(folder, monkeypatch):
    loaded(folder, b"raise SystemExit(5)").active_software()

    def full(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert atiny.SlotStorage(str(folder)).launch([sys.executable]) == 5
