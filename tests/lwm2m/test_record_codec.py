"""The contents of the records: any value comes back, and no bytes raise anything but the errors that are said."""

import struct

import pytest
from hypothesis import given, strategies as st

from atiny.errors import CodecError, ParameterError, Rejected
from atiny.lwm2m import record_codec
from atiny.lwm2m.formats import tlv
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.types import BOOLEAN, INTEGER, OPAQUE, STRING

ids = st.integers(0, 65535)
integers = st.integers(-(2**63), 2**63 - 1)
VALUES = {
    INTEGER: integers,
    BOOLEAN: st.booleans(),
    STRING: st.text(st.characters(exclude_categories=["Cs"])),
    OPAQUE: st.binary(max_size=300),
}
ACCOUNTS = (Security, Server, AccessControl)


@st.composite
def models(draw):
    """Accounts in which each resource has any value of its type, or none."""
    model = Model()
    for cls in ACCOUNTS:
        for id in draw(st.lists(st.integers(0, 65534), unique=True, max_size=3)):
            instance = cls()
            instance.instance_id = id
            for row in cls.resources:
                if row.executable:
                    continue
                values = VALUES[row.type]
                if row.multiple:
                    values = st.dictionaries(ids, values, max_size=4)
                setattr(instance, row.name, draw(st.none() | values))
            if cls is Server:
                instance.rights = draw(st.none() | st.integers(0, 31))
            model.add(instance)
    return model


def state(model):
    return [
        (object_id, id, row.name, getattr(entry.instances[id], row.name), getattr(entry.instances[id], "rights", None))
        for object_id, entry in sorted(model.objects.items())
        for id in entry.ids
        for row in entry.rows
        if not row.executable
    ]


@given(models())
def test_any_accounts_come_back(model):
    decoded = record_codec.decode_accounts(record_codec.encode_accounts(model))
    assert state(decoded) == state(model)
    assert [decoded.objects[id].ids for id in sorted(decoded.objects)] == [
        model.objects[id].ids for id in sorted(model.objects)
    ]
    assert record_codec.encode_accounts(decoded) == record_codec.encode_accounts(model)


names = st.text(st.characters(categories=["Ll"]), min_size=1, max_size=8)
numbers = st.floats(allow_nan=False) | st.integers(-(10**20), 10**20)
paths = st.lists(ids, min_size=1, max_size=4).map(tuple)


@given(st.dictionaries(st.tuples(ids, paths), st.dictionaries(names, numbers, max_size=6), max_size=5))
def test_any_attributes_come_back(attributes):
    entries = [(server, path, values) for (server, path), values in attributes.items()]
    decoded = record_codec.decode_attributes(record_codec.encode_attributes(entries))
    assert decoded == sorted(entries, key=lambda entry: entry[:2])


@given(st.lists(integers, min_size=1, max_size=300))
def test_any_error_codes_come_back(codes):
    assert record_codec.decode_errors(record_codec.encode_errors(codes)) == codes


@given(st.binary(max_size=60), st.sampled_from([0, 1, 2, 65535, None]))
def test_garbage_raises_the_package_s_errors_only(data, object_id):
    """The checksum keeps garbage from getting here: it is the second line."""
    if object_id is not None:
        data = struct.pack(">HI", object_id, len(data)) + data
    for decode in (record_codec.decode_accounts, record_codec.decode_attributes, record_codec.decode_errors):
        try:
            decode(data)
        except (CodecError, ParameterError, Rejected):
            pass


def block(object_id, *entries):
    """A block as the encoder writes it, of what it never would."""
    payload = tlv.encode((object_id,), list(entries))
    return struct.pack(">HI", object_id, len(payload)) + payload


SERVER = block(1, ((1, 0, 0), INTEGER, 1))

BAD = {
    "a head cut short": b"\0\0\0",
    "a block cut short": SERVER[:-1],
    "an object that is no account's": block(3, ((3, 0, 0), STRING, "x")),
    "a resource that the object does not have": block(1, ((1, 0, 999), INTEGER, 1)),
    "a resource that is executed": block(1, ((1, 0, 8), OPAQUE, b"")),
    "a single resource with instances": block(1, ((1, 0, 0, 0), INTEGER, 1)),
    "a single resource without a value": block(1, ((1, 0, 0), INTEGER, {})),
    "a multiple resource without instances": block(2, ((2, 0, 2), INTEGER, 1)),
    "a resource outside of an instance": struct.pack(">HI", 1, 3) + b"\xc1\x00\x01",
    "an instance id that is reserved": block(1, ((1, 65535, 0), INTEGER, 1)),
    "an object twice": SERVER + SERVER,
    "rights of no server": block(65535, ((65535, 0, 0), INTEGER, 1)),
    "rights of another server": SERVER + block(65535, ((65535, 1, 0), INTEGER, 1)),
    "another private value": SERVER + block(65535, ((65535, 0, 1), INTEGER, 1)),
    "rights with instances": SERVER + block(65535, ((65535, 0, 0, 0), INTEGER, 1)),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_accounts_that_nobody_wrote(data):
    with pytest.raises((CodecError, ParameterError, Rejected)):
        record_codec.decode_accounts(data)


BAD_ATTRIBUTES = {
    "cut in the path": "0001 02 0003",
    "cut in the value": "0001 01 0003 01 04 706d696e 03 69 31",
    "an unknown kind": "0001 01 0003 01 04 706d696e 02 78 31",
    "no digits": "0001 01 0003 01 04 706d696e 01 69",
    "two signs": "0001 01 0003 01 04 706d696e 04 69 2d2d31",
    "a short double": "0001 01 0003 01 02 6774 05 64 00000000",
    "a name that is no text": "0001 01 0003 01 01 ff 02 69 31",
}


@pytest.mark.parametrize("data", BAD_ATTRIBUTES.values(), ids=BAD_ATTRIBUTES)
def test_attributes_that_nobody_wrote(data):
    with pytest.raises(CodecError):
        record_codec.decode_attributes(bytes.fromhex(data))


def test_a_value_of_another_type_is_named_but_not_shown():
    model = Model()
    model.add(Security("coap://x", secret_key="a secret"))
    with pytest.raises(ParameterError, match="secret_key of object 0: expected OPAQUE") as problem:
        record_codec.encode_accounts(model)
    assert "a secret" not in str(problem.value)
