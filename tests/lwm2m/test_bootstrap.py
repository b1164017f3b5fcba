"""The bootstrap's state machine: every event in every state. Whole bootstraps are in `test_bootstrap_orders`."""

import pytest

from atiny.coap import codes
from atiny.coap.exchange import DONE, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.bootstrap import (
    CONNECTING,
    IDLE,
    LISTENING,
    PROVISIONING,
    REGISTERED,
    REGISTERING,
    REQUESTING,
    STATES,
    TRANSITIONS,
    WAITING,
)
from tests.lwm2m.bootstrapping import CLIENT, FACTORY, SEQUENCE, WAYS, Machine, come_to

EVENTS = [
    "link_opened",
    "link_failed",
    "operation",
    "finished",
    "registered",
    "all_failed",
    "trigger",
    "timer",
    "stop",
]
ANSWERS = ["2.01", "2.04", "2.05", "4.00", "4.03", "5.03", "time-out", "reset", "failed", "cancelled"]
OVER = ["close_link", "failed"]  # an attempt failed

# (state, way, event) -> the state after it and what is decided; all else changes no state and decides nothing.
STEPS = {
    (REGISTERING, "factory", "registered"): (REGISTERED, []),
    (REGISTERING, "factory", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERING, "client", "registered"): (REGISTERED, []),
    (REGISTERING, "client", "all_failed"): (CONNECTING, ["unregister", "open_link"]),
    (REGISTERING, "client", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERING, "held off", "registered"): (REGISTERED, []),
    (REGISTERING, "held off", "all_failed"): (WAITING, ["unregister"]),
    (REGISTERING, "held off", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERING, "sequence", "registered"): (REGISTERED, []),
    (REGISTERING, "sequence", "all_failed"): (LISTENING, ["unregister", "announce", "open_link"]),
    (REGISTERING, "sequence", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERING, "unproven", "registered"): (REGISTERED, ["proven"]),
    (REGISTERING, "unproven", "all_failed"): (REGISTERING, ["roll_back", "unregister", "failed", "register"]),
    (REGISTERING, "unproven", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERING, "alone", "registered"): (REGISTERED, []),
    (REGISTERING, "alone", "trigger"): (REGISTERING, ["failed"]),
    (REGISTERED, "factory", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERED, "client", "all_failed"): (WAITING, ["unregister"]),
    (REGISTERED, "client", "trigger"): (CONNECTING, ["open_link"]),
    (REGISTERED, "sequence", "all_failed"): (LISTENING, ["unregister", "announce", "open_link"]),
    (REGISTERED, "sequence", "trigger"): (CONNECTING, ["open_link"]),
    (LISTENING, "opening", "link_opened"): (LISTENING, ["begin"]),
    (LISTENING, "opening", "link_failed"): (LISTENING, ["close_link"]),
    (LISTENING, "opening", "trigger"): (CONNECTING, []),
    (LISTENING, "opening", "timer"): (CONNECTING, []),
    (LISTENING, "open", "link_failed"): (LISTENING, ["close_link"]),
    (LISTENING, "open", "operation"): (PROVISIONING, []),
    (LISTENING, "open", "trigger"): (REQUESTING, ["send"]),
    (LISTENING, "open", "timer"): (REQUESTING, ["send"]),
    (LISTENING, "closed", "trigger"): (CONNECTING, ["open_link"]),
    (LISTENING, "closed", "timer"): (CONNECTING, ["open_link"]),
    (WAITING, "", "trigger"): (CONNECTING, ["open_link"]),
    (WAITING, "", "timer"): (CONNECTING, ["open_link"]),
    (WAITING, "kept", "trigger"): (CONNECTING, ["open_link"]),
    (WAITING, "kept", "timer"): (CONNECTING, ["open_link"]),
    (PROVISIONING, "", "finished"): (REGISTERING, ["unregister", "commit", "register"]),
    (PROVISIONING, "kept", "finished"): (REGISTERING, ["unregister", "commit", "register"]),
}
for way in ("", "kept"):
    for state in (CONNECTING, REQUESTING, PROVISIONING):
        STEPS[state, way, "link_failed"] = (WAITING, OVER)
    STEPS[CONNECTING, way, "link_opened"] = (REQUESTING, ["begin", "send"])
    STEPS[REQUESTING, way, "operation"] = (PROVISIONING, [])
    STEPS[PROVISIONING, way, "operation"] = (PROVISIONING, [])
    STEPS[PROVISIONING, way, "timer"] = (WAITING, OVER)
    for answer in ANSWERS:
        if answer != "cancelled":  # who cancels goes on himself
            STEPS[REQUESTING, way, answer] = (WAITING, OVER)
    STEPS[REQUESTING, way, "2.04"] = (PROVISIONING, [])
