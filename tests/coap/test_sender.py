"""What is sent: NSTART and the order, ends from our side, and that each message ends once."""

import random

from atiny.coap.exchange import CANCELLED, DONE, FAILED, TIME_OUT
from atiny.coap.message import Message

from .peer import (
    ACK,
    CHANGED,
    CON,
    CONTENT,
    MAX_TRANSMIT_WAIT_MS,
    NON,
    RST,
    Device,
    empty,
    fixed,
    pack,
)

# -- NSTART 1 and order


def test_one_is_outstanding_and_the_others_go_in_order():
    device = Device(rng=fixed(0))
    for number in range(5):
        if number % 2:
            device.notify(number, b"tok%d" % number)
        else:
            device.ask(number)
    seen = []
    for number in range(5):
        message = device.one()
        seen.append(message.mid)
        again = [other.mid for _, other in device.wait(3000)]
        assert again == [message.mid]  # a retransmission does not let the next one go
        answer = pack(ACK, CONTENT, message.mid, message.token)
        device.endpoint.receive(empty(ACK, message.mid) if number % 2 else answer, device.now)
        assert [end[0] for end in device.ends] == list(range(number + 1))
    assert device.take() == []
    assert device.exchange.idle
    assert len(set(seen)) == 5


def test_a_request_that_is_acknowledged_keeps_nobody_waiting():
    device = Device(rng=fixed(0))
    device.ask("request")
    device.notify("notification", b"tok")
    request = device.one()
    notification = device.reply(empty(ACK, request.mid))  # RFC 7252 section 4.7: it is outstanding no longer
    assert notification.code == CONTENT
    assert not device.exchange.idle
    device.hear(empty(ACK, notification.mid))
    assert device.ends == [("notification", DONE, None)]
    assert not device.exchange.idle
    device.hear(pack(NON, CHANGED, 77, request.token))
    assert [end[:2] for end in device.ends] == [("notification", DONE), ("request", DONE)]
    assert device.exchange.idle


def test_the_wait_for_a_separate_response_ends():
    device = Device(rng=fixed(0))
    device.ask("first")
    device.hear(empty(ACK, device.one().mid))
    device.now = 10_000
    device.ask("second")
    device.hear(empty(ACK, device.one().mid))
    device.notify("notification", b"tok")
    notification = device.one()
    assert device.exchange.deadline() == 12_000  # the earlier of both: its retransmission
    assert [time for time, _ in device.wait(60_000)] == [12_000, 16_000, 24_000, 40_000]
    assert device.exchange.deadline() == 72_000
    device.hear(empty(ACK, notification.mid))
    assert device.exchange.deadline() == MAX_TRANSMIT_WAIT_MS
    assert device.ends.pop() == ("notification", DONE, None)
    assert device.wait(MAX_TRANSMIT_WAIT_MS - 70_000) == []
    assert device.ends == [("first", TIME_OUT, None)]
    assert device.exchange.deadline() == 10_000 + MAX_TRANSMIT_WAIT_MS
    assert device.wait(10_000) == []
    assert device.ends == [("first", TIME_OUT, None), ("second", TIME_OUT, None)]
    assert device.exchange.idle


def test_a_late_timer_ends_all_that_is_due():
    device = Device(rng=fixed(0))
    for name in range(3):
        device.ask(name)
        device.hear(empty(ACK, device.one().mid))
    device.exchange.handle_timer(MAX_TRANSMIT_WAIT_MS)
    assert device.ends == [(name, TIME_OUT, None) for name in range(3)]


def test_the_next_one_starts_before_the_owner_hears_of_the_end():
    device = Device(rng=fixed(0))
    order = []
    device.exchange.notify(message_for(b"a"), True, lambda outcome, _: device.notify("third", b"c"))
    device.exchange.notify(message_for(b"b"), True, lambda outcome, _: order.append("second"))
    for _ in range(3):
        message = device.one()
        order.append(bytes(message.token))
        device.endpoint.receive(empty(ACK, message.mid), device.now)
    assert order == [b"a", b"b", "second", b"c"]
    assert device.ends == [("third", DONE, None)]


def message_for(token):
    return Message(CONTENT, [(6, b"\1")], b"x", token=token)


# -- ends from our side


def test_cancel():
    device = Device(rng=fixed(0))
    device.notify("one", b"tok")
    notification = device.one()
    device.exchange.cancel(b"tok")
    assert device.ends == [("one", CANCELLED, None)]
    assert device.wait(200_000) == []
    assert device.hear(empty(ACK, notification.mid)) == []
    assert device.hear(empty(RST, notification.mid)) == []
    assert device.ends == [("one", CANCELLED, None)]
    assert device.exchange.idle


