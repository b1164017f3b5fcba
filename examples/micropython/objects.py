"""The objects of these examples: a temperature (IPSO 3303) from an analog input, and a switch (IPSO 3306) on a pin."""

import machine

import atiny


class Temperature(atiny.Object):
    """A sensor of 10 mV a degree (LM35) at an analog input; ``pin`` is what machine.ADC takes."""

    object_id = 3303
    resources = (
        atiny.Resource(5700, "sensor_value", atiny.FLOAT, "R", unit="Cel"),
        atiny.Resource(5701, "sensor_units", atiny.STRING, "R"),
    )
    sensor_units = "Cel"

    def __init__(self, pin):
        self.adc = machine.ADC(pin)
        self.measure()

    def measure(self):
        """Measure now; the server reads what was measured last."""
        self.sensor_value = self.adc.read_u16() * 330 / 65535


class Switch(atiny.Object):
    """An output that the server switches by writing true or false; ``pin`` is what machine.Pin takes."""

    object_id = 3306
    resources = (atiny.Resource(5850, "on_off", atiny.BOOLEAN, "RW"),)

    def __init__(self, pin):
        self.pin = machine.Pin(pin, machine.Pin.OUT)

    def read_on_off(self):
        return bool(self.pin.value())

    def write_on_off(self, value):
        self.pin.value(value)
