"""The bootstrap interface (OMA LwM2M 1.0, 5.2): a server on ports of its own that gives devices their accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiocoap
from aiocoap import error, resource
from aiocoap.numbers.codes import Code

from ..errors import AtinyError
from . import errors, events, transport
from .exchange import number
from .keys import KeyStore, identity_of, shown
from .provisioning import BootstrapConfig, Inventory, Operation, check_config, inventory_of, plan
from .rd import Interface
from .registry import LINK_FORMAT
from .secured import SecuredInterface, open_secured

if TYPE_CHECKING:
    from .server import Cloud

# Leshan's ports for this, which many devices have as their default.
PORT, SECURE_PORT = 5783, 5784

_CODES = {"discover": Code.GET, "delete": Code.DELETE, "write": Code.PUT, "finish": Code.POST}

ConfigSource = (
    BootstrapConfig | Mapping[str, BootstrapConfig] | Callable[[str], "BootstrapConfig | None"]
)  # for all devices, by endpoint name, or asked for each one; None: that device is not known


@dataclass(frozen=True)
class BootstrapResult:
    """What became of a bootstrap. ``steps``: what was asked and answered, in its order; ``reason``: why it failed."""

    endpoint: str
    ok: bool
    reason: str
    steps: tuple[events.BootstrapStepped, ...]

    @property
    def failed(self) -> events.BootstrapStepped | None:
        """The step that ended it, where it was one of the device's answers, or the lack of one."""
        return None if self.ok or not self.steps or self.steps[-1].ok else self.steps[-1]


