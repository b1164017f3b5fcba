"""The contents of the records that outlive a restart (`persistence`): accounts, notification attributes, error codes.

Accounts are blocks: u16 object id, u32 length, the object as TLV (`formats.tlv`). Every decoder raises `CodecError`,
`ParameterError` or `Rejected` for what no encoder here wrote.
"""

from struct import pack, unpack

from ..errors import CodecError
from .formats import TLV, tlv
from .formats.text import utf8
from .model import Model
from .objects.security import Security
from .objects.server import Server
from .operations import decode, entries, grouped
from .servers import ACCESS_CONTROL, ACCOUNT_OBJECTS, SERVER, instances
from .types import INTEGER, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Set = tuple[int, tuple, dict[str, float]]  # short server id, path, attributes

# What belongs to an account but is no resource: a block of its own, under an id that no object has.
_PRIVATE = 65535
_RIGHTS = 0
_ERROR_CODES = (3, 0, 11)


class _Reader:
    """Takes what a record is made of, one after the other; `CodecError` where it ends too early."""

    def __init__(self, data: bytes):
        self.left = data

    def take(self, size: int) -> bytes:
        taken = self.left[:size]
        if len(taken) < size:
            raise CodecError("it is cut short")
        self.left = self.left[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


def encode_accounts(model: Model) -> bytes:
    """Objects 0, 1 and 2 as blocks: each resource that has a value, whatever a server may do with it.

    Values are the attributes of the instances, not what their methods say; of an instance without a value the block
    says that it is there. Raises `ParameterError` or `CodecError` where one cannot be said in TLV.
    """
    blocks: "list[tuple[int, list[tuple]]]" = []
    rights: "list[tuple]" = []
    for object_id in ACCOUNT_OBJECTS:
        rows: "list[tuple]" = []
        for instance in instances(model, object_id):
            path = (object_id, instance.instance_id)
            values = []
            for row in instance.resources:
                value = getattr(instance, row.name, None)
                if value is not None:
                    values.append((row, value))
            rows += entries(path, values) or [(path, 0, None)]
            if object_id == SERVER and instance.rights is not None:
                rights.append(((_PRIVATE, path[1], _RIGHTS), INTEGER, instance.rights))
        if object_id in model.objects:
            blocks.append((object_id, rows))
    out = b""
    for object_id, rows in blocks + [(_PRIVATE, rights)]:
        payload = tlv.encode((object_id,), rows)
        out += pack(">HI", object_id, len(payload)) + payload
    return out


def decode_accounts(data: bytes) -> Model:
    """A model of the objects that `encode_accounts` wrote; an `AtinyError` where they are not whole.

    A value that was not there is not there: no default of a class takes its place.
    """
    model = Model()
    reader = _Reader(data)
    while reader.left:
        object_id = reader.number(2)
        payload = reader.take(reader.number(4))
        if object_id == _PRIVATE:
            for path, value in tlv.decode((_PRIVATE,), payload, _integer):
                if path[2:] != (_RIGHTS,) or not model.has((SERVER, path[1])):
                    raise CodecError("rights of no server")
                server: "Any" = model.objects[SERVER].instances[path[1]]
                server.rights = value
        elif object_id in ACCOUNT_OBJECTS and object_id not in model.objects:
            _take_instances(model, object_id, payload)
        else:
            raise CodecError("object %d is no account's, or stands there twice" % object_id)
    return model


def _integer(object_id: int, resource_id: int) -> int:
    return INTEGER


def _take_instances(model: Model, object_id: int, payload: bytes) -> None:
    cls: "Any" = Server if object_id == SERVER else Security
    if object_id == ACCESS_CONTROL:
        from .objects.access_control import AccessControl  # a device with one server never needs it

        cls = AccessControl
    model.add(cls)  # the object may be there without instances
    entry = model.objects[object_id]
    found: "dict[int | None, list[tuple]]" = {}
    for value in decode(entry, (object_id,), TLV, payload):
        found.setdefault(value[0][1], []).append(value)
    for id in found:
        if id is None:
            raise CodecError("resources of no instance")
        instance = cls()
        instance.instance_id = id
        for row in entry.rows:
            setattr(instance, row.name, None)
        for row, value in grouped(entry, found[id]):
            if row.executable:
                raise CodecError("%s has no value" % row.name)
            setattr(instance, row.name, value)
        model.add_instance(entry, instance)


def encode_attributes(rows: "list[Set]") -> bytes:
    """Of each path, in their order: u16 short server id, u8 depth, u16 ids, u8 count; of each attribute a name and a
    value, each with its length in u8: "i" and decimal digits (they may be of more than 64 bits), or "d" and a double.
    """
    out = b""
    for short_server_id, path, values in sorted(rows):  # each path is there once: no two values are compared
        depth = len(path)
        out += pack(">HB%dHB" % depth, short_server_id, depth, *path, len(values))
        for name in sorted(values):
            value = values[name]
            encoded = b"i%d" % value if isinstance(value, int) else b"d" + pack(">d", value)
            for part in (name.encode(), encoded):
                out += bytes([len(part)]) + part
    return out


def decode_attributes(data: bytes) -> "list[Set]":
    reader = _Reader(data)
    entries: "list[Set]" = []
    while reader.left:
        short_server_id = reader.number(2)
        depth = reader.number(1)
        path = unpack(">%dH" % depth, reader.take(2 * depth))
        values: "dict[str, float]" = {}
        for _ in range(reader.number(1)):
            name = utf8(reader.take(reader.number(1)))
            encoded = reader.take(reader.number(1))
            if encoded[:1] == b"i" and encoded[2 if encoded[1:2] == b"-" else 1 :].isdigit():
                values[name] = int(encoded[1:])
            elif encoded[:1] == b"d" and len(encoded) == 9:
                values[name] = unpack(">d", encoded[1:])[0]
            else:
                raise CodecError("%s is no number" % name)
        entries.append((short_server_id, path, values))
    return entries


def encode_errors(codes: "list[int]") -> bytes:
    """At least one code, as the instances of a resource."""
    return tlv.encode(
        _ERROR_CODES,
        [(_ERROR_CODES + (index,), INTEGER, check(INTEGER, code)) for index, code in enumerate(codes)],
    )


def decode_errors(data: bytes) -> "list[int]":
    return [value for _, value in tlv.decode(_ERROR_CODES, data, _integer)]
