"""Scriptable fakes of the adapters: they do what a test says, record what was asked, and notice misuse."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from ..adapter.base import Mutex, Poller, Signal, Socket
from ..commands import CommandHandler
from .clock import VirtualClock, VirtualHardware

FakeHardware = VirtualHardware

# Lets virtual time pass until the function given is true, or until the moment given (None: without end).
Advance = Callable[[Callable[[], bool], "int | None"], None]

TIGHT = 1000  # waits that slept for nothing, at one moment of virtual time


class FakeSocket(Socket):
    """A socket whose peer is the test.

    ``sent``: the datagrams sent. ``connected``: (host, port, proto) or None. ``closed``: how often it was closed.
    ``on_send(data)``, where set, is called for each datagram sent; the datagrams it returns arrive in answer.
    """

    def __init__(self, clock: VirtualClock | None = None):
        self.sent: list[bytes] = []
        self.connected: tuple[str, int, str] | None = None
        self.closed = 0
        self.on_send: Callable[[bytes], Iterable[bytes] | None] | None = None
        self._clock = clock
        self._incoming: deque[bytes | Exception] = deque()
        self._failures: dict[str, deque[Exception | None]] = {"connect": deque(), "send": deque()}

    def feed(self, *items: bytes | Exception) -> None:
        """What the next `recv` calls give, one after the other; an exception is raised."""
        self._incoming.extend(items)

    def fail(self, method: str, *errors: Exception | None) -> None:
        """What the next calls of "connect" or "send" raise (None: that call works)."""
        self._failures[method].extend(errors)

    def connect(self, host: str, port: int, proto: str) -> None:
        """Remember the peer."""
        self._fail("connect")
        self.connected = (host, port, proto)

    def send(self, data: bytes) -> int:
        """Keep the datagram in ``sent``."""
        self._check()
        self._fail("send")
        self.sent.append(bytes(data))
        if self.on_send is not None:
            self.feed(*(self.on_send(bytes(data)) or ()))
        return len(data)

    def recv(self, size: int) -> bytes | None:
        """The next item that was fed, or None."""
        self._check()
        if not self._incoming:
            return None
        item = self._incoming.popleft()
        if isinstance(item, Exception):
            raise item
        return item[:size]

    def recv_timeout(self, size: int, timeout_ms: int) -> bytes | None:
        """As `recv`; with nothing fed, the clock it was given goes on by ``timeout_ms``."""
        if not self._incoming and self._clock is not None:
            self._clock.advance(max(0, timeout_ms))
        return self.recv(size)

    def readable(self, timeout_ms: int) -> bool:
        """Whether something was fed; takes no time."""
        return bool(self._incoming)

    def close(self) -> None:
        """Count the call."""
        self.closed += 1

    def _check(self) -> None:
        if self.connected is None or self.closed:
            raise AssertionError("the socket is used " + ("after close()" if self.closed else "before connect()"))

    def _fail(self, method: str) -> None:
        error = self._failures[method].popleft() if self._failures[method] else None
        if error is not None:
            raise error


class FakeMutex(Mutex):
    """A real lock that raises AssertionError where its use would deadlock or is not allowed.

    ``locks``: how often it was locked. ``locked``: whether it is.
    """

    def __init__(self) -> None:
        self.locks = 0
        self.destroyed = False
        self._owner: int | None = None
        self._lock = threading.Lock()

    @property
    def locked(self) -> bool:
        """Whether a thread holds it."""
        return self._owner is not None

    def lock(self) -> None:
        """Obtain the lock; not twice in one thread."""
        self._check("lock")
        if self._owner == threading.get_ident():
            raise AssertionError("lock() by the thread that holds the mutex: it would wait for itself for ever")
        self._lock.acquire()
        self._owner = threading.get_ident()
        self.locks += 1

    def unlock(self) -> None:
        """Give it back; only what this thread holds."""
        self._check("unlock")
        if self._owner != threading.get_ident():
            raise AssertionError("unlock() of a mutex that " + ("another thread holds" if self.locked else "is free"))
        self._owner = None
        self._lock.release()

    def destroy(self) -> None:
        """Not while it is held, and once."""
        self._check("destroy")
        if self.locked:
            raise AssertionError("destroy() of a mutex that is held")
        self.destroyed = True

    def _check(self, method: str) -> None:
        if self.destroyed:
            raise AssertionError(f"{method}() after destroy()")


class FakeSignal(Signal):
    """A flag; waiting for it lets virtual time pass where ``advance`` can do that (`Network.advance`).

    ``waits``: the time-outs that were asked for.
    """

    def __init__(self, clock: VirtualClock | None = None, advance: Advance | None = None):
        self.raised = False
        self.waits: list[int | None] = []
        self._clock = clock
        self._advance = advance

    def set(self) -> None:
        """Raise the flag."""
        self.raised = True

    def wait(self, timeout_ms: int | None) -> bool:
        """Whether the flag is raised, now or after virtual time has passed."""
        self.waits.append(timeout_ms)
        if not self.raised and timeout_ms != 0 and self._advance is not None and self._clock is not None:
            self._advance(lambda: self.raised, None if timeout_ms is None else self._clock.now_ms + timeout_ms)
        return self.raised


class FakePoller(Poller):
    """A poller in virtual time: to sleep is to let it pass, by ``advance`` (`Network.advance`), or else by the clock.

    ``waits``: the time-outs that were asked for; ``wakes``: how often `wake` was called; ``sleeping``: whether a wait
    goes on. ``on_wait``, where set, is called at the beginning of each wait: a test may feed a socket there, or stop
    the loop. A loop that waits for nothing again and again at one moment of virtual time raises AssertionError.
    """

    def __init__(self, clock: VirtualClock | None = None, advance: Advance | None = None):
        self.waits: list[int | None] = []
        self.wakes = 0
        self.closed = False
        self.sleeping = False
        self.on_wait: Callable[[], object] | None = None
        self._clock = clock or VirtualClock()
        self._advance = advance
        self._woken = False
        self._idle = (0, 0)

    def wait(self, sockets: list[Socket], timeout_ms: int | None) -> list[Socket]:
        """The sockets that have something, as their ``readable(0)`` says."""
        if self.closed:
            raise AssertionError("wait() after close()")
        self.waits.append(timeout_ms)
        self.sleeping = True
        try:
            self._sleep(sockets, timeout_ms)
        finally:
            self.sleeping = False
        ready = _readable(sockets)
        self._notice_tight_loop(bool(ready or self._woken))
        self._woken = False
        return ready

    def wake(self) -> None:
        """End the wait that comes next."""
        self.wakes += 1
        self._woken = True

    def close(self) -> None:
        """No wait comes after this."""
        self.closed = True

    def _sleep(self, sockets: list[Socket], timeout_ms: int | None) -> None:
        if self.on_wait is not None:
            self.on_wait()
        deadline_ms = None if timeout_ms is None else self._clock.now_ms + max(0, timeout_ms)
        if self._advance is not None:
            self._advance(lambda: self._woken or bool(_readable(sockets)), deadline_ms)
        elif deadline_ms is not None and not self._woken and not _readable(sockets):
            self._clock.advance_to(deadline_ms)

    def _notice_tight_loop(self, useful: bool) -> None:
        now_ms, count = self._idle
        self._idle = (self._clock.now_ms, 0 if useful or now_ms != self._clock.now_ms else count + 1)
        if self._idle[1] >= TIGHT:
            raise AssertionError(f"a tight loop: {TIGHT} waits for nothing at {now_ms} ms of virtual time")


def _readable(sockets: list[Socket]) -> list[Socket]:
    return [socket for socket in sockets if socket.readable(0)]  # type: ignore[attr-defined]


class FakeCommandHandler(CommandHandler):
    """Records the commands and answers as scripted; a command without a script is not supported.

    ``commands``: the (cmd, arg) pairs, in order. ``answers``: {cmd: answer}; an exception is raised, a function is
    called with the argument, anything else is returned as it is.
    """

    def __init__(self, answers: dict[int, object] | None = None):
        self.answers = dict(answers or {})
        self.commands: list[tuple[int, object]] = []

    def cmd_ioctl(self, cmd: int, arg: object = None) -> object:
        """Record and answer."""
        self.commands.append((cmd, arg))
        if cmd not in self.answers:
            return super().cmd_ioctl(cmd, arg)
        answer = self.answers[cmd]
        if isinstance(answer, BaseException):
            raise answer
        return answer(arg) if callable(answer) else answer

    def supports(self, cmd: int) -> bool | None:
        """Whatever has a script, words of our own too; of the rest only the answer shows it."""
        return True if cmd in self.answers else super().supports(cmd)

    def args(self, cmd: int) -> list[object]:
        """The arguments that came with a command, in order."""
        return [arg for word, arg in self.commands if word == cmd]
