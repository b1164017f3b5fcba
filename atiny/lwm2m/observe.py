"""Observations of one server and when they notify (RFC 7641; LwM2M 1.0, 5.1.2 and 5.5). Sans-I/O.

An observation notifies when what it observes changed and its attributes allow it: not before ``pmin``; of a number
only where it crossed ``gt`` or ``lt`` or moved by ``st`` since the last notification; at ``pmax`` even unchanged.
While a confirmable notification is unanswered the next one waits, and then carries the latest value (RFC 7641, 4.5.1).

The application data (a ``raw`` resource) is not a state but a sequence of reports: each is sent, in order, none is
merged; of its attributes only ``pmin`` has a meaning.
"""

from ..coap.codes import CONTENT, OBSERVE
from ..coap.exchange import DONE, RESET
from ..coap.message import Message, uint_bytes
from .attributes import Attributes
from .path import overlaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONFIRMABLE_EVERY_MS = 86400000  # at least one confirmable notification a day shows that the observer is there
SEQUENCE_MASK = 0xFFFFFF


class Observation:
    """One observed path. Times in milliseconds of the agent's clock."""

    __slots__ = (
        "request",
        "path",
        "accept",
        "raw",
        "pmin_ms",
        "pmax_ms",
        "thresholds",
        "last_ms",
        "last_value",
        "confirmed_ms",
        "dirty",
        "in_flight",
    )

    request: Message  # the latest GET that asked for it
    accept: "int | None"

    def __init__(self, path: tuple, raw: bool):
        self.path = path
        self.raw = raw
        self.pmin_ms = 0
        self.pmax_ms: "int | None" = None
        self.thresholds: "dict[str, float]" = {}  # gt, lt, st
        self.last_ms = 0
        self.last_value: "float | None" = None
        self.confirmed_ms = 0
        self.dirty = False
        self.in_flight = False

    def due(self) -> "int | None":
        """When it is to be looked at next, or None."""
        if self.in_flight or self.raw:
            return None
        if self.dirty:
            return self.last_ms + self.pmin_ms
        return None if self.pmax_ms is None else self.last_ms + self.pmax_ms

    def crossed(self, value: "float | None") -> bool:
        """Whether the attributes call the way from the last notified value to this one worth a notification."""
        thresholds = self.thresholds
        last = self.last_value
        if not thresholds or value is None or last is None:
            return True
        gt = thresholds.get("gt")
        lt = thresholds.get("lt")
        if gt is not None and (last > gt) != (value > gt):
            return True
        if lt is not None and (last < lt) != (value < lt):
            return True
        step = thresholds.get("st")
        return step is not None and abs(value - last) >= step


