"""Whatever the network does, every message of ours ends once: random schedules of loss, duplication and reordering.

The peer answers each message as its seed says: at once, separately (CON or NON), with RST, or never.
"""

import random

import aiocoap
import pytest

from atiny.coap.exchange import CANCELLED, DONE, RESET, TIME_OUT

from .peer import ACK, CON, CONTENT, GET, NON, RST, Device, empty, pack

MESSAGES = 15
MANNERS = ["piggybacked", "separate CON", "separate NON", "reset", "silent"]


class Schedule:
    """One device, its peer and the network between them, all of one seed."""

    def __init__(self, seed: int, resets: int = 0):
        self.rng = rng = random.Random(seed)
        self.loss = rng.choice([0, 0.1, 0.3, 0.5])
        self.twice = rng.choice([0, 0.2])
        self.weights = [4, 2, 2, 1, rng.choice([0, 1])]
        self.resets = resets  # how often the link is made anew
        self.device = Device(rng=rng.randbytes, confirm=rng.random() < 0.5)
        self.flying: list[tuple[int, int, bool, bytes]] = []  # (arrival, number, upwards, datagram)
        self.number = 0
        self.manners: dict[int, str] = {}  # message id -> how the peer answers it
        self.mid = rng.randrange(65536)
        self.started = 0
        self.seen: dict[bytes, int] = {}  # name -> message id, in the order in which they first went
        self.acknowledged: set[int] = set()  # message ids whose empty ACK came through

    def fly(self, upwards: bool, datagram: bytes) -> None:
        for _ in range(2 if self.rng.random() < self.twice else 1):
            if self.rng.random() >= self.loss:
                self.number += 1
                arrival = self.device.now + self.rng.choice([1, 20, 300, 2500, 9000])
                self.flying.append((arrival, self.number, upwards, datagram))

    def start(self) -> None:
        name = b"%d" % self.started
        self.started += 1
        if self.rng.random() < 0.6:
            self.device.ask(name, payload=name)
        else:
            self.device.notify(name, b"tok" + name, payload=name)

    def flush(self) -> None:
        """What the device sends goes up; what is new on the wire comes in order, and one at a time."""
        for datagram in self.device.take_raw():
            message = aiocoap.Message.decode(datagram)
            if message.mtype == CON and message.payload not in self.seen:
                ended = [name for name, _, _ in self.device.ends]
                for name, mid in self.seen.items():
                    assert name in ended or mid in self.acknowledged, "NSTART is 1"
                self.seen[message.payload] = message.mid
            self.fly(True, datagram)

    def answer(self, message: aiocoap.Message) -> None:
        """The peer hears a message, for the first time or again: it does the same."""
        if message.mtype != CON:
            return
        manner = self.manners.setdefault(message.mid, self.rng.choices(MANNERS, self.weights)[0])
        if manner == "reset":
            self.fly(False, empty(RST, message.mid))
        elif manner != "silent" and message.code != GET:
            self.fly(False, empty(ACK, message.mid))
        elif manner == "piggybacked":
            self.fly(False, pack(ACK, CONTENT, message.mid, message.token, payload=message.payload))
        elif manner != "silent":
            self.mid = (self.mid + 1) & 0xFFFF
            self.fly(False, empty(ACK, message.mid))
            kind = CON if manner == "separate CON" else NON
            self.fly(False, pack(kind, CONTENT, self.mid, message.token, payload=message.payload))

    def arrive(self) -> None:
        """The first of what is in the air arrives."""
        first = min(self.flying)
        self.flying.remove(first)
        self.device.now = max(self.device.now, first[0])
        message = aiocoap.Message.decode(first[3])
        if first[2]:
            self.answer(message)
            return
        if message.mtype == ACK and message.code == 0:
            self.acknowledged.add(message.mid)
        self.device.endpoint.receive(first[3], self.device.now)

    def play(self) -> "list[tuple[bytes, int, bytes | None]]":
        """Play until nothing can happen any more; returns (name, outcome, payload of the response) of each end."""
        device = self.device
        for _ in range(5000):
            if self.started < MESSAGES and self.rng.random() < 0.5:
                self.start()
            if self.resets and self.rng.random() < 0.05:
                self.resets -= 1
                device.exchange.reset()
            self.flush()
            if self.rng.random() < 0.5:
                device.confirm_sent()
            due = device.exchange.deadline()
            if self.flying and (due is None or min(self.flying)[0] <= due):
                self.arrive()
            elif due is not None:
                device.now = max(device.now, due)
                device.exchange.handle_timer(device.now)
            elif self.started == MESSAGES and not device.unconfirmed and not device.exchange.outbox:
                return [
                    (name, outcome, response.payload if response else None) for name, outcome, response in device.ends
                ]
        raise AssertionError("it never ends")


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_every_message_ends_once(first):
    outcomes = set()
    for seed in range(first, first + 100):
        schedule = Schedule(seed)
        ends = schedule.play()
        assert sorted(name for name, _, _ in ends) == sorted(b"%d" % n for n in range(MESSAGES)), f"seed {seed}"
        for name, outcome, payload in ends:
            outcomes.add(outcome)
            assert payload in (None, name), f"seed {seed}: the response to another request"
        assert list(schedule.seen) == [b"%d" % n for n in range(MESSAGES)], f"seed {seed}: out of order"
        assert schedule.device.exchange.idle
    assert outcomes == {DONE, TIME_OUT, RESET}


def test_every_message_ends_once_where_the_link_is_made_anew():
    outcomes = set()
    for seed in range(100):
        schedule = Schedule(seed, resets=4)
        ends = schedule.play()
        assert sorted(name for name, _, _ in ends) == sorted(b"%d" % n for n in range(MESSAGES)), f"seed {seed}"
        for name, outcome, payload in ends:
            outcomes.add(outcome)
            assert payload in (None, name), f"seed {seed}: an answer from before"
    assert outcomes == {DONE, TIME_OUT, RESET, CANCELLED}


def test_without_loss_everything_is_done():
    for seed in range(100):
        schedule = Schedule(seed)
        schedule.loss = 0
        schedule.weights = [1, 1, 1, 0, 0]
        assert {outcome for _, outcome, _ in schedule.play()} == {DONE}
