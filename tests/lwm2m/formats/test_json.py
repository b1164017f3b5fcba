import json as peer
import struct

import pytest
from hypothesis import given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import json, tlv
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME
from tests.lwm2m.formats.vectors import I, type_of, typed
from tests.lwm2m.formats.vectors_json import DEVICE_JSON, JSON, JSON_BAD, JSON_DECODE, JSON_ENCODE
from tests.lwm2m.formats.vectors_json_syntax import NOT_JSON
from tests.lwm2m.formats.vectors_tlv import DEVICE


@pytest.mark.parametrize(("base", "values", "payload"), JSON)
def test_vectors_both_ways(base, values, payload):
    assert json.encode(base, typed(values)) == payload
    decoded = json.decode(base, payload, type_of)
    assert decoded == values
    assert [type(value) for _, value in decoded] == [type(value) for _, value in values]


@pytest.mark.parametrize(("base", "values", "payload"), JSON_ENCODE)
def test_what_has_no_words_is_left_out(base, values, payload):
    assert json.encode(base, typed(values)) == payload


@pytest.mark.parametrize(("base", "payload", "values"), JSON_DECODE, ids=range(len(JSON_DECODE)))
def test_what_peers_also_send(base, payload, values):
    decoded = json.decode(base, payload, type_of)
    assert decoded == values
    assert [type(value) for _, value in decoded] == [type(value) for _, value in values]


@pytest.mark.parametrize(("base", "payload"), JSON_BAD, ids=range(len(JSON_BAD)))
def test_malformed(base, payload):
    with pytest.raises(CodecError):
        json.decode(base, payload, type_of)


@pytest.mark.parametrize("text", NOT_JSON, ids=range(len(NOT_JSON)))
def test_what_is_not_json(text):
    for payload in (text, b'{"e":[],"x":' + text + b"}", b'{"bn":"/3/0/9","e":[{"v":5,"x":' + text + b"}]}"):
        with pytest.raises(CodecError):
            json.decode((3, 0, 9), payload, type_of)


@pytest.mark.parametrize("base", [(3,), (3, 0), (3, 0, 9), (3, 0, 6, 1)])
def test_every_truncation_is_malformed(base):
    for _, _, payload in JSON:
        for end in range(len(payload)):
            with pytest.raises(CodecError):
                json.decode(base, payload[:end], type_of)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_json_cannot_carry(value):
    with pytest.raises(CodecError):
        json.encode((3442, 0, 2), [((3442, 0, 2), FLOAT, float(value))])
    with pytest.raises(CodecError):
        json.encode((3442, 0), [((3442, 0, I), INTEGER, 5), ((3442, 0, 2), FLOAT, float(value))])


def test_a_type_without_values_cannot_be_encoded():
    with pytest.raises(CodecError):
        json.encode((3, 0, 4), [((3, 0, 4), 0, None)])


def test_many_entries_out_of_order_are_quick():
    entries = b",".join(b'{"n":"%d","v":1}' % rid for rid in range(19999, -1, -1))
    payload = b'{"bn":"/3442/0/","e":[%s]}'
    decoded = json.decode((3442, 0), payload % entries, lambda oid, rid: INTEGER)
    assert [path[2] for path, _ in decoded] == list(range(20000))
    with pytest.raises(CodecError):
        json.decode((3442, 0), payload % (entries + b',{"n":"19999","v":1}'), lambda oid, rid: INTEGER)


# Whole trees, as an independent reader and writer of JSON see them; the type of a resource is read off its id.

KINDS = (STRING, INTEGER, FLOAT, BOOLEAN, OPAQUE, TIME, OBJLNK)
VALUES = {
    STRING: st.text(max_size=50),
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    BOOLEAN: st.booleans(),
    OPAQUE: st.binary(max_size=50),
    TIME: st.integers(-(2**63), 2**63 - 1),
    OBJLNK: st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
}
IDS = st.integers(0, 20) | st.integers(0, 65535)


def kind_of(oid: int, rid: int) -> int:
    return KINDS[rid % 7]


@st.composite
def resources(draw, iid: int) -> list:
    """Values of an instance, in ascending order."""
    out: list = []
    for rid in sorted(draw(st.lists(IDS, unique=True, max_size=6))):
        values = VALUES[kind_of(3442, rid)]
        if draw(st.booleans()):
            out.append(((3442, iid, rid), draw(values)))
        else:
            instances = draw(st.dictionaries(IDS, values, min_size=1, max_size=4))
            out.extend(((3442, iid, rid, riid), instances[riid]) for riid in sorted(instances))
    return out


OBJECTS = st.lists(IDS, unique=True, max_size=4).flatmap(
    lambda ids: st.tuples(*[resources(iid) for iid in sorted(ids)]).map(lambda parts: sum(parts, []))
)


def entries_of(values: list) -> list:
    return [(path, kind_of(path[0], path[2]), value) for path, value in values]


@given(OBJECTS)
def test_round_trip_object(values):
    assert json.decode((3442,), json.encode((3442,), entries_of(values)), kind_of) == values


