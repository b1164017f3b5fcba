"""The cloud for code that is not asyncio's: the same, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .bootstrap import BootstrapResult
from .commands import Command
from .device import DEFAULT_EXPIRE_S, Device
from .errors import CloudError
from .events import Event, Report
from .exchange import Response
from .fota import FotaStatus
from .keys import KeyStore
from .provisioning import BootstrapAccount, BootstrapConfig
from .server import Cloud
from .upgrade import Upgrade

T = TypeVar("T")


class CloudThread:
    """A `Cloud` on an event loop in a thread of its own, with a face that blocks::

        with CloudThread(port=0) as cloud:
            device = cloud.wait_registered("lamp-1")
            assert device.read("/3/0/0").value == "atiny"
            command = device.command(b"\\x01")
            assert command.wait(10) == "success"

    Takes what `Cloud` takes; raises on entry what `Cloud.start` raises. Any thread may use it, but not its own event
    loop: a listener of `subscribe` is called there and must not block.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        for name in ("psk", "bootstrap_psk"):
            psk = kwargs.get(name)
            if psk is not None and not isinstance(psk, KeyStore):
                kwargs[name] = KeyStore(psk)  # which never shows its keys, and outlives a restart with what was changed
        self._arguments = args, kwargs
        self._cloud: Cloud | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread and listen."""
        started: queue.Queue[BaseException | None] = queue.Queue()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name="atiny-cloud", daemon=True)
        self._thread.start()
        problem = started.get()
        if problem is not None:
            self._thread.join()
            self._thread = None
            raise problem

    def stop(self) -> None:
        """Stop the cloud and end the thread. A second call does nothing."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> CloudThread:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def _run(self, started: queue.Queue[BaseException | None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            args, kwargs = self._arguments
            self._cloud = Cloud(*args, **kwargs)
            await self._cloud.start()
        except BaseException as problem:
            started.put(problem)
            return
        started.put(None)
        try:
            await self._stopping.wait()
        finally:
            await self._cloud.stop()

    @property
    def cloud(self) -> Cloud:
        """The cloud itself, whose methods are for its own loop (see `call` and `run`)."""
        if self._cloud is None:
            raise CloudError("the cloud is not running")
        return self._cloud

    @property
    def host(self) -> str:
        """Where it listens."""
        return self.cloud.host

    @property
    def port(self) -> int:
        """Where it listens; the one chosen where 0 was asked for."""
        return self.cloud.port

    @property
    def url(self) -> str:
        """What a device is given: "coap://127.0.0.1:5683"."""
        return self.cloud.url

    @property
    def secure_port(self) -> int | None:
        """See `Cloud.secure_port`."""
        return self.cloud.secure_port

    @property
    def secure_url(self) -> str:
        """What a device with a key is given: "coaps://127.0.0.1:5684". Raises `CloudError` without DTLS."""
        return self.cloud.secure_url

    @property
    def keys(self) -> KeyStore:
        """Who may come over DTLS; may be changed from any thread."""
        return self.cloud.keys

    @property
    def bootstrap_url(self) -> str:
        """See `Cloud.bootstrap_url`."""
        return self.cloud.bootstrap_url

    @property
    def bootstrap_secure_url(self) -> str:
        """See `Cloud.bootstrap_secure_url`."""
        return self.cloud.bootstrap_secure_url

    @property
    def bootstrap_keys(self) -> KeyStore:
        """Who may come to the bootstrap server over DTLS; may be changed from any thread."""
        return self.cloud._bootstrap.keys

    def own_account(self, endpoint: str, **fields: Any) -> BootstrapAccount:
        """See `Cloud.own_account`; also for a function that another cloud's bootstrap server asks."""
        return self.cloud.own_account(endpoint, **fields)

    def bootstrap(self, endpoint: str, config: BootstrapConfig | None = None) -> BootstrapResult:
        """See `Cloud.bootstrap`."""
        return self.run(self.cloud.bootstrap(endpoint, config))

    def wait_bootstrapped(self, endpoint: str, timeout_s: float | None = 10.0, *, after: int = 0) -> BootstrapResult:
        """See `Cloud.wait_bootstrapped`."""
        return self.run(self.cloud.wait_bootstrapped(endpoint, timeout_s, after=after))

    def trigger_bootstrap(self, endpoint: str) -> Response:
        """See `Cloud.trigger_bootstrap`."""
        return self.run(self.cloud.trigger_bootstrap(endpoint))

    def fota_push(self, endpoint: str, file: str | os.PathLike[str] | bytes, *, update: bool = False) -> UpgradeThread:
        """See `Cloud.fota_push`."""
        return UpgradeThread(self, self.call(lambda: self.cloud.fota_push(endpoint, file, update=update)))

    def fota_pull(
        self, endpoint: str, file: str | os.PathLike[str] | bytes, *, update: bool = False, by: str | None = None
    ) -> UpgradeThread:
        """See `Cloud.fota_pull`."""
        return UpgradeThread(self, self.call(lambda: self.cloud.fota_pull(endpoint, file, update=update, by=by)))

    def fota_update(self, endpoint: str) -> UpgradeThread:
        """See `Cloud.fota_update`."""
        return UpgradeThread(self, self.call(self.cloud.fota_update, endpoint))

    def fota_cancel(self, endpoint: str) -> None:
        """See `Cloud.fota_cancel`."""
        self.run(self.cloud.fota_cancel(endpoint))

    def fota_status(self, endpoint: str) -> FotaStatus:
        """See `Cloud.fota_status`."""
        return self.run(self.cloud.fota_status(endpoint))

    @property
    def events(self) -> list[Event]:
        """The events that the log holds now."""
        return self.call(lambda: list(self.cloud.events))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the cloud's loop; returns or raises what it does."""
        if self._thread is None or self._loop is None:
            work.close()
            raise CloudError("the cloud is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` on the cloud's loop; returns or raises what it does."""

        async def work() -> T:
            return function(*args)

        return self.run(work())

    def wait_for(self, kind: type[Event], timeout_s: float | None = 10.0, **fields: Any) -> Any:
        """See `EventLog.wait_for`."""
        return self.run(self.cloud.events.wait_for(kind, timeout_s, **fields))

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """See `EventLog.subscribe`; the callback runs in the cloud's thread."""
        unsubscribe = self.call(self.cloud.events.subscribe, callback)
        return lambda: self.call(unsubscribe)

    def device(self, endpoint: str) -> DeviceThread:
        """See `Cloud.device`."""
        return DeviceThread(self, self.call(self.cloud.device, endpoint))

    def devices(self) -> list[DeviceThread]:
        """The devices that are registered now."""
        return [DeviceThread(self, device) for device in self.call(lambda: self.cloud.devices)]

    def wait_registered(self, endpoint: str, timeout_s: float | None = 10.0) -> DeviceThread:
        """See `Cloud.wait_registered`."""
        return DeviceThread(self, self.run(self.cloud.wait_registered(endpoint, timeout_s)))


class DeviceThread:
    """A `Device` whose methods block: read, write, write_attributes, execute, create, delete, discover, observe, cancel
    and request take what `Device`'s take and return what it returns.
    """

    def __init__(self, thread: CloudThread, device: Device):
        self._thread = thread
        self.device = device
        self.endpoint = device.endpoint

    def __getattr__(self, name: str) -> Callable[..., Response]:
        if name not in _OPERATIONS:
            raise AttributeError(name)
        operation = getattr(self.device, name)
        return lambda *args, **kwargs: self._thread.run(operation(*args, **kwargs))

    def next_report(self, timeout_s: float | None = 10.0) -> Report:
        """See `Device.next_report`."""
        return self._thread.run(self.device.next_report(timeout_s))

    def command(self, data: bytes, expire_s: float = DEFAULT_EXPIRE_S) -> CommandThread:
        """See `Device.command`."""
        return CommandThread(self._thread, self._thread.call(self.device.command, data, expire_s))

    @property
    def registered(self) -> bool:
        """Whether it is registered now."""
        return self.device.registered


class CommandThread:
    """A `Command` whose `wait` blocks."""

    def __init__(self, thread: CloudThread, command: Command):
        self._thread = thread
        self.command = command

    @property
    def state(self) -> str:
        """See `CommandState`."""
        return self.command.state

    def wait(self, timeout_s: float | None = None) -> str:
        """See `Command.wait`."""
        return self._thread.run(self.command.wait(timeout_s))

    def cancel(self) -> bool:
        """See `Command.cancel`."""
        return self._thread.call(self.command.cancel)


class UpgradeThread:
    """An `Upgrade` whose `wait` blocks."""

    def __init__(self, thread: CloudThread, upgrade: Upgrade):
        self._thread = thread
        self.upgrade = upgrade

    @property
    def phase(self) -> str:
        """See `UpgradePhase`."""
        return self.upgrade.phase

    @property
    def reason(self) -> str:
        """Why it failed, or ""."""
        return self.upgrade.reason

    def wait(self, timeout_s: float | None = None) -> str:
        """See `Upgrade.wait`."""
        return self._thread.run(self.upgrade.wait(timeout_s))


_OPERATIONS = frozenset(
    ("read", "write", "write_attributes", "execute", "create", "delete", "discover", "observe", "cancel", "request")
)
