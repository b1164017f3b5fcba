"""The cloud's DTLS port: an aiocoap `MessageInterface` on one UDP socket that carries a `dtls.DtlsServer`.

A device's address is its session (RFC 7252, 9.1.2): what a new session says is no answer to what an old one was asked,
and when a session ends, the requests that wait in it fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

import aiocoap
from aiocoap import error, interfaces
from aiocoap.numbers.constants import MAX_REGULAR_BLOCK_SIZE_EXP
from aiocoap.util import hostportjoin

from . import events
from .dtls import POLL_S, Address, Connection, DtlsServer
from .keys import KeyStore, shown
from .transport import GIVEN_UP, bind

_log = logging.getLogger("coap-server")
_DATAGRAM_SIZE = 16384 + 256
_BURST = 64  # datagrams that are taken before others have their turn


class SessionLost(Exception):
    """The device's DTLS session is over; it has to begin a new one. aiocoap makes it the cause of a NetworkError."""


class SecuredAddress(interfaces.EndpointAddress):
    """A device in one session. Two of them are equal only where they are the same."""

    is_multicast = False
    is_multicast_locally = False
    scheme = "coaps"
    maximum_block_size_exp = MAX_REGULAR_BLOCK_SIZE_EXP

    def __init__(self, interface: SecuredInterface, connection: Connection):
        self.interface = interface
        self.connection = connection

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.hostinfo}>"

    @property
    def closed(self) -> bool:
        """Whether the session is over, so that the device cannot be reached here any more."""
        return self.connection.closed

    @property
    def hostinfo(self) -> str:
        return str(hostportjoin(*self.connection.address[:2]))

    @property
    def hostinfo_local(self) -> str:
        return self.interface.hostinfo_local

    @property
    def uri_base(self) -> str:
        return "coaps://" + self.hostinfo

    @property
    def uri_base_local(self) -> str:
        return "coaps://" + self.hostinfo_local

    @property
    def authenticated_claims(self) -> tuple[bytes, ...]:
        """The identity whose key the device proved to know."""
        return (self.connection.identity,)

    @property
    def blockwise_key(self) -> Connection:
        return self.connection


