"""Device, object 3 (OMA LwM2M 1.0, E.4), served by the host's command words.

A resource whose GET word the host answers with None does not exist. Manufacturer and binding have a default.
"""

from ... import commands
from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..host import Host
from ..model import Object, Resource
from ..types import INTEGER, NONE, STRING, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Device(Object):
    """The one instance of object 3."""

    object_id = 3
    resources = (
        Resource(0, "manufacturer", STRING, "R"),
        Resource(1, "model_number", STRING, "R"),
        Resource(2, "serial_number", STRING, "R"),
        Resource(3, "firmware_version", STRING, "R"),
        Resource(4, "reboot", NONE, "E", mandatory=True),
        Resource(5, "factory_reset", NONE, "E"),
        Resource(6, "power_sources", INTEGER, "R", multiple=True),
        Resource(7, "power_source_voltage", INTEGER, "R", multiple=True, unit="mV"),
        Resource(8, "power_source_current", INTEGER, "R", multiple=True, unit="mA"),
        Resource(9, "battery_level", INTEGER, "R", unit="%"),
        Resource(10, "memory_free", INTEGER, "R", unit="kB"),
        Resource(11, "error_code", INTEGER, "R", multiple=True, mandatory=True),
        Resource(12, "reset_error_code", NONE, "E"),
        Resource(13, "current_time", TIME, "RW"),
        Resource(14, "utc_offset", STRING, "RW"),
        Resource(15, "timezone", STRING, "RW"),
        Resource(16, "binding_modes", STRING, "R", mandatory=True),
        Resource(17, "device_type", STRING, "R"),
    )

    # By resource id: the word that reads it, and the one that writes or executes it.
    _GET = (
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
    )
    _DO = {
        4: commands.ATINY_DO_DEV_REBOOT,
        5: commands.ATINY_DO_FACTORY_RESET,
        12: commands.ATINY_DO_RESET_DEV_ERR,
        13: commands.ATINY_SET_CURRENT_TIME,
        14: commands.ATINY_SET_UTC_OFFSET,
        15: commands.ATINY_SET_TIMEZONE,
    }

    def __init__(self, host: Host, manufacturer: str, device_type: "str | None", binding):
        self._host = host
        self._get = host.get
        self._binding = binding  # binding(): the one that the device registers with
        self._defaults: "list[str | int | None]" = [None] * 18
        self._defaults[0] = manufacturer
        self._defaults[11] = 0
        self._defaults[16] = ""  # see _binding
        self._defaults[17] = device_type

    def read(self, resource: Resource) -> object:
        """The host's value; where it has none, the default."""
        found = self.read_all((resource,))
        return found[0][1] if found else None

    def read_all(self, resources: "Iterable[Resource]") -> "list[tuple[Resource, object]]":
        """One loop over all words, without a call for each row: a Read of /3/0 is what servers do most."""
        get = self._get
        words = self._GET
        defaults = self._defaults
        found: "list[tuple[Resource, object]]" = []
        for resource in resources:
            id = resource.id
            word = words[id]
            value = None if word is None else get(word, None)
            if value is None:
                value = defaults[id]
                if value is None:
                    continue
                if id == 16:
                    value = self._binding()
            found.append((resource, {0: value} if resource.multiple and type(value) is not dict else value))
        return found

    def replace(self) -> None:
        """Nothing to forget: what a server may write is the host's."""

    def write(self, resource: Resource, value: object) -> None:
        self._host.do(self._DO[resource.id], value)

    def execute(self, resource: Resource, arguments: str) -> object:
        if arguments:
            raise Rejected(BAD_REQUEST, "no arguments are taken")
        word = self._DO[resource.id]
        if word == commands.ATINY_DO_RESET_DEV_ERR:
            self._host.do(word)
            return None
        # A device that restarts can answer no more: the server has its 2.04 first (SDK).
        return lambda: self._host.do(word)
