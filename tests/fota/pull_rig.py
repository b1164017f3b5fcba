"""A device that downloads in virtual time: a client, a file server, and a double of the updater that keeps all."""

import random

from atiny import Client
from atiny.fota.coap_source import CoapSource
from atiny.fota.download import Download
from atiny.fota.machine import CONNECTION_LOST
from atiny.testing import Simulation

URI = "coap://files/lamp.bin"


class Options:
    tries = 5
    retry_min_s = 5
    retry_max_s = 120


def image(size, seed=1):
    return random.Random(seed).randbytes(size)


class Receiver:
    """Keeps what comes. ``begins``: (etag, total, offset); ``ends``: (error, final). ``on_data``: called with each."""

    def __init__(self):
        self.content = bytearray()
        self.begins = []
        self.ends = []
        self.on_data = None

    def begin(self, etag, total, offset):
        assert offset <= len(self.content), "what follows leaves a hole"
        self.begins.append((etag, total, offset))
        del self.content[offset:]

    def data(self, data):
        assert data
        assert self.begins
        assert not self.ends
        self.content += data
        if self.on_data is not None:
            self.on_data(data)

    def end(self, error, final):
        self.ends.append((error, final))


class Clock:
    ms = 1_000_000


class Device:
    """What a download asks of an agent."""

    offline = None

    def __init__(self):
        self.clock = Clock()
        self.random = bytes


class Fetch(Download):
    """A download that tells a `Receiver` of what comes. ``reason``: why the latest attempt failed; ``result``: why it
    was given up."""

    reason = None
    result = None

    def __init__(self, agent, uri, sources, receiver, options=Options):
        super().__init__(agent, uri, sources, options)
        self.receiver = receiver

    def start(self, offset=0, etag=None):
        """As after a restart, where so much of that file is stored."""
        if etag is not None:
            self.position = self._best = offset
            self.etag = etag
        self.handle_timer()

    def handle_timer(self):
        due = self.deadline()
        if due is not None and due <= self._agent.clock.ms:
            self.go_on()

    def go_offline(self):
        self._agent.offline = True
        self.network_changed()

    def go_online(self):
        self._agent.offline = None
        self.network_changed()
        self.handle_timer()

    def begin(self, offset):
        self.receiver.begin(self.etag, self.total, offset)

    def data(self, data):
        self.receiver.data(data)

    def whole(self):
        self.receiver.end(None, True)

    def failed(self, result, reason):
        self.result = result
        self.receiver.end(reason, result != CONNECTION_LOST)

    def _end_attempt(self, reason, *args):
        self.reason = reason
        super()._end_attempt(reason, *args)


class Pull:
    """``start()`` begins the download of ``uri``; ``files`` is the server's. Steps like a client in a simulation."""

    def __init__(self, seed=0, uri=URI, options=Options, server="coap://server", psk=None, source_psk=None, **client):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        self.files = self.simulation.file_server()
        self.server = self.simulation.server(auto_observe=("/19/0/0",))
        self.platform = self.simulation.platform("device")
        self.client = Client("device", server, platform=self.platform, psk=psk, **client)
        self.agent = self.client._agent
        self.receiver = Receiver()
        self.source = CoapSource(self.agent, source_psk)
        self.simulation.add_client(self)
        self.uri = uri
        self.options = options
        self.download = None

    def start(self, offset=0, etag=None):
        self.agent.clock.ms = self.simulation.now_ms
        self.download = Fetch(self.agent, self.uri, [self.source], self.receiver, self.options)
        self.download.start(offset, etag)
        return self.download

    def step(self):
        """As the agent will: the download's timers are among its own."""
        due = None
        if self.download is not None:
            self.agent.clock.ms = self.simulation.now_ms
            self.download.handle_timer()
        left = self.client.step()
        if self.download is not None:
            due = self.download.deadline()
        if due is not None:
            due = max(0, due - self.simulation.now_ms)
        return due if left is None or (due is not None and due < left) else left

    def run(self, timeout_ms=3_600_000):
        """Until the download has ended; returns how long it took."""
        took = self.simulation.run_until(lambda: self.receiver.ends, timeout_ms)
        self.simulation.run(1000)
        assert len(self.receiver.ends) == 1
        assert self.links() <= len(self.agent.accounts), "the link of the download is closed"
        return took

    def links(self):
        return len([socket for socket in self.platform.sockets if not socket.closed])

    def restart(self, etag):
        """Power off and on: what is left is what the receiver has."""
        self.client.close()
        self.client = Client("device", "coap://server", platform=self.platform)
        self.agent = self.client._agent
        self.source = CoapSource(self.agent)
        self.start(len(self.receiver.content), etag)
