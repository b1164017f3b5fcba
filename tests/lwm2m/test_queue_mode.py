"""Queue mode: when the link sleeps, what wakes it, and that the Update goes first. On the wire, in virtual time."""

import pytest
from aiocoap import CON, NON

from atiny.agent import WAKE_LINK
from atiny.lwm2m.deferred import Deferred
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import NONE
from atiny.params import ReportStatus
from tests.lwm2m.rig import Rig, build, dotted
from tests.lwm2m.thermometer import PATH, TOKEN, S, Thermometer, set_value

AWAKE = 93 * S
HOUR = 3600 * S
SUCCESS = ReportStatus.SENT_SUCCESS


@pytest.fixture
def thermometer():
    return Thermometer()


@pytest.fixture
def rig(thermometer):
    return Rig(thermometer, binding="UQ")


def asleep(rig):
    return rig.links[-1] == "sleep"


def fall_asleep(rig):
    rig.advance(AWAKE)
    assert asleep(rig)
    assert not rig.sent


def update_goes_first(rig):
    """The link is awake, and nothing but the Update is sent until it is answered."""
    assert rig.links[-1] == "wake"
    update = rig.only()
    assert (update.mtype, update.code, update.opt.uri_path) == (CON, 2, ("rd", "7"))
    rig.advance(S)
    assert not rig.sent
    rig.answer(update, "2.04")
    return update


def test_it_sleeps_until_the_registration_has_to_be_renewed(rig):
    registered = rig.now
    assert rig.agent.sleep_until(rig.now) == rig.now
    rig.advance(AWAKE - 1)
    assert not asleep(rig)
    assert rig.agent.sleep_until(rig.now) == rig.now
    rig.advance(1)
    assert asleep(rig)
    due = registered + 86400 * S - 93 * S
    assert rig.agent.sleep_until(rig.now) == rig.agent.deadline() == due
    rig.advance(due - rig.now - 1)
    assert (rig.links, rig.sent) == (["open", "sleep"], [])
    rig.advance(1)
    update_goes_first(rig)
    assert rig.agent.sleep_until(rig.now) == rig.now
    rig.advance(AWAKE)
    assert rig.links == ["open", "sleep", "wake", "sleep"], "with the session and the registration as they were"


def test_a_device_without_a_q_never_sleeps(thermometer):
    rig = Rig(thermometer, binding="U")
    rig.advance(10 * HOUR)
    assert rig.links == ["open"]
    assert rig.agent.sleep_until(rig.now) == rig.now


@pytest.mark.parametrize("awake_ms", [1, 20 * S, 400 * S])
def test_the_awake_time_is_a_setting(awake_ms):
    rig = Rig(binding="UQ", awake_ms=awake_ms)
    rig.advance(awake_ms - 1)
    assert rig.links == ["open"]
    rig.advance(1)
    assert rig.links == ["open", "sleep"]


@pytest.mark.parametrize("what", ["request", "non request", "ping", "report"])
def test_each_message_begins_the_awake_time_anew(rig, what):
    rig.observe("19/0/0", TOKEN)
    rig.advance(50 * S)
    if what == "request":
        rig.ask("GET", "3/0/0")
    elif what == "non request":
        rig.ask("GET", "3/0/0", mtype=NON)
    elif what == "ping":
        rig.deliver(build(0, mtype=CON, mid=7))
    else:
        rig.report("x", confirmable=False)
    rig.advance(AWAKE - 1)
    assert not asleep(rig)
    rig.advance(1)
    assert asleep(rig)


def test_it_does_not_sleep_over_an_open_exchange(rig):
    rig.observe("19/0/0", TOKEN)
    rig.report("x")
    for _ in range(4):
        rig.advance(15 * S)
        assert not asleep(rig)
    rig.ack(rig.take()[-1])
    rig.advance(AWAKE - 1)
    assert not asleep(rig)
    rig.advance(1)
    assert asleep(rig)


