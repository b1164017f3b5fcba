"""The registration state machine alone: every event in every situation, deadlines, what is told to the owner."""

import pytest

from atiny.coap import codes
from atiny.coap.exchange import DONE, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.registration import (
    CONNECTING,
    DEREGISTERING,
    DISABLED,
    IDLE,
    LAST_WAIT_MS,
    REGISTERED,
    REGISTERING,
    STATES,
    TRANSITIONS,
    UPDATING,
    WAITING,
)
from tests.lwm2m.registration_rig import DISABLED_MS, OUTCOMES, Machine

# Situations: each state, and what besides the state makes a difference -> how to come there, and the state.
UP = ["start", "link_opened", "2.01"]
SITUATIONS = {
    "idle": ([], IDLE),
    "connecting": (["start"], CONNECTING),
    "registering": (["start", "link_opened"], REGISTERING),
    "registered": (UP, REGISTERED),
    "updating": ([*UP, "timer"], UPDATING),
    "waiting": (["start", "link_failed"], WAITING),
    "deregistering": ([*UP, "stop"], DEREGISTERING),
    "disabled": ([*UP, "disable", "timer", "2.02"], DISABLED),
    "stopping": (["start", "link_opened", "stop"], REGISTERING),  # the host stops, and Register is not yet answered
    "to be disabled": ([*UP, "disable"], REGISTERED),
    "updating, to be disabled": ([*UP, "timer", "disable"], UPDATING),
    "disabling": ([*UP, "disable", "timer"], DEREGISTERING),
    "idle, paused": (["pause"], IDLE),
    "waiting, paused": (["start", "pause"], WAITING),
    "registered, paused": ([*UP, "pause"], REGISTERED),
    "expired, paused": ([*UP, "pause", "timer"], REGISTERED),
    "to be disabled, paused": ([*UP, "disable", "pause"], REGISTERED),
    "disabled, paused": ([*UP, "disable", "timer", "pause"], DISABLED),
}

EVENTS = ["link_opened", "link_failed", "lost", "reconnect", "stop", "drop", "changed", "update", "disable", "timer"]
EVENTS += ["pause", "resume"]
ANSWERS = ["2.01", "2.02", "2.04", "2.05", "4.00", "4.03", "4.04", "4.12", "5.00", "5.03", *OUTCOMES]

# (situation, event) -> the state after it and what the owner is told; all else changes no state and tells nothing.
OVER = (IDLE, ["close", "ended"])
GONE = (IDLE, ["close"])
AGAIN = (CONNECTING, ["lost", "open"])
LEAVES = (DEREGISTERING, ["leaving", "send"])
SILENCED = (DISABLED, ["close", "lost"])
STEPS = {
    ("idle", "start"): (CONNECTING, ["open"]),
    ("idle", "stop"): OVER,
    ("connecting", "link_opened"): (REGISTERING, ["send"]),
    ("connecting", "link_failed"): (WAITING, ["close", "failed"]),
    ("connecting", "reconnect"): (CONNECTING, ["open"]),
    ("connecting", "stop"): OVER,
    ("connecting", "drop"): GONE,
    ("connecting", "pause"): (WAITING, ["close"]),
    ("registering", "link_failed"): (WAITING, ["close", "failed"]),
    ("registering", "reconnect"): (CONNECTING, ["open"]),
    ("registering", "2.01"): (REGISTERED, ["registered"]),
    ("registering", "drop"): GONE,
    ("registering", "pause"): (WAITING, ["close"]),
    ("registered", "link_failed"): (WAITING, ["close", "lost"]),
    ("registered", "lost"): AGAIN,
    ("registered", "reconnect"): AGAIN,
    ("registered", "stop"): LEAVES,
    ("registered", "drop"): GONE,
    ("registered", "timer"): (UPDATING, ["send"]),
    ("updating", "link_failed"): (WAITING, ["close", "lost"]),
    ("updating", "lost"): AGAIN,
    ("updating", "reconnect"): AGAIN,
    ("updating", "stop"): LEAVES,
    ("updating", "drop"): GONE,
    ("updating", "pause"): (REGISTERED, []),
    ("updating", "2.04"): (REGISTERED, ["updated"]),
    ("updating", "4.00"): (REGISTERING, ["lost", "send"]),
    ("updating", "4.04"): (REGISTERING, ["lost", "send"]),
    ("updating", "time-out"): AGAIN,
    ("updating", "reset"): AGAIN,
    ("updating", "failed"): AGAIN,
    ("waiting", "reconnect"): (CONNECTING, ["open"]),
    ("waiting", "stop"): OVER,
    ("waiting", "drop"): GONE,
    ("waiting", "timer"): (CONNECTING, ["open"]),
    ("waiting", "resume"): (CONNECTING, ["open"]),
    ("deregistering", "link_failed"): OVER,
    ("deregistering", "drop"): GONE,
    ("deregistering", "pause"): OVER,
    ("disabled", "timer"): (CONNECTING, ["open"]),
    ("disabled", "stop"): OVER,
    ("disabled", "drop"): GONE,
    ("stopping", "2.01"): LEAVES,
    ("stopping", "link_failed"): OVER,
    ("stopping", "timer"): OVER,
    ("stopping", "drop"): GONE,
    ("stopping", "pause"): OVER,
    ("to be disabled", "link_failed"): (WAITING, ["close", "lost"]),
    ("to be disabled", "lost"): AGAIN,
    ("to be disabled", "reconnect"): AGAIN,
    ("to be disabled", "stop"): LEAVES,
    ("to be disabled", "drop"): GONE,
    ("to be disabled", "timer"): LEAVES,
    ("updating, to be disabled", "timer"): LEAVES,
    ("updating, to be disabled", "link_failed"): (WAITING, ["close", "lost"]),
    ("updating, to be disabled", "lost"): AGAIN,
    ("updating, to be disabled", "reconnect"): AGAIN,
    ("updating, to be disabled", "stop"): LEAVES,
    ("updating, to be disabled", "drop"): GONE,
    ("updating, to be disabled", "pause"): (REGISTERED, []),
    ("updating, to be disabled", "2.04"): (REGISTERED, ["updated"]),
    ("disabling", "link_failed"): SILENCED,
    ("disabling", "pause"): SILENCED,
    ("disabling", "drop"): GONE,
    ("idle, paused", "start"): (WAITING, []),
    ("idle, paused", "stop"): OVER,
    ("waiting, paused", "resume"): (CONNECTING, ["open"]),
    ("waiting, paused", "stop"): OVER,
    ("waiting, paused", "drop"): GONE,
    ("disabled, paused", "stop"): OVER,
    ("disabled, paused", "drop"): GONE,
}
for paused in ("registered, paused", "expired, paused", "to be disabled, paused"):
    STEPS[paused, "link_failed"] = (WAITING, ["close", "lost"])
    STEPS[paused, "lost"] = (WAITING, ["lost"])
    STEPS[paused, "stop"] = OVER
    STEPS[paused, "drop"] = GONE
