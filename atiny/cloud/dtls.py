"""DTLS-PSK for many devices on one socket, by python-mbedtls (RFC 6347, RFC 4279). Sans-I/O; see `secured`.

Nothing is kept for a device before it has answered a HelloVerifyRequest (RFC 6347, 4.2.1): all sessions share one
context of the library, and with it the secret of the cookies, so that each ClientHello can be taken by a buffer of its
own, which is only kept where the cookie was right.

A device that restarts shakes hands anew from the same port. Its session stays in force until the new handshake has
proved the key (4.2.8): whoever can only send datagrams in its name ends nothing. The library would let go of the old
session after the cookie, so it is never shown a ClientHello in a session.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..dtls import mbedtls
from .keys import KeyStore

Address = tuple[Any, ...]

HANDSHAKE_S = 60.0  # for a handshake, then it is forgotten
MAX_HANDSHAKES = 500  # at the same time; of more than that the oldest go. Each holds about 45 kB
MAX_SESSIONS = 5000  # devices go without a word, and come again from other ports: the longest silent ones go first
COPY_S = 10.0  # a ClientHello that comes again within this time is a copy, after it a device with little randomness
POLL_S = 0.25  # between two looks at unfinished handshakes, in which the library retransmits
RETRANSMIT_S = 1.0  # the first time-out of the library's, which doubles (4.2.4.1)
REFUSALS_PER_S = 10  # failures that are told of senders whose address is not verified
SUITES = (*mbedtls.SUITES, "TLS-PSK-WITH-AES-128-CCM")
MAX_PLAINTEXT = 16384

_RECORD_HEADER = 13  # content type, version, epoch at 3, sequence number, length at 11 (4.1)
_HELLO_RANDOM = slice(27, 59)  # of a ClientHello: after the record's and the handshake's header and the version
_CHANGE_CIPHER_SPEC, _HANDSHAKE, _CLIENT_HELLO = 20, 22, 1
_REASONS = {
    0x7900: "malformed ClientHello",
    0x7180: "wrong key",  # the first protected record cannot be verified
    0x7380: "no cipher suite in common",
    0x7780: "the device refused (fatal alert)",
    0x7880: "the device closed it",
    0x6800: "the device does not answer any more",
}


class _Lookup(Mapping[str, bytes]):
    """The key store as the library asks it, which happens within a call of ours: ``asked`` is what it asked for."""

    def __init__(self, keys: KeyStore):
        self._keys = keys
        self.asked: bytes | None = None

    def __getitem__(self, identity: str) -> bytes:
        self.asked = identity.encode()
        return self._keys[self.asked]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return repr(self._keys)


class _Library:
    """What all connections of one server share: the library, its context, the key store, a buffer to read into."""

    def __init__(self, keys: KeyStore, suites: tuple[str, ...], retransmit_s: float):
        self.tls = tls = mbedtls.load()
        self.lookup = _Lookup(keys)
        configuration = tls.DTLSConfiguration(
            pre_shared_key_store=self.lookup,
            ciphers=suites,
            lowest_supported_version=tls.DTLSVersion.DTLSv1_2,
            handshake_timeout_min=retransmit_s,
            validate_certificates=False,
        )
        self.context = tls.ServerContext(configuration)
        self.plain = bytearray(MAX_PLAINTEXT)


class Connection:
    """One handshake and the session that it becomes; a new handshake is a new connection.

    ``random``: the ClientHello's, by which a copy of it is known. ``established``: the device has proved its key.
    ``closed``: it is over, and ``reason`` says why. ``out``: datagrams to be sent.
    """

    def __init__(self, library: _Library, address: Address, random: bytes, now: float):
        self.address = address
        self.random = random
        self.began = now
        self.established = False
        self.closed = False
        self.reason = ""
        self.claimed: bytes | None = None
        self.cipher = ""
        self.out: list[bytes] = []
        self._library = library
        self._buffer = library.context.wrap_buffers()
        self._buffer.setcookieparam(repr(address).encode())

    @property
    def identity(self) -> bytes:
        """The identity whose key the device has proved to know; b"" before that."""
        return self.claimed or b"" if self.established else b""

    @property
    def verified(self) -> bool:
        """Whether the device has shown the cookie, so that it can be reached at its address."""
        waiting = self._library.tls.HandshakeStep.CLIENT_KEY_EXCHANGE
        return not self.closed and self._buffer._handshake_state is waiting

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; returns the plaintexts in it."""
        if self.closed:
            return []
        try:
            self._buffer.receive_from_network(datagram)
        except Exception:
            return []  # more than its buffer holds
        if not self.established:
            self.shake_hands()
        return self._read() if self.established else []

    def shake_hands(self) -> None:
        """Advance the handshake, or let it retransmit where it is time."""
        tls = self._library.tls
        buffer = self._buffer
        lookup = self._library.lookup
        lookup.asked = None
        left = 0
        try:
            while buffer._handshake_state is not tls.HandshakeStep.HANDSHAKE_OVER:
                try:
                    buffer.do_handshake()
                except tls.WantWriteError:
                    pass
                except tls.WantReadError:
                    # A retransmission that fell due goes before what was just received, which is then still there.
                    before, left = left, len(buffer._input_buffer)
                    if left == before:
                        break
            else:
                self.established = True
                self.cipher = str(buffer.cipher())
        except tls.HelloVerifyRequest:
            pass
        except Exception as problem:
            self.claimed = lookup.asked or self.claimed
            self._end(self._why(problem))
            return
        self.claimed = lookup.asked or self.claimed
        self._collect()

    def _why(self, problem: Exception) -> str:
        code = getattr(problem, "err", 0)
        if code == 0x6C80:  # the key store has none: it was not even asked for an identity that is no text
            return "unknown identity" if self.claimed is not None else "unknown identity, and not in UTF-8"
        return _REASONS.get(code) or str(getattr(problem, "msg", problem)).removeprefix("SSL - ")

    def _read(self) -> list[bytes]:
        library = self._library
        found: list[bytes] = []
        try:
            while True:
                size = self._buffer.readinto(library.plain, MAX_PLAINTEXT)
                found.append(bytes(library.plain[:size]))
        except library.tls.WantReadError:
            self._collect()  # the end of the handshake once more, where the device asks for it
        except Exception as problem:
            self._end(self._why(problem))
        return found

    def protect(self, plaintext: bytes) -> bytes:
        """The datagram that carries a plaintext; b"" where there can be none."""
        if self.closed or not self.established or len(plaintext) > MAX_PLAINTEXT:
            return b""
        try:
            self._buffer.write(plaintext)
        except Exception as problem:
            self._end(self._why(problem))
            return b""
        record: bytes = self._buffer.peek_outgoing(1 << 16)
        self._buffer.consume_outgoing(len(record))
        return record

    def close(self, reason: str) -> None:
        """End it; a close_notify is then in ``out``."""
        if self.established and not self.closed:
            try:
                self._buffer.shutdown()
            except Exception:
                pass  # the farewell is a courtesy
        if not self.closed:
            self._end(reason)

    def _end(self, reason: str) -> None:
        self._collect()  # the alert that goes with it
        self.closed = True
        self.reason = reason
        self._buffer = None  # whoever still holds the connection holds no memory of the library's

    def _collect(self) -> None:
        """Take what the library has written and split it into datagrams, one record each."""
        written = self._buffer.peek_outgoing(1 << 16)
        if written:
            self._buffer.consume_outgoing(len(written))
            self.out += _records(written)


