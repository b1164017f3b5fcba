"""A registration and an owner of it that answers only when the test says so."""

from typing import Any

from atiny.coap import codes
from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.registration import Registration
from atiny.settings import Settings

OUTCOMES = {"time-out": TIME_OUT, "reset": RESET, "failed": FAILED, "cancelled": CANCELLED}


class Owner:
    """An owner that answers only when the test says so; ``calls`` are what it was told."""

    ms = 0  # it is the agent and its clock too

    def __init__(self, random=bytes):
        self.calls: "list[str]" = []
        self.on_done: "Any" = None
        self.agent = self.clock = self
        self.random = random
        self.settings = Settings("dev")
        self.server = Server(123, 100)
        self.model = Model()
        self.model.add(self.server)

    def open_link(self):
        self.calls.append("open")

    def close_link(self):
        self.calls.append("close")

    def send(self, message, on_done):
        self.calls.append("send")
        self.on_done = on_done

    def registered(self, anew):
        self.calls.append("registered" if anew else "updated")

    def leaving(self):
        self.calls.append("leaving")

    def failed(self, owner, reason):
        self.calls.append("failed")

    def lost(self, reason):
        self.calls.append("lost")

    def ended(self, owner):
        self.calls.append("ended")


DISABLED_MS = 3_600_000


class Machine:
    """A registration after some events: calls of it by their name, "timer", outcomes and codes of answers."""

    def __init__(self, events):
        self.owner = Owner()
        self.registration = Registration(self.owner)
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
            owner.server.lifetime_s += 1
            registration.changed()
        else:
            getattr(registration, event)()
