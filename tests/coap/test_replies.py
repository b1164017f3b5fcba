"""Duplicates: a request that comes again is answered again, not executed again, within documented bounds."""

import random

import pytest

from atiny.coap.exchange import Transmission
from atiny.coap.message import Message
from atiny.coap.replies import ReplyRing

from .peer import CHANGED, CON, CONTENT, DELETE, EXCHANGE_LIFETIME_MS, GET, NON, POST, PUT, Device, pack, path

SMALL = {"reply_entries": 8, "reply_octets": 200, "read_reply_entries": 4, "read_reply_octets": 100}


def counting(code=CHANGED, payload=b""):
    """A device whose answers differ each time that its handler is asked."""
    device = Device()
    device.answer = lambda request: Message(code, None, payload + b"%d" % len(device.asked))
    return device


def write(number, token=b"tok"):
    return pack(CON, POST, number, token, path("/3/0/4"))


def read(number, token=b"tok"):
    return pack(CON, GET, number, token, path("/3/0/9"))


@pytest.mark.parametrize("code", [GET, POST, PUT, DELETE, 5])
def test_a_confirmable_duplicate_gets_the_same_bytes_and_has_no_effect(code):
    device = counting()
    request = pack(CON, code, 0x1234, b"tok", path("/3/0/4"), b"")
    first = device.hear_raw(request)
    assert len(first) == 1
    for _ in range(3):
        device.now += 1000
        assert device.hear_raw(request) == first
    assert len(device.asked) == 1


@pytest.mark.parametrize("code", [GET, POST, PUT, DELETE])
def test_a_non_confirmable_duplicate_is_ignored(code):
    device = counting()
    request = pack(NON, code, 0x1234, b"tok", path("/3/0/4"))
    assert len(device.hear_raw(request)) == 1
    for _ in range(3):
        assert device.hear_raw(request) == []
    assert len(device.asked) == 1


@pytest.mark.parametrize("make", [read, write])
def test_duplicates_are_known_for_exchange_lifetime(make):
    device = counting()
    first = device.hear_raw(make(1))
    device.now = EXCHANGE_LIFETIME_MS - 1
    assert device.hear_raw(make(1)) == first
    device.now = EXCHANGE_LIFETIME_MS
    assert device.hear_raw(make(1)) != first  # by now the message id may stand for another request
    assert len(device.asked) == 2
    device.now = 2 * EXCHANGE_LIFETIME_MS - 1
    device.hear(make(1))
    assert len(device.asked) == 2


@pytest.mark.parametrize(
    "other",
    [
        pack(CON, POST, 7, b"tik", path("/3/0/4")),
        pack(CON, POST, 7, b"", path("/3/0/4")),
        pack(CON, POST, 7, b"tok\0", path("/3/0/4")),
        pack(CON, PUT, 7, b"tok", path("/3/0/4")),
        pack(CON, POST, 8, b"tok", path("/3/0/4")),
    ],
    ids=["another token", "no token", "a longer token", "another method", "another message id"],
)
def test_another_request_is_no_duplicate(other):
    device = counting()
    first = device.hear_raw(write(7))
    assert device.hear_raw(other) != first
    assert device.hear_raw(write(7)) == first
    assert len(device.asked) == 2


def test_duplicates_after_the_link_was_made_anew():
    device = counting()
    first = device.hear_raw(write(1))
    device.exchange.reset()
    assert device.hear_raw(write(1)) == first
    assert len(device.asked) == 1


def test_an_answer_under_way_is_not_asked_for_again():
    device = Device(lambda request: None)
    for kind in (CON, NON):
        request = pack(kind, POST, 1, b"tok", path("/3/0/4"))
        first = device.hear_raw(request)
        assert device.hear_raw(request) == first
    assert len(device.asked) == 2


# -- the bounds: what is evicted first, and why that is safe


