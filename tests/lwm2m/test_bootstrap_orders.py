"""The order of things over time: hold-off, back-off, time-outs, whole bootstraps in each mode."""

import pytest

from atiny.lwm2m.bootstrap import (
    CONNECTING,
    LISTENING,
    PROVISIONING,
    REGISTERED,
    REGISTERING,
    REQUESTING,
    WAITING,
)
from tests.lwm2m.bootstrapping import CLIENT, FACTORY, SEQUENCE, Machine, come_to

OVER = ["close_link", "failed"]
COMMITTED = ["unregister", "commit", "register"]


def fail(machine) -> None:
    """The attempt that is under way fails."""
    assert machine.state == CONNECTING
    machine.do("link_failed")


# -- times


@pytest.mark.parametrize(
    ("random", "delays"),
    [
        (b"\x00\x00", [10000, 20000, 40000, 80000, 120000, 120000]),
        (b"\xff\xff", [14999, 29999, 59999, 119999, 179999, 179999]),
    ],
)
def test_the_back_off_doubles_up_to_a_limit_and_has_jitter(random, delays):
    machine = Machine(CLIENT, random=lambda n: random[:n])
    found = []
    for _ in delays:
        fail(machine)
        found.append(machine.wait())
    assert found == delays


def test_the_back_off_never_ends_nor_overflows():
    machine = Machine(CLIENT, tries=1)
    for round in range(2000):
        fail(machine)
        delay = machine.wait()
        assert delay == (10000 << round if round < 4 else 120000)


def test_the_back_off_begins_anew_once_something_worked():
    machine = Machine(CLIENT)
    for delay in (10000, 20000):
        fail(machine)
        assert machine.wait() == delay
    assert machine.do("link_opened", "2.04", "finished")[-3:] == COMMITTED
    machine.do("registered", "all_failed")
    fail(machine)
    assert machine.wait() == 10000


def test_the_back_off_begins_anew_once_the_bootstrap_server_worked():
    machine = Machine(CLIENT)
    for _ in range(2):
        fail(machine)
        machine.wait()
    machine.do("link_opened", "2.04", "finished", "all_failed")
    fail(machine)
    assert machine.wait() == 10000


def test_each_operation_has_the_exchange_lifetime():
    machine = come_to(REQUESTING, "")
    machine.do("2.04")
    for _ in range(5):
        assert machine.due == machine.bootstrap.agent.ms + 247000
        machine.bootstrap.agent.ms += 246999
        machine.bootstrap.handle_timer()
        assert machine.state == PROVISIONING
        machine.do("operation")
    assert machine.wait() == 247000
    assert machine.take() == OVER


@pytest.mark.parametrize("mode", [CLIENT, SEQUENCE])
def test_the_hold_off_time(mode):
    machine = Machine(mode, hold_off=7)
    machine.do("link_opened")
    assert machine.wait() == 7000
    assert machine.state == (REQUESTING if mode == SEQUENCE else CONNECTING)


def test_a_long_hold_off_time_also_stands_between_rounds():
    machine = Machine(CLIENT, hold_off=600)
    assert machine.wait() == 600000
    delays = []
    for _ in range(3):
        fail(machine)
        delays.append(machine.wait())
    assert delays == [10000, 20000, 600000]


# -- whole bootstraps


def test_client_initiated():
    machine = Machine(CLIENT, hold_off=1)
    assert machine.do("timer") == ["unregister", "open_link"]
    assert machine.do("link_opened") == ["begin", "send"]
    assert machine.do("2.04", "operation", "operation") == []
    assert machine.do("finished") == COMMITTED
    assert machine.do("registered") == ["proven"]
    assert machine.do("registered") == [], "another server"
    assert (machine.state, machine.due) == (REGISTERED, None)


def test_operations_before_the_answer():
    machine = come_to(REQUESTING, "")
    late = machine.bootstrap.on_done
    assert machine.do("operation", "operation", "finished") == COMMITTED
    assert late is machine.bootstrap.on_done
    assert len(machine.bootstrap.sent) == 1, "it is not asked again"


