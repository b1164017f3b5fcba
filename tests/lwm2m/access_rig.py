"""A model with several servers, and a dispatcher for each: what the tests of access control ask."""

from atiny.coap import codes
from atiny.coap.exchange import DONE
from atiny.coap.message import Message, uint_bytes
from atiny.lwm2m.access import Access
from atiny.lwm2m.attributes import Attributes
from atiny.lwm2m.dispatch import Dispatcher
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.observe import Observations
from atiny.lwm2m.queue_mode import QueueMode
from atiny.lwm2m.stored import Stored
from atiny.settings import Settings
from tests.lwm2m.widget import WIDGET, Widget

METHODS = {"GET": codes.GET, "POST": codes.POST, "PUT": codes.PUT, "DELETE": codes.DELETE}
TEXT, LINK, OPAQUE, TLV = 0, 40, 42, 11542


class Clock:
    ms = 1000


class Seat:
    """One server's place: its attributes, its observations, and the notifications that went to it."""

    def __init__(self, device: "Device", short_server_id: int):
        self.sent: "list[Message]" = []
        self.statuses: "list[tuple]" = []
        self._waiting: list = []
        self.agent = self.servers = self.endpoint = self.registration = self
        self.clock = device.clock
        self.settings = Settings("dev")
        self.server = device.model.objects[Server.object_id].instances[device.servers.index(short_server_id)]
        self.queue_mode: "QueueMode | None" = None
        self.observations = Observations(self)
        self.model = device.model
        self.access = device.access
        self.model_changed = device.changed
        self.handler_failed = lambda path, error: device.failed.append((path, error))
        self.dispatcher = Dispatcher(self)
        self.observations.source = self.dispatcher
        self.observing: "list[tuple]" = []

    @property
    def attributes(self) -> Attributes:
        return self.observations.set_attributes()

    def keep(self) -> None: ...

    def notify(self, request: Message, response: Message, confirmable: bool, on_done, now: int) -> None:
        self.sent.append(response)
        self._waiting.append(on_done)

    def acknowledge(self) -> None:
        """The server acknowledges the oldest notification."""
        self._waiting.pop(0)(DONE, None)

    def sleep_link(self, account) -> None: ...

    def wake_link(self, account) -> None: ...

    def update(self) -> None: ...

    def go_offline(self) -> None:
        """The server cannot be told until `go_online`."""
        self.queue_mode = QueueMode(self)
        self.observations.unsent = Stored(self)
        self.queue_mode.go_offline(True)

    def go_online(self) -> None:
        assert self.queue_mode is not None
        self.queue_mode.go_online(True)
        self.queue_mode.ready()

    def subscribed(self, account, path: tuple) -> None:
        self.observing.append(path)

    def unsubscribed(self, account, path: tuple, cancelled: bool) -> None:
        self.observing.remove(path)

    def delivered(self, account, path: tuple, status: int) -> None:
        self.statuses.append((path, status))

    def ended(self, path: tuple, outcome: int) -> None:
        self.statuses.append((path, outcome))


class Device:
    """``servers``: short server ids; ``items``: other objects, by default one Widget, and Access Control instances."""

    def __init__(self, *items, servers=(101, 102, 103)):
        self.model = Model()
        self.clock = Clock()
        self.servers = servers
        self.access = Access(self.model)
        self.changes: "list[tuple]" = []
        self.failed: "list[tuple]" = []
        self._token = 0
        for short_server_id in servers:
            self.model.add(Security("coap://server", short_server_id))
            self.model.add(Server(short_server_id))
        for item in items or (Widget(),):
            self.model.add(item)
        self.seats = {short_server_id: Seat(self, short_server_id) for short_server_id in servers}

    def changed(self, path: tuple) -> None:
        self.changes.append(path)
        for seat in self.seats.values():
            seat.observations.changed(path)

    def ask(self, server: int, method: str, path: str, payload=b"", *, format=None, query=(), **options) -> Message:
        """The response to a server's request; ``accept`` and ``observe`` as numbers."""
        self._token += 1
        found = [(codes.URI_PATH, part.encode()) for part in path.strip("/").split("/")]
        found += [(codes.URI_QUERY, part.encode()) for part in query]
        if format is not None:
            found.append((codes.CONTENT_FORMAT, uint_bytes(format)))
        for name, number in (("accept", codes.ACCEPT), ("observe", codes.OBSERVE)):
            if options.get(name) is not None:
                found.append((number, uint_bytes(options[name])))
        request = Message(METHODS[method], found, payload)
        request.token = b"t%d" % self._token
        response = self.seats[server].dispatcher.handle(request)
        assert response is not None
        return response

    def code(self, *args, **options) -> str:
        """The code of the response to `ask`, as it is spoken: "2.05"."""
        return dotted(self.ask(*args, **options))

    def notified(self, server: int) -> "list[Message]":
        """The notifications that a server gets now."""
        seat = self.seats[server]
        self.clock.ms += 1000
        seat.observations.handle_timer()
        sent, seat.sent = seat.sent, []
        return sent

    def control(self, target: "tuple[int, int]") -> "AccessControl | None":
        """The Access Control instance of a target."""
        entry = self.model.objects.get(2)
        for id in entry.ids if entry else ():
            one = entry.instances[id]
            if (one.target_object_id, one.target_instance_id) == target:
                return one
        return None


def dotted(response: Message) -> str:
    return "%d.%02d" % (response.code >> 5, response.code & 31)


def on(instance: int = 0, acl: "dict | None" = None, owner: int = 103) -> AccessControl:
    """The Access Control instance of a Widget."""
    return AccessControl(WIDGET, instance, acl, owner)
