"""Observations of one server and when they notify (RFC 7641; LwM2M 1.0, 5.1.2 and 5.5). Sans-I/O.

An observation notifies when what it observes changed, and its `attributes.Rules`, where it has any, allow it. While a
confirmable notification is unanswered the next one waits, and then carries the latest value (RFC 7641, 4.5.1).

While the server cannot be told (the device sleeps, or has no network), what is due is `stored`.

Not more than one non-confirmable notification in 3 seconds goes to a server, on average (RFC 7641, 4.5.1); where there
is more to tell it is told confirmable, so that the acknowledgements set the pace and no value comes late.

The application data (a ``raw`` resource) is not a state but a sequence of reports: each is sent, in order, none is
merged; of its attributes only ``pmin`` has a meaning. They are kept in the report queue, not here.
"""

from ..coap.codes import CONTENT, OBSERVE
from ..coap.exchange import DONE, RESET, TIME_OUT
from ..coap.message import Message, uint_bytes
from .path import overlaps
from .report import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .attributes import Attributes, Rules
    from .report import Report
    from .stored import Stored

CONFIRMABLE_EVERY_MS = 86400000  # at least one confirmable notification a day shows that the observer is there
SEQUENCE_MASK = 0xFFFFFF
ACCESS_CONTROL = 2  # the object that says what the server may read
NON_EVERY_MS = 3000  # what RFC 7641 allows on average,
NON_BURST = 16  # and how many may come at once where it was quiet before


class Observation:
    """One observed path. Times in milliseconds of the agent's clock.

    ``request``: the latest GET that asked for it. ``in_flight``: its notification that is not acknowledged yet, or
    None. ``rules``: what its attributes ask for; None: every change is told. ``stored_in``: what was due while the
    server could not be told is looked at again once that can be; who sees to that, or None.
    """

    __slots__ = (
        "request",
        "path",
        "accept",
        "raw",
        "rules",
        "last_ms",
        "last_value",
        "confirmed_ms",
        "dirty",
        "stored_in",
        "in_flight",
    )

    request: Message
    accept: "int | None"
    last_ms: int
    last_value: "float | None"
    confirmed_ms: int
    dirty: bool

    def __init__(self, path: tuple, raw: bool):
        self.path = path
        self.raw = raw
        self.rules: "Rules | None" = None
        self.stored_in: "Stored | None" = None
        self.in_flight: "Message | None" = None

    def due(self) -> "int | None":
        """When it is to be looked at next, or None."""
        if self.in_flight or self.raw or self.stored_in is not None:
            return None
        if self.rules is not None:
            return self.rules.due(self)
        return self.last_ms if self.dirty else None


