"""What a host implements to carry atiny on its hardware: the SDK's adaptation API as plain base classes.

An adapter may subclass these or merely look like them. Each method says when it is called, from which thread and
whether it may block. "The loop" is the thread that runs the client (`atiny_bind`, `Client.run`, or the caller of
`Client.step`). Errors of the outside world are raised as `TransportError`; OSError passes too where said.
`atiny.testing` has a ``check_*`` function for each class that shows whether an implementation keeps this contract.
"""

from ..errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

# Levels of the log (SDK: ATINY_LOG). A platform writes the lines of its level and above.
LOG_DEBUG = 0  # every CoAP message, one line each
LOG_INFO = 1  # registered, lost, observed
LOG_WARNING = 2  # what failed and will be tried again
LOG_ERR = 3  # what the host did wrong: a handler or callback that raised
LOG_OFF = 4

SLICE_MS = 50  # how long a loop with an unselectable socket may sleep before it looks at everything else
MAX_DATAGRAM = 2048  # what the client reads at once: more than any path's MTU carries


class Socket:
    """One datagram link to one server (SDK: atiny_net_*). Used by the loop alone; made anew for each connection."""

    def connect(self, host: str, port: int, proto: str) -> None:
        """Resolve ``host`` (a name, an IPv4 or an IPv6 address) and bind this socket to that peer; may block.

        ``proto`` is "udp". Only datagrams of the peer are received afterwards. Raises `TransportError`.
        """
        raise NotImplementedError

    def send(self, data: bytes) -> int:
        """Send one datagram whole; returns its length. May block for as long as the hardware takes.

        Raises `TransportError`; ``refused=True`` where the peer answered that its port is closed.
        """
        raise NotImplementedError

    def recv(self, size: int) -> "bytes | None":
        """The next datagram, cut to ``size`` bytes, or None at once where there is none yet. Never blocks.

        Raises `TransportError` as `send` does.
        """
        raise NotImplementedError

    def recv_timeout(self, size: int, timeout_ms: int) -> "bytes | None":
        """As `recv`, but waits up to ``timeout_ms`` for a datagram."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the link. A second call does nothing."""
        raise NotImplementedError

    # Optional: ``fileno() -> int``, a descriptor that becomes readable when a datagram is there. With it the loop
    # sleeps on all links at once and is woken at once by a report.
    #
    # Without it the loop asks one link after the other, in slices of SLICE_MS together: a report may wait that long.
    # It asks by ``readable(timeout_ms) -> bool`` (also optional): whether `recv` would give a datagram or raise now,
    # waiting up to ``timeout_ms`` for it. A socket with neither is wrapped in a `polled.BufferedSocket` by
    # `Platform.socket`.


class Hardware:
    """Clock, randomness, log (SDK: atiny_gettime_ms, atiny_usleep, atiny_random, atiny_printf)."""

    def gettime_ms(self) -> int:
        """Milliseconds since some fixed moment: never goes back, never wraps. Any thread; never blocks."""
        raise NotImplementedError

    def usleep(self, us: int) -> None:
        """Sleep for ``us`` microseconds. The calling thread blocks."""
        raise NotImplementedError

    def random(self, n: int) -> bytes:
        """``n`` random bytes, unpredictable where the hardware can. The loop; never blocks for long."""
        raise NotImplementedError

    def printf(self, text: str) -> None:
        """Write one line (without its end) to the device's log. Any thread."""
        raise NotImplementedError

    def memory(self) -> "tuple[int, int]":
        """(free, total) memory in bytes; (0, 0) where it is not known."""
        return (0, 0)


class Mutex:
    """Mutual exclusion (SDK: atiny_mutex_*). Making one creates it. Held for a few microseconds; not recursive."""

    def lock(self) -> None:
        """Obtain the lock; blocks while another thread holds it."""
        raise NotImplementedError

    def unlock(self) -> None:
        """Give the lock back; called by the thread that obtained it."""
        raise NotImplementedError

    def destroy(self) -> None:
        """Release the lock's resources; it is not used again."""


class Signal:
    """A flag that one thread sets and others wait for: the end of a report, the end of the loop."""

    def set(self) -> None:
        """Raise the flag, for good; every waiter goes on. Any thread; a second call does nothing."""
        raise NotImplementedError

    def wait(self, timeout_ms: "int | None") -> bool:
        """Wait until the flag is raised (None: without end); returns whether it is."""
        raise NotImplementedError


class Poller:
    """How the loop sleeps: until a datagram is there, a time has passed, or another thread wakes it."""

    def wait(self, sockets: "list[Socket]", timeout_ms: "int | None") -> "list[Socket]":
        """The sockets that have a datagram or an error, at once where there is one; else [] after ``timeout_ms``.

        ``timeout_ms`` None: until woken; 0: do not sleep. `wake` ends it at once. It may return [] early (a very
        long time-out): the caller looks at its clock again. Called by the loop alone, with connected sockets that
        `Platform.socket` made. The list it returns is the poller's own: read it before the next `wait`, do not
        change it.
        """
        raise NotImplementedError

    def wake(self) -> None:
        """End the `wait` that runs, or else the next one, at once. Any thread; cheap when called often.

        Several calls end one `wait`. After `close` it does nothing.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release what the poller holds."""


