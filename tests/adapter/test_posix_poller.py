"""The POSIX poller, with real sockets, threads and wake-ups; sockets without a descriptor."""

import os
import threading
import time

import pytest

from atiny.adapter import base
from atiny.adapter.posix import Platform, Poller, Socket
from atiny.errors import TransportError
from atiny.testing.echo import Echo, free_port

TIMEOUT_MS = 5000
AT_ONCE_S = 1.0  # far more than it takes, far less than TIMEOUT_MS


@pytest.fixture
def echo():
    with Echo() as echo:
        yield echo


@pytest.fixture
def poller():
    poller = Poller()
    yield poller
    poller.close()


@pytest.fixture
def link(echo):
    link = Socket()
    link.connect(echo.host, echo.port, "udp")
    yield link
    link.close()


def timed(function, *args):
    start = time.monotonic()
    result = function(*args)
    return result, time.monotonic() - start


def test_nothing_comes(poller, link):
    ready, took_s = timed(poller.wait, [link], 30)
    assert list(ready) == []
    assert 0.025 <= took_s < AT_ONCE_S
    assert list(poller.wait([link], 0)) == []
    assert list(poller.wait([link], -5)) == []


def test_a_datagram_ends_the_wait(poller, link):
    links = [link]
    for _ in range(3):
        link.send(b"hello")
        ready, took_s = timed(poller.wait, links, TIMEOUT_MS)
        assert list(ready) == [link]
        assert took_s < AT_ONCE_S
        assert link.recv(100) == b"hello"


def test_two_sockets(poller, echo):
    first, second = Socket(), Socket()
    links = [first, second]
    for link in links:
        link.connect(echo.host, echo.port, "udp")
    second.send(b"hello")
    assert list(poller.wait(links, TIMEOUT_MS)) == [second]
    first.send(b"hello")
    deadline = time.monotonic() + 5
    ready = []
    while len(ready) < 2 and time.monotonic() < deadline:
        ready = list(poller.wait(links, TIMEOUT_MS))
    assert ready == [first, second] or ready == [second, first]
    for link in links:
        assert link.recv(100) == b"hello"
        link.close()


def test_a_list_that_changes_in_place(poller, echo):
    links = []
    assert list(poller.wait(links, 0)) == []
    for _ in range(3):  # the descriptor's number is the same each time
        link = Socket()
        link.connect(echo.host, echo.port, "udp")
        links[:] = [link]
        link.send(b"hello")
        assert list(poller.wait(links, TIMEOUT_MS)) == [link]
        link.close()


def test_nothing_is_registered_while_the_links_stay(poller, link):
    poller.wait([link], 0)
    registered = poller._poll
    poller.wait([link], 0)
    assert poller._poll is registered


def test_an_error_ends_the_wait(poller):
    link = Socket()
    link.connect("127.0.0.1", free_port(), "udp")
    link.send(b"anyone?")
    assert list(poller.wait([link], TIMEOUT_MS)) == [link]
    with pytest.raises(TransportError) as caught:
        link.recv(100)
    assert caught.value.refused
    link.close()


@pytest.mark.parametrize("timeout_ms", [None, TIMEOUT_MS, 10**15])
def test_wake_from_another_thread_is_immediate(poller, link, timeout_ms):
    threading.Timer(0.03, poller.wake).start()
    ready, took_s = timed(poller.wait, [link], timeout_ms)
    assert list(ready) == []
    assert took_s < AT_ONCE_S


def test_wakes_before_the_wait_end_one_wait(poller):
    for _ in range(1000):
        poller.wake()
    assert timed(poller.wait, [], TIMEOUT_MS)[1] < AT_ONCE_S
    assert timed(poller.wait, [], 30)[1] >= 0.025


def test_a_wake_up_and_a_datagram_at_once(poller, link):
    link.send(b"hello")
    assert list(poller.wait([link], TIMEOUT_MS)) == [link]
    poller.wake()
    assert list(poller.wait([link], TIMEOUT_MS)) == [link]
    assert link.recv(100) == b"hello"
    assert timed(poller.wait, [link], 30)[1] >= 0.025  # the wake-up is spent


