"""The loop: it drives an `Agent` with a `Platform`. The only place that blocks.

Everything of the host (commands, callbacks, events) is called in the loop's thread, outside every lock.

Where there is no memory for something, that one exchange is dropped: the host is told, and the loop goes on.
"""

from .adapter.base import LOG_ERR, LOG_WARNING, MAX_DATAGRAM
from .agent import (
    CLOSE_LINK,
    DEFERRED,
    ENDED,
    HOST_EVENT,
    OPEN_LINK,
    REPORT_DONE,
    SLEEP_LINK,
    WAKE_LINK,
    Agent,
)
from .errors import AtinyError
from .params import ATINY_HANDLER_ERROR, ATINY_NOTIFY_DONE, ATINY_REG_FAIL, ATINY_REG_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .adapter.base import Platform, Poller, Socket
    from .threads import Threads
    from .trace import Trace

_BURST = 16  # datagrams that one step takes from a link
_OUTSIDE = (AtinyError, OSError, MemoryError)  # what a link may fail with
NO_MEMORY_MS = 1000  # until a pass is tried again that there was no memory for


class Loop:
    """The loop of one device. ``on_event(event, arg)`` is told the ATINY_* events, None: nobody is.

    It is run by `run` here, by `Threads.start` in a thread, or pass by pass by `step` in a loop of the host.
    ``threads``: None in a build for one thread. ``waker()``: wakes the host's own loop, of those who call `step`.
    ``trace``: is told what goes to the log beside errors and warnings, or None.
    """

    def __init__(self, platform: "Platform", on_event: "Callable[[int, Any], object] | None"):
        self.platform = platform
        self.stopped = False
        self.waker: "Callable[[], None] | None" = None
        self.trace: "Trace | None" = None
        self.threads: "Threads | None" = None
        try:
            from .threads import Threads

            self.threads = Threads(platform)
        except ImportError:  # a slim build may have none of them
            pass
        self._now = platform.hardware.gettime_ms
        self._on_event = on_event
        # (function, argument) that the host, in any thread, has the loop call
        self._requests: "list[tuple[Callable[[Any, int], None], object]]" = []
        self._sockets: "list[Socket | None]" = []  # by link
        self._open: "list[Socket]" = []  # those that are listened to; never changed, but replaced
        self._poller: "Poller | None" = None
        self._entered = False  # the loop runs, and there are no threads
        self._started = False
        self._due: "int | None" = None  # of the agent, as of the last pass
        self._stop_due: "int | None" = None  # when a stop that was asked for is enforced

    def attach(self, agent: Agent, prepare: "Callable[[], None] | None" = None) -> None:
        """Give the loop its agent; before anything else. ``prepare()`` is called with the first pass."""
        self._agent = agent
        self._prepare = prepare

    # -- from any thread

    def request(self, function: "Callable[[Any, int], None]", argument: object) -> None:
        """Have the loop call ``function(argument, now)``, soon."""
        if self.threads is not None:
            self.threads.put(self._requests, (function, argument))
        else:
            self._requests.append((function, argument))
        self.wake()

    @property
    def has_requests(self) -> bool:
        """Whether something was asked of the loop that it has not done yet."""
        return bool(self._requests)

    def wake(self) -> None:
        """End the loop's sleep: there is something new."""
        if self.waker is not None:
            self.waker()
        elif self._poller is not None:
            self._poller.wake()  # from the loop's own thread too: a signal handler interrupts its sleep

    def wait(self, ended: "Callable[[], bool]", timeout_s: "float | None") -> None:
        """Wait until ``ended()``, which only a pass makes true; runs the loop if none runs."""
        if ended():
            return
        timeout_ms = None if timeout_s is None else int(timeout_s * 1000)
        if self.enter():
            self.drive(ended, None if timeout_ms is None else self._now() + timeout_ms)
        elif self.threads is not None:
            self.threads.wait(ended, timeout_ms)
        else:
            raise AtinyError("waiting in a callback would wait for itself: the loop is here")

    def run(self, timeout_s: "float | None" = None) -> None:
        """Run the loop here; returns after `stop`, or when ``timeout_s`` seconds are over."""
        if not self.enter():
            raise AtinyError("the client runs already")
        self.drive(self.is_stopped, None if timeout_s is None else self._now() + int(timeout_s * 1000))

    def stop(self, timeout_s: float, wait: bool) -> None:
        """De-register, end every report, release everything: see `Client.stop`."""
        if self.stopped:
            return
        if self._stop_due is None:
            self._stop_due = self._now() + int(timeout_s * 1000)
            self.request(self._begin_stop, None)
        if not wait:
            return
        if self.enter():
            self.drive(self.is_stopped, None)
        elif self.threads is not None:
            self.threads.wait_for_end(self.is_stopped)

    def _begin_stop(self, _: object, now: int) -> None:
        self._agent.stop(now)

    def is_stopped(self) -> bool:
        return self.stopped

    def enter(self) -> bool:
        """Take the loop for the calling thread; False: it runs, in another thread or below this callback."""
        if self.threads is not None:
            return self.threads.enter()
        if self._entered:
            return False
        self._entered = True
        return True

    def leave(self) -> None:
        self._entered = False
        if self.threads is not None:
            self.threads.leave()

    # -- the passes

    def step(self) -> "int | None":
        """One pass for hosts with a loop of their own: receive what is there, do what is due, send. Never blocks.

        Returns the milliseconds until the next pass is needed if no datagram comes and nothing is asked of the
        client; None: only those can be.
        """
        if self.stopped:
            return None
        if not self.enter():
            raise AtinyError("the client runs already, in another thread or below this callback")
        try:
            now = self._now()
            self._start(now)
            for socket in self._open:
                for _ in range(_BURST):
                    if socket not in self._open or not self._receive(socket, now):
                        break
            return self._pass(now)
        finally:
            self.leave()

    def filenos(self) -> "list[int]":
        """The descriptors of the open links, for a host with a loop of its own: readable means `step` has work."""
        return [socket.fileno() for socket in self._open]  # type: ignore[attr-defined]

    def drive(self, ended: "Callable[[], bool]", until: "int | None") -> None:
        """Drive the agent until ``ended()`` or the time ``until``: the hot path, one datagram a turn."""
        try:
            self._poller = poller = self._poller or self.platform.poller()
            now = self._now()
            self._start(now)
            timeout_ms = self._pass(now)
            while not ended():
                if until is not None:
                    left = until - now
                    if left <= 0:
                        break
                    if timeout_ms is None or timeout_ms > left:
                        timeout_ms = left
                ready = poller.wait(self._open, timeout_ms)
                now = self._now()
                for socket in ready:
                    self._receive(socket, now)
                timeout_ms = self._pass(now)
        except BaseException:
            self.close()  # whoever waits for the loop must not wait for ever
            raise
        finally:
            self.leave()

    def _start(self, now: int) -> None:
        """Begin with the first pass, unless a stop came before it."""
        if not self._started:
            self._started = True
            if self._stop_due is None:
                if self._prepare is not None:
                    self._prepare()
                self._agent.start(now)

    def _receive(self, socket: "Socket", now: int) -> bool:
        """Take one datagram; returns whether there was one."""
        link = self._sockets.index(socket)
        try:
            datagram = socket.recv(MAX_DATAGRAM)
        except _OUTSIDE as error:
            if isinstance(error, MemoryError):
                self._drop("a datagram", error)
            self._failed(link, 0, now, error)  # too often, and the link is made anew, later
            return False
        if datagram is None:
            return False
        try:
            self._agent.receive(link, datagram, now)
        except MemoryError as error:
            self._drop("a datagram", error)
        return True

    def _pass(self, now: int) -> "int | None":
        """Do what is asked and due, send, carry out events; returns the milliseconds until the next is due."""
        agent = self._agent
        try:
            if self._requests:
                self._send_all(now)  # a handler that stops the device is answered first
                self._take_requests(now)
            if self._due is not None and self._due <= now:
                agent.handle_timer(now)
            while True:
                self._send_all(now)
                event = agent.next_event()
                if event is None:
                    break
                while event is not None:
                    self._carry_out(event)
                    event = agent.next_event()
            due = agent.deadline()
        except MemoryError as error:
            due = now + NO_MEMORY_MS
            self._drop("the loop", error)
        if self._stop_due is not None and not self.stopped and now >= self._stop_due:
            self.close()
        if self.stopped:
            return None
        self._due = due
        if self._stop_due is not None and (due is None or due > self._stop_due):
            due = self._stop_due
        if self._requests:
            return 0
        return None if due is None else max(0, due - now)

    def _take_requests(self, now: int) -> None:
        if self.threads is not None:
            requests = self.threads.take(self._requests)
        else:
            requests = self._requests
            self._requests = []
        for function, argument in requests:
            try:
                function(argument, now)
            except MemoryError as error:
                self._drop("a request", error)

    def _send_all(self, now: int) -> None:
        for link, id, datagram in self._agent.datagrams_to_send(now):
            socket = self._sockets[link]
            try:
                if socket is None or not datagram:
                    raise AtinyError("the link is closed")
                socket.send(datagram)
            except _OUTSIDE as error:
                self._failed(link, id, now, error)
                continue
            if id:
                self._agent.sent(link, id, self._now())

    def _failed(self, link: int, id: int, now: int, error: Exception) -> None:
        """The datagram ``id`` was not sent; 0: nothing that somebody waits for, or receiving failed."""
        self._agent.send_failed(link, id, now, str(error), getattr(error, "refused", False))

    def _drop(self, what: str, error: Exception) -> None:
        """There was no memory for something: tell the host, as of a handler that raised."""
        try:
            self._tell_host(ATINY_HANDLER_ERROR, (what, error))
        except MemoryError:
            pass  # nor for that

    # -- events

    def _carry_out(self, event: "tuple[int, Any, Any]") -> None:
        kind, a, b = event
        if kind == REPORT_DONE:
            a.finish(b)
            if self.threads is not None:
                self.threads.tell()
            if a.callback is not None:
                self.call(a.callback, a.type, a.cookie, b)
        elif kind == HOST_EVENT:
            self._tell_host(a, b)
        elif kind == OPEN_LINK:
            self._open_link(a, b)
        elif kind == CLOSE_LINK:
            self._close_link(a)
        elif kind in (SLEEP_LINK, WAKE_LINK):
            self._rest_link(a, kind == SLEEP_LINK)
        elif kind == DEFERRED:
            a.attach(lambda error: self.request(b, error))
        elif kind == ENDED:
            self.close()

    def _tell_host(self, event: int, argument: "Any") -> None:
        """An ATINY_* event: for the host, and for the log."""
        if event == ATINY_REG_OK and self.threads is not None:
            self.threads.tell()
        if self._on_event is not None:
            self.call(self._on_event, event, argument)
        if event == ATINY_HANDLER_ERROR:
            self.platform.log_line(LOG_ERR, "the handler of %s raised %r" % argument)
        elif event == ATINY_REG_FAIL:
            self.platform.log_line(LOG_WARNING, "not registered: %s" % argument)
        elif self.trace is not None:
            self.trace.event(event, argument)

    def call(self, function: "Callable[..., object]", *args: object) -> None:
        """Call the host, in the loop: what it raises is logged, and the device goes on."""
        try:
            function(*args)
        except Exception as error:
            self.platform.log_line(LOG_ERR, "a callback of the host raised %r" % (error,))

    # -- links

    def _open_link(self, link: int, address: "tuple[str, int]") -> None:
        while link >= len(self._sockets):
            self._sockets.append(None)
        self._close_link(link)
        try:
            self._sockets[link] = socket = self.platform.socket()
            socket.connect(address[0], address[1], "udp")
            self._open = self._open + [socket]
            self._agent.link_opened(link, self._now())
        except _OUTSIDE as error:
            self._close_link(link)
            self._agent.link_failed(link, self._now(), str(error))

    def _close_link(self, link: int) -> None:
        socket = self._sockets[link] if link < len(self._sockets) else None
        if socket is not None:
            self._sockets[link] = None
            self._open = [one for one in self._open if one is not socket]
            socket.close()

    def _rest_link(self, link: int, asleep: bool) -> None:
        """Listen no more on a link, or again; a socket that can is told, so that it switches its receiver."""
        socket = self._sockets[link] if link < len(self._sockets) else None
        if socket is None:
            return
        self._open = [one for one in self._open if one is not socket]
        if not asleep:
            self._open = self._open + [socket]
        switch = getattr(socket, "sleep" if asleep else "wake", None)
        if switch is not None:
            try:
                switch()
            except _OUTSIDE as error:
                self._failed(link, 0, self._now(), error)

    def close(self) -> None:
        """Everything is over, at once: links go, and every report and notification that had no end yet is told it."""
        if self.stopped:
            return
        self.stopped = True
        now = self._now()
        try:
            self._agent.stop(now)
            self._agent.hang_up(now)
            self._send_all(now)
        except MemoryError as error:
            self._drop("the loop", error)
        for link in range(len(self._sockets)):
            self._close_link(link)
        event = self._agent.next_event()
        while event is not None:
            if event[0] == REPORT_DONE or event[:2] == (HOST_EVENT, ATINY_NOTIFY_DONE):
                self._carry_out(event)
            event = self._agent.next_event()
        if self._poller is not None:
            self._poller.close()
        if self.threads is not None:
            self.threads.tell()
