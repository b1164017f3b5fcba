"""Paths and servers' URIs, as they are written: "/3/0/9" and "coap://host:5683".

A path is (object id,), (object id, instance id), ..., a tuple of 1 to 4 ints, each 0 to 65535 (LwM2M 1.0, 6.1).
"""

from ..errors import ParameterError

MAX_ID = 65535


def is_id(value: object) -> bool:
    """Whether a value of the host is the id of an object, an instance, a resource."""
    return type(value) is int and 0 <= value <= MAX_ID


def parse(path: "str | tuple") -> "tuple":
    """The tuple for "/3/0/9" (a tuple is checked and returned); `ParameterError` where it is not a path."""
    ids = path
    if isinstance(path, str):
        try:
            ids = tuple([segment(part) for part in path.strip("/").encode().split(b"/")])
        except UnicodeError:  # half of a surrogate pair
            pass
    if type(ids) is tuple and 1 <= len(ids) <= 4:
        for id in ids:
            if not is_id(id):
                break
        else:
            return ids
    raise ParameterError(
        "%r is not a path: give a str with 1 to 4 ids from 0 to 65535, like /3303/0/5700, or a tuple of them" % (path,)
    )


def segment(value: bytes) -> "int | None":
    """The id that a Uri-Path segment names, or None where it is not one: ids have no sign and no leading zero."""
    if len(value) == 1:  # nearly all are
        id = value[0] - 48
        return id if 0 <= id <= 9 else None
    if not value.isdigit() or len(value) > 5 or value[0] == 48:
        return None
    id = int(value)
    return id if id <= MAX_ID else None


def render(path: "tuple") -> str:
    """The way a path is written: ``render((3, 0, 9)) == "/3/0/9"``."""
    return "/" + "/".join([str(id) for id in path])


def overlaps(one: "tuple", other: "tuple") -> bool:
    """Whether one of the paths lies within the other: a change of /3/0/9 concerns who observes /3, and the reverse."""
    return one[: len(other)] == other[: len(one)]


def parse_server(server: str) -> "tuple[str, str, int]":
    """(scheme, host, port) of "coap://host[:port]" or "coaps://...", as the Security object has it (LwM2M 1.0, E.1).

    An IPv6 address stands in brackets. `ParameterError` where it is anything else.
    """
    scheme, _, rest = str(server).partition("://")
    rest = rest.rstrip("/")
    if rest[:1] == "[":
        host, end, port = rest[1:].partition("]")
        complete = end == "]" and port[:1] in ("", ":")
        port = port[1:]
    else:
        host, end, port = rest.partition(":")
        complete = port != "" or end == ""
    # Not str.isdigit: it takes more than int does.
    if (
        scheme not in ("coap", "coaps")
        or not host
        or "/" in host
        or not complete
        or (port and not "0" <= min(port) <= max(port) <= "9")
    ):
        raise ParameterError(
            "the server is %r: give it as coap://host:port, or coap://host without the port after the colon; "
            "an IPv6 address is given as coap://[::1]:5683" % (server,)
        )
    number = int(port) if port else 5684 if scheme == "coaps" else 5683
    if not 0 < number <= MAX_ID:
        raise ParameterError("the port %d is not one from 1 to 65535" % number)
    return scheme, host, number
