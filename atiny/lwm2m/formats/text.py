"""Plain text, Content-Format 0: one value as text (OMA LwM2M 1.0, section 6.4.1 and appendix C)."""

from binascii import a2b_base64, b2a_base64

from ...errors import CodecError
from ..types import BOOLEAN, FLOAT, INTEGER, INTEGER_MAX, INTEGER_MIN, NONE, OBJLNK, OPAQUE, STRING, TIME

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
        if _LAX_UTF8 and len(value) != len(data):
            # MicroPython checks the shape of a sequence, not what it stands for: overlong forms, surrogates, and above
            # 10FFFF, which chr() refuses.
            size = 0
            for c in value:
                point = ord(c)
                if point >> 11 != 0x1B:  # D800 to DFFF
                    size += len(chr(point).encode())
            if size != len(data):
                raise ValueError
    except ValueError:
        raise CodecError("not valid UTF-8") from None
    return value


def encode(base: "Path", entries: "list[Entry]") -> bytes:
    """The value of the one resource (or resource instance) that ``base`` names.

    Raises `CodecError` for anything else than one single value and for NaN and infinities, which text cannot carry.
    """
    if len(entries) != 1:
        raise CodecError("text carries one value")
    path, kind, value = entries[0]
    if path != base or type(value) is dict or kind == NONE:
        raise CodecError("text carries the value of a single resource")
    if kind == OPAQUE:
        return b2a_base64(value)[:-1]
    if kind == FLOAT:
        value = decimal(value)
    elif kind == BOOLEAN:
        value = "1" if value else "0"
    elif kind == OBJLNK:
        value = "%d:%d" % value
    elif kind != STRING:  # INTEGER, TIME
        value = str(value)
    return value.encode()


def decimal(value: float) -> str:
    """A float without an exponent: a "signed decimal" is all that appendix C allows and old servers read.

    Raises `CodecError` for NaN and infinities.
    """
    if value - value != 0:
        raise CodecError("text cannot carry %r" % value)
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        # repr() has one digit before the point, and an exponent only where no digit behind it is one of the integer's.
        digits = mantissa.lstrip("-").replace(".", "")
        shift = int(exponent)
        if shift < 0:
            digits = "0." + "0" * (-1 - shift) + digits
        else:
            digits += "0" * (shift + 1 - len(digits)) + ".0"
        text = "-" + digits if value < 0 else digits
    return text


def decode(base: "Path", payload: bytes, type_of: "TypeOf") -> "list[Decoded]":
    """``[(base, value)]``; bytes for a resource without a type. Raises `CodecError`."""
    if len(base) < 3:
        raise CodecError("text carries the value of a single resource")
    return [(base, read(type_of(base[0], base[2]), payload))]


def read(kind: "int | None", data: bytes) -> "Any":
    """The value that a text says; the text itself where there is no type. Raises `CodecError`."""
    if kind == STRING:
        return utf8(data)
    if kind == INTEGER or kind == TIME:
        return read_integer(data)
    if kind == FLOAT:
        return read_float(data)
    if kind == BOOLEAN:
        if data != b"1" and data != b"0":
            raise CodecError("a boolean is 0 or 1")
        return data == b"1"
    if kind == OPAQUE:
        return read_base64(data)
    if kind == OBJLNK:
        return read_link(data)
    return data


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
    object_id, _, instance_id = data.partition(b":")
    if object_id.isdigit() and instance_id.isdigit() and len(object_id) < 6 and len(instance_id) < 6:
        link = int(object_id), int(instance_id)
        if max(link) <= 0xFFFF:
            return link
    raise CodecError("an object link is OBJECT:INSTANCE, each 0..65535")


def read_integer(data: bytes) -> int:
    """The integer of 64 bits that decimal digits say; `CodecError`."""
    # int() alone would also take underscores, spaces, a plus; CPython's raises for thousands of digits, zeros too.
    digits = data[1:] if data[:1] == b"-" else data
    if digits.isdigit():
        value = int(digits.lstrip(b"0")[:20] or b"0")  # 20 digits are too many, and so are more
        if digits != data:
            value = -value
        if INTEGER_MIN <= value <= INTEGER_MAX:
            return value
    raise CodecError("not an integer of 64 bits")


def read_float(data: bytes) -> float:
    """The float that a decimal number says, with or without an exponent; `CodecError`, also where it is too large."""
    # float() alone would also take "nan", underscores and spaces, and on MicroPython "." and "e5".
    number, mark, exponent = data.lower().partition(b"e")
    if number[:1] == b"-":
        number = number[1:]
    if exponent[:1] == b"-" or exponent[:1] == b"+":
        exponent = exponent[1:]
    if not number.replace(b".", b"", 1).isdigit() or (mark and not exponent.isdigit()):
        raise CodecError("not a decimal number")
    value = float(data)
    if value - value != 0:  # only an infinity: it was too large
        raise CodecError("a float out of range")
    return value
