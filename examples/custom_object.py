"""An object of one's own with `Client`: an IPSO temperature sensor (3303) whose value is observed.

The object is a class with a table of resources; what the cloud reads is what `read_...` returns, and `client.changed`
tells whoever observes it that there is a new value. Run `atiny cloud` in one terminal and in another

    python examples/custom_object.py 127.0.0.1 5683 [SECONDS BETWEEN MEASUREMENTS]

then type `observe thermometer /3303/0/5700` into the first, and `exec thermometer /3303/0/5605` to reset the extremes.
Ctrl-C de-registers the device.
"""

import random
import sys
import time

import atiny


class Temperature(atiny.Object):
    """https://www.openmobilealliance.org/lwm2m/resources/registry: "Temperature", 3303."""

    object_id = 3303
    resources = (
        atiny.Resource(5700, "sensor_value", atiny.FLOAT, "R", mandatory=True, unit="Cel"),
        atiny.Resource(5601, "min_measured", atiny.FLOAT, "R", unit="Cel"),
        atiny.Resource(5602, "max_measured", atiny.FLOAT, "R", unit="Cel"),
        atiny.Resource(5701, "sensor_units", atiny.STRING, "R"),
        atiny.Resource(5605, "reset_min_max", atiny.NONE, "E"),
    )
    sensor_units = "Cel"  # a resource without a method is the attribute of its name

    def __init__(self) -> None:
        self.celsius = 20.0
        self.min_measured = self.max_measured = self.celsius

    def measure(self) -> None:
        """Take a measurement (here: a random walk)."""
        self.celsius = round(self.celsius + random.uniform(-0.5, 0.5), 2)
        self.min_measured = min(self.min_measured, self.celsius)
        self.max_measured = max(self.max_measured, self.celsius)

    def read_sensor_value(self) -> float:
        return self.celsius

    def execute_reset_min_max(self, arguments: str) -> None:
        self.min_measured = self.max_measured = self.celsius
        print("the extremes are reset", flush=True)


def on_event(event: int, arg: object) -> None:
    names = {
        atiny.ATINY_REG_OK: "registered",
        atiny.ATINY_REG_FAIL: "not registered",
        atiny.ATINY_DATA_SUBSCRIBE: "observed",
        atiny.ATINY_DATA_UNSUBSCRIBE: "no longer observed",
    }
    print(names.get(event, event), arg if arg is not None else "", flush=True)


def main() -> int:
    host, port = sys.argv[1], sys.argv[2]
    period_s = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
    sensor = Temperature()
    server = f"coap://[{host}]:{port}" if ":" in host else f"coap://{host}:{port}"
    client = atiny.Client("thermometer", server, objects=[sensor], lifetime=60, on_event=on_event)
    with client:  # the loop runs in a thread; leaving it de-registers
        try:
            while not client.stopped:
                sensor.measure()
                client.changed("/3303/0/5700")
                time.sleep(period_s)
        except KeyboardInterrupt:
            print("de-registering", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
