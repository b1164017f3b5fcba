"""The formats in requests, on the wire: what is read and written in JSON, and that bad input in any of them is 4.00 and
changes nothing.
"""

import json as peer

import pytest
from hypothesis import given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import JSON, JSON_LEGACY, TEXT, TLV, TLV_LEGACY, codec
from tests.lwm2m.formats.everything import Everything, known
from tests.lwm2m.formats.vectors import TEXT_BAD, octets
from tests.lwm2m.formats.vectors_json import JSON_BAD
from tests.lwm2m.formats.vectors_json_syntax import NOT_JSON
from tests.lwm2m.formats.vectors_tlv import TLV_BAD
from tests.lwm2m.rig import Rig, dotted

LONGEST = 1024  # of a payload in one datagram


@pytest.fixture
def thing():
    return Everything()


@pytest.fixture
def rig(thing):
    return Rig(thing)


# -- JSON

SINGLE: "list[dict]" = [
    {"n": "0", "sv": "text"},
    {"n": "1", "v": -(2**63)},
    {"n": "2", "v": 2.5},
    {"n": "3", "bv": True},
    {"n": "4", "sv": "AP8="},
    {"n": "5", "v": 2**63 - 1},
    {"n": "6", "ov": "3:0"},
]
MULTIPLE: "list[dict]" = [
    {"n": "20/0", "sv": ""},
    {"n": "20/65535", "sv": "\u20ac"},
    {"n": "21/0", "v": 1},
    {"n": "21/300", "v": -2},
    {"n": "23/7", "bv": False},
    {"n": "24/1", "sv": "AQID"},
    {"n": "25/0", "v": 0},
    {"n": "26/0", "ov": "65535:65535"},
]

# path -> the document of a Read
READS = [
    ("3442/0", {"bn": "/3442/0/", "e": SINGLE + MULTIPLE}),
    ("3442", {"bn": "/3442/", "e": [{**entry, "n": "0/" + entry["n"]} for entry in SINGLE + MULTIPLE]}),
    ("3442/0/1", {"bn": "/3442/0/1", "e": [{"v": -(2**63)}]}),
    ("3442/0/4", {"bn": "/3442/0/4", "e": [{"sv": "AP8="}]}),
    ("3442/0/21", {"bn": "/3442/0/21/", "e": [{"n": "0", "v": 1}, {"n": "300", "v": -2}]}),
    ("3442/0/21/300", {"bn": "/3442/0/21/300", "e": [{"v": -2}]}),
    ("3442/0/22", {"bn": "/3442/0/22", "e": []}),
    ("19/0/0", {"bn": "/19/0/0", "e": [{"sv": "AA=="}]}),
    ("1/0/7", {"bn": "/1/0/7", "e": [{"sv": "U"}]}),
]


@pytest.mark.parametrize("content_format", [JSON, JSON_LEGACY])
@pytest.mark.parametrize(("path", "document"), READS)
def test_read(rig, path, document, content_format):
    response = rig.ask("GET", path, accept=content_format)
    assert (dotted(response), response.opt.content_format) == ("2.05", content_format)
    assert peer.loads(response.payload) == document


def test_what_json_cannot_carry_is_not_acceptable(rig, thing):
    thing.number = float("nan")
    for path in ("3442", "3442/0", "3442/0/2"):
        response = rig.ask("GET", path, accept=JSON)
        assert (dotted(response), response.payload) == ("4.06", b"")
    assert dotted(rig.ask("GET", "3442/0/1", accept=JSON)) == "2.05"


# method, path, document -> what is then different
WRITES = [
    ("PUT", "3442/0/0", {"bn": "/3442/0/0", "e": [{"sv": "new"}]}, dict(string="new")),
    ("PUT", "3442/0/1", {"bn": "/3442/0/", "e": [{"n": "1", "v": 2**63 - 1}]}, dict(integer=2**63 - 1)),
    ("PUT", "3442/0/4", {"e": [{"n": "/3442/0/4", "sv": ""}]}, dict(opaque=b"")),
    ("PUT", "3442/0/6", {"bn": "/3442/0/6", "e": [{"sv": "5:1"}]}, dict(link=(5, 1))),
    ("PUT", "3442/0/21", {"bn": "/3442/0/21/", "e": [{"n": "5", "v": 6}]}, dict(integers={5: 6})),
    ("PUT", "3442/0/21", {"bn": "/3442/0/21", "e": []}, dict(integers={})),
    ("POST", "3442/0/21", {"bn": "/3442/0/21/", "e": [{"n": "5", "v": 6}]}, dict(integers={0: 1, 300: -2, 5: 6})),
    ("PUT", "3442/0/21/0", {"bn": "/3442/0/21/0", "e": [{"v": 6}]}, dict(integers={0: 6, 300: -2})),
    ("POST", "3442/0", {"bn": "/3442/0/", "e": [{"n": "1", "v": 5}]}, dict(integer=5)),
    (  # the instances of a resource need not stand side by side
        "POST",
        "3442/0",
        {"bn": "/3442/0/", "e": [{"n": "26/1", "ov": "3:0"}, {"n": "2", "v": 1}, {"n": "26/0", "ov": "4:0"}]},
        dict(number=1.0, links={0: (4, 0), 1: (3, 0)}),
    ),
    (
        "PUT",
        "3442/0",
        {"bn": "/3442/0/", "e": [{"n": "26/1", "ov": "3:0"}, {"n": "3", "bv": False}, {"n": "26/0", "ov": "4:0"}]},
        dict.fromkeys(Everything().state(), None) | dict(boolean=False, links={0: (4, 0), 1: (3, 0)}),
    ),
]


