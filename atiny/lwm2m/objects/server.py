"""LwM2M Server, object 1 (OMA LwM2M 1.0, E.2): how the device is registered with one server."""

from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..model import Object, Resource
from ..types import BOOLEAN, INTEGER, NONE, STRING

DEFAULT_LIFETIME_S = 86400
LONGEST_S = 0xFFFFFFFF
BINDINGS = ("U", "UQ")  # those of 5.3.1.1 that a device without SMS can keep


class Server(Object):
    """One server's registration.

    ``changed(trigger)`` is called where something changed, of which the server may have to hear by an Update; with
    ``trigger`` True it asks for one in any case.
    """

    object_id = 1
    multiple = True
    resources = (
        Resource(0, "short_server_id", INTEGER, "R", mandatory=True),
        Resource(1, "lifetime_s", INTEGER, "RW", mandatory=True, unit="s"),
        Resource(2, "default_pmin_s", INTEGER, "RW", unit="s"),
        Resource(3, "default_pmax_s", INTEGER, "RW", unit="s"),
        Resource(6, "notification_storing", BOOLEAN, "RW", mandatory=True),
        Resource(7, "binding", STRING, "RW", mandatory=True),
        Resource(8, "registration_update_trigger", NONE, "E", mandatory=True),
    )

    def __init__(self, short_server_id: int, lifetime_s: int, binding: str, changed):
        self.short_server_id = short_server_id
        self.lifetime_s = lifetime_s
        self.default_pmin_s: "int | None" = None
        self.default_pmax_s: "int | None" = None
        self.notification_storing = True
        self.binding = binding
        self._changed = changed

    def replace(self) -> None:
        """The optional ones go; the mandatory ones are in the request."""
        self.default_pmin_s = None
        self.default_pmax_s = None

    def write(self, resource: Resource, value: object) -> None:
        """Set a resource; what depends on it obeys at once."""
        setattr(self, resource.name, value)
        self._changed(False)

    def check_lifetime_s(self, value: int) -> None:
        """1 second and more, in 32 bits."""
        if not 1 <= value <= LONGEST_S:
            raise Rejected(BAD_REQUEST, "a lifetime is 1 to %d seconds" % LONGEST_S)

    def check_default_pmin_s(self, value: int) -> None:
        """0 seconds and more, in 32 bits."""
        if not 0 <= value <= LONGEST_S:
            raise Rejected(BAD_REQUEST, "a period is 0 to %d seconds" % LONGEST_S)

    def check_default_pmax_s(self, value: int) -> None:
        """As the minimum; 0: there is none."""
        self.check_default_pmin_s(value)

    def check_binding(self, value: str) -> None:
        """One of BINDINGS."""
        if value not in BINDINGS:
            raise Rejected(BAD_REQUEST, "the binding is none of " + ", ".join(BINDINGS))

    def execute_registration_update_trigger(self, arguments: str) -> object:
        """The Update goes once the server has its answer."""
        return lambda: self._changed(True)
