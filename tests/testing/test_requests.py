"""The virtual server's requests: operations, retransmission, block-wise both ways, observations."""

import pytest
from aiocoap import ACK, CON, NON, RST, Message

from tests.testing.peer_device import LINKS, REGISTER, World, content

# -- requests


def test_reading():
    world = World()
    world.device.register()
    world.device.answer = lambda message: content(b"21", content_format=0)
    request = world.server.read("dev", "/3/0/9", accept=0)
    assert not request.done
    (asked,) = world.device.run()
    assert (asked.mtype, asked.code, asked.opt.uri_path, asked.opt.accept) == (CON, 1, ("3", "0", "9"), 0)
    assert asked.opt.observe is None
    assert (request.done, request.code, request.payload, request.content_format) == (True, "2.05", b"21", 0)
    assert (request.error, request.notifications, request.rounds) == (None, [], 1)
    assert repr(request) == "<GET /3/0/9 to dev: 2.05>"
    assert world.server.requests == [request]
    assert world.device.run(300_000) == []


@pytest.mark.parametrize(
    ("use", "code", "path", "payload", "content_format", "query"),
    [
        (lambda s, d: s.discover(d, "/3"), 1, "3", b"", None, ()),
        (lambda s, d: s.write(d, "/3/0/15", b"x"), 3, "3/0/15", b"x", 0, ()),
        (lambda s, d: s.update(d, "/3/0", b"x"), 2, "3/0", b"x", 11542, ()),
        (lambda s, d: s.create(d, "/3303", b"x"), 2, "3303", b"x", 11542, ()),
        (lambda s, d: s.execute(d, "/3/0/4"), 2, "3/0/4", b"", None, ()),
        (lambda s, d: s.execute(d, "/3/0/4", "0='1'"), 2, "3/0/4", b"0='1'", 0, ()),
        (lambda s, d: s.delete(d, "/3303/1"), 4, "3303/1", b"", None, ()),
        (lambda s, d: s.write_attributes(d, "/3/0/9", "pmin=1", "gt=2"), 3, "3/0/9", b"", None, ("pmin=1", "gt=2")),
    ],
)
def test_operations(use, code, path, payload, content_format, query):
    world = World()
    world.device.register()
    request = use(world.server, world.server.device("dev"))
    world.device.answer = lambda message: Message(code=68)
    (asked,) = world.device.run()
    assert (asked.code, "/".join(asked.opt.uri_path), asked.payload) == (code, path, payload)
    assert (asked.opt.content_format, asked.opt.uri_query) == (content_format, query)
    assert request.code == "2.04"


def test_a_created_instance_has_a_location():
    world = World()
    world.device.register()
    request = world.server.create("dev", "/3303", b"")
    world.device.answer = lambda message: Message(code=65, location_path=("3303", "7"))
    world.device.run()
    assert (request.code, request.location) == ("2.01", ("3303", "7"))


def test_a_request_is_sent_again_and_given_up():
    world = World(ack_timeout_ms=1000, max_retransmit=3)
    world.device.register()
    request = world.server.read("dev", "/3/0")
    asked = world.device.run(60_000)
    assert len(asked) == 4
    assert len({message.mid for message in asked}) == 1
    times = [datagram.time_ms for datagram in world.network.trace if datagram.data[0] == 0x44 and not datagram.uplink]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert 1000 <= gaps[0] <= 1500
    assert gaps[1:] == [2 * gaps[0], 4 * gaps[0]]
    assert (request.done, request.error, request.code) == (True, "timeout", None)


def test_a_request_that_is_reset():
    world = World()
    world.device.register()
    request = world.server.read("dev", "/3/0")
    world.device.empty(RST, world.device.run()[0].mid)
    world.device.run()
    assert (request.done, request.error) == (True, "reset")


def test_a_separate_response_of_the_device():
    world = World()
    world.device.register()
    request = world.server.read("dev", "/3/0")
    asked = world.device.run()[0]
    world.device.empty(ACK, asked.mid)
    assert world.device.run(30_000) == []
    assert not request.done
    world.device.send(69, payload=b"late", token=asked.token, mid=31)
    (acknowledged,) = world.device.run()
    assert (acknowledged.mtype, acknowledged.mid) == (ACK, 31)
    assert (request.code, request.payload) == ("2.05", b"late")


def test_a_separate_response_that_never_comes():
    world = World()
    world.device.register()
    request = world.server.read("dev", "/3/0")
    world.device.empty(ACK, world.device.run()[0].mid)
    world.device.run(247_000)
    assert (request.done, request.error) == (True, "no response")


def test_an_answer_to_another_question():
    world = World()
    world.device.register()
    request = world.server.read("dev", "/3/0")
    asked = world.device.run()[0]
    world.device.send(69, token=b"wrong", mtype=ACK, mid=asked.mid)
    world.device.run()
    assert not request.done
    assert world.server.protocol_errors == [f"a piggybacked response to message {asked.mid} has another token"]


