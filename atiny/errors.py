"""What can go wrong, and whose fault it is.

Every exception carries the ``ATINY_*`` code that the SDK's API returns for it, so that the open API is a thin face
over the one that raises. Peer bytes never reach the host as an exception: `CodecError` and `Rejected` end inside the
protocol, as an answer to the peer.
"""

ATINY_OK = 0
ATINY_ARG_INVALID = -1
ATINY_BUF_OVERFLOW = -2
ATINY_MSG_CONGEST = -3
ATINY_MALLOC_FAILED = -4
ATINY_RESOURCE_NOT_FOUND = -5
ATINY_RESOURCE_NOT_ENOUGH = -6
ATINY_CLIENT_UNREGISTERED = -7
ATINY_SOCKET_CREATE_FAILED = -8
ATINY_ERR = -9


class AtinyError(Exception):
    """The base of every exception of this package."""

    atiny_code = ATINY_ERR


class ParameterError(AtinyError):
    """The host passed something that cannot be meant; the message says what would be right."""

    atiny_code = ATINY_ARG_INVALID


class QueueFull(AtinyError):
    """The report queue is at its capacity; the report was not accepted."""

    atiny_code = ATINY_RESOURCE_NOT_ENOUGH


class NotRegistered(AtinyError):
    """The call needs a registered device."""

    atiny_code = ATINY_CLIENT_UNREGISTERED


class NotSupported(AtinyError):
    """This runtime or this version cannot do what was asked; the message says why."""


class TransportError(AtinyError):
    """The outside world failed: name resolution, socket, modem.

    ``refused`` is true where the peer's host said that nobody listens there (ICMP port unreachable): a fact about
    the server, where any other error is a fact about the network.
    """

    atiny_code = ATINY_SOCKET_CREATE_FAILED

    def __init__(self, message: str, refused: bool = False):
        super().__init__(message)
        self.refused = refused


class CodecError(AtinyError):
    """Bytes that are not what their format says (the peer's fault)."""


class Rejected(AtinyError):
    """An operation that is answered with an error: ``code`` is the CoAP response code, ``diagnostic`` its text.

    A handler of the host may raise it to choose the answer itself: ``raise Rejected(coap.codes.FORBIDDEN, "locked")``.
    """

    def __init__(self, code: int, diagnostic: str = ""):
        super().__init__("%d.%02d %s" % (code >> 5, code & 31, diagnostic))
        self.code = code
        self.diagnostic = diagnostic
