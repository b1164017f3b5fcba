"""What the model says about servers: its Security, Server and Access Control instances (LwM2M 1.0, E.1 to E.3).

An account is a Security and a Server instance of the same short server id. The bootstrap server's is a Security
instance alone.
"""

from ..coap.codes import NOT_ACCEPTABLE
from ..errors import ParameterError, Rejected
from . import types
from .model import Model, Object, ObjectEntry
from .objects.access_control import ALL, DEFAULT_ACL, DELETE, NO_INSTANCE, WRITE, AccessControl
from .objects.security import MODE_NOSEC, MODE_PSK, Security
from .objects.server import Server
from .path import MAX_ID, render
from .uri import parse_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECURITY = 0
SERVER = 1
ACCESS_CONTROL = 2
OBJECTS = (SECURITY, SERVER, ACCESS_CONTROL)  # what accounts consist of
_CLASSES = (Security, Server, AccessControl)

MAX_IDENTITY = 128  # bytes of a PSK's identity and key, as in the DTLS sessions
MAX_KEY = 32


def pairs(model: Model) -> "list[tuple[Any, Any]]":
    """(security, server) of each LwM2M server's account, sorted by the Server instance's id."""
    found = []
    securities = _instances(model, SECURITY)
    for server in _instances(model, SERVER):
        for security in securities:
            if not security.is_bootstrap and security.short_server_id == server.short_server_id:
                found.append((security, server))
                break
    return found


def bootstrap_security(model: Model) -> "Any":
    """The Security instance that is the bootstrap server's account, or None."""
    for security in _instances(model, SECURITY):
        if security.is_bootstrap:
            return security
    return None


def _instances(model: Model, object_id: int) -> "list[Any]":
    entry = model.objects.get(object_id)
    return [] if entry is None else [entry.instances[id] for id in entry.ids]


# -- another set of accounts, before it counts


def copy_accounts(model: Model) -> Model:
    """A Model whose Security, Server and Access Control instances are copies; the other objects are the very same.

    It has these three objects in any case, without instances where the model has none.
    """
    copy = Model()
    for object_id in model.objects:
        if object_id not in OBJECTS:
            copy.objects[object_id] = model.objects[object_id]
    for object_id in OBJECTS:
        source = model.objects.get(object_id)
        entry = ObjectEntry(_CLASSES[object_id] if source is None else source.cls)
        copy.objects[object_id] = entry
        for instance in _instances(model, object_id):
            copy.add_instance(entry, copy_instance(instance))
    copy.generation = model.generation
    return copy


def copy_instance(instance: "Any") -> "Any":
    """An instance of Security, Server or Access Control with the same values, which nobody listens to."""
    copy = instance.__class__()
    copy.instance_id = instance.instance_id
    for row in instance.resources:
        if not row.executable:
            value = getattr(instance, row.name, None)
            setattr(copy, row.name, dict(value) if type(value) is dict else value)
    if isinstance(instance, Server):
        copy.rights = instance.rights
    return copy


def take_accounts(model: Model, staged: Model) -> None:
    """The model takes the accounts of another one, which gives them away. Its generation grows."""
    for object_id in OBJECTS:
        entry = staged.objects.get(object_id)
        # Access Control is there only where it has instances: with one server nothing is controlled.
        if entry is None or (object_id == ACCESS_CONTROL and not entry.ids):
            model.objects.pop(object_id, None)
        else:
            model.objects[object_id] = entry
    model.generation = max(model.generation, staged.generation) + 1


# -- what goes with a server that is gone (E.1.3)


def unbootstrap(staged: Model, before: Model, untouched: "list[int]") -> "list[tuple]":
    """Have ``staged`` forget the servers of ``before`` that it has no account of any more.

    Of its Server instances, those in ``untouched`` may go: what a bootstrap has just written is for `check`. So do the
    ACL entries. What such a server owned passes to the one with most of Write and Delete to it. Where nobody has any
    right to it, its Access Control instance goes; returns the paths of what that was about: object instances that
    nobody can reach now.
    """
    known = [security.short_server_id for security in _instances(staged, SECURITY) if not security.is_bootstrap]
    removed = []
    for server in _instances(staged, SERVER):
        if server.short_server_id not in known and server.instance_id in untouched:
            removed.append((SERVER, server.instance_id))
            staged.remove((SERVER, server.instance_id))
    left = [server.short_server_id for server in _instances(staged, SERVER)]
    gone = [server.short_server_id for server in _instances(before, SERVER) if server.short_server_id not in left]
    orphans: "list[tuple]" = []
    for control in _instances(staged, ACCESS_CONTROL):
        target = (control.target_object_id, control.target_instance_id)
        for id in gone:
            control.acl.pop(id, None)
        if control.owner not in gone and target not in removed:
            continue
        # A Server instance is its own server's, whichever that is now (see `Access.complete`).
        heir = None if target[0] == SERVER else _heir(control.acl, left)
        if heir is not None:
            control.owner = heir
            continue
        staged.remove((ACCESS_CONTROL, control.instance_id))
        if target[0] not in OBJECTS and target[1] != NO_INSTANCE:
            orphans.append(target)
    return orphans


