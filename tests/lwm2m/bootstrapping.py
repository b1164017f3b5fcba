"""A `Bootstrap` whose owner answers only when the test says so."""

from typing import Any

from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.bootstrap import (
    CONNECTING,
    IDLE,
    LISTENING,
    PROVISIONING,
    REGISTERED,
    REGISTERING,
    REQUESTING,
    WAITING,
    Bootstrap,
)
from atiny.params import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE

FACTORY, CLIENT, SEQUENCE = BOOTSTRAP_FACTORY, BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_SEQUENCE
OUTCOMES = {"time-out": TIME_OUT, "reset": RESET, "failed": FAILED, "cancelled": CANCELLED}


class Owner:
    """``calls`` are what it was told, ``reasons`` why something failed. It is the clock too."""

    endpoint_name = "dev"
    ms = 0

    def __init__(self, accounts=False, server=True, hold_off=0, previous=False):
        self.calls: "list[str]" = []
        self.reasons: "list[str]" = []
        self.sent: "list[Message]" = []
        self.on_done: "Any" = None
        self.accounts = accounts
        self.server = server
        self.hold_off = hold_off
        self.previous = previous

    def has_accounts(self):
        return self.accounts

    def has_bootstrap(self):
        return self.server

    def hold_off_ms(self):
        return self.hold_off

    def send(self, message, on_done):
        self.calls.append("send")
        self.sent.append(message)
        self.on_done = on_done

    def commit(self):
        self.calls.append("commit")
        self.accounts = True

    def roll_back(self):
        self.calls.append("roll_back")
        back, self.previous = self.previous, False
        return back

    def failed(self, reason):
        self.calls.append("failed")
        self.reasons.append(reason)

    def __getattr__(self, name):
        if name not in {
            "register", "unregister", "open_link", "close_link", "announce", "begin", "drop", "proven", "bootstrapped",
        }:  # fmt: skip
            raise AttributeError(name)
        return lambda: self.calls.append(name)

    def take(self) -> "list[str]":
        """What it was told since the last time."""
        calls, self.calls = self.calls, []
        return calls


class Machine:
    def __init__(self, mode=CLIENT, unproven=False, start=True, random=bytes, **owner):
        self.owner = Owner(**owner)
        self.bootstrap = Bootstrap(self.owner, self.owner, random, mode)
        if start:
            self.bootstrap.start(unproven)

    @property
    def state(self) -> int:
        return self.bootstrap.state

    def do(self, *events):
        """Let things happen; returns what the owner was told."""
        for event in events:
            self._do(event)
        return self.owner.take()

    def _do(self, event):
        bootstrap, owner = self.bootstrap, self.owner
        if event == "timer":
            due = bootstrap.deadline()
            owner.ms = owner.ms + 10**9 if due is None else due
            bootstrap.handle_timer()
        elif event == "link_failed":
            bootstrap.link_failed("why")
        elif event in OUTCOMES:
            owner.on_done(OUTCOMES[event], None)
        elif event[1:2] == ".":
            major, _, minor = event.partition(".")
            owner.on_done(DONE, Message(int(major) << 5 | int(minor)))
        else:
            getattr(bootstrap, event)()

    def wait(self) -> int:
        """Let the time pass until something is due: the milliseconds."""
        due = self.bootstrap.deadline()
        assert due is not None
        delay = due - self.owner.ms
        assert delay > 0
        self.owner.ms = due - 1
        before = self.state, len(self.owner.calls)
        self.bootstrap.handle_timer()
        assert (self.state, len(self.owner.calls)) == before, "not before it is due"
        self.owner.ms = due
        self.bootstrap.handle_timer()
        return delay


# How to come to each state: the mode, what the owner has, and the events. "kept": while the accounts go on.
WAYS: "dict[tuple, tuple]" = {
    (IDLE, ""): (CLIENT, dict(accounts=True), ["stop"]),
    (REGISTERING, "factory"): (FACTORY, dict(accounts=True), []),
    (REGISTERING, "client"): (CLIENT, dict(accounts=True), []),
    (REGISTERING, "held off"): (CLIENT, dict(accounts=True, hold_off=5000), []),
    (REGISTERING, "sequence"): (SEQUENCE, dict(accounts=True, hold_off=10000), []),
    (REGISTERING, "unproven"): (CLIENT, dict(unproven=True, accounts=True, previous=True), []),
    (REGISTERING, "alone"): (SEQUENCE, dict(accounts=True, server=False), []),
    (REGISTERED, "factory"): (FACTORY, dict(accounts=True), ["registered"]),
    (REGISTERED, "client"): (CLIENT, dict(accounts=True, hold_off=5000), ["registered"]),
    (REGISTERED, "sequence"): (SEQUENCE, dict(accounts=True, hold_off=10000), ["registered"]),
    (LISTENING, "opening"): (SEQUENCE, dict(hold_off=10000), []),
    (LISTENING, "open"): (SEQUENCE, dict(hold_off=10000), ["link_opened"]),
    (LISTENING, "closed"): (SEQUENCE, dict(hold_off=10000), ["link_failed"]),
    (WAITING, ""): (CLIENT, dict(hold_off=5000), []),
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
