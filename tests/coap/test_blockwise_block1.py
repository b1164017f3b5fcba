"""Long requests of a peer: their Block1 blocks joined, in bounds (RFC 7959 sections 2.3, 2.5, 2.9, 3.2)."""

import pytest

from atiny.coap.message import Message

from .peer import (
    ACK,
    BLOCK2,
    CHANGED,
    CONTINUE,
    NON,
    block,
    body,
    options_of,
)
from .upload import INCOMPLETE, Upload, seen


@pytest.mark.parametrize("szx", range(7))
@pytest.mark.parametrize("length", ["just over one block", "two blocks and a half", "three blocks"])
def test_in_order(szx, length):
    size = 16 << szx
    content = body({"just over one block": size + 1, "two blocks and a half": size * 5 // 2}.get(length, 3 * size))
    upload = Upload()
    last = (len(content) - 1) // size
    for number in range(last):
        assert seen(upload.of(content, number, szx)) == (CONTINUE, (number, True, szx))
        assert upload.bodies == []
    answer = upload.of(content, last, szx)
    assert seen(answer) == (CHANGED, (last, False, szx))
    assert (answer.mtype, answer.payload) == (ACK, b"1")
    assert upload.bodies == [content]


def test_one_block_that_is_all():
    upload = Upload()
    assert seen(upload.send(0, False, 2, b"short")) == (CHANGED, (0, False, 2))
    assert upload.bodies == [b"short"]


def test_an_empty_last_block():
    upload = Upload()
    upload.of(body(40), 0, 0)
    upload.of(body(40), 1, 0)
    assert seen(upload.send(2, False, 0, b"")) == (CHANGED, (2, False, 0))
    assert upload.bodies == [body(32)]


def test_non_confirmable_blocks():
    upload = Upload()
    content = body(40)
    answers = [upload.of(content, number, 0, kind=NON) for number in range(3)]
    assert [(answer.mtype, int(answer.code)) for answer in answers] == [
        (NON, CONTINUE),
        (NON, CONTINUE),
        (NON, CHANGED),
    ]
    assert upload.bodies == [content]


# -- blocks that come again


def test_a_block_under_the_same_message_id_gets_the_same_bytes():
    upload = Upload()
    content = body(150)
    for number in range(3):
        datagram = upload.raw(number, number < 2, 2, content[number * 64 : (number + 1) * 64])
        first = upload.device.hear_raw(datagram)
        assert upload.device.hear_raw(datagram) == first
    assert upload.bodies == [content]


def test_a_block_under_a_new_message_id_gets_its_answer_again():
    upload = Upload()
    content = body(300)
    for number in range(4):
        for _ in range(3):
            assert seen(upload.of(content, number, 2)) == (CONTINUE, (number, True, 2))
    assert seen(upload.of(content, 2, 2)) == (CONTINUE, (2, True, 2))  # an old one that the network had kept
    for _ in range(3):
        answer = upload.of(content, 4, 2)
        assert (seen(answer), answer.payload) == ((CHANGED, (4, False, 2)), b"1")
    assert seen(upload.send(4, True, 2, bytes(64))) == (INCOMPLETE, None)  # there is no more of it
    assert upload.bodies == [content]


def test_an_answer_in_blocks_comes_again_with_the_last_block():
    upload = Upload()
    upload.device.answer = lambda request: Message(CHANGED, None, body(100))
    content = body(40)
    for number in range(3):
        answer = upload.of(content, number, 0, extra=[(BLOCK2, block(0, False, 1))])
    again = upload.of(content, 2, 0, extra=[(BLOCK2, block(0, False, 1))])
    assert options_of(again) == options_of(answer)
    assert again.payload == answer.payload == body(100)[:32]
    assert len(upload.bodies) == 1


def test_a_block_that_comes_again_with_other_content_breaks_the_transfer():
    upload = Upload()
    content = body(100)
    upload.of(content, 0, 0)
    upload.of(content, 1, 0)
    assert seen(upload.send(1, True, 0, bytes(16))) == (INCOMPLETE, None)
    assert seen(upload.of(content, 2, 0)) == (INCOMPLETE, None)
    assert upload.bodies == []


# -- gaps and restarts


@pytest.mark.parametrize("wrong", [2, 3, 100])
def test_a_gap(wrong):
    upload = Upload()
    content = body(2000)
    upload.of(content, 0, 0)
    answer = upload.of(content, wrong, 0)
    assert seen(answer) == (INCOMPLETE, None)
    assert answer.payload
    assert seen(upload.of(content, 1, 0)) == (INCOMPLETE, None)  # it is over: from the beginning, then
    for number in range(125):
        answer = upload.of(content, number, 0)
    assert seen(answer) == (CHANGED, (124, False, 0))
    assert upload.bodies == [content]


def test_a_last_block_too_early_is_a_gap():
    upload = Upload()
    content = body(100)
    for number in range(3):
        upload.of(content, number, 0)
    assert seen(upload.send(1, False, 0, content[16:32])) == (INCOMPLETE, None)
    assert upload.bodies == []


def test_a_block_without_a_beginning():
    upload = Upload()
    assert seen(upload.of(body(100), 1, 0)) == (INCOMPLETE, None)
    assert seen(upload.of(body(20), 1, 0)) == (INCOMPLETE, None)


def test_a_restart_with_other_content():
    upload = Upload()
    old, new = body(100), body(16) + b"n" * 60  # alike in the first block
    for number in range(4):
        upload.of(old, number, 0)
    for number in range(5):
        answer = upload.of(new, number, 0)
    assert seen(answer) == (CHANGED, (4, False, 0))
    assert seen(upload.send(0, False, 0, b"short")) == (CHANGED, (0, False, 0))
    assert upload.bodies == [new, b"short"]


def test_the_same_again_is_executed_again():
    upload = Upload()
    content = body(40)
    for _ in range(2):
        answers = [upload.of(content, number, 0) for number in range(3)]
    assert answers[-1].payload == b"2"
    assert upload.bodies == [content, content]


def test_one_block_ends_a_transfer_to_the_same_place():
    upload = Upload()
    content = body(100)
    upload.of(content, 0, 0)
    assert seen(upload.send(0, False, 0, b"short")) == (CHANGED, (0, False, 0))
    assert seen(upload.of(content, 1, 0)) == (INCOMPLETE, None)
    assert upload.bodies == [b"short"]
