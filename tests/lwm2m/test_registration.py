"""The registration's state machine: every event in every state. What goes over the wire is in `test_register`."""

from typing import Any

import pytest

from atiny.coap import codes
from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.registration import (
    CONNECTING,
    DEREGISTERING,
    IDLE,
    REGISTERED,
    REGISTERING,
    STATES,
    TRANSITIONS,
    UPDATING,
    WAITING,
    Registration,
)


class Owner:
    """An owner that answers only when the test says so; ``calls`` are what it was told."""

    endpoint_name = "dev"
    ms = 0  # it is the clock too

    def __init__(self):
        self.calls: "list[str]" = []
        self.on_done: "Any" = None
        self.lifetime = 100

    def lifetime_s(self):
        return self.lifetime

    def binding(self):
        return "U"

    def links(self):
        return [(1, 0), (3, 0)]

    def version_of(self, object_id):
        return None

    def open_link(self):
        self.calls.append("open")

    def close_link(self):
        self.calls.append("close")

    def send(self, message, on_done):
        self.calls.append("send")
        self.on_done = on_done

    def registered(self):
        self.calls.append("registered")

    def failed(self, reason):
        self.calls.append("failed")

    def lost(self, reason):
        self.calls.append("lost")

    def ended(self):
        self.calls.append("ended")


class Machine:
    def __init__(self, state):
        self.owner = Owner()
        self.registration = Registration(self.owner, self.owner, lambda n: bytes(n))
        for event in PATHS[state]:
            self.do(event)
        assert self.registration.state == state
        self.owner.calls.clear()

    def do(self, event):
        registration = self.registration
        owner = self.owner
        if event == "timer":
            due = registration.deadline()
            owner.ms = owner.ms + 10**9 if due is None else due
            registration.handle_timer()
        elif event == "link_failed" or event == "lost":
            getattr(registration, event)("why")
        elif event in OUTCOMES:
            owner.on_done(OUTCOMES[event], None)
        elif event[1:2] == ".":
            major, _, minor = event.partition(".")
            response = Message(int(major) << 5 | int(minor), [(codes.LOCATION_PATH, b"rd")])
            owner.on_done(DONE, response)
        elif event == "changed":
            owner.lifetime += 1
            registration.changed()
        else:
            getattr(registration, event)()


OUTCOMES = {"time-out": TIME_OUT, "reset": RESET, "failed": FAILED, "cancelled": CANCELLED}

# How to come to each state.
PATHS = {
    IDLE: [],
    CONNECTING: ["start"],
    REGISTERING: ["start", "link_opened"],
    REGISTERED: ["start", "link_opened", "2.01"],
    UPDATING: ["start", "link_opened", "2.01", "timer"],
    WAITING: ["start", "link_failed"],
    DEREGISTERING: ["start", "link_opened", "2.01", "stop"],
}

EVENTS = ["link_opened", "link_failed", "lost", "reconnect", "stop", "changed", "update", "timer"]
ANSWERS = ["2.01", "2.02", "2.04", "2.05", "4.00", "4.03", "4.04", "4.12", "5.00", "5.03", *OUTCOMES]

# (state, event) -> the state after it and what the owner is told; all else changes no state and tells nothing.
STEPS = {
    (IDLE, "start"): (CONNECTING, ["open"]),
    (IDLE, "stop"): (IDLE, ["close", "ended"]),
    (CONNECTING, "link_opened"): (REGISTERING, ["send"]),
    (CONNECTING, "link_failed"): (WAITING, ["close", "failed"]),
    (CONNECTING, "reconnect"): (CONNECTING, ["open"]),
    (CONNECTING, "stop"): (IDLE, ["close", "ended"]),
    (REGISTERING, "link_failed"): (WAITING, ["close", "failed"]),
    (REGISTERING, "reconnect"): (CONNECTING, ["open"]),
    (REGISTERING, "stop"): (IDLE, ["close", "ended"]),
    (REGISTERING, "2.01"): (REGISTERED, ["registered"]),
    (REGISTERED, "link_failed"): (WAITING, ["close", "lost"]),
    (REGISTERED, "lost"): (CONNECTING, ["lost", "open"]),
    (REGISTERED, "reconnect"): (CONNECTING, ["lost", "open"]),
    (REGISTERED, "stop"): (DEREGISTERING, ["send"]),
    (REGISTERED, "timer"): (UPDATING, ["send"]),
    (UPDATING, "link_failed"): (WAITING, ["close", "lost"]),
    (UPDATING, "lost"): (CONNECTING, ["lost", "open"]),
    (UPDATING, "reconnect"): (CONNECTING, ["lost", "open"]),
    (UPDATING, "stop"): (DEREGISTERING, ["send"]),
    (UPDATING, "2.04"): (REGISTERED, []),
    (UPDATING, "4.00"): (REGISTERING, ["lost", "send"]),
    (UPDATING, "4.04"): (REGISTERING, ["lost", "send"]),
    (UPDATING, "time-out"): (CONNECTING, ["lost", "open"]),
    (UPDATING, "reset"): (CONNECTING, ["lost", "open"]),
    (UPDATING, "failed"): (CONNECTING, ["lost", "open"]),
    (WAITING, "reconnect"): (CONNECTING, ["open"]),
    (WAITING, "stop"): (IDLE, ["close", "ended"]),
    (WAITING, "timer"): (CONNECTING, ["open"]),
    (DEREGISTERING, "link_failed"): (IDLE, ["close", "ended"]),
}
for answer in ANSWERS:
    if answer != "cancelled":  # who cancels goes on himself
        STEPS.setdefault((REGISTERING, answer), (WAITING, ["close", "failed"]))
        STEPS.setdefault((UPDATING, answer), (WAITING, ["close", "lost"]))
        STEPS[DEREGISTERING, answer] = (IDLE, ["close", "ended"])

