"""Whole devices that are upgraded in virtual time, by push and by pull, while the power fails at any moment.

Whatever happens, the device ends with the new firmware, verified and running, or with the old one, and says which; and
the operator, who only looks at State and Result, brings every upgrade to its end.
"""

import pytest

from atiny import ATINY_FOTA_STATE, FirmwareOptions, ReportStatus
from atiny.testing import FakeCommandHandler, FakeStorageDevice, FakeStore, PowerCut, Simulation
from tests.fota.rig import KEY, NEW, OLD, SIGNED

OPAQUE = 42
URI = "coap://files/lamp.bin"
HOUR_MS = 3_600_000
WAYS = pytest.mark.parametrize("way", ["push", "pull"])


class World:
    """A server whose operator wants the new firmware on the device, and the device, which may be restarted."""

    def __init__(self, way, package=SIGNED, seed=0, options=None, **network):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        self.network.set(**network)
        self.server = self.simulation.server("server", auto_observe=["/5/0/3", "/5/0/5", "/19/0/0"])
        self.files = self.simulation.file_server()
        self.files.put("/lamp.bin", package)
        self.way = way
        self.package = package
        self.options = {**KEY, **(options or {})}
        self.storage = FakeStorageDevice(OLD)
        self.store = FakeStore()
        self.activated = []  # what ran after each restart
        self.boot()

    def boot(self):
        self.storage.restart()
        self.handler = FakeCommandHandler({4: 0})
        self.events = []
        self.client = self.simulation.client(
            "dev",
            platform=self.simulation.platform("dev", storage=self.storage, store=self.store),
            device=self.handler,
            firmware=FirmwareOptions(**self.options),
            on_event=lambda event, arg: self.events.append(arg) if event == ATINY_FOTA_STATE else None,
            lifetime=300,
        )
        self.activated.append(self.storage.software)

    def power_off(self):
        """The device vanishes without a word."""
        self.simulation.remove_client(self.client)
        for socket in self.client.platform.sockets:
            socket.close()

    # -- the operator

    def value(self, path):
        """What the server reads at a path, or None where there is no answer."""
        if "dev" not in self.server.devices:
            return None
        request = self.server.read("dev", path)
        self.simulation.run_until(lambda: request.done, HOUR_MS)
        return int(request.payload) if request.code == "2.05" else None

    def upgrade(self):
        """Bring the upgrade to its end: the result that the device says, after at most an hour."""
        pushed = None
        updated = False
        until = self.simulation.now_ms + HOUR_MS
        while self.simulation.now_ms < until:
            self.simulation.run(500)
            if self.handler.args(4):  # the device restarts itself
                self.power_off()
                self.boot()
                continue
            state, result = self.value("/5/0/3"), self.value("/5/0/5")
            if state == 0 and result in (1, 5, 6, 8):
                return result
            if state == 0 and (pushed is None or pushed.done):
                if self.way == "push":
                    pushed = self.server.write("dev", "/5/0/0", self.package, OPAQUE)
                else:
                    self.server.write("dev", "/5/0/1", URI.encode())
            elif state == 2 and not updated:
                updated = True
                self.server.execute("dev", "/5/0/2")
            elif state == 2 and result == 8:
                return result
        raise AssertionError("the upgrade does not end: %s" % self.server.protocol_errors)

    def check(self):
        """What must hold at any moment: only what is verified runs, and the old image is there until then."""
        assert self.storage.software in (OLD, NEW)
        assert set(self.activated) <= {OLD, NEW}


@WAYS
def test_an_upgrade_is_followed_from_the_server(way):
    world = World(way)
    world.simulation.run_until(lambda: world.client.registered)
    assert world.upgrade() == 1
    assert world.storage.software == NEW
    assert world.activated == [OLD, NEW]
    seen = []
    for request in world.server.requests:
        if request.path == "/5/0/3":
            seen += [int(one.payload) for one in request.notifications]
    assert [state for state, before in zip(seen, [None, *seen], strict=False) if state != before] == [0, 1, 2, 3, 0]
    assert world.events[0][:2] == (0, 1), "right at once after the restart"
    assert world.server.protocol_errors == []


@WAYS
def test_the_power_fails_at_every_operation_of_the_storage(way):
    """And of the store, which an upgrade does not need: nothing is written there."""
    cuts = 0
    for number in range(1, 200):
        world = World(way)
        world.simulation.run_until(lambda: world.client.registered)  # noqa: B023
        world.storage.cut_power_at(number)
        try:
            result = world.upgrade()
        except PowerCut:
            cuts += 1
            world.power_off()
            world.boot()
            world.check()
            result = world.upgrade()
        else:
            assert world.store.operations == 0
            break
        assert (result, world.storage.software) == (1, NEW), f"cut at operation {number}"
        world.check()
    print(f"{way}: the power failed at each of {cuts} operations")
    assert cuts >= 10


@WAYS
@pytest.mark.parametrize("torn", [1, 2])
def test_the_power_fails_at_every_datagram(way, torn):
    """Every datagram of the upgrade, and in the second round again as many datagrams after the restart."""
    cuts = 0
    for number in range(1, 400, torn):
        world = World(way)
        world.simulation.run_until(lambda: world.client.registered)  # noqa: B023
        world.simulation.run(500)
        done = False
        for _ in range(torn):
            cutter = world.simulation.add_client(Cutter(world.network, number))
            try:
                done = world.upgrade() == 1
            except PowerCut:
                cuts += 1
                world.power_off()
                world.boot()
                world.check()
            world.simulation.remove_client(cutter)
        if not done:
            assert world.upgrade() == 1, f"cut at datagram {number}"
        assert world.storage.software == NEW
        world.check()
        if done:
            break
    print(f"{way}: the power failed at {cuts} datagrams")
    assert cuts >= 30


class Cutter:
    """Cuts the power once so many more datagrams have been sent, by whoever."""

    def __init__(self, network, number):
        self.network = network
        self.due = network.sent + number

    def step(self):
        if self.network.sent >= self.due:
            raise PowerCut("at a datagram")


@WAYS
@pytest.mark.parametrize("seed", range(3))
def test_on_a_bad_network(way, seed):
    world = World(way, seed=seed, loss=0.2, duplication=0.2, delay_ms=(5, 400))
    world.simulation.run_until(lambda: world.client.registered, HOUR_MS)
    assert world.upgrade() == 1
    assert world.storage.software == NEW


def test_the_device_reports_and_obeys_while_it_downloads():
    world = World("pull", delay_ms=(25, 25))
    world.files.files["/lamp.bin"].content = SIGNED
    world.files.block_size = 64
    world.simulation.run_until(lambda: world.client.registered)
    world.simulation.run(500)
    world.server.write("dev", "/5/0/1", URI.encode())
    world.simulation.run_until(lambda: len(world.files.fetches) > 5)
    for number in range(10):
        report = world.client.report(b"%d" % number)
        took = world.simulation.run_until(lambda: report.done, 1000)  # noqa: B023
        assert report.status == ReportStatus.SENT_SUCCESS
        assert took <= 100, "no more than one block's time besides its own"
    assert world.client._agent.updater.record.state == 1
    assert world.upgrade() == 1


def test_a_wrongly_signed_package_never_runs():
    wrong = bytearray(SIGNED)
    wrong[-1] ^= 1
    world = World("push", package=bytes(wrong))
    world.simulation.run_until(lambda: world.client.registered)
    assert world.upgrade() == 5
    assert world.storage.software == OLD
    assert "active_software" not in world.storage.calls
