"""The message codec: vectors byte by byte, and everything malformed."""

import pytest

from atiny.coap.message import decode, encode, uint_bytes
from atiny.errors import CodecError

from .codec import check_decode, fields, of
from .peer import (
    ACCEPT,
    ACK,
    BLOCK1,
    BLOCK2,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    CREATED,
    ETAG,
    GET,
    LOCATION_PATH,
    NON,
    OBSERVE,
    POST,
    PUT,
    RST,
    SIZE1,
    SIZE2,
    URI_PATH,
    URI_QUERY,
    unhex,
)

# Name, bytes, (type, code, message id, token, options, payload).
VECTORS = [
    (
        "RFC 7252, figure 16: CON GET /temperature",
        """
        40                                # version 1, CON, no token
        01                                # 0.01 GET
        7d 34                             # message id
        bb 74 65 6d 70 65 72 61 74 75 72 65   # delta 11: Uri-Path, 11 bytes: "temperature"
        """,
        (CON, GET, 0x7D34, b"", [(URI_PATH, b"temperature")], b""),
    ),
    (
        "RFC 7252, figure 16: its piggybacked response",
        """
        60                                # ACK
        45                                # 2.05 Content
        7d 34
        ff                                # payload marker
        32 32 2e 33 20 43                 # "22.3 C"
        """,
        (ACK, CONTENT, 0x7D34, b"", [], b"22.3 C"),
    ),
    (
        "RFC 7252, figure 17: with a token",
        """
        41                                # a token of 1 byte
        01
        7d 35
        20                                # token
        bb 74 65 6d 70 65 72 61 74 75 72 65
        """,
        (CON, GET, 0x7D35, b"\x20", [(URI_PATH, b"temperature")], b""),
    ),
    ("an empty ACK", "60 00 00 01", (ACK, 0, 1, b"", [], b"")),
    ("a RST", "70 00 ff ff", (RST, 0, 0xFFFF, b"", [], b"")),
    ("a ping", "40 00 12 34", (CON, 0, 0x1234, b"", [], b"")),
    (
        "LwM2M Register",
        """
        44 02 12 34                       # CON, 0.02 POST
        0a 0b 0c 0d                       # token
        b2 72 64                          # Uri-Path "rd"
        11 28                             # delta 1: Content-Format (12) 40
        36 65 70 3d 64 65 76              # delta 3: Uri-Query (15) "ep=dev"
        05 6c 74 3d 36 30                 # delta 0: Uri-Query "lt=60"
        ff 3c 2f 33 2f 30 3e              # "</3/0>"
        """,
        (
            CON, POST, 0x1234, b"\n\x0b\x0c\r",
            [(URI_PATH, b"rd"), (CONTENT_FORMAT, b"("), (URI_QUERY, b"ep=dev"), (URI_QUERY, b"lt=60")], b"</3/0>",
        ),
    ),
    (
        "its answer",
        """
        64 41 12 34 0a 0b 0c 0d           # ACK, 2.01 Created
        82 72 64                          # Location-Path (8) "rd"
        04 35 61 33 66                    # delta 0: Location-Path "5a3f"
        """,
        (ACK, CREATED, 0x1234, b"\n\x0b\x0c\r", [(LOCATION_PATH, b"rd"), (LOCATION_PATH, b"5a3f")], b""),
    ),
    (
        "a notification, its last block",
        """
        58                                # NON, a token of 8 bytes
        45 00 00                          # message id 0
        01 02 03 04 05 06 07 08
        44 de ad be ef                    # ETag (4)
        22 01 02                          # delta 2: Observe (6) 258
        60                                # delta 6: Content-Format (12) 0, empty
        b1 16                             # delta 11: Block2 (23) 1/0/1024
        ff 00                             # a payload of one zero byte
        """,
        (
            NON, CONTENT, 0, bytes(range(1, 9)),
            [(ETAG, b"\xde\xad\xbe\xef"), (OBSERVE, b"\1\2"), (CONTENT_FORMAT, b""), (BLOCK2, b"\x16")], b"\0",
        ),
    ),
    (
        "a block of a PUT, and an elective option beyond 268",
        """
        40 03 00 01
        d1 0e 08                          # delta 13 + 14: Block1 (27) 0/1/16
        d1 14 40                          # delta 13 + 20: Size1 (60) 64
        e1 06 b7 01                       # delta 269 + 1719: option 2048
        ff 30 30
        """,
        (CON, PUT, 1, b"", [(BLOCK1, b"\x08"), (SIZE1, b"@"), (2048, b"\1")], b"00"),
    ),
]  # fmt: skip

# Delta, length, the option's header in hexadecimal (section 3.1): on both sides of each edge.
OPTION_FORMS = [
    (0, 0, "00"),
    (1, 0, "10"),
    (12, 12, "cc"),
    (13, 0, "d0 00"),
    (14, 1, "d1 01"),
    (268, 12, "dc ff"),
    (269, 0, "e0 00 00"),
    (270, 0, "e0 00 01"),
    (65535, 0, "e0 fe f2"),
    (12, 13, "cd 00"),
    (12, 14, "cd 01"),
    (12, 268, "cd ff"),
    (12, 269, "ce 00 00"),
    (12, 270, "ce 00 01"),
    (1, 65803, "1e ff fe"),
    (1, 65804, "1e ff ff"),
    (13, 13, "dd 00 00"),
    (268, 269, "de ff 00 00"),
    (269, 13, "ed 00 00 00"),
    (269, 269, "ee 00 00 00 00"),
    (65535, 65804, "ee fe f2 ff ff"),
]

