"""The virtual bootstrap server: its scripts, what it refuses, its faults; and its TLV."""

import pytest
from aiocoap import Message

from atiny.lwm2m.formats.tlv import decode
from atiny.lwm2m.types import BOOLEAN, INTEGER, OPAQUE, STRING
from atiny.testing import Conditions, Network, Simulation, VirtualBootstrapServer, VirtualClock, VirtualServer
from atiny.testing.bootstrap import account, delete, discover, finish, write
from atiny.testing.bootstrap_script import tlv
from tests.testing.peer_device import Device

GET, POST, PUT, DELETE = 1, 2, 3, 4
AGREES = {GET: 69, POST: 68, PUT: 68, DELETE: 66}
SCRIPT = [discover(), delete("/0"), *account("coap://server"), finish()]


class World:
    def __init__(self, script=SCRIPT, **options):
        self.network = Network(VirtualClock(0), 0, Conditions(), Conditions())
        self.server = VirtualBootstrapServer(self.network, "server", script=script, **options)
        self.device = Device(self.network)
        self.device.answer = self.agree
        self.asked = []

    def agree(self, message):
        self.asked.append((int(message.code), "/" + "/".join(message.opt.uri_path)))
        return Message(code=AGREES[int(message.code)])

    def ask(self, *query, **options):
        code, _ = self.device.ask(POST, "bs", query or ("ep=dev",), **options)
        return code

    def start(self, ms=5000):
        """A Bootstrap-Request, and what it leads to."""
        self.device.send(POST, "bs", ("ep=dev",))
        self.device.run(ms)
        return self.server.last("dev")


def test_a_script():
    world = World()
    run = world.start()
    assert world.asked == [(GET, "/"), (DELETE, "/0"), (PUT, "/0/0"), (PUT, "/1/0"), (POST, "/bs")]
    assert run.codes == ["2.05", "2.02", "2.04", "2.04", "2.04"]
    assert (run.done, run.ok, run.endpoint) == (True, True, "dev")
    assert world.device.received[0].code == 68, "the answer comes first"
    assert [endpoint for _, endpoint in world.server.requests] == ["dev"]
    assert world.server.protocol_errors == []
    assert run.steps[0].response is not None
    requests = [message for message in world.device.received if 1 <= message.code < 32]
    assert [message.opt.accept for message in requests] == [40, None, None, None, None]
    assert [message.opt.content_format for message in requests] == [None, None, 11542, 11542, None]


def test_a_script_for_each_device():
    world = World(lambda endpoint: [finish()] if endpoint == "dev" else None)
    assert world.start().ok
    assert world.ask("ep=other") == "4.00"
    assert [endpoint for _, endpoint in world.server.requests] == ["dev", "other"]
    with pytest.raises(LookupError, match="no bootstrap of other"):
        world.server.last("other")


def test_a_refusal_ends_it_unless_it_is_stubborn():
    for stubborn, codes in ((False, ["2.05", "4.05"]), (True, ["2.05", "4.05", "2.04", "2.04", "2.04"])):
        world = World(stubborn=stubborn)
        world.device.answer = lambda message: (
            Message(code=133) if message.code == DELETE else Message(code=AGREES[int(message.code)])
        )
        run = world.start()
        assert (run.codes, run.done, run.ok) == (codes, True, False)


def test_pauses():
    world = World([delete("/0", pause_ms=3000), finish(pause_ms=60_000)])
    run = world.start(2000)
    assert (run.steps, run.done) == ([], False)
    world.device.run(2000)
    assert (run.codes, run.done) == (["2.02"], False)
    world.device.run(61_000)
    assert run.ok


def test_a_device_that_does_not_answer():
    world = World()
    world.device.answer = lambda message: None
    run = world.start(200_000)
    assert (run.done, run.ok, run.codes) == (True, False, [None])
    assert run.steps[0].error == "timeout"


def test_a_new_request_ends_the_run_before():
    world = World([delete("/0"), finish(pause_ms=10_000)])
    first = world.start()
    second = world.start()
    assert (first.done, first.ok, second.done) == (True, False, False)
    world.device.run(20_000)
    assert second.ok
    assert world.asked.count((POST, "/bs")) == 1


def test_it_begins_itself():
    world = World()
    with pytest.raises(LookupError, match="has not asked yet"):
        world.server.start("dev")
    with pytest.raises(LookupError, match="has not asked yet"):
        world.server.request("dev", finish())
    run = world.server.start("dev", [finish()], world.device.socket.address)
    world.device.run()
    assert run.ok
    assert world.start().ok
    run = world.server.start("dev")
    world.device.run()
    assert (run.ok, len(run.steps)) == (True, 5)
    request = world.server.request("dev", delete("/1"))
    world.device.run()
    assert request.code == "2.02"
    assert len(world.server.runs) == 3


def test_rejections_and_restarts():
    world = World([delete("/0"), finish(pause_ms=10_000)])
    world.server.reject("4.00", times=1)
    world.server.reject("5.03", times=1)
    assert [world.ask(), world.ask()] == ["4.00", "5.03"]
    world.server.reject(129)
    assert [world.ask(), world.ask()] == ["4.01", "4.01"]
    world.server.accept()
    run = world.start()
    world.server.restart()
    assert (run.done, run.ok) == (True, False)
    world.device.run(20_000)
    assert world.asked == [(DELETE, "/0")]
    with pytest.raises(LookupError):
        world.server.start("dev")
    world.server.close()
    VirtualServer(world.network, "server")  # the address is free