for state, way in WAYS:
    STEPS[state, way, "stop"] = (IDLE, [] if state == IDLE else ["close_link"])

CASES = [(state, way, event) for state, way in WAYS for event in EVENTS]
CASES += [(REQUESTING, way, answer) for way in ("", "kept") for answer in ANSWERS]


@pytest.mark.parametrize(
    ("state", "way", "event"), CASES, ids=["%s-%s-%s" % (STATES[state], way, event) for state, way, event in CASES]
)
def test_every_event_in_every_state(state, way, event):
    machine = come_to(state, way)
    calls = machine.do(event)
    after, expected = STEPS.get((state, way, event), (state, []))
    assert (STATES[machine.state], calls) == (STATES[after], expected)
    accepting = machine.state in (REQUESTING, PROVISIONING) or "begin" in calls
    accepting = accepting or (machine.state == LISTENING and way == "open" and event != "link_failed")
    assert machine.accepting is accepting


# start: mode, what there is -> the state and what is decided
STARTS = [
    (FACTORY, dict(accounts=True), REGISTERING, ["register"]),
    (CLIENT, dict(accounts=True), REGISTERING, ["register"]),
    (SEQUENCE, dict(accounts=True, hold_off=1), REGISTERING, ["register"]),
    (CLIENT, dict(accounts=True, server=False), REGISTERING, ["register"]),
    (CLIENT, dict(), CONNECTING, ["unregister", "open_link"]),
    (CLIENT, dict(hold_off=1), WAITING, ["unregister"]),
    (SEQUENCE, dict(), CONNECTING, ["unregister", "open_link"]),
    (SEQUENCE, dict(hold_off=1), LISTENING, ["unregister", "announce", "open_link"]),
    (FACTORY, dict(), REGISTERING, ["register", "failed"]),
    (CLIENT, dict(server=False), REGISTERING, ["register", "failed"]),
    (SEQUENCE, dict(server=False), REGISTERING, ["register", "failed"]),
]


@pytest.mark.parametrize(("mode", "options", "state", "calls"), STARTS)
def test_start(mode, options, state, calls):
    machine = Machine(mode, start=False, **options)
    assert machine.state == IDLE
    assert machine.do("start") == calls
    assert machine.state == state


@pytest.mark.parametrize("event", [event for event in EVENTS if event != "timer"])
def test_nothing_happens_before_it_starts(event):
    machine = Machine(start=False)
    assert machine.do(event) == []
    assert (machine.state, machine.due) == (IDLE, None)


# What the third failure leads to: way, mode, what there is, what the accounts did meanwhile -> the state and the calls
THIRD = [
    (CLIENT, dict(), None, WAITING, [*OVER, "unregister"]),
    (SEQUENCE, dict(), None, LISTENING, [*OVER, "unregister", "announce", "open_link"]),
    (CLIENT, dict(accounts=True), "dropped", REGISTERING, [*OVER, "register"]),
    (SEQUENCE, dict(accounts=True), "dropped", REGISTERING, [*OVER, "register"]),
    (FACTORY, dict(accounts=True), "registered", REGISTERED, OVER),
    (FACTORY, dict(accounts=True), "all_failed", REGISTERING, OVER),
    (FACTORY, dict(accounts=True), "trying", REGISTERING, OVER),
    (CLIENT, dict(accounts=True), "registered", REGISTERED, OVER),
    (CLIENT, dict(accounts=True), "trying", REGISTERING, OVER),
    (CLIENT, dict(accounts=True, hold_off=1), "all_failed", WAITING, [*OVER, "unregister"]),
    (
        SEQUENCE,
        dict(accounts=True, hold_off=1),
        "all_failed",
        LISTENING,
        [*OVER, "unregister", "announce", "open_link"],
    ),
]


