"""Long requests of ours in Block1 blocks, and their long answers joined from Block2 blocks (RFC 7959)."""

import pytest

from atiny.coap.exchange import DONE, FAILED, RESET, TIME_OUT
from atiny.coap.message import Message

from .peer import (
    ACCEPT,
    ACK,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    CONTINUE,
    CREATED,
    ETAG,
    GET,
    NON,
    OBSERVE,
    POST,
    PUT,
    RST,
    SIZE1,
    SIZE2,
    URI_PATH,
    Device,
    block,
    body,
    empty,
    options_of,
    pack,
    path,
)

BAD_REQUEST, BAD_OPTION, NOT_FOUND, INCOMPLETE, TOO_LARGE = 0x80, 0x82, 0x84, 0x88, 0x8D


class Asking:
    """A device and its request; the test plays the server."""

    def __init__(self, code=PUT, payload=b"", options=None, **settings):
        self.device = Device(**settings)
        self.options = path("/5") if options is None else options
        self.device.endpoint.request(Message(code, self.options, payload), self.device.ends_as(None))
        self.request = self.device.one()
        self.mids = [self.request.mid]
        self.tokens = [self.request.token]

    @property
    def block1(self):
        block1 = self.request.opt.block1
        return block1 and (block1.block_number, block1.more, block1.size_exponent)

    @property
    def block2(self):
        block2 = self.request.opt.block2
        return block2 and (block2.block_number, block2.more, block2.size_exponent)

    def answer(self, code, options=(), payload=b""):
        """Answer the request; the next one, if there is one, takes its place. Returns whether there is."""
        sent = self.device.hear(pack(ACK, code, self.request.mid, self.request.token, options, payload))
        if sent:
            (self.request,) = sent
            self.mids.append(self.request.mid)
            self.tokens.append(self.request.token)
        return bool(sent)

    @property
    def ended(self):
        return [(outcome, response and (response.code, response.payload)) for _, outcome, response in self.device.ends]


# -- the request in blocks


@pytest.mark.parametrize("szx", range(7))
@pytest.mark.parametrize("blocks", [1.5, 2, 3.25])
def test_a_long_request(szx, blocks):
    size = 16 << szx
    content = body(int(size * blocks))
    asking = Asking(PUT, content, [*path("/5"), (CONTENT_FORMAT, b"\x2a")], szx=szx)
    last = (len(content) - 1) // size
    joined = b""
    for number in range(last + 1):
        joined += asking.request.payload
        assert asking.block1 == (number, number < last, szx)
        assert asking.request.opt.size1 == (len(content) if number == 0 else None)
        assert (asking.request.mtype, asking.request.code) == (CON, PUT)
        assert (asking.request.opt.uri_path, asking.request.opt.content_format) == (("5",), 42)
        if number < last:
            assert asking.answer(CONTINUE, [(BLOCK1, block(number, True, szx))])
    assert asking.ended == []
    assert not asking.answer(CHANGED, [(BLOCK1, block(last, False, szx))], b"thanks")
    assert joined == content
    assert asking.ended == [(DONE, (CHANGED, b"thanks"))]
    assert len(set(asking.mids)) == len(set(asking.tokens)) == last + 1
    assert asking.device.exchange.idle


def test_a_request_that_fits_one_block_has_no_block_option():
    for length in (0, 1, 1024):
        asking = Asking(PUT, body(length))
        assert options_of(asking.request) == [(URI_PATH, b"5")]
        assert asking.request.payload == body(length)


def test_the_peer_wants_smaller_blocks():
    """RFC 7959, figure 8."""
    content = body(3000)
    asking = Asking(PUT, content)
    joined = asking.request.payload
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 2))])
    assert asking.block1 == (16, True, 2)
    while not asking.ended:
        assert asking.block1 == (len(joined) // 64, len(joined) + 64 < len(content), 2)
        joined += asking.request.payload
        more = asking.request.opt.block1.more
        number = asking.request.opt.block1.block_number
        asking.answer(CONTINUE if more else CHANGED, [(BLOCK1, block(number, more, 2))])
    assert joined == content
    assert asking.ended == [(DONE, (CHANGED, b""))]


def test_the_peer_wants_larger_blocks():
    asking = Asking(PUT, body(100), szx=1)
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 6))])
    assert asking.block1 == (1, True, 1)  # larger ones than ours are not for us


@pytest.mark.parametrize("length", [500, 3000])
def test_too_large_with_a_smaller_size(length):
    """Section 2.9.3: the hint in a 4.13, also where the request came in one piece."""
    content = body(length)
    asking = Asking(PUT, content)
    assert asking.answer(TOO_LARGE, [(BLOCK1, block(0, True, 3))])
    assert asking.block1 == (0, True, 3)
    assert asking.request.opt.size1 == length
    assert asking.request.payload == content[:128]
    assert asking.answer(TOO_LARGE, [(BLOCK1, block(0, True, 1))])
    assert (asking.block1, asking.request.payload) == ((0, True, 1), content[:32])
    assert asking.answer(CONTINUE, [(BLOCK1, block(0, True, 1))])
    assert (asking.block1, asking.request.payload) == ((1, True, 1), content[32:64])


