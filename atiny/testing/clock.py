"""Virtual time, and the hardware that lives in it."""

from __future__ import annotations

import random

from ..adapter.base import Hardware


class VirtualClock:
    """Integer milliseconds that pass only when a test says so.

    ``start_ms`` is not 0 by default, so that code which takes 0 for "never" shows itself.
    """

    def __init__(self, start_ms: int = 1_000_000):
        self._now_ms = start_ms

    @property
    def now_ms(self) -> int:
        """The virtual time, in milliseconds."""
        return self._now_ms

    def advance(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass; raises ValueError for less than none."""
        if ms < 0:
            raise ValueError(f"time does not go back: {ms} ms")
        self._now_ms += ms

    def advance_to(self, now_ms: int) -> None:
        """Go to the moment ``now_ms``; raises ValueError where it is past."""
        self.advance(now_ms - self._now_ms)


class VirtualHardware(Hardware):
    """Hardware in virtual time: seeded randomness, the log in a list, `usleep` lets the clock go on.

    ``log``: the lines of `printf`. ``memory_bytes``: what `memory` answers. `script_random` chooses the next bytes.
    """

    def __init__(self, clock: VirtualClock | None = None, seed: int | str = 0):
        self.clock = clock or VirtualClock()
        self.log: list[str] = []
        self.memory_bytes = (32_768, 65_536)
        self._random = random.Random(seed)
        self._scripted = b""
        self._slept_us = 0

    def gettime_ms(self) -> int:
        """The virtual time."""
        return self.clock.now_ms

    def usleep(self, us: int) -> None:
        """Let the virtual clock go on; what is less than a millisecond adds up."""
        self._slept_us += us
        self.clock.advance(self._slept_us // 1000)
        self._slept_us %= 1000

    def script_random(self, data: bytes) -> None:
        """`random` gives ``data`` first (after what is scripted already), then seeded bytes again."""
        self._scripted += data

    def random(self, n: int) -> bytes:
        """Scripted bytes, then bytes from the seed."""
        scripted, self._scripted = self._scripted[:n], self._scripted[n:]
        return scripted + self._random.randbytes(n - len(scripted))

    def printf(self, text: str) -> None:
        """Keep the line in ``log``."""
        self.log.append(text)

    def memory(self) -> tuple[int, int]:
        """What ``memory_bytes`` says."""
        return self.memory_bytes
