"""A local LwM2M 1.0 cloud on aiocoap: what a device is run against on a desk and in tests. Host only."""

from .bootstrap import BootstrapResult
from .clock import Clock, LoopClock, ManualClock
from .commands import Command, CommandState
from .device import Device
from .errors import (
    CloudError,
    DeviceAsleep,
    DeviceError,
    DeviceGone,
    DeviceReset,
    DeviceTimeout,
    DeviceUnreachable,
    HostUnknown,
    PortInUse,
    UnknownDevice,
)
from .events import (
    BootstrapEnded,
    BootstrapRequested,
    BootstrapStepped,
    CommandChanged,
    Deregistered,
    Error,
    Event,
    EventLog,
    Expired,
    HandshakeFailed,
    Observed,
    Registered,
    Report,
    SessionEnded,
    SessionStarted,
    Unobserved,
    Updated,
)
from .exchange import Response
from .fota import FotaStatus
from .fota_events import FotaChanged, FotaProgress
from .keys import KeyStore
from .links import Link, ObjectList
from .provisioning import BootstrapAccount, BootstrapConfig
from .server import Cloud
from .thread import CloudThread
from .upgrade import Upgrade, UpgradePhase

__all__ = [
    "BootstrapAccount",
    "BootstrapConfig",
    "BootstrapEnded",
    "BootstrapRequested",
    "BootstrapResult",
    "BootstrapStepped",
    "Clock",
    "Cloud",
    "CloudThread",
    "CloudError",
    "Command",
    "CommandChanged",
    "CommandState",
    "Deregistered",
    "Device",
    "DeviceAsleep",
    "DeviceError",
    "DeviceGone",
    "DeviceReset",
    "DeviceTimeout",
    "DeviceUnreachable",
    "Error",
    "Event",
    "EventLog",
    "Expired",
    "FotaChanged",
    "FotaProgress",
    "FotaStatus",
    "HandshakeFailed",
    "HostUnknown",
    "KeyStore",
    "Link",
    "LoopClock",
    "ManualClock",
    "ObjectList",
    "Observed",
    "PortInUse",
    "Registered",
    "Report",
    "Response",
    "SessionEnded",
    "SessionStarted",
    "UnknownDevice",
    "Unobserved",
    "Updated",
    "Upgrade",
    "UpgradePhase",
]
