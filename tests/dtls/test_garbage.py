"""What nobody has sent: forged, damaged and repeated datagrams, into sessions and into handshakes."""

import random

import pytest
from hypothesis import given, settings, strategies as st

from tests.dtls.peer import DOWN, Peer, Wire, client, now_ms, quick

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23


def record(kind, epoch, sequence, body):
    number = sequence.to_bytes(6, "big")
    return bytes([kind]) + b"\xfe\xfd" + epoch.to_bytes(2, "big") + number + len(body).to_bytes(2, "big") + body


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


FORGED = {
    "nothing": b"",
    "a byte": b"\x16",
    "noise": noise(60),
    "a lot of noise": noise(20000),
    "more than any buffer": noise(65507),
    "a header's beginning": record(DATA, 1, 9, b"")[:12],
    "a header without a body": record(DATA, 1, 9, b"x" * 32)[:13],
    "an empty record": record(HANDSHAKE, 0, 9, b""),
    "an empty record of data": record(DATA, 1, 9, b""),
    "data in the clear": record(DATA, 0, 9, b"GET"),
    "data": record(DATA, 1, 9, noise(40)),
    "data and a byte": record(DATA, 1, 9, noise(40)) + b"x",
    "data and a header": record(DATA, 1, 9, noise(40)) + record(DATA, 1, 9, b"")[:12],
    "data of another epoch": record(DATA, 2, 0, noise(40)),
    "a record of the longest": record(DATA, 1, 9, noise(16300)),
    "Finished": record(HANDSHAKE, 1, 0, noise(32)),
    "a handshake of another epoch": record(HANDSHAKE, 7, 0, noise(32)),
    "a farewell": record(ALERT, 1, 9, noise(10)),
    "a farewell in the clear": record(ALERT, 0, 99, b"\1\0"),
    "a fatal alert": record(ALERT, 0, 99, b"\2\x28"),
    "a warning": record(ALERT, 0, 99, b"\1\x28"),
    "half an alert": record(ALERT, 0, 99, b"\2"),
    "ChangeCipherSpec": record(CCS, 0, 99, b"\1"),
    "a bad ChangeCipherSpec": record(CCS, 0, 99, b"\2"),
    "no message": record(HANDSHAKE, 0, 99, bytes(12)),
    "a message of no kind": record(HANDSHAKE, 0, 99, b"\x63" + bytes(11)),
    "a message without end": record(HANDSHAKE, 0, 99, b"\2\xff\xff\xff\0\1\0\0\0\0\0\x40" + noise(64)),
    "a fragment beyond its message": record(HANDSHAKE, 0, 99, b"\2\0\0\x20\0\1\xff\xff\xff\0\0\x40" + noise(64)),
    "a ServerHello of noise": record(HANDSHAKE, 0, 99, b"\2\0\0\x40\0\1\0\0\0\0\0\x40" + noise(64)),
    "a HelloVerifyRequest of noise": record(HANDSHAKE, 0, 99, b"\3\0\0\x10\0\0\0\0\0\0\0\x10" + noise(16)),
    "a HelloRequest": record(HANDSHAKE, 0, 99, bytes(4) + bytes(8)),
    "another version": b"\x16\x03\x03" + bytes(8) + b"\0\1x",
    "another protocol": b"\x44\x01\x12\x34abcd\xb1\x33",
}
FATAL = "a fatal alert"
# What can end a handshake, at one of its moments.
BREAKS = (
    "data",  # in place of the Finished
    "data and a byte",
    "data and a header",
    "a record of the longest",
    "Finished",
    "a farewell",
    "a farewell in the clear",
    FATAL,
    "half an alert",
    "a bad ChangeCipherSpec",
    "no message",
    "a message of no kind",
    "a HelloRequest",
    "a fragment beyond its message",
    "a ServerHello of noise",
    "a HelloVerifyRequest of noise",
)


def established():
    wire = Wire(client())
    wire.shake_hands()
    wire.exchange()
    return wire


