"""Observe, Notify and Cancel on the wire (aiocoap's codec), in virtual time. When to notify: see `test_notify`."""

import pytest
from aiocoap import CON, NON

from atiny.lwm2m.observe import CONFIRMABLE_EVERY_MS
from atiny.params import ATINY_DATA_SUBSCRIBE, ATINY_DATA_UNSUBSCRIBE, ATINY_HANDLER_ERROR, ReportStatus
from tests.lwm2m.rig import TLV, dotted
from tests.lwm2m.thermometer import (
    HOUR,
    PATH,
    TOKEN,
    VALUE,
    S,
    Thermometer,
    attributes,
    observable,
    set_value,
    values,
)


@pytest.fixture
def thermometer():
    return Thermometer()


@pytest.fixture
def rig(thermometer):
    return observable(thermometer)


def test_the_first_response_and_what_follows(rig, thermometer):
    first = rig.ask("GET", PATH, token=TOKEN, observe=0)
    assert (dotted(first), first.payload, first.opt.content_format) == ("2.05", b"20.0", 0)
    assert rig.events[1:] == [(ATINY_DATA_SUBSCRIBE, "/" + PATH)]
    seen = [first]
    for value in (21.0, 22.0, 22.0):
        set_value(rig, thermometer, value)
        seen.append(rig.only())
        assert (seen[-1].mtype, dotted(seen[-1]), seen[-1].token) == (NON, "2.05", TOKEN)
        assert (seen[-1].payload, seen[-1].opt.content_format) == (b"%.1f" % value, 0)
    sequence = [message.opt.observe for message in seen]
    assert sequence == sorted(set(sequence)), "it grows with each"
    assert len({message.mid for message in seen}) == 4
    rig.advance(100 * 24 * HOUR)
    assert not rig.sent, "nothing changed"


def test_the_sequence_number_has_24_bits(rig, thermometer):
    rig.agent.accounts[0].observations._sequence = 0xFFFFFD
    sequence = [rig.observe(PATH, TOKEN).opt.observe]
    for value in (1.0, 2.0):
        set_value(rig, thermometer, value)
        sequence.append(rig.only().opt.observe)
    assert sequence == [0xFFFFFE, 0xFFFFFF, 0]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("3303/0/5700", "c8 16 44 08"),
        ("3303/0", "e8 1644 08 4035000000000000 e3 1645 43656c"),
        ("3303", "08 00 12 e8 1644 08 4035000000000000 e3 1645 43656c"),
    ],
)
def test_objects_and_instances_are_observed_too(rig, thermometer, path, payload):
    rig.observe(path, TOKEN, accept=TLV)
    set_value(rig, thermometer, 21.0)
    message = rig.only()
    assert message.opt.content_format == TLV
    if path.count("/") < 2:
        assert message.payload == bytes.fromhex(payload)
    rig.change((3303, 0, 5701))
    assert len(rig.take()) == (path.count("/") < 2), "another resource's change concerns only what it is in"
    rig.change((3, 0, 9))
    assert not rig.take()


def test_observers_of_several_paths_each_obey_their_own_attributes(rig, thermometer):
    attributes(rig, "3303/0", "pmin=5")
    attributes(rig, PATH, "pmin=1", "st=2")
    for path, token in (("3303", b"object"), ("3303/0", b"instance"), (PATH, b"resource"), ("3/0", b"device")):
        rig.observe(path, token)
    seen = []
    for value in (21.0, 22.0, 23.0, 24.0):
        set_value(rig, thermometer, value)
        rig.advance(S)
        seen.append([message.token for message in rig.take()])
    rig.advance(HOUR)
    seen.append([message.token for message in rig.take()])
    assert seen == [[b"object"], [b"object", b"resource"], [b"object"], [b"object", b"resource"], [b"instance"]]


# -- the end


@pytest.mark.parametrize(
    ("token", "path"), [(TOKEN, PATH), (b"other", PATH), (TOKEN, "3/0/0")], ids=["its own", "by path", "by token"]
)
def test_cancel(rig, thermometer, token, path):
    rig.observe(PATH, TOKEN)
    response = rig.ask("GET", path, token=token, observe=1)
    assert (dotted(response), response.opt.observe) == ("2.05", None)
    assert rig.events[1:] == [(ATINY_DATA_SUBSCRIBE, "/" + PATH), (ATINY_DATA_UNSUBSCRIBE, "/" + PATH)]
    set_value(rig, thermometer, 21.0)
    assert not rig.sent
    rig.ask("GET", path, token=token, observe=1)
    assert len(rig.events) == 3, "cancelled once"


