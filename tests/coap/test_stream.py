"""Block1 transfers that go to a sink as they come: every order of blocks, and every end."""

import pytest

from atiny.coap.message import Message

from .peer import BLOCK2, CHANGED, CONTENT, CONTINUE, GET, NON, SIZE1, block, body, pack, path
from .stream_rig import FORBIDDEN, Push
from .upload import BAD_OPTION, BAD_REQUEST, INCOMPLETE, seen

A = body(72)  # four blocks of 16 bytes and one of 8
B = body(1072)[1000:]

# A step is (body, number, options) of a block of 16 bytes, or a word; then the code, and what the sinks have become.
ORDERS: "dict[str, list]" = {
    "in order": [(A, 0), (A, 1), (A, 2), (A, 3), (A, 4), "whole"],
    "each block comes twice, under a new message id": [
        *[(A, n) for n in (0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4)],
        "whole",
    ],
    "the last one comes again later": [*[(A, n) for n in range(5)], "pause", (A, 4), "whole"],
    "a gap, and then the right one": [(A, 0), (A, 2, 4.08), (A, 4, 4.08), (A, 1), (A, 3, 4.08), (A, 2), (A, 3), (A, 4)]
    + ["whole"],
    "a block from before": [(A, 0), (A, 1), (A, 2), (A, 1, 4.08), (A, 3), (A, 4), "whole"],
    "the middle of something": [(A, 2, 4.08), (A, 4, 4.08), "none"],
    "it starts over": [(A, 0), (A, 1), (A, 0), (A, 1), (A, 2), (A, 3), (A, 4), "abandon, whole"],
    "it starts over with another body": [(B, 0), (A, 0), (A, 1), (A, 2), (A, 3), (A, 4), "abandon, whole"],
    "it starts over after its end": [*[(A, n) for n in range(5)] * 2, "whole, whole"],
    "a later block of another body": [(A, 0), (A, 1), (B, 1, 4.08), (A, 2, 4.08), "abandon"],
    "another last block": [*[(A, n) for n in range(5)], (B, 4, 4.08), "whole"],
    "nothing follows the last block": [*[(A, n) for n in range(5)], (A, 5, 4.08), (A, 3, 4.08), "whole"],
    "silence, and the next block": [(A, 0), (A, 1), "silence", (A, 2, 4.08), "abandon"],
    "silence, and block 0": [(A, 0), "silence", *[(A, n) for n in range(5)], "abandon, whole"],
    "silence, and the same last block": [*[(A, n) for n in range(5)], "silence", (A, 4, 4.08), "whole"],
    "nearly silent": [(A, 0), "pause", (A, 1), "pause", (A, 2), "pause", (A, 2), "pause", (A, 3), "pause", (A, 4)]
    + ["whole"],
    "the link is lost": [(A, 0), (A, 1), "reset", (A, 2, 4.08), "abandon"],
    "the link is lost after the end": [*[(A, n) for n in range(5)], "reset", (A, 4, 4.08), "whole"],
    "one that is whole in block 0 goes by": [(A, 0), (A[:10], 0), (A, 1, 4.08), "abandon"],
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders(name):
    push = Push()
    *steps, ends = ORDERS[name]
    for step in steps:
        if step == "silence":
            push.lapse()
        elif step == "pause":
            push.wait(246_000)
        elif step == "reset":
            push.device.endpoint.reset()
        else:
            content, number, *refused = step
            more = (number + 1) * 16 < len(content)
            answer = push.send(number, more, 0, content[number * 16 : number * 16 + 16] or b"more")
            wanted = (INCOMPLETE, None) if refused else (CONTINUE if more else CHANGED, (number, more, 0))
            assert seen(answer) == wanted, step
    assert [{"end": "whole"}.get(end, end) for end in push.ends] == ([] if ends == "none" else ends.split(", "))
    assert all(sink.body == A for sink in push.sinks if sink.over == "end")
    assert len(push.bodies) == (name == "one that is whole in block 0 goes by")
    push.device.endpoint.reset()
    assert push.due is None


def test_what_a_sink_is_told():
    push = Push()
    for number in range(5):
        push.of(A, number, 0)
    writes = [("write", at, min(16, 72 - at), None) for at in range(0, 72, 16)]
    assert push.sinks[0].log == [*writes, "end"]


@pytest.mark.parametrize("szx", range(7))
@pytest.mark.parametrize("tail", [0, 1, "all"])
def test_every_size(szx, tail):
    size = 16 << szx
    content = body(3 * size + (size if tail == "all" else tail))
    push = Push()
    for number in range(-(-len(content) // size)):
        push.of(content, number, szx)
    assert (push.ends, push.sinks[0].body) == (["end"], content)


def test_an_empty_last_block():
    push = Push()
    for number in range(4):
        push.send(number, True, 0, A[number * 16 : number * 16 + 16])
    for _ in range(2):
        assert seen(push.send(4, False, 0, b"")) == (CHANGED, (4, False, 0))
    assert push.sinks[0].log[-2:] == [("write", 48, 16, None), "end"]


def test_longer_than_what_is_joined():
    push = Push(max_body=64)
    content = body(1000)
    for number in range(63):
        push.of(content, number, 0)
    assert (push.ends, push.sinks[0].body) == (["end"], content)


def test_non_confirmable_blocks():
    push = Push()
    answers = [push.of(A, number, 0, kind=NON) for number in range(5)]
    assert [(answer.mtype, int(answer.code)) for answer in answers] == [(NON, CONTINUE)] * 4 + [(NON, CHANGED)]
    assert push.sinks[0].body == A


# -- the same message again


def test_the_same_message_again():
    push = Push()
    for number in range(5):
        datagram = push.raw(number, number < 4, 0, A[number * 16 : number * 16 + 16])
        first = push.device.hear_raw(datagram)
        assert push.device.hear_raw(datagram) == first
    assert (push.ends, push.sinks[0].body) == (["end"], A)


@pytest.mark.parametrize("written", [40, 63])
def test_the_first_message_again_when_its_reply_is_forgotten(written):
    """The network kept a copy of it while more blocks passed than replies are kept of: nothing starts over."""
    push = Push()
    content = body(1000)
    datagram = push.raw(0, True, 0, content[:16])
    assert seen(push.device.reply(datagram)) == (CONTINUE, (0, True, 0))
    for number in range(1, written):
        push.of(content, number, 0)
    assert seen(push.device.reply(datagram)) == (CONTINUE, (0, True, 0))
    for number in range(written, 63):
        push.of(content, number, 0)
    assert [(sink.over, sink.body) for sink in push.sinks] == [("end", content)]


# -- block sizes


def test_the_sender_takes_smaller_blocks_on_the_way():
    push = Push()
    content = body(400)
    push.of(content, 0, 3)
    push.of(content, 1, 3)
    for number in range(16, 25):
        last = number == 24
        assert seen(push.of(content, number, 0)) == (CHANGED if last else CONTINUE, (number, not last, 0))
    assert push.sinks[0].body == content


def test_the_sender_takes_larger_blocks_on_the_way():
    push = Push()
    content = body(400)
    for number in range(8):
        push.of(content, number, 0)
    for number in (1, 2, 3):
        push.of(content, number, 3)
    assert push.sinks[0].body == content


def test_we_want_smaller_blocks():
    push = Push(szx=1)
    content = body(200)
    assert seen(push.of(content, 0, 2)) == (CONTINUE, (0, True, 1))
    assert seen(push.of(content, 0, 2)) == (CONTINUE, (0, True, 1))
    for number in range(2, 7):
        push.of(content, number, 1)
    assert push.sinks[0].body == content


def test_the_latest_block_again_in_a_smaller_size():
    """It is neither the next one nor another body: the transfer waits."""
    push = Push()
    push.of(A, 0, 1)
    assert seen(push.send(0, True, 1, A[:32])) == (CONTINUE, (0, True, 1))
    push.of(A, 1, 1)
    assert seen(push.of(A, 2, 0)) == (INCOMPLETE, None)
    push.of(A, 4, 0)
    assert push.sinks[0].body == A


UNSOUND = [(1, True, 0, A[16:30]), (1, True, 0, A[16:33]), (1, False, 0, A[16:33]), (1, True, 7, A[16:32])]


@pytest.mark.parametrize(("number", "more", "szx", "payload"), UNSOUND)
def test_blocks_that_are_not_of_their_size(number, more, szx, payload):
    push = Push()
    push.of(A, 0, 0)
    assert seen(push.send(number, more, szx, payload)) == (BAD_REQUEST, None)
    assert seen(push.send(0, more, szx, payload)) == (BAD_REQUEST, None)
    for number in range(1, 5):
        push.of(A, number, 0)
    assert [(sink.over, sink.body) for sink in push.sinks] == [("end", A)]


def test_a_first_block_that_is_not_of_its_size_opens_nothing():
    push = Push()
    assert seen(push.send(0, True, 0, b"short")) == (BAD_REQUEST, None)
    assert seen(push.send(0, True, 7, bytes(2048))) == (BAD_REQUEST, None)
    assert push.sinks == []


# -- Size1


def totals(push):
    return [call[3] for call in push.sinks[-1].log if call[0] == "write"]


class Sized(Push):
    """Each block says how long the body is to be, where ``sizes`` has a number for it."""

    def raw(self, number, more, szx, payload, *args, sizes=(), **options):
        datagram = super().raw(number, more, szx, payload, *args, **options)
        if number < len(sizes) and sizes[number] is not None:
            marker = len(datagram) - len(payload) - 1
            assert SIZE1 == 27 + 13 + 20  # behind Block1
            datagram = datagram[:marker] + b"\xd2\x14" + sizes[number].to_bytes(2, "big") + datagram[marker:]
        return datagram


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([72], [72] * 5),
        ([None, 72], [None, 72, 72, 72, 72]),
        ([72] * 5, [72] * 5),
        ([60, 80, None, 72], [60, 80, 80, 72, 72]),  # it is an estimate, and may change
        ([20], [20] * 5),  # and be wrong
        ([9000], [9000] * 5),
        ([0], [0] * 5),
    ],
)
def test_what_the_sender_says_of_the_length(sizes, told):
    push = Sized()
    for number in range(5):
        answer = push.of(A, number, 0, sizes=sizes)
    assert seen(answer) == (CHANGED, (4, False, 0))
    assert totals(push) == told
    assert push.sinks[0].body == A


def test_a_first_block_that_says_too_much_is_refused_by_the_sink():
    push = Sized(refuse=("write", 1))
    answer = push.of(A, 0, 0, sizes=[60000])
    assert (int(answer.code), answer.payload) == (FORBIDDEN, b"not that")
    assert push.ends == ["refused"]


# -- other requests meanwhile


def test_other_requests_pass_by():
    push = Push()
    push.of(A, 0, 0)
    push.device.answer = lambda request: Message(CONTENT, None, body(100))
    asked = [*path("/5/0/0"), (BLOCK2, block(0, False, 2))]
    assert push.device.reply(pack(0, GET, 900, b"g", asked)).payload == body(64)
    asked = [*path("/5/0/0"), (BLOCK2, block(1, False, 2))]
    assert push.device.reply(pack(0, GET, 901, b"g", asked)).payload == body(100)[64:]
    assert seen(push.send(0, True, 0, A[:16], code=GET)) == (BAD_OPTION, None)
    for number in range(1, 5):
        push.of(A, number, 0)
    assert push.sinks[0].body == A


def test_an_answer_in_blocks_is_asked_for():
    push = Push()
    for number in range(5):
        answer = push.of(A, number, 0, extra=[(BLOCK2, block(0, False, 2))])
    assert (seen(answer), answer.opt.block2.size_exponent) == ((CHANGED, (4, False, 0)), 2)
    late = push.of(A, 4, 0, extra=[(BLOCK2, block(1, False, 2))])
    assert seen(late) == (BAD_REQUEST, None)
    assert push.ends == ["end"]


def test_an_endpoint_without_streams_has_nothing_due():
    push = Push()
    assert push.device.endpoint.streams is None
    assert push.due is None
    push.of(A, 0, 0)
    assert push.due == 247_000
    push.device.endpoint.streams.handle_timer(246_999)
    assert push.ends == [""]
