"""A message as one line of a log: what a capture would show, where DTLS hides it from the capture."""

from ..errors import CodecError
from .codes import EMPTY, LOCATION_PATH, URI_PATH, dotted
from .message import decode

_TYPES = ("CON", "NON", "ACK", "RST")
_METHODS = ("", "GET", "POST", "PUT", "DELETE")


def describe(datagram: bytes) -> str:
    """``"CON GET mid=4660 token=61626364 /3/0/0 14 B"``: type, code, message id, token, path, size of the datagram.

    The path is the Uri-Path of a request, the Location-Path of a response, "-" where there is none. The payload is
    not shown: it may be a secret.
    """
    try:
        message = decode(datagram)
    except CodecError as error:
        return "malformed (%s) %d B" % (error, len(datagram))
    if message.code == EMPTY:
        code = "empty"
    elif message.code < len(_METHODS):
        code = _METHODS[message.code]
    else:
        code = dotted(message.code)
    segments = message.all(URI_PATH) or message.all(LOCATION_PATH)
    path = "-"
    if segments:
        path = "".join(["/" + _printable(segment) for segment in segments])
    token = message.token.hex() or "-"
    return "%s %s mid=%d token=%s %s %d B" % (_TYPES[message.type], code, message.mid, token, path, len(datagram))


def _printable(segment: bytes) -> str:
    """A path segment with everything but printable ASCII as "?": a log line stays one line."""
    return "".join([chr(byte) if 32 < byte < 127 else "?" for byte in segment])
