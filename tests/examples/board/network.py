"""Stands in for a board's ``network`` where there is none: interfaces that are up after a while. For MicroPython."""

STA_IF = 0


class _Interface:
    def __init__(self):
        self._asked = 0
        self._active = False
        self._address = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        self._static = False

    def active(self, on=None):
        if on is not None:
            self._active = on
        return self._active

    def isconnected(self):
        """After a few questions, as an interface that needs its time."""
        self._asked += 1
        if not self._active or not self._ready() or self._asked < 4:
            return False
        if not self._static:
            self._address = ("192.0.2.7", "255.255.255.0", "192.0.2.1", "192.0.2.1")  # by DHCP
        return True

    def _ready(self):
        return True

    def ifconfig(self, address=None):
        if address is None:
            return self._address
        self._address = address
        self._static = True


class WLAN(_Interface):
    def __init__(self, kind):
        _Interface.__init__(self)
        self._joined = None

    def connect(self, name, password):
        print("joins", name, password)
        self._joined = name

    def _ready(self):
        return self._joined == "there"


class LAN(_Interface):
    def __init__(self, **pins):
        _Interface.__init__(self)
        print("lan", sorted(pins.items()))
