"""The servers that the host itself names (LwM2M 1.0, 5.2.3.1, factory bootstrap): checked, and put into the model."""

from ..errors import ParameterError
from ..lwm2m.model import Model
from ..lwm2m.objects.security import Security
from ..lwm2m.objects.server import BINDINGS, Server
from ..lwm2m.path import parse_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .several import ServerAccount

    Psk = tuple[str | bytes, bytes]  # identity and key

SHORT_SERVER_ID = 123  # of the IoT server, as in the SDK


def configure(
    model: Model,
    server: "str | ServerAccount | list[ServerAccount] | None",
    psk: "Psk | None",
    lifetime: int,
    binding: str,
    bootstrap: "str | None" = None,
    bootstrap_psk: "Psk | None" = None,
    bootstrap_mode: "int | None" = None,
    hold_off_s: int = 0,
) -> "int | None":
    """Give the model its Security and Server objects; returns the bootstrap mode, None: no bootstrap is wanted.

    The arguments are those of `Client`, where ``bootstrap_mode`` None is left to what the servers given say.
    `ParameterError` where they do not fit.
    """
    if binding not in BINDINGS:
        raise ParameterError("the binding is %r: give one of %s" % (binding, ", ".join(BINDINGS)))
    model.add(Security)
    model.add(Server)
    if server is None or bootstrap is not None or bootstrap_psk is not None or bootstrap_mode:
        from .bootstrapped import add_bootstrapped

        return add_bootstrapped(
            model, server, psk, lifetime, binding, bootstrap, bootstrap_psk, bootstrap_mode, hold_off_s
        )
    add_servers(model, server, psk, lifetime, binding)
    return None


def add_servers(model: Model, server: "Any", psk: "Psk | None", lifetime: int, binding: str) -> None:
    """Add the accounts of the LwM2M servers: a URI with its psk, a `ServerAccount`, or several of these."""
    if type(server) is str:
        add_account(model, server, SHORT_SERVER_ID, credentials(server, psk), lifetime, binding)
    else:
        from .several import add_several

        add_several(model, server, psk, lifetime, binding)


def add_account(
    model: Model, uri: str, short_server_id: int, psk: "tuple[bytes, bytes]", lifetime: int, binding: str
) -> Server:
    """Add one account, its ``psk`` as `credentials` gave it; returns the Server instance."""
    model.add(Security(uri, short_server_id, psk[0], psk[1]))
    server = Server(short_server_id, lifetime, binding)
    model.add(server)
    return server


def credentials(uri: str, psk: "Any") -> "tuple[bytes, bytes]":
    """(identity, key) for a server, both empty where there is no PSK; `ParameterError` where it does not fit."""
    if (parse_server(uri)[0] == "coaps") != (psk is not None):
        raise ParameterError("coaps:// and psk=(identity, key) go together: give both, or coap:// without a psk")
    if psk is None:
        return b"", b""
    if type(psk) not in (tuple, list) or len(psk) != 2:
        raise ParameterError("psk is a pair: (identity, key)")
    from ..dtls.psk import check_psk

    return check_psk(psk[0], psk[1])


def check_positive(name: str, value: object) -> None:
    """`ParameterError` unless the value is a positive whole number."""
    if type(value) is not int or value <= 0:
        raise ParameterError("%s is %r: give a positive whole number" % (name, value))
