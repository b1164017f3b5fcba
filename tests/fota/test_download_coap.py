"""Pulls by coap in virtual time: bad links and bad servers. The peer is aiocoap's codec, not ours."""

from functools import partial

import pytest

from atiny.fota.machine import INTEGRITY
from atiny.testing import Conditions
from tests.fota.pull_rig import Pull, image


def offsets(pull):
    return [fetch.offset for fetch in pull.files.fetches]


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 4096, 50_000])
def test_a_file_comes_whole(size):
    pull = Pull()
    content = image(size)
    file = pull.files.put("/lamp.bin", content)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert [begin[0::2] for begin in pull.receiver.begins] == [(file.etag, 0)]
    assert pull.receiver.begins[0][1] == size
    assert offsets(pull) == list(range(0, max(size, 1), 1024)), "each block once"
    assert pull.files.protocol_errors == []
    assert pull.client.registered


@pytest.mark.parametrize("seed", range(8))
def test_loss_duplication_and_reordering(seed):
    pull = Pull(seed)
    bad = dict(loss=0.2, duplication=0.2, reordering=0.2, reordering_ms=3000, delay_ms=(10, 60))
    pull.network.uplink, pull.network.downlink = Conditions(**bad), Conditions(**bad)
    content = image(40_000)
    pull.files.put("/lamp.bin", content)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert [offset for _, _, offset in pull.receiver.begins] == sorted(o for _, _, o in pull.receiver.begins)


@pytest.mark.parametrize(
    "sizes",
    [(1024, 256), (64, 1024), (1024, 16, 512), (512, 1024, 32, 256)],
    ids=lambda sizes: "-".join(map(str, sizes)),
)
def test_a_server_that_changes_its_block_size(sizes):
    pull = Pull()
    content = image(20_001)
    pull.files.put("/lamp.bin", content)
    pull.files.block_size = sizes[0]
    for index, size in enumerate(sizes[1:]):
        pull.files.at(4096 * (index + 1), partial(setattr, pull.files, "block_size", size))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert len(pull.receiver.begins) == 1


def test_a_block_size_of_ours():
    pull = Pull()
    pull.agent.settings.block_szx = 2
    content = image(3000)
    pull.files.put("/lamp.bin", content)
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert {fetch.size for fetch in pull.files.fetches[:-1]} == {64}


def test_a_server_that_never_tells_a_tag():
    """It comes whole, unless the connection is lost: then it has to come from the beginning."""
    pull = Pull()
    content = image(20_000)
    pull.files.put("/lamp.bin", content, etag=None)
    pull.files.at(10_000, lambda: pull.files.fail("5.03"))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(None, 20_000, 0)] * 2


def test_a_server_that_forgets_the_tag_half_way():
    """The blocks after it count; but what came before a break does not, once nobody can say whether it is the same."""
    pull = Pull()
    content = image(20_000)
    file = pull.files.put("/lamp.bin", content)
    tag = file.etag
    pull.files.at(8192, lambda: setattr(file, "etag", None))
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(tag, 20_000, 0)]

    pull = Pull()
    file = pull.files.put("/lamp.bin", content)
    pull.files.at(8192, lambda: setattr(file, "etag", None))
    pull.files.at(12_000, lambda: pull.files.fail("5.03"))
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(tag, 20_000, 0), (None, 20_000, 0)]


def test_a_server_that_finds_a_tag_half_way():
    pull = Pull()
    content = image(20_000)
    file = pull.files.put("/lamp.bin", content, etag=None)
    pull.files.at(8192, lambda: setattr(file, "etag", b"new"))
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(None, 20_000, 0), (b"new", 20_000, 0)]


