"""What can be wrong with the classes that a host declares: said when they are given, naming the row.

A board does without: what passed here on a host is right there too.
"""

from ..errors import ParameterError
from .model import Object, ObjectEntry, Resource
from .path import is_id
from .types import FLOAT, INTEGER, NAMES, NONE, OPAQUE, STRING, TIME

_OPERATIONS = ("", "R", "W", "RW", "E")


def check_class(cls, objects: "dict[int, ObjectEntry]") -> None:
    """`ParameterError` where a class is no object, or not the one that these objects have under its id."""
    if not issubclass(cls, Object):
        raise ParameterError("%s is not an Object: derive it from atiny.Object" % cls.__name__)
    entry = objects.get(cls.object_id)
    if entry is None:
        check_table(cls)
    elif entry.cls is not cls:
        raise ParameterError("object %d is already defined by %s" % (cls.object_id, entry.cls.__name__))


def check_table(cls) -> "dict[int, Resource]":
    """The resources of an object class by id; `ParameterError` naming the row where the table is wrong."""
    name = cls.__name__
    if not is_id(cls.object_id):
        raise ParameterError("%s.object_id is %r: give it a number from 0 to 65535" % (name, cls.object_id))
    if cls.version is not None and not _is_version(cls.version):
        raise ParameterError('%s.version is %r: give it two numbers, like "1.1"' % (name, cls.version))
    if type(cls.resources) not in (tuple, list):
        raise ParameterError("%s.resources is no tuple: one row alone needs a comma behind it" % name)
    table: "dict[int, Resource]" = {}
    names: "dict[str, bool]" = {}
    index = 0
    for row in cls.resources:
        where = "%s.resources[%d]" % (name, index)
        index += 1
        if not isinstance(row, Resource):
            raise ParameterError("%s is %r: each row is a Resource(id, name, type, operations)" % (where, row))
        where += " (%r)" % (row.name,)
        if not is_id(row.id):
            raise ParameterError("%s: the id %r is not a number from 0 to 65535" % (where, row.id))
        if row.id in table:
            raise ParameterError("%s: the id %d stands already in the row of %r" % (where, row.id, table[row.id].name))
        if type(row.name) is not str or not _is_word(row.name) or row.name in names:
            raise ParameterError("%s: the name must be a word, like sensor_value, that no other row has" % where)
        if hasattr(Object, row.name):
            raise ParameterError("%s: every Object has an attribute %s: name it otherwise" % (where, row.name))
        problem = _problem(cls, row)
        if problem:
            raise ParameterError("%s: %s" % (where, problem))
        table[row.id] = row
        names[row.name] = True
    return table


def _problem(cls, row: Resource) -> "str | None":
    """What is wrong with the rest of a row, or None."""
    if type(row.type) is not int or not 0 <= row.type < len(NAMES):
        return "the type %r is none of atiny.lwm2m.types" % (row.type,)
    if row.operations not in _OPERATIONS:
        return "the operations %r are none of R, W, RW, E" % (row.operations,)
    if row.executable != (row.type == NONE):
        return "a resource of type NONE, and only that, has the operations E"
    if row.executable and row.multiple:
        return "what is executed has no value, and so not several"
    if row.executable and cls.execute == Object.execute and not hasattr(cls, "execute_" + row.name):
        return "the class has no method execute_%s(self, arguments)" % row.name
    if row.max_size is not None:
        if row.type not in (STRING, OPAQUE) or type(row.max_size) is not int or row.max_size < 1:
            return "max_size is a number of bytes, of a STRING or an OPAQUE"
    if row.range is not None and row.type not in (INTEGER, FLOAT, TIME):
        return "range is of a number"
    if row.raw and (row.type != OPAQUE or row.multiple):
        return "raw is for a single OPAQUE"
    if row.stream is not None:
        if row.type != OPAQUE or row.multiple or not row.writable or row.raw or row.max_size is not None:
            return "stream is for a single OPAQUE that is written; how long it may be, its sink says"
        if cls.open_sink == Object.open_sink and not hasattr(cls, "open_" + row.name):
            return "the class has no method open_%s(self, server)" % row.name
    return None


def _is_word(name: str) -> bool:
    """Whether methods and attributes can have this name; MicroPython has no str.isidentifier."""
    for c in name:
        if not (c == "_" or "0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z"):
            return False
    return bool(name) and not name[0].isdigit()


def _is_version(version) -> bool:
    major, point, minor = version.partition(".") if type(version) is str else ("", "", "")
    return len(major) == 1 and len(minor) == 1 and (major + minor).isdigit()
