"""Simulation: the stepping, with small stand-ins for clients."""

import pytest

from atiny.testing import Simulation

HOUR_MS = 3_600_000


class Ticker:
    """Asks to be stepped every ``period_ms``; notes when it was."""

    def __init__(self, simulation, period_ms):
        self.simulation = simulation
        self.period_ms = period_ms
        self.due_ms = simulation.now_ms
        self.ticks = []

    def step(self):
        if self.simulation.now_ms >= self.due_ms:
            self.ticks.append(self.simulation.now_ms)
            self.due_ms = self.simulation.now_ms + self.period_ms
        return self.due_ms - self.simulation.now_ms


class Scripted:
    """Gives the answers of a list, then the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.steps = 0

    def __repr__(self):
        return "<scripted>"

    def step(self):
        self.steps += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_clients_are_stepped_when_they_are_due():
    simulation = Simulation()
    start = simulation.now_ms
    fast, slow = (simulation.add_client(Ticker(simulation, period)) for period in (70, 200))
    simulation.run(401)
    assert [tick - start for tick in fast.ticks] == [0, 70, 140, 210, 280, 350]
    assert [tick - start for tick in slow.ticks] == [0, 200, 400]
    assert simulation.now_ms == start + 401
    simulation.remove_client(fast)
    simulation.run(1000)
    assert len(fast.ticks) == 6
    assert len(slow.ticks) == 8


def test_time_jumps():
    simulation = Simulation()
    idle = simulation.add_client(Scripted(None))
    simulation.run(365 * 24 * HOUR_MS)
    assert idle.steps < 10


def test_run_until_says_how_long_it_took():
    simulation = Simulation()
    ticker = simulation.add_client(Ticker(simulation, 30))
    assert simulation.run_until(lambda: len(ticker.ticks) == 3) == 60
    assert simulation.run_until(lambda: True) == 0


def test_run_until_gives_up():
    simulation = Simulation(seed=42)
    simulation.add_client(Ticker(simulation, 30))
    with pytest.raises(AssertionError, match=r"not within 500 ms of virtual time \(seed 42\)"):
        simulation.run_until(lambda: False, 500)


def test_a_client_that_is_due_at_once_is_stepped_again():
    simulation = Simulation()
    client = simulation.add_client(Scripted(0, 0, 0, None))
    simulation.run(10)
    assert client.steps == 5  # four at the beginning, one at the end


def test_a_tight_loop_is_found():
    simulation = Simulation()
    simulation.add_client(Scripted(5, 0))
    with pytest.raises(AssertionError, match=r"a tight loop at 1000005 ms .* \[<scripted>\] still has something to do"):
        simulation.run(10)


def test_the_past_cannot_be_waited_for():
    simulation = Simulation()
    simulation.add_client(Scripted(-1))
    with pytest.raises(AssertionError, match="<scripted> returned -1"):
        simulation.run(10)


class Deaf:
    def __init__(self, platform):
        self.platform = platform
        self.socket = platform.socket()
        self.socket.connect("server", 5683, "udp")

    def step(self):
        return None


def test_a_datagram_that_is_never_read_is_found():
    simulation = Simulation()
    port = simulation.network.bind("server", 5683, lambda data, source: port.send(data, source))
    client = simulation.add_client(Deaf(simulation.platform()))
    client.socket.send(b"hello")
    with pytest.raises(AssertionError, match="leaves a datagram unread"):
        simulation.run(100)
