"""Paths: (object id,), (object id, instance id), ... as tuples of 1 to 4 ints, each 0 to 65535 (LwM2M 1.0, 6.1)."""

from ..errors import ParameterError

MAX_ID = 65535


def parse(path: "str | tuple") -> "tuple":
    """The tuple for "/3/0/9" (a tuple is checked and returned); `ParameterError` where it is not a path."""
    if type(path) is tuple:
        ids = path
    elif isinstance(path, str):
        ids = tuple([_id(part) for part in path.strip("/").split("/")])
    else:
        raise ParameterError("%r is not a path: give a str like /3303/0/5700, or a tuple of its ids" % (path,))
    if not 1 <= len(ids) <= 4:
        raise ParameterError("%r is not a path: it has 1 to 4 ids, like /3303/0/5700" % (path,))
    for id in ids:
        if type(id) is not int or not 0 <= id <= MAX_ID:
            raise ParameterError("%r is not a path: each id is a number from 0 to 65535, like /3303/0/5700" % (path,))
    return ids


def _id(part: str) -> "int | None":
    try:
        return segment(part.encode())
    except UnicodeError:  # half of a surrogate pair
        return None


def segment(value: bytes) -> "int | None":
    """The id that a Uri-Path segment names, or None where it is not one: ids have no sign and no leading zero."""
    if len(value) == 1:  # nearly all are
        id = value[0] - 48
        return id if 0 <= id <= 9 else None
    if not value.isdigit() or len(value) > 5 or value[0] == 48:
        return None
    id = int(value)
    return id if id <= MAX_ID else None


def render(path: "tuple") -> str:
    """The way a path is written: ``render((3, 0, 9)) == "/3/0/9"``."""
    return "/" + "/".join([str(id) for id in path])


def overlaps(one: "tuple", other: "tuple") -> bool:
    """Whether one of the paths lies within the other: a change of /3/0/9 concerns who observes /3, and the reverse."""
    return one[: len(other)] == other[: len(one)]
