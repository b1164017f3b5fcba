"""LwM2M Security, object 0 (OMA LwM2M 1.0, E.1): a server's address and credentials. No server may read it."""

from ..model import Object, Resource
from ..types import BOOLEAN, INTEGER, OPAQUE, STRING

MODE_PSK = 0
MODE_NOSEC = 3


class Security(Object):
    """One server's account. Its rows have no operations: only a bootstrap server writes them."""

    object_id = 0
    multiple = True
    resources = (
        Resource(0, "server_uri", STRING, "", mandatory=True),
        Resource(1, "is_bootstrap", BOOLEAN, "", mandatory=True),
        Resource(2, "security_mode", INTEGER, "", mandatory=True),
        Resource(3, "identity", OPAQUE, "", mandatory=True),
        Resource(4, "server_public_key", OPAQUE, "", mandatory=True),
        Resource(5, "secret_key", OPAQUE, "", mandatory=True),
        Resource(10, "short_server_id", INTEGER, ""),
        Resource(11, "hold_off_s", INTEGER, ""),
    )

    def __init__(self, server_uri: str, short_server_id: int, identity: bytes = b"", secret_key: bytes = b""):
        self.server_uri = server_uri
        self.is_bootstrap = False
        self.security_mode = MODE_PSK if secret_key else MODE_NOSEC
        self.identity = identity
        self.server_public_key = b""
        self.secret_key = secret_key
        self.short_server_id = short_server_id
        self.hold_off_s = 0
