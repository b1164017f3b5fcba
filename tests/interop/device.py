"""The devices of the interop tests: registered objects, because Leshan knows objects by OMA's definitions only."""

import threading
from typing import Any

from atiny import (
    ATINY_OK,
    BOOLEAN,
    FLOAT,
    INTEGER,
    NONE,
    OPAQUE,
    STRING,
    CommandHandler,
    Object,
    Rejected,
    Resource,
)
from atiny.coap.codes import BAD_REQUEST


class Temperature(Object):
    """IPSO 3303, version 1.0."""

    object_id = 3303
    multiple = True
    resources = (
        Resource(5700, "sensor_value", FLOAT, "R", mandatory=True, unit="Cel"),
        Resource(5601, "min_measured", FLOAT),
        Resource(5602, "max_measured", FLOAT),
        Resource(5701, "sensor_units", STRING),
        Resource(5605, "reset", NONE, "E"),
    )

    def __init__(self) -> None:
        self.sensor_value = 21.5
        self.min_measured = -40.25
        self.max_measured = 85.0
        self.sensor_units = "Cel"
        self.executed: "list[str]" = []

    def execute_reset(self, arguments: str) -> None:
        self.executed.append(arguments)


class Light(Object):
    """IPSO 3311, version 1.0; servers may create and delete its instances."""

    object_id = 3311
    multiple = True
    creatable = True
    resources = (
        Resource(5850, "on", BOOLEAN, "RW", mandatory=True),
        Resource(5851, "dimmer", INTEGER, "RW"),
        Resource(5852, "on_time", INTEGER, "RW"),
        Resource(5820, "power_factor", FLOAT),
        Resource(5706, "colour", STRING, "RW"),
        Resource(5750, "application_type", STRING, "RW"),
    )

    def __init__(self) -> None:
        self.on = False
        self.dimmer: "int | None" = None
        self.on_time: "int | None" = None
        self.power_factor: "float | None" = None
        self.colour: "str | None" = None
        self.application_type: "str | None" = None

    def check_dimmer(self, value: int) -> None:
        if not 0 <= value <= 100:
            raise Rejected(BAD_REQUEST, "a dimmer is 0 to 100 %")


class Portfolio(Object):
    """OMA's object 16: multiple resources."""

    object_id = 16
    multiple = True
    resources = (
        Resource(0, "identity", STRING, "RW", multiple=True, mandatory=True),
        Resource(2, "auth_data", OPAQUE, "R", multiple=True),
        Resource(3, "auth_status", INTEGER, "R"),
    )

    def __init__(self) -> None:
        self.identity = {0: "host", 1: "manufacturer", 3: "serial"}
        self.auth_data = {0: b"\x00\x01", 7: b"\xff"}
        self.auth_status = -1


class Lamp(CommandHandler):
    """A device that keeps the time, and what it is told."""

    def __init__(self) -> None:
        self.commands: "list[bytes]" = []
        self.now = 1_700_000_000
        self.rebooted = threading.Event()

    def get_model_number(self) -> str:
        return "lamp 500"

    def get_battery_level(self) -> int:
        return 80

    def get_current_time(self) -> int:
        return self.now

    def set_current_time(self, value: int) -> int:
        self.now = value
        return ATINY_OK

    def get_utc_offset(self) -> str:
        return "+02:00"

    def do_dev_reboot(self) -> int:
        self.rebooted.set()
        return ATINY_OK

    def write_app_write(self, data: bytes) -> int:
        self.commands.append(data)
        return ATINY_OK


class Events:
    """A client's ``on_event``: its events can be waited for."""

    def __init__(self) -> None:
        self._told = threading.Condition()
        self._events: "list[tuple[int, Any]]" = []

    def __call__(self, event: int, argument: Any) -> None:
        with self._told:
            self._events.append((event, argument))
            self._told.notify_all()

    def count(self, event: int) -> int:
        with self._told:
            return sum(1 for found, _ in self._events if found == event)

    def wait(self, event: int, argument: Any = None, count: int = 1, timeout_s: float = 15) -> None:
        """Wait until ``event`` came ``count`` times, with ``argument`` unless that is None."""

        def found() -> bool:
            matching = [1 for kind, told in self._events if kind == event and argument in (None, told)]
            return len(matching) >= count

        with self._told:
            assert self._told.wait_for(found, timeout_s), f"event {event} did not come, only {self._events}"
