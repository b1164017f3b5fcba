"""Notification attributes: what may be written, what is in force where, and that a bad set changes nothing."""

import pytest
from hypothesis import given, settings, strategies as st

from atiny.coap.codes import BAD_REQUEST
from atiny.errors import Rejected
from atiny.lwm2m.attributes import Attributes
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME
from tests.lwm2m.vectors_attributes import BAD, BEFORE, GOOD

RESOURCE = (3303, 0, 5700)


def written(*queries, type=FLOAT, path=RESOURCE):
    attributes = Attributes()
    attributes.write(path, [query.encode() for query in queries], type)
    return attributes


@pytest.mark.parametrize(("queries", "own"), GOOD)
def test_good_sets(queries, own):
    attributes = written(*queries)
    assert attributes.own(RESOURCE) == own
    assert attributes.in_force(RESOURCE) == dict(own)


@pytest.mark.parametrize("queries", BAD, ids=range(len(BAD)))
def test_bad_sets_change_nothing(queries):
    attributes = written(*BEFORE)
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


# -- all of them, kept and loaded again


def test_all_in_ascending_order():
    attributes = Attributes()
    assert attributes.all() == []
    for path in ((3303, 10), (3303, 2, 5700), (3303,), (3, 0, 9), (3303, 2)):
        attributes.write(path, [b"pmin=%d" % len(path), b"pmax=9"], FLOAT)
    assert attributes.all() == [
        ((3, 0, 9), {"pmin": 3, "pmax": 9}),
        ((3303,), {"pmin": 1, "pmax": 9}),
        ((3303, 2), {"pmin": 2, "pmax": 9}),
        ((3303, 2, 5700), {"pmin": 3, "pmax": 9}),
        ((3303, 10), {"pmin": 2, "pmax": 9}),
    ]
    attributes.write((3303, 10), [b"pmin", b"pmax"], None)
    attributes.forget((3303, 2))
    assert attributes.all() == [((3, 0, 9), {"pmin": 3, "pmax": 9}), ((3303,), {"pmin": 1, "pmax": 9})]


@pytest.mark.parametrize(("queries", "own"), GOOD)
def test_loaded_they_are_what_they_were(queries, own):
    attributes = written(*queries)
    attributes.write((3303,), [b"pmax=77"], None)
    loaded = written("pmin=1", "gt=5", path=(1, 2, 3))
    loaded.load(attributes.all())
    assert loaded.all() == attributes.all()
    assert loaded.own(RESOURCE) == own
    assert loaded.in_force(RESOURCE) == {"pmax": 77, **dict(own)}


def test_what_is_told_and_what_is_loaded_is_a_copy():
    attributes = written("pmin=1")
    rows = attributes.all()
    rows[0][1]["pmin"] = 2
    assert attributes.all() == [(RESOURCE, {"pmin": 1})]
    attributes.load(rows)
    rows[0][1]["pmin"] = 3
    assert attributes.all() == [(RESOURCE, {"pmin": 2})]


@pytest.mark.parametrize(
    "row",
    [
        ((), {"pmin": 1}),
        ((3303, 0, 5700, 0), {"pmin": 1}),
        ((3303,), {}),
        ((3303,), {"dim": 1}),
        ((3303,), {"pmin": 1, "dim": 1}),
        ((3303,), {"pmin": -1}),
        ((3303,), {"pmin": 1.0}),
        ((3303,), {"pmin": 2**63}),
        ((3303,), {"pmin": 2, "pmax": 1}),
        ((3303, 0), {"gt": 1}),
        (RESOURCE, {"gt": float("nan")}),
        (RESOURCE, {"lt": float("inf")}),
        (RESOURCE, {"st": 0}),
        (RESOURCE, {"lt": 1, "gt": 1}),
    ],
)
def test_what_no_server_could_have_set_is_not_loaded(row):
    attributes = Attributes()
    attributes.load([((3, 0), {"pmin": 1}), row, ((5, 0), {"pmax": 9})])
    assert attributes.all() == [((3, 0), {"pmin": 1}), ((5, 0), {"pmax": 9})]


# -- any query


@settings(max_examples=500)
@given(
    st.lists(
        st.binary(max_size=12)
        | st.tuples(
            st.sampled_from(["pmin", "pmax", "gt", "lt", "st", "x"]), st.text("0123456789.-e ", max_size=8)
        ).map(lambda pair: "=".join(pair).encode()),
        max_size=4,
    )
)
def test_queries_are_applied_whole_or_not_at_all(queries):
    attributes = written(*BEFORE)
    before = attributes.all()
    code = None
    try:
        attributes.write(RESOURCE, queries, FLOAT)
    except Rejected as error:
        code = error.code
    if code is not None:
        assert (code, attributes.all()) == (BAD_REQUEST, before)
        return
    # What is set holds together, and can be kept.
    after = attributes.in_force(RESOURCE)
    assert {query.partition(b"=")[0].decode() for query in queries if query[-1:].isdigit()} <= set(after)
    assert not after.get("pmax") or after.get("pmin", 0) <= after["pmax"]
    assert "gt" not in after or "lt" not in after or after["lt"] + 2 * after.get("st", 0) < after["gt"]
    loaded = Attributes()
    loaded.load(attributes.all())
    assert loaded.all() == attributes.all()
