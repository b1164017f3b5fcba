"""Resources that are written piece by piece: Block1 as it comes, and everything that is in one piece."""

from functools import partial

import pytest

from atiny import ATINY_HANDLER_ERROR
from atiny.coap import codes
from atiny.coap.message import Message
from atiny.errors import Rejected
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import INTEGER, OPAQUE, STRING
from atiny.testing import Simulation
from tests.lwm2m.access_rig import METHODS, Device
from tests.lwm2m.rig import OPAQUE as OPAQUE_FORMAT, TEXT, TLV, Rig, dotted

LOADER = 31040
IMAGE = bytes(range(256)) * 12 + b"tail"


class Loader(Object):
    """``log`` has what its sinks were told; ``fault``: what is raised instead, by the word."""

    object_id = LOADER
    resources = (
        Resource(0, "image", OPAQUE, "W", mandatory=True, stream=True),
        Resource(1, "label", STRING, "RW"),
        Resource(2, "notes", OPAQUE, "RW", stream=True),
        Resource(3, "size", INTEGER, "R"),
    )

    def __init__(self):
        self.log: "list[tuple]" = []
        self.fault: "dict[str, Exception]" = {}
        self.label = "old"
        self.size = 0
        self.notes = b""
        self.parts: "list[bytes]" = []

    def open_image(self, server):
        self.parts = []
        self.tell("open", server)
        return Image(self)

    def open_notes(self, server):
        return Notes(self)

    def tell(self, *call):
        if call[0] in self.fault:
            raise self.fault.pop(call[0])
        self.log.append(call)


class Image:
    def __init__(self, loader):
        self.loader = loader

    def write(self, offset, data, total):
        self.loader.tell("write", offset, len(data), total)
        self.loader.parts.append(data)

    def end(self):
        self.loader.tell("end")
        self.loader.size = sum(map(len, self.loader.parts))

    def abandon(self):
        self.loader.tell("abandon")


class Notes:
    def __init__(self, loader):
        self.loader = loader
        self.data = b""

    def write(self, offset, data, total):
        self.data += data

    def end(self):
        self.loader.notes = self.data

    def abandon(self):
        pass


@pytest.fixture
def loader():
    return Loader()


@pytest.fixture
def rig(loader):
    return Rig(loader)


