"""The command words (atiny_cmd_e): what the cloud's operations ask of the host.

The agent calls ``cmd_ioctl(cmd, arg)``. For a GET word it returns the value, or None where the device has no such
thing: the resource then does not exist. For the others it returns ATINY_OK or None, or an ATINY_* error, which the
server sees as an error. `CommandHandler` has one method per word, so that a device overrides what it supports.

Words below FIRST_OWN are the SDK's, with its numbers. Those from there on are ours: what OMA's objects have and the SDK
has no word for. As a host of the SDK knows nothing of them, they are asked of no plain ``cmd_ioctl`` function, only of
a handler whose ``supports(cmd)`` says so, as that of `CommandHandler` does for each method that is overridden.
"""

from .errors import ATINY_ARG_INVALID, ATINY_RESOURCE_NOT_FOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ATINY_GET_MANUFACTURER = 0
ATINY_GET_MODEL_NUMBER = 1
ATINY_GET_SERIAL_NUMBER = 2
ATINY_GET_FIRMWARE_VER = 3
ATINY_DO_DEV_REBOOT = 4
ATINY_DO_FACTORY_RESET = 5
ATINY_GET_POWER_SOURCE = 6
ATINY_GET_SOURCE_VOLTAGE = 7
ATINY_GET_POWER_CURRENT = 8
ATINY_GET_BATTERY_LEVEL = 9
ATINY_GET_MEMORY_FREE = 10
ATINY_GET_DEV_ERR = 11
ATINY_DO_RESET_DEV_ERR = 12
ATINY_GET_CURRENT_TIME = 13
ATINY_SET_CURRENT_TIME = 14
ATINY_GET_UTC_OFFSET = 15
ATINY_SET_UTC_OFFSET = 16
ATINY_GET_TIMEZONE = 17
ATINY_SET_TIMEZONE = 18
ATINY_GET_BINDING_MODES = 19
ATINY_GET_FIRMWARE_STATE = 20
ATINY_GET_NETWORK_BEARER = 21
ATINY_GET_SIGNAL_STRENGTH = 22
ATINY_GET_CELL_ID = 23
ATINY_GET_LINK_QUALITY = 24
ATINY_GET_LINK_UTILIZATION = 25
ATINY_WRITE_APP_DATA = 26
ATINY_UPDATE_PSK = 27
ATINY_GET_LATITUDE = 28
ATINY_GET_LONGITUDE = 29
ATINY_GET_ALTITUDE = 30
ATINY_GET_RADIUS = 31
ATINY_GET_SPEED = 32
ATINY_GET_TIMESTAMP = 33
ATINY_GET_VELOCITY = 34
ATINY_GET_OTA_OPT = 35
ATINY_TRIGGER_SERVER_INITIATED_BS = 36

ATINY_GET_BATERRY_LEVEL = ATINY_GET_BATTERY_LEVEL

FIRST_OWN = 100
ATINY_GET_HARDWARE_VERSION = 100
ATINY_GET_SOFTWARE_VERSION = 101
ATINY_GET_BATTERY_STATUS = 102
ATINY_GET_MEMORY_TOTAL = 103
ATINY_GET_EXT_DEV_INFO = 104
ATINY_GET_AVAILABLE_BEARERS = 105
ATINY_GET_IP_ADDRESSES = 106
ATINY_GET_ROUTER_ADDRESSES = 107
ATINY_GET_APN = 108
ATINY_GET_SMNC = 109
ATINY_GET_SMCC = 110

COUNT = 37
# The methods of CommandHandler for the SDK's words, in their order, and behind them for our own. As one text, with a
# dot for "get_", they take the least place on a board.
_METHODS = (
    (
        ".manufacturer .model_number .serial_number .firmware_ver do_dev_reboot do_factory_reset .power_source "
        ".source_voltage .power_current .battery_level .memory_free .dev_err do_reset_dev_err .current_time "
        "set_current_time .utc_offset set_utc_offset .timezone set_timezone .binding_modes .firmware_state "
        ".network_bearer .signal_strength .cell_id .link_quality .link_utilization write_app_write update_psk "
        ".latitude .longitude .altitude .radius .speed .timestamp .velocity .ota_opt trigger_server_initiated_bs "
        ".hardware_version .software_version .battery_status .memory_total .ext_dev_info .available_bearers "
        ".ip_addresses .router_addresses .apn .smnc .smcc"
    )
    .replace(".", "get_")
    .split()
)
METHODS = _METHODS[:COUNT]
OWN_METHODS = _METHODS[COUNT:]


