"""An endpoint of a build without block-wise transfer, or without streams: as if their modules were not there."""

import sys

import pytest

from atiny.coap.exchange import DONE
from atiny.coap.message import Message

from .peer import (
    ACK,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    GET,
    NON,
    OBSERVE,
    POST,
    PUT,
    SIZE1,
    SIZE2,
    Device,
    block,
    body,
    empty,
    options_of,
    pack,
    path,
)
from .stream_rig import Push
from .upload import REQUEST_TAG

BAD_OPTION, NOT_IMPLEMENTED = 0x82, 0xA1


@pytest.fixture
def no_blocks(monkeypatch):
    monkeypatch.setitem(sys.modules, "atiny.coap.blockwise", None)


@pytest.fixture
def no_streams(monkeypatch):
    monkeypatch.setitem(sys.modules, "atiny.coap.stream", None)


@pytest.mark.parametrize("number", [BLOCK1, BLOCK2])
@pytest.mark.parametrize("value", [block(0, False, 6), block(0, True, 0), block(3, False, 0)])
def test_its_options_are_critical_ones_that_are_not_known(no_blocks, number, value):
    device = Device()
    answer = device.reply(pack(CON, PUT, 1, b"tok", [*path("/3"), (number, value)], bytes(16)))
    assert (answer.code, answer.payload) == (BAD_OPTION, b"option %d" % number)
    assert device.hear(pack(NON, PUT, 2, b"tok", [*path("/3"), (number, value)])) == []
    assert device.asked == []
    assert device.endpoint.block is None


def test_other_options_with_numbers_as_high_do_not_disturb(no_blocks):
    device = Device()
    options = [*path("/3"), (SIZE2, b""), (SIZE1, b"\x05"), (REQUEST_TAG, b"a")]
    assert device.reply(pack(CON, PUT, 1, b"tok", options, b"value")).code == CONTENT
    assert [request.options for request in device.asked] == [options]


@pytest.mark.parametrize(("length", "code"), [(0, CONTENT), (1024, CONTENT), (1025, NOT_IMPLEMENTED)])
def test_answers_and_notifications_of_one_block(no_blocks, length, code):
    content = body(length)
    device = Device(lambda request: Message(CONTENT, None, content))
    for _ in range(2):
        answer = device.reply(pack(CON, GET, 1, b"tok", path("/3")))
        assert (answer.code, answer.payload) == (code, content if code == CONTENT else b"")
    device.notify("n", b"tok", payload=content)
    notification = device.one()
    assert (notification.code, notification.opt.observe) == (code, 5 if code == CONTENT else None)
    device.hear(empty(ACK, notification.mid))
    device.answer = lambda request: None
    device.hear(pack(CON, POST, 2, b"tok", path("/3/0/4")))
    device.endpoint.respond(device.asked[-1], Message(CONTENT, None, content), device.now)
    assert device.one().code == code


@pytest.mark.parametrize("length", [0, 1024, 3000])
def test_requests_of_ours_go_in_one_piece(no_blocks, length):
    device = Device()
    device.ask("ours", POST, path("/rd"), body(length))
    request = device.one()
    assert (request.payload, options_of(request)) == (body(length), path("/rd"))
    device.hear(pack(ACK, CHANGED, request.mid, request.token))
    assert [end[:2] for end in device.ends] == [("ours", DONE)]


def test_an_observation_stays_in_one_piece(no_blocks):
    device = Device(lambda request: Message(CONTENT, [(OBSERVE, b"\x05")], body(1024)))
    answer = device.reply(pack(CON, GET, 1, b"tok", [(OBSERVE, b""), *path("/3")]))
    assert (answer.opt.observe, answer.payload) == (5, body(1024))


def test_without_streams_a_body_is_joined(no_streams):
    push = Push()
    content = body(72)
    for number in range(5):
        answer = push.of(content, number, 0)
    assert (answer.code, push.bodies, push.sinks) == (CHANGED, [content], [])
    assert push.due is None


def test_what_is_not_needed_is_not_made():
    device = Device(stream=lambda request: None)
    device.hear(pack(CON, GET, 1, b"tok", path("/3")))
    device.notify("n", b"tok")
    assert device.endpoint.block is device.endpoint.streams is None
    device.hear(pack(CON, PUT, 2, b"tok", [*path("/3"), (BLOCK1, block(0, True, 0))], bytes(16)))
    assert device.endpoint.block is not None
    assert device.endpoint.streams is not None
