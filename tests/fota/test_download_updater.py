"""Pulls by coap into a real `Updater`: whatever a server does, the image is whole and verified, or the result says."""

import pytest

from atiny.fota import machine
from atiny.fota.build import build
from atiny.fota.options import FirmwareOptions
from atiny.fota.updater import Updater
from atiny.testing import Conditions, FakeStorageDevice
from tests.fota.keys import PRIVATE_PEM
from tests.fota.pull_rig import URI, Pull
from tests.fota.rig import KEY, image

NEW = image(20_000)
SIGNED = build(NEW, key=PRIVATE_PEM)
OTHER = build(image(15_000, 2), key=PRIVATE_PEM)


class Upgrade(Pull):
    """A device whose updater pulls, which takes it for its agent; ``states``: what it told its host."""

    offline = None

    def __init__(self, seed=0, storage=None, **options):
        super().__init__(seed)
        self.firmware = FirmwareOptions(**(options or KEY))
        self.storage = storage or FakeStorageDevice()
        self.states = []
        self.power_on()

    def power_on(self):
        self.agent.clock.ms = self.simulation.now_ms
        self.clock = self.agent.clock
        self.random = self.platform.hardware.random
        self.updater = Updater(self, self.storage, self.firmware)
        self.updater.sources.append(self.source)
        self.updater.start()

    def model_changed(self, path):
        pass

    def firmware_moved(self, *told):
        self.states.append(told)

    def handler_failed(self, path, error):
        pass

    def pull(self, uri=URI):
        self.agent.clock.ms = self.simulation.now_ms
        self.updater.set_uri(uri)

    def step(self):
        updater = getattr(self, "updater", None)
        due = None
        self.agent.clock.ms = self.simulation.now_ms
        if updater is not None:
            due = updater.deadline()
            if due is not None and due <= self.simulation.now_ms:
                updater.handle_timer()
        left = self.client.step()
        due = None if updater is None else updater.deadline()
        if due is not None:
            due = max(0, due - self.simulation.now_ms)
        return due if left is None or (due is not None and due < left) else left

    def settled(self):
        """(state, result) once the download is over; its link is closed then."""
        self.simulation.run_until(lambda: self.updater.record.state != machine.DOWNLOADING, 7_200_000)
        self.simulation.run(1000)
        assert self.links() <= len(self.agent.accounts)
        if self.updater.record.state == machine.DOWNLOADED:
            assert self.updater.record.result == machine.NONE_YET
        return self.updater.record.state, self.updater.record.result


GOOD = (machine.DOWNLOADED, machine.NONE_YET)


def failed(result):
    return machine.IDLE, result


def stored(upgrade, length):
    return upgrade.storage.read_software(0, length)


def test_downloaded():
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, len(NEW)) == NEW


@pytest.mark.parametrize("seed", range(4))
def test_loss_duplication_and_reordering(seed):
    upgrade = Upgrade(seed)
    bad = dict(loss=0.2, duplication=0.2, reordering=0.2, reordering_ms=3000, delay_ms=(10, 60))
    upgrade.network.uplink, upgrade.network.downlink = Conditions(**bad), Conditions(**bad)
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, len(NEW)) == NEW


@pytest.mark.parametrize("offset", [0, 1024, 8192, 19_456])
def test_the_image_is_exchanged(offset):
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.files.at(offset, lambda: upgrade.files.put("/lamp.bin", OTHER))
    upgrade.pull()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, 15_000) == image(15_000, 2)


def test_the_image_is_exchanged_and_nobody_says_so():
    """Without tags a mixture comes, and is not taken."""
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED, etag=None)
    mixed = build(image(20_000, 3), key=PRIVATE_PEM)
    upgrade.files.at(8192, lambda: upgrade.files.put("/lamp.bin", mixed, etag=None))
    upgrade.pull()
    assert upgrade.settled() == failed(machine.INTEGRITY)


