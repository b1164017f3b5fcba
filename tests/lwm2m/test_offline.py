"""Notifications while the server cannot be told: stored or dropped (/1/x/6), bounded, in order, each with its end."""

import pytest

from atiny.params import ATINY_DATA_UNSUBSCRIBE, ReportStatus
from tests.lwm2m.offline_rig import come_back, drop_notifications, go_offline, go_online, statuses, values
from tests.lwm2m.rig import dotted
from tests.lwm2m.thermometer import HOUR, PATH, TOKEN, S, Thermometer, attributes, observable, set_value

SUCCESS, TIME_OUT, RST = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_GET_RST
FAIL, NOT_SENT = ReportStatus.SENT_FAIL, ReportStatus.NOT_SENT


@pytest.fixture
def thermometer():
    return Thermometer()


@pytest.fixture
def rig(thermometer):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    return rig


# -- stored


def test_stored_in_order_and_sent_after_the_update(rig, thermometer):
    go_offline(rig)
    assert rig.links == ["open", "sleep"]
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
        rig.advance(60 * S)
    assert not rig.sent
    assert not rig.notified
    come_back(rig)
    assert rig.links == ["open", "sleep", "wake"]
    assert values(rig) == [21.0, 22.0, 23.0]
    assert statuses(rig) == [SUCCESS] * 3
    rig.advance(10 * HOUR)
    assert not rig.sent, "each once"
    set_value(rig, thermometer, 24.0)
    assert float(rig.only().payload) == 24.0


def test_of_several_observations_in_the_order_of_their_events(rig, thermometer):
    rig.observe("3303/0/5701", b"units", accept=0)
    go_offline(rig)
    for step in range(3):
        set_value(rig, thermometer, 21.0 + step)
        rig.advance(S)
        thermometer.units = "K%d" % step
        rig.change((3303, 0, 5701))
        rig.advance(S)
    come_back(rig)
    seen = []
    while rig.sent:
        seen.append(rig.only())
        rig.ack(seen[-1])
    assert [message.payload for message in seen] == [b"21.0", b"K0", b"22.0", b"K1", b"23.0", b"K2"]


def test_what_changes_until_all_have_gone_comes_after_them(rig, thermometer):
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    set_value(rig, thermometer, 22.0)
    go_online(rig)
    set_value(rig, thermometer, 23.0)
    rig.answer(rig.only(), "2.04")
    first = rig.only()
    set_value(rig, thermometer, 24.0)
    assert not rig.sent
    rig.ack(first)
    assert values(rig, fresh=1) == [22.0, 23.0, 24.0]
    assert statuses(rig) == [SUCCESS] * 4


@pytest.mark.parametrize("bound", [1, 3, 32])
def test_bounded_and_the_oldest_goes(thermometer, bound):
    rig = observable(thermometer, stored_notifications=bound)
    rig.observe(PATH, TOKEN)
    go_offline(rig)
    for number in range(bound + 5):
        set_value(rig, thermometer, float(number))
        assert statuses(rig) == [NOT_SENT] * max(0, number + 1 - bound), "it is told at once"
    come_back(rig)
    assert values(rig) == [float(number) for number in range(5, bound + 5)]
    assert statuses(rig) == [NOT_SENT] * 5 + [SUCCESS] * bound


def test_attributes_hold_while_offline(rig, thermometer):
    attributes(rig, PATH, "pmin=10", "pmax=60", "st=2")
    go_offline(rig)
    for step in range(12):
        set_value(rig, thermometer, 20.0 + step / 2)
        rig.advance(5 * S)
    rig.advance(60 * S)
    come_back(rig)
    assert values(rig) == [22.0, 24.0, 25.5], "steps of 2, and at pmax what it then was"


def test_switched_off_with_nothing_to_tell(rig):
    go_offline(rig)
    rig.advance(HOUR)
    come_back(rig)
    assert not rig.sent
    assert not rig.notified


@pytest.mark.parametrize("how", ["cancel", "reset", "replaced"])
def test_an_observation_that_ends_takes_what_is_stored_for_it(rig, thermometer, how):
    rig.observe("3/0/0", b"other")
    go_offline(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
    rig.change((3, 0, 0))
    come_back(rig)
    first = rig.only()
    if how == "cancel":
        rig.ask("GET", PATH, token=TOKEN, observe=1)
    elif how == "reset":
        rig.reset(first)
    else:
        rig.observe("3303", TOKEN)
        rig.ack(first)
    other = rig.only()
    assert (other.token, other.payload) == (b"other", b"maker")
    rig.ack(other)
    assert (ATINY_DATA_UNSUBSCRIBE, "/" + PATH) in rig.events
    assert rig.notified[-1] == ("/3/0/0", 123, SUCCESS)
    ends = [status for path, _, status in rig.notified if path == "/" + PATH]
    assert sorted(ends) == sorted([{"cancel": FAIL, "reset": RST, "replaced": SUCCESS}[how], FAIL, FAIL])


def test_an_observe_that_is_repeated_meanwhile_ends_with_the_latest_value(rig, thermometer):
    go_offline(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
    come_back(rig)
    first = rig.only()
    assert rig.observe(PATH, b"new").payload == b"23.0"
    rig.ack(first)
    assert values(rig, b"new", fresh=1) == [22.0, 23.0, 23.0], "an older value is not the last that the server hears"


def test_what_is_observed_is_gone_on_return(rig, thermometer):
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    rig.agent.remove((3303, 0), rig.now)
    rig.pump()
    rig.advance(HOUR)
    come_back(rig)
    seen = []
    while rig.sent:
        for message in rig.take():
            seen.append(dotted(message))
            rig.ack(message)
    assert seen == ["2.05", "4.04"]
    assert rig.events[-1] == (ATINY_DATA_UNSUBSCRIBE, "/" + PATH)


# -- dropped


def test_dropped_and_then_the_latest_value_once(rig, thermometer):
    drop_notifications(rig)
    go_offline(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
        rig.advance(60 * S)
    assert not rig.notified, "they never were"
    come_back(rig)
    assert [message.payload for message in rig.take()] == [b"23.0"]
    assert statuses(rig) == [SUCCESS]
    rig.advance(10 * HOUR)
    assert not rig.sent


def test_a_pmax_that_passed_while_they_are_dropped_is_made_good_once(rig):
    attributes(rig, PATH, "pmax=60")
    drop_notifications(rig)
    go_offline(rig)
    rig.advance(HOUR)
    come_back(rig)
    assert [message.payload for message in rig.take()] == [b"20.0"]
    rig.advance(60 * S)
    assert len(rig.take()) == 1


def test_dropped_and_nothing_changed(rig):
    drop_notifications(rig)
    go_offline(rig)
    rig.advance(HOUR)
    come_back(rig)
    assert not rig.sent
