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
_ESCAPES = {0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9}  # "\/bfnrt
_SHORT = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


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
            out.append(_SHORT.get(c) or "\\u%04x" % ord(c))
        else:
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
            return self.object(depth + 1) if c == 0x7B else self.array(depth + 1)
        for word, meaning in _WORDS:
            end = self.pos + len(word)
            if self.data[self.pos : end] == word:
                self.pos = end
                return meaning
        raise self.error("not a value")

    def object(self, depth: int) -> "dict[str, Any]":
        members: "dict[str, Any]" = {}
        if self.next() == 0x7D:  # }
            self.pos += 1
            return members
        while True:
            if self.next() != 0x22:
                raise self.error("not a name")
            name = self.string()
            if name in members:
                raise self.error("a name twice in one object")
            if self.next() != 0x3A:  # :
                raise self.error("no colon behind a name")
            self.pos += 1
            members[name] = self.value(depth)
            if self._last(0x7D):
                return members

    def array(self, depth: int) -> "list[Any]":
        items: "list[Any]" = []
        if self.next() == 0x5D:  # ]
            self.pos += 1
            return items
        while True:
            items.append(self.value(depth))
            if self._last(0x5D):
                return items

    def _last(self, closing: int) -> bool:
        """Whether the ``closing`` bracket comes now, and not a comma."""
        c = self.next()
        if c != closing and c != 0x2C:
            raise self.error("neither a comma nor the end")
        self.pos += 1
        return c == closing

    def number(self) -> bytes:
        data = self.data
        start = self.pos
        first = start + (data[start] == 0x2D)
        end = self._digits(first)
        if data[first] == 0x30 and end > first + 1:
            raise self.error("a number with a leading zero")
        if data[end : end + 1] == b".":
            end = self._digits(end + 1)
        if data[end : end + 1] in (b"e", b"E"):
            end += 1
            end = self._digits(end + (data[end : end + 1] in (b"+", b"-")))
        self.pos = end
        return data[start:end]

    def _digits(self, pos: int) -> int:
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
        start = self.pos + 1
        stop = data.find(b'"', start)
        if stop < 0:
            raise self.error("a string without its end")
        plain = data[start:stop]
        if b"\\" in plain:
            return self._escaped(start)
        for c in plain:
            if c < 0x20:
                raise self.error("a control character in a string")
        self.pos = stop + 1
        return utf8(plain)

    def _escaped(self, pos: int) -> str:
        """The string whose contents begin at ``pos`` and have escapes among them."""
        data = self.data
        out = bytearray()
        end = len(data)
        while pos < end:
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
            c = data[pos] if pos < end else -1
            pos += 1
            if c in _ESCAPES:
                out.append(_ESCAPES[c])
                continue
            if c != 0x75:  # u
                raise self.error("an unknown escape in a string")
            point = self._hex(pos)
            pos += 4
            if 0xD800 <= point < 0xDC00 and data[pos : pos + 2] == b"\\u":
                low = self._hex(pos + 2)
                if 0xDC00 <= low < 0xE000:
                    point = 0x10000 + ((point & 0x3FF) << 10 | low & 0x3FF)
                    pos += 6
            if 0xD800 <= point < 0xE000:
                raise self.error("half of a surrogate pair in a string")
            out += chr(point).encode()
        raise self.error("a string without its end")

    def _hex(self, pos: int) -> int:
        digits = self.data[pos : pos + 4]
        for c in digits:
            if c not in _HEX:
                digits = b""
        if len(digits) < 4:
            raise self.error("an escape without its four digits")
        return int(digits.decode(), 16)
