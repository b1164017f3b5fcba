"""Observations of one server and when they notify (RFC 7641; LwM2M 1.0, 5.1.2 and 5.5). Sans-I/O.

An observation notifies when what it observes changed and its attributes allow it: not before ``pmin``; of a number
only where it crossed ``gt`` or ``lt`` or moved by ``st`` since the last notification; at ``pmax`` even unchanged.
While a confirmable notification is unanswered the next one waits, and then carries the latest value (RFC 7641, 4.5.1).

While the server cannot be told (the device sleeps, or has no network), what is due is stored, in order and up to a
bound, or dropped, as the Server object's resource 6 says; then the latest value is notified once when it can be told
again. What was stored goes up confirmable, one after the other.

Not more than one non-confirmable notification in 3 seconds goes to a server, on average (RFC 7641, 4.5.1); where there
is more to tell it is told confirmable, so that the acknowledgements set the pace and no value comes late.

The application data (a ``raw`` resource) is not a state but a sequence of reports: each is sent, in order, none is
merged; of its attributes only ``pmin`` has a meaning. They are stored in the report queue, not here.
"""

from ..coap.codes import CONTENT, OBSERVE
from ..coap.exchange import CANCELLED, DONE, RESET
from ..coap.message import Message, uint_bytes
from ..params import ReportStatus
from .attributes import Attributes
from .observation import Observation
from .path import overlaps
from .report import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONFIRMABLE_EVERY_MS = 86400000  # at least one confirmable notification a day shows that the observer is there
SEQUENCE_MASK = 0xFFFFFF
ACCESS_CONTROL = 2  # the object that says what the server may read
NON_EVERY_MS = 3000  # what RFC 7641 allows on average,
NON_BURST = 16  # and how many may come at once where it was quiet before
DEFAULT_BOUND = 32