class Observations:
    """All observations of one server.

    ``owner`` is the account, with ``agent``, ``endpoint``, ``registration`` and ``server``, the Server object instance.
    ``all``: they. ``source`` gives the values: ``represent(path, accept)`` the response with the present one, and the
    bare number or None; ``may_read(path)`` whether the server may have them, where ``access`` is not None.
    ``attributes``, ``unsent``: None while the server has set none, and could always be told.
    """

    def __init__(self, owner):
        agent = owner.agent
        self.stopped = False
        self.source: "Any" = None  # the dispatcher, which needs the observations first
        self.attributes: "Attributes | None" = None
        self.unsent: "Stored | None" = None
        self._owner = owner
        self._agent = agent
        self._clock = agent.clock
        self._confirmable = agent.settings.confirmable_notifications
        self.all: "list[Observation]" = []
        self._sequence = 0
        self._paced_ms = 0  # when the non-confirmable ones so far would have ended, at their average rate

    # -- what the server asks

    def add(self, request: Message, path: tuple, accept: "int | None", raw: bool, number: "float | None") -> int:
        """Begin an observation; returns the sequence number for its first response, which has the value ``number``.

        It takes the place of one with the same token (RFC 7641, 4.1) or of the same path: a server that lost its
        memory asks again with a new token, and must not be told everything twice.
        """
        observation = None
        for one in list(self.all):
            if one.path == path:
                observation = one
            elif one.request.token == request.token:
                self.end(one)
        if observation is None:
            observation = Observation(path, raw)
            self.all.append(observation)
            self._agent.subscribed(self._owner, path)
        observation.request = request
        observation.accept = accept
        observation.last_ms = observation.confirmed_ms = self._clock.ms
        observation.last_value = number
        observation.dirty = False
        observation.stored_in = None
        if self.unsent is not None:
            self.unsent.asked_again(observation)
        if self.attributes is not None:
            self.attributes.govern(observation)
        return self._next_sequence()

    def cancel(self, token: bytes, path: "tuple | None" = None) -> None:
        """End the observation with that token; where there is none, the one of that path (LwM2M 1.0, 5.5.3).

        Without a path: an Observe was answered with an error, which leaves no observer (RFC 7641, 4.1).
        """
        found = [one for one in self.all if one.request.token == token]
        for observation in found or [one for one in self.all if one.path == path]:
            self.end(observation, path is not None)

    def end(self, observation: Observation, cancelled: bool = False) -> None:
        """End one observation; the host hears of it. ``cancelled``: by the server's request."""
        if observation in self.all:
            self.all.remove(observation)
            if self.unsent is not None:
                self.unsent.forget(observation)
            if cancelled:
                self._owner.exchange.cancel(observation.request.token)
            self._agent.unsubscribed(self._owner, observation.path, cancelled)

    def clear(self) -> None:
        """End all: the server that asked for them is gone."""
        for observation in list(self.all):
            self.end(observation)

    def stop(self) -> None:
        """The device stops: what was stored is not sent any more."""
        self.stopped = True
        if self.unsent is not None:
            self.unsent.stop()

    def set_attributes(self) -> "Attributes":
        """The server's attributes, made when it sets the first one."""
        if self.attributes is None:
            from .attributes import Attributes  # most servers set none

            self.attributes = Attributes(self._agent.servers.keep, self._owner.server)
        return self.attributes

    def attributes_changed(self, path: tuple) -> None:
        """The attributes at a path were written: what lies below obeys them from now on."""
        if self.attributes is not None:
            for observation in self.all:
                if overlaps(observation.path, path):
                    self.attributes.govern(observation)

    # -- what the device does

    def changed(self, path: tuple) -> None:
        """The value at a path changed."""
        for observation in self.all:
            if overlaps(observation.path, path):
                observation.dirty = True
                observation.stored_in = None
        if self.source.access is not None and path[0] == ACCESS_CONTROL:
            self._rights_changed()

    def _rights_changed(self) -> None:
        """What the server may not have any more is not sent (LwM2M 1.0, 7.3.2.5), and its observations end with 4.01.

        Of an object some instances may be among what was stored: then the present value takes its place.
        """
        for observation in self.all:
            if len(observation.path) > 1 and not self.source.may_read(observation.path):
                observation.dirty = True
                observation.raw = False  # there are no reports any more: its state is what is asked for, and refused
        if self.unsent is not None:
            self.unsent.rights_changed()

    def observing(self, path: tuple) -> "Observation | None":
        """The observation that a report from ``path`` goes up on: of that path itself, else of what it lies in.

        None also where the server may not read it (any more): see `Dispatcher.may_read`.
        """
        found = None
        for observation in self.all:
            if observation.path == path:  # nearly always, and a slice would take memory
                found = observation
                break
            if found is None and path[: len(observation.path)] == observation.path:
                found = observation
        if self.source.access is not None and found is not None and not self.source.may_read(path):
            return None
        return found

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = None
        if not self.stopped:
            for observation in self.all:
                due = observation.due()
                if due is not None and (soonest is None or due < soonest):
                    soonest = due
        return soonest

    def handle_timer(self) -> None:
        """Notify, or store, what is due."""
        now = self._clock.ms
        for observation in list(self.all):
            due = observation.due()
            if due is not None and due <= now and not self.stopped:
                self._notify_state(observation, now)

    def _notify_state(self, observation: Observation, now: int) -> None:
        if self.unsent is not None and self.unsent.holds(observation):
            return
        response, value = self.source.represent(observation.path, observation.accept)
        code = response.code
        if code == CONTENT:
            observation.dirty = False
            if observation.rules is None or observation.rules.ask_for(observation, value, now):
                observation.last_value = value
                if self.unsent is None or not self.unsent.takes(observation, response):
                    self.notify(observation, response, self._confirmable)
        elif code >> 5 == 5:
            # The host could not read its value, and knows it: a sensor that fails once must not end an observation.
            observation.dirty = False
            observation.last_ms = now
        elif self.unsent is None or not self.unsent.takes(observation, response):
            # What was observed is gone: the error is the last notification (RFC 7641, 4.2). Confirmable, because
            # nothing comes after it that would make good its loss.
            self.notify(observation, response, True)
            self.end(observation)

    def notify(
        self, observation: Observation, response: Message, confirmable: bool, report: "Report | None" = None
    ) -> None:
        """Send a notification: of a state, or with a report, which the agent's `Delivery` hears the end of.

        One that is never acknowledged shows that the server is lost.
        """
        now = self._clock.ms
        if not confirmable:
            paced_ms = max(self._paced_ms, now)
            confirmable = (
                now - observation.confirmed_ms >= CONFIRMABLE_EVERY_MS
                or paced_ms - now > (NON_BURST - 1) * NON_EVERY_MS  # one more would be too many on average
            )
            if not confirmable:
                self._paced_ms = paced_ms + NON_EVERY_MS
        if response.code == CONTENT:
            response.options.insert(0, (OBSERVE, uint_bytes(self._next_sequence())))
        response.token = observation.request.token
        observation.last_ms = now
        observation.in_flight = response

        def ended(outcome: int, message: "Message | None") -> None:
            if outcome == DONE and confirmable:
                observation.confirmed_ms = self._clock.ms
            elif outcome == RESET and observation.request.token == response.token:  # else the server has forgotten
                self.end(observation)  # the token of before
            if observation.in_flight is not response:
                return
            observation.in_flight = None
            if report is not None:
                self._agent.delivery.ended(self._owner, report, outcome)
            elif self.unsent is not None:
                self.unsent.ended(observation, response, outcome)
            else:
                self.tell(observation, outcome)
            if outcome == TIME_OUT:
                self._owner.registration.lost("a notification was not acknowledged")

        self._owner.endpoint.notify(observation.request, response, confirmable, ended, now)
        if not confirmable:  # it is sent, and that is its end
            ended(DONE, None)

    def tell(self, observation: Observation, outcome: int) -> None:
        """Tell the host what became of a notification."""
        self._agent.delivered(self._owner, observation.path, status_of(outcome, self.stopped))

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) & SEQUENCE_MASK
        return self._sequence
