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
        # Not 0: to Security no server has rights.
        Resource(0, "target_object_id", INTEGER, "R", mandatory=True, range=(1, MAX_ID - 1)),
        Resource(1, "target_instance_id", INTEGER, "R", mandatory=True, range=(0, MAX_ID)),
        Resource(2, "acl", INTEGER, "RW", multiple=True, range=(0, 0xFFFF)),  # reserved bits are kept, and mean nothing
        Resource(3, "owner", INTEGER, "RW", mandatory=True, range=(1, MAX_ID)),
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

    def check_acl(self, value: "dict[int, int]") -> None:
        """The keys are short server ids, or 0."""
        for id in value:
            if not 0 <= id < MAX_ID:
                raise Rejected(BAD_REQUEST, "the short server id is 1 to 65534, or 0 for the default")