@given(resources(5))
def test_round_trip_instance_and_resources(values):
    assert json.decode((3442, 5), json.encode((3442, 5), entries_of(values)), kind_of) == values
    for base in {path[:3] for path, _ in values}:
        mine = [(path, value) for path, value in values if path[:3] == base]
        assert json.decode(base, json.encode(base, entries_of(mine)), kind_of) == mine
        for path, value in mine:
            if len(path) == 4:
                assert json.decode(path, json.encode(path, entries_of([(path, value)])), kind_of) == [(path, value)]


@given(resources(5))
def test_another_reader_finds_the_same(values):
    document = peer.loads(json.encode((3442, 5), entries_of(values)))
    assert list(document) == ["bn", "e"]
    assert len(document["e"]) == len(values)
    for entry, (path, value) in zip(document["e"], values, strict=True):
        member = {STRING: "sv", OPAQUE: "sv", BOOLEAN: "bv", OBJLNK: "ov"}.get(kind_of(*path[:3:2]), "v")
        assert list(entry) == ["n", member]
        assert document["bn"] + entry["n"] == "/" + "/".join(map(str, path))
        if kind_of(*path[:3:2]) in (STRING, INTEGER, TIME, FLOAT, BOOLEAN):
            assert entry[member] == value


@given(resources(5), st.randoms(use_true_random=False), st.booleans())
def test_another_writer_in_any_order(values, random, ascii_only):
    entries = peer.loads(json.encode((3442, 5), entries_of(values)))["e"]
    random.shuffle(entries)
    text = peer.dumps({"e": entries, "bn": "/3442/5/"}, indent=2, ensure_ascii=ascii_only)
    assert json.decode((3442, 5), text.encode(), kind_of) == values


@given(OBJECTS)
def test_it_says_what_tlv_says(values):
    entries = entries_of(values)
    assert json.decode((3442,), json.encode((3442,), entries), kind_of) == tlv.decode(
        (3442,), tlv.encode((3442,), entries), kind_of
    )


@given(st.integers(0, 2**64 - 1))
def test_every_float(bits):
    value = struct.unpack(">d", struct.pack(">Q", bits))[0]
    if value - value == 0:
        payload = json.encode((1, 2, 3), [((1, 2, 3), FLOAT, value)])
        [(_, decoded)] = json.decode((1, 2, 3), payload, lambda oid, rid: FLOAT)
        assert struct.pack(">d", decoded) == struct.pack(">d", value)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 30))
def test_integers_in_scientific_notation_are_exact(value, shift):
    digits = "%d" % abs(value)
    number = "%s%s.%se%d" % ("-" if value < 0 else "", digits[:1], digits[1:] + "0" * shift or "0", len(digits) - 1)
    payload = b'{"bn":"/1/2/3","e":[{"v":%s}]}' % number.encode()
    assert json.decode((1, 2, 3), payload, lambda oid, rid: INTEGER) == [((1, 2, 3), value)]


# -- hostile bytes

BASES = st.sampled_from([(3442,), (3442, 0), (3442, 0, 0), (3442, 0, 1), (3442, 0, 6), (3442, 0, 1, 0)])


def check(base, payload: bytes) -> None:
    """A value or a `CodecError`; what was understood can be said, and is understood the same."""
    try:
        decoded = json.decode(base, payload, kind_of)
    except CodecError:
        return
    again = json.decode(base, json.encode(base, entries_of(decoded)), kind_of)
    assert again == decoded


# Documents of nearly the right form, of which many are understood.
NAMES = st.sampled_from(["", "0", "1", "1/0", "0/1", "6/0/0", "/1", "3442/0/1", "/3442/0/0", "/3442/0/1/0", "x"])
MEMBERS = st.dictionaries(
    st.sampled_from(["n", "v", "bv", "sv", "ov", "t", "x"]),
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.sampled_from(["AQ==", "3:0", "FFFF:FFFF"]),
    max_size=3,
)
DOCUMENTS = st.fixed_dictionaries(
    {"e": st.lists(MEMBERS, max_size=4)},
    optional={"bn": st.sampled_from(["", "/", "/3442", "/3442/", "/3442/0/", "/3442/0/1", "/3442/0/1/"])},
)


@settings(max_examples=500)
@given(BASES, st.binary(max_size=60) | st.text('{}[]:,"\\bnevs0123456789.-/', max_size=60).map(str.encode))
def test_random_bytes(base, payload):
    check(base, payload)


@settings(max_examples=500)
@given(BASES, DOCUMENTS)
def test_random_documents(base, document):
    check(base, peer.dumps(document).encode())


@settings(max_examples=300)
@given(OBJECTS, st.data())
def test_flipped_bits(values, data):
    payload = bytearray(json.encode((3442,), entries_of(values)))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    check((3442,), bytes(payload))


def test_every_flipped_bit_of_the_device_example():
    understood = 0
    for position in range(len(DEVICE_JSON) * 8):
        payload = bytearray(DEVICE_JSON)
        payload[position // 8] ^= 1 << position % 8
        try:
            decoded = json.decode((3, 0), bytes(payload), type_of)
        except CodecError:
            continue
        understood += 1
        assert decoded != DEVICE
    assert 0 < understood < len(DEVICE_JSON) * 8
