"""A device with accounts and a `Provision`, asked directly; what it was told is in lists."""

from types import SimpleNamespace

from atiny.coap import codes
from atiny.coap.message import Message, uint_bytes
from atiny.commands import CommandHandler
from atiny.lwm2m.host import Host
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.app_data import AppData
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.provision import Provision
from tests.lwm2m.widget import Widget

METHODS = {"GET": codes.GET, "POST": codes.POST, "PUT": codes.PUT, "DELETE": codes.DELETE, "FETCH": 5}
TEXT, LINK, OPAQUE, TLV = 0, 40, 42, 11542


def row(id: int, value) -> bytes:
    """A resource's TLV with a 16-bit length."""
    if type(value) is bool:
        value = b"\x01" if value else b"\x00"
    elif type(value) is int:
        value = value.to_bytes(8, "big", signed=True)
    elif type(value) is str:
        value = value.encode()
    return b"\xd0" + bytes((id,)) + len(value).to_bytes(2, "big") + value


def wrap(id: int, body: bytes) -> bytes:
    """An object instance's TLV around resources."""
    return b"\x30" + id.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def psk(uri: str, id: int, bootstrap: bool = False) -> bytes:
    """An instance of Security with a pre-shared key, as servers write it."""
    body = row(0, uri) + row(1, bootstrap) + row(2, 0) + row(3, b"me") + row(4, b"") + row(5, b"secret")
    return body + row(10, id)


def nosec(uri: str, id: int, bootstrap: bool = False) -> bytes:
    return row(0, uri) + row(1, bootstrap) + row(2, 3) + row(3, b"") + row(4, b"") + row(5, b"") + row(10, id)


def server(id: int, lifetime_s: int = 300, binding: str = "U") -> bytes:
    return row(0, id) + row(1, lifetime_s) + row(6, True) + row(7, binding)


def values(instance) -> dict:
    """What an instance of an account says."""
    found = {row.name: getattr(instance, row.name, None) for row in instance.resources if not row.executable}
    return {name: dict(value) if type(value) is dict else value for name, value in found.items()}


def contents(model: Model) -> dict:
    """What a model says about accounts, and which other instances it has."""
    found: "dict[tuple, object]" = {}
    for object_id in sorted(model.objects):
        for id, instance in sorted(model.objects[object_id].instances.items()):
            found[object_id, id] = values(instance) if object_id < 3 else type(instance)
    return found


class Handler(CommandHandler):
    def __init__(self):
        self.written: "list[tuple]" = []

    def set_utc_offset(self, value):
        self.written.append(("utc", value))

    def write_app_write(self, data):
        self.written.append(("app", data))


class Rig:
    """/0/0 and /1/0 are the account 123, /0/1 is the bootstrap server's."""

    def __init__(self, *objects, begin=True):
        self.handler = Handler()
        host = Host(self.handler)
        self.widget = Widget()
        self.model = model = Model()
        account = Server(123)
        for item in (
            Security("coap://old", 123),
            Security("coaps://bs", None, b"bs", b"bskey", is_bootstrap=True, hold_off_s=5),
            account,
            Device(host, "maker", None, lambda: account.binding),
            AppData(host, 0),
            self.widget,
            *objects,
        ):
            model.add(item)
        self.failed: "list[tuple]" = []
        self.changed: "list[tuple]" = []
        self.refused: "list[str]" = []
        self.operations = 0
        self.finished = 0
        self.provision = Provision(
            SimpleNamespace(
                model=model,
                handler_failed=lambda path, error: self.failed.append((path, error)),
                model_changed=self.changed.append,
            ),
            SimpleNamespace(
                operation=self._operation,
                finished=self._finish,
                tell_failed=self.refused.append,
            ),
        )
        if begin:
            self.provision.begin()

    def _operation(self):
        self.operations += 1

    def _finish(self):
        self.finished += 1

    @property
    def staged(self) -> Model:
        """The accounts as the server wrote them, finished or not."""
        staged = self.provision.staged or self.provision.finished
        assert staged is not None
        return staged

    def ask(self, method: str, path: str, payload: bytes = b"", content_format=None, accept=None, query=()):
        """(code as it is spoken, the response)."""
        options = [(codes.URI_PATH, part.encode()) for part in path.split("/") if part]
        if content_format is not None:
            options.append((codes.CONTENT_FORMAT, uint_bytes(content_format)))
        options += [(codes.URI_QUERY, part.encode()) for part in query]
        if accept is not None:
            options.append((codes.ACCEPT, uint_bytes(accept)))
        response = self.provision.handle(Message(METHODS[method], options, payload))
        return codes.dotted(response.code), response

    def code(self, *args, **options) -> str:
        return self.ask(*args, **options)[0]

    def put(self, path: str, payload: bytes, content_format: "int | None" = TLV) -> str:
        return self.code("PUT", path, payload, content_format)


def control(target: tuple, acl: "dict | None" = None, owner: int = 123) -> AccessControl:
    return AccessControl(target[0], target[1], acl, owner)
