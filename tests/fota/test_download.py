"""`Download` with a scripted source: tries, back-off, starts over, what is announced, sources that misbehave."""

import pytest
from hypothesis import given, strategies as st

from atiny.errors import NotSupported, ParameterError, TransportError
from atiny.fota.download import Download, source_for
from atiny.fota.source import Source, Transfer
from tests.fota.pull_rig import Device, Fetch, Options, Receiver


class Script(Source):
    """``opened``: (offset, etag) of each attempt. ``script``: functions of the receiver, called while it opens."""

    schemes = ("test",)

    def __init__(self, *script):
        self.script = list(script)
        self.opened = []
        self.receivers = []
        self.cancelled = 0

    def open(self, uri, offset, etag, receiver):
        self.opened.append((offset, etag))
        self.receivers.append(receiver)
        if self.script:
            self.script.pop(0)(receiver)
        return self

    def cancel(self):
        self.cancelled += 1


class Rig:
    def __init__(self, *script, options=Options):
        self.device = Device()
        self.clock = self.device.clock
        self.source = Script(*script)
        self.receiver = Receiver()
        self.download = Fetch(self.device, "test://host/file", [self.source], self.receiver, options)

    def later(self):
        """Time passes to the next attempt; returns how long it was."""
        due = self.download.deadline()
        assert due is not None
        waited = due - self.clock.ms
        self.clock.ms = due - 1
        self.download.handle_timer()
        before = len(self.source.opened)
        self.clock.ms = due
        self.download.handle_timer()
        assert len(self.source.opened) == before + 1
        return waited


def say(begin=None, *parts, error=None, final=False, wait_ms=0):
    def play(receiver):
        if begin is not None:
            receiver.begin(*begin)
        for part in parts:
            receiver.data(part)
        receiver.end(error, final, wait_ms)

    return play


def test_whole():
    rig = Rig(say((b"a", 5, 0), b"he", b"llo"))
    rig.download.start()
    assert rig.receiver.ends == [(None, True)]
    assert rig.receiver.content == b"hello"
    assert rig.download.deadline() is None
    assert (rig.download.position, rig.download.total, rig.download.etag) == (5, 5, b"a")


def test_the_back_off_doubles_up_to_its_limit():
    class Many(Options):
        tries = 8

    rig = Rig(*[say(error="no")] * 8, options=Many)
    rig.download.start()
    waits = [rig.later() for _ in range(7)]
    assert waits == [5000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]
    assert rig.receiver.ends == [("no", False)]


def test_the_back_off_has_jitter():
    """Up to half as long again."""
    rig = Rig(say(error="no"))
    rig.device.random = lambda n: b"\xff" * n
    rig.download.start()
    due = rig.download.deadline()
    assert due is not None
    assert 7490 <= due - rig.clock.ms <= 7500


def test_tries_are_counted_and_progress_resets_them():
    rig = Rig(
        say(error="no"),
        say(error="no"),
        say((b"a", 4, 0), b"x", error="lost"),
        *[say(error="no")] * 3,
        say((b"a", 4, 1), b"y", error="lost"),
        *[say(error="no")] * 4,
    )
    rig.download.start()
    for _ in range(10):
        assert not rig.receiver.ends
        rig.later()
    assert rig.receiver.ends == [("no", False)]
    assert rig.source.opened[-1] == (2, b"a")
    assert rig.download.reason == "no"


def test_what_a_server_wants_to_wait():
    rig = Rig(say(error="busy", wait_ms=60_000), say(error="busy", wait_ms=10**9), say(error="busy", wait_ms=1))
    rig.download.start()
    assert rig.later() == 60_000
    assert rig.later() == 3_600_000
    assert rig.later() == 20_000


def test_a_final_failure():
    rig = Rig(say(error="4.04", final=True))
    rig.download.start()
    assert rig.receiver.ends == [("4.04", True)]
    assert rig.download.deadline() is None


def test_without_a_tag_it_comes_from_the_beginning():
    rig = Rig(say((None, 4, 0), b"ab", error="lost"), say((None, 4, 0), b"abcd"))
    rig.download.start()
    rig.later()
    assert rig.source.opened == [(0, None), (0, None)]
    assert rig.receiver.content == b"abcd"


def test_without_a_tag_only_what_was_never_there_is_progress():
    rig = Rig(*[say((None, 9, 0), b"abcd", error="lost")] * 5)
    rig.download.start()
    waits = [rig.later() for _ in range(4)]
    assert waits == [5000, 10_000, 20_000, 40_000]
    assert rig.receiver.ends == [("lost", False)]


def test_of_another_file_every_byte_is_progress():
    rig = Rig(
        say((b"a", 9, 0), b"abcdefgh", error="lost"),
        *[say(error="no")] * 3,
        say((b"b", 9, 0), b"1", error="lost"),
        say((b"b", 9, 1), b"2", error="lost"),
    )
    rig.download.start()
    assert [rig.later() for _ in range(6)] == [5000, 10_000, 20_000, 40_000, 5000, 5000]
    assert rig.receiver.content == b"12"


def test_after_a_restart():
    rig = Rig(say((b"a", 5, 3), b"lo"))
    rig.receiver.content += b"hel"
    rig.download.start(3, b"a")
    assert rig.source.opened == [(3, b"a")]
    assert rig.receiver.content == b"hello"


def test_after_a_restart_without_a_tag():
    rig = Rig(say((None, 5, 0), b"hello"))
    rig.download.start(3, None)
    assert rig.source.opened == [(0, None)]


