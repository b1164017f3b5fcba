"""The virtual CoAP file server, asked by a peer that is not the device."""

import pytest

from atiny.testing import Network, VirtualFileServer
from atiny.testing.peer import CON, CoapPeer, Message, code_name


class Rig:
    def __init__(self, **options):
        self.network = Network()
        self.server = VirtualFileServer(self.network, **options)
        self.answers = []
        self.peer = CoapPeer(
            self.network,
            "peer",
            1000,
            lambda *_: None,
            lambda message, _: self.answers.append(message) or True,
            1,
            2000,
            4,
        )

    def ask(self, path="/f", block=None, size2=None, code=1):
        message = Message(code=code)
        message.opt.uri_path = tuple(path[1:].split("/"))
        message.opt.block2 = block
        message.opt.size2 = size2
        message.mtype = CON
        message.token = self.peer.new_token()
        self.peer.send(message, ("files", 5683))
        count = len(self.answers)
        self.network.advance(lambda: len(self.answers) > count, self.network.clock.now_ms + 100)
        return self.answers[-1] if len(self.answers) > count else None


def test_blocks():
    rig = Rig()
    content = bytes(range(256)) * 10
    file = rig.server.put("/f", content)
    whole = b""
    for number in range(3):
        answer = rig.ask(block=(number, False, 6))
        assert code_name(answer.code) == "2.05"
        assert answer.opt.etag == file.etag
        assert answer.opt.block2 == (number, number < 2, 6)
        assert answer.opt.size2 == (None if number else 2560)
        whole += answer.payload
    assert whole == content
    assert [(one.offset, one.size, one.code) for one in rig.server.fetches] == [
        (0, 1024, "2.05"), (1024, 1024, "2.05"), (2048, 512, "2.05"),
    ]  # fmt: skip
    assert code_name(rig.ask(block=(3, False, 6)).code) == "4.00"
    assert rig.ask(block=(4, False, 4)).payload == content[1024:1280]


def test_a_small_file_needs_no_block():
    rig = Rig()
    rig.server.put("/a/b", b"hello")
    answer = rig.ask("/a/b")
    assert answer.payload == b"hello"
    assert answer.opt.block2 is None
    assert rig.ask("/a/b", (0, False, 6)).opt.block2 == (0, False, 6)


def test_the_smaller_block_size_counts():
    rig = Rig(block_size=64)
    rig.server.put("/f", bytes(100))
    assert rig.ask(block=(0, False, 6)).opt.block2 == (0, True, 2)
    assert rig.ask(block=(0, False, 0)).opt.block2 == (0, True, 0)
    rig.server.block_size = 128
    assert rig.ask(block=(0, False, 6)).opt.block2 == (0, False, 3)
    with pytest.raises(ValueError, match="power of two"):
        rig.server.block_size = 100
    with pytest.raises(ValueError, match="power of two"):
        Rig(block_size=2048)


def test_tags_and_lengths():
    rig = Rig()
    file = rig.server.put("/f", b"one")
    first = rig.ask().opt.etag
    rig.server.put("/f", b"two")
    assert rig.ask().opt.etag != first
    file = rig.server.put("/f", b"one")
    assert rig.ask().opt.etag == first
    file.etag, file.announced = None, 77
    answer = rig.ask()
    assert (answer.opt.etag, answer.opt.size2) == (None, 77)
    file.etag, file.announced = b"mine", None
    answer = rig.ask(size2=0)
    assert (answer.opt.etag, answer.opt.size2) == (b"mine", None)


def test_misbehaviour():
    rig = Rig()
    rig.server.put("/f", bytes(5000))
    assert code_name(rig.ask("/g").code) == "4.04"
    assert code_name(rig.ask(code=3).code) == "4.05"
    rig.server.fail("5.03", 2, max_age=9)
    answer = rig.ask()
    assert (code_name(answer.code), answer.opt.max_age) == ("5.03", 9)
    assert code_name(rig.ask().code) == "5.03"
    assert code_name(rig.ask().code) == "2.05"
    rig.server.fail("4.04", None)
    assert [code_name(rig.ask().code) for _ in range(3)] == ["4.04"] * 3
    rig.server.mend()
    rig.server.at(2048, lambda: rig.server.fail("5.00"))
    assert code_name(rig.ask(block=(1, False, 6)).code) == "2.05"
    assert code_name(rig.ask(block=(3, False, 6)).code) == "5.00"
    assert code_name(rig.ask(block=(3, False, 6)).code) == "2.05"
    rig.server.at(0, lambda: setattr(rig.server, "silent", True))
    assert rig.ask() is None
    rig.server.silent = False

    def alter(request, response):
        response.payload = b"altered"

    rig.server.alter = alter
    assert rig.ask().payload == b"altered"
    rig.server.alter = lambda request, response: Message(code=132)
    assert code_name(rig.ask().code) == "4.04"
    rig.server.restart()
    rig.server.close()
