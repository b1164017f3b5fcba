"""The state machine of queue mode alone: every event in every state, and the awake time."""

import pytest

from atiny.lwm2m.queue_mode import ASLEEP, OFFLINE, ONLINE, STATES, TRANSITIONS, WAKING, QueueMode
from atiny.settings import Settings

AWAKE = 93_000


class Owner:
    """Says that the last message was at ``quiet``, and keeps what it is asked for."""

    def __init__(self):
        self.agent = self.clock = self.registration = self.observations = self.unsent = self
        self.settings = Settings("dev")
        self.settings.awake_ms = AWAKE
        self.asleep = False
        self.ms = 1000
        self.quiet: "int | None" = 1000
        self.calls: "list[str]" = []

    def quiet_since(self):
        return self.quiet

    def sleep_link(self, owner):
        assert (owner, self.asleep) == (self, True)
        self.calls.append("sleep")

    def wake_link(self, owner):
        assert owner is self
        self.calls.append("wake")

    def update(self):
        self.calls.append("update")

    def go_online(self):
        self.calls.append("tell")

    def go_offline(self):
        self.calls.append("hush")


PATHS = {
    ONLINE: [],
    ASLEEP: ["timer"],
    WAKING: ["timer", "awake"],
    OFFLINE: ["go_offline"],
}
STEPS = {
    (ONLINE, "timer"): (ASLEEP, ["hush", "sleep"]),
    (ONLINE, "go_offline"): (OFFLINE, ["hush", "sleep"]),
    (ONLINE, "go_offline, not registered"): (OFFLINE, ["hush"]),
    (ASLEEP, "awake"): (WAKING, ["wake", "update"]),
    (ASLEEP, "reset"): (ONLINE, []),
    (ASLEEP, "leave"): (ONLINE, ["wake"]),
    (ASLEEP, "go_offline"): (OFFLINE, ["hush"]),
    (ASLEEP, "go_offline, not registered"): (OFFLINE, ["hush"]),
    (WAKING, "ready"): (ONLINE, ["tell"]),
    (WAKING, "reset"): (ONLINE, []),
    (WAKING, "go_offline"): (OFFLINE, ["hush", "sleep"]),
    (WAKING, "go_offline, not registered"): (OFFLINE, ["hush"]),
    (OFFLINE, "go_online"): (WAKING, ["wake", "update"]),
    (OFFLINE, "go_online, not registered"): (ONLINE, ["tell"]),
}
EVENTS = ["timer", "awake", "ready", "reset", "leave", "go_offline", "go_offline, not registered", "go_online"]
EVENTS.append("go_online, not registered")


class Machine:
    def __init__(self, state):
        self.owner = Owner()
        self.queue_mode = QueueMode(self.owner)
        self.queue_mode.enabled = True
        for event in PATHS[state]:
            self.do(event)
        assert self.queue_mode.state == state
        self.owner.calls.clear()

    def do(self, event):
        if event == "timer":
            self.owner.ms += AWAKE
            self.queue_mode.handle_timer()
        elif event.startswith("go_"):
            name, _, rest = event.partition(",")
            getattr(self.queue_mode, name)(not rest)
        else:
            getattr(self.queue_mode, event)()


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", PATHS)
def test_every_event_in_every_state(state, event):
    machine = Machine(state)
    machine.do(event)
    assert (machine.queue_mode.state, machine.owner.calls) == STEPS.get((state, event), (state, []))


def test_the_table_has_all_transitions_and_no_other():
    seen = {(before, after) for (before, _), (after, _) in STEPS.items()}
    assert seen == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    assert set(PATHS) == set(TRANSITIONS) == set(range(len(STATES)))


def test_only_a_quiet_link_in_queue_mode_falls_asleep():
    machine = Machine(ONLINE)
    queue_mode, owner = machine.queue_mode, machine.owner
    assert queue_mode.deadline() == 1000 + AWAKE
    owner.ms += AWAKE - 1
    queue_mode.handle_timer()
    assert queue_mode.state == ONLINE, "not a millisecond before"
    owner.quiet = None
    owner.ms += 1
    queue_mode.handle_timer()
    assert (queue_mode.deadline(), queue_mode.state) == (None, ONLINE), "something is open"
    owner.quiet = 1000
    queue_mode.enabled = False
    queue_mode.handle_timer()
    assert (queue_mode.deadline(), queue_mode.state) == (None, ONLINE), "the binding has no Q"
    queue_mode.enabled = True
    queue_mode.handle_timer()
    assert (queue_mode.deadline(), queue_mode.state) == (None, ASLEEP)
