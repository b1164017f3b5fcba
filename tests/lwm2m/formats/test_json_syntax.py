import json

import pytest
from hypothesis import example, given, settings, strategies as st

from atiny.errors import CodecError
from atiny.lwm2m.formats import json_syntax
from tests.lwm2m.formats.vectors_json_syntax import IS_JSON, NOT_JSON


@pytest.mark.parametrize(("text", "value"), IS_JSON)
def test_json(text, value):
    assert json_syntax.parse(text) == value
    assert type(json_syntax.parse(text)) is type(value)


@pytest.mark.parametrize("text", NOT_JSON, ids=range(len(NOT_JSON)))
def test_not_json(text):
    with pytest.raises(CodecError):
        json_syntax.parse(text)


def numbers_read(value):
    """What `parse` gives, with its numbers read as CPython's json does."""
    if type(value) is bytes:
        return float(value) if set(value) & set(b".eE") else int(value)
    if type(value) is list:
        return [numbers_read(item) for item in value]
    if type(value) is dict:
        return {name: numbers_read(item) for name, item in value.items()}
    return value


def depth(value) -> int:
    if type(value) is dict:
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if type(value) is list else 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_another_writer_makes(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    if depth(value) > json_syntax.MAX_DEPTH:
        with pytest.raises(CodecError):
            json_syntax.parse(text)
    else:
        assert numbers_read(json_syntax.parse(text)) == value


@settings(max_examples=500)
@given(st.binary(max_size=30) | st.text('{}[]:,"\\ue0123456789.-+E tfn', max_size=30).map(str.encode))
@example(b'{"a":1,"a":1}')
@example(b"[NaN]")
def test_another_reader_takes_what_this_one_takes(data):
    try:
        value = json_syntax.parse(data)
    except CodecError:
        return
    assert json.loads(data) == numbers_read(value)


@given(st.text())
def test_strings_both_ways(value):
    quoted = json_syntax.quote(value)
    assert json.loads(quoted) == value
    assert json_syntax.parse(quoted.encode()) == value


def test_long_texts_are_read_once():
    # Were any of these searched again and again, this would take minutes.
    for text in (b'"' + b'\\"' * 300000 + b'"', b"[" + b"0," * 300000 + b"0]", b" " * 600000 + b"0", b"7" * 600000):
        json_syntax.parse(text)