class Observations:
    """All observations of one server.

    ``source`` gives the values: ``represent(path, accept)`` the response with the present one, and the bare number or
    None; ``may_read(path)`` whether the server may have them. ``defaults()``: (pmin, pmax) of the Server object in
    seconds, None where not set. ``storing()``: whether notifications are stored while the server cannot be told; at
    most ``bound`` of them. ``owner`` sends and is told: ``notify(request, response, confirmable, on_done)``,
    ``subscribed(path)``, ``unsubscribed(observation, cancelled)``, ``delivered(path, status)`` what became of each
    notification, a `ReportStatus`. ``clock.ms`` is the present time.
    """

    def __init__(
        self,
        owner,
        clock,
        attributes: Attributes,
        defaults,
        confirmable: bool = False,
        storing=None,
        bound: int = DEFAULT_BOUND,
    ):
        self.online = True  # whether the server can be told; see `go_online`
        self.stopped = False
        self._owner = owner
        self._clock = clock
        self._attributes = attributes
        self._defaults = defaults
        self._confirmable = confirmable
        self._storing = storing
        self._bound = bound
        self._all: "list[Observation]" = []
        self._sequence = 0
        self._stored: "list[tuple[Observation, Message]]" = []
        self._returned = 0  # how many at the front of them were on their way when the device went offline
        self._stored_sent: "Message | None" = None  # the one of them that is on its way
        self._paced_ms = 0  # when the non-confirmable ones so far would have ended, at their average rate
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
        observation.dirty = observation.held = False
        for entry in self._stored:
            if entry[0] is observation:  # after which this first response is not the latest any more
                observation.dirty = True
                observation.last_value = None
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
            for entry in self._stored:
                if entry[0] is observation:
                    self._owner.delivered(observation.path, ReportStatus.SENT_FAIL)
            self._stored = [entry for entry in self._stored if entry[0] is not observation]
            self._owner.unsubscribed(observation, cancelled)

    def clear(self) -> None:
        """End all: the server that asked for them is gone."""
        for observation in list(self._all):
            self.end(observation)

    def stop(self) -> None:
        """The device stops: what was stored is not sent any more."""
        self.stopped = True
        stored = self._stored
        self._stored = []
        for observation, _ in stored:
            self._owner.delivered(observation.path, ReportStatus.NOT_SENT)

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
                observation.held = False
        if path[0] == ACCESS_CONTROL:
            self._rights_changed()

    def _rights_changed(self) -> None:
        """What the server may not have any more is not sent (LwM2M 1.0, 7.3.2.5), and its observations end with 4.01.

        Of an object some instances may be among what was stored: then the present value takes its place.
        """
        for observation in self._all:
            if len(observation.path) > 1 and not self.source.may_read(observation.path):
                observation.dirty = True
                observation.raw = False  # there are no reports any more: its state is what is asked for, and refused
        gone = [entry for entry in self._stored if not self.source.may_read(entry[0].path)]
        self._stored = [entry for entry in self._stored if entry not in gone]
        for observation, _ in gone:
            observation.dirty = True
            self._owner.delivered(observation.path, ReportStatus.SENT_FAIL)

    def observing(self, path: tuple) -> "Observation | None":
        """The observation that a report from ``path`` goes up on: of that path itself, else of what it lies in.

        None also where the server may not read it (any more): see `Dispatcher.may_read`.
        """
        if self._all and not self.source.may_read(path):
            return None
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

    # -- whether the server can be told

    def go_offline(self) -> None:
        """From now on the server cannot be told; what is on its way and is cancelled then is stored again."""
        self.online = False
        self._returned = 0

    def go_online(self) -> None:
        """The server can be told again: what was stored goes up, in order, then the rest."""
        self.online = True
        self._go_on()

    def _go_on(self) -> None:
        """Send the oldest that was stored; the next one follows its end."""
        if not self.online or self._stored_sent is not None:
            return
        if not self._stored:
            for observation in self._all:
                observation.held = False
            return
        observation, response = self._stored.pop(0)
        self._stored_sent = response
        self._notify(observation, response, True, None)

    def _store(self, observation: Observation, response: Message, place: "int | None" = None) -> None:
        """Keep a notification until the server can be told, as the latest one; the oldest goes if too many."""
        stored = self._stored
        stored.insert(len(stored) if place is None else place, (observation, response))
        if len(stored) > self._bound:
            self._owner.delivered(stored.pop(0)[0].path, ReportStatus.NOT_SENT)

    def _take_back(self, observation: Observation, response: Message) -> None:
        """The device went offline while a notification was on its way."""
        if self._stores():
            response.options = response.options[1:]
            self._store(observation, response, self._returned)
            self._returned += 1
        else:
            observation.dirty = True
            observation.last_value = None  # whether the server knows that one is not known
            self._tell(observation, CANCELLED)

    def _tell(self, observation: Observation, outcome: int) -> None:
        self._owner.delivered(observation.path, status_of(outcome, self.stopped))

    def _stores(self) -> bool:
        return self._bound > 0 and (self._storing is None or self._storing())

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = None
        if self.stopped:
            return None
        for observation in self._all:
            due = observation.due()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self) -> None:
        """Notify, or store, what is due."""
        if self.stopped:
            return
        now = self._clock.ms
        for observation in list(self._all):
            due = observation.due()
            if due is not None and due <= now:
                self._notify_state(observation)

    def _notify_state(self, observation: Observation) -> None:
        now = self._clock.ms
        wait = not self.online or self._stored_sent is not None  # also until what was stored has gone: in order
        if wait and not self._stores():
            observation.held = True
            return
        expired = observation.pmax_ms is not None and now - observation.last_ms >= observation.pmax_ms
        response, value = self.source.represent(observation.path, observation.accept)
        code = response.code
        if code == CONTENT:
            observation.dirty = False
            if expired or observation.crossed(value):
                observation.last_value = value
                if wait:
                    observation.last_ms = now
                    self._store(observation, response)
                else:
                    self._notify(observation, response, self._confirmable, None)
        elif code >> 5 == 5:
            # The host could not read its value, and knows it: a sensor that fails once must not end an observation.
            observation.dirty = False
            observation.last_ms = now
        elif wait:
            observation.held = True  # what was observed is gone; the server is told if it still is when it can be told
        else:
            # What was observed is gone: the error is the last notification (RFC 7641, 4.2). Confirmable, because
            # nothing comes after it that would make good its loss.
            self._owner.notify(observation.request, response, True, lambda outcome, _: self._tell(observation, outcome))
            self.end(observation)

    def _notify(self, observation: Observation, response: Message, confirmable: bool, on_done) -> bool:
        request = observation.request
        now = self._clock.ms
        if not confirmable:
            confirmable = now - observation.confirmed_ms >= CONFIRMABLE_EVERY_MS or not self._may_be_non(now)
        response.options = [(OBSERVE, uint_bytes(self._next_sequence()))] + response.options
        observation.last_ms = now
        observation.in_flight = confirmable

        def ended(outcome: int, message: "Message | None") -> None:
            if confirmable:
                observation.in_flight = False
            if outcome == DONE:
                observation.confirmed_ms = self._clock.ms
            elif outcome == RESET:
                if observation.request.token == request.token:  # else the server has forgotten the token of before
                    self.end(observation)
            if not confirmable:
                return
            if on_done is not None:
                on_done(outcome)
                return
            broken = outcome == CANCELLED and observation in self._all  # the link was ended, not the observation
            if broken and not self.online:
                self._take_back(observation, response)
            else:
                self._tell(observation, outcome)
            if self._stored_sent is response:
                self._stored_sent = None
                if not broken:
                    self._go_on()

        self._owner.notify(request, response, confirmable, ended)
        if not confirmable and on_done is None:
            self._owner.delivered(observation.path, ReportStatus.SENT_SUCCESS)
        return confirmable

    def _may_be_non(self, now: int) -> bool:
        """Whether one more non-confirmable notification keeps the average."""
        paced_ms = max(self._paced_ms, now)
        if paced_ms - now > (NON_BURST - 1) * NON_EVERY_MS:
            return False
        self._paced_ms = paced_ms + NON_EVERY_MS
        return True

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
