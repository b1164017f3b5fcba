"""Long responses and notifications of ours, cut into Block2 blocks (RFC 7959 sections 2.4, 2.6, 3.1, 3.3, 3.4)."""

import random

import pytest

from atiny.coap.message import Message

from .peer import (
    ACK,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    EXCHANGE_LIFETIME_MS,
    GET,
    NON,
    OBSERVE,
    POST,
    SIZE2,
    Device,
    block,
    body,
    empty,
    options_of,
    pack,
    path,
)

BAD_REQUEST, NOT_FOUND, INCOMPLETE = 0x80, 0x84, 0x88


class Download:
    """A device whose answers are long, and the peer that fetches them."""

    def __init__(self, content, code=CONTENT, **options):
        self.content = content
        self.code = code
        self.device = Device(self.represent, **options)
        self.mid = 0

    def represent(self, request):
        observed = [(OBSERVE, b"\x01")] if request.option(OBSERVE) is not None else []
        return Message(self.code, [*observed, (CONTENT_FORMAT, b"\x2a")], self.content)

    def get(self, number=None, szx=6, to="/3", code=GET, kind=CON, extra=(), late=()):
        """A request for one block, or for the whole, under a new message id and token."""
        self.mid += 1
        block2 = [] if number is None else [(BLOCK2, block(number, False, szx))]
        return self.device.reply(pack(kind, code, self.mid, b"%d" % self.mid, [*path(to), *extra, *block2, *late]))

    def rest(self, answer, **options):
        """The other blocks of an answer, joined to it; checks each block's number, size and ETag."""
        joined = answer.payload
        szx, etag, code = answer.opt.block2.size_exponent, answer.opt.etag, answer.code
        while answer.opt.block2.more:
            assert len(answer.payload) == 16 << szx
            number = answer.opt.block2.block_number + 1
            answer = self.get(number, szx, **options)
            assert (answer.code, answer.opt.etag, answer.opt.observe) == (code, etag, None)
            block2 = answer.opt.block2
            assert (block2.block_number, block2.size_exponent) == (number, szx)
            joined += answer.payload
        return joined


def seen(answer):
    """(code, Block2 of the answer)."""
    block2 = answer.opt.block2
    return (int(answer.code), block2 and (block2.block_number, block2.more, block2.size_exponent))


@pytest.mark.parametrize("szx", range(7))
@pytest.mark.parametrize("blocks", [2, 2.5, 7])
def test_every_size(szx, blocks):
    content = body(int((16 << szx) * blocks))
    download = Download(content)
    first = download.get(0, szx)
    assert seen(first) == (CONTENT, (0, True, szx))
    assert (first.opt.content_format, first.opt.size2) == (42, len(content))
    assert len(first.opt.etag) == 4
    assert download.rest(first) == content
    assert len(download.device.asked) == 1


@pytest.mark.parametrize("kind", [CON, NON])
@pytest.mark.parametrize("szx", [0, 3, 6])
def test_our_size_where_the_peer_says_nothing(szx, kind):
    content = body(3000)
    download = Download(content, szx=szx)
    first = download.get(kind=kind)
    assert (first.mtype, seen(first)) == (ACK if kind == CON else NON, (CONTENT, (0, True, szx)))
    assert download.rest(first, kind=kind) == content
    assert len(download.device.asked) == 1


def test_what_fits_one_block_is_sent_whole():
    for length in (0, 1, 1023, 1024):
        answer = Download(body(length)).get()
        assert (answer.payload, options_of(answer)) == (body(length), [(CONTENT_FORMAT, b"\x2a")])
    # Who asks for blocks is told that this is the only one.
    for length, szx in ((0, 0), (16, 0), (17, 1), (1024, 6)):
        answer = Download(body(length)).get(0, szx)
        assert answer.payload == body(length)
        assert options_of(answer) == [(CONTENT_FORMAT, b"\x2a"), (BLOCK2, block(0, False, szx))]


