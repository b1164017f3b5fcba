"""The adapters of CPython on Linux and other POSIX systems.

`threading` (4 ms to import) is loaded by the first `Platform.spawn`; the links are in `posix_net`.
"""

import _thread
import os
import sys
import time

from . import base
from .posix_net import Poller, Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


class Hardware(base.Hardware):
    """The system's monotonic clock and randomness; the log goes to stderr."""

    def gettime_ms(self) -> int:
        """Milliseconds since some moment before the process began."""
        return time.monotonic_ns() // 1_000_000

    def usleep(self, us: int) -> None:
        """Sleep for ``us`` microseconds."""
        time.sleep(us / 1_000_000)

    def random(self, n: int) -> bytes:
        """``n`` bytes of the system's randomness."""
        return os.urandom(n)

    def printf(self, text: str) -> None:
        """One line on stderr; nothing where the process has none (any more): a log must not end the loop."""
        if sys.stderr is not None:
            try:
                sys.stderr.write(text + "\n")
            except (OSError, ValueError):  # a broken pipe, a closed file
                pass

    def memory(self) -> "tuple[int, int]":
        """(available, total) bytes of the machine."""
        sizes = {}
        try:
            with open("/proc/meminfo") as file:
                for line in file:
                    word, _, rest = line.partition(":")
                    if word in ("MemTotal", "MemAvailable"):
                        sizes[word] = int(rest.split()[0]) * 1024
            return (sizes["MemAvailable"], sizes["MemTotal"])
        except (OSError, ValueError, KeyError):
            pass
        try:
            page = os.sysconf("SC_PAGE_SIZE")
            return (os.sysconf("SC_AVPHYS_PAGES") * page, os.sysconf("SC_PHYS_PAGES") * page)
        except (OSError, ValueError):
            return (0, 0)


class Mutex(base.Mutex):
    """A lock of the runtime."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()

    def lock(self) -> None:
        """Obtain the lock."""
        self._lock.acquire()

    def unlock(self) -> None:
        """Give it back."""
        self._lock.release()

    def destroy(self) -> None:
        """Nothing to do: the runtime frees it."""


class Signal(base.Signal):
    """A lock that is held until the flag is raised; each waiter takes it and gives it back at once."""

    __slots__ = ("_raised", "_lock")

    def __init__(self) -> None:
        self._raised = False
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """Raise the flag."""
        if not self._raised:
            self._raised = True
            self._release()

    def wait(self, timeout_ms: "int | None") -> bool:
        """Wait for the flag."""
        if not self._raised:
            timeout_s = -1 if timeout_ms is None else min(max(timeout_ms, 0) / 1000, _thread.TIMEOUT_MAX)
            if self._lock.acquire(True, timeout_s):
                self._release()
        return self._raised

    def _release(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # two threads raised the flag at once; it is released, which is all that counts
            pass


class Thread(base.Thread):
    """A daemon thread: it does not keep the process alive."""

    def __init__(self, function: "Callable[[], object]"):
        import threading

        self._thread = threading.Thread(target=function, name="atiny", daemon=True)
        self._thread.start()

    def join(self, timeout_ms: "int | None" = None) -> bool:
        """Wait for its end."""
        try:
            self._thread.join(None if timeout_ms is None else timeout_ms / 1000)
        except RuntimeError:  # it would wait for itself
            return False
        return not self._thread.is_alive()


def sync_folder(folder: str) -> None:
    """When this returns, what was renamed, made or removed in the folder is on the medium."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class FileStore(base.Store):
    """A `Store` with a file for each record in ``folder``, which is made where it is missing; only its owner reads it.

    A record is written to a new file, which takes the old one's place (rename(2) is atomic) once the medium has it.
    """

    def __init__(self, folder: str):
        os.makedirs(folder, 0o700, exist_ok=True)
        self._folder = folder

    def get(self, name: str) -> "bytes | None":
        """The record, or None."""
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write the record; when this returns it is on the medium."""
        path = self._path(name)
        # Always the same name: what a power cut leaves behind is overwritten by the next put.
        new_path = path + ".new"
        fd = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            os.replace(new_path, path)
        except OSError:
            os.unlink(new_path)
            raise
        sync_folder(self._folder)

    def delete(self, name: str) -> None:
        """Remove the record."""
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            return
        sync_folder(self._folder)

    def _path(self, name: str) -> str:
        base.check_record_name(name)
        return os.path.join(self._folder, name + ".rec")  # with an ending, "." and ".." are names like any other


class Platform(base.Platform):
    """The adapters of this module, where the host gives none of its own."""

    def default_socket(self) -> base.Socket:
        """A new `Socket`; the sockets of one platform know which addresses refused."""
        return Socket(self._refused)

    def default_mutex(self) -> base.Mutex:
        """A new `Mutex`."""
        return Mutex()

    def default_hardware(self) -> base.Hardware:
        """The `Hardware` of the system."""
        return Hardware()

    def poller(self) -> base.Poller:
        """A new `Poller`."""
        return Poller()

    def signal(self) -> base.Signal:
        """A new `Signal`."""
        return Signal()

    def spawn(self, function: "Callable[[], object]") -> base.Thread:
        """Run ``function()`` in a new daemon thread."""
        return Thread(function)

    def thread_id(self) -> int:
        """The runtime's number of the calling thread."""
        return _thread.get_ident()
