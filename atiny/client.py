"""`Client`: a device and its servers, for hosts that never saw the SDK: an `Agent`, a `Platform` and a `Loop`.

Everything of the host (commands, callbacks, events) is called in the loop's thread, outside every lock.
"""

from . import adapter
from .adapter.base import LOG_DEBUG, LOG_ERR, LOG_INFO, LOG_WARNING
from .agent import Agent, Settings
from .coap.exchange import Transmission
from .commands import ATINY_UPDATE_PSK, CommandHandler
from .dtls.session import Session
from .errors import NotRegistered, ParameterError
from .factory import check_positive, configure
from .loop import Loop
from .lwm2m.host import Host
from .lwm2m.model import Model, Object
from .lwm2m.objects.app_data import REPORT_PATH, AppData
from .lwm2m.objects.device import Device
from .lwm2m.objects.security import MODE_NOSEC, Security
from .lwm2m.objects.server import DEFAULT_LIFETIME_S
from .lwm2m.path import parse, render
from .lwm2m.report import DEFAULT_CAPACITY, ReportQueue
from .lwm2m.servers import pairs
from .params import APP_DATA, BOOTSTRAP_SEQUENCE, MAX_REPORT_DATA_LEN
from .pending import PendingReport as PendingReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .adapter.base import Platform
    from .factory.several import ServerAccount
    from .fota.options import FirmwareOptions
    from .lwm2m.objects.host_object import HostObject

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
        for name, seconds in (("awake_s", awake_s), ("handshake_timeout_s", handshake_timeout_s)):
            if seconds <= 0:
                raise ParameterError("%s is %r: give a positive number" % (name, seconds))
        self._model = model = Model()
        mode = configure(model, server, psk, lifetime, binding, bootstrap, bootstrap_psk, bootstrap_mode, hold_off)
        self.platform = platform = platform or adapter.Platform()
        records = None
        if platform.store is not None:
            from .lwm2m.persistence import Records, fingerprint  # a device without a store needs none of this

            records = Records(platform.store, lambda text: platform.log_line(LOG_WARNING, text), fingerprint(model))
        if firmware is not None and platform.storage is None:
            raise ParameterError("firmware needs a place for the image: give Platform(storage=SlotStorage(folder))")
        self._firmware = firmware
        self._ciphers = ciphers
        self._handshake_ms = int(handshake_timeout_s * 1000)
        for security, _ in pairs(model):
            self._new_session(security)  # what this runtime cannot do is said now
        self._loop = Loop(platform, on_event)
        mutex = None if self._loop.threads is None else self._loop.threads.mutex

        settings = Settings(endpoint)
        settings.transmission = Transmission(ack_timeout_ms=ack_timeout_ms, max_retransmit=max_retransmit)
        settings.confirmable_notifications = confirmable_notifications
        settings.stored_notifications = stored_notifications
        settings.awake_ms = int(awake_s * 1000)
        if retry_min_s is None:
            retry_min_s = SEQUENCE_RETRY_MIN_S if mode == BOOTSTRAP_SEQUENCE else RETRY_MIN_S
        settings.retry_min_ms = int(retry_min_s * 1000)
        settings.retry_max_ms = int(retry_max_s * 1000)
        if platform.log_level <= LOG_INFO:
            from .trace import Trace

            self._loop.trace = trace = Trace(platform)
            if platform.log_level <= LOG_DEBUG:
                settings.trace = trace.message
        self._commands = commands = Host(CommandHandler() if device is None else device)
        self._agent = agent = Agent(
            settings,
            model,
            ReportQueue(mutex, queue_size),
            platform.hardware.random,
            self._new_session,
            records,
            commands,
            mode,
        )
        self._device = Device(commands, manufacturer, dev_type, self._binding)
        for item in (self._device, AppData(commands, 0), AppData(commands, 1)) + tuple(objects):
            model.add(item)
        try:
            from .lwm2m.objects.statistics import Statistics

            agent.statistics = Statistics(agent.clock)
            model.add(agent.statistics)
        except ImportError:  # not in every slim build, like all that is imported in this way
            pass
        self._optional: "list[type[HostObject]] | None" = None
        self._loop.attach(self._agent, self._prepare)

    def _new_session(self, security: Security) -> "Session | None":
        if security.security_mode == MODE_NOSEC:
            return None
        from .dtls.psk import psk_session

        return psk_session(security.identity, security.secret_key, self._ciphers, self._handshake_ms)

    def _prepare(self) -> None:
        """With the loop's first pass: what the store has kept, and the objects that depend on what the host can."""
        if self._agent.records is not None:
            records = self._agent.records
            if not records.load_accounts(self._model):
                records.load_previous(self._model)  # all that a damaged record leaves
            try:
                from .lwm2m.objects.device_errors import DeviceErrors

                codes = records.load_errors()
                if codes:
                    self._device.kept_errors = DeviceErrors(self._device, records.save_errors, codes)
            except ImportError:
                pass
        self._device.on_errors = self._errors_changed
        try:  # these are there where the host has something to say for them
            from .lwm2m.objects.connectivity import Connectivity

            self._add_optional(Connectivity)
        except ImportError:
            pass
        try:
            from .lwm2m.objects.location import Location

            self._add_optional(Location)
        except ImportError:
            pass
        if self.platform.storage is not None:
            from .upgrade import add_firmware

            add_firmware(self._agent, self.platform, self._commands, self._firmware, self._loop.request)

    def _errors_changed(self) -> None:
        """The host, or a server's reset, changed /3/0/11."""
        self._agent.model_changed((3, 0, 11))

    def _add_optional(self, cls: "type[HostObject]") -> None:
        self._optional = (self._optional or []) + [cls]
        self._add_supported(cls.object_id)

    def _add_supported(self, object_id: int) -> None:
        for cls in self._optional or ():
            if cls.object_id == object_id and object_id not in self._model.objects and cls.supported(self._commands):
                self._model.add(cls(self._commands))

    def _binding(self) -> str:
        """The binding that the device registers with: of its first server."""
        accounts = pairs(self._model)
        return str(accounts[0][1].binding) if accounts else "U"

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
        report = PendingReport(APP_DATA, REPORT_PATH, bytes(data), cookie, callback, confirmable)
        report.loop = self._loop
        if not self._agent.reports.put(report):
            raise NotRegistered("the client has stopped")
        self._loop.wake()
        return report

    def changed(self, path: "str | tuple[int, ...]") -> None:
        """The value at ``path`` ("/3303/0/5700") changed: servers that observe it are notified."""
        self._loop.request(self._changed, parse(path))

    def _changed(self, path: "tuple[int, ...]", now: int) -> None:
        if self._optional is not None:
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
        from .dtls.psk import check_psk

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
        from .lwm2m.objects.device_errors import check_error

        self._loop.request(self._device_error, (check_error(code), present))

    def _device_error(self, asked: "tuple[int, bool]", now: int) -> None:
        from .lwm2m.objects.device_errors import DeviceErrors

        if self._device.kept_errors is None:
            records = self._agent.records
            save = None if records is None else records.save_errors
            self._device.kept_errors = DeviceErrors(self._device, save, [])
        self._device.kept_errors.set(asked[0], asked[1])
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
        return now if self._loop.has_requests else self._agent.sleep_until(now)

    @property
    def registered(self) -> bool:
        """Whether the device is registered."""
        return self._agent.registered

    def wait_registered(self, timeout_s: "float | None" = None) -> bool:
        """Wait until the device is registered; returns whether it is. Runs the loop where no thread does."""
        self._loop.wait(lambda: self._agent.registered, timeout_s)
        return self._agent.registered

    # -- the loop

    def run(self, timeout_s: "float | None" = None) -> None:
        """Run the device here; returns after `stop`, or when ``timeout_s`` seconds are over."""
        if not self._loop.stopped:
            self._loop.run(timeout_s)

    def start(self) -> None:
        """Run the device in a thread of its own. Raises `NotSupported` where the runtime has no threads."""
        if self._loop.threads is not None:
            self._loop.threads.start(self._loop)

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
