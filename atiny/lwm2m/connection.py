"""The link to one server, with its session and its CoAP endpoint: every account has one, the bootstrap server's too."""

from ..coap.endpoint import Endpoint
from ..errors import AtinyError
from .uri import parse_server

ERRORS_IN_A_ROW = 10  # of sending or receiving, after which the link is made anew (SDK)


class Connection:
    """One server's link.

    ``agent`` has: ``clock``, ``settings``, ``random``, ``new_session(security)``, ``idle_session()``, ``statistics``
    (or None), ``open_link(connection)``, ``close_link(connection)``. ``link``: the number under which its datagrams
    come and go. ``security``: its Security object instance. ``handle(request)`` answers the server's requests,
    ``stream(request)`` takes those that come in many blocks: see `Endpoint`.

    Subclasses have: ``serving()``, whether requests of the server count now; ``link_ready()``, the link is open and
    secured; ``link_lost(reason)``, it could not be opened, or is of no use any more.
    """

    def __init__(self, agent, link: int, security, handle, stream=None):
        settings = agent.settings
        self.link = link
        self.security = security
        self.address = parse_server(security.server_uri)[1:]
        self.session = agent.idle_session()
        self.connected = False  # the datagram link is there
        self.secured = False  # and its session is ready
        self.asleep = False  # the link sleeps: nothing is sent or heard
        self.active_ms = 0  # when the last message was sent or heard
        self.endpoint_name = settings.endpoint_name
        self.endpoint = Endpoint(
            handle, agent.random, settings.transmission, settings.block_szx, settings.max_body, stream
        )
        self.exchange = self.endpoint.exchange
        self._streams = self.endpoint.streams
        self._agent = agent
        self._trace = settings.trace
        self._statistics = agent.statistics
        self._errors = 0

    # -- for the subclass, and what it calls its owner

    def serving(self) -> bool:
        """Whether requests of the server count now."""
        raise NotImplementedError

    def link_ready(self) -> None:
        """The link is open and secured."""
        raise NotImplementedError

    def link_lost(self, reason: str) -> None:
        """The link could not be opened, or is of no use any more."""
        raise NotImplementedError

    def open_link(self) -> None:
        """Have the link opened, anew where it is open."""
        self._hang_up()
        self._agent.open_link(self)

    def close_link(self) -> None:
        """Have the link closed."""
        self._hang_up()
        self._agent.close_link(self)

    def _hang_up(self) -> None:
        self.session.close()
        self.connected = self.secured = False
        self.endpoint.reset()

    def send(self, message, on_done) -> None:
        """Send a request; ``on_done(outcome, response)`` is told its end, once."""
        self.endpoint.request(message, on_done)

    # -- the link

    def link_opened(self) -> None:
        """The datagram link is there: secure it."""
        try:
            self.session = self._agent.new_session(self.security)
        except AtinyError as error:  # a bootstrap server may ask for what this runtime cannot do
            self.link_failed(str(error))
            return
        self.session.start(self._agent.clock.ms)
        self.connected = True
        self.secured = False
        self._errors = 0
        self._check_session()

    def link_failed(self, reason: str) -> None:
        """The link could not be opened, or is of no use any more."""
        self.connected = self.secured = False
        self.link_lost(reason)

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
        if self.asleep:
            return
        self._errors = 0
        statistics = self._statistics
        if statistics is not None and statistics.running:
            statistics.count_received(len(datagram))
        session = self.session
        for plaintext in session.receive(datagram, now):
            if self._trace is not None:
                self._trace("<-", self.link, plaintext)
            if not b"\x00" < plaintext[1:2] < b"\x20" or self.serving():
                self.active_ms = now
                self.endpoint.receive(plaintext, now)
        if (session.closed or not self.secured) and self.connected:
            self._check_session()

    def _check_session(self) -> None:
        if self.session.closed:
            self.link_failed(self.session.error or "the server closed the session")
        elif self.session.ready and not self.secured:
            self.secured = True
            self.link_ready()

    def take_datagrams(self, datagrams: "list[tuple[int, int, bytes]]") -> None:
        """Add what is to be sent, as (link, id, datagram); id 0: nobody waits for it to be sent."""
        if self.asleep:
            return
        first = len(datagrams)
        link = self.link
        session = self.session
        for datagram in session.datagrams():
            datagrams.append((link, 0, datagram))
        outbox = self.exchange.outbox
        if outbox and session.ready:
            self.exchange.outbox = []
            self.active_ms = self._agent.clock.ms
            for id, plaintext in outbox:
                if self._trace is not None:
                    self._trace("->", link, plaintext)
                datagrams.append((link, id, session.protect(plaintext)))
            if session.closed:
                self._check_session()
        statistics = self._statistics
        if statistics is not None and statistics.running:
            for _, _, datagram in datagrams[first:]:
                statistics.count_sent(len(datagram))

    # -- time

    def sleep_until(self, now: int) -> "int | None":
        """When the device must be awake for this link next: ``now`` while it must be; None: nothing is planned."""
        return now

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = self.exchange.deadline()
        due = self.session.deadline()
        if due is not None and (soonest is None or due < soonest):
            soonest = due
        due = self._streams.due
        if due is not None and (soonest is None or due < soonest):
            soonest = due
        return soonest

    def handle_timer(self, now: int) -> None:
        """Do what is due."""
        self.session.handle_timer(now)
        if self.connected and not self.session.ready:
            self._check_session()
        self.exchange.handle_timer(now)
        self._streams.handle_timer(now)
