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
further: the three functions of the decoder are the bound on its depth.
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

_INTEGER = (None, ">b", ">h", None, ">i", None, None, None, ">q")  # by length


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The TLVs of a Read of ``base``: with Object Instance TLVs around the resources where ``base`` is an object;
    a resource instance (four ids) is a Resource Instance TLV alone.

    Integers take the shortest of 1, 2, 4, 8 bytes; floats always 8: every peer must read both widths, the wide one
    loses nothing, and a width that follows the value would surprise who logs or compares payloads.
    Raises `CodecError` where a value is longer than 24 bits can say.
    """
    if 1 < len(base) < 4:
        return bytes(_encode_resources(entries))
    out = bytearray()
    if len(base) == 4:
        for path, kind, value in entries:
            _append(out, RESOURCE_INSTANCE, path[3], _encode_value(kind, value))
        return bytes(out)
    count = len(entries)
    first = 0
    while first < count:
        iid = entries[first][0][1]
        last = first + 1
        while last < count and entries[last][0][1] == iid:
            last += 1
        _append(out, OBJECT_INSTANCE, iid, _encode_resources(entries[first:last]))
        first = last
    return bytes(out)


def _encode_resources(entries: "list[Entry]") -> bytearray:
    out = bytearray()
    multiple = -1  # id of the Multiple Resource that is being collected in `inner`
    inner = bytearray()
    for path, kind, value in entries:
        depth = len(path)
        if depth == 4:
            rid = path[2]
            if rid != multiple:
                if multiple >= 0:
                    _append(out, MULTIPLE_RESOURCE, multiple, inner)
                multiple = rid
                inner = bytearray()
            _append(inner, RESOURCE_INSTANCE, path[3], _encode_value(kind, value))
            continue
        if multiple >= 0:
            _append(out, MULTIPLE_RESOURCE, multiple, inner)
            multiple = -1
        if depth == 3:
            if type(value) is dict:
                _append(out, MULTIPLE_RESOURCE, path[2], b"")
            else:
                _append(out, RESOURCE, path[2], _encode_value(kind, value))
    if multiple >= 0:
        _append(out, MULTIPLE_RESOURCE, multiple, inner)
    return out


def _append(out: bytearray, kind: int, ident: int, data: "bytes | bytearray") -> None:
    size = len(data)
    if ident > 0xFF:
        kind |= 0x20
    if size < 8:
        out.append(kind | size)
    elif size < 0x100:
        out.append(kind | 0x08)
    elif size < 0x10000:
        out.append(kind | 0x10)
    elif size < 0x1000000:
        out.append(kind | 0x18)
    else:
        raise CodecError("%d bytes are too long for a TLV" % size)
    if ident > 0xFF:
        out.append(ident >> 8)
    out.append(ident & 0xFF)
    if size >= 8:
        if size >= 0x100:
            if size >= 0x10000:
                out.append(size >> 16)
            out.append(size >> 8 & 0xFF)
        out.append(size & 0xFF)
    out += data


def _encode_value(kind: int, value: "Any") -> bytes:
    if kind == STRING:
        return value.encode()
    if kind == INTEGER or kind == TIME:
        if -0x80 <= value < 0x80:
            return pack(">b", value)
        if -0x8000 <= value < 0x8000:
            return pack(">h", value)
        if -0x80000000 <= value < 0x80000000:
            return pack(">i", value)
        return pack(">q", value)
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
        return out
    oid = base[0]
    iid = base[1] if depth == 2 else None
    if not items or items[0][0] != OBJECT_INSTANCE:
        _decode_resources(oid, iid, items, type_of, out)
        return out
    for kind, ident, data in items:
        if kind != OBJECT_INSTANCE:
            raise CodecError("resources beside object instances")
        if iid is not None and ident != iid:
            raise CodecError("instance %d in a payload for instance %d" % (ident, iid))
        inner = _items(data)
        if inner:
            _decode_resources(oid, ident, inner, type_of, out)
        elif iid is None:
            out.append(((oid, ident), None))
    return out


def _items(data: bytes) -> "list[Item]":
    """The TLVs that ``data`` is made of, side by side: (kind, id, value)."""
    items: "list[Item]" = []
    previous = -1
    ascending = True  # as nearly every payload is; only the others pay for the search for duplicates
    pos = 0
    end = len(data)
    try:
        while pos < end:
            head = data[pos]
            ident = data[pos + 1]
            pos += 2
            if head & 0x20:
                ident = ident << 8 | data[pos]
                pos += 1
            width = head & 0x18
            if width:
                size = data[pos]
                pos += 1
                if width > 0x08:
                    size = size << 8 | data[pos]
                    pos += 1
                    if width > 0x10:
                        size = size << 8 | data[pos]
                        pos += 1
            else:
                size = head & 7
            stop = pos + size
            if stop > end:
                raise CodecError("a TLV of %d bytes where %d are left" % (size, end - pos))
            if ident <= previous:
                ascending = False
            previous = ident
            items.append((head & 0xC0, ident, data[pos:stop]))
            pos = stop
    except IndexError:
        raise CodecError("the head of a TLV is cut short") from None
    if not ascending and len({item[1] for item in items}) != len(items):
        raise CodecError("an id twice in one container")
    return items


def _decode_resources(
    oid: int, iid: "int | None", items: "list[Item]", type_of: "TypeOf", out: "list[Decoded]"
) -> None:
    for kind, rid, data in items:
        if kind == RESOURCE:
            out.append(((oid, iid, rid), _decode_value(type_of(oid, rid), data)))
        elif kind == MULTIPLE_RESOURCE:
            if data:
                _decode_instances(oid, iid, rid, _items(data), type_of, out)
            else:
                out.append(((oid, iid, rid), {}))
        else:
            raise CodecError("not a resource where one should be")


def _decode_instances(
    oid: int, iid: "int | None", rid: int, items: "list[Item]", type_of: "TypeOf", out: "list[Decoded]"
) -> None:
    value_type = type_of(oid, rid)
    for kind, riid, data in items:
        if kind != RESOURCE_INSTANCE:
            raise CodecError("not a resource instance where one should be")
        out.append(((oid, iid, rid, riid), _decode_value(value_type, data)))


def _decode_resource(base: "Path", items: "list[Item]", type_of: "TypeOf", out: "list[Decoded]") -> None:
    """A payload for a resource, or for a resource instance (four ids)."""
    if not items:
        raise CodecError("no TLV for the resource")
    oid, iid, rid = base[:3]
    if items[0][0] == RESOURCE_INSTANCE:
        _decode_instances(oid, iid, rid, items, type_of, out)
    elif len(items) == 1 and items[0][1] == rid:
        _decode_resources(oid, iid, items, type_of, out)
    else:
        raise CodecError("not the TLV of resource %d" % rid)
    if len(base) == 4 and (len(out) != 1 or out[0][0] != base):
        raise CodecError("not the TLV of resource instance %d" % base[3])


def _decode_value(kind: "int | None", data: bytes) -> "Any":
    if kind == STRING:
        return utf8(data)
    if kind == INTEGER or kind == TIME:
        size = len(data)
        if size == 1:
            return data[0] - (data[0] << 1 & 0x100)
        form = _INTEGER[size] if size < 9 else None
        if form is None:
            raise CodecError("an integer of %d bytes" % size)
        return unpack(form, data)[0]
    if kind == FLOAT:
        if len(data) == 8:
            return unpack(">d", data)[0]
        if len(data) == 4:
            return unpack(">f", data)[0]
        raise CodecError("a float of %d bytes" % len(data))
    if kind == BOOLEAN:
        if data == b"\x01":
            return True
        if data == b"\x00":
            return False
        raise CodecError("a boolean is one byte, 0 or 1")
    if kind == OBJLNK:
        if len(data) != 4:
            raise CodecError("an object link of %d bytes" % len(data))
        return unpack(">HH", data)
    return data  # OPAQUE, and what has no type
