"""What becomes of each notification, told once; and how fast non-confirmable ones may follow each other."""

import pytest
from aiocoap import CON, NON

from atiny.lwm2m.observe import NON_BURST, NON_EVERY_MS
from atiny.params import ReportStatus
from tests.lwm2m.rig import Rig
from tests.lwm2m.thermometer import HOUR, PATH, TOKEN, S, Thermometer, observable, set_value

SUCCESS, TIME_OUT, RST = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_GET_RST
FAIL, NOT_SENT = ReportStatus.SENT_FAIL, ReportStatus.NOT_SENT


@pytest.fixture
def thermometer():
    return Thermometer()


def acknowledged(rig, message):
    rig.ack(message)


def never_acknowledged(rig, message):
    rig.advance(94 * S)


def reset(rig, message):
    rig.reset(message)


def cancelled(rig, message):
    rig.ask("GET", PATH, token=TOKEN, observe=1)


def refused(rig, message):
    rig.fail_receiving(refused=True)


def reconnected(rig, message):
    rig.reconnect()


def disabled(rig, message):
    rig.ask("POST", "1/0/4")


def stopped(rig, message):
    rig.stop()


ENDS = [
    (acknowledged, SUCCESS),
    (never_acknowledged, TIME_OUT),
    (reset, RST),
    (cancelled, FAIL),
    (refused, FAIL),
    (reconnected, FAIL),
    (disabled, FAIL),
    (stopped, NOT_SENT),
]


@pytest.mark.parametrize(("happens", "status"), ENDS)
def test_the_end_of_a_confirmable_notification(thermometer, happens, status):
    rig = observable(thermometer, confirmable_notifications=True)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    message = rig.only()
    assert not rig.notified
    happens(rig, message)
    assert rig.notified == [("/" + PATH, 123, status)]
    rig.advance(HOUR)
    rig.stop()
    assert len(rig.notified) == 1, "told once"


@pytest.mark.parametrize("happens", [reset, cancelled, refused, stopped])
def test_one_that_is_not_confirmable_ends_as_it_is_sent(thermometer, happens):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    message = rig.only()
    assert (message.mtype, rig.notified) == (NON, [("/" + PATH, 123, SUCCESS)])
    happens(rig, message)
    rig.advance(HOUR)
    assert len(rig.notified) == 1


def test_reports_have_their_own_status_and_no_other(thermometer):
    rig = observable(thermometer)
    rig.observe("19/0/0", TOKEN)
    rig.report("a")
    rig.ack(rig.only())
    rig.report("b", confirmable=False)
    assert rig.done == [("a", SUCCESS), ("b", SUCCESS)]
    assert not rig.notified


def test_the_first_response_is_no_notification(thermometer):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    assert not rig.notified


# -- how fast (RFC 7641, 4.5.1)


def run(rig, thermometer, count, every_ms, acknowledge=True):
    """Change the value ``count`` times; the types and values of what was sent."""
    seen = []
    for number in range(count):
        set_value(rig, thermometer, float(number))
        for message in rig.take():
            seen.append((message.mtype, float(message.payload)))
            if message.mtype is CON and acknowledge:
                rig.ack(message)
        rig.advance(every_ms)
    return seen


@pytest.mark.parametrize("every_ms", [10, 100, 1000, 2999])
def test_on_average_one_in_three_seconds_and_the_others_are_acknowledged(thermometer, every_ms):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    count = 200
    seen = run(rig, thermometer, count, every_ms)
    assert [value for _, value in seen] == [float(number) for number in range(count)], "none is late"
    plain = sum(mtype is NON for mtype, _ in seen)
    allowed = min(count, NON_BURST + (count - 1) * every_ms // NON_EVERY_MS)
    assert allowed - 1 <= plain <= allowed
    assert {mtype for mtype, _ in seen[:NON_BURST]} == {NON}, "a burst may come at once"


def test_one_in_three_seconds_is_never_too_many(thermometer):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    assert {mtype for mtype, _ in run(rig, thermometer, 500, NON_EVERY_MS)} == {NON}


def test_a_burst_may_come_again_after_a_quiet_time(thermometer):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    for _ in range(3):
        types = [mtype for mtype, _ in run(rig, thermometer, NON_BURST + 1, 1)]
        assert types == [NON] * NON_BURST + [CON]
        rig.advance(NON_BURST * NON_EVERY_MS)


def test_a_server_that_does_not_acknowledge_slows_it_down(thermometer):
    rig = observable(thermometer)
    rig.observe(PATH, TOKEN)
    seen = run(rig, thermometer, 60, 1000, acknowledge=False)
    after = seen[NON_BURST:]
    assert len(after) < 15, "the first CON is repeated, and nothing overtakes it"
    assert {value for mtype, value in after if mtype is CON} == {after[-1][1]}


def test_all_observations_of_a_server_share_it(thermometer):
    rig = Rig(thermometer, lifetime_s=10**9)
    for number, path in enumerate(("3303", "3303/0", PATH)):
        rig.observe(path, b"obs%d" % number)
    types = []
    for number in range(10):
        set_value(rig, thermometer, float(number))
        while rig.sent:
            message = rig.sent.pop(0)
            types.append(message.mtype)
            if message.mtype is CON:
                rig.ack(message)
    assert types.count(NON) == NON_BURST
    assert len(types) == 30