def test_a_non_confirmable_read():
    world = World()
    world.device.register()
    request = world.server.request("dev", "GET", "/3/0/9", confirmable=False)
    (asked,) = world.device.run(100_000)
    assert asked.mtype == NON
    assert not request.done
    world.device.send(69, payload=b"1", token=asked.token, mtype=NON)
    assert world.device.run() == []
    assert request.code == "2.05"


# -- block-wise


class Blocks:
    """Answers with ``payload`` in blocks, or takes a body in blocks; ``szx`` is the device's largest."""

    def __init__(self, payload=b"", szx=2, **options):
        self.payload = payload
        self.szx = szx
        self.options = options
        self.body = b""
        self.asked = []

    def __call__(self, message):
        block1, block2 = message.opt.block1, message.opt.block2
        if block1 is not None:
            return self.take(message, block1)
        number, _, szx = block2 or (0, False, self.szx)
        szx = min(szx, self.szx)
        self.asked.append((number, szx, message.token))
        start = number * (16 << szx)
        part = self.payload[start : start + (16 << szx)]
        response = content(part, **(self.options if number == 0 else {}))
        response.opt.block2 = (number, start + len(part) < len(self.payload), szx)
        return response

    def take(self, message, block1):
        assert block1.block_number * (16 << block1.size_exponent) == len(self.body)
        self.body += message.payload
        response = Message(code=95 if block1.more else 68)
        response.opt.block1 = (block1.block_number, block1.more, min(block1.size_exponent, self.szx))
        return response


def test_a_response_in_blocks():
    world = World()
    world.device.register()
    world.device.answer = blocks = Blocks(bytes(range(256)) * 2)
    request = world.server.read("dev", "/3")
    world.device.run()
    assert (request.code, request.payload, request.rounds) == ("2.05", blocks.payload, 8)
    assert [(number, szx) for number, szx, _ in blocks.asked] == [(number, 2) for number in range(8)]


def test_a_server_that_asks_for_small_blocks():
    world = World(block_size=32)
    world.device.register()
    world.device.answer = blocks = Blocks(b"x" * 100, szx=6)
    request = world.server.read("dev", "/3")
    world.device.run()
    assert (request.payload, request.rounds) == (b"x" * 100, 4)
    assert {szx for _, szx, _ in blocks.asked} == {1}


@pytest.mark.parametrize(
    ("block", "why"),
    [((2, False, 2), "block 2 came after 64 bytes"), ((1, True, 2), "a block of 5 bytes says it has 64")],
)
def test_blocks_that_do_not_fit(block, why):
    world = World()
    world.device.register()
    answers = iter([content(b"x" * 64, block2=(0, True, 2)), content(b"short", block2=block)])
    world.device.answer = lambda message: next(answers)
    request = world.server.read("dev", "/3")
    world.device.run()
    assert (request.done, request.error) == (True, why)


def test_a_body_in_blocks():
    world = World(block_size=64)
    world.device.register()
    world.device.answer = blocks = Blocks(szx=6)
    body = bytes(range(200))
    request = world.server.write("dev", "/5/0/0", body, content_format=42)
    asked = world.device.run()
    assert (request.code, blocks.body, request.rounds) == ("2.04", body, 4)
    assert len({message.mid for message in asked}) == 4


def test_a_device_that_wants_smaller_blocks():
    world = World(block_size=128)
    world.device.register()
    world.device.answer = blocks = Blocks(szx=1)
    body = bytes(range(256))
    request = world.server.write("dev", "/5/0/0", body, content_format=42)
    asked = world.device.run()
    assert (request.code, blocks.body) == ("2.04", body)
    assert [message.opt.block1.size for message in asked] == [128] + [32] * 4


def test_a_device_that_refuses_the_size_of_the_first_block():
    world = World(block_size=128)
    world.device.register()
    blocks = Blocks(szx=1)

    def answer(message):
        if message.opt.block1.size_exponent > 1:
            response = Message(code=141)
            response.opt.block1 = (0, True, 1)
            return response
        return blocks(message)

    world.device.answer = answer
    request = world.server.write("dev", "/5/0/0", b"x" * 200, content_format=42)
    world.device.run()
    assert (request.code, blocks.body) == ("2.04", b"x" * 200)


def test_a_body_that_is_refused_in_the_middle():
    world = World(block_size=16)
    world.device.register()
    answers = iter([Message(code=95, block1=(0, True, 0)), Message(code=141)])
    world.device.answer = lambda message: next(answers)
    request = world.server.write("dev", "/5/0/0", b"x" * 100, content_format=42)
    world.device.run()
    assert (request.code, request.rounds) == ("4.13", 2)


# -- observations


def observing(**options):
    world = World(**options)
    world.device.register()
    request = world.server.observe("dev", "/19/0/0")
    world.device.answer = lambda message: content(b"", observe=1, content_format=42)
    (asked,) = world.device.run()
    assert asked.opt.observe == 0
    return world, request


