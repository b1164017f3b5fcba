"""The loop where there is no memory: one exchange is dropped, the host is told, the device goes on. In virtual time."""

import pytest

from atiny import ATINY_HANDLER_ERROR, ATINY_REG_FAIL, FLOAT, AtinyError, Object, ReportStatus, Resource
from atiny.loop import NO_MEMORY_MS
from atiny.testing import Simulation
from atiny.testing.ends import NetworkSocket

PATH = "/3303/0/5700"


class Thermometer(Object):
    object_id = 3303
    resources = (Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),)

    def __init__(self):
        self.sensor_value = 20.0


class World:
    """A registered device, and what its host was told."""

    def __init__(self):
        self.simulation = Simulation()
        self.server = self.simulation.server(auto_observe=("/19/0/0",))
        self.events = []
        self.host = lambda event, arg: None
        self.client = self.simulation.client("dev", objects=[Thermometer()], on_event=self.on_event)
        self.agent = self.client._agent
        self.run()
        assert self.client.registered

    def on_event(self, event, arg):
        self.events.append((event, arg))
        self.host(event, arg)

    def run(self, ms=1000):
        self.simulation.run(ms)

    @property
    def dropped(self):
        """What the host was told of."""
        found = [arg for event, arg in self.events if event == ATINY_HANDLER_ERROR]
        assert all(type(error) is MemoryError for _, error in found)
        return [what for what, _ in found]

    @property
    def logged(self):
        return [line for line in self.client.platform.log if "MemoryError" in line]

    def serves(self):
        """Whether the device is as it should be: it answers, and its reports arrive."""
        request = self.server.read("dev", PATH)
        report = self.client.report(b"1")
        self.run()
        return request.code == "2.05" and report.status == ReportStatus.SENT_SUCCESS


@pytest.fixture
def world():
    return World()


class Exhausted:
    """Stands for a function: has no memory the first ``times`` that it is called."""

    def __init__(self, function, times=1, late=False):
        self.function = function
        self.left = times
        self.late = late  # only after it did what it does
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        if self.left == 0:
            return self.function(*args)
        self.left -= 1
        if self.late:
            self.function(*args)
        raise MemoryError("memory allocation failed, allocating 2048 bytes")


def exhaust(monkeypatch, owner, name, **how):
    found = Exhausted(getattr(owner, name), **how)
    monkeypatch.setattr(owner, name, found)
    return found


@pytest.mark.parametrize("late", [False, True])
def test_a_datagram_that_there_is_no_memory_for_is_dropped(world, monkeypatch, late):
    exhaust(monkeypatch, world.agent, "receive", late=late)
    request = world.server.read("dev", PATH)
    world.run(5000)
    assert request.code == "2.05", "the server sent it once more, or the answer was ready"
    assert world.dropped == ["a datagram"]
    assert len(world.logged) == 1
    assert "the handler of a datagram raised" in world.logged[0]
    assert world.serves()


def test_no_memory_to_receive_is_an_error_of_the_link(world, monkeypatch):
    """After some in a row the link is made anew, so that it is no endless loop."""
    receive = NetworkSocket.recv
    left = [10]

    def recv(socket, size):
        if left[0] and socket.readable(0) and socket.host == "dev":
            left[0] -= 1
            raise MemoryError
        return receive(socket, size)

    monkeypatch.setattr(NetworkSocket, "recv", recv)
    world.server.read("dev", PATH)
    world.run()
    assert left == [0]
    assert world.dropped == ["a datagram"] * 10
    world.run(60_000)
    assert world.server.count("register") == 2
    assert world.serves()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", ["handle_timer", "datagrams_to_send", "next_event", "deadline"])
def test_a_pass_that_there_is_no_memory_for_is_tried_again(world, monkeypatch, name, times):
    report = world.client.report(b"1")
    spent = exhaust(monkeypatch, world.agent, name, times=times)
    world.client.loop._due = world.simulation.now_ms
    world.run(times * NO_MEMORY_MS + 10_000)
    assert spent.left == 0
    assert world.dropped == ["the loop"] * times
    assert report.status == ReportStatus.SENT_SUCCESS
    assert world.serves()


