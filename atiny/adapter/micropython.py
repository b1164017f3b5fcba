# mypy: disable-error-code="attr-defined,call-overload,arg-type,no-any-return"
"""The adapters of MicroPython: the unix port and boards with `socket`.

Ports differ in what they have, so what may be missing is looked for where it is used: threads, os.urandom, IPv6, a
loopback interface. The links are in `micropython_net`.
"""

import errno
import gc
import os
import sys
import time

from ..errors import NotSupported
from . import base
from .micropython_net import Poller, Socket, random_bytes

try:
    import _thread
except ImportError:
    _thread = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

SIGNAL_SLICE_MS = 10


class Hardware(base.Hardware):
    """The port's ticks, counted on beyond their period; the port's randomness; the log goes to the console."""

    def __init__(self) -> None:
        self._mutex = Mutex()
        self._ticks = time.ticks_ms()
        self._now_ms = 0
        if not hasattr(os, "urandom"):
            import random

            random.seed(time.ticks_us())

    def gettime_ms(self) -> int:
        """Milliseconds since this object was made.

        To be called once in half a period of ticks_ms at least (6 days on most boards), which the loop does. Not from
        an interrupt.
        """
        self._mutex.lock()
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        now_ms = self._now_ms
        self._mutex.unlock()
        return now_ms

    def usleep(self, us: int) -> None:
        """Sleep for ``us`` microseconds."""
        time.sleep_us(us)

    def random(self, n: int) -> bytes:
        """``n`` bytes from os.urandom; from `random`, seeded with the time since the start, on a port without it."""
        return random_bytes(n)

    def printf(self, text: str) -> None:
        """One line on the console."""
        print(text)

    def memory(self) -> "tuple[int, int]":
        """(free, total) bytes of the heap."""
        free = gc.mem_free()
        return (free, free + gc.mem_alloc())


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


class FileStore(base.Store):
    """A `Store` of one file for each record in ``folder``, which is made where it is missing.

    A record is written to NAME.tmp, renamed to NAME.new when it is whole, then to NAME.rec. On FAT, where a rename
    first removes what is in its way, a power cut may leave only NAME.new, and `get` takes that.
    """

    def __init__(self, folder: str):
        self._folder = folder
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise

    def get(self, name: str) -> "bytes | None":
        """The record, or None."""
        for path in (self._path(name, ".rec"), self._path(name, ".new")):
            try:
                with open(path, "rb") as file:
                    return file.read()
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
        return None

    def put(self, name: str, data: bytes) -> None:
        """Write the record; when this returns it is on the medium."""
        record, new = self._path(name, ".rec"), self._path(name, ".new")
        temporary = self._path(name, ".tmp")
        if not _exists(record) and _exists(new):
            os.rename(new, record)  # what a power cut left is the only copy: it is not to be in the way
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
        os.rename(temporary, new)
        os.rename(new, record)
        if hasattr(os, "sync"):
            os.sync()

    def delete(self, name: str) -> None:
        """Remove the record."""
        for path in (self._path(name, ".new"), self._path(name, ".rec")):
            try:
                os.remove(path)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise

    def _path(self, name: str, ending: str) -> str:
        base.check_record_name(name)
        return self._folder + "/" + name + ending


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


class Platform(base.Platform):
    """The adapters of this module, where the host gives none of its own."""

    def default_socket(self) -> base.Socket:
        """A new `Socket`; the sockets of one platform know which addresses refused."""
        return Socket(self._refused)

    def default_mutex(self) -> base.Mutex:
        """A new `Mutex`."""
        return Mutex()

    def default_hardware(self) -> base.Hardware:
        """The port's `Hardware`."""
        return Hardware()

    def poller(self) -> base.Poller:
        """A new `Poller`."""
        return Poller()

    def signal(self) -> base.Signal:
        """A new `Signal`."""
        return Signal()

    def spawn(self, function: "Callable[[], object]") -> base.Thread:
        """Run ``function()`` in a new thread; `NotSupported` on a port without threads."""
        if not _thread:
            raise NotSupported("this port of MicroPython has no threads: call run() or step() instead")
        return Thread(function)

    def thread_id(self) -> int:
        """The runtime's number of the calling thread; 0 on a port without threads."""
        return _thread.get_ident() if _thread else 0
