"""Firmware upgrades of devices (object 5 of OMA LwM2M 1.0): what is asked of them, and what they are served."""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import errors, events
from .files import ServedFile, Shelf
from .fota_events import result_text, state_text
from .fota_push import push
from .http_files import HttpFiles
from .upgrade import RESULT, STATE, Upgrade

if TYPE_CHECKING:
    from .server import Cloud

URI, NAME, VERSION = ("/5/0/1", "/5/0/6", "/5/0/7")
SCHEMES = ("coap", "coaps", "http")


@dataclass(frozen=True)
class FotaStatus:
    """What a device says of its firmware: /5/0/3, /5/0/5, /5/0/6, /5/0/7 (None: it does not say)."""

    state: int
    result: int
    name: str | None
    version: str | None

    def __str__(self) -> str:
        package = " ".join(part for part in (self.name, self.version) if part)
        text = f"state {self.state} ({state_text(self.state)}), result {self.result} ({result_text(self.result)})"
        return text + (f", package {package}" if package else "")


class Fota:
    """The upgrades of one cloud, at most one of a device at a time, and the files that devices get from it."""

    def __init__(self, cloud: Cloud, http_port: int):
        self.shelf = Shelf()
        self.http = HttpFiles(self.shelf, cloud.host, http_port)
        self._cloud = cloud
        self._under_way: dict[str, Upgrade] = {}
        self._numbers = itertools.count(1)
        cloud.events.subscribe(self._on_event)

    async def stop(self) -> None:
        """No file is served any more. The upgrades are tasks of the cloud, which ends them."""
        await self.http.stop()

    def of(self, endpoint: str) -> Upgrade | None:
        """The device's latest upgrade."""
        return self._under_way.get(endpoint)

    def push(self, endpoint: str, file: str | os.PathLike[str] | bytes, update: bool) -> Upgrade:
        """See `Cloud.fota_push`."""
        _, content = _load(file)

        async def transfer(upgrade: Upgrade) -> None:
            upgrade.began()
            response = await push(self._cloud.device(endpoint), content, upgrade.progress, upgrade.silence_ends)
            if not response.ok:
                said = response.payload.decode(errors="replace")
                upgrade.fail(f"the device answered {response.code_text}" + (f": {said}" if said else ""))

        return self._begin(endpoint, "push", len(content), update, transfer)

    def pull(self, endpoint: str, file: str | os.PathLike[str] | bytes, update: bool, by: str | None) -> Upgrade:
        """See `Cloud.fota_pull`."""
        if by not in (None, *SCHEMES):
            raise errors.CloudError(f"by is {', '.join(SCHEMES)} or None, not {by!r}")
        name, content = _load(file)

        async def transfer(upgrade: Upgrade) -> None:
            served = ServedFile(name, content, upgrade.progress)
            uri = await self._base(endpoint, by) + served.path
            self.shelf.put(served)
            upgrade.when_ended(lambda: self.shelf.take(served))
            upgrade.began(uri)
            response = await self._cloud.device(endpoint).write(URI, uri)
            if not response.ok:
                said = response.payload.decode(errors="replace")
                upgrade.fail(f"the device answered {response.code_text}" + (f": {said}" if said else ""))

        return self._begin(endpoint, "pull", len(content), update, transfer)

    def update(self, endpoint: str) -> Upgrade:
        """See `Cloud.fota_update`."""

        async def transfer(upgrade: Upgrade) -> None:
            upgrade.began()

        return self._begin(endpoint, "update", 0, True, transfer)

    async def cancel(self, endpoint: str) -> None:
        """See `Cloud.fota_cancel`."""
        upgrade = self.of(endpoint)
        if upgrade is not None:
            upgrade.cancel()
        response = await self._cloud.device(endpoint).write(URI, "")
        if not response.ok:
            raise errors.CloudError(f"an empty {URI} was answered {response.code_text} by {endpoint}")

    async def status(self, endpoint: str) -> FotaStatus:
        """See `Cloud.fota_status`."""
        device = self._cloud.device(endpoint)
        values: list[Any] = []
        for path in (STATE, RESULT, NAME, VERSION):
            response = await device.read(path)
            if not response.ok and path in (STATE, RESULT):
                raise errors.CloudError(f"{path} of {endpoint} was answered {response.code_text}")
            values.append(response.value if response.ok else None)
        return FotaStatus(*values)

    def heard(self, endpoint: str) -> None:
        """The device has registered, or updated its registration, and has its answer (`Device.begin` calls this)."""
        if endpoint in self._under_way:
            self._under_way[endpoint].heard()

    def _on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Report) and event.path in (STATE, RESULT):
            self.heard(event.endpoint)

    async def _base(self, endpoint: str, by: str | None) -> str:
        """The beginning of the URIs of files: "coap://127.0.0.1:5683"."""
        if by is None:
            registration = self._cloud.device(endpoint).registration
            by = "coap" if registration is None or registration.identity is None else "coaps"
        host = self._cloud.check_reached()
        if by == "http":
            await self.http.start()
            return f"http://{host}:{self.http.port}"
        return self._cloud.url if by == "coap" else self._cloud.secure_url

    def _begin(
        self, endpoint: str, way: str, total: int, update: bool, transfer: Callable[[Upgrade], Awaitable[None]]
    ) -> Upgrade:
        former = self._under_way.get(endpoint)
        if former is not None and not former.ended:
            raise errors.CloudError(f"an upgrade of {endpoint} is under way ({former.way} {former.id})")
        device = self._cloud.device(endpoint)
        if not device.registered:
            raise errors.UnknownDevice(f"{endpoint} is not registered")
        upgrade = Upgrade(next(self._numbers), device, way, total, update)
        self._under_way[endpoint] = upgrade
        upgrade.start(self._cloud.spawn(upgrade.run(transfer)))
        return upgrade


