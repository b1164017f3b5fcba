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

from ...errors import CodecError
from ..path import render, segment
from ..types import BOOLEAN, FLOAT, INTEGER, NAMES, OBJLNK, OPAQUE, STRING, TIME
from . import text
from .json_syntax import parse, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..types import Decoded, Entry, Path, TypeOf

# By member: what `json_syntax.parse` gives for its value, and the types of resources that may have it.
_MEMBERS: "dict[str, tuple[Any, tuple[int, ...]]]" = {
    "v": (bytes, (INTEGER, FLOAT, TIME)),
    "bv": (bool, (BOOLEAN,)),
    "sv": (str, (STRING, OPAQUE, OBJLNK)),
    "ov": (str, (OBJLNK,)),
}
_NO_LINK = "FFFF:FFFF"  # how the specification's own example writes the link to nothing, 65535:65535


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The document of a Read of ``base``, which is its base name.

    Raises `CodecError` for NaN and infinities, which JSON cannot carry.
    """
    depth = len(base)
    rows = []
    end = ""
    for path, kind, value in entries:
        if len(path) < 3 or type(value) is dict:
            continue
        name = ""
        if len(path) > depth:
            end = "/"
            name = '"n":"%s",' % render(path[depth:])[1:]
        rows.append("{%s%s}" % (name, _member(kind, value)))
    return ('{"bn":"%s%s","e":[%s]}' % (render(base), end, ",".join(rows))).encode()


def _member(kind: int, value: "Any") -> str:
    if kind == STRING:
        return '"sv":' + quote(value)
    if kind == BOOLEAN:
        return '"bv":true' if value else '"bv":false'
    said = text.encode((), [((), kind, value)]).decode()  # what cannot be said ends here
    if kind == FLOAT:
        return '"v":%r' % value
    return ('"sv":"%s"' if kind == OPAQUE else '"ov":"%s"' if kind == OBJLNK else '"v":%s') % said


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
    if not entries:  # what is said by none at all
        name = base_name[:-1] if base_name[-1:] == "/" else base_name
        above = _path(name) if name else ()
        if len(base) == 4 or base[: len(above)] != above:
            raise CodecError("no value for %s" % render(base))
        return [(base, {})] if len(base) == 3 else []
    found: "dict[Path, Any]" = {}
    for entry in entries:
        if type(entry) is not dict:
            raise CodecError("an entry is an object")
        name = entry.get("n", "")
        if type(name) is not str or type(entry.get("t", b"")) is not bytes:
            raise CodecError("n is a string, t a number")
        path = _path(base_name + name)
        if len(path) < 3 or path[: len(base)] != base:
            raise CodecError("%s in a payload for %s" % (render(path), render(base)))
        if path in found:
            raise CodecError("%s twice" % render(path))
        found[path] = _decode_entry(type_of(path[0], path[2]), entry)
    out: "list[Decoded]" = []
    for path in sorted(found):
        if path[:3] in found and len(path) > 3:
            raise CodecError("%s twice" % render(path[:3]))
        out.append((path, found[path]))
    return out


def _path(name: str) -> "Path":
    """The path that a name says: one to four ids, with or without the slash before the first."""
    ids: "list[Any]" = [segment(part.encode()) for part in (name[1:] if name[:1] == "/" else name).split("/", 4)]
    if None in ids or len(ids) > 4:
        raise CodecError("a name that is not a path")
    return tuple(ids)


def _decode_entry(kind: "int | None", entry: "dict[str, Any]") -> "Any":
    given = [name for name in _MEMBERS if name in entry]
    if len(given) != 1:
        raise CodecError("an entry has one value: v, bv, sv or ov")
    member = given[0]
    value = entry[member]
    form, kinds = _MEMBERS[member]
    if type(value) is not form:
        raise CodecError("v is a number, bv true or false, sv and ov are strings")
    if not kind:  # unknown, or NONE
        if member == "bv":
            return b"true" if value else b"false"
    elif kind not in kinds:
        raise CodecError("%s is no member for a value of type %s" % (member, NAMES[kind]))
    elif kind == STRING or kind == BOOLEAN:
        return value
    elif kind == INTEGER or kind == TIME:
        return _whole(value)
    elif kind == OBJLNK and value == _NO_LINK:
        return (65535, 65535)
    return text.read(kind, value if member == "v" else value.encode())


def _whole(number: bytes) -> int:
    """The integer that a JSON number is; peers write 1367491215 as 1.367491215E9 too. `CodecError` if it is none."""
    mantissa, _, exponent = number.lower().partition(b"e")
    whole, _, fraction = mantissa.partition(b".")
    digits = whole + fraction
    significant = digits.rstrip(b"0")
    if significant == b"" or significant == b"-":
        return 0
    shift = text.read_integer(exponent.lstrip(b"+") or b"0") - len(fraction) + len(digits) - len(significant)
    if not 0 <= shift < 19:
        raise CodecError("not an integer of 64 bits")
    return text.read_integer(significant + b"0" * shift)