@pytest.mark.parametrize(("mode", "options", "accounts", "state", "calls"), THIRD)
@pytest.mark.parametrize("last", [CONNECTING, REQUESTING, PROVISIONING])
def test_the_third_failure_in_a_row(mode, options, accounts, state, calls, last):
    machine = Machine(mode, **options)
    if accounts == "dropped":
        machine.do("all_failed")
    elif accounts is not None:
        machine.do("trigger")
        if accounts != "trying":
            machine.do(accounts)
    machine.take()
    for _ in range(2):
        assert machine.do("link_failed", "timer") == [*OVER, "open_link"]
    if last >= REQUESTING:
        machine.do("link_opened")
    if last == PROVISIONING:
        machine.do("2.04")
    assert machine.state == last
    assert machine.do("link_failed") == calls
    assert machine.state == state


def test_the_table_has_all_transitions_and_no_other():
    assert set(STEPS) <= set(CASES)
    seen = {(before, after) for (before, _, _), (after, calls) in STEPS.items() if calls or before != after}
    seen |= {(PROVISIONING, PROVISIONING)}  # an operation: the time-out begins anew
    seen |= {(IDLE, state) for _, _, state, _ in STARTS}
    for last in (CONNECTING, REQUESTING, PROVISIONING):
        seen |= {(last, state) for *_, state, _ in THIRD}
    # The link to listen on may come and go, and what is asked in vain changes nothing.
    seen -= {(LISTENING, LISTENING)}
    assert seen == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


@pytest.mark.parametrize(("before", "way"), [min(key for key in WAYS if key[0] == state) for state in TRANSITIONS])
@pytest.mark.parametrize("after", TRANSITIONS)
def test_other_transitions_are_refused(before, way, after):
    machine = come_to(before, way)
    if after in TRANSITIONS[before]:
        machine.bootstrap._enter(after)
        assert machine.state == after
    else:
        with pytest.raises(AssertionError, match="%s -> %s" % (STATES[before], STATES[after])):
            machine.bootstrap._enter(after)
        assert machine.state == before


def test_a_deadline_exists_only_where_time_alone_changes_something():
    for state, way in WAYS:
        due = come_to(state, way).due
        assert (due is not None) is (state in (LISTENING, WAITING, PROVISIONING))


@pytest.mark.parametrize("event", ["operation", "link_failed", "stop"])
def test_an_answer_to_an_earlier_request_is_none_to_this(event):
    machine = come_to(REQUESTING, "")
    late = machine.bootstrap.on_done
    machine.do(event)
    state, due = machine.state, machine.due
    for outcome, response in ((DONE, Message(codes.CHANGED)), (DONE, Message(codes.BAD_REQUEST)), (TIME_OUT, None)):
        late(outcome, response)
        assert (machine.state, machine.due, machine.take()) == (state, due, [])


def test_the_request():
    machine = come_to(REQUESTING, "")
    (request,) = machine.bootstrap.sent
    assert (request.code, request.payload) == (codes.POST, b"")
    assert request.options == [(codes.URI_PATH, b"bs"), (codes.URI_QUERY, b"ep=dev")]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (["link_failed"], "why"),
        (["link_opened", "time-out"], "Bootstrap-Request: time-out"),
        (["link_opened", "4.00"], "Bootstrap-Request: 4.00"),
        (["link_opened", "2.04", "timer"], "the bootstrap server does not finish"),
    ],
)
def test_the_reasons(events, reason):
    machine = come_to(CONNECTING, "")
    machine.do(*events)
    assert machine.bootstrap.reasons == [reason]
