"""The power fails in each call of a whole upgrade, and of one that is rolled back: what the next start finds."""

import errno
import json
import os
from pathlib import Path

import pytest

from atiny import SlotStorage
from atiny.testing import PowerCut
from tests.adapter.disk import AFTER, BEFORE, HALF, LOST, Disk

OLD, NEW, OTHER = b"old" * 50, bytes(range(250)) * 8, b"downloaded once and never activated"
PIECE = 300
LOADING, LOADED, UPDATING, STARTED, DONE, BACK = "loading", "loaded", "updating", "started", "done", "back"
STARTS = 2


class Host:
    """A device on a folder: what its updater would do, and what is certain of the storage at any moment.

    ``kind``: "plain": the system starts what the link leads to; "launcher": `SlotStorage.boot` comes first; "loader":
    a boot loader, told by the hooks, starts what it was told last.
    """

    def __init__(self, folder: Path, kind: str, disk: "Disk | None" = None, loader: str = ""):
        self.folder = folder
        self.kind = kind
        self.disk = disk
        self.loader = loader or str(folder / "slot0")  # what the boot loader starts
        self.running = b""
        self.acknowledged: "list[dict]" = [{}]  # the records that were written, the last of them for certain
        self.storage: SlotStorage
        self.certain = ""  # the last step that came to its end

    def _activate(self, path: str) -> None:
        self.loader = path

    def start(self) -> None:
        """The device starts; `running` is the image that the system, the launcher or the boot loader chose."""
        if self.certain == UPDATING:
            self.certain = STARTED
        hooks = {}
        if self.kind == "loader":
            activate = self._activate if self.disk is None else self.disk.hook(self._activate)
            hooks = {"activate": activate, "active": lambda path: Path(path).name == Path(self.loader).name}
        self.storage = SlotStorage(str(self.folder), starts=STARTS, clock=lambda: 0, **hooks)
        path = str(self.folder / os.readlink(self.folder / "current"))
        if self.kind == "launcher":
            path = self.storage.boot() or ""
        elif self.kind == "loader":
            path = str(self.folder / Path(self.loader).name)
        self.running = Path(path).read_bytes()
        self.storage.init()

    def next_image(self) -> bytes:
        """What would run after another start, were the power cut now."""
        name = self.loader if self.kind == "loader" else os.readlink(self.folder / "current")
        return (self.folder / Path(name).name).read_bytes()

    def record(self, **fields: object) -> None:
        self.acknowledged.append(fields)
        text = json.dumps(fields).encode()
        self.storage.write_update_info(0, text + bytes(256 - len(text)))

    def read_record(self) -> dict:
        return dict(json.loads(self.storage.read_update_info(0, 256).rstrip(b"\0") or b"{}"))

    def load(self, start: int = 0) -> None:
        if not start:
            self.record(state=LOADING, written=0)
            self.storage.begin_software_download()
        for offset in range(start, len(NEW), PIECE):
            self.storage.write_software(offset, NEW[offset : offset + PIECE])
            if offset // PIECE % 3 == 2:
                self.record(state=LOADING, written=offset + PIECE)
        self.storage.end_software_download()
        self.certain = LOADED
        self.record(state=LOADED)

    def update(self) -> None:
        self.record(state=UPDATING)
        self.storage.active_software()
        self.certain = UPDATING

    def upgrade(self) -> None:
        """From the old image to the new one."""
        self.start()
        self.load()
        self.update()
        self.start()
        assert self.running == NEW
        assert self.storage.get_active_result()
        self.record(state=DONE)
        assert self.storage.confirm()
        self.certain = DONE
        for _ in range(STARTS + 1):
            self.start()
            assert self.running == NEW

    def late(self) -> None:
        """The new image confirms itself in the last of its starts."""
        self.start()
        self.load()
        self.update()
        for _ in range(STARTS):
            self.start()
            assert self.running == NEW
        assert self.storage.confirm()
        self.certain = DONE
        self.start()
        assert self.running == NEW

    def in_vain(self) -> None:
        """The new image never confirms itself."""
        self.start()
        self.load()
        self.update()
        for _ in range(STARTS):
            self.start()
            assert self.running == NEW
        self.start()
        assert self.running == OLD
        assert not self.storage.get_active_result()
        self.certain = BACK
        self.start()
        assert self.running == OLD


def new_folder(path: Path) -> Path:
    path.mkdir()
    (path / "slot0").write_bytes(OLD)
    (path / "slot1").write_bytes(OTHER)
    (path / "current").symlink_to("slot0")
    state = {"phase": "none", "image": None, "old": None, "loading": None, "whole": "slot1"}
    (path / "state.rec").write_text(json.dumps({**state, "starts": 0, "booted": False}))
    return path


