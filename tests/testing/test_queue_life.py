"""Devices in queue mode and without a network, whole, in a simulation."""

import pytest

from atiny import (
    APP_DATA,
    ATINY_NOTIFY_DONE,
    FLOAT,
    Object,
    ReportStatus,
    Resource,
)
from atiny.testing import Simulation

HOUR_MS = 3_600_000
AWAKE_MS = 93_000
REPORTS = "/19/0/0"
VALUE = "/3303/0/5700"
SUCCESS = ReportStatus.SENT_SUCCESS


class Temperature(Object):
    object_id = 3303
    multiple = True
    resources = (Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),)

    def __init__(self, value=21.5):
        self.sensor_value = value


class World:
    """A device with a sensor, one server that observes it, and what the device's host was told."""

    def __init__(self, seed=0, observe=(REPORTS, VALUE), **options):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        self.server = self.simulation.server(auto_observe=observe)
        self.sensor = Temperature()
        self.done = []
        self.client = self.simulation.client("dev", objects=[self.sensor], on_event=self.on_event, **options)
        self.simulation.run_until(lambda: self.client.registered)
        self.simulation.run(1000)

    def on_event(self, event, arg):
        if event == ATINY_NOTIFY_DONE:
            self.done.append(arg)

    @property
    def socket(self):
        return self.client.platform.sockets[-1]

    def set_value(self, value):
        self.sensor.sensor_value = value
        self.client.changed(VALUE)

    def values(self):
        """The values that have arrived, in the order of their sequence numbers, the first response left out."""
        found = []
        for request in self.server.requests:
            if request.path == VALUE:
                fresh = sorted(request.notifications, key=lambda one: one.sequence)
                found += [float(one.payload) for one in fresh[1:]]
        return found


def test_a_day_in_queue_mode():
    """It sleeps but for a few minutes, and the server has all that it has to know."""
    world = World(binding="UQ", lifetime=4 * 3600)
    for hour in range(24):
        world.set_value(float(hour))
        world.simulation.run(HOUR_MS)
    assert world.values() == [float(hour) for hour in range(24)]
    assert world.done == [(VALUE, 123, SUCCESS)] * 24
    assert world.server.count("register") == 1
    assert world.server.count("expired") == 0
    assert world.server.protocol_errors == []
    assert world.socket.slept_ms > 22 * HOUR_MS, "of 23: the last hour is not over"


def test_sleep_until_tells_the_firmware_how_long_it_may_power_down():
    world = World(binding="UQ", lifetime=86400)
    simulation, client = world.simulation, world.client
    assert client.sleep_until() == simulation.now_ms, "awake"
    simulation.run(AWAKE_MS + 1000)
    until = client.sleep_until()
    assert until is not None
    assert until - simulation.now_ms > 23 * HOUR_MS
    world.set_value(1.0)
    simulation.run(AWAKE_MS + 1000)
    assert world.values() == [1.0], "what changes meanwhile is not late"
    # The firmware is off until then: nobody steps the client.
    simulation.remove_client(client)
    until = client.sleep_until()
    assert until is not None
    assert until > simulation.now_ms
    simulation.run(until - simulation.now_ms)
    assert world.server.count("expired") == 0
    simulation.add_client(client)
    simulation.run(1000)
    assert world.server.device("dev").updates == 2
    assert world.server.count("register") == 1


def test_what_the_server_sends_to_a_sleeper_is_lost_and_harms_nothing():
    world = World(binding="UQ", lifetime=86400)
    world.simulation.run(AWAKE_MS + 1000)
    assert world.socket.asleep
    lost = world.server.read("dev", "/3/0/0")
    world.simulation.run(HOUR_MS)
    assert lost.error is not None
    assert world.socket.asleep
    world.set_value(22.0)
    world.simulation.run(1000)
    heard = world.server.read("dev", "/3/0/0")
    world.simulation.run(1000)
    assert (heard.code, world.values()) == ("2.05", [22.0])


def test_a_server_that_switches_queue_mode_on_and_off():
    world = World(lifetime=86400)
    world.simulation.run(HOUR_MS)
    assert not world.socket.asleep
    for binding in (b"UQ", b"U", b"UQ"):
        if world.socket.asleep:
            world.set_value(world.sensor.sensor_value + 1)  # the server cannot reach it until it wakes
            world.simulation.run(1000)
        answer = world.server.write("dev", "/1/0/7", binding)
        world.simulation.run(HOUR_MS)
        assert answer.code == "2.04"
        assert world.server.device("dev").binding == binding.decode()
        assert world.socket.asleep is (binding == b"UQ")


def test_reports_from_a_sleeping_device():
    world = World(binding="UQ", lifetime=86400)
    reports = []
    for number in range(5):
        world.simulation.run(HOUR_MS)
        assert world.socket.asleep
        reports.append(world.client.report(b"%d" % number))
        world.simulation.run(1000)
        assert reports[-1].status == SUCCESS
    assert world.server.device("dev").updates >= 5
    assert [report.type for report in reports] == [APP_DATA] * 5


@pytest.mark.parametrize("binding", ["U", "UQ"])
@pytest.mark.parametrize("hours", [5, 50])
def test_hours_without_a_network(binding, hours):
    world = World(binding=binding, lifetime=86400)
    world.client.go_offline()
    world.simulation.run(1000)
    sent = world.network.sent
    report = world.client.report(b"meanwhile")
    for hour in range(hours):
        world.set_value(float(hour))
        world.simulation.run(HOUR_MS)
    assert world.network.sent == sent, "not a datagram"
    assert not report.done
    world.client.go_online()
    world.simulation.run(60_000)
    assert report.status == SUCCESS
    assert world.client.registered
    if hours < 24:
        assert world.values() == [float(hour) for hour in range(hours)]
        assert world.done == [(VALUE, 123, SUCCESS)] * hours
        assert world.server.count("register") == 1
    else:
        assert world.server.count("register") == 2
        assert [status for _, _, status in world.done] == [ReportStatus.NOT_SENT] * 18 + [ReportStatus.SENT_FAIL] * 32
    assert world.server.protocol_errors == []


def test_what_was_stored_when_the_client_ends():
    world = World()
    world.client.go_offline()
    world.simulation.run(1000)
    world.set_value(1.0)
    world.simulation.run(1000)
    sent = world.network.sent
    world.client.close()
    assert world.done == [(VALUE, 123, ReportStatus.NOT_SENT)]
    assert world.network.sent == sent


def test_a_device_that_begins_without_a_network():
    simulation = Simulation()
    server = simulation.server()
    client = simulation.client("dev")
    client.go_offline()
    simulation.run(HOUR_MS)
    assert simulation.network.sent <= 1, "the first Register may have gone before"
    client.go_online()
    simulation.run(1000)
    assert client.registered
    assert server.count("register") == 1


@pytest.mark.parametrize("seed", range(5))
def test_queue_mode_on_a_bad_network(seed):
    world = World(seed, binding="UQ", lifetime=7200, confirmable_notifications=True)
    world.network.set(loss=0.2, duplication=0.2, delay_ms=(5, 200))
    for hour in range(24):
        world.set_value(float(hour))
        world.simulation.run(HOUR_MS)
        if not any(request.observing for request in world.server.requests if request.path == VALUE):
            world.server.observe("dev", VALUE)
            world.simulation.run(AWAKE_MS)
    succeeded = [status for path, _, status in world.done if status == SUCCESS]
    assert len(succeeded) >= 22
    assert world.socket.asleep
    assert world.server.protocol_errors == []
