"""Pulls by coap: answers that make no sense, servers that know no blocks, and what the URI says."""

import random

import pytest

from atiny.testing.peer import Message
from tests.fota.pull_rig import Pull, image


def broken(change):
    """A server whose third answer is spoilt by ``change(response)``."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000))
    count = iter(range(1_000_000))

    def alter(request, response):
        if next(count) == 2:
            return change(request, response)
        return response

    pull.files.alter = alter
    pull.start()
    pull.run()
    return pull


def set_block(number, more, szx):
    def change(request, response):
        response.opt.block2 = (number, more, szx)
        return response

    return change


def shortened(request, response):
    response.payload = response.payload[:-1]
    return response


@pytest.mark.parametrize(
    "change",
    [set_block(0, True, 6), set_block(1, True, 6), set_block(3, True, 6), set_block(2, True, 5), shortened],
    ids=["first-block", "block-before", "block-after", "wrong-size", "shortened"],
)
def test_an_answer_that_makes_no_sense(change):
    """It is not believed; the next attempt goes on behind the last good block."""
    pull = broken(change)
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == image(20_000)
    assert [offset for _, _, offset in pull.receiver.begins] == [0, 2048]


def test_a_server_that_knows_no_blocks():
    """It sends what is asked for in one message, whatever block was asked for."""
    pull = Pull()
    content = image(900)
    pull.files.put("/lamp.bin", content)

    def alter(request, response):
        response.opt.block2 = None
        response.payload = content
        return response

    pull.files.alter = alter
    pull.start()
    pull.run()
    assert pull.receiver.content == content


def test_the_request_says_what_the_uri_says():
    pull = Pull(uri="coap://files:5683/a%20b//c?x=1&y=%26")
    seen = []

    def alter(request, response):
        seen.append(request)
        return response

    pull.files.put("/a b//c", b"hello")
    pull.files.alter = alter
    pull.start()
    pull.run()
    (request,) = seen
    assert request.opt.uri_host == "files"
    assert request.opt.uri_port is None
    assert request.opt.uri_path == ("a b", "", "c")
    assert request.opt.uri_query == ("x=1", "y=&")
    assert request.opt.size2 == 0
    assert pull.receiver.content == b"hello"


@pytest.mark.parametrize("uri", ["coap://files:x/a", "coap://user@files/a", "coap://files/%zz", "coap://files/#a"])
def test_a_uri_that_cannot_be_meant(uri):
    pull = Pull(uri=uri)
    pull.start()
    ((_, final),) = pull.receiver.ends
    assert final
    assert pull.links() == 0


def test_a_host_that_does_not_resolve():
    pull = Pull()
    pull.network.unresolvable("files")
    pull.start()
    pull.simulation.run(4000)
    pull.network.unresolvable("files", False)
    pull.files.put("/lamp.bin", b"hello")
    pull.run()
    assert pull.receiver.content == b"hello"


def test_a_longest_file():
    """A block number has 20 bits."""
    pull = Pull()
    pull.files.put("/lamp.bin", b"", etag=b"1")
    pull.start(1 << 31, b"1")
    pull.run()
    ((error, final),) = pull.receiver.ends
    assert "longer" in error
    assert final


@pytest.mark.parametrize("seed", range(20))
def test_any_answer(seed):
    """Nothing that a server answers is more than a failed attempt; and it comes to an end."""
    rng = random.Random(seed)
    pull = Pull(seed)
    pull.files.put("/lamp.bin", image(20_000))
    pull.network.set(corruption=0.02)

    def alter(request, response):
        if rng.random() < 0.7:
            return response
        response = Message(code=rng.choice([69, 69, 69, 69, 67, 68, 95, 128, 130, 132, 136, 141, 157, 160, 163]))
        response.payload = rng.randbytes(rng.choice([0, 1, 16, 64, 1023, 1024, 1025]))
        if rng.random() < 0.8:
            response.opt.block2 = (rng.choice([0, 1, 2, 5, 1 << 19]), rng.random() < 0.8, rng.randrange(7))
        if rng.random() < 0.5:
            response.opt.etag = rng.choice([b"a", b"b", pull.files.files["/lamp.bin"].etag])
        if rng.random() < 0.3:
            response.opt.size2 = rng.choice([0, 1, 20_000, 1 << 31])
        if rng.random() < 0.3:
            response.opt.max_age = rng.choice([0, 60, 1 << 31])
        return response

    pull.files.alter = alter
    pull.start()
    pull.run(48 * 3_600_000)
    assert len(pull.files.fetches) < 400