def test_a_burst_of_reads_never_evicts_the_reply_to_a_write():
    device = counting()
    first = device.hear_raw(write(1))
    for number in range(1000):
        device.hear(read(number))
    assert len(device.asked) == 1001
    assert device.hear_raw(write(1)) == first
    assert len(device.asked) == 1001


def test_the_latest_writes_are_known_and_the_oldest_goes_first():
    device = counting()
    replies = [device.hear_raw(write(number)) for number in range(100)]
    for number in range(68, 100):  # the documented number of entries: 32
        assert device.hear_raw(write(number)) == replies[number]
    assert len(device.asked) == 100
    device.hear(write(67))
    assert len(device.asked) == 101


def test_reads_that_are_forgotten_are_executed_again():
    device = counting(CONTENT)
    replies = [device.hear_raw(read(number)) for number in range(50)]
    for number in range(34, 50):
        assert device.hear_raw(read(number)) == replies[number]
    assert len(device.asked) == 50
    assert device.hear_raw(read(33)) != replies[33]
    assert len(device.asked) == 51


def test_the_bytes_of_replies_are_bounded_but_no_write_is_executed_again():
    device = Device(transmission=Transmission(**SMALL))
    device.answer = lambda request: Message(CHANGED, None, b"x" * 80)
    for number in range(8):
        assert len(device.hear(write(number))) == 1
    for number in range(8):  # two replies of 88 bytes fit; of the others only the fact is known
        assert len(device.hear(write(number))) == (1 if number >= 6 else 0)
    assert len(device.asked) == 8


def test_a_reply_beyond_the_bound_is_not_kept():
    device = Device(transmission=Transmission(**SMALL))
    device.answer = lambda request: Message(CONTENT, None, b"x" * 300)
    assert len(device.hear(read(1))) == 1
    assert len(device.hear(read(1))) == 1
    assert len(device.asked) == 2  # a read is executed again
    assert len(device.hear(write(2))) == 1
    assert device.hear(write(2)) == []
    assert len(device.asked) == 3  # a write is not


def test_a_reply_that_takes_the_place_of_an_expired_one_counts_as_new():
    ring = ReplyRing(3, 1000)
    for number in range(3):
        ring.put(b"key%d" % number, b"old", 0)
    later = EXCHANGE_LIFETIME_MS
    ring.put(b"key0", b"new", later)
    ring.put(b"key3", b"new", later)
    ring.put(b"key4", b"new", later)
    assert [ring.get(b"key%d" % number, later) for number in (0, 3, 4)] == [b"new", b"new", b"new"]


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_ring_against_a_plain_model(seed, remember):
    """What the ring gives is right, or forgotten; its bounds hold at every step; the newest is there."""
    rng = random.Random(seed)
    entries, octets = rng.choice([1, 2, 5, 16]), rng.choice([10, 50, 400])
    ring = ReplyRing(entries, octets, remember)
    model: dict[bytes, tuple[int, bytes]] = {}
    newest = b""
    now = 0
    for _ in range(3000):
        now += rng.choice([0, 1, 100, 20_000])
        key = b"%d" % rng.randrange(40)
        reply = rng.randbytes(rng.choice([0, 1, 8, 8, 60]))
        if len(reply) <= octets:
            ring.put(key, reply, now)
            model[key] = (now, reply)
            newest = key
        held = {key: ring.get(key, now) for key in model}
        for key, got in held.items():
            if got is not None:
                assert now - model[key][0] < EXCHANGE_LIFETIME_MS
                assert got == model[key][1] or (remember and got == b"")
        kept = [got for got in held.values() if got is not None]
        assert len(kept) <= entries
        assert sum(map(len, kept)) <= octets
        if newest and now == model[newest][0]:
            assert held[newest] == model[newest][1]  # the newest is there, whole
        # What the ring holds inside is no more than that and what has expired.
        assert len(ring._keys) <= entries
        assert set(ring._replies) <= set(ring._keys)
        assert ring._held == sum(len(reply) for _, reply in ring._replies.values()) <= octets
