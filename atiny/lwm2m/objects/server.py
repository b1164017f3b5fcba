"""LwM2M Server, object 1 (OMA LwM2M 1.0, E.2): how the device is registered with one server."""

from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..model import Object, Resource
from ..path import MAX_ID
from ..types import BOOLEAN, INTEGER, NONE, SECONDS, STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_LIFETIME_S = 86400
DEFAULT_DISABLE_S = 86400  # where /1/x/5 does not exist (E.2)
LONGEST_S = 0xFFFFFFFF
BINDINGS = ("U", "UQ")  # those of 5.3.1.1 that a device without SMS can keep


class Server(Object):
    """One server's registration.

    ``listener``: the account, or None while there is none. It is told ``server_changed(trigger)`` where something
    changed, of which the server may have to hear by an Update (with ``trigger`` True in any case); ``disable(seconds)``
    where the server is to be left alone; ``request_bootstrap()`` where it wants the device to bootstrap. ``rights``:
    None, or the bits of `access_control` that the host gives this server on every object instance.
    """

    object_id = 1
    multiple = True
    resources = (
        Resource(0, "short_server_id", INTEGER, "R", mandatory=True, range=(1, MAX_ID - 1)),
        Resource(1, "lifetime_s", INTEGER, "RW", mandatory=True, range=(1, LONGEST_S)),
        Resource(2, "default_pmin_s", INTEGER, "RW", range=SECONDS),
        Resource(3, "default_pmax_s", INTEGER, "RW", range=SECONDS),
        Resource(4, "disable", NONE, "E"),
        Resource(5, "disable_timeout_s", INTEGER, "RW", range=SECONDS),
        Resource(6, "notification_storing", BOOLEAN, "RW", mandatory=True),
        Resource(7, "binding", STRING, "RW", mandatory=True),
        Resource(8, "registration_update_trigger", NONE, "E", mandatory=True),
        Resource(9, "bootstrap_request_trigger", NONE, "E"),  # of version 1.1
    )

    def __init__(self, short_server_id: int = 0, lifetime_s: int = DEFAULT_LIFETIME_S, binding: str = "U"):
        self.short_server_id = short_server_id
        self.lifetime_s = lifetime_s
        self.default_pmin_s: "int | None" = None
        self.default_pmax_s: "int | None" = None
        self.disable_timeout_s: "int | None" = None
        self.notification_storing = True
        self.binding = binding
        self.rights: "int | None" = None
        self.listener: "Any" = None

    def replace(self) -> None:
        """The optional ones go; the mandatory ones are in the request."""
        self.default_pmin_s = None
        self.default_pmax_s = None
        self.disable_timeout_s = None

    def write(self, resource: Resource, value: object) -> None:
        """Set a resource; what depends on it obeys at once."""
        setattr(self, resource.name, value)
        self._changed(False)

    def _changed(self, trigger: bool) -> None:
        if self.listener is not None:
            self.listener.server_changed(trigger)

    def check_binding(self, value: str) -> None:
        """One of BINDINGS."""
        if value not in BINDINGS:
            raise Rejected(BAD_REQUEST, "the binding is none of " + ", ".join(BINDINGS))

    def execute_disable(self, arguments: str) -> object:
        """The device leaves once the server has its answer, for the time-out that stands now."""
        timeout_s = self.disable_timeout_s
        if timeout_s is None:
            timeout_s = DEFAULT_DISABLE_S
        return lambda: self.listener is not None and self.listener.disable(timeout_s)

    def execute_registration_update_trigger(self, arguments: str) -> object:
        """The Update goes once the server has its answer."""
        return lambda: self._changed(True)

    def execute_bootstrap_request_trigger(self, arguments: str) -> object:
        """The bootstrap begins once the server has its answer."""
        return lambda: self.listener is not None and self.listener.request_bootstrap()
