"""What the model says about servers: its Security, Server and Access Control instances (LwM2M 1.0, E.1 to E.3).

An account is a Security and a Server instance of the same short server id. The bootstrap server's is a Security
instance alone.
"""

from ..errors import ParameterError, Rejected
from .model import Model, Object, ObjectEntry
from .objects.access_control import ALL, DEFAULT_ACL, DELETE, NO_INSTANCE, WRITE, AccessControl
from .objects.security import MODE_NOSEC, MODE_PSK, Security
from .objects.server import Server
from .path import MAX_ID, parse_server, render
from .servers import ACCESS_CONTROL, ACCOUNT_OBJECTS, SECURITY, SERVER, instances, pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLASSES = (Security, Server, AccessControl)  # of the objects that accounts consist of

MAX_IDENTITY = 128  # bytes of a PSK's identity and key, as in the DTLS sessions
MAX_KEY = 32


def bootstrap_security(model: Model) -> "Any":
    """The Security instance that is the bootstrap server's account, or None."""
    for security in instances(model, SECURITY):
        if security.is_bootstrap:
            return security
    return None


# -- another set of accounts, before it counts


def copy_accounts(model: Model) -> Model:
    """A Model of copies of the Security, Server and Access Control instances, and of nothing else.

    It has these three objects in any case, without instances where the model has none.
    """
    copy = Model()
    for object_id in ACCOUNT_OBJECTS:
        entry = copy.objects[object_id] = ObjectEntry(_CLASSES[object_id])
        for instance in instances(model, object_id):
            copy.add_instance(entry, copy_instance(instance))
    return copy


def copy_instance(instance: "Any") -> "Any":
    """An instance of Security, Server or Access Control with the same values, which nobody listens to."""
    copy = instance.__class__()
    copy.instance_id = instance.instance_id
    for row in instance.resources:
        if not row.executable:
            value = getattr(instance, row.name, None)
            setattr(copy, row.name, dict(value) if type(value) is dict else value)
    if instance.object_id == SERVER:
        copy.rights = instance.rights
    return copy


# -- what goes with a server that is gone (E.1.3)


def unbootstrap(staged: Model, before: Model, written: "list[int]") -> "list[tuple]":
    """Have ``staged`` forget the servers of ``before`` that it has no account of any more.

    Of its Server instances, those not in ``written`` may go: what a bootstrap has just written is for `check`. So do
    the ACL entries. What such a server owned passes to the one with most of Write and Delete to it. Where nobody has
    any right to it, its Access Control instance goes; returns the paths of what that was about: object instances that
    nobody can reach now.
    """
    paired = [server for _, server in pairs(staged)]
    removed = []
    left = []
    for server in instances(staged, SERVER):
        if server in paired or server.instance_id in written:
            left.append(server.short_server_id)
        else:
            path = (SERVER, server.instance_id)
            removed.append(path)
            staged.remove(path)
    gone = [server.short_server_id for server in instances(before, SERVER) if server.short_server_id not in left]
    orphans: "list[tuple]" = []
    for control in instances(staged, ACCESS_CONTROL):
        target = (control.target_object_id, control.target_instance_id)
        for id in gone:
            control.acl.pop(id, None)
        if control.owner in gone or target in removed:
            # A Server instance is its own server's, whichever that is now (see `Access.complete`).
            control.owner = None if target[0] == SERVER else _heir(control.acl, left)
            if control.owner is None:
                staged.remove((ACCESS_CONTROL, control.instance_id))
                if target[0] not in ACCOUNT_OBJECTS and target[1] != NO_INSTANCE:
                    orphans.append(target)
    return orphans


def _heir(acl: "dict[int, int]", servers: "list[int]") -> "int | None":
    """The server with most of Write and Delete, the first of several; None where no server has any right."""
    heir, most = None, -1
    for id in servers:
        bits = acl.get(id, acl.get(DEFAULT_ACL, 0))
        points = bool(bits & WRITE) + bool(bits & DELETE)
        if bits & ALL and points > most:
            heir, most = id, points
    return heir


# -- whether accounts can work (5.2.6)

_SAME_ID = "has the short server id %s, as"


def check(model: Model) -> None:
    """Whether the device can register with these accounts; `ParameterError` with the reason where it cannot.

    Each account is whole: a Security and a Server instance of one short server id, that no other has. Each is of a
    kind that the device can do: PSK on "coaps", or NoSec on "coap"; binding U or UQ. There is one at least, and one
    bootstrap server at most.
    """
    known: "dict[int | None, str]" = {}  # short server id -> the Security instance; None: the bootstrap server's
    for security in instances(model, SECURITY):
        id = security.short_server_id
        if security.is_bootstrap:
            _once(known, None, security, "is a second bootstrap server's account, besides")
        else:
            _once(known, id, security, _SAME_ID % id)
    found: "dict[int, str]" = {}
    for server in instances(model, SERVER):
        id = server.short_server_id
        _once(found, id, server, _SAME_ID % id)
        if id not in known:
            raise ParameterError("%s has the short server id %d, which no Security instance has" % (found[id], id))
    for security in instances(model, SECURITY):
        id = security.short_server_id
        if not security.is_bootstrap and id not in found:
            raise ParameterError("%s has the short server id %d, which no Server instance has" % (known[id], id))
    if not found:
        raise ParameterError("/1 no server to register with")
    targets: "dict[tuple, str]" = {}
    for control in instances(model, ACCESS_CONTROL):
        target = (control.target_object_id, control.target_instance_id)
        _once(targets, target, control, "is about %s, as" % render(target))


def _once(seen: dict, key: object, instance: "Any", what: str) -> None:
    """Check an instance for itself, and that no other one is the same in what matters; ``seen`` has its path then."""
    where = render((instance.object_id, instance.instance_id))
    try:
        if instance.object_id == SECURITY:
            _check_security(instance)
        else:
            _check_values(instance)
    except ParameterError as error:
        raise ParameterError("%s %s" % (where, error)) from None
    if key in seen:
        raise ParameterError("%s %s %s" % (where, what, seen[key]))
    seen[key] = where


def _check_security(security: "Any") -> None:
    """The address and the credentials of one server; the reason names no secret."""
    try:
        scheme = parse_server(security.server_uri)[0]
    except ParameterError:
        raise ParameterError("has no URI like coap://host:port") from None
    mode = security.security_mode
    if mode == MODE_NOSEC:
        if scheme != "coap":
            raise ParameterError("is without security: its URI begins with coap://")
    elif mode == MODE_PSK:
        if scheme == "coap":
            raise ParameterError("has a pre-shared key: its URI begins with coaps://")
        if not 1 <= len(security.identity or b"") <= MAX_IDENTITY:
            raise ParameterError("has no identity of 1 to 128 bytes")
        if not 1 <= len(security.secret_key or b"") <= MAX_KEY:
            raise ParameterError("has no key of 1 to 32 bytes")
    else:
        raise ParameterError("has the security mode %s; 0 (PSK) and 3 (NoSec) are supported" % mode)
    if not security.is_bootstrap and security.short_server_id in (None, 0, MAX_ID):
        raise ParameterError("has no short server id from 1 to 65534")


def _check_values(instance: Object) -> None:
    """That what must be there is, and that each value is one that could be written."""
    for row in instance.resources:
        value = getattr(instance, row.name, None)
        if value is not None:
            try:
                instance.check(row, value)
            except Rejected as error:
                raise ParameterError("has a wrong %s: %s" % (row.name, error.diagnostic)) from None
        elif row.mandatory and not row.executable:
            raise ParameterError("has no %s" % row.name)
