"""LwM2M JSON, Content-Format 11543 (OMA LwM2M 1.0, section 6.4.4)::

    {"bn":"/3/0/","e":[{"n":"9","v":100},{"n":"6/0","v":1},{"n":"6/1","v":5}]}

The path of a value is ``bn`` and ``n``, one string behind the other: nothing is added between them, and without ``bn``
the name is the whole path. The value is one member, by the resource's type:

==============  ====================================================================
member          type
==============  ====================================================================
``v``           INTEGER, FLOAT, TIME; an integer is exact in all its 64 bits
``bv``          BOOLEAN
``sv``          STRING; OPAQUE in base64; an OBJLNK is taken from there too
``ov``          OBJLNK, "10:03"
==============  ====================================================================

Times (``bt``, ``t``) belong to the history that a notification may carry. They are not written here; in what a server
writes they must be numbers and say nothing more: a Write sets what holds now, and a path twice is an error whatever
its times are. Members that the specification does not have are ignored.

The format has no words for an instance without resources and for a multiple resource without instances, unless
that is all there is: they are left out.
"""

from binascii import b2a_base64

from ...errors import CodecError
from ..path import render, segment
from ..types import BOOLEAN, FLOAT, INTEGER, NAMES, NONE, OBJLNK, OPAQUE, STRING, TIME
from .json_syntax import parse, quote
from .text import read_base64, read_float, read_integer, read_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..types import Decoded, Entry, Path, TypeOf

