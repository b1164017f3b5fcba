"""Whole lives of devices, on MicroPython as on CPython: the same datagrams out, byte for byte."""

import json
import random

import pytest

from atiny.testing import Conditions, Simulation
from atiny.testing.bootstrap_script import account, delete, discover, finish, tlv, write
from tests.micropython.recording import Recorder, assert_same, on_cpython, on_micropython
from tests.test_fuzz import SEED, mutated

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
TEXT, LINK, OPAQUE, TLV, JSON = 0, 40, 42, 11542, 11543
VALUE = "/3303/0/5700"
REPORTS = "/19/0/0"

RIGHTS = write("/2/0", {0: 3, 1: 0, 2: {0: 1, 7: 31, 8: 5}, 3: 7})
SCRIPT = [
    discover(), delete("/0"), delete("/1"), *account("coap://server", 7, lifetime_s=600), finish(),
]  # fmt: skip
TWO = [
    delete("/"), *account("coap://server", 7, instance=4), *account("coap://other", 8, instance=5, binding="UQ"),
    RIGHTS, write("/3/0/14", b"+02:00", TEXT), write("/0/4/11", b"2", TEXT), finish(),
]  # fmt: skip
ELSEWHERE = [delete("/0"), delete("/1"), *account("coap://nowhere", 9), finish()]
IMPOSSIBLE = [delete("/0"), delete("/1"), *account("coaps://server", 9), finish()]


class World:
    """A simulation with one recorded device in it."""

    def __init__(self, life, folder, seed=0, servers=("server",), observe=(), **conditions):
        way = Conditions(**conditions)
        self.simulation = Simulation(seed, way, way)
        self.servers = [self.simulation.server(host, auto_observe=observe) for host in servers]
        self.server = self.servers[0]
        self.bootstrap = self.simulation.bootstrap_server(script=SCRIPT)
        self.device = Recorder(self.simulation, life, folder)

    def run(self, ms=MINUTE_MS):
        self.simulation.run(ms)

    def done(self, request, ms=1000):
        """The code of a request, once time has passed."""
        self.run(ms)
        return request.code

    def until_registered(self):
        self.simulation.run_until(lambda: self.registered, HOUR_MS)
        self.run()

    @property
    def registered(self):
        return self.device.client.registered


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_bootstrap(tmp_path, loss):
    """Accounts, others beside rights, a restart, accounts that do not work and are taken back over another restart."""
    bad = {"loss": loss, "duplication": loss, "delay_ms": (5, 90)} if loss else {}
    world = World("Bootstrapped", tmp_path, 5, ("server", "other"), (REPORTS, VALUE), **bad)
    device = world.device
    world.until_registered()
    device.do("report", "01")
    world.run()
    world.bootstrap.script = TWO
    device.do("bootstrap")
    world.run(20 * MINUTE_MS)
    device.do("measure", 21.25)
    device.do("report", "02")
    world.run()
    assert "dev" in world.servers[1].devices
    device.restart()
    world.until_registered()
    asked = len(world.bootstrap.requests)
    world.bootstrap.script = ELSEWHERE
    device.do("bootstrap")
    world.run(MINUTE_MS)
    device.restart()
    world.run(HOUR_MS)
    assert any("worked" in reason for reason in device.events("not bootstrapped"))
    assert world.registered
    world.bootstrap.script = IMPOSSIBLE
    device.do("bootstrap")
    world.run(20 * MINUTE_MS)
    assert world.bootstrap.runs[-1].codes[-1] == "4.06" or loss
    assert world.registered
    device.do("stop")
    world.run()
    if not loss:
        assert asked == 2, "a restart asks for nothing"
        assert len(device.events("bootstrapped")) == 3
        assert world.bootstrap.protocol_errors == world.server.protocol_errors == []
    assert any(line.startswith("accounts ") and len(line) > 200 for line in device.compare("record"))