@pytest.mark.parametrize("content_format", [JSON, JSON_LEGACY])
@pytest.mark.parametrize(("method", "path", "document", "different"), WRITES)
def test_write(rig, thing, method, path, document, different, content_format):
    before = thing.state()
    response = rig.ask(method, path, payload=peer.dumps(document).encode(), content_format=content_format)
    assert dotted(response) == "2.04"
    assert thing.state() == {**before, **different}


def test_create(rig):
    entries = [{"n": "7/1", "v": 1}, {"n": "9/1", "v": 2}, {"n": "7/0", "sv": "seven"}]
    payload = peer.dumps({"bn": "/3442/", "e": entries}).encode()
    assert dotted(rig.ask("POST", "3442", payload=payload, content_format=JSON)) == "2.01"
    read = [rig.ask("GET", path).payload for path in ("3442/7/0", "3442/7/1", "3442/9/1")]
    assert read == [b"seven", b"1", b"2"]


def test_application_data_in_json(rig):
    payload = b'{"bn":"/19/1/0","e":[{"sv":"aGk="}]}'
    taken: "list[bytes]" = []
    rig.agent.model.objects[19].instances[1].write_data = taken.append
    assert dotted(rig.ask("PUT", "19/1/0", payload=payload, content_format=JSON)) == "2.04"
    assert taken == [b"hi"]


# -- bad input

BAD = (
    [((3442, 0, rid), payload, TEXT) for rid, payload in TEXT_BAD]
    + [(base, octets(text), TLV) for base, text in TLV_BAD]
    + [(base, payload, JSON) for base, payload in JSON_BAD]
    + [((3442, 0), payload, JSON) for payload in NOT_JSON]
    # What comes first is good.
    + [
        ((3442, 0), octets("C3 00 6E6577 C1 01 05 C9 03 01"), TLV),
        ((3442, 0), octets("C3 00 6E6577 C1 01 05 C1 03 02"), TLV),
        ((3442, 0), octets("C3 00 6E6577 88 15 02 41 00"), TLV),
        ((3442, 0), b'{"bn":"/3442/0/","e":[{"n":"0","sv":"new"},{"n":"1","v":5},{"n":"3","bv":2}]}', JSON),
        ((3442, 0), b'{"bn":"/3442/0/","e":[{"n":"0","sv":"new"},{"n":"1","v":5}]}}', JSON),
        ((3442, 0), b'{"bn":"/3442/0/","e":[{"n":"0","sv":"new"},{"n":"21/0","v":5},{"n":"21/1","v":1e99}]}', JSON),
        ((3442,), octets("05 07 C3 00 6E6577 03 09 C1 03 02"), TLV),
        ((3442,), b'{"bn":"/3442/","e":[{"n":"7/0","sv":"new"},{"n":"9/3","v":2}]}', JSON),
    ]
)
HERE = [row for row in BAD if row[0][:2] in ((3442,), (3442, 0)) and len(row[0]) < 4 and len(row[1]) <= LONGEST]


def test_nearly_all_of_the_bad_vectors_are_tried():
    assert len(HERE) > 0.8 * len(BAD)


@pytest.mark.parametrize(("base", "payload", "content_format"), HERE, ids=range(len(HERE)))
def test_bad_input_changes_nothing(rig, thing, base, payload, content_format):
    before = thing.state()
    path = "/".join(map(str, base))
    for method in ("POST",) if len(base) == 1 else ("PUT", "POST") if len(base) == 2 else ("PUT",):
        for number in (content_format, {TLV: TLV_LEGACY, JSON: JSON_LEGACY}.get(content_format, content_format)):
            response = rig.ask(method, path, payload=payload, content_format=number)
            if content_format == TEXT and base[2] > 6:
                assert dotted(response) == "4.04", "it is not there"
            else:
                assert dotted(response) == "4.00"
            assert thing.state() == before
            assert rig.agent.model.objects[3442].ids == [0]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_write_of_damaged_bytes_is_applied_whole_or_not_at_all(data):
    thing = Everything()
    rig = Rig(thing)
    content_format = data.draw(st.sampled_from([TLV, JSON]))
    payload = bytearray(rig.ask("GET", "3442/0", accept=content_format).payload)
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(payload) - 1))
        if data.draw(st.booleans()):
            payload[position] ^= 1 << data.draw(st.integers(0, 7))
        else:
            payload[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    before = thing.state()
    response = rig.ask("POST", "3442/0", payload=bytes(payload), content_format=content_format)
    found = codec(content_format)
    assert found is not None
    try:
        values = found[1]((3442, 0), bytes(payload), known)
    except CodecError:
        assert dotted(response) == "4.00"
        values = None
    if dotted(response) != "2.04":
        assert thing.state() == before
        return
    assert values is not None
    after = thing.state()
    names = {row.id: row.name for row in Everything.resources}
    for path, value in values:
        found = after[names[path[2]]]
        if len(path) == 4:
            found = found[path[3]]
        elif type(value) is dict:
            continue  # an update with no instances leaves those that there are
        assert repr(found) == repr(value)
    untouched = set(after) - {names[path[2]] for path, _ in values}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
