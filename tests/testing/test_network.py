"""The virtual network: each fault alone, what the trace says, and the same for the same seed."""

import pytest

from atiny.errors import NotSupported, TransportError
from atiny.testing import Conditions, Network, NetworkSocket, VirtualClock

SERVER = ("server", 5683)


class World:
    """A network with an echo at SERVER and a connected socket."""

    def __init__(self, seed=0, echo=True, **conditions):
        self.network = Network(VirtualClock(0), seed, Conditions(**conditions), Conditions(**conditions))
        self.received = []
        self.port = self.network.bind(*SERVER, self.receive)
        self.echo = echo
        self.socket = NetworkSocket(self.network, "device")
        self.socket.connect(*SERVER, "udp")

    def receive(self, data, source):
        self.received.append(data)
        if self.echo:
            self.port.send(data, source)

    def run(self, ms):
        self.network.advance(lambda: False, self.network.clock.now_ms + ms)

    def drain(self):
        items = []
        while (item := self.socket.recv(2048)) is not None:
            items.append(item)
        return items

    def fates(self):
        return [datagram.fate for datagram in self.network.trace]


def test_a_datagram_takes_its_time():
    world = World(delay_ms=20)
    assert world.socket.send(b"hello") == 5
    assert world.socket.recv(100) is None
    world.run(19)
    assert world.received == []
    world.run(1)
    assert world.received == [b"hello"]
    assert world.drain() == []
    world.run(20)
    assert world.drain() == [b"hello"]
    assert [(d.number, d.time_ms, d.uplink, d.arrivals_ms) for d in world.network.trace] == [
        (1, 0, True, [20]),
        (2, 20, False, [40]),
    ]


def test_the_sockets_contract():
    world = World()
    with pytest.raises(TransportError, match="not connected"):
        NetworkSocket(world.network).send(b"x")
    with pytest.raises(NotSupported):
        NetworkSocket(world.network).connect(*SERVER, "tcp")
    world.socket.send(b"0123456789")
    assert world.socket.recv_timeout(4, 1000) == b"0123"
    assert world.network.clock.now_ms == 40
    assert world.socket.recv(100) is None
    assert world.socket.recv_timeout(100, 60) is None
    assert world.network.clock.now_ms == 100
    assert world.socket.recv_timeout(100, -5) is None
    world.socket.close()
    world.socket.close()
    with pytest.raises(TransportError, match="not connected"):
        world.socket.recv(100)


def test_only_the_peer_is_heard():
    world = World()
    stranger = world.network.bind("elsewhere", 5683, lambda data, source: None)
    stranger.send(b"listen", world.socket.address)
    world.run(100)
    assert world.drain() == []
    assert world.fates() == ["delivered"]


def test_after_close_nothing_arrives():
    world = World()
    world.socket.send(b"hello")
    world.socket.close()
    world.run(100)
    assert world.received == [b"hello"]
    assert world.fates() == ["delivered", "nobody"]


def test_nobody_is_there():
    world = World()
    world.port.close()
    world.socket.send(b"hello")
    world.run(100)
    assert world.fates() == ["nobody"]


def test_an_address_is_taken_once():
    world = World()
    with pytest.raises(OSError, match="address in use: server port 5683"):
        world.network.bind(*SERVER, world.receive)
    world.port.close()
    world.network.bind(*SERVER, world.receive)


@pytest.mark.parametrize(("field", "fate"), [("loss", "lost"), ("duplication", "delivered")])
def test_probabilities(field, fate):
    count = 2000
    world = World(echo=False, **{field: 0.25})
    for number in range(count):
        world.socket.send(b"%d" % number)
    world.run(1000)
    lost = world.fates().count("lost")
    again = len(world.received) - len(set(world.received))
    hit = lost if field == "loss" else again
    assert 0.2 * count < hit < 0.3 * count
    assert len(set(world.received)) == count - lost
    assert fate in world.fates()


