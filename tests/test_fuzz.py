"""Random and mutated datagrams from a hostile or broken peer: nothing raises into the host, nothing grows without
bound, and the device goes on working.

The datagrams that are mutated are made by aiocoap. A seed reproduces a run: ``ATINY_FUZZ_SEED``.
"""

import os
import random
from collections.abc import Iterator

import aiocoap
import pytest
from aiocoap.numbers import optionnumbers

import atiny
from atiny.coap import codes
from atiny.lwm2m.registration import DISABLED
from atiny.testing import FakeHardware, FakeSocket
from tests.leaks import Memory

SEED = int(os.environ.get("ATINY_FUZZ_SEED", "1"))
TLV = 11542
BATCH = 500
MAX_BINS = 8


class Bin(atiny.Object):
    """Instances that a server may create, in bounds as any device has; values of every type."""

    object_id = 31000
    multiple = creatable = True
    resources = (
        atiny.Resource(0, "name", atiny.STRING, "RW", max_size=64),
        atiny.Resource(1, "level", atiny.INTEGER, "RW"),
        atiny.Resource(2, "weight", atiny.FLOAT, "RW"),
        atiny.Resource(3, "open", atiny.BOOLEAN, "RW"),
        atiny.Resource(4, "tag", atiny.OPAQUE, "RW", max_size=2048),
        atiny.Resource(5, "parts", atiny.INTEGER, "RW", multiple=True),
        atiny.Resource(6, "link", atiny.OBJLNK, "RW"),
        atiny.Resource(7, "since", atiny.TIME, "RW"),
        atiny.Resource(8, "empty", atiny.NONE, "E"),
    )
    count = 0

    def __init__(self) -> None:
        if Bin.count >= MAX_BINS:
            raise atiny.Rejected(codes.FORBIDDEN, "no more bins")
        Bin.count += 1
        self.name, self.level, self.parts = "bin", 3, {0: 1, 1: 2}

    def deleted(self) -> None:
        Bin.count -= 1

    def write_parts(self, value: "dict[int, int]") -> None:
        self.parts = {key: value[key] for key in sorted(value)[:8]}

    def execute_empty(self, arguments: str) -> None:
        if arguments:
            raise ValueError("a handler with a bug")


class Handler(atiny.CommandHandler):
    asked = 0

    def get_battery_level(self) -> int:
        return 80

    def set_timezone(self, timezone: str) -> int:
        return atiny.ATINY_OK

    def get_timezone(self) -> str:
        self.asked += 1
        if self.asked % 4 == 0:
            raise RuntimeError("a handler with a bug")
        return "Europe/Berlin"

    def write_app_write(self, data: bytes) -> int:
        return atiny.ATINY_OK