class StorageDevice:
    """Where a new firmware is written (SDK: atiny_storage_device_s). Called by the loop; may block per call.

    OSError passes where the medium fails; of `write_software` with ``errno`` ENOSPC (28) where the image is too large.
    Whatever fails, and whenever the power does, the image that runs is left alone until `active_software`.
    """

    def init(self) -> None:
        """Make the storage ready; called once, before anything else."""
        raise NotImplementedError

    def begin_software_download(self) -> None:
        """A new image begins; what an earlier, unfinished one left may be erased."""
        raise NotImplementedError

    def write_software(self, offset: int, data: bytes) -> None:
        """Write ``data`` at ``offset`` of the new image. Offsets grow without gaps; a repeated write is the same.

        After a restart it may go on, without another `begin_software_download`, where the update record says.
        """
        raise NotImplementedError

    def read_software(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes of the new image from ``offset``. Optional (ours): raises NotImplementedError."""
        raise NotImplementedError("this storage cannot be read")

    def end_software_download(self) -> None:
        """The image is whole; when this returns it outlives a power cut. After one it may be called again."""
        raise NotImplementedError

    def active_software(self) -> None:
        """Make the new image the one that runs after the next start, at once or not at all.

        Raises OSError where no image is whole: `end_software_download` was not called since it began.
        """
        raise NotImplementedError

    def get_active_result(self) -> bool:
        """After a start: whether the image that `active_software` chose is the one that runs."""
        raise NotImplementedError

    def write_update_info(self, offset: int, data: bytes) -> None:
        """Write into the 512-byte update record, which outlives a power cut.

        So does what was written of the image before: the record may say how much that is.
        """
        raise NotImplementedError

    def read_update_info(self, offset: int, length: int) -> bytes:
        """Read from the update record; zeros where nothing was written yet."""
        raise NotImplementedError


class Store:
    """Small named records that outlive a restart, each written whole or not at all. Called by the loop; may block.

    A name has 1 to 64 letters, digits, "-", "_" or "." (`check_record_name` raises `ParameterError` for another);
    no two names differ only in case.
    OSError passes where the medium fails: of a failed `put` the old record is then still there.
    """

    def get(self, name: str) -> "bytes | None":
        """The record ``name``, or None where there is none."""
        raise NotImplementedError

    def put(self, name: str, data: bytes) -> None:
        """Write the record atomically: after a power cut at any moment the old or the new is there, whole."""
        raise NotImplementedError

    def delete(self, name: str) -> None:
        """Remove the record; removing what is not there does nothing."""
        raise NotImplementedError


def check_record_name(name: str) -> None:
    """Raise `ParameterError` unless ``name`` can name a record of a `Store`."""
    ok = 1 <= len(name) <= 64
    for char in name:
        ok = ok and ("a" <= char <= "z" or "A" <= char <= "Z" or "0" <= char <= "9" or char in "-_.")
    if not ok:
        raise ParameterError('a record is named by 1 to 64 letters, digits, "-", "_" or ".", not %r' % (name,))


class Thread:
    """A thread that the platform started (`Platform.spawn`)."""

    def join(self, timeout_ms: "int | None" = None) -> bool:
        """Wait for its end; returns whether it has ended (False at once where a thread would wait for itself)."""
        raise NotImplementedError


class Platform:
    """All adapters of one host. What is left out is the runtime's default; a client has a platform of its own.

    ``socket``, ``mutex``: called without arguments, make a new one each (a class will do).
    ``hardware``, ``storage``, ``store``: the one to use. ``storage`` and ``store`` may be None: no firmware update,
    nothing kept over a restart. ``log_level``: LOG_DEBUG to LOG_OFF; lines go to `Hardware.printf`.
    """

    def __init__(
        self,
        socket: "Callable[[], Socket] | None" = None,
        hardware: "Hardware | None" = None,
        mutex: "Callable[[], Mutex] | None" = None,
        storage: "StorageDevice | None" = None,
        store: "Store | None" = None,
        log_level: int = LOG_ERR,
    ):
        self._socket: "Callable[[], Socket]" = socket or self.default_socket
        self._mutex = mutex
        self.hardware = hardware or self.default_hardware()
        self.storage = storage
        self.store = store
        self.log_level = log_level
        # How often each (host, port) refused: the default sockets of one platform learn from each other by it.
        self._refused: "dict[tuple[str, int], int]" = {}

    def socket(self) -> Socket:
        """A new, unconnected socket that a `Poller` of this platform can wait for."""
        socket = self._socket()
        if hasattr(socket, "fileno"):
            return socket
        from .polled import readable_socket

        return readable_socket(socket)

    def log_line(self, level: int, text: str) -> None:
        """Write a line to the device's log, where its level is one to be written. Any thread."""
        if level >= self.log_level:
            self.hardware.printf("atiny: " + text)

    def mutex(self) -> Mutex:
        """A new mutex."""
        return self.default_mutex() if self._mutex is None else self._mutex()

    # The runtime's own platform (adapter.posix, adapter.micropython) says what the rest is.

    def default_socket(self) -> Socket:
        """A new socket where the host gives none."""
        raise NotImplementedError

    def default_mutex(self) -> Mutex:
        """A new mutex where the host gives none."""
        raise NotImplementedError

    def default_hardware(self) -> Hardware:
        """The hardware where the host gives none."""
        raise NotImplementedError

    def poller(self) -> Poller:
        """A new poller, for one loop."""
        raise NotImplementedError

    def signal(self) -> Signal:
        """A new signal, not raised."""
        raise NotImplementedError

    def spawn(self, function: "Callable[[], object]") -> Thread:
        """Run ``function()`` in a new thread; `NotSupported` where the runtime has no threads."""
        raise NotImplementedError

    def thread_id(self) -> int:
        """A number that tells the calling thread from all others that run."""
        raise NotImplementedError
