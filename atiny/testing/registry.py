"""The registration interface of a `VirtualServer` (OMA LwM2M 1.0, 5.3): who is registered, and what it said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .datagrams import Address
from .network import Network, Timer
from .peer import Message, code_name

LINK_FORMAT = 40
DEFAULT_LIFETIME_S = 86_400
BINDINGS = ("U", "UQ", "S", "SQ", "US", "UQS")

CREATED, DELETED, CHANGED, CONTINUE = 65, 66, 68, 95
BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, INCOMPLETE, PRECONDITION, BAD_FORMAT = 128, 132, 133, 136, 140, 143
POST, DELETE = 2, 4


@dataclass
class Device:
    """A registration. ``links``: the object list as it was sent; ``paths``: those in it, such as "/3/0"."""

    endpoint: str
    address: Address
    location: tuple[str, ...]
    lifetime_s: int
    binding: str
    version: str
    links: str
    registered_ms: int
    updated_ms: int
    updates: int = 0
    expiry: Timer = field(default_factory=lambda: Timer(None), repr=False)

    @property
    def paths(self) -> list[str]:
        """The targets of the links, without the root."""
        targets = [link.strip().partition(">")[0].removeprefix("<") for link in self.links.split(",")]
        return [target for target in targets if target not in ("", "/")]


@dataclass(slots=True)
class Event:
    """``kind``: "register", "update", "deregister", "expired", "rejected" or "restart"."""

    time_ms: int
    kind: str
    endpoint: str = ""
    detail: str = ""


class Registry:
    """Answers Register, Update and De-register, strictly.

    ``devices``: {endpoint: `Device`}; ``events``: what happened; ``errors``: what devices must not send, in words.
    ``rejecting``, ``rejections``: the code that each Register is answered with; the codes for the next ones.
    ``on_register(device)`` is called after the answer to a Register, ``on_end(device)`` when a registration ends.
    """

    def __init__(
        self,
        network: Network,
        location: Sequence[str],
        max_szx: int,
        errors: list[str],
        on_register: Callable[[Device], object],
        on_end: Callable[[Device], object],
    ):
        self.devices: dict[str, Device] = {}
        self.events: list[Event] = []
        self.rejecting: int | None = None
        self.rejections: list[int] = []
        self.location = tuple(location)
        self._network = network
        self._max_szx = max_szx
        self._errors = errors
        self._on_register = on_register
        self._on_end = on_end
        self._registrations = 0
        self._bodies: dict[tuple[Address, int, tuple[str, ...]], bytes] = {}

    def forget(self) -> None:
        """All registrations end, as in a restart; numbers in Location-Path are not used again."""
        for device in list(self.devices.values()):
            self._remove(device)
        self._bodies.clear()

    def log(self, kind: str, endpoint: str = "", detail: str = "") -> None:
        """Add to ``events``."""
        self.events.append(Event(self._network.clock.now_ms, kind, endpoint, detail))

    def request(self, message: Message, address: Address) -> Message:
        """The answer to a device's request."""
        path = tuple(message.opt.uri_path)
        body = self._assemble(message, address, path)
        if isinstance(body, Message):
            return body
        if path[:1] != ("rd",):
            response = self._refuse(NOT_FOUND, f"{int(message.code)} on /{'/'.join(path)}")
        elif len(path) > 1:
            response = self._registered(message, address, path, body)
        elif message.code == POST:
            response = self._register(message, address, body)
        else:
            response = self._refuse(NOT_ALLOWED, f"{int(message.code)} on /rd")
        if message.opt.block1 is not None:
            response.opt.block1 = message.opt.block1
        return response

    def _assemble(self, message: Message, address: Address, path: tuple[str, ...]) -> bytes | Message:
        """The whole body, or the answer to one of its blocks (RFC 7959, 2.5)."""
        block1 = message.opt.block1
        if block1 is None:
            return bytes(message.payload)
        key = (address, int(message.code), path)
        body = b"" if block1.block_number == 0 else self._bodies.pop(key, b"")
        if block1.block_number << (block1.size_exponent + 4) != len(body):
            return Message(code=INCOMPLETE)  # no error of the device: this server may have restarted in between
        body += message.payload
        if not block1.more:
            return body
        self._bodies[key] = body
        response = Message(code=CONTINUE)
        response.opt.block1 = (block1.block_number, True, min(block1.size_exponent, self._max_szx))
        return response

    def _register(self, message: Message, address: Address, body: bytes) -> Message:
        query = dict(part.partition("=")[::2] for part in message.opt.uri_query)
        endpoint = query.get("ep", "")
        rejected = self.rejections.pop(0) if self.rejections else self.rejecting
        if rejected is not None:
            self.log("rejected", endpoint, code_name(rejected))
            return Message(code=rejected)
        wrong = self._wrong_parameters(query, {"ep", "lt", "lwm2m", "b", "sms"})
        if not endpoint:
            wrong = "no endpoint name"
        elif message.opt.content_format is None or not body:
            wrong = "no object list with its Content-Format"
        elif "lwm2m" not in query:
            wrong = "no version"
        if wrong:
            return self._refuse(BAD_REQUEST, f"Register of {endpoint!r}: {wrong}")
        if query["lwm2m"] != "1.0":
            return self._refuse(PRECONDITION, f"Register of {endpoint!r} with version {query['lwm2m']}")
        if message.opt.content_format != LINK_FORMAT:
            return self._refuse(BAD_FORMAT, f"Content-Format {message.opt.content_format} in Register of {endpoint!r}")
        if endpoint in self.devices:
            self._remove(self.devices[endpoint])
        self._registrations += 1
        now_ms = self._network.clock.now_ms
        location = (*self.location, str(self._registrations))
        lifetime_s = int(query.get("lt", DEFAULT_LIFETIME_S))
        binding, links = query.get("b", "U"), body.decode(errors="replace")
        device = Device(endpoint, address, location, lifetime_s, binding, query["lwm2m"], links, now_ms, now_ms)
        self.devices[endpoint] = device
        self.log("register", endpoint)
        self._extend(device)
        # What it then asks of the device goes out after the answer to this.
        self._network.call_at(now_ms, lambda: self.devices.get(endpoint) is device and self._on_register(device))
        response = Message(code=CREATED)
        response.opt.location_path = location
        return response

    def _registered(self, message: Message, address: Address, path: tuple[str, ...], body: bytes) -> Message:
        device = next((device for device in self.devices.values() if device.location == path), None)
        if device is None:
            return Message(code=NOT_FOUND)  # no error of the device: the registration may have expired
        if message.code == DELETE:
            self._remove(device)
            self.log("deregister", device.endpoint)
            return Message(code=DELETED)
        if message.code != POST:
            return self._refuse(NOT_ALLOWED, f"{int(message.code)} on a registration")
        query = dict(part.partition("=")[::2] for part in message.opt.uri_query)
        wrong = self._wrong_parameters(query, {"lt", "b", "sms"})
        if body and message.opt.content_format != LINK_FORMAT:
            wrong = "an object list without its Content-Format"
        if wrong:
            return self._refuse(BAD_REQUEST, f"Update of {device.endpoint!r}: {wrong}")
        device.address = address
        device.updated_ms = self._network.clock.now_ms
        device.updates += 1
        device.lifetime_s = int(query.get("lt", device.lifetime_s))
        device.binding = query.get("b", device.binding)
        device.links = body.decode(errors="replace") if body else device.links
        self.log("update", device.endpoint, " ".join(message.opt.uri_query) + (" links" if body else ""))
        self._extend(device)
        return Message(code=CHANGED)

    def _wrong_parameters(self, query: dict[str, str], allowed: set[str]) -> str:
        if not set(query) <= allowed:
            return f"unknown parameters {sorted(set(query) - allowed)}"
        if not query.get("lt", "1").isdecimal() or int(query.get("lt", "1")) == 0:
            return f"lt={query['lt']}"
        return "" if query.get("b", "U") in BINDINGS else f"b={query['b']}"

    def _refuse(self, code: int, why: str) -> Message:
        self._errors.append(why)
        return Message(code=code, payload=why.encode())

    def _extend(self, device: Device) -> None:
        def expired() -> None:
            self._remove(device)
            self.log("expired", device.endpoint)

        device.expiry.cancel()
        device.expiry = self._network.call_at(device.updated_ms + device.lifetime_s * 1000, expired)

    def _remove(self, device: Device) -> None:
        device.expiry.cancel()
        del self.devices[device.endpoint]
        self._on_end(device)
