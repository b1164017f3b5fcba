"""The read/write test that every generated class has to pass, under both runtimes."""

from atiny.errors import Rejected
from atiny.lwm2m import operations
from atiny.lwm2m.formats import TLV, tlv
from atiny.lwm2m.model import Model
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME, check

# Values to try, until one is in the resource's range; another set to write back over the first.
FIRST = {
    INTEGER: (7, 1, 300, 0),
    TIME: (1700000000,),
    FLOAT: (0.5, 12.25),
    BOOLEAN: (True,),
    STRING: ("a \u20ac", "U"),
    OPAQUE: (b"\x00\xff\x10", bytes(range(6)), bytes(range(32)), b"\x01", b"\x01\x02", bytes(8)),
    OBJLNK: ((3, 0),),
}
SECOND = {
    INTEGER: (2, 1, 400, 0),
    TIME: (1,),
    FLOAT: (0.25, -3.5),
    BOOLEAN: (False,),
    STRING: ("b", "UQ"),
    OPAQUE: (b"\x01", b"abc", b"abcdef", bytes(32), bytes(16), b"ab", bytes(7)),
    OBJLNK: ((65535, 65535),),
}
# Where a value that no range allows is to be found.
OUTSIDE = {
    INTEGER: (-1, 70000, 1 << 40, -(1 << 40)),
    TIME: (-1, 1 << 60),
    FLOAT: (-1e300, 1e300),
    STRING: ("", "x" * 70000),
    OPAQUE: (b"", bytes(70000)),
}


def suits(instance, row, value) -> bool:
    try:
        instance.check(row, value)
    except Rejected as problem:
        if problem.code != 0x80:
            raise
        return False
    return True


def some_value(instance, row, candidates):
    for one in candidates[row.type]:
        if row.max_size is not None and len(one) > row.max_size:
            continue
        value = {0: one, 300: one} if row.multiple else one
        if suits(instance, row, value):
            return value
    raise AssertionError("no value for %s" % row.name)


def entries_of(rows, path, values) -> list:
    """What a Read of the instance should give, in the order of ids."""
    entries = []
    for row in rows:
        value = values[row.name]
        if row.multiple:
            for id in sorted(value):
                entries.append((path + (row.id, id), row.type, value[id]))
        else:
            entries.append((path + (row.id,), row.type, value))
    return entries


def read_write(cls) -> int:
    """Use every resource of a new instance of ``cls``; returns how many there were. AssertionError where one fails."""
    instance = cls()
    model = Model()
    model.add(instance)
    path = (cls.object_id, 0)
    entry = model.objects[cls.object_id]
    rows = [row for row in entry.rows if not row.executable]
    hidden = cls.object_id == operations.SECURITY_OBJECT  # no server may read it

    # A fresh instance: what is mandatory is there, of its type and in its range, and the rest is not.
    for row in rows:
        value = getattr(instance, row.name)
        assert (value is not None) == row.mandatory, row.name
        if value is not None:
            for one in value.values() if row.multiple else (value,):
                assert check(row.type, one) == one, row.name
            assert suits(instance, row, value), row.name
    if not hidden:
        fresh = operations.read(model, path)
        assert len(fresh) == len([row for row in rows if row.readable and row.mandatory])

    def type_of(object_id, resource_id):
        return entry.table[resource_id].type

    values = {row.name: some_value(instance, row, FIRST) for row in rows}
    for row in rows:
        setattr(instance, row.name, values[row.name])
    expected = entries_of(entry.readable, path, values)
    if not hidden:
        assert operations.read(model, path) == expected
        assert operations.read(model, path[:1]) == (expected or [(path, 0, None)])
        for row in entry.readable:
            assert operations.read(model, path + (row.id,)) == entries_of([row], path, values)
    for chosen in (entry.readable, rows):
        entries = entries_of(chosen, path, values)
        decoded = tlv.decode(path, tlv.encode(path, entries), type_of)
        assert decoded == [(place, value) for place, kind, value in entries]

    # What a server may write: through TLV, one by one and then all at once. The rest stays.
    writable = [row for row in rows if row.writable]
    for row in writable:
        values[row.name] = some_value(instance, row, SECOND)
        payload = tlv.encode(path + (row.id,), entries_of([row], path, values))
        changed: list = []
        operations.write(model, path + (row.id,), TLV, payload, True, changed.append)
        assert getattr(instance, row.name) == values[row.name], row.name
        assert changed == ([path + (row.id,)] if row.readable else []), row.name
    if writable:
        for row in writable:
            values[row.name] = some_value(instance, row, FIRST)
        payload = tlv.encode(path, entries_of(writable, path, values))
        operations.write(model, path, TLV, payload, True, lambda changed: None)
    for row in rows:
        assert getattr(instance, row.name) == values[row.name], row.name
        if hasattr(instance, "check_" + row.name):
            outside = [{0: one} if row.multiple else one for one in OUTSIDE[row.type]]
            refused = [value for value in outside if not suits(instance, row, value)]
            assert refused, row.name

    for row in entry.rows:
        if row.executable:
            told = None
            try:
                instance.execute(row, "")
            except NotImplementedError as problem:
                told = str(problem)
            assert told == "execute_%s is not written yet" % row.name
    return len(entry.rows)