def test_cancel_ends_the_retransmissions_of_a_notification(thermometer):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    assert rig.only().mtype is CON
    rig.ask("GET", PATH, token=TOKEN, observe=1)
    rig.advance(HOUR)
    assert not rig.sent
    assert rig.agent.registered


@pytest.mark.parametrize("confirmable", [False, True])
def test_a_reset_cancels(thermometer, confirmable):
    rig = observable(thermometer, confirmable_notifications=confirmable)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    notification = rig.only()
    assert notification.mtype is (CON if confirmable else NON)
    rig.reset(notification)
    assert rig.events[-1] == (ATINY_DATA_UNSUBSCRIBE, "/" + PATH)
    set_value(rig, thermometer, 22.0)
    rig.advance(HOUR)
    assert not rig.sent
    assert rig.agent.registered


def test_a_repeated_observe_takes_the_token(rig, thermometer):
    rig.observe(PATH, b"old")
    events = len(rig.events)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    assert values(rig) == [21.0], "told once, under the new token"
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 22.0)
    assert values(rig) == [22.0]
    assert len(rig.events) == events, "for the host nothing changed"
    rig.reset(rig.observe(PATH, TOKEN))  # not of a notification
    set_value(rig, thermometer, 23.0)
    assert values(rig) == [23.0]


@pytest.mark.parametrize("answer", ["ack", "reset"])
def test_a_repeated_observe_while_a_notification_is_on_its_way(thermometer, answer):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, b"old")
    set_value(rig, thermometer, 21.0)
    old = rig.only()
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 22.0)
    assert not rig.sent, "one at a time, whatever its token"
    if answer == "ack":
        rig.ack(old)
    else:
        rig.reset(old)  # the server has forgotten that token, not this one
    assert values(rig) == [22.0]
    assert len(rig.events) == 2


def test_a_token_used_again_for_another_path(rig, thermometer):
    rig.observe("3/0/0", TOKEN)
    rig.observe(PATH, TOKEN)
    assert rig.events[1:] == [
        (ATINY_DATA_SUBSCRIBE, "/3/0/0"),
        (ATINY_DATA_UNSUBSCRIBE, "/3/0/0"),
        (ATINY_DATA_SUBSCRIBE, "/" + PATH),
    ]
    rig.change((3, 0, 0))
    assert not rig.sent
    set_value(rig, thermometer, 21.0)
    assert values(rig) == [21.0]


@pytest.mark.parametrize("path", ["3303/0/1", "3303/9", "9", "0/0", "3303/0/5701/0", "3303/0/5800"])
def test_a_failed_observe_leaves_no_observer(rig, thermometer, path):
    rig.observe(PATH, TOKEN)
    response = rig.ask("GET", path, token=TOKEN, observe=0)
    assert response.code >= 128
    assert response.opt.observe is None
    assert rig.events[-1] == (ATINY_DATA_UNSUBSCRIBE, "/" + PATH), "nor the one that had the token (RFC 7641, 4.1)"
    set_value(rig, thermometer, 21.0)
    assert not rig.sent
    rig.observe(PATH, b"new")
    set_value(rig, thermometer, 22.0)
    assert rig.only().token == b"new"


@pytest.mark.parametrize("value", [2, 3, 0xFFFFFF])
def test_another_value_of_observe_is_a_read(rig, thermometer, value):
    response = rig.ask("GET", PATH, observe=value)
    assert (dotted(response), response.opt.observe) == ("2.05", None)
    set_value(rig, thermometer, 21.0)
    assert not rig.sent


@pytest.mark.parametrize("path", ["3303/0/5700", "3303/0", "3303"])
def test_what_is_observed_goes_away(rig, thermometer, path):
    rig.observe(path, TOKEN)
    rig.agent.remove(tuple(int(id) for id in path.split("/"))[:2], rig.now)
    rig.pump()
    rig.advance(0)
    assert rig.events[-1] == (ATINY_DATA_UNSUBSCRIBE, "/" + path)
    update = rig.only()
    assert update.opt.uri_path == ("rd", "7"), "the Update says that the instance is gone, and so does what follows"
    rig.answer(update, "2.04")
    notification = rig.only()
    assert (dotted(notification), notification.token, notification.opt.observe) == ("4.04", TOKEN, None)
    assert notification.mtype is CON, "the last one: nothing makes good its loss"
    rig.ack(notification)
    assert rig.notified == [("/" + path, 123, ReportStatus.SENT_SUCCESS)]
    rig.change(VALUE)
    rig.advance(HOUR)
    assert not rig.sent


