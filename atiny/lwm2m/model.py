"""The device's objects: what a host declares (`Resource`, `Object`) and what the agent holds (`Model`).

A custom object is a class with a table::

    class Temperature(Object):
        object_id = 3303
        resources = (
            Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),
            Resource(5605, "reset", NONE, "E"),
        )

        def read_sensor_value(self):
            return self.sensor.celsius()

        def execute_reset(self, arguments):
            self.sensor.reset()

One instance of the class is one object instance. A resource without a ``read_`` or ``write_`` method is the attribute
of that name: set it and it is read, None and it does not exist. A ``check_`` method refuses a value: a Write of several
resources is applied only when each of them has passed. A value that is longer than the memory, as an image of firmware,
goes piece by piece to what an ``open_`` method gives: ``Resource(..., stream=True)``.
"""

from ..errors import ParameterError
from . import types
from .path import MAX_ID, parse, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_OPERATIONS = ("", "R", "W", "RW", "E")


class Resource:
    """One row of an object's table.

    ``name``: the methods are ``read_<name>(self)``, ``check_<name>(self, value)``, ``write_<name>(self, value)``,
    ``execute_<name>(self, arguments)``. ``type``: one of lwm2m.types; NONE for one that is executed. ``operations``:
    "R", "W", "RW", "E" or "" (only known to the device). ``multiple``: its value is a dict of resource instances.
    ``mandatory``: a replacing Write and a Create must contain it, if it can be written. ``max_size``: the longest value
    that may be written, in bytes (STRING, OPAQUE). ``raw``: application data; a Write passes the payload as it is and
    notifications are the host's reports.

    ``stream``: a Write goes to a sink, an object of its own that ``open_<name>(self, server)`` returns; ``server`` is
    the short server id of who writes, or None. The sink has ``write(offset, data, total)``, called with the next bytes
    as they come, each once (``total``: the length that the server announced, an estimate, or None), ``end()``, when all
    is written, and ``abandon()``, when the rest will not come: the server was silent for 247 s, began again, or the
    link is gone. What open, write or end raises is the answer to the server, and the sink hears of nothing more. It may
    be opened again while an earlier sink is open, by another server or for another transfer: refuse that, or take over
    and let the earlier one raise `Rejected`. A payload is taken as it is, as text too, and has no ``check_`` method.
    """

    __slots__ = (
        "id",
        "name",
        "type",
        "operations",
        "multiple",
        "mandatory",
        "unit",
        "max_size",
        "raw",
        "stream",
        "readable",
        "writable",
        "executable",
        "reader",
        "checker",
        "writer",
        "executor",
        "opener",
    )

    def __init__(
        self,
        id: int,
        name: str,
        type: int = types.STRING,
        operations: str = "R",
        multiple: bool = False,
        mandatory: bool = False,
        unit: "str | None" = None,
        max_size: "int | None" = None,
        raw: bool = False,
        stream: bool = False,
    ):
        self.id = id
        self.name = name
        self.type = type
        self.operations = operations
        self.multiple = multiple
        self.mandatory = mandatory
        self.unit = unit
        self.max_size = max_size
        self.raw = raw
        self.stream = stream
        self.readable = operations in ("R", "RW")
        self.writable = operations in ("W", "RW")
        self.executable = operations == "E"
        self.reader = "read_%s" % (name,)
        self.checker = "check_%s" % (name,)
        self.writer = "write_%s" % (name,)
        self.executor = "execute_%s" % (name,)
        self.opener = "open_%s" % (name,)

    def __repr__(self) -> str:
        return "Resource(%r, %r, %r, %r)" % (self.id, self.name, self.type, self.operations)


class Object:
    """An object instance; subclass it to declare an object. See the module's text for an example.

    ``object_id``: 0 to 65535. ``version``: the object's version where it is not "1.0". ``multiple``: more than one
    instance may exist. ``creatable``: a server may Create instances, or the only one, which is 0 (the class is called
    without arguments), and Delete them; the class must then be given to the client, or one instance of it.
    ``instance_id``: chosen by the client (the lowest free one) unless set.
    """

    object_id: int = -1
    version: "str | None" = None
    multiple = False
    creatable = False
    resources: "tuple[Resource, ...]" = ()
    instance_id: "int | None" = None

    def read(self, resource: Resource) -> object:
        """The value of a resource, or None where it does not exist; by default its method, else its attribute."""
        reader = getattr(self, resource.reader, None)
        if reader is not None:
            return reader()
        return getattr(self, resource.name, None)

    def exists(self, resource: Resource) -> bool:
        """Whether a resource that cannot be read is there, for a Discover; of others their value tells it."""
        return True

    def read_all(self, resources: "Iterable[Resource]") -> "list[tuple[Resource, object]]":
        """(resource, value) of those resources that exist, in their order: for a Read of the whole instance.

        Override it where the device gets several values at once, as by one transfer from a sensor.
        """
        found = []
        for resource in resources:
            value = self.read(resource)
            if value is not None:
                found.append((resource, value))
        return found

    def check(self, resource: Resource, value: object) -> None:
        """Raise `Rejected` for a value that cannot be written; called for every one before the first is written."""
        checker = getattr(self, resource.checker, None)
        if checker is not None:
            checker(value)

    def write(self, resource: Resource, value: object) -> None:
        """Set a resource to a value of its type; by default its method, else its attribute."""
        writer = getattr(self, resource.writer, None)
        if writer is not None:
            writer(value)
        else:
            setattr(self, resource.name, value)

    def open_sink(self, resource: Resource, server: "int | None") -> "Any":
        """A sink for what a server is about to write to a streamed resource; by default its method."""
        return getattr(self, resource.opener)(server)

    def execute(self, resource: Resource, arguments: str) -> object:
        """Execute a resource. A function that is returned is called once the server has its answer; a `Deferred` is
        answered when it ends."""
        return getattr(self, resource.executor)(arguments)

    def replace(self) -> None:
        """A replacing Write begins: forget what the server may write. By default: the attributes."""
        for resource in self.resources:
            if resource.writable and not resource.stream and not hasattr(self, resource.writer):
                setattr(self, resource.name, None)

    def deleted(self) -> None:
        """A server deleted this instance."""


