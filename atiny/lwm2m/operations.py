"""Read, Write, Execute, Create, Delete on the model (LwM2M 1.0, 5.4). What cannot be done is `Rejected`.

A Write checks everything before it changes anything. All functions take paths as tuples; ``entries`` and ``values`` are
what the codecs of `formats` take and give: (path, type, value) and (path, value), one for each resource or resource
instance.
"""

from ..coap.codes import (
    BAD_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    REQUEST_ENTITY_TOO_LARGE,
    UNAUTHORIZED,
    UNSUPPORTED_CONTENT_FORMAT,
)
from ..errors import CodecError, ParameterError, Rejected
from .formats import OPAQUE, TEXT, TLV, codec
from .model import Model, Object, ObjectEntry, Resource
from .path import MAX_ID
from .streaming import write_whole
from .types import OPAQUE as OPAQUE_TYPE, STRING, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECURITY_OBJECT = 0


def find(model: Model, path: tuple) -> "tuple[ObjectEntry, Any, Any]":
    """The object, instance and resource that a path names, as deep as it goes, then None; 4.04 where one is missing.

    Of a path with four ids the last one is left to the caller, but a single resource has no instances.
    """
    entry = model.objects.get(path[0])
    if entry is None:
        raise Rejected(NOT_FOUND)
    if path[0] == SECURITY_OBJECT:
        raise Rejected(UNAUTHORIZED)
    instance = resource = None
    if len(path) > 1:
        instance = entry.instances.get(path[1])
        if instance is None:
            raise Rejected(NOT_FOUND)
        if len(path) > 2:
            resource = entry.table.get(path[2])
            if resource is None or (len(path) > 3 and not resource.multiple):
                raise Rejected(NOT_FOUND)
    return entry, instance, resource


def read(model: Model, path: tuple, ids: "list[int] | None" = None) -> "list[tuple]":
    """The entries of everything readable at a path; ``ids``: of which instances of an object, None: all of them."""
    entry, instance, resource = find(model, path)
    entries: "list[tuple]" = []
    if resource is not None:
        if not resource.readable:
            raise Rejected(METHOD_NOT_ALLOWED)
        value = instance.read(resource)
        if value is None:
            raise Rejected(NOT_FOUND)
        try:
            if not resource.multiple:
                return [(path, resource.type, check(resource.type, value))]
            _add_instances(entries, path[:3], resource.type, value)
        except ParameterError as error:
            raise _named(path[0], resource, error) from None
        if len(path) == 4:
            entries = [row for row in entries if row[0] == path]
            if not entries:
                raise Rejected(NOT_FOUND)
    elif instance is not None:
        _read_instance(entries, path, entry, instance)
    else:
        for id in entry.ids if ids is None else ids:
            before = len(entries)
            _read_instance(entries, (path[0], id), entry, entry.instances[id])
            if len(entries) == before:
                entries.append(((path[0], id), 0, None))
    return entries


def _read_instance(entries: "list[tuple]", path: tuple, entry: ObjectEntry, instance: Object) -> None:
    """Add the values of an instance's resources; `ParameterError` where one is not of its type."""
    resource = None
    try:
        for resource, value in instance.read_all(entry.readable):
            if resource.multiple:
                _add_instances(entries, path + (resource.id,), resource.type, value)
            else:
                kind = resource.type
                entries.append((path + (resource.id,), kind, check(kind, value)))
    except ParameterError as error:
        raise _named(path[0], resource, error) from None


def _named(object_id: int, resource: "Any", error: ParameterError) -> ParameterError:
    """The error with the name of the resource whose value the host got wrong."""
    return ParameterError("%s of object %d: %s" % (resource.name, object_id, error))


def _add_instances(entries: "list[tuple]", path: tuple, kind: int, value: "Any") -> None:
    """Add the instances of a multiple resource."""
    if not isinstance(value, dict):
        raise ParameterError("it is multiple: give a dict of its instances")
    for id in value:
        if type(id) is not int or not 0 <= id <= MAX_ID:
            raise ParameterError("an id of its instances is no number from 0 to 65535")
    for id in sorted(value):
        entries.append((path + (id,), kind, check(kind, value[id])))
    if not value:
        entries.append((path, kind, {}))