@pytest.mark.parametrize("name", FORGED)
def test_nothing_happens_to_a_session(name):
    wire = established()
    assert wire.session.receive(FORGED[name], now_ms()) == ()
    assert wire.session.receive(FORGED[name] + FORGED[name], now_ms()) == ()
    assert (wire.session.ready, wire.session.error, wire.session.deadline()) == (True, None, None)
    wire.exchange()


def test_replayed_records_do_nothing():
    wire = established()
    everything = list(wire.sent[DOWN])
    for number in range(200):
        message = wire.peer.protect(b"%d" % number)
        assert wire.session.receive(message, 0) == (b"%d" % number,)
        everything.append(message)
    for replay in everything:
        assert wire.session.receive(replay, now_ms()) == ()
        assert wire.session.receive(replay + b"x", now_ms()) == ()
        assert wire.session.receive(replay + replay, now_ms()) == ()
    wire.exchange()


def test_our_own_records_sent_back_do_nothing():
    wire = established()
    for datagram in [*wire.sent["up"], wire.session.protect(b"mine")]:
        assert wire.session.receive(datagram, now_ms()) == ()
    wire.exchange()


def test_what_follows_a_good_record_does_no_harm():
    for name, forged in FORGED.items():
        wire = established()
        assert wire.session.receive(wire.peer.protect(b"good") + forged[:9000], 0) == (b"good",), name
        wire.exchange()


WIRE: "list[Wire]" = []


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_datagram_ends_a_session(data):
    """Any bytes, and any change to a record of the server's."""
    if not WIRE:
        WIRE.append(established())
    wire = WIRE[0]
    message = wire.peer.protect(b"message")
    at = data.draw(st.integers(0, len(message) - 1))
    change = data.draw(st.integers(1, 255))
    datagram = data.draw(
        st.one_of(
            st.binary(max_size=80),
            st.just(message[:at] + bytes([message[at] ^ change]) + message[at + 1 :]),
            st.binary(max_size=20).map(lambda rest: message[:at] + rest),
            st.binary(min_size=1, max_size=20).map(lambda rest: rest + message),
        )
    )
    before = datagram == message
    found = wire.session.receive(datagram, now_ms())
    assert found in ((), (b"message",))
    assert before or found == () or datagram.startswith(message)
    wire.exchange()


@pytest.mark.parametrize("name", FORGED)
def test_a_handshake_goes_on_or_ends_at_once(monkeypatch, name):
    """The forgery comes before each of the server's datagrams in turn, also with its record number.

    What is in the clear cannot be told from the server's. Where it ends the handshake, it does so with a reason, and
    not by time: the registration's next attempt is what recovers.
    """
    quick(monkeypatch)
    for number in range(5):
        for same_number in (False, True):

            def fate(way, count, datagram, number=number, same_number=same_number):
                if way == DOWN and count == number:
                    forged = FORGED[name]
                    if same_number and len(forged) > 13:
                        forged = forged[:5] + datagram[5:11] + forged[11:]
                    return [forged, datagram]
                return [datagram]

            wire = Wire(client(), Peer(packed=False), fate)
            wire.shake_hands()
            if wire.session.ready:
                wire.exchange()
            else:
                assert name in BREAKS, (number, same_number, wire.session.error)
                reason = "the server refused the handshake: alert 40" if name == FATAL else "the handshake broke: "
                assert wire.session.error.startswith(reason)
                established()


@pytest.mark.parametrize("seed", range(30))
def test_a_handshake_among_noise(monkeypatch, seed):
    """Damaged copies of the server's own datagrams come before and behind each of them."""
    quick(monkeypatch)
    chance = random.Random(seed)
    forgeries = [12]

    def damaged(datagram):
        changed = bytearray(datagram)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        return bytes(changed[: chance.choice([len(changed), chance.randrange(len(changed)) + 1])])

    def fate(way, count, datagram):
        if way != DOWN or not forgeries[0]:
            return [datagram]
        forgeries[0] -= 1
        return [damaged(datagram), datagram, damaged(datagram)]

    for _ in range(13):
        wire = Wire(client(), Peer(packed=False), fate)
        wire.shake_hands(10)
        if wire.session.ready:
            break
        assert wire.session.error.startswith(("the server refused the handshake: ", "the handshake broke: "))
    wire.exchange()
