"""What happens at the cloud, as typed events in a bounded log that can be listened to."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard, TypeVar

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """``seq``: the event's number, from 1; ``time``: seconds since 1970-01-01 UTC; ``endpoint``: which device."""

    kind: ClassVar[str] = "event"
    seq: int
    time: float
    endpoint: str

    def as_dict(self) -> dict[str, Any]:
        """The event for JSON: its kind under "event", bytes in hexadecimal."""
        result: dict[str, Any] = {"event": self.kind}
        for item in dataclasses.fields(self):
            result[item.name] = plain(getattr(self, item.name))
        return result

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.text()}" if self.endpoint else self.text()

    def text(self) -> str:
        """What happened, in words."""
        return self.kind


@dataclass(frozen=True)
class Registered(Event):
    """A device registered; ``objects``: {object id: [instance ids]}; ``identity``: of its DTLS session, or ""."""

    kind: ClassVar[str] = "registered"
    id: str
    address: str
    lifetime_s: int
    binding: str
    version: str
    objects: dict[int, list[int]]
    identity: str = ""

    def text(self) -> str:
        secured = f" over DTLS ({self.identity})" if self.identity else ""
        return (
            f"registered from {self.address}{secured} as /rd/{self.id}, "
            f"lifetime {self.lifetime_s} s, binding {self.binding}"
        )


@dataclass(frozen=True)
class Updated(Event):
    """A device updated its registration; ``changed``: names of what is new (address, lifetime, binding, objects)."""

    kind: ClassVar[str] = "updated"
    id: str
    changed: tuple[str, ...]

    def text(self) -> str:
        return "updated its registration" + (f" ({', '.join(self.changed)})" if self.changed else "")


@dataclass(frozen=True)
class Deregistered(Event):
    """A registration ended; ``reason``: "requested" by the device, "replaced" by a new Register, or "stopped"."""

    kind: ClassVar[str] = "deregistered"
    id: str
    reason: str

    def text(self) -> str:
        return "de-registered" if self.reason == "requested" else f"registration /rd/{self.id} ended ({self.reason})"


@dataclass(frozen=True)
class Expired(Event):
    """A registration's lifetime passed without an Update."""

    kind: ClassVar[str] = "expired"
    id: str
    lifetime_s: int

    def text(self) -> str:
        return f"registration /rd/{self.id} expired after {self.lifetime_s} s without an Update"


@dataclass(frozen=True)
class Observed(Event):
    """The device accepted an Observe; ``data`` and ``content_format`` are the value it answered with."""

    kind: ClassVar[str] = "observed"
    path: str
    token: bytes
    content_format: int | None
    data: bytes

    def text(self) -> str:
        return f"{self.path} is observed"


@dataclass(frozen=True)
class Unobserved(Event):
    """An observation ended; ``reason`` says why ("cancelled", "replaced", "registration ended", the device's code)."""

    kind: ClassVar[str] = "unobserved"
    path: str
    token: bytes
    reason: str

    def text(self) -> str:
        return f"{self.path} is no longer observed ({self.reason})"


@dataclass(frozen=True)
class Report(Event):
    """A notification: ``data`` as it came, ``value`` decoded where the format allows, ``number`` the Observe option's.

    ``confirmable``: the device asked for an acknowledgement (and got it).
    """

    kind: ClassVar[str] = "report"
    path: str
    data: bytes
    content_format: int | None
    value: Any
    number: int
    confirmable: bool

    def text(self) -> str:
        shown = self.data.hex() if isinstance(self.value, bytes) else self.value
        return f"report {self.path} = {shown}" + (" (acknowledged)" if self.confirmable else "")


@dataclass(frozen=True)
class CommandChanged(Event):
    """A command went into another state (`CommandState`); ``reason``: why it failed, or ""."""

    kind: ClassVar[str] = "command"
    id: int
    state: str
    path: str
    data: bytes
    reason: str

    def text(self) -> str:
        return f"command {self.id} ({self.data.hex()}) is {self.state}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class SessionStarted(Event):
    """A device has proved its key in a DTLS handshake; ``endpoint`` is "": it has yet to say its name."""

    kind: ClassVar[str] = "session_started"
    address: str
    identity: str
    cipher: str

    def text(self) -> str:
        return f"DTLS session of {self.identity} from {self.address} ({self.cipher})"


@dataclass(frozen=True)
class SessionEnded(Event):
    """A DTLS session is over; ``reason`` says why."""

    kind: ClassVar[str] = "session_ended"
    address: str
    identity: str
    reason: str

    def text(self) -> str:
        return f"DTLS session of {self.identity} from {self.address} ended: {self.reason}"