_MEMBERS = ("v", "bv", "sv", "ov")
_NO_LINK = "FFFF:FFFF"  # how the specification's own example writes the link to nothing, 65535:65535


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The document of a Read of ``base``, which is its base name.

    Raises `CodecError` for NaN and infinities, which JSON cannot carry.
    """
    depth = len(base)
    rows = []
    deeper = False
    for path, kind, value in entries:
        if len(path) < 3 or type(value) is dict:
            continue
        name = ""
        if len(path) > depth:
            deeper = True
            name = '"n":"%s",' % "/".join([str(id) for id in path[depth:]])
        rows.append("{%s%s}" % (name, _member(kind, value)))
    return ('{"bn":"%s%s","e":[%s]}' % (render(base), "/" if deeper else "", ",".join(rows))).encode()


def _member(kind: int, value: "Any") -> str:
    if kind == STRING:
        return '"sv":' + quote(value)
    if kind == INTEGER or kind == TIME:
        return '"v":%d' % value
    if kind == FLOAT:
        if value - value != 0:
            raise CodecError("JSON cannot carry %r" % value)
        return '"v":%r' % value
    if kind == BOOLEAN:
        return '"bv":true' if value else '"bv":false'
    if kind == OPAQUE:
        return '"sv":"%s"' % b2a_base64(value)[:-1].decode()
    if kind == OBJLNK:
        return '"ov":"%d:%d"' % value
    raise CodecError("no JSON for a value of type %s" % NAMES[kind])


def decode(base: "Path", payload: bytes, type_of: "TypeOf") -> "list[Decoded]":
    """The values of a payload that was written to ``base``, in ascending order of their paths.

    The value of a resource without a type is the bytes of its string, or of its JSON. A multiple resource without
    entries gives ``(base, {})``. Raises `CodecError`: not JSON, not of this form, of the wrong type, of a path that is
    not at or below ``base``, or of one path twice.
    """
    document = parse(payload)
    if type(document) is not dict:
        raise CodecError("not an object")
    base_name = document.get("bn", "")
    entries = document.get("e")
    if type(base_name) is not str or type(entries) is not list or type(document.get("bt", b"")) is not bytes:
        raise CodecError("bn is a string, e an array, bt a number")
    depth = len(base)
    if not entries:
        return _decode_nothing(base, base_name)
    out: "list[Decoded]" = []
    previous: "Path" = ()
    ascending = True  # as nearly every payload is
    for entry in entries:
        if type(entry) is not dict:
            raise CodecError("an entry is an object")
        name = entry.get("n", "")
        if type(name) is not str or type(entry.get("t", b"")) is not bytes:
            raise CodecError("n is a string, t a number")
        path = _path(base_name + name)
        if len(path) < 3 or path[:depth] != base:
            raise CodecError("%s in a payload for %s" % (render(path), render(base)))
        out.append((path, _decode_entry(type_of(path[0], path[2]), entry)))
        if path < previous:
            ascending = False
        previous = path
    if not ascending:
        out.sort(key=_by_path)
    previous = ()
    for path, _ in out:
        if path[:3] == previous[:3] and (len(path) != len(previous) or path == previous):
            raise CodecError("%s twice" % render(path[:3]))
        previous = path
    return out


def _by_path(row: "Decoded") -> tuple:
    return row[0]


def _decode_nothing(base: "Path", base_name: str) -> "list[Decoded]":
    """What no entry at all says of ``base``."""
    if base_name[-1:] == "/":
        base_name = base_name[:-1]
    if base_name:
        above = _path(base_name)
        if base[: len(above)] != above:
            raise CodecError("%s in a payload for %s" % (render(above), render(base)))
    if len(base) == 4:
        raise CodecError("no value")
    return [(base, {})] if len(base) == 3 else []


def _path(text: str) -> "Path":
    """The path that a name says: one to four ids, with or without the slash before the first."""
    ids: "list[int]" = []
    for part in (text[1:] if text[:1] == "/" else text).split("/", 4):
        id = segment(part.encode())
        if id is None or len(ids) == 4:
            raise CodecError("a name that is not a path")
        ids.append(id)
    return tuple(ids)


def _decode_entry(kind: "int | None", entry: "dict[str, Any]") -> "Any":
    given = [name for name in _MEMBERS if name in entry]
    if len(given) != 1:
        raise CodecError("an entry has one value: v, bv, sv or ov")
    member = given[0]
    value = entry[member]
    if member == "v":
        fits = type(value) is bytes
    elif member == "bv":
        fits = type(value) is bool
    else:
        fits = type(value) is str
    if not fits:
        raise CodecError("v is a number, bv true or false, sv and ov are strings")
    if kind is None or kind == NONE:
        if member == "bv":
            return b"true" if value else b"false"
        return value if member == "v" else value.encode()
    if member == "v":
        if kind == INTEGER or kind == TIME:
            return _whole(value)
        if kind == FLOAT:
            return read_float(value)
    elif member == "bv":
        if kind == BOOLEAN:
            return value
    elif kind == OBJLNK:
        return (65535, 65535) if value == _NO_LINK else read_link(value.encode())
    elif member == "sv":
        if kind == STRING:
            return value
        if kind == OPAQUE:
            return read_base64(value.encode())
    raise CodecError("%s is no member for a value of type %s" % (member, NAMES[kind]))


def _whole(number: bytes) -> int:
    """The integer that a JSON number is; peers write 1367491215 as 1.367491215E9 too. `CodecError` if it is none."""
    mantissa, mark, exponent = number.lower().partition(b"e")
    whole, point, fraction = mantissa.partition(b".")
    if not mark and not point:
        return read_integer(number)
    sign = whole[:1] if whole[:1] == b"-" else b""
    digits = (whole[len(sign) :] + fraction).lstrip(b"0")
    significant = digits.rstrip(b"0")
    if not significant:
        return 0
    power = exponent.lstrip(b"+-").lstrip(b"0") or b"0"
    if len(significant) > 19 or len(power) > 6:
        raise CodecError("not an integer of 64 bits")
    shift = -int(power) if exponent[:1] == b"-" else int(power)
    shift += len(digits) - len(significant) - len(fraction)
    if not 0 <= shift < 19:
        raise CodecError("not an integer of 64 bits")
    return read_integer(sign + significant + b"0" * shift)
