"""The conformance checks of hardware and mutex: each rule is broken once, and found."""

import random
import threading
import time

import pytest

from atiny.adapter import posix
from atiny.testing import check_hardware, check_mutex


class LateFloat(posix.Hardware):
    def gettime_ms(self):
        return time.monotonic() * 1000


class TimeOfDay(posix.Hardware):
    """Somebody sets the clock back."""

    calls = 0

    def gettime_ms(self):
        self.calls += 1
        return super().gettime_ms() - (3_600_000 if self.calls > 100 else 0)


class Wraps(posix.Hardware):
    def __init__(self):
        self.calls = 0

    def gettime_ms(self):
        self.calls += 1
        return (2**30 - 50 + self.calls) % 2**30


class Seconds(posix.Hardware):
    def gettime_ms(self):
        return super().gettime_ms() // 1000


class SleepsMs(posix.Hardware):
    def usleep(self, us):
        time.sleep(us / 100_000)


class HexRandom(posix.Hardware):
    def random(self, n):
        return super().random(n).hex()


class ShortRandom(posix.Hardware):
    def random(self, n):
        return super().random(n)[:8]


class ArrayRandom(posix.Hardware):
    def random(self, n):
        return bytearray(super().random(n))


class StuckRandom(posix.Hardware):
    def random(self, n):
        return random.Random(4).randbytes(n)


class UnseededRandom(posix.Hardware):
    def __init__(self):
        self.random = random.Random(4).randbytes


class FormatPrintf(posix.Hardware):
    def printf(self, text):
        print(text % ())


class AsciiPrintf(posix.Hardware):
    def printf(self, text):
        text.encode("ascii")


class Kilobytes(posix.Hardware):
    def memory(self):
        return (3, 2)


class OneFigure(posix.Hardware):
    def memory(self):
        return (3.5, 4.0)


class Silent(posix.Hardware):
    def printf(self, text):
        pass


HARDWARE = [
    (LateFloat, "gettime_ms gives an int"),
    (TimeOfDay, "gettime_ms never goes back"),
    (Wraps, "gettime_ms never goes back"),
    (Seconds, "gettime_ms counts milliseconds"),
    (SleepsMs, "usleep sleeps for microseconds"),
    (HexRandom, r"random\(n\) gives n bytes"),
    (ShortRandom, r"random\(n\) gives n bytes"),
    (ArrayRandom, r"random\(n\) gives n bytes"),
    (StuckRandom, "random does not repeat itself"),
    (UnseededRandom, "random differs from start to start"),
    (FormatPrintf, "printf takes any text"),
    (AsciiPrintf, "printf takes any text"),
    (Kilobytes, r"memory gives \(free, total\) in bytes"),
    (OneFigure, r"memory gives \(free, total\) in bytes"),
]


@pytest.mark.parametrize(("broken", "rule"), HARDWARE)
def test_broken_hardware_is_found(broken, rule):
    with pytest.raises(AssertionError, match=f"Hardware: broken rule: {rule}. Seen: .+ To mend it: "):
        check_hardware(broken)


def test_every_rule_of_hardware_is_broken_once():
    rules = check_hardware(Silent)
    assert {rule.replace("\\", "") for _, rule in HARDWARE} == set(rules)


# -- mutex


class NoLock(posix.Mutex):
    def lock(self):
        pass

    def unlock(self):
        pass


class SharedLock(posix.Mutex):
    shared = threading.Lock()

    def __init__(self):
        self._lock = SharedLock.shared


class NeverUnlocks(posix.Mutex):
    def unlock(self):
        pass


class Flag(posix.Mutex):
    """Looks, waits, and then takes it, whoever was quicker."""

    def __init__(self):
        self.taken = False

    def lock(self):
        while self.taken:
            time.sleep(0.0001)
        time.sleep(0.0005)  # long enough for the other thread to look too, on every Python
        self.taken = True

    def unlock(self):
        self.taken = False


class NoDestroy(posix.Mutex):
    def destroy(self):
        raise NotImplementedError


MUTEX = [
    (NoLock, "lock waits while another thread holds it"),
    (SharedLock, "mutexes are independent of each other"),
    (NeverUnlocks, "unlock lets the next thread in"),
    (Flag, "one thread at a time"),
    (NoDestroy, "destroy releases a free mutex"),
]


@pytest.mark.parametrize(("broken", "rule"), MUTEX)
def test_a_broken_mutex_is_found(broken, rule, monkeypatch):
    if broken in (SharedLock, NeverUnlocks):  # the check sees that these hang, and should see it soon
        monkeypatch.setattr("atiny.testing.checks.PATIENCE_S", 0.3)
    with pytest.raises(AssertionError, match=f"Mutex: broken rule: {rule}. Seen: .+ To mend it: "):
        check_mutex(broken)


def test_every_rule_of_the_mutex_is_broken_once():
    assert {rule for _, rule in MUTEX} == set(check_mutex(posix.Mutex))
