"""The host as the objects see it: command words out, values or `Rejected` back."""

from .. import errors
from ..coap.codes import (
    BAD_REQUEST,
    INTERNAL_SERVER_ERROR,
    NOT_FOUND,
    REQUEST_ENTITY_TOO_LARGE,
    SERVICE_UNAVAILABLE,
)
from ..errors import Rejected

# What the server is told where the host answers a command with an error; any other is 5.00.
_ANSWERS = {
    errors.ATINY_ARG_INVALID: BAD_REQUEST,
    errors.ATINY_BUF_OVERFLOW: REQUEST_ENTITY_TOO_LARGE,
    errors.ATINY_MSG_CONGEST: SERVICE_UNAVAILABLE,
    errors.ATINY_RESOURCE_NOT_FOUND: NOT_FOUND,
}


class Host:
    """Calls the host's ``cmd_ioctl(cmd, arg)``; what it raises passes through, and becomes a 5.00 and an event."""

    def __init__(self, cmd_ioctl):
        self.get = cmd_ioctl  # get(word, None): the value, or None where it is not supported

    def do(self, cmd: int, arg: object = None) -> None:
        """Carry out a command; `Rejected` where the host answers with an ATINY_* error."""
        result = self.get(cmd, arg)
        if type(result) is int and result < 0:
            raise Rejected(_ANSWERS.get(result, INTERNAL_SERVER_ERROR), "the device answered %d" % result)
