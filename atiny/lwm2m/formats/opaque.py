"""Opaque, Content-Format 42: the bytes of one resource of type OPAQUE as they are (OMA LwM2M 1.0, section 6.4.2)."""

from ...errors import CodecError
from ..types import NAMES, OPAQUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..types import Decoded, Entry, Path, TypeOf


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The bytes of the one resource (or resource instance) that ``base`` names; anything else is a `CodecError`."""
    if len(entries) == 1:
        path, _, value = entries[0]
        if path == base and type(value) is bytes:
            return value
    raise CodecError("opaque carries the value of a single resource of type OPAQUE")


def decode(base: "Path", payload: bytes, type_of: "TypeOf") -> "list[Decoded]":
    """``[(base, payload)]``; `CodecError` where the resource is known to be of another type."""
    if len(base) < 3:
        raise CodecError("opaque carries the value of a single resource")
    kind = type_of(base[0], base[2])
    if kind is not None and kind != OPAQUE:
        raise CodecError("opaque cannot carry a value of type %s" % NAMES[kind])
    return [(base, payload)]
