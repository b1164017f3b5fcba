"""The DTLS session of CPython against a python-mbedtls server in memory: the handshake, messages, the end."""

import time

import pytest

from atiny.dtls import handshake
from atiny.dtls.mbedtls import SUITES
from atiny.dtls.session import MAX_KEY
from tests.dtls.peer import DOWN, KEYS, UP, Peer, Wire, client, now_ms, quick, records


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    quick(monkeypatch)


def established(**options):
    wire = Wire(client(), Peer(**options))
    wire.shake_hands()
    return wire


@pytest.mark.parametrize("packed", [True, False])
def test_a_handshake_and_messages(packed):
    wire = Wire(client(), Peer(packed=packed))
    assert (wire.session.ready, wire.session.closed, wire.session.deadline()) == (False, False, None)
    wire.session.start(now_ms())
    wire.pump()
    assert (wire.session.ready, wire.session.closed, wire.session.error) == (True, False, None)
    assert wire.session.deadline() is None
    assert wire.counts == {UP: 3, DOWN: 3 if packed else 5}
    assert wire.peer.keys.asked == [b"lamp-1"]
    assert wire.peer.suite == SUITES[0]
    for _ in range(100):
        wire.exchange()
    assert wire.session.datagrams() == ()


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite(suite):
    for wire in (Wire(client(), Peer(suites=(suite,))), Wire(client(suites=(suite,)), Peer())):
        wire.shake_hands()
        assert wire.peer.suite == suite
        wire.exchange()


def test_the_suite_most_wanted_by_the_client_is_offered_first():
    wire = Wire(client(suites=SUITES[1:]))
    wire.shake_hands()
    hello = wire.sent[UP][0]
    assert bytes.fromhex("00a8") + bytes.fromhex("00ae") in hello  # GCM, CBC (RFC 5487)
    assert bytes.fromhex("c0a8") not in hello
    assert wire.peer.suite == SUITES[1]


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, MAX_KEY])
def test_keys_of_every_length(length):
    key = bytes(range(255, 255 - length, -1))
    wire = Wire(client(key=key), Peer({b"lamp-1": key}))
    wire.shake_hands()
    wire.exchange()


@pytest.mark.parametrize("identity", [b"x", "Lämpchen".encode(), b"urn:imei:" + b"1" * 119])
def test_identities(identity):
    wire = Wire(client(identity), Peer({identity: KEYS[b"lamp-1"]}))
    wire.shake_hands()
    assert wire.peer.keys.asked == [identity]
    wire.exchange()


def test_an_identity_that_is_no_text_goes_out_as_it_is():
    """The library's server cannot take one, so what is on the wire is looked at."""
    identity = b"\xff\x00\x80lamp"
    wire = Wire(client(identity), Peer())
    wire.session.start(now_ms())
    wire.pump()
    assert b"\x00" + bytes([len(identity)]) + identity in wire.sent[UP][2]


def test_a_flight_is_one_datagram():
    wire = established()
    assert [len(records(datagram)) for datagram in wire.sent[UP]] == [1, 1, 3]
    assert max(map(len, wire.sent[UP])) < 200


# -- a network that loses, repeats and reorders

DATAGRAMS = [(UP, number) for number in range(3)] + [(DOWN, number) for number in range(5)]


def dropped(datagram, held):
    return []


def duplicated(datagram, held):
    return [datagram, datagram]


def delayed(datagram, held):
    """It arrives behind the next one of its direction."""
    held.append(datagram)
    return []


@pytest.mark.parametrize("what", [dropped, duplicated, delayed])
@pytest.mark.parametrize(("direction", "number"), DATAGRAMS)
def test_every_single_datagram(what, direction, number):
    held: "list[bytes]" = []

    def fate(way, count, datagram):
        if way != direction or count < number:
            return [datagram]
        if count == number:
            return what(datagram, held)
        late = list(held)
        held.clear()
        return [datagram, *late]

    wire = Wire(client(), Peer(packed=False), fate)
    wire.shake_hands()
    wire.exchange()
    if what is dropped:
        assert sum(wire.counts.values()) > len(DATAGRAMS)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_random_loss(seed, packed):
    """20 % of all datagrams are lost, 20 % of the others come twice or late."""
    import random

    chance = random.Random(seed)
    late: "dict[str, list[bytes]]" = {UP: [], DOWN: []}

    def fate(way, count, datagram):
        arriving, late[way] = late[way], []
        draw = chance.random()
        if draw < 0.2:
            return arriving
        if draw < 0.3:
            return [datagram, *arriving, datagram]
        if draw < 0.4:
            late[way] = [datagram]
            return arriving
        return [datagram, *arriving]

    wire = Wire(client(), Peer(packed=packed), fate)
    wire.shake_hands(10)
    assert wire.session.error is None
    wire.exchange()


def test_a_datagram_that_comes_as_the_timer_runs_out_is_not_left_lying():
    """The library then retransmits, and does not look at what it was given."""
    session, peer = client(), Peer()
    session.start(now_ms())
    (hello,) = session.datagrams()
    peer.receive(hello)
    (verify,) = peer.out
    time.sleep(0.03)
    session.receive(verify, now_ms())
    sent = session.datagrams()
    assert len(sent[-1]) > len(hello)  # the cookie is in it


def test_messages_that_come_before_the_handshake_is_over_are_lost():
    """The library keeps early records of handshakes only. What is lost is sent again, as everything is in CoAP."""
    wire = Wire(client(), Peer(packed=False))
    late: "list[bytes]" = []

    def fate(way, count, datagram):
        if way == DOWN and datagram[0] == 22 and datagram[3:5] == b"\0\1":
            late.append(datagram)  # Finished
            return []
        return [datagram]

    wire.fate = fate
    wire.session.start(now_ms())
    wire.pump()
    assert wire.peer.established
    assert not wire.session.ready
    assert wire.session.receive(wire.peer.protect(b"early"), now_ms()) == ()
    assert wire.session.receive(late[0] + wire.peer.protect(b"in time"), now_ms()) == (b"in time",)
    assert wire.session.ready
    wire.exchange()