def push(rig, path="31040/0/0", body=IMAGE, first=0, last=None, method="PUT", **options):
    """Blocks of 1 KiB, one after the other; returns the last answer."""
    options.setdefault("content_format", OPAQUE_FORMAT)
    count = -(-len(body) // 1024)
    for number in range(first, count if last is None else last + 1):
        part = body[number * 1024 : number * 1024 + 1024]
        answer = rig.ask(method, path, payload=part, block1=(number, number < count - 1, 6), **options)
    return answer


WRITES = [("write", 0, 1024, None), ("write", 1024, 1024, None), ("write", 2048, 1024, None), ("write", 3072, 4, None)]


@pytest.mark.parametrize("content_format", [OPAQUE_FORMAT, TEXT, None])
def test_blocks(rig, loader, content_format):
    answer = push(rig, content_format=content_format)
    assert (dotted(answer), answer.payload) == ("2.04", b"")
    assert loader.log == [("open", 123), *WRITES, ("end",)]
    assert b"".join(loader.parts) == IMAGE


def test_the_length_is_told(rig, loader):
    push(rig, size1=len(IMAGE))
    assert [call[3] for call in loader.log if call[0] == "write"] == [len(IMAGE)] * 4


def test_no_length_is_too_much(rig, loader):
    long = bytes(40_000)
    assert dotted(push(rig, body=long, size1=len(long))) == "2.04"
    assert b"".join(loader.parts) == long


# -- in one piece


@pytest.mark.parametrize("payload", [b"short", b"\x00", b"", bytes(1200)])
@pytest.mark.parametrize("content_format", [OPAQUE_FORMAT, TEXT, None])
def test_in_one_piece(rig, loader, payload, content_format):
    answer = rig.ask("PUT", "31040/0/0", payload=payload, content_format=content_format)
    assert dotted(answer) == "2.04"
    assert loader.log == [("open", 123), ("write", 0, len(payload), len(payload)), ("end",)]
    assert loader.parts == [payload]


def test_in_one_block(rig, loader):
    answer = rig.ask("PUT", "31040/0/0", payload=b"short", content_format=42, block1=(0, False, 6))
    assert (dotted(answer), answer.opt.block1.block_number) == ("2.04", 0)
    assert loader.log == [("open", 123), ("write", 0, 5, 5), ("end",)]


INSTANCE = bytes.fromhex("c3 00 616263 c3 01 6e6577")  # image "abc", label "new"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_with_the_whole_instance(rig, loader, method):
    assert dotted(rig.ask(method, "31040/0", payload=INSTANCE, content_format=TLV)) == "2.04"
    assert loader.log == [("open", 123), ("write", 0, 3, 3), ("end",)]
    assert (loader.parts, loader.label) == ([b"abc"], "new")


@pytest.mark.parametrize("content_format", [TLV, 1542])
@pytest.mark.parametrize("head", ["d0 00 %04x", "d8 00 %06x", "f0 0000 %04x", "f8 0000 %06x"])
def test_tlv_in_blocks_is_streamed_without_its_head(rig, loader, head, content_format):
    tlv = bytes.fromhex(head % len(IMAGE)) + IMAGE
    answer = push(rig, body=tlv, content_format=content_format)
    assert dotted(answer) == "2.04", answer.payload
    assert b"".join(loader.parts) == IMAGE
    assert len(loader.parts) > 1
    assert [call[1:] for call in loader.log if call[0] == "write"] == [
        (sum(map(len, loader.parts[:number])), len(part), len(IMAGE)) for number, part in enumerate(loader.parts)
    ]
    assert loader.log[-1] == ("end",)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("d0 01 %04x", "not that of the resource"),
        ("90 00 %04x", "not that of the resource"),
        ("10 00 %04x", "not that of the resource"),
        ("c8 00 %04x", "more than the TLV"),
        ("d8 00 00ffff", "cut short"),
    ],
)
def test_tlv_in_blocks_that_is_no_good(rig, loader, head, why):
    body = bytes.fromhex(head % len(IMAGE) if "%" in head else head) + IMAGE
    for number in range(len(body) // 1024 + 1):
        block = body[number * 1024 : (number + 1) * 1024]
        more = (number + 1) * 1024 < len(body)
        answer = rig.ask("PUT", "31040/0/0", payload=block, content_format=TLV, block1=(number, more, 6))
        if dotted(answer) != "2.31":
            break
    assert dotted(answer) == "4.00"
    assert why in answer.payload.decode()
    assert [call for call in loader.log if call[0] in ("end", "abandon")] == [("abandon",)]


def test_what_fails_with_the_instance_leaves_it_as_it_was(rig, loader):
    loader.fault["end"] = Rejected(codes.FORBIDDEN, "locked")
    wrong_way_round = bytes.fromhex("c3 01 6e6577 c3 00 616263")
    answer = rig.ask("PUT", "31040/0", payload=wrong_way_round, content_format=TLV)
    assert (dotted(answer), answer.payload) == ("4.03", b"locked")
    assert loader.label == "old"


# -- refusals

REFUSED = [
    (Rejected(codes.REQUEST_ENTITY_TOO_LARGE, "2000 bytes"), "4.13", b"2000 bytes"),
    (Rejected(codes.SERVICE_UNAVAILABLE), "5.03", b""),
    (OSError(28, "no space"), "5.00", b""),
    (Rejected(codes.CONTENT, "no error"), "5.00", b""),
    (Rejected(codes.FORBIDDEN, "half \ud800"), "4.03", b""),
    (MemoryError(), "5.00", b""),
]


@pytest.mark.parametrize(("error", "code", "text"), REFUSED)
@pytest.mark.parametrize("word", ["open", "write", "end"])
def test_what_the_host_raises(rig, loader, word, error, code, text):
    last = {"open": 0, "write": 1, "end": 3}[word]
    if word == "write":
        push(rig, last=0)
    loader.fault[word] = error
    answer = push(rig, first=1 if word == "write" else 0, last=last)
    assert (dotted(answer), answer.payload) == (code, text)
    faults = [event for event in rig.events if event[0] == ATINY_HANDLER_ERROR]
    assert faults == ([(ATINY_HANDLER_ERROR, ("/31040/0/0", error))] if code == "5.00" else [])
    before = list(loader.log)
    if last < 3:
        assert dotted(push(rig, first=last + 1, last=last + 1)) == "4.08"
    assert loader.log == before, "it hears no more"
    assert dotted(push(rig)) == "2.04"


@pytest.mark.parametrize(("error", "code", "text"), REFUSED)
@pytest.mark.parametrize("word", ["open", "write", "end"])
def test_what_the_host_raises_to_one_piece(rig, loader, word, error, code, text):
    loader.fault[word] = error
    answer = rig.ask("PUT", "31040/0/0", payload=b"short", content_format=42)
    assert (dotted(answer), answer.payload) == (code, text)


def test_what_the_host_raises_when_it_is_abandoned(rig, loader):
    push(rig, last=1)
    loader.fault["abandon"] = error = ValueError("a bug")
    rig.advance(247_000)
    assert (ATINY_HANDLER_ERROR, ("/31040/0/0", error)) in rig.events


ELSEWHERE = [
    ("31040/1/0", "PUT", "4.04"),
    ("31040/0/9", "PUT", "4.04"),
    ("31040/0/0/0", "PUT", "4.04"),
    ("31041/0/0", "PUT", "4.04"),
    ("31040/0/x", "PUT", "4.04"),
    ("31040/0/3", "PUT", "4.05"),
    ("31040/0/0", "POST", "4.05"),
    ("0/0/0", "PUT", "4.01"),
]


@pytest.mark.parametrize(("path", "method", "code"), ELSEWHERE)
def test_elsewhere(rig, loader, path, method, code):
    assert METHODS[method]
    answer = push(rig, path, last=0, method=method)
    if dotted(answer) == "2.31":
        answer = push(rig, path, first=1, method=method)
    assert dotted(answer) == code
    assert loader.log == []


def test_attributes_are_no_write(rig, loader):
    assert dotted(push(rig, last=0, query=("pmin=1",))) == "2.31"
    assert dotted(push(rig, first=1, query=("pmin=1",))) == "4.00"
    assert loader.log == []


def test_who_may_not_write_it_is_told_at_once(loader):
    device = Device(loader, servers=(101, 102))
    device.access.complete([101, 102])
    request = Message(METHODS["PUT"], [(codes.URI_PATH, b"31040"), (codes.URI_PATH, b"0"), (codes.URI_PATH, b"0")])
    answers = {server: device.seats[server].dispatcher.stream(request) for server in (101, 102)}
    assert dotted(answers[102]) == "4.01"
    assert loader.log == [("open", 101)]
    answers[101].write(0, b"x", None)
    answers[101].end()
    assert loader.parts == [b"x"]


# -- ends

GONE = {
    "silence": lambda rig: rig.advance(247_000),
    "reconnect": lambda rig: rig.reconnect(),
    "the port is closed": lambda rig: rig.fail_receiving(1, refused=True),
    "ten errors": lambda rig: rig.fail_receiving(10),
    "stop": lambda rig: (rig.stop(), rig.answer(rig.only(), "2.02")),
}


@pytest.mark.parametrize("name", GONE)
def test_abandoned(rig, loader, name):
    push(rig, last=1)
    before = list(loader.log)
    GONE[name](rig)
    assert loader.log == [*before, ("abandon",)]
    rig.advance(500_000)
    assert loader.log == [*before, ("abandon",)]


def test_the_agent_asks_to_be_woken_for_it(rig, loader):
    push(rig, last=0)
    assert rig.agent.deadline() <= rig.now + 247_000
    rig.advance(246_999)
    assert ("abandon",) not in loader.log
    rig.advance(1)
    assert ("abandon",) in loader.log


def test_what_is_whole_is_not_abandoned(rig, loader):
    push(rig)
    before = list(loader.log)
    rig.advance(300_000)
    rig.reconnect()
    assert loader.log == before


def test_observers_are_told_once_it_is_whole(rig, loader):
    rig.observe("31040/0/2", b"o", accept=OPAQUE_FORMAT)
    push(rig, "31040/0/2", last=2)
    rig.advance(1000)
    assert rig.take() == []
    push(rig, "31040/0/2", first=3)
    rig.advance(1000)
    (notification,) = rig.take()
    assert (notification.token, loader.notes) == (b"o", IMAGE)
    # What cannot be read has no observers.
    push(rig)
    rig.advance(1000)
    assert rig.take() == []


# -- a server of its own, in virtual time


@pytest.mark.parametrize("block_size", [16, 256, 1024])
@pytest.mark.parametrize("seed", range(3))
def test_over_a_bad_network(block_size, seed):
    loader = Loader()
    simulation = Simulation(seed)
    server = simulation.server(block_size=block_size)
    client = simulation.client("dev", objects=[loader])
    simulation.run_until(lambda: client.registered)
    simulation.network.set(loss=0.1, duplication=0.2, reordering=0.2, delay_ms=(10, 200))
    image = IMAGE if block_size > 16 else IMAGE[:1000]
    for _ in range(20):
        request = server.write("dev", "/31040/0/0", image, 42)
        simulation.run_until(partial(getattr, request, "done"), 3_600_000)
        if request.code == "2.04":
            break
        simulation.run(1000)
    assert (request.code, b"".join(loader.parts)) == ("2.04", image)
    assert sum(call[0] == "end" for call in loader.log) >= 1
    assert server.protocol_errors == []


def test_with_blocks_of_the_size_that_the_device_likes(loader):
    rig = Rig(loader, block_szx=3)
    answer = rig.ask("PUT", "31040/0/0", payload=IMAGE[:1024], content_format=42, block1=(0, True, 6))
    assert tuple(answer.opt.block1) == (0, True, 3)
    for number in range(8, 25):
        part = IMAGE[number * 128 : number * 128 + 128]
        answer = rig.ask("PUT", "31040/0/0", payload=part, content_format=42, block1=(number, number < 24, 3))
    assert dotted(answer) == "2.04"
    assert b"".join(loader.parts) == IMAGE
