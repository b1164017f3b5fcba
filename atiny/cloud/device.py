"""One device as the cloud sees it: what can be asked of it (OMA LwM2M 1.0, 5.4 and 5.5) and what it reports."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import aiocoap
from aiocoap.numbers.codes import Code

from . import errors, events, values
from .commands import Command, CommandQueue
from .exchange import Exchanges, Response, number
from .observation import Observation, complete
from .registry import Registration

if TYPE_CHECKING:
    from .server import Cloud

REPORT_CAPACITY = 1000
COMMAND_PATH = "/19/1/0"
DEFAULT_EXPIRE_S = 48 * 3600.0  # guide, "Delivering Commands"


class Device(Exchanges):
    """A device, by its endpoint name; the same object through all its registrations (`Cloud.device` makes it).

    Every request waits for its turn (NSTART 1), returns a `Response` whatever its code, and raises
    `errors.UnknownDevice` where the device is not registered, `errors.DeviceAsleep` where it is in queue mode and does
    not wake within ``wait_s``, `errors.DeviceTimeout` and the other `errors.DeviceError` where no answer comes.
    Paths are like "/3/0/9"; what is no path of LwM2M is sent as it is, to see what the device makes of it.
    """

    def __init__(self, cloud: Cloud, endpoint: str):
        super().__init__(cloud, endpoint)
        self.observations: dict[str, Observation] = {}
        self.commands = CommandQueue(self, cloud.spawn)
        self._reports: deque[events.Report] = deque(maxlen=REPORT_CAPACITY)
        self._wanting: deque[asyncio.Future[events.Report]] = deque()

    # What the device can be asked

    async def read(self, path: str, accept: int | None = None, *, wait_s: float = 0) -> Response:
        """Read (GET); ``accept``: the Content-Format wanted."""
        return await self.request(Code.GET, path, accept=accept, wait_s=wait_s)

    async def discover(self, path: str, *, wait_s: float = 0) -> Response:
        """Discover (GET with Accept 40); the links are in `Response.links`."""
        return await self.request(Code.GET, path, accept=40, wait_s=wait_s)

    async def write(
        self, path: str, value: Any, content_format: int | None = None, *, replace: bool = True, wait_s: float = 0
    ) -> Response:
        """Write: PUT replaces, POST (``replace=False``) updates.

        ``value``: bytes go as they are (as opaque, 42, unless ``content_format`` says otherwise), anything else is
        encoded by `values.encode`.
        """
        payload, content_format = values.encode(path, value, content_format)
        code = Code.PUT if replace else Code.POST
        return await self.request(code, path, payload=payload, content_format=content_format, wait_s=wait_s)

    async def write_attributes(self, path: str, *, wait_s: float = 0, **attributes: Any) -> Response:
        """Write-Attributes (PUT without a payload): pmin, pmax, gt, lt, st; None sends the name alone (it unsets)."""
        query = tuple(name if value is None else f"{name}={value}" for name, value in attributes.items())
        return await self.request(Code.PUT, path, query=query, wait_s=wait_s)

    async def execute(self, path: str, arguments: str = "", *, wait_s: float = 0) -> Response:
        """Execute (POST on a resource), with arguments as text where there are any."""
        content_format = 0 if arguments else None
        return await self.request(
            Code.POST, path, payload=arguments.encode(), content_format=content_format, wait_s=wait_s
        )

    async def create(
        self, path: str, payload: Any = b"", content_format: int | None = None, *, wait_s: float = 0
    ) -> Response:
        """Create (POST on an object); the new instance's path is `Response.location`. Bytes are taken for TLV."""
        if content_format is None and isinstance(payload, bytes) and payload:
            content_format = values.TLV
        payload, content_format = values.encode(path, payload, content_format)
        return await self.request(
            Code.POST, path, payload=payload, content_format=content_format if payload else None, wait_s=wait_s
        )

    async def delete(self, path: str, *, wait_s: float = 0) -> Response:
        """Delete."""
        return await self.request(Code.DELETE, path, wait_s=wait_s)

    async def observe(self, path: str, accept: int | None = None, *, wait_s: float = 0) -> Response:
        """Observe; what is notified from now on are `events.Report`. A second Observe of a path replaces the first."""
        observation = Observation(self._cloud.context, path, self._observed, self._notified, self._end_observation)

        async def run(request: Any) -> Any:
            first = await observation.start(request)
            return await complete(self._cloud.context, request, first)

        try:
            return await self._asked(Code.GET, path, run, wait_s=wait_s, accept=accept, observe=0)
        except BaseException:
            if self.observations.get(path) is not observation:
                observation.forget()
            raise

    async def cancel(self, path: str, how: str = "token", *, wait_s: float = 0) -> Response | None:
        """End the observation of ``path``.

        ``how``: "token" (GET with Observe 1 and the observation's token), "path" (the same with a token of its own) or
        "reset" (say nothing, answer the next confirmable notification with RST; returns None).
        """
        if path not in self.observations:
            raise errors.CloudError(f"{path} of {self.endpoint} is not observed")
        if how not in ("token", "path", "reset"):
            raise errors.CloudError(f"how is token, path or reset, not {how!r}")
        observation = self.observations[path]
        response = None
        try:
            if how == "token":
                response = await self._asked(Code.GET, path, lambda request: observation.cancel(), wait_s=wait_s)
            elif how == "path":
                response = await self.request(Code.GET, path, observe=1, wait_s=wait_s)
        except errors.CloudError:
            if not observation.active:  # it was asked for and not answered: nothing is listened to any more
                self._end_observation(observation, "cancelled")
            raise
        self._end_observation(observation, "cancelled")
        return response

    async def request(self, code: Code, path: str, *, wait_s: float = 0, **options: Any) -> Response:
        """Any request.

        ``options``: payload (bytes), content_format, accept, observe, query (a tuple of "name=value"), timeout_s (in
        all; None: the cloud's ``response_timeout_s``).
        """

        async def run(request: Any) -> Any:
            return await self._cloud.context.request(request).response

        return await self._asked(code, path, run, wait_s=wait_s, **options)

    def command(self, data: bytes, expire_s: float = DEFAULT_EXPIRE_S, path: str = COMMAND_PATH) -> Command:
        """Queue a command: raw bytes, written to /19/1/0 in its turn.

        ``expire_s``: how long it may wait for the device, which need not even be registered yet; 0: it is delivered at
        once or fails (guide, "Delivering Commands").
        """
        return self.commands.submit(data, expire_s, path)

    # What the device reports

    async def next_report(self, timeout_s: float | None = 10.0) -> events.Report:
        """The oldest report that was not taken yet, or the next to come. `TimeoutError` where none comes.

        The latest `REPORT_CAPACITY` are kept for this.
        """
        if self._reports:
            return self._reports.popleft()
        wanted: asyncio.Future[events.Report] = asyncio.get_running_loop().create_future()
        self._wanting.append(wanted)
        try:
            return await asyncio.wait_for(wanted, timeout_s)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no report from {self.endpoint} within {timeout_s} s") from None
        finally:
            if wanted in self._wanting:
                self._wanting.remove(wanted)

    # Where the device stands (`Cloud` calls these)

    def attach(self, registration: Registration) -> None:
        """The device registered, or updated its registration (`Cloud` calls this)."""
        if self.registration is not registration:
            self.detach("registration ended")
            self.registration = registration
            self._ended = asyncio.get_running_loop().create_future()
        for observation in self.observations.values():
            observation.move(registration.remote)
        super().heard()  # its commands go after `begin`

    def detach(self, reason: str) -> None:
        """The registration ended (`Cloud` calls this): so do its observations and the requests on their way."""
        self.registration = None
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        for observation in tuple(self.observations.values()):
            self._end_observation(observation, reason)

    async def begin(self, observe: tuple[str, ...]) -> None:
        """The device has its answer (`Cloud` calls this): observe what is not observed yet, then deliver commands."""
        await self._observe_missing(observe)
        self.commands.kick()
        self._cloud.fota.heard(self.endpoint)

    async def _observe_missing(self, paths: tuple[str, ...]) -> None:
        for path in paths:
            registration = self.registration
            if registration is None:
                return
            if path in self.observations or not registration.objects.has(path):
                continue
            try:
                response = await self.observe(path)
            except errors.CloudError:
                continue  # it is in the log
            if path not in self.observations and self.registration is registration:
                self.events.add(
                    events.Error, self.endpoint, message=f"Observe {path} was answered {response.code_text}"
                )

    # How it is done

    def heard(self) -> None:
        """Something came from the device: what waits for it can go."""
        super().heard()
        self.commands.kick()

    def _observed(self, observation: Observation, message: Any) -> None:
        former = self.observations.get(observation.path)
        if former is not None:
            self._end_observation(former, "replaced")
        self.observations[observation.path] = observation
        self.events.add(
            events.Observed,
            self.endpoint,
            path=observation.path,
            token=observation.token,
            content_format=number(message.opt.content_format),
            data=message.payload,
        )

    def _notified(self, observation: Observation, message: Any) -> None:
        self.heard()
        if message.opt.block2 is not None and message.opt.block2.more:
            self._cloud.spawn(self._complete(observation, message))
        else:
            self._report(observation, message)

    async def _complete(self, observation: Observation, message: Any) -> None:
        what = f"the rest of a notification of {observation.path} of {self.endpoint}"
        try:
            async with self._turn:
                whole = await self._answer(complete(self._cloud.context, observation.request, message), what)
        except errors.CloudError as problem:
            self.events.add(events.Error, self.endpoint, message=str(problem))
        else:
            self._report(observation, whole)

    def _report(self, observation: Observation, message: Any) -> None:
        content_format = number(message.opt.content_format)
        report = self.events.add(
            events.Report,
            self.endpoint,
            path=observation.path,
            data=message.payload,
            content_format=content_format,
            value=values.decode(observation.path, content_format, message.payload),
            number=message.opt.observe,
            confirmable=message.mtype is aiocoap.CON,
        )
        while self._wanting:
            wanted = self._wanting.popleft()
            if not wanted.done():
                wanted.set_result(report)
                return
        self._reports.append(report)

    def _end_observation(self, observation: Observation, reason: str) -> None:
        observation.forget()
        if self.observations.get(observation.path) is observation:
            del self.observations[observation.path]
            self.events.add(
                events.Unobserved, self.endpoint, path=observation.path, token=observation.token, reason=reason
            )
