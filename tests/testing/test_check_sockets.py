"""The conformance check of sockets: each rule is broken once, and found; an echo of the engineer's own."""

import os
import socket
import time

import pytest

from atiny.adapter.posix import Socket
from atiny.errors import TransportError
from atiny.testing import check_socket
from atiny.testing.echo import Echo

SHORT_MS = 300


class EmptyForNothing(Socket):
    def recv(self, size):
        return super().recv(size) or b""


class Blocks(Socket):
    def recv(self, size):
        return self.recv_timeout(size, 200)

    def recv_timeout(self, size, timeout_ms):
        deadline = time.monotonic() + timeout_ms / 1000
        while (data := super().recv(size)) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        return data


class SendsNone(Socket):
    def send(self, data):
        super().send(data)


class ByteArrays(Socket):
    def recv(self, size):
        data = super().recv(size)
        return data if data is None else bytearray(data)


class SmallBuffer(Socket):
    def recv(self, size):
        return super().recv(min(size, 512))


class Stream(Socket):
    """Puts datagrams together, as a serial line does."""

    def recv(self, size):
        time.sleep(0.01)
        data = super().recv(size)
        while data is not None and (more := super().recv(size)) is not None:
            data += more
        return data


class KeepsTheRest(Socket):
    rest = b""

    def recv(self, size):
        data = self.rest or super().recv(2048)
        if data is not None:
            self.rest = data[size:]
            data = data[:size]
        return data


class Raises(Socket):
    def recv_timeout(self, size, timeout_ms):
        data = super().recv_timeout(size, timeout_ms)
        if data is None:
            raise TimeoutError
        return data


class NoneIsNoTime(Socket):
    """Takes a time-out of 0 for one of a second."""

    def recv_timeout(self, size, timeout_ms):
        return super().recv_timeout(size, timeout_ms or 200)


