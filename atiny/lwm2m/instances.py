"""Object instances that come and go: Create and Delete (LwM2M 1.0, 5.4.6 and 5.4.7), and the Write of a bootstrap.

As in `operations`: paths are tuples, ``values`` are (path, value), and what cannot be done is `Rejected`.
"""

from ..coap.codes import BAD_REQUEST, CREATED, DELETED, LOCATION_PATH, METHOD_NOT_ALLOWED
from ..coap.message import Message
from ..errors import Rejected
from .model import Model, Object, ObjectEntry
from .operations import apply, check_mandatory, check_size, checked, decode, find, grouped, set_value
from .path import MAX_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .dispatch import Dispatcher


def create(dispatcher: "Dispatcher", path: tuple, content_format: "int | None", payload: bytes) -> Message:
    """Create instances of an object from a payload, all of them or none; the 2.01, with the path of a single one.

    Nothing about an instance id in it: one instance, under the lowest free id. Resources that the object does not know
    (5.4.6), or that no server may write (7.3.2.4), are ignored.
    """
    model = dispatcher.model
    server = dispatcher.short_server_id
    entry = find(model, path)[0]
    if content_format is None and payload:
        # 1.0 says so (8.5), and every server of today names the format.
        raise Rejected(BAD_REQUEST, "a Create names its Content-Format")
    values = decode(entry, path, content_format, payload)
    made: "list[Object]" = []
    for id, own in _by_id(values) or [(None, values)]:
        made.append(_made(entry, id, own, server, bool(made)))
    for instance in made:
        model.add_instance(entry, instance)
    paths = [(path[0], instance.instance_id) for instance in made]
    location = paths[0] if len(paths) == 1 else ()
    if dispatcher.access is not None:
        for created in list(paths):
            paths += dispatcher.access.created(created, server)
    for changed in paths:
        dispatcher.changed(changed)
    return Message(CREATED, [(LOCATION_PATH, str(id).encode()) for id in location])


def delete(dispatcher: "Dispatcher", path: tuple) -> Message:
    """Delete an object instance; an object or a resource cannot be deleted (4.05)."""
    entry, instance, _ = find(dispatcher.model, path)
    if len(path) != 2 or not entry.cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    dispatcher.model.remove(path)
    paths = [path]
    if dispatcher.access is not None:
        paths += dispatcher.access.deleted(path)
    for changed in paths:
        dispatcher.changed(changed)
    instance.deleted()
    return Message(DELETED)


def provision(model: Model, path: tuple, values: "list[tuple]", changed) -> None:
    """A Bootstrap-Write (5.2.7.4) to an object that is like any other to a bootstrap server: all of it, or none.

    Each instance that the values name is replaced; it is created where it does not exist and a server may create it,
    and then what can only be read is set too: nobody else could. Where the path has a resource, only that is written.
    Resources that the object does not know are ignored.
    ``changed(path)`` is called for each resource that has a new value, and each instance that is new.
    """
    entry = model.objects[path[0]]
    writes = []
    made = []
    for id, own in by_instance(path, values):
        instance = entry.instances.get(id)
        if instance is None:
            made.append(_made(entry, id, own, bootstrap=True))
            continue
        replaces = len(path) < 3
        writes.append((instance, checked(entry, instance, grouped(entry, own, True), replaces, False), replaces))
    apply(entry, writes, changed)
    for instance in made:
        model.add_instance(entry, instance)
        changed((path[0], instance.instance_id))


def by_instance(path: tuple, values: "list[tuple]") -> "list[tuple[int, list[tuple]]]":
    """(instance id, its values) for each instance that a Bootstrap-Write concerns; 4.00 where one has no id."""
    if len(path) > 1:
        return [(path[1], values)]
    if not values:
        raise Rejected(BAD_REQUEST, "no instance")
    groups = _by_id(values)
    for id, _ in groups:
        if id is None:
            raise Rejected(BAD_REQUEST, "which instance?")
    return groups


def _by_id(values: "list[tuple]") -> "list[tuple]":
    """(instance id or None, its values), in the order of the values."""
    groups: "dict[int | None, list[tuple]]" = {}
    found = []
    for row in values:
        id = row[0][1]
        if id not in groups:
            groups[id] = []
            found.append((id, groups[id]))
        groups[id].append(row)
    return found


def _made(
    entry: ObjectEntry,
    id: "int | None",
    values: "list[tuple]",
    server: "int | None" = None,
    another: bool = False,
    bootstrap: bool = False,
) -> Object:
    """A new instance with these values, under this id or any, not yet in the model.

    ``another``: besides one that is about to be made. ``bootstrap``: with those that can only be read, too.
    """
    cls = entry.cls
    if not cls.multiple and (another or entry.instances or not cls.creatable):
        raise Rejected(BAD_REQUEST, "a single-instance object")
    if not cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    if id and not cls.multiple:
        raise Rejected(BAD_REQUEST, "the only instance is 0")
    if id in entry.instances:
        raise Rejected(BAD_REQUEST, "instance %d exists" % id)
    if id == MAX_ID:
        raise Rejected(BAD_REQUEST, "instance %d is reserved" % id)
    changes = []
    for row, value in grouped(entry, values, True):
        if row.writable or (bootstrap and row.readable):
            check_size(row, value)
            changes.append((row, value))
    check_mandatory(entry, changes)
    instance: Object = cls()
    if id is not None:
        instance.instance_id = id
    for row, value in changes:
        instance.check(row, value)
    for row, value in changes:
        set_value(instance, row, value, server)
    return instance
