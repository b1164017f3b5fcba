"""A registration and an owner of it that answers only when the test says so."""

from typing import Any

from atiny.coap import codes
from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.registration import Registration

OUTCOMES = {"time-out": TIME_OUT, "reset": RESET, "failed": FAILED, "cancelled": CANCELLED}


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

    def updated(self):
        self.calls.append("updated")

    def leaving(self):
        self.calls.append("leaving")

    def failed(self, reason):
        self.calls.append("failed")

    def lost(self, reason):
        self.calls.append("lost")

    def ended(self):
        self.calls.append("ended")


DISABLED_MS = 3_600_000


class Machine:
    """A registration after some events: calls of it by their name, "timer", outcomes and codes of answers."""

    def __init__(self, events):
        self.owner = Owner()
        self.registration = Registration(self.owner, self.owner, lambda n: bytes(n))
        for event in events:
            self.do(event)
        self.owner.calls.clear()

    def do(self, event):
        registration = self.registration
        owner = self.owner
        if event == "timer":
            due = registration.deadline()
            owner.ms = owner.ms + 10**9 if due is None else due
            registration.handle_timer()
        elif event in ("link_failed", "lost"):
            getattr(registration, event)("why")
        elif event == "disable":
            registration.disable(DISABLED_MS)
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
