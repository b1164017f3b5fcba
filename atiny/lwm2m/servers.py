"""All servers of a device: their accounts as the model names them, and the bootstrap server's.

`Servers` carries out what the `Bootstrap` machine decides: it makes accounts from the model and drops them, exchanges
the model's accounts for those that a bootstrap server wrote, goes back to the previous ones, and keeps what the store
says true to what the model says.
"""

from ..coap.codes import MAX_TRANSMIT_WAIT_MS
from ..commands import ATINY_TRIGGER_SERVER_INITIATED_BS, ATINY_UPDATE_PSK
from .access import Access
from .account import Account
from .accounts import OBJECTS, SECURITY, bootstrap_security, copy_accounts, pairs, take_accounts
from .bootstrap import Bootstrap
from .connection import Connection
from .objects.security import MODE_PSK
from .provision import Provision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .model import Model


class BootstrapLink(Connection):
    """The link to the bootstrap server; what it writes goes to ``provision``, when ``machine`` accepts it.

    ``lingering``: the bootstrap is over, and the link open only for what the server may send again.
    """

    def __init__(self, agent, link: int, security, machine: Bootstrap, provision: Provision):
        self.lingering = False
        self._machine = machine
        Connection.__init__(self, agent, link, security, provision.handle)

    def serving(self) -> bool:
        return self.lingering or self._machine.accepting

    def link_ready(self) -> None:
        self._machine.link_opened()

    def link_lost(self, reason: str) -> None:
        if not self.lingering:
            self._machine.link_failed(reason)


