"""The payload formats: from a CoAP Content-Format to what writes and reads it.

A codec is a pair of functions::

    encode(base, entries) -> bytes
    decode(base, payload, type_of) -> [(path, value), ...]

``base`` is the path of the request, a tuple of 1 to 4 ids. ``entries`` is a list of (path, type, value), grouped by
instance and by resource: a full path each, (object, instance, resource) or (.., resource instance) for a value of a
multiple resource; ``((o, i, r), type, {})`` is a multiple resource without instances and ``((o, i), 0, None)`` an
instance without resources. Values are as `lwm2m.types.check` returns them. ``type_of(object, resource)`` is the
type, or None for an unknown resource: its value then stays bytes, and what becomes of it is the caller's decision.

What cannot be said in a format, and what is not well-formed in it, is a `CodecError`; no other exception leaves a
decoder, whatever the bytes. The link format (40) describes paths and carries no values: see `formats.link`.
"""

from . import opaque, text, tlv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Codec = tuple[Callable[..., bytes], Callable[..., Any]]

# Content-Formats: RFC 7252 section 12.3, OMA LwM2M 1.0 section 6.4; the legacy ids are of the time before IANA's.
TEXT = 0
LINK = 40
OPAQUE = 42
TLV = 11542
TLV_LEGACY = 1542
JSON = 11543
JSON_LEGACY = 1543

_TLV = (tlv.encode, tlv.decode)
_CODECS = {TEXT: (text.encode, text.decode), OPAQUE: (opaque.encode, opaque.decode), TLV: _TLV, TLV_LEGACY: _TLV}


def codec(content_format: int) -> "Codec | None":
    """The codec of ``content_format``; None: not supported (4.15 for a payload, 4.06 for an Accept)."""
    found = _CODECS.get(content_format)
    if found is None and (content_format == JSON or content_format == JSON_LEGACY):
        try:
            from .json import decode, encode  # loaded when it is asked for: on a board it takes 10 kB

            found = (encode, decode)
        except ImportError:  # a slim build without it
            pass
    return found
