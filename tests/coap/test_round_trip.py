"""The learnt retransmission time-out: what it becomes, and how it reacts."""

import pytest
from hypothesis import given, strategies as st

from atiny.coap.exchange import Transmission
from atiny.coap.round_trip import LEAST_MARGIN_MS, LONGEST_MS, RoundTrip

USUAL = Transmission()
SPAN_MS = USUAL.ack_timeout_ms * (2 ** (USUAL.max_retransmit + 1) - 1)


class Rig:
    def __init__(self, *transmission):
        self.now = 1000
        self.transmission = self.round_trip = RoundTrip(Transmission(*transmission))

    def ask(self, took):
        self.round_trip.asked(self.now)
        self.now += took
        self.round_trip.answered(self.now)
        return self.transmission.ack_timeout_ms


def test_nothing_is_changed_before_the_first_answer():
    rig = Rig()
    assert (rig.transmission.ack_timeout_ms, rig.transmission.max_retransmit) == (2000, 4)
    rig.round_trip.asked(rig.now)
    assert rig.transmission.ack_timeout_ms == 2000


def test_the_first_answer():
    """RFC 6298, 2.2: the round trip and twice as much for its variation."""
    assert Rig().ask(100) == 300


@pytest.mark.parametrize("rtt", [0, 1, 10, 50, 400, 1500])
def test_a_steady_link(rtt):
    rig = Rig()
    for _ in range(60):
        timeout_ms = rig.ask(rtt)
    assert rtt + LEAST_MARGIN_MS <= timeout_ms <= rtt + max(LEAST_MARGIN_MS, rtt // 2) + 4


def test_a_link_that_varies():
    rig = Rig()
    late = 0
    for step in range(400):
        rtt = (50, 90, 60, 120)[step % 4]
        if step > 100:
            late += rtt >= rig.transmission.ack_timeout_ms
        rig.ask(rtt)
    assert late == 0


def test_an_answer_after_a_retransmission_doubles_it_until_the_next_good_one():
    rig = Rig()
    for _ in range(60):
        steady = rig.ask(50)
    assert rig.ask(steady) == 2 * steady
    assert rig.ask(2 * steady) == 4 * steady
    assert rig.ask(50) <= steady + 10


def test_a_link_slower_than_the_first_guess_is_learnt():
    rig = Rig()
    for _ in range(20):
        rig.ask(6000)
    assert 6000 < rig.transmission.ack_timeout_ms <= LONGEST_MS


def test_it_does_not_grow_for_ever():
    rig = Rig()
    for _ in range(20):
        rig.ask(100_000)
    assert rig.transmission.ack_timeout_ms == LONGEST_MS
    assert rig.transmission.max_retransmit == 1
    rig = Rig(60_000)
    assert rig.ask(90_000) == 60_000


@given(st.lists(st.integers(0, 200_000), max_size=60))
def test_it_is_given_up_as_late_as_ever(rtts):
    rig = Rig()
    for rtt in rtts:
        timeout_ms = rig.ask(rtt)
        assert LEAST_MARGIN_MS <= timeout_ms <= LONGEST_MS
        span = timeout_ms * (2 ** (rig.transmission.max_retransmit + 1) - 1)
        assert SPAN_MS <= span <= max(2.5 * SPAN_MS, 3 * LONGEST_MS)
