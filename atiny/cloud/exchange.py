"""Requests to one device, one at a time: its turn, its sleep, its answer or the error that there is instead."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiocoap
from aiocoap.numbers.codes import Code

from . import errors, events, transport, values
from .clock import Clock
from .links import Link, parse_links
from .registry import Registration

if TYPE_CHECKING:
    from .server import Cloud


@dataclass(frozen=True)
class Response:
    """A device's answer. ``code``: the number of RFC 7252 (69 is 2.05); ``location``: the path of a Create."""

    path: str
    code: int
    payload: bytes = b""
    content_format: int | None = None
    location: str | None = None
    message: Any = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the code is a 2.xx."""
        return self.code >> 5 == 2

    @property
    def code_text(self) -> str:
        """The code as it is written: "2.05"."""
        return f"{self.code >> 5}.{self.code & 31:02d}"

    @property
    def value(self) -> Any:
        """The payload decoded by its Content-Format, see `values.decode`."""
        return values.decode(self.path, self.content_format, self.payload)

    @property
    def links(self) -> list[Link]:
        """The links of an answer to Discover. Raises `CodecError`."""
        return parse_links(self.payload)


class Exchanges:
    """What is between a device and the cloud: at most one request on its way (NSTART 1, RFC 7252 4.7)."""

    def __init__(self, cloud: Cloud, endpoint: str):
        self.endpoint = endpoint
        self.registration: Registration | None = None
        self._cloud = cloud
        self._turn = asyncio.Lock()
        self._ended: asyncio.Future[None] | None = None
        self._waking: list[asyncio.Future[None]] = []

    @property
    def registered(self) -> bool:
        """Whether it is registered now."""
        return self.registration is not None

    @property
    def reachable(self) -> bool:
        """Whether it is registered, its DTLS session (where it has one) is in force, and in queue mode it was heard
        within the awake time.
        """
        registration = self.registration
        if registration is None or registration.disconnected:
            return False
        return not registration.queue_mode or self._cloud.clock.now() - registration.last_seen < self._cloud.awake_s

    @property
    def clock(self) -> Clock:
        """The cloud's clock."""
        return self._cloud.clock

    @property
    def events(self) -> events.EventLog:
        """The cloud's event log."""
        return self._cloud.events

    def heard(self) -> None:
        """Something came from the device: it is awake now."""
        if self.registration is not None:
            self.registration.last_seen = self.clock.now()
        for waiting in self._waking:
            if not waiting.done():
                waiting.set_result(None)
        self._waking.clear()

    async def _wake(self, wait_s: float) -> None:
        """Wait until the device was heard, at most ``wait_s``."""
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waking.append(waking)

        def give_up() -> None:
            if not waking.done():
                waking.set_result(None)

        handle = self.clock.call_later(wait_s, give_up)
        try:
            await waking
        finally:
            handle.cancel()

    def _reach(self) -> Registration:
        if self.registration is None:
            raise errors.UnknownDevice(f"{self.endpoint} is not registered")
        if self.registration.disconnected:
            raise errors.DeviceUnreachable(f"the DTLS session of {self.endpoint} has ended, there is no new one yet")
        if not self.reachable:
            raise errors.DeviceAsleep(f"{self.endpoint} is in queue mode and sleeps")
        return self.registration

    async def _asked(
        self,
        code: Code,
        path: str,
        run: Callable[[Any], Coroutine[Any, Any, Any]],
        *,
        wait_s: float = 0,
        timeout_s: float | None = None,
        on_send: Callable[[], None] | None = None,
        payload: bytes = b"",
        content_format: int | None = None,
        accept: int | None = None,
        observe: int | None = None,
        query: tuple[str, ...] = (),
    ) -> Response:
        if wait_s > 0 and self.registered and not self.reachable:
            await self._wake(wait_s)
        async with self._turn:
            registration = self._reach()
            message = aiocoap.Message(code=code, payload=payload, transport_tuning=self._cloud.tuning)
            message.remote = registration.remote
            message.opt.uri_path = registration.objects.root + tuple(part for part in path.split("/") if part)
            message.opt.uri_query = query
            message.opt.content_format = content_format
            message.opt.accept = accept
            message.opt.observe = observe
            if on_send is not None:
                on_send()
            what = f"{code.name} {path} of {self.endpoint}"
            try:
                answer = await self._answer(run(message), what, timeout_s)
            except errors.CloudError as problem:
                self.events.add(events.Error, self.endpoint, message=str(problem))
                if isinstance(problem, errors.DeviceTimeout) and registration.queue_mode:
                    registration.last_seen = -math.inf  # it sleeps already; what is queued waits until it is heard
                raise
        self.heard()
        return _response(path, answer)

    async def send_block(
        self,
        code: Code,
        path: str,
        payload: bytes,
        content_format: int,
        block1: tuple[int, bool, int] | None,
        size1: int | None,
    ) -> Response:
        """One block of a body (RFC 7959) in a turn of its own. ``block1``: number, whether more follow, size exponent;
        None: the body is this block. The answer's Block1 is in `Response.message`.
        """

        async def run(message: Any) -> Any:
            message.opt.block1 = block1
            message.opt.size1 = size1
            return await self._cloud.context.request(message, handle_blockwise=False).response

        return await self._asked(code, path, run, payload=payload, content_format=content_format)

    async def _answer(self, exchange: Coroutine[Any, Any, Any], what: str, timeout_s: float | None = None) -> Any:
        ended = self._ended
        assert ended is not None
        timeout_s = timeout_s or self._cloud.response_timeout_s
        task = asyncio.ensure_future(exchange)
        try:
            await asyncio.wait({task, ended}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if ended.done():
                raise errors.DeviceGone(f"{what}: the registration ended")
            raise errors.DeviceTimeout(f"{what}: no response within {timeout_s:g} s")
        except aiocoap.error.Error as problem:
            raise transport.describe(problem, what) from problem
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # has been raised, or comes too late for who has given up: asyncio is not to tell it


def number(value: Any) -> int | None:
    """A Content-Format as a plain int."""
    return None if value is None else int(value)


def _response(path: str, message: Any) -> Response:
    location = "/" + "/".join(message.opt.location_path) if message.opt.location_path else None
    return Response(path, int(message.code), message.payload, number(message.opt.content_format), location, message)
