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
)
from ..errors import ParameterError, Rejected
from .model import Model, Object, ObjectEntry, Resource
from .path import MAX_ID
from .types import STRING, check

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


def read(model: Model, path: tuple) -> "list[tuple]":
    """The entries of everything readable at a path."""
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
        for id in entry.ids:
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


def write(model: Model, path: tuple, values: "list[tuple]", replace: bool, changed) -> None:
    """Write values to an instance, a resource or a resource instance: all of them, or none.

    ``replace``: what is not among the values goes (PUT); else it stays (POST). ``changed(path)`` is called for each
    resource that has a new value. Where a method of the host fails halfway, attributes are as they were; what its
    own methods did before stays done.
    """
    entry, instance, resource = find(model, path)
    if instance is None or (resource is not None and not resource.writable):
        raise Rejected(METHOD_NOT_ALLOWED)
    changes = _grouped(entry, values)
    if resource is not None and not changes:
        raise Rejected(BAD_REQUEST, "no value")
    replaces = replace and resource is None
    for row, value in changes:
        if not row.writable:
            raise Rejected(METHOD_NOT_ALLOWED, row.name)
        _check_size(row, value)
    if replaces:
        _check_mandatory(entry, changes)
    if not replace or len(path) == 4:
        changes = [(row, _merged(instance, row, value)) for row, value in changes]
    for row, value in changes:
        instance.check(row, value)
    before = [(row.name, getattr(instance, row.name, None)) for row in entry.stored]
    # What a replacing Write does not name may be gone.
    written = [row for row in entry.rows if row.writable] if replaces else []
    try:
        if replaces:
            instance.replace()
        for row, value in changes:
            instance.write(row, value)
            if row not in written:
                written.append(row)
    except Exception:
        for name, value in before:
            setattr(instance, name, value)
        written = [row for row in written if row not in entry.stored]
        raise
    finally:
        for row in written:
            if row.readable and not row.raw:  # of raw data the host tells what is new, by its reports
                changed(path[:2] + (row.id,))


def _merged(instance: Object, resource: Resource, value):
    """What a partial update makes of a resource: of a multiple one the other instances stay."""
    if not resource.multiple:
        return value
    present: "Any" = instance.read(resource)
    merged = dict(present or {})
    merged.update(value)
    return merged


def _grouped(entry: ObjectEntry, values: "list[tuple]", ignore_unknown: bool = False) -> "list[tuple]":
    """(resource, value) for each resource among the values, the value of a multiple one as a dict."""
    changes: "list[tuple]" = []
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
            if changes and changes[-1][0] is row:
                changes[-1][1][path[3]] = value
                continue
            value = {path[3]: value}
        changes.append((row, value))
    return changes


def _check_size(resource: Resource, value) -> None:
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


def create(model: Model, path: tuple, values: "list[tuple]") -> "list[tuple]":
    """Create instances of an object from values, all of them or none; returns their paths.

    Nothing about an instance id in the values: one instance, under the lowest free id. Resources that the object does
    not know are ignored (5.4.6).
    """
    entry = find(model, path)[0]
    cls = entry.cls
    if not cls.multiple:
        raise Rejected(BAD_REQUEST, "a single-instance object")
    if not cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    ids: "list[int | None]" = []
    for row in values:
        id = row[0][1]
        if id not in ids:
            ids.append(id)
        if id is not None and (id in entry.instances or id >= MAX_ID):
            raise Rejected(BAD_REQUEST, "instance %d %s" % (id, "exists" if id < MAX_ID else "is reserved"))
    made = [_made(entry, id, [row for row in values if row[0][1] == id]) for id in ids or [None]]
    for instance in made:
        model.add_instance(entry, instance)
    return [(path[0], instance.instance_id) for instance in made]


def _made(entry: ObjectEntry, id: "int | None", values: "list[tuple]") -> Object:
    """A new instance with these values, not yet in the model."""
    changes = _grouped(entry, values, True)
    for row, value in changes:
        if not row.operations or row.executable:
            raise Rejected(METHOD_NOT_ALLOWED, row.name)
        _check_size(row, value)
    _check_mandatory(entry, changes)
    instance: Object = entry.cls()
    if id is not None:
        instance.instance_id = id
    for row, value in changes:
        instance.check(row, value)
    for row, value in changes:
        instance.write(row, value)
    return instance


def delete(model: Model, path: tuple) -> Object:
    """Delete an object instance, and return it; an object or a resource cannot be deleted (4.05)."""
    entry, instance, resource = find(model, path)
    if len(path) != 2 or instance is None or not entry.cls.creatable:
        raise Rejected(METHOD_NOT_ALLOWED)
    model.remove(path)
    return instance
