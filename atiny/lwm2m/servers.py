"""The servers of a device: their accounts, as the model names them, and the numbers of their links.

An account is a Security and a Server instance of the same short server id (LwM2M 1.0, 5.2.2).
"""

from .account import Account
from .model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .access import Access

SECURITY = 0
SERVER = 1
ACCESS_CONTROL = 2
ACCOUNT_OBJECTS = (SECURITY, SERVER, ACCESS_CONTROL)  # what accounts consist of


def instances(model: Model, object_id: int) -> "list[Any]":
    """An object's instances, by id; none where there is no such object."""
    entry = model.objects.get(object_id)
    return [] if entry is None else [entry.instances[id] for id in entry.ids]


def pairs(model: Model) -> "list[tuple[Any, Any]]":
    """(security, server) of each LwM2M server's account, sorted by the Server instance's id."""
    found = []
    for server in instances(model, SERVER):
        for security in instances(model, SECURITY):
            if not security.is_bootstrap and security.short_server_id == server.short_server_id:
                found.append((security, server))
                break
    return found


def take_accounts(model: Model, staged: Model) -> None:
    """The model takes the accounts of another one, which gives them away. Its generation grows."""
    for object_id in ACCOUNT_OBJECTS:
        entry = staged.objects.get(object_id)
        # Access Control is there only where it has instances: with one server nothing is controlled.
        if entry is None or (object_id == ACCESS_CONTROL and not entry.ids):
            model.objects.pop(object_id, None)
        else:
            model.objects[object_id] = entry
    model.generation += 1


class Servers:
    """The servers of one agent. ``agent`` has what its accounts ask of it, and ``records``.

    ``access``: the rights of several servers; None: there is one, and it may do everything. ``kept_attributes``: what
    servers have set, as `attributes` gave it, for the accounts that are made next; None: nothing.
    """

    def __init__(self, agent):
        self.accounts: "list[Account]" = []
        self.connections: "list[Any]" = []  # by link; None where the number is free
        self.closing: "list[int]" = []  # links that end once their farewell is taken
        self.access: "Access | None" = None
        self.kept_attributes: "list[tuple] | None" = None
        self._agent = agent
        self._generation = 0  # of the model, as the servers know it

    def register(self) -> None:
        """Make the accounts that the model names, and begin to register with each."""
        agent = self._agent
        model = agent.model
        self.access = None
        if len(instances(model, SERVER)) > 1 or ACCESS_CONTROL in model.objects:
            from .access import Access

            self.access = Access(model)
        for security, server in pairs(model):
            link = self.free_link()
            account = self.connections[link] = Account(agent, link, security, server)
            if self.kept_attributes is not None:
                id = server.short_server_id
                rows = [row[1:] for row in self.kept_attributes if row[0] == id]
                if rows:
                    account.observations.set_attributes().load(rows)
            self.accounts.append(account)
        if len(self.accounts) > 1:
            agent.delivery.keep_backlogs()
        if self.access is not None:
            self.complete_access()
        self._generation = model.generation
        for account in list(self.accounts):
            if agent.offline is not None:
                account.go_offline()
            account.registration.start()

    def unregister(self) -> None:
        """Drop all accounts at once; their servers are not told."""
        accounts = list(self.accounts)
        if accounts:
            self.kept_attributes = self.all_attributes()
        self.accounts[:] = []
        for account in accounts:
            account.drop()
            self.closing.append(account.link)

    def model_changed(self, path: tuple) -> None:
        """A value or an instance changed, by a server or by the host."""
        agent = self._agent
        if agent.records is not None and path[0] <= ACCESS_CONTROL:  # what accounts consist of
            agent.records.changed = True
        for account in self.accounts:
            account.observations.changed(path)
        if agent.model.generation != self._generation:
            if not agent.model.has(path):  # and with it goes what was said about it
                for account in self.accounts:
                    if account.observations.attributes is not None:
                        account.observations.attributes.forget(path)
            if self.access is not None:
                self.complete_access()
            self._generation = agent.model.generation
            for account in self.accounts:
                account.server_changed(False)

    def complete_access(self) -> None:
        """An object instance came or went: with several servers, each one has its access control."""
        assert self.access is not None
        order = [account.server.short_server_id for account in self.accounts]
        for path in self.access.complete(order) if order else []:
            self.keep()
            for account in self.accounts:
                account.observations.changed(path)

    # -- links

    def free_link(self) -> int:
        """The lowest number that no link has; the new one's place in ``connections``."""
        if None not in self.connections:
            self.connections.append(None)
        return self.connections.index(None)

    def remove(self, connection) -> None:
        """Close the connection, and forget it once its farewell is taken."""
        connection.close_link()
        self.closing.append(connection.link)

    def release(self) -> None:
        """The farewells were taken: the links' numbers are free."""
        for link in self.closing:
            self.connections[link] = None
        self.closing = []

    # -- what the store keeps

    def keep(self) -> None:
        """What the store is to have changed."""
        if self._agent.records is not None:
            self._agent.records.changed = True

    def all_attributes(self) -> "list[tuple]":
        """What servers have set by Write-Attributes: (short server id, path, {name: value})."""
        rows: "list[tuple]" = []
        for account in self.accounts:
            if account.observations.attributes is not None:
                for path, values in account.observations.attributes.all():
                    rows.append((account.server.short_server_id, path, values))
        return rows

    def save(self) -> None:
        """Have the store say what the model says: before the server has the answer to what it wrote."""
        records = self._agent.records
        records.changed = False
        records.save_accounts(self._agent.model)
        if self.accounts:
            records.save_attributes(self.all_attributes())
