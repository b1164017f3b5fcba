# mypy: disable-error-code="attr-defined,no-any-return"
"""The adapters of MicroPython: the unix port and boards with `socket`.

Ports differ in what they have, so what may be missing is looked for where it is used: threads, os.urandom, IPv6, a
loopback interface. The links are in `micropython_net`, what several threads need in `micropython_threads`.
"""

import gc
import os
import time

from . import base
from .micropython_net import Poller, Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Hardware(base.Hardware):
    """The port's ticks, counted on beyond their period; the port's randomness; the log goes to the console."""

    def __init__(self) -> None:
        self._last = (time.ticks_ms(), 0)  # one tuple: what another thread replaces is true as well
        if not hasattr(os, "urandom"):
            import random

            random.seed(time.ticks_us())

    def gettime_ms(self) -> int:
        """Milliseconds since this object was made.

        To be called once in half a period of ticks_ms at least (6 days on most boards), which the loop does. Not from
        an interrupt.
        """
        last, now_ms = self._last
        ticks = time.ticks_ms()
        now_ms += time.ticks_diff(ticks, last)
        self._last = (ticks, now_ms)
        return now_ms

    def usleep(self, us: int) -> None:
        """Sleep for ``us`` microseconds."""
        time.sleep_us(us)

    def random(self, n: int) -> bytes:
        """``n`` bytes from os.urandom; from `random`, seeded with the time since the start, on a port without it."""
        if hasattr(os, "urandom"):
            return os.urandom(n)
        import random

        return bytes([random.getrandbits(8) for _ in range(n)])

    def printf(self, text: str) -> None:
        """One line on the console."""
        print(text)

    def memory(self) -> "tuple[int, int]":
        """(free, total) bytes of the heap."""
        free = gc.mem_free()
        return (free, free + gc.mem_alloc())


class Platform(base.Platform):
    """The adapters of this module, where the host gives none of its own."""

    def default_socket(self) -> base.Socket:
        """A new `Socket`; the sockets of one platform know which addresses refused."""
        return Socket(self._refused)

    def default_hardware(self) -> base.Hardware:
        """The port's `Hardware`."""
        return Hardware()

    def poller(self) -> base.Poller:
        """A new `Poller`."""
        poller = Poller()
        try:
            from .micropython_threads import new_bell

            poller.bell = new_bell(int.from_bytes(self.hardware.random(2), "big"))
        except ImportError:  # a build for one thread
            pass
        return poller

    def default_mutex(self) -> base.Mutex:
        """A new `Mutex`."""
        from .micropython_threads import Mutex

        return Mutex()

    def signal(self) -> base.Signal:
        """A new `Signal`."""
        from .micropython_threads import Signal

        return Signal()

    def spawn(self, function: "Callable[[], object]") -> base.Thread:
        """Run ``function()`` in a new thread; `NotSupported` on a port without threads."""
        from .micropython_threads import Thread

        return Thread(function)

    def thread_id(self) -> int:
        """The runtime's number of the calling thread; 0 on a port without threads."""
        from .micropython_threads import thread_id

        return thread_id()
