"""Firmware Update, object 5 (OMA LwM2M 1.0, E.6), and the two resources that servers of later versions ask for."""

from ...coap.codes import BAD_REQUEST, METHOD_NOT_ALLOWED
from ...errors import Rejected
from ..model import Object, Resource
from ..types import BOOLEAN, INTEGER, NONE, OPAQUE, STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_URI_LEN = 255

# Protocol Support: the schemes by their number
PROTOCOLS = ("coap", "coaps", "http", "https", "coap+tcp", "coaps+tcp")

# Delivery Method
PUSH_ONLY = 1
BOTH = 2


class Firmware(Object):
    """The one instance of object 5. ``updater``: a `fota.updater.Updater`, which knows all that is read here."""

    object_id = 5
    resources = (
        Resource(0, "package", OPAQUE, "W", mandatory=True, stream=True),
        Resource(1, "package_uri", STRING, "RW", mandatory=True, max_size=MAX_URI_LEN),
        Resource(2, "update", NONE, "E", mandatory=True),
        Resource(3, "state", INTEGER, "R", mandatory=True),
        Resource(4, "update_supported_objects", BOOLEAN, "RW"),
        Resource(5, "update_result", INTEGER, "R", mandatory=True),
        Resource(6, "pkg_name", STRING, "R"),
        Resource(7, "pkg_version", STRING, "R"),
        Resource(8, "protocol_support", INTEGER, "R", multiple=True),
        Resource(9, "delivery_method", INTEGER, "R", mandatory=True),
    )

    def __init__(self, updater: "Any"):
        self._updater = updater

    def read(self, resource: Resource) -> object:
        """What the updater knows; by the resource's id."""
        updater = self._updater
        record = updater.record
        return (
            None,
            record.uri,
            None,
            record.state,
            record.supported_objects,
            record.result,
            updater.name,
            updater.version,
            self._protocols(),
            BOTH if updater.sources else PUSH_ONLY,
        )[resource.id]

    def _protocols(self) -> "dict[int, int] | None":
        """Those that a URI may have; None: no URI is of use."""
        if self._updater.sources is None:
            return None
        schemes: "tuple[str, ...]" = ()
        for source in self._updater.sources:
            schemes += source.schemes
        found: "dict[int, int]" = {}
        for number, scheme in enumerate(PROTOCOLS):
            if scheme in schemes:
                found[len(found)] = number
        return found or None

    def open_package(self, server: "int | None") -> "Any":
        """A sink for the package that a server pushes; an empty one resets."""
        return self._updater.open_push(server)

    def check_package_uri(self, value: str) -> None:
        self._updater.check_uri(value)

    def write_package_uri(self, value: str) -> None:
        """The device gets the package itself; "" resets."""
        self._updater.set_uri(value)

    def write_update_supported_objects(self, value: bool) -> None:
        """There is nothing to do for it: a device that comes from a restart registers, with all its objects."""
        record = self._updater.record
        record.supported_objects = value
        record.save()

    def execute_update(self, arguments: str) -> "Any":
        """Update; what it returns is called once the server has its answer."""
        if arguments:
            raise Rejected(BAD_REQUEST, "no arguments are taken")
        return self._updater.update()

    def replace(self) -> None:
        """A Write that replaces names what begins an update; nothing is there to be forgotten."""
        if self._updater.record.state:
            raise Rejected(METHOD_NOT_ALLOWED, "an update is under way")
