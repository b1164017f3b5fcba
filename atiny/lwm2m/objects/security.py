"""LwM2M Security, object 0 (OMA LwM2M 1.0, E.1): a server's address and credentials. No server may read it."""

from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..model import Object, Resource
from ..path import MAX_ID
from ..types import BOOLEAN, INTEGER, OPAQUE, STRING

MODE_PSK = 0
MODE_NOSEC = 3
LAST_MODE = 4  # which of them this device can do is checked when a bootstrap finishes

LONGEST_URI = 255
LONGEST_S = 0xFFFFFFFF


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
        Resource(2, "security_mode", INTEGER, "", mandatory=True),
        Resource(3, "identity", OPAQUE, "", mandatory=True),
        Resource(4, "server_public_key", OPAQUE, "", mandatory=True),
        Resource(5, "secret_key", OPAQUE, "", mandatory=True),
        Resource(6, "sms_security_mode", INTEGER, ""),
        Resource(7, "sms_key", OPAQUE, "", max_size=6),
        Resource(8, "sms_secret", OPAQUE, "", max_size=48),
        Resource(9, "sms_number", STRING, ""),
        Resource(10, "short_server_id", INTEGER, ""),
        Resource(11, "hold_off_s", INTEGER, "", unit="s"),
        Resource(12, "bootstrap_account_timeout_s", INTEGER, "", unit="s"),
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

    def check_security_mode(self, value: int) -> None:
        """0 to 4."""
        if not 0 <= value <= LAST_MODE:
            raise Rejected(BAD_REQUEST, "the security mode is 0 to %d" % LAST_MODE)

    def check_sms_security_mode(self, value: int) -> None:
        """One byte."""
        if not 0 <= value <= 255:
            raise Rejected(BAD_REQUEST, "the SMS security mode is 0 to 255")

    def check_short_server_id(self, value: int) -> None:
        """16 bits. 0 and 65535 name no server, but some bootstrap servers give them to their own account."""
        if not 0 <= value <= MAX_ID:
            raise Rejected(BAD_REQUEST, "a short server id is 1 to 65534")

    def check_hold_off_s(self, value: int) -> None:
        """0 seconds and more, in 32 bits."""
        if not 0 <= value <= LONGEST_S:
            raise Rejected(BAD_REQUEST, "the hold-off time is 0 to %d seconds" % LONGEST_S)

    def check_bootstrap_account_timeout_s(self, value: int) -> None:
        """As the hold-off time; 0: never."""
        if not 0 <= value <= LONGEST_S:
            raise Rejected(BAD_REQUEST, "the account's time-out is 0 to %d seconds" % LONGEST_S)
