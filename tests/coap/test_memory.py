"""Memory that runs out over a message: that exchange is dropped and told of, and the next one goes on."""

import pytest

from atiny.coap.exchange import DONE, FAILED, TIME_OUT
from atiny.coap.message import Message

from .memory_rig import FAULT, MOST, Story, upload
from .peer import (
    ACK,
    BLOCK1,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    CONTINUE,
    GET,
    NON,
    OBSERVE,
    POST,
    PUT,
    RST,
    block,
    body,
    empty,
    pack,
    path,
)


def each(tell):
    """Tell a story with a shortage at each place that allocates; returns how many there are."""
    for at in range(MOST):
        story = tell(at)
        try:
            story.over()
        except AssertionError as error:
            raise AssertionError("short at %s" % story.shortage.where) from error
        if not story.shortage.happened:
            assert story.told == []
            return at
    raise AssertionError("it never ends")


@pytest.mark.parametrize("kind", [CON, NON])
def test_a_read(kind):
    def tell(at):
        story = Story(at)
        answer = story.ask(GET, path("/3/0/9"), kind=kind)
        assert int(answer.code) in (CONTENT, FAULT)
        assert [error[0] for error in story.told] in ([], [None], ["/3/0/9"])
        return story

    assert each(tell) > 10


@pytest.mark.parametrize("kind", [CON, NON])
@pytest.mark.parametrize("code", [PUT, POST])
def test_a_write_is_never_carried_out_twice(kind, code):
    def tell(at):
        story = Story(at, lambda request: Message(CHANGED))
        answer = story.ask(code, [*path("/3/0/15")], b"value", kind=kind)
        asked = len(story.device.asked)
        assert asked <= 1
        if answer is None:
            assert asked == 1, "it was never answered, though it could be carried out"
        elif answer.code == CHANGED:
            assert asked == 1
        return story

    assert each(tell) > 10


def test_an_execute_and_what_is_to_be_done_after_its_answer():
    def tell(at):
        done = []

        def execute(request):
            response = Message(CHANGED)
            if request.code == POST:
                response.after = lambda: done.append("reboot")
            return response

        story = Story(at, execute)
        answer = story.ask(POST, path("/3/0/4"))
        story.device.exchange.reset()
        assert answer is not None
        assert done == (["reboot"] if answer.code == CHANGED else [])
        return story

    each(tell)


def test_a_request_that_is_answered_later():
    def tell(at):
        story = Story(at, lambda request: None if request.code == POST else Message(CONTENT))
        device = story.device
        story.ask(POST, path("/3/0/4"))
        for request in device.asked:
            with story.shortage:
                device.endpoint.respond(request, Message(CHANGED), device.now)
            for answer in [answer for _, answer in device.wait(3000)]:
                device.hear(empty(ACK, answer.mid))
        return story

    each(tell)


def test_a_body_that_is_joined():
    content = body(70)

    def tell(at):
        story = Story(at, lambda request: Message(CHANGED))
        answer = upload(story, content, "/19/0/0")
        assert answer.code == CHANGED
        assert {request.payload for request in story.device.asked if request.payload} == {content}
        return story

    assert each(tell) > 50


def test_a_body_that_is_streamed():
    content = body(70)

    def tell(at):
        story = Story(at)
        story.device.endpoint._stream = story.opener
        answer = upload(story, content, "/5/0/0")
        assert answer.code == CHANGED
        assert story.sinks[-1].over == "end"
        for sink in story.sinks:
            assert content.startswith(sink.body)
            assert sink.over in ("end", "abandon")
        return story

    assert each(tell) > 50


def test_a_long_answer():
    content = body(70)

    def tell(at):
        story = Story(at, lambda request: Message(CONTENT, None, content))
        joined = b""
        for _ in range(20):
            number = len(joined) // 16
            answer = story.ask(GET, [*path("/3"), (BLOCK2, block(number, False, 0))])
            if answer is None or answer.code != CONTENT:
                joined = b""
                continue
            joined += answer.payload
            if not answer.opt.block2.more:
                break
        assert joined == content
        return story

    assert each(tell) > 50


@pytest.mark.parametrize("length", [0, 40])
@pytest.mark.parametrize("answered", [0, 40])
def test_a_request_of_ours(length, answered):
    content, long_answer = body(length), body(answered)

    def tell(at):
        story = Story(at, szx=0)
        device = story.device
        with story.shortage:
            device.endpoint.request(Message(POST, path("/rd"), content), device.ends_as("ours"))
        separate = 500
        for _ in range(30):
            if device.ends:
                break
            sent = [message for message in device.take() if message.code == POST]
            sent = sent or [message for _, message in device.wait(3000)]
            for request in sent[-1:]:
                block1, block2 = request.opt.block1, request.opt.block2
                code, options, payload = CONTENT, [], b""
                if block1 is not None and block1.more:
                    code = CONTINUE
                elif answered:
                    number = block2.block_number if block2 is not None else 0
                    payload = long_answer[number * 16 : number * 16 + 16]
                    options = [(BLOCK2, block(number, (number + 1) * 16 < answered, 0))]
                if block1 is not None:
                    options.append((BLOCK1, block(block1.block_number, block1.more, 0)))
                separate += 1
                with story.shortage:
                    datagram = pack(CON, code, separate, request.token, options, payload)
                    device.endpoint.receive(datagram, device.now)
        assert [end[1] for end in device.ends] in ([DONE], [FAILED], [TIME_OUT])
        if device.ends[0][1] == DONE:
            assert device.ends[0][2].payload == long_answer
        else:
            assert story.told
        return story

    assert each(tell) > 10


@pytest.mark.parametrize("length", [5, 40])
@pytest.mark.parametrize("end", [ACK, RST])
@pytest.mark.parametrize("confirmable", [True, False])
def test_a_notification(confirmable, end, length):
    def tell(at):
        story = Story(at, szx=0)
        device = story.device
        request = Message(GET, [(OBSERVE, b""), *path("/3/0/9")], token=b"tok")
        response = Message(CONTENT, [(OBSERVE, b"\x05")], body(length))
        with story.shortage:
            device.endpoint.notify(request, response, confirmable, device.ends_as("n"), device.now)
        sent = device.take() or [message for _, message in device.wait(3000)]
        for message in sent[-1:]:
            assert (message.code, message.opt.observe) == (CONTENT, 5)
            for _ in range(2):
                story.hear(empty(end, message.mid))
        if not sent:
            assert [outcome for _, outcome, _ in device.ends] == [FAILED]
        assert len(device.ends) == (1 if confirmable or end == RST or not sent else 0)
        return story

    assert each(tell) > 5


def test_a_message_that_waits_for_its_turn():
    def tell(at):
        story = Story(at)
        device = story.device
        for name in range(3):
            device.notify(name, b"tok%d" % name)
        first = device.one()
        story.hear(empty(ACK, first.mid))
        device.wait(300_000)
        assert [end[0] for end in device.ends] == [0, 1, 2]
        return story

    assert each(tell) > 1


def test_a_retransmission():
    def tell(at):
        story = Story(at)
        device = story.device
        device.ask("ours")
        device.take()
        device.now = device.exchange.deadline()
        try:
            with story.shortage:
                device.exchange.handle_timer(device.now)
        except MemoryError:
            pass  # the loop's to catch; it is still due
        assert len(device.take() or device.wait(0)) == 1
        return story

    each(tell)
