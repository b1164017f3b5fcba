"""What the contracts bring along: the platform's choice, the wrapper of unselectable sockets, the names of records."""

import pytest

from atiny.adapter import base
from atiny.errors import ParameterError, TransportError
from atiny.testing import FakeHardware, FakeMutex, FakeSocket


class Modem:
    """A socket as a host may write it: no base class, no descriptor, only what the contract asks for."""

    def __init__(self):
        self.items = []
        self.waits = []
        self.closed = False

    def connect(self, host, port, proto):
        self.peer = (host, port, proto)

    def send(self, data):
        return len(data)

    def recv(self, size):
        return self.recv_timeout(size, 0)

    def recv_timeout(self, size, timeout_ms):
        self.waits.append(timeout_ms)
        item = self.items.pop(0) if self.items else None
        if isinstance(item, Exception):
            raise item
        return item and item[:size]

    def close(self):
        self.closed = True


class Given(base.Platform):
    def default_hardware(self):
        return FakeHardware()

    def default_mutex(self):
        return FakeMutex()

    def default_socket(self):
        return FakeSocket()


def test_a_platform_takes_what_it_is_given_and_else_the_default():
    platform = Given()
    assert type(platform.socket()) is FakeSocket
    assert type(platform.mutex()) is FakeMutex
    assert platform.mutex() is not platform.mutex()
    assert (platform.storage, platform.store) == (None, None)
    hardware, mutex, store, storage = FakeHardware(), FakeMutex(), object(), object()
    platform = Given(hardware=hardware, mutex=lambda: mutex, store=store, storage=storage)
    assert platform.hardware is hardware
    assert platform.mutex() is mutex
    assert platform.store is store
    assert platform.storage is storage


def test_a_socket_that_can_be_waited_for_is_not_wrapped():
    assert type(Given().socket()) is FakeSocket  # it has readable()
    selectable = Modem()
    selectable.fileno = lambda: 0
    assert Given(socket=lambda: selectable).socket() is selectable


def buffered(*items):
    modem = Modem()
    modem.items = list(items)
    return modem, Given(socket=lambda: modem).socket()


def test_readable_keeps_the_datagram_for_recv():
    modem, link = buffered(b"0123456789", b"next")
    link.connect("h", 1, "udp")
    assert modem.peer == ("h", 1, "udp")
    assert link.send(b"abc") == 3
    assert link.readable(50)
    assert modem.waits == [50]
    assert link.readable(50)  # known already: the modem is not asked again
    assert modem.waits == [50]
    assert link.recv(4) == b"0123"
    assert link.recv(100) == b"next"
    assert link.recv(100) is None
    assert not link.readable(0)


def test_readable_keeps_the_datagram_for_recv_timeout():
    modem, link = buffered(b"one", b"two")
    assert link.readable(0)
    assert link.recv_timeout(100, 10) == b"one"
    assert link.recv_timeout(100, 10) == b"two"
    assert modem.waits == [0, 10]


def test_readable_keeps_an_empty_datagram():
    _, link = buffered(b"")
    assert link.readable(0)
    assert link.recv(100) == b""
    assert link.recv(100) is None


def test_readable_keeps_the_error_for_recv():
    _, link = buffered(TransportError("refused", refused=True), b"then")
    assert link.readable(50)
    with pytest.raises(TransportError) as caught:
        link.recv(100)
    assert caught.value.refused
    assert link.recv(100) == b"then"


def test_close_drops_what_was_kept():
    modem, link = buffered(b"old")
    assert link.readable(0)
    link.close()
    assert modem.closed
    assert link.recv(10) is None


@pytest.mark.parametrize("name", ["a", "Z9", "server-1_b.2", ".", "..", "x" * 64])
def test_names_of_records(name):
    base.check_record_name(name)


@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "../a", "a b", "a\0", "ü", "a~", "a:b"])
def test_names_that_records_cannot_have(name):
    with pytest.raises(ParameterError, match="a record is named by"):
        base.check_record_name(name)
