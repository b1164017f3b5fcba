"""TLV, Content-Format 11542 (OMA LwM2M 1.0, section 6.4.3 and appendix C).

A TLV is a type byte, an id of 1 or 2 bytes, a length of 0 to 3 bytes, a value. The type byte:

====  ==========================================================================
bits  meaning
====  ==========================================================================
7, 6  00 Object Instance, 01 Resource Instance, 10 Multiple Resource, 11 Resource
5     the id has 0: 8, 1: 16 bits
4, 3  the length has 00: no field (it is in bits 2 to 0), 01: 8, 10: 16, 11: 24 bits
====  ==========================================================================

Object Instances hold Multiple Resources and Resources, Multiple Resources hold Resource Instances, and nothing nests
further: that is the bound on the depth of both directions.
"""

from struct import pack, unpack

from ...errors import CodecError
from ..types import BOOLEAN, FLOAT, INTEGER, NAMES, OBJLNK, OPAQUE, STRING, TIME
from .text import utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..types import Decoded, Entry, Path, TypeOf

    Item = tuple[int, int, bytes]

OBJECT_INSTANCE = 0x00
RESOURCE_INSTANCE = 0x40
MULTIPLE_RESOURCE = 0x80
RESOURCE = 0xC0

# struct's formats by length
_INTEGER = {1: ">b", 2: ">h", 4: ">i", 8: ">q"}
_FORMS: "dict[int | None, dict[int, str]]" = {
    INTEGER: _INTEGER,
    TIME: _INTEGER,
    FLOAT: {4: ">f", 8: ">d"},
    OBJLNK: {4: ">HH"},
}


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The TLVs of a Read of ``base``: with Object Instance TLVs around the resources where ``base`` is an object;
    a resource instance (four ids) is a Resource Instance TLV alone.

    Integers take the shortest of 1, 2, 4, 8 bytes; floats always 8: every peer must read both widths, the wide one
    loses nothing, and a width that follows the value would surprise who logs or compares payloads.
    Raises `CodecError` where a value is longer than 24 bits can say.
    """
    depth = len(base)
    return bytes(_encode(entries, depth if depth < 3 else depth - 1))


def _encode(entries: "list[Entry]", level: int) -> bytearray:
    """The TLVs of entries side by side. ``level``: which of the ids in their paths are the TLVs'."""
    single = RESOURCE if level == 2 else RESOURCE_INSTANCE
    holder = MULTIPLE_RESOURCE if level == 2 else OBJECT_INSTANCE
    depth = level + 1  # of a path whose last id is the TLV's
    out = bytearray()
    first = index = 0  # the entries between them are of one Multiple Resource, or Object Instance
    data: "bytes | bytearray"
    for path, kind, value in entries:
        index += 1
        ident = path[level]
        if len(path) > depth:
            if index < len(entries) and entries[index][0][level] == ident:
                continue
            head = holder
            data = _encode(entries[first:index], depth)
        elif type(value) is dict or level == 1:
            head = holder
            data = b""
        else:
            head = single
            data = _encode_value(kind, value)
        size = len(data)
        if size < 8:
            head |= size
        else:
            width = 1 if size < 0x100 else 2 if size < 0x10000 else 3
            if size > 0xFFFFFF:
                raise CodecError("%d bytes are too long for a TLV" % size)
            head |= width << 3
        if ident < 0x100:
            out.append(head)
        else:
            out.append(head | 0x20)
            out.append(ident >> 8)
        out.append(ident & 0xFF)
        if size > 7:
            out += size.to_bytes(width, "big")
        out += data
        first = index
    return out


def _encode_value(kind: int, value: "Any") -> bytes:
    if kind == STRING:
        return value.encode()
    if kind == INTEGER or kind == TIME:
        bits = value if value >= 0 else ~value
        if bits < 0x80:
            return pack(">b", value)
        return pack(">h" if bits < 0x8000 else ">i" if bits < 0x80000000 else ">q", value)
    if kind == FLOAT:
        return pack(">d", value)
    if kind == BOOLEAN:
        return b"\x01" if value else b"\x00"
    if kind == OPAQUE:
        return value
    if kind == OBJLNK:
        return pack(">HH", value[0], value[1])
    raise CodecError("no TLV for a value of type %s" % NAMES[kind])


