"""A device and its bootstrap server in virtual time: from a box without servers to one that reports, and back."""

import pytest

from atiny import (
    ATINY_BOOTSTRAP_FAIL,
    ATINY_BOOTSTRAP_OK,
    ATINY_TRIGGER_SERVER_INITIATED_BS,
    BOOTSTRAP_SEQUENCE,
    ReportStatus,
)
from atiny.testing.bootstrap import VirtualBootstrapServer
from atiny.testing.bootstrap_script import account, delete, discover, finish, write
from tests.bootstrap_world import BROKEN, ELSEWHERE, MINUTE_MS, SCRIPT, World, assert_registers

# -- client-initiated


def test_a_device_without_servers_gets_them_and_reports():
    world = World((discover(), *SCRIPT))
    client = world.boot()
    world.run(5000)
    assert world.codes == ["2.05", "2.02", "2.02", "2.04", "2.04", "2.04"]
    assert world.heard(ATINY_BOOTSTRAP_OK) == [None]
    assert client.report(b"\1").wait(5) == ReportStatus.SENT_SUCCESS
    client.stop()
    assert [event.kind for event in world.server.events] == ["register", "deregister"]


def test_it_waits_for_the_hold_off_time_first():
    world = World()
    client = world.boot(hold_off=30)
    world.run(29_000)
    assert world.requests == []
    world.run(3000)
    assert world.requests == [30]
    assert client.registered


def test_accounts_that_cannot_work_are_refused_and_asked_for_again():
    world = World(BROKEN)
    client = world.boot()
    world.run()
    assert world.codes[-1] == "4.06"
    assert b"coap://" in world.bootstrap.runs[0].steps[-1].payload
    assert "accounts" not in world.store.records
    world.bootstrap.script = SCRIPT
    world.run(10 * MINUTE_MS)
    assert client.registered
    refused = "Bootstrap-Finish: /0/0 is without security: its URI begins with coap://"
    assert world.heard(ATINY_BOOTSTRAP_FAIL) == [refused, "the bootstrap server does not finish"]


def test_a_bootstrap_server_that_refuses_or_is_not_there_is_asked_again_later():
    world = World()
    world.bootstrap.reject("4.00", times=2)
    client = world.boot()
    world.run(10 * MINUTE_MS)
    assert client.registered
    assert len(world.heard(ATINY_BOOTSTRAP_FAIL)) == 2
    first, second, third = world.requests
    assert 10 <= second - first <= 15
    assert 20 <= third - second <= 30


def test_the_answer_to_finish_gets_lost_and_the_server_hears_it_all_the_same():
    world = World()
    world.boot()
    world.simulation.run_until(lambda: world.bootstrap.runs and len(world.bootstrap.runs[0].steps) == 5)
    world.network.set(loss=1.0)
    world.run(1000)
    world.network.set(loss=0.0)
    world.run(20_000)
    assert world.bootstrap.runs[0].ok


def test_new_accounts_that_do_not_work_give_way_to_those_that_did():
    world = World()
    client = world.boot()
    world.run()
    assert client.registered
    world.bootstrap.script = ELSEWHERE
    client.bootstrap()
    world.run(MINUTE_MS)
    assert world.heard(ATINY_BOOTSTRAP_OK) == [None, None]
    assert not client.registered
    world.run(20 * MINUTE_MS)
    assert client.registered
    assert any("last that worked" in reason for reason in world.heard(ATINY_BOOTSTRAP_FAIL))
    assert "accounts_old" not in world.store.records
    world.power_off()
    assert_registers(world)


def test_a_device_whose_servers_are_all_gone_bootstraps_anew():
    world = World()
    client = world.boot()
    world.run()
    world.server.silent = True
    world.bootstrap.script = (delete("/0"), delete("/1"), *account("coap://other"), finish())
    client.reconnect()
    world.run(60 * MINUTE_MS)
    assert len(world.requests) >= 2
    assert client.registered
    assert "dev" in world.other.devices


# -- asked for


def test_the_server_may_ask_for_a_bootstrap():
    world = World()
    world.boot()
    world.run()
    world.bootstrap.script = (delete("/1"), *account("coap://other", 9, instance=4), delete("/0/0"), finish())
    execute = world.server.execute("dev", "/1/0/9")
    world.run()
    assert execute.code == "2.04"
    assert world.other.devices["dev"].paths[0] == "/1/4"
    assert world.heard(ATINY_BOOTSTRAP_OK) == [None, None]