@pytest.mark.parametrize("runtime", [on_cpython, on_micropython])
def test_a_difference_is_found(tmp_path, runtime):
    """One bit of one datagram of the tape is another one: the runtime says so."""
    world = World("Sleepy", tmp_path)
    world.until_registered()
    world.server.read("dev", "/3/0/0")
    world.run()
    [inputs] = [entry[2] for entry in world.device.tape if entry[0] == "step" and entry[2]][-1:]
    inputs[-1][2] = inputs[-1][2][:-1] + "1"  # /3/0/1
    tape = [json.dumps(entry) for entry in world.device.tape]
    found = runtime("Sleepy", tape, tmp_path / "again")
    with pytest.raises(AssertionError, match="got +send"):
        assert_same(world.device.lines, found, runtime.__name__)


def test_bootstrap_in_sequence(tmp_path):
    world = World("Sequence", tmp_path)
    world.bootstrap.silent = True
    world.run(20 * MINUTE_MS)
    assert world.device.lines.count("waits for a bootstrap") >= 2
    world.bootstrap.silent = False
    world.run(20 * MINUTE_MS)
    assert world.registered
    world.server.restart()
    world.run(HOUR_MS)
    assert world.server.count("register") == 2
    assert len(world.device.compare("send")) > 20


def test_several_servers_and_their_rights(tmp_path):
    world = World("Shared", tmp_path, servers=("one", "two", "three"), observe=(REPORTS,))
    device = world.device
    one, two, three = world.servers
    world.run(5000)
    sent = [
        one.discover("dev", "/31024"), two.discover("dev", "/1"),
        three.discover("dev", "/3303"), two.discover("dev", "/2"),
        one.write_attributes("dev", VALUE, "pmin=5", "pmax=60", "gt=30", "lt=10.5", "st=0.5"),
        two.write_attributes("dev", "/3303", "pmin=1", "pmax=20"),
        three.write_attributes("dev", VALUE, "pmin=1"),
        one.observe("dev", VALUE), two.observe("dev", "/3303/0", accept=JSON), three.observe("dev", VALUE, accept=TLV),
        one.read("dev", "/2", accept=TLV), three.read("dev", "/2", accept=JSON),
        two.read("dev", "/31024/0", accept=JSON), two.write("dev", "/31024/0/1", b"7"),
        three.write("dev", "/31024/0/1", b"8"), three.execute("dev", "/3303/0/5605"),
        two.write("dev", "/1/0/1", b"60"), two.write("dev", "/1/1/1", b"900"), two.create("dev", "/31024", b""),
        one.create("dev", "/31024", tlv({0: "made"})), one.write("dev", "/19/1/0", b"\x01\x02", OPAQUE),
        two.write("dev", "/19/1/0", b"\x03", OPAQUE), three.write("dev", "/19/1/0", b"\x04", OPAQUE),
    ]  # fmt: skip
    world.run()
    codes = [request.code for request in sent]
    assert codes.count("4.01") == 5, codes
    assert codes.count("2.04") == 7, codes
    assert "2.01" in codes, codes
    for value in (20.0, 31.5, 31.6, 9.0, 12.25, 12.5, 1e21, -0.001):
        device.do("measure", value)
        device.do("report", "%02x" % int(abs(value) % 100))
        world.run(7000)
    granted = one.update("dev", "/2/%d" % access_of(device, 31024), tlv({2: {0: 1, 3: 31}}))
    world.run()
    assert granted.code == "2.04"
    assert world.done(three.write("dev", "/31024/0/1", b"-9")) == "2.04"
    assert world.done(one.delete("dev", "/31024/1")) == "2.02"
    device.restart()
    world.run()
    assert world.done(three.write("dev", "/31024/0/1", b"-10")) == "2.04", "rights are kept"
    found = one.discover("dev", VALUE)
    world.run(1000)
    assert b"st=0.5" in found.payload, "and attributes"
    three.silent = True
    device.do("reconnect")
    world.run(HOUR_MS)
    two.restart()
    world.run(HOUR_MS)
    device.do("stop")
    world.run()
    assert len(device.compare("send")) > 200


def access_of(device, object_id):
    """The Access Control instance that is about instance 0 of an object."""
    instances = device.client._model.objects[2].instances
    return next(id for id in sorted(instances) if instances[id].target_object_id == object_id)


