"""What outlives a restart, under MicroPython: exits 1 if a record does not come back, or a damaged one does.

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/persistence_check.py
"""

import sys

from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.persistence import Records

MARK = b"01234567"
ATTRIBUTES = [(1, (3,), {"pmin": 0}), (101, (3, 0, 9), {"gt": 3.5, "pmax": 99999999999999999999, "lt": -12})]

checks = 0
failures = 0


class Medium:
    def __init__(self) -> None:
        self.records: "dict[str, bytes]" = {}
        self.puts = 0

    def get(self, name):
        return self.records.get(name)

    def put(self, name, data):
        self.puts += 1
        self.records[name] = bytes(data)

    def delete(self, name):
        self.records.pop(name, None)


def same(what, found, expected) -> None:
    global checks, failures
    checks += 1
    if found != expected:
        failures += 1
        print("FAILED %s: expected %r, got %r" % (what, expected, found))


def accounts(host, rights):
    model = Model()
    model.add(Security("coaps://%s:5684" % host, 101, b"id", b"\xff\x00key"))
    bootstrap = Security("coap://bs:5683", 0, is_bootstrap=True)
    bootstrap.instance_id = 5
    model.add(bootstrap)
    server = Server(short_server_id=101, lifetime_s=86400 * 100, binding="UQ")
    server.rights = rights
    model.add(server)
    model.add(AccessControl(3, 0, {0: 1, 101: 31, 300: 0}, 101))
    model.add(AccessControl(1, 0, {}))
    return model


def state(model):
    found = []
    for object_id in sorted(model.objects):
        entry = model.objects[object_id]
        for id in entry.ids:
            instance = entry.instances[id]
            values = [getattr(instance, row.name) for row in entry.rows if not row.executable]
            found.append((object_id, id, values, getattr(instance, "rights", None)))
    return found


def main() -> None:
    medium = Medium()
    warnings: "list[str]" = []
    kept = Records(medium, warnings.append, MARK)
    other = Records(medium, warnings.append, b"76543210")
    for rights in (None, 0, 31):
        model = accounts("one", rights)
        same("save", kept.save_accounts(model), True)
        loaded = Model()
        same("load", kept.load_accounts(loaded), True)
        same("accounts", state(loaded), state(model))
        same("another configuration", other.load_accounts(Model()), False)
    record = medium.records["accounts"]
    print("accounts", record.hex())  # CPython must read it
    puts = medium.puts
    kept.save_accounts(model)
    same("an unchanged record is not written", medium.puts, puts)

    same("keep", kept.keep_previous(), True)
    same("the same is no previous one", kept.has_previous(), False)
    kept.save_accounts(accounts("two", None))
    same("previous", kept.has_previous(), True)
    previous = Model()
    same("load the previous", kept.load_previous(previous), True)
    same("the previous accounts", state(previous), state(model))
    same("drop", kept.drop_previous(), True)
    same("no previous", kept.has_previous(), False)

    kept.save_attributes(ATTRIBUTES)
    same("attributes", kept.load_attributes(), ATTRIBUTES)
    kept.save_errors([1, 0, 7])
    same("errors", kept.load_errors(), [1, 0, 7])
    same("no warning", warnings, [])

    whole = medium.records["accounts"]
    before = state(model)
    for size in range(len(whole)):
        for damaged in (whole[:size], whole[:size] + bytes([whole[size] ^ 0x10]) + whole[size + 1 :]):
            medium.records["accounts"] = damaged
            same("a damaged record", kept.load_accounts(model), False)
    same("the model is untouched", state(model), before)
    same("all are told", len(warnings), 2 * len(whole))


main()
print("%d checks, %d failures" % (checks, failures))
sys.exit(1 if failures or checks < 100 else 0)
