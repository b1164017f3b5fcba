"""Streamed transfers from aiocoap over UDP on loopback, and over a network that loses, repeats and reorders."""

import random

import aiocoap
import pytest

from atiny.coap.message import Message
from atiny.errors import Rejected

from .peer import ACK, CHANGED, CON, CONTINUE, body
from .stream_rig import FORBIDDEN, Push, Sink
from .test_blockwise_peers import context, run, wired

LONG = body(100_000)


@pytest.mark.parametrize("szx", [2, 5, 6])
def test_from_aiocoap(szx):
    sinks = []

    def opener(request):
        sinks.append(Sink())
        return sinks[-1]

    async def story():
        async with context() as (client, _), wired(None, szx=szx, stream=opener) as device:
            uri = "coap://127.0.0.1:%d/body" % device.port
            blocks = 0
            for payload in (LONG, LONG[:-500]):
                response = await client.request(aiocoap.Message(code=aiocoap.PUT, uri=uri, payload=payload)).response
                assert (response.code, response.payload) == (CHANGED, b"")
                blocks += 1 - (1024 - len(payload)) // (16 << szx)  # the first one is as large as aiocoap likes
            assert device.received == blocks

    run(story())
    assert [(sink.over, sink.body) for sink in sinks] == [("end", LONG), ("end", LONG[:-500])]


@pytest.mark.parametrize("way", ["opener", "sink", "end"])
def test_refused_to_aiocoap(way):
    def opener(request):
        if way == "opener":
            return Message(FORBIDDEN, None, b"not that")
        return Sink(("write", 7) if way == "sink" else ("end", -(-len(LONG) // 1024)))

    async def story():
        async with context() as (client, _), wired(None, stream=opener) as device:
            uri = "coap://127.0.0.1:%d/body" % device.port
            response = await client.request(aiocoap.Message(code=aiocoap.PUT, uri=uri, payload=LONG)).response
            assert (response.code, response.payload) == (FORBIDDEN, b"not that")

    run(story())


def test_a_sink_that_raises_does_not_reach_the_peer_as_silence():
    def opener(request):
        raised.append(request.payload)
        sink = Sink()
        sink.write = refuse
        return sink

    def refuse(offset, data, total):
        raise Rejected(FORBIDDEN, "ä")

    raised = []
    push = Push()
    push.device.endpoint._stream = opener
    assert push.of(LONG, 0, 6).payload == "ä".encode()
    assert raised == [LONG[:1024]]


# -- a bad network


class Schedule:
    """A sender that stops and waits, as aiocoap does, and a network between; all of one seed.

    It repeats a block four times and then gives up: it sends the block as a new message, or begins again at block 0.
    """

    def __init__(self, seed: int):
        self.rng = rng = random.Random(seed)
        self.push = Push()
        self.content = rng.randbytes(rng.randrange(65, 1500))
        self.size = 16 << rng.randrange(3)
        self.loss = rng.choice([0, 0.1, 0.2, 0.4])
        self.twice = rng.choice([0, 0.3, 1])
        self.late = rng.choice([[1], [1, 20, 300], [1, 2500, 9000, 40_000]])
        self.flying: "list[tuple[int, int, bool, bytes]]" = []
        self.number = 0
        self.mid = rng.randrange(1000)
        self.attempts = 0

    def fly(self, upwards: bool, datagram: bytes) -> None:
        for _ in range(2 if self.rng.random() < self.twice else 1):
            if self.rng.random() >= self.loss:
                self.number += 1
                arrival = self.push.device.now + self.rng.choice(self.late)
                self.flying.append((arrival, self.number, upwards, datagram))

    def ask(self, offset: int) -> "aiocoap.Message | None":
        """One block, sent up to five times; its answer, or None."""
        self.mid += 1
        size, part = self.size, self.content[offset : offset + self.size]
        message = aiocoap.Message(code=aiocoap.PUT, payload=part, _mtype=CON, _mid=self.mid, _token=b"%d" % self.mid)
        message.opt.uri_path = ("5", "0", "0")
        message.opt.content_format = 42
        message.opt.block1 = (offset // size, offset + size < len(self.content), size.bit_length() - 5)
        datagram = message.encode()
        timeout = 2000 + self.rng.randrange(1000)
        for _ in range(5):
            self.fly(False, datagram)
            until = self.push.device.now + timeout
            timeout *= 2
            while self.flying and min(self.flying)[0] <= until:
                answer = self.arrive()
                if answer is not None and (answer.mid, answer.token) == (self.mid, b"%d" % self.mid):
                    return answer
            self.push.wait(max(0, until - self.push.device.now))
        return None

    def arrive(self) -> "aiocoap.Message | None":
        """The first of what is in the air arrives; an answer is returned."""
        first = min(self.flying)
        self.flying.remove(first)
        self.push.wait(max(0, first[0] - self.push.device.now))
        if first[2]:
            return aiocoap.Message.decode(first[3])
        for sent in self.push.device.hear_raw(first[3]):
            self.fly(True, sent)
        return None

    def play(self) -> bool:
        """Push until it is there; False: it never was, in 100 attempts."""
        for _ in range(100):
            self.attempts += 1
            offset = 0
            while True:
                answer = self.ask(offset)
                if answer is None and self.rng.random() < 0.85:
                    continue
                if answer is None:
                    break
                offset += self.size
                if answer.code == CHANGED:
                    assert answer.mtype == ACK
                    assert offset >= len(self.content)
                    while self.flying:
                        self.arrive()
                    return True
                if answer.code != CONTINUE:
                    break
        return False


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_any_schedule_writes_each_byte_once_and_in_order(first):
    attempts = 0
    for seed in range(first, first + 100):
        schedule = Schedule(seed)
        assert schedule.play(), f"seed {seed}"
        sinks = schedule.push.sinks
        ended = [sink for sink in sinks if sink.over == "end"]
        # More than one where all of it was there, the last answer was not heard, and it was pushed once more.
        assert 1 <= len(ended) <= schedule.attempts, f"seed {seed}"
        assert all(sink.body == schedule.content for sink in ended), f"seed {seed}"
        for sink in sinks:
            # The sink itself checks that each write begins where the one before ended.
            assert schedule.content.startswith(sink.body), f"seed {seed}"
        schedule.push.lapse()
        assert all(sink.over in ("end", "abandon") for sink in sinks), f"seed {seed}"
        attempts += schedule.attempts
    assert attempts > 100, "some were to be given up"
