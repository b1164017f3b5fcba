"""What outlives a restart of the device (in virtual time, on a store with power cuts), and what must not."""

import pytest

from atiny.errors import ParameterError
from atiny.testing import FakeStore, Simulation
from atiny.testing.records import PowerCut
from tests.cloud.dtls_peer import needs_dtls
from tests.test_servers import Thermometer

VALUE = "/3303/0/5700"


class World:
    """A device with a store, that can be started again and again."""

    def __init__(self):
        self.simulation = Simulation()
        self.server = self.simulation.server("server")
        self.store = FakeStore()
        self.boot()

    def boot(self, server="coap://server", **options):
        self.client = self.simulation.client(
            "dev",
            server,
            platform=self.simulation.platform("dev", store=self.store),
            objects=[Thermometer()],
            **options,
        )
        self.simulation.run(1000)
        return self.client

    def power_off(self):
        """The device vanishes without a word."""
        self.simulation.remove_client(self.client)
        for socket in self.client.platform.sockets:
            socket.close()

    def restart(self, **options):
        self.power_off()
        self.store.restart()
        return self.boot(**options)

    def ask(self, request):
        self.simulation.run(1000)
        return request.code

    def read(self, path):
        request = self.server.read("dev", path)
        self.simulation.run(1000)
        return request.payload.decode()


def test_what_a_server_wrote_into_its_account():
    world = World()
    for path, value in (("/1/0/1", b"4000"), ("/1/0/2", b"5"), ("/1/0/6", b"0"), ("/1/0/7", b"UQ")):
        assert world.ask(world.server.write("dev", path, value)) == "2.04"
    world.restart()
    device = world.server.device("dev")
    assert (device.lifetime_s, device.binding) == (4000, "UQ")
    assert [world.read(path) for path in ("/1/0/1", "/1/0/2", "/1/0/6", "/1/0/7")] == ["4000", "5", "0", "UQ"]


def test_the_firmwares_own_configuration_counts_when_it_was_changed():
    world = World()
    assert world.ask(world.server.write("dev", "/1/0/1", b"4000")) == "2.04"
    world.restart(lifetime=600)
    assert world.server.device("dev").lifetime_s == 600
    world.restart()
    assert world.server.device("dev").lifetime_s == 4000, "the firmware of before finds what was its own"
    world.restart(lifetime=600)
    assert world.ask(world.server.write("dev", "/1/0/2", b"5")) == "2.04"
    world.restart()
    assert world.server.device("dev").lifetime_s == 86400, "until something else is stored"


def test_attributes():
    world = World()
    assert world.ask(world.server.write_attributes("dev", VALUE, "pmin=10", "gt=25.5")) == "2.04"
    assert world.ask(world.server.write_attributes("dev", "/3303", "pmax=600")) == "2.04"
    assert world.ask(world.server.write_attributes("dev", VALUE, "pmin")) == "2.04"
    world.restart()
    discovered = world.server.discover("dev", VALUE)
    world.simulation.run(1000)
    assert discovered.payload == b"</3303/0/5700>;pmax=600;gt=25.5"


def test_attributes_of_an_instance_that_was_removed_are_gone():
    world = World()
    assert world.ask(world.server.write_attributes("dev", VALUE, "pmin=10")) == "2.04"
    assert "attributes" in world.store.records
    world.client.remove_object("/3303/0")
    world.simulation.run(1000)
    assert "attributes" not in world.store.records


def test_device_errors_until_a_server_resets_them():
    world = World()
    world.client.device_error(1)
    world.client.device_error(7)
    world.simulation.run(1000)
    world.restart()
    request = world.server.read("dev", "/3/0/11")
    world.simulation.run(1000)
    assert request.payload == bytes.fromhex("860b 410001 410107")
    assert world.ask(world.server.execute("dev", "/3/0/12")) == "2.04"
    world.restart()
    request = world.server.read("dev", "/3/0/11")
    world.simulation.run(1000)
    assert request.payload == bytes.fromhex("830b 410000")


def test_a_device_error_that_is_over():
    world = World()
    observed = world.server.observe("dev", "/3/0/11")
    world.simulation.run(1000)
    for code, present in ((1, True), (7, True), (1, False), (8, False)):
        world.client.device_error(code, present)
        world.simulation.run(2000)
    told = [one.payload.hex(" ") for one in observed.notifications]
    assert told[:4] == ["83 0b 41 00 00", "83 0b 41 00 01", "86 0b 41 00 01 41 01 07", "83 0b 41 00 07"]
    assert set(told[4:]) <= {told[3]}, "what was not there cannot end"
    with pytest.raises(ParameterError, match="1 to 32"):
        world.client.device_error(0, False)
    world.restart()
    world.client.device_error(7, present=False)
    request = world.server.read("dev", "/3/0/11")
    world.simulation.run(1000)
    assert request.payload == bytes.fromhex("830b 410000")
    assert "device_errors" not in world.store.records


@needs_dtls
def test_a_new_key_of_the_host():
    world = World()
    world.power_off()
    psk = ("dev", b"first key")
    world.boot("coaps://server", psk=psk)
    world.client.update_psk("dev", b"second key")
    world.simulation.run(1000)
    world.restart(server="coaps://server", psk=psk)
    assert world.client._model.objects[0].instances[0].secret_key == b"second key"


@pytest.mark.parametrize("applies", [False, True], ids=["lost", "written"])
@pytest.mark.parametrize(
    ("change", "path", "old", "new"),
    [
        (lambda server: server.write("dev", "/1/0/1", b"4000"), "/1/0/1", "86400", "4000"),
        (lambda server: server.write("dev", "/1/0/3", b"60"), "/1/0/3", "", "60"),
    ],
)
def test_the_server_hears_of_success_only_when_it_is_stored(change, path, old, new, applies):
    world = World()
    assert world.ask(world.server.write("dev", "/1/0/2", b"5")) == "2.04"
    world.store.cut_power_at(1)
    world.store.cut_applies = applies
    request = change(world.server)
    with pytest.raises(PowerCut):
        world.simulation.run(1000)
    assert request.code is None
    world.restart()
    assert world.read(path) == (new if applies else old)
    assert world.read("/1/0/2") == "5"


def test_a_medium_that_fails_costs_the_device_nothing_but_its_memory():
    class Broken(FakeStore):
        def get(self, name):
            raise OSError("the medium is gone")

        put = delete = get

    world = World()
    world.power_off()
    world.store = Broken()
    world.boot()
    assert world.ask(world.server.write("dev", "/1/0/1", b"4000")) == "2.04"
    world.client.device_error(1)
    world.simulation.run(1000)
    assert world.client.registered
    assert world.read("/1/0/1") == "4000"


def test_a_damaged_record_is_as_none():
    world = World()
    assert world.ask(world.server.write("dev", "/1/0/1", b"4000")) == "2.04"
    record = bytearray(world.store.records["accounts"])
    record[20] ^= 4
    world.store.records["accounts"] = bytes(record)
    world.restart()
    assert world.read("/1/0/1") == "86400"


def test_without_a_store_nothing_is_kept():
    world = World()
    world.power_off()
    world.store = None
    world.boot()
    assert world.ask(world.server.write("dev", "/1/0/1", b"4000")) == "2.04"
    world.power_off()
    world.boot()
    assert world.read("/1/0/1") == "86400"
