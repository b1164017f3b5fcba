# mypy: disable-error-code="attr-defined,call-overload,arg-type,no-any-return"
"""The threads of MicroPython: locks, flags, threads, and the bell that wakes a poller.

A port without `_thread` has all of this but the threads.
"""

import select
import socket
import sys
import time

from ..errors import NotSupported
from . import base

try:
    import _thread
except ImportError:
    _thread = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SIGNAL_SLICE_MS = 10
_FIRST_PORT = 49152  # of those that anybody may use (RFC 6335, 6)


def thread_id() -> int:
    """The runtime's number of the calling thread; 0 on a port without threads."""
    return _thread.get_ident() if _thread else 0


class Mutex(base.Mutex):
    """A lock of the runtime; nothing at all on a port without threads."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock() if _thread else None

    def lock(self) -> None:
        """Obtain the lock."""
        if self._lock:
            self._lock.acquire()

    def unlock(self) -> None:
        """Give it back."""
        if self._lock:
            self._lock.release()

    def destroy(self) -> None:
        """Nothing to do: the runtime frees it."""


class Signal(base.Signal):
    """A flag that waiters look at every SIGNAL_SLICE_MS: locks have no time-out here."""

    def __init__(self) -> None:
        self._raised = False

    def set(self) -> None:
        """Raise the flag."""
        self._raised = True

    def wait(self, timeout_ms: "int | None") -> bool:
        """Wait for the flag."""
        start = time.ticks_ms()
        waited_ms = 0
        while not self._raised and (timeout_ms is None or waited_ms < timeout_ms):
            time.sleep_ms(SIGNAL_SLICE_MS)
            now = time.ticks_ms()
            waited_ms += time.ticks_diff(now, start)
            start = now
        return self._raised


class Thread(base.Thread):
    """A thread of `_thread`, which tells by a `Signal` that it has ended."""

    def __init__(self, function: "Callable[[], object]"):
        if not _thread:
            raise NotSupported("this port of MicroPython has no threads: call run() or step() instead")
        self._function = function
        self._ended = Signal()
        self._ident = 0
        _thread.start_new_thread(self._run, ())

    def join(self, timeout_ms: "int | None" = None) -> bool:
        """Wait for its end."""
        if self._ident == _thread.get_ident() and not self._ended.wait(0):
            return False
        return self._ended.wait(timeout_ms)

    def _run(self) -> None:
        self._ident = _thread.get_ident()
        try:
            self._function()
        except Exception as error:  # or the runtime would print it and the thread end unnoticed
            sys.print_exception(error)
        finally:
            self._ended.set()


def new_bell(number: int) -> "Any":
    """A UDP socket connected to itself, or None where the port cannot do that. ``number``: random, of 16 bits."""
    for _ in range(8):
        bell = None
        try:
            number = _FIRST_PORT + number % (65536 - _FIRST_PORT)
            address = socket.getaddrinfo("127.0.0.1", number, 0, socket.SOCK_DGRAM)[0][-1]
            bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bell.bind(address)  # fails where the number is taken
            bell.connect(address)
            bell.setblocking(False)
            bell.send(b"?")
            poll = select.poll()
            poll.register(bell, select.POLLIN)
            if poll.poll(base.SLICE_MS) and bell.recv(16) == b"?":
                return bell
        except OSError:
            pass
        if bell is not None:
            bell.close()
        number += 1237
    return None
