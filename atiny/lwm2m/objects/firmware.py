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

    def open_package(self, server: "int | None") -> "Any":
        """A sink for the package that a server pushes; an empty one resets."""
        return self._updater.open_push(server)

    def read_package_uri(self) -> str:
        """Where the package is from, or is being got from; "" where no URI was written."""
        return self._updater.uri

    def check_package_uri(self, value: str) -> None:
        self._updater.check_uri(value)

    def write_package_uri(self, value: str) -> None:
        """The device gets the package itself; "" resets."""
        self._updater.set_uri(value)

    def execute_update(self, arguments: str) -> "Any":
        """Update; what it returns is called once the server has its answer."""
        if arguments:
            raise Rejected(BAD_REQUEST, "no arguments are taken")
        return self._updater.update()

    def read_state(self) -> int:
        return self._updater.state

    def read_update_supported_objects(self) -> bool:
        return self._updater.supported_objects

    def write_update_supported_objects(self, value: bool) -> None:
        self._updater.supported_objects = value

    def read_update_result(self) -> int:
        return self._updater.result

    def read_pkg_name(self) -> "str | None":
        return self._updater.name

    def read_pkg_version(self) -> "str | None":
        return self._updater.version

    def read_protocol_support(self) -> "dict[int, int] | None":
        """The protocols that a URI may have; None: no URI is of use."""
        found = []
        for source in self._updater.sources:
            for scheme in source.schemes:
                if scheme in PROTOCOLS and PROTOCOLS.index(scheme) not in found:
                    found.append(PROTOCOLS.index(scheme))
        return dict(enumerate(sorted(found))) or None

    def read_delivery_method(self) -> int:
        return BOTH if self._updater.sources else PUSH_ONLY

    def replace(self) -> None:
        """A Write that replaces names what begins an update; nothing is there to be forgotten."""
        if self._updater.state:
            raise Rejected(METHOD_NOT_ALLOWED, "an update is under way")
