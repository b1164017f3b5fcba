"""What a device is given in a bootstrap (OMA LwM2M 1.0, 5.2 and appendix E): accounts, what goes, what else is written.

Configurations hold keys; neither they nor the events of a bootstrap ever show them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..dtls.psk import check_psk
from ..dtls.session import MAX_IDENTITY
from ..errors import CodecError, ParameterError
from ..lwm2m.path import parse_server
from . import values
from .keys import KeyStore
from .links import parse_bootstrap_links
from .registry import BINDINGS, MAX_LIFETIME_S

SECURITY, SERVER = 0, 1
MODE_PSK, MODE_NOSEC = 0, 3  # of /0/x/2
KEY_SIZE = 16


@dataclass(frozen=True)
class BootstrapAccount:
    """A LwM2M server that a device is to register with: an instance of Security (0) and one of Server (1).

    ``uri``: "coap://host:port" (NoSec), or "coaps://host:port" with ``identity`` and ``key`` (PSK).
    ``short_server_id``: 1 to 65534, a different one for each account of a device. ``hold_off_s``: /0/x/11;
    ``default_pmin_s``, ``default_pmax_s``, ``disable_timeout_s``: /1/x/2, 3 and 5; None: not written.
    ``notification_storing``: /1/x/6. ``instance``: of both objects, None: the first that is free in each.
    ``security``, ``server``: {resource: value} besides or instead of all that, whatever the device makes of it.

    Raises `ParameterError`.
    """

    uri: str
    short_server_id: int = 123
    identity: str | bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    lifetime_s: int = 86400
    binding: str = "U"
    notification_storing: bool = True
    hold_off_s: int | None = None
    default_pmin_s: int | None = None
    default_pmax_s: int | None = None
    disable_timeout_s: int | None = None
    instance: int | None = None
    security: Mapping[int, Any] = field(default_factory=dict, repr=False)
    server: Mapping[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        secured = parse_server(self.uri)[0] == "coaps"
        if secured != (self.identity is not None and self.key is not None):
            raise ParameterError(f"{self.uri}: coaps:// goes with an identity and a key, coap:// without both")
        if self.identity is not None and self.key is not None:
            check_psk(self.identity, self.key)
        if not 1 <= self.short_server_id <= 65534:
            raise ParameterError(f"a short server id is 1 to 65534, not {self.short_server_id}")
        if not 1 <= self.lifetime_s <= MAX_LIFETIME_S:
            raise ParameterError(f"a lifetime is 1 to {MAX_LIFETIME_S} seconds, not {self.lifetime_s}")
        if self.binding not in BINDINGS:
            raise ParameterError(f"a binding is one of {', '.join(BINDINGS)}, not {self.binding!r}")

    def security_resources(self) -> dict[int, Any]:
        """The instance of Security as {resource: value}; the mandatory ones are there also where they are empty."""
        identity = self.identity.encode() if isinstance(self.identity, str) else self.identity
        resources: dict[int, Any] = {
            0: self.uri,
            1: False,
            2: MODE_NOSEC if self.key is None else MODE_PSK,
            3: identity or b"",
            4: b"",
            5: self.key or b"",
            10: self.short_server_id,
            11: self.hold_off_s,
        }
        return _told(resources, self.security)

    def server_resources(self) -> dict[int, Any]:
        """The instance of Server as {resource: value}."""
        resources: dict[int, Any] = {
            0: self.short_server_id,
            1: self.lifetime_s,
            2: self.default_pmin_s,
            3: self.default_pmax_s,
            5: self.disable_timeout_s,
            6: self.notification_storing,
            7: self.binding,
        }
        return _told(resources, self.server)


@dataclass(frozen=True)
class BootstrapConfig:
    """What a bootstrap does with a device, in this order: Discover, Delete, Write, Finish.

    ``accounts``: the servers that it is to have. ``delete``: the paths that go first; "/" is all that may go, and the
    bootstrap server's own account always stays (5.2.7.5). ``writes``: {path: value} besides, as `Device.write` takes
    them (a dict goes as TLV), such as {"/2/0": {0: 3, 1: 0, 2: {123: 15}, 3: 123}}. ``purge_after_s``: after how many
    seconds the device forgets the bootstrap server's account (/0/x/12), None: it keeps it. ``discover``: whether to
    ask what the device has, to find the instances that are free; without, accounts are written from /0/1 on.

    Raises `ParameterError`.
    """

    accounts: Sequence[BootstrapAccount] = ()
    delete: Sequence[str] = ("/0", "/1")
    writes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    purge_after_s: int | None = None
    discover: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.delete, str):
            raise ParameterError("delete is a list of paths, not one string")
        ids = [account.short_server_id for account in self.accounts]
        if len(set(ids)) < len(ids):
            raise ParameterError(f"two accounts of one device have the same short server id: {ids}")
        if self.purge_after_s is not None and self.purge_after_s < 1:
            raise ParameterError("purge_after_s is at least 1; None keeps the bootstrap account")


@dataclass(frozen=True)
class Operation:
    """One request of a bootstrap. ``name``: "discover", "delete", "write" or "finish"."""

    name: str
    path: str
    payload: bytes = field(default=b"", repr=False)
    content_format: int | None = None


class Inventory:
    """What a device said in Bootstrap Discover (5.2.7.3): which instances it has, and which is the bootstrap server's.

    ``instances``: {object: set of instances}. ``bootstrap``: the Security instance of the bootstrap server's account,
    the one without a short server id; None where that is not known.
    """

    def __init__(self, payload: bytes | None = None):
        self.instances: dict[int, set[int]] = {}
        self.bootstrap: int | None = None
        if payload is None:  # it was not asked, or does not know Discover: most have it in /0/0
            self.instances[SECURITY] = {0}
            self._kept = {0}
            return
        for link in parse_bootstrap_links(payload):
            if not 1 <= len(link.segments) <= 2 or not all(part.isdecimal() for part in link.segments):
                continue
            ids = [int(part) for part in link.segments]
            found = self.instances.setdefault(ids[0], set())
            if len(ids) == 2:
                found.add(ids[1])
                if ids[0] == SECURITY and link.attributes.get("ssid", "0") in ("0", "65535"):
                    self.bootstrap = ids[1]
        self._kept = set() if self.bootstrap is None else {self.bootstrap}

    def delete(self, path: str) -> None:
        """What a Delete leaves."""
        ids = [int(part) for part in path.split("/") if part.isdecimal()]
        for object_id in list(self.instances):
            kept = self._kept if object_id == SECURITY else set()
            if not ids or ids == [object_id]:
                self.instances[object_id] &= kept
            elif ids[0] == object_id and ids[1] not in kept:
                self.instances[object_id].discard(ids[1])

    def free(self, object_id: int) -> int:
        """The first instance id that is not taken; it is then."""
        taken = self.instances.setdefault(object_id, set())
        instance = next(id for id in range(len(taken) + 1) if id not in taken)
        taken.add(instance)
        return instance


def plan(config: BootstrapConfig, inventory: Inventory) -> list[Operation]:
    """The operations after Discover. Raises `CloudError` for a value that cannot be encoded, `ParameterError`."""
    operations = []
    for path in config.delete:
        operations.append(Operation("delete", path))
        inventory.delete(path)
    fixed = {account.instance for account in config.accounts} - {None}
    for object_id in (SECURITY, SERVER):
        inventory.instances.setdefault(object_id, set()).update(id for id in fixed if id is not None)
    for object_id in (SECURITY, SERVER):
        for account in config.accounts:
            resources = account.security_resources() if object_id == SECURITY else account.server_resources()
            instance = inventory.free(object_id) if account.instance is None else account.instance
            operations.append(_write(f"/{object_id}/{instance}", resources))
    operations += [_write(path, value) for path, value in config.writes.items()]
    if config.purge_after_s is not None:
        if inventory.bootstrap is None:
            raise ParameterError("purge_after_s: which account is the bootstrap server's is known by Discover only")
        operations.append(_write(f"/{SECURITY}/{inventory.bootstrap}/12", config.purge_after_s))
    operations.append(Operation("finish", "/bs"))
    return operations


class KeyIssuer:
    """Gives devices fresh keys for one cloud, and takes back those that they do not use any more. For any thread.

    A device may come back from a bootstrap that failed with the account that it had before. So the new key has an
    identity of its own, and the old one goes when the device has registered with the new one.
    """

    def __init__(self, keys: KeyStore):
        self._keys = keys
        self._lock = threading.Lock()
        self._working: dict[str, bytes] = {}
        self._pending: dict[str, bytes] = {}

    def issue(self, endpoint: str) -> tuple[bytes, bytes]:
        """(identity, key) for a device; one that was issued before and never used is void."""
        mark = secrets.token_hex(4)
        identity = f"{endpoint}-{mark}".encode()
        if len(identity) > MAX_IDENTITY:
            identity = secrets.token_hex(16).encode()
        key = secrets.token_bytes(KEY_SIZE)
        with self._lock:
            self._keys.add(identity, key, endpoints=(endpoint,))
            self._remove(self._pending.pop(endpoint, None))
            self._pending[endpoint] = identity
        return identity, key

    def registered(self, endpoint: str, identity: bytes | None) -> None:
        """A device has registered, with an identity that it proved."""
        with self._lock:
            if identity is not None and self._pending.get(endpoint) == identity:
                self._remove(self._working.pop(endpoint, None))
                self._working[endpoint] = self._pending.pop(endpoint)

    def foreign(self, endpoint: str) -> bool:
        """Whether an endpoint name belongs to an identity that was not issued here."""
        with self._lock:
            ours = (self._working.get(endpoint), self._pending.get(endpoint))
            return any(endpoint in self._keys.endpoints(identity) for identity in self._keys if identity not in ours)

    def _remove(self, identity: bytes | None) -> None:
        if identity is not None and identity in self._keys:
            del self._keys[identity]


def _told(resources: Mapping[int, Any], others: Mapping[int, Any]) -> dict[int, Any]:
    return {id: value for id, value in sorted({**resources, **others}.items()) if value is not None}


def _write(path: str, value: Any) -> Operation:
    payload, content_format = values.encode(path, value)
    return Operation("write", path, payload, content_format)


def check_config(config: Any, endpoint: str) -> BootstrapConfig | None:
    """What a source of configurations gave for an endpoint. Raises `ParameterError`."""
    if config is None or isinstance(config, BootstrapConfig):
        return config
    if isinstance(config, Iterable) and not isinstance(config, (str, bytes)):
        return BootstrapConfig(tuple(config))
    raise ParameterError(f"{endpoint}: a BootstrapConfig is expected, or its accounts, not a {type(config).__name__}")


def inventory_of(payload: bytes) -> Inventory | None:
    """The inventory in an answer to Bootstrap Discover; None where that is malformed."""
    try:
        return Inventory(payload)
    except CodecError:
        return None