def check_table(cls) -> "dict[int, Resource]":
    """The resources of an object class by id; `ParameterError` naming the row where the table is wrong."""
    name = getattr(cls, "__name__", str(cls))
    if type(cls.object_id) is not int or not 0 <= cls.object_id <= MAX_ID:
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
        if type(row.id) is not int or not 0 <= row.id <= MAX_ID:
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
    if type(row.type) is not int or not 0 <= row.type < len(types.NAMES):
        return "the type %r is none of atiny.lwm2m.types" % (row.type,)
    if row.operations not in _OPERATIONS:
        return "the operations %r are none of R, W, RW, E" % (row.operations,)
    if row.executable != (row.type == types.NONE):
        return "a resource of type NONE, and only that, has the operations E"
    if row.executable and row.multiple:
        return "what is executed has no value, and so not several"
    if row.executable and cls.execute == Object.execute and not hasattr(cls, row.executor):
        return "the class has no method %s(self, arguments)" % row.executor
    if row.max_size is not None:
        if row.type not in (types.STRING, types.OPAQUE) or type(row.max_size) is not int or row.max_size < 1:
            return "max_size is a number of bytes, of a STRING or an OPAQUE"
    if row.raw and (row.type != types.OPAQUE or row.multiple):
        return "raw is for a single OPAQUE"
    if row.stream:
        if row.type != types.OPAQUE or row.multiple or not row.writable or row.raw or row.max_size is not None:
            return "stream is for a single OPAQUE that is written; how long it may be, its sink says"
        if cls.open_sink == Object.open_sink and not hasattr(cls, row.opener):
            return "the class has no method %s(self, server)" % row.opener
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


class ObjectEntry:
    """An object as the model holds it: its class, its table, and its instances by id."""

    __slots__ = ("cls", "table", "rows", "readable", "stored", "instances", "ids")

    def __init__(self, cls):
        self.cls = cls
        self.table = check_table(cls)
        self.rows = [self.table[id] for id in sorted(self.table)]
        self.readable = [row for row in self.rows if row.readable]
        # What a Write only stores in an attribute: that can be undone.
        self.stored = []
        if cls.write == Object.write:
            self.stored = [row for row in self.rows if row.writable and not row.stream and not hasattr(cls, row.writer)]
        self.instances: "dict[int, Object]" = {}
        self.ids: "list[int]" = []  # sorted: a dict has no order on MicroPython


class Model:
    """All objects of a device. ``generation`` grows whenever an object or instance comes or goes."""

    def __init__(self):
        self.objects: "dict[int, ObjectEntry]" = {}
        self.generation = 0

    def add(self, item) -> None:
        """Add an object instance, or an object class without instances; `ParameterError` where that cannot be."""
        declared = isinstance(item, type)
        cls = item if declared else item.__class__
        if not issubclass(cls, Object):
            raise ParameterError("%r is not an Object: derive its class from atiny.Object" % (item,))
        entry = self.objects.get(cls.object_id)
        if entry is None:
            entry = ObjectEntry(cls)
        elif entry.cls is not cls:
            raise ParameterError("object %d is already defined by %s" % (cls.object_id, entry.cls.__name__))
        if not declared:
            self.add_instance(entry, item)
        self.objects[cls.object_id] = entry
        self.generation += 1

    def add_instance(self, entry: ObjectEntry, instance: Object) -> None:
        """Add an instance under its id, or the lowest free one; `ParameterError` where that cannot be."""
        id = instance.instance_id
        if id is None:
            id = 0
            while id in entry.instances:
                id += 1
        if type(id) is not int or not 0 <= id < MAX_ID:
            raise ParameterError("the instance id %r is not a number from 0 to 65534" % (id,))
        if id in entry.instances:
            raise ParameterError("%s exists already" % render((entry.cls.object_id, id)))
        if entry.instances and not entry.cls.multiple:
            raise ParameterError("%s.multiple is False: one instance only" % entry.cls.__name__)
        instance.instance_id = id
        entry.instances[id] = instance
        entry.ids = sorted(entry.instances)
        self.generation += 1

    def remove(self, path) -> None:
        """Remove an object instance, or an object with all of them; nothing where there is none at that path."""
        ids = parse(path)
        if not self.has(ids) or len(ids) > 2:
            return
        if len(ids) == 1:
            self.objects.pop(ids[0])
        else:
            entry = self.objects[ids[0]]
            entry.instances.pop(ids[1])
            entry.ids = sorted(entry.instances)
        self.generation += 1

    def has(self, path: tuple) -> bool:
        """Whether the object, or object instance, of a path exists."""
        entry = self.objects.get(path[0])
        return entry is not None and (len(path) == 1 or path[1] in entry.instances)

    def links(self) -> "list[tuple[int, ...]]":
        """The paths a registration names: each instance, each object without one; never the Security object."""
        paths: "list[tuple[int, ...]]" = []
        for object_id in sorted(self.objects):
            if object_id == 0:
                continue
            entry = self.objects[object_id]
            if entry.cls.version is not None or not entry.ids:
                paths.append((object_id,))
            for id in entry.ids:
                paths.append((object_id, id))
        return paths
