"""Stands in for a board's ``machine``: pins that remember, an analog input that rises. For MicroPython."""

import sys


class Pin:
    OUT = 1
    IN = 0

    def __init__(self, id, mode=IN):
        self._id = id
        self._value = 0

    def value(self, value=None):
        if value is None:
            return self._value
        self._value = int(value)
        print("pin", self._id, self._value)


class ADC:
    def __init__(self, pin):
        self._value = 4000

    def read_u16(self):
        self._value += 100
        return self._value


def reset():
    print("reset")
    sys.exit(0)


def deepsleep(ms):
    print("deepsleep", ms)
    sys.exit(0)
