"""atiny: an embeddable, device-side LwM2M client; a port of the LiteOS SDK's Agent Tiny.

The SDK's API is ``atiny_init``, ``atiny_bind``, ...; `Client` (and `AsyncClient`) is the same as a Python class.
"""

import sys

from .adapter import (
    Platform as Platform,
)
from .adapter.base import (
    LOG_DEBUG as LOG_DEBUG,
    LOG_ERR as LOG_ERR,
    LOG_INFO as LOG_INFO,
    LOG_OFF as LOG_OFF,
    LOG_WARNING as LOG_WARNING,
)
from .client import (
    Client as Client,
    PendingReport as PendingReport,
)
from .commands import (
    ATINY_DO_DEV_REBOOT as ATINY_DO_DEV_REBOOT,
    ATINY_DO_FACTORY_RESET as ATINY_DO_FACTORY_RESET,
    ATINY_DO_RESET_DEV_ERR as ATINY_DO_RESET_DEV_ERR,
    ATINY_GET_ALTITUDE as ATINY_GET_ALTITUDE,
    ATINY_GET_BATERRY_LEVEL as ATINY_GET_BATERRY_LEVEL,
    ATINY_GET_BATTERY_LEVEL as ATINY_GET_BATTERY_LEVEL,
    ATINY_GET_BINDING_MODES as ATINY_GET_BINDING_MODES,
    ATINY_GET_CELL_ID as ATINY_GET_CELL_ID,
    ATINY_GET_CURRENT_TIME as ATINY_GET_CURRENT_TIME,
    ATINY_GET_DEV_ERR as ATINY_GET_DEV_ERR,
    ATINY_GET_FIRMWARE_STATE as ATINY_GET_FIRMWARE_STATE,
    ATINY_GET_FIRMWARE_VER as ATINY_GET_FIRMWARE_VER,
    ATINY_GET_LATITUDE as ATINY_GET_LATITUDE,
    ATINY_GET_LINK_QUALITY as ATINY_GET_LINK_QUALITY,
    ATINY_GET_LINK_UTILIZATION as ATINY_GET_LINK_UTILIZATION,
    ATINY_GET_LONGITUDE as ATINY_GET_LONGITUDE,
    ATINY_GET_MANUFACTURER as ATINY_GET_MANUFACTURER,
    ATINY_GET_MEMORY_FREE as ATINY_GET_MEMORY_FREE,
    ATINY_GET_MODEL_NUMBER as ATINY_GET_MODEL_NUMBER,
    ATINY_GET_NETWORK_BEARER as ATINY_GET_NETWORK_BEARER,
    ATINY_GET_OTA_OPT as ATINY_GET_OTA_OPT,
    ATINY_GET_POWER_CURRENT as ATINY_GET_POWER_CURRENT,
    ATINY_GET_POWER_SOURCE as ATINY_GET_POWER_SOURCE,
    ATINY_GET_RADIUS as ATINY_GET_RADIUS,
    ATINY_GET_SERIAL_NUMBER as ATINY_GET_SERIAL_NUMBER,
    ATINY_GET_SIGNAL_STRENGTH as ATINY_GET_SIGNAL_STRENGTH,
    ATINY_GET_SOURCE_VOLTAGE as ATINY_GET_SOURCE_VOLTAGE,
    ATINY_GET_SPEED as ATINY_GET_SPEED,
    ATINY_GET_TIMESTAMP as ATINY_GET_TIMESTAMP,
    ATINY_GET_TIMEZONE as ATINY_GET_TIMEZONE,
    ATINY_GET_UTC_OFFSET as ATINY_GET_UTC_OFFSET,
    ATINY_GET_VELOCITY as ATINY_GET_VELOCITY,
    ATINY_SET_CURRENT_TIME as ATINY_SET_CURRENT_TIME,
    ATINY_SET_TIMEZONE as ATINY_SET_TIMEZONE,
    ATINY_SET_UTC_OFFSET as ATINY_SET_UTC_OFFSET,
    ATINY_TRIGGER_SERVER_INITIATED_BS as ATINY_TRIGGER_SERVER_INITIATED_BS,
    ATINY_UPDATE_PSK as ATINY_UPDATE_PSK,
    ATINY_WRITE_APP_DATA as ATINY_WRITE_APP_DATA,
    METHODS as _METHODS,
    CommandHandler as CommandHandler,
)
from .errors import (
    ATINY_ARG_INVALID as ATINY_ARG_INVALID,
    ATINY_BUF_OVERFLOW as ATINY_BUF_OVERFLOW,
    ATINY_CLIENT_UNREGISTERED as ATINY_CLIENT_UNREGISTERED,
    ATINY_ERR as ATINY_ERR,
    ATINY_MALLOC_FAILED as ATINY_MALLOC_FAILED,
    ATINY_MSG_CONGEST as ATINY_MSG_CONGEST,
    ATINY_OK as ATINY_OK,
    ATINY_RESOURCE_NOT_ENOUGH as ATINY_RESOURCE_NOT_ENOUGH,
    ATINY_RESOURCE_NOT_FOUND as ATINY_RESOURCE_NOT_FOUND,
    ATINY_SOCKET_CREATE_FAILED as ATINY_SOCKET_CREATE_FAILED,
    AtinyError as AtinyError,
    CodecError as CodecError,
    NotRegistered as NotRegistered,
    NotSupported as NotSupported,
    ParameterError as ParameterError,
    QueueFull as QueueFull,
    Rejected as Rejected,
    TransportError as TransportError,
)
from .lwm2m.model import (
    Object as Object,
    Resource as Resource,
)
from .lwm2m.types import (
    BOOLEAN as BOOLEAN,
    FLOAT as FLOAT,
    INTEGER as INTEGER,
    NONE as NONE,
    OBJLNK as OBJLNK,
    OPAQUE as OPAQUE,
    STRING as STRING,
    TIME as TIME,
)
from .open_api import (
    atiny_bind as atiny_bind,
    atiny_data_change as atiny_data_change,
    atiny_data_report as atiny_data_report,
    atiny_deinit as atiny_deinit,
    atiny_init as atiny_init,
    atiny_reconnect as atiny_reconnect,
)
from .open_params import (
    AtinyDeviceInfo as AtinyDeviceInfo,
    AtinyParam as AtinyParam,
    AtinySecurityParam as AtinySecurityParam,
    AtinyServerParam as AtinyServerParam,
    DataReport as DataReport,
)
from .params import (
    APP_DATA as APP_DATA,
    ATINY_BOOTSTRAP_FAIL as ATINY_BOOTSTRAP_FAIL,
    ATINY_BOOTSTRAP_OK as ATINY_BOOTSTRAP_OK,
    ATINY_DATA_SUBSCRIBE as ATINY_DATA_SUBSCRIBE,
    ATINY_DATA_SUBSCRIBLE as ATINY_DATA_SUBSCRIBLE,
    ATINY_DATA_UNSUBSCRIBE as ATINY_DATA_UNSUBSCRIBE,
    ATINY_DATA_UNSUBSCRIBLE as ATINY_DATA_UNSUBSCRIBLE,
    ATINY_FOTA_STATE as ATINY_FOTA_STATE,
    ATINY_HANDLER_ERROR as ATINY_HANDLER_ERROR,
    ATINY_NOTIFY_DONE as ATINY_NOTIFY_DONE,
    ATINY_REG_FAIL as ATINY_REG_FAIL,
    ATINY_REG_OK as ATINY_REG_OK,
    BOOTSTRAP_CLIENT_INITIATED as BOOTSTRAP_CLIENT_INITIATED,
    BOOTSTRAP_FACTORY as BOOTSTRAP_FACTORY,
    BOOTSTRAP_SEQUENCE as BOOTSTRAP_SEQUENCE,
    FIRMWARE_UPDATE_STATE as FIRMWARE_UPDATE_STATE,
    MAX_REPORT_DATA_LEN as MAX_REPORT_DATA_LEN,
    ReportStatus as ReportStatus,
)

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .adapter.posix import FileStore as FileStore
    from .adapter.posix_storage import SlotStorage as SlotStorage
    from .aio import AsyncClient as AsyncClient
    from .factory.several import ServerAccount as ServerAccount
    from .fota.options import FirmwareOptions as FirmwareOptions
    from .lwm2m.deferred import Deferred as Deferred


