"""The data types of resources (OMA LwM2M 1.0, appendix C) and the Python values that stand for them.

=========  =====================================
type       Python value
=========  =====================================
STRING     str
INTEGER    int, -2**63 .. 2**63-1
FLOAT      float (an int is taken as one)
BOOLEAN    bool
OPAQUE     bytes (bytearray and memoryview are taken)
TIME       int: seconds since 1970-01-01 UTC
OBJLNK     (object id, instance id), each 0..65535
=========  =====================================

A multiple resource is a dict from resource instance id to value.
"""

from ..errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Path = tuple[int, ...]  # (object,), (object, instance), (.., resource), (.., resource instance)
    Entry = tuple[Path, int, Any]  # what is encoded: path, type, value
    Decoded = tuple[tuple[Any, ...], Any]  # what was decoded: path (the instance may be None), value
    TypeOf = Callable[[int, int], "int | None"]  # (object id, resource id) -> type, or None: unknown


NONE = 0  # of a resource that can only be executed
STRING = 1
INTEGER = 2
FLOAT = 3
BOOLEAN = 4
OPAQUE = 5
TIME = 6
OBJLNK = 7

NAMES = ("NONE", "STRING", "INTEGER", "FLOAT", "BOOLEAN", "OPAQUE", "TIME", "OBJLNK")

INTEGER_MIN = -0x8000000000000000
INTEGER_MAX = 0x7FFFFFFFFFFFFFFF

_EXPECTED = (
    "nothing: the resource has no value",
    "str",
    "int, -2**63..2**63-1",
    "float or int",
    "bool",
    "bytes",
    "int of seconds, -2**63..2**63-1",
    "(object id, instance id), each 0..65535",
)


def check(kind: int, value: "Any") -> "Any":
    """One value of the host, as the codecs want it: the types of the table above and nothing else.

    ``kind`` is one of the constants above; a multiple resource is checked value by value. An int becomes the float
    that a FLOAT is, bytes-like ones become bytes, subclasses (IntEnum) become their base.
    Raises `ParameterError` that names what was expected and what came; not the value, which may be a secret.
    """
    actual = type(value)
    if kind == STRING:
        if actual is str:
            return _encodable(value)
    elif kind == INTEGER or kind == TIME:
        if actual is int and INTEGER_MIN <= value <= INTEGER_MAX:
            return value
    elif kind == FLOAT:
        if actual is float:
            return value
    elif kind == BOOLEAN:
        if actual is bool:
            return value
    elif kind == OPAQUE:
        if actual is bytes:
            return value
    return _coerce(kind, value)


def _coerce(kind: int, value: "Any") -> "Any":
    actual = type(value)
    # bool is an int on CPython; a host that returns one for an INTEGER mixed up two resources.
    whole = isinstance(value, int) and actual is not bool
    if kind == STRING:
        if isinstance(value, str):
            return _encodable("".join([value]))  # not str(value): an enumeration's text is its name
    elif kind == INTEGER or kind == TIME:
        if whole:
            if INTEGER_MIN <= value <= INTEGER_MAX:
                return int(value)
            raise ParameterError("expected %s (%s), got an int out of range" % (NAMES[kind], _EXPECTED[kind]))
    elif kind == FLOAT:
        if whole or isinstance(value, float):
            try:
                return float(value)
            except OverflowError:
                raise ParameterError("expected FLOAT, got an int out of its range") from None
    elif kind == OPAQUE:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
    elif kind == OBJLNK:
        if actual is tuple and len(value) == 2:
            a, b = value
            if type(a) is int and type(b) is int and 0 <= a <= 0xFFFF and 0 <= b <= 0xFFFF:
                return value
            raise ParameterError("expected OBJLNK (%s), got other contents" % _EXPECTED[OBJLNK])
    raise ParameterError("expected %s (%s), got %s" % (NAMES[kind], _EXPECTED[kind], actual.__name__))


def _encodable(value: str) -> str:
    """``value``, unless it is no Unicode text: CPython lets a str hold half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeError:
        raise ParameterError("expected STRING (str), got one with a lone surrogate") from None
    return value
