"""Conformance checks for a porting engineer: does an adapter keep the contract of `atiny.adapter.base`?

Each takes a factory (a class will do), works on real time and real hardware for a second or two, returns the list of
what it checked, and raises AssertionError with the rule that is broken and how to mend it. This file has
`check_hardware` and `check_mutex`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..adapter.base import Hardware, Mutex

BLOCKED_S = 0.1  # a thread that has not gone on after this is taken to be blocked
PATIENCE_S = 5.0  # and one that has not after this is taken to hang


class Checklist:
    """The rules that hold so far; `rule` adds one, or says that it is broken."""

    def __init__(self, subject: str):
        self.subject = subject
        self.done: list[str] = []

    def rule(self, name: str, holds: bool, found: str, mend: str) -> None:
        """``name`` is the rule; where it does not hold, ``found`` is what was seen and ``mend`` what to do."""
        if not holds:
            raise AssertionError(f"{self.subject}: broken rule: {name}. Seen: {found}. To mend it: {mend}.")
        if name not in self.done:
            self.done.append(name)


def check_hardware(factory: Callable[[], Hardware]) -> list[str]:
    """Check the clock, the randomness, the log and the memory figures of ``factory()``."""
    check = Checklist("Hardware")
    hardware = factory()
    first = hardware.gettime_ms()
    check.rule(
        "gettime_ms gives an int",
        type(first) is int,
        f"{first!r}",
        "count whole milliseconds; a float loses them after some hours",
    )
    last = first
    for _ in range(10_000):
        now = hardware.gettime_ms()
        check.rule(
            "gettime_ms never goes back",
            now >= last,
            f"{now} after {last}",
            "use a monotonic clock, not the time of day, and count on where the hardware's counter wraps",
        )
        last = now
    start, start_s = hardware.gettime_ms(), time.monotonic()
    hardware.usleep(50_000)
    slept_ms, real_ms = hardware.gettime_ms() - start, int((time.monotonic() - start_s) * 1000)
    check.rule(
        "gettime_ms counts milliseconds",
        abs(slept_ms - real_ms) <= 20,
        f"{slept_ms} where {real_ms} ms passed",
        "count in milliseconds",
    )
    check.rule(
        "usleep sleeps for microseconds",
        45 <= real_ms <= 400,
        f"usleep(50_000) took {real_ms} ms",
        "its argument is in microseconds",
    )
    for n in (0, 1, 4, 16, 64):
        data = hardware.random(n)
        check.rule(
            "random(n) gives n bytes",
            type(data) is bytes and len(data) == n,
            f"random({n}) gave {data!r}",
            "return exactly n bytes",
        )
    draws = [hardware.random(8) for _ in range(64)]
    check.rule(
        "random does not repeat itself",
        len(set(draws)) == len(draws),
        f"{len(set(draws))} different values in {len(draws)} draws of 8 bytes",
        "keep the generator's state between calls",
    )
    other = [factory().random(8) for _ in range(4)]
    check.rule(
        "random differs from start to start",
        len(set(other)) == len(other),
        f"new adapters began with {[data.hex() for data in other]}",
        "seed from the hardware: devices that start alike retry alike, all at the same moment",
    )
    try:
        for text in ("", "atiny: conformance check", "ünï©ödé", "100 %s {}"):
            hardware.printf(text)
    except Exception as error:
        check.rule("printf takes any text", False, repr(error), "write the text as it is: it is not a format")
    check.rule("printf takes any text", True, "", "")
    memory = hardware.memory()
    check.rule(
        "memory gives (free, total) in bytes",
        len(memory) == 2 and all(type(size) is int for size in memory) and 0 <= memory[0] <= memory[1],
        f"{memory!r}",
        "return two ints, free first; (0, 0) where it is not known",
    )
    return check.done


def check_mutex(factory: Callable[[], Mutex]) -> list[str]:
    """Check that mutexes of ``factory()`` exclude threads from each other. The runtime has to have threads."""
    check = Checklist("Mutex")
    mutex, other = factory(), factory()
    entered = threading.Event()

    def enter() -> None:
        mutex.lock()
        entered.set()
        mutex.unlock()

    mutex.lock()
    second = threading.Thread(target=enter, daemon=True)
    second.start()
    check.rule(
        "lock waits while another thread holds it",
        not entered.wait(BLOCKED_S),
        "a second thread got the lock",
        "use a lock of the system's, made once, in __init__",
    )

    def pass_through() -> None:
        other.lock()
        other.unlock()

    free = threading.Thread(target=pass_through, daemon=True)
    free.start()
    free.join(PATIENCE_S)
    check.rule(
        "mutexes are independent of each other",
        not free.is_alive(),
        "lock() waited for another mutex",
        "make a lock for each object, not one for the class",
    )
    mutex.unlock()
    check.rule(
        "unlock lets the next thread in",
        entered.wait(PATIENCE_S),
        f"a waiting thread was still waiting after {PATIENCE_S} s",
        "release the lock that lock() obtained",
    )
    second.join(PATIENCE_S)
    count = [0]

    def add() -> None:
        for _ in range(200):
            mutex.lock()
            value = count[0]
            time.sleep(0)  # invites the others in
            count[0] = value + 1
            mutex.unlock()

    threads = [threading.Thread(target=add, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    check.rule(
        "one thread at a time",
        count[0] == 800,
        f"{count[0]} of 800 additions were kept",
        "use a lock of the system's, not a flag",
    )
    try:
        mutex.destroy()
        other.destroy()
    except Exception as error:
        check.rule("destroy releases a free mutex", False, repr(error), "do nothing where nothing has to be released")
    check.rule("destroy releases a free mutex", True, "", "")
    return check.done
