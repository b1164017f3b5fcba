"""What the `Bootstrap` machine decides, carried out: accounts are made and dropped, exchanged and taken back.

What the bootstrap server writes lies aside in the `Provision` until it is committed; the accounts that worked until
then are kept, in memory and in the store, until others have.
"""

from ..coap.codes import MAX_TRANSMIT_WAIT_MS
from ..commands import ATINY_UPDATE_PSK
from ..params import ATINY_BOOTSTRAP_FAIL, ATINY_BOOTSTRAP_OK
from .accounts import bootstrap_security, copy_accounts
from .bootstrap import CLOSED, LISTENING, OPEN, OPENING, Bootstrap
from .connection import Connection
from .objects.security import MODE_PSK
from .provision import Provision
from .servers import SECURITY, pairs, take_accounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..coap.message import Message
    from .model import Model


class BootstrapLink(Connection):
    """The link to the bootstrap server; what it writes goes to the provision, when the machine accepts it."""

    def __init__(self, agent, link: int, security, bootstrapper: "Bootstrapper"):
        self._bootstrapper = bootstrapper
        Connection.__init__(self, agent, link, security, bootstrapper.provision.handle)

    def serving(self) -> bool:
        return self._bootstrapper.linger_due is not None or self._bootstrapper.line == OPEN

    def link_ready(self) -> None:
        self._bootstrapper.link_opened()

    def link_lost(self, reason: str) -> None:
        self._bootstrapper.link_failed(reason)


class Bootstrapper(Bootstrap):
    """An agent's bootstrap machine, with hands.

    ``agent`` has, besides what a `Connection` and the machine ask of it: ``model``, ``servers``, ``records`` (or None),
    ``host`` (or None), ``offline``, ``tell_host(event, argument)``, ``model_changed(path)``,
    ``handler_failed(path, error)``. ``linger_due``: when the link goes after a bootstrap: until then the server may
    send again what it has no answer to. None: it is not over.
    """

    def __init__(self, agent, mode: int):
        Bootstrap.__init__(self, agent, mode)
        self.provision = Provision(agent, self)
        self.linger_due: "int | None" = None
        self._link: "BootstrapLink | None" = None
        self._previous: "Model | None" = None  # the accounts that worked last
        self._purge_due: "int | None" = None  # when the bootstrap server's account is to go

    # -- the agent's side

    def go_offline(self) -> None:
        """The host has no network."""
        if self._link is not None:
            self._link.link_failed("the host went offline")

    def go_online(self) -> None:
        """The host has a network again."""
        if self._link is None and self.line == OPENING:
            self.open_link()

    def registered(self) -> None:
        """An account is registered."""
        Bootstrap.registered(self)
        security = self.bootstrap_server()
        timeout_s = security.bootstrap_account_timeout_s if security is not None else 0
        if timeout_s and self._purge_due is None:
            self._purge_due = self._clock.ms + timeout_s * 1000

    def account_failed(self) -> None:
        """An attempt to register failed: once every account had its tries, the machine is asked what to do."""
        tries = self._agent.settings.tries
        for account in self._servers.accounts:
            if account.registration.registered or account.registration.failures < tries:
                return
        self.all_failed()

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        soonest = self._due
        for due in (self._purge_due, self.linger_due):
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self) -> None:
        """Do what is due."""
        now = self._clock.ms
        Bootstrap.handle_timer(self)
        if self.linger_due is not None and self.linger_due <= now:
            self.close_link()
        if self._purge_due is not None and self._purge_due <= now:
            # The bootstrap server's account has served its time (Security, resource 12), unless it is in use.
            if self.state >= LISTENING:
                self._purge_due = now + MAX_TRANSMIT_WAIT_MS
                return
            self._purge_due = None
            security = self.bootstrap_server()
            if security is not None:
                self._agent.model.remove((SECURITY, security.instance_id))
                self.close_link()
                self._servers.keep()

    # -- what the machine decides

    def has_accounts(self) -> bool:
        return bool(pairs(self._agent.model))

    def has_previous(self) -> bool:
        return self._agent.records is not None and self._agent.records.has_previous()

    def bootstrap_server(self) -> "Any":
        return bootstrap_security(self._agent.model)

    def open_link(self) -> None:
        """Open the link to the bootstrap server, in place of one that lingers; once the host is online."""
        self.close_link()
        self.line = OPENING
        agent = self._agent
        if agent.offline is None:
            number = self._servers.free_link()
            self._link = self._servers.connections[number] = BootstrapLink(agent, number, self.bootstrap_server(), self)
            self._link.open_link()

    def close_link(self) -> None:
        self.line = CLOSED
        self.provision.staged = None
        self.linger_due = None
        link = self._link
        if link is not None:
            self._link = None
            self._servers.remove(link)

    def send(self, message: "Message", on_done) -> None:
        assert self._link is not None
        self._link.send(message, on_done)

    def commit(self) -> None:
        """The accounts are those that the bootstrap server wrote; those that worked until now are kept aside."""
        agent = self._agent
        model = agent.model
        # Accounts that have not worked yet, of before a restart, are nothing to go back to.
        if self._previous is None and pairs(model) and not self.has_previous():
            self._previous = copy_accounts(model)
            if agent.records is not None:
                agent.records.save_accounts(model)
                agent.records.keep_previous()
        assert self.provision.finished is not None
        take_accounts(model, self.provision.finished)
        self._purge_due = None
        self.linger_due = self._clock.ms + MAX_TRANSMIT_WAIT_MS  # its answer to Finish may not have arrived
        if agent.records is not None:
            self._servers.save()
        for security, _ in pairs(model):
            if security.security_mode == MODE_PSK:
                self.command(ATINY_UPDATE_PSK, (security.identity, security.secret_key))
        agent.tell_host(ATINY_BOOTSTRAP_OK, None)

    def proven(self) -> None:
        self._previous = None
        if self._agent.records is not None:
            self._agent.records.drop_previous()

    def roll_back(self) -> bool:
        agent = self._agent
        if self._previous is not None:
            take_accounts(agent.model, self._previous)
        elif agent.records is None or not agent.records.load_previous(agent.model):
            return False
        if agent.records is not None:
            self._servers.save()
        self.proven()
        return True

    def tell_failed(self, reason: str) -> None:
        self._agent.tell_host(ATINY_BOOTSTRAP_FAIL, reason)

    def command(self, word: int, arg: object = None) -> None:
        host = self._agent.host
        if host is not None:
            try:
                host.get(word, arg)
            except Exception as error:
                self._agent.handler_failed("command %d" % word, error)
