"""The whole protocol, sans-I/O: it owns no socket and no clock, and never blocks.

The one who drives it (`Client`, a test in virtual time) gives it datagrams and the time, and carries out what it
says::

    agent.start(now)
    loop:
        for each event of agent.next_event(): open and close links, tell the host
        for (link, id, datagram) of agent.datagrams_to_send(now): send it; agent.sent(link, id, now)
        wait for a datagram or for agent.deadline()
        agent.receive(link, datagram, now), agent.handle_timer(now)

``now``: milliseconds that never go back and never wrap. ``link``: the number of a server. All methods are called by one
thread; only the report queue is shared with others.
"""

from .dtls.session import Session
from .lwm2m.account import Account
from .lwm2m.model import Model
from .lwm2m.path import render
from .lwm2m.report import Delivery, Report, ReportQueue
from .lwm2m.servers import Servers
from .params import (
    ATINY_BOOTSTRAP_FAIL,
    ATINY_DATA_SUBSCRIBE,
    ATINY_DATA_UNSUBSCRIBE,
    ATINY_FOTA_STATE,
    ATINY_HANDLER_ERROR,
    ATINY_NOTIFY_DONE,
    ATINY_REG_FAIL,
    ATINY_REG_OK,
)
from .settings import Clock as Clock, Settings as Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .lwm2m.bootstrapper import Bootstrapper
    from .lwm2m.deferred import Deferred
    from .lwm2m.persistence import Records

# The kinds of events: each event is (kind, a, b).
OPEN_LINK = 0  # a: link, b: (host, port): connect, then say link_opened or link_failed
CLOSE_LINK = 1  # a: link
HOST_EVENT = 2  # a: ATINY_* event, b: its argument: for the host's event_notify
REPORT_DONE = 3  # a: the report, b: its final status: not yet set
ENDED = 4  # the agent has stopped; nothing comes after it
DEFERRED = 5  # a: a Deferred, b: the function to call as b(error, now), by the loop, when it ends
SLEEP_LINK = 6  # a: link: nothing is expected on it; the receiver may be switched off
WAKE_LINK = 7  # a: link: it is needed again


def _no_security(security) -> "Session | None":
    return None


