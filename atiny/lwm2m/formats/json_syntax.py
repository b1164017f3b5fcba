"""JSON as RFC 8259 says, to the letter and on every runtime: below the formats that are made of it.

The runtimes' own ``json`` will not do for what a peer sends. MicroPython's takes ``[1 2]``, ``{"a":1,}``, ``01`` and
broken UTF-8; CPython's takes NaN; both take the same name twice, make a float of ``1e3`` and end in an error of their
own where values nest too deep.
"""

from ...errors import CodecError
from .text import utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 8  # of objects and arrays within each other: the formats have three, the rest is for what they ignore

_SPACE = b" \t\n\r"
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF"
_WORDS = ((b"true", True), (b"false", False), (b"null", None))
# What stands behind a backslash, and what it means
_ESCAPES = '"\\/bfnrt'
_MEANINGS = '"\\/\b\f\n\r\t'


def parse(data: bytes) -> "Any":
    """The value of one JSON text: dict, list, str, bool, None; a number is the bytes that say it.

    So no digit of it is lost before its type is known. Raises `CodecError`: not JSON, not UTF-8, a name twice in one
    object, a lone surrogate, more than `MAX_DEPTH` levels.
    """
    reader = _Reader(data)
    value = reader.value(0)
    if reader.next() >= 0:
        raise reader.error("something behind the value")
    return value


def quote(text: str) -> str:
    """``text`` as a JSON string, with its quotes; escaped is only what has to be."""
    out = ['"']
    for c in text:
        if c == '"' or c == "\\" or c < " ":
            index = _MEANINGS.find(c)
            c = "\\" + _ESCAPES[index] if index >= 0 else "\\u%04x" % ord(c)
        out.append(c)
    out.append('"')
    return "".join(out)


class _Reader:
    """A position in a text, and the functions of the grammar, which move it."""

    def __init__(self, data: bytes):
        self.data = data
        self.pos = 0

    def error(self, what: str) -> CodecError:
        return CodecError("byte %d: %s" % (self.pos, what))

    def next(self) -> int:
        """The next byte that is not white space, which is not taken yet; -1 at the end."""
        data = self.data
        pos = self.pos
        end = len(data)
        while pos < end and data[pos] in _SPACE:
            pos += 1
        self.pos = pos
        return data[pos] if pos < end else -1

    def value(self, depth: int) -> "Any":
        c = self.next()
        if c == 0x22:  # "
            return self.string()
        if c == 0x2D or 0x30 <= c <= 0x39:  # - or a digit
            return self.number()
        if c == 0x7B or c == 0x5B:
            if depth == MAX_DEPTH:
                raise self.error("nested too deep")
            self.pos += 1
            return self.container(depth + 1, {} if c == 0x7B else [], c + 2)
        for word, meaning in _WORDS:
            end = self.pos + len(word)
            if self.data[self.pos : end] == word:
                self.pos = end
                return meaning
        raise self.error("not a value")

    def container(self, depth: int, found: "Any", closing: int) -> "Any":
        """The members of an object, or the items of an array, from the first one to the ``closing`` bracket."""
        if self.next() == closing:
            self.pos += 1
            return found
        while True:
            if type(found) is list:
                found.append(self.value(depth))
            else:
                if self.next() != 0x22:
                    raise self.error("not a name")
                name = self.string()
                if name in found:
                    raise self.error("a name twice in one object")
                if self.next() != 0x3A:  # :
                    raise self.error("no colon behind a name")
                self.pos += 1
                found[name] = self.value(depth)
            c = self.next()
            if c != closing and c != 0x2C:
                raise self.error("neither a comma nor the end")
            self.pos += 1
            if c == closing:
                return found

    def number(self) -> bytes:
        data = self.data
        start = self.pos
        first = start + (data[start] == 0x2D)
        end = self.digits(first)
        if data[first] == 0x30 and end > first + 1:
            raise self.error("a number with a leading zero")
        if data[end : end + 1] == b".":
            end = self.digits(end + 1)
        if data[end : end + 1] in (b"e", b"E"):
            end += 1
            end = self.digits(end + (data[end : end + 1] in (b"+", b"-")))
        self.pos = end
        return data[start:end]

    def digits(self, pos: int) -> int:
        """Where the digits from ``pos`` on end; there must be one."""
        data = self.data
        start = pos
        end = len(data)
        while pos < end and data[pos] in _DIGITS:
            pos += 1
        if pos == start:
            raise self.error("not a number")
        return pos

    def string(self) -> str:
        data = self.data
        out = bytearray()
        pos = self.pos + 1
        while pos < len(data):
            c = data[pos]
            pos += 1
            if c == 0x22:
                self.pos = pos
                return utf8(bytes(out))
            if c < 0x20:
                raise self.error("a control character in a string")
            if c != 0x5C:
                out.append(c)
                continue
            c = data[pos] if pos < len(data) else 0
            pos += 1
            index = _ESCAPES.find(chr(c))
            if index >= 0:
                out.append(ord(_MEANINGS[index]))
                continue
            if c != 0x75:  # u
                raise self.error("an unknown escape in a string")
            point = self.hex(pos)
            pos += 4
            if point >> 10 == 0x36 and data[pos : pos + 2] == b"\\u":  # D800 to DBFF: the first half of a pair
                low = self.hex(pos + 2)
                if low >> 10 == 0x37:
                    point = 0x10000 + ((point & 0x3FF) << 10 | low & 0x3FF)
                    pos += 6
            if point >> 11 == 0x1B:
                raise self.error("half of a surrogate pair in a string")
            out += chr(point).encode()
        raise self.error("a string without its end")

    def hex(self, pos: int) -> int:
        digits = self.data[pos : pos + 4]
        for c in digits:
            if c not in _HEX:
                digits = b""
        if len(digits) < 4:
            raise self.error("an escape without its four digits")
        return int(digits.decode(), 16)
