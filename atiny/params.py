"""The SDK's parameter structures and enumerations (guide, "Data Structure").

Values are the SDK's; names are the SDK's too, spelt correctly, with a misspelt one kept as an alias.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# atiny_event_e; those from ATINY_HANDLER_ERROR on are ours.
ATINY_REG_OK = 0
ATINY_REG_FAIL = 1
ATINY_DATA_SUBSCRIBE = 2
ATINY_DATA_UNSUBSCRIBE = 3
ATINY_FOTA_STATE = 4
ATINY_HANDLER_ERROR = 5  # arg: (path, exception); a handler of the host raised, the server was told 5.00
ATINY_NOTIFY_DONE = 6  # arg: (path, short server id, ReportStatus); what became of a notification
ATINY_BOOTSTRAP_OK = 7  # the bootstrap server wrote new accounts, with which the device registers now
ATINY_BOOTSTRAP_FAIL = 8  # arg: the reason; it will be tried again, or corrected
EVENT_NAMES = (
    "registered",
    "not registered",
    "subscribed",
    "unsubscribed",
    "firmware",
    "handler error",
    "notification",
    "bootstrapped",
    "not bootstrapped",
)
ATINY_DATA_SUBSCRIBLE = ATINY_DATA_SUBSCRIBE
ATINY_DATA_UNSUBSCRIBLE = ATINY_DATA_UNSUBSCRIBE

# atiny_bootstrap_type_e
BOOTSTRAP_FACTORY = 0
BOOTSTRAP_CLIENT_INITIATED = 1
BOOTSTRAP_SEQUENCE = 2

# atiny_report_type_e
FIRMWARE_UPDATE_STATE = 0
APP_DATA = 1

MAX_REPORT_DATA_LEN = 1024


class ReportStatus:
    """What became of a report (data_send_status_e). Final: all but SENT_WAIT_RESPONSE and SEND_PENDING."""

    NOT_SENT = 0
    SENT_WAIT_RESPONSE = 1
    SENT_FAIL = 2
    SENT_TIME_OUT = 3
    SENT_SUCCESS = 4
    SENT_GET_RST = 5
    SEND_PENDING = 6

    NAMES = (
        "NOT_SENT",
        "SENT_WAIT_RESPONSE",
        "SENT_FAIL",
        "SENT_TIME_OUT",
        "SENT_SUCCESS",
        "SENT_GET_RST",
        "SEND_PENDING",
    )

    @staticmethod
    def name(status: int) -> str:
        """The word for a status: ``ReportStatus.name(4) == "SENT_SUCCESS"``."""
        return ReportStatus.NAMES[status]


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
