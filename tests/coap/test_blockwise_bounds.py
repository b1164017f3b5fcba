"""Long requests of a peer: several at once, their bounds, and their answers (RFC 7959 sections 2.3, 2.5, 2.9)."""

import random

import pytest

from atiny.coap.message import Message

from .peer import (
    ACK,
    CHANGED,
    CONTINUE,
    CREATED,
    DELETE,
    EXCHANGE_LIFETIME_MS,
    GET,
    POST,
    PUT,
    SIZE1,
    body,
    options_of,
    pack,
)
from .upload import BAD_OPTION, BAD_REQUEST, INCOMPLETE, REQUEST_TAG, TOO_LARGE, UNAVAILABLE, Upload, seen

# -- several transfers


WAYS = [
    ("two paths", [{"to": "/5/0/0"}, {"to": "/5/1/0"}, {"to": "/5/2/0"}]),
    ("two methods", [{"code": PUT}, {"code": POST}, {"to": "/5/9/9"}]),
    ("two Request-Tags", [{"extra": [(REQUEST_TAG, tag)]} for tag in (b"a", b"b", b"c")]),
]


@pytest.mark.parametrize("ways", [row[1] for row in WAYS], ids=[row[0] for row in WAYS])
def test_two_transfers_interleaved_and_a_third(ways):
    upload = Upload()
    contents = [body(100), body(200)[90:190]]
    for number in range(7):
        for content, way in zip(contents, ways, strict=False):
            upload.of(content, number, 0, **way)
    assert upload.bodies == contents
    # A third evicts the one that was silent longest.
    for way in ways:
        upload.device.now += 1
        upload.of(contents[0], 0, 0, **way)
    assert [seen(upload.of(contents[0], 1, 0, **way))[0] for way in ways] == [INCOMPLETE, CONTINUE, CONTINUE]


def test_a_transfer_that_is_over_makes_room_first():
    upload = Upload()
    content = body(40)
    upload.of(content, 0, 0, to="/1")
    upload.device.now += 1
    for number in range(3):
        upload.of(content, number, 0, to="/2")
    upload.device.now += 1
    upload.of(content, 0, 0, to="/3")
    assert seen(upload.of(content, 1, 0, to="/1"))[0] == CONTINUE
    assert seen(upload.of(content, 1, 0, to="/3"))[0] == CONTINUE


# -- bounds


def test_a_transfer_as_long_as_may_be():
    upload = Upload(max_body=100)
    for number in range(7):
        answer = upload.of(body(100), number, 0)
    assert seen(answer) == (CHANGED, (6, False, 0))
    assert upload.bodies == [body(100)]


def test_too_large():
    upload = Upload(max_body=100)
    content = body(101)
    for number in range(6):
        upload.of(content, number, 0)
    answer = upload.of(content, 6, 0)
    assert (answer.code, options_of(answer)) == (TOO_LARGE, [(SIZE1, b"\x64")])
    assert seen(upload.of(content, 5, 0)) == (INCOMPLETE, None)  # it is dropped
    # Where the first block announces the size there is no need to wait for the last.
    answer = upload.of(content, 0, 0, extra=[(SIZE1, b"\x65")])
    assert (answer.code, options_of(answer)) == (TOO_LARGE, [(SIZE1, b"\x64")])
    assert upload.bodies == []


def test_a_block_far_away_takes_no_memory():
    upload = Upload()
    assert upload.send(0xFFFFF, True, 6, bytes(1024)).code == TOO_LARGE
    assert upload.send(0xFFFFF, False, 6, b"").code == TOO_LARGE


