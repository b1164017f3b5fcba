"""The message codec (RFC 7252 section 3): pure functions between bytes and `Message`.

Options are a list of (number, value) in the order of the wire, values as bytes; `encode` wants them sorted by number,
as the wire does. Anything that is not a message raises `CodecError`, whatever the bytes are.
"""

from ..errors import CodecError
from .codes import EMPTY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
MAX_TOKEN_LENGTH = 8
PAYLOAD_MARKER = 0xFF


class Message:
    """One CoAP message.

    What the layers above exchange is ``code``, ``options`` and ``payload``; ``type``, ``mid`` and ``token`` belong to
    the exchange beneath them. ``after`` is a function to call once a response has gone (a reboot waits for it).
    """

    __slots__ = ("type", "code", "mid", "token", "options", "payload", "after")

    def __init__(
        self,
        code: int,
        options: "list[tuple[int, bytes]] | None" = None,
        payload: bytes = b"",
        type: int = 0,
        mid: int = 0,
        token: bytes = b"",
    ):
        self.type = type
        self.code = code
        self.mid = mid
        self.token = token
        self.options = [] if options is None else options
        self.payload = payload
        self.after: "Callable[[], object] | None" = None

    def option(self, number: int) -> "bytes | None":
        """The value of the first option of that number, or None."""
        for n, value in self.options:
            if n == number:
                return value
        return None

    def uint(self, number: int) -> "int | None":
        """The value of an option in uint format (section 3.2), or None where it is absent."""
        value = self.option(number)
        return None if value is None else int.from_bytes(value, "big")

    def all(self, number: int) -> "list[bytes]":
        """The values of a repeatable option, in order."""
        return [value for n, value in self.options if n == number]

    def __repr__(self) -> str:
        return "Message(type=%d, code=%d.%02d, mid=%d, token=%s, options=%r, payload=%d B)" % (
            self.type,
            self.code >> 5,
            self.code & 31,
            self.mid,
            self.token.hex(),
            self.options,
            len(self.payload),
        )


def uint_bytes(value: int) -> bytes:
    """A number in the shortest form of the uint option format (section 3.2): zero is empty."""
    if value == 0:
        return b""
    if value < 0x100:
        return bytes((value,))
    if value < 0x10000:
        return bytes((value >> 8, value & 0xFF))
    length = 3
    while value >> (8 * length):
        length += 1
    return value.to_bytes(length, "big")


def decode(data: bytes) -> Message:
    """Decode one datagram; `CodecError` where it is not a CoAP message (section 3, "message format error")."""
    size = len(data)
    if size < 4:
        raise CodecError("message of %d bytes is shorter than the header" % size)
    first = data[0]
    if first >> 6 != VERSION:
        raise CodecError("CoAP version %d is not 1" % (first >> 6))
    token_length = first & 15
    position = 4 + token_length
    code = data[1]
    if token_length:
        if token_length > MAX_TOKEN_LENGTH:
            raise CodecError("token length %d is reserved" % token_length)
        if position > size:
            raise CodecError("message ends within the token")
    if code == EMPTY and size > 4:
        raise CodecError("an empty message carries more than its header")
    options = []
    number = 0
    payload = b""
    while position < size:
        delta = data[position]
        position += 1
        if delta == PAYLOAD_MARKER:
            payload = data[position:]
            if not payload:
                raise CodecError("payload marker without a payload")
            break
        length = delta & 15
        delta >>= 4
        try:
            if delta > 12:
                if delta == 13:
                    delta = 13 + data[position]
                    position += 1
                elif delta == 14:
                    delta = 269 + (data[position] << 8 | data[position + 1])
                    position += 2
                else:
                    raise CodecError("option delta 15 is reserved")
            if length > 12:
                if length == 13:
                    length = 13 + data[position]
                    position += 1
                elif length == 14:
                    length = 269 + (data[position] << 8 | data[position + 1])
                    position += 2
                else:
                    raise CodecError("option length 15 is reserved")
        except IndexError:
            raise CodecError("message ends within an option's header") from None
        number += delta
        end = position + length
        if end > size:
            raise CodecError("message ends within option %d" % number)
        options.append((number, data[position:end]))
        position = end
    if number > 0xFFFF:
        raise CodecError("option number %d is out of range" % number)
    return Message(code, options, payload, first >> 4 & 3, data[2] << 8 | data[3], data[4 : 4 + token_length])


def encode(message: Message) -> bytes:
    """Encode a message; its options must be sorted by number. The host's or the protocol's fault: ValueError."""
    token = message.token
    mid = message.mid
    if len(token) > MAX_TOKEN_LENGTH:
        raise ValueError("a token of %d bytes is too long" % len(token))
    out = bytearray((64 | message.type << 4 | len(token), message.code, mid >> 8, mid & 0xFF))
    out += token
    last = 0
    for number, value in message.options:
        delta = number - last
        length = len(value)
        last = number
        if 0 <= delta < 13 and length < 13:
            out.append(delta << 4 | length)
        elif delta < 0:
            raise ValueError("options are not sorted by number")
        else:
            delta, delta_extended = _extended(delta)
            length, length_extended = _extended(length)
            out.append(delta << 4 | length)
            out += delta_extended
            out += length_extended
        out += value
    if last > 0xFFFF:
        raise ValueError("option number %d is out of range" % last)
    if message.payload:
        out.append(PAYLOAD_MARKER)
        out += message.payload
    return bytes(out)


def _extended(value: int) -> "tuple[int, bytes]":
    """The 4-bit field and the extended bytes of an option delta or length (section 3.1)."""
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes((value - 13,))
    if value < 65805:
        value -= 269
        return 14, bytes((value >> 8, value & 0xFF))
    raise ValueError("an option delta or length of %d cannot be encoded" % value)
