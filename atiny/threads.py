"""The threads around a loop: which of them runs it, what the others hand over to it, and what they wait for."""

from .errors import AtinyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .adapter.base import Platform, Signal, Thread

_STARTING = -1  # no thread has this id


class Threads:
    """What a `Loop` needs where there are several threads. ``mutex``: guards what they share."""

    def __init__(self, platform: "Platform"):
        self.mutex = platform.mutex()
        self._platform = platform
        self._runner: "int | None" = None  # the thread that the loop runs in
        self._thread: "Thread | None" = None  # the one that `start` made
        self._waiting: "list[tuple[Callable[[], bool], Signal]]" = []

    # -- who runs the loop

    def enter(self) -> bool:
        """Take the loop for the calling thread; False: a thread has it already."""
        self.mutex.lock()
        try:
            if self._runner is not None:
                return False
            self._runner = self._platform.thread_id()
            return True
        finally:
            self.mutex.unlock()

    def leave(self) -> None:
        """Give the loop back."""
        self._runner = None

    def start(self, loop: "Any") -> None:
        """Run the loop in a thread of its own. Raises `NotSupported` where the runtime has no threads."""
        if loop.stopped:
            raise AtinyError("the client was stopped: make a new one")
        if not self.enter():
            raise AtinyError("the client runs already")

        def in_thread() -> None:
            self._runner = self._platform.thread_id()
            loop.drive(loop.is_stopped, None)

        self._runner = _STARTING  # not this thread, which may wait for the loop
        try:
            self._thread = self._platform.spawn(in_thread)
        except AtinyError:
            self.leave()
            raise

    # -- what other threads hand over

    def put(self, requests: "list[Any]", request: object) -> None:
        """Add to the list that `take` empties."""
        self.mutex.lock()
        try:
            requests.append(request)
        finally:
            self.mutex.unlock()

    def take(self, requests: "list[Any]") -> "list[Any]":
        """What is in the list, which is empty then."""
        self.mutex.lock()
        try:
            taken = list(requests)
            requests.clear()
            return taken
        finally:
            self.mutex.unlock()

    # -- what other threads wait for

    def wait(self, ended: "Callable[[], bool]", timeout_ms: "int | None") -> None:
        """Wait until `tell` finds ``ended()`` true. Raises `AtinyError` in the thread that the loop runs in."""
        if self._runner == self._platform.thread_id():
            raise AtinyError("waiting in a callback would wait for itself: the loop is here")
        waiting = (ended, self._platform.signal())
        self.put(self._waiting, waiting)
        try:
            if not ended():  # what happens from now on is told
                waiting[1].wait(timeout_ms)
        finally:
            self._waiting.remove(waiting)

    def wait_for_end(self, ended: "Callable[[], bool]") -> None:
        """Wait for the loop's end, and for that of its thread; not in a callback, which the loop itself waits for."""
        if self._runner != self._platform.thread_id():
            self.wait(ended, None)
            if self._thread is not None:
                self._thread.join()

    def tell(self) -> None:
        """Something happened that may be waited for."""
        if self._waiting:
            self.mutex.lock()
            try:
                for ended, signal in self._waiting:
                    if ended():
                        signal.set()
            finally:
                self.mutex.unlock()
