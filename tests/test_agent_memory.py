"""A device that runs out of memory over a message: the host hears of it, and the device goes on."""

import pytest

from atiny.coap import exchange
from atiny.coap.blockwise import Blocks
from atiny.params import ATINY_HANDLER_ERROR
from atiny.testing import Simulation

MINUTE_MS = 60_000


class World:
    def __init__(self):
        self.events = []
        self.simulation = Simulation(seed=1)
        self.server = self.simulation.server()
        self.client = self.simulation.client("dev", on_event=lambda event, arg: self.events.append((event, arg)))
        self.simulation.run_until(lambda: self.client.registered)
        self.events.clear()

    def code(self, request):
        self.simulation.run(MINUTE_MS)
        return request.code

    @property
    def told(self):
        return [(arg[0], type(arg[1])) for event, arg in self.events if event == ATINY_HANDLER_ERROR]


@pytest.fixture
def short(monkeypatch):
    """``short(owner, name, times)``: that function raises MemoryError, so many times."""

    def patch(owner, name, times):
        original = getattr(owner, name)
        left = [times]

        def function(*args):
            if left[0]:
                left[0] -= 1
                raise MemoryError("for this test")
            return original(*args)

        monkeypatch.setattr(owner, name, function)

    return patch


def test_over_an_answer(short):
    world = World()
    short(exchange, "encode", 1)
    assert world.code(world.server.read("dev", "/3/0")) == "5.00"
    assert world.told == [("/3/0", MemoryError)]
    assert world.code(world.server.read("dev", "/3/0")) == "2.05"
    assert world.client.registered


def test_over_an_answer_and_what_would_say_so(short):
    world = World()
    short(exchange, "encode", 2)
    assert world.code(world.server.read("dev", "/3/0")) == "2.05"  # to the server's retransmission
    assert world.told == [(None, MemoryError)]


def test_over_a_datagram(short):
    world = World()
    short(exchange, "decode", 1)
    assert world.code(world.server.read("dev", "/3/0")) == "2.05"
    assert world.told == [(None, MemoryError)]


def test_over_a_body_in_blocks(short):
    world = World()
    short(Blocks, "take", 1)
    assert world.code(world.server.write("dev", "/1/0/1", b"3" * 2000)) == "5.00"
    assert world.told == [("/1/0/1", MemoryError)]
    assert world.code(world.server.write("dev", "/1/0/1", b"300")) == "2.04"
    assert world.client.registered


@pytest.mark.parametrize("what", ["encode", "decode"])
def test_over_an_update(short, what):
    world = World()
    world.server.write("dev", "/1/0/1", b"40")
    world.simulation.run(100)
    short(exchange, what, 1)
    world.simulation.run(5 * MINUTE_MS)
    assert world.told == [(None, MemoryError)]
    assert world.client.registered
    assert world.code(world.server.read("dev", "/1/0/1")) == "2.05"
