"""Payloads and what they mean: how a response is shown, and what a value to be written becomes.

The codecs of LwM2M's payload formats are the device side's (`atiny.lwm2m.formats`); the CoAP beneath is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import CodecError, ParameterError
from ..lwm2m.formats import codec
from ..lwm2m.types import BOOLEAN, FLOAT, INTEGER, NONE, OBJLNK, OPAQUE as OPAQUE_TYPE, STRING, TIME, check
from .errors import CloudError

TEXT = 0
LINK = 40
OPAQUE = 42
TLV = 11542


def _types(object_id: int, **by_type: Iterable[int]) -> dict[tuple[int, int], int]:
    kinds = {
        "text": STRING,
        "integer": INTEGER,
        "real": FLOAT,
        "boolean": BOOLEAN,
        "opaque": OPAQUE_TYPE,
        "time": TIME,
        "link": OBJLNK,
        "none": NONE,
    }
    return {(object_id, resource): kinds[name] for name, ids in by_type.items() for resource in ids}


# OMA's definitions of the objects that a 1.0 device has; an access control's resource 2 and the like are multiple.
_KNOWN: dict[tuple[int, int], int] = {
    **_types(0, text=(0, 9), boolean=(1,), integer=(2, 6, 10, 11, 12), opaque=(3, 4, 5, 7, 8)),
    **_types(1, integer=(0, 1, 2, 3, 5), boolean=(6,), text=(7,), none=(4, 8)),
    **_types(2, integer=(0, 1, 2, 3)),
    **_types(3, text=(0, 1, 2, 3, 14, 15, 16, 17, 18, 19), integer=(6, 7, 8, 9, 10, 11, 20, 21), time=(13,)),
    **_types(3, link=(22,), none=(4, 5, 12)),
    **_types(4, integer=(0, 1, 2, 3, 6, 8, 9, 10), text=(4, 5, 7)),
    **_types(5, opaque=(0,), text=(1, 6, 7), integer=(3, 5, 8, 9), none=(2,)),
    **_types(6, real=(0, 1, 2, 3, 6), opaque=(4,), time=(5,)),
    **_types(7, integer=(0, 1, 2, 3, 4, 5, 8), none=(6, 7)),
    **_types(19, opaque=(0,), integer=(1, 5), time=(2,), text=(3, 4)),
}

# Reusable resources (OMA's registry, as the IPSO objects use them): the same in whatever object they appear.
_REUSABLE: dict[int, int] = {
    **dict.fromkeys((5500, 5850), BOOLEAN),
    **dict.fromkeys((5501, 5851, 5852, 5854, 6042, 6049), INTEGER),
    **dict.fromkeys((5601, 5602, 5603, 5604, 5700, 5702, 5703, 5704, 5805, 5820, 5821, 5900, 6050), FLOAT),
    **dict.fromkeys((5701, 5706, 5750, 5751, 5853), STRING),
    5518: TIME,
    5605: NONE,
}


def type_of(object_id: int, resource_id: int) -> int | None:
    """The type of a resource (of `atiny.lwm2m.types`), None where it is not one that this cloud knows."""
    return _KNOWN.get((object_id, resource_id), _REUSABLE.get(resource_id))


def decode(path: str, content_format: int | None, payload: bytes) -> Any:
    """What a payload says: a value for a resource, {resource: value} for an instance, {instance: {...}} for an object.

    Text and the values of resources of a known type are decoded; anything else, malformed payloads included, stays
    bytes.
    """
    if content_format is None or content_format == OPAQUE:
        return payload
    if content_format == LINK:
        return payload.decode(errors="replace")
    base = _ids(path)
    found = codec(content_format)
    if found is None or base is None:
        return payload
    try:
        entries = found[1](base, payload, type_of)
    except CodecError:
        return payload
    if content_format == TEXT:
        value = entries[0][1]
        return _text(value) if type_of(base[0], base[2]) is None else value
    return _tree(base, entries)


def encode(path: str, value: Any, content_format: int | None = None) -> tuple[bytes, int | None]:
    """The payload of a value and its Content-Format; raises `CloudError` where it cannot be one.

    bytes: as they are, as opaque unless ``content_format`` is given. str, int, float, bool, (object, instance): as
    text, or as TLV. dict, as TLV: {resource: value} of an instance (also of one to be created, where ``path`` is the
    object), {instance: {resource: value}} of an object, {resource instance: value} of a multiple resource.
    """
    if isinstance(value, (bytes, bytearray)):
        return bytes(value), OPAQUE if content_format is None else content_format
    base = _ids(path)
    if isinstance(value, dict):
        content_format = TLV if content_format is None else content_format
    elif content_format is None:
        content_format = TEXT
    if content_format == TEXT and isinstance(value, str):
        return value.encode(), TEXT
    found = codec(content_format)
    if found is None or base is None:
        raise CloudError(f"cannot encode {value!r} for {path} in Content-Format {content_format}: give bytes")
    try:
        if len(base) == 1 and isinstance(value, dict) and not all(isinstance(item, dict) for item in value.values()):
            base = (*base, 0)  # the resources alone: the device chooses the instance
        return found[0](base, _entries(base, value)), content_format
    except CodecError as problem:
        raise CloudError(f"cannot encode {value!r} for {path}: {problem}") from None


def _entries(base: tuple[int, ...], value: Any) -> list[Any]:
    if len(base) >= 3:
        if isinstance(value, dict):
            return [_entry((*base, id), item) for id, item in sorted(value.items())] or [(base, 0, {})]
        return [_entry(base, value)]
    if not isinstance(value, dict):
        raise CodecError("an instance is a dict of its resources")
    entries: list[Any] = []
    for id, item in sorted(value.items()):
        entries += _entries((*base, id), item)
    return entries


def _entry(path: tuple[int, ...], value: Any) -> tuple[tuple[int, ...], int, Any]:
    kind = _kind(path, value)
    try:
        return path, kind, check(kind, value)
    except ParameterError as problem:
        raise CodecError(str(problem)) from None


def _kind(path: tuple[int, ...], value: Any) -> int:
    known = type_of(path[0], path[2])
    if known is not None:
        return known
    for python, kind in ((bool, BOOLEAN), (int, INTEGER), (float, FLOAT), (str, STRING), (tuple, OBJLNK)):
        if isinstance(value, python):
            return kind
    return OPAQUE_TYPE


def _ids(path: str) -> tuple[int, ...] | None:
    parts = [part for part in path.split("/") if part]
    if not 1 <= len(parts) <= 4 or not all(part.isdecimal() for part in parts):
        return None
    return tuple(int(part) for part in parts)


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _tree(base: tuple[int, ...], entries: list[Any]) -> Any:
    tree: dict[Any, Any] = {}
    for path, value in entries:
        # The instance may be None: a Create without an instance id.
        rest = [0 if id is None else id for id in path[len(base) :]]
        if not rest:
            return value
        node = tree
        for id in rest[:-1]:
            node = node.setdefault(id, {})
        if value is None:  # an instance without resources
            node.setdefault(rest[-1], {})
        else:
            node[rest[-1]] = value
    return tree
