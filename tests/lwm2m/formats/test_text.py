import struct

import pytest
from hypothesis import given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import text
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME
from tests.lwm2m.formats.vectors import TEXT, TEXT_BAD, TEXT_DECODE, type_of


def encode(rid: int, value) -> bytes:
    path = (3442, 0, rid)
    return text.encode(path, [(path, type_of(3442, rid) or 0, value)])


def decode(rid: int, payload: bytes) -> object:
    path = (3442, 0, rid)
    [(decoded_path, value)] = text.decode(path, payload, type_of)
    assert decoded_path == path
    return value


@pytest.mark.parametrize(("rid", "value", "payload"), TEXT)
def test_vectors_both_ways(rid, value, payload):
    assert encode(rid, value) == payload
    assert decode(rid, payload) == value
    assert type(decode(rid, payload)) is type(value)


@pytest.mark.parametrize(("rid", "payload", "value"), TEXT_DECODE)
def test_what_peers_also_send(rid, payload, value):
    assert decode(rid, payload) == value
    assert type(decode(rid, payload)) is type(value)


@pytest.mark.parametrize(("rid", "payload"), TEXT_BAD)
def test_malformed(rid, payload):
    with pytest.raises(CodecError):
        decode(rid, payload)


def test_a_resource_instance():
    path = (3, 0, 6, 1)
    assert text.encode(path, [(path, INTEGER, 5)]) == b"5"
    assert text.decode(path, b"5", type_of) == [(path, 5)]


@pytest.mark.parametrize(
    ("base", "entries"),
    [
        ((3, 0, 9), []),
        ((3, 0), [((3, 0, 9), INTEGER, 100)]),
        ((3,), [((3, 0, 9), INTEGER, 100)]),
        ((3, 0, 9), [((3, 0, 9), INTEGER, 100), ((3, 0, 10), INTEGER, 15)]),
        ((3, 0, 6), [((3, 0, 6, 0), INTEGER, 1)]),  # multiple, even if it has one instance
        ((3, 0, 6), [((3, 0, 6), INTEGER, {})]),
        ((3, 0, 0), [((3, 0, 0), STRING, {})]),
        ((3, 0), [((3, 0), 0, None)]),
        ((3, 0, 4), [((3, 0, 4), 0, None)]),
        ((3442, 0, 2), [((3442, 0, 2), FLOAT, float("nan"))]),
        ((3442, 0, 2), [((3442, 0, 2), FLOAT, float("inf"))]),
        ((3442, 0, 2), [((3442, 0, 2), FLOAT, float("-inf"))]),
    ],
)
def test_what_text_cannot_carry(base, entries):
    with pytest.raises(CodecError):
        text.encode(base, entries)


@pytest.mark.parametrize("base", [(3,), (3, 0)])
def test_text_is_for_resources(base):
    with pytest.raises(CodecError):
        text.decode(base, b"5", type_of)


VALUES = {
    STRING: st.text(),
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    BOOLEAN: st.booleans(),
    OPAQUE: st.binary(),
    TIME: st.integers(-(2**63), 2**63 - 1),
    OBJLNK: st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
}


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))
def test_round_trip(pair):
    kind, value = pair
    payload = text.encode((1, 2, 3), [((1, 2, 3), kind, value)])
    assert text.decode((1, 2, 3), payload, lambda oid, rid: kind) == [((1, 2, 3), value)]


@given(st.integers(0, 2**64 - 1))
def test_floats_are_written_as_signed_decimals(bits):
    value = struct.unpack(">d", struct.pack(">Q", bits))[0]
    if value - value == 0:
        payload = text.encode((1, 2, 3), [((1, 2, 3), FLOAT, value)])
        assert not payload.strip(b"-0123456789.")
        whole, point, fraction = payload.lstrip(b"-").partition(b".")
        assert whole.isdigit()
        assert point
        assert fraction.isdigit()
        assert float(payload) == value


@settings(max_examples=500)
@given(
    st.integers(0, 7), st.one_of(st.binary(max_size=40), st.text("0123456789.-+eE:_ =AQ", max_size=20).map(str.encode))
)
def test_random_bytes(rid, payload):
    try:
        decoded = text.decode((3442, 0, rid), payload, type_of)
    except CodecError:
        return
    assert [path for path, _ in decoded] == [(3442, 0, rid)]


@given(st.binary(max_size=8))
def test_the_checks_that_micropython_needs_change_nothing(data):
    """CPython refuses what is not UTF-8 by itself; the rules that are added for MicroPython agree with it."""
    strict = lax = "refused"
    try:
        strict = text.utf8(data)
    except CodecError:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_LAX_UTF8", True)
        try:
            lax = text.utf8(data)
        except CodecError:
            pass
    assert strict == lax