def _heir(acl: "dict[int, int]", servers: "list[int]") -> "int | None":
    """The server with most of Write and Delete, the first of several; None where no server has any right."""
    heir, most = None, -1
    for id in servers:
        bits = acl.get(id, acl.get(DEFAULT_ACL, 0))
        points = (1 if bits & WRITE else 0) + (1 if bits & DELETE else 0)
        if bits & ALL and points > most:
            heir, most = id, points
    return heir


# -- whether accounts can work (5.2.6)


def check(model: Model) -> None:
    """Whether the device can register with these accounts; `Rejected` 4.06 with the reason where it cannot.

    Each account is whole: a Security and a Server instance of one short server id, that no other has. Each is of a
    kind that the device can do: PSK on "coaps", or NoSec on "coap"; binding U or UQ. There is one at least, and one
    bootstrap server at most.
    """
    securities = _instances(model, SECURITY)
    servers = _instances(model, SERVER)
    ids: "dict[int, str]" = {}  # short server id -> the Security instance
    bootstrap = None
    for security in securities:
        where = render((SECURITY, security.instance_id))
        _check_security(security, where)
        if security.is_bootstrap:
            if bootstrap is not None:
                _refuse(where, "is a second bootstrap server's account, besides %s" % bootstrap)
            bootstrap = where
            continue
        id = security.short_server_id
        if type(id) is not int or not 1 <= id < MAX_ID:
            _refuse(where, "has no short server id from 1 to 65534")
        if id in ids:
            _refuse(where, "has the short server id %d, as %s" % (id, ids[id]))
        ids[id] = where
    found: "dict[int, str]" = {}
    for server in servers:
        where = render((SERVER, server.instance_id))
        _check_values(server, where)
        id = server.short_server_id
        if id in found:
            _refuse(where, "has the short server id %d, as %s" % (id, found[id]))
        if id not in ids:
            _refuse(where, "has the short server id %d, which no Security instance has" % id)
        found[id] = where
    for id in sorted(ids):
        if id not in found:
            _refuse(ids[id], "has the short server id %d, which no Server instance has" % id)
    if not found:
        _refuse("/1", "no server to register with")
    targets: "dict[tuple, str]" = {}
    for control in _instances(model, ACCESS_CONTROL):
        where = render((ACCESS_CONTROL, control.instance_id))
        _check_values(control, where)
        target = (control.target_object_id, control.target_instance_id)
        if target in targets:
            _refuse(where, "is about %s, as %s" % (render(target), targets[target]))
        targets[target] = where


def _refuse(where: str, why: str) -> None:
    raise Rejected(NOT_ACCEPTABLE, "%s %s" % (where, why))


def _check_security(security: "Any", where: str) -> None:
    """The address and the credentials of one server; the reason names no secret."""
    try:
        scheme = parse_server(security.server_uri)[0]
    except (ParameterError, ValueError):
        scheme = ""
        _refuse(where, "has no URI like coap://host:port")
    mode = security.security_mode
    if mode == MODE_NOSEC:
        if scheme != "coap":
            _refuse(where, "is without security: its URI begins with coap://")
    elif mode == MODE_PSK:
        if scheme != "coaps":
            _refuse(where, "has a pre-shared key: its URI begins with coaps://")
        if not 1 <= len(security.identity or b"") <= MAX_IDENTITY:
            _refuse(where, "has no identity of 1 to %d bytes" % MAX_IDENTITY)
        if not 1 <= len(security.secret_key or b"") <= MAX_KEY:
            _refuse(where, "has no key of 1 to %d bytes" % MAX_KEY)
    else:
        _refuse(where, "has the security mode %s; 0 (PSK) and 3 (NoSec) are supported" % (mode,))


def _check_values(instance: Object, where: str) -> None:
    """That what must be there is, and that each value is one that could be written."""
    for row in instance.resources:
        if row.executable:
            continue
        value = getattr(instance, row.name, None)
        if value is None:
            if row.mandatory:
                _refuse(where, "has no %s" % row.name)
            continue
        try:
            for one in value.values() if row.multiple else (value,):
                types.check(row.type, one)
            instance.check(row, value)
        except ParameterError as error:
            _refuse(where, "has a wrong %s: %s" % (row.name, error))
        except Rejected as error:
            _refuse(where, "has a wrong %s: %s" % (row.name, error.diagnostic))
