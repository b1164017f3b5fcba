import pytest

from atiny.errors import ATINY_ARG_INVALID, ParameterError
from atiny.lwm2m.path import overlaps, parse, render, segment


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/3", (3,)),
        ("/3/0", (3, 0)),
        ("3303/0/5700", (3303, 0, 5700)),
        ("/0/0/0/0/", (0, 0, 0, 0)),
        ("/65535/65535/65535/65535", (65535,) * 4),
        ((3, 0), (3, 0)),
        ((65535,), (65535,)),
    ],
)
def test_paths(path, ids):
    assert parse(path) == ids
    assert parse(render(ids)) == ids


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "//", "/3//0", "/a", "/3/x", "/-1", "/+1", "/ 3", "/3 ", "/3.0", "/03", "/00", "/65536", "/999999",
        "/1/2/3/4/5", "/²", "/\u0663", "/\ud800", (), (1, 2, 3, 4, 5), (-1,), (65536,), (3, "0"), (True,), (3.0,),
        None, 3, [3, 0], b"/3/0",
    ],
)  # fmt: skip
def test_what_is_no_path(path):
    with pytest.raises(ParameterError, match="is not a path") as caught:
        parse(path)
    assert caught.value.atiny_code == ATINY_ARG_INVALID


@pytest.mark.parametrize(
    ("value", "id"),
    [
        (b"0", 0), (b"9", 9), (b"10", 10), (b"65535", 65535), (b"65536", None), (b"100000", None), (b"", None),
        (b"00", None), (b"01", None), (b"-1", None), (b"+1", None), (b"a", None), (b"1a", None), (b"/", None),
        (b":", None), (b" 1", None), (b"1_0", None), (b"\xff", None), (b"\xc2\xb2", None), (b"rd", None),
    ],
)  # fmt: skip
def test_segments_of_the_wire(value, id):
    assert segment(value) == id


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ((3,), (3,), True),
        ((3,), (3, 0, 9), True),
        ((3, 0, 9), (3,), True),
        ((), (3, 0), True),
        ((3, 0), (3, 1), False),
        ((3, 0, 9), (3, 1), False),
        ((3,), (33,), False),
    ],
)
def test_overlapping(one, other, related):
    assert overlaps(one, other) is related
    assert overlaps(other, one) is related