def decode(base: "Path", payload: bytes, type_of: "TypeOf") -> "list[Decoded]":
    """The values of a payload that was written to ``base``.

    On an object: Object Instance TLVs (an empty one gives ``((o, i), None)``), or resources of an instance without
    id, whose paths are then (o, None, r). On an instance: its resources, with or without its own Object Instance TLV.
    On a resource: its TLV, or the Resource Instance TLVs of a multiple one alone. An empty Multiple Resource gives
    ``((o, i, r), {})``. Raises `CodecError`: not well-formed, of the wrong type, of another id than ``base``'s,
    or the same id twice in one container.
    """
    items = _items(payload)
    out: "list[Decoded]" = []
    depth = len(base)
    if depth > 2:
        _decode_resource(base, items, type_of, out)
    elif not items or items[0][0] != OBJECT_INSTANCE:
        _decode(base if depth == 2 else base + (None,), items, type_of, out)
    else:
        for kind, ident, data in items:
            if kind != OBJECT_INSTANCE:
                raise CodecError("resources beside object instances")
            if depth == 2 and ident != base[1]:
                raise CodecError("instance %d in a payload for instance %d" % (ident, base[1]))
            path = (base[0], ident)
            if data:
                _decode(path, _items(data), type_of, out)
            elif depth == 1:
                out.append((path, None))
    return out


def _items(data: bytes) -> "list[Item]":
    """The TLVs that ``data`` is made of, side by side: (kind, id, value)."""
    items: "list[Item]" = []
    known = set()
    pos = 0
    end = len(data)
    while pos < end:
        head = data[pos]
        body = pos + 2 + (head >> 5 & 1)
        width = head >> 3 & 3
        start = body + width
        stop = start + (int.from_bytes(data[body:start], "big") if width else head & 7)
        if stop > end:
            raise CodecError("a TLV is cut short")
        ident = data[body - 1]
        if head & 0x20:
            ident |= data[pos + 1] << 8
        if ident in known:
            raise CodecError("an id twice in one container")
        known.add(ident)
        items.append((head & 0xC0, ident, data[start:stop]))
        pos = stop
    return items


def _decode(path: tuple, items: "list[Item]", type_of: "TypeOf", out: "list[Decoded]") -> None:
    """Add the values of the TLVs in an object instance, or in a multiple resource."""
    inner = RESOURCE if len(path) == 2 else RESOURCE_INSTANCE
    for kind, ident, data in items:
        here = path + (ident,)
        if kind == inner:
            out.append((here, _decode_value(type_of(here[0], here[2]), data)))
        elif kind != MULTIPLE_RESOURCE or inner != RESOURCE:
            raise CodecError("not a resource, or not a resource instance, where one should be")
        elif data:
            _decode(here, _items(data), type_of, out)
        else:
            out.append((here, {}))


def _decode_resource(base: "Path", items: "list[Item]", type_of: "TypeOf", out: "list[Decoded]") -> None:
    """A payload for a resource, or for a resource instance (four ids)."""
    if not items:
        raise CodecError("no TLV for the resource")
    if items[0][0] == RESOURCE_INSTANCE:
        _decode(base[:3], items, type_of, out)
    elif len(items) == 1 and items[0][1] == base[2]:
        _decode(base[:2], items, type_of, out)
    else:
        raise CodecError("not the TLV of resource %d" % base[2])
    if len(base) == 4 and (len(out) != 1 or out[0][0] != base):
        raise CodecError("not the TLV of resource instance %d" % base[3])


def _decode_value(kind: "int | None", data: bytes) -> "Any":
    if kind == STRING:
        return utf8(data)
    if kind == BOOLEAN:
        if data != b"\x01" and data != b"\x00":
            raise CodecError("a boolean is one byte, 0 or 1")
        return data == b"\x01"
    forms = _FORMS.get(kind)
    if forms is None:
        return data  # OPAQUE, and what has no type
    form = forms.get(len(data))
    if form is None:
        raise CodecError("no value of its type has %d bytes" % len(data))
    value = unpack(form, data)
    return value if kind == OBJLNK else value[0]
