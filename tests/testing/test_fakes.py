"""The fakes: that they do what they are told, record it, and notice misuse."""

import threading

import pytest

from atiny.commands import ATINY_GET_MODEL_NUMBER, ATINY_UPDATE_PSK, ATINY_WRITE_APP_DATA
from atiny.errors import ATINY_RESOURCE_NOT_FOUND, NotSupported, TransportError
from atiny.testing import (
    FakeCommandHandler,
    FakeMutex,
    FakePoller,
    FakeSignal,
    FakeSocket,
    Network,
    NetworkSocket,
    VirtualClock,
    VirtualPlatform,
    check_mutex,
)

# -- socket


def connected(**options):
    socket = FakeSocket(**options)
    socket.connect("host", 5683, "udp")
    return socket


def test_a_scripted_socket():
    socket = connected()
    assert socket.connected == ("host", 5683, "udp")
    socket.feed(b"one", TransportError("gone"), b"0123456789")
    assert socket.readable(0)
    assert socket.recv(100) == b"one"
    with pytest.raises(TransportError, match="gone"):
        socket.recv(100)
    assert socket.recv(4) == b"0123"
    assert socket.recv(100) is None
    assert not socket.readable(0)
    assert socket.send(bytearray(b"abc")) == 3
    assert socket.sent == [b"abc"]


def test_a_socket_that_answers():
    socket = connected()
    socket.on_send = lambda data: [data + b"!", data + b"?"] if data != b"silence" else None
    socket.send(b"hello")
    socket.send(b"silence")
    assert [socket.recv(100) for _ in range(3)] == [b"hello!", b"hello?", None]


def test_a_socket_that_fails():
    socket = FakeSocket()
    socket.fail("connect", TransportError("no route"))
    with pytest.raises(TransportError, match="no route"):
        socket.connect("host", 5683, "udp")
    socket.connect("host", 5683, "udp")
    socket.fail("send", None, TransportError("refused", refused=True))
    socket.send(b"one")
    with pytest.raises(TransportError, match="refused"):
        socket.send(b"two")
    socket.send(b"three")
    assert socket.sent == [b"one", b"three"]


def test_a_socket_waits_in_virtual_time():
    clock = VirtualClock(0)
    socket = connected(clock=clock)
    assert socket.recv_timeout(100, 250) is None
    assert clock.now_ms == 250
    socket.feed(b"here")
    assert socket.recv_timeout(100, 250) == b"here"
    assert clock.now_ms == 250


def test_misuse_of_a_socket():
    with pytest.raises(AssertionError, match="before connect"):
        FakeSocket().send(b"x")
    socket = connected()
    socket.close()
    socket.close()
    assert socket.closed == 2
    with pytest.raises(AssertionError, match="after close"):
        socket.recv(100)


# -- mutex


def test_the_fake_mutex_is_a_mutex():
    assert len(check_mutex(FakeMutex)) == 5


def test_a_mutex_counts():
    mutex = FakeMutex()
    mutex.lock()
    assert mutex.locked
    mutex.unlock()
    assert not mutex.locked
    assert mutex.locks == 1


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        (["lock", "lock"], "wait for itself"),
        (["unlock"], "is free"),
        (["lock", "unlock", "unlock"], "is free"),
        (["lock", "destroy"], "is held"),
        (["destroy", "lock"], r"lock\(\) after destroy"),
        (["destroy", "destroy"], r"destroy\(\) after destroy"),
    ],
)
def test_misuse_of_a_mutex(calls, why):
    mutex = FakeMutex()
    for name in calls[:-1]:
        getattr(mutex, name)()
    with pytest.raises(AssertionError, match=why):
        getattr(mutex, calls[-1])()


def test_a_mutex_is_unlocked_by_its_thread():
    mutex = FakeMutex()
    thread = threading.Thread(target=mutex.lock)
    thread.start()
    thread.join()
    with pytest.raises(AssertionError, match="another thread holds"):
        mutex.unlock()


# -- signal, poller, platform


def test_a_signal_without_a_world():
    signal = FakeSignal()
    assert not signal.wait(None)
    signal.set()
    assert signal.wait(0)
    assert signal.waits == [None, 0]


def test_a_signal_lets_time_pass():
    network = Network(VirtualClock(0))
    signal = FakeSignal(network.clock, network.advance)
    assert not signal.wait(100)
    assert network.clock.now_ms == 100
    network.call_at(150, signal.set)
    assert signal.wait(None)
    assert network.clock.now_ms == 150


