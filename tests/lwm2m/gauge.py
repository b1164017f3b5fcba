"""Gauges to observe, and the server's view of them: what it is told, and when, in seconds after the first response."""

from aiocoap import CON

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import FLOAT, INTEGER, STRING, TIME
from tests.lwm2m.rig import Rig, dotted

GAUGE = 31050
REAL, COUNT, SINCE, WORDS = "31050/0/0", "31050/0/1", "31050/0/2", "31050/0/3"
STEP_MS = 500  # how exactly the time is told


class Gauge(Object):
    """One number as each numeric type, and as words."""

    object_id = GAUGE
    multiple = True
    resources = (
        Resource(0, "real", FLOAT, "R"),
        Resource(1, "count", INTEGER, "R"),
        Resource(2, "since", TIME, "R"),
        Resource(3, "words", STRING, "R"),
    )

    def __init__(self, value: float = 20) -> None:
        self.value = value
        self.error: "Exception | None" = None

    def read_real(self) -> float:
        if self.error is not None:
            raise self.error
        return float(self.value)

    def read_count(self) -> int:
        return int(self.value)

    def read_since(self) -> int:
        return int(self.value)

    def read_words(self) -> str:
        return "%d" % self.value


class Observer:
    """The server's side of a rig: what it is told, by token, and when."""

    def __init__(self, value: float = 20):
        self.gauges = [Gauge(value), Gauge(value)]
        self.rig = Rig(*self.gauges, lifetime_s=10**9)
        self.start = self.rig.now

    def observe(self, path: str, token: bytes = b"obs", **options):
        response = self.rig.observe(path, token, **options)
        self.start = self.rig.now
        return response

    def change(self, value: float, path: str = REAL) -> None:
        ids = tuple(int(id) for id in path.split("/"))
        self.gauges[ids[1]].value = value
        self.rig.change(ids)

    def taken(self) -> list:
        """The notifications since the last time; each is acknowledged where it wants to be."""
        found = []
        while self.rig.sent:
            for message in self.rig.take():
                assert dotted(message) == "2.05"
                assert message.opt.observe is not None
                found.append(message)
                if message.mtype is CON:
                    self.rig.ack(message)
        return found

    def until(self, seconds: float) -> list:
        """Let time pass; (seconds, token, payload) of each notification."""
        told = [(self.seconds(), message.token, message.payload) for message in self.taken()]
        while self.seconds() < seconds:
            self.rig.advance(STEP_MS)
            told += [(self.seconds(), message.token, message.payload) for message in self.taken()]
        return told

    def seconds(self) -> float:
        return (self.rig.now - self.start) / 1000

    def play(self, changes: list, end: float, path: str = REAL) -> list:
        """Change the value as ``changes`` say, (seconds, value); (seconds, value) of each notification."""
        told = []
        for seconds, value in changes:
            told += self.until(seconds)
            self.change(value, path)
        return [(seconds, float(payload)) for seconds, _, payload in told + self.until(end)]
