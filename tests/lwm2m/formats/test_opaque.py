import pytest
from hypothesis import given, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import opaque
from atiny.lwm2m.types import INTEGER, OPAQUE, STRING
from tests.lwm2m.formats.vectors import I, O, type_of


@given(st.sampled_from([(3442, 0, O), (3442, 0, O, 7)]), st.binary())
def test_round_trip(path, value):
    assert opaque.encode(path, [(path, OPAQUE, value)]) == value
    assert opaque.decode(path, value, type_of) == [(path, value)]


def test_an_unknown_resource():
    assert opaque.decode((3442, 0, 999), b"\x00\xff", type_of) == [((3442, 0, 999), b"\x00\xff")]


@pytest.mark.parametrize(
    ("base", "entries"),
    [
        ((3442, 0, O), []),
        ((3442, 0), [((3442, 0, O), OPAQUE, b"x")]),
        ((3442, 0, O), [((3442, 0, O), OPAQUE, {})]),
        ((3442, 0, O), [((3442, 0, O, 0), OPAQUE, b"x")]),
        ((3442, 0, O), [((3442, 0, O, 0), OPAQUE, b"x"), ((3442, 0, O, 1), OPAQUE, b"y")]),
        ((3442, 0, I), [((3442, 0, I), INTEGER, 5)]),
        ((3442, 0, 0), [((3442, 0, 0), STRING, "x")]),
        ((3442, 0), [((3442, 0), 0, None)]),
    ],
)
def test_what_opaque_cannot_carry(base, entries):
    with pytest.raises(CodecError):
        opaque.encode(base, entries)


@pytest.mark.parametrize("base", [(3442,), (3442, 0), (3442, 0, I), (3442, 0, 9)])
def test_opaque_is_for_opaque_resources(base):
    with pytest.raises(CodecError):
        opaque.decode(base, b"x", type_of)