def message(code: int, path: str = "", payload: bytes = b"", kind: int = 0, **options: "int | bytes") -> bytes:
    """A message as an independent implementation makes it; options by aiocoap's names of their numbers."""
    made = aiocoap.Message(code=aiocoap.Code(code), payload=payload)
    made.mtype, made.mid, made.token = aiocoap.Type(kind), 1, b"tokn"
    made.opt.uri_path = tuple(path.split("/")) if path else ()
    for name, value in options.items():
        number = optionnumbers.OptionNumber[name]
        raw = value if isinstance(value, bytes) else value.to_bytes((value.bit_length() + 7) // 8, "big")
        made.opt.add_option(number.create_option(decode=raw))
    return made.encode()


def corpus() -> "list[bytes]":
    """Sound messages of every kind that a server may send."""
    made = [b"", b"\x40\x00\x00\x01", b"\x60\x00\x00\x01", b"\x70\x00\x00\x01", b"\x61\x45\x00\x01t\xffx"]
    paths = (
        "3",
        "3/0",
        "3/0/0",
        "3/0/9",
        "3/0/15",
        "1/0/1",
        "19/0/0",
        "19/1/0",
        "0/0",
        "31000",
        "31000/0",
        "31000/0/5/1",
    )
    for path in paths:
        made.append(message(1, path))
        made.append(message(1, path, kind=1, ACCEPT=TLV))
        made.append(message(1, path, ACCEPT=40))
        made += [message(1, path, OBSERVE=value) for value in (0, 1)]
    tlv = bytes.fromhex(
        "c1 01 05  c8 02 08 3ff0000000000000  c1 03 01  c3 04 616263  86 05 41 00 01 41 01 02  c4 06 00030000"
    )
    made.append(message(3, "31000/0", tlv, CONTENT_FORMAT=TLV))
    made.append(message(2, "31000/0", tlv, CONTENT_FORMAT=TLV))
    for number in range(3):
        instance = bytes((0x08, number, len(tlv))) + tlv
        made += [message(2, "31000", instance, CONTENT_FORMAT=TLV)] * 2
        made.append(message(4, f"31000/{number}"))
    made.append(message(2, "31000", tlv, CONTENT_FORMAT=TLV))
    made.append(message(2, "31000/0/8"))
    made.append(message(2, "31000/0/8", b"0='x'"))
    made.append(message(3, "3/0/15", b"Europe/Berlin", CONTENT_FORMAT=0))
    made.append(message(3, "1/0/1", b"300", CONTENT_FORMAT=0))
    made.append(message(3, "19/1/0", b"\x01\x02", CONTENT_FORMAT=42))
    for number in range(3):
        made.append(message(3, "31000/0/4", bytes(64), BLOCK1=number << 4 | 8 | 2, CONTENT_FORMAT=42))
        made.append(message(1, "3/0", BLOCK2=number << 4 | 2))
    for query in (b"pmin=1", b"pmax=9", b"gt=1.5", b"lt=0", b"st=2", b"pmin"):
        made.append(message(3, "31000/0/1", URI_QUERY=query))
    made += [message(code, "", b"diagnostic", kind=2) for code in (65, 68, 69, 95, 132, 160)]
    return made


def damage(draw: random.Random, data: bytearray) -> None:
    """Damage some bytes in a few places."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        elif kind == 2:
            data[at:at] = draw.randbytes(draw.randrange(1, 9))
        elif kind == 3:
            del data[at : at + draw.randrange(1, 9)]
        else:
            data[at:at] = data[at : at + draw.randrange(1, 20)] * draw.randrange(1, 4)


def mutated(draw: random.Random, sound: "list[bytes]") -> bytes:
    """One datagram: a sound one, one that was damaged in a few places, two spliced, or noise."""
    way = draw.random()
    if way < 0.05:
        return draw.randbytes(draw.randrange(80))
    data = bytearray(draw.choice(sound))
    if way < 0.15:
        other = draw.choice(sound)
        data = data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]
    if way < 0.8:
        damage(draw, data)
    if len(data) >= 4 and draw.random() < 0.9:
        data[2:4] = draw.randbytes(2)  # most are new messages, not duplicates
    return bytes(data)


def let_pass(client: atiny.Client, hardware: FakeHardware, ms: int) -> None:
    """Let time pass, stepping the device whenever it asks for it."""
    until = hardware.clock.now_ms + ms
    for _ in range(20_000):
        due = client.step()
        left = until - hardware.clock.now_ms
        if left <= 0 and due != 0:
            return
        if due != 0:
            hardware.clock.advance(max(1, left if due is None else min(due, left)))
    raise AssertionError("the device asks to be stepped again and again")


class Bench:
    """A device on a socket whose peer is this test, in virtual time."""

    def __init__(self) -> None:
        Bin.count = 0
        self.hardware = FakeHardware(seed=SEED)
        self.socket: "FakeSocket | None" = None
        self.draw = random.Random(SEED)
        self.hostile = False
        self.events = 0
        self.client = atiny.Client(
            "fuzzed",
            "coap://server",
            device=Handler(),
            objects=[Bin()],
            lifetime=600,
            on_event=self.on_event,
            platform=atiny.Platform(socket=self.new_socket, hardware=self.hardware),
        )

    def on_event(self, event: int, argument: object) -> None:
        self.events += 1

    def new_socket(self) -> FakeSocket:
        self.socket = FakeSocket()
        self.socket.on_send = self.answer
        return self.socket

    def answer(self, data: bytes) -> "Iterator[bytes]":
        """Be the server: what the device asks gets its answer, or, while it is hostile, now and then nonsense."""
        assert self.socket is not None
        self.socket.sent.clear()
        self.last = data
        end = 4 + (data[0] & 15)
        if data[0] & 0x30 != 0 or not 0 < data[1] < 32:
            return
        result = {2: 0x41, 4: 0x42}[data[1]]
        if b"\x011" in data[end : end + 12]:
            result = 0x44  # an Update: it has our Location-Path
        reply = bytes([0x60 | (data[0] & 15), result]) + data[2:end]
        reply += b"\x82rd\x011" if result == 0x41 else b""
        if self.hostile:
            way = self.draw.random()
            if way < 0.1:
                return
            if way < 0.2:
                reply = reply[:1] + b"\x84" + reply[2:end]
            elif way < 0.4:
                reply = mutated(self.draw, [reply])
        yield reply

    def pass_time(self, ms: int) -> None:
        let_pass(self.client, self.hardware, ms)

    def works(self) -> bool:
        """Left in peace, the device is registered and answers."""
        self.hostile = False
        for _ in range(40):
            self.pass_time(30_000)
            if self.client._agent.accounts[0].registration.state == DISABLED:  # a server may well want that (/1/0/4)
                self.pass_time(self.client.step() or 0)
            if self.client.registered and self.socket is not None and not self.socket.closed:
                self.last = b""
                self.socket.feed(b"\x44\x01" + self.draw.randbytes(6) + b"\xb1\x33\x01\x30\x01\x30")
                self.client.step()
                if self.last[1:2] == b"\x45" and self.last.endswith(b"\xffatiny"):
                    return True
        return False


def fuzz(count: int) -> None:
    sound, bench = corpus(), Bench()
    assert bench.works()
    memory = Memory()
    for number in range(1, count + 1):
        bench.hostile = True
        if bench.socket is not None and bench.socket.connected and not bench.socket.closed:
            bench.socket.feed(mutated(bench.draw, sound))
        bench.client.step()
        if bench.draw.random() < 0.05:
            bench.pass_time(bench.draw.choice((1, 50, 3000, 200_000)))
        if number % BATCH == 0:
            assert bench.works(), f"after {number} datagrams of seed {SEED}"
            assert [line for line in bench.hardware.log if "callback" in line] == []
            bench.hardware.log.clear()
            bench.client.remove_object("/31000")  # all that were created, as a host may
            bench.client.step()
            Bin.count = 0
            bench.client.add_object(Bin())
            if number % (count // 10) < BATCH:
                memory.sample()
    memory.check()  # whatever the device remembers of a peer is full long before half of it
    assert bench.events > 0


def test_a_hostile_peer() -> None:
    fuzz(5000)


@pytest.mark.slow
def test_a_hostile_peer_for_long() -> None:
    fuzz(200_000)
