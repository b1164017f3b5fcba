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
from .path import is_id

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

# A list: a constant tuple would hold each word a second time in a build.
NAMES = ["NONE", "STRING", "INTEGER", "FLOAT", "BOOLEAN", "OPAQUE", "TIME", "OBJLNK"]

# Of a Resource, what may be written
SECONDS = (0, 0xFFFFFFFF)
SINCE_1970 = (0, 0x7FFFFFFFFFFFFFFF)

INTEGER_MIN = -0x8000000000000000
INTEGER_MAX = 0x7FFFFFFFFFFFFFFF

# By type: what a value is. What is executed has none, and there is nothing that is just an object.
_PYTHON = (object, str, int, float, bool, bytes, int, tuple)


def check(kind: int, value: "Any") -> "Any":
    """One value of the host, as the codecs want it: the types of the table above and nothing else.

    ``kind`` is one of the constants above; a multiple resource is checked value by value. An int becomes the float
    that a FLOAT is, bytes-like ones become bytes, subclasses (IntEnum) become their base.
    Raises `ParameterError` that names what was expected and what came; not the value, which may be a secret.
    """
    if type(value) is not _PYTHON[kind]:
        value = _converted(kind, value)
    if kind == STRING:
        try:
            value.encode()
        except UnicodeError:  # CPython lets a str hold half of a surrogate pair
            raise ParameterError("expected STRING (str), got one with a lone surrogate") from None
    elif kind == INTEGER or kind == TIME:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise ParameterError("expected %s (int, -2**63..2**63-1), got an int out of range" % NAMES[kind])
    elif kind == OBJLNK:
        if len(value) != 2:
            raise ParameterError("expected OBJLNK ((object id, instance id)), got a tuple of other length")
        if not (is_id(value[0]) and is_id(value[1])):
            raise ParameterError("expected OBJLNK ((object id, instance id), each 0..65535), got other contents")
    return value


def _converted(kind: int, value: "Any") -> "Any":
    """The value of that type which one of another type stands for."""
    # bool is an int on CPython; a host that returns one for an INTEGER mixed up two resources.
    if isinstance(value, int) and type(value) is not bool:
        if kind == INTEGER or kind == TIME:
            return int(value)
        if kind == FLOAT:
            try:
                return float(value)
            except OverflowError:
                raise ParameterError("expected FLOAT, got an int out of its range") from None
    if kind == FLOAT and isinstance(value, float):
        return float(value)
    if kind == STRING and isinstance(value, str):
        return "".join([value])  # not str(value): an enumeration's text is its name
    if kind == OPAQUE and isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ParameterError("expected %s (%s), got %s" % (NAMES[kind], _PYTHON[kind].__name__, type(value).__name__))
