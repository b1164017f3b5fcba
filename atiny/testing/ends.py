"""The two kinds of ends in the virtual network: a device's socket and a server's port."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..adapter.base import Socket
from ..errors import NotSupported, TransportError
from .datagrams import Address

if TYPE_CHECKING:
    from .network import Network

Receiver = Callable[[bytes, Address], None]


class Port:
    """A server's end: `send` to any address; what arrives goes to the receiver it was bound with."""

    def __init__(self, network: Network, address: Address, receiver: Receiver):
        self.address = address
        self._network = network
        self._receiver = receiver

    def send(self, data: bytes, destination: Address) -> None:
        """Send one datagram."""
        self._network.transmit(self.address, destination, data, uplink=False)

    def deliver(self, data: bytes, source: Address) -> None:
        """Called by the network: a datagram arrives."""
        self._receiver(data, source)

    def refused(self) -> None:
        """Called by the network: what this port sent was refused. A server does not mind."""

    def close(self) -> None:
        """Nobody is bound to the address any more."""
        self._network.release(self.address, self)


class NetworkSocket(Socket):
    """A device's socket in a `Network`: keeps the contract of `atiny.adapter.base.Socket` in virtual time.

    ``host``: the device's own address. It has `readable` instead of a descriptor. ``asleep``: its receiver is switched
    off (queue mode): what arrives is lost; ``slept_ms``: for how long it has been, until the last time it woke.
    """

    def __init__(self, network: Network, host: str = "device"):
        self.host = host
        self.address: Address = (host, 0)
        self.peer: Address | None = None
        self.closed = False
        self.asleep = False
        self.slept_ms = 0
        self._asleep_since_ms = 0
        self._network = network
        self._inbox: deque[bytes] = deque()
        self._refused = False

    def connect(self, host: str, port: int, proto: str) -> None:
        """Any host resolves but those that `Network.unresolvable` names."""
        if proto != "udp":
            raise NotSupported(f"this socket carries udp, not {proto!r}")
        self._network.connect(self, host, port)

    def send(self, data: bytes) -> int:
        """Send to the network; a refusal that came back is raised, and the datagram then not sent."""
        self._check()
        assert self.peer is not None
        if self.asleep:
            raise AssertionError("a datagram is sent on a link that sleeps: the loop has to wake it first")
        self._network.transmit(self.address, self.peer, data, uplink=True)
        return len(data)

    def recv(self, size: int) -> bytes | None:
        """The next datagram that arrived, or None."""
        self._check()
        return self._inbox.popleft()[:size] if self._inbox else None

    def recv_timeout(self, size: int, timeout_ms: int) -> bytes | None:
        """As `recv`; virtual time passes until a datagram arrives."""
        self._network.advance(lambda: self.readable(0), self._network.clock.now_ms + max(0, timeout_ms))
        return self.recv(size)

    def readable(self, timeout_ms: int) -> bool:
        """Whether `recv` would give a datagram or raise; takes no time, whatever ``timeout_ms``."""
        return bool(self._inbox) or self._refused

    def close(self) -> None:
        """Leave the network; datagrams on their way arrive at nobody."""
        self.closed = True
        self._inbox.clear()
        self._refused = False
        self._network.release(self.address, self)

    def deliver(self, data: bytes, source: Address) -> None:
        """Called by the network: a datagram arrives; only the peer's is kept."""
        if source == self.peer and not self.asleep:
            self._inbox.append(data)

    def refused(self) -> None:
        """Called by the network: the peer's host said that nobody listens."""
        self._refused = not self.asleep

    def sleep(self) -> None:
        """Called by the device's loop: switch the receiver off."""
        if not self.asleep:
            self.asleep = True
            self._asleep_since_ms = self._network.clock.now_ms

    def wake(self) -> None:
        """Called by the device's loop: switch the receiver on again."""
        if self.asleep:
            self.asleep = False
            self.slept_ms += self._network.clock.now_ms - self._asleep_since_ms

    def _check(self) -> None:
        if self.peer is None or self.closed:
            raise TransportError("the socket is not connected")
        if self._refused:
            self._refused = False
            raise TransportError(f"{self.peer[0]} port {self.peer[1]} refused the datagram", refused=True)