def test_a_poller_without_a_world():
    clock = VirtualClock(0)
    poller = FakePoller(clock)
    socket = connected()
    assert poller.wait([socket], 100) == []
    assert clock.now_ms == 100
    socket.feed(b"x")
    assert poller.wait([socket], 100) == [socket]
    assert poller.wait([], 0) == []
    poller.wake()
    poller.wake()
    assert poller.wait([], 100) == []
    assert clock.now_ms == 100
    assert poller.wait([], 100) == []
    assert clock.now_ms == 200
    assert (poller.wakes, poller.waits) == (2, [100, 100, 0, 100, 100])


def test_a_poller_that_is_scripted():
    poller = FakePoller()
    socket = connected()
    poller.on_wait = lambda: socket.feed(b"now")
    assert poller.wait([socket], None) == [socket]


def test_misuse_of_a_poller():
    poller = FakePoller()
    poller.close()
    with pytest.raises(AssertionError, match="after close"):
        poller.wait([], 0)


def test_a_poller_notices_a_tight_loop():
    poller = FakePoller()

    def loop():
        while True:
            poller.wait([], 0)

    with pytest.raises(AssertionError, match="a tight loop: 1000 waits for nothing at 1000000 ms"):
        loop()


def test_a_busy_poller_is_no_tight_loop():
    poller = FakePoller()
    socket = connected()
    for _ in range(2000):
        socket.feed(b"x")
        assert poller.wait([socket], 0) == [socket]
        socket.recv(10)


def test_a_virtual_platform():
    network = Network(VirtualClock(0))
    platform = VirtualPlatform(network, "dev")
    port = network.bind("server", 5683, lambda data, source: port.send(data.upper(), source))
    socket = platform.socket()
    assert type(socket) is NetworkSocket
    socket.connect("server", 5683, "udp")
    socket.send(b"hello")
    poller = platform.poller()
    assert poller.wait([socket], None) == [socket]
    assert socket.recv(100) == b"HELLO"
    assert (network.clock.now_ms, platform.hardware.gettime_ms()) == (40, 40)
    assert poller.wait([socket], 60) == []
    assert network.clock.now_ms == 100
    platform.hardware.printf("line")
    assert platform.log == ["line"]
    assert platform.sockets == [socket]
    socket.close()
    other = platform.socket()
    assert platform.sockets == [other]
    ids = []
    poller.on_wait = lambda: ids.append(platform.thread_id())
    poller.wait([], 0)
    assert ids == [2]  # whoever runs while the loop sleeps is not the loop
    assert platform.thread_id() == 1
    with pytest.raises(NotSupported, match="no threads in virtual time"):
        platform.spawn(print)


def test_the_randomness_of_platforms():
    draws = [
        VirtualPlatform(Network(seed=seed), host).hardware.random(8) for seed, host in ((1, "a"), (1, "b"), (2, "a"))
    ]
    assert len(set(draws)) == 3
    assert VirtualPlatform(Network(seed=1), "a").hardware.random(8) == draws[0]


# -- commands


def test_commands_are_recorded_and_answered():
    handler = FakeCommandHandler(
        {
            ATINY_GET_MODEL_NUMBER: "lamp",
            ATINY_WRITE_APP_DATA: lambda data: len(data),
            ATINY_UPDATE_PSK: RuntimeError("broken"),
        }
    )
    assert handler.cmd_ioctl(ATINY_GET_MODEL_NUMBER) == "lamp"
    assert handler.cmd_ioctl(ATINY_WRITE_APP_DATA, b"on") == 2
    with pytest.raises(RuntimeError, match="broken"):
        handler.cmd_ioctl(ATINY_UPDATE_PSK, (b"id", b"key"))
    assert handler.commands == [
        (ATINY_GET_MODEL_NUMBER, None),
        (ATINY_WRITE_APP_DATA, b"on"),
        (ATINY_UPDATE_PSK, (b"id", b"key")),
    ]
    assert handler.args(ATINY_WRITE_APP_DATA) == [b"on"]


def test_commands_without_a_script_are_not_supported():
    handler = FakeCommandHandler()
    assert handler.cmd_ioctl(ATINY_GET_MODEL_NUMBER) is None
    assert handler.cmd_ioctl(ATINY_WRITE_APP_DATA, b"on") == ATINY_RESOURCE_NOT_FOUND
    assert len(handler.commands) == 2
