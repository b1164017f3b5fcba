"""The CoRE link format, Content-Format 40 (RFC 6690, section 2): lists of paths with attributes."""

from ...errors import CodecError
from .text import decimal, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

_ALPHANUMERIC = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_NAME = _ALPHANUMERIC + b"!#$&+-.^_`|~*"  # RFC 5987: attr-char, and the star of an extended name
_TOKEN = _ALPHANUMERIC + b"!#$%&'()*+-./:<=>?@[]^_`{|}~"  # RFC 6690: ptokenchar


def render(links: "Iterable[tuple[str, Iterable[tuple[str, Any]]]]") -> bytes:
    """``[("/", (("rt", "oma.lwm2m"), ("ct", 11542))), ("/1/0", ())]`` as ``</>;rt="oma.lwm2m";ct=11542,</1/0>``.

    A str value is written in quotes, a number bare and without an exponent, None as the name alone. What LwM2M 1.0
    wants quoted (``ver="1.1"``) is passed as str.
    """
    parts = []
    for target, attributes in links:
        part = "<" + target + ">"
        for name, value in attributes:
            if value is None:
                part += ";" + name
            elif type(value) is str:
                part += ';%s="%s"' % (name, value.replace("\\", "\\\\").replace('"', '\\"'))
            else:
                part += ";%s=%s" % (name, decimal(value) if type(value) is float else value)
        parts.append(part)
    return ",".join(parts).encode()


def parse(data: bytes) -> "list[tuple[str, dict[str, str | None]]]":
    """The links of ``data`` in their order: (target, attributes).

    Values are str, quoted or bare: ``ct=40`` and ``ct="40"`` mean the same. An attribute without a value is None.
    Raises `CodecError`: anything outside RFC 6690's grammar (white space between the parts included), an attribute
    twice in one link.
    """
    links: "list[tuple[str, dict[str, str | None]]]" = []
    end = len(data)
    pos = 0
    while pos < end or links:
        # Here a link must begin: at the start of a list that is not empty, or after a comma.
        stop = data.find(b">", pos)
        if data[pos : pos + 1] != b"<" or stop < 0:
            raise CodecError("byte %d: not a <target>" % pos)
        for c in data[pos + 1 : stop]:
            if not 0x20 < c < 0x7F or c == 0x22 or c == 0x3C:
                raise CodecError("byte %d: not a <target>" % pos)
        target = utf8(data[pos + 1 : stop])
        attributes: "dict[str, str | None]" = {}
        pos = stop + 1
        while pos < end and data[pos] == 0x3B:  # ;
            stop = _end_of(data, pos + 1, _NAME)
            name = utf8(data[pos + 1 : stop])
            if not name or name in attributes:
                raise CodecError("byte %d: no attribute name, or one twice" % pos)
            pos = stop
            value = None
            if data[pos : pos + 2] == b'="':
                value, pos = _quoted(data, pos + 2)
            elif data[pos : pos + 1] == b"=":
                stop = _end_of(data, pos + 1, _TOKEN)
                value = utf8(data[pos + 1 : stop])
                if not value:
                    raise CodecError("byte %d: an attribute without its value" % pos)
                pos = stop
            attributes[name] = value
        links.append((target, attributes))
        if pos == end:
            break
        if data[pos] != 0x2C:  # ,
            raise CodecError("byte %d: neither an attribute nor the next link" % pos)
        pos += 1
    return links


def _end_of(data: bytes, pos: int, alphabet: bytes) -> int:
    """Where the run of bytes of ``alphabet`` that begins at ``pos`` ends."""
    end = len(data)
    while pos < end and data[pos] in alphabet:
        pos += 1
    return pos


def _quoted(data: bytes, pos: int) -> "tuple[str, int]":
    """The text from ``pos`` to the closing quote, and the position behind that."""
    out = bytearray()
    end = len(data)
    while pos < end:
        c = data[pos]
        pos += 1
        if c == 0x22:  # "
            return utf8(bytes(out)), pos
        if c == 0x5C and pos < end:  # backslash: the next one stands for itself
            c = data[pos]
            pos += 1
        if c < 0x20 or c == 0x7F:
            break
        out.append(c)
    raise CodecError("byte %d: a quoted value without its end" % pos)
