"""One device on several servers: each registration for itself, reports and notifications to all who observe."""

import pytest

from atiny import ATINY_NOTIFY_DONE, ATINY_REG_FAIL, FLOAT, Object, QueueFull, ReportStatus, Resource, ServerAccount
from atiny.testing import Simulation

HOUR_MS = 3_600_000
REPORTS = "/19/0/0"
VALUE = "/3303/0/5700"
SUCCESS, TIME_OUT, FAIL = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_FAIL


class Temperature(Object):
    object_id = 3303
    multiple = True
    resources = (Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),)

    def __init__(self, value=21.5):
        self.sensor_value = value


class World:
    """A device with an account at each of the servers "one", "two", ... (short ids 1, 2, ...)."""

    def __init__(self, count=2, seed=0, observe=(REPORTS, VALUE), bindings=(), lifetimes=(), **options):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        names = ["one", "two", "three", "four"][:count]
        self.servers = [self.simulation.server(name, auto_observe=observe) for name in names]
        accounts = [
            ServerAccount(
                "coap://" + name,
                short_server_id=number + 1,
                binding=bindings[number] if bindings else None,
                lifetime=lifetimes[number] if lifetimes else None,
                rights="RWEDC",
            )
            for number, name in enumerate(names)
        ]
        self.sensor = Temperature()
        self.events = []
        self.acks = []
        self.client = self.simulation.client(
            "dev", accounts, objects=[self.sensor], on_event=lambda *event: self.events.append(event), **options
        )

    def register(self):
        self.simulation.run_until(lambda: all("dev" in server.devices for server in self.servers))
        self.simulation.run(1000)

    def report(self, data):
        return self.client.report(data, data, lambda *ack: self.acks.append(ack[1:]))

    def set_value(self, value):
        self.sensor.sensor_value = value
        self.client.changed(VALUE)

    def arrived(self, number, path=REPORTS):
        """What a server has of a path, each once, in order; the first responses left out."""
        found = []
        for request in self.servers[number].requests:
            if request.path == path:
                found += [one.payload for one in sorted(request.notifications, key=lambda one: one.sequence)[1:]]
        return found


def test_each_has_its_registration_lifetime_and_binding():
    world = World(3, lifetimes=(600, 3600, 86400), bindings=("U", "UQ", "U"))
    world.register()
    world.simulation.run(10 * HOUR_MS)
    devices = [server.device("dev") for server in world.servers]
    assert [device.lifetime_s for device in devices] == [600, 3600, 86400]
    assert [device.binding for device in devices] == ["U", "UQ", "U"]
    assert [server.count("register") for server in world.servers] == [1, 1, 1]
    assert [server.count("expired") for server in world.servers] == [0, 0, 0]
    updates = [device.updates for device in devices]
    assert 70 <= updates[0] <= 72
    assert 9 <= updates[1] <= 11
    assert updates[2] == 0
    assert [socket.asleep for socket in world.client.platform.sockets] == [False, True, False]


def test_a_server_that_fails_does_not_slow_the_others():
    """One is silent from the beginning, one refuses: what the third sees is what it would see alone."""

    def seen(count):
        world = World(count)
        if count > 1:
            world.servers[1].silent = True
            world.network.refuse(5683, "three")
        world.simulation.run_until(lambda: world.client.registered)
        for number in range(20):
            world.report(b"%d" % number)
            world.set_value(float(number))
            world.simulation.run(30_000)
        assert [status for _, status in world.acks] == [SUCCESS] * 20
        assert world.servers[0].count("register") == 1
        return [[(one.time_ms, one.payload) for one in request.notifications] for request in world.servers[0].requests]

    assert seen(3) == seen(1)


def test_reports_go_to_all_who_observe():
    world = World(3)
    world.register()
    for number in range(10):
        world.report(b"%d" % number)
        world.simulation.run(2000)
    expected = [b"%d" % number for number in range(10)]
    assert [world.arrived(number) for number in range(3)] == [expected] * 3
    assert world.acks == [(data, SUCCESS) for data in expected], "each ends once"


