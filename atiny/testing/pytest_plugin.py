"""The pytest plugin: atiny's fakes as fixtures. It is loaded by itself wherever atiny is installed.

All fixtures of one test share one seed, 0 unless ``--atiny-seed`` says otherwise or the test is marked
``@pytest.mark.atiny_seed(7)``; and one clock, one network, one simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .bootstrap import VirtualBootstrapServer
    from .clock import VirtualClock
    from .fakes import FakeCommandHandler
    from .network import Network
    from .platform import VirtualPlatform
    from .records import FakeStorageDevice, FakeStore
    from .server import VirtualServer
    from .simulation import Simulation


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("atiny").addoption(
        "--atiny-seed", type=int, default=0, help="the seed of atiny's virtual network and randomness"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "atiny_seed(seed): the seed of atiny's virtual network and randomness")


@pytest.fixture
def atiny_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test."""
    mark = request.node.get_closest_marker("atiny_seed")
    seed: int = mark.args[0] if mark else request.config.getoption("--atiny-seed", 0)
    return seed


@pytest.fixture
def atiny_simulation(atiny_seed: int) -> Simulation:
    """A `Simulation`: add clients and servers, `run`, `run_until`."""
    from .simulation import Simulation

    return Simulation(atiny_seed)


@pytest.fixture
def atiny_network(atiny_simulation: Simulation) -> Network:
    """The simulation's `Network`: conditions, faults, trace."""
    return atiny_simulation.network


@pytest.fixture
def atiny_clock(atiny_simulation: Simulation) -> VirtualClock:
    """The simulation's `VirtualClock`."""
    return atiny_simulation.clock


@pytest.fixture
def atiny_platform(
    atiny_simulation: Simulation, atiny_store: FakeStore, atiny_storage: FakeStorageDevice
) -> VirtualPlatform:
    """A `VirtualPlatform` in the simulation, for the client under test: ``Client(..., platform=atiny_platform)``."""
    return atiny_simulation.platform("device", store=atiny_store, storage=atiny_storage)


@pytest.fixture
def atiny_server(atiny_simulation: Simulation) -> VirtualServer:
    """A `VirtualServer` at ``coap://server`` (port 5683). Needs aiocoap."""
    return atiny_simulation.server()


@pytest.fixture
def atiny_bootstrap_server(atiny_simulation: Simulation) -> VirtualBootstrapServer:
    """A `VirtualBootstrapServer` at ``coap://bootstrap`` (port 5683), to be given a ``script``. Needs aiocoap."""
    return atiny_simulation.bootstrap_server()


@pytest.fixture
def atiny_commands() -> FakeCommandHandler:
    """A `FakeCommandHandler`, which records commands and answers as scripted."""
    from .fakes import FakeCommandHandler

    return FakeCommandHandler()


@pytest.fixture
def atiny_store() -> FakeStore:
    """A `FakeStore`, with power cuts on demand."""
    from .records import FakeStore

    return FakeStore()


@pytest.fixture
def atiny_storage() -> FakeStorageDevice:
    """A `FakeStorageDevice`, with power cuts on demand."""
    from .records import FakeStorageDevice

    return FakeStorageDevice()
