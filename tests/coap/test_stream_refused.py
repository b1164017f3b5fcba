"""Streamed transfers that are refused, and two of them at once."""

import pytest

from atiny.coap.message import Message

from .peer import POST, body
from .stream_rig import FORBIDDEN, Push
from .upload import INCOMPLETE, REQUEST_TAG, UNAVAILABLE, seen

A = body(72)  # four blocks of 16 bytes and one of 8
B = body(1072)[1000:]


class Tagged(Push):
    """Blocks may have a Request-Tag (RFC 9175), which comes behind Block1."""

    def raw(self, number, more, szx, payload, *args, tag=None, **options):
        datagram = super().raw(number, more, szx, payload, *args, **options)
        if tag is not None:
            marker = len(datagram) - len(payload) - 1
            assert REQUEST_TAG == 27 + 13 + 252
            datagram = datagram[:marker] + bytes((0xD0 | len(tag), 252)) + tag + datagram[marker:]
        return datagram


@pytest.mark.parametrize("at", range(1, 6))
def test_refused_on_the_way(at):
    push = Push(refuse=("write", at))
    for number in range(at):
        answer = push.of(A, number, 0)
    assert (int(answer.code), answer.payload) == (FORBIDDEN, b"not that")
    assert push.ends == ["refused"]
    assert push.due is None
    if at > 1:
        again = push.of(A, at - 1, 0)
        assert (int(again.code), again.payload) == (FORBIDDEN, b"not that")
    if at < 5:
        assert seen(push.of(A, at, 0)) == (INCOMPLETE, None)
    push.lapse()
    push.refuse = None
    for number in range(5):
        push.of(A, number, 0)
    assert (push.ends, push.sinks[-1].body) == (["refused", "end"], A)


def test_refused_at_the_end():
    push = Push(refuse=("end", 5))
    for number in range(5):
        answer = push.of(A, number, 0)
    again = push.of(A, 4, 0)
    assert seen(answer) == seen(again) == (FORBIDDEN, (4, False, 0))
    assert answer.payload == again.payload == b"not that"
    assert push.ends == ["refused"]


def test_refused_at_block_0_and_pushed_again_at_once():
    """What was in the way may have gone: the same block 0 is a new transfer."""
    push = Push(refuse=("write", 1))
    push.of(A, 0, 0)
    push.refuse = None
    for number in range(5):
        push.of(A, number, 0)
    assert push.ends == ["refused", "end"]


def test_the_opener_refuses():
    push = Push()
    push.opening = [Message(UNAVAILABLE, None, b"not now")]
    answer = push.of(A, 0, 0)
    assert (seen(answer), answer.payload) == ((UNAVAILABLE, None), b"not now")
    assert seen(push.of(A, 1, 0)) == (INCOMPLETE, None)
    for number in range(5):
        push.of(A, number, 0)
    assert push.ends == ["end"]


def test_the_opener_wants_it_joined():
    push = Push()
    push.opening = [None]
    for number in range(5):
        push.of(A, number, 0)
    assert (push.sinks, push.bodies) == ([], [A])


# -- two transfers

SECOND = {
    "another Request-Tag": {"tag": b"2"},
    "another method": {"code": POST},
    "another resource": {"to": "/5/0/7"},
}


@pytest.mark.parametrize("name", SECOND)
def test_a_second_one_that_the_opener_refuses_leaves_the_first_alone(name):
    push = Tagged()
    push.of(A, 0, 0)
    for number in range(1, 5):
        push.opening = [Message(UNAVAILABLE)]
        assert seen(push.of(B, 0, 0, **SECOND[name])) == (UNAVAILABLE, None)
        assert seen(push.of(B, number, 0, **SECOND[name])) == (INCOMPLETE, None)
        push.of(A, number, 0)
    assert [(sink.over, sink.body) for sink in push.sinks] == [("end", A)]


@pytest.mark.parametrize("name", SECOND)
def test_a_second_one_that_the_opener_takes_ends_the_first(name):
    push = Tagged()
    push.of(A, 0, 0)
    push.of(A, 1, 0)
    for number in range(5):
        push.of(B, number, 0, **SECOND[name])
        assert seen(push.of(A, 2, 0)) == (INCOMPLETE, None)
    assert [(sink.over, sink.body) for sink in push.sinks] == [("abandon", A[:32]), ("end", B)]


def test_one_that_is_tagged():
    push = Tagged()
    for number in range(5):
        push.of(A, number, 0, tag=b"one")
    assert (push.ends, push.sinks[0].body) == (["end"], A)


def test_a_joined_one_and_a_streamed_one_side_by_side():
    push = Push()
    for number in range(5):
        push.of(A, number, 0)
        push.of(B, number, 0, to="/19/0/0")
    assert (push.sinks[0].body, push.bodies) == (A, [B])
