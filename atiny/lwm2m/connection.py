"""The link to one server, with its session and its CoAP endpoint: every account has one, the bootstrap server's too."""

from ..coap.endpoint import Endpoint
from ..errors import AtinyError
from .path import parse_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..coap.message import Message
    from .queue_mode import QueueMode

# Whether its server can be told, by the state of ``queue_mode``.
ONLINE = 0  # it can, and may ask
ASLEEP = 1  # in queue mode, until something is due
WAKING = 2  # the Update that comes first is on its way
OFFLINE = 3  # the host has no network, and will say when it has

ERRORS_IN_A_ROW = 10  # of sending or receiving, after which the link is made anew (SDK)


class Connection:
    """One server's link.

    ``agent`` has: ``clock``, ``settings``, ``random``, ``new_session(security)``, ``statistics`` (or None),
    ``open_link(connection)``, ``close_link(connection)``, ``handler_failed(path, error)``.
    ``link``: the number under which its datagrams come and go.
    ``security``: its Security object instance. ``handle(request)`` answers the server's requests, ``stream(request)``
    takes those that come in many blocks: see `Endpoint`. ``session``: what secures the link; None: nothing does.

    Subclasses have: ``serving()``, whether requests of the server count now; ``link_ready()``, the link is open and
    secured; ``link_lost(reason)``, it could not be opened, or is of no use any more.
    """

    if TYPE_CHECKING:

        def serving(self) -> bool: ...

        link_ready: Any
        link_lost: Any

    def __init__(self, agent, link: int, security, handle, stream=None):
        settings = agent.settings
        self.agent = agent
        self.link = link
        self.security = security
        self.address = parse_server(security.server_uri)[1:]
        self.session: "Any" = None
        self.connected = False  # the datagram link is there
        self.secured = False  # and its session is ready
        self.queue_mode: "QueueMode | None" = None  # of an account that may not be told at times
        self.deferrals: "list[Message] | None" = None  # Executes that wait for the host, of this link
        self.asleep = False  # the link sleeps: nothing is sent or heard
        self.active_ms = 0  # when the last message was sent or heard
        self.endpoint = Endpoint(
            handle,
            agent.random,
            settings.transmission,
            settings.block_szx,
            settings.max_body,
            stream,
            agent.handler_failed,
        )
        self.exchange = self.endpoint.exchange
        self.statistics = agent.statistics
        self.trace = settings.trace
        self._errors = 0

    # -- what the subclass asks

    def open_link(self) -> None:
        """Have the link opened, anew where it is open."""
        self._reset()
        self.agent.open_link(self)

    def close_link(self) -> None:
        """Have the link closed."""
        self._reset()
        self.agent.close_link(self)

    def _reset(self) -> None:
        if self.queue_mode is not None:
            self.asleep = False
            self.queue_mode.reset()
        self.deferrals = None
        self.hang_up()
        self.endpoint.reset()

    def hang_up(self) -> None:
        """End the session: all that is still to be sent is its farewell (close_notify)."""
        self.connected = self.secured = False
        if self.session is not None:
            self.session.close()

    def send(self, message, on_done) -> None:
        """Send a request; ``on_done(outcome, response)`` is told its end, once."""
        self.endpoint.request(message, on_done)

    # -- the link

    def link_opened(self) -> None:
        """The datagram link is there: secure it."""
        try:
            self.session = self.agent.new_session(self.security)
        except AtinyError as error:  # a bootstrap server may ask for what this runtime cannot do
            self.link_failed(str(error))
            return
        if self.session is not None:
            self.session.start(self.agent.clock.ms)
        self.connected = True
        self.secured = False
        self._errors = 0
        self._check_session()

    def link_failed(self, reason: str) -> None:
        """The link could not be opened, or is of no use any more."""
        self.connected = False
        self.link_lost(reason)

    def error(self, reason: str, refused: bool) -> None:
        """Sending or receiving failed. A closed port is a fact; other errors count when they come in a row."""
        if self.connected:
            self._errors += 1
            if self._errors >= ERRORS_IN_A_ROW:
                reason = "%d errors in a row: %s" % (self._errors, reason)
            elif not refused:
                return
            self.link_failed(reason)

    def receive(self, datagram: bytes, now: int) -> None:
        """Take a datagram of the link. Requests of a server that has not taken us are ignored (LwM2M 1.0, 5.4, 5.5)."""
        if self.asleep:
            return
        self._errors = 0
        if self.statistics is not None and self.statistics.running:
            self.statistics.count_received(len(datagram))
        if self.session is None:
            self._take(datagram, now)
            return
        for plaintext in self.session.receive(datagram, now):
            self._take(plaintext, now)
        if self.connected and (self.session.closed or not self.secured):
            self._check_session()

    def _take(self, message: bytes, now: int) -> None:
        """Take a message of the server."""
        if self.trace is not None:
            self.trace("<-", self.link, message)
        if not b"\x00" < message[1:2] < b"\x20" or self.serving():
            self.active_ms = now
            self.endpoint.receive(message, now)

    def _check_session(self) -> None:
        """Whether the link is secured by now, or lost."""
        if self.session is not None:
            if self.session.closed:
                self.link_failed(self.session.error or "the server closed the session")
                return
            if not self.session.ready:
                return
        if not self.secured:
            self.secured = True
            self.link_ready()

    def take_datagrams(self, datagrams: "list[tuple[int, int, bytes]]") -> None:
        """Add what is to be sent, as (link, id, datagram); id 0: nobody waits for it to be sent."""
        if self.asleep:
            return
        if self.session is not None:
            for datagram in self.session.datagrams():
                datagrams.append((self.link, 0, datagram))
        outbox = self.exchange.outbox
        if outbox and self.secured and (self.session is None or self.session.ready):
            self.exchange.outbox = []
            self.active_ms = self.agent.clock.ms
            for id, message in outbox:
                if self.trace is not None:
                    self.trace("->", self.link, message)
                if self.session is not None:
                    message = self.session.protect(message)
                datagrams.append((self.link, id, message))
            if self.session is not None and self.session.closed:
                self._check_session()
        if self.statistics is not None and self.statistics.running:
            for link, _, datagram in datagrams:
                if link == self.link:
                    self.statistics.count_sent(len(datagram))

    # -- time

    def sleep_until(self, now: int) -> "int | None":
        """When the device must be awake for this link next: ``now`` while it must be; None: nothing is planned."""
        return now

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = self.exchange.deadline()
        if self.session is not None:
            due = self.session.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        if self.endpoint.streams is not None:
            due = self.endpoint.streams.due
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self, now: int) -> None:
        """Do what is due."""
        if self.session is not None:
            self.session.handle_timer(now)
            if self.connected and not self.session.ready:
                self._check_session()
        self.exchange.handle_timer(now)
        if self.endpoint.streams is not None:
            self.endpoint.streams.handle_timer(now)
