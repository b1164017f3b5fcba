"""The host as the objects see it: command words out, values or `Rejected` back."""

from .. import errors
from ..coap.codes import (
    BAD_REQUEST,
    INTERNAL_SERVER_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    REQUEST_ENTITY_TOO_LARGE,
    SERVICE_UNAVAILABLE,
)
from ..coap.message import Message
from ..commands import FIRST_OWN
from ..errors import NotSupported, Rejected
from .path import render

# What the server is told where the host answers a command with an error; any other is 5.00.
_ANSWERS = {
    errors.ATINY_ARG_INVALID: BAD_REQUEST,
    errors.ATINY_BUF_OVERFLOW: REQUEST_ENTITY_TOO_LARGE,
    errors.ATINY_MSG_CONGEST: SERVICE_UNAVAILABLE,
    errors.ATINY_RESOURCE_NOT_FOUND: NOT_FOUND,
}


def refusal(path: tuple, error: Exception, failed) -> Message:
    """The response to what went wrong with a request; ``failed(path, error)`` is told what a handler raised.

    `NotSupported` is 4.05: what was asked for is in no handler, or in a part that this build goes without.
    """
    if isinstance(error, Rejected) and type(error.code) is int and BAD_REQUEST <= error.code < 0xC0:
        try:
            return Message(error.code, None, str(error.diagnostic).encode())
        except UnicodeError:
            return Message(error.code)
    # The protocol itself raises nothing else: this comes from a handler of the host, or from how it was built.
    failed(render(path), error)
    return Message(METHOD_NOT_ALLOWED if isinstance(error, NotSupported) else INTERNAL_SERVER_ERROR)


class Host:
    """Calls the host's ``cmd_ioctl(cmd, arg)``; what it raises passes through, and becomes a 5.00 and an event.

    ``handler``: a `CommandHandler`, or anything with its ``cmd_ioctl``, or that function.
    """

    def __init__(self, handler):
        self.get = getattr(handler, "cmd_ioctl", handler)  # get(word, None): the value, or None: not supported
        self._supports = getattr(handler, "supports", None)

    def supports(self, cmd: int) -> "bool | None":
        """Whether the host knows a command word; None: only asking shows it. Words of our own it must declare."""
        if self._supports is not None:
            return self._supports(cmd)
        return None if cmd < FIRST_OWN else False

    def do(self, cmd: int, arg: object = None) -> None:
        """Carry out a command; `Rejected` where the host answers with an ATINY_* error."""
        result = self.get(cmd, arg)
        if type(result) is int and result < 0:
            raise Rejected(_ANSWERS.get(result, INTERNAL_SERVER_ERROR), "the device answered %d" % result)
