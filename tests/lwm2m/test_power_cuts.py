"""A bootstrap that changes the accounts, step by step as the agent does it, and the power that fails in between."""

import pytest

from atiny.lwm2m.model import Model
from atiny.testing import FakeStore, PowerCut
from tests.lwm2m.stored import OTHER_MARK, accounts, loaded, records, state


def change(store):
    kept, _ = records(store)
    kept.keep_previous()
    kept.save_accounts(accounts("two"))


def change_and_prove(store):
    change(store)
    records(store)[0].drop_previous()


def change_and_roll_back(store):
    change(store)
    kept, _ = records(store)
    model = Model()
    assert kept.load_previous(model)
    kept.save_accounts(model)
    kept.drop_previous()


OLD, NEW = state(accounts("one")), state(accounts("two"))


@pytest.mark.parametrize("applies", [False, True])
@pytest.mark.parametrize(
    ("steps", "operations", "at_the_end"),
    [(change, 2, NEW), (change_and_prove, 3, NEW), (change_and_roll_back, 4, OLD)],
)
def test_a_power_cut_at_any_write_leaves_accounts_to_start_with(steps, operations, at_the_end, applies):
    for cut in range(1, operations + 2):
        store = FakeStore()
        store.cut_applies = applies
        records(store)[0].save_accounts(accounts("one"))
        done = store.operations
        store.cut_power_at(cut)
        if cut <= operations:
            with pytest.raises(PowerCut):
                steps(store)
        else:
            steps(store)
            assert store.operations == done + operations
        store.restart()

        found = loaded(store)
        assert found in (OLD, NEW)
        kept, warnings = records(store)
        if cut > operations:
            assert found == at_the_end
            assert kept.has_previous() == (steps is change)
        if found == NEW and kept.has_previous():  # not proven: the way back is there
            previous = Model()
            assert kept.load_previous(previous)
            assert state(previous) == OLD
        elif found == NEW:
            assert steps is change_and_prove
        else:  # those that worked: nothing is unproven
            assert not kept.has_previous()
        assert warnings == []


def test_accounts_that_never_worked_are_not_kept_as_those_that_did():
    store = FakeStore()
    kept, _ = records(store)
    kept.save_accounts(accounts("one"))
    assert kept.keep_previous()
    kept.save_accounts(accounts("two"))
    assert kept.keep_previous()  # bootstrapped again before a server was reached
    kept.save_accounts(accounts("three"))
    previous = Model()
    assert kept.load_previous(previous)
    assert state(previous) == OLD


def test_what_was_kept_under_another_configuration_is_overwritten():
    store = FakeStore()
    kept, _ = records(store)
    kept.save_accounts(accounts("one"))
    kept.keep_previous()
    kept, _ = records(store, OTHER_MARK)
    kept.save_accounts(accounts("two"))
    assert not kept.has_previous()
    assert not kept.load_previous(Model())
    assert kept.keep_previous()
    assert kept.load_previous(Model())


def test_damaged_accounts_are_not_kept_and_the_previous_ones_save_the_device():
    store = FakeStore()
    kept, _ = records(store)
    kept.save_accounts(accounts("one"))
    kept.keep_previous()
    store.records["accounts"] = b"\xff" * 80
    kept, _ = records(store)
    assert kept.has_previous()
    model = Model()
    assert not kept.load_accounts(model)
    assert kept.load_previous(model)
    assert state(model) == OLD
    store.records["accounts_old"] = b""
    assert not kept.keep_previous()
    assert store.records["accounts_old"] == b""
