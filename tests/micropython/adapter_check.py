"""The MicroPython adapter under MicroPython: exits 1 if something fails. tests/adapter/test_micropython.py runs it.

MICROPYPATH=. micropython tests/micropython/adapter_check.py ECHO_PORT REFUSED_PORT FOLDER
"""

import os
import sys
import time

from atiny import FileStore
from atiny.adapter import Platform, base, micropython as adapter, micropython_net
from atiny.errors import NotSupported, ParameterError, TransportError

Platform().mutex()  # loads what several threads need
micropython_threads = sys.modules["atiny.adapter.micropython_threads"]

TIMEOUT_MS = 5000
AT_ONCE_MS = 1000
HOST = "127.0.0.1"
ECHO_PORT, REFUSED_PORT, FOLDER = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Failure(Exception):
    pass


def expect(found, expected) -> None:
    if found != expected:
        raise Failure("expected %r, got %r" % (expected, found))


def raises(error, function, *args):
    try:
        result = function(*args)
    except error as caught:
        return caught
    raise Failure("expected %s, got %r" % (error.__name__, result))


def timed(function, *args):
    start = time.ticks_ms()
    result = function(*args)
    return result, time.ticks_diff(time.ticks_ms(), start)


def connected():
    link = Platform().socket()
    link.connect(HOST, ECHO_PORT, "udp")
    return link


def check_platform() -> None:
    expect(Platform is adapter.Platform, True)
    platform = Platform()
    expect(type(platform.socket()) is adapter.Socket, True)
    expect(platform.thread_id(), platform.thread_id())


def check_socket() -> None:
    link = connected()
    expect(timed(link.recv, 2048)[0], None)
    for size in (1, 100, 1280):
        data = bytes([index & 255 for index in range(size)])
        expect(link.send(data), size)
        expect(link.recv_timeout(2048, TIMEOUT_MS), data)
    link.send(b"0123456789")
    expect(link.recv_timeout(4, TIMEOUT_MS), b"0123")
    expect(link.recv(2048), None)
    nothing, took_ms = timed(link.recv_timeout, 2048, 60)
    expect(nothing, None)
    expect(55 <= took_ms < AT_ONCE_MS, True)
    link.send(b"late")
    answer, took_ms = timed(link.recv_timeout, 2048, TIMEOUT_MS)
    expect(answer, b"late")
    expect(took_ms < TIMEOUT_MS, True)
    link.send(b"stranger")
    expect(link.recv_timeout(2048, TIMEOUT_MS), b"stranger")
    expect(link.recv_timeout(2048, 60), None)
    link.close()
    link.close()
    raises(TransportError, link.send, b"x")


def check_names() -> None:
    link = Platform().socket()
    link.connect("localhost", ECHO_PORT, "udp")
    link.close()
    error = raises(TransportError, link.connect, "no-such-host.invalid", ECHO_PORT, "udp")
    expect("cannot resolve 'no-such-host.invalid'" in str(error), True)
    raises(NotSupported, link.connect, HOST, ECHO_PORT, "tcp")


def check_refused() -> None:
    first = {}
    link = adapter.Socket(first)
    link.connect(HOST, REFUSED_PORT, "udp")
    link.send(b"anyone?")
    expect(raises(TransportError, link.recv_timeout, 2048, TIMEOUT_MS).refused, True)
    expect(first, {(HOST, REFUSED_PORT): 1})
    link.close()


def check_hardware() -> None:
    hardware = adapter.Hardware()
    start = hardware.gettime_ms()
    hardware.usleep(30000)
    expect(28 <= hardware.gettime_ms() - start < AT_ONCE_MS, True)
    expect([len(hardware.random(n)) for n in (0, 1, 8)], [0, 1, 8])
    expect(hardware.random(8) == hardware.random(8), False)
    expect(type(hardware.random(4)) is bytes, True)
    free, total = hardware.memory()
    expect(0 < free < total, True)


class Ticks:
    """A `time` whose ticks_ms wraps at 2**30, as on boards."""

    PERIOD = 1 << 30

    def __init__(self, now):
        self.now = now

    def ticks_ms(self):
        return self.now % self.PERIOD

    def ticks_diff(self, a, b):
        half = self.PERIOD // 2
        return (a - b + half) % self.PERIOD - half