def decode(entry: ObjectEntry, path: tuple, content_format: "int | None", payload: bytes) -> "list[tuple]":
    """The values that a payload has for a path of this object; without a Content-Format, in the usual one.

    `Rejected`: 4.15 for a format that is not supported, 4.00 for a payload that is not well-formed in it.
    """
    table = entry.table
    resource = table.get(path[2]) if len(path) > 2 else None
    if resource is not None and (resource.raw or resource.stream) and content_format in (None, TEXT, OPAQUE):
        return [(path, payload)]
    if content_format is None:
        if resource is None or (resource.multiple and len(path) == 3):
            content_format = TLV
        else:
            content_format = OPAQUE if resource.type == OPAQUE_TYPE else TEXT
    module = codec(content_format)
    if module is None:
        raise Rejected(UNSUPPORTED_CONTENT_FORMAT)

    def type_of(object_id: int, resource_id: int) -> "int | None":
        row = table.get(resource_id)
        return None if row is None or object_id != path[0] else row.type

    try:
        return module.decode(path, payload, type_of)
    except CodecError as error:
        raise Rejected(BAD_REQUEST, str(error)) from None


def write(
    model: Model, path: tuple, values: "list[tuple]", replace: bool, changed, server: "int | None" = None
) -> None:
    """Write values to an instance, a resource or a resource instance: all of them, or none.

    ``replace``: what is not among the values goes (PUT); else it stays (POST). ``changed(path)`` is called for each
    resource that has a new value. Where a method of the host fails halfway, attributes are as they were; what its
    own methods did before stays done. ``server``: the short server id of who writes, for streamed resources.
    """
    entry, instance, resource = find(model, path)
    if instance is None or (resource is not None and not resource.writable):
        raise Rejected(METHOD_NOT_ALLOWED)
    changes = grouped(entry, values)
    if resource is not None and not changes:
        raise Rejected(BAD_REQUEST, "no value")
    replaces = replace and resource is None
    changes = _checked(entry, instance, changes, replaces, not replace or len(path) == 4)
    _apply(entry, [(instance, changes, replaces)], changed, server)


def _checked(entry: ObjectEntry, instance: Object, changes: "list[tuple]", replaces: bool, merges: bool):
    """The (resource, value) to write, once each may be; ``merges``: into what a multiple resource has already."""
    for row, value in changes:
        if not row.writable:
            raise Rejected(METHOD_NOT_ALLOWED, row.name)
        check_size(row, value)
    if replaces:
        _check_mandatory(entry, changes)
    if merges:
        changes = [(row, _merged(instance, row, value)) for row, value in changes]
    for row, value in changes:
        instance.check(row, value)
    return changes


def _apply(entry: ObjectEntry, writes: "list[tuple]", changed, server: "int | None" = None) -> None:
    """Carry out checked writes to instances of one object: (instance, changes, whether they replace what there is)."""
    before = []
    written: "list[tuple]" = []
    try:
        for instance, changes, replaces in writes:
            before.append((instance, [(row.name, getattr(instance, row.name, None)) for row in entry.stored]))
            rows = []
            if replaces:
                # What a replacing Write does not name may be gone.
                rows = [row for row in entry.rows if row.writable]
                written.extend([(instance, row) for row in rows])
                instance.replace()
            for row, value in changes:
                _set(instance, row, value, server)
                if row not in rows:
                    written.append((instance, row))
    except Exception:
        for instance, values in before:
            for name, value in values:
                setattr(instance, name, value)
        written = [pair for pair in written if pair[1] not in entry.stored]
        raise
    finally:
        for instance, row in written:
            if row.readable and not row.raw:  # of raw data the host tells what is new, by its reports
                changed((entry.cls.object_id, instance.instance_id, row.id))


def _set(instance: Object, resource: Resource, value, server: "int | None") -> None:
    if resource.stream:
        write_whole(instance, resource, value, server)
    else:
        instance.write(resource, value)


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
            _check_creatable(entry, id)
            made.append(_created(entry, id, own, True))
            continue
        changes = grouped(entry, own, True)
        replaces = len(path) < 3
        if not changes and not replaces:
            raise Rejected(BAD_REQUEST, "no value")
        writes.append((instance, _checked(entry, instance, changes, replaces, False), replaces))
    _apply(entry, writes, changed)
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


def _merged(instance: Object, resource: Resource, value):
    """What a partial update makes of a resource: of a multiple one the other instances stay."""
    if not resource.multiple:
        return value
    present: "Any" = instance.read(resource)
    merged = dict(present or {})
    merged.update(value)
    return merged