class DtlsServer:
    """All sessions on one socket. ``now``: seconds of any clock that does not go back.

    ``send(datagram, address)`` sends; ``deliver(connection, plaintext)`` is told what came in a session;
    ``ended(connection)`` that a session is over, ``started(connection)`` that there is one; ``failed(address, identity,
    reason)`` of a handshake, the identity being the device's word, or b"".
    Raises `NotSupported` where there is no python-mbedtls.
    """

    def __init__(
        self,
        keys: KeyStore,
        send: Callable[[bytes, Address], None],
        deliver: Callable[[Connection, bytes], None],
        ended: Callable[[Connection], None] = lambda connection: None,
        started: Callable[[Connection], None] = lambda connection: None,
        failed: Callable[[Address, bytes, str], None] = lambda address, identity, reason: None,
        *,
        suites: tuple[str, ...] = SUITES,
        retransmit_s: float = RETRANSMIT_S,
        max_handshakes: int = MAX_HANDSHAKES,
        max_sessions: int = MAX_SESSIONS,
    ):
        self._library = _Library(keys, suites, retransmit_s)
        self._send = send
        self._deliver = deliver
        self._ended = ended
        self._started = started
        self._failed = failed
        self._max_handshakes = max_handshakes
        self._max_sessions = max_sessions
        self._handshakes: OrderedDict[Address, Connection] = OrderedDict()  # with a cookie, the oldest first
        self._sessions: OrderedDict[Address, Connection] = OrderedDict()  # the longest silent first
        self._refusals = (0.0, 0)  # the second, and how many were told in it

    @property
    def sessions(self) -> list[Connection]:
        """The sessions in force."""
        return list(self._sessions.values())

    @property
    def handshakes(self) -> int:
        """How many handshakes are on their way, of devices that have shown a cookie."""
        return len(self._handshakes)

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """Take a datagram from the socket, whatever it is."""
        if len(datagram) <= _RECORD_HEADER or len(datagram) < _RECORD_HEADER + _length(datagram, 0):
            return
        session = self._sessions.get(address)
        handshake = self._handshakes.get(address)
        kind = datagram[0]
        protected = datagram[3:5] != b"\0\0"
        if kind == _HANDSHAKE and not protected and datagram[_RECORD_HEADER] == _CLIENT_HELLO:
            random = datagram[_HELLO_RANDOM]
            if handshake is not None and random == handshake.random:
                self._advance(handshake, datagram)
            elif session is None or random != session.random or now - session.began > COPY_S:
                self._listen(datagram, address, random, now)
        elif handshake is not None and (not protected or kind in (_HANDSHAKE, _CHANGE_CIPHER_SPEC)):
            self._advance(handshake, datagram)
        elif session is not None:
            if not protected or len(datagram) > _RECORD_HEADER + _length(datagram, 0):
                # No ClientHello behind another record; and of a last flight that comes again its last record, which is
                # protected, is enough to have ours sent again.
                datagram = b"".join(record for record in _records(datagram) if record[3:5] != b"\0\0")
            if datagram:
                self._read(session, datagram)

    def send(self, connection: Connection, plaintext: bytes) -> bool:
        """Send a plaintext in a session; returns whether it could."""
        datagram = connection.protect(plaintext)
        if datagram:
            self._send(datagram, connection.address)
        self._settle(connection)
        return bool(datagram)

    def poll(self, now: float) -> bool:
        """Look at unfinished handshakes; returns whether there are any. To be called every `POLL_S`."""
        for connection in list(self._handshakes.values()):
            if now - connection.began >= HANDSHAKE_S:
                connection.close(f"not done within {HANDSHAKE_S:g} s")
            else:
                connection.shake_hands()
            self._settle(connection)
        return bool(self._handshakes)

    def end(self, connection: Connection, reason: str) -> None:
        """End a session, with a close_notify."""
        connection.close(reason)
        self._settle(connection)

    def close(self, reason: str = "the server was stopped") -> None:
        """End all sessions, each with a close_notify, and forget the handshakes."""
        self._handshakes.clear()
        for connection in self.sessions:
            self.end(connection, reason)

    def _listen(self, datagram: bytes, address: Address, random: bytes, now: float) -> None:
        """A ClientHello that is new: ask for the cookie, or begin the handshake that it has with it."""
        connection = Connection(self._library, address, random, now)
        connection.receive(datagram)
        if connection.verified:
            self._handshakes.pop(address, None)  # the device has restarted in the middle of it
            self._handshakes[address] = connection
            while len(self._handshakes) > self._max_handshakes:
                _, oldest = next(iter(self._handshakes.items()))
                oldest.close("too many handshakes at once")
                self._settle(oldest)
            self._settle(connection)
            return
        self._flush(connection)
        if connection.closed and self._may_tell(now):
            self._failed(address, b"", connection.reason)

    def _may_tell(self, now: float) -> bool:
        second, count = self._refusals
        if now - second >= 1:
            second, count = now, 0
        self._refusals = second, count + 1
        return count < REFUSALS_PER_S

    def _advance(self, connection: Connection, datagram: bytes) -> None:
        plaintexts = connection.receive(datagram)
        self._settle(connection)
        for plaintext in plaintexts:
            self._deliver(connection, plaintext)

    def _read(self, connection: Connection, datagram: bytes) -> None:
        plaintexts = connection.receive(datagram)
        if plaintexts:
            self._sessions.move_to_end(connection.address)
        for plaintext in plaintexts:
            self._deliver(connection, plaintext)
        self._settle(connection)

    def _settle(self, connection: Connection) -> None:
        """Send what it has to send, and put it where it belongs now."""
        self._flush(connection)
        address = connection.address
        if self._handshakes.get(address) is connection and (connection.established or connection.closed):
            del self._handshakes[address]
            if not connection.established:
                self._failed(address, connection.claimed or b"", connection.reason)
                return
            former = self._sessions.get(address)
            if former is not None:
                former.close("replaced by a new session")
                former.out = []  # the device has forgotten it
                self._settle(former)
            self._sessions[address] = connection
            self._started(connection)
            while len(self._sessions) > self._max_sessions:
                self.end(next(iter(self._sessions.values())), "too many sessions")
        if connection.closed and self._sessions.get(address) is connection:
            del self._sessions[address]
            self._ended(connection)

    def _flush(self, connection: Connection) -> None:
        out, connection.out = connection.out, []
        for datagram in out:
            self._send(datagram, connection.address)


def _length(datagram: bytes, start: int) -> int:
    """The length of the record at ``start``, without its header."""
    return int.from_bytes(datagram[start + 11 : start + _RECORD_HEADER], "big")


def _records(datagram: bytes) -> list[bytes]:
    """The records of a datagram (4.1); what is cut off at its end stays with the last."""
    found = []
    start = 0
    while start < len(datagram):
        end = start + _RECORD_HEADER + _length(datagram, start)
        found.append(datagram[start:end])
        start = end
    return found
