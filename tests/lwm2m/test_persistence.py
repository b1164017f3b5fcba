"""What outlives a restart: what comes back, from a store that fails, and from records that are damaged."""

import os
import subprocess

import pytest

from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.testing import FakeStore
from tests.lwm2m.stored import MARK, OTHER_MARK, SECRET, accounts, records, state
from tests.sources import ROOT
from tests.tools import tool


def test_accounts_come_back_with_every_value():
    store = FakeStore()
    model = accounts(rights=5)
    model.add(AccessControl(3, 0, {0: 1, 101: 31, 65534: 0}, 101))
    model.add(AccessControl(1, 0, {}, 65535))
    security = model.objects[0].instances[0]
    security.hold_off_s = None  # it does not exist, though an instance has it by default
    kept, warnings = records(store)
    assert kept.save_accounts(model)

    restarted = Model()
    restarted.add(Security("coap://of-the-configuration", 1))
    former = restarted.objects[0]
    generation = restarted.generation
    assert records(store)[0].load_accounts(restarted)
    assert state(restarted) == state(model)
    assert restarted.objects[0] is not former
    assert restarted.objects[0].ids == [0, 5]
    assert restarted.objects[0].instances[0].secret_key == SECRET
    assert restarted.objects[0].instances[0].hold_off_s is None
    assert restarted.objects[1].instances[0].rights == 5
    assert restarted.objects[1].instances[0].listener is None
    assert restarted.objects[2].instances[0].acl == {0: 1, 101: 31, 65534: 0}
    assert restarted.objects[2].instances[1].acl == {}
    assert restarted.generation > generation
    assert warnings == []


def test_what_is_not_stored_goes_and_the_other_objects_stay():
    store = FakeStore()
    assert records(store)[0].save_accounts(accounts())
    model = accounts("other")
    model.add(AccessControl(3, 0))

    class Lamp(Security):
        object_id = 3311

    lamp = Lamp("x", 1)
    model.add(lamp)
    assert records(store)[0].load_accounts(model)
    assert sorted(model.objects) == [0, 1, 3311]
    assert model.objects[3311].instances[0] is lamp


def test_no_rights_are_not_zero_rights():
    for rights in (None, 0, 31):
        store = FakeStore()
        records(store)[0].save_accounts(accounts(rights=rights))
        model = Model()
        assert records(store)[0].load_accounts(model)
        assert model.objects[1].instances[0].rights == rights


def test_accounts_of_another_configuration_are_not_taken():
    store = FakeStore()
    kept, warnings = records(store)
    kept.save_accounts(accounts())
    model = accounts("configured")
    before, generation = state(model), model.generation
    kept, warnings = records(store, OTHER_MARK)
    assert not kept.load_accounts(model)
    assert (state(model), model.generation) == (before, generation)
    assert warnings == []


def test_an_empty_store_is_no_damage():
    kept, warnings = records(FakeStore())
    assert not kept.load_accounts(Model())
    assert not kept.keep_previous()
    assert not kept.has_previous()
    assert kept.drop_previous()
    assert (kept.load_attributes(), kept.load_errors()) == ([], [])
    assert warnings == []


ATTRIBUTES = [
    (1, (3, 0, 9), {"pmin": 10, "pmax": 60, "gt": 3.5, "lt": -0.1, "st": 1e300}),
    (1, (3,), {"pmin": 0}),
    (65534, (3303, 65534, 5700, 65535), {"pmax": 99999999999999999999, "gt": -(10**18)}),
]


def test_attributes_and_error_codes_come_back():
    store = FakeStore()
    kept, warnings = records(store)
    assert kept.save_attributes(ATTRIBUTES)
    assert kept.save_errors([1, 0, 7, 1, 255])
    kept, _ = records(store)
    assert kept.load_attributes() == sorted(ATTRIBUTES, key=lambda entry: entry[:2])
    types = [type(value) for entry in kept.load_attributes() for value in entry[2].values()]
    assert types.count(float) == 3
    assert kept.load_errors() == [1, 0, 7, 1, 255]
    assert warnings == []


def test_no_attributes_and_no_error_codes_need_no_record():
    store = FakeStore()
    kept, _ = records(store)
    assert kept.save_attributes([])
    assert kept.save_errors([])
    assert store.operations == 0
    kept.save_attributes(ATTRIBUTES)
    kept.save_errors([3])
    assert kept.save_attributes([])
    assert kept.save_errors([])
    assert store.records == {}