def test_what_still_arrives_is_ignored(rig):
    fall_asleep(rig)
    rig.deliver(build(1, "3/0/0", mid=1, token=b"t"))
    rig.deliver(build(2, "1/0/8", mid=2, token=b"t"))
    rig.deliver(b"\x00")
    rig.advance(HOUR)
    assert not rig.sent
    assert asleep(rig)


def test_nothing_that_changes_is_nothing_to_wake_for(rig, thermometer):
    rig.observe(PATH, TOKEN)
    rig.ask("PUT", PATH, query=["gt=50"])
    fall_asleep(rig)
    rig.change((3, 0, 9))
    rig.advance(HOUR)
    assert asleep(rig), "nobody observes it"


def test_a_notification_wakes_it(rig, thermometer):
    rig.observe(PATH, TOKEN)
    fall_asleep(rig)
    set_value(rig, thermometer, 21.0)
    update_goes_first(rig)
    notification = rig.only()
    assert (notification.token, notification.payload) == (TOKEN, b"21.0")
    rig.ack(notification)
    assert rig.notified == [("/" + PATH, 123, SUCCESS)]
    fall_asleep(rig)


def test_it_wakes_when_pmin_and_pmax_are_over(rig, thermometer):
    rig.observe(PATH, TOKEN)
    rig.ask("PUT", PATH, query=["pmin=600", "pmax=3600"])
    began = rig.now
    fall_asleep(rig)
    set_value(rig, thermometer, 21.0)
    assert rig.agent.sleep_until(rig.now) == began + 600 * S
    rig.advance(began + 600 * S - 1 - rig.now)
    assert asleep(rig)
    rig.advance(1)
    update_goes_first(rig)
    notification = rig.only()
    rig.ack(notification)
    sent = rig.now
    fall_asleep(rig)
    due = rig.agent.sleep_until(rig.now)
    assert due is not None
    assert sent + 3590 * S < due <= sent + 3600 * S
    rig.advance(due - rig.now)
    update_goes_first(rig)
    assert rig.only().payload == b"21.0", "unchanged, but pmax is over"


def test_what_changes_while_it_wakes_follows_in_order(rig, thermometer):
    rig.observe(PATH, TOKEN)
    fall_asleep(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
    update = rig.only()
    rig.answer(update, "2.04")
    seen = []
    while rig.sent:
        notification = rig.only()
        seen.append((notification.mtype, notification.payload))
        rig.ack(notification)
    assert seen == [(CON, b"21.0"), (CON, b"22.0"), (CON, b"23.0")]
    assert rig.notified == [("/" + PATH, 123, SUCCESS)] * 3


def test_a_report_wakes_it(rig):
    rig.observe("19/0/0", TOKEN)
    fall_asleep(rig)
    rig.report("a")
    rig.advance(0)
    rig.report("b")
    update_goes_first(rig)
    for cookie in "ab":
        message = rig.only()
        assert message.payload == cookie.encode()
        rig.ack(message)
    assert rig.done == [("a", SUCCESS), ("b", SUCCESS)]
    fall_asleep(rig)


def test_a_report_that_nobody_observes_wakes_nobody(rig):
    fall_asleep(rig)
    rig.report("a")
    rig.advance(HOUR)
    assert asleep(rig)
    assert rig.agent.sleep_until(rig.now) == rig.agent.deadline()


def test_a_report_waits_for_pmin_asleep(rig):
    rig.observe("19/0/0", TOKEN)
    rig.ask("PUT", "19/0/0", query=["pmin=600"])
    began = rig.now
    fall_asleep(rig)
    rig.report("a")
    assert asleep(rig)
    assert rig.agent.sleep_until(rig.now) == rig.agent.deadline() == began + 600 * S
    rig.advance(began + 600 * S - rig.now)
    update_goes_first(rig)
    assert rig.only().payload == b"a"


@pytest.mark.parametrize("what", ["lifetime", "objects", "reconnect"])
def test_the_host_wakes_it(rig, what):
    fall_asleep(rig)
    if what == "reconnect":
        rig.reconnect()
        assert rig.links[-1] == "open"
        rig.register("rd", "8")
    else:
        if what == "lifetime":
            rig.server.lifetime_s = 600
            rig.server.listener.server_changed(False)
        else:
            rig.agent.remove((3303, 0), rig.now)
        rig.pump()
        rig.advance(0)
        update = update_goes_first(rig)
        assert (update.opt.uri_query, bool(update.payload)) == (
            (("lt=600",), False) if what == "lifetime" else ((), True)
        )
    fall_asleep(rig)


def test_an_update_that_is_not_answered_begins_a_new_registration(rig, thermometer):
    rig.observe(PATH, TOKEN)
    fall_asleep(rig)
    set_value(rig, thermometer, 21.0)
    while rig.agent.registered:
        rig.advance(S)
    assert rig.links[-2:] == ["wake", "open"]
    assert rig.notified == [("/" + PATH, 123, ReportStatus.SENT_FAIL)], "Register drops what was stored"
    rig.take()
    rig.advance(10 * S)
    rig.answer(rig.take()[-1], "2.01", ("rd", "7"))
    fall_asleep(rig)


def test_a_server_that_forgot_the_sleeper(rig, thermometer):
    rig.observe(PATH, TOKEN)
    fall_asleep(rig)
    set_value(rig, thermometer, 21.0)
    rig.answer(rig.only(), "4.04")
    rig.register("rd", "7")
    assert not rig.sent
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 22.0)
    assert rig.only().payload == b"22.0"
    fall_asleep(rig)


