"""The message codec (RFC 7252 section 3): pure functions between bytes and `Message`; the form of its options.

Options are a list of (number, value) in the order of the wire, values as bytes; `encode` wants them sorted by number,
as the wire does. Anything that is not a message raises `CodecError`, whatever the bytes are.
"""

from ..errors import CodecError
from . import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
MAX_TOKEN_LENGTH = 8
PAYLOAD_MARKER = 0xFF

# The options that are recognised (sections 5.4 and 5.10, RFC 7641, RFC 7959), with their longest value in bytes.
LONGEST = {
    codes.URI_HOST: 255,
    codes.ETAG: 8,
    codes.OBSERVE: 3,
    codes.URI_PORT: 2,
    codes.LOCATION_PATH: 255,
    codes.URI_PATH: 255,
    codes.CONTENT_FORMAT: 2,
    codes.MAX_AGE: 4,
    codes.URI_QUERY: 255,
    codes.ACCEPT: 2,
    codes.BLOCK2: 3,
    codes.BLOCK1: 3,
    codes.SIZE2: 4,
    codes.SIZE1: 4,
}
LAST_NOT_EMPTY = codes.ETAG  # this one and Uri-Host have no empty value; from here on each option may have one
_REPEATED = (codes.ETAG, codes.LOCATION_PATH, codes.URI_PATH, codes.URI_QUERY)


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
        return "Message(type=%d, code=%d.%02d, mid=%d, token=%r, options=%r, payload=%d B)" % (
            self.type,
            self.code >> 5,
            self.code & 31,
            self.mid,
            self.token,
            self.options,
            len(self.payload),
        )


def uint_bytes(value: int) -> bytes:
    """A number in the shortest form of the uint option format (section 3.2): zero is empty."""
    length = 0
    while value >> 8 * length:
        length += 1
    return value.to_bytes(length, "big")


def decode(data: bytes) -> Message:
    """Decode one datagram; `CodecError` where it is not a CoAP message (section 3, "message format error")."""
    size = len(data)
    if size < 4 or data[0] >> 6 != VERSION:
        raise CodecError("no header, or one of another version of CoAP")
    first = data[0]
    code = data[1]
    token_length = first & 15
    position = 4 + token_length
    if token_length > MAX_TOKEN_LENGTH or position > size or (code == codes.EMPTY and size > 4):
        raise CodecError("the token is too long, or not all there; or an empty message carries more than its header")
    options = []
    number = 0
    payload = b""
    try:
        while position < size:
            delta = data[position]
            position += 1
            if delta == PAYLOAD_MARKER:
                payload = data[position:]
                if payload:
                    break
                raise IndexError
            length = delta & 15
            delta >>= 4
            if delta > 12:
                delta, position = _long(delta, data, position)
            if length > 12:
                length, position = _long(length, data, position)
            number += delta
            start = position
            position += length
            if position > size or number > 0xFFFF:
                raise IndexError
            options.append((number, data[start:position]))
    except IndexError:
        raise CodecError("it ends within an option, or has an option or payload that cannot be") from None
    return Message(code, options, payload, first >> 4 & 3, data[2] << 8 | data[3], data[4 : 4 + token_length])


def _long(field: int, data: bytes, position: int) -> "tuple[int, int]":
    """An option delta or length whose 4-bit field is above 12 (section 3.1), and where it ends; IndexError: none."""
    if field == 13:
        return 13 + data[position], position + 1
    if field == 14:
        return 269 + (data[position] << 8 | data[position + 1]), position + 2
    raise IndexError  # 15 is reserved


def encode(message: Message) -> bytes:
    """Encode a message; its options must be sorted by number. The host's or the protocol's fault: ValueError."""
    token = message.token
    mid = message.mid
    out = bytearray((64 | message.type << 4 | len(token), message.code, mid >> 8, mid & 0xFF))
    out += token
    last = 0
    for number, value in message.options:
        delta = number - last
        length = len(value)
        last = number
        if 0 <= delta < 13 and length < 13:
            out.append(delta << 4 | length)
        else:
            delta, delta_extended = _extended(delta)
            length, length_extended = _extended(length)
            out.append(delta << 4 | length)
            out += delta_extended
            out += length_extended
        out += value
    if last > 0xFFFF or len(token) > MAX_TOKEN_LENGTH:
        raise ValueError("a token of %d bytes, or option %d: there is none" % (len(token), last))
    if message.payload:
        out.append(PAYLOAD_MARKER)
        return bytes(out) + message.payload  # which is so copied only once
    return bytes(out)


def _extended(value: int) -> "tuple[int, bytes]":
    """The 4-bit field and the extended bytes of an option delta or length (section 3.1)."""
    if not 0 <= value < 65805:
        raise ValueError("options are not sorted by number, or one is too long")
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes((value - 13,))
    value -= 269
    return 14, bytes((value >> 8, value & 0xFF))


def screen(message: Message) -> int:
    """The number of the first critical option that is not recognised, or 0: the message may be processed.

    An option that stands more often than it may, or whose value has not the length that it may have, counts as one
    that is not recognised (sections 5.4.3, 5.4.5), and so does one that is not defined for a response. An elective one
    is taken out of the message; unknown elective ones stay, nobody reads them.
    """
    kept = []
    last = -1
    for option in message.options:
        number, value = option
        longest = LONGEST.get(number, -1)
        sound = len(value) <= longest and (value or number > LAST_NOT_EMPTY) and (number != last or number in _REPEATED)
        last = number
        if number & 1 and (not sound or number < codes.BLOCK2 and message.code >= codes.CREATED):
            return number  # an odd number is critical; in a response there are those of block-wise transfer alone
        if sound or longest < 0:
            kept.append(option)
    message.options = kept
    return 0