@pytest.mark.parametrize(("length", "last"), [(32, 1), (33, 2), (47, 2), (48, 2), (49, 3)])
def test_the_last_block_and_beyond(length, last):
    download = Download(body(length))
    download.get(0, 0)
    answer = download.get(last, 0)
    assert seen(answer) == (CONTENT, (last, False, 0))
    assert answer.payload == body(length)[16 * last :]
    for number in (last + 1, last + 2, 0xFFFFF):
        assert seen(download.get(number, 0)) == (BAD_REQUEST, None)
    for number in (1, 5):
        assert seen(Download(b"").get(number, 0)) == (BAD_REQUEST, None)


def test_the_reserved_block_size():
    download = Download(body(100))
    assert seen(download.get(0, 7)) == (BAD_REQUEST, None)
    assert seen(download.get(1, 7)) == (BAD_REQUEST, None)
    assert download.device.asked == []


def test_a_larger_size_than_ours_is_negotiated_down():
    content = body(3000)
    download = Download(content, szx=2)
    first = download.get(0, 6)
    assert seen(first) == (CONTENT, (0, True, 2))
    assert download.rest(first) == content
    # Who goes on in the size it wanted gets what begins where it asks.
    answer = download.get(1, 6)
    assert seen(answer) == (CONTENT, (16, True, 2))
    assert answer.payload == content[1024:1088]


def test_the_peer_goes_on_with_smaller_blocks():
    content = body(2500)
    download = Download(content)
    first = download.get()
    assert seen(first) == (CONTENT, (0, True, 6))
    second = download.get(16, 2)  # RFC 7959, figure 4: late negotiation
    assert seen(second) == (CONTENT, (16, True, 2))
    assert first.payload + download.rest(second) == content
    assert len(download.device.asked) == 1


def test_any_block_alone():
    content = body(100)
    for number in range(7):
        download = Download(content)
        answer = download.get(number, 0)
        assert seen(answer) == (CONTENT, (number, number < 6, 0))
        assert answer.payload == content[16 * number :][:16]


# -- the content changes


def test_a_transfer_is_of_one_representation():
    old, new = body(100), body(200)[100:]
    download = Download(old)
    first = download.get(0, 0)
    download.content = new
    assert download.rest(first) == old
    again = download.get(0, 0)
    assert again.opt.etag != first.opt.etag
    assert download.rest(again) == new


def test_of_what_is_held_no_longer_the_etag_tells():
    old, new = body(100), body(200)[100:]
    download = Download(old)
    first = download.get(0, 0)
    download.device.now = EXCHANGE_LIFETIME_MS
    same = download.get(1, 0)
    assert (same.payload, same.opt.etag) == (old[16:32], first.opt.etag)
    download.content = new
    other = download.get(2, 0)
    assert other.payload == new[32:48]
    assert other.opt.etag not in (None, first.opt.etag)
    download.content = body(20)
    assert seen(download.get(3, 0)) == (BAD_REQUEST, None)
    download.code = NOT_FOUND
    for download.content in (b"", b"gone", b"gone since yesterday"):
        answer = download.get(3, 0)
        assert (seen(answer), answer.payload) == ((NOT_FOUND, None), download.content[:16])


def test_a_slow_transfer_is_held():
    content = body(80)
    download = Download(content, CHANGED)
    joined = b""
    for number in range(5):
        joined += download.get(number, 0, code=POST).payload
        download.device.now += EXCHANGE_LIFETIME_MS - 1
    assert joined == content
    assert len(download.device.asked) == 1


