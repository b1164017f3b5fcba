"""`Cloud`: the local LwM2M server, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import aiocoap
from aiocoap import error, resource

from ..dtls.mbedtls import load
from ..errors import ParameterError
from . import errors, events
from .bootstrap import PORT as BOOTSTRAP_PORT, BootstrapResult, BootstrapServer, ConfigSource
from .clock import Clock, LoopClock
from .commands import Command
from .device import DEFAULT_EXPIRE_S, Device
from .exchange import Response
from .files import ROOT as FILES, FilesResource
from .fota import FirmwareUpgrades, Fota
from .keys import KeyStore, identity_of, shown
from .provisioning import BootstrapAccount, BootstrapConfig, KeyIssuer
from .rd import RegisterResource, RegistrationResource
from .registry import Registration, Registry
from .secured import SecuredAddress, SecuredInterface, open_secured
from .transport import close_context, open_context, tuning

_log = logging.getLogger(__name__)

APP_DATA_REPORTS = "/19/0/0"


class Cloud(FirmwareUpgrades):
    """A local LwM2M 1.0 server on aiocoap, for demonstrations and for testing devices::

        async with Cloud(port=0) as cloud:
            device = await cloud.wait_registered("lamp-1")
            report = await device.next_report()
            assert await device.command(b"\\x01").wait() == CommandState.SUCCESS

    ``host``, ``port``: where it listens (port 0: a free one, then in `port`).
    ``dtls_port``: where it listens for DTLS besides (0: a free one, then in `secure_port`), None: nowhere.
    ``psk``: who may come there, as {identity: key} or a `KeyStore`; `keys` may be changed while it runs. By default an
    identity may register the endpoint name that it spells, and no other; such a name is then closed to devices without
    DTLS. What is registered over DTLS belongs to its identity: an Update or De-register by anybody else is answered
    4.03.
    ``observe``: the paths that it observes at each device that registers and has them.
    ``versions``: the versions of LwM2M that it accepts; another one is answered 4.12.
    ``authorize(endpoint, remote)``: whether that peer may register under that name, over and above the rules of
    `keys`; otherwise 4.03.
    ``ack_timeout_s``, ``max_retransmit``: RFC 7252 4.8's, for its requests to devices; ``response_timeout_s``: how long
    a request may take in all (None: MAX_TRANSMIT_WAIT and what a separate response may add).
    ``awake_s``: how long a device in queue mode listens after it was heard (OMA 1.0, 8.3: MAX_TRANSMIT_WAIT).
    ``bootstrap``: have a bootstrap server too, for what is to be done with devices: True provisions each to this cloud
    (`own_account`), else a `BootstrapConfig` for all, a mapping {endpoint: BootstrapConfig}, or a function of the
    endpoint. ``bootstrap_port``, ``bootstrap_dtls_port``, ``bootstrap_psk``: where it listens, who may come, as above.
    ``advertise``: the host under which devices reach the cloud, where that is not ``host`` (which may be "::").
    ``http_port``: where firmware is served by HTTP, once `fota_pull` is asked for it (0: a free port).
    ``clock``: what lifetimes, awake times and expiry are counted on. ``log_capacity``: events kept.

    All methods and properties are for the event loop that entered it; `CloudThread` is for everybody else.
    Raises `atiny.errors.NotSupported` where a ``dtls_port`` is given and the runtime has no DTLS.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5683,
        *,
        dtls_port: int | None = None,
        psk: Mapping[Any, bytes] | KeyStore | None = None,
        observe: Iterable[str] = (APP_DATA_REPORTS,),
        versions: Iterable[str] = ("1.0",),
        authorize: Callable[[str, Any], bool] | None = None,
        ack_timeout_s: float = 2.0,
        max_retransmit: int = 4,
        response_timeout_s: float | None = None,
        awake_s: float = 93.0,
        bootstrap: ConfigSource | bool | None = None,
        bootstrap_port: int = BOOTSTRAP_PORT,
        bootstrap_dtls_port: int | None = None,
        bootstrap_psk: Mapping[Any, bytes] | KeyStore | None = None,
        advertise: str | None = None,
        http_port: int = 0,
        clock: Clock | None = None,
        log_capacity: int = 1000,
    ):
        if psk and dtls_port is None:
            raise ParameterError("psk needs a dtls_port: 5684, or 0 for a free one")
        if bootstrap_psk and bootstrap_dtls_port is None:
            raise ParameterError("bootstrap_psk needs a bootstrap_dtls_port: 5784, or 0 for a free one")
        if bootstrap is False:
            bootstrap = None
        if bootstrap is None and bootstrap_dtls_port is not None:
            raise ParameterError("bootstrap_dtls_port needs bootstrap: True, or what is to be done with devices")
        self.host = host
        self.port = port
        self.secure_port = dtls_port
        self.keys = psk if isinstance(psk, KeyStore) else KeyStore(psk)
        if dtls_port is not None or bootstrap_dtls_port is not None:
            load()
        self.clock: Clock = clock or LoopClock()
        self.events = events.EventLog(self.clock.wall, log_capacity)
        self.tuning = tuning(ack_timeout_s, max_retransmit)
        self.response_timeout_s = response_timeout_s or 2 * self.tuning.MAX_TRANSMIT_WAIT
        self.awake_s = awake_s
        self._observe = tuple(observe)
        self._authorize = authorize
        self._registry = Registry(self.clock, self._expired, versions, self._may_register)
        self._devices: dict[str, Device] = {}
        self._context: aiocoap.Context | None = None
        self._secured: SecuredInterface | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._answered: list[Device] = []
        self._advertise = advertise
        self.issuer = KeyIssuer(self.keys)
        self.fota = Fota(self, http_port)
        self.bootstrap_server: BootstrapServer | None = None
        if bootstrap is not None:
            source = self._to_itself if bootstrap is True else bootstrap
            keys = bootstrap_psk if isinstance(bootstrap_psk, KeyStore) else KeyStore(bootstrap_psk)
            self.bootstrap_server = BootstrapServer(self, source, bootstrap_port, bootstrap_dtls_port, keys)

    async def start(self) -> None:
        """Listen. Raises `errors.PortInUse`, `errors.HostUnknown` or `atiny.errors.TransportError`."""
        site = resource.Site()
        site.add_resource(["rd"], RegisterResource(self))
        site.add_resource(["rd"], RegistrationResource(self))
        site.add_resource([FILES], FilesResource(self.fota.shelf))
        context, address, self.port = await open_context(site, self.host, self.port)
        if self.secure_port is not None:
            try:
                self._secured, self.secure_port = await open_secured(
                    context, address, self.secure_port, self.keys, self.events
                )
            except BaseException:
                await close_context(context)
                raise
        self._context = context
        if self.bootstrap_server is not None:
            try:
                await self.bootstrap_server.start()
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Forget the devices, end what is on its way, release the port. A second call does nothing."""
        if self._context is None:
            return
        if self.bootstrap_server is not None:
            await self.bootstrap_server.stop()
        for device in self._devices.values():
            device.commands.close()
        for registration in self._registry.clear():
            self._end(registration, "stopped")
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.fota.stop()
        context, self._context = self._context, None
        await close_context(context)
        self._secured = None

    async def __aenter__(self) -> Cloud:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What a device is given: "coap://127.0.0.1:5683"."""
        return f"coap://{self._host}:{self.port}"

    @property
    def secure_url(self) -> str:
        """What a device with a key is given: "coaps://127.0.0.1:5684". Raises `errors.CloudError` without DTLS."""
        if self.secure_port is None:
            raise errors.CloudError("the cloud has no DTLS port: give it a dtls_port")
        return f"coaps://{self._host}:{self.secure_port}"

    @property
    def bootstrap_url(self) -> str:
        """What a device is given to be bootstrapped: "coap://127.0.0.1:5783". Raises `errors.CloudError` without."""
        return f"coap://{self._host}:{self._bootstrap.port}"

    @property
    def bootstrap_secure_url(self) -> str:
        """The same for a device with a key. Raises `errors.CloudError` without DTLS."""
        if self._bootstrap.secure_port is None:
            raise errors.CloudError("the bootstrap server has no DTLS port: give it a bootstrap_dtls_port")
        return f"coaps://{self._host}:{self._bootstrap.secure_port}"

    @property
    def _bootstrap(self) -> BootstrapServer:
        if self.bootstrap_server is None:
            raise errors.CloudError("the cloud has no bootstrap server: give it bootstrap=True, or a BootstrapConfig")
        return self.bootstrap_server

    @property
    def _host(self) -> str:
        host = self._advertise or self.host
        return f"[{host}]" if ":" in host else host

    def check_reached(self) -> str:
        """The host as URLs for devices have it; raises `errors.CloudError` where it is not known."""
        if self._advertise is None and self.host in ("::", "0.0.0.0"):
            raise errors.CloudError("the cloud listens on all addresses: give it advertise, the one that devices reach")
        return self._host

    @property
    def context(self) -> aiocoap.Context:
        """aiocoap's context; raises `errors.CloudError` while the cloud is stopped."""
        if self._context is None:
            raise errors.CloudError("the cloud is not running")
        return self._context

    @property
    def devices(self) -> list[Device]:
        """The devices that are registered now."""
        return [device for device in self._devices.values() if device.registered]

    def device(self, endpoint: str) -> Device:
        """The device of this endpoint name, registered or not: commands can be queued for one that is yet to come."""
        if endpoint not in self._devices:
            self._devices[endpoint] = Device(self, endpoint)
        return self._devices[endpoint]

    async def wait_registered(self, endpoint: str, timeout_s: float | None = 10.0) -> Device:
        """The device, as soon as it is registered. Raises `TimeoutError`."""
        device = self.device(endpoint)
        if not device.registered:
            await self.events.wait_for(events.Registered, timeout_s, after=self.events.total, endpoint=endpoint)
        return device

    def command(self, endpoint: str, data: bytes, expire_s: float = DEFAULT_EXPIRE_S) -> Command:
        """Queue a command for a device; see `Device.command`."""
        return self.device(endpoint).command(data, expire_s)

    # Bootstrap

    def own_account(self, endpoint: str, **fields: Any) -> BootstrapAccount:
        """An account of this cloud for a device; with a DTLS port with a fresh key, which `keys` then has.

        The key that was made for the device before is void as soon as it has registered with the new one. ``fields``:
        the others of `BootstrapAccount`. For any thread. Raises `errors.CloudError` where the cloud is not running, or
        listens on all addresses and has no ``advertise``.
        """
        if self._context is None:
            raise errors.CloudError("the cloud is not running")
        self.check_reached()
        if self.secure_port is None:
            return BootstrapAccount(self.url, **fields)
        identity, key = self.issuer.issue(endpoint)
        return BootstrapAccount(self.secure_url, identity=identity, key=key, **fields)

    def _to_itself(self, endpoint: str) -> BootstrapConfig:
        return BootstrapConfig([self.own_account(endpoint)])

    async def bootstrap(self, endpoint: str, config: BootstrapConfig | None = None) -> BootstrapResult:
        """Bootstrap a device that has not asked for it; see `BootstrapServer.bootstrap`."""
        return await self._bootstrap.bootstrap(endpoint, config)

    async def wait_bootstrapped(
        self, endpoint: str, timeout_s: float | None = 10.0, *, after: int = 0
    ) -> BootstrapResult:
        """The result of the device's last bootstrap, when there is one that ended later than event number ``after``.

        Raises `TimeoutError`.
        """
        await self.events.wait_for(events.BootstrapEnded, timeout_s, after=after, endpoint=endpoint)
        return self._bootstrap.results[endpoint]

    async def trigger_bootstrap(self, endpoint: str) -> Response:
        """Have a registered device ask its bootstrap server (Execute /1/x/9); the answer, as of `Device.execute`.

        A device of several servers lets each execute only what is its own: the instances are tried in turn.
        """
        device = self.device(endpoint)
        registration = device.registration
        instances = registration.objects.objects.get(1, ()) if registration is not None else ()
        for instance in sorted(instances) or [0]:
            response = await device.execute(f"/1/{instance}/9")
            if response.code != error.Unauthorized.code:
                break
        return response

    # What the registration interface calls (rd.py)

    def register(self, request: Any) -> Registration:
        """A Register request; raises aiocoap's renderable errors."""
        registration, replaced = self._registry.register(
            request.opt.uri_query, request.opt.content_format, request.payload, request.remote
        )
        self.issuer.registered(registration.endpoint, registration.identity)
        if replaced is not None:
            self._end(replaced, "replaced")
            self._moved(replaced.remote)
        device = self.device(registration.endpoint)
        device.attach(registration)
        self._answered.append(device)
        self.events.add(
            events.Registered,
            registration.endpoint,
            id=registration.id,
            address=registration.address,
            lifetime_s=registration.lifetime_s,
            binding=registration.binding,
            version=registration.version,
            objects=registration.objects.objects,
            identity="" if registration.identity is None else shown(registration.identity),
        )
        return registration

    def update(self, id: str, request: Any) -> None:
        """An Update request; raises aiocoap's renderable errors."""
        former = self._registry.remote_of(id)
        registration, changed = self._registry.update(
            id, request.opt.uri_query, request.opt.content_format, request.payload, request.remote
        )
        device = self.device(registration.endpoint)
        device.attach(registration)
        self._answered.append(device)
        self._moved(former)
        self.events.add(events.Updated, registration.endpoint, id=registration.id, changed=changed)

    def deregister(self, id: str, request: Any) -> None:
        """A De-register request; raises aiocoap's renderable errors."""
        self._end(self._registry.deregister(id, request.remote), "requested")

    def answered(self) -> None:
        """The answer to `register` or `update` is on its way."""
        devices, self._answered = self._answered, []
        for device in devices:
            self.spawn(device.begin(self._observe))

    def refused(self, request: Any, problem: Any) -> None:
        """A request was answered with an error."""
        endpoint = ""
        for item in request.opt.uri_query:
            if item.startswith("ep="):
                endpoint = item[3:]
        path = "/" + "/".join(("rd", *request.opt.uri_path))
        message = f"{request.code.name} {path} from {request.remote.hostinfo} refused with {problem.code}"
        self.events.add(events.Error, endpoint, message=message + (f": {problem.message}" if problem.message else ""))

    # What the parts of the cloud share

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run ``work`` beside everything else; `stop` ends it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if problem is not None:  # at once: asyncio would tell it when the task is collected, if ever
            _log.error("a task of the cloud failed: %s", task.get_coro(), exc_info=problem)

    # The DTLS port

    def _may_register(self, endpoint: str, remote: Any) -> bool:
        identity = identity_of(remote)
        if not self.keys.may_register(endpoint, identity):
            if identity is None:
                raise error.Forbidden(f"{endpoint} has to register over DTLS")
            return False
        return self._authorize is None or self._authorize(endpoint, remote)

    def _moved(self, former: Any) -> None:
        """A device came from elsewhere: end the session that it came in before, unless somebody is registered there."""
        if isinstance(former, SecuredAddress) and self._secured is not None:
            if all(registration.remote is not former for registration in self._registry):
                self._secured.end(former, "replaced by a new session")

    def _expired(self, registration: Registration) -> None:
        self.device(registration.endpoint).detach("registration expired")
        self.events.add(events.Expired, registration.endpoint, id=registration.id, lifetime_s=registration.lifetime_s)

    def _end(self, registration: Registration, reason: str) -> None:
        self.device(registration.endpoint).detach("registration ended")
        self.events.add(events.Deregistered, registration.endpoint, id=registration.id, reason=reason)