def test_the_length_is_still_known_where_it_is_not_told_again():
    rig = Rig(say((b"a", 5, 0), b"hel", error="lost"), say((b"a", None, 3), b"lo"))
    rig.download.start()
    rig.later()
    assert rig.receiver.begins == [(b"a", 5, 0), (b"a", 5, 3)]
    assert rig.receiver.ends == [(None, True)]


def test_a_source_that_begins_somewhere_else():
    rig = Rig(say((b"a", 5, 2), b"llo"))
    rig.download.start()
    ((error, final),) = rig.receiver.ends
    assert "at byte 2 instead of 0" in error
    assert final


def test_starts_over_are_limited():
    """Also within one attempt, and where each brings something new."""

    def play(receiver):
        for count in range(1, 100):
            receiver.begin(b"%d" % count, 1000, 0)
            receiver.data(bytes(count))

    rig = Rig(play)
    rig.download.start()
    ((error, final),) = rig.receiver.ends
    assert "started over" in error
    assert not final
    assert len(rig.receiver.begins) == 6


@pytest.mark.parametrize(
    "error", [TransportError("no network"), OSError(5, "I/O"), ZeroDivisionError("a host's fault")]
)
def test_a_source_that_raises(error):
    def play(receiver):
        raise error

    rig = Rig(play, say((b"a", 2, 0), b"ok"))
    rig.download.start()
    assert rig.download.reason
    rig.later()
    assert rig.receiver.content == b"ok"


@pytest.mark.parametrize("error", [ParameterError("no URI"), NotSupported("no threads")])
def test_a_source_that_raises_for_good(error):
    def play(receiver):
        raise error

    rig = Rig(play)
    rig.download.start()
    assert rig.receiver.ends == [(str(error), True)]


def test_late_words_are_not_heard():
    rig = Rig(say(error="lost"), lambda receiver: None)
    rig.download.start()
    rig.later()
    say((b"x", 1, 0), b"x")(rig.source.receivers[0])
    assert rig.receiver.begins == []
    say((b"a", 2, 0), b"ok")(rig.source.receivers[1])
    assert rig.receiver.content == b"ok"
    say((b"x", 1, 0), b"x")(rig.source.receivers[1])
    assert rig.receiver.ends == [(None, True)]


def test_a_transfer_that_was_given_up_is_cancelled():
    rig = Rig(lambda receiver: None, say((b"a", 1, 0), b"too much"))
    rig.download.start()
    rig.download.go_offline()
    assert rig.source.cancelled == 1
    rig.download.go_online()
    assert rig.source.cancelled == 2, "it said more than it announced while it opened"
    assert rig.download.deadline() is not None
    rig.download.cancel()
    assert rig.download.deadline() is None
    rig.download.go_online()
    rig.clock.ms += 10**9
    rig.download.handle_timer()
    assert len(rig.source.opened) == 2


def test_going_offline_and_online():
    rig = Rig(say(error="no"), say(error="no"))
    rig.download.start()
    rig.download.go_offline()
    assert rig.download.deadline() is None
    rig.download.go_online()
    assert len(rig.source.opened) == 2
    assert rig.download.deadline() == rig.clock.ms + 5000, "the count begins anew"
    rig.download.go_online()
    assert len(rig.source.opened) == 3, "the host says that now is the time"


def test_a_scheme_that_nobody_has():
    with pytest.raises(NotSupported, match="no source of files for ftp"):
        Download(Device(), "ftp://host/file", [Script()], Options)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "test",
        "test:",
        "test://",
        "test:///x",
        "://x",
        "1a://x",
        "te st://x",
        "test://a b",
        "test://\xe9",
        "a/b://x",
    ],
)
def test_what_is_no_uri(uri):
    with pytest.raises(ParameterError):
        Download(Device(), uri, [Script()], Options)


def test_schemes():
    first, second, other = Script(), Script(), Script()
    other.schemes = ("http", "coap+tcp")
    assert source_for("TEST://h", [other, first, second]) is first
    assert source_for("HTTP://h/", [first, other]) is other
    assert source_for("coap+tcp://h", [first, other]) is other
    with pytest.raises(NotSupported):
        source_for("coap://h", [first])


def test_the_base_classes_say_what_is_missing():
    with pytest.raises(NotImplementedError):
        Source().open("test://x", 0, None, None)
    with pytest.raises(NotImplementedError):
        Transfer().cancel()


ATTEMPTS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", None]), st.integers(0, 40), st.sampled_from(["lost", "whole"])), max_size=40
)


@given(ATTEMPTS)
def test_whatever_a_server_does_the_receiver_never_has_a_mixture(attempts):
    """Two files of 30 and 25 bytes, of which a server sends what it likes; the end comes, once, and says the truth."""
    files = {b"a": bytes(range(30)), b"b": bytes(range(100, 125)), None: bytes(range(200, 230))}
    rig = Rig()

    def play_of(tag, length, how):
        def play(receiver):
            offset, known = rig.source.opened[-1]
            content = files[tag]
            if known != tag:
                offset = 0
            receiver.begin(tag, len(content), offset)
            part = content[offset : offset + length]
            if how == "whole":
                part = content[offset:]
            if part:
                receiver.data(part)
            receiver.end(None if how == "whole" else "lost", False, 0)

        return play

    rig.source.script = [play_of(*attempt) for attempt in attempts]
    rig.download.start()
    while rig.source.script and not rig.receiver.ends:
        rig.later()
    if rig.receiver.begins:
        tag = rig.receiver.begins[-1][0]
        assert files[tag].startswith(bytes(rig.receiver.content))
    assert len(rig.receiver.ends) == (bool(attempts) and rig.download.deadline() is None)
    if rig.receiver.ends == [(None, True)]:
        assert bytes(rig.receiver.content) in files.values()
