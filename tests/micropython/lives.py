"""The hosts of the devices that `replay` plays: what each device is made of, what its host does. For any runtime."""

import atiny
from tests.fota.vectors_signature import KEY
from tests.lwm2m.formats.everything import Everything
from tests.lwm2m.widget import Widget

# Not those of `atiny.params`, which are not public: a build has them under another name, or not at all.
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
VALUE = "/3303/0/5700"
POSITION = "/6/0/0"


class Thermometer(atiny.Object):
    object_id = 3303
    multiple = creatable = True
    resources = (
        atiny.Resource(5700, "sensor_value", atiny.FLOAT, "R", unit="Cel"),
        atiny.Resource(5701, "sensor_units", atiny.STRING, "RW"),
        atiny.Resource(5605, "reset", atiny.NONE, "E"),
    )

    def __init__(self) -> None:
        self.sensor_value = 20.5
        self.sensor_units = "Cel"

    def execute_reset(self, arguments: str) -> None:
        self.sensor_value = 0.0


class Life(atiny.CommandHandler):
    """A host whose client is made anew at each start; ``emit`` is told all that the client tells it.

    ``stores``: whether its platform has a store for what it learns; ``upgrades``: a storage for firmware.
    """

    stores = True
    upgrades = False

    def __init__(self, emit) -> None:
        self.emit = emit
        self.client: "atiny.Client | None" = None
        self.reports = 0

    def start(self, platform) -> None:
        """The power comes."""
        self.sensor = Thermometer()
        self.emit("start")
        self.client = atiny.Client("dev", platform=platform, device=self, on_event=self.on_event, **self.arguments())

    def arguments(self) -> dict:
        """What the client is made with."""
        raise NotImplementedError

    def on_event(self, event, arg):
        if event == atiny.ATINY_HANDLER_ERROR:
            arg = "%s %s" % (arg[0], arg[1].__class__.__name__)
        self.emit("event %s %s" % (EVENT_NAMES[event], arg))

    def write_app_write(self, data):
        self.emit("command %s" % data.hex())
        return atiny.ATINY_OK

    def update_psk(self, identity, key):
        self.emit("psk %s %s" % (identity.hex(), key.hex()))

    # -- what a tape may ask

    def measure(self, value):
        self.sensor.sensor_value = value
        self.client.changed(VALUE)

    def report(self, data):
        self.reports += 1
        try:
            self.client.report(bytes.fromhex(data), self.reports, self.reported)
        except atiny.QueueFull:
            self.emit("the queue is full")

    def reported(self, type, cookie, status):
        self.emit("report %d %s" % (cookie, atiny.ReportStatus.name(status)))

    def go_offline(self):
        self.client.go_offline()

    def go_online(self):
        self.client.go_online()

    def reconnect(self):
        self.client.reconnect()

    def bootstrap(self):
        self.client.bootstrap()

    def device_error(self, code):
        self.client.device_error(code)

    def remove(self, path):
        self.client.remove_object(path)

    def stop(self):
        self.client.stop(wait=False)


class Bootstrapped(Life):
    """It knows its bootstrap server only."""

    def arguments(self):
        return {"bootstrap": "coap://bootstrap", "hold_off": 3, "objects": [self.sensor]}

    def set_utc_offset(self, offset):
        self.emit("the offset is " + offset)


class Sequence(Life):
    """It follows the SDK's order; its server is away."""

    def arguments(self):
        return {
            "server": "coap://nowhere",
            "bootstrap": "coap://bootstrap",
            "bootstrap_mode": atiny.BOOTSTRAP_SEQUENCE,
            "hold_off": 20,
        }

    def trigger_server_initiated_bs(self):
        self.emit("waits for a bootstrap")


class Shared(Life):
    """Three servers, each with its rights."""

    def arguments(self):
        servers = [
            atiny.ServerAccount("coap://one", short_server_id=1),
            atiny.ServerAccount("coap://two", short_server_id=2, rights="RWE", lifetime=300),
            atiny.ServerAccount("coap://three", short_server_id=3, binding="UQ"),
        ]
        return {"server": servers, "objects": [self.sensor, Widget()], "lifetime": 600}


class Sleepy(Life):
    """Queue mode, and a network that comes and goes."""

    def arguments(self):
        return {
            "server": "coap://server",
            "binding": "UQ",
            "lifetime": 7200,
            "objects": [self.sensor],
            "stored_notifications": 5,
        }


class Rich(Life):
    """Every object that there is, and a resource of every type."""

    latitude = 52.516
    offset = "+01:00"

    def arguments(self):
        return {
            "server": "coap://server",
            "objects": [self.sensor, Everything(), Widget()],
            "confirmable_notifications": True,
        }

    def move(self, latitude):
        self.latitude = latitude
        self.client.changed(POSITION)

    def get_latitude(self):
        return self.latitude

    def get_longitude(self):
        return 13.3777

    def get_altitude(self):
        return -0.5

    def get_velocity(self):
        return b"\x00\x5a\x01\x20"

    def get_timestamp(self):
        return 1767225600

    def get_network_bearer(self):
        return 7

    def get_available_bearers(self):
        return [6, 7]

    def get_signal_strength(self):
        return -97

    def get_cell_id(self):
        return 268435455

    def get_ip_addresses(self):
        return ["192.0.2.1", "2001:db8::1"]

    def get_apn(self):
        return {0: "iot"}

    def get_power_source(self):
        return {0: 1, 1: 5}

    def get_source_voltage(self):
        return {0: 3700, 1: 5000}

    def get_battery_level(self):
        return 80

    def get_memory_free(self):
        return 128

    def get_current_time(self):
        return 1767225600

    def get_utc_offset(self):
        return self.offset

    def set_utc_offset(self, offset):
        self.offset = offset

    def do_dev_reboot(self):
        self.emit("reboot")


class Plain(Life):
    """One server, and nothing that the core of a slim build has not."""

    stores = False

    def arguments(self):
        return {"server": "coap://server", "objects": [self.sensor], "lifetime": 600}

    def do_dev_reboot(self):
        self.emit("reboot")


class Blob(atiny.Object):
    """A resource as long as its server wants it."""

    object_id = 31025
    resources = (atiny.Resource(0, "blob", atiny.OPAQUE, "RW"), atiny.Resource(1, "name", atiny.STRING, "RW"))

    def __init__(self) -> None:
        self.blob = b""
        self.name = ""


class Upgraded(Life):
    """It takes large values, and new firmware signed by ``KEY``."""

    upgrades = True

    def arguments(self):
        return {
            "server": "coap://server",
            "objects": [self.sensor, Blob()],
            "lifetime": 300,
            "firmware": atiny.FirmwareOptions(key=KEY),
        }

    def do_dev_reboot(self):
        self.emit("reboot")


LIVES = {cls.__name__: cls for cls in (Bootstrapped, Sequence, Shared, Sleepy, Rich, Plain, Upgraded)}
