"""The Agent through its verbs, in virtual time; the server's datagrams are made by aiocoap's codec (see `Rig`)."""

import pytest
from aiocoap import CON, NON

from atiny import commands as word
from atiny.params import (
    ATINY_DATA_SUBSCRIBE,
    ATINY_DATA_UNSUBSCRIBE,
    ATINY_HANDLER_ERROR,
    ATINY_REG_FAIL,
    ATINY_REG_OK,
    ReportStatus,
)
from atiny.testing import FakeCommandHandler
from tests.lwm2m.rig import OPAQUE, Rig, build, dotted
from tests.lwm2m.widget import Widget

S = 1000
REPORTS = "19/0/0"
TOKEN = b"obs"
SUCCESS, TIME_OUT, RST = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_GET_RST
FAIL, NOT_SENT = ReportStatus.SENT_FAIL, ReportStatus.NOT_SENT


def observed(**options):
    rig = Rig(lifetime_s=10**9, **options)
    rig.observe(REPORTS, TOKEN)
    return rig


def payloads(messages):
    return [message.payload.decode() for message in messages if message.token == TOKEN]


# -- the story


def test_from_register_to_deregister():
    handler = FakeCommandHandler({word.ATINY_WRITE_APP_DATA: 0, word.ATINY_GET_BATTERY_LEVEL: 80})
    rig = Rig(handler=handler)
    rig.observe(REPORTS, TOKEN)

    confirmed = rig.report("on")
    assert (confirmed.status, confirmed.done) == (ReportStatus.SENT_WAIT_RESPONSE, False)
    message = rig.only()
    assert (message.mtype, dotted(message), message.token) == (CON, "2.05", TOKEN)
    assert (message.opt.content_format, message.payload) == (OPAQUE, b"on")
    rig.ack(message)
    assert (confirmed.status, confirmed.done) == (SUCCESS, True)

    rig.report("off", confirmable=False)
    assert (rig.only().mtype, rig.done) == (NON, [("on", SUCCESS), ("off", SUCCESS)])

    assert dotted(rig.ask("PUT", "19/1/0", payload=b"dim", content_format=OPAQUE)) == "2.04"
    assert (word.ATINY_WRITE_APP_DATA, b"dim") in handler.commands
    assert rig.ask("GET", "3/0/9").payload == b"80"

    rig.ask("GET", REPORTS, token=TOKEN, observe=1)
    rig.stop()
    rig.answer(rig.only(), "2.02")
    assert rig.ended == 1
    assert rig.events == [
        (ATINY_REG_OK, 123),
        (ATINY_DATA_SUBSCRIBE, "/19/0/0"),
        (ATINY_DATA_UNSUBSCRIBE, "/19/0/0"),
    ]
    assert rig.links == ["open", "close"]


def test_events_come_in_the_order_of_what_happened():
    rig = Rig(Widget())
    rig.observe("31024/0/1", b"1")
    rig.observe(REPORTS, TOKEN)
    rig.ask("POST", "31024/0/10", payload=b"raise")
    rig.reset(rig_notification(rig))
    rig.fail_receiving(refused=True)
    rig.register_again()
    rig.reconnect()
    kinds = [event for event, _ in rig.events]
    assert kinds == [
        ATINY_REG_OK,
        ATINY_DATA_SUBSCRIBE,
        ATINY_DATA_SUBSCRIBE,
        ATINY_HANDLER_ERROR,
        ATINY_DATA_UNSUBSCRIBE,
        ATINY_DATA_UNSUBSCRIBE,
        ATINY_REG_FAIL,
        ATINY_REG_OK,
        ATINY_REG_FAIL,
    ]
    assert [arg for event, arg in rig.events if event == ATINY_DATA_UNSUBSCRIBE] == ["/31024/0/1", "/19/0/0"]


def rig_notification(rig):
    rig.take()
    rig.change((31024, 0, 1))
    return rig.only()


# -- the link


