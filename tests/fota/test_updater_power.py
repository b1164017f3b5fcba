"""The power fails at every operation of the storage, of a push and of a pull, and again while the device recovers.

Whatever happens: no image ever runs that was not verified, the old one is never lost, State and Result say which of
them runs, and from what is left an upgrade comes to its end.
"""

import pytest

from atiny.fota.build import build
from atiny.testing import FakeStorageDevice, PowerCut
from tests.fota.keys import PRIVATE_PEM
from tests.fota.rig import KEY, NEW, OLD, SIGNED, URI, Rig, image

NEWER = image(4000, 2)
SIGNED_NEWER = build(NEWER, key=PRIVATE_PEM)
UPGRADES = [(OLD, NEW, SIGNED), (NEW, NEWER, SIGNED_NEWER)]
WAYS = pytest.mark.parametrize("way", ["push", "pull"])


class Life:
    """A device on which ``old`` runs, and ``new`` is to."""

    def __init__(self, way, old, new, package, **options):
        self.way, self.old, self.new, self.package = way, old, new, package
        self.rig = Rig(FakeStorageDevice(OLD), **dict(KEY, checkpoint=1024, **options))
        if old != OLD:  # it comes from an upgrade
            assert self.rig.push(SIGNED) is None
            self.rig.update()
            assert self.rig.boot() == (0, 1)
            self.rig.updater.set_uri("")
        self.rig.files.content[URI] = (package, b"\x07")

    def go_on(self):
        """What is left of the upgrade, up to the restart that ends it."""
        rig = self.rig
        if rig.updater.record.state == 0:
            if self.way == "pull":
                rig.updater.set_uri(URI)
            else:
                assert rig.push(self.package) is None
        rig.run()
        assert rig.updater.record.state == 2
        rig.update()

    def fails(self, cut, starts):
        """Go on, and lose the power at the operation ``cut``; whether there was one. ``starts``: with a start first."""
        try:
            if starts:
                self.rig.boot(cut)
            else:
                self.rig.storage.cut_power_at(cut)
            if not starts or self.rig.says != (0, 1):
                self.go_on()
        except PowerCut:
            return True
        return False

    def check(self):
        """After a start: what is said is what is there."""
        rig = self.rig
        state, result = rig.says
        assert rig.storage.software in (self.old, self.new)
        assert (rig.storage.software == self.new) == (rig.says == (0, 1)), rig.says
        written = rig.updater.record.written
        assert bytes(rig.storage.new[:written]) == self.new[:written]
        if state == 0:
            assert result in (0, 1, 4)  # it had not begun; it is done; a push broke off
            assert written == 0
        elif state == 1:
            assert (self.way, result) == ("pull", 0)
        else:
            assert (state, result) in ((2, 0), (2, 8))
            assert written == len(self.new)
        assert rig.failures == []


@WAYS
@pytest.mark.parametrize(("old", "new", "package"), UPGRADES, ids=["first", "second"])
def test_at_every_operation_of_an_upgrade(way, old, new, package, capsys):
    cuts = 0
    ends = set()
    while True:
        life = Life(way, old, new, package)
        failed = life.fails(cuts + 1, starts=False)
        ends.add(life.rig.boot())
        life.check()
        if not failed:
            break
        cuts += 1
        if life.rig.says != (0, 1):
            life.go_on()
            life.rig.boot()
        life.check()
        assert life.rig.says == (0, 1)
    assert cuts >= 14
    assert ends == {(0, 0), (2, 0), (2, 8), (0, 1), (0, 4) if way == "push" else (1, 0)}
    with capsys.disabled():
        print(f"\n{way} of a signed package: {cuts} power cuts", end=" ")


@pytest.mark.parametrize("read_back", [True, False])
@WAYS
def test_at_every_operation_of_an_upgrade_and_of_its_recovery(way, read_back, monkeypatch, capsys):
    if not read_back:

        def cannot(storage, offset, length):
            raise NotImplementedError

        monkeypatch.setattr(FakeStorageDevice, "read_software", cannot)
    cuts = 0
    first = 1
    while True:
        second = 1
        while True:
            life = Life(way, OLD, NEW, SIGNED)
            if not life.fails(first, starts=False):
                break
            again = life.fails(second, starts=True)
            cuts += again
            life.rig.boot()
            life.check()
            if life.rig.says != (0, 1):
                life.go_on()
                life.rig.boot()
            assert life.rig.says == (0, 1)
            assert life.rig.storage.software == NEW
            if not again:
                break
            second += 1
        if second == 1:
            break
        first += 1
    assert cuts > 150
    with capsys.disabled():
        print(f"\n{way}, {'' if read_back else 'not '}read back: {cuts} pairs of power cuts", end=" ")


HOSTILE = {
    "unsigned": build(NEW),
    "signed by another": SIGNED[:40] + bytes([SIGNED[40] ^ 1]) + SIGNED[41:],
    "another image under the signature": SIGNED[:-1] + bytes([SIGNED[-1] ^ 1]),
    "cut short": SIGNED[:-1],
    "no package": NEW,
}


@WAYS
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_package_runs_after_no_power_cut(way, name, capsys):
    package = HOSTILE[name]
    cuts = 0
    failed = True
    while failed:
        rig = Rig(FakeStorageDevice(OLD), **KEY, checkpoint=1024)
        rig.files.content[URI] = (package, b"\x07")
        rig.storage.cut_power_at(cuts + 1)
        failed = False
        try:
            rig.push(package) if way == "push" else rig.pull()
            assert rig.says in ((0, 5), (0, 6))
        except PowerCut:
            failed = True
        for _ in range(3):
            assert rig.refused(rig.updater.update) == 0x85
            rig.boot()
            assert rig.storage.software == OLD
            rig.run()
            assert rig.says in ((0, 0), (0, 4), (0, 5), (0, 6))
        assert "active_software" not in rig.storage.calls
        assert "end_software_download" not in rig.storage.calls
        cuts += failed
    with capsys.disabled():
        print(f"\n{way}, {name}: {cuts} power cuts", end=" ")


@WAYS
def test_an_image_that_does_not_boot_leaves_the_old_one_through_every_power_cut(way):
    cut = 1
    while True:
        life = Life(way, OLD, NEW, SIGNED)
        life.rig.storage.boots = False
        if not life.fails(cut, starts=False):
            break
        life.rig.boot()
        life.check()
        life.go_on()
        assert life.rig.boot() == (2, 8)
        assert life.rig.storage.software == OLD
        cut += 1
    assert life.rig.boot() == (2, 8)
    life.rig.storage.boots = True
    life.rig.update()
    assert life.rig.boot() == (0, 1)
