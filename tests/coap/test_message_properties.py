"""The message codec under random input, with aiocoap's codec as the other opinion."""

import aiocoap
from hypothesis import example, given, strategies as st

from atiny.coap.message import Message, decode, encode

from .codec import check_decode, fields, of
from .peer import (
    ACCEPT,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CONTENT,
    CONTENT_FORMAT,
    CREATED,
    ETAG,
    GET,
    IF_MATCH,
    LOCATION_PATH,
    MAX_AGE,
    OBSERVE,
    POST,
    PROXY_URI,
    PUT,
    SIZE1,
    SIZE2,
    URI_HOST,
    URI_PATH,
    URI_PORT,
    URI_QUERY,
    options_of,
    pack,
)

codes = st.integers(0, 255)
option_values = st.one_of(st.binary(max_size=16), st.binary(min_size=10, max_size=300))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    code = draw(codes)
    mid = draw(st.integers(0, 0xFFFF))
    type = draw(st.integers(0, 3))
    if code == 0:
        return of(type, 0, mid, b"", [], b"")
    numbers = st.one_of(st.integers(0, 60), st.integers(0, 0xFFFF))
    options = sorted(draw(st.lists(st.tuples(numbers, option_values), max_size=8)), key=lambda option: option[0])
    return of(type, code, mid, draw(st.binary(max_size=8)), options, draw(st.binary(max_size=64)))


@given(messages())
def test_round_trip(message):
    assert fields(decode(encode(message))) == fields(message)


@given(st.binary(max_size=200))
@example(b"")
def test_random_bytes(data):
    check_decode(data)


@given(st.binary(max_size=200), st.integers(0, 8), st.integers(0, 3), st.integers(1, 255))
def test_random_bytes_after_a_header(data, token_length, type, code):
    check_decode(bytes((0x40 | type << 4 | token_length, code, 0, 1)) + data)


@given(messages(), st.data())
def test_mutated_messages(message, data):
    datagram = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(datagram)))
        kind = data.draw(st.sampled_from("ridt"))
        if kind == "i":
            datagram.insert(position, data.draw(st.integers(0, 255)))
        elif kind == "t":
            datagram = datagram[:position]
        elif position < len(datagram):
            if kind == "r":
                datagram[position] = data.draw(st.integers(0, 255))
            else:
                del datagram[position]
    check_decode(bytes(datagram))


# What aiocoap takes for an option of each number: it knows text and numbers in their shortest form.
text = st.text("az09/é€😀 ", max_size=12).map(str.encode)
short = st.integers(0, 0xFFFF).map(lambda value: value.to_bytes((value.bit_length() + 7) // 8, "big"))
FORMATS = {
    IF_MATCH: st.binary(max_size=8),
    URI_HOST: text,
    ETAG: st.binary(max_size=8),
    OBSERVE: short,
    URI_PORT: short,
    LOCATION_PATH: text,
    URI_PATH: text,
    CONTENT_FORMAT: short,
    MAX_AGE: short,
    URI_QUERY: text,
    ACCEPT: short,
    BLOCK2: short,
    BLOCK1: short,
    SIZE2: short,
    PROXY_URI: text,
    SIZE1: short,
    2053: st.binary(max_size=300),  # reserved for experiments, as those beyond 65000 (section 12.2)
    65001: st.binary(max_size=300),
    65535: st.binary(max_size=300),
}
aiocoap_codes = st.sampled_from([GET, POST, PUT, 4, CREATED, CHANGED, CONTENT, 0x5F, 0x80, 0x84, 0x8D, 0xA0])
aiocoap_options = st.lists(
    st.sampled_from(sorted(FORMATS)).flatmap(lambda number: st.tuples(st.just(number), FORMATS[number])), max_size=8
).map(lambda options: sorted(options, key=lambda option: option[0]))


@given(
    st.integers(0, 3),
    aiocoap_codes,
    st.integers(0, 0xFFFF),
    st.binary(max_size=8),
    aiocoap_options,
    st.binary(max_size=64),
)
def test_aiocoap_agrees(type, code, mid, token, options, payload):
    datagram = encode(of(type, code, mid, token, options, payload))
    theirs = aiocoap.Message.decode(datagram)
    assert (theirs.mtype, theirs.code, theirs.mid, theirs.token) == (type, code, mid, token)
    assert (options_of(theirs), theirs.payload) == (options, payload)
    assert pack(type, code, mid, token, options, payload) == datagram
    assert fields(decode(pack(type, code, mid, token, options, payload))) == (type, code, mid, token, options, payload)


@given(st.integers(0, 3), st.integers(0, 0xFFFF))
def test_aiocoap_agrees_on_empty_messages(type, mid):
    datagram = encode(of(type, 0, mid, b"", [], b""))
    theirs = aiocoap.Message.decode(datagram)
    assert (theirs.mtype, theirs.code, theirs.mid, theirs.payload) == (type, 0, mid, b"")
    assert fields(decode(pack(type, 0, mid))) == (type, 0, mid, b"", [], b"")