class HurriedTimeout(Socket):
    def recv_timeout(self, size, timeout_ms):
        return super().recv_timeout(size, timeout_ms // 2 if timeout_ms == 80 else timeout_ms)


class ImpatientForLate(Socket):
    """Never waits longer than a tenth of a second."""

    def recv_timeout(self, size, timeout_ms):
        return super().recv_timeout(size, min(timeout_ms, 100))


class LeavesTimeout(Socket):
    slow = False

    def recv_timeout(self, size, timeout_ms):
        data = super().recv_timeout(size, timeout_ms)
        self.slow = timeout_ms > 10_000
        return data

    def recv(self, size):
        data = super().recv(size)
        return b"" if data is None and self.slow else data


class BadDescriptor(Socket):
    def fileno(self):
        return -1 if self._answered else super().fileno()

    def recv_timeout(self, size, timeout_ms):
        deadline = time.monotonic() + timeout_ms / 1000
        while (data := self.recv(size)) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        return data


class WithDescriptor(BadDescriptor):
    """Offers a descriptor of something else."""

    pipe = (-1, -1)

    def fileno(self):
        return self.pipe[0]


class AlwaysReadable(WithDescriptor):
    def connect(self, host, port, proto):
        super().connect(host, port, proto)
        self.pipe = os.pipe()
        os.write(self.pipe[1], b"x")


class NeverReadable(WithDescriptor):
    def connect(self, host, port, proto):
        super().connect(host, port, proto)
        self.pipe = os.pipe()


class StaysReadable(NeverReadable):
    def send(self, data):
        if data == b"readable":
            super().send(data)
            time.sleep(0.02)
            os.write(self.pipe[1], b"x")
            return len(data)
        return super().send(data)


class HearsEverybody(Socket):
    """Bound, but not connected."""

    def connect(self, host, port, proto):
        super().connect(host, port, proto)
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.bind((host, 0))
        link.setblocking(False)
        self._recv = link.recv
        self._send = lambda data: link.sendto(data, (host, port))
        self._socket.close()
        self._socket = link


class Shared(Socket):
    """The link is the class's."""

    link = None

    def connect(self, host, port, proto):
        if Shared.link is None:
            super().connect(host, port, proto)
            Shared.link = self
        self._socket, self._send, self._recv = Shared.link._socket, Shared.link._send, Shared.link._recv

    def close(self):
        if Shared.link is self:
            super().close()
            Shared.link = None


class ClosesAll(Socket):
    links: "list[Socket]" = []

    def connect(self, host, port, proto):
        super().connect(host, port, proto)
        ClosesAll.links.append(self)

    def recv_timeout(self, size, timeout_ms):
        return super().recv_timeout(size, timeout_ms) if self._socket else None

    def send(self, data):
        return super().send(data) if self._socket else len(data)

    def close(self):
        if self._socket:
            for link in ClosesAll.links:
                Socket.close(link)


class ClosesOnce(Socket):
    def close(self):
        if self._socket is None:
            raise OSError("not open")
        super().close()

    def connect(self, host, port, proto):
        link = Socket()
        link.connect(host, port, proto)
        self._socket, self._send, self._recv = link._socket, link._send, link._recv


class RawErrors(Socket):
    def connect(self, host, port, proto):
        try:
            super().connect(host, port, proto)
        except TransportError:
            raise OSError("name resolution") from None


class Deaf(Socket):
    """Does not see that nobody listens."""

    def recv(self, size):
        try:
            return super().recv(size)
        except TransportError:
            return None

    def send(self, data):
        try:
            return super().send(data)
        except TransportError:
            return len(data)


class NotMapped(Socket):
    def _failure(self, what, error):
        return TransportError(str(error))


BROKEN = [
    (EmptyForNothing, "recv gives None where no datagram is there"),
    (Blocks, "recv never blocks"),
    (SendsNone, "send gives the datagram's length"),
    (ByteArrays, "a datagram of up to 1280 bytes arrives whole, as bytes"),
    (SmallBuffer, "a datagram of up to 1280 bytes arrives whole, as bytes"),
    (Stream, "one recv gives one datagram"),
    (KeepsTheRest, "a datagram is cut to size, its rest is gone"),
    (HurriedTimeout, "recv_timeout waits for its time, and then gives None"),
    (NoneIsNoTime, "recv_timeout with 0 does not wait"),
    (ImpatientForLate, "recv_timeout returns when a datagram comes"),
    (LeavesTimeout, "recv still does not block after recv_timeout"),
    (BadDescriptor, "fileno gives a descriptor"),
    (AlwaysReadable, "the descriptor is not readable while nothing is there"),
    (NeverReadable, "the descriptor becomes readable when a datagram is there"),
    (StaysReadable, "the descriptor is quiet again after recv"),
    (HearsEverybody, "only the peer's datagrams are received"),
    (Shared, "two sockets do not mix"),
    (ClosesAll, "closing one socket leaves the others open"),
    (ClosesOnce, "close may be called twice, and before connect"),
    (RawErrors, "a name that does not resolve is a TransportError"),
    (Deaf, "a closed port is a TransportError with refused=True"),
    (NotMapped, "a closed port is a TransportError with refused=True"),
]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("broken", "rule"), BROKEN)
def test_a_broken_socket_is_found(broken, rule):
    with pytest.raises(AssertionError) as caught:
        check_socket(broken, timeout_ms=SHORT_MS)
    text = str(caught.value)
    assert text.startswith(f"Socket: broken rule: {rule}. Seen: ")
    assert ". To mend it: " in text


def test_a_timeout_that_is_raised():
    """An exception that no rule expects passes as it is: the traceback shows the adapter's line."""
    with pytest.raises(TimeoutError):
        check_socket(Raises, timeout_ms=SHORT_MS)


def test_every_rule_is_broken_once():
    assert {rule for _, rule in BROKEN} == set(check_socket(Socket))


def test_an_echo_of_ones_own():
    with Echo() as echo:
        rules = check_socket(Socket, echo.host, echo.port, can_refuse=False)
    everything = {rule for _, rule in BROKEN}
    assert everything - set(rules) == {
        "only the peer's datagrams are received",
        "a closed port is a TransportError with refused=True",
    }


class NoDescriptor:
    """Duck-typed, without fileno."""

    def __init__(self):
        self._link = Socket()
        self.connect, self.send, self.close = self._link.connect, self._link.send, self._link.close
        self.recv, self.recv_timeout = self._link.recv, self._link.recv_timeout


def test_a_socket_without_descriptor():
    rules = check_socket(NoDescriptor)
    assert len(rules) == len({rule for _, rule in BROKEN}) - 4
    assert not [rule for rule in rules if "descriptor" in rule]
