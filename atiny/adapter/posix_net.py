"""The POSIX adapter's links: a connected UDP socket, and the poller that sleeps on them.

The loop passes through `Poller.wait`, `Socket.recv` and `Socket.send` once for each request, so those three do as
little as Python allows. `_socket` is the C half of `socket`, which takes 7 ms to import and is not needed here: a
device is to be on the wire 45 ms after its process began.
"""

import _thread
import os
import select
import time

try:
    import _socket
except ImportError:  # a Python that keeps its sockets elsewhere
    import socket as _socket  # type: ignore[no-redef]

from ..errors import NotSupported, TransportError
from . import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn

MAX_POLL_MS = 0x7FFFFFFF  # what poll(2) takes: an int
SEND_TIMEOUT_MS = 1000  # how long a full send buffer may take to drain
WAKE = b"\1\0\0\0\0\0\0\0"  # adds 1 (or more) to an eventfd, and is a message like any other to a pipe


class Socket(base.Socket):
    """A connected UDP socket: IPv4, IPv6, host names, selectable.

    ``skip`` is shared by the sockets of one platform and counts, for each (host, port), the addresses that refused.
    A name may have several ("localhost" is often ::1 and 127.0.0.1) and UDP tells only after a datagram was sent that
    nobody listens at the first: the next socket then begins with the next address.
    """

    __slots__ = ("_socket", "_send", "_recv", "_peer", "_skip", "_answered")

    def __init__(self, skip: "dict[tuple[str, int], int] | None" = None):
        self._skip = {} if skip is None else skip
        self._peer = ("", 0)
        self._answered = False
        self._socket: "_socket.socket | None" = None
        self._send: "Callable[[bytes], int]" = _not_connected
        self._recv: "Callable[[int], bytes]" = _not_connected

    def connect(self, host: str, port: int, proto: str) -> None:
        """Resolve ``host`` and connect to the first of its addresses that can be reached."""
        if proto != "udp":
            raise NotSupported("this socket carries udp, not %r" % (proto,))
        self.close()
        addresses = _resolve(host, port)
        start = self._skip.get((host, port), 0) % len(addresses)
        reason = ""
        for family, kind, protocol, _, address in addresses[start:] + addresses[:start]:
            try:
                link = _socket.socket(family, kind, protocol)
            except OSError as error:
                reason = _reason(error)
                continue
            try:
                link.setblocking(False)
                link.connect(address)
            except OSError as error:
                reason = _reason(error)
                link.close()
                continue
            self._socket = link
            self._peer = (host, port)
            self._answered = False
            self._send = link.send
            self._recv = self._first_recv
            return
        raise TransportError("cannot reach %s port %d: %s" % (host, port, reason))

    def send(self, data: bytes) -> int:
        """Send one datagram; where the system's buffer is full, wait for room up to a second."""
        try:
            return self._send(data)
        except BlockingIOError:
            return self._send_later(data)
        except OSError as error:
            raise self._failure("send to", error) from None

    def recv(self, size: int) -> "bytes | None":
        """The next datagram or None."""
        try:
            return self._recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._failure("receive from", error) from None

    def recv_timeout(self, size: int, timeout_ms: int) -> "bytes | None":
        """The next datagram, waiting for it up to ``timeout_ms``."""
        datagram = self.recv(size)
        if datagram is None and timeout_ms > 0:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if poll.poll(min(timeout_ms, MAX_POLL_MS)):
                datagram = self.recv(size)
        return datagram

    def fileno(self) -> int:
        """The descriptor; raises `TransportError` while not connected."""
        if self._socket is None:
            _not_connected(None)
        return self._socket.fileno()

    def close(self) -> None:
        """Release the descriptor."""
        self._send = self._recv = _not_connected
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _first_recv(self, size: int) -> bytes:
        datagram = self._socket.recv(size)  # type: ignore[union-attr]
        self._answered = True
        self._recv = self._socket.recv  # type: ignore[union-attr]
        return datagram

    def _send_later(self, data: bytes) -> int:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        poll.poll(SEND_TIMEOUT_MS)
        try:
            return self._send(data)
        except OSError as error:
            raise self._failure("send to", error) from None

    def _failure(self, what: str, error: OSError) -> TransportError:
        refused = isinstance(error, ConnectionRefusedError)
        if refused and not self._answered:
            self._skip[self._peer] = self._skip.get(self._peer, 0) + 1
            self._answered = True  # once for each link is enough
        return TransportError("cannot %s %s port %d: %s" % ((what,) + self._peer + (_reason(error),)), refused=refused)


