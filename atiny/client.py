"""`Client`: a device on one server, for hosts that never saw the SDK: an `Agent`, a `Platform` and a `Loop`.

Everything of the host (commands, callbacks, events) is called in the loop's thread, outside every lock.
"""

from . import adapter
from .adapter.base import LOG_DEBUG
from .agent import Agent, Settings
from .coap.exchange import Transmission
from .commands import ATINY_UPDATE_PSK, CommandHandler
from .dtls import psk_session
from .dtls.session import Session, check_psk
from .errors import NotRegistered, ParameterError
from .loop import Loop
from .lwm2m.host import Host
from .lwm2m.model import Model, Object
from .lwm2m.objects.app_data import REPORT_PATH, AppData
from .lwm2m.objects.device import Device
from .lwm2m.objects.security import Security
from .lwm2m.objects.server import DEFAULT_LIFETIME_S, Server
from .lwm2m.path import parse, render
from .lwm2m.report import DEFAULT_CAPACITY, Report, ReportQueue
from .params import APP_DATA, MAX_REPORT_DATA_LEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .adapter.base import Platform

SHORT_SERVER_ID = 123  # of the IoT server, as in the SDK


class PendingReport(Report):
    """A report that the client accepted: its end can be waited for."""

    __slots__ = ("_loop", "_ended")

    def __init__(
        self,
        loop: Loop,
        payload: bytes,
        cookie: object,
        callback: "Callable[[int, Any, int], object] | None",
        confirmable: bool,
    ):
        super().__init__(APP_DATA, REPORT_PATH, payload, cookie, callback, confirmable)
        self._loop = loop
        self._ended = loop.platform.signal()

    def wait(self, timeout_s: "float | None" = None) -> int:
        """Wait for the end; returns the status, which is not final (`done` is False) where the time ran out.

        Where no thread runs the client's loop, this call does.
        """
        self._loop.wait(self._ended, lambda: self.done, timeout_s)
        return self.status

    def finish(self, status: int) -> None:
        super().finish(status)
        self._ended.set()


