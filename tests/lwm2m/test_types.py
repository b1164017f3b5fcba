import enum

import pytest

from atiny.errors import ATINY_ARG_INVALID, ParameterError
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, NAMES, NONE, OBJLNK, OPAQUE, STRING, TIME, check


class Number(enum.IntEnum):
    FIVE = 5


class Word(str, enum.Enum):
    OPEN = "open"


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        (STRING, "", ""),
        (STRING, "\u20ac\U0001f4a1", "\u20ac\U0001f4a1"),
        (STRING, Word.OPEN, "open"),
        (INTEGER, 0, 0),
        (INTEGER, -(2**63), -(2**63)),
        (INTEGER, 2**63 - 1, 2**63 - 1),
        (INTEGER, Number.FIVE, 5),
        (TIME, 1367491215, 1367491215),
        (FLOAT, 21.5, 21.5),
        (FLOAT, 21, 21.0),
        (FLOAT, Number.FIVE, 5.0),
        (BOOLEAN, True, True),
        (BOOLEAN, False, False),
        (OPAQUE, b"\x00", b"\x00"),
        (OPAQUE, bytearray(b"\x00\x01"), b"\x00\x01"),
        (OPAQUE, memoryview(b"abc")[1:], b"bc"),
        (OBJLNK, (0, 65535), (0, 65535)),
    ],
)
def test_good_values(kind, value, normal):
    checked = check(kind, value)
    assert checked == normal
    assert type(checked) is type(normal)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (STRING, b"abc", "bytes"),
        (STRING, 5, "int"),
        (STRING, None, "NoneType"),
        (STRING, "half \ud83d", "surrogate"),
        (INTEGER, True, "bool"),
        (INTEGER, 5.0, "float"),
        (INTEGER, "5", "str"),
        (INTEGER, 2**63, "out of range"),
        (INTEGER, -(2**63) - 1, "out of range"),
        (TIME, False, "bool"),
        (TIME, 1.5e9, "float"),
        (TIME, 2**63, "out of range"),
        (FLOAT, True, "bool"),
        (FLOAT, "1.5", "str"),
        (FLOAT, 10**400, "range"),
        (BOOLEAN, 1, "int"),
        (BOOLEAN, 0, "int"),
        (BOOLEAN, None, "NoneType"),
        (OPAQUE, "abc", "str"),
        (OPAQUE, [1, 2], "list"),
        (OPAQUE, 5, "int"),
        (OBJLNK, [3, 0], "list"),
        (OBJLNK, "3:0", "str"),
        (OBJLNK, (3,), "tuple"),
        (OBJLNK, (3, 0, 1), "tuple"),
        (OBJLNK, (3, -1), "other contents"),
        (OBJLNK, (65536, 0), "other contents"),
        (OBJLNK, (3, True), "other contents"),
        (OBJLNK, (3, 0.0), "other contents"),
        (NONE, 5, "int"),
    ],
)
def test_wrong_values_are_the_hosts_fault(kind, value, said):
    with pytest.raises(ParameterError) as caught:
        check(kind, value)
    assert caught.value.atiny_code == ATINY_ARG_INVALID
    assert NAMES[kind] in str(caught.value)
    assert said in str(caught.value)


def test_the_message_does_not_tell_the_value():
    with pytest.raises(ParameterError) as caught:
        check(STRING, b"the pre-shared key")
    assert "key" not in str(caught.value)
