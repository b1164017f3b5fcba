"""A whole device with two servers, in virtual time: the second one may do what its rights say, and hears no more."""

import pytest

from atiny import ServerAccount
from atiny.testing import Simulation
from tests.lwm2m.widget import WIDGET, Widget

NAME = bytes.fromhex("c3 00 6e6577")
APP_DATA_PATH = "/19/0/0"


class World:
    """A device with one Widget and two servers, 101 and 102, registered with both."""

    def __init__(self, rights=None):
        self.simulation = Simulation()
        self.servers = {101: self.simulation.server("one"), 102: self.simulation.server("two")}
        self.widget = Widget()
        accounts = [
            ServerAccount("coap://one", short_server_id=101),
            ServerAccount("coap://two", short_server_id=102, rights=rights),
        ]
        self.client = self.simulation.client("dev", accounts, objects=[self.widget])
        self.simulation.run_until(lambda: all("dev" in server.devices for server in self.servers.values()))

    def ask(self, server, operation, *args):
        """What becomes of a request, once it is answered."""
        request = getattr(self.servers[server], operation)("dev", *args)
        self.simulation.run_until(lambda: request.done)
        return request

    def code(self, server, operation, *args):
        return self.ask(server, operation, *args).code

    def links(self, server):
        return self.servers[server].devices["dev"].paths

    def control(self, object_id, instance_id):
        """The path of the Access Control instance for an object instance."""
        for path in self.links(101):
            if path.startswith("/2/") and self.ask(101, "read", path + "/0").payload == b"%d" % object_id:
                if self.ask(101, "read", path + "/1").payload == b"%d" % instance_id:
                    return path
        raise AssertionError("there is none")

    def controls(self, server):
        """The paths of all of them, as that server knows them."""
        return [path for path in self.links(server) if path.startswith("/2")]

    def quiet(self):
        """Nothing that a server calls wrong has come."""
        return [server.protocol_errors for server in self.servers.values()] == [[], []]


def test_the_second_server_may_read_and_no_more():
    world = World()
    before = world.widget.state()
    assert world.ask(102, "read", "/31024/0/1").payload == b"5"
    assert world.code(102, "observe", "/31024/0/1") == "2.05"
    for operation, *args in (
        ("write", "/31024/0/1", b"9"),
        ("update", "/31024/0", NAME),
        ("execute", "/31024/0/10"),
        ("delete", "/31024/0"),
        ("create", "/31024", NAME),
        ("write", "/1/0/1", b"60"),
        ("execute", "/1/0/8"),
        ("read", "/1/0/1"),
        ("write", "/2/0/3", b"102"),
        ("execute", "/3/0/12"),
    ):
        assert world.code(102, operation, *args) == "4.01", (operation, args)
    assert (world.widget.state(), world.widget.log) == (before, [])
    assert world.code(102, "write", "/1/1/1", b"3600") == "2.04", "its own account"
    assert world.code(101, "write", "/31024/0/1", b"9") == "2.04"
    world.simulation.run(1000)
    assert world.servers[102].requests[1].latest.payload == b"9"
    assert world.quiet()


@pytest.mark.parametrize(
    ("rights", "code"), [("RW", "2.04"), ("W", "2.04"), ("R", "4.01"), ("", "4.01"), ("RED", "4.01")]
)
def test_the_rights_that_the_host_gives(rights, code):
    world = World(rights)
    assert world.code(102, "write", "/31024/0/1", b"9") == code
    assert world.code(102, "read", "/31024/0/1") == ("2.05" if "R" in rights else "4.01")
    assert world.code(102, "discover", "/31024/0") == ("2.05" if rights else "4.01")
    assert world.code(101, "read", "/31024/0/1") == "2.05"


def test_a_right_that_is_taken_away_ends_what_was_observed():
    world = World()
    request = world.ask(102, "observe", "/31024/0/1")
    whole = world.ask(102, "observe", "/31024")
    assert world.code(101, "observe", "/31024/0/1") == "2.05"
    control = world.control(WIDGET, 0)
    assert world.code(102, "write", control + "/2/102", b"31") == "4.01", "nobody helps himself"
    assert world.code(101, "write", control + "/2/0", b"0") == "2.04"
    assert world.code(101, "write", "/31024/0/1", b"77") == "2.04"
    world.simulation.run(60_000)
    for ended in (request, whole):
        assert [one.code for one in ended.notifications][-1:] == ["4.01"]
        assert not any(b"77" in one.payload or b"\x4d" in one.payload for one in ended.notifications)
    assert world.code(102, "read", "/31024/0/1") == "4.01"
    assert world.ask(101, "read", "/31024/0/1").payload == b"77"
    assert world.quiet()


def test_what_a_server_creates_both_hear_of_and_only_it_may_touch():
    world = World("RC")
    created = world.ask(102, "create", "/31024", NAME)
    assert (created.code, created.location) == ("2.01", ("31024", "1"))
    world.simulation.run(5000)
    for server in (101, 102):
        assert "/31024/1" in world.links(server)
    assert world.code(101, "read", "/31024/1/0") == "4.01"
    assert world.ask(102, "read", "/31024/1/0").payload == b"new"
    controls = world.controls(102)
    assert world.code(102, "delete", "/31024/0") == "4.01"
    assert world.code(102, "delete", "/31024/1") == "2.02"
    world.simulation.run(5000)
    left = world.controls(101)
    assert len(left) == len(controls) - 1
    assert world.quiet()


def test_an_object_that_the_host_adds_and_removes_has_its_access_control():
    world = World()
    controls = world.controls(101)
    world.client.add_object(Widget())
    world.simulation.run(5000)
    assert world.code(101, "write", "/31024/1/1", b"9") == "2.04"
    assert world.ask(102, "read", "/31024/1/1").payload == b"9"
    assert world.code(102, "write", "/31024/1/1", b"8") == "4.01"
    world.client.remove_object("/31024/1")
    world.simulation.run(5000)
    assert world.controls(102) == controls
    assert world.code(102, "read", "/31024/1/1") == "4.04"


def test_reports_go_to_those_who_may_read():
    world = World("W")
    assert world.code(101, "observe", APP_DATA_PATH) == "2.05"
    assert world.code(102, "observe", APP_DATA_PATH) == "4.01"
    world.client.report(b"secret")
    world.simulation.run(5000)
    assert [one.payload for one in world.servers[101].requests[-1].notifications][-1] == b"secret"
    assert world.servers[102].requests[-1].notifications == []


def test_a_device_with_one_server_has_no_object_2():
    simulation = Simulation()
    server = simulation.server()
    simulation.client("dev", objects=[Widget()])
    simulation.run_until(lambda: server.devices)
    assert not [path for path in server.devices["dev"].paths if path.startswith("/2")]
    for operation, *args in (("create", "/31024", NAME), ("delete", "/31024/1"), ("write", "/31024/0/1", b"9")):
        request = getattr(server, operation)("dev", *args)
        simulation.run_until(lambda: request.done)  # noqa: B023
        assert request.code in ("2.01", "2.02", "2.04")
    simulation.run(5000)
    assert not [path for path in server.devices["dev"].paths if path.startswith("/2")]
