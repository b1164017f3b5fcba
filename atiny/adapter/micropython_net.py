# mypy: disable-error-code="attr-defined,call-overload,arg-type,no-any-return"
"""The MicroPython adapter's links: a connected UDP socket, and the poller that sleeps on them.

Addresses from getaddrinfo are handed on unread: their form is the port's own.
"""

import errno
import os
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
ECONNREFUSED = getattr(errno, "ECONNREFUSED", 111)  # lwIP's value where the port's errno lacks the name


def random_bytes(n: int) -> bytes:
    """``n`` bytes from os.urandom; from `random` on a port without it."""
    if hasattr(os, "urandom"):
        return os.urandom(n)
    import random

    return bytes([random.getrandbits(8) for _ in range(n)])


class Socket(base.Socket):
    """A connected UDP socket.

    ``skip``: how often each (host, port) refused, shared by the sockets of one platform; the next socket begins with
    the host's next address (see `posix_net.Socket`).
    """

    def __init__(self, skip: "dict[tuple[str, int], int] | None" = None):
        self._skip = {} if skip is None else skip
        self._peer = ("", 0)
        self._answered = False
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
        start = self._skip.get((host, port), 0) % len(addresses) if addresses else 0
        reason: object = "it has no address"
        for entry in addresses[start:] + addresses[:start]:
            link = None
            try:
                link = socket.socket(entry[0], socket.SOCK_DGRAM)
                link.connect(entry[-1])
                link.setblocking(False)
            except OSError as error:
                reason = error
                if link is not None:
                    link.close()
                continue
            self._socket = link
            self._peer = (host, port)
            self._answered = False
            return
        raise TransportError("cannot reach %s port %d: %s" % (host, port, reason))

    def send(self, data: bytes) -> int:
        """Send one datagram; where the port's buffer is full, wait for room up to a second."""
        for _ in range(SEND_SLICES):
            try:
                return self.pollable().send(data)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise self._failure("send to", error) from None
            time.sleep_ms(SEND_SLICE_MS)
        raise TransportError("cannot send to %s port %d: no room in the port's buffer" % self._peer)

    def recv(self, size: int) -> "bytes | None":
        """The next datagram or None."""
        try:
            datagram = self.pollable().recv(size)
        except OSError as error:
            if error.errno == errno.EAGAIN or error.errno == errno.ETIMEDOUT:
                return None
            raise self._failure("receive from", error) from None
        self._answered = True
        return datagram

    def recv_timeout(self, size: int, timeout_ms: int) -> "bytes | None":
        """The next datagram, waiting for it up to ``timeout_ms``."""
        datagram = self.recv(size)
        if datagram is None and timeout_ms > 0:
            poll = select.poll()
            poll.register(self.pollable(), select.POLLIN)
            if poll.poll(min(timeout_ms, MAX_SLEEP_MS)):
                datagram = self.recv(size)
        return datagram

    def pollable(self) -> "Any":
        """The runtime's socket, which select.poll takes; raises `TransportError` while not connected."""
        if self._socket is None:
            raise TransportError("the socket is not connected")
        return self._socket

    def fileno(self) -> int:
        """The descriptor, on a port whose sockets have one."""
        return self.pollable().fileno()

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _failure(self, what: str, error: OSError) -> TransportError:
        refused = error.errno == ECONNREFUSED
        if refused and not self._answered:
            self._skip[self._peer] = self._skip.get(self._peer, 0) + 1
            self._answered = True  # once for each link is enough
        return TransportError("cannot %s %s port %d: %s" % (what, self._peer[0], self._peer[1], error), refused)


class Poller(base.Poller):
    """select.poll over all links, and where the port has a loopback interface a UDP socket that `wake` sends to.

    Without one the loop looks for a wake-up in slices of `base.SLICE_MS`.
    """

    def __init__(self) -> None:
        self._woken = False
        self._bell = _bell()
        self._register([])

    def wait(self, sockets: "list[base.Socket]", timeout_ms: "int | None") -> "list[base.Socket]":
        """One sleep; see `base.Poller.wait`."""
        if sockets != self._known:
            self._register(sockets)
        deadline = time.ticks_add(
            time.ticks_ms(), MAX_SLEEP_MS if timeout_ms is None else min(timeout_ms, MAX_SLEEP_MS)
        )
        while True:
            sleep_ms = max(0, time.ticks_diff(deadline, time.ticks_ms()))
            last = sleep_ms == 0
            if self._woken:
                sleep_ms = 0
            elif self._bell is None:
                sleep_ms = min(sleep_ms, base.SLICE_MS)
            ready = self._wait_for_slow(sleep_ms) if self._slow else self._collect(sleep_ms)
            if ready or self._woken or last:
                self._answer_bell()
                return ready

    def wake(self) -> None:
        """End the sleep."""
        if not self._woken:
            self._woken = True  # the flag alone counts; the bell only ends the sleep
            bell = self._bell
            if bell is not None:
                try:
                    bell.send(b"!")
                except OSError:
                    pass

    def close(self) -> None:
        """Release the bell."""
        bell = self._bell
        self._bell = None
        self._woken = True
        if bell is not None:
            bell.close()

    def _register(self, sockets: "list[base.Socket]") -> None:
        self._poll = select.poll()
        self._fast: "list[tuple[object, base.Socket]]" = []
        self._slow: "list[base.Socket]" = []
        if self._bell is not None:
            self._poll.register(self._bell, select.POLLIN)
        for link in sockets:
            pollable: "Any" = None
            if isinstance(link, Socket):
                pollable = link.pollable()
            elif hasattr(link, "fileno"):
                pollable = link.fileno()
            if pollable is None:
                self._slow.append(link)
            else:
                self._poll.register(pollable, select.POLLIN)
                self._fast.append((pollable, link))
        self._known = list(sockets)

    def _collect(self, sleep_ms: int) -> "list[base.Socket]":
        """The selectable links that have something within ``sleep_ms``."""
        ready = []
        for event in self._poll.ipoll(sleep_ms):
            if event[0] is self._bell:
                self._woken = True
            for pollable, link in self._fast:
                if event[0] is pollable or event[0] == pollable:
                    ready.append(link)
        return ready

    def _wait_for_slow(self, sleep_ms: int) -> "list[base.Socket]":
        ready = self._collect(0)
        wait_ms = 0 if ready or self._woken else min(sleep_ms, max(1, base.SLICE_MS // len(self._slow)))
        for link in self._slow:
            if link.readable(wait_ms):
                ready.append(link)
                wait_ms = 0
        return ready

    def _answer_bell(self) -> None:
        # Silence the bell before the flag goes down: a wake-up in between finds the flag up and this wait about to end.
        if self._woken:
            if self._bell is not None:
                try:
                    while self._bell.recv(16):
                        pass
                except OSError:
                    pass
            self._woken = False


def _bell() -> "Any":
    """A UDP socket connected to itself, or None where the port cannot do that."""
    for _ in range(8):
        bell = None
        try:
            number = 49152 + int.from_bytes(random_bytes(2), "big") % 16384
            address = socket.getaddrinfo("127.0.0.1", number, 0, socket.SOCK_DGRAM)[0][-1]
            bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bell.bind(address)  # fails where the number is taken
            bell.connect(address)
            bell.setblocking(False)
            bell.send(b"?")
            poll = select.poll()
            poll.register(bell, select.POLLIN)
            if poll.poll(base.SLICE_MS) and bell.recv(16) == b"?":
                return bell
        except OSError:
            pass
        if bell is not None:
            bell.close()
    return None