def test_known_accounts_come_first():
    machine = Machine(CLIENT, accounts=True)
    assert machine.do("all_failed") == ["register", "unregister", "open_link"]
    assert machine.do("link_opened", "2.04", "finished")[-3:] == COMMITTED
    assert machine.do("registered") == ["proven"]


def test_new_accounts_that_do_not_work_are_taken_back():
    machine = Machine(CLIENT, accounts=True)
    machine.do("registered", "all_failed", "link_opened", "2.04", "finished")
    machine.bootstrap.previous = True
    assert machine.do("all_failed") == ["roll_back", "unregister", "failed", "register"]
    # The old ones neither: they are not new any more.
    assert machine.do("all_failed") == ["unregister", "open_link"]
    assert machine.do("link_opened", "2.04", "finished", "all_failed")[-3:] == ["roll_back", "unregister", "open_link"]


def test_new_accounts_with_nothing_to_go_back_to():
    machine = Machine(CLIENT)
    machine.do("link_opened", "2.04", "finished")
    assert machine.do("all_failed") == ["roll_back", "unregister", "open_link"]
    assert machine.do("link_opened", "2.04", "finished")[-3:] == COMMITTED
    assert machine.do("registered") == ["proven"]


def test_unproven_accounts_of_before_a_restart():
    machine = Machine(CLIENT, unproven=True, accounts=True, previous=True)
    assert machine.do("all_failed") == ["register", "roll_back", "unregister", "failed", "register"]
    assert machine.do("registered") == [], "these need no proof"
    machine = Machine(FACTORY, unproven=True, accounts=True, previous=True)
    assert machine.do("registered") == ["register", "proven"]
    assert machine.do("all_failed") == [], "they have worked"


def test_factory_never_begins_by_itself():
    machine = Machine(FACTORY, accounts=True)
    assert machine.do("all_failed", "registered", "all_failed", "all_failed") == ["register"]
    assert machine.due is None


def test_factory_goes_back_where_the_new_accounts_fail():
    machine = Machine(FACTORY, accounts=True)
    machine.do("registered", "trigger", "link_opened", "2.04", "finished")
    machine.bootstrap.previous = True
    assert machine.do("all_failed")[-1:] == ["register"]
    assert machine.do("all_failed", "all_failed") == []
    assert machine.do("registered") == []
    assert machine.state == REGISTERED


def test_sequence():
    """0, 10, 20 s: accounts; the hold-off time for the server; 0, 10, 20 s: the request; and all over again."""
    machine = Machine(SEQUENCE, accounts=True, hold_off=10)
    machine.take()
    for round in range(3):
        assert machine.do("all_failed") == ["unregister", "announce", "open_link"]
        assert machine.do("link_opened") == ["begin"]
        assert machine.wait() == 10000
        assert machine.take() == ["send"]
        delays = []
        for _ in range(2):
            assert machine.do("time-out") == OVER
            delays.append(machine.wait())
            assert machine.do("link_opened") == ["open_link", "begin", "send"]
        assert machine.do("time-out") == [*OVER, "register"]
        assert delays == ([10000, 20000], [80000, 120000], [120000, 120000])[round]


def test_sequence_without_accounts():
    machine = Machine(SEQUENCE, hold_off=10)
    listened = []
    for _ in range(3):
        machine.do("link_opened")
        assert machine.accepting
        listened.append(machine.wait())
        states = []
        for events in (["time-out"], ["timer", "link_failed"], ["timer", "link_failed"]):
            machine.do(*events)
            states.append(machine.state)
        assert states == [WAITING, WAITING, LISTENING]
    assert listened == [10000, 40000, 120000], "a server that is away is not asked at once again"


def test_the_server_begins():
    machine = Machine(SEQUENCE, accounts=True, hold_off=10)
    machine.do("all_failed", "link_opened")
    assert machine.accepting
    assert machine.do("operation") == []
    assert machine.due == machine.bootstrap.agent.ms + 247000, "the hold-off time is over"
    assert machine.do("operation", "finished") == COMMITTED
    assert not machine.bootstrap.sent, "nobody asked it to"


