"""The contents of the records that outlive a restart (`persistence`): accounts, notification attributes, error codes.

Accounts are blocks: u16 object id, u32 length, the object as TLV (`formats.tlv`). Every decoder raises `CodecError` or
`ParameterError` for what no encoder here wrote.
"""

from struct import pack, unpack

from ..errors import CodecError, ParameterError
from .formats import tlv
from .formats.text import utf8
from .model import Model
from .objects.security import Security
from .objects.server import Server
from .types import INTEGER, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .model import ObjectEntry

    Set = tuple[int, tuple, dict[str, float]]  # short server id, path, attributes

ACCOUNT_OBJECTS = (0, 1, 2)
# What belongs to an account but is no resource: a block of its own, under an id that no object has.
_PRIVATE = 65535
_RIGHTS = 0
_ERROR_CODES = (3, 0, 11)


class _Reader:
    """Takes what a record is made of, one after the other; `CodecError` where it ends too early."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def __bool__(self) -> bool:
        return self.position < len(self.data)

    def take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.data):
            raise CodecError("it is cut short")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


def encode_accounts(model: Model) -> bytes:
    """Objects 0, 1 and 2 as blocks: each resource that has a value, whatever a server may do with it.

    Values are the attributes of the instances, not what their methods say. Raises `ParameterError` or `CodecError`
    where one cannot be said in TLV.
    """
    out = b""
    for object_id in ACCOUNT_OBJECTS:
        if object_id in model.objects:
            out += _block(object_id, tlv.encode((object_id,), _entries(model.objects[object_id])))
    return out + _block(_PRIVATE, tlv.encode((_PRIVATE,), _rights(model)))


def _block(object_id: int, payload: bytes) -> bytes:
    return pack(">HI", object_id, len(payload)) + payload


def _entries(entry: "ObjectEntry") -> "list[tuple]":
    entries: "list[tuple]" = []
    for id in entry.ids:
        instance = entry.instances[id]
        before = len(entries)
        for row in entry.rows:
            value = None if row.executable else getattr(instance, row.name, None)
            if value is None:
                continue
            path = (entry.cls.object_id, id, row.id)
            try:
                if row.multiple:
                    for riid in sorted(value):
                        entries.append((path + (riid,), row.type, check(row.type, value[riid])))
                    if not value:
                        entries.append((path, row.type, {}))
                else:
                    entries.append((path, row.type, check(row.type, value)))
            except ParameterError as error:
                raise ParameterError("%s of object %d: %s" % (row.name, path[0], error)) from None
        if len(entries) == before:
            entries.append(((entry.cls.object_id, id), 0, None))  # there, and without a value
    return entries


def _rights(model: Model) -> "list[tuple]":
    """Server.rights, which no resource is: as if it were one of an object of ours."""
    entries: "list[tuple]" = []
    if 1 in model.objects:
        servers = model.objects[1]
        for id in servers.ids:
            rights = getattr(servers.instances[id], "rights", None)
            if rights is not None:
                entries.append(((_PRIVATE, id, _RIGHTS), INTEGER, check(INTEGER, rights)))
    return entries


def decode_accounts(data: bytes) -> Model:
    """A model of the objects that `encode_accounts` wrote; `CodecError` or `ParameterError` where they are not whole.

    A value that was not there is not there: no default of a class takes its place.
    """
    model = Model()
    reader = _Reader(data)
    while reader:
        object_id = reader.number(2)
        payload = reader.take(reader.number(4))
        if object_id == _PRIVATE:
            _take_rights(model, payload)
        elif object_id in ACCOUNT_OBJECTS:
            _take_instances(model, object_id, payload)
        else:
            raise CodecError("object %d is no account's" % object_id)
    return model


def _class_of(object_id: int) -> "Any":
    if object_id == 0:
        return Security
    if object_id == 1:
        return Server
    from .objects.access_control import AccessControl  # a device with one server never needs it

    return AccessControl


def _take_instances(model: Model, object_id: int, payload: bytes) -> None:
    if object_id in model.objects:
        raise CodecError("object %d stands there twice" % object_id)
    cls = _class_of(object_id)
    model.add(cls)  # the object may be there without instances
    entry = model.objects[object_id]

    def type_of(object_id: int, resource_id: int) -> "int | None":
        row = entry.table.get(resource_id)
        return None if row is None else row.type

    for path, value in tlv.decode((object_id,), payload, type_of):
        id = path[1]
        if id is None:
            raise CodecError("resources of no instance")
        instance = entry.instances.get(id)
        if instance is None:
            instance = cls()
            instance.instance_id = id
            for row in entry.rows:
                if getattr(instance, row.name, None) is not None:
                    setattr(instance, row.name, None)
            model.add_instance(entry, instance)
        if len(path) == 2:
            continue
        known = entry.table.get(path[2])
        if known is None or known.executable or known.multiple != (len(path) == 4 or type(value) is dict):
            raise CodecError("resource %d of object %d is no such value" % (path[2], object_id))
        if len(path) == 3:
            setattr(instance, known.name, value)
        elif getattr(instance, known.name, None) is None:
            setattr(instance, known.name, {path[3]: value})
        else:
            getattr(instance, known.name)[path[3]] = value


def _take_rights(model: Model, payload: bytes) -> None:
    for path, value in tlv.decode((_PRIVATE,), payload, lambda object_id, resource_id: INTEGER):
        if len(path) != 3 or path[2] != _RIGHTS or not model.has((1, path[1])):
            raise CodecError("rights of no server")
        server: "Any" = model.objects[1].instances[path[1]]
        server.rights = value


def _short(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def encode_attributes(entries: "list[Set]") -> bytes:
    """Of each path: u16 short server id, u8 depth, u16 ids, u8 count; of each attribute a name and a value, each with
    its length in u8: "i" and decimal digits (they may be of more than 64 bits), or "d" and a double."""
    out = b""
    for short_server_id, path, values in sorted(entries, key=lambda entry: (entry[0], entry[1])):
        out += pack(">HB", short_server_id, len(path))
        for id in path:
            out += pack(">H", id)
        out += bytes([len(values)])
        for name in sorted(values):
            value = values[name]
            if isinstance(value, int):
                encoded = b"i%d" % value
            else:
                encoded = b"d" + pack(">d", value)
            out += _short(name.encode()) + _short(encoded)
    return out


def decode_attributes(data: bytes) -> "list[Set]":
    reader = _Reader(data)
    entries: "list[Set]" = []
    while reader:
        short_server_id = reader.number(2)
        path = tuple([reader.number(2) for _ in range(reader.number(1))])
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
    return [value for _, value in tlv.decode(_ERROR_CODES, data, lambda object_id, resource_id: INTEGER)]