def _not_connected(_: object) -> "NoReturn":
    raise TransportError("the socket is not connected")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or error.__class__.__name__


def _resolve(host: str, port: int) -> "list[Any]":
    """The addresses of ``host``, never none."""
    try:
        # Given as str, a name goes through the IDNA codec, whose import alone takes 5 ms.
        name = host.encode("ascii")
    except UnicodeError:
        name = host  # type: ignore[assignment]
    try:
        return _socket.getaddrinfo(name, port, 0, _socket.SOCK_DGRAM)
    except (OSError, ValueError, OverflowError) as error:  # ValueError: a name that can't be encoded
        raise TransportError("cannot resolve %r: %s" % (host, _reason(error))) from None


class Poller(base.Poller):
    """One ``poll(2)`` over all links and a descriptor that `wake` writes to (an eventfd, or a pipe)."""

    __slots__ = ("_known", "_poll", "_ready", "_slow", "_read_fd", "_write_fd", "_woken", "_closed", "_lock")

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self._read_fd = self._write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read_fd, self._write_fd = os.pipe()
            os.set_blocking(self._read_fd, False)
            os.set_blocking(self._write_fd, False)
        self._woken = False
        self._closed = False
        self._lock = _thread.allocate_lock()
        self._register([])

    def wait(self, sockets: "list[base.Socket]", timeout_ms: "int | None") -> "list[base.Socket]":
        """One sleep; see `base.Poller.wait`. Sockets are told from each other by identity."""
        if sockets != self._known:
            self._register(sockets)
        if self._slow:
            return self._wait_in_slices(timeout_ms)
        if timeout_ms is not None and not 0 <= timeout_ms <= MAX_POLL_MS:
            timeout_ms = 0 if timeout_ms < 0 else MAX_POLL_MS
        events = self._poll(timeout_ms)
        if len(events) == 1:
            ready = self._ready.get(events[0][0])
            if ready is not None:
                return ready
        return self._collect(events)

    def wake(self) -> None:
        """End the sleep; between two sleeps only the first call writes."""
        # The flag goes up before the write and down after the read: where it is up, a write is pending or under way.
        if not self._woken:
            self._woken = True
            with self._lock:
                if not self._closed:
                    try:
                        os.write(self._write_fd, WAKE)
                    except BlockingIOError:  # a pipe that is full wakes too
                        pass

    def close(self) -> None:
        """Release the descriptors; a `wake` that comes later does nothing."""
        with self._lock:  # no thread writes to a descriptor that has been closed and given to another
            if self._closed:
                return
            self._closed = True
        os.close(self._read_fd)
        if self._write_fd != self._read_fd:
            os.close(self._write_fd)

    def _register(self, sockets: "list[base.Socket]") -> None:
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        self._ready: "dict[int, list[base.Socket]]" = {}
        self._slow: "list[base.Socket]" = []
        for socket in sockets:
            if hasattr(socket, "fileno"):
                fd = socket.fileno()
                poll.register(fd, select.POLLIN)
                self._ready[fd] = [socket]
            else:
                self._slow.append(socket)
        self._poll = poll.poll
        self._known = list(sockets)

    def _collect(self, events: "list[tuple[int, int]]") -> "list[base.Socket]":
        """The sockets of ``events``; the wake-up is taken note of."""
        ready = []
        for fd, _ in events:
            if fd == self._read_fd:
                try:
                    os.read(fd, 512)
                except BlockingIOError:
                    pass
                self._woken = False
            else:
                ready.append(self._ready[fd][0])
        return ready

    def _wait_in_slices(self, timeout_ms: "int | None") -> "list[base.Socket]":
        deadline = None if timeout_ms is None else time.monotonic_ns() // 1_000_000 + timeout_ms
        slice_ms = max(1, base.SLICE_MS // len(self._slow))
        while True:
            events = self._poll(0)
            ready = self._collect(events)
            wait_ms = 0 if events else slice_ms
            if deadline is not None:
                wait_ms = max(0, min(wait_ms, deadline - time.monotonic_ns() // 1_000_000))
            for socket in self._slow:
                if socket.readable(wait_ms):  # type: ignore[attr-defined]
                    ready.append(socket)
                    wait_ms = 0
            if ready or events or (deadline is not None and wait_ms <= 0):
                return ready