def __getattr__(name: str) -> object:
    # Loaded when first asked for: what not every device needs, and asyncio, which costs more than all the rest.
    found: "Any" = None
    if name == "ServerAccount":
        from .factory.several import ServerAccount as found
    elif name == "Deferred":
        from .lwm2m.deferred import Deferred as found
    elif name == "FirmwareOptions":
        from .fota.options import FirmwareOptions as found
    elif sys.implementation.name == "micropython":
        if name == "FileStore":
            from .adapter.micropython_store import FileStore as found
        elif name == "SlotStorage":
            from .adapter.micropython_storage import SlotStorage as found
        else:  # a build has no constants for the command words, only the methods that they stand for
            words = [("ATINY_" + method.upper()).replace("P_WRITE", "P_DATA") for method in _METHODS]
            word = name.replace("BATERRY", "BATTERY")
            if word in words:
                found = words.index(word)
            elif name == "__all__":  # of "import *"
                for word in globals():
                    if word[0] != "_":
                        words.append(word)
                return words
    elif name == "FileStore":
        from .adapter.posix import FileStore as found
    elif name == "SlotStorage":
        from .adapter.posix_storage import SlotStorage as found
    elif name == "AsyncClient":
        from .aio import AsyncClient as found
    if found is None:
        raise AttributeError("module 'atiny' has no attribute %r" % (name,))
    globals()[name] = found  # a handler asks for its words with every command
    return found


def __dir__() -> "list[str]":
    later = ["AsyncClient", "Deferred", "FileStore", "FirmwareOptions", "ServerAccount", "SlotStorage"]
    return sorted(list(globals()) + later)
