"""Whole devices in a simulation: a day of life, bad networks, lost servers."""

import time
from contextlib import suppress

import pytest

from atiny import (
    APP_DATA,
    ATINY_REG_FAIL,
    ATINY_REG_OK,
    ATINY_WRITE_APP_DATA,
    FLOAT,
    Object,
    QueueFull,
    ReportStatus,
    Resource,
)
from atiny.testing import Conditions, FakeCommandHandler, FakeStore, Simulation

HOUR_MS = 3_600_000
APP_DATA_PATH = "/19/0/0"


class Temperature(Object):
    object_id = 3303
    multiple = True
    resources = (Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),)

    def __init__(self, value=21.5):
        self.sensor_value = value


class World:
    """A client and a server; what the client told its host."""

    def __init__(self, seed=0, auto_observe=(APP_DATA_PATH,), server=None, **options):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        self.server = self.simulation.server(auto_observe=auto_observe, **(server or {}))
        self.handler = FakeCommandHandler({ATINY_WRITE_APP_DATA: 0})
        self.events = []
        self.acks = []
        self.client = self.simulation.client(
            "dev", device=self.handler, on_event=lambda event, arg: self.events.append(event), **options
        )

    def register(self, timeout_ms=60_000):
        return self.simulation.run_until(lambda: self.client.registered, timeout_ms)

    def report(self, data, cookie=None):
        return self.client.report(data, cookie, lambda *ack: self.acks.append(ack))

    def arrived(self):
        """The payloads of the reports that the server has, each once, in the order of their sequence numbers."""
        found = []
        for request in self.server.requests:
            if request.path == APP_DATA_PATH:
                fresh = sorted(request.notifications, key=lambda one: one.sequence)
                found += [one.payload for one in fresh if one.payload]
        return found


def test_a_devices_life():
    world = World()
    assert world.register() == 40
    assert world.server.device("dev").paths == ["/1/0", "/3/0", "/7/0", "/19/0", "/19/1"]
    report = world.report(b"\1", cookie=7)
    world.simulation.run(1000)
    assert (report.status, world.acks) == (ReportStatus.SENT_SUCCESS, [(APP_DATA, 7, ReportStatus.SENT_SUCCESS)])
    assert world.arrived() == [b"\1"]
    command = world.server.write("dev", "/19/1/0", b"on", content_format=42)
    world.simulation.run(1000)
    assert (command.code, world.handler.args(ATINY_WRITE_APP_DATA)) == ("2.04", [b"on"])
    world.client.stop()
    assert world.client.stopped
    assert [event.kind for event in world.server.events] == ["register", "deregister"]
    assert world.server.protocol_errors == []
    assert world.events[0] == ATINY_REG_OK


def test_waiting_lets_virtual_time_pass():
    world = World()
    assert world.client.wait_registered(5)
    assert world.report(b"\1").wait(5) == ReportStatus.SENT_SUCCESS
    world.server.silent = True
    start = world.simulation.now_ms
    report = world.report(b"\2")
    assert report.wait(5) == ReportStatus.SENT_WAIT_RESPONSE
    assert world.simulation.now_ms == start + 5000
    assert report.wait(None) == ReportStatus.SENT_TIME_OUT


def test_waiting_steps_the_other_clients_too():
    world = World()
    other = world.simulation.client("other")
    assert world.client.wait_registered(5)
    assert other.registered
    world.simulation.run(1000)
    assert sorted(world.server.devices) == ["dev", "other"]
    assert world.server.device("other").address[0] == "other"


def test_run_blocks_in_virtual_time_until_stop():
    world = World()
    world.simulation.remove_client(world.client)
    world.network.call_at(world.simulation.now_ms + HOUR_MS, lambda: world.client.stop(wait=False))
    world.client.run()
    assert world.client.stopped
    assert world.server.count("deregister") == 1
    assert HOUR_MS <= world.network.clock.now_ms - 1_000_000 < HOUR_MS + 1000