@pytest.mark.parametrize("options", [[], [(BLOCK1, block(0, True, 6))], [(SIZE1, b"\x64")]])
def test_too_large_without_a_smaller_size(options):
    asking = Asking(PUT, body(3000))
    assert not asking.answer(TOO_LARGE, options)
    assert asking.ended == [(DONE, (TOO_LARGE, b""))]


@pytest.mark.parametrize("code", [BAD_REQUEST, BAD_OPTION, NOT_FOUND, INCOMPLETE, TOO_LARGE, 0xA0])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_error_is_the_answer_wherever_it_comes(code, at):
    asking = Asking(PUT, body(3000))
    for number in range(at):
        asking.answer(CONTINUE, [(BLOCK1, block(number, True, 6))])
    assert not asking.answer(code, [(BLOCK1, block(at, at < 2, 6))], b"why")
    assert asking.ended == [(DONE, (code, b"why"))]
    assert asking.device.wait(300_000) == []


def test_too_large_in_the_middle_is_the_answer_whatever_it_says_of_sizes():
    asking = Asking(PUT, body(3000))
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 6))])
    assert not asking.answer(TOO_LARGE, [(BLOCK1, block(1, True, 2))])
    assert asking.ended == [(DONE, (TOO_LARGE, b""))]


def test_a_peer_that_acts_on_each_block():
    """RFC 7959, figure 9: a success that is not the final one."""
    asking = Asking(PUT, body(3000))
    for number in range(3):
        assert asking.block1[0] == number
        assert asking.answer(CHANGED, [(BLOCK1, block(number, False, 6))]) == (number < 2)
    assert asking.ended == [(DONE, (CHANGED, b""))]


def test_a_success_with_most_of_the_body_unsent_is_none():
    asking = Asking(PUT, body(3000))
    assert not asking.answer(CHANGED)
    assert asking.ended == [(FAILED, None)]


def test_continue_after_the_last_block():
    asking = Asking(PUT, body(1500))
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 6))])
    assert not asking.answer(CONTINUE, [(BLOCK1, block(1, True, 6))])
    assert asking.ended == [(FAILED, None)]
    asking = Asking(PUT, body(10))
    assert not asking.answer(CONTINUE)
    assert asking.ended == [(FAILED, None)]


@pytest.mark.parametrize("end", [TIME_OUT, RESET, FAILED])
def test_a_block_that_does_not_arrive(end):
    asking = Asking(PUT, body(3000))
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 6))])
    if end == TIME_OUT:
        asking.device.wait(300_000)
    elif end == RESET:
        asking.device.hear(empty(RST, asking.request.mid))
    else:
        asking.device.exchange.reset(FAILED)
    assert asking.ended == [(end, None)]
    assert asking.device.wait(300_000) == []


def test_separate_responses_to_blocks():
    asking = Asking(PUT, body(2000))
    device = asking.device
    device.hear(empty(ACK, asking.request.mid))
    ack, following = device.hear(pack(CON, CONTINUE, 5, asking.request.token, [(BLOCK1, block(0, True, 6))]))
    assert (ack.mtype, ack.mid, following.opt.block1.block_number) == (ACK, 5, 1)
    device.hear(pack(NON, CREATED, 6, following.token, [(BLOCK1, block(1, False, 6))]))
    assert asking.ended == [(DONE, (CREATED, b""))]


# -- the answer in blocks


def give(content, number, szx, etag=b"v1", extra=()):
    """Code, options and payload of a block of an answer."""
    size = 16 << szx
    more = (number + 1) * size < len(content)
    tag = [(ETAG, etag)] if etag is not None else []
    return (CONTENT, [*tag, *extra, (BLOCK2, block(number, more, szx))], content[number * size : (number + 1) * size])