def test_cancel_leaves_requests_of_ours_under_a_token_that_happens_to_be_the_same():
    device = Device(rng=fixed(0))
    device.ask("accepted")
    accepted = device.one()
    device.hear(empty(ACK, accepted.mid))
    device.ask("active")
    active = device.one()
    for token in (accepted.token, active.token):
        device.notify(token, token)
        device.exchange.cancel(token)
    assert device.ends == [(accepted.token, CANCELLED, None), (active.token, CANCELLED, None)]
    device.hear(pack(ACK, CONTENT, active.mid, active.token))
    device.hear(pack(NON, CONTENT, 5, accepted.token))
    assert [end[:2] for end in device.ends[2:]] == [("active", DONE), ("accepted", DONE)]


def test_cancel_ends_all_of_a_token_in_order_and_nothing_else():
    device = Device(rng=fixed(0))
    for number in range(4):
        device.notify(number, b"ab"[number % 2 : number % 2 + 1])
    device.take()
    device.exchange.cancel(b"a")
    assert [end[:2] for end in device.ends] == [(0, CANCELLED), (2, CANCELLED)]
    for _ in range(2):
        message = device.one()
        assert message.token == b"b"
        device.endpoint.receive(empty(ACK, message.mid), device.now)
    assert [end[:2] for end in device.ends[2:]] == [(1, DONE), (3, DONE)]
    device.exchange.cancel(b"nobody's")
    assert len(device.ends) == 4


def test_reset_ends_everything_and_sends_nothing_more():
    device = Device(rng=fixed(0))
    device.ask("accepted")
    device.hear(empty(ACK, device.one().mid))
    for name in ("active", "waiting"):
        device.ask(name)
    device.exchange.reset()
    assert [end[:2] for end in device.ends] == [(name, CANCELLED) for name in ("accepted", "active", "waiting")]
    assert device.wait(300_000) == []
    device.ask("outcome")
    device.exchange.reset(FAILED)
    assert device.ends[-1] == ("outcome", FAILED, None)


def test_what_an_owner_starts_in_a_reset_is_sent():
    device = Device(rng=fixed(0))
    device.exchange.notify(message_for(b"a"), True, lambda outcome, _: device.ask("again"))
    device.exchange.notify(message_for(b"b"), True, device.ends_as("b"))
    device.take()
    device.exchange.reset()
    assert device.ends == [("b", CANCELLED, None)]
    again = device.one()
    device.hear(pack(ACK, CONTENT, again.mid, again.token))
    assert [end[:2] for end in device.ends] == [("b", CANCELLED), ("again", DONE)]


def test_an_owner_that_ends_the_others_when_it_ends():
    for how in ("cancel", "reset"):
        device = Device(rng=fixed(0))
        ended = []

        def on_done(name, device=device, ended=ended):
            def done(outcome, message):
                ended.append(name)
                device.exchange.cancel(b"a")
                device.exchange.reset()

            return done

        device.exchange.request(message_for(b""), on_done("request"))
        device.hear(empty(ACK, device.one().mid))
        for name in range(3):
            device.exchange.notify(message_for(b"a"), True, on_done(name))
        if how == "cancel":
            device.exchange.cancel(b"a")
        else:
            device.exchange.reset()
        assert sorted(map(str, ended)) == ["0", "1", "2", "request"]
        assert device.exchange.idle


def test_tokens_and_message_ids_after_a_reset_never_fit_old_answers():
    device = Device(rng=fixed(0xFF))  # both counters start at their end: they wrap
    olds = []
    for _ in range(50):
        device.ask("old")
        olds.append(device.one())
        device.exchange.reset()
    device.ends.clear()
    device.ask("new")
    new = device.one()
    assert len({(old.mid, old.token) for old in [*olds, new]}) == 51
    for old in olds:
        assert device.hear(pack(ACK, CONTENT, old.mid, old.token)) == []
        assert device.hear(pack(NON, CONTENT, old.mid, old.token)) == []
        assert device.hear(empty(ACK, old.mid)) == []
        assert device.hear(empty(RST, old.mid)) == []
        assert device.reply(pack(CON, CONTENT, old.mid, old.token)).mtype == RST
        # An old answer with the new message id, or the other way round, does not fit either.
        assert device.hear(pack(ACK, CONTENT, new.mid, old.token)) == []
        assert device.hear(pack(ACK, CONTENT, old.mid, new.token)) == []
    assert device.ends == []
    device.hear(pack(ACK, CONTENT, new.mid, new.token, payload=b"mine"))
    assert [(name, outcome, response.payload) for name, outcome, response in device.ends] == [("new", DONE, b"mine")]


def test_two_devices_begin_elsewhere():
    seen = set()
    for seed in range(10):
        device = Device(rng=random.Random(seed).randbytes)
        device.ask()
        message = device.one()
        seen.add((message.mid, message.token))
        assert len(message.token) == 4
    assert len({mid for mid, _ in seen}) == 10
    assert len({token for _, token in seen}) == 10
