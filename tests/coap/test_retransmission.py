"""What is sent: retransmission, and the confirmation of sends."""

import random

import pytest

from atiny.coap.exchange import DONE, FAILED, TIME_OUT, Transmission

from .peer import (
    ACK,
    CON,
    CONTENT,
    MAX_TRANSMIT_WAIT_MS,
    Device,
    empty,
    fixed,
    pack,
)

SDK = {"ack_timeout_ms": 4000, "ack_random_permille": 1000}

# Parameters, what the random bytes are, when it is sent, when it ends (section 4.2 and 4.8).
RETRANSMISSION = [
    ({}, 0x00, [0, 2000, 6000, 14000, 30000], 62000),
    ({}, 0xFF, [0, 3000, 9000, 21000, 45000], 93000),
    (SDK, 0x00, [0, 4000, 12000, 28000, 60000], 124000),
    (SDK, 0xFF, [0, 4000, 12000, 28000, 60000], 124000),
    ({**SDK, "max_retransmit": 0}, 0x00, [0], 4000),
    ({**SDK, "max_retransmit": 1}, 0x00, [0, 4000], 12000),
    ({"ack_timeout_ms": 1}, 0x00, [0, 1, 3, 7, 15], 31),
]


@pytest.mark.parametrize("what", ["request", "notification"])
@pytest.mark.parametrize(("parameters", "byte", "times", "end"), RETRANSMISSION)
def test_retransmission_then_time_out(parameters, byte, times, end, what):
    device = Device(transmission=Transmission(**parameters), rng=fixed(byte))
    if what == "request":
        device.ask()
    else:
        device.notify(None, b"tok")
    sent = device.wait_raw(end - 1)
    assert [time for time, _ in sent] == times
    assert len({datagram for _, datagram in sent}) == 1  # the very same each time
    assert device.ends == []
    assert device.exchange.deadline() == end
    assert device.wait(1) == []
    assert device.ends == [(None, TIME_OUT, None)]
    assert device.exchange.deadline() is None
    assert device.exchange.idle


@pytest.mark.parametrize("seed", range(20))
def test_the_first_time_out_is_between_ack_timeout_and_its_random_factor(seed):
    rng = random.Random(seed)
    device = Device(rng=rng.randbytes)
    first = []
    for _ in range(20):
        device.ask()
        device.take()
        first.append((device.exchange.deadline() or 0) - device.now)
        device.wait(MAX_TRANSMIT_WAIT_MS)
    assert all(2000 <= ms <= 3000 for ms in first)
    assert len(set(first)) > 10
    assert [end[1] for end in device.ends] == 20 * [TIME_OUT]


def test_an_ack_ends_the_retransmission():
    device = Device(rng=fixed(0))
    device.notify("n", b"tok")
    mid = device.one().mid
    assert [time for time, _ in device.wait(6500)] == [2000, 6000]
    assert device.hear(empty(ACK, mid)) == []
    assert device.ends == [("n", DONE, None)]
    assert device.wait(200_000) == []
    assert device.hear(empty(ACK, mid)) == []  # the answer to a retransmission
    assert device.ends == [("n", DONE, None)]


def test_a_late_timer_retransmits_once():
    device = Device(rng=fixed(0))
    device.ask()
    device.take()
    device.now = 50_000
    device.exchange.handle_timer(device.now)
    assert len(device.take()) == 1
    device.exchange.handle_timer(device.now)
    assert device.take() == []
    assert device.exchange.deadline() == 54_000


# -- the confirmation of sends: on a modem it may take seconds


def test_the_time_out_runs_from_the_confirmation_of_the_send():
    device = Device(rng=fixed(0), confirm=False)
    device.ask()
    device.take()
    assert device.exchange.deadline() is None  # it has not left: there is nothing to wait for yet
    assert device.wait(100_000) == []
    device.confirm_sent()
    assert device.exchange.deadline() == 102_000
    assert [time for time, _ in device.wait(2000)] == [102_000]
    assert device.exchange.deadline() is None
    device.now += 5000
    device.confirm_sent()
    assert device.exchange.deadline() == device.now + 4000


@pytest.mark.parametrize("before", [True, False])
def test_an_answer_before_the_confirmation_of_the_send(before):
    device = Device(rng=fixed(0), confirm=False)
    device.ask("request")
    device.notify("notification", b"tok")
    request = device.one()
    if before:
        device.endpoint.receive(pack(ACK, CONTENT, request.mid, request.token, payload=b"answer"), device.now)
        device.confirm_sent()
    else:
        device.confirm_sent()
        device.endpoint.receive(pack(ACK, CONTENT, request.mid, request.token, payload=b"answer"), device.now)
    notification = device.one()
    device.endpoint.receive(empty(ACK, notification.mid), device.now)
    device.confirm_sent()
    assert [(name, outcome) for name, outcome, _ in device.ends] == [("request", DONE), ("notification", DONE)]
    assert device.ends[0][2].payload == b"answer"
    assert device.exchange.deadline() is None
    assert device.wait(200_000) == []


def test_an_empty_ack_before_the_confirmation_of_the_send():
    device = Device(rng=fixed(0), confirm=False)
    device.ask()
    request = device.one()
    assert device.hear(empty(ACK, request.mid)) == []
    device.confirm_sent()
    assert device.exchange.deadline() == MAX_TRANSMIT_WAIT_MS
    assert [message.mtype for message in device.hear(pack(CON, CONTENT, 9, request.token))] == [ACK]
    assert [end[1] for end in device.ends] == [DONE]


def test_a_late_confirmation_of_an_earlier_copy_starts_no_timer():
    device = Device(rng=fixed(0), confirm=False)
    device.ask()
    device.take()
    first = device.unconfirmed.pop()
    device.exchange.sent(first, 0)
    device.wait(2000)  # the retransmission is handed out
    device.exchange.sent(first, 2500)
    assert device.exchange.deadline() is None
    device.exchange.sent(99999, 2500)  # an id of nobody
    assert device.exchange.deadline() is None


def test_a_second_confirmation_changes_nothing():
    device = Device(rng=fixed(0), confirm=False)
    device.ask()
    device.take()
    for now in (100, 500):
        device.exchange.sent(device.unconfirmed[0], now)
        assert device.exchange.deadline() == 2100


def test_a_send_that_failed_counts_as_lost():
    device = Device(rng=fixed(0), confirm=False)
    device.ask()
    for timeout in (2000, 4000, 8000, 16000, 32000):
        device.take()
        device.exchange.send_failed(device.unconfirmed.pop(), device.now)
        assert device.exchange.deadline() == device.now + timeout
        device.now += timeout
        device.exchange.handle_timer(device.now)
    assert device.take() == []
    assert device.ends == [(None, TIME_OUT, None)]


def test_a_refused_send_ends_it_and_the_next_one_goes():
    device = Device(rng=fixed(0), confirm=False)
    device.ask("first")
    device.ask("second")
    device.take()
    device.exchange.send_failed(device.unconfirmed.pop(), device.now, True)
    assert device.ends == [("first", FAILED, None)]
    assert len(device.take()) == 1
    device.exchange.send_failed(12345, device.now, True)  # of an ACK, say: no business of the second's
    assert device.ends == [("first", FAILED, None)]
