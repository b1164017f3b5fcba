"""A thermometer to observe, and the server's view of it."""

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import FLOAT, STRING
from tests.lwm2m.rig import Rig, dotted

S = 1000
HOUR = 3600 * S
VALUE = (3303, 0, 5700)
PATH = "3303/0/5700"
TOKEN = b"obs"


class Thermometer(Object):
    object_id = 3303
    multiple = creatable = True
    resources = (
        Resource(5700, "value", FLOAT, "R"),
        Resource(5701, "units", STRING, "RW"),
        Resource(5800, "level", FLOAT, "RW"),
    )

    def __init__(self, value=20.0):
        self.value = value
        self.units = "Cel"
        self.error = None

    def read_value(self):
        if self.error is not None:
            raise self.error
        return self.value


def observable(thermometer, **set):
    """A rig that has nothing else to say for years."""
    return Rig(thermometer, lifetime_s=10**9, **set)


def attributes(rig, path, *query):
    assert dotted(rig.ask("PUT", path, query=query)) == "2.04"


def set_value(rig, thermometer, value):
    thermometer.value = value
    rig.change(VALUE)


def values(rig):
    """The payloads of the notifications since the last time; each is checked to be one."""
    found = []
    for message in rig.take():
        assert (dotted(message), message.token) == ("2.05", TOKEN)
        assert message.opt.observe is not None
        found.append(float(message.payload))
    return found
