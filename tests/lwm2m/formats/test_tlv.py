import struct

import pytest
from hypothesis import given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import tlv
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME
from tests.lwm2m.formats.vectors import O, S, octets, type_of, typed
from tests.lwm2m.formats.vectors_tlv import TLV, TLV_BAD, TLV_DECODE


@pytest.mark.parametrize(("base", "values", "text"), TLV)
def test_vectors_both_ways(base, values, text):
    assert tlv.encode(base, typed(values)).hex() == octets(text).hex()
    decoded = tlv.decode(base, octets(text), type_of)
    assert decoded == values
    assert [type(value) for _, value in decoded] == [type(value) for _, value in values]


def test_device_example_is_the_specifications_121_bytes():
    payload = octets(TLV[0][2])
    assert len(payload) == 121
    assert payload.startswith(bytes.fromhex("C800144F70656E204D6F62696C6520416C6C69616E6365C80116"))


@pytest.mark.parametrize(("base", "text", "values"), TLV_DECODE)
def test_what_peers_also_send(base, text, values):
    assert tlv.decode(base, octets(text), type_of) == values


@pytest.mark.parametrize(("base", "text"), TLV_BAD)
def test_malformed(base, text):
    with pytest.raises(CodecError):
        tlv.decode(base, octets(text), type_of)


@pytest.mark.parametrize("base", [(3,), (3, 0), (3, 0, 9), (3, 0, 6, 1)])
def test_every_truncation_of_every_vector_is_a_list_or_a_codec_error(base):
    for _, _, text in TLV:
        payload = octets(text)
        for end in range(len(payload)):
            decode_or_codec_error(base, payload[:end])