@pytest.mark.parametrize("length", [20_000, 30_000, 9000, 8192, 100])
def test_the_image_is_exchanged_while_it_comes(length):
    """Of two images not one byte is mixed, however long the second is."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000))
    new = image(length, 2)
    pull.files.at(8192, lambda: pull.files.put("/lamp.bin", new))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == new
    assert [offset for _, _, offset in pull.receiver.begins] == [0, 0]


def test_a_server_whose_tag_is_another_one_each_time():
    """It ends: the device is not kept busy for ever."""
    pull = Pull()
    file = pull.files.put("/lamp.bin", image(20_000))
    count = iter(range(1_000_000))

    def alter(request, response):
        file.etag = b"%d" % next(count)

    pull.files.alter = alter
    pull.start()
    pull.run()
    ((error, final),) = pull.receiver.ends
    assert "started over" in error
    assert not final
    assert len(pull.files.fetches) < 40


def test_not_found_half_way_is_the_end():
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000))
    pull.files.at(8192, lambda: pull.files.files.clear())
    pull.start()
    pull.run()
    assert pull.receiver.ends == [("the block at byte 8192: 4.04", True)]
    assert pull.receiver.content == image(20_000)[:8192]


def test_not_found():
    pull = Pull()
    pull.start()
    assert pull.run() < 1000
    assert pull.receiver.ends == [("the block at byte 0: 4.04", True)]
    assert pull.receiver.begins == []


@pytest.mark.parametrize("code", ["4.00", "4.01", "4.02", "4.03", "4.05", "4.06", "5.01", "5.05", "2.03", "2.04"])
def test_codes_that_are_final(code):
    pull = Pull()
    pull.files.put("/lamp.bin", image(5000))
    pull.files.fail(code, None)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [("the block at byte 0: " + code, True)]
    assert len(pull.files.fetches) == 1


@pytest.mark.parametrize("code", ["5.00", "5.02", "5.03", "5.04", "4.29"])
def test_codes_after_which_it_goes_on(code):
    pull = Pull()
    content = image(20_000)
    pull.files.put("/lamp.bin", content)
    pull.files.at(8192, lambda: pull.files.fail(code, 3))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert [offset for _, _, offset in pull.receiver.begins] == [0, 8192]
    times = [fetch.time_ms for fetch in pull.files.fetches if fetch.code == code]
    assert 5000 <= times[1] - times[0] <= 8000
    assert 10_000 <= times[2] - times[1] <= 16_000


def test_unavailable_for_good():
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000))
    pull.files.at(8192, lambda: pull.files.fail("5.03", None))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [("the block at byte 7168: 5.03", False)]
    assert len([fetch for fetch in pull.files.fetches if fetch.code == "5.03"]) == 5


def test_a_server_that_says_when_to_come_back():
    pull = Pull()
    pull.files.put("/lamp.bin", image(2000))
    pull.files.fail("5.03", 1, max_age=300)
    pull.start()
    assert 300_000 <= pull.run() <= 500_000
    assert pull.receiver.ends == [(None, True)]


@pytest.mark.parametrize("announced", [1, 8191, 8192, 8193, 19_999, 20_001, 40_000])
def test_longer_or_shorter_than_announced(announced):
    """The file may have been exchanged: it is got once more from the beginning; then it is simply wrong."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000), announced=announced)
    pull.start()
    pull.run()
    ((error, final),) = pull.receiver.ends
    assert "announced" in error
    assert final
    assert pull.download.result == INTEGRITY
    assert pull.receiver.begins == [(pull.files.files["/lamp.bin"].etag, announced, 0)] * 2
    assert len(pull.receiver.content) <= announced


def test_shorter_than_announced_once():
    pull = Pull()
    content = image(20_000)
    file = pull.files.put("/lamp.bin", content, announced=30_000)
    pull.files.at(19_000, lambda: setattr(file, "announced", 20_000))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content


def test_nothing_announced():
    pull = Pull()
    content = image(20_000)
    pull.files.put("/lamp.bin", content, announced=None)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert pull.receiver.begins[0][1] is None


def test_a_silent_server():
    """Five attempts of a good minute each, with the back-off between them."""
    pull = Pull()
    pull.files.silent = True
    pull.start()
    took = pull.run()
    assert pull.receiver.ends == [("the block at byte 0: time-out", False)]
    assert 5 * 62_000 + 75_000 <= took <= 5 * 93_000 + 113_000


@pytest.mark.parametrize("silence_ms", [10_000, 100_000, 200_000])
def test_a_server_that_is_silent_for_a_while(silence_ms):
    pull = Pull()
    content = image(50_000)
    pull.files.put("/lamp.bin", content)

    def fall_silent():
        pull.files.silent = True
        pull.network.call_at(pull.simulation.now_ms + silence_ms, lambda: setattr(pull.files, "silent", False))

    pull.files.at(20_480, fall_silent)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert [offset for _, _, offset in pull.receiver.begins] in ([0], [0, 20_480])


def test_a_server_that_restarts():
    pull = Pull()
    content = image(50_000)
    pull.files.put("/lamp.bin", content)
    for offset in (10_000, 20_000, 30_000):
        pull.files.at(offset, pull.files.restart)
    pull.start()
    pull.run()
    assert pull.receiver.content == content


def test_a_closed_port_and_a_new_server_there():
    pull = Pull()
    content = image(50_000)
    pull.files.put("/lamp.bin", content)
    pull.files.at(20_480, lambda: pull.network.refuse(5683, "files"))
    pull.network.call_at(pull.simulation.now_ms + 30_000, lambda: pull.network.accept(5683, "files"))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    # The answer to the request for the block at 20,480 was on its way.
    assert [offset for _, _, offset in pull.receiver.begins] == [0, 21_504]


def test_answers_that_come_separately():
    pull = Pull()
    content = image(5000)
    pull.files.put("/lamp.bin", content)
    pull.files.separate_ms = 8000
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert pull.files.duplicates == 0