def test_it_retransmits_without_busy_waiting():
    """The deadlines follow the library's timer: 20, 40, 80 ms ..., a call or two for each."""
    session = client(timeout_ms=700)
    session.start(now_ms())
    calls = sent = 0
    while not session.closed:
        sent += len(session.datagrams())
        due = session.deadline()
        time.sleep(max(0, due - now_ms()) / 1000)
        session.handle_timer(now_ms())
        calls += 1
        assert session.closed or session.deadline() > due
    assert 3 <= sent <= 6
    assert calls <= 3 * sent
    assert session.deadline() is None


def test_nothing_happens_before_its_time():
    session = client()
    session.start(5000)
    session.datagrams()
    due = session.deadline()
    assert due == 5000 + session.retransmit_ms
    session.handle_timer(due - 1)
    assert (session.deadline(), session.datagrams()) == (due, ())
    session.start(5001)  # it runs already
    assert (session.deadline(), session.datagrams()) == (due, ())


# -- handshakes that fail


def run_out(session):
    """Let the session's own time pass, without the library's."""
    while not session.closed:
        session.datagrams()
        session.handle_timer(session.deadline())
    return session.error


@pytest.mark.parametrize("timeout_ms", [60000, 7000])
def test_no_answer(timeout_ms):
    session = client(timeout_ms=timeout_ms)
    session.start(0)
    error = run_out(session)
    assert error == f"no answer to the handshake for {timeout_ms // 1000} s: wrong PSK or no DTLS server there"
    assert (session.ready, session.closed, session.deadline(), session.datagrams()) == (False, True, None, ())


def test_a_wrong_key_may_be_silence():
    def fate(way, count, datagram):
        return [] if datagram[0] == 21 else [datagram]  # the peer would say it by an alert; others do not

    wire = Wire(client(key=b"another key"), Peer(), fate)
    wire.session.start(0)
    wire.pump()
    assert not wire.session.closed
    assert "within 60 s: wrong PSK, unknown identity" in run_out(wire.session)
    assert not wire.peer.established


REFUSED = [
    ({"identity": b"stranger"}, "alert 115, unknown_psk_identity"),
    ({"key": b"another key"}, "alert 20, bad_record_mac: wrong PSK"),
    ({"suites": SUITES[1:2]}, "alert 40, handshake_failure: no cipher suite in common, or unknown identity"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSED)
def test_a_server_that_says_no(options, reason):
    wire = Wire(client(**options), Peer(suites=SUITES[:1]))
    wire.shake_hands()
    assert wire.session.error == "the server refused the handshake: " + reason
    assert (wire.session.ready, wire.session.closed, wire.session.deadline()) == (False, True, None)


def test_a_library_without_memory(monkeypatch):
    session = client()
    monkeypatch.setattr(session, "_context", None)
    session.start(0)
    assert (session.closed, session.ready, session.deadline()) == (True, False, None)
    assert session.error.startswith("the handshake broke: ")


# -- the end of a session


def test_close_says_farewell():
    wire = established()
    wire.session.close()
    (farewell,) = wire.session.datagrams()
    assert wire.peer.receive(farewell) == []
    assert wire.peer.error.err == handshake.CLOSE_NOTIFY
    assert (wire.session.closed, wire.session.ready, wire.session.error) == (True, False, None)


def test_nothing_comes_after_the_end():
    wire = established()
    message = wire.peer.protect(b"late")
    wire.session.close()
    wire.session.datagrams()
    wire.session.close()
    assert wire.session.receive(message, 0) == ()
    assert wire.session.protect(b"late") == b""
    wire.session.handle_timer(10**9)
    wire.session.start(10**9)
    assert (wire.session.datagrams(), wire.session.deadline(), wire.session.error) == ((), None, None)


@pytest.mark.parametrize("when", ["before", "during"])
def test_close_without_a_session_says_nothing(when):
    session = client()
    if when == "during":
        session.start(0)
        session.datagrams()
    session.close()
    assert (session.closed, session.datagrams(), session.deadline()) == (True, (), None)


def test_the_peers_farewell():
    wire = established()
    last = wire.peer.protect(b"last words")
    assert wire.session.receive(last + wire.peer.farewell(), 0) == (b"last words",)
    assert (wire.session.closed, wire.session.ready) == (True, False)
    assert wire.session.error == "the server closed the session"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(handshake.FATAL_ALERT, "the server ended the session (fatal alert)"), (0x6C00, "the session broke: TLSError")],
)
def test_a_session_that_the_library_ends(monkeypatch, code, reason):
    from mbedtls.exceptions import TLSError

    def readinto(*_):
        raise TLSError(code)

    wire = established()
    message = wire.peer.protect(b"x")
    monkeypatch.setattr(wire.session, "_readinto", readinto)
    assert wire.session.receive(message, 0) == ()
    assert wire.session.closed
    assert wire.session.error.startswith(reason)


def test_a_message_that_is_too_long_ends_the_session():
    wire = established()
    assert wire.session.protect(b"x" * 20000) == b""
    assert wire.session.closed
    assert wire.session.error.startswith("the session broke: ")


def test_messages_of_every_length():
    wire = established()
    for size in (1, 2, 1024, 2000, 2048, 5000, 16000):
        message = bytes([size & 255]) * size
        assert wire.peer.receive(wire.session.protect(message)) == [message]
        assert wire.session.receive(wire.peer.protect(message), 0) == (message,)
