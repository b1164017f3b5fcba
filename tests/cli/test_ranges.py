"""RangeEnumeration: what is understood, what it refuses, and what is left to the reader."""

import pytest

from atiny.cli.ranges import parse_range

# type, text, the condition that refuses, how it is said, the value to begin with
UNDERSTOOD = [
    ("INTEGER", "0..100", "not 0 <= value <= 100", "0 to 100", "0"),
    ("INTEGER", "1-255", "not 1 <= value <= 255", "1 to 255", "1"),
    ("INTEGER", "0 \u2013 7", "not 0 <= value <= 7", "0 to 7", "0"),
    ("INTEGER", "1 to 65534", "not 1 <= value <= 65534", "1 to 65534", "1"),
    ("INTEGER", "-128..127", "not -128 <= value <= 127", "-128 to 127", "0"),
    ("INTEGER", "-10 - -5", "not -10 <= value <= -5", "-10 to -5", "-10"),
    ("INTEGER", "00..+08", "not 0 <= value <= 8", "0 to 8", "0"),
    ("INTEGER", "1, 2,5", "value not in (1, 2, 5)", "1, 2, 5", "1"),
    ("INTEGER", "5;3", "value not in (5, 3)", "5, 3", "3"),
    ("INTEGER", "0..8, 10", "not (0 <= value <= 8 or value == 10)", "0 to 8, 10", "0"),
    ("TIME", "0...10", "not 0 <= value <= 10", "0 to 10", "0"),
    ("FLOAT", "0..1", "not 0 <= value <= 1", "0 to 1", "0"),
    ("FLOAT", "-0.50..100.0", "not -0.5 <= value <= 100.0", "-0.5 to 100.0", "0"),
    ("FLOAT", "0.5..2", "not 0.5 <= value <= 2", "0.5 to 2", "0.5"),
    ("STRING", "0..255", "not 0 <= len(value.encode()) <= 255", "0 to 255 bytes", "0"),
    ("STRING", "1-4 bytes", "not 1 <= len(value.encode()) <= 4", "1 to 4 bytes", "1"),
    ("STRING", "32 bytes", "not 0 <= len(value.encode()) <= 32", "0 to 32 bytes", "0"),
    ("OPAQUE", "6", "len(value) != 6", "6 bytes", "6"),
    ("OPAQUE", "6 Octets", "len(value) != 6", "6 bytes", "6"),
    ("OPAQUE", "16-32-48 bytes", "len(value) not in (16, 32, 48)", "16, 32, 48 bytes", "16"),
    ("OPAQUE", "16,32,48", "len(value) not in (16, 32, 48)", "16, 32, 48 bytes", "16"),
]

NOT_UNDERSTOOD = [
    ("INTEGER", ""),
    ("INTEGER", "1 bytes"),
    ("INTEGER", "0..255 bytes"),
    ("INTEGER", "16-bit"),
    ("INTEGER", "7"),
    ("INTEGER", "8..3"),
    ("INTEGER", "0.5..2.5"),
    ("INTEGER", "0..1..2"),
    ("INTEGER", "0..100,"),
    ("INTEGER", "0..10 seconds"),
    ("INTEGER", "0x00..0xff"),
    ("INTEGER", "0..\u0663"),
    ("INTEGER", ", ".join(str(number) for number in range(60))),
    ("INTEGER", "0.." + "9" * 80),
    ("FLOAT", "nan..inf"),
    ("STRING", "U, UQ"),
    ("STRING", "-1..5"),
    ("OPAQUE", "bytes"),
    ("BOOLEAN", "0..1"),
    ("OBJLNK", "0..65535"),
    ("NONE", "0..1"),
]


@pytest.mark.parametrize(("kind", "text", "condition", "said", "first"), UNDERSTOOD)
def test_understood(kind, text, condition, said, first):
    found = parse_range(kind, text)
    assert (found.refuses("value"), str(found), found.first) == (condition, said, first)


@pytest.mark.parametrize(("kind", "text"), NOT_UNDERSTOOD)
def test_not_understood(kind, text):
    assert parse_range(kind, text) is None


SAMPLES = {
    "INTEGER": [-200, -129, -128, -10, -5, -1, 0, 1, 2, 3, 5, 8, 9, 10, 100, 101, 255, 256, 65534, 65535],
    "FLOAT": [-0.6, -0.5, 0.0, 0.4, 0.5, 1.0, 1.1, 2, 100.0, 100.1, float("nan"), float("inf")],
    "STRING": ["", "a", "\u20ac", "\u20aca", "ab\u20ac", "x" * 255, "x" * 256],
    "OPAQUE": [b"", bytes(5), bytes(6), bytes(7), bytes(16), bytes(17), bytes(32), bytes(48)],
}


@pytest.mark.parametrize(("kind", "text", "condition", "said", "first"), UNDERSTOOD)
def test_the_condition_means_the_parts(kind, text, condition, said, first):
    """The Python expression, against the spans it was made of."""
    found = parse_range(kind, text)
    for value in SAMPLES.get(kind, ()):
        measured = len(value.encode()) if kind == "STRING" else len(value) if kind == "OPAQUE" else value
        allowed = any(float(low) <= measured <= float(high) for low, high in found.spans)
        assert eval(condition, {"value": value}) == (not allowed), value


def test_what_max_size_says_alone_needs_no_check():
    assert [
        (r.max_size, r.needs_check) for r in (parse_range("STRING", t) for t in ("0..255", "1..4", "32 bytes"))
    ] == [
        (255, False),
        (4, True),
        (32, False),
    ]
    assert parse_range("STRING", "0..0").max_size is None  # a Resource has none that is 0
    assert parse_range("STRING", "0..0").needs_check
    assert parse_range("INTEGER", "0..255").max_size is None
    assert parse_range("INTEGER", "0..255").needs_check
