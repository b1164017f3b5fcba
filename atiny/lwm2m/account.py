"""One LwM2M server as the device sees it: link, registration, attributes, observations, operations, held together.

The agent has an account for each pair of a Security and a Server object instance; none knows of the others.
"""

from ..coap.message import Message
from .connection import Connection
from .dispatch import Dispatcher
from .observe import Observations
from .registration import DEREGISTERING, DISABLED, IDLE, REGISTERED, UPDATING, WAITING, Registration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .deferred import Deferred
    from .queue_mode import QueueMode
    from .report import Report

_SERVED = (REGISTERED, UPDATING, DEREGISTERING)  # the states in which the server's requests count


class Account(Connection):
    """The account with one server.

    ``agent`` has, besides what a `Connection` asks of it: ``model``, ``servers``, ``delivery``,
    ``registered_with(account)``, ``failed(account, reason)``, ``ended(account)``, ``subscribed(account, path)``,
    ``unsubscribed(account, path, cancelled)``, ``delivered(account, path, status)``, ``sleep_link(account)``,
    ``wake_link(account)``, ``deferred(deferred, finish)``, ``model_changed(path)``, ``handler_failed(path, error)``,
    ``request_bootstrap()``. ``server``: its Server object instance. ``backlog``: reports that wait for this server,
    the `Backlogs`'s.
    """

    deferred_until: int  # when the server gives up the latest Execute that waits for the host

    def __init__(self, agent, link: int, security, server):
        self.agent = agent
        self.server = server
        self.backlog: "list[Report]" = []
        self.observations = Observations(self)
        self.dispatcher = self.observations.source = Dispatcher(self)
        self.dispatcher.defer = self._defer
        Connection.__init__(self, agent, link, security, self.dispatcher.handle, self.dispatcher.stream)
        self.registration = Registration(self)
        self.link_ready = self.registration.link_opened
        self.link_lost = self.registration.link_failed
        server.listener = self
        self.server_changed(False)

    # -- what the agent asks

    def stop(self) -> None:
        """De-register; the answers that are on their way still go, nothing else does."""
        self.observations.stop()
        self.registration.stop()

    def drop(self) -> None:
        """End at once, without a word to the server; what was on its way is void."""
        self.registration.drop()
        self.observations.clear()

    def go_offline(self) -> None:
        """The host has no network: what is on its way waits for `go_online`, and nothing is sent until then."""
        if self.set_queue_mode().go_offline(self.registration.registered):
            self.exchange.reset()
            self.registration.pause()

    def go_online(self) -> None:
        """The host has a network again: the registration is renewed first."""
        if self.queue_mode is not None and self.queue_mode.go_online(self.registration.registered):
            self.registration.resume()

    def sleep_until(self, now: int) -> "int | None":
        state = self.registration.state
        if state == IDLE:
            return None
        return self._due() if self.asleep or state in (WAITING, DISABLED) else now

    def set_queue_mode(self) -> "QueueMode":
        """What says whether the server can be told, made when first it may be that it cannot."""
        if self.queue_mode is None:
            from .queue_mode import QueueMode  # most devices listen all the time
            from .stored import Stored

            self.queue_mode = QueueMode(self)
            self.observations.unsent = Stored(self)
        return self.queue_mode

    def _defer(self, request: Message, path: tuple, deferred: "Deferred") -> None:
        """An Execute will be answered later."""
        from .deferred import defer

        defer(self, request, path, deferred)

    # -- what the Server object asks of its listener

    def server_changed(self, trigger: bool) -> None:
        """What the Server object says may have changed: an Update tells the server, with ``trigger`` in any case."""
        server = self.server
        if self.queue_mode is not None or "Q" in server.binding:
            self.set_queue_mode().enabled = "Q" in server.binding
        if server.default_pmin_s is not None or server.default_pmax_s is not None:
            self.observations.set_attributes()
        self.observations.attributes_changed(())
        if trigger:
            self.registration.update()
        else:
            self.registration.changed()

    def disable(self, seconds: int) -> None:
        """The server wants to be left alone for a time (/1/x/4)."""
        self.registration.disable(seconds * 1000)

    def request_bootstrap(self) -> None:
        """The server asks for a bootstrap (/1/x/9)."""
        self.agent.request_bootstrap()

    # -- the link

    def serving(self) -> bool:
        return self.registration.state in _SERVED

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = Connection.deadline(self)
        due = self._due()
        if due is not None and (soonest is None or due < soonest):
            soonest = due
        if self.queue_mode is not None:
            due = self.queue_mode.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def _due(self) -> "int | None":
        """When there is something to tell the server, or None."""
        due = self.registration.deadline()
        other = self.observations.deadline()
        return other if due is None or (other is not None and other < due) else due

    def handle_timer(self, now: int) -> None:
        """Do what is due."""
        Connection.handle_timer(self, now)
        if self.queue_mode is not None:
            due = self._due()
            if due is not None and due <= now:
                self.queue_mode.awake()
        self.registration.handle_timer()
        self.observations.handle_timer()
        if self.queue_mode is not None:
            self.queue_mode.handle_timer()

    # -- what queue mode asks of its owner

    def quiet_since(self) -> "int | None":
        """The time of the last message, or None while one is expected."""
        exchange = self.exchange
        if self.registration.state != REGISTERED or not exchange.idle or exchange.outbox:
            return None
        if self.deferrals is not None and self.deferrals:
            return max(self.active_ms, self.deferred_until)
        return self.active_ms

    # -- what the registration asks of its owner

    def registered(self, anew: bool) -> None:
        if self.queue_mode is not None:
            self.queue_mode.ready()
        if anew:
            self.agent.registered_with(self)

    def lost(self, reason: str) -> None:
        """Registering anew drops observations and what was on its way (LwM2M 1.0, 5.3.1)."""
        self.exchange.reset()
        self.observations.clear()
        self.agent.failed(self, reason)

    def leaving(self) -> None:
        """The De-register goes next, after the answers that the server still waits for."""
        if self.queue_mode is not None:
            self.queue_mode.leave()
        exchange = self.exchange
        answers = [entry for entry in exchange.outbox if not entry[0]]
        exchange.reset()
        exchange.outbox = answers
        if not self.observations.stopped:
            self.observations.clear()
