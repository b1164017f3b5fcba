"""What can go wrong at the cloud: with its own socket, and with a device that it asks something."""

from __future__ import annotations

from ..errors import AtinyError, TransportError


class CloudError(AtinyError):
    """The base of the local cloud's exceptions."""


class PortInUse(CloudError, TransportError):
    """Another program listens on the port that the cloud was to have."""

    def __init__(self, host: str, port: int):
        TransportError.__init__(
            self, f"port {port} on {host} is in use: stop what listens there or choose another port"
        )
        self.host = host
        self.port = port


class HostUnknown(CloudError, TransportError):
    """The host's name cannot be resolved, or the address is not one of this machine's."""

    def __init__(self, message: str):
        TransportError.__init__(self, message)


class UnknownDevice(CloudError):
    """No device is registered under this endpoint name."""


class DeviceError(CloudError):
    """A request got no answer from its device; the message says which request and why."""


class DeviceTimeout(DeviceError):
    """The retransmissions are used up, or the response did not follow its acknowledgement in time."""


class DeviceUnreachable(DeviceError):
    """The network says that nobody is there (ICMP)."""


class DeviceReset(DeviceError):
    """The device answered with RST: it could not make sense of the message."""


class DeviceAsleep(DeviceError):
    """A device in queue mode did not wake within the time given."""


class DeviceGone(DeviceError):
    """The registration that the request was meant for ended before the answer came."""