def test_a_sensor_that_fails_once_does_not_end_the_observation(rig, thermometer):
    attributes(rig, PATH, "pmax=60")
    rig.observe(PATH, TOKEN)
    thermometer.error = OSError(5)
    rig.change(VALUE)
    rig.advance(120 * S)
    assert not rig.sent
    told = [arg for event, arg in rig.events if event == ATINY_HANDLER_ERROR]
    assert told == [("/" + PATH, thermometer.error)] * 3, "the host is, each time"
    thermometer.error = None
    set_value(rig, thermometer, 21.0)
    assert values(rig) == [21.0]


# -- confirmable ones


def test_while_one_is_unacknowledged_the_next_waits_and_has_the_latest_value(thermometer):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    first = rig.only()
    assert (first.mtype, first.payload) == (CON, b"21.0")
    for value in (22.0, 23.0, 24.0):
        set_value(rig, thermometer, value)
        rig.advance(100)
    assert not rig.sent
    rig.ack(first)
    second = rig.only()
    assert (second.mtype, second.payload, second.token) == (CON, b"24.0", TOKEN)
    rig.ack(second)
    rig.advance(HOUR)
    assert not rig.sent


def test_one_that_is_never_acknowledged_shows_that_the_server_is_lost(thermometer):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    while rig.agent.registered:
        rig.advance(S)
    *sent, register = rig.take()
    assert len(sent) == 5
    assert {(message.mid, message.token, message.payload) for message in sent} == {(sent[0].mid, TOKEN, b"21.0")}
    assert register.opt.uri_path == ("rd",)
    assert (ATINY_DATA_UNSUBSCRIBE, "/" + PATH) in rig.events
    rig.answer(register, "2.01", ("rd", "8"))
    set_value(rig, thermometer, 22.0)
    assert not rig.sent, "a new registration begins without observations"


def test_at_least_one_a_day_is_confirmable(rig, thermometer):
    rig.observe(PATH, TOKEN)
    confirmable = []
    for hour in range(1, 97):
        rig.advance(HOUR)
        set_value(rig, thermometer, float(hour))
        notification = rig.only()
        if notification.mtype is CON:
            confirmable.append(hour)
            rig.ack(notification)
    assert CONFIRMABLE_EVERY_MS == 24 * HOUR
    assert confirmable == [24, 48, 72, 96]


# -- application data is no state


def test_reports_are_not_merged_and_a_change_is_none(rig):
    first = rig.observe("19/0/0", TOKEN)
    assert (first.payload, first.opt.content_format) == (b"", 42)
    rig.change((19, 0, 0))
    rig.ask("PUT", "19/0/0", payload=b"x", content_format=42)
    attributes(rig, "19/0/0", "pmax=5")
    rig.advance(HOUR)
    assert not rig.sent
    for number in range(3):
        rig.report(number, confirmable=False)
    assert [message.payload for message in rig.take()] == [b"0", b"1", b"2"]


def test_reports_keep_pmin(rig):
    attributes(rig, "19/0/0", "pmin=10")
    rig.observe("19/0/0", TOKEN)
    for number in range(3):
        rig.report(number, confirmable=False)
    times = []
    for _ in range(40):
        times += [(rig.now, message.payload) for message in rig.take()]
        rig.advance(S)
    start = times[0][0] - 10 * S
    assert times == [(start + 10 * S, b"0"), (start + 20 * S, b"1"), (start + 30 * S, b"2")]


@pytest.mark.parametrize(("path", "payload"), [("19/0", "c1 00 30"), ("19", "03 00 c1 00 30")])
def test_reports_go_up_on_what_holds_them_too(rig, path, payload):
    rig.observe(path, TOKEN)
    rig.report(0, confirmable=False)
    message = rig.only()
    assert (message.opt.content_format, message.payload) == (TLV, bytes.fromhex(payload))
    rig.observe("19/0/0", b"exact")
    rig.report(1, confirmable=False)
    assert (rig.sent[0].token, rig.sent[0].payload) == (b"exact", b"1"), "the nearest observer has them"
