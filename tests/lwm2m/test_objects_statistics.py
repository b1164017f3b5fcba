"""Connectivity Statistics: what is counted, and when, in virtual time."""

import pytest
from hypothesis import given, strategies as st

from atiny.agent import Clock
from atiny.lwm2m.objects.statistics import UDP_IPV4_HEADERS, Statistics
from tests.lwm2m.rig import LINK, TLV, Rig, build, dotted

H = UDP_IPV4_HEADERS
ROWS = {row.id: row for row in Statistics.resources}


def counts(statistics):
    """(kB sent, kB received, largest, average)"""
    return tuple(statistics.read(ROWS[id]) for id in (2, 3, 4, 5))


def started(period_s=0):
    clock = Clock()
    statistics = Statistics(clock)
    statistics.collection_period_s = period_s
    statistics.execute_start("")
    return clock, statistics


def test_nothing_is_counted_before_the_start():
    statistics = Statistics(Clock())
    assert statistics.running is False
    statistics.count_sent(1000)
    statistics.count_received(1000)
    assert counts(statistics) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sent", "received", "expected"),
    [
        ([], [], (0, 0, 0, 0)),
        ([100], [], (0, 0, 128, 128)),
        ([1000 - H], [], (1, 0, 1000, 1000)),
        ([1000 - H - 1], [], (0, 0, 999, 999)),
        ([], [2000 - H], (0, 2, 2000, 2000)),
        ([72, 72, 72], [172], (0, 0, 200, 125)),
        ([0], [1], (0, 0, 29, 28)),
        ([1252] * 80, [52] * 80, (102, 6, 1280, 680)),
    ],
)
def test_what_is_counted(sent, received, expected):
    _, statistics = started()
    for size in sent:
        statistics.count_sent(size)
    for size in received:
        statistics.count_received(size)
    assert counts(statistics) == expected


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 65507)), max_size=50), st.sampled_from([28, 48]))
def test_the_counts_are_those_of_the_datagrams(datagrams, overhead):
    statistics = Statistics(Clock(), overhead)
    statistics.execute_start("")
    for out, size in datagrams:
        (statistics.count_sent if out else statistics.count_received)(size)
    sizes = [size + overhead for _, size in datagrams]
    assert counts(statistics) == (
        sum(size + overhead for out, size in datagrams if out) // 1000,
        sum(size + overhead for out, size in datagrams if not out) // 1000,
        max(sizes, default=0),
        sum(sizes) // len(sizes) if sizes else 0,
    )


def test_stop_ends_the_counting_and_start_begins_anew():
    _, statistics = started()
    statistics.count_sent(2000)
    statistics.execute_stop("")
    assert statistics.running is False
    statistics.count_sent(5000)
    statistics.count_received(5000)
    assert counts(statistics) == (2, 0, 2028, 2028), "kept, and no more added"
    statistics.execute_start("")
    assert counts(statistics) == (0, 0, 0, 0)
    statistics.count_received(1100)
    assert counts(statistics) == (0, 1, 1128, 1128)
    statistics.execute_start("")
    assert counts(statistics) == (0, 0, 0, 0), "a Start while it runs is a Start"


def test_a_window_ends_by_its_period():
    clock, statistics = started(60)
    clock.ms = 59_999
    statistics.count_sent(72)
    assert (counts(statistics), statistics.running) == ((0, 0, 100, 100), True)
    clock.ms = 60_000
    statistics.count_received(999)
    assert (counts(statistics), statistics.running) == ((0, 0, 100, 100), False)
    clock.ms = 10**9
    statistics.count_sent(999)
    assert counts(statistics) == (0, 0, 100, 100)
    statistics.execute_start("")
    clock.ms += 59_999
    statistics.count_sent(1)
    assert counts(statistics) == (0, 0, 29, 29), "the second window is as long as the first"


def test_without_a_period_a_window_lasts():
    clock, statistics = started()
    clock.ms = 365 * 86400 * 1000
    statistics.count_sent(72)
    assert (counts(statistics), statistics.running) == ((0, 0, 100, 100), True)


