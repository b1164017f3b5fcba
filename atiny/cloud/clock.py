"""The cloud's time: the event loop's own, or one that a test moves.

Lifetimes, awake windows and the expiry of commands are counted on it. The retransmissions of CoAP are aiocoap's and
run on the event loop's clock; their times are parameters of `Cloud`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Handle(Protocol):
    """What `Clock.call_later` returns."""

    def cancel(self) -> None:
        """Do not call it any more."""


class Clock(Protocol):
    """Where the cloud takes its time from."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC, for the time stamps of events."""

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Handle:
        """Call ``callback()`` in ``delay_s`` seconds, on the cloud's event loop."""


class LoopClock:
    """The running event loop's clock; what a cloud uses unless told otherwise."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return time.time()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Handle:
        return asyncio.get_running_loop().call_later(delay_s, callback)


class ManualClock:
    """A clock that stands still until `advance` moves it: a day of lifetime passes in no time.

    ``wall_start``: what `wall` says at the beginning, seconds since 1970-01-01 UTC.
    """

    def __init__(self, wall_start: float = 1_600_000_000.0):
        self._now = 0.0
        self._wall_start = wall_start
        self._order = itertools.count()
        self._due: list[tuple[float, int, _ManualHandle]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall_start + self._now

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Handle:
        handle = _ManualHandle(callback)
        heapq.heappush(self._due, (self._now + delay_s, next(self._order), handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; what falls due is called in its order, each at its own time.

        To be called on the cloud's event loop (`CloudThread.call` does that from outside).
        """
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            when, _, handle = heapq.heappop(self._due)
            self._now = max(self._now, when)
            handle.run()
        self._now = end


class _ManualHandle:
    def __init__(self, callback: Callable[[], None]):
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def run(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()
