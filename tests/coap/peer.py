"""The peer in these tests: datagrams made and read by aiocoap's codec, or written by hand; never by atiny.coap.

`Device` is what is tested: an `Endpoint` in virtual time, whose datagrams the test sees as aiocoap's messages.
"""

import random
import struct
from collections.abc import Callable, Iterable
from typing import Any

import aiocoap
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption

from atiny.coap.endpoint import Endpoint
from atiny.coap.message import Message

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE = 1, 2, 3, 4
CREATED, DELETED, VALID, CHANGED, CONTENT, CONTINUE = 0x41, 0x42, 0x43, 0x44, 0x45, 0x5F

IF_MATCH, URI_HOST, ETAG, IF_NONE_MATCH, OBSERVE, URI_PORT, LOCATION_PATH = 1, 3, 4, 5, 6, 7, 8
URI_PATH, CONTENT_FORMAT, MAX_AGE, URI_QUERY, ACCEPT, BLOCK2, BLOCK1, SIZE2 = 11, 12, 14, 15, 17, 23, 27, 28
PROXY_URI, PROXY_SCHEME, SIZE1 = 35, 39, 60

EXCHANGE_LIFETIME_MS = 247_000
MAX_TRANSMIT_WAIT_MS = 93_000

Options = Iterable["tuple[int, bytes]"]


def unhex(text: str) -> bytes:
    """The bytes of a hexadecimal text with a comment after each "#"."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


def pack(kind: int, code: int, mid: int, token: bytes = b"", options: Options = (), payload: bytes = b"") -> bytes:
    """A datagram of the peer."""
    message = aiocoap.Message(code=code, payload=payload, _mtype=kind, _mid=mid, _token=token)
    for number, value in options:
        message.opt.add_option(OpaqueOption(OptionNumber(number), value))
    return bytes(message.encode())


def empty(kind: int, mid: int) -> bytes:
    """An empty message: ACK, RST, or a ping (CON)."""
    return struct.pack("!BBH", 0x40 | kind << 4, 0, mid)


def path(text: str) -> "list[tuple[int, bytes]]":
    return [(URI_PATH, segment.encode()) for segment in text.strip("/").split("/")]


def block(number: int, more: bool, szx: int) -> bytes:
    """The value of a Block option."""
    value = number << 4 | more << 3 | szx
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def options_of(message: aiocoap.Message) -> "list[tuple[int, bytes]]":
    return [(int(option.number), option.encode()) for option in message.opt.option_list()]


def body(length: int) -> bytes:
    """Bytes in which no two blocks are alike."""
    return b"".join(b"%07d," % number for number in range(length // 8 + 1))[:length]


def fixed(byte: int) -> "Callable[[int], bytes]":
    """Random bytes that are not: always the same."""
    return lambda count: bytes((byte,)) * count


class Device:
    """An endpoint of ours and the time. ``asked``: the requests that came through to its handler.

    ``answer(request)`` is its handler; the default one gives 2.05 "value". ``confirm``: a datagram counts as sent as
    soon as it is handed out; else `confirm_sent` says so.
    """

    def __init__(
        self,
        answer: "Callable[[Message], Message | None] | None" = None,
        *,
        confirm: bool = True,
        rng: "Callable[[int], bytes] | None" = None,
        **options: Any,
    ):
        self.now = 0
        self.asked: list[Message] = []
        self.answer = answer or (lambda request: Message(CONTENT, [(CONTENT_FORMAT, b"")], b"value"))
        self.confirm = confirm
        self.unconfirmed: list[int] = []
        self.ends: list[tuple[Any, int, Message | None]] = []  # (name, outcome, response) of what was sent by `ask`
        self.endpoint = Endpoint(self._handle, rng or random.Random(1).randbytes, **options)
        self.exchange = self.endpoint.exchange

    def _handle(self, request: Message) -> "Message | None":
        self.asked.append(request)
        return self.answer(request)

    # -- what the device does

    def ends_as(self, name: object) -> "Callable[[int, Message | None], None]":
        """An on_done that notes in ``ends`` what became of ``name``."""
        return lambda outcome, response: self.ends.append((name, outcome, response))

    def ask(self, name: object = None, code: int = GET, options: "list[tuple[int, bytes]] | None" = None,
            payload: bytes = b"") -> None:  # fmt: skip
        """Send a request of ours."""
        self.endpoint.request(Message(code, options, payload), self.ends_as(name))

    def notify(self, name: object, token: bytes, confirmable: bool = True, payload: bytes = b"value") -> None:
        """Send a notification of ours on the observation with that token."""
        request = Message(GET, [(OBSERVE, b""), *path("/3/0/9")], token=token)
        response = Message(CONTENT, [(OBSERVE, b"\x05")], payload)
        self.endpoint.notify(request, response, confirmable, self.ends_as(name), self.now)

    # -- what goes over the wire

    def take_raw(self) -> "list[bytes]":
        """The datagrams that are to be sent now."""
        handed_out = self.exchange.outbox
        self.exchange.outbox = []
        for id, _ in handed_out:
            if id and self.confirm:
                self.exchange.sent(id, self.now)
            elif id:
                self.unconfirmed.append(id)
        return [datagram for _, datagram in handed_out]

    def take(self) -> "list[aiocoap.Message]":
        return [aiocoap.Message.decode(datagram) for datagram in self.take_raw()]

    def one(self) -> aiocoap.Message:
        """The one datagram that is to be sent now."""
        (message,) = self.take()
        return message

    def confirm_sent(self) -> None:
        """All datagrams that were taken have left."""
        while self.unconfirmed:
            self.exchange.sent(self.unconfirmed.pop(0), self.now)

    def hear_raw(self, datagram: bytes) -> "list[bytes]":
        """Take a datagram of the peer; returns what is sent at once."""
        self.endpoint.receive(datagram, self.now)
        return self.take_raw()

    def hear(self, datagram: bytes) -> "list[aiocoap.Message]":
        return [aiocoap.Message.decode(answer) for answer in self.hear_raw(datagram)]

    def reply(self, datagram: bytes) -> aiocoap.Message:
        """Take a datagram of the peer; returns the one that is sent at once."""
        (message,) = self.hear(datagram)
        return message

    # -- time

    def wait_raw(self, ms: int) -> "list[tuple[int, bytes]]":
        """Let time pass, in steps from one deadline to the next; returns what was sent, and when."""
        until = self.now + ms
        sent = [(self.now, datagram) for datagram in self.take_raw()]
        while True:
            due = self.exchange.deadline()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.exchange.handle_timer(self.now)
            sent += [(self.now, datagram) for datagram in self.take_raw()]
        self.now = until
        return sent

    def wait(self, ms: int) -> "list[tuple[int, aiocoap.Message]]":
        return [(time, aiocoap.Message.decode(datagram)) for time, datagram in self.wait_raw(ms)]
