"""Discover: what there is at a path and below it, with the attributes of the server that asks (LwM2M 1.0, 5.4.2)."""

from ..coap.codes import METHOD_NOT_ALLOWED, NOT_FOUND
from ..errors import Rejected
from . import operations
from .attributes import Attributes, in_order
from .model import Model
from .path import render


def links(model: Model, attributes: Attributes, path: tuple, ids: "list[int] | None" = None) -> "list[tuple]":
    """The links for the answer to a Discover of ``path``, as `formats.link` renders them: (path as a str, attributes).

    ``ids``: which of an object's instances are shown, None: all. `Rejected` 4.04 where nothing is there, 4.05 for a
    resource instance.
    """
    entry, instance, resource = operations.find(model, path)
    if len(path) > 3:
        raise Rejected(METHOD_NOT_ALLOWED)
    found: "list[tuple]" = []
    if resource is not None:
        in_force = attributes.in_force(path)  # of a resource alone, with what it inherits
        _add_resource(found, path, instance, resource, in_order(in_force))
        if not found:
            raise Rejected(NOT_FOUND)
        return found
    if instance is not None:
        ids = [path[1]]
    else:
        version = entry.cls.version
        found.append((render(path), ([("ver", version)] if version else []) + attributes.own(path)))
        if ids is None:
            ids = entry.ids
    for id in ids:
        where = (path[0], id)
        found.append((render(where), attributes.own(where)))
        for row in entry.rows:
            below = where + (row.id,)
            _add_resource(found, below, entry.instances[id], row, attributes.own(below))
    return found


def _add_resource(found: "list[tuple]", path: tuple, instance, row, attributes: "list[tuple]") -> None:
    """Add the link of a resource, if it exists."""
    if row.readable:
        value = instance.read(row)
        if value is None:
            return
        if row.multiple:
            attributes = [("dim", len(value))] + attributes
    elif not instance.exists(row):
        return
    found.append((render(path), attributes))
