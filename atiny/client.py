"""`Client`: a device on one server, for hosts that never saw the SDK: an `Agent`, a `Platform` and a `Loop`.

Everything of the host (commands, callbacks, events) is called in the loop's thread, outside every lock.
"""

from . import adapter
from .adapter.base import LOG_DEBUG, LOG_ERR, LOG_WARNING
from .agent import Agent, Clock, Settings
from .coap.exchange import Transmission
from .commands import ATINY_GET_OTA_OPT, ATINY_UPDATE_PSK, CommandHandler
from .dtls import psk_session
from .dtls.session import Session, check_psk
from .errors import NotRegistered, ParameterError
from .factory import add_accounts, as_accounts, check_positive, choose_mode
from .loop import Loop
from .lwm2m.accounts import pairs
from .lwm2m.host import Host
from .lwm2m.model import Model, Object
from .lwm2m.objects.app_data import AppData
from .lwm2m.objects.connectivity import Connectivity
from .lwm2m.objects.device import Device, check_error
from .lwm2m.objects.location import Location
from .lwm2m.objects.security import MODE_NOSEC, Security
from .lwm2m.objects.server import DEFAULT_LIFETIME_S
from .lwm2m.objects.statistics import Statistics
from .lwm2m.path import parse, render
from .lwm2m.persistence import Records
from .lwm2m.report import DEFAULT_CAPACITY, ReportQueue
from .params import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_SEQUENCE, MAX_REPORT_DATA_LEN
from .pending import PendingReport as PendingReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .adapter.base import Platform
    from .factory import ServerAccount
    from .fota.options import FirmwareOptions

_OPTIONAL = (Connectivity, Location)  # there is one where the host has something to say for it
RETRY_MIN_S = 2  # before the second attempt to register; the SDK's is another where it goes through the sequence
SEQUENCE_RETRY_MIN_S = 10


