"""The servers that the host itself names (LwM2M 1.0, 5.2.3.1, factory bootstrap): checked, and put into the model."""

from .dtls.session import check_psk
from .errors import ParameterError
from .lwm2m.model import Model
from .lwm2m.objects.access_control import CREATE, DELETE, EXECUTE, READ, WRITE
from .lwm2m.objects.security import Security
from .lwm2m.objects.server import BINDINGS, Server
from .lwm2m.path import MAX_ID
from .lwm2m.persistence import FINGERPRINT_SIZE
from .lwm2m.record_codec import encode_accounts
from .lwm2m.uri import parse_server
from .params import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHORT_SERVER_ID = 123  # of the IoT server, as in the SDK
RIGHTS = (("R", READ), ("W", WRITE), ("E", EXECUTE), ("D", DELETE), ("C", CREATE))


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
        self.identity, self.key = credentials(uri, psk)
        self.lifetime = lifetime
        self.binding = binding
        self.notification_storing = notification_storing
        self.rights = None if rights is None else _bits(rights)


def _bits(rights: str) -> int:
    bits = 0
    for letter in rights:
        for name, bit in RIGHTS:
            if letter == name:
                bits |= bit
                break
        else:
            raise ParameterError("the rights are %r: give some of the letters RWEDC" % (rights,))
    return bits


def credentials(uri: str, psk: "Any") -> "tuple[bytes, bytes]":
    """(identity, key) for a server, both empty where there is no PSK; `ParameterError` where it does not fit."""
    if (parse_server(uri)[0] == "coaps") != (psk is not None):
        raise ParameterError("coaps:// and psk=(identity, key) go together: give both, or coap:// without a psk")
    if psk is None:
        return b"", b""
    if type(psk) not in (tuple, list) or len(psk) != 2:
        raise ParameterError("psk is a pair: (identity, key)")
    return check_psk(psk[0], psk[1])


def check_positive(name: str, value: object) -> None:
    """`ParameterError` unless the value is a positive whole number."""
    if type(value) is not int or value <= 0:
        raise ParameterError("%s is %r: give a positive whole number" % (name, value))


def choose_mode(mode: "int | None", server: object, bootstrap: object) -> int:
    """The bootstrap mode: the one asked for, or what the servers given say; `ParameterError` where they do not fit."""
    if mode is None:
        mode = BOOTSTRAP_CLIENT_INITIATED if server is None and bootstrap is not None else BOOTSTRAP_FACTORY
    if mode not in (BOOTSTRAP_FACTORY, BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_SEQUENCE):
        raise ParameterError("the bootstrap mode is %r: give one of BOOTSTRAP_*" % (mode,))
    if mode == BOOTSTRAP_FACTORY and server is None:
        raise ParameterError("no server: give server=, or bootstrap= for a bootstrap server that knows it")
    if mode == BOOTSTRAP_CLIENT_INITIATED and bootstrap is None:
        raise ParameterError("no bootstrap server: give bootstrap=")
    return mode


def add_accounts(
    model: Model,
    servers: "list[ServerAccount]",
    lifetime: int,
    binding: str,
    bootstrap: "str | None",
    bootstrap_psk: "tuple[str | bytes, bytes] | None",
    hold_off_s: int,
) -> bytes:
    """Give the model its Security and Server objects; returns the fingerprint of this configuration.

    The servers come first, in their order, then the bootstrap server (SDK). `ParameterError` where two servers have
    one short server id.
    """
    model.add(Security)
    model.add(Server)
    known: "list[int]" = []
    for account in servers:
        if account.short_server_id in known:
            raise ParameterError("the short server id %d is given twice" % account.short_server_id)
        known.append(account.short_server_id)
        model.add(Security(account.uri, account.short_server_id, account.identity, account.key))
        server = Server(account.short_server_id, account.lifetime or lifetime, account.binding or binding)
        server.notification_storing = account.notification_storing
        server.rights = account.rights
        model.add(server)
    if bootstrap is not None:
        identity, key = credentials(bootstrap, bootstrap_psk)
        security = Security(bootstrap, 0, identity, key, is_bootstrap=True, hold_off_s=hold_off_s)
        security.instance_id = max(1, len(servers))  # 0 is left to the first server (SDK)
        model.add(security)
    return _fnv1a(encode_accounts(model)).to_bytes(FINGERPRINT_SIZE, "big")


def _fnv1a(data: bytes) -> int:
    """FNV-1a in 64 bits: it tells configurations apart, guards nothing, and needs no hashlib, which costs 4 MB."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def as_accounts(server: "Any", psk: "Any") -> "list[ServerAccount]":
    """The servers as the client is given them: a URI with its psk, a `ServerAccount`, or several of these."""
    if server is None:
        if psk is not None:
            raise ParameterError("psk is for the server: give server=, or bootstrap_psk= for the bootstrap server")
        return []
    if type(server) is str:
        return [ServerAccount(server, psk=psk)]
    if psk is not None:
        raise ParameterError("each ServerAccount has its own psk: leave the client's out")
    accounts = list(server) if type(server) in (list, tuple) else [server]
    if not accounts:
        raise ParameterError("the list of servers is empty")
    for account in accounts:
        if not isinstance(account, ServerAccount):
            raise ParameterError("the server is %r: give coap://host:port, or ServerAccount(...)" % (account,))
    return accounts
