# mypy: disable-error-code="attr-defined,call-overload,arg-type,no-any-return"
"""The MicroPython adapter's links: a connected UDP socket, and the poller that sleeps on them.

Addresses from getaddrinfo are handed on unread: their form is the port's own.
"""

import errno
import select
import socket
import time

from ..errors import NotSupported, TransportError
from . import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_SLEEP_MS = 1 << 28  # half of the half period of ticks_ms: the clock is read in time
SEND_SLICE_MS = 10
SEND_SLICES = 100
SHORTEST = 64  # what a server's answer or command of a few bytes fits in


class Socket(base.Socket):
    """A connected UDP socket.

    ``first``: for each (host, port), the number of the address to begin with, shared by the sockets of one platform:
    where one refused, the next socket begins with the next address (see `posix_net.Socket`).
    """

    def __init__(self, first: "dict[tuple[str, int], int] | None" = None):
        self._first = {} if first is None else first
        self._socket: "Any" = None

    def connect(self, host: str, port: int, proto: str) -> None:
        """Resolve ``host`` and connect to the first of its addresses that can be reached."""
        if proto != "udp":
            raise NotSupported("this socket carries udp, not %r" % (proto,))
        self.close()
        try:
            addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)
        except (OSError, IndexError) as error:
            raise TransportError("cannot resolve %r: %s" % (host, error)) from None
        self._peer = peer = (host, port)
        reason: object = "it has no address"
        number = self._first.get(peer, 0)
        for _ in addresses:
            entry = addresses[number % len(addresses)]
            number += 1
            try:
                self._socket = socket.socket(entry[0], socket.SOCK_DGRAM)
                self._socket.connect(entry[-1])
                self._socket.setblocking(False)
            except OSError as error:
                reason = error
                self.close()
                continue
            self._next = number
            return
        raise TransportError("cannot reach %s port %d: %s" % (host, port, reason))

    def send(self, data: bytes) -> int:
        """Send one datagram; where the port's buffer is full, wait for room up to a second."""
        for _ in range(SEND_SLICES):
            try:
                return self._socket.send(data)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise self._failure("send to", error) from None
            time.sleep_ms(SEND_SLICE_MS)
        raise TransportError("cannot send to %s port %d: no room in the port's buffer" % self._peer)

    def recv(self, size: int) -> "bytes | None":
        """The next datagram or None; MemoryError where there is no memory for it: it is lost.

        The runtime makes room for ``size`` bytes before it knows how long the datagram is. Where the heap has no such
        room, one that is shorter may still be taken. (readinto is of no use: it joins the datagrams that are there.)
        """
        try:
            return self._socket.recv(size)
        except MemoryError:
            try:
                bytearray(size)
            except MemoryError:
                size = size * 5 >> 3  # of 2048 bytes: 1280, which a block of 1024 fits in, 800, 500, ...
                if size >= SHORTEST:
                    datagram = self.recv(size)
                    if datagram is None or len(datagram) < size:  # it was not cut
                        return datagram
            raise  # or it was taken, but there was no room for its copy
        except OSError as error:
            if error.errno == errno.EAGAIN or error.errno == errno.ETIMEDOUT:
                return None
            raise self._failure("receive from", error) from None

    def recv_timeout(self, size: int, timeout_ms: int) -> "bytes | None":
        """The next datagram, waiting for it up to ``timeout_ms``."""
        datagram = self.recv(size)
        if datagram is None and timeout_ms > 0:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if poll.poll(min(timeout_ms, MAX_SLEEP_MS)):
                datagram = self.recv(size)
        return datagram

    def fileno(self) -> "Any":
        """What select.poll takes: here that is the runtime's socket."""
        return self._socket

    def close(self) -> None:
        """Release the socket; what is done with it then is an error of the runtime's, and a `TransportError`."""
        if self._socket is not None:
            self._socket.close()

    def _failure(self, what: str, error: OSError) -> TransportError:
        refused = error.errno == getattr(errno, "ECONNREFUSED", 111)  # lwIP's, where errno lacks the name
        if refused:
            self._first[self._peer] = self._next
        return TransportError("cannot %s %s port %d: %s" % (what, self._peer[0], self._peer[1], error), refused)


class Poller(base.Poller):
    """select.poll over all links.

    ``bell``: None, or a socket that `wake` sends to and that receives it, to end the sleep. Without one the loop looks
    for a wake-up in slices of `base.SLICE_MS`.
    """

    def __init__(self) -> None:
        self.bell: "Any" = None
        self.slow: "Any" = None  # the links that select.poll does not take, where there are such
        self._woken = False
        self._known: "list[base.Socket] | None" = None

    def wait(self, sockets: "list[base.Socket]", timeout_ms: "int | None") -> "list[base.Socket]":
        """One sleep; see `base.Poller.wait`."""
        if sockets != self._known:
            self._register(sockets)
        if timeout_ms is None or timeout_ms > MAX_SLEEP_MS:
            timeout_ms = MAX_SLEEP_MS
        start = time.ticks_ms()
        while True:
            left_ms = max(0, timeout_ms - time.ticks_diff(time.ticks_ms(), start))
            sleep_ms = 0 if self._woken else left_ms
            if self.bell is None:
                sleep_ms = min(sleep_ms, base.SLICE_MS)
            if self.slow is not None:
                ready = self._wait_for_slow(sleep_ms)
            else:
                ready = self._collect(sleep_ms)
            if ready or self._woken or left_ms == 0:
                if self.bell is not None:
                    self._silence()
                self._woken = False
                return ready

    def wake(self) -> None:
        """End the sleep."""
        if not self._woken:
            self._woken = True  # the flag alone counts; the bell only ends the sleep
            if self.bell is not None:
                try:
                    self.bell.send(b"!")
                except OSError:  # it was closed, or rings already
                    pass

    def close(self) -> None:
        """Release the bell."""
        if self.bell is not None:
            self.bell.close()

    def _register(self, sockets: "list[base.Socket]") -> None:
        self._known = list(sockets)
        self._poll = poll = select.poll()
        if self.bell is not None:
            poll.register(self.bell, select.POLLIN)
        self._fast = [link for link in sockets if hasattr(link, "fileno")]
        for link in self._fast:
            poll.register(link.fileno(), select.POLLIN)
        self.slow = [link for link in sockets if link not in self._fast] or None

    def _collect(self, sleep_ms: int) -> "list[base.Socket]":
        """The selectable links that have something within ``sleep_ms``."""
        ready = []
        for event in self._poll.ipoll(sleep_ms):
            if self.bell is not None and event[0] is self.bell:
                self._woken = True
            else:
                for link in self._fast:
                    if link.fileno() == event[0]:
                        ready.append(link)
        return ready

    def _wait_for_slow(self, sleep_ms: int) -> "list[base.Socket]":
        ready = self._collect(0)
        wait_ms = 0 if ready or self._woken else min(sleep_ms, max(1, base.SLICE_MS // len(self.slow)))
        for link in self.slow:
            if link.readable(wait_ms):
                ready.append(link)
                wait_ms = 0
        return ready

    def _silence(self) -> None:
        # Before the flag goes down: a wake-up in between finds the flag up and this wait about to end.
        if self._woken:
            try:
                while self.bell.recv(16):
                    pass
            except OSError:
                pass