@pytest.mark.parametrize("eventfd", [True, False])
def test_no_wake_up_is_lost(monkeypatch, eventfd):
    """Three threads post and wake; whoever waits without looking again would hang, had one wake-up been lost."""
    if not eventfd:
        monkeypatch.delattr(os, "eventfd", raising=False)
    poller = Poller()
    posted = [0, 0, 0]
    count = 500

    def post(index):
        for _ in range(count):
            posted[index] += 1
            poller.wake()
            if posted[index] % 50 == 0:
                time.sleep(0.0005)

    threads = [threading.Thread(target=post, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    seen = 0
    while seen < 3 * count:
        _, took_s = timed(poller.wait, [], TIMEOUT_MS)
        assert took_s < TIMEOUT_MS / 1000, f"a wake-up was lost after {seen}"
        seen = sum(posted)
    for thread in threads:
        thread.join()
    poller.close()


def test_close_releases_the_descriptors_once(monkeypatch):
    closed = []
    monkeypatch.setattr(os, "close", closed.append)
    poller = Poller()
    fds = {poller._read_fd, poller._write_fd}
    poller.close()
    poller.close()
    assert sorted(closed) == sorted(fds)
    monkeypatch.undo()
    for fd in fds:
        os.close(fd)
    poller.wake()  # does nothing; it would raise EBADF


# -- sockets without a descriptor


class Modem(base.Socket):
    """Neither fileno nor readable: datagrams come by `feed`, from any thread."""

    def __init__(self):
        self.items = []
        self.arrived = threading.Condition()

    def feed(self, item):
        with self.arrived:
            self.items.append(item)
            self.arrived.notify()

    def recv(self, size):
        return self.recv_timeout(size, 0)

    def recv_timeout(self, size, timeout_ms):
        with self.arrived:
            if not self.items:
                self.arrived.wait(timeout_ms / 1000)
            item = self.items.pop(0) if self.items else None
        if isinstance(item, Exception):
            raise item
        return item

    def close(self):
        pass


@pytest.fixture
def modem():
    return Modem()


@pytest.fixture
def slow(modem):
    return Platform(socket=lambda: modem).socket()


def test_a_modems_datagrams_are_not_lost(poller, slow, modem):
    for number in range(5):
        modem.feed(b"%d" % number)
    received = []
    while len(received) < 5:
        assert list(poller.wait([slow], TIMEOUT_MS)) == [slow]
        received.append(slow.recv(100))
    assert received == [b"0", b"1", b"2", b"3", b"4"]
    ready, took_s = timed(poller.wait, [slow], 30)
    assert list(ready) == []
    assert 0.025 <= took_s < AT_ONCE_S


def test_a_modems_datagram_ends_the_wait(poller, slow, modem):
    threading.Timer(0.03, modem.feed, [b"late"]).start()
    ready, took_s = timed(poller.wait, [slow], None)
    assert list(ready) == [slow]
    assert took_s < AT_ONCE_S
    assert slow.recv(100) == b"late"


def test_a_modems_error_is_raised_by_recv(poller, slow, modem):
    modem.feed(TransportError("the modem is gone"))
    assert list(poller.wait([slow], TIMEOUT_MS)) == [slow]
    with pytest.raises(TransportError, match="the modem is gone"):
        slow.recv(100)


def test_a_wake_up_waits_for_one_slice_of_a_modem_at_most(poller, slow):
    threading.Timer(0.03, poller.wake).start()
    ready, took_s = timed(poller.wait, [slow], TIMEOUT_MS)
    assert list(ready) == []
    assert took_s < AT_ONCE_S


def test_a_modem_and_a_socket_together(poller, slow, modem, link):
    links = [slow, link]
    link.send(b"from the socket")
    assert list(poller.wait(links, TIMEOUT_MS)) == [link]
    assert link.recv(100) == b"from the socket"
    modem.feed(b"from the modem")
    assert list(poller.wait(links, TIMEOUT_MS)) == [slow]
    assert slow.recv(100) == b"from the modem"
    assert list(poller.wait(links, 0)) == []