class Agent:
    """One device. ``random(n)`` gives n random bytes; ``reports`` is the queue that the host's threads fill.

    Its servers are what the model's Security and Server instances say when it starts. ``new_session(security)`` makes
    the session of each new connection; None where there is no security, as by default. ``records``: a `Records`, where
    accounts and attributes are kept. ``host``: a `lwm2m.host.Host`, for what no object asks of it.
    ``bootstrap_mode``: BOOTSTRAP_*;
    None: there is no bootstrap server.

    None where it is not used: ``records``; ``bootstrapper``; ``updater``, of the firmware; ``statistics``, the object
    that counts the datagrams, set before `start`; ``offline``, which is True while the host has no network.
    """

    def __init__(
        self,
        settings: Settings,
        model: Model,
        reports: ReportQueue,
        random,
        new_session=_no_security,
        records: "Records | None" = None,
        host=None,
        bootstrap_mode: "int | None" = None,
    ):
        self.settings = settings
        self.model = model
        self.reports = reports
        self.random = random
        self.new_session = new_session
        self.records = records
        self.host = host
        self.boot_mode = bootstrap_mode
        self.clock = Clock()
        self.offline: "bool | None" = None
        self.bootstrapper: "Bootstrapper | None" = None
        self.updater: "Any" = None
        self.statistics: "Any" = None
        self._events: "list[tuple]" = []
        self._stopping = False
        self._ended = False
        self.servers = Servers(self)
        self.accounts = self.servers.accounts
        self._connections = self.servers.connections
        self.model_changed = self.servers.model_changed
        self.delivery = Delivery(reports, self.clock, self.accounts, self._report_done)

    def add_firmware(self, storage, options, sources=()) -> None:
        """Before `start`: have the firmware updated over a StorageDevice; ``sources`` of images, besides CoAP."""
        from .fota.updater import Updater  # a device without a storage needs none of this
        from .lwm2m.objects.firmware import Firmware

        updater = Updater(self, storage, options)
        if updater.sources is not None:
            from .fota.coap_source import CoapSource

            updater.sources += [CoapSource(self, options.psk)] + list(sources)
        self.updater = updater
        self.model.add(Firmware(updater))

    # -- what the host asks

    def start(self, now: int) -> None:
        """Begin to register with every server, or to bootstrap."""
        self.clock.ms = now
        if self.updater is not None:
            self.updater.start()  # first: State and Result are right in the first Register, Read and Notify
        if self.records is not None:
            self.servers.kept_attributes = self.records.load_attributes()
        if self.boot_mode is not None:
            from .lwm2m.bootstrapper import Bootstrapper

            self.bootstrapper = Bootstrapper(self, self.boot_mode)
            self.bootstrapper.start()
        else:
            self.servers.register()

    def stop(self, now: int) -> None:
        """De-register; every report that is not yet acknowledged ends as NOT_SENT. ENDED follows."""
        self.clock.ms = now
        if self._stopping:
            return
        self._stopping = True
        self.delivery.stop()
        if self.updater is not None:
            self.updater.stop()
        if self.bootstrapper is not None:
            self.bootstrapper.stop()
        for account in self.accounts:
            account.stop()
        self.ended()

    def hang_up(self, now: int) -> None:
        """End every session at once: all that is still to be sent is their farewell (close_notify)."""
        self.clock.ms = now
        for connection in self._connections:
            if connection is not None:
                connection.hang_up()

    def changed(self, path: tuple, now: int) -> None:
        """A value changed on the device: who observes it is notified."""
        self.clock.ms = now
        self.model_changed(path)

    def remove(self, path: tuple, now: int) -> None:
        """Remove an object instance, or an object with all of them."""
        self.clock.ms = now
        paths = [path]
        if self.servers.access is not None and self.model.has(path):
            paths += self.servers.access.deleted(path)
        self.model.remove(path)
        for path in paths:
            self.model_changed(path)

    def bootstrap(self, _: object, now: int) -> None:
        """Ask the bootstrap server for accounts, now."""
        self.clock.ms = now
        self.request_bootstrap()

    def reconnect(self, _: object, now: int) -> None:
        """Connect and register anew with every server."""
        self.clock.ms = now
        for account in self.accounts:
            account.registration.reconnect()

    def go_offline(self, _: object, now: int) -> None:
        """There is no network until `go_online`: nothing is sent; what is to be told is stored or dropped (/1/x/6)."""
        self.clock.ms = now
        self.offline = True
        for account in self.accounts:
            account.go_offline()
        if self.bootstrapper is not None:
            self.bootstrapper.go_offline()
        if self.updater is not None:
            self.updater.network_changed()

    def go_online(self, _: object, now: int) -> None:
        """There is a network again: Update, or register anew, then tell what was stored."""
        self.clock.ms = now
        self.offline = None
        for account in self.accounts:
            account.go_online()
        if self.bootstrapper is not None:
            self.bootstrapper.go_online()
        if self.updater is not None:
            self.updater.network_changed()

    def sleep_until(self, now: int) -> "int | None":
        """When the device must be awake next; ``now`` or earlier while it must be, None: nothing is planned."""
        if self._events:
            return now
        soonest = self._due()
        for connection in self._connections:
            due = None if connection is None else connection.sleep_until(now)
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

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
        connection = self._connections[link]
        if connection is not None:
            connection.receive(datagram, now)

    def handle_timer(self, now: int) -> None:
        """Do what is due at ``now``; cheap when nothing is."""
        self.clock.ms = now
        for connection in list(self._connections):
            if connection is not None and connection.link not in self.servers.closing:
                connection.handle_timer(now)
        if self.bootstrapper is not None:
            self.bootstrapper.handle_timer()
        if self.updater is not None:
            due = self.updater.deadline()
            if due is not None and due <= now:
                self.updater.handle_timer()

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None: only a datagram or the host changes anything."""
        soonest = self._due()
        for connection in self._connections:  # asked after every datagram
            if connection is not None:
                due = connection.deadline()
                if due is not None and (soonest is None or due < soonest):
                    soonest = due
        return soonest

    def _due(self) -> "int | None":
        """When something is due that is no link's, or None."""
        soonest = None
        if self.reports.first() is not None or self.delivery.backlogs is not None:
            soonest = self.delivery.deadline()
        if self.bootstrapper is not None:
            due = self.bootstrapper.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        if self.updater is not None:
            due = self.updater.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def datagrams_to_send(self, now: int) -> "list[tuple[int, int, bytes]]":
        """What is to be sent, as (link, id, datagram), each once; say `sent` or `send_failed` where the id is not 0."""
        self.clock.ms = now
        if self.reports.first() is not None or self.delivery.backlogs is not None:
            self.delivery.send()
        if self.records is not None and self.records.changed:
            self.servers.save()
        datagrams: "list[tuple[int, int, bytes]]" = []
        for connection in self._connections:
            if connection is not None and (
                connection.exchange.outbox or (connection.session is not None and not connection.session.ready)
            ):
                connection.take_datagrams(datagrams)
        if self.servers.closing:
            self.servers.release()
        return datagrams

    def next_event(self) -> "tuple[int, Any, Any] | None":
        """The next (kind, a, b) to be carried out, or None."""
        if not self._events:
            return None
        event = self._events.pop(0)
        if event[0] == WAKE_LINK:
            connection = self._connections[event[1]]
            if connection is not None:
                connection.asleep = False  # not before: what it has to send must find the link awake
        return event

    def sent(self, link: int, id: int, now: int) -> None:
        """The datagram with that id has left: only now its retransmission time begins."""
        self.clock.ms = now
        connection = self._connections[link]
        if connection is not None:
            connection.exchange.sent(id, now)

    def send_failed(self, link: int, id: int, now: int, reason: str, refused: bool = False) -> None:
        """A datagram did not leave. ``refused``: the server's port is closed."""
        self.clock.ms = now
        connection = self._connections[link]
        if connection is not None:
            if id:
                connection.exchange.send_failed(id, now, refused)
            connection.error(reason, refused)

    def link_opened(self, link: int, now: int) -> None:
        """The link of an OPEN_LINK event is there."""
        self.clock.ms = now
        connection = self._connections[link]
        if connection is not None:
            connection.link_opened()

    def link_failed(self, link: int, now: int, reason: str) -> None:
        """The link of an OPEN_LINK event could not be opened."""
        self.clock.ms = now
        connection = self._connections[link]
        if connection is not None:
            connection.link_failed(reason)

    def receive_failed(self, link: int, now: int, reason: str, refused: bool = False) -> None:
        """As `send_failed`, of receiving."""
        self.send_failed(link, 0, now, reason, refused)

    # -- what the accounts and the bootstrap ask

    def tell_host(self, event: int, argument: "Any") -> None:
        """An ATINY_* event for the host."""
        self._events.append((HOST_EVENT, event, argument))

    def open_link(self, connection) -> None:
        self._events.append((OPEN_LINK, connection.link, connection.address))

    def close_link(self, connection) -> None:
        self._events.append((CLOSE_LINK, connection.link, None))

    def registered_with(self, account: Account) -> None:
        self.tell_host(ATINY_REG_OK, account.server.short_server_id)
        if self.bootstrapper is not None:
            self.bootstrapper.registered()

    def failed(self, account: Account, reason: str) -> None:
        self.tell_host(ATINY_REG_FAIL, reason)
        if self.bootstrapper is not None:
            self.bootstrapper.account_failed()

    def ended(self, account: "Account | None" = None) -> None:
        """An account has ended. Where the agent stops, it has ended with the last one."""
        if not self._stopping or self._ended:
            return
        for one in self.accounts:
            if one.registration.state:
                return
        self._ended = True
        self._events.append((ENDED, None, None))

    def request_bootstrap(self) -> None:
        if self.bootstrapper is not None:
            self.bootstrapper.trigger()
        elif not self._stopping:
            self.tell_host(ATINY_BOOTSTRAP_FAIL, "there is no bootstrap server to ask")

    def subscribed(self, account: Account, path: tuple) -> None:
        self.tell_host(ATINY_DATA_SUBSCRIBE, render(path))

    def unsubscribed(self, account: Account, path: tuple, cancelled: bool) -> None:
        self.tell_host(ATINY_DATA_UNSUBSCRIBE, render(path))
        self.delivery.unsubscribed(account, path, cancelled)

    def delivered(self, account: Account, path: tuple, status: int) -> None:
        self.tell_host(ATINY_NOTIFY_DONE, (render(path), account.server.short_server_id, status))

    def firmware_moved(self, state: int, result: int, done: int, total: "int | None") -> None:
        self.tell_host(ATINY_FOTA_STATE, (state, result, done, total))

    def _report_done(self, report: Report, status: int) -> None:
        self._events.append((REPORT_DONE, report, status))

    def sleep_link(self, connection) -> None:
        self._events.append((SLEEP_LINK, connection.link, None))

    def wake_link(self, connection) -> None:
        self._events.append((WAKE_LINK, connection.link, None))

    def deferred(self, deferred: "Deferred", finish) -> None:
        self._events.append((DEFERRED, deferred, finish))

    def handler_failed(self, path: str, error: Exception) -> None:
        self.tell_host(ATINY_HANDLER_ERROR, (path, error))