def test_an_unchanged_record_is_not_written_again():
    store = FakeStore()
    kept, _ = records(store)
    for _ in range(3):
        assert kept.save_accounts(accounts())
        assert kept.save_attributes(ATTRIBUTES)
        assert kept.save_attributes(ATTRIBUTES[1:] + ATTRIBUTES[:1])  # the order says nothing
        assert kept.save_errors([1, 2])
        assert kept.keep_previous()
    assert store.operations == 4


LOADERS = [
    ("accounts", lambda kept, model: kept.load_accounts(model)),
    ("accounts_old", lambda kept, model: kept.load_previous(model)),
    ("attributes", lambda kept, model: kept.load_attributes()),
    ("device_errors", lambda kept, model: kept.load_errors()),
]


def full_store() -> FakeStore:
    store = FakeStore()
    kept, _ = records(store)
    kept.save_accounts(accounts(rights=3))
    kept.keep_previous()
    kept.save_attributes(ATTRIBUTES)
    kept.save_errors([1, 2])
    assert len(store.records) == len(LOADERS)
    return store


@pytest.mark.parametrize(("name", "load"), LOADERS, ids=[name for name, _ in LOADERS])
def test_damage_is_refused_whole(name, load):
    """Every truncation, every flipped bit, every appended byte: a warning, and the model is as it was."""
    whole = full_store().records[name]
    damaged = [whole[:size] for size in range(len(whole))]
    for position in range(len(whole)):
        for bit in range(8):
            damaged.append(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
    damaged += [whole + b"\0", b"\0" + whole, whole + whole, bytes(len(whole))]
    model = accounts("in use")
    before, generation = state(model), model.generation
    for record in damaged:
        kept, warnings = records(FakeStore({name: record}))
        assert not load(kept, model)
        assert len(warnings) == 1
        assert name in warnings[0]
        assert (state(model), model.generation) == (before, generation)


def test_a_record_of_a_later_version_is_left_alone():
    from atiny.lwm2m.persistence import _sum

    store = FakeStore()
    body = b"\x02" + MARK + b"what a later version writes"
    store.put("accounts", body + _sum(body))
    kept, warnings = records(store)
    assert not kept.load_accounts(Model())
    assert warnings == ["the stored accounts cannot be used: it is of version 2, this is 1"]


class BadStore:
    """A host's own store, whose medium fails."""

    def __init__(self, error):
        self.error = error

    def get(self, name):
        raise self.error

    def put(self, name, data):
        raise self.error

    def delete(self, name):
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(5, "input/output error"), "input/output error"), (ValueError(SECRET), "ValueError")],
)
def test_a_failing_store_is_told_and_survived(error, told):
    kept, warnings = records(BadStore(error))
    model = accounts("in use")
    before = state(model)
    assert not kept.save_accounts(model)
    assert not kept.load_accounts(model)
    assert not kept.keep_previous()
    assert not kept.has_previous()
    assert not kept.load_previous(model)
    assert not kept.drop_previous()
    assert not kept.save_attributes(ATTRIBUTES)
    assert not kept.save_attributes([])
    assert kept.load_attributes() == []
    assert not kept.save_errors([1])
    assert kept.load_errors() == []
    assert state(model) == before
    assert all(told in warning for warning in warnings)
    assert any("write accounts" in warning for warning in warnings)


def test_a_value_that_is_not_of_its_type_is_named_but_not_shown():
    store = FakeStore()
    kept, warnings = records(store)
    model = accounts()
    model.objects[0].instances[0].secret_key = SECRET.decode("latin-1")
    assert not kept.save_accounts(model)
    assert warnings == ["accounts is not stored: secret_key of object 0: expected OPAQUE (bytes), got str"]
    assert store.records == {}


def test_under_micropython_and_back():
    """The same under the other runtime, and what it writes is read here: a record moves with its medium."""
    run = subprocess.run(
        [tool("micropython"), str(ROOT / "tests" / "micropython" / "persistence_check.py")],
        env={**os.environ, "MICROPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    record = bytes.fromhex(run.stdout.split()[1])
    store = FakeStore({"accounts": record})
    kept, warnings = records(store)
    model = Model()
    assert kept.load_accounts(model)
    assert model.objects[0].instances[0].secret_key == b"\xff\x00key"
    assert model.objects[1].instances[0].lifetime_s == 86400 * 100
    assert model.objects[1].instances[0].rights == 31
    assert model.objects[2].instances[0].acl == {0: 1, 101: 31, 300: 0}
    assert kept.save_accounts(model)
    assert store.operations == 0  # byte by byte the same
    assert warnings == []
