"""A coap or coaps URI as options of a request (RFC 7252, section 6.4)."""

from binascii import unhexlify

from ..coap.codes import URI_HOST, URI_PATH, URI_QUERY
from ..errors import ParameterError
from ..lwm2m.path import parse_server

LONGEST = 255  # bytes of one segment, one query, the host


def decompose(uri: str) -> "tuple[str, list[tuple[int, bytes]]]":
    """(the URI of its server, the options of a request for it); `ParameterError` for what is no coap or coaps URI."""
    before, question, query = uri.partition("?")
    scheme, _, rest = before.partition("://")
    authority, _, path = rest.partition("/")
    if "@" in authority or "#" in uri:
        raise ParameterError("%r is not a URI such as coap://host/path" % (uri,))
    scheme, host, port = parse_server(scheme.lower() + "://" + authority)
    options = []
    if authority.startswith("["):
        host = "[%s]" % host
    else:
        name = _decoded(host.lower(), uri)
        host = str(name, "utf-8")
        digits = host.replace(".", "")
        if host.count(".") != 3 or not digits or not "0" <= min(digits) <= max(digits) <= "9":  # no address: it is told
            options.append((URI_HOST, name))
    for number, parts in ((URI_PATH, path and path.split("/")), (URI_QUERY, question and query.split("&"))):
        for part in parts:
            options.append((number, _decoded(part, uri)))
    return "%s://%s:%d" % (scheme, host, port), options


def _decoded(text: str, uri: str) -> bytes:
    """The bytes of a percent-encoded part."""
    pieces = text.split("%")
    try:
        out = pieces.pop(0).encode()
        for piece in pieces:
            out += unhexlify(piece[:2] or "?") + piece[2:].encode()  # two digits, no fewer
        str(out, "utf-8")
        if len(out) <= LONGEST:
            return out
    except ValueError:
        pass
    raise ParameterError(
        "a part of %r is longer than %d bytes, is no UTF-8, or has a %% without two hexadecimal digits" % (uri, LONGEST)
    )