def test_the_server_begins_and_does_not_finish():
    machine = come_to(LISTENING, "open")
    machine.do("operation")
    assert machine.wait() == 247000
    assert machine.take() == OVER
    assert (machine.wait(), machine.state) == (10000, CONNECTING)


def test_a_link_that_fails_while_listening_is_opened_anew():
    machine = come_to(LISTENING, "open")
    due = machine.due
    machine.do("link_failed")
    assert machine.due == due
    assert not machine.accepting
    assert machine.do("timer", "link_opened") == ["open_link", "begin", "send"]


@pytest.mark.parametrize("mode", [FACTORY, CLIENT, SEQUENCE])
def test_asked_for_while_registered(mode):
    """The accounts go on until there are others, and whatever the bootstrap server does not."""
    machine = Machine(mode, accounts=True, hold_off=10)
    machine.do("registered")
    assert machine.do("trigger") == ["open_link"], "without the hold-off time"
    fail(machine)
    assert machine.do("registered") == []
    machine.do("timer", "link_opened", "2.04", "operation")
    assert machine.do("registered") == []
    assert machine.do("finished") == COMMITTED
    assert machine.do("registered") == ["proven"]


def test_asked_for_again_after_it_came_to_nothing():
    machine = Machine(FACTORY, accounts=True)
    machine.do("registered")
    for _ in range(2):
        machine.do("trigger")
        delays = []
        for _ in range(2):
            fail(machine)
            delays.append(machine.wait())
        fail(machine)
        assert delays == [10000, 20000]
        assert (machine.state, machine.due) == (REGISTERED, None)
        assert "unregister" not in machine.take()


def test_the_accounts_are_lost_and_found_during_a_bootstrap():
    machine = come_to(REQUESTING, "kept")
    assert machine.do("all_failed", "registered", "all_failed", "registered") == []
    for _ in range(2):
        machine.do("time-out", "timer", "link_opened")
    machine.do("time-out")
    assert machine.state == REGISTERED


def test_what_is_known_of_accounts_ends_with_them():
    machine = come_to(PROVISIONING, "kept")
    machine.do("registered", "finished", "trigger")
    for _ in range(2):
        machine.do("link_failed", "timer")
    machine.do("link_failed")
    assert machine.state == REGISTERING, "nobody has taken the device with the new ones"
    machine.do("trigger", "stop")
    machine.bootstrap.accounts, machine.bootstrap.hold_off = False, 1
    machine.bootstrap._mode = SEQUENCE
    machine.do("start")
    assert machine.do("registered", "all_failed", "timer", "registered") == []
    for _ in range(2):
        machine.do("link_failed", "timer")
    machine.do("link_failed")
    assert machine.state == LISTENING


def test_unproven_accounts_may_prove_themselves_during_a_bootstrap():
    machine = Machine(CLIENT, unproven=True, accounts=True, previous=True)
    machine.do("trigger")
    assert machine.do("registered") == ["proven"]
    assert machine.state == CONNECTING


def test_asking_twice_is_asking_once():
    machine = Machine(FACTORY, accounts=True)
    machine.do("registered", "trigger")
    assert machine.do("trigger", "link_opened", "trigger", "2.04", "trigger") == ["begin", "send"]


def test_asked_for_with_nobody_to_ask():
    machine = Machine(FACTORY, accounts=True, server=False)
    assert machine.do("registered", "trigger") == ["register", "failed"]
    assert (machine.state, machine.bootstrap.reasons) == (REGISTERED, ["there is no bootstrap server to ask"])


def test_what_comes_of_dropped_accounts_counts_no_more():
    machine = Machine(CLIENT, accounts=True, hold_off=1)
    machine.do("all_failed")
    assert machine.do("registered", "all_failed") == []
    assert machine.state == WAITING


def test_it_starts_anew_after_a_stop():
    machine = come_to(PROVISIONING, "")
    machine.do("stop")
    machine.bootstrap.accounts = True
    assert machine.do("start", "registered") == ["register"]
    assert machine.state == REGISTERED