@pytest.mark.parametrize("registered", [False, True])
def test_ten_errors_in_a_row_make_the_link_anew(registered):
    rig = Rig(register=registered)
    rig.take()
    rig.fail_receiving(9)
    rig.deliver(b"any datagram")
    rig.fail_receiving(9)
    assert rig.links == ["open"], "one good datagram, and the count begins anew"
    rig.agent.send_failed(0, 0, rig.now, "EPERM")
    rig.pump()
    assert rig.links == ["open", "close"]
    assert rig.events[-1] == (ATINY_REG_FAIL, "10 errors in a row: EPERM")
    rig.fail_receiving(20)
    assert rig.events.count(rig.events[-1]) == 1, "what comes after it is of the old link"
    rig.register_again()
    rig.observe(REPORTS, TOKEN)
    assert rig.agent.registered
    rig.fail_receiving(9)
    assert rig.agent.registered, "the new link has a count of its own"


@pytest.mark.parametrize("registered", [False, True])
def test_a_closed_port_is_a_fact_at_once(registered):
    rig = Rig(register=registered)
    rig.take()
    rig.fail_receiving(3, refused=True)
    assert rig.links == ["open", "close"]
    assert [event for event, _ in rig.events].count(ATINY_REG_FAIL) == 1
    rig.register_again()
    rig.observe(REPORTS, TOKEN)


def test_a_link_that_cannot_be_opened():
    rig = Rig(register=False)
    rig.take()
    rig.opening = "unknown host"
    rig.reconnect()
    assert rig.events == [(ATINY_REG_FAIL, "unknown host")]
    rig.advance(3600 * S)
    assert set(rig.events) == {(ATINY_REG_FAIL, "unknown host")}
    assert 20 < len(rig.events) < 45, "again and again, but not in a loop"
    rig.opening = "ok"
    rig.register_again()
    rig.observe(REPORTS, TOKEN)


def test_a_slow_modem():
    """The time-out of a message runs from the moment that it has really left."""
    rig = Rig(register=False)
    rig.take()
    rig.agent.reconnect(None, rig.now)
    event = rig.agent.next_event()
    assert event is not None
    rig.agent.link_opened(0, rig.now)
    ((_, id, _),) = rig.agent.datagrams_to_send(rig.now)
    assert id
    rig.now += 60 * S
    assert rig.agent.deadline() is None
    rig.agent.handle_timer(rig.now)
    assert rig.agent.datagrams_to_send(rig.now) == []
    rig.agent.sent(0, id, rig.now)
    due = rig.agent.deadline()
    assert due is not None
    assert 2 * S <= due - rig.now <= 3 * S


def test_what_the_server_waits_for_goes_out_before_the_end():
    handler = FakeCommandHandler()
    rig = Rig(handler=handler)

    def write(data):
        rig.agent.stop(rig.now)  # as the loop does when a handler of the host calls stop()

    handler.answers[word.ATINY_WRITE_APP_DATA] = write
    rig.agent.receive(0, build(3, "19/1/0", payload=b"x", mid=9, token=b"w").encode(), rig.now)
    rig.pump()
    rig.advance(0)
    assert sorted(dotted(message) for message in rig.take()) == ["0.04", "2.04"]


# -- two of them


def test_two_agents_share_nothing():
    def life(rig, between):
        trace = []
        steps = (
            lambda: rig.observe(REPORTS, TOKEN),
            lambda: rig.ask("PUT", REPORTS, query=["pmin=1"]),
            lambda: rig.report("a", confirmable=False),
            lambda: rig.advance(5 * S),
            lambda: rig.ask("PUT", "1/0/1", payload=b"100"),
            lambda: rig.ask("POST", "31024", payload=bytes.fromhex("c1 00 78"), content_format=11542),
            lambda: rig.change((31024, 0, 1)),
            lambda: rig.advance(50 * S),
            lambda: rig.reconnect(),
            lambda: rig.stop(),
        )
        for step in steps:
            step()
            between()
            trace += [(m.mtype, m.mid, m.code, m.token, m.payload, m.opt.uri_path) for m in rig.take()]
        return trace, rig.events, rig.done, rig.links

    alone = life(Rig(Widget()), lambda: None)
    other = Rig(Widget(), seed=2)
    other.observe("31024/0/1", b"other")
    other_events = len(other.events)

    def disturb():
        other.change((31024, 0, 1))
        other.ask("PUT", "1/0/2", payload=b"0")
        other.advance(10)

    beside = life(Rig(Widget()), disturb)
    assert beside == alone
    assert len(other.events) == other_events
    assert other.server.lifetime_s == 86400
    assert other.agent.model.objects[31024].ids == [0]
    assert {message.token for message in other.take()} == {b"other"}
