"""Whole bootstraps of a whole device, in virtual time."""

import pytest

from atiny import (
    ATINY_BOOTSTRAP_FAIL,
    ATINY_BOOTSTRAP_OK,
    ATINY_SET_UTC_OFFSET,
    ATINY_TRIGGER_SERVER_INITIATED_BS,
    BOOTSTRAP_SEQUENCE,
)
from atiny.testing import Conditions, FakeCommandHandler, FakeStore, Simulation
from atiny.testing.bootstrap import account, delete, discover, finish, write
from tests.lwm2m.widget import Widget

NEW = [delete("/0"), delete("/1"), *account("coap://server", 7, lifetime_s=600), finish()]
BROKEN = [delete("/0"), delete("/1"), *account("coap://nowhere", 9), finish()]


class World:
    def __init__(self, script=NEW, server=None, store=None, loss=0.0, seed=0, **options):
        conditions = Conditions(loss=loss)
        self.simulation = Simulation(seed, conditions, conditions)
        self.bootstrap = self.simulation.bootstrap_server(script=script)
        self.server = self.simulation.server()
        self.events: "list[tuple]" = []
        self.handler = FakeCommandHandler({ATINY_TRIGGER_SERVER_INITIATED_BS: 0, ATINY_SET_UTC_OFFSET: 0})
        self.store = store if store is not None else FakeStore()
        self.options = dict(bootstrap="coap://bootstrap", server=server, device=self.handler, **options)
        self.start()

    def start(self):
        platform = self.simulation.platform("dev", store=self.store)
        self.client = self.simulation.client(
            "dev", on_event=lambda *event: self.events.append(event), platform=platform, **self.options
        )

    def register(self, timeout_ms=60_000) -> int:
        return self.simulation.run_until(lambda: self.client.registered, timeout_ms)

    def announced(self) -> int:
        """How often the host was told that the bootstrap server is waited for."""
        return len(self.handler.args(ATINY_TRIGGER_SERVER_INITIATED_BS))

    def of(self, event) -> list:
        return [arg for kind, arg in self.events if kind == event]


def test_client_initiated():
    world = World([discover(), *NEW])
    world.register()
    run = world.bootstrap.last("dev")
    assert run.codes == ["2.05", "2.02", "2.02", "2.04", "2.04", "2.04"]
    assert run.ok
    assert run.steps[0].response.payload.startswith(b'</>;lwm2m="1.0",</0/')
    device = world.server.device("dev")
    assert device.lifetime_s == 600
    assert world.bootstrap.protocol_errors == world.server.protocol_errors == []
    assert len(world.of(ATINY_BOOTSTRAP_OK)) == 1
    assert not world.of(ATINY_BOOTSTRAP_FAIL)


@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_network(seed):
    world = World(loss=0.25, seed=seed)
    world.register(20 * 60_000)
    assert world.server.device("dev").lifetime_s == 600
    assert world.bootstrap.protocol_errors == world.server.protocol_errors == []


def test_hold_off():
    world = World(hold_off=30)
    begin = world.simulation.now_ms
    world.register()
    assert [time - begin for time, _ in world.bootstrap.requests] == [30_020]


def test_a_bootstrap_server_that_is_away_is_asked_until_it_is_there():
    world = World()
    world.bootstrap.silent = True
    world.simulation.run(3 * 3_600_000)
    assert not world.client.registered
    assert len(world.of(ATINY_BOOTSTRAP_FAIL)) in range(30, 100)
    world.bootstrap.silent = False
    world.register(400_000)


def test_what_cannot_work_is_not_finished():
    world = World([delete("/0"), delete("/1"), *account("coaps://server", 7), finish()])
    world.simulation.run(1000)
    run = world.bootstrap.last("dev")
    assert run.codes[-1] == "4.06"
    assert run.steps[-1].response.payload == b"/0/0 is without security: its URI begins with coap://"
    refusal = ["Bootstrap-Finish: /0/0 is without security: its URI begins with coap://"]
    assert world.of(ATINY_BOOTSTRAP_FAIL) == refusal, "at once"
    # It may be corrected: the device waits.
    world.simulation.run(200_000)
    again = world.bootstrap.start("dev", [*account("coap://server", 7), finish()])
    world.register()
    assert again.ok
    assert world.of(ATINY_BOOTSTRAP_FAIL) == refusal


def test_no_finish():
    world = World(NEW[:-1])
    world.simulation.run(246_000)
    assert not world.events
    world.simulation.run(3_000)
    assert world.of(ATINY_BOOTSTRAP_FAIL) == ["the bootstrap server does not finish"]
    world.bootstrap.script = NEW
    world.register()


def test_triggered_by_a_server_and_back_where_it_does_not_work():
    world = World(BROKEN, server="coap://server")
    world.register()
    assert not world.bootstrap.requests
    request = world.server.execute("dev", "/1/0/9")
    world.simulation.run(1000)
    assert request.code == "2.04"
    assert world.bootstrap.last("dev").ok
    assert not world.client.registered
    world.register(10 * 60_000)
    assert world.server.device("dev").lifetime_s == 86400, "the account that worked last"
    assert len(world.of(ATINY_BOOTSTRAP_OK)) == len(world.of(ATINY_BOOTSTRAP_FAIL)) == 1
    world.simulation.run(3_600_000)
    assert len(world.bootstrap.runs) == 1, "factory does not ask by itself"


def test_a_bootstrap_in_vain_leaves_the_registration_alone():
    world = World(server="coap://server")
    world.register()
    world.bootstrap.silent = True
    world.client.bootstrap()
    world.simulation.run(20 * 60_000)
    assert len(world.of(ATINY_BOOTSTRAP_FAIL)) == 3
    assert world.server.count("register") == 1
    assert world.client.registered


def test_sequence():
    world = World(server="coap://nowhere", bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=20)
    world.simulation.run_until(world.announced, 10 * 60_000)
    begin = world.simulation.now_ms
    world.register()
    assert [time - begin for time, _ in world.bootstrap.requests] == [20_020]
    assert world.announced() == 1


def test_the_server_begins():
    world = World(server="coap://nowhere", bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=3600)
    world.simulation.run_until(world.announced, 10 * 60_000)
    world.simulation.run(1000)
    (address,) = [address for address in world.simulation.network._ends if address[0] == "dev"]
    run = world.bootstrap.start("dev", address=address)
    world.register()
    assert run.ok
    assert not world.bootstrap.requests


def test_nobody_begins_with_a_device_that_is_registered():
    world = World(server="coap://server")
    world.register()
    addresses = [address for address in world.simulation.network._ends if address[0] == "dev"]
    runs = [world.bootstrap.start("dev", address=address) for address in addresses]
    world.simulation.run(120_000)
    assert runs
    assert not [run for run in runs if run.ok]
    assert world.client.registered
    assert world.server.count("register") == 1


def test_accounts_outlive_a_restart():
    world = World()
    world.register()
    world.simulation.remove_client(world.client)
    world.start()
    world.register()
    assert len(world.bootstrap.requests) == 1


def test_other_objects_are_written_too():
    widget = Widget()
    world = World([write("/3/0/14", b"+02:00", 0), write("/31024/0", {0: "named"}), *NEW], objects=[widget])
    world.register()
    assert widget.name == "named"
    assert world.handler.args(ATINY_SET_UTC_OFFSET) == ["+02:00"]
    assert world.bootstrap.last("dev").ok