@pytest.mark.parametrize(
    ("more", "szx", "length"),
    [(True, 0, 15), (True, 0, 0), (True, 0, 17), (False, 0, 17), (True, 2, 63), (False, 2, 65)],
)
def test_a_payload_that_is_not_of_the_blocks_size(more, szx, length):
    upload = Upload()
    content = body(300)
    assert upload.send(0, more, szx, bytes(length)).code == BAD_REQUEST
    for number in range(len(content) // (16 << szx)):
        upload.of(content, number, szx)
        assert upload.send(number + 1, more, szx, bytes(length)).code == BAD_REQUEST
    upload.of(content, len(content) // (16 << szx), szx)
    assert upload.bodies == [content]


def test_the_reserved_block_size():
    upload = Upload()
    for more in (True, False):
        assert upload.send(0, more, 7, bytes(16)).code == BAD_REQUEST
        assert upload.send(3, more, 7, bytes(2048)).code == BAD_REQUEST
    assert upload.bodies == []


@pytest.mark.parametrize("code", [GET, DELETE])
def test_blocks_of_what_has_no_payload(code):
    upload = Upload()
    for more in (True, False):
        assert upload.send(0, more, 0, bytes(16), code=code).code == BAD_OPTION
    assert upload.bodies == []


@pytest.mark.parametrize("obeys", [True, False])
def test_larger_blocks_than_ours_are_negotiated_down(obeys):
    upload = Upload(szx=2)
    content = body(3000)
    assert seen(upload.of(content, 0, 6)) == (CONTINUE, (0, True, 2))
    if obeys:
        for number in range(16, 46):
            assert seen(upload.of(content, number, 2)) == (CONTINUE, (number, True, 2))
        answer = upload.of(content, 46, 2)
        assert seen(answer) == (CHANGED, (46, False, 2))
    else:
        assert seen(upload.of(content, 1, 6)) == (CONTINUE, (1, True, 2))
        assert seen(upload.of(content, 2, 6)) == (CHANGED, (2, False, 6))
    assert upload.bodies == [content]


def test_silence_ends_a_transfer():
    upload = Upload()
    content = body(64)
    upload.of(content, 0, 0)
    for number in (1, 2):
        upload.device.now += EXCHANGE_LIFETIME_MS - 1
        assert seen(upload.of(content, number, 0))[0] == CONTINUE
    upload.device.now += EXCHANGE_LIFETIME_MS
    assert seen(upload.of(content, 3, 0)) == (INCOMPLETE, None)
    assert upload.bodies == []


# -- the answer


def test_an_error_is_answered_with_its_block_and_again():
    upload = Upload()
    upload.device.answer = lambda request: Message(BAD_REQUEST, None, b"no")
    for number in (0, 1, 1):
        answer = upload.of(body(20), number, 0)
    assert (seen(answer), answer.payload) == ((BAD_REQUEST, (1, False, 0)), b"no")
    assert upload.bodies == [body(20)]


def test_separate_answers_to_two_transfers():
    upload = Upload()
    device = upload.device
    device.answer = lambda request: None
    for to in ("/1", "/2"):
        upload.of(body(20), 0, 0, to=to)
        assert upload.of(body(20), 1, 0, to=to).code == 0
        assert upload.of(body(20), 1, 0, to=to).code == UNAVAILABLE
    for request, text in zip(device.asked, (b"one", b"two"), strict=True):
        device.endpoint.respond(request, Message(CREATED, None, text), device.now)
        answer = device.one()
        assert (seen(answer), answer.payload) == ((CREATED, (1, False, 0)), text)
        device.hear(pack(ACK, 0, answer.mid))
    for to, text in (("/1", b"one"), ("/2", b"two")):
        answer = upload.of(body(20), 1, 0, to=to)
        assert (seen(answer), answer.payload) == ((CREATED, (1, False, 0)), text)
    assert len(device.asked) == 2


def test_a_late_answer_is_not_that_of_the_next_transfer():
    upload = Upload()
    device = upload.device
    device.answer = lambda request: None
    for _ in range(2):
        for number in range(2):
            upload.of(body(20), number, 0)
    first, second = device.asked
    for request, again in ((first, UNAVAILABLE), (second, CREATED)):
        device.endpoint.respond(request, Message(CREATED), device.now)
        device.hear(pack(ACK, 0, device.one().mid))
        assert upload.of(body(20), 1, 0).code == again


@pytest.mark.parametrize("seed", range(100))
def test_any_order_of_repetitions_of_any_body(seed):
    """Each block comes once or more, and gets the answer that belongs to it; the body is whole, and comes once."""
    rng = random.Random(seed)
    szx = rng.randrange(4)
    content = rng.randbytes(rng.randrange(17, 2000))
    upload = Upload(szx=rng.randrange(7))
    number = 0
    while not upload.bodies:
        answer = upload.of(content, number, szx)
        assert answer.code == (CHANGED if upload.bodies else CONTINUE)
        assert answer.opt.block1.block_number == number
        if rng.random() < 0.3 and number and not upload.bodies:
            assert upload.of(content, rng.randrange(1, number + 1), szx).code == CONTINUE
        number += 1
    assert upload.of(content, number - 1, szx).payload == b"1"
    assert upload.bodies == [content]
