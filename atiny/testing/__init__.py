"""For the tests of devices: fakes, a virtual clock, a lossy network, a server in it, conformance checks. Host only.

`Simulation` runs whole clients and servers single-threaded in virtual time, reproducibly by a seed. The ``check_*``
functions show a porting engineer whether an adapter keeps its contract. The pytest plugin (`pytest_plugin`) offers it
all as fixtures. Only the virtual servers need a third-party package, aiocoap.
"""

from typing import TYPE_CHECKING

from .check_records import check_storage, check_store
from .check_sockets import check_socket
from .checks import check_hardware, check_mutex
from .clock import VirtualClock, VirtualHardware
from .datagrams import Conditions, Datagram
from .ends import NetworkSocket
from .fakes import FakeCommandHandler, FakeHardware, FakeMutex, FakePoller, FakeSignal, FakeSocket
from .network import Network
from .platform import VirtualPlatform
from .records import FakeStorageDevice, FakeStore, PowerCut
from .simulation import Simulation

if TYPE_CHECKING:
    from .bootstrap import VirtualBootstrapServer
    from .file_server import VirtualFileServer
    from .server import VirtualServer

__all__ = [
    "Conditions",
    "Datagram",
    "FakeCommandHandler",
    "FakeHardware",
    "FakeMutex",
    "FakePoller",
    "FakeSignal",
    "FakeSocket",
    "FakeStorageDevice",
    "FakeStore",
    "Network",
    "NetworkSocket",
    "PowerCut",
    "Simulation",
    "VirtualBootstrapServer",
    "VirtualClock",
    "VirtualFileServer",
    "VirtualHardware",
    "VirtualPlatform",
    "VirtualServer",
    "check_hardware",
    "check_mutex",
    "check_socket",
    "check_storage",
    "check_store",
]


def __getattr__(name: str) -> object:
    # Loaded when first asked for: they need aiocoap.
    if name == "VirtualServer":
        from .server import VirtualServer

        return VirtualServer
    if name == "VirtualBootstrapServer":
        from .bootstrap import VirtualBootstrapServer

        return VirtualBootstrapServer
    if name == "VirtualFileServer":
        from .file_server import VirtualFileServer

        return VirtualFileServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
