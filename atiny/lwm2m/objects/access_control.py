"""LwM2M Access Control, object 2 (OMA LwM2M 1.0, E.3): what each server may do with one object instance.

These are the facts; `lwm2m.access` makes the rules of 7.3 of them. There are instances only where there are several
servers.
"""

from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..model import Object, Resource
from ..path import MAX_ID
from ..types import INTEGER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The bits of an ACL's value.
READ = 1  # Read, Observe, Discover, Write-Attributes
WRITE = 2
EXECUTE = 4
DELETE = 8
CREATE = 16
ALL = READ | WRITE | EXECUTE | DELETE | CREATE

DEFAULT_ACL = 0  # the instance of the ACL that counts for servers without one of their own
BOOTSTRAP_ONLY = MAX_ID  # as an owner: no server, only a bootstrap server may change the instance
NO_INSTANCE = MAX_ID  # as a target's instance: the rights are those to Create instances of the object


class AccessControl(Object):
    """The rights to the instance ``/target_object_id/target_instance_id``.

    ``acl``: {short server id: bits}, that of 0 for all servers without an entry. ``owner``: the short server id of the
    server that may change the instance.
    """

    object_id = 2
    multiple = True
    resources = (
        Resource(0, "target_object_id", INTEGER, "R", mandatory=True),
        Resource(1, "target_instance_id", INTEGER, "R", mandatory=True),
        Resource(2, "acl", INTEGER, "RW", multiple=True),
        Resource(3, "owner", INTEGER, "RW", mandatory=True),
    )

    def __init__(
        self,
        target_object_id: int = 0,
        target_instance_id: int = 0,
        acl: "dict[int, int] | None" = None,
        owner: int = BOOTSTRAP_ONLY,
    ):
        self.target_object_id = target_object_id
        self.target_instance_id = target_instance_id
        self.acl: "dict[int, int]" = acl if acl is not None else {}
        self.owner = owner

    def replace(self) -> None:
        """The ACL goes where a Write does not name it; the owner is in the request."""
        self.acl = {}

    def read_acl(self) -> "Any":
        """The entries; without any the resource does not exist."""
        return self.acl or None

    def check_target_object_id(self, value: int) -> None:
        """1 to 65534: to Security no server has rights."""
        if not 1 <= value < MAX_ID:
            raise Rejected(BAD_REQUEST, "the object id is 1 to 65534")

    def check_target_instance_id(self, value: int) -> None:
        """0 to 65535."""
        if not 0 <= value <= MAX_ID:
            raise Rejected(BAD_REQUEST, "the object instance id is 0 to 65535")

    def check_acl(self, value: "dict[int, int]") -> None:
        """Short server ids, or 0, and 16 bits for each; reserved bits are kept, and mean nothing."""
        for id in value:
            if not 0 <= id < MAX_ID:
                raise Rejected(BAD_REQUEST, "the short server id is 1 to 65534, or 0 for the default")
            if not 0 <= value[id] <= 0xFFFF:
                raise Rejected(BAD_REQUEST, "the access rights are 16 bits")

    def check_owner(self, value: int) -> None:
        """A short server id, or 65535: no server at all."""
        if not 1 <= value <= MAX_ID:
            raise Rejected(BAD_REQUEST, "the owner is a short server id, 1 to 65534, or 65535 for none")