def test_a_new_period_is_that_of_the_next_window():
    clock, statistics = started(60)
    statistics.collection_period_s = 10
    clock.ms = 30_000
    statistics.count_sent(72)
    assert counts(statistics)[2] == 100
    statistics.execute_start("")
    clock.ms = 40_000
    statistics.count_sent(72)
    assert (counts(statistics)[2], statistics.running) == (0, False)


# -- on the wire


def counting_rig():
    """A registered device whose link counts."""
    statistics = Statistics(None)
    rig = Rig(statistics)
    statistics._clock = rig.agent.clock
    rig.agent.accounts[0].statistics = statistics
    return rig, statistics


def read(rig, id):
    return int(rig.ask("GET", "7/0/%d" % id).payload)


def test_a_device_counts_what_goes_over_its_link():
    rig, statistics = counting_rig()
    assert dotted(rig.ask("POST", "7/0/6")) == "2.04"
    started = 4 + 2 + H  # the answer to the Start itself: header, token, no options
    assert counts(statistics) == (0, 0, started, started)
    sizes = [started]
    for id in (2, 3):
        request = build(1, "7/0/%d" % id, mid=id, token=b"xy").encode()
        rig.deliver(request)
        answer = 4 + 2 + 1 + 1 + len(rig.only().payload)  # header, token, Content-Format 0, marker
        sizes += [len(request) + H, answer + H]
    assert counts(statistics) == (0, 0, max(sizes), sum(sizes) // 5)
    for _ in range(30):
        rig.ask("PUT", "19/1/0", payload=bytes(1024), content_format=42)
    assert read(rig, 3) == statistics.read(ROWS[3]) >= 30
    assert read(rig, 2) <= 2


def test_the_link_counts_for_the_period_only():
    rig, statistics = counting_rig()
    assert dotted(rig.ask("PUT", "7/0/8", payload=b"60")) == "2.04"
    assert dotted(rig.ask("POST", "7/0/6")) == "2.04"
    rig.advance(59_000)
    rig.ask("GET", "3/0/0")
    within = counts(statistics)
    assert statistics._messages == 3
    rig.advance(1_000)
    rig.ask("GET", "3/0")
    assert counts(statistics) == within
    assert statistics.running is False
    assert dotted(rig.ask("POST", "7/0/7")) == "2.04"
    assert read(rig, 5) == within[3]


@pytest.mark.parametrize(
    ("method", "id", "payload", "code"),
    [
        ("GET", 0, b"", "4.04"),
        ("GET", 1, b"", "4.04"),
        ("GET", 2, b"", "2.05"),
        ("GET", 6, b"", "4.05"),
        ("GET", 8, b"", "2.05"),
        ("PUT", 2, b"0", "4.05"),
        ("PUT", 8, b"4294967295", "2.04"),
        ("PUT", 8, b"4294967296", "4.00"),
        ("PUT", 8, b"-1", "4.00"),
        ("POST", 6, b"0", "4.00"),
        ("POST", 7, b"0", "4.00"),
        ("POST", 7, b"", "2.04"),
    ],
)
def test_the_operations(method, id, payload, code):
    rig = Rig(Statistics(Clock()))
    assert dotted(rig.ask(method, "7/0/%d" % id, payload=payload)) == code


def test_the_whole_object():
    rig = Rig(Statistics(Clock()))
    payload = bytes.fromhex("c1 02 00 c1 03 00 c1 04 00 c1 05 00 c1 08 00")
    assert rig.ask("GET", "7/0").payload == payload
    assert rig.ask("GET", "7/0", accept=LINK).payload == (
        b"</7/0>,</7/0/2>,</7/0/3>,</7/0/4>,</7/0/5>,</7/0/6>,</7/0/7>,</7/0/8>"
    )
    assert dotted(rig.ask("PUT", "7/0", payload=bytes.fromhex("c1 08 1e"), content_format=TLV)) == "2.04"
    assert rig.ask("GET", "7/0/8").payload == b"30"
    assert dotted(rig.ask("PUT", "7/0", payload=b"", content_format=TLV)) == "2.04"
    assert rig.ask("GET", "7/0/8").payload == b"0"
