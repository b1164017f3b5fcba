"""DTLS in the virtual network: a `VirtualServer` behind sessions of python-mbedtls, a device with `coaps`.

Virtual time does not reach the library, which retransmits by the wall clock: what is lost of a handshake stays lost.
"""

from typing import Any

from atiny.testing import Simulation, VirtualServer
from tests.dtls.peer import KEYS, Peer

Address = tuple[str, int]
PORT = 5684


class SecurePort:
    """A server's end that speaks DTLS. ``peers``: the sessions by address; ``accepting``: whether new ones begin."""

    def __init__(self, network: Any, host: str, port: int, receiver: Any):
        self.keys = dict(KEYS)
        self.peers: "dict[Address, Peer]" = {}
        self.handshakes = 0
        self.farewells = 0
        self.accepting = True
        self.address = (host, port)
        self._receiver = receiver
        self._port = network.bind(host, port, self._arrived)

    def _arrived(self, data: bytes, source: Address) -> None:
        peer = self.peers.get(source)
        if peer is None:
            if not self.accepting or data[:1] != b"\x16" or data[3:5] != b"\0\0":
                return
            peer = self.peers[source] = Peer(self.keys)
        before = peer.handshakes
        plaintexts = peer.receive(data)
        self.handshakes += peer.handshakes - before
        sent, peer.out = peer.out, []
        for datagram in sent:
            self._port.send(datagram, source)
        for plaintext in plaintexts:
            self._receiver(plaintext, source)
        if peer.closed:
            self.farewells += 1
            self.peers.pop(source, None)

    def send(self, data: bytes, destination: Address) -> None:
        """Called by the server: nothing goes to a device without a session."""
        if destination in self.peers:
            self._port.send(self.peers[destination].protect(data), destination)

    def say_farewell(self) -> None:
        """End all sessions with a close_notify."""
        for address, peer in self.peers.items():
            self._port.send(peer.farewell(), address)
        self.peers.clear()

    def close(self) -> None:
        self._port.close()


class SecureNetwork:
    """The network as the server sees it: what it binds is secured."""

    def __init__(self, network: Any):
        self._network = network
        self.bound: "list[SecurePort]" = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def bind(self, host: str, port: int, receiver: Any) -> SecurePort:
        self.bound.append(SecurePort(self._network, host, port, receiver))
        return self.bound[-1]


class World:
    """A client with ``coaps`` and its server; what the client told its host. ``port``: the server's `SecurePort`."""

    def __init__(
        self,
        seed: int = 0,
        auto_observe: "tuple[str, ...]" = ("/19/0/0",),
        endpoint: str = "lamp-1",
        **options: Any,
    ):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        network = SecureNetwork(self.network)
        self.server = VirtualServer(network, "server", PORT, auto_observe=auto_observe)
        self.simulation.servers.append(self.server)
        self.port = network.bound[0]
        self.events: "list[tuple[int, Any]]" = []
        self.acks: "list[tuple[Any, int]]" = []
        options.setdefault("psk", ("lamp-1", KEYS[b"lamp-1"]))
        self.client = self.simulation.client(
            endpoint, "coaps://server", on_event=lambda *event: self.events.append(event), **options
        )

    def register(self, timeout_ms: int = 60_000) -> int:
        return self.simulation.run_until(lambda: self.client.registered, timeout_ms)

    def report(self, data: bytes, cookie: object = None) -> Any:
        return self.client.report(data, cookie, lambda kind, cookie, status: self.acks.append((cookie, status)))

    def events_of(self, kind: int) -> "list[Any]":
        return [arg for event, arg in self.events if event == kind]

    def arrived(self) -> "list[bytes]":
        """The payloads of the reports that the server has, each once, in order."""
        found = []
        for request in self.server.requests:
            fresh = sorted(request.notifications, key=lambda one: one.sequence)
            found += [one.payload for one in fresh if one.payload]
        return found
