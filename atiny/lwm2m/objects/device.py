"""Device, object 3 (OMA LwM2M 1.0, E.4), served by the host's command words.

A resource whose word the host does not support does not exist. Manufacturer and binding have a default, and so have the
error codes: where the host does not keep them, the device does (`device_errors`).
"""

from ... import commands
from ...coap.codes import BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND
from ...errors import Rejected
from ..host import Host
from ..model import Object, Resource
from ..types import INTEGER, NONE, OBJLNK, SINCE_1970, STRING, TIME
from .host_object import HostObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NO_ERROR = 0

SOURCE_VOLTAGE = 7
SOURCE_CURRENT = 8
ERRORS = 11
RESET_ERRORS = 12

_LONGEST_OFFSET_MIN = 14 * 60  # of UTC, on Earth


class Device(HostObject):
    """The one instance of object 3.

    ``binding()``: the binding that the device registers with. ``kept_errors``: None, or a `device_errors.DeviceErrors`:
    the codes that /3/0/11 has where the host has none. ``on_errors()``: None, or called whenever they may have changed
    here.
    """

    object_id = 3
    resources = (
        Resource(0, "manufacturer", STRING),
        Resource(1, "model_number", STRING),
        Resource(2, "serial_number", STRING),
        Resource(3, "firmware_version", STRING),
        Resource(4, "reboot", NONE, "E", mandatory=True),
        Resource(5, "factory_reset", NONE, "E"),
        Resource(6, "power_sources", INTEGER, multiple=True),
        Resource(7, "power_source_voltage", INTEGER, multiple=True),  # mV
        Resource(8, "power_source_current", INTEGER, multiple=True),  # mA
        Resource(9, "battery_level", INTEGER),  # %
        Resource(10, "memory_free", INTEGER),  # kB
        Resource(11, "error_code", INTEGER, multiple=True, mandatory=True),
        Resource(12, "reset_error_code", NONE, "E"),
        Resource(13, "current_time", TIME, "RW", range=SINCE_1970),
        Resource(14, "utc_offset", STRING, "RW"),
        Resource(15, "timezone", STRING, "RW", max_size=255),
        Resource(16, "binding_modes", STRING, mandatory=True),
        Resource(17, "device_type", STRING),
        Resource(18, "hardware_version", STRING),
        Resource(19, "software_version", STRING),
        Resource(20, "battery_status", INTEGER),
        Resource(21, "memory_total", INTEGER),  # kB
        Resource(22, "ext_dev_info", OBJLNK, multiple=True),
    )
    words = [
        commands.ATINY_GET_MANUFACTURER,
        commands.ATINY_GET_MODEL_NUMBER,
        commands.ATINY_GET_SERIAL_NUMBER,
        commands.ATINY_GET_FIRMWARE_VER,
        None,
        None,
        commands.ATINY_GET_POWER_SOURCE,
        commands.ATINY_GET_SOURCE_VOLTAGE,
        commands.ATINY_GET_POWER_CURRENT,
        commands.ATINY_GET_BATTERY_LEVEL,
        commands.ATINY_GET_MEMORY_FREE,
        commands.ATINY_GET_DEV_ERR,
        None,
        commands.ATINY_GET_CURRENT_TIME,
        commands.ATINY_GET_UTC_OFFSET,
        commands.ATINY_GET_TIMEZONE,
        commands.ATINY_GET_BINDING_MODES,
        None,
        commands.ATINY_GET_HARDWARE_VERSION,
        commands.ATINY_GET_SOFTWARE_VERSION,
        commands.ATINY_GET_BATTERY_STATUS,
        commands.ATINY_GET_MEMORY_TOTAL,
        commands.ATINY_GET_EXT_DEV_INFO,
    ]
    # By resource id: the word that writes or executes it.
    _DO = {
        4: commands.ATINY_DO_DEV_REBOOT,
        5: commands.ATINY_DO_FACTORY_RESET,
        12: commands.ATINY_DO_RESET_DEV_ERR,
        13: commands.ATINY_SET_CURRENT_TIME,
        14: commands.ATINY_SET_UTC_OFFSET,
        15: commands.ATINY_SET_TIMEZONE,
    }

    def __init__(self, host: Host, manufacturer: str, device_type: "str | None", binding):
        HostObject.__init__(self, host)
        self.kept_errors: "Any" = None
        self.on_errors: "Any" = None
        self.defaults[0] = manufacturer
        self.defaults[ERRORS] = {0: NO_ERROR}
        self.defaults[16] = binding
        self.defaults[17] = device_type

    def _instances(self, resource: Resource, value: "Any") -> "dict[int, Any]":
        """A single voltage or current is that of the first power source, under the same id (OMA)."""
        if resource.id in (SOURCE_VOLTAGE, SOURCE_CURRENT) and type(value) is int:
            sources = self._get(commands.ATINY_GET_POWER_SOURCE, None)
            if type(sources) is dict and sources:
                return {min(sources): value}
        return HostObject._instances(self, resource, value)

    # -- what servers do

    def exists(self, resource: Resource) -> bool:
        """Whether the host supports what an Execute asks of it, as far as that can be known."""
        word = self._DO.get(resource.id)
        if word is None or self._host.supports(word) is not False:
            return True
        return resource.id == RESET_ERRORS and self._get(commands.ATINY_GET_DEV_ERR, None) is None

    def execute(self, resource: Resource, arguments: str) -> object:
        if not self.exists(resource):
            raise Rejected(NOT_FOUND)
        if arguments:
            raise Rejected(BAD_REQUEST, "no arguments are taken")
        if resource.id != RESET_ERRORS:
            # A device that restarts can answer no more: the server has its 2.04 first (SDK).
            return lambda: self._host.do(self._DO[resource.id])
        if self.kept_errors is not None:
            self.kept_errors.reset(self._reset_errors)
        else:
            self._reset_errors()
        if self.on_errors is not None:
            self.on_errors()
        return None

    def _reset_errors(self) -> None:
        """Have the host forget its errors; one that has none has nothing to forget."""
        try:
            self._host.do(commands.ATINY_DO_RESET_DEV_ERR)
        except Rejected as error:
            if error.code != NOT_FOUND or self._get(commands.ATINY_GET_DEV_ERR, None) is not None:
                raise

    def replace(self) -> None:
        """Nothing to forget: what a server may write is the host's."""

    def write(self, resource: Resource, value: object) -> None:
        self._host.do(self._DO[resource.id], value)

    def check(self, resource: Resource, value: object) -> None:
        """What the host is known not to take is refused before anything is written."""
        if self._host.supports(self._DO[resource.id]) is False:
            raise Rejected(NOT_FOUND if self.read(resource) is None else METHOD_NOT_ALLOWED, resource.name)
        Object.check(self, resource, value)

    def check_utc_offset(self, value: str) -> None:
        """As ISO 8601 has it: Z, +hh, +hhmm or +hh:mm, or with a minus; at most 14 hours."""
        if value == "Z":
            return
        digits = value[1:]
        if len(digits) == 5 and digits[2] == ":":
            digits = digits[:2] + digits[3:]
        # isdigit() of a str knows the digits of other scripts too
        if value[:1] in ("+", "-") and len(digits) in (2, 4) and digits.encode().isdigit():
            minutes = int(digits[2:] or "0")
            if minutes < 60 and int(digits[:2]) * 60 + minutes <= _LONGEST_OFFSET_MIN:
                return
        raise Rejected(BAD_REQUEST, 'the UTC offset is as in ISO 8601, like "+02:00"')

    def check_timezone(self, value: str) -> None:
        """A name as the IANA's data base has them: words with a slash between them."""
        known = "" not in value.split("/")
        for c in value:
            if c > "z" or not (c.isalpha() or c.isdigit() or c in "_+-/"):
                known = False
        if not known:
            raise Rejected(BAD_REQUEST, 'the time zone is a name of the IANA, like "Europe/Berlin"')
