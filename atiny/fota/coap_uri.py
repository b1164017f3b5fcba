"""A coap or coaps URI as options of a request (RFC 7252, section 6.4)."""

from ..coap.codes import URI_HOST, URI_PATH, URI_QUERY
from ..errors import ParameterError
from ..lwm2m.uri import parse_server

_HEX = "0123456789abcdef"
LONGEST = 255  # bytes of one segment, one query, the host


class CoapUri:
    """``scheme``; ``host`` and ``port`` to connect to; ``options``: of a request for it.

    Raises `ParameterError` for what is no coap or coaps URI.
    """

    def __init__(self, uri: str):
        scheme, separator, rest = uri.partition("://")
        end = len(rest)
        for char in "/?#":
            found = rest.find(char)
            if 0 <= found < end:
                end = found
        authority, rest = rest[:end], rest[end:]
        if not separator or "@" in authority or "#" in rest:
            raise ParameterError("%r is not a URI such as coap://host/path" % (uri,))
        brackets = authority.startswith("[")
        self.scheme, host, self.port = parse_server(scheme.lower() + "://" + authority)
        name = _decoded(host.lower(), uri)
        self.host = str(name, "utf-8") if not brackets else host
        self.options: "list[tuple[int, bytes]]" = []
        if not brackets and not _is_address(self.host):
            self.options.append((URI_HOST, name))
        path, _, query = rest.partition("?")
        if path not in ("", "/"):
            for segment in path[1:].split("/"):
                self.options.append((URI_PATH, _decoded(segment, uri)))
        if "?" in rest:
            for part in query.split("&"):
                self.options.append((URI_QUERY, _decoded(part, uri)))

    @property
    def server(self) -> str:
        """The URI of its server."""
        return "%s://%s:%d" % (self.scheme, "[%s]" % self.host if ":" in self.host else self.host, self.port)


def _is_address(host: str) -> bool:
    """Whether it is an IPv4 address."""
    parts = host.split(".")
    for part in parts:
        if not part or len(part) > 3:
            return False
        for char in part:
            if not "0" <= char <= "9":
                return False
    return len(parts) == 4


def _decoded(text: str, uri: str) -> bytes:
    """The bytes of a percent-encoded part."""
    out = bytearray()
    first = True
    for piece in text.split("%"):
        if not first:
            high, low = _HEX.find(piece[:1].lower()), _HEX.find(piece[1:2].lower())
            if len(piece) < 2 or high < 0 or low < 0:
                raise ParameterError("%r has a %% without two hexadecimal digits" % (uri,))
            out.append(high << 4 | low)
            piece = piece[2:]
        first = False
        out += piece.encode()
    if len(out) > LONGEST:
        raise ParameterError("a part of %r is longer than %d bytes" % (uri, LONGEST))
    try:
        str(out, "utf-8")
    except UnicodeError:
        raise ParameterError("a part of %r is not UTF-8" % (uri,)) from None
    return bytes(out)