@dataclass(frozen=True)
class HandshakeFailed(Event):
    """A DTLS handshake failed; ``identity``: what the device said, unproved, or "" where it did not come to that."""

    kind: ClassVar[str] = "handshake_failed"
    address: str
    identity: str
    reason: str

    def text(self) -> str:
        who = f"of {self.identity} " if self.identity else ""
        return f"DTLS handshake {who}from {self.address} failed: {self.reason}"


@dataclass(frozen=True)
class BootstrapRequested(Event):
    """A device asked to be bootstrapped; ``identity``: of its DTLS session, or ""."""

    kind: ClassVar[str] = "bootstrap_requested"
    address: str
    identity: str

    def text(self) -> str:
        return f"asks from {self.address} to be bootstrapped" + (f" ({self.identity})" if self.identity else "")


@dataclass(frozen=True)
class BootstrapStepped(Event):
    """A device answered a step of its bootstrap, or did not.

    ``operation``: "discover", "delete", "write" or "finish"; ``code``: of the answer, like "2.04", or "" where there
    was none; ``reason``: what the device said against it, or why there was no answer. Values are never told: keys are
    among them.
    """

    kind: ClassVar[str] = "bootstrap_step"
    operation: str
    path: str
    code: str
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the answer was a 2.xx."""
        return self.code.startswith("2.")

    def text(self) -> str:
        said = " ".join(part for part in (self.code, self.reason) if part)
        return f"bootstrap {self.operation} {self.path}: {said}"


@dataclass(frozen=True)
class BootstrapEnded(Event):
    """A bootstrap is over; ``reason``: why it failed, or ""."""

    kind: ClassVar[str] = "bootstrap_ended"
    ok: bool
    reason: str

    def text(self) -> str:
        return "bootstrapped" if self.ok else f"bootstrap failed: {self.reason}"


@dataclass(frozen=True)
class Error(Event):
    """A request from ``endpoint`` was refused ("" where it named none), or one to it had no answer."""

    kind: ClassVar[str] = "error"
    message: str

    def text(self) -> str:
        return f"error: {self.message}"


E = TypeVar("E", bound=Event)


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: bytes in hexadecimal, tuples as lists, keys as text."""
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class EventLog:
    """The last ``capacity`` events, and who wants to hear of the next ones. Used on the cloud's event loop."""

    def __init__(self, wall: Callable[[], float], capacity: int = 1000):
        self._wall = wall
        self._events: deque[Event] = deque(maxlen=capacity)
        self._listeners: list[Callable[[Event], None]] = []
        self.total = 0

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)

    def of(self, kind: type[E], endpoint: str | None = None) -> list[E]:
        """The events of one class that the log still holds, optionally of one device."""
        return [e for e in self._events if isinstance(e, kind) and endpoint in (None, e.endpoint)]

    def add(self, kind: type[E], endpoint: str, **fields: Any) -> E:
        """Record an event and tell the listeners."""
        self.total += 1
        event = kind(seq=self.total, time=self._wall(), endpoint=endpoint, **fields)
        self._events.append(event)
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # a listener's fault must not stop the cloud
                _log.exception("a listener of the event log raised on %r", event)
        return event

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``callback(event)`` for each event from now on; the returned function ends that."""
        self._listeners.append(callback)

        def unsubscribe() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return unsubscribe

    async def stream(self, capacity: int = 10_000) -> AsyncGenerator[Event, None]:
        """The events from now on. A consumer more than ``capacity`` events behind loses the oldest of them."""
        pending: deque[Event] = deque(maxlen=capacity)
        more = asyncio.Event()

        def listener(event: Event) -> None:
            pending.append(event)
            more.set()

        unsubscribe = self.subscribe(listener)
        try:
            while True:
                while pending:
                    yield pending.popleft()
                more.clear()
                await more.wait()
        finally:
            unsubscribe()

    async def wait_for(self, kind: type[E], timeout_s: float | None = 10.0, *, after: int = 0, **fields: Any) -> E:
        """The first event of class ``kind`` with these field values and a ``seq`` above ``after``, when it is there.

        Raises `TimeoutError` where none comes within ``timeout_s``.
        """

        def matches(event: Event) -> TypeGuard[E]:
            if not isinstance(event, kind) or event.seq <= after:
                return False
            return all(getattr(event, name) == wanted for name, wanted in fields.items())

        for event in self._events:
            if matches(event):
                return event
        found: asyncio.Future[E] = asyncio.get_running_loop().create_future()

        def listener(event: Event) -> None:
            if matches(event) and not found.done():
                found.set_result(event)

        unsubscribe = self.subscribe(listener)
        try:
            return await asyncio.wait_for(found, timeout_s)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no {kind.kind} event with {fields} within {timeout_s} s") from None
        finally:
            unsubscribe()
