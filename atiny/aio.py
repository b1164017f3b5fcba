"""The device on asyncio: `AsyncClient` is `Client` driven by the event loop. CPython only."""

import asyncio

from .client import Client
from .errors import AtinyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .lwm2m.model import Object


class AsyncClient:
    """`Client` on asyncio: the same arguments; nothing blocks, and no thread is started.

    ::

        async with AsyncClient("urn:dev:lamp-1", "coap://127.0.0.1", objects=[lamp]) as client:
            await client.wait_registered()
            status = await client.report(b"\\x01")

    Handlers, callbacks and ``on_event`` are called in the event loop's thread and must not block. Name resolution
    blocks when the device connects. All methods are called in the event loop's thread, but `changed`, which any
    thread may call.
    """

    def __init__(self, endpoint: str, server: "Any" = None, **options: object):
        self._client = Client(endpoint, server, **options)  # type: ignore[arg-type]
        self._client.loop.waker = self._wake
        self._loop: "asyncio.AbstractEventLoop | None" = None
        self._timer: "asyncio.TimerHandle | None" = None
        self._watched: "set[int]" = set()
        self._waiting: "set[asyncio.Future[None]]" = set()

    async def start(self) -> None:
        """Begin to register; returns at once."""
        self._loop = asyncio.get_running_loop()
        self._step()

    async def stop(self, timeout_s: float = 5) -> None:
        """De-register, end every report, release everything; the server has ``timeout_s`` seconds to answer."""
        if self._loop is None:
            self._client.close()
            return
        self._client.stop(timeout_s, wait=False)
        await self._wait(lambda: self._client.stopped, None)

    async def __aenter__(self) -> "AsyncClient":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def report(self, data: bytes, cookie: object = None) -> int:
        """Send application data and wait for its final `ReportStatus`. Raises as `Client.report` does.

        Reports go out in the order of the calls; to send without waiting, make a task of it.
        """
        report = self._client.report(data, cookie)
        await self._wait(lambda: report.done, None)
        return report.status

    def changed(self, path: "str | tuple[int, ...]") -> None:
        """As `Client.changed`."""
        self._client.changed(path)

    def add_object(self, item: "Object | type[Object]") -> None:
        """As `Client.add_object`."""
        self._client.add_object(item)

    def remove_object(self, path: "str | tuple[int, ...]") -> None:
        """As `Client.remove_object`."""
        self._client.remove_object(path)

    def reconnect(self) -> None:
        """As `Client.reconnect`."""
        self._client.reconnect()

    def update_psk(self, identity: "str | bytes", key: bytes, short_server_id: "int | None" = None) -> None:
        """As `Client.update_psk`."""
        self._client.update_psk(identity, key, short_server_id)

    def device_error(self, code: int, present: bool = True) -> None:
        """As `Client.device_error`."""
        self._client.device_error(code, present)

    def bootstrap(self) -> None:
        """As `Client.bootstrap`."""
        self._client.bootstrap()

    def go_offline(self) -> None:
        """As `Client.go_offline`."""
        self._client.go_offline()

    def go_online(self) -> None:
        """As `Client.go_online`."""
        self._client.go_online()

    def sleep_until(self) -> "int | None":
        """As `Client.sleep_until`."""
        return self._client.sleep_until()

    @property
    def registered(self) -> bool:
        """Whether the device is registered."""
        return self._client.registered

    async def wait_registered(self, timeout_s: "float | None" = None) -> bool:
        """Wait until the device is registered; returns whether it is."""
        await self._wait(lambda: self._client.registered, timeout_s)
        return self._client.registered

    # -- the event loop's side

    def _wake(self) -> None:
        """Something was asked of the client, perhaps by another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._step)

    def _step(self) -> None:
        """One pass of the client, and the next one arranged."""
        loop = self._loop
        assert loop is not None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self._client.step()
        watched = set(self._client.loop.filenos())
        for descriptor in self._watched - watched:
            loop.remove_reader(descriptor)
        for descriptor in watched - self._watched:
            loop.add_reader(descriptor, self._step)
        self._watched = watched
        if due_ms is not None:
            self._timer = loop.call_later(due_ms / 1000, self._step)
        for future in list(self._waiting):
            if not future.done():
                future.set_result(None)

    async def _wait(self, ended: "Callable[[], bool]", timeout_s: "float | None") -> None:
        """Wait until ``ended()``: it can become true only in a pass."""
        if self._loop is None:
            raise AtinyError("start the client first: async with AsyncClient(...) as client")
        until = None if timeout_s is None else self._loop.time() + timeout_s
        while not ended() and not self._client.stopped:
            left = None if until is None else until - self._loop.time()
            if left is not None and left <= 0:
                return
            future = self._loop.create_future()
            self._waiting.add(future)
            try:
                await asyncio.wait_for(future, left)
            except asyncio.TimeoutError:
                return
            finally:
                self._waiting.discard(future)
