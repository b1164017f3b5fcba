"""Devices and servers together in virtual time, single-threaded and reproducible."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .clock import VirtualClock
from .datagrams import Conditions
from .network import Network, next_moment
from .platform import VirtualPlatform

if TYPE_CHECKING:
    from ..client import Client
    from .bootstrap import VirtualBootstrapServer
    from .file_server import VirtualFileServer
    from .server import VirtualServer

TIGHT = 1000  # passes of one client at one moment of virtual time


class Steppable(Protocol):
    """What a simulation drives: an `atiny.Client`, or anything with its ``step``."""

    def step(self) -> int | None:
        """One pass; the milliseconds until the next is due, or None."""


S = TypeVar("S", bound=Steppable)


class Simulation:
    """A clock, a network, servers and clients, all of one seed.

    ``uplink``, ``downlink``: `Conditions` of the network. ``network``: another network to use. Between two calls of
    `run` or `run_until` nothing happens; in them each client is stepped whenever something happened anywhere, and
    the clock jumps to what is due next. A client that asks for the next pass at once TIGHT times at one moment, or
    leaves datagrams unread, raises AssertionError.
    """

    def __init__(
        self,
        seed: int | str = 0,
        uplink: Conditions | None = None,
        downlink: Conditions | None = None,
        network: Network | None = None,
    ):
        self.seed = seed
        self.network = network or Network(VirtualClock(), seed, uplink, downlink)
        self.clock = self.network.clock
        self.servers: list[VirtualServer] = []
        self.clients: list[Any] = []
        self._dues: dict[int, int | None] = {}
        self._stepping: set[int] = set()

    @property
    def now_ms(self) -> int:
        """The virtual time."""
        return self.clock.now_ms

    # -- what takes part

    def server(self, host: str = "server", port: int = 5683, **options: Any) -> VirtualServer:
        """A new `VirtualServer` in the network; ``options`` are its."""
        from .server import VirtualServer

        self.servers.append(VirtualServer(self.network, host, port, **options))
        return self.servers[-1]

    def bootstrap_server(self, host: str = "bootstrap", port: int = 5683, **options: Any) -> VirtualBootstrapServer:
        """A new `VirtualBootstrapServer` in the network; ``options`` are its."""
        from .bootstrap import VirtualBootstrapServer

        return VirtualBootstrapServer(self.network, host, port, **options)

    def file_server(self, host: str = "files", port: int = 5683, **options: Any) -> VirtualFileServer:
        """A new `VirtualFileServer` in the network; ``options`` are its."""
        from .file_server import VirtualFileServer

        return VirtualFileServer(self.network, host, port, **options)

    def platform(self, host: str | None = None, **options: Any) -> VirtualPlatform:
        """A new `VirtualPlatform`; waits on it step the other clients too. ``options`` are its."""
        host = host or f"device-{len(self.clients) + 1}"
        platform = VirtualPlatform(
            self.network, host, advance=lambda *until: self._advance(platform, *until), **options
        )
        return platform

    def client(self, endpoint: str = "device-1", server: str = "coap://server", **options: Any) -> Client:
        """A new `atiny.Client` on a platform of its own, added to the simulation; ``options`` are the client's."""
        from ..client import Client

        platform = options.pop("platform", None) or self.platform(endpoint)
        return self.add_client(Client(endpoint, server, platform=platform, **options))

    def add_client(self, client: S) -> S:
        """Step ``client`` from now on; its platform must be one of `platform`. Returns it."""
        self.clients.append(client)
        return client

    def remove_client(self, client: Steppable) -> None:
        """Step it no longer: the device has lost its power, or the test drives it itself."""
        self.clients.remove(client)
        self._dues.pop(id(client), None)

    # -- time

    def run(self, ms: int) -> None:
        """Let ``ms`` milliseconds pass."""
        self._advance(None, lambda: False, self.clock.now_ms + ms)

    def run_until(self, predicate: Callable[[], object], timeout_ms: int = 60_000) -> int:
        """Let time pass until ``predicate()`` is true; returns the milliseconds it took.

        Raises AssertionError, with the last datagrams, where it is not true within ``timeout_ms``.
        """
        start_ms = self.clock.now_ms
        self._advance(None, lambda: bool(predicate()), start_ms + timeout_ms)
        if not predicate():
            raise AssertionError(
                f"not within {timeout_ms} ms of virtual time (seed {self.seed!r}); the last datagrams were:\n"
                f"{self.network.format_trace()}"
            )
        return self.clock.now_ms - start_ms

    def _advance(self, waiting: VirtualPlatform | None, ended: Callable[[], bool], deadline_ms: int | None) -> None:
        """Let time pass; the client on the platform ``waiting``, which asks for it, is not stepped meanwhile."""
        while True:
            self._settle(waiting)
            if ended() or (deadline_ms is not None and self.clock.now_ms >= deadline_ms):
                return
            self.clock.advance_to(next_moment(self.network.next_due(), deadline_ms, *self._dues.values()))

    def _settle(self, waiting: VirtualPlatform | None) -> None:
        """Deliver what is due and step the clients, until at this moment nothing is left to do."""
        for _ in range(TIGHT):
            self.network.run_due()
            restless = [client for client in list(self.clients) if self._step(client, waiting)]
            due_ms = self.network.next_due()
            if not restless and (due_ms is None or due_ms > self.clock.now_ms):
                return
        raise AssertionError(
            f"a tight loop at {self.clock.now_ms} ms of virtual time: after {TIGHT} passes "
            f"{restless or 'the network'} still has something to do at once (a step() that returns 0 again and again, "
            f"or that leaves a datagram unread)"
        )

    def _step(self, client: Any, waiting: VirtualPlatform | None) -> bool:
        """Step a client; returns whether it has to be stepped again at this moment."""
        platform = getattr(client, "platform", None)
        if id(client) in self._stepping or (waiting is not None and platform is waiting):
            self._dues[id(client)] = None  # it is further down the stack, and looks after itself
            return False
        self._stepping.add(id(client))
        try:
            due_in_ms = client.step()
        finally:
            self._stepping.discard(id(client))
        if due_in_ms is not None and due_in_ms < 0:
            raise AssertionError(f"step() of {client!r} returned {due_in_ms}: the past cannot be waited for")
        self._dues[id(client)] = None if due_in_ms is None else self.clock.now_ms + due_in_ms
        unread = (
            any(socket.readable(0) for socket in platform.sockets) if isinstance(platform, VirtualPlatform) else False
        )
        return due_in_ms == 0 or unread