def method_of(cmd: int) -> "str | None":
    """The name of the `CommandHandler` method for a command word, or None: there is no such word."""
    names = METHODS
    if cmd >= FIRST_OWN:
        names = OWN_METHODS
        cmd -= FIRST_OWN
    return names[cmd] if 0 <= cmd < len(names) else None


class CommandHandler:
    """The ready-made ``cmd_ioctl``: override the methods that the device supports.

    What is not overridden is not supported: a GET gives None, so that its resource does not exist, and the others
    give ATINY_RESOURCE_NOT_FOUND, which the server sees as 4.04. The methods below say so for those who read them, or
    call them by super(); `cmd_ioctl` and `supports` do without, and a slim build leaves them out.
    """

    def cmd_ioctl(self, cmd: int, arg: "Any" = None) -> "Any":
        """Dispatch a command word to its method; an unknown word gives ATINY_ARG_INVALID.

        ``arg`` is None, the value to set, or for ATINY_UPDATE_PSK the pair ``(identity, key)``.
        """
        name = METHODS[cmd] if 0 <= cmd < COUNT else method_of(cmd)
        if name is None:
            return ATINY_ARG_INVALID
        method = getattr(self, name, None)
        if method is None:
            return None if name.startswith("get_") else ATINY_RESOURCE_NOT_FOUND
        if arg is None:
            return method()
        if cmd == ATINY_UPDATE_PSK:
            return method(arg[0], arg[1])
        return method(arg)

    def supports(self, cmd: int) -> "bool | None":
        """Whether the device overrides the method of a command word: asked once, when the client is made.

        What is not supported does not exist for servers. None: the device overrides `cmd_ioctl`, so that only the
        answer will show it; our own words are then not asked.
        """
        name = method_of(cmd)
        if name is None:
            return False
        cls = self.__class__
        if cls.cmd_ioctl is not CommandHandler.cmd_ioctl:
            return None if cmd < FIRST_OWN else False
        return getattr(cls, name, None) is not getattr(CommandHandler, name, None) or name in self.__dict__

    def get_manufacturer(self) -> "str | None":
        """str: the manufacturer (/3/0/0); the default is the one given to atiny_bind."""
        return None

    def get_model_number(self) -> "str | None":
        """str: the model (/3/0/1)."""
        return None

    def get_serial_number(self) -> "str | None":
        """str: the serial number (/3/0/2)."""
        return None

    def get_firmware_ver(self) -> "str | None":
        """str: the firmware's version (/3/0/3)."""
        return None

    def do_dev_reboot(self) -> "int | None":
        """Restart the device (/3/0/4); called once the server has its answer."""
        return ATINY_RESOURCE_NOT_FOUND

    def do_factory_reset(self) -> "int | None":
        """Go back to the factory's settings (/3/0/5); called once the server has its answer."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_power_source(self) -> "int | dict[int, int] | None":
        """int or {instance: int}: the power sources, 0 DC to 7 solar (/3/0/6)."""
        return None

    def get_source_voltage(self) -> "int | dict[int, int] | None":
        """int or {instance: int}: the voltage of each power source, mV (/3/0/7)."""
        return None

    def get_power_current(self) -> "int | dict[int, int] | None":
        """int or {instance: int}: the current of each power source, mA (/3/0/8)."""
        return None

    def get_battery_level(self) -> "int | None":
        """int: the battery's level, 0 to 100 % (/3/0/9)."""
        return None

    def get_memory_free(self) -> "int | None":
        """int: free memory, kB (/3/0/10)."""
        return None

    def get_dev_err(self) -> "int | dict[int, int] | None":
        """int or {instance: int}: the error codes, 0 none to 8 (/3/0/11)."""
        return None

    def do_reset_dev_err(self) -> "int | None":
        """Clear the error codes (/3/0/12)."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_current_time(self) -> "int | None":
        """int: seconds since 1970-01-01 UTC (/3/0/13)."""
        return None

    def set_current_time(self, seconds: int) -> "int | None":
        """Set the clock to ``seconds`` since 1970-01-01 UTC (/3/0/13)."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_utc_offset(self) -> "str | None":
        """str: the offset from UTC, such as "+02:00" (/3/0/14)."""
        return None

    def set_utc_offset(self, offset: str) -> "int | None":
        """Set the offset from UTC (/3/0/14)."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_timezone(self) -> "str | None":
        """str: the IANA time zone, such as "Europe/Berlin" (/3/0/15)."""
        return None

    def set_timezone(self, timezone: str) -> "int | None":
        """Set the IANA time zone (/3/0/15)."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_binding_modes(self) -> "str | None":
        """str: the bindings the device can do (/3/0/16); the default is the one it registers with."""
        return None

    def get_firmware_state(self) -> "int | None":
        """int: the firmware update's state, 0 to 3 (/5/0/3)."""
        return None

    def get_network_bearer(self) -> "int | None":
        """int: the bearer in use (/4/0/0), such as 7 NB-IoT, 21 WLAN, 41 Ethernet."""
        return None

    def get_signal_strength(self) -> "int | None":
        """int: the signal's strength, dBm (/4/0/2)."""
        return None

    def get_cell_id(self) -> "int | None":
        """int: the cell's id (/4/0/8)."""
        return None

    def get_link_quality(self) -> "int | None":
        """int: the link's quality (/4/0/3)."""
        return None

    def get_link_utilization(self) -> "int | None":
        """int: the link's utilisation, % (/4/0/6)."""
        return None

    def write_app_write(self, data: bytes) -> "int | None":
        """A command from the cloud: ``data`` is what it wrote to /19/1/0 (or /19/0/0), unchanged."""
        return ATINY_RESOURCE_NOT_FOUND

    def update_psk(self, identity: bytes, key: bytes) -> "int | None":
        """Keep a new PSK ``identity`` and ``key`` for the next handshake."""
        return ATINY_RESOURCE_NOT_FOUND

    def get_latitude(self) -> "float | None":
        """float: degrees north (/6/0/0)."""
        return None

    def get_longitude(self) -> "float | None":
        """float: degrees east (/6/0/1)."""
        return None

    def get_altitude(self) -> "float | None":
        """float: metres above sea level (/6/0/2)."""
        return None

    def get_radius(self) -> "float | None":
        """float: the position's uncertainty, metres (/6/0/3)."""
        return None

    def get_speed(self) -> "float | None":
        """float: metres per second (/6/0/6)."""
        return None

    def get_timestamp(self) -> "int | None":
        """int: when the position was taken, seconds since 1970-01-01 UTC (/6/0/5)."""
        return None

    def get_velocity(self) -> "bytes | None":
        """bytes: the velocity in 3GPP TS 23.032's encoding (/6/0/4)."""
        return None

    def get_ota_opt(self) -> object:
        """The storage and key that a firmware update uses."""
        return None

    def trigger_server_initiated_bs(self) -> "int | None":
        """A server-initiated bootstrap is announced."""
        return ATINY_RESOURCE_NOT_FOUND

    # -- words of our own

    def get_hardware_version(self) -> "str | None":
        """str: the hardware's version (/3/0/18)."""
        return None

    def get_software_version(self) -> "str | None":
        """str: the version of the software above the firmware (/3/0/19)."""
        return None

    def get_battery_status(self) -> "int | None":
        """int: the battery's status, 0 normal to 6 unknown (/3/0/20)."""
        return None

    def get_memory_total(self) -> "int | None":
        """int: the storage space in all, kB (/3/0/21)."""
        return None

    def get_ext_dev_info(self) -> "dict[int, tuple[int, int]] | tuple[int, int] | None":
        """(object, instance) or {instance: (object, instance)}: objects that tell more of the device (/3/0/22)."""
        return None

    def get_available_bearers(self) -> "int | dict[int, int] | list[int] | None":
        """int, [int] or {instance: int}: the bearers there are (/4/0/1); the default is the one in use."""
        return None

    def get_ip_addresses(self) -> "str | dict[int, str] | list[str] | None":
        """str, [str] or {instance: str}: the device's own IP addresses (/4/0/4)."""
        return None

    def get_router_addresses(self) -> "str | dict[int, str] | list[str] | None":
        """str, [str] or {instance: str}: the next router's address, for each of the device's (/4/0/5)."""
        return None

    def get_apn(self) -> "str | dict[int, str] | list[str] | None":
        """str, [str] or {instance: str}: the access point names of a cellular network (/4/0/7)."""
        return None

    def get_smnc(self) -> "int | None":
        """int: the serving mobile network's code, 0 to 999 (/4/0/9)."""
        return None

    def get_smcc(self) -> "int | None":
        """int: the serving mobile network's country code, 0 to 999 (/4/0/10)."""
        return None
