"""Who is registered, and until when (OMA LwM2M 1.0, 5.3): checks of Register and Update, lifetimes, addresses.

Refusals are raised as aiocoap's renderable errors, which know their CoAP code.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiocoap import error

from ..errors import CodecError
from .clock import Clock, Handle
from .keys import identity_of
from .links import ObjectList, parse_object_list

LINK_FORMAT = 40
DEFAULT_LIFETIME_S = 86400  # 5.3.1: what holds where the device names none
MAX_LIFETIME_S = 2**31 - 1
BINDINGS = ("U", "UQ", "S", "SQ", "US", "UQS")  # 5.3.1.1, table "Binding Modes"
_PARAMETERS = ("ep", "lt", "lwm2m", "b", "sms")


@dataclass
class Registration:
    """One registration. ``remote`` is aiocoap's address of the device, from the last Register or Update."""

    id: str
    endpoint: str
    lifetime_s: int
    binding: str
    version: str
    sms: str | None
    objects: ObjectList
    remote: Any
    last_seen: float  # on the cloud's clock: when the device was last heard
    identity: bytes | None = None  # of the DTLS session that it was made in

    @property
    def address(self) -> str:
        """The device's address, "127.0.0.1:56830" or "[::1]:56830"."""
        return str(self.remote.hostinfo)

    @property
    def disconnected(self) -> bool:
        """Whether the DTLS session has ended over which the device was last heard: it has to begin a new one."""
        return bool(getattr(self.remote, "closed", False))

    @property
    def queue_mode(self) -> bool:
        """Whether the device sleeps between its messages (binding with Q)."""
        return "Q" in self.binding


