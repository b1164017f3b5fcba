"""One LwM2M server as the device sees it: link, registration, attributes, observations, operations, held together.

The agent has an account for each server; none knows of the others.
"""

from ..coap.endpoint import Endpoint
from ..coap.exchange import TIME_OUT
from ..coap.message import Message
from .attributes import Attributes
from .deferred import Deferred
from .dispatch import Dispatcher
from .observe import Observation, Observations
from .registration import CONNECTING, DEREGISTERING, REGISTERED, UPDATING, Registration

ERRORS_IN_A_ROW = 10  # of sending or receiving, after which the link is made anew (SDK)
_SERVED = (REGISTERED, UPDATING, DEREGISTERING)  # the states in which the server's requests count


class Account:
    """The account with one server.

    ``agent`` has: ``clock``, ``settings``, ``model``, ``random``; ``open_link(account)``, ``close_link(account)``,
    ``registered_with(account)``, ``failed(account, reason)``, ``ended(account)``, ``subscribed(account, path)``,
    ``unsubscribed(account, path, cancelled)``, ``deferred(deferred, finish)``, ``model_changed(path)``,
    ``handler_failed(path, error)``. ``link``: the number under which datagrams of this server come and go.
    ``server``: its Server object instance.
    ``new_session()`` makes the session of each new connection.
    """

    def __init__(self, agent, link: int, address: "tuple[str, int]", server, new_session):
        settings = agent.settings
        self.link = link
        self.address = address
        self.server = server
        self.session = new_session()
        self.connected = False
        self._agent = agent
        self._new_session = new_session
        self._trace = settings.trace
        self._errors = 0
        self.endpoint_name = settings.endpoint_name
        self.attributes = Attributes()
        self.observations = Observations(
            self, agent.clock, self.attributes, self._default_periods, settings.confirmable_notifications
        )
        dispatcher = Dispatcher(
            agent.model,
            self.attributes,
            self.observations,
            agent.model_changed,
            agent.handler_failed,
            self._defer,
            settings.single_format,
        )
        self._dispatcher = self.observations.source = dispatcher
        self.endpoint = Endpoint(
            dispatcher.handle, agent.random, settings.transmission, settings.block_szx, settings.max_body
        )
        self.exchange = self.endpoint.exchange
        self.registration = Registration(self, agent.clock, agent.random, settings.retry_min_ms, settings.retry_max_ms)

    def _default_periods(self) -> "tuple[int | None, int | None]":
        return self.server.default_pmin_s, self.server.default_pmax_s

    def _defer(self, request: Message, path: tuple, deferred: Deferred) -> None:
        """An Execute will be answered later; not any more where the server was lost and found again meanwhile."""
        session = self.session
        waiting = [request]

        def finish(error: "Exception | None", now: int) -> None:
            if waiting and self.session is session and not session.closed:
                self.endpoint.respond(waiting.pop(), self._dispatcher.late(path, error), now)

        self._agent.deferred(deferred, finish)

    # -- the link

    def link_opened(self) -> None:
        """The datagram link is there: secure it, then register."""
        self.session = self._new_session()
        self.session.start(self._agent.clock.ms)
        self.connected = True
        self._errors = 0
        self._check_session()

    def link_failed(self, reason: str) -> None:
        """The link could not be opened, or is of no use any more."""
        self.connected = False
        self.registration.link_failed(reason)

    def error(self, reason: str, refused: bool) -> None:
        """Sending or receiving failed. A closed port is a fact; other errors count when they come in a row."""
        if not self.connected:
            return
        self._errors += 1
        if refused:
            self.link_failed(reason)
        elif self._errors >= ERRORS_IN_A_ROW:
            self.link_failed("%d errors in a row: %s" % (self._errors, reason))

    def receive(self, datagram: bytes, now: int) -> None:
        """Take a datagram of the link. Requests of a server that has not taken us are ignored (LwM2M 1.0, 5.4, 5.5)."""
        self._errors = 0
        session = self.session
        registration = self.registration
        for plaintext in session.receive(datagram, now):
            if self._trace is not None:
                self._trace("<-", self.link, plaintext)
            if registration.state in _SERVED or not b"\x00" < plaintext[1:2] < b"\x20":
                self.endpoint.receive(plaintext, now)
        if (session.closed or registration.state == CONNECTING) and self.connected:
            self._check_session()

    def _check_session(self) -> None:
        if self.session.closed:
            self.link_failed(self.session.error or "the server closed the session")
        elif self.session.ready:
            self.registration.link_opened()

    def take_datagrams(self, datagrams: "list[tuple[int, int, bytes]]") -> None:
        """Add what is to be sent, as (link, id, datagram); id 0: nobody waits for it to be sent."""
        link = self.link
        session = self.session
        for datagram in session.datagrams():
            datagrams.append((link, 0, datagram))
        outbox = self.exchange.outbox
        if outbox and session.ready:
            self.exchange.outbox = []
            for id, plaintext in outbox:
                if self._trace is not None:
                    self._trace("->", link, plaintext)
                datagrams.append((link, id, session.protect(plaintext)))
            if session.closed:
                self._check_session()

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = self.registration.deadline()
        for due in (self.exchange.deadline(), self.observations.deadline(), self.session.deadline()):
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self, now: int) -> None:
        """Do what is due."""
        self.session.handle_timer(now)
        if self.connected and not self.session.ready:
            self._check_session()
        self.exchange.handle_timer(now)
        self.registration.handle_timer()
        self.observations.handle_timer()

    # -- what the registration asks of its owner

    def lifetime_s(self) -> int:
        return self.server.lifetime_s

    def binding(self) -> str:
        return self.server.binding

    def links(self) -> "list[tuple[int, ...]]":
        return self._agent.model.links()

    def version_of(self, object_id: int) -> "str | None":
        return self._agent.model.objects[object_id].cls.version

    def open_link(self) -> None:
        self.session.close()
        self.connected = False
        self.exchange.reset()
        self._agent.open_link(self)

    def close_link(self) -> None:
        self.session.close()
        self.connected = False
        self.exchange.reset()
        self._agent.close_link(self)

    def send(self, message: Message, on_done) -> None:
        self.endpoint.request(message, on_done)

    def registered(self) -> None:
        self._agent.registered_with(self)

    def failed(self, reason: str) -> None:
        self._agent.failed(self, reason)

    def lost(self, reason: str) -> None:
        """Registering anew drops observations and what was on its way (LwM2M 1.0, 5.3.1)."""
        self.exchange.reset()
        self.observations.clear()
        self._agent.failed(self, reason)

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

    def subscribed(self, path: tuple) -> None:
        self._agent.subscribed(self, path)

    def unsubscribed(self, observation: Observation, cancelled: bool) -> None:
        if cancelled:
            self.exchange.cancel(observation.request.token)
        self._agent.unsubscribed(self, observation.path, cancelled)
