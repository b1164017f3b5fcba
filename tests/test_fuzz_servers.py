"""Hostile bootstrap servers, and hostile servers among several: nothing raises, nobody does more than he may, what is
refused has changed nothing, nothing grows without bound, and the device goes on working.

A seed reproduces a run: ``ATINY_FUZZ_SEED``.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

import atiny
from atiny.lwm2m.accounts import bootstrap_security, check
from atiny.lwm2m.bootstrap import OPEN
from atiny.lwm2m.provision import MAX_INSTANCES
from atiny.testing.bootstrap_script import account, delete, discover, finish, tlv, write
from tests.fuzzing import (
    APPLIED,
    DELETE,
    GET,
    JSON,
    LINK,
    OPAQUE,
    POST,
    PUT,
    TEXT,
    TLV,
    Device,
    Request,
    hostile,
    state,
)
from tests.leaks import Memory
from tests.test_fuzz import SEED, Bin

METHODS = {"GET": GET, "POST": POST, "PUT": PUT, "DELETE": DELETE}
COUNTS = [800, pytest.param(60_000, marks=pytest.mark.slow)]
ACCOUNTS = (0, 1, 2)
OTHERS = (3, 7, 19, 31000)
BIN = bytes.fromhex(
    "c1 01 05  c8 02 08 3ff0000000000000  c1 03 01  c3 04 616263  86 05 41 00 01 41 01 02  c4 06 00030000"
)
BIN_JSON = (
    b'{"bn":"/31000/0/","e":[{"n":"0","sv":"json"},{"n":"1","v":-7},{"n":"2","v":1.5e3},{"n":"3","bv":true},'
    b'{"n":"4","sv":"AAEC"},{"n":"5/0","v":1},{"n":"5/7","v":2},{"n":"6","ov":"3:0"},{"n":"7","v":1767225600}]}'
)


# -- a bootstrap server


def requests(*operations: Any) -> "list[Request]":
    return [Request(METHODS[one.method], one.path, one.payload, one.content_format, one.accept) for one in operations]


def provisioning() -> "list[Request]":
    """Sound operations of every kind."""
    made = [discover(), discover("/1"), delete("/0"), delete("/1"), delete("/2"), delete("/"), delete("/1/0"), finish()]
    for number in range(3):
        made += account(f"coap://server{number}:5683", 10 + number, instance=number, lifetime_s=300)
    made += account("coaps://secured", 20, (b"identity", b"0123456789abcdef"), instance=3, binding="UQ")
    made.append(write("/0/4", {0: "coap://bootstrap", 1: True, 2: 3, 3: b"", 4: b"", 5: b"", 11: 1}))
    made.append(write("/2/0", {0: 3, 1: 0, 2: {10: 31, 11: 1}, 3: 10}))
    made.append(
        write("/2", bytes.fromhex("08 07") + bytes([len(tlv({0: 19, 1: 1, 3: 11}))]) + tlv({0: 19, 1: 1, 3: 11}))
    )
    for object_id in (0, 1):
        body = tlv({0: "coap://server", 2: 3, 10: 7} if object_id == 0 else {0: 7, 1: 60})
        made.append(write(f"/{object_id}", bytes([0x08, 9, len(body)]) + body))
    for path, value in (("/0/0/0", b"coap://server"), ("/0/0/10", b"10"), ("/1/0/0", b"10"), ("/1/0/1", b"600"),
                        ("/1/0/7", b"UQ"), ("/0/0/11", b"30"), ("/1/0/6", b"0"), ("/3/0/15", b"UTC")):  # fmt: skip
        made.append(write(path, value, TEXT))
    made.append(write("/1/0", b'{"bn":"/1/0/","e":[{"n":"0","v":10},{"n":"1","v":60},{"n":"7","sv":"U"}]}', JSON))
    made.append(write("/2/1", b'{"bn":"/2/1/","e":[{"n":"0","v":3},{"n":"2/10","v":15},{"n":"3","v":10}]}', JSON))
    made += [
        write("/31000/0", BIN),
        write("/31000/0", BIN_JSON, JSON),
        delete("/31000"),
        write("/31000/5/0", b"x", TEXT),
    ]
    return requests(*made)


def assault(draw: random.Random) -> "Iterator[bytes]":
    """Hostile operations without end, and now and then a whole bootstrap of which little is wrong."""
    sound = provisioning()
    while True:
        yield hostile(draw, sound)
        if draw.random() < 0.02:
            script = [delete("/"), *account("coap://server", draw.randrange(1, 99), instance=draw.randrange(5))]
            script += account("coap://other", 100, instance=draw.randrange(5, 9), lifetime_s=60, binding="UQ")
            for request in requests(*script, finish()):
                part = request.damaged(draw) if draw.random() < 0.2 else request
                yield part.encode(draw.randrange(65536))


def accounts(model: Any) -> "list[tuple]":
    """What Finish alone may change. Rights to what is made and deleted at once come and go with it."""
    return [row for row in state(model, *ACCOUNTS) if row[0] < 2 or row[2][0] != Bin.object_id]


class Bootstrapped(Device):
    """A device that asks for a bootstrap again and again."""

    def __init__(self) -> None:
        super().__init__(bootstrap="coap://bootstrap")
        self.client.step()

    def link(self) -> Any:
        """The link to the bootstrap server; the device is made to open it."""
        for _ in range(100):
            bootstrapper = self.client._agent.bootstrapper
            if bootstrapper.line == OPEN:
                return self.client.loop._sockets[bootstrapper._link.link]
            self.client.bootstrap()
            self.pass_time(10_000)
        raise AssertionError("it does not ask for a bootstrap")

    @property
    def excused(self) -> bool:
        """Whether the accounts may be others now: a bootstrap was finished, or taken back."""
        kinds = [event for event, _ in self.events]
        return atiny.ATINY_BOOTSTRAP_OK in kinds or any("are back" in str(reason) for _, reason in self.events)

    def works(self) -> None:
        """Left in peace, it takes accounts, and registers."""
        sound = requests(
            delete("/"), *account("coap://server", 10), write("/0/9", {0: "coap://bootstrap", 1: True, 2: 3, 3: b""}),
            finish(),
        )  # fmt: skip
        socket = self.link()
        self.pass_time(300_000)  # whatever half of a body it has is forgotten
        socket = self.link()
        for number, request in enumerate(sound):
            codes = self.say(socket, request.encode(number + 1, b"works"))
            assert set(APPLIED) & set(codes), (request, codes)
        self.pass_time(5000)
        assert self.client.registered
        self.pass_time(600_000)

    @property
    def reachable(self) -> bool:
        """Whether a bootstrap server without DTLS has not sent it elsewhere."""
        security = bootstrap_security(self.model)
        return security is not None and security.security_mode == 3 and not security.bootstrap_account_timeout_s


def fuzz_bootstrap(count: int) -> None:
    draw, memory = random.Random(SEED), Memory()
    datagrams = assault(draw)
    device = Bootstrapped()
    device.works()
    finished = applied = lost = 0
    for number in range(1, count + 1):
        socket = device.link()
        device.events.clear()
        before = accounts(device.model)
        applied += bool(set(APPLIED) & set(device.say(socket, next(datagrams))))
        staged = device.client._agent.bootstrapper.provision.staged
        if staged is not None:
            assert [len(staged.objects[id].ids) <= MAX_INSTANCES[id] for id in ACCOUNTS] == [True] * 3
        if device.excused:
            finished += 1
            check(device.model)
        else:
            assert accounts(device.model) == before, f"datagram {number} of seed {SEED}"
        if draw.random() < 0.02:
            device.pass_time(draw.choice((1, 3000, 100_000)))
        if not device.reachable:
            lost += 1
            device = Bootstrapped()
        if number % (count // 10) == 0:
            device.works()
            device.check()
            device.client.remove_object("/31000")
            device.client.step()
            Bin.count = 0
            device.client.add_object(Bin())
            memory.sample()
    memory.check()
    assert finished > count // 200
    assert count // 5 < applied < count
    assert lost < count // 50


@pytest.mark.parametrize("count", COUNTS)
def test_a_hostile_bootstrap_server(count: int) -> None:
    fuzz_bootstrap(count)


# -- one of several servers


class Shared(Device):
    """A device of three servers: "owner" may do everything, "reader" read, "stranger" nothing."""

    def __init__(self) -> None:
        super().__init__(
            server=[
                atiny.ServerAccount("coap://owner", short_server_id=1, lifetime=100_000),
                atiny.ServerAccount("coap://reader", short_server_id=2, lifetime=100_000),
                atiny.ServerAccount("coap://stranger", short_server_id=3, lifetime=100_000, rights=""),
            ]
        )
        self.commands = 0
        self.handler.write_app_write = self.command
        self.handler.set_timezone = self.command
        self.draw = random.Random(SEED)
        self.client.step()
        self.works("owner", "reader", "stranger")

    def command(self, data: object) -> int:
        self.commands += 1
        return atiny.ATINY_OK

    def account(self, host: str) -> Any:
        found = [one for one in self.client._agent.accounts if one.address[0] == host]
        return found[0]

    def works(self, *hosts: str) -> None:
        """Left in peace, it is registered with these servers, and they can read what they may."""
        self.pass_time(600_000)
        for host in hosts:
            assert self.account(host).registration.registered, host
            socket = self.open(host)
            assert socket is not None
            codes = self.say(socket, Request(GET, "/3/0/0").encode(self.draw.randrange(65536), b"works"))
            assert (0x81 if host == "stranger" else 0x45) in codes, host

    def values(self) -> "list[Any]":
        """All that servers could have changed."""
        attributes = [one.observations.set_attributes().all() for one in self.client._agent.accounts]
        return [state(self.model, *ACCOUNTS, *OTHERS), attributes, self.commands]

    def foreign(self) -> "list[Any]":
        """What is none of the reader's and the stranger's: not their Server instances, and the rights to these."""
        found = []
        for row in state(self.model, *ACCOUNTS, *OTHERS):
            if not (row[0] == 1 and row[1] > 0 or row[0] == 2 and row[2][0] == 1 and row[2][1] > 0):
                found.append(row)
        return [found, self.account("owner").observations.set_attributes().all(), self.commands]


def operations() -> "list[Request]":
    """Sound operations of every kind, most of which change something."""
    made = [
        Request(PUT, "/31000/0", BIN, TLV), Request(POST, "/31000/0", BIN, TLV),
        Request(PUT, "/31000/0", BIN_JSON, JSON), Request(POST, "/31000/0", BIN_JSON, JSON),
        Request(DELETE, "/31000/0"), Request(DELETE, "/31000/1"),
        Request(POST, "/31000", bytes([0x08, 1, len(BIN)]) + BIN, TLV), Request(POST, "/31000", BIN, TLV),
        Request(POST, "/31000", BIN_JSON.replace(b"/0/", b"/2/"), JSON), Request(PUT, "/31000/0/5", BIN[15:23], TLV),
        Request(POST, "/31000/0/8"), Request(PUT, "/31000/0/4", b"\x01\x02", OPAQUE),
        Request(PUT, "/31000/0/1", b"7", TEXT), Request(PUT, "/3/0/15", b"UTC", TEXT),
        Request(PUT, "/19/1/0", b"\x01", OPAQUE), Request(POST, "/3/0/12"), Request(PUT, "/1/0/1", b"90000", TEXT),
        Request(PUT, "/1/1/7", b"U", TEXT), Request(POST, "/1/2", tlv({6: False}), TLV),
        Request(PUT, "/1/0", b'{"bn":"/1/0/","e":[{"n":"1","v":99999},{"n":"6","bv":true},{"n":"7","sv":"U"}]}', JSON),
        # Of these only the last value is wrong: the rest must not be written.
        Request(POST, "/31000/0", tlv({1: 77, 0: "x" * 65}), TLV), Request(PUT, "/31000/0", tlv({1: 78, 9: 1}), TLV),
        Request(POST, "/1/0", tlv({1: 91_000, 6: False, 7: "X"}), TLV), Request(POST, "/1/0", tlv({5: 1, 0: 5}), TLV),
        Request(POST, "/31000/0", b'{"bn":"/31000/0/","e":[{"n":"1","v":79},{"n":"4","sv":"?"}]}', JSON),
        Request(POST, "/2/3", tlv({2: {0: 31}, 3: 0}), TLV), Request(PUT, "/31000/0/1", query=("pmin=3", "pmax=2")),
    ]  # fmt: skip
    for query in (("pmin=1", "pmax=9"), ("gt=1.5", "lt=0", "st=0.5"), ("st=2",), ("pmin",), ("lt=-1", "gt=3")):
        made += [
            Request(PUT, path, query=query) for path in ("/31000", "/31000/0", "/31000/0/1", "/3/0/9", "/31000/0/2")
        ]
    for number in range(8):
        path = f"/2/{number}"
        acl = b'{"bn":"%s/","e":[{"n":"2/2","v":1},{"n":"2/0","v":0}]}' % path.encode()
        made += [Request(POST, path, tlv({2: {0: 1, 2: 5}}), TLV), Request(POST, path, acl, JSON), Request(GET, path)]
        made += [Request(PUT, path, tlv({2: {1: 31, 3: 0}, 3: 1}), TLV), Request(DELETE, path)]
    made += [Request(GET, path, accept=accept) for path in ("/31000", "/2", "/1") for accept in (LINK, TLV, JSON)]
    made += [Request(GET, path, observe=value) for path in ("/31000/0", "/31000/0/1", "/2") for value in (0, 1)]
    return made


def fuzz_servers(count: int, hosts: "tuple[str, ...]") -> "tuple[int, int]":
    """Returns how many requests changed something, and how many nothing."""
    sound, draw, memory = operations(), random.Random(SEED), Memory()
    device = Shared()
    applied = refused = 0
    for number in range(1, count + 1):
        host = draw.choice(hosts)
        socket = device.open(host)
        if socket is not None:
            values, foreign = device.values(), device.foreign()
            if set(APPLIED) & set(device.say(socket, hostile(draw, sound))):
                applied += 1
            else:
                refused += 1
                assert device.values() == values, f"datagram {number} of seed {SEED}: {host}"
            if host != "owner":
                assert device.foreign() == foreign, f"datagram {number} of seed {SEED}: {host}"
        if draw.random() < 0.02:
            device.pass_time(draw.choice((1, 3000, 100_000)))
        if number % (count // 10) == 0:
            if "owner" not in hosts:  # who may well have told the device to leave it alone, or have lost its rights
                device.works("owner")
            device.check()
            memory.sample()
            device = Shared()
    memory.check()
    return applied, refused


@pytest.mark.parametrize("count", COUNTS)
def test_servers_without_rights_change_nothing_of_others(count: int) -> None:
    applied, refused = fuzz_servers(count, ("reader", "stranger"))
    assert applied > count // 100, "they may write what is about them"
    assert refused > count // 2


@pytest.mark.parametrize("count", COUNTS)
def test_what_is_refused_has_changed_nothing(count: int) -> None:
    applied, refused = fuzz_servers(count, ("owner",))
    assert min(applied, refused) > count // 20