CASES = [(state, event) for state in PATHS for event in EVENTS]
CASES += [(state, answer) for state in (REGISTERING, UPDATING, DEREGISTERING) for answer in ANSWERS]
CASES.append((IDLE, "start"))


@pytest.mark.parametrize(("state", "event"), CASES, ids=["%s-%s" % (STATES[state], event) for state, event in CASES])
def test_every_event_in_every_state(state, event):
    machine = Machine(state)
    machine.do(event)
    after, calls = STEPS.get((state, event), (state, []))
    assert (STATES[machine.registration.state], machine.owner.calls) == (STATES[after], calls)
    assert machine.registration.registered is (after in (REGISTERED, UPDATING))


def test_the_table_has_all_transitions_and_no_other():
    assert set(STEPS) <= set(CASES)
    # The changed lifetime is not known to the server: the Update that tells it is no transition of its own.
    seen = {(before, after) for (before, event), (after, calls) in STEPS.items() if calls or before != after}
    seen -= {(IDLE, IDLE)}
    assert seen == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


@pytest.mark.parametrize("before", PATHS)
@pytest.mark.parametrize("after", PATHS)
def test_other_transitions_are_refused(before, after):
    machine = Machine(before)
    if after in TRANSITIONS[before]:
        machine.registration._enter(after)
        assert machine.registration.state == after
    else:
        with pytest.raises(AssertionError, match="%s -> %s" % (STATES[before], STATES[after])):
            machine.registration._enter(after)
        assert machine.registration.state == before


@pytest.mark.parametrize(
    ("state", "event"),
    [(REGISTERING, "link_failed"), (REGISTERING, "reconnect"), (UPDATING, "lost"), (UPDATING, "stop")],
)
def test_an_answer_to_an_earlier_attempt_is_none_to_this(state, event):
    machine = Machine(state)
    late = machine.owner.on_done
    machine.do(event)
    now = machine.registration.state
    machine.owner.calls.clear()
    late(DONE, Message(codes.CREATED if state == REGISTERING else codes.CHANGED))
    late(TIME_OUT, None)
    assert machine.registration.state == now
    assert not machine.owner.calls


@pytest.mark.parametrize("event", ["changed", "update"])
def test_an_update_is_due_at_once_where_there_is_something_to_say(event):
    machine = Machine(REGISTERED)
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
    assert machine.registration.deadline() == machine.owner.ms + machine.owner.lifetime * 1000 // 2


def test_a_deadline_exists_only_where_time_alone_changes_something():
    for state in PATHS:
        assert (Machine(state).registration.deadline() is not None) is (state in (REGISTERED, WAITING))


# -- the back-off


class Retries:
    """A machine that cannot register, and when it tries."""

    def __init__(self, random, **options):
        self.owner = Owner()
        self.registration = Registration(self.owner, self.owner, random, **options)
        self.registration.start()

    def delays(self, count):
        found = []
        for _ in range(count):
            self.registration.link_failed("no")
            due = self.registration.deadline()
            assert due is not None
            found.append(due - self.owner.ms)
            self.owner.ms = due - 1
            self.registration.handle_timer()
            assert self.registration.state == WAITING, "not before it is due"
            self.owner.ms = due
            self.registration.handle_timer()
            assert self.registration.state == CONNECTING
        return found


@pytest.mark.parametrize(
    ("random", "delays"),
    [
        (b"\x00\x00", [2000, 4000, 8000, 16000, 32000, 64000, 120000, 120000]),
        (b"\xff\xff", [2999, 5999, 11999, 23999, 47999, 95999, 179999, 179999]),
        (b"\x80\x00", [2500, 5000, 10000, 20000, 40000, 80000, 150000, 150000]),
    ],
)
def test_the_back_off_doubles_up_to_a_limit_and_has_jitter(random, delays):
    assert Retries(lambda n: random[:n]).delays(8) == delays


def test_the_back_off_never_ends_nor_overflows():
    retries = Retries(lambda n: bytes(n), retry_min_ms=500, retry_max_ms=60_000)
    assert retries.delays(2000)[7:] == [60_000] * 1993


@pytest.mark.parametrize("event", ["registered", "reconnect"])
def test_the_back_off_begins_anew(event):
    retries = Retries(lambda n: bytes(n))
    assert retries.delays(3) == [2000, 4000, 8000]
    if event == "registered":
        retries.registration.link_opened()
        assert retries.owner.on_done is not None
        retries.owner.on_done(DONE, Message(codes.CREATED))
        assert retries.registration.registered
    else:
        retries.registration.reconnect()
    assert retries.delays(2) == [2000, 4000]


def test_a_link_that_opens_does_not_shorten_it():
    retries = Retries(lambda n: bytes(n))
    for delay in (2000, 4000, 8000):
        retries.registration.link_opened()
        retries.owner.on_done(TIME_OUT, None)
        assert retries.registration.deadline() == retries.owner.ms + delay
        retries.owner.ms += delay
        retries.registration.handle_timer()
