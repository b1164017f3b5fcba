"""The structures that the SDK's open API takes (guide, "Data Structure").

Values are the SDK's; names are the SDK's too, spelt correctly. The enumerations are in `params`.
"""

from .params import APP_DATA, BOOTSTRAP_FACTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class AtinyServerParam:
    """How the device registers (atiny_server_param_t).

    ``binding``: "U" or "UQ"; ``life_time``: seconds; ``storing_cnt``: capacity of the report queue (0: 8);
    ``bootstrap_mode``: BOOTSTRAP_*; ``hold_off_time``: seconds to wait for a server-initiated bootstrap.
    """

    __slots__ = ("binding", "life_time", "storing_cnt", "bootstrap_mode", "hold_off_time")

    def __init__(
        self,
        binding: str = "UQ",
        life_time: int = 50000,
        storing_cnt: int = 0,
        bootstrap_mode: int = BOOTSTRAP_FACTORY,
        hold_off_time: int = 10,
    ):
        self.binding = binding
        self.life_time = life_time
        self.storing_cnt = storing_cnt
        self.bootstrap_mode = bootstrap_mode
        self.hold_off_time = hold_off_time


class AtinySecurityParam:
    """One server's address and credentials (atiny_security_param_t); no PSK: plain CoAP."""

    __slots__ = ("server_ip", "server_port", "psk_id", "psk")

    def __init__(
        self,
        server_ip: "str | None" = None,
        server_port: "str | int | None" = None,
        psk_id: "str | bytes | None" = None,
        psk: "bytes | None" = None,
    ):
        self.server_ip = server_ip
        self.server_port = server_port
        self.psk_id = psk_id
        self.psk = psk


class AtinyParam:
    """What atiny_init takes (atiny_param_t). ``security_params``: 0 the IoT server, 1 the bootstrap server."""

    __slots__ = ("server_params", "security_params")

    def __init__(
        self,
        server_params: "AtinyServerParam | None" = None,
        security_params: "list[AtinySecurityParam] | None" = None,
    ):
        self.server_params = server_params or AtinyServerParam()
        self.security_params = security_params or []


class AtinyDeviceInfo:
    """Who the device is (atiny_device_info_t)."""

    __slots__ = ("endpoint_name", "manufacturer", "dev_type")

    def __init__(self, endpoint_name: str, manufacturer: str, dev_type: "str | None" = None):
        self.endpoint_name = endpoint_name
        self.manufacturer = manufacturer
        self.dev_type = dev_type


class DataReport:
    """One report (data_report_t): ``buf`` is 1 to 1024 bytes; ``callback(type, cookie, status)`` is told its end, once.

    With a callback it goes as a confirmable message, without one as a non-confirmable one.
    """

    __slots__ = ("type", "cookie", "buf", "callback")

    def __init__(
        self,
        type: int = APP_DATA,
        cookie: object = 0,
        buf: bytes = b"",
        callback: "Callable[[int, Any, int], object] | None" = None,
    ):
        self.type = type
        self.cookie = cookie
        self.buf = buf
        self.callback = callback
