"""Read and Write on the model (LwM2M 1.0, 5.4), and what all operations share. What cannot be done is `Rejected`.

A Write checks everything before it changes anything. All functions take paths as tuples; ``entries`` and ``values`` are
what the codecs of `formats` take and give: (path, type, value) and (path, value), one for each resource or resource
instance. Create and Delete are in `instances`.
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
from .path import is_id
from .types import OPAQUE as OPAQUE_TYPE, STRING, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
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
    if resource is not None:
        if not resource.readable:
            raise Rejected(METHOD_NOT_ALLOWED)
        value = instance.read(resource)
        if value is None:
            raise Rejected(NOT_FOUND)
        if not resource.multiple:
            try:
                return [(path, resource.type, check(resource.type, value))]
            except ParameterError as error:
                raise _named(path, resource, error) from None
        found = entries(path[:2], ((resource, value),))
        if len(path) == 4:
            found = [row for row in found if row[0] == path]
            if not found:
                raise Rejected(NOT_FOUND)
        return found
    if instance is not None:
        return entries(path, instance.read_all(entry.readable))
    found = []
    for id in entry.ids if ids is None else ids:
        where = (path[0], id)
        found += entries(where, entry.instances[id].read_all(entry.readable)) or [(where, 0, None)]
    return found


def entries(path: tuple, values: "Iterable[tuple[Resource, Any]]") -> "list[tuple]":
    """The entries of an instance's values; `ParameterError` where one is not of its type."""
    found: "list[tuple]" = []
    for resource, value in values:
        where = path + (resource.id,)
        kind = resource.type
        try:
            if not resource.multiple:
                found.append((where, kind, check(kind, value)))
                continue
            if not isinstance(value, dict):
                raise ParameterError("it is multiple: give a dict of its instances")
            for id in value:
                if not is_id(id):
                    raise ParameterError("an id of its instances is no number from 0 to 65535")
            for id in sorted(value):
                found.append((where + (id,), kind, check(kind, value[id])))
            if not value:
                found.append((where, kind, {}))
        except ParameterError as error:
            raise _named(path, resource, error) from None
    return found


def _named(path: tuple, resource: Resource, error: ParameterError) -> ParameterError:
    """The error with the name of the resource whose value the host got wrong."""
    return ParameterError("%s of object %d: %s" % (resource.name, path[0], error))


def decode(entry: ObjectEntry, path: tuple, content_format: "int | None", payload: bytes) -> "list[tuple]":
    """The values that a payload has for a path of this object; without a Content-Format, in the usual one.

    `Rejected`: 4.15 for a format that is not supported, 4.00 for a payload that is not well-formed in it.
    """
    table = entry.table
    resource = table.get(path[2]) if len(path) > 2 else None
    if resource is not None and (resource.raw or resource.stream is not None):
        if content_format in (None, TEXT, OPAQUE):
            return [(path, payload)]
    if content_format is None:
        if resource is None or (resource.multiple and len(path) == 3):
            content_format = TLV
        else:
            content_format = OPAQUE if resource.type == OPAQUE_TYPE else TEXT
    found = codec(content_format)
    if found is None:
        raise Rejected(UNSUPPORTED_CONTENT_FORMAT)

    def type_of(object_id: int, resource_id: int) -> "int | None":
        row = table.get(resource_id)
        return None if row is None or object_id != path[0] else row.type

    try:
        rows: "list[tuple]" = found[1](path, payload, type_of)
        return rows
    except CodecError as error:
        raise Rejected(BAD_REQUEST, str(error)) from None


def write(
    model: Model,
    path: tuple,
    content_format: "int | None",
    payload: bytes,
    replace: bool,
    changed,
    server: "int | None" = None,
) -> None:
    """Write a payload to an instance, a resource or a resource instance: all of it, or nothing.

    ``replace``: what is not among the values goes (PUT); else it stays (POST). ``changed(path)`` is called for each
    resource that has a new value. Where a method of the host fails halfway, attributes are as they were; what its
    own methods did before stays done. ``server``: the short server id of who writes, for streamed resources.
    """
    entry, instance, resource = find(model, path)
    if instance is None or (resource is not None and not resource.writable):
        raise Rejected(METHOD_NOT_ALLOWED)
    changes = grouped(entry, decode(entry, path, content_format, payload))
    if resource is not None and not changes:
        raise Rejected(BAD_REQUEST, "no value")
    replaces = replace and resource is None
    changes = checked(entry, instance, changes, replaces, not replace or len(path) == 4)
    apply(entry, [(instance, changes, replaces)], changed, server)


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


def checked(
    entry: ObjectEntry, instance: Object, changes: "list[tuple]", replaces: bool, merges: bool
) -> "list[tuple]":
    """The (resource, value) to write, once each may be.

    ``merges``: of a multiple resource the instances that are there and not among the values stay.
    """
    for row, value in changes:
        if not row.writable:
            raise Rejected(METHOD_NOT_ALLOWED, row.name)
        check_size(row, value)
    if replaces:
        check_mandatory(entry, changes)
    found = []
    for row, value in changes:
        if merges and row.multiple:
            present: "Any" = instance.read(row)
            present = dict(present or {})
            present.update(value)
            value = present
        instance.check(row, value)
        found.append((row, value))
    return found


def check_size(resource: Resource, value) -> None:
    """4.13 for a value that is longer than its resource takes."""
    if resource.max_size is None:
        return
    for one in value.values() if resource.multiple else (value,):
        size = len(one.encode()) if resource.type == STRING else len(one)
        if size > resource.max_size:
            raise Rejected(REQUEST_ENTITY_TOO_LARGE, "%s takes %d bytes" % (resource.name, resource.max_size))


def check_mandatory(entry: ObjectEntry, changes: "list[tuple]") -> None:
    """4.00 where a resource is missing that a whole instance has to have."""
    given = [row for row, value in changes]
    for row in entry.rows:
        if row.mandatory and row.writable and row not in given:
            raise Rejected(BAD_REQUEST, "%s is mandatory" % row.name)


def apply(entry: ObjectEntry, writes: "list[tuple]", changed, server: "int | None" = None) -> None:
    """Carry out checked writes to instances of one object: (instance, changes, whether they replace what there is)."""
    before = []
    written: "list[tuple]" = []
    try:
        for instance, changes, replaces in writes:
            for row in entry.stored:
                before.append((instance, row.name, getattr(instance, row.name, None)))
            if replaces:
                # What a replacing Write does not name may be gone.
                written += [(instance, row) for row in entry.rows if row.writable]
                instance.replace()
            for row, value in changes:
                set_value(instance, row, value, server)
                if not replaces:
                    written.append((instance, row))
    except Exception:
        for instance, name, value in before:
            setattr(instance, name, value)
        written = [pair for pair in written if pair[1] not in entry.stored]
        raise
    finally:
        for instance, row in written:
            if row.readable and not row.raw:  # of raw data the host tells what is new, by its reports
                changed((entry.cls.object_id, instance.instance_id, row.id))


def set_value(instance: Object, resource: Resource, value, server: "int | None") -> None:
    """Set a resource to a value that was checked."""
    if resource.stream is not None:
        resource.stream(instance, resource, value, server)
    else:
        instance.write(resource, value)
