"""What the tests of the codec share."""

from atiny.coap.message import Message, decode, encode
from atiny.errors import CodecError


def fields(message: Message) -> tuple:
    return (message.type, message.code, message.mid, message.token, message.options, message.payload)


def of(type: int, code: int, mid: int, token: bytes, options: list, payload: bytes) -> Message:
    return Message(code, options, payload, type, mid, token)


def check_decode(data: bytes) -> None:
    """Bytes are a message or a CodecError; and each message has one encoding only, so what was a message comes back."""
    try:
        message = decode(data)
    except CodecError:
        return
    assert encode(message) == data