def test_the_server_switches_queue_mode(rig):
    assert dotted(rig.ask("PUT", "1/0/7", payload=b"U")) == "2.04"
    update = rig.only()
    assert update.opt.uri_query == ("b=U",)
    rig.answer(update, "2.04")
    rig.advance(10 * HOUR)
    assert rig.links == ["open"]
    assert dotted(rig.ask("PUT", "1/0/7", payload=b"UQ")) == "2.04"
    rig.answer(rig.only(), "2.04")
    fall_asleep(rig)


class Oven(Object):
    object_id = 31025
    resources = (Resource(0, "bake", NONE, "E"),)

    def __init__(self):
        self.baking = Deferred()

    def execute_bake(self, arguments):
        return self.baking


@pytest.mark.parametrize("answered", [True, False])
def test_an_execute_that_the_host_answers_later_keeps_it_awake_for_as_long_as_the_server_waits(answered):
    oven = Oven()
    rig = Rig(oven, binding="UQ")
    rig.deliver(build(2, "31025/0/0", mid=9, token=b"t"))
    assert dotted(rig.only()) == "0.00"
    rig.advance(200 * S)
    assert not asleep(rig)
    if answered:
        oven.baking.done()
        rig.pump()
        response = rig.only()
        assert dotted(response) == "2.04"
        rig.ack(response)
        fall_asleep(rig)
        return
    rig.advance(47 * S + AWAKE - 1)
    assert not asleep(rig)
    rig.advance(1)
    assert asleep(rig)
    oven.baking.done()
    rig.advance(S)
    assert not rig.sent, "nobody waits for it any more"


def test_stop_wakes_it(rig):
    fall_asleep(rig)
    rig.stop()
    assert rig.links[-1] == "wake"
    delete = rig.only()
    assert delete.code == 4
    rig.answer(delete, "2.02")
    assert rig.ended == 1


def test_the_link_is_awake_before_anything_is_sent(rig, thermometer):
    rig.observe(PATH, TOKEN)
    fall_asleep(rig)
    thermometer.value = 21.0
    agent = rig.agent
    agent.changed((3303, 0, 5700), rig.now)
    agent.handle_timer(rig.now)
    assert agent.datagrams_to_send(rig.now) == [], "the loop has not yet switched the receiver on"
    assert agent.next_event() == (WAKE_LINK, 0, None)
    assert len(agent.datagrams_to_send(rig.now)) == 1