def test_delays_are_in_their_range():
    world = World(echo=False, delay_ms=(10, 15))
    for _ in range(500):
        world.socket.send(b"x")
    world.run(100)
    delays = {datagram.arrivals_ms[0] for datagram in world.network.trace}
    assert delays == set(range(10, 16))


def test_reordering():
    world = World(echo=False, reordering=0.2, reordering_ms=500)
    for number in range(500):
        world.socket.send(b"%03d" % number)
        world.run(10)
    world.run(1000)
    assert len(world.received) == 500
    late = sum(later < earlier for earlier, later in zip(world.received, world.received[1:], strict=False))
    assert 50 < late < 150
    assert max(datagram.arrivals_ms[0] - datagram.time_ms for datagram in world.network.trace) <= 521


def test_without_faults_the_order_is_kept():
    world = World(echo=False)
    sent = [b"%d" % number for number in range(100)]
    for data in sent:
        world.socket.send(data)
    world.run(100)
    assert world.received == sent


def test_corruption():
    world = World(echo=False, corruption=1.0)
    data = bytes(50)
    for _ in range(200):
        world.socket.send(data)
    world.socket.send(b"")
    world.run(100)
    assert data not in world.received
    cut = [received for received in world.received if len(received) < 50]
    flipped = [sum(byte.bit_count() for byte in received) for received in world.received if len(received) == 50]
    assert 20 < len(cut) < 80
    assert set(flipped) == {1, 2, 3}
    assert all(datagram.altered is not None for datagram in world.network.trace if datagram.data)


def test_each_direction_has_its_own_conditions():
    world = World()
    world.network.downlink.loss = 1.0
    world.socket.send(b"hello")
    world.run(100)
    assert world.received == [b"hello"]
    assert world.drain() == []
    assert world.fates() == ["delivered", "lost"]
    world.network.set(loss=0.0)
    world.socket.send(b"again")
    world.run(100)
    assert world.drain() == [b"again"]
    with pytest.raises(TypeError, match="no lossy"):
        world.network.set(lossy=1)


def test_drop_the_nth():
    world = World()
    world.socket.send(b"0")
    world.network.drop(1, 3, uplink=True)
    world.network.drop(3, uplink=False)
    for number in range(1, 6):
        world.socket.send(b"%d" % number)
    world.run(100)
    assert world.received == [b"0", b"2", b"4", b"5"]
    assert world.drain() == [b"0", b"2", b"5"]


def test_filters():
    world = World(echo=False)
    verdicts = {b"pass": None, b"true": True, b"drop": False, b"swap": b"other"}
    world.network.filters.append(lambda datagram: verdicts[datagram.data])
    for data in verdicts:
        world.socket.send(data)
    world.run(100)
    assert world.received == [b"pass", b"true", b"other"]
    assert world.fates() == ["delivered", "delivered", "dropped", "delivered"]
    assert world.network.trace[-1].altered == b"other"


def test_a_partition_and_its_end():
    world = World()
    world.network.partition(downlink=False)
    world.socket.send(b"one")
    world.run(100)
    assert world.received == []
    world.network.partition(uplink=False)
    world.socket.send(b"two")
    world.run(100)
    assert world.received == [b"two"]
    assert world.drain() == []
    world.network.heal()
    world.socket.send(b"three")
    world.run(100)
    assert world.drain() == [b"three"]
    assert world.fates() == ["partition", "delivered", "partition", "delivered", "delivered"]


@pytest.mark.parametrize("host", [None, "server"])
def test_a_port_that_refuses(host):
    world = World()
    world.network.refuse(5683, host)
    world.socket.send(b"one")
    assert not world.socket.readable(0)
    world.run(20)
    assert world.socket.readable(0)
    with pytest.raises(TransportError, match="refused") as caught:
        world.socket.recv(100)
    assert caught.value.refused
    assert world.socket.recv(100) is None
    world.socket.send(b"two")
    world.run(20)
    with pytest.raises(TransportError, match="refused"):
        world.socket.send(b"three")
    world.network.accept(5683, host)
    world.socket.send(b"four")
    world.run(100)
    assert world.drain() == [b"four"]
    assert world.fates() == ["refused", "refused", "delivered", "delivered"]