class BootstrapServer:
    """Bootstraps the devices that ask for it, or that it is told to; `Cloud` makes it.

    ``cloud``: whose log, clock, timing and tasks it shares. ``source``: a `BootstrapConfig` for all devices, a mapping
    {endpoint name: BootstrapConfig}, or a function of the endpoint name; a device without one is answered 4.00
    (5.2.7.1). ``port``, ``dtls_port``, ``keys``: as `Cloud`'s; the same rules say who may come under which name (4.03).
    """

    def __init__(
        self,
        cloud: Cloud,
        source: ConfigSource,
        port: int,
        dtls_port: int | None,
        keys: KeyStore,
    ):
        self.port = port
        self.secure_port = dtls_port
        self.keys = keys
        self.results: dict[str, BootstrapResult] = {}
        self._cloud = cloud
        self._source = source
        self._context: aiocoap.Context | None = None
        self._secured: SecuredInterface | None = None
        self._remotes: dict[str, Any] = {}
        self._running: dict[str, asyncio.Task[BootstrapResult]] = {}
        self._answered: list[tuple[str, Any, BootstrapConfig]] = []

    async def start(self) -> None:
        """Listen. Raises what `Cloud.start` raises."""
        site = resource.Site()
        site.add_resource(["bs"], _BootstrapResource(self))
        context, address, self.port = await transport.open_context(site, self._cloud.host, self.port)
        if self.secure_port is not None:
            try:
                self._secured, self.secure_port = await open_secured(
                    context, address, self.secure_port, self.keys, self._cloud.events
                )
            except BaseException:
                await transport.close_context(context)
                raise
        self._context = context

    async def stop(self) -> None:
        """Release the ports; what is on its way ends. A second call does nothing."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._context is not None:
            context, self._context = self._context, None
            await transport.close_context(context)
        self._secured = None
        self._remotes.clear()

    async def bootstrap(self, endpoint: str, config: BootstrapConfig | None = None) -> BootstrapResult:
        """Bootstrap a device that has not asked for it (server-initiated, 5.2.3.4); returns what became of it.

        The device is reached where it last asked from, or in the DTLS session of an identity that is its. ``config``:
        None: the one that the server has for it. Raises `errors.UnknownDevice` where it is not known how to reach it
        (`Cloud.trigger_bootstrap` asks a registered device to come), `errors.CloudError` without a configuration.
        """
        if config is None:
            config = self._config(endpoint)
        if config is None:
            raise errors.CloudError(f"there is no bootstrap configuration for {endpoint}")
        remote = self._reach(endpoint)
        task = self._begin(endpoint, remote, config)
        await asyncio.wait({task})
        if task.cancelled():  # before it began
            raise errors.CloudError(f"the bootstrap of {endpoint} began anew, or the cloud was stopped")
        return task.result()

    def _config(self, endpoint: str) -> BootstrapConfig | None:
        source = self._source
        if callable(source):
            return check_config(source(endpoint), endpoint)
        if isinstance(source, Mapping):
            return check_config(source.get(endpoint), endpoint)
        return check_config(source, endpoint)

    def _reach(self, endpoint: str) -> Any:
        remote = self._remotes.get(endpoint)
        if remote is not None and not getattr(remote, "closed", False):
            return remote
        if self._secured is not None:
            identities = [identity for identity in self.keys if endpoint in self.keys.endpoints(identity)]
            sessions = self._secured.sessions_of(identities)
            if sessions:
                return sessions[-1]
        raise errors.UnknownDevice(
            f"{endpoint} has not asked to be bootstrapped, and has no DTLS session with the bootstrap server"
        )

    # What the interface calls

    def request(self, request: Any) -> None:
        """A Bootstrap-Request (5.2.7.1); raises aiocoap's renderable errors."""
        names = [item[3:] for item in request.opt.uri_query if item.startswith("ep=")]
        if len(names) != 1 or not names[0] or not names[0].isprintable():
            raise error.BadRequest("one printable ep is expected")
        endpoint = names[0]
        identity = identity_of(request.remote)
        if not self.keys.may_register(endpoint, identity):
            raise error.Forbidden(
                f"{endpoint} has to come over DTLS"
                if identity is None
                else f"not allowed to be bootstrapped as {endpoint}"
            )
        try:
            config = self._config(endpoint)
        except Exception as problem:  # the host's own function may raise anything
            raise error.InternalServerError(f"no configuration: {problem}") from problem
        if config is None:
            raise error.BadRequest(f"{endpoint} is not known here")
        if identity is None and any(account.key is not None for account in config.accounts):
            # Without DTLS anybody on the way can read them; that is done only where nothing better is there, and
            # never for a name that somebody with a key already has.
            if self.secure_port is not None or self._cloud.issuer.foreign(endpoint):
                raise error.Forbidden(f"keys for {endpoint} are given over DTLS only")
        self._remotes[endpoint] = request.remote
        self._cloud.events.add(
            events.BootstrapRequested,
            endpoint,
            address=request.remote.hostinfo,
            identity="" if identity is None else shown(identity),
        )
        self._answered.append((endpoint, request.remote, config))

    def answered(self) -> None:
        """The answer to `request` is on its way."""
        waiting, self._answered = self._answered, []
        for endpoint, remote, config in waiting:
            self._begin(endpoint, remote, config)

    def refused(self, request: Any, problem: Any) -> None:
        """A request was answered with an error."""
        endpoint = next((item[3:] for item in request.opt.uri_query if item.startswith("ep=")), "")
        message = f"{request.code.name} /bs from {request.remote.hostinfo} refused with {problem.code}"
        self._cloud.events.add(
            events.Error, endpoint, message=message + (f": {problem.message}" if problem.message else "")
        )

    # How it is done

    def _begin(self, endpoint: str, remote: Any, config: BootstrapConfig) -> asyncio.Task[BootstrapResult]:
        former = self._running.get(endpoint)
        task = self._cloud.spawn(self._run(endpoint, remote, config, former))
        self._running[endpoint] = task
        if former is not None:
            former.cancel()
        return task

    async def _run(
        self, endpoint: str, remote: Any, config: BootstrapConfig, former: asyncio.Task[BootstrapResult] | None
    ) -> BootstrapResult:
        steps: list[events.BootstrapStepped] = []
        reason = ""
        try:
            if former is not None:
                await asyncio.wait({former})  # so that the log has its end first
            inventory: Inventory | None = None
            if config.discover:
                answer = await self._step(endpoint, remote, Operation("discover", "/"), steps)
                inventory = inventory_of(answer) if steps[-1].ok else None
            for operation in plan(config, inventory or Inventory()):
                await self._step(endpoint, remote, operation, steps)
                if not steps[-1].ok:
                    reason = f"{operation.name} {operation.path} was answered {steps[-1].code} {steps[-1].reason}"
                    break
        except AtinyError as problem:
            reason = str(problem)
        except asyncio.CancelledError:
            latest = self._running.get(endpoint) is asyncio.current_task()
            reason = "the cloud was stopped" if latest else "it was begun anew"
        result = BootstrapResult(endpoint, not reason, reason.rstrip(), tuple(steps))
        if self._running.get(endpoint) is asyncio.current_task():
            del self._running[endpoint]
        self.results[endpoint] = result
        self._cloud.events.add(events.BootstrapEnded, endpoint, ok=result.ok, reason=result.reason)
        return result

    async def _step(
        self, endpoint: str, remote: Any, operation: Operation, steps: list[events.BootstrapStepped]
    ) -> bytes:
        """One request; its answer is the last of ``steps``. Raises `errors.CloudError` where there is none."""
        assert self._context is not None
        message = aiocoap.Message(
            code=_CODES[operation.name], payload=operation.payload, transport_tuning=self._cloud.tuning
        )
        message.remote = remote
        message.opt.uri_path = tuple(part for part in operation.path.split("/") if part)
        message.opt.content_format = operation.content_format
        message.opt.accept = LINK_FORMAT if operation.name == "discover" else None
        what = f"{operation.name} {operation.path} of {endpoint}"
        try:
            answer = await asyncio.wait_for(self._context.request(message).response, self._cloud.response_timeout_s)
        except (aiocoap.error.Error, asyncio.TimeoutError) as problem:
            failure = (
                transport.describe(problem, what)
                if isinstance(problem, aiocoap.error.Error)
                else errors.DeviceTimeout(f"{what}: no response within {self._cloud.response_timeout_s:g} s")
            )
            self._tell(endpoint, operation, "", str(failure), steps)
            raise failure from problem
        code = f"{answer.code >> 5}.{answer.code & 31:02d}"
        # RFC 7252 5.5.2: the payload of an error without a Content-Format is a diagnostic message.
        said = "" if answer.code.is_successful() else answer.payload.decode(errors="replace")
        self._tell(endpoint, operation, code, said, steps)
        listed = operation.name == "discover" and number(answer.opt.content_format) == LINK_FORMAT
        return bytes(answer.payload) if listed else b""

    def _tell(
        self, endpoint: str, operation: Operation, code: str, reason: str, steps: list[events.BootstrapStepped]
    ) -> None:
        steps.append(
            self._cloud.events.add(
                events.BootstrapStepped,
                endpoint,
                operation=operation.name,
                path=operation.path,
                code=code,
                reason=reason,
            )
        )


class _BootstrapResource(Interface):
    """/bs: Bootstrap-Request."""

    def __init__(self, server: BootstrapServer):
        super().__init__(server)
        self._server = server

    async def render_post(self, request: Any) -> Any:
        """Bootstrap-Request; see `BootstrapServer.request` for what is refused."""
        self._server.request(request)
        return aiocoap.Message(code=Code.CHANGED)
