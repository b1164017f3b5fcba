"""A whole host in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from ..adapter.base import Platform, StorageDevice, Store, Thread
from ..errors import NotSupported
from .clock import VirtualHardware
from .ends import NetworkSocket
from .fakes import Advance, FakeMutex, FakePoller, FakeSignal
from .network import Network


class VirtualPlatform(Platform):
    """The platform of a device in a `Network`: its clock, seeded randomness, sockets, and fakes for the rest.

    A client on it never blocks: its ``run()``, and each wait for a report, let virtual time pass. ``host``: the
    device's address. ``seed``: of its randomness (default: the network's and the host's). ``advance``: how time
    passes (default: the network alone; a `Simulation` steps its clients too). ``hardware``, ``storage``, ``store``: as
    for `atiny.adapter.base.Platform`. ``sockets``, ``pollers``: those that are open, and all that were made.
    """

    hardware: VirtualHardware

    def __init__(
        self,
        network: Network | None = None,
        host: str = "device",
        seed: int | str | None = None,
        advance: Advance | None = None,
        hardware: VirtualHardware | None = None,
        storage: StorageDevice | None = None,
        store: Store | None = None,
    ):
        self.network = network or Network()
        self.clock = self.network.clock
        self.host = host
        self.sockets: list[NetworkSocket] = []
        self.pollers: list[FakePoller] = []
        self._advance = advance or self.network.advance
        seed = f"{self.network.seed} {host}" if seed is None else seed
        hardware = hardware or VirtualHardware(self.clock, seed)
        super().__init__(hardware=hardware, storage=storage, store=store)

    @property
    def log(self) -> list[str]:
        """The lines that the device logged."""
        return self.hardware.log

    def default_socket(self) -> NetworkSocket:
        """A new socket of this host."""
        socket = NetworkSocket(self.network, self.host)
        self.sockets = [one for one in self.sockets if not one.closed] + [socket]
        return socket

    def default_mutex(self) -> FakeMutex:
        """A mutex that notices misuse."""
        return FakeMutex()

    def poller(self) -> FakePoller:
        """A poller that lets virtual time pass."""
        self.pollers.append(FakePoller(self.clock, self._advance))
        return self.pollers[-1]

    def signal(self) -> FakeSignal:
        """A signal that lets virtual time pass while it is waited for."""
        return FakeSignal(self.clock, self._advance)

    def spawn(self, function: Callable[[], object]) -> Thread:
        """There are no threads in virtual time."""
        raise NotSupported("no threads in virtual time: call client.step(), run(), or let a Simulation step it")

    def thread_id(self) -> int:
        """1; and 2 while a loop sleeps in one of the pollers: what runs meanwhile stands for another thread."""
        return 2 if any(poller.sleeping for poller in self.pollers) else 1
