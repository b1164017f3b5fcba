"""The loop: it drives an `Agent` with a `Platform`. The only place that blocks or starts a thread.

Everything of the host (commands, callbacks, events) is called in the loop's thread, outside every lock.
"""

from .adapter.base import LOG_DEBUG, LOG_ERR, LOG_INFO, LOG_WARNING, MAX_DATAGRAM
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
from .coap.trace import describe
from .errors import AtinyError
from .params import ATINY_HANDLER_ERROR, ATINY_NOTIFY_DONE, ATINY_REG_FAIL, ATINY_REG_OK, EVENT_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .adapter.base import Mutex, Platform, Poller, Signal, Socket, Thread

_BURST = 16  # datagrams that one step takes from a link
_STARTING = -1  # no thread has this id


class Loop:
    """The loop of one device. ``on_event(event, arg)`` is told the ATINY_* events, None: nobody is.

    It is run by `run` here, by `start` in a thread, or pass by pass by `step` in a loop of the host.
    """

    def __init__(self, platform: "Platform", mutex: "Mutex", on_event: "Callable[[int, Any], object] | None"):
        self.platform = platform
        self.stopped = False
        self.waker: "Callable[[], None] | None" = None  # what wakes the host's own loop, for those who call step()
        self.registered = platform.signal()  # raised while the device is registered
        self._hardware = platform.hardware
        self._now = platform.hardware.gettime_ms
        self._mutex = mutex
        self._on_event = on_event
        # (function, argument) of other threads, for the loop; guarded by _mutex
        self._requests: "list[tuple[Callable[[Any, int], None], object]]" = []
        self._sockets: "list[Socket | None]" = []  # by link
        self._open: "list[Socket]" = []
        self._poller: "Poller | None" = None
        self._runs_in: "int | None" = None  # the thread
        self._thread: "Thread | None" = None
        self._started = False
        self._due: "int | None" = None  # of the agent, as of the last pass
        self._stop_due: "int | None" = None  # when a stop that was asked for is enforced
        self._ended = platform.signal()

    def attach(self, agent: Agent, prepare: "Callable[[], None] | None" = None) -> None:
        """Give the loop its agent; before anything else. ``prepare()`` is called with the first pass."""
        self._agent = agent
        self._prepare = prepare

    # -- from any thread

    def request(self, function: "Callable[[Any, int], None]", argument: object) -> None:
        """Have the loop call ``function(argument, now)``, soon."""
        self._mutex.lock()
        try:
            self._requests.append((function, argument))
        finally:
            self._mutex.unlock()
        self.wake()

    @property
    def asked(self) -> bool:
        """Whether something was asked of the loop that it has not done yet."""
        return bool(self._requests)

    def wake(self) -> None:
        """End the loop's sleep: there is something new."""
        if self.waker is not None:
            self.waker()
        elif self._poller is not None:
            self._poller.wake()  # from the loop's own thread too: a signal handler interrupts its sleep

    def wait(self, signal: "Signal", ended: "Callable[[], bool]", timeout_s: "float | None") -> None:
        """Wait until ``signal`` is set, which happens when ``ended()`` becomes true; runs the loop if none runs."""
        timeout_ms = None if timeout_s is None else int(timeout_s * 1000)
        if ended():
            return
        if self._runs_in == self.platform.thread_id():
            raise AtinyError("waiting in a callback would wait for itself: the loop is here")
        if self._thread is not None or not self._claim():
            signal.wait(timeout_ms)
        else:
            self._run(ended, None if timeout_ms is None else self._now() + timeout_ms)

    def run(self) -> None:
        """Run the loop here; returns after `stop`."""
        if self._thread is not None or not self._claim():
            raise AtinyError("the client runs already")
        self._run(lambda: self.stopped, None)

    def start(self) -> None:
        """Run the loop in a thread of its own. Raises `NotSupported` where the runtime has no threads."""
        if self.stopped:
            raise AtinyError("the client was stopped: make a new one")
        if self._thread is not None or not self._claim():
            raise AtinyError("the client runs already")
        self._runs_in = _STARTING  # not in this thread, which may wait for it
        self._poller = self._poller or self.platform.poller()
        try:
            self._thread = self.platform.spawn(lambda: self._run(lambda: self.stopped, None))
        except AtinyError:
            self._runs_in = None
            raise

    def _claim(self) -> bool:
        """Take the loop for the calling thread, or for the one it starts; False: another thread has it."""
        self._mutex.lock()
        try:
            if self._runs_in is not None:
                return False
            self._runs_in = self.platform.thread_id()
            return True
        finally:
            self._mutex.unlock()

    def stop(self, timeout_s: float, wait: bool) -> None:
        """De-register, end every report, release everything: see `Client.stop`."""
        if self.stopped:
            return
        if self._stop_due is None:
            self._stop_due = self._now() + int(timeout_s * 1000)
            self.request(self._begin_stop, None)
        if not wait or self._runs_in == self.platform.thread_id():
            return
        if self._thread is None and self._claim():
            self._run(lambda: self.stopped, None)
        else:
            self._ended.wait(None)
            if self._thread is not None:
                self._thread.join()

    def _begin_stop(self, _: object, now: int) -> None:
        self._agent.stop(now)

    # -- the passes

    def step(self) -> "int | None":
        """One pass for hosts with a loop of their own: receive what is there, do what is due, send. Never blocks.

        Returns the milliseconds until the next pass is needed if no datagram comes and nothing is asked of the
        client; None: only those can be.
        """
        if self.stopped:
            return None
        if not self._claim():
            raise AtinyError("the client runs already, in another thread or below this callback")
        try:
            now = self._now()
            if self._start(now):
                for link in range(len(self._sockets)):
                    for _ in range(_BURST):
                        socket = self._sockets[link]
                        if socket is None or socket not in self._open or not self._receive(socket, link, now):
                            break
            return self._pass(now)
        finally:
            self._runs_in = None

    def filenos(self) -> "list[int]":
        """The descriptors of the open links, for a host with a loop of its own: readable means `step` has work."""
        return [socket.fileno() for socket in self._open]  # type: ignore[attr-defined]

    def _run(self, ended: "Callable[[], bool]", until: "int | None") -> None:
        """Drive the agent until ``ended()`` or the time ``until``: the hot path, one datagram a turn."""
        self._runs_in = self.platform.thread_id()
        self._poller = poller = self._poller or self.platform.poller()
        try:
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
                    self._receive(socket, self._sockets.index(socket), now)
                timeout_ms = self._pass(now)
        except BaseException:
            self.close()  # whoever waits for the loop must not wait for ever
            raise
        finally:
            self._runs_in = None

    def _start(self, now: int) -> bool:
        """Begin with the first pass, unless a stop came before it; returns whether that was earlier."""
        if self._started:
            return True
        self._started = True
        if self._stop_due is None:
            if self._prepare is not None:
                self._prepare()
            self._agent.start(now)
        return False

    def _receive(self, socket: "Socket", link: int, now: int) -> bool:
        """Take one datagram; returns whether there was one."""
        try:
            datagram = socket.recv(MAX_DATAGRAM)
        except (AtinyError, OSError) as error:
            self._agent.receive_failed(link, now, str(error), getattr(error, "refused", False))
            return False
        if datagram is None:
            return False
        self._agent.receive(link, datagram, now)
        return True

    def _pass(self, now: int) -> "int | None":
        """Do what is asked and due, send, carry out events; returns the milliseconds until the next is due."""
        agent = self._agent
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
        if self._stop_due is not None and not self.stopped and now >= self._stop_due:
            self.close()
        if self.stopped:
            return None
        due = self._due = agent.deadline()
        if self._stop_due is not None and (due is None or due > self._stop_due):
            due = self._stop_due
        if self._requests:
            return 0
        return None if due is None else max(0, due - now)

    def _send_all(self, now: int) -> None:
        for link, id, datagram in self._agent.datagrams_to_send(now):
            self._send(link, id, datagram, now)

    def _send(self, link: int, id: int, datagram: bytes, now: int) -> None:
        socket = self._sockets[link]
        try:
            if socket is None or not datagram:
                raise AtinyError("the link is closed")
            socket.send(datagram)
        except (AtinyError, OSError) as error:
            self._agent.send_failed(link, id, now, str(error), getattr(error, "refused", False))
            return
        if id:
            self._agent.sent(link, id, self._now())

    def _carry_out(self, event: "tuple[int, Any, Any]") -> None:
        kind, a, b = event
        if kind == REPORT_DONE:
            a.finish(b)
            if a.callback is not None:
                self.call(a.callback, a.type, a.cookie, b)
        elif kind == HOST_EVENT:
            if a == ATINY_REG_OK:
                self.registered.set()
            elif a == ATINY_REG_FAIL and self.registered.wait(0):
                self.registered = self.platform.signal()
            if self._on_event is not None:
                self.call(self._on_event, a, b)
            self._log_event(a, b)
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

    def call(self, function: "Callable[..., object]", *args: object) -> None:
        """Call the host, in the loop: what it raises is logged, and the device goes on."""
        try:
            function(*args)
        except Exception as error:
            self.platform.log_line(LOG_ERR, "a callback of the host raised %r" % (error,))

    def _log_event(self, event: int, argument: "Any") -> None:
        if event == ATINY_HANDLER_ERROR:
            self.platform.log_line(LOG_ERR, "the handler of %s raised %r" % argument)
        elif event == ATINY_REG_FAIL:
            self.platform.log_line(LOG_WARNING, "not registered: %s" % argument)
        elif self.platform.log_level <= LOG_INFO:
            self.platform.log_line(LOG_INFO, "%s: %s" % (EVENT_NAMES[event], argument))

    def trace(self, direction: str, link: int, message: bytes) -> None:
        """One line for a CoAP message: the agent's ``trace``, where the log's level is LOG_DEBUG."""
        self.platform.log_line(LOG_DEBUG, "%d %s %d %s" % (self._now(), direction, link, describe(message)))

    # -- links

    def _open_link(self, link: int, address: "tuple[str, int]") -> None:
        while link >= len(self._sockets):
            self._sockets.append(None)
        self._close_link(link)
        socket = self.platform.socket()
        try:
            socket.connect(address[0], address[1], "udp")
        except (AtinyError, OSError) as error:
            socket.close()
            self._agent.link_failed(link, self._now(), str(error))
            return
        self._sockets[link] = socket
        self._open = self._open + [socket]
        self._agent.link_opened(link, self._now())

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
            except (AtinyError, OSError) as error:
                self._agent.receive_failed(link, self._now(), str(error))

    def _take_requests(self, now: int) -> None:
        self._mutex.lock()
        try:
            requests = self._requests
            self._requests = []
        finally:
            self._mutex.unlock()
        for function, argument in requests:
            function(argument, now)

    def close(self) -> None:
        """Everything is over, at once: links go, and every report and notification that had no end yet is told it."""
        if self.stopped:
            return
        self.stopped = True
        now = self._now()
        self._agent.stop(now)
        self._agent.hang_up(now)
        self._send_all(now)
        for link in range(len(self._sockets)):
            self._close_link(link)
        event = self._agent.next_event()
        while event is not None:
            if event[0] == REPORT_DONE or event[:2] == (HOST_EVENT, ATINY_NOTIFY_DONE):
                self._carry_out(event)
            event = self._agent.next_event()
        if self._poller is not None:
            self._poller.close()
        self._ended.set()