class Client:
    """An LwM2M device.

    ``endpoint``: the device's name at the server. ``server``: "coap://host[:port]" or "coaps://host[:port]". ``psk``:
    (identity, key) for "coaps", the identity str or bytes, the key 1 to 32 bytes. ``device``: a `CommandHandler`, or
    anything with its ``cmd_ioctl``, or that function. ``objects``: the device's own objects (`Object` instances, or
    classes without instances yet). ``lifetime``: seconds. ``binding``: "U" or "UQ". ``manufacturer``, ``dev_type``:
    for the Device object, where ``device`` does not say. ``queue_size``: reports that may wait. ``on_event(event,
    arg)``: is told the ATINY_* events. ``platform``: the adapters. ``ack_timeout_ms``, ``max_retransmit``: RFC 7252
    section 4.8. ``confirmable_notifications``: send changed values as CON. ``retry_min_s``, ``retry_max_s``: the
    back-off between registration attempts. ``ciphers``: DTLS cipher suites of pre-shared keys, by Mbed TLS's names or
    IANA's, most wanted first. ``handshake_timeout_s``: of one whole DTLS handshake.

    Raises `ParameterError` for what cannot be meant and `NotSupported` for what this runtime cannot do.
    """

    def __init__(
        self,
        endpoint: str,
        server: str,
        *,
        psk: "tuple[str | bytes, bytes] | None" = None,
        device: "Any" = None,
        objects: "Iterable[Object | type[Object]]" = (),
        lifetime: int = DEFAULT_LIFETIME_S,
        binding: str = "U",
        manufacturer: str = "atiny",
        dev_type: "str | None" = None,
        queue_size: int = DEFAULT_CAPACITY,
        on_event: "Callable[[int, Any], object] | None" = None,
        platform: "Platform | None" = None,
        ack_timeout_ms: int = 2000,
        max_retransmit: int = 4,
        confirmable_notifications: bool = False,
        retry_min_s: float = 2,
        retry_max_s: float = 120,
        ciphers: "tuple[str, ...] | None" = None,
        handshake_timeout_s: float = 60,
    ):
        if type(endpoint) is not str or not endpoint:
            raise ParameterError("the endpoint name is %r: give the device a name" % (endpoint,))
        _check_positive("lifetime", lifetime)
        _check_positive("queue_size", queue_size)
        _check_positive("ack_timeout_ms", ack_timeout_ms)
        scheme, host, port = parse_server(server)
        if (scheme == "coaps") != (psk is not None):
            raise ParameterError("coaps:// and psk=(identity, key) go together: give both, or coap:// without a psk")
        if psk is not None and (type(psk) not in (tuple, list) or len(psk) != 2):
            raise ParameterError("psk is a pair: (identity, key)")
        if handshake_timeout_s <= 0:
            raise ParameterError("handshake_timeout_s is %r: give a positive number" % (handshake_timeout_s,))
        identity, key = check_psk(psk[0], psk[1]) if psk is not None else (b"", b"")
        self.platform = platform or adapter.Platform()
        mutex = self.platform.mutex()
        self._loop = Loop(self.platform, mutex, on_event)

        settings = Settings(endpoint)
        settings.transmission = Transmission(ack_timeout_ms=ack_timeout_ms, max_retransmit=max_retransmit)
        settings.confirmable_notifications = confirmable_notifications
        settings.retry_min_ms = int(retry_min_s * 1000)
        settings.retry_max_ms = int(retry_max_s * 1000)
        if self.platform.log_level <= LOG_DEBUG:
            settings.trace = self._loop.trace
        handler = device if device is not None else CommandHandler()
        self._commands = commands = Host(getattr(handler, "cmd_ioctl", handler))
        model = Model()
        self._agent = agent = Agent(settings, model, ReportQueue(mutex, queue_size), self.platform.hardware.random)
        account = Server(SHORT_SERVER_ID, lifetime, binding, agent.server_changed)
        self._security = Security(server, SHORT_SERVER_ID, identity, key)
        model.add(self._security)
        model.add(account)
        model.add(Device(commands, manufacturer, dev_type, lambda: account.binding))
        model.add(AppData(commands, 0))
        model.add(AppData(commands, 1))
        for item in objects:
            model.add(item)
        handshake_ms = int(handshake_timeout_s * 1000)

        def new_session() -> Session:
            if scheme == "coap":
                return Session()
            return psk_session(self._security.identity, self._security.secret_key, ciphers, handshake_ms)

        agent.add_server(host, port, account, new_session)
        self._loop.attach(agent)

    # -- what the host asks, from any thread

    def report(
        self, data: bytes, cookie: object = None, callback: "Callable[[int, Any, int], object] | None" = None
    ) -> PendingReport:
        """Send application data (1 to 1024 bytes, copied) up from /19/0/0 as a confirmable message.

        It waits in the queue until a server observes, and ends in one final status: ``callback(type, cookie, status)``
        is told, and the returned report can be waited for. Raises `QueueFull` and `ParameterError`.
        """
        return self.queue_report(data, cookie, callback, True)

    def queue_report(
        self, data: bytes, cookie: object, callback: "Callable[[int, Any, int], object] | None", confirmable: bool
    ) -> PendingReport:
        """As `report`; ``confirmable`` says whether its arrival is asked for."""
        if type(data) not in (bytes, bytearray, memoryview) or not 1 <= len(data) <= MAX_REPORT_DATA_LEN:
            raise ParameterError("a report is 1 to %d bytes" % MAX_REPORT_DATA_LEN)
        report = PendingReport(self._loop, bytes(data), cookie, callback, confirmable)
        if not self._agent.reports.put(report):
            raise NotRegistered("the client has stopped")
        self._loop.wake()
        return report

    def changed(self, path: "str | tuple[int, ...]") -> None:
        """The value at ``path`` ("/3303/0/5700") changed: servers that observe it are notified."""
        self._loop.request(self._agent.changed, parse(path))

    def add_object(self, item: "Object | type[Object]") -> None:
        """Add an object instance to the running device; the server is told by an Update. Raises `ParameterError`."""
        self._agent.model.add(item)
        self._loop.request(self._agent.changed, (item.object_id,))

    def remove_object(self, path: "str | tuple[int, ...]") -> None:
        """Remove an object instance, or an object, from the running device; the server is told by an Update.

        Raises `ParameterError` for the path of a resource.
        """
        ids = parse(path)
        if len(ids) > 2:
            raise ParameterError("%s is a resource: remove its instance or object, like /3303/0" % render(ids))
        self._loop.request(self._agent.remove, ids)

    def update_psk(self, identity: "str | bytes", key: bytes) -> None:
        """Use a new pre-shared key from the next handshake on; the host is told by ATINY_UPDATE_PSK.

        Call `reconnect` for that handshake to come now. Raises `ParameterError`.
        """
        self._loop.request(self._update_psk, check_psk(identity, key))

    def _update_psk(self, psk: "tuple[bytes, bytes]", now: int) -> None:
        self._security.identity, self._security.secret_key = psk
        self._loop.call(self._commands.do, ATINY_UPDATE_PSK, psk)

    def reconnect(self) -> None:
        """Connect and register anew, now: the network changed. Queued reports are kept."""
        self._loop.request(self._agent.reconnect, None)

    @property
    def registered(self) -> bool:
        """Whether the device is registered."""
        return self._agent.registered

    def wait_registered(self, timeout_s: "float | None" = None) -> bool:
        """Wait until the device is registered; returns whether it is. Runs the loop where no thread does."""
        self._loop.wait(self._loop.registered, lambda: self._agent.registered, timeout_s)
        return self._agent.registered

    # -- the loop

    def run(self) -> None:
        """Run the device here; returns after `stop`."""
        if not self._loop.stopped:
            self._loop.run()

    def start(self) -> None:
        """Run the device in a thread of its own. Raises `NotSupported` where the runtime has no threads."""
        self._loop.start()

    def step(self) -> "int | None":
        """One pass, for hosts with a loop of their own: receive what is there, do what is due, send. Never blocks.

        Returns the milliseconds until the next pass is needed if no datagram comes and nothing is asked of the
        client; None: only those can be.
        """
        return self._loop.step()

    def stop(self, timeout_s: float = 5, wait: bool = True) -> None:
        """De-register, end every report, release everything. Safe from any thread, from a callback, and twice.

        The server has ``timeout_s`` seconds to answer the De-register. Returns when all is released; at once from a
        callback, or with ``wait`` False: then the loop, or further calls of `step`, do the rest until `stopped`.
        """
        self._loop.stop(timeout_s, wait)

    def close(self) -> None:
        """Release everything at once, without a De-register. Not while a loop runs: use `stop`."""
        self._loop.close()

    @property
    def stopped(self) -> bool:
        """Whether everything is released; the client cannot be used any more."""
        return self._loop.stopped

    @property
    def loop(self) -> Loop:
        """What drives the device, for those who bring a loop of their own (`AsyncClient`)."""
        return self._loop

    def __enter__(self) -> "Client":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def parse_server(server: str) -> "tuple[str, str, int]":
    """(scheme, host, port) of "coap://host[:port]" or "coaps://..."; an IPv6 address stands in brackets."""
    scheme, separator, rest = str(server).partition("://")
    if not separator or scheme not in ("coap", "coaps"):
        raise ParameterError("the server is %r: give it as coap://host:port" % (server,))
    host, port = rest.rstrip("/"), ""
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ParameterError("the server is %r: an IPv6 address is given as coap://[::1]:5683" % (server,))
        port = port[1:]
    elif host.count(":") == 1:
        host, separator, port = host.partition(":")
        if not port:
            raise ParameterError("the server is %r: the port after the colon is missing" % (server,))
    elif host.count(":") > 1:
        raise ParameterError("the server is %r: an IPv6 address is given as coap://[::1]:5683" % (server,))
    if not host or "/" in host or (port and not port.isdigit()):
        raise ParameterError("the server is %r: give it as coap://host:port" % (server,))
    number = int(port) if port else (5684 if scheme == "coaps" else 5683)
    if not 0 < number < 65536:
        raise ParameterError("the port %d is not one from 1 to 65535" % number)
    return scheme, host, number


def _check_positive(name: str, value: object) -> None:
    if type(value) is not int or value <= 0:
        raise ParameterError("%s is %r: give a positive whole number" % (name, value))
