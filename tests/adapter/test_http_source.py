"""Pulls by http against a real server on loopback."""

import random

import pytest

from atiny.adapter.http_source import CHUNK
from tests.adapter.http_files import Files, HttpRig

pytest.importorskip("urllib3")


@pytest.fixture
def rig():
    rig = HttpRig(read_timeout_s=10)
    yield rig
    rig.close()


@pytest.mark.parametrize("size", [0, 1, 1000, CHUNK, 300_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_comes_whole(rig, size, chunked):
    rig.files.content = rig.files.content[:size]
    rig.files.chunked = chunked
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    ((etag, total, offset),) = rig.receiver.begins
    assert 1 <= len(etag) <= 8
    assert (total, offset) == (None if chunked else size, 0)
    ((path, headers),) = rig.files.requests
    assert path == "/lamp.bin?v=2"
    assert headers["Accept-Encoding"] == "identity"


def test_goes_on_where_it_broke_off(rig):
    """With If-Range, and from the byte before the one that is next, which is there in any case."""
    rig.files.cut = [100_000, 200_000]
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 100_000, 200_000]
    assert rig.ranges() == [None, "bytes=99999-", "bytes=199999-"]
    assert rig.files.requests[1][1]["If-Range"] == rig.files.tag
    assert rig.receiver.begins[2][1] == 300_000


@pytest.mark.parametrize("kept", [1, 12_345, 299_999, 300_000])
def test_goes_on_after_a_restart(rig, kept):
    """All that is left of the tag are 8 bytes: If-Range cannot be sent, but the answer's tag can be compared."""
    rig.start()
    rig.run()
    etag = rig.receiver.begins[0][0]
    rig.source.tag = (b"", "")
    rig.receiver.__init__()
    rig.receiver.content += rig.files.content[:kept]
    rig.start(kept, etag)
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.receiver.begins == [(etag, 300_000, kept)]
    assert "If-Range" not in rig.files.requests[1][1]


@pytest.mark.parametrize("size", [0, 50_000, 100_000, 400_000])
@pytest.mark.parametrize("known", [True, False])
def test_the_image_was_exchanged(rig, size, known):
    rig.files.cut = [100_000]
    rig.start()
    rig.hand_over.run_until(lambda: rig.download.deadline() is not None)
    rig.files.content = random.Random(2).randbytes(size)
    if not known:
        rig.source.tag = (b"", "")
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 0]


def test_without_ranges_it_comes_from_the_beginning(rig):
    rig.files.ranges = False
    rig.files.cut = [100_000]
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 0]


@pytest.mark.parametrize("etag", [None, 'W/"weak"', "bare"])
def test_without_a_strong_tag_it_comes_from_the_beginning(rig, etag):
    rig.files.etag = etag or ""
    rig.files.tagged = etag is not None
    rig.files.cut = [100_000]
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.receiver.begins == [(None, 300_000, 0)] * 2
    assert rig.ranges() == [None, None]


def test_a_part_without_a_tag(rig):
    """It is the answer to an If-Range: the server said that it is the same."""
    rig.files.cut = [100_000]

    def alter(status, headers):
        if status == 206:
            del headers["ETag"]

    rig.files.alter = alter
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 100_000]


@pytest.mark.parametrize("wrong", ["bytes 5-299999/300000", "bytes */300000", "bytes", "", "lines 99999-299999/300000"])
def test_a_part_that_was_not_asked_for(rig, wrong):
    rig.files.cut = [100_000]

    def alter(status, headers):
        if status == 206:
            headers["Content-Range"] = wrong

    rig.files.alter = alter
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 0]


def test_a_part_where_all_was_asked_for(rig):
    rig.files.alter = lambda status, headers: 206
    rig.start()
    error, final = rig.run()
    assert "206" in error
    assert final


def test_shorter_than_announced(rig):
    """The server ends before the length that it gave: as if the connection had broken off; and there is no more."""
    rig.files.alter = lambda status, headers: headers.update({"Content-Length": "400000", "Connection": "close"})
    rig.files.cut = [300_000] * 10
    rig.start()
    error, final = rig.run()
    assert error
    assert rig.receiver.content == rig.files.content
    assert len(rig.files.requests) <= 12


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 451, 501, 505])
def test_statuses_that_are_final(rig, status):
    rig.files.answers = [(status, {}, b"no")]
    rig.start()
    assert rig.run() == ("HTTP %d" % status, True)
    assert len(rig.files.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_after_which_it_goes_on(rig, status):
    rig.files.cut = [100_000]
    rig.start()
    rig.hand_over.run_until(lambda: rig.download.deadline() is not None)
    rig.files.answers = [(status, {}, b"later")] * 3
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 100_000]


def test_not_found_half_way(rig):
    rig.files.cut = [100_000]
    rig.start()
    rig.hand_over.run_until(lambda: rig.download.deadline() is not None)
    rig.files.answers = [(404, {}, b"")]
    assert rig.run() == ("HTTP 404", True)


@pytest.mark.parametrize(
    ("value", "ms"), [("77", 77_000), ("x", 5000), ("-5", 5000), ("9" * 30, 3_600_000), ("1", 5000)]
)
def test_retry_after(rig, value, ms):
    rig.files.answers = [(503, {"Retry-After": value}, b"")]
    rig.start()
    rig.hand_over.run_until(lambda: rig.download.deadline() is not None)
    assert rig.download.deadline() == ms
    rig.run()


def test_redirections(rig):
    rig.files.answers = [
        (302, {"Location": "/a"}, b"over there"),
        (301, {"Location": "b?x=1"}, b""),
        (303, {"Location": "//127.0.0.1:%d/c" % rig.files.port}, b""),
        (307, {"Location": rig.uri}, b""),
        (308, {"Location": "/d"}, b""),
    ]
    rig.start()
    assert rig.run() == (None, True)
    assert [path for path, _ in rig.files.requests] == ["/lamp.bin?v=2", "/a", "/b?x=1", "/c", "/lamp.bin?v=2", "/d"]
    assert rig.receiver.content == rig.files.content


def test_redirections_are_limited(rig):
    rig.files.answers = [(302, {"Location": "/again"}, b"")] * 100
    rig.start()
    assert rig.run() == ("more than 5 redirections", True)
    assert len(rig.files.requests) == 6


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/a", "file:///etc/passwd", "coap://127.0.0.1/a"])
def test_redirections_out_of_http(rig, location):
    rig.files.answers = [(302, {"Location": location}, b"")]
    rig.start()
    error, final = rig.run()
    assert "redirected" in error
    assert final


def test_a_redirection_without_a_place(rig):
    rig.files.answers = [(302, {}, b"")]
    rig.start()
    assert rig.run() == ("HTTP 302", True)


def test_an_encoding_that_was_not_asked_for(rig):
    rig.files.answers = [(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")]
    rig.start()
    error, final = rig.run()
    assert "gzip" in error
    assert final


@pytest.mark.parametrize("uri", ["http://[::1/a", "http://127.0.0.1:99999/", "http://127.0.0.1:x/"])
def test_what_is_no_uri(rig, uri):
    rig.uri = uri
    rig.start()
    assert rig.run()[1]


def test_nobody_listens(rig):
    closed = Files()
    rig.uri = "http://127.0.0.1:%d/" % closed.port
    closed.close()
    rig.start()
    assert not rig.run()[1]
    assert rig.download.failures == 5
