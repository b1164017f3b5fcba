"""Location, object 6 (OMA LwM2M 1.0, E.7), served by the host's command words."""

from ... import commands
from ..model import Resource
from ..types import FLOAT, OPAQUE, TIME
from .host_object import HostObject


class Location(HostObject):
    """The one instance of object 6."""

    object_id = 6
    resources = (
        Resource(0, "latitude", FLOAT, mandatory=True, unit="lat"),
        Resource(1, "longitude", FLOAT, mandatory=True, unit="lon"),
        Resource(2, "altitude", FLOAT, unit="m"),
        Resource(3, "radius", FLOAT, unit="m"),
        Resource(4, "velocity", OPAQUE),
        Resource(5, "timestamp", TIME, mandatory=True),
        Resource(6, "speed", FLOAT, unit="m/s"),
    )
    words = [
        commands.ATINY_GET_LATITUDE,
        commands.ATINY_GET_LONGITUDE,
        commands.ATINY_GET_ALTITUDE,
        commands.ATINY_GET_RADIUS,
        commands.ATINY_GET_VELOCITY,
        commands.ATINY_GET_TIMESTAMP,
        commands.ATINY_GET_SPEED,
    ]
