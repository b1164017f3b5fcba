"""The network goes and comes at any moment: what is on its way, the registration, reports, any order of events."""

import random

import pytest
from aiocoap import CON

from atiny.params import ATINY_REG_FAIL, ReportStatus
from tests.lwm2m.offline_rig import come_back, drop_notifications, go_offline, go_online, statuses, values
from tests.lwm2m.rig import Rig
from tests.lwm2m.thermometer import HOUR, PATH, TOKEN, VALUE, S, Thermometer, observable, set_value

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


# -- on its way when the network goes


@pytest.mark.parametrize("storing", [True, False])
def test_one_on_its_way_when_the_network_goes(thermometer, storing):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, TOKEN)
    if not storing:
        drop_notifications(rig)
    set_value(rig, thermometer, 21.0)
    lost = rig.only()
    go_offline(rig)
    set_value(rig, thermometer, 22.0)
    rig.advance(HOUR)
    assert not rig.sent, "no retransmission"
    come_back(rig)
    again = rig.sent[0]
    assert (again.token, again.mid == lost.mid) == (TOKEN, False)
    assert values(rig) == ([21.0, 22.0] if storing else [22.0])
    assert statuses(rig) == ([SUCCESS, SUCCESS] if storing else [FAIL, SUCCESS])


def test_the_network_goes_while_stored_ones_are_sent(rig, thermometer):
    go_offline(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
    come_back(rig)
    rig.ack(rig.only())
    assert float(rig.only().payload) == 22.0
    go_offline(rig)
    set_value(rig, thermometer, 24.0)
    come_back(rig)
    assert values(rig) == [22.0, 23.0, 24.0]
    assert statuses(rig) == [SUCCESS] * 4


def test_reports_wait_too(rig):
    rig.observe("19/0/0", b"reports")
    rig.report("a")
    assert rig.only().payload == b"a"
    go_offline(rig)
    rig.report("b")
    rig.advance(HOUR)
    assert (rig.sent, rig.done) == ([], [])
    come_back(rig)
    for cookie in "ab":
        message = rig.only()
        assert message.payload == cookie.encode()
        rig.ack(message)
    assert rig.done == [("a", SUCCESS), ("b", SUCCESS)]


# -- the registration


@pytest.mark.parametrize("hours", [23, 25])
def test_register_where_the_lifetime_has_passed(thermometer, hours):
    rig = Rig(thermometer, lifetime_s=86400)
    rig.observe(PATH, TOKEN)
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    rig.advance(hours * HOUR)
    assert not rig.sent, "no Update without a network"
    if hours < 24:
        come_back(rig)
        assert values(rig) == [21.0]
        return
    go_online(rig)
    rig.register("rd", "8")
    assert not rig.sent
    assert statuses(rig) == [FAIL], "a new registration begins without observations, and what was stored for them"
    assert (ATINY_REG_FAIL, "the lifetime has passed") in rig.events


@pytest.mark.parametrize("answer", ["4.04", "none"])
def test_a_server_that_forgot_the_device_meanwhile(rig, thermometer, answer):
    go_offline(rig)
    for value in (21.0, 22.0):
        set_value(rig, thermometer, value)
    go_online(rig)
    if answer == "none":
        rig.advance(94 * S)
        rig.answer(rig.take()[-1], "2.01", ("rd", "8"))
    else:
        rig.answer(rig.only(), answer)
        rig.register("rd", "8")
    rig.advance(HOUR)
    assert not rig.sent
    assert statuses(rig) == [FAIL, FAIL]


def test_one_that_is_never_acknowledged_ends_as_that_and_the_others_fail(rig, thermometer):
    go_offline(rig)
    for value in (21.0, 22.0, 23.0):
        set_value(rig, thermometer, value)
    come_back(rig)
    while rig.agent.registered:
        rig.advance(S)
    assert statuses(rig) == [TIME_OUT, FAIL, FAIL]
    assert len({message.mid for message in rig.take() if message.token == TOKEN}) <= 2


def test_before_the_first_registration(thermometer):
    rig = observable(thermometer, register=False)
    register = rig.only()
    go_offline(rig)
    assert rig.links == ["open", "close"]
    rig.answer(register, "2.01", ("rd", "7"))
    rig.advance(HOUR)
    assert (rig.sent, rig.events, rig.agent.deadline()) == ([], [], None)
    go_online(rig)
    rig.register("rd", "7")


def test_stop_without_a_network(rig, thermometer):
    rig.observe("19/0/0", b"reports")
    rig.report("a")
    rig.take()
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    rig.stop()
    assert (rig.ended, rig.sent) == (1, []), "nothing can be sent"
    assert (statuses(rig), rig.done) == ([NOT_SENT], [("a", NOT_SENT)])


def test_said_twice(rig, thermometer):
    go_offline(rig)
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    assert rig.links == ["open", "sleep"]
    come_back(rig)
    assert values(rig) == [21.0]
    go_online(rig)
    assert not rig.sent


def test_errors_of_the_link_meanwhile(rig, thermometer):
    go_offline(rig)
    set_value(rig, thermometer, 21.0)
    rig.fail_receiving(refused=True)
    assert statuses(rig) == [FAIL]
    rig.advance(HOUR)
    assert not rig.sent
    go_online(rig)
    rig.register("rd", "8")


def test_an_unreadable_value_is_not_stored(rig, thermometer):
    go_offline(rig)
    thermometer.error = OSError(5)
    rig.change(VALUE)
    thermometer.error = None
    set_value(rig, thermometer, 21.0)
    come_back(rig)
    assert values(rig) == [21.0]


# -- any order of events


@pytest.mark.parametrize("seed", range(25))
def test_any_schedule(seed, thermometer):
    """Stored means: every value arrives, in order, or its end says that it did not."""
    chance = random.Random(seed)
    bound = chance.choice((2, 5, 32))
    rig = observable(
        thermometer, stored_notifications=bound, confirmable_notifications=chance.random() < 0.5, seed=seed
    )
    rig.observe(PATH, TOKEN)
    online = True
    arrived = []

    def serve(loss=0.2):
        for message in rig.take():
            if message.code == 69:
                if message.mid not in [mid for mid, _ in arrived]:
                    arrived.append((message.mid, float(message.payload)))
                if message.mtype is CON and chance.random() >= loss:
                    rig.ack(message)
            elif message.opt.uri_path == ("rd", "7") and chance.random() >= loss:
                rig.answer(message, "2.04")

    for number in range(200):
        what = chance.random()
        if what < 0.4:
            set_value(rig, thermometer, 100.0 + number)
        elif what < 0.6:
            rig.advance(chance.choice((1, 500, 3000)))
        elif what < 0.9:
            serve()
        else:
            online = not online
            (go_online if online else go_offline)(rig)
        stored = rig.agent.accounts[0].observations.unsent
        assert stored is None or len(stored.entries) <= bound
        assert rig.agent.registered, "not so many are lost in a row"
    if not online:
        go_online(rig)
    for _ in range(400):
        serve(loss=0)
        rig.advance(S)
    told = statuses(rig)
    assert set(told) <= {SUCCESS, NOT_SENT}
    values = [value for _, value in arrived]
    # One whose acknowledgement was lost with the network may have made room for others after it.
    assert told.count(SUCCESS) <= len(set(values)) <= len(told)
    first = [value for index, value in enumerate(values) if value not in values[:index]]
    assert first == sorted(set(values)), "in order"
    assert values[-1] == thermometer.value, "the last one is the latest"