def test_silence_and_late_answers():
    world = World([finish()])
    world.server.silent = True
    world.device.send(POST, "bs", ("ep=dev",))
    assert world.device.run() == []
    assert (world.server.silent, world.server.requests) == (True, [])
    world.server.silent = False
    world.server.separate_ms = 2000
    world.device.send(POST, "bs", ("ep=dev",))
    world.device.run(5000)
    codes = [int(message.code) for message in world.device.received if message.code]
    assert codes[:2] == [68, POST], "the answer, then the first operation"
    assert world.server.separate_ms == 2000


WRONG = [
    ("no name", "4.00", (POST, "bs", ())),
    ("an empty name", "4.00", (POST, "bs", ("ep=",))),
    ("more than a name", "4.00", (POST, "bs", ("ep=dev", "lt=60"))),
    ("a payload", "4.00", (POST, "bs", ("ep=dev",), b"x")),
    ("another method", "4.05", (PUT, "bs", ("ep=dev",))),
    ("another path", "4.04", (POST, "rd", ("ep=dev",))),
]


@pytest.mark.parametrize(("what", "code", "args"), WRONG, ids=[row[0] for row in WRONG])
def test_what_a_device_must_not_send(what, code, args):
    world = World()
    answered, answer = world.device.ask(*args)
    assert answered == code
    assert [answer.payload.decode()] == world.server.protocol_errors
    assert world.server.runs == []
    world.device.socket.send(b"\xff")
    world.device.run()
    assert [data for _, data in world.server.malformed] == [b"\xff"]


def test_a_write_in_blocks():
    world = World([write("/5/0/0", bytes(100), 42), finish()], block_size=64)

    def answer(message):
        block = message.opt.block1
        response = Message(code=68)
        if block is not None:
            response = Message(code=95 if block.more else 68)
            response.opt.block1 = block
        return response

    world.device.answer = answer
    assert world.start().ok
    with pytest.raises(ValueError, match="power of two"):
        World(block_size=100)


def test_an_account():
    first, second = account(
        "coaps://server", 5, (b"id", b"key"), instance=2, lifetime_s=60, binding="UQ", storing=False,
        security={11: 7, 4: None}, server={5: 100},
    )  # fmt: skip
    assert (first.path, second.path, first.content_format) == ("/0/2", "/1/2", 11542)
    types = {0: STRING, 1: BOOLEAN, 2: INTEGER, 3: OPAQUE, 5: OPAQUE, 10: INTEGER, 11: INTEGER}
    found = decode((0, 2), first.payload, lambda object_id, resource: types[resource])
    assert {path[2]: value for path, value in found} == {
        0: "coaps://server", 1: False, 2: 0, 3: b"id", 5: b"key", 10: 5, 11: 7,
    }  # fmt: skip
    assert b"key" not in repr(first).encode()
    types = {0: INTEGER, 1: INTEGER, 5: INTEGER, 6: BOOLEAN, 7: STRING}
    found = decode((1, 2), second.payload, lambda object_id, resource: types[resource])
    assert {path[2]: value for path, value in found} == {0: 5, 1: 60, 5: 100, 6: False, 7: "UQ"}


TLVS = [
    ({0: 1}, "c1 00 01"),
    ({1: True, 2: None}, "c1 01 01"),
    ({300: b""}, "e0 01 2c"),
    ({5: b"12345678"}, "c8 05 08 31 32 33 34 35 36 37 38"),
    ({5: bytes(256)}, "d0 05 01 00" + " 00" * 256),
    ({1: 86400}, "c4 01 00 01 51 80"),
    ({1: -129}, "c2 01 ff 7f"),
    ({2: {123: 15}}, "83 02 41 7b 0f"),
    ({2: {}}, "80 02"),
    ({7: "UQ"}, "c2 07 55 51"),
]


@pytest.mark.parametrize(("resources", "wanted"), TLVS)
def test_tlv(resources, wanted):
    assert tlv(resources) == bytes.fromhex(wanted)


def test_a_client_in_virtual_time():
    simulation = Simulation()
    simulation.network.set(loss=0.2, duplication=0.2)
    servers = [simulation.server(), simulation.server("other")]
    script = [discover(), delete("/0"), delete("/1"), *account("coap://server")]
    script += [*account("coap://other", 5, instance=2, lifetime_s=600), finish()]
    bootstrap = simulation.bootstrap_server(script=script)
    client = simulation.client("lamp", None, bootstrap="coap://bootstrap")
    simulation.run_until(lambda: all("lamp" in server.devices for server in servers), 3_600_000)
    assert bootstrap.last("lamp").ok
    assert [server.device("lamp").lifetime_s for server in servers] == [86400, 600]
    simulation.run_until(lambda: client.registered)
    assert bootstrap.protocol_errors + servers[0].protocol_errors + servers[1].protocol_errors == []