@pytest.mark.parametrize("szx", range(7))
@pytest.mark.parametrize("etag", [b"v1", None])
def test_a_long_answer(szx, etag):
    content = body((16 << szx) * 5 // 2)
    asking = Asking(GET, options=[(OBSERVE, b"\1"), *path("/5"), (ACCEPT, b"\x2a")])
    assert asking.block2 is None
    assert asking.answer(*give(content, 0, szx, etag, [(SIZE2, b"\xff")]))
    assert asking.block2 == (1, False, szx)
    assert options_of(asking.request)[:2] == [(URI_PATH, b"5"), (ACCEPT, b"\x2a")]  # all but the Observe
    assert asking.request.payload == b""
    assert asking.answer(*give(content, 1, szx, etag))
    assert asking.block2 == (2, False, szx)
    assert not asking.answer(*give(content, 2, szx, etag))
    assert asking.ended == [(DONE, (CONTENT, content))]
    assert len(set(asking.tokens)) == 3


def test_an_answer_of_one_block():
    for options in ([], [(BLOCK2, b"")], [(BLOCK2, b"\6")]):
        asking = Asking(GET)
        assert not asking.answer(CONTENT, options, b"short")
        assert asking.ended == [(DONE, (CONTENT, b"short"))]


@pytest.mark.parametrize("server_szx", [1, 2, 4])
def test_our_size_is_asked_for_and_the_smaller_one_taken(server_szx):
    content = body(300)
    asking = Asking(GET, szx=2)
    assert asking.block2 == (0, False, 2)
    joined = b""
    while True:
        szx = min(asking.request.opt.block2.size_exponent, server_szx) if joined else server_szx
        joined += give(content, len(joined) >> szx + 4, szx)[2]
        if not asking.answer(*give(content, (len(joined) - 1) >> szx + 4, szx)):
            break
        assert asking.block2 == (len(joined) >> min(2, szx) + 4, False, min(2, szx))
    assert asking.ended == [(DONE, (CONTENT, content))]


def test_a_long_request_with_a_long_answer():
    """RFC 7959, figure 11: what follows has neither Block1 nor a payload."""
    asking = Asking(POST, body(2000))
    asking.answer(CONTINUE, [(BLOCK1, block(0, True, 6))])
    content = body(200)
    code, options, payload = give(content, 0, 3)
    assert asking.answer(code, [*options, (BLOCK1, block(1, False, 6))], payload)
    assert options_of(asking.request) == [(URI_PATH, b"5"), (BLOCK2, block(1, False, 3))]
    assert (asking.request.code, asking.request.payload) == (POST, b"")
    assert not asking.answer(*give(content, 1, 3))
    assert asking.ended == [(DONE, (CONTENT, content))]


CONTENT_100 = body(100)
BROKEN = {
    "another representation": give(CONTENT_100, 1, 1, b"v2"),
    "no ETag any more": give(CONTENT_100, 1, 1, None),
    "the block before": give(CONTENT_100, 0, 1),
    "the block after": give(CONTENT_100, 2, 1),
    "a block elsewhere in another size": give(CONTENT_100, 1, 0),
    "a block too short": (CONTENT, [(ETAG, b"v1"), (BLOCK2, block(1, True, 1))], b"x" * 31),
    "a block too long": (CONTENT, [(ETAG, b"v1"), (BLOCK2, block(1, True, 1))], b"x" * 33),
    "a last block too long": (CONTENT, [(ETAG, b"v1"), (BLOCK2, block(1, False, 1))], b"x" * 33),
    "an empty block": (CONTENT, [(ETAG, b"v1"), (BLOCK2, block(1, True, 1))], b""),
    "the reserved size": (CONTENT, [(ETAG, b"v1"), (BLOCK2, block(1, False, 7))], b"x"),
    "no block": (CONTENT, [(ETAG, b"v1")], b"all of it"),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_blocks_that_do_not_fit_together(answer):
    asking = Asking(GET)
    assert asking.answer(*give(CONTENT_100, 0, 1))
    assert not asking.answer(*answer)
    assert asking.ended == [(FAILED, None)]
    assert asking.device.wait(300_000) == []


@pytest.mark.parametrize("answer", [give(CONTENT_100, 1, 1), give(CONTENT_100, 3, 1)])
def test_an_answer_that_begins_in_the_middle(answer):
    asking = Asking(GET)
    assert not asking.answer(*answer)
    assert asking.ended == [(FAILED, None)]


def test_an_error_in_the_middle_is_the_answer():
    asking = Asking(GET)
    asking.answer(*give(CONTENT_100, 0, 1))
    assert not asking.answer(INCOMPLETE, (), b"gone")
    assert asking.ended == [(DONE, (INCOMPLETE, b"gone"))]


@pytest.mark.parametrize(("length", "outcome"), [(160, DONE), (161, FAILED), (176, FAILED), (5000, FAILED)])
def test_what_is_joined_is_bounded(length, outcome):
    content = body(length)
    asking = Asking(GET, max_body=160)
    number = 0
    while asking.answer(*give(content, number, 0)):
        number += 1
        assert number < 11
    assert [end[0] for end in asking.ended] == [outcome]


def test_a_later_block_that_does_not_arrive():
    asking = Asking(GET)
    asking.answer(*give(CONTENT_100, 0, 1))
    asking.device.wait(300_000)
    assert asking.ended == [(TIME_OUT, None)]
