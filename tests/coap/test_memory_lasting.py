"""Memory that is short for longer than one allocation, in the layer, its handler, its sinks and its owners."""

from atiny.coap import exchange as exchange_module
from atiny.coap.blockwise import Blocks
from atiny.coap.exchange import DONE, FAILED
from atiny.coap.message import Message

from .memory_rig import FAULT, MOST, Story, upload
from .peer import ACK, BLOCK1, CHANGED, CON, CONTENT, CONTINUE, GET, POST, PUT, Device, block, body, pack, path
from .stream_rig import Sink

INCOMPLETE = 0x88


def short(*_):
    raise MemoryError("for this test")


def test_no_answer_can_be_made(monkeypatch):
    story = Story(MOST, lambda request: Message(CHANGED))
    write, read = pack(CON, POST, 1, b"w", path("/3/0/4")), pack(CON, GET, 2, b"r", path("/3/0/9"))
    with monkeypatch.context() as patch:
        patch.setattr(exchange_module, "encode", short)
        assert story.device.hear(write) == story.device.hear(read) == []
    assert [what for what, _ in story.told] == [None, None]
    # A read may be carried out again, and so is answered now; a write may not (RFC 7252 section 4.5).
    assert story.device.reply(read).code == CHANGED
    assert story.device.hear(write) == []
    assert [request.code for request in story.device.asked] == [POST, GET, GET]
    story.over()


def test_nothing_can_even_be_decoded(monkeypatch):
    story = Story(MOST)
    with monkeypatch.context() as patch:
        patch.setattr(exchange_module, "decode", short)
        assert story.device.hear(pack(CON, POST, 1, b"w", path("/3/0/4"))) == []
    assert [what for what, _ in story.told] == [None]
    assert story.device.reply(pack(CON, POST, 1, b"w", path("/3/0/4"))).code == CONTENT
    assert len(story.device.asked) == 1
    story.over()


def test_the_handler_runs_out_of_memory():
    story = Story(MOST, short)
    assert story.device.reply(pack(CON, PUT, 1, b"w", path("/19/0/0"), b"value")).code == FAULT
    assert [what for what, _ in story.told] == ["/19/0/0"]
    assert story.device.reply(pack(CON, PUT, 1, b"w", path("/19/0/0"), b"value")).code == FAULT
    assert len(story.told) == 1  # the same message again gets the same answer
    assert [request.payload for request in story.device.asked] == [b""]  # it is let go before the answer is made
    story.device.answer = lambda request: Message(CHANGED)
    assert story.device.reply(pack(CON, PUT, 2, b"w", path("/19/0/0"), b"value")).code == CHANGED
    story.over()


def test_the_host_cannot_be_told(monkeypatch):
    device = Device(short, failed=short)
    assert device.reply(pack(CON, GET, 1, b"r", path("/3"))).code == FAULT


def test_nobody_is_there_to_be_told():
    device = Device(short)
    assert device.reply(pack(CON, GET, 1, b"r", path("/3"))).code == FAULT


def test_a_path_that_is_no_text():
    story = Story(MOST, short)
    assert story.device.reply(pack(CON, GET, 1, b"r", [(11, b"\xff\xfe")])).code == FAULT
    assert [what for what, _ in story.told] == [None]


class Full:
    """Keeps less than it is given."""

    def __init__(self, most):
        self.most = most
        self.over = ""

    def write(self, offset, data, total):
        if offset >= self.most:
            raise MemoryError("for this test")

    def abandon(self):
        self.over = "abandon"


def test_a_sink_that_runs_out_of_memory():
    sinks = [Full(32), Sink()]
    story = Story(MOST, stream=lambda request: sinks.pop(0))
    full, content = sinks[0], body(70)
    answers = [
        story.ask(
            PUT, [*path("/5/0/0"), (BLOCK1, block(number, True, 0))], content[number * 16 : number * 16 + 16]
        ).code
        for number in range(4)
    ]
    assert answers == [CONTINUE, CONTINUE, FAULT, INCOMPLETE]
    assert full.over == "abandon"
    assert [what for what, _ in story.told] == ["/5/0/0"]
    assert upload(story, content, "/5/0/0").code == CHANGED
    story.over()


def test_transfers_are_let_go_before_the_answer_is_made(monkeypatch):
    """Which makes room for it: what is joined may be all that there was."""
    story = Story(MOST, lambda request: Message(CHANGED))
    endpoint = story.device.endpoint
    held = []

    def encode(message):
        held.append(endpoint.block)
        return encode_message(message)

    encode_message = exchange_module.encode
    story.ask(PUT, [*path("/19/0/0"), (BLOCK1, block(0, True, 0))], bytes(16))
    assert endpoint.block is not None
    monkeypatch.setattr(exchange_module, "encode", encode)
    monkeypatch.setattr(Blocks, "take", short)
    answer = story.ask(PUT, [*path("/19/0/0"), (BLOCK1, block(1, True, 0))], bytes(16))
    assert (answer.code, held) == (FAULT, [None])
    assert [what for what, _ in story.told] == ["/19/0/0"]


def test_an_owner_that_runs_out_of_memory_over_a_response_is_told_that_it_failed():
    ends = []

    def done(outcome, response):
        ends.append(outcome)
        if outcome == DONE:
            raise MemoryError("for this test")

    story = Story(MOST)
    device = story.device
    device.endpoint.request(Message(POST, path("/rd")), done)
    request = device.one()
    device.hear(pack(ACK, CONTENT, request.mid, request.token))
    assert ends == [DONE, FAILED]
    assert [what for what, _ in story.told] == [None]
    story.over()
