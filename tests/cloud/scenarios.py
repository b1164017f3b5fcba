"""Whole scenes on loopback: clouds in threads of their own, and atiny's own device with what it was told."""

import contextlib
import threading
from typing import Any, Iterator

import atiny
from atiny.cloud import CloudThread
from atiny.testing import FakeStore

FAST: "dict[str, Any]" = {"ack_timeout_ms": 50, "max_retransmit": 2, "retry_min_s": 0.05, "retry_max_s": 0.2}


class Lamp(atiny.CommandHandler):
    """A device that keeps what it is told, by its clouds and by its client."""

    def __init__(self, server: Any = None, endpoint: str = "lamp", store: "FakeStore | None" = None, **options: Any):
        self.commands: list[bytes] = []
        self.events: list[tuple[int, Any]] = []
        self._more = threading.Condition()
        platform = atiny.Platform(store=store)
        self.client = atiny.Client(
            endpoint, server, device=self, on_event=self.on_event, platform=platform, **{**FAST, **options}
        )

    def __enter__(self) -> "Lamp":
        self.client.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.client.stop()

    def write_app_write(self, data: bytes) -> int:
        self.commands.append(data)
        return atiny.ATINY_OK

    def on_event(self, event: int, arg: object) -> None:
        with self._more:
            self.events.append((event, arg))
            self._more.notify_all()

    def wait(self, event: int, count: int = 1) -> object:
        """The argument of the ``count``-th such event."""

        def found() -> "list[object]":
            return [arg for kind, arg in self.events if kind == event]

        with self._more:
            assert self._more.wait_for(lambda: len(found()) >= count, 10), self.events
        return found()[count - 1]


@contextlib.contextmanager
def clouds(count: int, **options: Any) -> "Iterator[list[CloudThread]]":
    """Several clouds at once, each with a thread and a port of its own."""
    with contextlib.ExitStack() as stack:
        fast = {"ack_timeout_s": 0.1, "max_retransmit": 2, **options}
        yield [stack.enter_context(CloudThread(port=0, **fast)) for _ in range(count)]
