"""The notifications of one server that wait until it can be told (LwM2M 1.0, 5.3.4 and E.2, resource 6). Sans-I/O.

While the server cannot be told (the device sleeps, or has no network), what is due is stored, in order and up to a
bound, or dropped, as the Server object's resource 6 says; then the latest value is notified once when it can be told
again. What was stored goes up confirmable, one after the other.
"""

from ..coap.codes import CONTENT
from ..coap.exchange import CANCELLED
from ..params import ReportStatus
from .connection import ONLINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..coap.message import Message
    from .observe import Observation, Observations
    from .queue_mode import QueueMode


class Stored:
    """What one server's observations could not tell it.

    ``owner`` is the account, with ``agent``, ``server``, ``observations`` and ``queue_mode``, by whose state the server
    can be told or not.
    """

    def __init__(self, owner):
        self.entries: "list[tuple[Observation, Message]]" = []
        self._owner = owner
        self._observations: "Observations" = owner.observations
        self._queue_mode: "QueueMode" = owner.queue_mode
        self._bound = owner.agent.settings.stored_notifications
        self._returned = 0  # how many at the front of them were on their way when the device went offline
        self._sent: "Message | None" = None  # the one of them that is on its way

    # -- whether the server can be told

    def go_offline(self) -> None:
        """From now on the server cannot be told; what is on its way and is cancelled then is stored again."""
        self._returned = 0

    def go_online(self) -> None:
        """The server can be told again: what was stored goes up, in order, then the rest.

        The oldest is sent, and the next one follows its end.
        """
        if self._queue_mode.state != ONLINE or self._sent is not None:
            return
        if self.entries:
            observation, self._sent = self.entries.pop(0)
            self._observations.notify(observation, self._sent, True)
            return
        for observation in self._observations.all:
            observation.stored_in = None

    # -- what is due

    def holds(self, observation: "Observation") -> bool:
        """Whether the server cannot be told now, and nothing is stored for it: it is told the latest value later."""
        if not self._waits() or self._stores():
            return False
        observation.stored_in = self
        return True

    def takes(self, observation: "Observation", response: "Message") -> bool:
        """Store a notification where it cannot be sent now; returns whether that is so.

        That what was observed is gone is not stored: the server is told if it still is when it can be told.
        """
        if not self._waits():
            return False
        if response.code == CONTENT:
            observation.last_ms = self._owner.agent.clock.ms
            self._store(observation, response, len(self.entries))
        else:
            observation.stored_in = self
        return True

    def _waits(self) -> bool:
        """Whether nothing is to be sent now: also until what was stored has gone, for the order."""
        return self._queue_mode.state != ONLINE or self._sent is not None

    def _stores(self) -> bool:
        return self._bound > 0 and self._owner.server.notification_storing

    def _store(self, observation: "Observation", response: "Message", place: int) -> None:
        """Keep a notification until the server can be told; the oldest goes if there are too many."""
        self.entries.insert(place, (observation, response))
        if len(self.entries) > self._bound:
            self._drop(self.entries[:1], ReportStatus.NOT_SENT)

    def ended(self, observation: "Observation", response: "Message", outcome: int) -> None:
        """A notification has its end. One that was on its way as the device went offline is stored again."""
        observations = self._observations
        # Else the observation was ended, not the link.
        broken = outcome == CANCELLED and observation in observations.all
        back = broken and self._queue_mode.state != ONLINE
        if back and self._stores():
            response.options = response.options[1:]
            self._store(observation, response, self._returned)
            self._returned += 1
        else:
            if back:
                observation.dirty = True
                observation.last_value = None  # whether the server knows that one is not known
            observations.tell(observation, outcome)
        if self._sent is response:
            self._sent = None
            if not broken:
                self.go_online()

    # -- what makes it void

    def asked_again(self, observation: "Observation") -> None:
        """The server has a new first response, after which what was stored is not the latest any more."""
        for entry in self.entries:
            if entry[0] is observation:
                observation.dirty = True
                observation.last_value = None

    def forget(self, observation: "Observation") -> None:
        """An observation has ended."""
        self._drop([entry for entry in self.entries if entry[0] is observation], ReportStatus.SENT_FAIL)

    def stop(self) -> None:
        """The device stops: nothing of it is sent any more."""
        self._drop(self.entries, ReportStatus.NOT_SENT)

    def rights_changed(self) -> None:
        """What the server may not read any more is not sent: the present value takes its place, or the refusal."""
        gone = [entry for entry in self.entries if not self._observations.source.may_read(entry[0].path)]
        for observation, _ in gone:
            observation.dirty = True
        self._drop(gone, ReportStatus.SENT_FAIL)

    def _drop(self, gone: "list[tuple[Observation, Message]]", status: int) -> None:
        self.entries = [entry for entry in self.entries if entry not in gone]
        for observation, _ in gone:
            self._owner.agent.delivered(self._owner, observation.path, status)
