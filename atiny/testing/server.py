"""A LwM2M 1.0 server inside the virtual network, for the tests of devices.

It is strict: what a device must not send is refused with the code that the specification names, and listed in
``protocol_errors``. It behaves badly only when told to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .coap_server import CoapServer
from .datagrams import Address
from .network import Network
from .peer import Message, code_number
from .registry import LINK_FORMAT, Device, Event, Registry
from .requests import Notification, PendingRequest

__all__ = ["Device", "Event", "Notification", "PendingRequest", "VirtualServer"]

TLV = 11542


class VirtualServer(CoapServer):
    """A server at ``host`` and ``port`` of a `Network`; CoAP over UDP.

    ``ack_timeout_ms``, ``max_retransmit``: of its own CON requests. ``block_size``: 16 to 1024, the most it sends and
    asks for at once. ``location``: the segments of Location-Path before the registration's number.

    ``devices``: {endpoint: `Device`} of those registered. ``events``: what happened. ``requests``: all that were made.
    Behaviour to set: ``silent`` (neither hears nor speaks), ``separate_ms`` (answers separately, after that time),
    ``reset_notifications`` (RST to each notification), ``auto_observe`` (paths observed as soon as a device
    registers), ``on_register`` (called with each new `Device`); `reject_registrations`, `restart`.
    """

    def __init__(
        self,
        network: Network,
        host: str = "server",
        port: int = 5683,
        *,
        seed: int | str = 0,
        ack_timeout_ms: int = 2000,
        max_retransmit: int = 4,
        block_size: int = 1024,
        location: Sequence[str] = ("rd", "site-1"),
        auto_observe: Sequence[str] = (),
    ):
        super().__init__(network, host, port, seed, ack_timeout_ms, max_retransmit, block_size)
        self.auto_observe = tuple(auto_observe)
        self.reset_notifications = False
        self.on_register: Callable[[Device], object] | None = None
        self.requests: list[PendingRequest] = []
        self._registry = Registry(
            network, location, self._szx, self._peer.protocol_errors, self._welcome, self._end_requests
        )
        self.devices = self._registry.devices
        self.events = self._registry.events

    # -- behaviour

    def reject_registrations(self, code: int | str, times: int | None = None) -> None:
        """Answer each Register with ``code`` ("4.03"), ``times`` times (None: until `accept_registrations`)."""
        if times is None:
            self._registry.rejecting = code_number(code)
        else:
            self._registry.rejections += [code_number(code)] * times

    def accept_registrations(self) -> None:
        """End what `reject_registrations` began."""
        self._registry.rejecting = None
        self._registry.rejections = []

    def restart(self) -> None:
        """Forget everything: devices, observations, open requests, message IDs. ``events`` is kept."""
        self._registry.log("restart")
        self._registry.forget()
        super().restart()

    # -- what it saw

    def device(self, endpoint: str) -> Device:
        """The registration of an endpoint; LookupError where it has none."""
        if endpoint not in self.devices:
            raise LookupError(f"{endpoint!r} is not registered; registered: {sorted(self.devices) or 'none'}")
        return self.devices[endpoint]

    def count(self, kind: str, endpoint: str | None = None) -> int:
        """How many events of a kind there were (of one endpoint, or of all)."""
        return sum(event.kind == kind and endpoint in (None, event.endpoint) for event in self.events)

    # -- requests

    def request(
        self,
        device: Device | str,
        method: str,
        path: str,
        payload: bytes = b"",
        content_format: int | None = None,
        accept: int | None = None,
        observe: int | None = None,
        query: Sequence[str] = (),
        confirmable: bool = True,
    ) -> PendingRequest:
        """Send a request ("GET", "PUT", "POST", "DELETE"); the result is ``done`` once virtual time has passed."""
        device = device if isinstance(device, Device) else self.device(device)
        request = PendingRequest(
            self._peer, self._pending, device, method, path, payload, content_format, accept, observe, query,
            confirmable, self._szx,
        )  # fmt: skip
        self.requests.append(request)
        return request

    def read(self, device: Device | str, path: str, accept: int | None = None) -> PendingRequest:
        """Read an object, an instance or a resource."""
        return self.request(device, "GET", path, accept=accept)

    def discover(self, device: Device | str, path: str) -> PendingRequest:
        """Discover."""
        return self.request(device, "GET", path, accept=LINK_FORMAT)

    def write(self, device: Device | str, path: str, payload: bytes, content_format: int = 0) -> PendingRequest:
        """Write, replacing what is there."""
        return self.request(device, "PUT", path, payload, content_format)

    def update(self, device: Device | str, path: str, payload: bytes, content_format: int = TLV) -> PendingRequest:
        """Write, updating what is named (Partial Update)."""
        return self.request(device, "POST", path, payload, content_format)

    def create(self, device: Device | str, path: str, payload: bytes, content_format: int = TLV) -> PendingRequest:
        """Create an instance of the object ``path``."""
        return self.request(device, "POST", path, payload, content_format)

    def write_attributes(self, device: Device | str, path: str, *query: str) -> PendingRequest:
        """Write-Attributes: ``write_attributes(device, "/3/0/9", "pmin=5", "pmax=60")``."""
        return self.request(device, "PUT", path, query=query)

    def execute(self, device: Device | str, path: str, args: str = "") -> PendingRequest:
        """Execute a resource."""
        return self.request(device, "POST", path, args.encode(), 0 if args else None)

    def delete(self, device: Device | str, path: str) -> PendingRequest:
        """Delete an instance."""
        return self.request(device, "DELETE", path)

    def observe(self, device: Device | str, path: str, accept: int | None = None) -> PendingRequest:
        """Observe; the result's ``notifications`` grow, its ``cancel`` ends it."""
        return self.request(device, "GET", path, accept=accept, observe=0)

    # -- what devices send

    def _on_request(self, message: Message, address: Address) -> Message:
        return self._registry.request(message, address)

    def _on_response(self, message: Message, address: Address) -> bool:
        request = self._pending.get(message.token)
        if request is not None and self.reset_notifications and request.observing and message.opt.observe is not None:
            return False
        return super()._on_response(message, address)

    def _welcome(self, device: Device) -> None:
        for path in self.auto_observe:
            self.observe(device, path)
        if self.on_register is not None:
            self.on_register(device)

    def _end_requests(self, device: Device) -> None:
        for request in [one for one in self._pending.values() if one.device is device]:
            request.fail("the registration ended")
