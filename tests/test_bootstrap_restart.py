"""What a bootstrap leaves for the next start of the device, wherever the power fails."""

import pytest

from atiny.testing.bootstrap_script import account, delete, finish
from atiny.testing.records import PowerCut
from tests.bootstrap_world import ELSEWHERE, MINUTE_MS, World, assert_registers


def test_a_restart_needs_no_new_bootstrap():
    world = World()
    world.boot()
    world.run()
    world.power_off()
    client = world.boot()
    world.run(1000)
    assert client.registered
    assert len(world.requests) == 1


def test_another_configuration_in_the_firmware_voids_what_was_stored():
    world = World()
    world.boot()
    world.run()
    world.power_off()
    world.boot(lifetime=60, hold_off=1)
    world.run()
    assert len(world.requests) == 2


def test_they_give_way_after_a_restart_too():
    world = World()
    world.boot()
    world.run()
    world.bootstrap.script = ELSEWHERE
    world.client.bootstrap()
    world.run(5000)
    world.power_off()
    assert "accounts_old" in world.store.records
    world.bootstrap.silent = True
    assert_registers(world, 20 * MINUTE_MS)


def test_accounts_that_never_worked_are_nothing_to_go_back_to():
    world = World()
    world.boot()
    world.run()
    world.bootstrap.script = ELSEWHERE
    world.client.bootstrap()
    world.run(5000)
    world.power_off()
    world.boot()
    world.client.bootstrap()
    world.run(5000)
    assert len(world.bootstrap.runs) == 3
    assert world.bootstrap.runs[-1].ok
    world.bootstrap.silent = True
    world.run(20 * MINUTE_MS)
    assert world.client.registered, "with the accounts of the first bootstrap"


def test_of_a_damaged_record_the_accounts_before_are_left():
    world = World()
    world.boot()
    world.run()
    world.bootstrap.script = ELSEWHERE
    world.client.bootstrap()
    world.run(5000)
    world.power_off()
    world.store.records["accounts"] = world.store.records["accounts"][:-1]
    world.bootstrap.silent = True
    world.boot()
    world.run(5000)
    assert world.client.registered


@pytest.mark.parametrize("applies", [False, True], ids=["lost", "written"])
def test_a_power_cut_in_any_write_of_the_store(applies):
    """Through a first and a second bootstrap: afterwards the device always finds a server."""
    cuts = 0
    for number in range(1, 40):
        world = World()
        world.store.cut_power_at(number)
        world.store.cut_applies = applies
        try:
            client = world.boot()
            world.run(10_000)
            world.bootstrap.script = (delete("/1"), delete("/0"), *account("coap://other"), finish())
            client.bootstrap()
            world.run(10_000)
        except PowerCut:
            cuts += 1
            world.store.restart()
            world.power_off()
            client = world.boot()
            world.run(10_000)
        assert client.registered, f"cut at operation {number}"
        world.power_off()
        requests = len(world.requests)
        client = world.boot()
        world.run(10_000)
        assert client.registered
        assert len(world.requests) == requests, "and needs no new bootstrap for it"
        if not cuts or cuts < number:
            break
    assert cuts == 4, "accounts; accounts_old, accounts; accounts_old goes"
