"""Discover: what there is at a path and below it, with the attributes of the server that asks (LwM2M 1.0, 5.4.2)."""

from ..coap.codes import CONTENT, CONTENT_FORMAT, METHOD_NOT_ALLOWED, NOT_FOUND
from ..coap.message import Message, uint_bytes
from ..errors import Rejected
from .formats import LINK, link
from .operations import find
from .path import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .dispatch import Dispatcher


def discover(dispatcher: "Dispatcher", path: tuple) -> Message:
    """The 2.05 with the links at ``path`` that the server may see.

    `Rejected` 4.04 where nothing is there, 4.05 for a resource instance.
    """
    access = dispatcher.access
    ids: "list[int] | None" = None if access is None else access.instances(dispatcher.short_server_id, path)
    attributes = dispatcher.observations.attributes
    entry, instance, resource = find(dispatcher.model, path)
    if len(path) > 3:
        raise Rejected(METHOD_NOT_ALLOWED)

    def own(path: tuple) -> "list[tuple]":
        """The attributes of a path; those of a resource alone with what it inherits."""
        return [] if attributes is None else attributes.own(path, resource is not None)

    found: "list[tuple]" = []
    if instance is not None:
        ids = [path[1]]
    else:
        version = entry.cls.version
        found.append((render(path), ([("ver", version)] if version else []) + own(path)))
    for id in entry.ids if ids is None else ids:
        instance = entry.instances[id]
        where = (path[0], id)
        if resource is None:
            found.append((render(where), own(where)))
        for row in entry.rows if resource is None else (resource,):
            below = where + (row.id,)
            values = own(below)
            if row.readable:
                value: "Any" = instance.read(row)
                if value is None:
                    continue
                if row.multiple:
                    values = [("dim", len(value))] + values
            elif not instance.exists(row):
                continue
            found.append((render(below), values))
    if not found:
        raise Rejected(NOT_FOUND)
    return Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(LINK))], link.render(found))
