"""A server's URI, as in the Security object (LwM2M 1.0, E.1) and as hosts give it."""

from ..errors import ParameterError


def parse_server(server: str) -> "tuple[str, str, int]":
    """(scheme, host, port) of "coap://host[:port]" or "coaps://..."; an IPv6 address stands in brackets."""
    scheme, separator, rest = str(server).partition("://")
    if not separator or scheme not in ("coap", "coaps"):
        raise ParameterError("the server is %r: give it as coap://host:port" % (server,))
    host, port = rest.rstrip("/"), ""
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ParameterError("the server is %r: an IPv6 address is given as coap://[::1]:5683" % (server,))
        port = port[1:]
    elif host.count(":") == 1:
        host, separator, port = host.partition(":")
        if not port:
            raise ParameterError("the server is %r: the port after the colon is missing" % (server,))
    elif host.count(":") > 1:
        raise ParameterError("the server is %r: an IPv6 address is given as coap://[::1]:5683" % (server,))
    if not host or "/" in host or (port and not _is_number(port)):
        raise ParameterError("the server is %r: give it as coap://host:port" % (server,))
    number = int(port) if port else (5684 if scheme == "coaps" else 5683)
    if not 0 < number < 65536:
        raise ParameterError("the port %d is not one from 1 to 65535" % number)
    return scheme, host, number


def _is_number(text: str) -> bool:
    for char in text:
        if not "0" <= char <= "9":  # str.isdigit takes more than int does
            return False
    return True
