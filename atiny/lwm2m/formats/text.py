"""Plain text, Content-Format 0: one value as text (OMA LwM2M 1.0, section 6.4.1 and appendix C)."""

from binascii import a2b_base64, b2a_base64

from ...errors import CodecError
from ..types import BOOLEAN, FLOAT, INTEGER, INTEGER_MAX, INTEGER_MIN, NAMES, NONE, OBJLNK, OPAQUE, STRING, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..types import Decoded, Entry, Path, TypeOf

try:
    b"\xc0\x80".decode()
    _LAX_UTF8 = True
except UnicodeError:
    _LAX_UTF8 = False


def utf8(data: bytes) -> str:
    """``data`` as text; `CodecError` where it is not well-formed UTF-8 (RFC 3629), on every runtime."""
    try:
        value = data.decode()
    except UnicodeError:
        raise CodecError("not valid UTF-8") from None
    if _LAX_UTF8 and len(value) != len(data):
        # MicroPython checks the shape of a sequence, not what it stands for: overlong forms, surrogates, above 10FFFF.
        size = 0
        for c in value:
            point = ord(c)
            if 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
                raise CodecError("not valid UTF-8")
            size += 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        if size != len(data):
            raise CodecError("not valid UTF-8")
    return value


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The value of the one resource (or resource instance) that ``base`` names.

    Raises `CodecError` for anything else than one single value and for NaN and infinities, which text cannot carry.
    """
    if len(entries) != 1:
        raise CodecError("text carries one value")
    path, kind, value = entries[0]
    if path != base or type(value) is dict:
        raise CodecError("text carries the value of a single resource")
    if kind == STRING:
        return value.encode()
    if kind == INTEGER or kind == TIME:
        return b"%d" % value
    if kind == FLOAT:
        return decimal(value).encode()
    if kind == BOOLEAN:
        return b"1" if value else b"0"
    if kind == OPAQUE:
        return b2a_base64(value)[:-1]
    if kind == OBJLNK:
        return b"%d:%d" % value
    raise CodecError("no text for a value of type %s" % NAMES[kind])


def decode(base: "Path", payload: bytes, type_of: "TypeOf") -> "list[Decoded]":
    """``[(base, value)]``; bytes for a resource without a type. Raises `CodecError`."""
    if len(base) < 3:
        raise CodecError("text carries the value of a single resource")
    kind = type_of(base[0], base[2])
    if kind is None or kind == NONE:
        return [(base, payload)]
    return [(base, _value(kind, payload))]


def decimal(value: float) -> str:
    """A float without an exponent: a "signed decimal" is all that appendix C allows and old servers read.

    Raises `CodecError` for NaN and infinities.
    """
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        sign = "-" if mantissa[0] == "-" else ""
        whole, _, fraction = mantissa[len(sign) :].partition(".")
        digits = whole + fraction
        point = len(whole) + int(exponent)
        if point <= 0:
            digits = "0." + "0" * -point + digits
        elif point < len(digits):
            digits = digits[:point] + "." + digits[point:]
        else:
            digits += "0" * (point - len(digits)) + ".0"
        text = sign + digits
    elif text[-1] == "n" or text[-1] == "f":
        raise CodecError("text cannot carry %s" % text)
    return text


def _value(kind: int, data: bytes) -> "Any":
    if kind == STRING:
        return utf8(data)
    if kind == INTEGER or kind == TIME:
        return read_integer(data)
    if kind == FLOAT:
        return read_float(data)
    if kind == BOOLEAN:
        if data == b"1":
            return True
        if data == b"0":
            return False
        raise CodecError("a boolean is 0 or 1")
    if kind == OPAQUE:
        return read_base64(data)
    return read_link(data)


def read_base64(data: bytes) -> bytes:
    """The bytes of canonical base64 (RFC 4648, section 4: padded, nothing between); `CodecError` for any other."""
    try:
        value = a2b_base64(data)
    except ValueError:
        raise CodecError("not valid base64") from None
    # Both runtimes skip what is not of the alphabet; only canonical base64 comes back as it was.
    if b2a_base64(value)[:-1] != data:
        raise CodecError("not valid base64")
    return value


def read_link(data: bytes) -> "tuple[int, int]":
    """The (object id, instance id) of ``b"10:03"``; `CodecError`."""
    object_id, colon, instance_id = data.partition(b":")
    if not colon:
        raise CodecError("an object link is OBJECT:INSTANCE")
    return _link_id(object_id), _link_id(instance_id)


def read_integer(data: bytes) -> int:
    """The integer of 64 bits that decimal digits say; `CodecError`."""
    # int() alone would also take underscores, spaces, a plus; CPython's raises for thousands of digits, zeros too.
    negative = data[:1] == b"-"
    digits = data[1:] if negative else data
    significant = digits.lstrip(b"0") or b"0"
    if not digits.isdigit() or len(significant) > 19:
        raise CodecError("not an integer of 64 bits")
    value = -int(significant) if negative else int(significant)
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise CodecError("not an integer of 64 bits")
    return value


def read_float(data: bytes) -> float:
    """The float that a decimal number says, with or without an exponent; `CodecError`, also where it is too large."""
    # float() alone would also take "nan", underscores and spaces, and on MicroPython "." and "e5".
    mantissa, mark, exponent = data.lower().partition(b"e")
    whole, _, fraction = mantissa.partition(b".")
    if whole[:1] == b"-":
        whole = whole[1:]
    if exponent[:1] == b"-" or exponent[:1] == b"+":
        exponent = exponent[1:]
    if not (whole + fraction).isdigit() or (mark and not exponent.isdigit()):
        raise CodecError("not a decimal number")
    value = float(data)
    if value - value != 0:  # only an infinity: it was too large
        raise CodecError("a float out of range")
    return value


def _link_id(data: bytes) -> int:
    if not data.isdigit() or len(data) > 5 or int(data) > 0xFFFF:
        raise CodecError("an id of an object link is 0..65535")
    return int(data)