class Registry:
    """The registrations of one cloud.

    ``on_expired(registration)`` is called when a lifetime has passed. ``authorize(endpoint, remote)`` says whether
    that peer may register under that name: the place where a secured transport's identities are checked.

    A registration belongs to the identity that it was made under: no other one, and nobody without DTLS, can update or
    end it (4.03), nor can it be replaced without DTLS.
    """

    def __init__(
        self,
        clock: Clock,
        on_expired: Callable[[Registration], None],
        versions: Iterable[str] = ("1.0",),
        authorize: Callable[[str, Any], bool] | None = None,
    ):
        self._clock = clock
        self._on_expired = on_expired
        self._versions = tuple(versions)
        self._authorize = authorize
        self._by_id: dict[str, Registration] = {}
        self._by_endpoint: dict[str, Registration] = {}
        self._expiry: dict[str, Handle] = {}

    def __iter__(self) -> Any:
        return iter(tuple(self._by_id.values()))

    def of(self, endpoint: str) -> Registration | None:
        """The registration of an endpoint name."""
        return self._by_endpoint.get(endpoint)

    def remote_of(self, id: str) -> Any:
        """Where a registration's device was last heard, aiocoap's address; None for one that is not known."""
        registration = self._by_id.get(id)
        return None if registration is None else registration.remote

    def register(
        self, query: Iterable[str], content_format: int | None, payload: bytes, remote: Any
    ) -> tuple[Registration, Registration | None]:
        """A Register request: the new registration and the one of the same endpoint that it replaces."""
        values = _parameters(query)
        if "ep" not in values:
            raise error.BadRequest("ep is missing")
        endpoint = values["ep"]
        if not endpoint or not endpoint.isprintable():
            raise error.BadRequest("ep is empty or not printable")
        if "lwm2m" not in values:
            raise error.BadRequest("lwm2m is missing")
        version = values["lwm2m"]
        if not re.fullmatch(r"[0-9]+\.[0-9]+", version):
            raise error.BadRequest("lwm2m is no version")
        if version not in self._versions:
            raise error.PreconditionFailed("lwm2m: supported is " + ", ".join(self._versions))
        lifetime_s = _lifetime(values["lt"]) if "lt" in values else DEFAULT_LIFETIME_S
        binding = _binding(values.get("b", "U"))
        if not payload:
            raise error.BadRequest("the object list is missing")
        objects = _objects(content_format, payload)
        if self._authorize is not None and not self._authorize(endpoint, remote):
            raise error.Forbidden(f"not allowed to register as {endpoint}")

        identity = identity_of(remote)
        replaced = self._by_endpoint.get(endpoint)
        if replaced is not None and replaced.identity is not None and identity is None:
            raise error.Forbidden(f"{endpoint} is registered over DTLS")
        if replaced is not None:
            self._drop(replaced)
        registration = Registration(
            id=self._new_id(),
            endpoint=endpoint,
            lifetime_s=lifetime_s,
            binding=binding,
            version=version,
            sms=values.get("sms"),
            objects=objects,
            remote=remote,
            last_seen=self._clock.now(),
            identity=identity,
        )
        self._by_id[registration.id] = registration
        self._by_endpoint[endpoint] = registration
        self._watch(registration)
        return registration, replaced

    def update(
        self, id: str, query: Iterable[str], content_format: int | None, payload: bytes, remote: Any
    ) -> tuple[Registration, tuple[str, ...]]:
        """An Update request: the registration and the names of what changed. Nothing changes where it is refused."""
        registration = self._find(id, remote)
        values = _parameters(query)
        for fixed in ("ep", "lwm2m"):
            if fixed in values:
                raise error.BadRequest(f"{fixed} cannot be updated")
        lifetime_s = _lifetime(values["lt"]) if "lt" in values else registration.lifetime_s
        binding = _binding(values["b"]) if "b" in values else registration.binding
        objects = _objects(content_format, payload) if payload else registration.objects
        if self._authorize is not None and not self._authorize(registration.endpoint, remote):
            raise error.Forbidden(f"not allowed to update {registration.endpoint}")

        changed = [
            name
            for name, old, new in (
                ("address", registration.remote, remote),
                ("lifetime", registration.lifetime_s, lifetime_s),
                ("binding", registration.binding, binding),
                ("sms", registration.sms, values.get("sms", registration.sms)),
                ("objects", registration.objects, objects),
            )
            if old != new
        ]
        registration.remote = remote
        registration.lifetime_s = lifetime_s
        registration.binding = binding
        registration.sms = values.get("sms", registration.sms)
        registration.objects = objects
        registration.last_seen = self._clock.now()
        self._watch(registration)
        return registration, tuple(changed)

    def deregister(self, id: str, remote: Any) -> Registration:
        """A De-register request: the registration that ended."""
        registration = self._find(id, remote)
        self._drop(registration)
        return registration

    def clear(self) -> list[Registration]:
        """Forget all; returns what was registered."""
        registrations = list(self._by_id.values())
        for registration in registrations:
            self._drop(registration)
        return registrations

    def _find(self, id: str, remote: Any) -> Registration:
        if id not in self._by_id:
            raise error.NotFound(f"no registration /rd/{id}")
        registration = self._by_id[id]
        if registration.identity != identity_of(remote):
            raise error.Forbidden(f"/rd/{id} belongs to another identity")
        return registration

    def _new_id(self) -> str:
        # Random: a device that updates a registration of an earlier run of the cloud has to hear 4.04.
        while (id := secrets.token_hex(4)) in self._by_id:
            pass
        return id

    def _watch(self, registration: Registration) -> None:
        if registration.id in self._expiry:
            self._expiry[registration.id].cancel()
        self._expiry[registration.id] = self._clock.call_later(
            registration.lifetime_s, lambda: self._expire(registration)
        )

    def _expire(self, registration: Registration) -> None:
        self._drop(registration)
        self._on_expired(registration)

    def _drop(self, registration: Registration) -> None:
        self._expiry.pop(registration.id).cancel()
        del self._by_id[registration.id]
        del self._by_endpoint[registration.endpoint]


def _parameters(query: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in query:
        name, _, value = item.partition("=")
        if name in values:
            raise error.BadRequest(f"{name} is given twice")
        values[name] = value
    # Parameters of later versions and of vendors are none of ours; 5.3.1 does not forbid them.
    return {name: value for name, value in values.items() if name in _PARAMETERS}


def _lifetime(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= MAX_LIFETIME_S:
        raise error.BadRequest(f"lt is not a number of seconds from 1 to {MAX_LIFETIME_S}")
    return int(text)


def _binding(text: str) -> str:
    if text not in BINDINGS:
        raise error.BadRequest("b is none of " + ", ".join(BINDINGS))
    return text


def _objects(content_format: int | None, payload: bytes) -> ObjectList:
    if content_format != LINK_FORMAT:
        found = "none" if content_format is None else str(int(content_format))
        raise error.UnsupportedContentFormat(f"Content-Format {LINK_FORMAT} is expected, not {found}")
    try:
        objects = parse_object_list(payload)
    except CodecError as problem:
        raise error.BadRequest(str(problem)) from None
    if not objects.objects:
        raise error.BadRequest("the object list names no object")
    return objects
