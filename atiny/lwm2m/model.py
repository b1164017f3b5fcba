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

from ..coap.codes import BAD_REQUEST
from ..errors import ParameterError, Rejected
from .path import MAX_ID, is_id, parse, render
from .types import STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Resource:
    """One row of an object's table.

    ``name``: the methods are ``read_<name>(self)``, ``check_<name>(self, value)``, ``write_<name>(self, value)``,
    ``execute_<name>(self, arguments)``. ``type``: one of lwm2m.types; NONE for one that is executed. ``operations``:
    "R", "W", "RW", "E" or "" (only known to the device). ``multiple``: its value is a dict of resource instances.
    ``mandatory``: a replacing Write and a Create must contain it, if it can be written. ``max_size``: the longest value
    that may be written, in bytes (STRING, OPAQUE). ``range``: (lowest, highest), what may be written of a number.
    ``raw``: application data; a Write passes the payload as it is and notifications are the host's reports.

    ``stream``: a Write goes to a sink, an object of its own that ``open_<name>(self, server)`` returns; ``server`` is
    the short server id of who writes, or None. The sink has ``write(offset, data, total)``, called with the next bytes
    as they come, each once (``total``: the length that the server announced, an estimate, or None), ``end()``, when all
    is written, and ``abandon()``, when the rest will not come: the server was silent for 247 s, began again, or the
    link is gone. What open, write or end raises is the answer to the server, and the sink hears of nothing more. It may
    be opened again while an earlier sink is open, by another server or for another transfer: refuse that, or take over
    and let the earlier one raise `Rejected`. A payload is taken as it is, as text too, and has no ``check_`` method.
    """

    # What few rows have is the class's where they have not: an attribute takes 16 bytes of a board's memory in each.
    mandatory = raw = executable = False
    unit: "str | None" = None
    max_size: "int | None" = None
    range: "tuple[float, float] | None" = None
    stream: "Any" = None  # or what carries out a Write of a whole value: `streaming.write_whole`
    # The name of its ``read_`` method, once it was asked for. It is kept: CPython looks up a known str sooner.
    reader: "str | None" = None

    def __init__(
        self,
        id: int,
        name: str,
        type: int = STRING,
        operations: str = "R",
        multiple: bool = False,
        mandatory: bool = False,
        unit: "str | None" = None,
        max_size: "int | None" = None,
        raw: bool = False,
        stream: bool = False,
        range: "tuple[float, float] | None" = None,
    ):
        self.id = id
        self.name = name
        self.type = type
        self.operations = operations
        self.multiple = multiple
        self.readable = operations in ("R", "RW")
        self.writable = operations in ("W", "RW")
        if operations == "E":
            self.executable = True
        if mandatory:
            self.mandatory = True
        if unit is not None:
            self.unit = unit
        if max_size is not None:
            self.max_size = max_size
        if range is not None:
            self.range = range
        if raw:
            self.raw = True
        if stream:
            from .streaming import write_whole

            self.stream = write_whole

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
        name = resource.reader
        if name is None:
            name = resource.reader = "read_" + resource.name
        reader = getattr(self, name, None)
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

    def check(self, resource: Resource, value: "Any") -> None:
        """Raise `Rejected` for a value that cannot be written; called for every one before the first is written."""
        if resource.range is not None:
            lowest, highest = resource.range
            for one in value.values() if resource.multiple else (value,):
                if not lowest <= one <= highest:
                    raise Rejected(BAD_REQUEST, "%s is %s to %s" % (resource.name, lowest, highest))
        checker = getattr(self, "check_" + resource.name, None)
        if checker is not None:
            checker(value)

    def write(self, resource: Resource, value: object) -> None:
        """Set a resource to a value of its type; by default its method, else its attribute."""
        writer = getattr(self, "write_" + resource.name, None)
        if writer is not None:
            writer(value)
        else:
            setattr(self, resource.name, value)

    def open_sink(self, resource: Resource, server: "int | None") -> "Any":
        """A sink for what a server is about to write to a streamed resource; by default its method."""
        return getattr(self, "open_" + resource.name)(server)

    def execute(self, resource: Resource, arguments: str) -> object:
        """Execute a resource. A function that is returned is called once the server has its answer; a `Deferred` is
        answered when it ends."""
        return getattr(self, "execute_" + resource.name)(arguments)

    def replace(self) -> None:
        """A replacing Write begins: forget what the server may write. By default: the attributes."""
        for resource in self.resources:
            if _is_stored(self, resource):
                setattr(self, resource.name, None)

    def deleted(self) -> None:
        """A server deleted this instance."""


def _is_stored(instance: "Any", resource: Resource) -> bool:
    """Whether a Write only stores it, in an attribute of its name; ``instance``: or its class."""
    return resource.writable and resource.stream is None and not hasattr(instance, "write_" + resource.name)


class ObjectEntry:
    """An object as the model holds it: its class, its table, and its instances by id."""

    __slots__ = ("cls", "table", "rows", "readable", "stored", "instances", "ids")

    def __init__(self, cls):
        self.cls = cls
        self.table: "dict[int, Resource]" = {}
        for row in cls.resources:
            self.table[row.id] = row
        self.rows = [self.table[id] for id in sorted(self.table)]
        self.readable = [row for row in self.rows if row.readable]
        # What a Write only stores can be undone.
        self.stored = [row for row in self.rows if cls.write == Object.write and _is_stored(cls, row)]
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
        if __debug__:  # a board trusts the tables that were tested on a host
            from .checks import check_class

            check_class(cls, self.objects)
        entry = self.objects.get(cls.object_id) or ObjectEntry(cls)
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
        if not is_id(id) or id == MAX_ID:
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