def test_the_same_seed_gives_the_same_life():
    def life(seed):
        world = World(seed)
        world.network.set(loss=0.2, duplication=0.2, delay_ms=(5, 200))
        world.register(10 * HOUR_MS)
        for number in range(5):
            world.report(b"%d" % number)
            world.simulation.run(HOUR_MS)
        return list(world.network.trace)

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_a_day_of_device_life():
    """A report every hour, the registration kept alive, and well under a second of real time."""
    world = World(lifetime=3600)
    start_s = time.process_time()
    world.register()
    statuses = []
    for hour in range(24):
        report = world.report(b"hour %d" % hour)
        world.simulation.run(HOUR_MS)
        statuses.append(report.status)
    took_s = time.process_time() - start_s
    assert statuses == [ReportStatus.SENT_SUCCESS] * 24
    assert world.arrived() == [b"hour %d" % hour for hour in range(24)]
    assert world.server.count("register") == 1
    assert world.server.count("expired") == 0
    assert world.server.device("dev").updates >= 24
    assert world.server.protocol_errors == []
    assert took_s < 1


def test_a_thousand_messages_take_well_under_a_second():
    world = World()
    world.register()
    before = world.network.sent
    start_s = time.process_time()
    for number in range(500):
        world.report(b"%d" % number)
        world.simulation.run(100_000)
    took_s = time.process_time() - start_s
    assert world.network.sent - before >= 1000
    assert len(world.acks) == 500
    assert took_s < 0.7


BAD = Conditions(loss=0.3, duplication=0.2, delay_ms=(5, 200), reordering=0.2, reordering_ms=4000)