def test_a_truncated_value_is_not_a_shorter_one():
    payload = octets("C8 00 14 4F 70 65 6E 20 4D 6F 62 69 6C 65 20 41 6C 6C 69 61 6E 63 65")
    for end in range(1, len(payload)):
        with pytest.raises(CodecError):
            tlv.decode((3, 0), payload[:end], type_of)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "C0 04"),
        (1, "C1 04"),
        (7, "C7 04"),
        (8, "C8 04 08"),
        (255, "C8 04 FF"),
        (256, "D0 04 01 00"),
        (65535, "D0 04 FF FF"),
        (65536, "D8 04 01 00 00"),
        (0xFFFFFF, "D8 04 FF FF FF"),
    ],
)
def test_lengths(size, head):
    path = (3442, 0, O)
    value = bytes(range(256)) * (size // 256) + bytes(size % 256)
    payload = tlv.encode(path, [(path, OPAQUE, value)])
    assert payload[: len(octets(head))] == octets(head)
    assert payload[len(octets(head)) :] == value
    assert tlv.decode(path, payload, type_of) == [(path, value)]


@pytest.mark.parametrize(
    ("size", "heads"),
    [
        (2, "06 05  84 04  42 09"),  # no length field but in the type byte
        (7, "08 05 0C  88 04 09  47 09"),
        (0xF0, "08 05 F6  88 04 F3  48 09 F0"),  # 8 bits
        (0x100, "10 05 01 08  90 04 01 04  50 09 01 00"),  # 16 bits
        (0x10000, "18 05 01 00 0A  98 04 01 00 05  58 09 01 00 00"),  # 24 bits
        (0xFFFFF0, "18 05 FF FF FA  98 04 FF FF F5  58 09 FF FF F0"),
    ],
)
def test_lengths_within_lengths(size, heads):
    path = (3442, 5, O, 9)
    value = bytes(size)
    payload = tlv.encode((3442,), [(path, OPAQUE, value)])
    assert payload == octets(heads) + value
    assert tlv.decode((3442,), payload, type_of) == [(path, value)]
    for short in (payload[:-1], payload[: len(octets(heads))]):
        with pytest.raises(CodecError):
            tlv.decode((3442,), short, type_of)


@pytest.mark.parametrize("base", [(3442,), (3442, 0), (3442, 0, 0), (3442, 0, 0, 0)])
@pytest.mark.parametrize("kind", [tlv.OBJECT_INSTANCE, tlv.RESOURCE_INSTANCE, tlv.MULTIPLE_RESOURCE])
def test_deep_nesting_is_not_followed(base, kind):
    payload = b""
    while len(payload) < 60000:
        payload = struct.pack(">BBH", kind | 0x10, 0, len(payload)) + payload
    with pytest.raises(CodecError):
        tlv.decode(base, payload, type_of)


def test_longer_than_24_bits_can_say():
    path = (3442, 0, O)
    with pytest.raises(CodecError):
        tlv.encode(path, [(path, OPAQUE, bytes(0x1000000))])
    with pytest.raises(CodecError):  # the value fits, the instance around it does not
        tlv.encode((3442,), [(path, OPAQUE, bytes(0xFFFFFF))])


@pytest.mark.parametrize(
    ("ident", "head"), [(0, "C1 00"), (255, "C1 FF"), (256, "E1 01 00"), (65534, "E1 FF FE"), (65535, "E1 FF FF")]
)
def test_ids(ident, head):
    path = (3442, 0, ident)
    payload = tlv.encode(path, [(path, STRING, "x")])
    assert payload == octets(head) + b"x"
    assert tlv.decode(path, payload, lambda oid, rid: STRING) == [(path, "x")]


def test_a_type_without_values_cannot_be_encoded():
    with pytest.raises(CodecError):
        tlv.encode((3, 0, 4), [((3, 0, 4), 0, None)])


def test_floats_of_ieee_754():
    for text, bits in (("7FF0000000000000", float("inf")), ("FFF0000000000000", float("-inf"))):
        assert tlv.decode((3442, 0, 2), octets("C8 02 08" + text), type_of) == [((3442, 0, 2), bits)]
    [(_, value)] = tlv.decode((3442, 0, 2), octets("C8 02 08 7FF8000000000000"), type_of)
    assert value != value
    assert tlv.encode((3442, 0, 2), [((3442, 0, 2), FLOAT, value)]) == octets("C8 02 08 7FF8000000000000")


def test_many_ids_in_descending_order_are_quick():
    # Were duplicates searched for pairwise, this would take minutes.
    payload = b"".join(struct.pack(">BH", 0xE0, rid) for rid in range(65535, -1, -1))
    assert len(tlv.decode((3442, 0), payload, lambda oid, rid: OPAQUE)) == 65536
    with pytest.raises(CodecError):
        tlv.decode((3442, 0), payload + b"\xe0\x00\x00", lambda oid, rid: OPAQUE)


# Whole trees: instances of resources, single and multiple; the type of a resource is read off its id.

KINDS = (STRING, INTEGER, FLOAT, BOOLEAN, OPAQUE, TIME, OBJLNK)
VALUES = {
    STRING: st.text(max_size=300),
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    FLOAT: st.floats(allow_nan=False),
    BOOLEAN: st.booleans(),
    OPAQUE: st.binary(max_size=300),
    TIME: st.integers(-(2**63), 2**63 - 1),
    OBJLNK: st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
}
IDS = st.one_of(st.integers(0, 20), st.integers(0, 65535))


def kind_of(oid: int, rid: int) -> int:
    return KINDS[rid % 7]


@st.composite
def resources(draw, iid: int) -> list:
    out: list = []
    for rid in draw(st.lists(IDS, unique=True, max_size=6)):
        path = (3442, iid, rid)
        values = VALUES[kind_of(3442, rid)]
        if draw(st.booleans()):
            out.append((path, draw(values)))
            continue
        instances = draw(st.dictionaries(IDS, values, max_size=4))
        if not instances:
            out.append((path, {}))
        out.extend([(path + (riid,), value) for riid, value in instances.items()])
    return out


@st.composite
def objects(draw) -> list:
    out: list = []
    for iid in draw(st.lists(IDS, unique=True, max_size=4)):
        out.extend(draw(resources(iid)) or [((3442, iid), None)])
    return out


def entries_of(values: list) -> list:
    return [(path, kind_of(path[0], path[2]) if len(path) > 2 else 0, value) for path, value in values]


@given(objects())
def test_round_trip_object(values):
    assert tlv.decode((3442,), tlv.encode((3442,), entries_of(values)), kind_of) == values


@given(resources(5))
def test_round_trip_instance(values):
    base = (3442, 5)
    payload = tlv.encode(base, entries_of(values))
    assert tlv.decode(base, payload, kind_of) == values
    # In a wrapper too; and without one on the object, for an instance whose id is not known yet.
    if values:
        wrapped = tlv.encode((3442,), entries_of(values))
        assert tlv.decode(base, wrapped, kind_of) == values
    assert tlv.decode((3442,), payload, kind_of) == [((3442, None) + path[2:], value) for path, value in values]


@given(resources(5))
def test_round_trip_resource(values):
    for base in {path[:3] for path, _ in values}:
        mine = [(path, value) for path, value in values if path[:3] == base]
        assert tlv.decode(base, tlv.encode(base, entries_of(mine)), kind_of) == mine
        for path, value in mine:
            if len(path) == 4:
                assert tlv.decode(path, tlv.encode(path, entries_of([(path, value)])), kind_of) == [(path, value)]


BASES = st.sampled_from([(3442,), (3442, 0), (3442, 0, 0), (3442, 0, 1), (3442, 0, 6), (3442, 0, 1, 0)])


def decode_or_codec_error(base, payload: bytes, type_of=type_of) -> "list | None":
    try:
        decoded = tlv.decode(base, payload, type_of)
    except CodecError:
        return None
    assert isinstance(decoded, list)
    return decoded


@settings(max_examples=500)
@given(BASES, st.binary(max_size=60))
def test_random_bytes(base, payload):
    decoded = decode_or_codec_error(base, payload, kind_of)
    if decoded is not None and all(path[1] is not None for path, _ in decoded):
        # What was understood can be said, and is understood the same (repr: NaN is not equal to itself).
        again = tlv.decode(base, tlv.encode(base, entries_of(decoded)), kind_of)
        assert repr(again) == repr(decoded)


@settings(max_examples=500)
@given(objects(), st.data())
def test_flipped_bits(values, data):
    payload = bytearray(tlv.encode((3442,), entries_of(values)))
    for _ in range(data.draw(st.integers(1, 4)) if payload else 0):
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    decode_or_codec_error((3442,), bytes(payload), kind_of)


def test_every_flipped_bit_of_the_device_example():
    payload = octets(TLV[0][2])
    decoded = 0
    for position in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[position // 8] ^= 1 << position % 8
        result = decode_or_codec_error((3, 0), bytes(flipped))
        if result == TLV[0][1]:  # the bits of a type byte that say nothing where there is a length field
            assert payload[position // 8] in (0xC8, 0x88)
            assert position % 8 < 3
        decoded += result is not None
    assert 0 < decoded < len(payload) * 8


def test_a_string_resource_is_text_at_any_length():
    path = (3442, 0, S)
    for size in (7, 8, 255, 256):
        value = "\u20ac" * size
        assert tlv.decode(path, tlv.encode(path, [(path, STRING, value)]), type_of) == [(path, value)]