def check_start(host: Host, before: Host) -> None:
    """What a start may find, after a power cut in the life of ``before``."""
    state = json.loads((host.folder / "state.rec").read_text())
    if state["whole"] is not None:
        assert (host.folder / state["whole"]).read_bytes() in (NEW, OTHER), "what may be activated is whole"
    host.start()
    record, result, running = host.read_record(), host.storage.get_active_result(), host.running
    assert running in (OLD, NEW), "neither image is torn"
    assert record in before.acknowledged[-2:], "the record is the last that was written, or the one before"
    if before.certain == "":
        assert running == OLD, "what is not whole never runs"
    if before.certain == UPDATING:
        assert running == NEW, "what was activated runs"
    if before.certain == DONE:
        assert running == NEW, "what has confirmed itself stays"
    if before.certain == BACK:
        assert running == OLD, "what was given up stays so"
    if record.get("state") in (UPDATING, DONE) and host.storage.path() is not None:
        given_up = host.storage.given_up()
        assert result == (running == NEW and not given_up), "the result tells what runs"
        assert not given_up or (host.next_image() == OLD and host.kind != "plain")
    if record.get("state") == LOADING and record["written"]:
        written = record["written"]
        assert host.storage.read_software(0, written) == NEW[:written], "what the record counts on is there"
    if record.get("state") == LOADED:
        assert host.storage.read_software(0, len(NEW)) == NEW, "a whole image stays whole"


def go_on(host: Host) -> None:
    """The upgrade is finished after the power cut, from where it stands."""
    record = host.read_record()
    if host.running == OLD:
        if record.get("state") == LOADING and record["written"]:
            host.load(record["written"])
        elif record.get("state") not in (LOADED, UPDATING):
            host.load()
        elif host.storage.read_software(0, len(NEW)) != NEW:  # rolled back, and something else has begun
            host.load()
        host.update()
        host.start()
    if not host.storage.given_up():
        assert host.storage.confirm()
        for _ in range(STARTS + 1):
            host.start()
            assert host.running == NEW


def wear_out(host: Host) -> None:
    """The new image never confirms itself, after the power cut either."""
    if host.running == NEW:
        for _ in range(STARTS + 1):
            host.start()
    assert host.running == OLD
    assert not host.storage.get_active_result()
    go_on(host)


def calls_of(life: str, kind: str, folder: Path, patch: pytest.MonkeyPatch) -> "list[str]":
    with patch.context() as context:
        disk = Disk(new_folder(folder), context)
        getattr(Host(folder, kind, disk), life)()
    return disk.calls


@pytest.mark.parametrize(
    "kind", ["plain", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("launcher", "loader"))]
)
@pytest.mark.parametrize("life", ["upgrade", "late", "in_vain"])
def test_a_power_cut_in_every_call(life, kind, tmp_path, monkeypatch, capsys):
    calls = calls_of(life, kind, tmp_path / "whole", monkeypatch)
    assert len(calls) > 40
    left = tmp_path / "left"
    left.mkdir()
    cuts = starts = 0
    for number, call in enumerate(calls, 1):
        for how in (BEFORE, HALF, AFTER) if call == "pwrite" else (BEFORE, AFTER):
            folder = new_folder(tmp_path / f"{number}-{how}")
            with monkeypatch.context() as context:
                disk = Disk(folder, context, number, how)
                before = Host(folder, kind, disk)
                with pytest.raises(PowerCut):
                    getattr(before, life)()
            cuts += 1
            with monkeypatch.context() as context:
                context.setattr(os, "fsync", lambda fd: None)  # nothing is cut any more: it may be quick
                for fate in disk.outcomes(left):
                    host = Host(left, kind, loader=before.loader)
                    check_start(host, before)
                    starts += 1
                    if fate == LOST:
                        (wear_out if life == "in_vain" else go_on)(host)
    with capsys.disabled():
        print(f"\n{life}, {kind}: {cuts} power cuts, {starts} starts after them")


@pytest.mark.parametrize("life", ["upgrade", "late", "in_vain"])
def test_a_full_disk_in_every_call(life, tmp_path, monkeypatch):
    calls = calls_of(life, "plain", tmp_path / "whole", monkeypatch)
    for number, call in enumerate(calls, 1):
        if call == "unlink":
            continue
        folder = new_folder(tmp_path / str(number))
        with monkeypatch.context() as context:
            disk = Disk(folder, context, number)
            real = disk._do

            def full(call, function, half=None, disk=disk, real=real):
                try:
                    return real(call, function, half)
                except PowerCut:
                    disk.off, disk.number = False, None
                    raise OSError(errno.ENOSPC, "No space left on device") from None

            context.setattr(disk, "_do", full)
            host = Host(folder, "plain", disk)
            with pytest.raises(OSError, match="No space left") as caught:
                getattr(host, life)()
            assert caught.value.errno == errno.ENOSPC
            if not host.certain:
                assert host.next_image() == OLD
            # The process goes on, and there is room again.
            assert host.next_image() in (OLD, NEW)
            host.start()
            if host.running == OLD:
                host.load()
                host.update()
                host.start()
            assert host.running == NEW
            if not host.storage.given_up():
                assert host.storage.confirm()
                host.start()
                assert host.running == NEW