def test_what_never_has_enough_is_no_tight_loop(world, monkeypatch):
    spent = exhaust(monkeypatch, world.agent, "handle_timer", times=-1)
    world.client.loop._due = world.simulation.now_ms
    world.run(60_000)
    assert 50 <= spent.calls <= 61, "once a second"
    world.client.stop(2, wait=False)
    world.run(2000)
    assert world.client.stopped


def test_one_request_of_the_host_does_not_take_the_others_with_it(world, monkeypatch):
    asked = []
    request = world.client.loop.request
    request(lambda argument, now: asked.append(argument), 1)
    request(Exhausted(None), 2)
    request(lambda argument, now: asked.append(argument), 3)
    world.run()
    assert asked == [1, 3]
    assert world.dropped == ["a request"]
    assert world.serves()


@pytest.mark.parametrize("name", ["connect", "send"])
def test_no_memory_for_a_link_is_tried_again_later(world, monkeypatch, name):
    function = getattr(NetworkSocket, name)
    left = [1]

    def exhausted(socket, *args):
        if left[0] and socket.host == "dev":
            left[0] -= 1
            raise MemoryError("allocating")
        return function(socket, *args)

    monkeypatch.setattr(NetworkSocket, name, exhausted)
    world.client.reconnect()
    world.run(120_000)
    assert left == [0]
    assert world.server.count("register") == 2
    assert world.serves()
    if name == "connect":
        assert (ATINY_REG_FAIL, "allocating") in world.events
        assert [socket.closed for socket in world.client.platform.sockets] == [False]


def test_no_memory_to_begin_with_a_link_is_tried_again_later(world, monkeypatch):
    exhaust(monkeypatch, world.agent, "link_opened", late=True)
    world.client.reconnect()
    world.run(120_000)
    assert world.client.registered
    assert world.serves()


def test_nor_any_for_telling_the_host(world, monkeypatch):
    exhaust(monkeypatch, world.agent, "receive")
    exhaust(monkeypatch, world.client.platform, "log_line")

    def host(event, arg):
        raise MemoryError

    world.host = host
    world.server.read("dev", PATH)
    world.run(5000)
    assert world.dropped == ["a datagram"]
    assert world.serves()


def test_what_a_host_runs_here_goes_on_too(world, monkeypatch):
    world.simulation.remove_client(world.client)
    spent = exhaust(monkeypatch, world.agent, "receive")
    report = world.client.report(b"1")
    assert report.wait(30) == ReportStatus.SENT_SUCCESS
    assert (spent.left, world.dropped) == (0, ["a datagram"])
    world.client.stop()
    assert world.client.stopped


def test_a_farewell_that_there_is_no_memory_for_still_ends_everything(world, monkeypatch):
    report = world.client.report(b"1")
    exhaust(monkeypatch, world.agent, "hang_up")
    world.client.close()
    assert world.client.stopped
    assert report.status == ReportStatus.NOT_SENT
    assert world.dropped == ["the loop"]
    assert [socket.closed for socket in world.client.platform.sockets] == [True]


def test_what_cannot_even_begin_is_said():
    """A device whose heap is too small for its own objects has nothing to go on with."""

    def prepare():
        raise MemoryError

    client = Simulation().client()
    client._loop.attach(client._agent, prepare)
    with pytest.raises(MemoryError):
        client.run()
    assert client.stopped


def test_a_build_for_one_thread(monkeypatch):
    """Where there are no threads the loop needs none: it is run by whoever waits."""
    simulation = Simulation()
    server = simulation.server(auto_observe=("/19/0/0",))
    waits = []

    def on_event(event, arg):
        for wait in (lambda: client.wait_registered(1), client.run, client.step, lambda: client.report(b"1").wait()):
            try:
                waits.append(wait())
            except AtinyError as error:
                waits.append(str(error))

    client = simulation.client("dev", on_event=on_event)
    client.loop.threads = None
    simulation.remove_client(client)
    assert client.wait_registered(10)
    assert waits[:1] == [True]
    assert all("runs already" in str(refusal) or "callback" in str(refusal) for refusal in waits[1:4])
    client.changed("/3/0/0")
    assert client.report(b"2").wait(10) == ReportStatus.SENT_SUCCESS
    client.stop()
    assert client.stopped
    assert server.devices == {}
