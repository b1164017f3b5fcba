"""Notification attributes: what may be written, what is in force where, and that a bad set changes nothing."""

import pytest

from atiny.coap.codes import BAD_REQUEST
from atiny.errors import Rejected
from atiny.lwm2m.attributes import Attributes
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME

RESOURCE = (3303, 0, 5700)


def written(*queries, type=FLOAT, path=RESOURCE):
    attributes = Attributes()
    attributes.write(path, [query.encode() for query in queries], type)
    return attributes


@pytest.mark.parametrize(
    ("queries", "own"),
    [
        ((), []),
        (("pmin=0",), [("pmin", 0)]),
        (("pmin=10", "pmax=60"), [("pmin", 10), ("pmax", 60)]),
        (("pmax=60", "pmin=60"), [("pmin", 60), ("pmax", 60)]),
        (("pmin=5", "pmax=0"), [("pmin", 5), ("pmax", 0)]),  # 0: there is no maximum
        (("pmin=4294967295",), [("pmin", 4294967295)]),
        (("gt=25", "lt=5"), [("gt", 25), ("lt", 5)]),
        (("gt=5.5", "lt=5"), [("gt", 5.5), ("lt", 5)]),
        (("gt=25.5", "lt=-5.25", "st=0.5"), [("gt", 25.5), ("lt", -5.25), ("st", 0.5)]),
        (("gt=-1", "lt=-10", "st=4"), [("gt", -1), ("lt", -10), ("st", 4)]),
        (("gt=007",), [("gt", 7)]),
        (("st=1000000000000000000",), [("st", 10**18)]),
        (("pmin",), []),
        (("pmin=",), []),
        (("gt", "lt=", "st"), []),
    ],
)
def test_good_sets(queries, own):
    attributes = written(*queries)
    assert attributes.own(RESOURCE) == own
    assert attributes.in_force(RESOURCE) == dict(own)


@pytest.mark.parametrize(
    "queries",
    [
        ("pmin=-1",), ("pmin=1.5",), ("pmax=1.0",), ("pmin=+1",), ("pmin= 1",), ("pmin=1 ",), ("pmin=1e3",),
        ("pmin=0x10",), ("pmin=1_000",), ("pmin=ten",), ("pmin==1",), ("pmin=²",), ("pmin=\u0663",),
        ("pmin=99999999999999999999999",), ("pmin=\x00",),
        ("gt=",  "gt=1"), ("gt=--1",), ("gt=-",), ("gt=.5",), ("gt=5.",), ("gt=1.5.1",), ("gt=nan",), ("gt=inf",),
        ("gt=1e5",), ("gt=1,5",), ("gt=-.5",), ("gt=1.-5",), ("gt=²",),
        ("st=0",), ("st=-1",), ("st=0.0",),
        ("unknown=1",), ("unknown",), ("",), ("=1",), ("PMIN=1",), ("pmin1",), ("dim=3",), ("ver=1.0",), ("epmin=1",),
        ("pmin=1", "unknown=1"), ("pmin=1", "pmin=1"), ("pmin=1", "pmin=2"), ("pmin", "pmin=2"),
        ("pmin=61", "pmax=60"), ("pmax=1", "pmin=2"),
        ("gt=5", "lt=5"), ("gt=5", "lt=6"), ("lt=10", "gt=20", "st=5"), ("lt=10", "gt=20", "st=5.5"),
    ],
)  # fmt: skip
def test_bad_sets_change_nothing(queries):
    attributes = written("pmin=3", "gt=30", "lt=20", "st=1")
    before = attributes.own(RESOURCE)
    with pytest.raises(Rejected) as caught:
        attributes.write(RESOURCE, [query.encode() for query in queries], FLOAT)
    assert caught.value.code == BAD_REQUEST
    assert attributes.own(RESOURCE) == before