STEPS["expired, paused", "resume"] = AGAIN
ASKING = ("registering", "updating", "deregistering", "disabling", "stopping")
for answer in ANSWERS:
    if answer != "cancelled":  # who cancels goes on himself
        STEPS.setdefault(("registering", answer), (WAITING, ["close", "failed"]))
        STEPS.setdefault(("stopping", answer), OVER)
        STEPS.setdefault(("updating", answer), (WAITING, ["close", "lost"]))
        STEPS["deregistering", answer] = OVER
        STEPS["disabling", answer] = SILENCED

CASES = [(situation, event) for situation in SITUATIONS for event in EVENTS]
CASES += [(situation, answer) for situation in ASKING for answer in ANSWERS]
CASES += [("idle", "start"), ("idle, paused", "start"), ("updating, to be disabled", "2.04")]


def machine_in(situation):
    events, state = SITUATIONS[situation]
    machine = Machine(events)
    assert machine.registration.state == state
    return machine


@pytest.mark.parametrize(("situation", "event"), CASES)
def test_every_event_in_every_situation(situation, event):
    machine = machine_in(situation)
    machine.do(event)
    after, calls = STEPS.get((situation, event), (SITUATIONS[situation][1], []))
    assert (STATES[machine.registration.state], machine.owner.calls) == (STATES[after], calls)
    assert machine.registration.registered is (after in (REGISTERED, UPDATING))


def test_the_table_has_all_transitions_and_no_other():
    assert set(STEPS) <= set(CASES)
    # The changed lifetime is not known to the server: the Update that tells it is no transition of its own.
    seen = {(SITUATIONS[before][1], after) for (before, _), (after, calls) in STEPS.items()}
    seen = {(before, after) for before, after in seen if before != after or before == CONNECTING}
    assert seen == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    assert {state for _, state in SITUATIONS.values()} == set(TRANSITIONS) == set(range(len(STATES)))


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_other_transitions_are_refused(before, after):
    machine = machine_in(before)
    state = STATES.index(after)
    if state in TRANSITIONS[STATES.index(before)]:
        machine.registration._enter(state)
        assert machine.registration.state == state
    else:
        with pytest.raises(AssertionError, match="%s -> %s" % (before, after)):
            machine.registration._enter(state)
        assert STATES[machine.registration.state] == before


@pytest.mark.parametrize(
    ("situation", "event"),
    [
        ("registering", "link_failed"),
        ("registering", "reconnect"),
        ("registering", "pause"),
        ("registering", "drop"),
        ("updating", "lost"),
        ("updating", "stop"),
        ("updating", "pause"),
        ("updating", "drop"),
        ("disabling", "link_failed"),
        ("stopping", "timer"),
    ],
)
def test_an_answer_to_an_earlier_attempt_is_none_to_this(situation, event):
    machine = machine_in(situation)
    late = machine.owner.on_done
    machine.do(event)
    now = machine.registration.state
    machine.owner.calls.clear()
    late(DONE, Message(codes.CHANGED if "updating" in situation else codes.CREATED))
    late(TIME_OUT, None)
    assert machine.registration.state == now
    assert not machine.owner.calls