@pytest.mark.parametrize("seed", range(10))
def test_on_a_bad_network_everything_completes(seed):
    """30 % loss, 20 % duplication, reordering: registered, observed, every report ends once, commands are obeyed."""
    world = World(seed, lifetime=3600)
    world.network.uplink = world.network.downlink = BAD
    world.register(timeout_ms=HOUR_MS)
    count = 20
    reports = []
    for number in range(count):
        reports.append(world.report(b"%d" % number, cookie=number))
        keep_observing(world)
        world.simulation.run(HOUR_MS // 4)
    world.simulation.run_until(lambda: all(report.done for report in reports), 10 * HOUR_MS)
    assert sorted(cookie for _, cookie, _ in world.acks) == list(range(count))
    arrived = world.arrived()
    for number, report in enumerate(reports):
        if report.status == ReportStatus.SENT_SUCCESS:
            assert b"%d" % number in arrived
    succeeded = sum(report.status == ReportStatus.SENT_SUCCESS for report in reports)
    assert succeeded >= count - 4  # five tries of 30 % loss each way: one in ten may fail, and says so
    assert len(arrived) == len(set(arrived))
    obey(world)
    assert world.server.protocol_errors == []
    assert world.client.registered


def keep_observing(world):
    """As a cloud does: an Observe that failed is repeated; one that is under way is not."""
    going = [one for one in world.server.requests if one.path == APP_DATA_PATH and (one.observing or not one.done)]
    if not going and "dev" in world.server.devices:
        world.server.observe("dev", APP_DATA_PATH)


def obey(world):
    """The cloud repeats its command, as an application would, until it is obeyed."""
    for number in range(20):
        if "dev" not in world.server.devices:
            world.simulation.run(HOUR_MS)
            continue
        command = world.server.write("dev", "/19/1/0", b"command %d" % number, content_format=42)
        world.simulation.run(300_000)
        if command.code == "2.04":
            assert world.handler.args(ATINY_WRITE_APP_DATA).count(b"command %d" % number) == 1
            return
    pytest.fail("no command was obeyed")


def test_corrupted_datagrams_do_no_harm():
    world = World(3, lifetime=600)
    world.network.set(corruption=0.3)
    world.register(timeout_ms=HOUR_MS)
    for number in range(30):
        with suppress(QueueFull):  # a token that arrived wrong has ended the observation
            world.report(b"%d" % number)
        keep_observing(world)
        for device in list(world.server.devices.values()):  # its name may have arrived wrong too
            world.server.read(device, "/3")
        world.simulation.run(HOUR_MS // 4)
    assert sum(datagram.altered is not None for datagram in world.network.trace if datagram.uplink) > 20
    assert sum(datagram.altered is not None for datagram in world.network.trace if not datagram.uplink) > 20
    world.network.set(corruption=0.0)
    world.simulation.run(HOUR_MS)
    world.client.reconnect()
    world.simulation.run(HOUR_MS)
    assert world.client.registered
    assert world.report(b"after").wait(60) == ReportStatus.SENT_SUCCESS


def test_a_server_that_restarts():
    world = World(lifetime=300)
    world.register()
    world.server.restart()
    world.simulation.run(300_000)
    assert world.server.device("dev").location[-1] == "2"
    assert world.report(b"again").wait(10) == ReportStatus.SENT_SUCCESS
    assert ATINY_REG_OK in world.events[1:]


def test_a_server_that_is_away_for_a_day():
    world = World(lifetime=300)
    world.register()
    world.server.silent = True
    report = world.report(b"meanwhile")
    world.simulation.run(24 * HOUR_MS)
    assert world.server.count("expired") == 1
    assert ATINY_REG_FAIL in world.events
    assert not world.client.registered
    tries = sum(datagram.uplink for datagram in world.network.trace)
    assert tries < 24 * 60 * 4  # no tight loop: not more than one datagram in 15 seconds
    world.server.silent = False
    world.simulation.run_until(lambda: world.client.registered, 10 * 60_000)
    world.simulation.run(60_000)
    assert report.done
    assert world.report(b"again").wait(10) == ReportStatus.SENT_SUCCESS


def test_a_port_that_refuses_for_an_hour():
    world = World(lifetime=300)
    world.network.refuse(5683)
    world.simulation.run(HOUR_MS)
    assert not world.client.registered
    assert sum(datagram.uplink for datagram in world.network.trace) < 240
    world.network.accept(5683)
    assert world.register(timeout_ms=10 * 60_000) > 0


def test_a_name_that_does_not_resolve_for_an_hour():
    world = World(lifetime=300)
    world.network.unresolvable("server")
    world.simulation.run(HOUR_MS)
    world.network.unresolvable("server", gone=False)
    assert world.register(timeout_ms=10 * 60_000) > 0


def test_a_registration_that_is_rejected():
    world = World()
    world.server.reject_registrations("4.03", times=3)
    world.register(timeout_ms=HOUR_MS)
    assert world.server.count("rejected") == 3


def test_a_server_that_answers_separately():
    world = World(lifetime=300)
    world.server.separate_ms = 1500
    world.register()
    world.simulation.run(HOUR_MS)
    assert world.server.count("register") == 1
    assert world.server.count("expired") == 0


def test_a_nat_that_forgets_the_device():
    """The Update comes from another address; the server goes on with that one."""
    world = World(lifetime=300)
    world.register()
    world.network.rebind(world.client.platform.sockets[0])
    world.simulation.run(300_000)
    assert world.server.device("dev").address == world.client.platform.sockets[0].address
    assert world.server.count("register") == 1
    request = world.server.read("dev", "/3/0/0")
    world.simulation.run(1000)
    assert request.code == "2.05"


def test_reading_a_large_object_in_blocks():
    world = World(objects=[Temperature(number) for number in range(60)], server={"block_size": 256})
    world.register()
    assert len(world.server.device("dev").paths) == 65
    request = world.server.read("dev", "/3303")
    world.simulation.run(60_000)
    assert (request.code, request.content_format) == ("2.05", 11542)
    assert request.rounds > 2
    assert len(request.payload) > 256


def test_many_devices():
    simulation = Simulation(5)
    server = simulation.server(auto_observe=[APP_DATA_PATH])
    clients = [simulation.client(f"dev-{number}") for number in range(20)]
    simulation.run_until(lambda: len(server.devices) == 20)
    simulation.run(1000)
    reports = [client.report(b"%d" % number) for number, client in enumerate(clients)]
    simulation.run_until(lambda: all(report.done for report in reports))
    assert {report.status for report in reports} == {ReportStatus.SENT_SUCCESS}
    observed = {request.device.endpoint: request.latest.payload for request in server.requests}
    assert observed == {f"dev-{number}": b"%d" % number for number in range(20)}


def test_two_servers():
    simulation = Simulation()
    servers = [simulation.server(host) for host in ("one", "two")]
    for host in ("one", "two"):
        simulation.client(f"dev-{host}", f"coap://{host}")
    simulation.run(1000)
    assert [list(server.devices) for server in servers] == [["dev-one"], ["dev-two"]]


def test_a_platform_of_ones_own():
    simulation = Simulation()
    simulation.server()
    store = FakeStore()
    platform = simulation.platform("10.0.0.7", store=store)
    client = simulation.client("dev", platform=platform)
    simulation.run_until(lambda: client.registered)
    assert client.platform.store is store
    assert simulation.servers[0].device("dev").address[0] == "10.0.0.7"