def test_a_report_waits_for_no_other_than_the_first_that_acknowledges():
    world = World(2)
    world.register()
    world.servers[1].silent = True
    reports = []
    for number in range(40):
        reports.append(world.report(b"%d" % number))
        world.simulation.run(1000)
        assert reports[-1].status == SUCCESS
    world.simulation.run(HOUR_MS)
    assert [data for data, _ in world.acks] == [b"%d" % number for number in range(40)]
    assert world.arrived(0) == [b"%d" % number for number in range(40)]
    assert world.arrived(1) == []


def test_a_slow_server_gets_its_copies_in_order_later():
    world = World(2)
    world.register()
    world.servers[1].silent = True
    for number in range(6):
        world.report(b"%d" % number)
        world.simulation.run(1000)
    world.servers[1].silent = False
    world.simulation.run(60_000)
    assert world.arrived(1) == world.arrived(0) == [b"%d" % number for number in range(6)]
    assert len(world.acks) == 6


def test_the_backlog_of_a_slow_server_is_bounded_and_loses_the_oldest():
    world = World(2, queue_size=3)
    world.register()
    world.servers[1].write_attributes("dev", REPORTS, "pmin=300")
    world.simulation.run(1000)
    for number in range(8):
        world.report(b"%d" % number)
        world.simulation.run(1000)
    world.simulation.run(HOUR_MS)
    assert world.arrived(0) == [b"%d" % number for number in range(8)]
    assert world.arrived(1) == [b"5", b"6", b"7"]
    assert [status for _, status in world.acks] == [SUCCESS] * 8


def test_the_status_is_a_failure_only_where_all_failed():
    world = World(2)
    world.register()
    for server in world.servers:
        server.silent = True
    report = world.report(b"x")
    world.simulation.run(200_000)
    assert report.status in (TIME_OUT, FAIL)
    assert len(world.acks) == 1


def test_a_server_that_answers_with_reset_takes_only_its_own_copies():
    world = World(2)
    world.register()
    world.servers[0].reset_notifications = True
    reports = [world.report(b"%d" % number) for number in range(4)]
    world.simulation.run(10_000)
    assert [report.status for report in reports] == [SUCCESS] * 4
    assert world.arrived(1) == [b"%d" % number for number in range(4)]


@pytest.mark.parametrize("first", [0, 1])
def test_cancel_by_one_server_then_by_the_other(first):
    world = World(2)
    world.register()
    for number in (first, 1 - first):
        world.servers[number].silent = True
    reports = [world.report(b"%d" % number) for number in range(4)]
    world.simulation.run(100)
    for server in world.servers:
        server.silent = False
    cancelled = world.servers[first]
    next(request for request in cancelled.requests if request.path == REPORTS).cancel()
    world.simulation.run(60_000)
    assert [report.status for report in reports] == [SUCCESS] * 4, "the other one wants them"
    assert len(world.arrived(1 - first)) == 4
    assert len(world.arrived(first)) <= 1
    other = world.servers[1 - first]
    next(request for request in other.requests if request.path == REPORTS).cancel()
    world.simulation.run(1000)
    waiting = world.report(b"later")
    world.simulation.run(HOUR_MS)
    assert not waiting.done, "it waits for an observer"
    other.observe("dev", REPORTS)
    world.simulation.run(1000)
    assert waiting.status == SUCCESS


def test_reports_wait_in_the_queue_for_the_first_observer():
    world = World(2, observe=(), queue_size=2)
    world.register()
    reports = [world.report(b"a"), world.report(b"b")]
    with pytest.raises(QueueFull):
        world.report(b"c")
    world.simulation.run(HOUR_MS)
    world.servers[1].observe("dev", REPORTS)
    world.simulation.run(1000)
    assert [report.status for report in reports] == [SUCCESS] * 2
    assert (world.arrived(0), world.arrived(1)) == ([], [b"a", b"b"])


def test_stop_ends_every_report_and_every_registration():
    world = World(2)
    world.register()
    world.servers[1].silent = True
    done = world.report(b"done")
    world.simulation.run(1000)
    for server in world.servers:
        server.silent = True
    reports = [done] + [world.report(b"%d" % number) for number in range(3)]
    world.simulation.run(100)
    world.servers[0].silent = False
    world.client.stop()
    assert [report.status for report in reports] == [SUCCESS] + [ReportStatus.NOT_SENT] * 3
    assert world.servers[0].count("deregister") == 1
    assert len(world.acks) == 4