@pytest.mark.parametrize("storing", [b"1", b"0"])
def test_queue_mode_and_offline(tmp_path, storing):
    world = World("Sleepy", tmp_path, observe=(REPORTS, VALUE), loss=0.05)
    device, server = world.device, world.server
    world.until_registered()
    server.write("dev", "/1/0/6", storing)
    server.write_attributes("dev", VALUE, "pmin=2", "pmax=7200")
    for hour in range(5):
        device.do("measure", hour + 0.5)
        world.run(10 * MINUTE_MS)
        device.do("report", "%02x" % hour)
        world.run(HOUR_MS)
        server.read("dev", "/3/0")  # which it sleeps through
    device.do("go_offline")
    for hour in range(8):
        device.do("measure", hour - 100.25)
        device.do("device_error", hour % 3 + 1)
        world.run(5 * MINUTE_MS)
    device.do("report", "aa")
    device.do("go_online")
    world.run(10 * MINUTE_MS)
    device.restart()
    world.run()
    errors = server.read("dev", "/3/0/11", accept=JSON)
    world.run(5000)
    assert [errors.code, server.execute("dev", "/3/0/12").code] == ["2.05", None]
    world.run()
    device.restart()
    world.run(3 * HOUR_MS)
    assert len(device.of("sleep")) >= 8
    assert len(device.of("sleep")) - len(device.of("wake")) in (0, 1, 2, 3)
    told = device.events("notification")
    assert len(told) >= (10 if storing == b"1" else 5)
    assert device.compare("record")[-1].startswith("device_errors")


def test_every_object_in_every_format(tmp_path):
    world = World("Rich", tmp_path)
    device, server = world.device, world.server
    world.run()
    paths = [f"/{part}" for part in ("1", "1/0", "3/0", "4/0", "6/0", "7/0", "19", "3442/0", "31024/0", "31024/0/7")]
    asked = [server.execute("dev", "/7/0/6")]
    for path in paths:
        asked += [server.read("dev", path, accept=accept) for accept in (None, TLV, JSON, LINK)]
        asked.append(server.observe("dev", path, accept=JSON))
    for resource in (0, 1, 2, 3, 4, 5, 6, 20, 22, 26):
        asked += [
            server.read("dev", f"/3442/0/{resource}", accept=accept) for accept in (None, TEXT, TLV, JSON, OPAQUE)
        ]
    world.run(10 * MINUTE_MS)
    assert {request.code for request in asked} == {"2.05", "2.04", "4.06"}
    written = []
    for values in (
        b'{"n":"0","sv":"\\u20ac \\ud83d\\ude00"},{"n":"1","v":-9223372036854775808},{"n":"2","v":1e-7}',
        b'{"n":"21/7","v":1},{"n":"21/65535","v":2},{"n":"26/0","ov":"3:0"}',
        b'{"n":"2","v":340282346638528859811704183484516925440}',
        b'{"n":"2","v":1e999}',
        b'{"n":"1","v":1.5}',
        b'{"n":"4","sv":"AP8="},{"n":"3","bv":false}',
        b'{"n":"4","sv":"AP8="},{"n":"4","sv":"AP8="}',
        b'{"n":"4","sv":"A"}',
    ):
        payload = b'{"bn":"/3442/0/","e":[' + values + b"]}"
        written.append(server.update("dev", "/3442/0", payload, JSON))
    for resource, text in ((2, b"0.1"), (2, b"1e400"), (2, b"-1.5e-300"), (1, b"9223372036854775807"), (6, b"3:65535"),
                           (0, "\u20ac".encode()), (0, b"\xff"), (3, b"2"), (5, b"0"), (2, b"nan")):  # fmt: skip
        written.append(server.write("dev", f"/3442/0/{resource}", text))
        written.append(server.read("dev", f"/3442/0/{resource}", accept=TEXT))
    written.append(server.write("dev", "/3442/0/20", tlv({20: {0: "x" * 300, 300: "\u20ac"}}), TLV))
    written.append(server.create("dev", "/3442", b'{"bn":"/3442/1/","e":[{"n":"0","sv":"made"}]}', JSON))
    written.append(server.write("dev", "/3442/0", tlv({0: "all", 1: -1, 3: True}), TLV))
    written.append(server.write("dev", "/3/0/14", b"-03:30"))
    written += [server.read("dev", "/3442", accept=accept) for accept in (TLV, JSON)]
    written += [server.write("dev", "/31024/0/13", value) for value in (b"1", b"0", b"-1")]
    written += [server.execute("dev", "/31024/0/10", args) for args in ("", "raise", "refuse")]
    world.run(5 * MINUTE_MS)
    codes = [request.code for request in written]
    assert {"2.01", "2.04", "2.05", "4.00", "4.03", "5.00"} <= set(codes), codes
    for latitude in (52.517, -33.8688197, 1e-9):
        device.do("move", latitude)
        device.do("measure", latitude * 3)
        device.do("device_error", 2)
        world.run(5 * MINUTE_MS)
    counted = [server.read("dev", f"/7/0/{resource}") for resource in (2, 3, 4, 5)]
    device.do("remove", "/3303/0")
    world.run(30_000)
    server.execute("dev", "/7/0/7")
    server.execute("dev", "/3/0/4")
    world.run(HOUR_MS)
    assert all(int(request.payload) > 0 for request in counted)
    assert device.events("handler error")
    assert device.lines.count("reboot") == 1
    assert len(device.compare("send")) > 150


