"""Several servers, each with a lifetime, a binding and rights of its own."""

from ..errors import ParameterError
from ..lwm2m.model import Model
from ..lwm2m.objects.server import BINDINGS
from ..lwm2m.path import MAX_ID
from . import SHORT_SERVER_ID, add_account, check_positive, credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RIGHTS = "RWEDC"  # by the bits of an ACL, the lowest first: Read, Write, Execute, Delete, Create


class ServerAccount:
    """One LwM2M server, for a device that registers with several of them.

    ``uri``: "coap://host[:port]" or "coaps://host[:port]". ``short_server_id``: 1 to 65534, another one for each
    server. ``psk``: (identity, key) for "coaps". ``lifetime`` (seconds) and ``binding`` ("U" or "UQ"): the client's
    where they are None. ``notification_storing``: whether notifications that cannot be sent are kept (/1/x/6).
    ``rights``: what this server may do to the device's objects where there are several servers, some of "RWEDC"
    (Read, Write, Execute, Delete, Create); None: the first server may do all, the others may read.

    Raises `ParameterError`.
    """

    def __init__(
        self,
        uri: str,
        *,
        short_server_id: int = SHORT_SERVER_ID,
        psk: "tuple[str | bytes, bytes] | None" = None,
        lifetime: "int | None" = None,
        binding: "str | None" = None,
        notification_storing: bool = True,
        rights: "str | None" = None,
    ):
        if type(short_server_id) is not int or not 0 < short_server_id < MAX_ID:
            raise ParameterError("the short server id is %r: give a number from 1 to 65534" % (short_server_id,))
        if lifetime is not None:
            check_positive("lifetime", lifetime)
        if binding is not None and binding not in BINDINGS:
            raise ParameterError("the binding is %r: give one of %s" % (binding, ", ".join(BINDINGS)))
        self.uri = uri
        self.short_server_id = short_server_id
        self.psk = credentials(uri, psk)
        self.lifetime = lifetime
        self.binding = binding
        self.notification_storing = notification_storing
        self.rights = None if rights is None else _bits(rights)


def _bits(rights: str) -> int:
    bits = 0
    for letter in rights:
        if letter not in RIGHTS:
            raise ParameterError("the rights are some of the letters RWEDC, not %r" % (letter,))
        bits |= 1 << RIGHTS.index(letter)
    return bits


def add_several(model: Model, servers: "Any", psk: "Any", lifetime: int, binding: str) -> None:
    """Add the accounts of a `ServerAccount`, or of a list of them, in their order.

    `ParameterError` where they are something else, or two have one short server id.
    """
    if psk is not None:
        raise ParameterError("each ServerAccount has its own psk: leave the client's out")
    if type(servers) not in (list, tuple):
        servers = [servers]
    if not servers:
        raise ParameterError("the list of servers is empty")
    known: "list[int]" = []
    for account in servers:
        if not isinstance(account, ServerAccount):
            raise ParameterError("the server is %r: give coap://host:port, or ServerAccount(...)" % (account,))
        id = account.short_server_id
        if id in known:
            raise ParameterError("the short server id %d is given twice" % id)
        known.append(id)
        server = add_account(
            model, account.uri, id, account.psk, account.lifetime or lifetime, account.binding or binding
        )
        server.notification_storing = account.notification_storing
        server.rights = account.rights