def test_two_transfers_at_once():
    download = Download(body(100), CHANGED)
    contents = {}
    for to in ("/1", "/2"):
        download.content = contents[to] = body(200)[int(to[1:]) : 90]
        download.get(0, 0, to=to, code=POST)
        download.device.now += 1
    for number in range(1, 6):
        for to, content in contents.items():
            assert download.get(number, 0, to=to, code=POST).payload == content[16 * number :][:16]
            download.device.now += 1
    download.get(0, 0, to="/3", code=POST)  # a third evicts the one that was silent longest
    assert [download.get(1, 0, to=to, code=POST).code for to in contents] == [INCOMPLETE, CHANGED]
    assert len(download.device.asked) == 3


# -- answers that must not be asked for twice


@pytest.mark.parametrize("held", [True, False])
def test_the_answer_to_a_post_is_never_made_again(held):
    content = body(100)
    download = Download(content, CHANGED)
    first = download.get(0, 1, code=POST)
    if held:
        assert download.rest(first, code=POST) == content
    else:
        download.device.now = EXCHANGE_LIFETIME_MS
        assert seen(download.get(1, 1, code=POST)) == (INCOMPLETE, None)
    assert len(download.device.asked) == 1


def test_a_request_in_blocks_with_an_answer_in_blocks():
    """RFC 7959, figure 11."""
    answer_body = body(200)
    download = Download(answer_body, CHANGED)
    device = download.device
    for number in range(3):
        request = [*path("/soap"), (BLOCK2, block(0, False, 2)), (BLOCK1, block(number, number < 2, 3))]
        if number < 2:
            request.pop(1)  # the size of the answer's blocks is asked for with the last one
        payload = body(300)[128 * number : 128 * (number + 1)]
        answer = device.reply(pack(CON, POST, 1234 + number, b"", request, payload))
    assert device.asked[0].payload == body(300)
    assert seen(answer) == (CHANGED, (0, True, 2))
    assert answer.opt.block1 == (2, False, 3)
    assert answer.payload == answer_body[:64]
    for number in (1, 2, 3):
        following = download.get(number, 2, to="/soap", code=POST)
        assert (following.opt.block1, following.opt.etag) == (None, answer.opt.etag)
        assert following.payload == answer_body[64 * number : 64 * (number + 1)]
    assert not following.opt.block2.more
    assert len(device.asked) == 1


def test_a_later_block_of_an_answer_that_is_not_there_yet():
    download = Download(body(100), CHANGED)
    options = [*path("/soap"), (BLOCK2, block(1, False, 0)), (BLOCK1, block(0, True, 0))]
    assert download.device.reply(pack(CON, POST, 1, b"", options, bytes(16))).code == BAD_REQUEST
    options[-1] = (BLOCK1, block(0, False, 0))
    assert download.device.reply(pack(CON, POST, 2, b"", options, bytes(16))).code == BAD_REQUEST
    assert download.device.asked == []


def test_a_long_error_is_clipped_where_a_character_ends():
    download = Download("€".encode() * 400, BAD_REQUEST, szx=0)
    answer = download.get()
    assert (seen(answer), answer.payload) == ((BAD_REQUEST, None), "€".encode() * 5)  # 15 bytes of 16
    assert download.get(0, 1).payload == "€".encode() * 5
    download.content = b"plain text that is too long"
    assert download.get(0, 6).payload == b"plain text that "


def test_what_is_to_be_done_after_an_answer_in_blocks_is_done_after_the_first():
    done = []
    download = Download(body(100), CHANGED)

    def answer(request):
        response = download.represent(request)
        response.after = lambda: done.append("reboot")
        return response

    download.device.answer = answer
    first = download.get(0, 1, code=POST)
    assert done == ["reboot"]
    assert download.rest(first, code=POST) == body(100)
    assert done == ["reboot"]


def test_the_size_may_be_asked_for_with_the_first_block():
    download = Download(body(100), CHANGED)
    first = download.get(0, 1, code=POST, late=[(SIZE2, b"")])
    assert first.opt.size2 == 100
    assert download.rest(first, code=POST) == body(100)