class Client:
    """An LwM2M device.

    ``endpoint``: the device's name at the server. ``server``: "coap://host[:port]" or "coaps://host[:port]", or a
    `ServerAccount`, or a list of those. ``psk``: (identity, key) for "coaps", the identity str or bytes, the key 1 to
    32 bytes. ``bootstrap``, ``bootstrap_psk``: the same of the bootstrap server. ``bootstrap_mode``: BOOTSTRAP_*;
    None: BOOTSTRAP_FACTORY where there is a ``server``, else BOOTSTRAP_CLIENT_INITIATED, in which the bootstrap server
    alone says which servers there are. ``hold_off``: seconds to wait before a bootstrap that the device begins. With
    a ``store`` in the platform, what servers wrote outlives a restart, until these arguments are changed.

    ``firmware``: a `FirmwareOptions`, for a platform with a ``storage``: which packages the device takes (object 5);
    None: what the host answers to ATINY_GET_OTA_OPT, or the defaults.

    ``device``: a `CommandHandler`, or anything with its ``cmd_ioctl``, or that function. ``objects``: the device's own
    objects (`Object` instances, or classes without instances yet). ``lifetime``: seconds. ``binding``: "U" or "UQ",
    queue mode: the device sleeps when nothing has happened for ``awake_s`` seconds. ``manufacturer``, ``dev_type``:
    for the Device object, where ``device`` does not say. ``queue_size``: reports that may wait. ``on_event(event,
    arg)``: is told the ATINY_* events. ``platform``: the adapters.

    ``ack_timeout_ms``, ``max_retransmit``: RFC 7252, section 4.8. ``confirmable_notifications``: send changed values as
    CON. ``stored_notifications``: how many are kept for each server while it cannot be told. ``retry_min_s``,
    ``retry_max_s``: the back-off between registration attempts; None: 2 seconds, in BOOTSTRAP_SEQUENCE 10.
    ``ciphers``: DTLS cipher suites of pre-shared keys, by Mbed TLS's names or IANA's, most wanted first.
    ``handshake_timeout_s``: of one whole DTLS handshake.

    Raises `ParameterError` for what cannot be meant and `NotSupported` for what this runtime cannot do.
    """

    def __init__(
        self,
        endpoint: str,
        server: "str | ServerAccount | list[ServerAccount] | None" = None,
        *,
        psk: "tuple[str | bytes, bytes] | None" = None,
        bootstrap: "str | None" = None,
        bootstrap_psk: "tuple[str | bytes, bytes] | None" = None,
        bootstrap_mode: "int | None" = None,
        hold_off: int = 0,
        device: "Any" = None,
        objects: "Iterable[Object | type[Object]]" = (),
        lifetime: int = DEFAULT_LIFETIME_S,
        binding: str = "U",
        awake_s: float = 93,
        manufacturer: str = "atiny",
        dev_type: "str | None" = None,
        queue_size: int = DEFAULT_CAPACITY,
        on_event: "Callable[[int, Any], object] | None" = None,
        platform: "Platform | None" = None,
        firmware: "FirmwareOptions | None" = None,
        ack_timeout_ms: int = 2000,
        max_retransmit: int = 4,
        confirmable_notifications: bool = False,
        stored_notifications: int = 32,
        retry_min_s: "float | None" = None,
        retry_max_s: float = 120,
        ciphers: "tuple[str, ...] | None" = None,
        handshake_timeout_s: float = 60,
    ):
        if type(endpoint) is not str or not endpoint:
            raise ParameterError("the endpoint name is %r: give the device a name" % (endpoint,))
        check_positive("lifetime", lifetime)
        check_positive("queue_size", queue_size)
        check_positive("ack_timeout_ms", ack_timeout_ms)
        check_positive("stored_notifications", stored_notifications)
        if handshake_timeout_s <= 0 or awake_s <= 0:
            name, value = ("awake_s", awake_s) if awake_s <= 0 else ("handshake_timeout_s", handshake_timeout_s)
            raise ParameterError("%s is %r: give a positive number" % (name, value))
        if type(hold_off) is not int or hold_off < 0:
            raise ParameterError("hold_off is %r: give a number of seconds" % (hold_off,))
        mode = choose_mode(bootstrap_mode, server, bootstrap)
        servers = as_accounts(server, psk)
        if mode == BOOTSTRAP_CLIENT_INITIATED:
            servers = []  # SDK: the request comes first
        if bootstrap_psk is not None and bootstrap is None:
            raise ParameterError("bootstrap_psk is for the bootstrap server: give bootstrap=")
        self._model = model = Model()
        self._fingerprint = add_accounts(model, servers, lifetime, binding, bootstrap, bootstrap_psk, hold_off)
        self.platform = platform or adapter.Platform()
        if firmware is not None and self.platform.storage is None:
            raise ParameterError("firmware needs a place for the image: give Platform(storage=SlotStorage(folder))")
        self._firmware = firmware
        mutex = self.platform.mutex()
        self._loop = Loop(self.platform, mutex, on_event)

        settings = Settings(endpoint)
        settings.transmission = Transmission(ack_timeout_ms=ack_timeout_ms, max_retransmit=max_retransmit)
        settings.confirmable_notifications = confirmable_notifications
        settings.stored_notifications = stored_notifications
        settings.awake_ms = int(awake_s * 1000)
        settings.hold_off_ms = hold_off * 1000
        if retry_min_s is None:
            retry_min_s = SEQUENCE_RETRY_MIN_S if mode == BOOTSTRAP_SEQUENCE else RETRY_MIN_S
        settings.retry_min_ms = int(retry_min_s * 1000)
        settings.retry_max_ms = int(retry_max_s * 1000)
        if self.platform.log_level <= LOG_DEBUG:
            settings.trace = self._loop.trace
        handler = device if device is not None else CommandHandler()
        self._commands = commands = Host(handler)
        clock = Clock()
        statistics = Statistics(clock)
        self._device = Device(commands, manufacturer, dev_type, self._binding)
        for item in (self._device, statistics, AppData(commands, 0), AppData(commands, 1)):
            model.add(item)
        for own in objects:
            model.add(own)
        handshake_ms = int(handshake_timeout_s * 1000)

        def new_session(security: Security) -> Session:
            if security.security_mode == MODE_NOSEC:
                return Session()
            return psk_session(security.identity, security.secret_key, ciphers, handshake_ms)

        for security, _ in pairs(model):
            new_session(security)  # what this runtime cannot do is said now
        self._records = Records(self.platform.store, self._warn)
        self._agent = Agent(
            settings,
            model,
            ReportQueue(mutex, queue_size),
            self.platform.hardware.random,
            new_session,
            self._records,
            self._fingerprint,
            commands,
            mode,
            statistics,
            clock,
        )
        self._loop.attach(self._agent, self._prepare)

    def _prepare(self) -> None:
        """With the loop's first pass: what the store has kept, and the objects that depend on what the host can."""
        if not self._records.load_accounts(self._model, self._fingerprint):
            self._records.load_previous(self._model, self._fingerprint)  # all that a damaged record leaves
        self._device.errors = self._records.load_errors()
        self._device.on_errors = self._errors_changed
        for cls in _OPTIONAL:
            self._add_supported(cls.object_id)
        if self.platform.storage is not None:
            self._add_firmware()

    def _add_firmware(self) -> None:
        from .fota.options import FirmwareOptions  # a device without a storage needs none of this

        options = self._firmware
        if options is None:
            answer = self._commands.get(ATINY_GET_OTA_OPT, None)
            options = answer if isinstance(answer, FirmwareOptions) else FirmwareOptions()
        try:
            from .adapter.http_source import http_sources

            sources = http_sources(self.platform, self._loop.request)
        except ImportError:  # MicroPython: a source for HTTP is the host's (FirmwareOptions.sources)
            sources = []
        self._agent.add_firmware(self.platform.storage, options, sources)

    def _errors_changed(self, codes: "list[int]") -> None:
        """The host, or a server's reset, changed /3/0/11."""
        self._records.save_errors(codes)
        self._agent.model_changed((3, 0, 11))

    def _add_supported(self, object_id: int) -> None:
        """Add Connectivity Monitoring or Location where the host has something to say for it."""
        for cls in _OPTIONAL:
            if cls.object_id == object_id and object_id not in self._model.objects and cls.supported(self._commands):
                self._model.add(cls(self._commands))

    def _binding(self) -> str:
        """The binding that the device registers with: of its first server."""
        for _, server in pairs(self._model):
            binding: str = server.binding
            return binding
        return "U"

    def _warn(self, text: str) -> None:
        self.platform.log_line(LOG_WARNING, text)

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
        self._loop.request(self._changed, parse(path))

    def _changed(self, path: "tuple[int, ...]", now: int) -> None:
        self._add_supported(path[0])  # a position, say, that the host has only now
        self._agent.changed(path, now)

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

    def update_psk(self, identity: "str | bytes", key: bytes, short_server_id: "int | None" = None) -> None:
        """Use a new pre-shared key from the next handshake on; the host is told by ATINY_UPDATE_PSK.

        ``short_server_id``: of the server that has it too; None: the first one. Call `reconnect` for that handshake to
        come now. Raises `ParameterError`.
        """
        self._loop.request(self._update_psk, (check_psk(identity, key), short_server_id))

    def _update_psk(self, asked: "tuple[tuple[bytes, bytes], int | None]", now: int) -> None:
        psk, short_server_id = asked
        for security, server in pairs(self._model):
            if short_server_id is None or server.short_server_id == short_server_id:
                security.identity, security.secret_key = psk
                self._agent.changed((Security.object_id, security.instance_id), now)
                self._loop.call(self._commands.do, ATINY_UPDATE_PSK, psk)
                return
        self.platform.log_line(LOG_ERR, "update_psk: there is no server %s" % short_server_id)

    def device_error(self, code: int, present: bool = True) -> None:
        """Add an error code to the device's (/3/0/11): 1 to 32, such as 1, low battery; ``present`` False: it is over.

        A server resets all by /3/0/12. Kept over a restart where the platform has a ``store``. Where the host answers
        ATINY_GET_DEV_ERR, its codes count instead. Raises `ParameterError`.
        """
        self._loop.request(self._device_error, (check_error(code), present))

    def _device_error(self, asked: "tuple[int, bool]", now: int) -> None:
        code, present = asked
        if present:
            self._device.add_error(code)
        else:
            self._device.remove_error(code)
        self._agent.changed((3, 0, 11), now)

    def reconnect(self) -> None:
        """Connect and register anew, now: the network changed. Queued reports are kept."""
        self._loop.request(self._agent.reconnect, None)

    def bootstrap(self) -> None:
        """Ask the bootstrap server for accounts, now; ATINY_BOOTSTRAP_OK or ATINY_BOOTSTRAP_FAIL follows."""
        self._loop.request(self._agent.bootstrap, None)

    def go_offline(self) -> None:
        """Send nothing and expect nothing until `go_online`: the network is away, and the host knows it.

        Reports wait in their queue; notifications are kept or dropped as each server wants it (/1/x/6).
        """
        self._loop.request(self._agent.go_offline, None)

    def go_online(self) -> None:
        """The network is back: registrations are renewed, then everything that waits is sent."""
        self._loop.request(self._agent.go_online, None)

    def sleep_until(self) -> "int | None":
        """How long the device may power down: until this time of `Hardware.gettime_ms`, in milliseconds.

        That is now, or earlier, while something is still expected. None: nothing is due by itself.
        """
        now = self.platform.hardware.gettime_ms()
        return now if self._loop.asked else self._agent.sleep_until(now)

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
