import pytest
from hypothesis import given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import link, text
from tests.lwm2m.formats.vectors import LINK, LINK_BAD, LINK_PARSE


def said(value) -> "str | None":
    if type(value) is float:
        return text.decimal(value)
    return value if value is None else str(value)


def as_parsed(links: list) -> list:
    return [(target, {name: said(value) for name, value in attributes}) for target, attributes in links]


@pytest.mark.parametrize(("links", "data"), LINK)
def test_vectors_both_ways(links, data):
    assert link.render(links) == data
    assert link.parse(data) == as_parsed(links)


@pytest.mark.parametrize(("data", "links"), LINK_PARSE)
def test_what_peers_also_send(data, links):
    assert link.parse(data) == links


@pytest.mark.parametrize("data", LINK_BAD)
def test_malformed(data):
    with pytest.raises(CodecError):
        link.parse(data)


def test_truncated_lists():
    data = b'</>;rt="oma";ct=11542,</1/0>'
    complete = {0, 3, 5, 6, 12, 14, 15, 17, 18, 19, 20, 21, 28}  # behind a target or a value, within a name or a number
    for end in range(len(data) + 1):
        if end in complete:
            assert len(link.parse(data[:end])) == (0 if end == 0 else 1 if end < 28 else 2)
        else:
            with pytest.raises(CodecError):
                link.parse(data[:end])


def test_long_lists_are_read_once():
    # Were any of these searched again and again, this would take minutes.
    assert len(link.parse(b"</1/0>;a," * 100000 + b"</>")) == 100001
    [(_, attributes)] = link.parse(b"</>" + b"".join(b";a%d=1" % number for number in range(100000)))
    assert len(attributes) == 100000
    for bad in (b"<" * 300000, b"<>" * 150000, b'</>;a="' + b"\\" * 300000, b"</>;" + b"a" * 300000 + b";;"):
        with pytest.raises(CodecError):
            link.parse(bad)


NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6)
LWM2M_PATHS = st.lists(st.integers(0, 65535), max_size=4).map(lambda ids: "/" + "/".join(str(i) for i in ids))
# Control characters have no place in a quoted string, escaped or not.
TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=20)
VALUES = st.one_of(st.none(), TEXTS, st.integers(), st.floats(allow_nan=False, allow_infinity=False))
LINKS = st.lists(st.tuples(LWM2M_PATHS, st.dictionaries(NAMES, VALUES, max_size=4).map(lambda d: tuple(d.items()))))


@given(LINKS)
def test_round_trip(links):
    assert link.parse(link.render(links)) == as_parsed(links)


@settings(max_examples=500)
@given(st.one_of(st.binary(max_size=40), st.text('</>;,="\\ act10', max_size=30).map(str.encode)))
def test_random_bytes(data):
    try:
        links = link.parse(data)
    except CodecError:
        return
    # What was understood can be said, and is understood the same.
    assert link.parse(link.render([(target, tuple(attributes.items())) for target, attributes in links])) == links


@settings(max_examples=300)
@given(LINKS, st.data())
def test_flipped_bits(links, data):
    payload = bytearray(link.render(links))
    if payload:
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert isinstance(link.parse(bytes(payload)), list)
    except CodecError:
        pass