@pytest.mark.parametrize("event", ["changed", "update"])
def test_an_update_is_due_at_once_where_there_is_something_to_say(event):
    machine = machine_in("registered")
    machine.registration.changed()
    assert machine.registration.deadline() == 50_000, "nothing changed"
    machine.do(event)
    assert machine.registration.deadline() == machine.owner.ms
    machine.do("timer")
    assert (machine.registration.state, machine.owner.calls) == (UPDATING, ["send"])
    # What comes up while it is on its way is told by another one.
    machine.do(event)
    machine.do("2.04")
    assert machine.registration.deadline() == machine.owner.ms
    machine.do("timer")
    machine.do("2.04")
    assert machine.registration.deadline() == machine.owner.ms + machine.owner.server.lifetime_s * 1000 // 2


def test_a_deadline_exists_only_where_time_alone_changes_something():
    timed = {situation for situation in SITUATIONS if machine_in(situation).registration.deadline() is not None}
    expected = {"registered", "waiting", "disabled", "stopping", "to be disabled", "updating, to be disabled"}
    assert timed == expected


# -- the times

# situation, event -> the deadline after it, counted from then
DEADLINES = [
    ("registering", "2.01", 50_000),  # half the lifetime of 100 s
    ("updating", "2.04", 50_000),
    ("connecting", "link_failed", 2000),
    ("registering", "stop", LAST_WAIT_MS),
    ("registered", "disable", 0),
    ("updating, to be disabled", "2.04", 0),
    ("disabling", "2.02", DISABLED_MS),
    ("disabling", "time-out", DISABLED_MS),
    ("disabling", "link_failed", DISABLED_MS),
    ("registered, paused", "resume", 0),
    ("to be disabled, paused", "resume", 0),
]


@pytest.mark.parametrize(("situation", "event", "ms"), DEADLINES)
def test_every_deadline(situation, event, ms):
    machine = machine_in(situation)
    machine.do(event)
    assert machine.registration.deadline() == machine.owner.ms + ms
    if ms:
        state = machine.registration.state
        machine.owner.ms += ms - 1
        machine.owner.calls.clear()
        machine.registration.handle_timer()
        assert (machine.registration.state, machine.owner.calls) == (state, []), "not a millisecond before"
        machine.owner.ms += 1
        machine.registration.handle_timer()
        assert machine.registration.state != state


def test_a_disabled_account_registers_again_after_its_time():
    machine = machine_in("disabling")
    machine.owner.ms += 40_000  # so long the De-register takes
    machine.do("2.02")
    began = machine.owner.ms
    machine.do("timer")
    assert machine.owner.ms == began + DISABLED_MS, "the time runs from the end of the registration"
    for event in ("link_opened", "2.01"):
        machine.do(event)
    assert machine.registration.state == REGISTERED
    assert machine.registration.deadline() == machine.owner.ms + 50_000, "and is disabled no more"


def test_a_stop_while_it_is_being_disabled_ends_it():
    machine = machine_in("disabling")
    machine.do("stop")
    machine.do("2.02")
    assert (machine.registration.state, machine.owner.calls) == (IDLE, ["close", "ended"])


def test_the_time_of_a_disabled_account_runs_on_without_a_network():
    machine = machine_in("disabled, paused")
    assert machine.registration.deadline() is None
    machine.owner.ms += DISABLED_MS
    machine.registration.handle_timer()
    assert machine.registration.state == DISABLED
    machine.do("resume")
    assert machine.registration.deadline() <= machine.owner.ms
    machine.registration.handle_timer()
    assert machine.registration.state == CONNECTING


def test_what_an_update_would_have_said_is_said_by_the_next_one():
    machine = machine_in("registered")
    machine.do("changed")
    machine.do("timer")
    machine.do("pause")
    machine.do("resume")
    sent = []
    machine.owner.send = lambda message, on_done: sent.append(message)
    machine.do("timer")
    assert sent[0].all(codes.URI_QUERY) == [b"lt=101"]


@pytest.mark.parametrize(("away_ms", "state"), [(99_999, REGISTERED), (100_000, CONNECTING)])
def test_back_before_or_after_the_lifetime_has_passed(away_ms, state):
    machine = machine_in("registered")
    machine.do("pause")
    machine.owner.ms = away_ms
    machine.do("resume")
    assert machine.registration.state == state


@pytest.mark.parametrize("situation", sorted(SITUATIONS))
def test_it_can_be_dropped_and_started_again_in_every_situation(situation):
    machine = machine_in(situation)
    machine.do("drop")
    assert machine.registration.state == IDLE
    assert "ended" not in machine.owner.calls
    assert machine.registration.deadline() is None
    machine.do("resume")
    assert machine.registration.state == IDLE
    for event in UP:
        machine.do(event)
    assert machine.registration.deadline() == machine.owner.ms + 50_000