class FirmwareUpgrades:
    """What a `Cloud` has for firmware upgrades."""

    fota: Fota

    def fota_push(self, endpoint: str, file: str | os.PathLike[str] | bytes, *, update: bool = False) -> Upgrade:
        """Write a package to a device, block by block; with ``update``, execute Update once it is downloaded.

        ``file``: its path, or the package itself. The device has to be registered; events are `FotaChanged` and
        `FotaProgress`. Raises `errors.CloudError` where the file cannot be read or an upgrade is under way.
        """
        return self.fota.push(endpoint, file, update)

    def fota_pull(
        self, endpoint: str, file: str | os.PathLike[str] | bytes, *, update: bool = False, by: str | None = None
    ) -> Upgrade:
        """Have a device get a package from here; as `fota_push` otherwise.

        ``by``: "coap", "coaps" or "http" (which takes aiohttp); None: coaps where it registered over DTLS, else coap.
        """
        return self.fota.pull(endpoint, file, update, by)

    def fota_update(self, endpoint: str) -> Upgrade:
        """Have a device that has a package run it (Execute /5/0/2), and see whether it does."""
        return self.fota.update(endpoint)

    async def fota_cancel(self, endpoint: str) -> None:
        """End what is under way, and have the device throw away what it has got (an empty Package URI).

        Raises `errors.CloudError` where the device is not there, or does not do so.
        """
        await self.fota.cancel(endpoint)

    async def fota_status(self, endpoint: str) -> FotaStatus:
        """What a device says of its firmware. Raises `errors.CloudError`."""
        return await self.fota.status(endpoint)


def _load(file: str | os.PathLike[str] | bytes) -> tuple[str, bytes]:
    if isinstance(file, bytes):
        name, content = "", file
    else:
        path = Path(file)
        try:
            name, content = path.name, path.read_bytes()
        except OSError as problem:
            raise errors.CloudError(f"cannot read {path}: {problem.strerror}") from None
    if not content:
        raise errors.CloudError("the file is empty")
    return name, content
