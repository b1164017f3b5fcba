"""What a host answers to a command, and what the server is told."""

import pytest

from atiny import errors
from atiny.coap import codes
from atiny.commands import ATINY_DO_DEV_REBOOT, ATINY_GET_MANUFACTURER, ATINY_WRITE_APP_DATA
from atiny.errors import Rejected
from atiny.lwm2m.host import Host
from tests.lwm2m.rig import Rig, dotted

# the answer to a command -> the response code, None: it was carried out
ANSWERS = [
    (None, None),
    (errors.ATINY_OK, None),
    (5, None),
    (True, None),
    ("done", None),
    (errors.ATINY_ARG_INVALID, codes.BAD_REQUEST),
    (errors.ATINY_BUF_OVERFLOW, codes.REQUEST_ENTITY_TOO_LARGE),
    (errors.ATINY_MSG_CONGEST, codes.SERVICE_UNAVAILABLE),
    (errors.ATINY_MALLOC_FAILED, codes.INTERNAL_SERVER_ERROR),
    (errors.ATINY_RESOURCE_NOT_FOUND, codes.NOT_FOUND),
    (errors.ATINY_RESOURCE_NOT_ENOUGH, codes.INTERNAL_SERVER_ERROR),
    (errors.ATINY_CLIENT_UNREGISTERED, codes.INTERNAL_SERVER_ERROR),
    (errors.ATINY_SOCKET_CREATE_FAILED, codes.INTERNAL_SERVER_ERROR),
    (errors.ATINY_ERR, codes.INTERNAL_SERVER_ERROR),
    (-1000, codes.INTERNAL_SERVER_ERROR),
]


@pytest.mark.parametrize(("answer", "code"), ANSWERS)
def test_the_answer_to_a_command(answer, code):
    asked = []

    def cmd_ioctl(cmd, arg):
        asked.append((cmd, arg))
        return answer

    host = Host(cmd_ioctl)
    if code is None:
        host.do(ATINY_WRITE_APP_DATA, b"x")
    else:
        with pytest.raises(Rejected) as caught:
            host.do(ATINY_WRITE_APP_DATA, b"x")
        assert caught.value.code == code
    assert asked == [(ATINY_WRITE_APP_DATA, b"x")]

    rig = Rig(handler=lambda cmd, arg: answer if cmd == ATINY_WRITE_APP_DATA else None)
    response = rig.ask("PUT", "19/1/0", payload=b"x", content_format=42)
    assert response.code == (codes.CHANGED if code is None else code)
    assert len(rig.events) == 1, "an answer is no event"


def test_what_a_command_raises_passes_through():
    def cmd_ioctl(cmd, arg):
        raise LookupError(cmd)

    host = Host(cmd_ioctl)
    with pytest.raises(LookupError):
        host.do(ATINY_DO_DEV_REBOOT)
    with pytest.raises(LookupError):
        host.get(ATINY_GET_MANUFACTURER, None)


def test_a_host_that_raises_whatever_it_is_asked():
    def cmd_ioctl(cmd, arg):
        raise LookupError(cmd)

    rig = Rig(handler=cmd_ioctl)
    for method, path in (("GET", "3/0/0"), ("GET", "3/0"), ("GET", "3"), ("PUT", "19/1/0"), ("POST", "3/0/12")):
        assert dotted(rig.ask(method, path)) == "5.00"
    assert dotted(rig.ask("GET", "3/0", accept=40)) == "5.00"
    assert dotted(rig.ask("GET", "3/0/0", observe=0)) == "5.00"
    assert [path for _, (path, _) in rig.events[1:]] == [
        "/3/0/0",
        "/3/0",
        "/3",
        "/19/1/0",
        "/3/0/12",
        "/3/0",
        "/3/0/0",
    ]
    assert dotted(rig.ask("GET", "1/0/1")) == "2.05"


def test_what_is_not_supported_is_no_method():
    """So a device answers too whose build goes without what the server asks for; the host hears why."""
    missing = errors.NotSupported("it was built without")

    def cmd_ioctl(cmd, arg):
        raise missing

    rig = Rig(handler=cmd_ioctl)
    assert dotted(rig.ask("POST", "3/0/12")) == "4.05"
    assert [event for _, event in rig.events[1:]] == [("/3/0/12", missing)]