def check_ticks_wrap() -> None:
    ticks = Ticks(Ticks.PERIOD - 500)
    real = adapter.time
    adapter.time = ticks
    try:
        hardware = adapter.Hardware()
        passed = 0
        for step in (0, 499, 1, 1, 1000, Ticks.PERIOD // 2 - 1, Ticks.PERIOD // 2 - 1, 5):
            ticks.now += step
            passed += step
            expect(hardware.gettime_ms(), passed)
    finally:
        adapter.time = real
    expect(micropython_net.MAX_SLEEP_MS < Ticks.PERIOD // 2, True)


class NoRandomness:
    """An `os` without urandom."""


def check_random_without_urandom() -> None:
    real = adapter.os
    adapter.os = NoRandomness
    try:
        hardware = adapter.Hardware()
        expect(len(hardware.random(16)), 16)
        expect(hardware.random(16) == hardware.random(16), False)
    finally:
        adapter.os = real


def check_mutex() -> None:
    platform = Platform()
    mutex = platform.mutex()
    count = [0]

    def add():
        for _ in range(200):
            mutex.lock()
            value = count[0]
            time.sleep_us(1)
            count[0] = value + 1
            mutex.unlock()

    threads = [platform.spawn(add) for _ in range(3)]
    for thread in threads:
        expect(thread.join(TIMEOUT_MS), True)
    expect(count, [600])
    mutex.destroy()


def check_signal() -> None:
    platform = Platform()
    signal = platform.signal()
    expect(signal.wait(0), False)
    waited, took_ms = timed(signal.wait, 30)
    expect(waited, False)
    expect(28 <= took_ms < AT_ONCE_MS, True)

    def later():
        time.sleep_ms(30)
        signal.set()

    thread = platform.spawn(later)
    waited, took_ms = timed(signal.wait, TIMEOUT_MS)
    expect(waited, True)
    expect(took_ms < AT_ONCE_MS, True)
    expect(signal.wait(None), True)
    expect(thread.join(TIMEOUT_MS), True)


def check_threads() -> None:
    platform = Platform()
    seen = []
    gate = platform.signal()

    def run():
        gate.wait(TIMEOUT_MS)
        seen.append(platform.thread_id())
        seen.append(threads[0].join(TIMEOUT_MS))

    threads = [platform.spawn(run)]
    expect(threads[0].join(10), False)
    gate.set()
    expect(threads[0].join(TIMEOUT_MS), True)
    expect(seen[0] == platform.thread_id(), False)
    expect(seen[1], False)


def check_no_threads() -> None:
    real = micropython_threads._thread
    micropython_threads._thread = None
    try:
        platform = Platform()
        mutex = platform.mutex()
        mutex.lock()
        mutex.unlock()
        expect(platform.thread_id(), 0)
        raises(NotSupported, platform.spawn, check_platform)
    finally:
        micropython_threads._thread = real


def check_poller() -> None:
    poller = Platform().poller()
    expect(poller.bell is not None, True)
    check_waits(poller)


def check_poller_without_loopback() -> None:
    real = micropython_threads.new_bell
    micropython_threads.new_bell = no_bell
    try:
        poller = Platform().poller()
    finally:
        micropython_threads.new_bell = real
    expect(poller.bell, None)
    check_waits(poller)


def no_bell(number):
    return None


def check_waits(poller) -> None:
    first, second = connected(), connected()
    links = [first, second]
    ready, took_ms = timed(poller.wait, links, 60)
    expect(ready, [])
    expect(55 <= took_ms < AT_ONCE_MS, True)
    expect(poller.wait(links, 0), [])
    second.send(b"hello")
    ready, took_ms = timed(poller.wait, links, TIMEOUT_MS)
    expect(ready, [second])
    expect(took_ms < AT_ONCE_MS, True)
    expect(second.recv(100), b"hello")

    def later():
        time.sleep_ms(30)
        poller.wake()

    for timeout_ms in (None, TIMEOUT_MS):
        thread = Platform().spawn(later)
        ready, took_ms = timed(poller.wait, links, timeout_ms)
        expect(ready, [])
        expect(took_ms < AT_ONCE_MS, True)
        expect(thread.join(TIMEOUT_MS), True)
    for _ in range(100):
        poller.wake()
    expect(timed(poller.wait, links, TIMEOUT_MS)[1] < AT_ONCE_MS, True)
    expect(timed(poller.wait, links, 60)[1] >= 55, True)
    second.close()
    expect(poller.wait([first], 0), [])
    poller.close()
    poller.wake()
    first.close()


def check_no_wake_up_is_lost() -> None:
    poller = Platform().poller()
    posted = [0]

    def post():
        for _ in range(300):
            posted[0] += 1
            poller.wake()
            if posted[0] % 30 == 0:
                time.sleep_ms(1)

    thread = Platform().spawn(post)
    seen = 0
    while seen < 300:
        took_ms = timed(poller.wait, [], TIMEOUT_MS)[1]
        expect(took_ms < TIMEOUT_MS, True)
        seen = posted[0]
    expect(thread.join(TIMEOUT_MS), True)
    poller.close()


class Modem(base.Socket):
    def __init__(self):
        self.items = []

    def recv(self, size):
        return self.items.pop(0) if self.items else None

    def recv_timeout(self, size, timeout_ms):
        if not self.items:
            time.sleep_ms(timeout_ms)
        return self.recv(size)


def check_sockets_without_descriptor() -> None:
    modem = Modem()
    slow = Platform(socket=lambda: modem).socket()
    fast = connected()
    poller = Platform().poller()
    links = [slow, fast]
    modem.items.append(b"one")
    expect(poller.wait(links, TIMEOUT_MS), [slow])
    expect(slow.recv(100), b"one")
    fast.send(b"two")
    expect(poller.wait(links, TIMEOUT_MS), [fast])
    expect(fast.recv(100), b"two")

    def later():
        time.sleep_ms(30)
        poller.wake()

    thread = Platform().spawn(later)
    ready, took_ms = timed(poller.wait, links, TIMEOUT_MS)
    expect(ready, [])
    expect(took_ms < AT_ONCE_MS, True)
    ready, took_ms = timed(poller.wait, links, 60)
    expect(ready, [])
    expect(55 <= took_ms < AT_ONCE_MS, True)
    expect(thread.join(TIMEOUT_MS), True)
    poller.close()
    fast.close()


def check_store() -> None:
    store = FileStore(FOLDER)
    expect(store.get("state"), None)
    store.delete("state")
    for data in (b"first", bytes(range(256)) * 4, b"", b"last"):
        store.put("state", data)
        expect(FileStore(FOLDER).get("state"), data)
    store.put("..", b"dots")
    expect(store.get(".."), b"dots")
    raises(ParameterError, store.put, "../escaped", b"")
    store.delete("..")
    expect(os.listdir(FOLDER), ["state.rec"])


def check_store_after_a_power_cut() -> None:
    """Each state that a power cut can leave behind: the old or the new record is there, whole, and can be replaced."""
    for files, found in (
        ({"r.rec": b"old", "r.tmp": b"ne"}, b"old"),
        ({"r.rec": b"old", "r.new": b"new"}, b"old"),
        ({"r.new": b"new"}, b"new"),  # on FAT, between the removal of the old one and the renaming
        ({"r.new": b"new", "r.tmp": b"ne"}, b"new"),
        ({"r.tmp": b"ne"}, None),
    ):
        for then in ("get", "put", "delete"):
            for name, data in files.items():
                with open(FOLDER + "/" + name, "wb") as file:
                    file.write(data)
            store = FileStore(FOLDER)
            expect(store.get("r"), found)
            if then == "put":
                store.put("r", b"newer")
                expect(store.get("r"), b"newer")
            store.delete("r")
            expect(store.get("r"), None)


def main() -> None:
    failures = 0
    for check in (
        check_platform,
        check_socket,
        check_names,
        check_refused,
        check_hardware,
        check_ticks_wrap,
        check_random_without_urandom,
        check_mutex,
        check_signal,
        check_threads,
        check_no_threads,
        check_poller,
        check_poller_without_loopback,
        check_no_wake_up_is_lost,
        check_sockets_without_descriptor,
        check_store,
        check_store_after_a_power_cut,
    ):
        name = check.__name__ if hasattr(check, "__name__") else str(check)
        try:
            check()
            print("ok", name)
        except Exception as error:
            failures += 1
            print("FAILED", name)
            sys.print_exception(error)
    print("%d failed" % failures)
    sys.exit(1 if failures else 0)


main()
