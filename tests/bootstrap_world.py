"""A bootstrap server, two LwM2M servers and a device that can be started again and again, in virtual time."""

from atiny import ReportStatus
from atiny.testing import FakeCommandHandler, FakeStore, Simulation
from atiny.testing.bootstrap import VirtualBootstrapServer
from atiny.testing.bootstrap_script import account, delete, finish

MINUTE_MS = 60_000
SCRIPT = (delete("/0"), delete("/1"), *account("coap://server"), finish())
BROKEN = (delete("/0"), delete("/1"), *account("coaps://server"), finish())  # without a key
ELSEWHERE = (delete("/0"), delete("/1"), *account("coap://nowhere"), finish())


class World:
    """A bootstrap server, two LwM2M servers, and a device with a store that can be started again and again."""

    def __init__(self, script=SCRIPT, seed=0):
        self.simulation = Simulation(seed)
        self.network = self.simulation.network
        self.server = self.simulation.server("server", auto_observe=["/19/0/0"])
        self.other = self.simulation.server("other")
        self.bootstrap = VirtualBootstrapServer(self.network, script=script)
        self.store = FakeStore()
        self.handler = FakeCommandHandler()
        self.events = []

    def boot(self, server=None, **options):
        self.events = []
        options.setdefault("bootstrap", "coap://bootstrap")
        self.client = self.simulation.client(
            "dev",
            server,
            platform=self.simulation.platform("dev", store=self.store),
            device=self.handler,
            on_event=lambda event, arg: self.events.append((event, arg)),
            **options,
        )
        return self.client

    def power_off(self):
        """The device vanishes without a word."""
        self.simulation.remove_client(self.client)
        for socket in self.client.platform.sockets:
            socket.close()

    def run(self, ms=MINUTE_MS):
        self.simulation.run(ms)

    def heard(self, event):
        return [arg for kind, arg in self.events if kind == event]

    @property
    def codes(self):
        return self.bootstrap.runs[-1].codes

    @property
    def requests(self):
        """When the device asked for a bootstrap, in seconds."""
        return [(ms - 1_000_000) // 1000 for ms, _ in self.bootstrap.requests]


def assert_registers(world, ms=MINUTE_MS):
    client = world.boot()
    world.run(ms)
    assert client.registered
    assert client.report(b"\1").wait(60) == ReportStatus.SENT_SUCCESS