class Observations:
    """All observations of one server.

    ``source`` gives the values: ``represent(path, accept)`` the response with the present one, and the bare number or
    None. ``defaults()``: (pmin, pmax) of the Server object in seconds, None where not
    set. ``owner`` sends and is told: ``notify(request, response, confirmable, on_done)``, ``subscribed(path)``,
    ``unsubscribed(observation, cancelled)``. ``clock.ms`` is the present time.
    """

    def __init__(self, owner, clock, attributes: Attributes, defaults, confirmable: bool = False):
        self._owner = owner
        self._clock = clock
        self._attributes = attributes
        self._defaults = defaults
        self._confirmable = confirmable
        self._all: "list[Observation]" = []
        self._sequence = 0
        self.source: "Any" = None  # the dispatcher, which needs the observations first

    # -- what the server asks

    def add(self, request: Message, path: tuple, accept: "int | None", raw: bool, number: "float | None") -> int:
        """Begin an observation; returns the sequence number for its first response, which has the value ``number``.

        It takes the place of one with the same token (RFC 7641, 4.1) or of the same path: a server that lost its
        memory asks again with a new token, and must not be told everything twice.
        """
        observation = None
        for one in list(self._all):
            if one.path == path:
                observation = one
            elif one.request.token == request.token:
                self.end(one)
        if observation is None:
            observation = Observation(path, raw)
            self._all.append(observation)
            self._owner.subscribed(path)
        observation.request = request
        observation.accept = accept
        observation.last_ms = observation.confirmed_ms = self._clock.ms
        observation.last_value = number
        observation.dirty = False
        self._take_attributes(observation)
        return self._next_sequence()

    def failed(self, token: bytes) -> None:
        """An Observe was answered with an error: it leaves no observer (RFC 7641, 4.1)."""
        for observation in [one for one in self._all if one.request.token == token]:
            self.end(observation)

    def cancel(self, token: bytes, path: tuple) -> None:
        """End the observation with that token; where there is none, the one of that path (LwM2M 1.0, 5.5.3)."""
        found = [one for one in self._all if one.request.token == token]
        for observation in found or [one for one in self._all if one.path == path]:
            self.end(observation, True)

    def end(self, observation: Observation, cancelled: bool = False) -> None:
        """End one observation; the host hears of it. ``cancelled``: by the server's request."""
        if observation in self._all:
            self._all.remove(observation)
            self._owner.unsubscribed(observation, cancelled)

    def clear(self) -> None:
        """End all: the server that asked for them is gone."""
        for observation in list(self._all):
            self.end(observation)

    def attributes_changed(self, path: tuple) -> None:
        """The attributes at a path were written: what lies below obeys them from now on."""
        for observation in self._all:
            if overlaps(observation.path, path):
                self._take_attributes(observation)

    # -- what the device does

    def changed(self, path: tuple) -> None:
        """The value at a path changed."""
        for observation in self._all:
            if overlaps(observation.path, path):
                observation.dirty = True

    def observing(self, path: tuple) -> "Observation | None":
        """The observation that a report from ``path`` goes up on: of that path itself, else of what it lies in."""
        found = None
        for observation in self._all:
            if observation.path == path:
                return observation
            if found is None and path[: len(observation.path)] == observation.path:
                found = observation
        return found

    def report(self, observation: Observation, response: Message, confirmable: bool, on_done) -> bool:
        """Send one report on an observation, whatever its attributes; returns whether its end will be known.

        Then ``on_done(outcome)`` tells it, once; else it was not confirmable.
        """
        return self._notify(observation, response, confirmable, on_done)

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = None
        for observation in self._all:
            due = observation.due()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self) -> None:
        """Notify what is due."""
        now = self._clock.ms
        for observation in list(self._all):
            due = observation.due()
            if due is not None and due <= now:
                self._notify_state(observation)

    def _notify_state(self, observation: Observation) -> None:
        now = self._clock.ms
        expired = observation.pmax_ms is not None and now - observation.last_ms >= observation.pmax_ms
        observation.dirty = False
        response, value = self.source.represent(observation.path, observation.accept)
        code = response.code
        if code == CONTENT:
            if expired or observation.crossed(value):
                observation.last_value = value
                self._notify(observation, response, self._confirmable, None)
        elif code >> 5 == 5:
            # The host could not read its value, and knows it: a sensor that fails once must not end an observation.
            observation.last_ms = now
        else:
            # What was observed is gone: the error is the last notification (RFC 7641, 4.2).
            self._owner.notify(observation.request, response, False, _nothing)
            self.end(observation)

    def _notify(self, observation: Observation, response: Message, confirmable: bool, on_done) -> bool:
        request = observation.request
        confirmable = confirmable or self._clock.ms - observation.confirmed_ms >= CONFIRMABLE_EVERY_MS
        response.options = [(OBSERVE, uint_bytes(self._next_sequence()))] + response.options
        observation.last_ms = self._clock.ms
        observation.in_flight = confirmable

        def ended(outcome: int, message: "Message | None") -> None:
            if confirmable:
                observation.in_flight = False
            if outcome == DONE:
                observation.confirmed_ms = self._clock.ms
            elif outcome == RESET:
                if observation.request.token == request.token:  # else the server has forgotten the token of before
                    self.end(observation)
            if confirmable and on_done is not None:
                on_done(outcome)

        self._owner.notify(request, response, confirmable, ended)
        return confirmable

    def _take_attributes(self, observation: Observation) -> None:
        in_force = self._attributes.in_force(observation.path)
        pmin, pmax = self._defaults()
        pmin = in_force.pop("pmin", pmin)
        pmax = in_force.pop("pmax", pmax)
        observation.pmin_ms = int((pmin or 0) * 1000)
        # A pmax of 0 is none, and one below pmin, which can come together by inheritance only, cannot be kept (5.1.2).
        observation.pmax_ms = int(pmax * 1000) if pmax and pmax >= (pmin or 0) else None
        observation.thresholds = in_force

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) & SEQUENCE_MASK
        return self._sequence


def _nothing(outcome: int, message: "Message | None") -> None:
    """Nobody asks what becomes of it."""
