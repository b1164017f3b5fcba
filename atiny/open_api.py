"""The SDK's open API: its shapes and return codes, a thin face over `Client`.

::

    code, handle = atiny_init(params, cmd_ioctl, event_notify)
    atiny_bind(device_info, handle)            # the main loop: returns after atiny_deinit
    atiny_data_report(handle, report)          # from any thread, or from a callback
    atiny_deinit(handle)
"""

from . import adapter
from .adapter.base import LOG_ERR
from .client import Client
from .errors import (
    ATINY_ARG_INVALID,
    ATINY_CLIENT_UNREGISTERED,
    ATINY_MALLOC_FAILED,
    ATINY_OK,
    ATINY_RESOURCE_NOT_FOUND,
    AtinyError,
)
from .lwm2m.objects.server import DEFAULT_LIFETIME_S
from .lwm2m.report import DEFAULT_CAPACITY
from .params import (
    APP_DATA,
    BOOTSTRAP_CLIENT_INITIATED,
    BOOTSTRAP_FACTORY,
    BOOTSTRAP_SEQUENCE,
    MAX_REPORT_DATA_LEN,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .adapter.base import Platform
    from .open_params import AtinyDeviceInfo, AtinyParam, DataReport


class Handle:
    """What atiny_init gives: opaque to the host. It lives until atiny_deinit, or a failed atiny_bind, releases it."""

    __slots__ = ("params", "cmd_ioctl", "event_notify", "platform", "client", "released")

    def __init__(
        self,
        params: "AtinyParam",
        cmd_ioctl: "Callable[..., Any]",
        event_notify: "Callable[[int, Any], object] | None",
        platform: "Platform | None",
    ):
        self.params = params
        self.cmd_ioctl = cmd_ioctl
        self.event_notify = event_notify
        self.platform = platform
        self.client: "Client | None" = None
        self.released = False


def atiny_init(
    params: "AtinyParam | None",
    cmd_ioctl: "Callable[..., Any]",
    event_notify: "Callable[[int, Any], object] | None" = None,
    platform: "Platform | None" = None,
) -> "tuple[int, Handle | None]":
    """Check the parameters and make a handle; returns (code, handle), the handle None on an error.

    ``cmd_ioctl(cmd, arg)`` serves the command words (`CommandHandler.cmd_ioctl`); ``event_notify(event, arg)`` is told
    the ATINY_* events; ``platform`` bundles the adapters, by default the runtime's.

    ATINY_ARG_INVALID: no params or cmd_ioctl, an unknown bootstrap mode, or no address and port of the server that
    the mode needs: index 0 for BOOTSTRAP_FACTORY, index 1 for BOOTSTRAP_CLIENT_INITIATED.
    """
    if params is None or not callable(cmd_ioctl):
        return ATINY_ARG_INVALID, None
    mode = params.server_params.bootstrap_mode
    if mode != BOOTSTRAP_SEQUENCE:
        if mode not in (BOOTSTRAP_FACTORY, BOOTSTRAP_CLIENT_INITIATED) or _server(params, mode)[0] is None:
            return ATINY_ARG_INVALID, None
    return ATINY_OK, Handle(params, cmd_ioctl, event_notify, platform)


def atiny_bind(device_info: "AtinyDeviceInfo | None", handle: "Handle | None") -> int:
    """The main loop: registers, and serves the cloud until atiny_deinit, then returns ATINY_OK.

    A server that cannot be reached is tried again without end: it is no error. ATINY_ARG_INVALID: no device_info,
    handle, endpoint_name or manufacturer, or the handle was released before; ATINY_MALLOC_FAILED: a binding that does
    not begin with U or S; ATINY_ERR: this runtime or version cannot do what the parameters ask (the log says what).
    The handle is released on any error. A slim build without queue mode registers with U where the binding is UQ.
    """
    if handle is None or handle.released or handle.client is not None:
        return ATINY_ARG_INVALID
    code = ATINY_OK
    binding = handle.params.server_params.binding or "U"
    if device_info is None or not device_info.endpoint_name or not device_info.manufacturer:
        code = ATINY_ARG_INVALID
    elif binding[0] not in "US":
        code = ATINY_MALLOC_FAILED
    else:
        if "Q" in binding:
            try:
                from .lwm2m import queue_mode as _queue_mode  # noqa: F401
            except ImportError:  # a slim build without it: the device is there all the time, which serves as well
                binding = binding.replace("Q", "")
        try:
            handle.client = _client(handle, device_info, binding)
        except AtinyError as error:
            (handle.platform or adapter.Platform()).log_line(LOG_ERR, "atiny_bind: %s" % error)
            code = error.atiny_code
        else:
            handle.client.run()
    handle.released = True
    return code


def _client(handle: Handle, device_info: "AtinyDeviceInfo", binding: str) -> Client:
    params = handle.params
    server_params = params.server_params
    server, psk = _server(params, BOOTSTRAP_FACTORY)
    bootstrap, bootstrap_psk = _server(params, BOOTSTRAP_CLIENT_INITIATED)
    storing_cnt = server_params.storing_cnt
    return Client(
        device_info.endpoint_name,
        server,
        psk=psk,
        bootstrap=bootstrap,
        bootstrap_psk=bootstrap_psk,
        bootstrap_mode=server_params.bootstrap_mode,
        hold_off=max(0, server_params.hold_off_time),
        device=handle.cmd_ioctl,
        lifetime=server_params.life_time if server_params.life_time > 0 else DEFAULT_LIFETIME_S,
        binding=binding,
        manufacturer=device_info.manufacturer,
        dev_type=device_info.dev_type,
        queue_size=max(1, storing_cnt) if storing_cnt else DEFAULT_CAPACITY,
        on_event=handle.event_notify,
        platform=handle.platform,
    )


def _server(params: "AtinyParam", mode: int) -> "tuple[str | None, tuple[str | bytes, bytes] | None]":
    """The URI and PSK of the server that a device asks first in a mode, as `Client` takes them.

    The SDK's numbers are the same: mode and index 0 the IoT server, 1 the bootstrap server. (None, None): it has no
    address or port.
    """
    for server in params.security_params[mode : mode + 1]:
        if server is not None and server.server_ip and server.server_port:
            psk = None if server.psk is None else (server.psk_id or "", server.psk)
            host = str(server.server_ip)
            if ":" in host:
                host = "[%s]" % host
            return "%s://%s:%s" % ("coap" if psk is None else "coaps", host, server.server_port), psk
    return None, None


def atiny_deinit(handle: "Handle | None") -> None:
    """De-register and release everything. From any thread: returns when all is released; from a callback: at once.

    A second call does nothing.
    """
    if handle is None:
        return
    handle.released = True
    if handle.client is not None:
        handle.client.stop()


def atiny_data_report(handle: "Handle | None", report: "DataReport | None") -> int:
    """Queue a report of application data; ``buf`` is copied. From any thread, or from a callback; never blocks.

    ATINY_ARG_INVALID: no handle, report or buf, or not 1 to 1024 bytes; ATINY_RESOURCE_NOT_FOUND: a type other than
    APP_DATA, or before atiny_bind; ATINY_RESOURCE_NOT_ENOUGH: the queue is full.
    """
    if handle is None or report is None or report.buf is None:
        return ATINY_ARG_INVALID
    if not 1 <= len(report.buf) <= MAX_REPORT_DATA_LEN:
        return ATINY_ARG_INVALID
    client = handle.client
    if report.type != APP_DATA or client is None:
        return ATINY_RESOURCE_NOT_FOUND
    try:
        client.queue_report(report.buf, report.cookie, report.callback, report.callback is not None)
    except AtinyError as error:
        return error.atiny_code
    return ATINY_OK


def atiny_data_change(handle: "Handle | None", path: "str | None") -> int:
    """A value changed: servers that observe ``path`` ("/3/0/9") are notified. From any thread; never blocks.

    ATINY_ARG_INVALID: no handle or path, or not a path; ATINY_CLIENT_UNREGISTERED: not registered.
    """
    if handle is None or path is None:
        return ATINY_ARG_INVALID
    if handle.client is None or not handle.client.registered:
        return ATINY_CLIENT_UNREGISTERED
    try:
        handle.client.changed(path)
    except AtinyError as error:
        return error.atiny_code
    return ATINY_OK


def atiny_reconnect(handle: "Handle | None") -> int:
    """Connect and register anew, now. ATINY_ARG_INVALID: no handle; ATINY_CLIENT_UNREGISTERED: not bound."""
    if handle is None:
        return ATINY_ARG_INVALID
    if handle.client is None or handle.released:
        return ATINY_CLIENT_UNREGISTERED
    handle.client.reconnect()
    return ATINY_OK
