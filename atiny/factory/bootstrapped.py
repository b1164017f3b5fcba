"""The bootstrap server that the host names, and the mode in which the device turns to it (SDK)."""

from ..errors import ParameterError
from ..lwm2m.model import Model
from ..lwm2m.objects.security import Security
from ..params import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE
from . import add_servers, credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def add_bootstrapped(
    model: Model,
    server: "Any",
    psk: "Any",
    lifetime: int,
    binding: str,
    bootstrap: "str | None",
    bootstrap_psk: "Any",
    mode: "int | None",
    hold_off_s: int,
) -> int:
    """Add the servers' accounts, then the bootstrap server's. The arguments are `configure`'s.

    Returns the mode: the one asked for, or what the servers given say.
    """
    if mode is None:
        mode = BOOTSTRAP_CLIENT_INITIATED if server is None and bootstrap is not None else BOOTSTRAP_FACTORY
    if mode not in (BOOTSTRAP_FACTORY, BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_SEQUENCE):
        raise ParameterError("the bootstrap mode is %r: give one of BOOTSTRAP_*" % (mode,))
    if type(hold_off_s) is not int or hold_off_s < 0:
        raise ParameterError("hold_off is %r: give a number of seconds" % (hold_off_s,))
    if server is not None:
        # SDK: where the device asks first, servers of the host do not count; but they are checked.
        add_servers(Model() if mode == BOOTSTRAP_CLIENT_INITIATED else model, server, psk, lifetime, binding)
    elif mode == BOOTSTRAP_FACTORY:
        raise ParameterError("no server: give server=, or bootstrap= for a bootstrap server that knows it")
    elif psk is not None:
        raise ParameterError("psk is for the server: give server=, or bootstrap_psk= for the bootstrap server")
    if bootstrap is not None:
        identity, key = credentials(bootstrap, bootstrap_psk)
        security = Security(bootstrap, 0, identity, key, True, hold_off_s)
        security.instance_id = max(1, len(model.objects[Security.object_id].ids))  # 0 is left to the first server (SDK)
        model.add(security)
    elif mode == BOOTSTRAP_CLIENT_INITIATED:
        raise ParameterError("no bootstrap server: give bootstrap=")
    elif bootstrap_psk is not None:
        raise ParameterError("bootstrap_psk is for the bootstrap server: give bootstrap=")
    return mode
