"""Memory stays flat over a thousand handshakes and a hundred thousand messages, on both runtimes."""

import gc
import tracemalloc

import pytest

from tests.bench.driver import rss_kb
from tests.dtls.peer import Peer, Wire, client
from tests.dtls.test_micropython import run
from tests.dtls.udp import Gateway

HANDSHAKES, MESSAGES = 1000, 100_000


def measure():
    """What Python holds, in bytes, and the process, in kB."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0], rss_kb("self")


@pytest.fixture
def traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


def handshakes(count):
    """Sessions one after the other, each ended in another way."""
    for number in range(count):
        wire = Wire(client(), Peer())
        wire.shake_hands()
        if number % 3 == 0:
            wire.session.close()
        elif number % 3 == 1:
            wire.session.receive(wire.peer.farewell(), 0)


def failures(count):
    for number in range(count):
        wire = Wire(client(key=b"another" if number % 2 else b"third"), Peer())
        wire.shake_hands()
        assert wire.session.closed


@pytest.mark.slow
def test_handshakes_on_cpython(traced):
    handshakes(500)  # the allocators take what they need, once
    failures(500)
    before = measure()
    handshakes(HANDSHAKES)
    failures(HANDSHAKES)
    heap, resident = (after - earlier for after, earlier in zip(measure(), before, strict=True))
    assert heap < 20_000
    assert resident < 1000


@pytest.mark.slow
def test_messages_on_cpython(traced):
    wire = Wire(client(), Peer())
    wire.shake_hands()

    def messages(count):
        session, peer = wire.session, wire.peer
        for number in range(count):
            message = b"message %d" % number
            assert peer.receive(session.protect(message)) == [message]
            assert session.receive(peer.protect(message), 0) == (message,)
            session.receive(message, 0)  # garbage

    messages(1000)
    before = measure()
    messages(MESSAGES)
    heap, resident = (after - earlier for after, earlier in zip(measure(), before, strict=True))
    assert heap < 5000
    assert resident < 500


@pytest.mark.slow
def test_micropython():
    with Gateway(None) as gateway:
        lines = run("memory", gateway.port, HANDSHAKES, MESSAGES, timeout_s=300)
    for line, name in zip(lines, ("handshakes", "messages"), strict=True):
        word, heap, resident = line.split()
        assert word == name
        assert int(heap) < 4000, line
        assert int(resident) < 500, line