class SecuredInterface(interfaces.MessageInterface):
    """One socket with its sessions; `open_secured` makes it.

    ``manager``: aiocoap's. ``started(connection)``, ``ended(connection)``, ``failed(address, identity, reason)`` are
    told what becomes of sessions and handshakes.
    """

    def __init__(
        self,
        manager: Any,
        link: socket.socket,
        keys: KeyStore,
        started: Callable[[Connection], None],
        ended: Callable[[Connection], None],
        failed: Callable[[Address, bytes, str], None],
    ):
        self._manager = manager
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._tell_ended = ended
        self._addresses: dict[Connection, SecuredAddress] = {}
        self._polling: asyncio.TimerHandle | None = None
        self.hostinfo_local = str(hostportjoin(*link.getsockname()[:2]))
        self.server = DtlsServer(keys, self._send, self._received, self._ended, started, failed)
        self._forget_keys = keys.on_removed(self._removed)
        self._loop.add_reader(link, self._readable)

    # What comes from the network

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                datagram, address = self._link.recvfrom(_DATAGRAM_SIZE)
            except BlockingIOError:
                break
            except OSError as problem:  # what the network says of an earlier datagram; nobody can vouch for it
                _log.debug("receiving failed: %s", problem)
                continue
            self.server.receive(datagram, address, self._loop.time())
        if self.server.handshakes and self._polling is None:
            self._polling = self._loop.call_later(POLL_S, self._poll)

    def _poll(self) -> None:
        self._polling = None
        if self.server.poll(self._loop.time()):
            self._polling = self._loop.call_later(POLL_S, self._poll)

    def _received(self, connection: Connection, plaintext: bytes) -> None:
        if self._manager is None:
            return
        remote = self._address(connection)
        try:
            message = aiocoap.Message.decode(plaintext, remote=remote)
        except (error.UnparsableMessage, UnicodeDecodeError):  # the latter: options that are not UTF-8
            _log.warning("ignoring a message from %s that cannot be decoded", remote.hostinfo)
            return
        with contextlib.suppress(GIVEN_UP):
            self._manager.dispatch_message(message)

    def _address(self, connection: Connection) -> SecuredAddress:
        remote = self._addresses.get(connection)
        if remote is None:
            remote = self._addresses[connection] = SecuredAddress(self, connection)
        return remote

    def _ended(self, connection: Connection) -> None:
        remote = self._addresses.pop(connection, None)
        if remote is not None:
            self._fail(remote)
        self._tell_ended(connection)

    def _fail(self, remote: SecuredAddress) -> None:
        """Have the requests fail that wait for this session."""
        if self._manager is not None:
            reason = remote.connection.reason or "what was to be sent is too long for a record"
            told = False
            while not told:  # one that was given up keeps it from telling the others, once
                with contextlib.suppress(GIVEN_UP):
                    self._manager.dispatch_error(SessionLost(f"DTLS: {reason}"), remote)
                    told = True

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._link.sendto(datagram, address)
        except OSError as problem:  # as good as a datagram that is lost on its way
            _log.debug("sending failed: %s", problem)

    # What aiocoap asks

    def send(self, message: Any) -> None:
        remote = message.remote
        if not self.server.send(remote.connection, message.encode()):
            # Not from within aiocoap's own sending, which has yet to take note of the message.
            self._loop.call_soon(self._fail, remote)

    async def recognize_remote(self, remote: Any) -> bool:
        return isinstance(remote, SecuredAddress) and remote.interface is self

    async def determine_remote(self, message: Any) -> None:
        return None  # a server begins no session

    def stop_receiving(self) -> None:
        """Take nothing more from the network."""
        self._loop.remove_reader(self._link)

    async def shutdown(self) -> None:
        """End all sessions, with a close_notify each, and release the port."""
        self._manager = None
        self.stop_receiving()
        self._forget_keys()
        if self._polling is not None:
            self._polling.cancel()
        self.server.close("the cloud was stopped")
        self._link.close()

    # What the cloud asks

    def sessions_of(self, identities: Iterable[bytes]) -> list[SecuredAddress]:
        """The sessions in force of these identities; the device that was heard last is the last one."""
        wanted = set(identities)
        return [self._address(session) for session in self.server.sessions if session.identity in wanted]

    def end(self, remote: SecuredAddress, reason: str) -> None:
        """End a device's session."""
        self.server.end(remote.connection, reason)

    def _removed(self, identity: bytes) -> None:
        """An identity was taken from the key store, by any thread."""
        self._loop.call_soon_threadsafe(self._end_all, identity)

    def _end_all(self, identity: bytes) -> None:
        for connection in self.server.sessions:
            if connection.identity == identity:
                self.server.end(connection, "the identity was removed")


class _Teller:
    """Puts into the log what becomes of sessions and handshakes."""

    def __init__(self, log: events.EventLog):
        self._log = log

    def started(self, connection: Connection) -> None:
        address = hostportjoin(*connection.address[:2])
        self._log.add(
            events.SessionStarted, "", address=address, identity=shown(connection.identity), cipher=connection.cipher
        )

    def ended(self, connection: Connection) -> None:
        address = hostportjoin(*connection.address[:2])
        self._log.add(
            events.SessionEnded, "", address=address, identity=shown(connection.identity), reason=connection.reason
        )

    def failed(self, address: Address, identity: bytes, reason: str) -> None:
        name = shown(identity) if identity else ""
        self._log.add(events.HandshakeFailed, "", address=hostportjoin(*address[:2]), identity=name, reason=reason)


async def open_secured(
    context: aiocoap.Context,
    host: str,
    port: int,
    keys: KeyStore,
    log: events.EventLog,
) -> tuple[SecuredInterface, int]:
    """Serve a context's site over DTLS too, at an address and port (0: a free one); returns the real port.

    ``log`` is told of the sessions.

    Raises `errors.PortInUse`, `errors.HostUnknown`, `TransportError`, and `NotSupported` without python-mbedtls.
    """
    link = bind(host, port)
    interfaces: list[SecuredInterface] = []

    async def make(manager: Any) -> SecuredInterface:
        told = _Teller(log)
        interfaces.append(SecuredInterface(manager, link, keys, told.started, told.ended, told.failed))
        return interfaces[0]

    try:
        await context._append_tokenmanaged_messagemanaged_transport(make)
    except BaseException:
        link.close()
        raise
    return interfaces[0], link.getsockname()[1]
