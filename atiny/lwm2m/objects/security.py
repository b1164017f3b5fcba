"""LwM2M Security, object 0 (OMA LwM2M 1.0, E.1): a server's address and credentials. No server may read it."""

from ..model import Object, Resource
from ..path import MAX_ID
from ..types import BOOLEAN, INTEGER, OPAQUE, SECONDS, STRING

MODE_PSK = 0
MODE_NOSEC = 3
LAST_MODE = 4  # which of them this device can do is checked when a bootstrap finishes

LONGEST_URI = 255


class Security(Object):
    """One server's account, or a bootstrap server's. Its rows have no operations: only a bootstrap server writes them.

    ``hold_off_s``: the wait before a bootstrap that the device begins itself. ``bootstrap_account_timeout_s``: how long
    the bootstrap server's account is kept after a bootstrap; 0 or None: for good. What is said about SMS is kept, and
    not used: this device has none.
    """

    object_id = 0
    multiple = True
    resources = (
        Resource(0, "server_uri", STRING, "", mandatory=True, max_size=LONGEST_URI),
        Resource(1, "is_bootstrap", BOOLEAN, "", mandatory=True),
        Resource(2, "security_mode", INTEGER, "", mandatory=True, range=(0, LAST_MODE)),
        Resource(3, "identity", OPAQUE, "", mandatory=True),
        Resource(4, "server_public_key", OPAQUE, "", mandatory=True),
        Resource(5, "secret_key", OPAQUE, "", mandatory=True),
        Resource(6, "sms_security_mode", INTEGER, "", range=(0, 255)),
        Resource(7, "sms_key", OPAQUE, "", max_size=6),
        Resource(8, "sms_secret", OPAQUE, "", max_size=48),
        Resource(9, "sms_number", STRING, ""),
        # 0 and 65535 name no server, but some bootstrap servers give them to their own account.
        Resource(10, "short_server_id", INTEGER, "", range=(0, MAX_ID)),
        Resource(11, "hold_off_s", INTEGER, "", range=SECONDS),
        Resource(12, "bootstrap_account_timeout_s", INTEGER, "", range=SECONDS),
    )

    def __init__(
        self,
        server_uri: str = "",
        short_server_id: "int | None" = None,
        identity: bytes = b"",
        secret_key: bytes = b"",
        is_bootstrap: bool = False,
        hold_off_s: int = 0,
    ):
        self.server_uri = server_uri
        self.is_bootstrap = is_bootstrap
        self.security_mode = MODE_PSK if secret_key else MODE_NOSEC
        self.identity = identity
        self.server_public_key = b""
        self.secret_key = secret_key
        self.sms_security_mode: "int | None" = None
        self.sms_key: "bytes | None" = None
        self.sms_secret: "bytes | None" = None
        self.sms_number: "str | None" = None
        self.short_server_id = short_server_id
        self.hold_off_s = hold_off_s
        self.bootstrap_account_timeout_s: "int | None" = None