class Servers:
    """The servers of one agent.

    ``agent`` has, besides what its accounts ask of it: ``host`` (or None), ``clock``, ``random``;
    ``bootstrap_failed(reason)``, ``bootstrapped()``. ``records``: a `persistence.Records`. ``fingerprint``: of what
    the host configured. ``mode``: BOOTSTRAP_*.
    """

    def __init__(self, agent, records, fingerprint: bytes, mode: int):
        self.accounts: "list[Account]" = []
        self.connections: "list[Any]" = []  # by link; None where the number is free
        self.closing: "list[int]" = []  # links that end once their farewell is taken
        self.changed = False  # the store has not yet what the model says
        self.access = Access(agent.model)
        self.endpoint_name = agent.settings.endpoint_name
        self._agent = agent
        self._records = records
        self._fingerprint = fingerprint
        self._link: "BootstrapLink | None" = None
        self._wanted = False  # a link to the bootstrap server, once the host is online
        self._provision = Provision(
            agent.model, agent.handler_failed, self._operation, self._finished, agent.model_changed, self._refused
        )
        self._previous: "Model | None" = None  # the accounts that worked last
        self._attributes: "list[tuple]" = []  # what the store has of them
        self._purge_due: "int | None" = None  # when the bootstrap server's account is to go
        self._linger_due: "int | None" = None  # when the link to it is to go, after a bootstrap
        self.bootstrap = Bootstrap(self, agent.clock, agent.random, mode, agent.settings.tries)

    # -- the agent's side

    def start(self) -> None:
        """Begin, with what the model says."""
        self._attributes = self._records.load_attributes()
        self.bootstrap.start(self._records.has_previous())

    def stop(self) -> None:
        """De-register everywhere."""
        self.bootstrap.stop()
        self._drop_link()
        for account in self.accounts:
            account.stop()

    def request_bootstrap(self) -> None:
        """A server or the host asks for a bootstrap."""
        self.bootstrap.trigger()

    def go_offline(self) -> None:
        """The host has no network."""
        for account in self.accounts:
            account.go_offline()
        if self._link is not None:
            self._link.link_failed("the host went offline")

    def go_online(self) -> None:
        """The host has a network again."""
        for account in self.accounts:
            account.go_online()
        if self._wanted:
            self.open_link()

    def registered(self, account: Account) -> None:
        """An account is registered."""
        self.bootstrap.registered()
        security = bootstrap_security(self._agent.model)
        timeout_s = security.bootstrap_account_timeout_s if security is not None else 0
        if timeout_s and self._purge_due is None:
            self._purge_due = self._agent.clock.ms + timeout_s * 1000

    def account_failed(self) -> None:
        """An attempt to register failed: once every account had its tries, the bootstrap is asked what to do."""
        tries = self._agent.settings.tries
        for account in self.accounts:
            if account.registration.registered or account.registration.failures < tries:
                return
        self.bootstrap.all_failed()

    def model_changed(self, path: tuple) -> None:
        """A value or an instance changed; where it belongs to an account, the store will have it."""
        if path[0] in OBJECTS:
            self.changed = True

    def removed(self, path: tuple) -> None:
        """An instance or an object is gone, and with it what was said about it."""
        for account in self.accounts:
            account.attributes.forget(path)

    def keep(self) -> None:
        """What the store is to have changed."""
        self.changed = True

    def complete_access(self) -> None:
        """An object instance came or went: with several servers, each one has its access control."""
        if self.access.active:
            order = [account.server.short_server_id for account in self.accounts]
            for path in self.access.complete(order) if order else []:
                self.changed = True
                for account in self.accounts:
                    account.observations.changed(path)

    def save(self) -> None:
        """Have the store say what the model says: before the server has the answer to what it wrote."""
        self.changed = False
        self._records.save_accounts(self._agent.model, self._fingerprint)
        kept: "list[tuple]" = []
        for account in self.accounts:
            for path, values in account.attributes.all():
                kept.append((account.server.short_server_id, path, values))
        if self.accounts:
            self._attributes = kept
            self._records.save_attributes(kept)

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = self.bootstrap.deadline()
        for connection in self.connections:  # asked after every datagram
            if connection is not None:
                due = connection.deadline()
                if due is not None and (soonest is None or due < soonest):
                    soonest = due
        for due in (self._purge_due, self._linger_due):
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self, now: int) -> None:
        """Do what is due."""
        for connection in list(self.connections):
            if connection is not None and connection.link not in self.closing:
                connection.handle_timer(now)
        self.bootstrap.handle_timer()
        if self._linger_due is not None and self._linger_due <= now:
            self._drop_link()
        if self._purge_due is not None and self._purge_due <= now:
            self._purge_bootstrap_account()

    def _purge_bootstrap_account(self) -> None:
        """The bootstrap server's account has served its time (Security, resource 12), unless it is in use."""
        if self.bootstrap.under_way:
            self._purge_due = self._agent.clock.ms + MAX_TRANSMIT_WAIT_MS
            return
        self._purge_due = None
        security = bootstrap_security(self._agent.model)
        if security is not None:
            self._agent.model.remove((SECURITY, security.instance_id))
            self._drop_link()
            self.changed = True

    # -- links

    def add(self, make) -> "Any":
        """The connection that ``make(link)`` gives, under the lowest free number; until `remove`."""
        link = 0
        while link < len(self.connections) and self.connections[link] is not None:
            link += 1
        if link == len(self.connections):
            self.connections.append(None)
        connection = self.connections[link] = make(link)
        return connection

    def remove(self, connection) -> None:
        """Close the connection, and forget it once its farewell is taken."""
        connection.close_link()
        self.closing.append(connection.link)

    def _drop_link(self) -> None:
        self._linger_due = None
        self._wanted = False
        link = self._link
        if link is not None:
            self._link = None
            link.lingering = False
            self.remove(link)

    def release(self) -> None:
        """The farewells were taken: the links' numbers are free."""
        for link in self.closing:
            self.connections[link] = None
        self.closing = []

    # -- what the bootstrap machine asks of its owner

    def has_accounts(self) -> bool:
        return bool(pairs(self._agent.model))

    def has_bootstrap(self) -> bool:
        return bootstrap_security(self._agent.model) is not None

    def hold_off_ms(self) -> int:
        security = bootstrap_security(self._agent.model)
        return self._agent.settings.hold_off_ms if security is None else (security.hold_off_s or 0) * 1000

    def register(self) -> None:
        """Make the accounts that the model names, and begin to register with each."""
        agent = self._agent
        for security, server in pairs(agent.model):
            account = self.add(lambda link: Account(agent, link, security, server))  # noqa: B023
            account.attributes.load([row[1:] for row in self._attributes if row[0] == server.short_server_id])
            self.accounts.append(account)
        self.complete_access()
        for account in list(self.accounts):
            if agent.offline:
                account.go_offline()
            account.registration.start()

    def unregister(self) -> None:
        """Drop all accounts at once; their servers are not told."""
        accounts = list(self.accounts)
        self.accounts[:] = []
        for account in accounts:
            account.drop()
            self.closing.append(account.link)

    def open_link(self) -> None:
        self._drop_link()
        if self._agent.offline:
            self._wanted = True
            return
        security = bootstrap_security(self._agent.model)
        self._link = link = self.add(
            lambda number: BootstrapLink(self._agent, number, security, self.bootstrap, self._provision)
        )
        link.open_link()

    def close_link(self) -> None:
        """Close the link to the bootstrap server; later where its answer to Finish may not have arrived."""
        if self._linger_due is None:
            self._drop_link()

    def send(self, message, on_done) -> None:
        if self._link is not None:
            self._link.send(message, on_done)

    def announce(self) -> None:
        """The host may want to know that a server-initiated bootstrap is waited for (command 36)."""
        self._tell_host(ATINY_TRIGGER_SERVER_INITIATED_BS)

    def begin(self) -> None:
        self._provision.begin()

    def drop(self) -> None:
        self._provision.drop()

    def commit(self) -> None:
        """The accounts are those that the bootstrap server wrote; those that worked until now are kept aside."""
        model = self._agent.model
        # Accounts that have not worked yet, of before a restart, are nothing to go back to.
        if self._previous is None and pairs(model) and not self._records.has_previous():
            self._previous = copy_accounts(model)
            self._records.save_accounts(model, self._fingerprint)
            self._records.keep_previous()
        staged = self._provision.staged
        assert staged is not None
        take_accounts(model, staged)
        self._provision.drop()
        self._purge_due = None
        if self._link is not None:
            self._link.lingering = True
            self._linger_due = self._agent.clock.ms + MAX_TRANSMIT_WAIT_MS
        self.save()
        for security, _ in pairs(model):
            if security.security_mode == MODE_PSK:
                self._tell_host(ATINY_UPDATE_PSK, (security.identity, security.secret_key))

    def proven(self) -> None:
        self._previous = None
        self._records.drop_previous()

    def roll_back(self) -> bool:
        model = self._agent.model
        if self._previous is not None:
            take_accounts(model, self._previous)
        elif not self._records.load_previous(model, self._fingerprint):
            return False
        self._previous = None
        self.save()
        self._records.drop_previous()
        return True

    def failed(self, reason: str) -> None:
        self._agent.bootstrap_failed(reason)

    def bootstrapped(self) -> None:
        self._agent.bootstrapped()

    def _tell_host(self, word: int, arg: object = None) -> None:
        host = self._agent.host
        if host is not None:
            try:
                host.get(word, arg)
            except Exception as error:
                self._agent.handler_failed("command %d" % word, error)

    # -- what the bootstrap server did

    def _operation(self) -> None:
        self.bootstrap.operation()

    def _finished(self) -> None:
        self.bootstrap.finished()

    def _refused(self, reason: str) -> None:
        """The accounts cannot work: the host hears it now; the server has its time to correct them."""
        self._agent.bootstrap_failed("Bootstrap-Finish: " + reason)
