"""A `Bootstrap` that carries nothing out: all it decides is listed."""

from types import SimpleNamespace
from typing import Any

from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message
from atiny.commands import ATINY_TRIGGER_SERVER_INITIATED_BS
from atiny.lwm2m.bootstrap import (
    CLOSED,
    CONNECTING,
    IDLE,
    LISTENING,
    OPEN,
    OPENING,
    PROVISIONING,
    REGISTERED,
    REGISTERING,
    REQUESTING,
    WAITING,
    Bootstrap,
)
from atiny.lwm2m.objects.security import Security
from atiny.params import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE
from atiny.settings import Settings

FACTORY, CLIENT, SEQUENCE = BOOTSTRAP_FACTORY, BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_SEQUENCE
OUTCOMES = {"time-out": TIME_OUT, "reset": RESET, "failed": FAILED, "cancelled": CANCELLED}


class Agent:
    """What the machine asks of an agent. It is the clock too. ``all_failed``: each account, as often as it may."""

    ms = 0
    registered = False
    all_failed = False

    def __init__(self, random, tries, calls):
        self.clock = self.servers = self
        self._calls = calls
        self.random = random
        self.settings = Settings("dev")
        self.settings.tries = tries

    def register(self):
        self._calls.append("register")
        self.registered = self.all_failed = False

    def unregister(self):
        self._calls.append("unregister")


class Listed(Bootstrap):
    """``calls`` are what it decided, ``reasons`` why something failed."""

    def __init__(
        self, mode, random=bytes, tries=3, accounts=False, server=True, hold_off=0, previous=False, unproven=False
    ):
        self.calls: "list[str]" = []
        self.agent = Agent(random, tries, self.calls)
        super().__init__(self.agent, mode)
        self.provision = SimpleNamespace(begin=lambda: self.calls.append("begin"))
        self.reasons: "list[str]" = []
        self.sent: "list[Message]" = []
        self.on_done: "Any" = None
        self.accounts = accounts
        self.server = server
        self.hold_off = hold_off
        self.previous = previous
        self.unproven = unproven

    def has_accounts(self):
        return self.accounts

    def has_previous(self):
        return self.unproven

    def bootstrap_server(self):
        return Security("coap://bs", is_bootstrap=True, hold_off_s=self.hold_off) if self.server else None

    def account_failed(self):
        if self.agent.all_failed:
            self.all_failed()

    def open_link(self):
        self.line = OPENING
        self.calls.append("open_link")

    def close_link(self):
        self.line = CLOSED
        self.calls.append("close_link")

    def send(self, message, on_done):
        self.calls.append("send")
        self.sent.append(message)
        self.on_done = on_done

    def commit(self):
        self.calls.append("commit")
        self.accounts = True

    def proven(self):
        self.calls.append("proven")

    def roll_back(self):
        self.calls.append("roll_back")
        back, self.previous = self.previous, False
        return back

    def command(self, word):
        assert word == ATINY_TRIGGER_SERVER_INITIATED_BS
        self.calls.append("announce")

    def tell_failed(self, reason):
        self.calls.append("failed")
        self.reasons.append(reason)


class Machine:
    def __init__(self, mode=CLIENT, start=True, **options):
        self.bootstrap = Listed(mode, **options)
        if start:
            self.bootstrap.start()

    @property
    def state(self) -> int:
        return self.bootstrap.state

    @property
    def due(self) -> "int | None":
        return self.bootstrap._due

    @property
    def accepting(self) -> bool:
        return self.bootstrap.line == OPEN

    def do(self, *events):
        """Let things happen; returns what was decided."""
        for event in events:
            self._do(event)
        return self.take()

    def take(self) -> "list[str]":
        """What was decided since the last time."""
        calls = list(self.bootstrap.calls)
        self.bootstrap.calls.clear()
        return calls

    def _do(self, event):
        bootstrap = self.bootstrap
        agent = bootstrap.agent
        if event == "timer":
            agent.ms = agent.ms + 10**9 if self.due is None else self.due
            bootstrap.handle_timer()
        elif event == "link_failed":
            bootstrap.link_failed("why")
        elif event in OUTCOMES:
            bootstrap.on_done(OUTCOMES[event], None)
        elif event[1:2] == ".":
            major, _, minor = event.partition(".")
            bootstrap.on_done(DONE, Message(int(major) << 5 | int(minor)))
        else:
            if event in ("registered", "all_failed"):
                agent.registered = event == "registered"
                agent.all_failed = event == "all_failed"
            getattr(bootstrap, event)()

    def wait(self) -> int:
        """Let the time pass until something is due: the milliseconds."""
        due = self.due
        assert due is not None
        agent = self.bootstrap.agent
        delay = due - agent.ms
        assert delay > 0
        agent.ms = due - 1
        before = self.state, len(self.bootstrap.calls)
        self.bootstrap.handle_timer()
        assert (self.state, len(self.bootstrap.calls)) == before, "not before it is due"
        agent.ms = due
        self.bootstrap.handle_timer()
        return delay


# How to come to each state: the mode, what the owner has, and the events. "kept": while the accounts go on.
WAYS: "dict[tuple, tuple]" = {
    (IDLE, ""): (CLIENT, dict(accounts=True), ["stop"]),
    (REGISTERING, "factory"): (FACTORY, dict(accounts=True), []),
    (REGISTERING, "client"): (CLIENT, dict(accounts=True), []),
    (REGISTERING, "held off"): (CLIENT, dict(accounts=True, hold_off=5), []),
    (REGISTERING, "sequence"): (SEQUENCE, dict(accounts=True, hold_off=10), []),
    (REGISTERING, "unproven"): (CLIENT, dict(unproven=True, accounts=True, previous=True), []),
    (REGISTERING, "alone"): (SEQUENCE, dict(accounts=True, server=False), []),
    (REGISTERED, "factory"): (FACTORY, dict(accounts=True), ["registered"]),
    (REGISTERED, "client"): (CLIENT, dict(accounts=True, hold_off=5), ["registered"]),
    (REGISTERED, "sequence"): (SEQUENCE, dict(accounts=True, hold_off=10), ["registered"]),
    (LISTENING, "opening"): (SEQUENCE, dict(hold_off=10), []),
    (LISTENING, "open"): (SEQUENCE, dict(hold_off=10), ["link_opened"]),
    (LISTENING, "closed"): (SEQUENCE, dict(hold_off=10), ["link_failed"]),
    (WAITING, ""): (CLIENT, dict(hold_off=5), []),
    (WAITING, "kept"): (FACTORY, dict(accounts=True), ["registered", "trigger", "link_failed"]),
    (CONNECTING, ""): (CLIENT, dict(), []),
    (CONNECTING, "kept"): (FACTORY, dict(accounts=True), ["registered", "trigger"]),
    (REQUESTING, ""): (CLIENT, dict(), ["link_opened"]),
    (REQUESTING, "kept"): (FACTORY, dict(accounts=True), ["registered", "trigger", "link_opened"]),
    (PROVISIONING, ""): (CLIENT, dict(), ["link_opened", "2.04"]),
    (PROVISIONING, "kept"): (FACTORY, dict(accounts=True), ["registered", "trigger", "link_opened", "2.04"]),
}  # fmt: skip


def come_to(state: int, way: str) -> Machine:
    mode, options, events = WAYS[state, way]
    machine = Machine(mode, **options)
    machine.do(*events)
    assert machine.state == state
    return machine
