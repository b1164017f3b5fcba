"""A DTLS device for the cloud's tests, on python-mbedtls alone, and the network between it and a `DtlsServer`."""

import sys
import time
from typing import Any, Callable

import pytest

from atiny.cloud.dtls import Address, Connection, DtlsServer
from atiny.cloud.keys import KeyStore

RETRANSMIT_S = 0.02  # of both sides: the library's timer is the wall clock and cannot be injected

HAS_DTLS = sys.version_info < (3, 13)  # elsewhere it is installed, or a test fails
needs_dtls = pytest.mark.skipif(not HAS_DTLS, reason="python-mbedtls has wheels for CPython 3.10 to 3.12 only")


class _Identity:
    def __init__(self, identity: bytes):
        self._identity = identity

    def encode(self, *_: object) -> bytes:
        return self._identity


class DtlsDevice:
    """The client's side. ``random`` is its ClientHello's once it has sent one; ``alert`` the fatal one it received."""

    def __init__(self, identity: bytes, key: bytes, ciphers: "tuple[str, ...] | None" = None, **options: Any):
        from mbedtls import tls

        self._tls = tls
        configuration = tls.DTLSConfiguration(
            pre_shared_key=(_Identity(identity), key),
            ciphers=ciphers or ("TLS-PSK-WITH-AES-128-CCM-8", "TLS-PSK-WITH-AES-128-GCM-SHA256"),
            validate_certificates=False,
            handshake_timeout_min=RETRANSMIT_S,
            **options,
        )
        self._buffer = tls.ClientContext(configuration).wrap_buffers(None)
        self.ready = False
        self.error = 0
        self.received: list[bytes] = []

    def step(self) -> "list[bytes]":
        """Advance; returns the datagrams to be sent, one record each."""
        tls = self._tls
        out: list[bytes] = []
        try:
            while self._buffer._handshake_state is not tls.HandshakeStep.HANDSHAKE_OVER:
                try:
                    self._buffer.do_handshake()
                except tls.WantWriteError:
                    out += self._flush()
            self.ready = True
            plain = bytearray(16384)
            while True:
                size = self._buffer.readinto(plain, len(plain))
                self.received.append(bytes(plain[:size]))
        except tls.WantReadError:
            pass
        except Exception as problem:
            self.error = getattr(problem, "err", -1)
            self.ready = False
        return out + self._flush()

    def feed(self, datagram: bytes) -> "list[bytes]":
        if self.error:
            return []
        self._buffer.receive_from_network(datagram)
        return self.step()

    def protect(self, plaintext: bytes) -> bytes:
        self._buffer.write(plaintext)
        return self._flush()[0]

    def close(self) -> bytes:
        self._buffer.shutdown()
        return self._flush()[0]

    def _flush(self) -> "list[bytes]":
        written = self._buffer.peek_outgoing(1 << 16)
        if written:
            self._buffer.consume_outgoing(len(written))
        found = []
        while written:
            size = 13 + int.from_bytes(written[11:13], "big")
            found.append(written[:size])
            written = written[size:]
        return found


class Network:
    """A server and what it sent, delivered and told. ``now``: its clock, which stands still."""

    def __init__(self, keys: "KeyStore | dict[Any, bytes]", **options: Any):
        self.now = 100.0
        self.sent: list[tuple[bytes, Address]] = []
        self.delivered: list[tuple[bytes, bytes]] = []
        self.started: list[Connection] = []
        self.ended: list[tuple[Connection, str]] = []
        self.failed: list[tuple[Address, bytes, str]] = []
        self.server = DtlsServer(
            keys if isinstance(keys, KeyStore) else KeyStore(keys),
            lambda datagram, address: self.sent.append((datagram, address)),
            lambda connection, plaintext: self.delivered.append((connection.identity, plaintext)),
            lambda connection: self.ended.append((connection, connection.reason)),
            self.started.append,
            lambda *failure: self.failed.append(failure),
            retransmit_s=RETRANSMIT_S,
            **options,
        )

    def receive(self, datagram: bytes, address: Address) -> "list[bytes]":
        """Give the server a datagram; returns what it sent to that address."""
        self.server.receive(datagram, address, self.now)
        return self.taken(address)

    def taken(self, address: Address) -> "list[bytes]":
        """What the server sent to an address since this was last asked."""
        found = [datagram for datagram, to in self.sent if to == address]
        self.sent = [entry for entry in self.sent if entry[1] != address]
        return found

    def run(
        self,
        device: DtlsDevice,
        address: Address,
        passes: "Callable[[int, bytes], bool]" = lambda number, _: True,
        joined: bool = False,
    ) -> DtlsDevice:
        """Shake hands, with retransmissions; ``passes(number, datagram)`` says which datagrams arrive, both ways.

        ``joined``: a flight goes in one datagram, as most libraries have it.
        """
        number = 0

        def arriving(datagrams: "list[bytes]") -> "list[bytes]":
            nonlocal number
            arrived = []
            for datagram in [b"".join(datagrams)] if joined and datagrams else datagrams:
                if passes(number, datagram):
                    arrived.append(datagram)
                number += 1
            return arrived

        until = time.monotonic() + 5
        out = device.step()
        while not device.error and time.monotonic() < until:
            back = []
            for datagram in arriving(out):
                back += self.receive(datagram, address)
            if not back:
                self.server.poll(self.now)
                back = self.taken(address)
            out = []
            for datagram in arriving(back):
                out += device.feed(datagram)
            if not out and not back and device.ready:
                break
            out = out or device.step()
        return device

    def connect(self, identity: bytes, key: bytes, address: Address) -> DtlsDevice:
        return self.run(DtlsDevice(identity, key), address)

    def hellos(self, device: DtlsDevice, address: Address) -> bytes:
        """Go as far as the cookie; returns the ClientHello that has it."""
        [first] = device.step()
        [verify] = self.receive(first, address)
        [second] = device.feed(verify)
        return second
