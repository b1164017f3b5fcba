"""One LwM2M server as the device sees it: link, registration, attributes, observations, operations, held together.

The agent has an account for each pair of a Security and a Server object instance; none knows of the others.
"""

from ..coap.codes import EXCHANGE_LIFETIME_MS
from ..coap.exchange import TIME_OUT
from ..coap.message import Message
from .attributes import Attributes
from .connection import Connection
from .deferred import Deferred
from .dispatch import Dispatcher
from .observation import Observation
from .observe import Observations
from .queue_mode import ASLEEP, OFFLINE, ONLINE, QueueMode
from .registration import DEREGISTERING, DISABLED, IDLE, REGISTERED, UPDATING, WAITING, Registration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Report

_SERVED = (REGISTERED, UPDATING, DEREGISTERING)  # the states in which the server's requests count


class Account(Connection):
    """The account with one server.

    ``agent`` has, besides what a `Connection` asks of it: ``model``, ``access``, ``registered_with(account)``,
    ``failed(account, reason)``, ``ended(account)``, ``subscribed(account, path)``, ``unsubscribed(account, path,
    cancelled)``, ``delivered(account, path, status)``, ``sleep_link(account)``, ``wake_link(account)``,
    ``deferred(deferred, finish)``, ``model_changed(path)``, ``handler_failed(path, error)``,
    ``request_bootstrap()``. ``server``: its Server object instance. ``backlog``: reports that wait for this server,
    the `Delivery`'s.
    """

    def __init__(self, agent, link: int, security, server):
        settings = agent.settings
        self.server = server
        self.attributes = Attributes(agent.servers.keep)
        self.backlog: "list[Report]" = []
        self.observations = Observations(
            self,
            agent.clock,
            self.attributes,
            self._default_periods,
            settings.confirmable_notifications,
            self._storing,
            settings.stored_notifications,
        )
        dispatcher = Dispatcher(
            agent.model,
            self.attributes,
            self.observations,
            agent.model_changed,
            agent.handler_failed,
            self._defer,
            settings.single_format,
            agent.servers.access,
            server.short_server_id,
        )
        self._dispatcher = self.observations.source = dispatcher
        Connection.__init__(self, agent, link, security, dispatcher.handle, dispatcher.stream)
        self.registration = Registration(self, agent.clock, agent.random, settings.retry_min_ms, settings.retry_max_ms)
        self.queue_mode = QueueMode(self, agent.clock, settings.awake_ms)
        self.queue_mode.enabled = "Q" in server.binding
        self._deferred = 0  # Executes that wait for the host,
        self._deferred_until = 0  # and how long their server waits for the answer
        server.listener = self

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
        if self.queue_mode.go_offline(self.registration.registered):
            self.exchange.reset()
            self.registration.pause()

    def go_online(self) -> None:
        """The host has a network again: the registration is renewed first."""
        if self.queue_mode.go_online(self.registration.registered):
            self.registration.resume()

    def sleep_until(self, now: int) -> "int | None":
        state = self.registration.state
        if state == IDLE:
            return None
        if self.queue_mode.state in (ASLEEP, OFFLINE) or state in (WAITING, DISABLED):
            return self._due()
        return now

    def _default_periods(self) -> "tuple[int | None, int | None]":
        return self.server.default_pmin_s, self.server.default_pmax_s

    def _storing(self) -> bool:
        return self.server.notification_storing

    def _defer(self, request: Message, path: tuple, deferred: Deferred) -> None:
        """An Execute will be answered later; not any more where the server was lost and found again meanwhile."""
        session = self.session
        waiting = [request]
        self._deferred += 1
        self._deferred_until = self._agent.clock.ms + EXCHANGE_LIFETIME_MS

        def finish(error: "Exception | None", now: int) -> None:
            if waiting:
                self._deferred -= 1
                asked = waiting.pop()
                if self.session is session and not session.closed and not self.asleep:
                    self.endpoint.respond(asked, self._dispatcher.late(path, error), now)

        self._agent.deferred(deferred, finish)

    # -- what the Server object asks of its listener

    def server_changed(self, trigger: bool) -> None:
        """What the Server object says may have changed: an Update tells the server, with ``trigger`` in any case."""
        self.queue_mode.enabled = "Q" in self.server.binding
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
        self._agent.request_bootstrap()

    # -- the link

    def serving(self) -> bool:
        return self.registration.state in _SERVED

    def link_ready(self) -> None:
        self.registration.link_opened()

    def link_lost(self, reason: str) -> None:
        self.registration.link_failed(reason)

    def open_link(self) -> None:
        self.asleep = False
        self.queue_mode.reset()
        self.observations.online = self.queue_mode.state == ONLINE
        Connection.open_link(self)

    def close_link(self) -> None:
        self.asleep = False
        self.queue_mode.reset()
        self.observations.online = self.queue_mode.state == ONLINE
        Connection.close_link(self)

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = Connection.deadline(self)
        due = self._due()
        if due is not None and (soonest is None or due < soonest):
            soonest = due
        if self.queue_mode.enabled:
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
        queue_mode = self.queue_mode
        if queue_mode.state == ASLEEP:
            due = self._due()
            if due is not None and due <= now:
                queue_mode.wake()
        self.registration.handle_timer()
        self.observations.handle_timer()
        if queue_mode.enabled:
            queue_mode.handle_timer()

    # -- what queue mode asks of its owner

    def quiet_since(self) -> "int | None":
        """The time of the last message, or None while one is expected."""
        exchange = self.exchange
        if self.registration.state != REGISTERED or not exchange.idle or exchange.outbox:
            return None
        return max(self.active_ms, self._deferred_until) if self._deferred else self.active_ms

    def sleep_link(self) -> None:
        self.asleep = True
        self._agent.sleep_link(self)

    def wake_link(self) -> None:
        self._agent.wake_link(self)

    def update(self) -> None:
        self.registration.update()

    def telling(self, whether: bool) -> None:
        if whether:
            self.observations.go_online()
        else:
            self.observations.go_offline()

    # -- what the delivery of reports asks

    @property
    def online(self) -> bool:
        """Whether reports may go."""
        return self.queue_mode.state == ONLINE

    @property
    def can_wake(self) -> bool:
        """Whether `wake` would have effect."""
        return self.queue_mode.state == ASLEEP

    @property
    def returning(self) -> bool:
        """Whether what is cancelled now goes up later."""
        return self.queue_mode.state == OFFLINE

    def wake(self) -> None:
        self.queue_mode.wake()

    # -- what the registration asks of its owner

    def lifetime_s(self) -> int:
        return self.server.lifetime_s

    def binding(self) -> str:
        return self.server.binding

    def links(self) -> "list[tuple[int, ...]]":
        return self._agent.model.links()

    def version_of(self, object_id: int) -> "str | None":
        return self._agent.model.objects[object_id].cls.version

    def registered(self) -> None:
        self.queue_mode.ready()
        self._agent.registered_with(self)

    def updated(self) -> None:
        self.queue_mode.ready()

    def failed(self, reason: str) -> None:
        self._agent.failed(self, reason)

    def lost(self, reason: str) -> None:
        """Registering anew drops observations and what was on its way (LwM2M 1.0, 5.3.1)."""
        self.exchange.reset()
        self.observations.clear()
        self._agent.failed(self, reason)

    def leaving(self) -> None:
        """The De-register goes next, after the answers that the server still waits for."""
        self.queue_mode.leave()
        exchange = self.exchange
        answers = [entry for entry in exchange.outbox if not entry[0]]
        exchange.reset()
        exchange.outbox = answers
        if not self.observations.stopped:
            self.observations.clear()

    def ended(self) -> None:
        self._agent.ended(self)

    # -- what the observations ask of their owner

    def notify(self, request: Message, response: Message, confirmable: bool, on_done) -> None:
        """Send a notification. One that is never acknowledged shows that the server is lost."""

        def ended(outcome: int, message: "Message | None") -> None:
            on_done(outcome, message)
            if outcome == TIME_OUT:
                self.registration.lost("a notification was not acknowledged")

        self.endpoint.notify(request, response, confirmable, ended, self._agent.clock.ms)

    def delivered(self, path: tuple, status: int) -> None:
        self._agent.delivered(self, path, status)

    def subscribed(self, path: tuple) -> None:
        self._agent.subscribed(self, path)

    def unsubscribed(self, observation: Observation, cancelled: bool) -> None:
        if cancelled:
            self.exchange.cancel(observation.request.token)
        self._agent.unsubscribed(self, observation.path, cancelled)
