"""The whole protocol, sans-I/O: it owns no socket and no clock, and never blocks.

The one who drives it (`Client`, a test in virtual time) gives it datagrams and the time, and carries out what it
says::

    agent.start(now)
    loop:
        for each event of agent.next_event(): open and close links, tell the host
        for (link, id, datagram) of agent.datagrams_to_send(now): send it; agent.sent(link, id, now)
        wait for a datagram or for agent.deadline()
        agent.receive(link, datagram, now), agent.handle_timer(now)

``now`` is a count of milliseconds that never goes back and never wraps. A ``link`` is the number of a server. All
methods are called by one thread; only the report queue is shared with others.
"""

from .coap.codes import CONTENT, CONTENT_FORMAT
from .coap.exchange import DONE, FAILED, RESET, TIME_OUT, Transmission
from .coap.message import Message, uint_bytes
from .dtls.session import Session
from .errors import Rejected
from .lwm2m.account import Account
from .lwm2m.deferred import Deferred
from .lwm2m.formats import OPAQUE, TEXT
from .lwm2m.model import Model
from .lwm2m.path import render
from .lwm2m.report import Report, ReportQueue
from .lwm2m.types import OPAQUE as OPAQUE_TYPE
from .params import (
    ATINY_DATA_SUBSCRIBE,
    ATINY_DATA_UNSUBSCRIBE,
    ATINY_HANDLER_ERROR,
    ATINY_REG_FAIL,
    ATINY_REG_OK,
    ReportStatus,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The kinds of events: each event is (kind, a, b).
OPEN_LINK = 0  # a: link, b: (host, port): connect, then say link_opened or link_failed
CLOSE_LINK = 1  # a: link
HOST_EVENT = 2  # a: ATINY_* event, b: its argument: for the host's event_notify
REPORT_DONE = 3  # a: the report, b: its final status: not yet set
ENDED = 4  # the agent has stopped; nothing comes after it
DEFERRED = 5  # a: a Deferred, b: the function to call as b(error, now), by the loop, when it ends

_STATUS = {
    DONE: ReportStatus.SENT_SUCCESS,
    TIME_OUT: ReportStatus.SENT_TIME_OUT,
    RESET: ReportStatus.SENT_GET_RST,
    FAILED: ReportStatus.SENT_FAIL,
}


class Clock:
    """The time that the agent was last told, for all its parts."""

    __slots__ = ("ms",)

    def __init__(self):
        self.ms = 0


class Settings:
    """What is the same for all servers. Times in milliseconds.

    ``confirmable_notifications``: whether a changed value goes as CON (reports do whenever their end is asked for).
    ``single_format``: the Content-Format of a single resource where the server names none. ``block_szx``: the
    largest block is 2**(szx + 4) bytes. ``max_body``: the longest body that is joined from blocks, in bytes.
    ``trace("<-" or "->", link, message)``: is told every CoAP message, in plaintext.
    """

    def __init__(self, endpoint_name: str):
        self.endpoint_name = endpoint_name
        self.transmission = Transmission()
        self.retry_min_ms = 2000
        self.retry_max_ms = 120000
        self.confirmable_notifications = False
        self.single_format = TEXT
        self.block_szx = 6
        self.max_body = 16384
        self.trace: "Callable[[str, int, bytes], None] | None" = None


class Agent:
    """One device. ``random(n)`` gives n random bytes; ``reports`` is the queue that the host's threads fill."""

    def __init__(self, settings: Settings, model: Model, reports: ReportQueue, random):
        self.settings = settings
        self.model = model
        self.reports = reports
        self.random = random
        self.clock = Clock()
        self.accounts: "list[Account]" = []
        self._events: "list[tuple]" = []
        self._generation = 0
        self._stopping = False

    def add_server(self, host: str, port: int, server, new_session=Session) -> None:
        """Add a server by its address and its Server object instance; before `start`."""
        self.accounts.append(Account(self, len(self.accounts), (host, port), server, new_session))

    # -- what the host asks

    def start(self, now: int) -> None:
        """Begin to register with every server."""
        self.clock.ms = now
        self._generation = self.model.generation
        for account in self.accounts:
            account.registration.start()

    def stop(self, now: int) -> None:
        """De-register; every report that is not yet acknowledged ends as NOT_SENT. ENDED follows."""
        self.clock.ms = now
        if self._stopping:
            return
        self._stopping = True
        for report in self.reports.close():
            self._events.append((REPORT_DONE, report, ReportStatus.NOT_SENT))
        for account in self.accounts:
            exchange = account.exchange
            answers = [entry for entry in exchange.outbox if not entry[0]]  # the server still waits for them
            exchange.reset()
            exchange.outbox = answers
            account.registration.stop()

    def hang_up(self, now: int) -> None:
        """End every session at once: all that is still to be sent is their farewell (close_notify)."""
        self.clock.ms = now
        for account in self.accounts:
            account.session.close()

    def changed(self, path: tuple, now: int) -> None:
        """A value changed on the device: who observes it is notified."""
        self.clock.ms = now
        self.model_changed(path)

    def remove(self, path: tuple, now: int) -> None:
        """Remove an object instance, or an object with all of them."""
        self.clock.ms = now
        self.model.remove(path)
        self.model_changed(path)

    def reconnect(self, _: object, now: int) -> None:
        """Connect and register anew with every server."""
        self.clock.ms = now
        for account in self.accounts:
            account.registration.reconnect()

    def server_changed(self, trigger: bool = False) -> None:
        """What a Server object says may have changed: an Update tells its server, with ``trigger`` in any case."""
        for account in self.accounts:
            account.observations.attributes_changed(())
            if trigger:
                account.registration.update()
            else:
                account.registration.changed()

    @property
    def registered(self) -> bool:
        """Whether at least one server has the device registered."""
        for account in self.accounts:
            if account.registration.registered:
                return True
        return False

    # -- the verbs

    def receive(self, link: int, datagram: bytes, now: int) -> None:
        """Take a datagram from a link. Its bytes never raise."""
        self.clock.ms = now
        self.accounts[link].receive(datagram, now)

    def handle_timer(self, now: int) -> None:
        """Do what is due at ``now``; cheap when nothing is."""
        self.clock.ms = now
        for account in self.accounts:
            account.handle_timer(now)

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None: only a datagram or the host changes anything."""
        soonest = None
        for account in self.accounts:
            due = account.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        if self.reports.first() is not None:
            due = self._report_due()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def datagrams_to_send(self, now: int) -> "list[tuple[int, int, bytes]]":
        """What is to be sent, as (link, id, datagram), each once; say `sent` or `send_failed` where the id is not 0."""
        self.clock.ms = now
        if self.reports.first() is not None:
            self._send_reports()
        datagrams: "list[tuple[int, int, bytes]]" = []
        for account in self.accounts:
            if account.exchange.outbox or not account.session.ready:
                account.take_datagrams(datagrams)
        return datagrams

    def next_event(self) -> "tuple[int, Any, Any] | None":
        """The next (kind, a, b) to be carried out, or None."""
        return self._events.pop(0) if self._events else None

    def sent(self, link: int, id: int, now: int) -> None:
        """The datagram with that id has left: only now its retransmission time begins."""
        self.clock.ms = now
        self.accounts[link].exchange.sent(id, now)

    def send_failed(self, link: int, id: int, now: int, reason: str, refused: bool = False) -> None:
        """A datagram did not leave. ``refused``: the server's port is closed."""
        self.clock.ms = now
        account = self.accounts[link]
        if id:
            account.exchange.send_failed(id, now, refused)
        account.error(reason, refused)

    def link_opened(self, link: int, now: int) -> None:
        """The link of an OPEN_LINK event is there."""
        self.clock.ms = now
        self.accounts[link].link_opened()

    def link_failed(self, link: int, now: int, reason: str) -> None:
        """The link of an OPEN_LINK event could not be opened."""
        self.clock.ms = now
        self.accounts[link].link_failed(reason)

    def receive_failed(self, link: int, now: int, reason: str, refused: bool = False) -> None:
        """Receiving from a link failed. ``refused``: the server's port is closed."""
        self.clock.ms = now
        self.accounts[link].error(reason, refused)

    # -- reports

    def _reporting(self, report: "Report | None"):
        """(account, observation) that a report goes up on, or None while no server observes its path."""
        if report is None:
            return None
        for account in self.accounts:
            observation = account.observations.observing(report.path)
            if observation is not None:
                return account, observation
        return None

    def _report_due(self) -> "int | None":
        """When the oldest report may go, or None while it waits for an observer or an acknowledgement."""
        found = self._reporting(self.reports.first())
        if found is None or found[1].in_flight:
            return None
        return found[1].last_ms + found[1].pmin_ms

    def _send_reports(self) -> None:
        while self.reports.first() is not None:
            due = self._report_due()
            if due is None or due > self.clock.ms:
                return
            report = self.reports.take()
            account, observation = self._reporting(report)
            self._send_report(account, observation, report)

    def _send_report(self, account: Account, observation, report: Report) -> None:
        if observation.path == report.path:
            response = Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(OPAQUE))], report.payload)
        else:
            entries = [(report.path, OPAQUE_TYPE, report.payload)]
            try:
                response = account.observations.source.render(observation.path, entries, observation.accept)
            except Rejected:  # the format that this observer asked for cannot carry it
                self._finish(report, ReportStatus.SENT_FAIL)
                return
        report.status = ReportStatus.SENT_WAIT_RESPONSE

        def ended(outcome: int) -> None:
            status = ReportStatus.NOT_SENT if self._stopping else ReportStatus.SENT_FAIL
            self._finish(report, _STATUS.get(outcome, status))

        # Without a callback a report is not confirmable, most of the time: then it ends as it is sent.
        if not account.observations.report(observation, response, report.confirmable, ended):
            self._finish(report, ReportStatus.SENT_SUCCESS)

    def _finish(self, report: Report, status: int) -> None:
        self._events.append((REPORT_DONE, report, status))

    # -- what the accounts ask

    def open_link(self, account: Account) -> None:
        self._events.append((OPEN_LINK, account.link, account.address))

    def close_link(self, account: Account) -> None:
        self._events.append((CLOSE_LINK, account.link, None))

    def registered_with(self, account: Account) -> None:
        self._events.append((HOST_EVENT, ATINY_REG_OK, account.server.short_server_id))

    def failed(self, account: Account, reason: str) -> None:
        self._events.append((HOST_EVENT, ATINY_REG_FAIL, reason))

    def ended(self, account: Account) -> None:
        for other in self.accounts:
            if other.registration.state:
                return
        self._events.append((ENDED, None, None))

    def subscribed(self, account: Account, path: tuple) -> None:
        self._events.append((HOST_EVENT, ATINY_DATA_SUBSCRIBE, render(path)))

    def unsubscribed(self, account: Account, path: tuple, cancelled: bool) -> None:
        """The server that cancels wants none of the reports that wait (SDK: they fail); who is lost may ask again."""
        self._events.append((HOST_EVENT, ATINY_DATA_UNSUBSCRIBE, render(path)))
        report = self.reports.first()
        concerned = report is not None and report.path[: len(path)] == path
        if cancelled and concerned and self._reporting(report) is None:
            for waiting in self.reports.take_all():
                self._events.append((REPORT_DONE, waiting, ReportStatus.SENT_FAIL))

    def model_changed(self, path: tuple) -> None:
        """A value or an instance changed, by a server or by the host."""
        for account in self.accounts:
            account.observations.changed(path)
        if self.model.generation != self._generation:
            self._generation = self.model.generation
            if not self.model.has(path):
                for account in self.accounts:
                    account.attributes.forget(path)
            self.server_changed()

    def deferred(self, deferred: Deferred, finish) -> None:
        self._events.append((DEFERRED, deferred, finish))

    def handler_failed(self, path: str, error: Exception) -> None:
        self._events.append((HOST_EVENT, ATINY_HANDLER_ERROR, (path, error)))