def test_a_separate_answer_in_blocks():
    content = body(300)
    download = Download(content)
    device = download.device
    device.answer = lambda request: None
    options = [*path("/3"), (BLOCK2, block(0, False, 3))]
    assert device.reply(pack(CON, GET, 900, b"tok", options)).code == 0
    device.endpoint.respond(device.asked[0], Message(CONTENT, None, content), device.now)
    answer = device.one()
    assert (answer.mtype, seen(answer)) == (CON, (CONTENT, (0, True, 3)))
    device.hear(empty(ACK, answer.mid))
    assert download.rest(answer) == content


# -- observations (RFC 7959 section 2.6: only the first block bears Observe)


def test_the_first_answer_to_an_observe():
    content = body(100)
    download = Download(content)
    first = download.get(0, 1, extra=[(OBSERVE, b"")])
    assert (seen(first), first.opt.observe) == ((CONTENT, (0, True, 1)), 1)
    assert download.rest(first) == content


def test_observe_with_a_later_block_begins_no_observation():
    download = Download(body(100))
    answer = download.get(1, 1, extra=[(OBSERVE, b"")])
    assert (seen(answer), answer.opt.observe) == ((CONTENT, (1, True, 1)), None)
    assert download.device.asked[0].option(OBSERVE) is None
    download.get(0, 1, extra=[(OBSERVE, b"")])
    answer = download.get(1, 1, extra=[(OBSERVE, b"")])
    assert (answer.code, answer.opt.observe) == (CONTENT, None)
    assert len(download.device.asked) == 2


@pytest.mark.parametrize("confirmable", [True, False])
@pytest.mark.parametrize("asked", [None, 1, 6])
def test_a_notification_longer_than_a_block(asked, confirmable):
    """RFC 7959, figures 12 and 13."""
    old, new = body(2500), body(5000)[2500:]
    download = Download(old)
    device = download.device
    first = download.get(0 if asked is not None else None, asked or 6, extra=[(OBSERVE, b"")])
    notified = Message(CONTENT, [(OBSERVE, b"\x05"), (CONTENT_FORMAT, b"\x2a")], new)
    device.endpoint.notify(device.asked[0], notified, confirmable, device.ends_as("n"), device.now)
    notification = device.one()
    szx = 6 if asked is None else asked  # the size that the observer asked for holds for all that it is told
    assert (notification.mtype, seen(notification)) == (CON if confirmable else NON, (CONTENT, (0, True, szx)))
    assert notification.token == b"1"
    assert (notification.opt.observe, notification.opt.size2) == (5, len(new))
    assert notification.opt.etag not in (None, first.opt.etag)
    download.content = b"something else by now"
    assert download.rest(notification) == new
    assert len(device.asked) == 1


def test_a_short_notification():
    download = Download(body(100))
    device = download.device
    for extra in ([], [(BLOCK2, block(0, False, 3))]):
        device.reply(pack(CON, GET, 50 + len(extra), b"tok", [(OBSERVE, b""), *path("/3"), *extra]))
        device.endpoint.notify(device.asked[-1], Message(CONTENT, [(OBSERVE, b"\x05")], b"short"), False, None, 0)
        notification = device.one()
        assert (notification.payload, options_of(notification)) == (b"short", [(OBSERVE, b"\x05"), *extra])


@pytest.mark.parametrize("seed", range(50))
def test_any_body_in_any_sizes(seed):
    rng = random.Random(seed)
    content = rng.randbytes(rng.randrange(1, 4000))
    download = Download(content, szx=rng.randrange(7))
    joined = b""
    szx = rng.randrange(7)
    while True:
        answer = download.get(len(joined) >> szx + 4, szx)
        block2 = answer.opt.block2
        assert block2.size_exponent <= szx
        assert block2.block_number << block2.size_exponent + 4 == len(joined)
        joined += answer.payload
        if not block2.more:
            break
        szx = rng.randint(0, block2.size_exponent)
    assert joined == content
    assert len(download.device.asked) == 1
