"""Hostile datagrams of a seed: random ones, sound ones that were damaged, and false answers to what a device sent."""

import random

from .peer import (
    ACCEPT,
    ACK,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    CONTINUE,
    CREATED,
    DELETE,
    ETAG,
    GET,
    IF_MATCH,
    LOCATION_PATH,
    NON,
    OBSERVE,
    POST,
    PROXY_URI,
    PUT,
    RST,
    SIZE1,
    SIZE2,
    URI_HOST,
    URI_PATH,
    URI_QUERY,
    block,
    empty,
    pack,
    path,
)

PATHS = [
    "/3",
    "/3/0",
    "/3/0/0",
    "/3/0/9",
    "/3/0/4",
    "/19/0/0",
    "/19/1/0",
    "/1/0/1",
    "/0/0",
    "/77/0/1",
    "/77/0/5",
    "/77",
    "/x",
    "/",
]
NUMBERS = [0, IF_MATCH, URI_HOST, ETAG, OBSERVE, URI_PATH, CONTENT_FORMAT, URI_QUERY, ACCEPT, BLOCK2, BLOCK1, SIZE2,
           PROXY_URI, SIZE1, LOCATION_PATH, 9, 13, 258, 292, 2048, 65535]  # fmt: skip
TLV = bytes.fromhex("c10005 c80208666f6f626172 86054100014101 02 0803 c10102".replace(" ", ""))


def corpus() -> "list[bytes]":
    """Sound messages of every kind."""
    made = [empty(kind, 0x1234) for kind in (CON, NON, ACK, RST)]
    for to in PATHS:
        for kind in (CON, NON):
            made += [pack(kind, code, 1, b"tok", path(to)) for code in (GET, POST, DELETE)]
            made.append(pack(kind, PUT, 1, b"tokn", [*path(to), (CONTENT_FORMAT, b"")], b"value"))
        made.append(pack(CON, PUT, 1, b"tok", [*path(to), (CONTENT_FORMAT, b"\x2d\x16")], TLV))
        made += [pack(CON, GET, 1, b"o%d" % value, [(OBSERVE, bytes((value,))), *path(to)]) for value in (0, 1, 2)]
        made += [pack(CON, GET, 1, b"", [*path(to), (BLOCK2, block(n, False, 0))]) for n in (0, 1, 2, 3)]
        for number in range(4):
            for code in (PUT, POST):
                options = [
                    *path(to),
                    (CONTENT_FORMAT, b"\x2a"),
                    (BLOCK1, block(number, number < 3, 0)),
                    (SIZE1, b"\x40"),
                ]
                made.append(pack(CON, code, 1, b"b", options, b"0123456789abcdef"))
        made.append(pack(CON, PUT, 1, b"tok", [*path(to), (URI_QUERY, b"pmin=1"), (URI_QUERY, b"pmax=20")]))
        made.append(pack(CON, GET, 1, b"tok", [(IF_MATCH, b"x"), *path(to), (ACCEPT, b"\x28")]))
    made.append(pack(CON, GET, 1, b"tok", [(PROXY_URI, b"coap://elsewhere/3/0")]))
    made += [pack(kind, code, 2, b"tok") for kind in range(4) for code in (CONTENT, CREATED, 0x84, 0xA0, 0x20, 0xE1)]
    return made


class Fuzzer:
    """Datagrams without end. What the device sends is told to `learn`: answers to it are made of that."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.corpus = corpus()
        self.live: "list[bytes]" = []  # the latest headers that the device sent
        self.count = 0

    def learn(self, datagram: bytes) -> None:
        if datagram[0] & 0x30 == 0 or self.rng.random() < 0.05:  # mostly those that wait for an answer
            self.live = self.live[-7:] + [datagram[: 4 + (datagram[0] & 15)]]

    def answer(self) -> bytes:
        """A possible answer to one of the latest datagrams, sound or with one thing wrong."""
        rng = self.rng
        header = rng.choice(self.live)
        mid, token = header[2] << 8 | header[3], header[4:]
        wrong = rng.randrange(12)
        if wrong == 0:
            mid ^= 1 << rng.randrange(16)
        elif wrong == 1:
            token = token[:-1]
        kind = rng.choice([ACK, ACK, ACK, CON, NON, RST])
        if rng.random() < 0.3:
            return empty(kind, mid)
        code = rng.choice([CONTENT, CONTENT, CHANGED, CREATED, CONTINUE, 0x84, 0x88, 0x8D, rng.randrange(256)])
        options: "list[tuple[int, bytes]]" = []
        if rng.random() < 0.4:
            number = rng.choice([BLOCK1, BLOCK2])
            options.append((number, block(rng.choice([0, 0, 1, 2, 9000]), rng.random() < 0.7, rng.randrange(8))))
        if rng.random() < 0.3:
            options.append((rng.choice(NUMBERS), rng.randbytes(rng.randrange(6))))
        payload = bytes(rng.choice([0, 5, 16, 32, 1024]))
        return pack(kind, code or 1, mid, token, sorted(options), payload)

    def datagram(self) -> bytes:
        rng = self.rng
        self.count += 1
        way = rng.random()
        if way < 0.05:
            return rng.randbytes(rng.randrange(60))
        if way < 0.25 and self.live:
            data = bytearray(self.answer())
            if rng.random() < 0.6:
                return bytes(data)
        else:
            data = bytearray(rng.choice(self.corpus))
            if len(data) >= 4 and rng.random() < 0.95:  # most are new messages, not duplicates
                data[2] = rng.randrange(256)
                data[3] = rng.randrange(256)
            if rng.random() < 0.3:
                return bytes(data)
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(6)
            if kind == 0:
                data[at : at + 1] = bytes((rng.randrange(256),))
            elif kind == 1:
                data[at : at + 1] = bytes((rng.choice([0, 0xD0, 0xE0, 0xFF, 0x0D, 0x0E, 0xF0, 0x0F, 0x40, 0xB1]),))
            elif kind == 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 8))
            elif kind == 3:
                del data[at : at + rng.randrange(1, 8)]
            elif kind == 4:
                data[at:] = rng.choice(self.corpus)[at:]
            elif rng.random() < 0.05:
                data += rng.randbytes(rng.choice([100, 1000, 1400]))
        return bytes(data)