def test_an_observation():
    world, request = observing()
    assert (request.done, request.code, request.observing) == (True, "2.05", True)
    world.device.send(69, payload=b"a", token=request.token, mid=1, observe=2, content_format=42)
    (acknowledged,) = world.device.run()
    assert (acknowledged.mtype, acknowledged.mid, acknowledged.code) == (ACK, 1, 0)
    world.device.send(69, payload=b"c", token=request.token, mtype=NON, observe=4)
    world.device.send(69, payload=b"b", token=request.token, mtype=NON, observe=3)
    assert world.device.run() == []
    assert [(one.code, one.payload, one.sequence, one.confirmable) for one in request.notifications] == [
        ("2.05", b"", 1, False),
        ("2.05", b"a", 2, True),
        ("2.05", b"c", 4, False),
        ("2.05", b"b", 3, False),
    ]
    assert request.latest.payload == b"c"
    assert request.payload == b""  # of the first response
    assert request.notifications[1].content_format == 42


def test_a_notification_that_comes_again_counts_once():
    world, request = observing()
    for _ in range(3):
        world.device.send(69, payload=b"a", token=request.token, mid=1, observe=2)
    assert [message.mtype for message in world.device.run()] == [ACK] * 3
    assert len(request.notifications) == 2


def test_an_observation_that_is_refused():
    world = World()
    world.device.register()
    world.device.answer = lambda message: Message(code=132)
    request = world.server.observe("dev", "/9/9/9")
    world.device.run()
    assert (request.code, request.observing, request.notifications, request.latest) == ("4.04", False, [], None)


def test_a_resource_that_cannot_be_observed():
    world = World()
    world.device.register()
    world.device.answer = lambda message: content(b"1")
    request = world.server.observe("dev", "/3/0/9")
    world.device.run()
    assert (request.code, request.observing, request.notifications) == ("2.05", False, [])


def test_an_error_ends_the_observation():
    world, request = observing()
    world.device.send(132, token=request.token)
    world.device.run()
    assert not request.observing
    assert request.notifications[-1].code == "4.04"
    world.device.send(69, token=request.token, observe=3, mid=8)
    assert [(message.mtype, message.mid) for message in world.device.run()] == [(RST, 8)]


def test_cancelling_by_get():
    world, request = observing()
    world.device.answer = lambda message: content(b"last")
    cancel = request.cancel()
    (asked,) = world.device.run()
    assert (asked.opt.observe, asked.token, asked.opt.uri_path) == (1, request.token, ("19", "0", "0"))
    assert (cancel.code, cancel.payload, cancel.observing, request.observing) == ("2.05", b"last", False, False)
    world.device.send(69, token=request.token, observe=3)
    assert [message.mtype for message in world.device.run()] == [RST]


@pytest.mark.parametrize("by", ["reset", "forget"])
def test_cancelling_by_reset(by):
    world, request = observing()
    assert request.cancel(by) is None
    world.device.send(69, token=request.token, observe=3, mid=8)
    world.device.send(69, token=request.token, observe=4, mid=9)
    assert [(message.mtype, message.mid) for message in world.device.run()] == [(RST, 8), (RST, 9)]
    assert not request.observing
    assert len(request.notifications) == 1


def test_a_server_that_resets_notifications():
    world, request = observing()
    world.server.reset_notifications = True
    world.device.send(69, token=request.token, observe=3)
    assert [message.mtype for message in world.device.run()] == [RST]
    world.server.reset_notifications = False
    world.device.send(69, token=request.token, observe=4)
    assert [message.mtype for message in world.device.run()] == [ACK]


def test_a_notification_in_blocks():
    world, request = observing()
    world.device.answer = Blocks(b"y" * 150)
    world.device.send(69, payload=b"y" * 64, token=request.token, observe=2, block2=(0, True, 2), content_format=42)
    world.device.run()
    assert [(one.payload, one.sequence) for one in request.notifications[1:]] == [(b"y" * 150, 2)]
    assert [number for number, _, _ in world.device.answer.asked] == [1, 2]
    assert request.token not in [token for _, _, token in world.device.answer.asked]
    assert request.observing


def test_a_first_response_in_blocks():
    world = World()
    world.device.register()
    world.device.answer = Blocks(b"y" * 150, observe=7)
    request = world.server.observe("dev", "/3/0")
    world.device.run()
    assert [(one.payload, one.sequence) for one in request.notifications] == [(b"y" * 150, 7)]
    assert (request.payload, request.observing) == (b"y" * 150, True)


def test_observing_as_soon_as_a_device_registers():
    world = World(auto_observe=["/19/0/0", "/3/0"])
    seen = []
    world.server.on_register = seen.append
    world.device.send(2, "rd", REGISTER, LINKS, content_format=40)
    created, *observes = world.device.run()
    assert created.code == 65
    assert [(message.opt.uri_path, message.opt.observe) for message in observes] == [
        (("19", "0", "0"), 0),
        (("3", "0"), 0),
    ]
    assert seen == [world.server.device("dev")]