@pytest.mark.parametrize("announced", [100, 10_000, len(SIGNED) - 1, len(SIGNED) + 1, 40_000])
def test_longer_or_shorter_than_announced(announced):
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED, announced=announced)
    upgrade.pull()
    assert upgrade.settled() == failed(machine.INTEGRITY)


def test_longer_or_shorter_than_the_package_says():
    for content in (SIGNED[:-1], SIGNED + b"x"):
        upgrade = Upgrade()
        upgrade.files.put("/lamp.bin", content)
        upgrade.pull()
        assert upgrade.settled() == failed(machine.INTEGRITY)


@pytest.mark.parametrize(
    ("code", "times", "settled"),
    [
        ("4.04", 1, failed(machine.INVALID_URI)),
        ("5.03", 1, GOOD),
        ("5.03", None, failed(machine.CONNECTION_LOST)),
        ("5.00", 3, GOOD),
    ],
)
def test_an_error_half_way(code, times, settled):
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.files.at(8192, lambda: upgrade.files.fail(code, times))
    upgrade.pull()
    assert upgrade.settled() == settled


def test_a_link_that_is_lost_for_good():
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.files.at(8192, upgrade.network.partition)
    upgrade.pull()
    assert upgrade.settled() == failed(machine.CONNECTION_LOST)


@pytest.mark.parametrize(
    ("uri", "result"),
    [
        ("coap://files/none", machine.INVALID_URI),
        ("coap://files/%zz", machine.INVALID_URI),
        ("no uri", machine.INVALID_URI),
        ("coaps://files/lamp.bin", machine.INVALID_URI),  # the device has no key for it
        ("ftp://files/lamp.bin", machine.UNSUPPORTED_PROTOCOL),
    ],
)
def test_uris(uri, result):
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.simulation.run(100)
    upgrade.pull(uri)
    assert upgrade.settled() == failed(result)


def test_reset_while_it_downloads():
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    upgrade.simulation.run_until(lambda: upgrade.updater.done > 5000)
    upgrade.pull("")
    upgrade.simulation.run(1)
    fetches = len(upgrade.files.fetches)
    assert upgrade.settled() == failed(machine.NONE_YET)
    assert len(upgrade.files.fetches) <= fetches + 1
    upgrade.pull()
    assert upgrade.settled() == GOOD


@pytest.mark.parametrize("size", [16, 256, 1024])
def test_goes_on_after_a_restart(size):
    """What is fetched twice is the head of the package, and what came after the last checkpoint."""
    upgrade = Upgrade()
    upgrade.files.block_size = size
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    upgrade.simulation.run_until(lambda: upgrade.updater.done > 15_000)
    before = sum(fetch.size for fetch in upgrade.files.fetches)
    upgrade.updater.stop()
    upgrade.simulation.run(10_000)
    upgrade.power_on()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, len(NEW)) == NEW
    again = sum(fetch.size for fetch in upgrade.files.fetches) - before
    assert again <= len(SIGNED) - 15_000 + 4096 + 2048 + 1024


def test_another_image_after_a_restart():
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    upgrade.simulation.run_until(lambda: upgrade.updater.done > 15_000)
    upgrade.updater.stop()
    upgrade.files.put("/lamp.bin", OTHER)
    upgrade.power_on()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, 15_000) == image(15_000, 2)


def test_offline():
    upgrade = Upgrade()
    upgrade.files.put("/lamp.bin", SIGNED)
    upgrade.pull()
    upgrade.simulation.run_until(lambda: upgrade.updater.done > 5000)
    upgrade.client.go_offline()
    upgrade.offline = True
    upgrade.updater.network_changed()
    upgrade.simulation.run(3_600_000)
    assert upgrade.updater.record.state == machine.DOWNLOADING
    upgrade.client.go_online()
    upgrade.simulation.run(0)
    upgrade.offline = None
    upgrade.updater.network_changed()
    assert upgrade.settled() == GOOD
    assert stored(upgrade, len(NEW)) == NEW