@pytest.mark.parametrize("query", [b"\xff=1", b"pmin=\xff", b"pm\xc3\xa4x=1", b"gt=\xe2\x88\x921"])
def test_bytes_that_are_no_text(query):
    with pytest.raises(Rejected) as caught:
        Attributes().write(RESOURCE, [query], FLOAT)
    assert caught.value.code == BAD_REQUEST


@pytest.mark.parametrize("query", ["gt=1", "lt=1", "st=1", "gt"])
@pytest.mark.parametrize("type", [None, STRING, BOOLEAN, OPAQUE, OBJLNK])
def test_thresholds_are_for_numbers(query, type):
    for good in (INTEGER, FLOAT, TIME):
        written(query, type=good)
    with pytest.raises(Rejected) as caught:
        written(query, type=type)
    assert caught.value.code == BAD_REQUEST


def test_inheritance():
    attributes = Attributes()

    def write(path, *queries):
        attributes.write(path, [query.encode() for query in queries], FLOAT if len(path) == 3 else None)

    write((3303,), "pmin=10", "pmax=100")
    assert attributes.in_force(RESOURCE) == {"pmin": 10, "pmax": 100}
    assert attributes.own(RESOURCE) == []
    write((3303, 0), "pmin=20")
    write(RESOURCE, "gt=5")
    assert attributes.in_force(RESOURCE) == {"pmin": 20, "pmax": 100, "gt": 5}
    assert attributes.in_force((3303, 0)) == {"pmin": 20, "pmax": 100}
    assert attributes.in_force((3303, 1, 5700)) == {"pmin": 10, "pmax": 100}
    assert attributes.in_force((3303,)) == {"pmin": 10, "pmax": 100}
    assert attributes.in_force((3304, 0, 5700)) == {}
    write(RESOURCE, "pmin=30")
    assert attributes.in_force(RESOURCE)["pmin"] == 30
    write(RESOURCE, "pmin")
    assert attributes.in_force(RESOURCE)["pmin"] == 20, "unset: what the instance has holds again"
    write((3303, 0), "pmin=")
    assert attributes.in_force(RESOURCE)["pmin"] == 10
    write((3303,), "pmin", "pmax")
    assert attributes.in_force(RESOURCE) == {"gt": 5}


def test_what_is_inherited_must_fit_too():
    attributes = Attributes()
    attributes.write((3303,), [b"pmin=10"], None)
    with pytest.raises(Rejected):
        attributes.write(RESOURCE, [b"pmax=9"], FLOAT)
    attributes.write(RESOURCE, [b"pmax=10"], FLOAT)
    attributes.write(RESOURCE, [b"pmin=1", b"pmax=9"], FLOAT)
    with pytest.raises(Rejected):
        attributes.write(RESOURCE, [b"pmin"], FLOAT)
    assert attributes.in_force(RESOURCE) == {"pmin": 1, "pmax": 9}


def test_a_set_is_added_to_what_is_there():
    attributes = written("lt=10", "gt=20")
    with pytest.raises(Rejected):
        attributes.write(RESOURCE, [b"st=5"], FLOAT)
    attributes.write(RESOURCE, [b"st=4.5"], FLOAT)
    with pytest.raises(Rejected):
        attributes.write(RESOURCE, [b"gt=19"], FLOAT)
    attributes.write(RESOURCE, [b"gt=19", b"st"], FLOAT)
    assert attributes.own(RESOURCE) == [("gt", 19), ("lt", 10)]


def test_forgetting_what_was_deleted():
    attributes = Attributes()
    paths = ((3303,), (3303, 0), (3303, 0, 5700), (3303, 1), (3303, 10))
    for path in paths:
        attributes.write(path, [b"pmin=1"], FLOAT)
    attributes.forget((3303, 1))
    assert [path for path in paths if attributes.own(path)] == [path for path in paths if path != (3303, 1)]
    attributes.forget((3303, 0))
    assert [path for path in paths if attributes.own(path)] == [(3303,), (3303, 10)]
    attributes.forget((3303,))
    assert not [path for path in paths if attributes.own(path)]
