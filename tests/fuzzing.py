"""Hostile servers: requests that are damaged where it matters, and a device on links whose ends are the test."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import aiocoap
from aiocoap.numbers import optionnumbers

import atiny
from atiny.lwm2m.model import Model
from atiny.testing import FakeHardware, FakeSocket, FakeStore
from tests.test_fuzz import SEED, Bin, Handler, damage, let_pass

GET, POST, PUT, DELETE = 1, 2, 3, 4
TEXT, LINK, OPAQUE, TLV, JSON = 0, 40, 42, 11542, 11543
FORMATS = (None, None, TEXT, LINK, OPAQUE, TLV, JSON, 50, 60, 1542, 1543, 65535)
SEGMENTS = ("", "0", "1", "2", "3", "4", "5", "7", "9", "12", "00", "31000", "65534", "65535", "65536", "x", "-1")
# What the answer to a request that changed something is: 2.01, 2.02, 2.04.
APPLIED = (0x41, 0x42, 0x44)


@dataclass(frozen=True)
class Request:
    """A request of a server."""

    method: int
    path: str
    payload: bytes = b""
    content_format: "int | None" = None
    accept: "int | None" = None
    query: "tuple[str, ...]" = ()
    observe: "int | None" = None

    def encode(self, mid: int, token: bytes = b"tokn") -> bytes:
        """As an independent implementation makes it."""
        made = aiocoap.Message(code=aiocoap.Code(self.method), payload=self.payload)
        made.mtype, made.mid, made.token = aiocoap.CON, mid, token
        made.opt.uri_path = tuple(self.path.split("/")[1:])
        made.opt.uri_query = self.query
        for name, value in (
            ("CONTENT_FORMAT", self.content_format),
            ("ACCEPT", self.accept),
            ("OBSERVE", self.observe),
        ):
            if value is not None:
                raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
                made.opt.add_option(optionnumbers.OptionNumber[name].create_option(decode=raw))
        return made.encode()

    def damaged(self, draw: random.Random) -> "Request":
        """With one thing wrong, or several."""
        made = self
        for _ in range(draw.choice((1, 1, 2))):
            way = draw.random()
            if way < 0.5 and self.payload:
                payload = bytearray(self.payload)
                damage(draw, payload)
                made = replace(made, payload=bytes(payload))
            elif way < 0.7:
                segments = made.path.split("/")
                at = draw.randrange(1, len(segments) + 1)
                segments[at : at + draw.randrange(2)] = [draw.choice(SEGMENTS)]
                made = replace(made, path="/".join(segments))
            elif way < 0.8:
                made = replace(made, content_format=draw.choice(FORMATS))
            elif way < 0.85:
                made = replace(made, method=draw.choice((GET, POST, PUT, DELETE)))
            elif way < 0.9:
                made = replace(made, accept=draw.choice(FORMATS))
            else:
                query = bytearray("&".join(made.query or ("pmin=1",)).encode())
                damage(draw, query)
                text = query.decode("latin-1").encode("ascii", "replace").decode()
                made = replace(made, query=tuple(text.split("&")))
        return made


def hostile(draw: random.Random, sound: "list[Request]") -> bytes:
    """One datagram: a sound request, one that is wrong in itself, or one whose bytes were damaged on their way."""
    request = draw.choice(sound)
    way = draw.random()
    if way < 0.7:
        request = request.damaged(draw)
    data = bytearray(request.encode(draw.randrange(65536)))
    if way > 0.8:
        damage(draw, data)
    return bytes(data)


class Device:
    """A device in virtual time, and honest answers to what it asks. ``failures``: the errors in its handlers."""

    def __init__(self, **options: Any) -> None:
        Bin.count = 0
        self.hardware = FakeHardware(seed=SEED)
        self.sockets: "list[FakeSocket]" = []
        self.events: "list[tuple[int, Any]]" = []
        self.failures: "list[Exception]" = []
        self.codes: "list[int]" = []  # of what it has sent
        self.handler = Handler()
        self.client = atiny.Client(
            "fuzzed",
            device=self.handler,
            objects=[Bin()],
            on_event=self.on_event,
            platform=atiny.Platform(socket=self.new_socket, hardware=self.hardware, store=FakeStore()),
            **options,
        )

    @property
    def model(self) -> Model:
        return self.client._model

    def on_event(self, event: int, argument: Any) -> None:
        self.events.append((event, argument))
        if event == atiny.ATINY_HANDLER_ERROR:
            self.failures.append(argument[1])

    def new_socket(self) -> FakeSocket:
        socket = FakeSocket()
        socket.on_send = lambda data: self.answer(socket, data)
        self.sockets = [one for one in self.sockets if not one.closed] + [socket]
        return socket

    def answer(self, socket: FakeSocket, data: bytes) -> "Iterator[bytes]":
        """What an honest peer says to a datagram of the device."""
        socket.sent.clear()
        self.codes.append(data[1])
        if data[0] & 0xF0 != 0x40 or not data[1]:  # no CON of CoAP: DTLS has no peer here
            return
        end = 4 + (data[0] & 15)
        if data[1] >= 32:
            yield b"\x60\x00" + data[2:4]
        elif b"ep=fuzzed" in data and b"\xb2rd" in data:
            yield bytes([0x60 | (data[0] & 15), 0x41]) + data[2:end] + b"\x82rd\x011"
        else:
            yield bytes([0x60 | (data[0] & 15), 0x42 if data[1] == DELETE else 0x44]) + data[2:end]

    def open(self, host: str) -> "FakeSocket | None":
        """The link to a server, where there is one."""
        found = [one for one in self.sockets if one.connected and one.connected[0] == host and not one.closed]
        return found[-1] if found else None

    def say(self, socket: FakeSocket, data: bytes) -> "list[int]":
        """The peer of a link says something; returns the codes of what the device sent then."""
        self.codes.clear()
        socket.feed(data)
        self.client.step()
        return list(self.codes)

    def pass_time(self, ms: int) -> None:
        """Let time pass, stepping the device whenever it asks for it."""
        let_pass(self.client, self.hardware, ms)

    def check(self) -> None:
        """Only handlers that are made to fail have failed; nothing else was reported as if it were theirs."""
        for error in self.failures:
            assert str(error) == "a handler with a bug", repr(error)
        assert [line for line in self.hardware.log if "callback" in line] == []
        self.failures.clear()
        self.hardware.log.clear()
        self.events.clear()


def state(model: Model, *object_ids: int) -> "list[tuple]":
    """The values of all instances of some objects."""
    found = []
    for object_id in object_ids:
        entry = model.objects.get(object_id)
        for id in [] if entry is None else entry.ids:
            instance = entry.instances[id]
            values = [getattr(instance, row.name, None) for row in entry.rows if not row.executable]
            found.append((object_id, id, [dict(one) if isinstance(one, dict) else one for one in values]))
    return found