@pytest.mark.parametrize(
    ("life", "count"),
    [("Shared", 400), ("Rich", 400), ("Bootstrapped", 400)]
    + [pytest.param(life, 4000, marks=pytest.mark.slow) for life in ("Shared", "Rich", "Bootstrapped")],
)
def test_hostile_datagrams(tmp_path, life, count):
    """What the peers said in peace is said again, damaged, at any time, by any of them."""
    hosts = ("one", "two", "three") if life == "Shared" else ("server", "other")
    world = World(life, tmp_path, servers=hosts, observe=(REPORTS, VALUE))
    device, network = world.device, world.simulation.network
    world.bootstrap.script = TWO
    world.until_registered()
    for server in world.servers:
        if "dev" in server.devices:
            chat(server)
    world.run()
    sound = [datagram.data for datagram in network.trace if not datagram.uplink]
    assert len(sound) > 40
    draw = random.Random(SEED)
    for number in range(count):
        for socket in device.platform.sockets:
            if socket.peer is not None and not socket.closed:
                network.transmit(socket.peer, socket.address, mutated(draw, sound), uplink=False)
        if number % 10 == 0:
            device.do("measure", draw.choice((0.0, 1.5, -20.25, 1e300)))
        if number % 200 == 199:
            device.do("bootstrap" if life == "Bootstrapped" else "reconnect")
        world.run(draw.choice((0, 1, 50, 3000, 20_000)))
    assert len(device.compare("send")) > count // 2


def chat(server):
    """A request of each kind."""
    for path in ("/1", "/3/0", "/3/0/0", "/3303/0/5700", "/31024/0", "/3442", "/2"):
        for accept in (None, TLV, JSON, LINK):
            server.read("dev", path, accept=accept)
        server.observe("dev", path)
        server.write_attributes("dev", path, "pmin=1", "pmax=9")
    server.update("dev", "/31024/0", tlv({0: "chat", 1: 7, 4: b"\x01", 7: {1: 2, 3: 4}}))
    server.update("dev", "/3442/0", b'{"bn":"/3442/0/","e":[{"n":"21/7","v":-1.0},{"n":"0","sv":"\\u20ac"}]}', JSON)
    server.update("dev", "/2/0", tlv({2: {0: 1, 1: 31, 2: 31, 7: 31}}))
    server.write("dev", "/1/0/1", b"120")
    server.write("dev", "/3/0/14", b"+05:45")
    server.write("dev", "/19/1/0", b"\x01", OPAQUE)
    server.execute("dev", "/31024/0/10", "0='x'")
    server.create("dev", "/31024", tlv({0: "new"}))
    server.delete("dev", "/31024/1")