def test_notifications_say_to_whom():
    world = World(2)
    world.register()
    world.servers[1].write_attributes("dev", VALUE, "gt=30")
    world.simulation.run(1000)
    for value in (22.0, 23.0, 31.0):
        world.set_value(value)
        world.simulation.run(1000)
    assert [float(payload) for payload in world.arrived(0, VALUE)] == [22.0, 23.0, 31.0]
    assert [float(payload) for payload in world.arrived(1, VALUE)] == [31.0]
    told = [arg for event, arg in world.events if event == ATINY_NOTIFY_DONE]
    assert sorted(told) == [(VALUE, 1, SUCCESS)] * 3 + [(VALUE, 2, SUCCESS)]


def test_one_disables_its_account():
    world = World(2)
    world.register()
    world.servers[0].write("dev", "/1/0/5", b"3600")
    world.simulation.run(1000)
    world.servers[0].execute("dev", "/1/0/4")
    world.simulation.run(1000)
    assert "dev" not in world.servers[0].devices
    assert world.client.registered
    assert (ATINY_REG_FAIL, "disabled by the server for 3600 s") in world.events
    quiet = [datagram for datagram in world.network.trace if datagram.destination[0] == "one"]
    report = world.report(b"x")
    world.simulation.run(HOUR_MS - 5000)
    assert report.status == SUCCESS
    assert [datagram for datagram in world.network.trace if datagram.destination[0] == "one"] == quiet
    world.simulation.run(10_000)
    assert "dev" in world.servers[0].devices
    assert world.servers[1].count("register") == 1


def test_one_in_queue_mode_sleeps_and_the_other_listens():
    world = World(2, bindings=("UQ", "U"), lifetimes=(86400, 86400))
    world.register()
    world.simulation.run(HOUR_MS)
    sleeper, listener = world.client.platform.sockets
    assert (sleeper.asleep, listener.asleep) == (True, False)
    assert world.client.sleep_until() == world.simulation.now_ms, "a server may ask at any time"
    world.report(b"x")
    world.simulation.run(1000)
    assert world.arrived(0) == world.arrived(1) == [b"x"]
    assert world.servers[0].device("dev").updates == 1, "the Update went first there"
    assert world.servers[1].device("dev").updates == 0
    answer = world.servers[1].read("dev", "/3/0/0")
    world.simulation.run(1000)
    assert answer.code == "2.05"


@pytest.mark.parametrize("seed", range(5))
def test_on_a_bad_network_every_report_ends_once_and_in_order(seed):
    world = World(3, seed, lifetimes=(3600, 1800, 86400), bindings=("U", "UQ", "U"))
    world.network.set(loss=0.25, duplication=0.2, delay_ms=(5, 300))
    world.simulation.run_until(lambda: world.client.registered, HOUR_MS)
    reports = []
    for number in range(60):
        reports.append(world.report(b"%03d" % number))
        if number == 20:
            world.servers[0].silent = True
        if number == 40:
            world.servers[0].silent = False
        world.simulation.run(HOUR_MS // 6)
    world.network.set(loss=0.0, duplication=0.0)
    world.simulation.run(2 * HOUR_MS)
    for server in world.servers:
        if not any(request.observing for request in server.requests if request.path == REPORTS):
            server.observe("dev", REPORTS)
    world.simulation.run(HOUR_MS)
    assert all(report.done for report in reports)
    assert sorted(data for data, _ in world.acks) == [b"%03d" % number for number in range(60)]
    for number in range(3):
        for request in world.servers[number].requests:
            if request.path == REPORTS:
                payloads = [one.payload for one in sorted(request.notifications, key=lambda one: one.sequence)]
                payloads = [payload for payload in payloads if payload]
                assert payloads == sorted(set(payloads))
    assert sum(report.status == SUCCESS for report in reports) >= 58
    assert [server.protocol_errors for server in world.servers] == [[], [], []]