MALFORMED = [
    ("nothing", ""),
    ("one byte", "40"),
    ("three bytes", "40 01 00"),
    ("version 0", "00 01 00 01"),
    ("version 2", "80 01 00 01"),
    ("version 3", "c0 01 00 01"),
    *[("token length %d" % length, "4%x 01 00 01" % length + 15 * "00") for length in range(9, 16)],
    ("a token that is not there", "41 01 00 01"),
    ("a token that ends early", "48 01 00 01 01 02 03 04 05 06 07"),
    ("an empty message with a token", "41 00 00 01 aa"),
    ("an empty message that announces a token", "61 00 00 01"),
    ("an empty message with an option", "60 00 00 01 00"),
    ("an empty message with a payload", "60 00 00 01 ff 01"),
    ("a payload marker without a payload", "40 01 00 01 ff"),
    ("a payload marker without a payload after an option", "40 01 00 01 b1 33 ff"),
    ("option delta 15", "40 01 00 01 f0"),
    ("option delta 15 with length 14", "40 01 00 01 fe 00 00"),
    ("option length 15", "40 01 00 01 0f"),
    ("option length 15 with delta 14", "40 01 00 01 ef 00 00"),
    ("a value that is not there", "40 01 00 01 b1"),
    ("a value that ends early", "40 01 00 01 b3 33 33"),
    ("a delta of 13 that ends early", "40 01 00 01 d0"),
    ("a delta of 14 that ends at once", "40 01 00 01 e0"),
    ("a delta of 14 that ends early", "40 01 00 01 e0 00"),
    ("a length of 13 that ends early", "40 01 00 01 0d"),
    ("a length of 14 that ends at once", "40 01 00 01 0e"),
    ("a length of 14 that ends early", "40 01 00 01 0e 00"),
    ("both extended, the length cut off", "40 01 00 01 dd 00"),
    ("a length of 65804 and nothing", "40 01 00 01 0e ff ff"),
    ("an option number beyond 65535", "40 01 00 01 e0 fe f3"),
    ("an option number beyond 65535 in two steps", "40 01 00 01 e0 fe f2 10"),
    ("an option number beyond 65535 and a payload", "40 01 00 01 e0 fe f2 e0 00 00 ff 00"),
]


@pytest.mark.parametrize(("text", "row"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_vectors_both_ways(text, row):
    assert fields(decode(unhex(text))) == row
    assert encode(of(*row)) == unhex(text)


@pytest.mark.parametrize(("delta", "length", "header"), OPTION_FORMS)
def test_every_form_of_option_delta_and_length(delta, length, header):
    value = bytes(length)
    data = unhex("40 01 00 01") + unhex(header) + value
    assert decode(data).options == [(delta, value)]
    assert encode(of(CON, GET, 1, b"", [(delta, value)], b"")) == data
    # As the second option, and before a payload.
    if delta + 6 <= 65535:
        data = unhex("40 01 00 01 60") + unhex(header) + value + b"\xff!"
        assert decode(data).options == [(OBSERVE, b""), (6 + delta, value)]
        assert decode(data).payload == b"!"
        assert encode(of(CON, GET, 1, b"", [(OBSERVE, b""), (6 + delta, value)], b"!")) == data


@pytest.mark.parametrize("length", range(9))
@pytest.mark.parametrize("rest", ["", "b1 33", "ff 00", "b1 33 ff 00"])
def test_tokens_of_every_length(length, rest):
    token = bytes(range(0xF8, 0xF8 + length))
    data = bytes((0x40 | length, 1, 0, 1)) + token + unhex(rest)
    message = decode(data)
    assert message.token == token
    assert message.options == ([(URI_PATH, b"3")] if "b1" in rest else [])
    assert message.payload == (b"\0" if "ff" in rest else b"")
    assert encode(message) == data


@pytest.mark.parametrize("text", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_malformed(text):
    with pytest.raises(CodecError) as caught:
        decode(unhex(text))
    assert str(caught.value)


@pytest.mark.parametrize("text", [row[1] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_a_message_cut_short_is_another_one_or_malformed(text):
    data = unhex(text)
    for length in range(len(data)):
        check_decode(data[:length])


@pytest.mark.parametrize(
    "message",
    [
        of(CON, GET, 1, b"", [(11, b""), (6, b"")], b""),  # not sorted
        of(CON, GET, 1, b"", [(65536, b"")], b""),
        of(CON, GET, 1, b"", [(65530, b""), (65536, b"")], b""),
        of(CON, GET, 1, b"", [(1, bytes(65805))], b""),
        of(CON, GET, 1, bytes(9), [], b""),
        of(CON, GET, 65536, b"", [], b""),
        of(CON, 256, 1, b"", [], b""),
    ],
)
def test_what_cannot_be_encoded_is_our_fault(message):
    with pytest.raises(ValueError):
        encode(message)


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, ""), (1, "01"), (255, "ff"), (256, "01 00"), (65535, "ff ff"), (65536, "01 00 00"), (2**24, "01 00 00 00")],
)
def test_uint_option_format(value, data):
    assert uint_bytes(value) == unhex(data)
    message = of(CON, GET, 1, b"", [(SIZE1, unhex(data))], b"")
    assert message.uint(SIZE1) == value
    assert message.uint(SIZE2) is None


def test_reading_options():
    message = of(CON, GET, 1, b"", [(URI_PATH, b"3"), (URI_PATH, b"0"), (ACCEPT, b"\0\x0c")], b"")
    assert message.option(URI_PATH) == b"3"
    assert message.all(URI_PATH) == [b"3", b"0"]
    assert message.uint(ACCEPT) == 12
    assert message.option(OBSERVE) is None
    assert message.all(OBSERVE) == []
    assert "0.01" in repr(message)
