"""The server's end of a DTLS session, on python-mbedtls and independent of the cloud's; in memory and on UDP.

The library's timers run on the wall clock, so tests of retransmission take real time: a few of its `RETRANSMIT_S`.
"""

import time
from typing import Any, Callable, Iterator, Mapping

import pytest

from atiny.dtls import handshake
from atiny.dtls.handshake import HEADER
from atiny.dtls.mbedtls import SUITES, MbedTLSSession

tls = pytest.importorskip("mbedtls.tls", reason="python-mbedtls has wheels for CPython 3.10 to 3.12 only")

RETRANSMIT_S = 0.02
CLIENT_RECONNECT = 0x6780
KEYS = {b"lamp-1": b"0123456789abcdef"}
UP, DOWN = "up", "down"

# What becomes of a datagram: (direction, its number in that direction from 0, itself) -> what arrives.
Fate = Callable[[str, int, bytes], "list[bytes]"]


class Keys(Mapping[str, bytes]):
    """The keys as the library asks for them; remembers the identity."""

    def __init__(self, keys: "dict[bytes, bytes]"):
        self.keys_by_identity = keys
        self.asked: "list[bytes]" = []

    def __getitem__(self, identity: Any) -> bytes:
        name = identity if isinstance(identity, bytes) else identity.encode()
        self.asked.append(name)
        return self.keys_by_identity[name]

    def __iter__(self) -> "Iterator[str]":
        return iter(())

    def __len__(self) -> int:
        return 1


class Peer:
    """One session. ``keys``: by identity, all bytes. ``packed``: a flight is one datagram, else one for each record."""

    def __init__(
        self,
        keys: "dict[bytes, bytes] | None" = None,
        suites: "tuple[str, ...]" = SUITES,
        packed: bool = True,
        retransmit_s: float = RETRANSMIT_S,
    ):
        self.keys = Keys(KEYS if keys is None else keys)
        self.packed = packed
        self.established = False
        self.closed = False
        self.error: "Exception | None" = None
        self.handshakes = 0
        self.out: "list[bytes]" = []
        configuration = tls.DTLSConfiguration(
            pre_shared_key_store=self.keys,
            ciphers=suites,
            validate_certificates=False,
            handshake_timeout_min=retransmit_s,
        )
        self.context = tls.ServerContext(configuration)
        self._begin()

    def _begin(self) -> None:
        self.buffer = self.context.wrap_buffers()
        self.buffer.setcookieparam(b"peer")

    @property
    def suite(self) -> str:
        """The cipher suite that was agreed on."""
        return str(self.buffer.cipher())

    def receive(self, datagram: bytes) -> "list[bytes]":
        """Take a datagram; returns the plaintexts in it. What is to be sent is then in ``out``."""
        if self.closed:
            return []
        self.buffer.receive_from_network(datagram)
        if not self.established:
            self.poll()
        return self._read() if self.established else []

    def poll(self) -> None:
        """Go on with the handshake, or retransmit where it is time."""
        try:
            while not self.established and not self.closed:
                try:
                    self.buffer.do_handshake()
                except tls.WantWriteError:
                    pass
                self._collect()
                if self.buffer._handshake_state is tls.HandshakeStep.HANDSHAKE_OVER:
                    self.established = True
                    self.handshakes += 1
        except tls.WantReadError:
            self._collect()
        except tls.HelloVerifyRequest:
            self._collect()
            self.buffer.setcookieparam(b"peer")
        except Exception as error:  # of a handshake: the next one finds nothing of this one
            self._collect()
            self.error = error
            self._begin()

    def _read(self) -> "list[bytes]":
        found: "list[bytes]" = []
        plain = bytearray(1 << 14)
        try:
            while True:
                found.append(bytes(plain[: self.buffer.readinto(plain, len(plain))]))
        except tls.WantReadError:
            self._collect()
        except Exception as error:
            self._collect()
            if getattr(error, "err", 0) == CLIENT_RECONNECT:
                self.established = False
                self.poll()
            else:
                self.closed, self.error = True, error
        return found

    def protect(self, plaintext: bytes) -> bytes:
        self.buffer.write(plaintext)
        return self._take()

    def farewell(self) -> bytes:
        """End the session; returns the close_notify."""
        self.buffer.shutdown()
        self.closed = True
        return self._take()

    def _take(self) -> bytes:
        written: bytes = self.buffer.peek_outgoing(1 << 16)
        self.buffer.consume_outgoing(len(written))
        return written

    def _collect(self) -> None:
        written = self._take()
        if written:
            self.out += [written] if self.packed else records(written)


def records(datagram: bytes) -> "list[bytes]":
    """The records in a datagram (RFC 6347, 4.1)."""
    found = []
    while datagram:
        end = HEADER + int.from_bytes(datagram[HEADER - 2 : HEADER], "big")
        found.append(datagram[:end])
        datagram = datagram[end:]
    return found


def quick(monkeypatch: Any) -> None:
    """Make the client's side retransmit as soon as the peer does, for this test."""
    monkeypatch.setattr(MbedTLSSession, "retransmit_ms", int(RETRANSMIT_S * 1000))
    monkeypatch.setattr(handshake, "POLL_MS", 5)


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Wire:
    """A client's session and a `Peer`, and what becomes of the datagrams between them.

    ``counts``: how many datagrams went each way. ``heard``: the plaintexts that arrived at the client.
    """

    def __init__(self, session: Any, peer: "Peer | None" = None, fate: "Fate | None" = None):
        self.session = session
        self.peer = peer or Peer()
        self.fate = fate or (lambda direction, number, datagram: [datagram])
        self.counts = {UP: 0, DOWN: 0}
        self.sent: "dict[str, list[bytes]]" = {UP: [], DOWN: []}
        self.heard: "list[bytes]" = []
        self.peer_heard: "list[bytes]" = []

    def pump(self) -> None:
        """Deliver until both sides are silent."""
        while True:
            up = self.pass_on(UP, self.session.datagrams())
            for datagram in up:
                self.peer_heard += self.peer.receive(datagram)
            sent, self.peer.out = self.peer.out, []
            down = self.pass_on(DOWN, sent)
            for datagram in down:
                self.heard += self.session.receive(datagram, now_ms())
            if not up and not down:
                return

    def pass_on(self, direction: str, datagrams: "Any") -> "list[bytes]":
        arriving: "list[bytes]" = []
        for datagram in datagrams:
            self.sent[direction].append(datagram)
            arriving += self.fate(direction, self.counts[direction], datagram)
            self.counts[direction] += 1
        return arriving

    def shake_hands(self, timeout_s: float = 3.0) -> None:
        """Until both sides are done, or the client's has ended; fails after ``timeout_s`` of real time."""
        if self.session.deadline() is None:
            self.session.start(now_ms())
        end = time.monotonic() + timeout_s
        self.pump()
        while not self.session.closed and not (self.session.ready and self.peer.established):
            assert time.monotonic() < end, "the handshake did not end"
            time.sleep(0.002)
            self.session.handle_timer(now_ms())
            if not self.peer.established:
                self.peer.poll()
            self.pump()

    def exchange(self) -> None:
        """A message each way, at once."""
        self.peer_heard += self.peer.receive(self.session.protect(b"up"))
        assert self.peer_heard[-1:] == [b"up"]
        self.heard += self.session.receive(self.peer.protect(b"down"), now_ms())
        assert self.heard[-1:] == [b"down"]


def client(identity: bytes = b"lamp-1", key: bytes = KEYS[b"lamp-1"], **options: Any) -> Any:
    """A new session of ours."""
    return MbedTLSSession(identity, key, **options)