def grouped(entry: ObjectEntry, values: "list[tuple]", ignore_unknown: bool = False) -> "list[tuple]":
    """(resource, value) for each resource among the values, the value of a multiple one as a dict."""
    changes: "list[tuple]" = []
    dicts: "dict[int, dict]" = {}  # the instances of a resource need not stand side by side
    for path, value in values:
        if len(path) < 3:
            continue
        row = entry.table.get(path[2])
        if row is None:
            if ignore_unknown:
                continue
            raise Rejected(NOT_FOUND, "resource %d" % path[2])
        if row.multiple != (len(path) == 4 or type(value) is dict):
            raise Rejected(BAD_REQUEST, "%s is%s multiple" % (row.name, "" if row.multiple else " not"))
        if len(path) == 4:
            if row.id in dicts:
                dicts[row.id][path[3]] = value
                continue
            value = dicts[row.id] = {path[3]: value}
        changes.append((row, value))
    return changes


def check_size(resource: Resource, value) -> None:
    """4.13 for a value that is longer than its resource takes."""
    if resource.max_size is None:
        return
    for one in value.values() if resource.multiple else (value,):
        size = len(one.encode()) if resource.type == STRING else len(one)
        if size > resource.max_size:
            raise Rejected(REQUEST_ENTITY_TOO_LARGE, "%s takes %d bytes" % (resource.name, resource.max_size))


def _check_mandatory(entry: ObjectEntry, changes: "list[tuple]") -> None:
    given = [row for row, value in changes]
    for row in entry.rows:
        if row.mandatory and row.writable and row not in given:
            raise Rejected(BAD_REQUEST, "%s is mandatory" % row.name)


def execute(model: Model, path: tuple, arguments: str) -> object:
    """Execute a resource; returns what its method does (a function: to call once the server has its answer)."""
    entry, instance, resource = find(model, path)
    if resource is None or not resource.executable:
        raise Rejected(METHOD_NOT_ALLOWED)
    return instance.execute(resource, arguments)


def create(model: Model, path: tuple, values: "list[tuple]", server: "int | None" = None) -> "list[tuple]":
    """Create instances of an object from values, all of them or none; returns their paths.

    Nothing about an instance id in the values: one instance, under the lowest free id. Resources that the object does
    not know (5.4.6), or that no server may write (7.3.2.4), are ignored.
    """
    entry = find(model, path)[0]
    made: "list[Object]" = []
    for id, own in _by_id(values) or [(None, values)]:
        _check_creatable(entry, id, bool(made))
        if id in entry.instances:
            raise Rejected(BAD_REQUEST, "instance %d exists" % id)
        made.append(_created(entry, id, own, False, server))
    for instance in made:
        model.add_instance(entry, instance)
    return [(path[0], instance.instance_id) for instance in made]


def _check_creatable(entry: ObjectEntry, id: "int | None", another: bool = False) -> None:
    """Whether an instance can be made, under this id or any; ``another``: besides one that is about to be made."""
    single = not entry.cls.multiple
    if single and (another or entry.instances or not entry.cls.creatable):
        raise Rejected(BAD_REQUEST, "a single-instance object")
    if not entry.cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    if single and id:
        raise Rejected(BAD_REQUEST, "the only instance is 0")


def _created(
    entry: ObjectEntry, id: "int | None", values: "list[tuple]", bootstrap: bool, server: "int | None" = None
) -> Object:
    """A new instance with these values, not yet in the model; ``bootstrap``: with those that can only be read, too."""
    if id is not None and id >= MAX_ID:
        raise Rejected(BAD_REQUEST, "instance %d is reserved" % id)
    changes = []
    for row, value in grouped(entry, values, True):
        if row.writable or (bootstrap and row.readable):
            changes.append((row, value))
            check_size(row, value)
    _check_mandatory(entry, changes)
    instance: Object = entry.cls()
    if id is not None:
        instance.instance_id = id
    for row, value in changes:
        instance.check(row, value)
    for row, value in changes:
        _set(instance, row, value, server)
    return instance


def delete(model: Model, path: tuple) -> Object:
    """Delete an object instance, and return it; an object or a resource cannot be deleted (4.05)."""
    entry, instance, resource = find(model, path)
    if len(path) != 2 or instance is None or not entry.cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    model.remove(path)
    return instance