def test_names():
    network = Network()
    network.unresolvable("cloud.example")
    socket = NetworkSocket(network)
    with pytest.raises(TransportError, match="cannot resolve 'cloud.example'"):
        socket.connect("cloud.example", 5683, "udp")
    network.unresolvable("cloud.example", gone=False)
    socket.connect("cloud.example", 5683, "udp")


def test_a_nat_that_forgets():
    world = World()
    old = world.socket.address
    world.socket.send(b"one")
    new = world.network.rebind(world.socket)
    world.run(100)
    assert new != old
    assert world.drain() == []  # the answer went to the old address
    world.socket.send(b"two")
    world.run(100)
    assert world.drain() == [b"two"]


def story(seed):
    world = World(seed, loss=0.3, duplication=0.2, delay_ms=(5, 80), reordering=0.2, corruption=0.1)
    received = []
    for number in range(200):
        world.socket.send(b"datagram %d" % number)
        world.run(7)
        received += world.drain()
    world.run(10_000)
    return received + world.drain(), world.received, list(world.network.trace)


def test_the_same_seed_gives_the_same_story():
    assert story(1) == story(1)
    assert story(1) != story(2)


def test_one_probability_leaves_the_others_be():
    """A test that adds duplication keeps the losses that its seed is known for."""

    def lost(**conditions):
        world = World(5, echo=False, loss=0.3, **conditions)
        for _ in range(300):
            world.socket.send(b"x")
        return [datagram.number for datagram in world.network.trace if datagram.fate == "lost"]

    assert lost() == lost(duplication=0.5, corruption=0.2, reordering=0.3)


def test_timers():
    network = Network(VirtualClock(0))
    done = []
    network.call_at(10, lambda: done.append("b"))
    cancelled = network.call_at(7, lambda: done.append("never"))
    network.call_at(10, lambda: done.append("c"))
    network.call_at(5, lambda: network.call_at(5, lambda: done.append("a")))
    cancelled.cancel()
    assert network.next_due() == 5
    network.advance(lambda: "a" in done)
    assert network.clock.now_ms == 5
    assert network.next_due() == 10
    network.advance(lambda: False, 100)
    assert done == ["a", "b", "c"]
    assert network.clock.now_ms == 100
    assert network.next_due() is None


def test_a_wait_that_could_not_end():
    with pytest.raises(AssertionError, match="a wait without end"):
        Network().advance(lambda: False)


def test_the_trace_can_be_read():
    world = World()
    world.network.drop(1, uplink=True)
    world.socket.send(bytes.fromhex("4202 9b2c 0102"))
    world.socket.send(bytes.fromhex("6045 0001"))
    world.socket.send(b"?")
    world.network.uplink.corruption = 1.0
    world.socket.send(bytes(4))
    assert world.network.format_trace().splitlines() == [
        "         0 ms up      6 B CON 0.02 mid 39724 dropped",
        "         0 ms up      4 B ACK 2.05 mid     1 delivered",
        "         0 ms up      1 B delivered",
        "         0 ms up      4 B CON 0.00 mid     0 delivered (altered)",
    ]
    assert len(world.network.format_trace(last=2).splitlines()) == 2


def test_the_trace_is_bounded():
    network = Network(trace_limit=3)
    socket = NetworkSocket(network)
    socket.connect(*SERVER, "udp")
    for number in range(5):
        socket.send(b"%d" % number)
    assert [datagram.data for datagram in network.trace] == [b"2", b"3", b"4"]
    assert network.sent == 5