def test_a_factory_device_keeps_its_servers_while_the_bootstrap_server_is_away():
    world = World()
    client = world.boot("coap://server")
    world.run()
    assert world.requests == []
    world.bootstrap.silent = True
    client.bootstrap()
    for _ in range(20):
        world.run()
        assert client.report(b"\1").wait(5) == ReportStatus.SENT_SUCCESS
    assert len(world.heard(ATINY_BOOTSTRAP_FAIL)) == 3


def test_without_a_bootstrap_server_the_host_is_told_so():
    world = World()
    client = world.boot("coap://server", bootstrap=None)
    world.run()
    client.bootstrap()
    world.run(1000)
    assert world.heard(ATINY_BOOTSTRAP_FAIL) == ["there is no bootstrap server to ask"]
    assert client.registered


def test_offline_a_bootstrap_waits_for_the_network():
    world = World()
    client = world.boot()
    client.go_offline()
    world.run(10 * MINUTE_MS)
    assert world.requests == []
    assert not client.registered
    client.go_online()
    world.run(5000)
    assert client.registered


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_offline_in_the_middle_of_a_bootstrap(steps):
    world = World()
    client = world.boot()
    world.simulation.run_until(lambda: world.bootstrap.runs and len(world.bootstrap.runs[0].steps) == steps)
    client.go_offline()
    world.run(MINUTE_MS)
    client.go_online()
    world.run(5 * MINUTE_MS)
    assert client.registered
    assert client.report(b"\1").wait(5) == ReportStatus.SENT_SUCCESS


# -- the SDK's sequence


def test_the_sequence():
    world = World()
    world.server.silent = True
    world.boot("coap://server", bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=40)
    world.bootstrap.silent = True
    world.run(20 * MINUTE_MS)
    assert world.handler.args(ATINY_TRIGGER_SERVER_INITIATED_BS)[0] is None
    world.bootstrap.silent = False
    world.server.silent = False
    world.run(20 * MINUTE_MS)
    assert world.client.registered


def test_in_the_sequence_the_bootstrap_server_may_begin():
    world = World()
    world.server.silent = True
    world.boot("coap://server", bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=600)
    world.simulation.run_until(lambda: world.handler.args(ATINY_TRIGGER_SERVER_INITIATED_BS), 30 * MINUTE_MS)
    world.run(1000)
    world.bootstrap.script = (delete("/0"), delete("/1"), *account("coap://other"), finish())
    address = [socket.address for socket in world.client.platform.sockets if socket.peer == ("bootstrap", 5683)][-1]
    world.bootstrap.start("dev", address=address)
    world.run(5000)
    assert world.bootstrap.runs[-1].ok
    assert world.requests == []
    assert "dev" in world.other.devices


def test_without_any_server_the_host_is_told_so():
    world = World()
    world.boot(bootstrap=None, bootstrap_mode=BOOTSTRAP_SEQUENCE)
    world.run()
    assert world.heard(ATINY_BOOTSTRAP_FAIL) == ["there is no server to register with, and none to ask"]
    world.client.stop()
    assert world.client.stopped


# -- the bootstrap server's account


def test_the_bootstrap_servers_account_goes_after_its_time():
    script = (delete("/0"), delete("/1"), *account("coap://server"))
    world = World((*script, write("/0/1/12", b"120", 0), finish()))
    client = world.boot()
    world.run(110_000)
    assert world.codes[-2:] == ["2.04", "2.04"]
    assert client._model.objects[0].ids == [0, 1]
    world.run(20_000)
    assert client._model.objects[0].ids == [0]
    world.power_off()
    client = world.boot()
    world.run()
    assert client.registered
    assert client._model.objects[0].ids == [0]


def test_another_bootstrap_server_takes_the_place_of_the_first():
    world = World()
    security = {0: "coap://second", 1: True, 2: 3, 3: b"", 4: b"", 5: b""}
    world.bootstrap.script = (delete("/0"), delete("/1"), *account("coap://server"), write("/0/7", security), finish())
    client = world.boot()
    world.run()
    script = (delete("/1"), delete("/0"), *account("coap://other"), finish())
    second = VirtualBootstrapServer(world.network, "second", script=script)
    client.bootstrap()
    world.run()
    assert len(second.runs) == 1
    assert len(world.requests) == 1
    assert "dev" in world.other.devices
