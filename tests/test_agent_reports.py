"""What becomes of reports: each ends once, in the status that is true, whatever happens meanwhile."""

import pytest
from aiocoap import CON, NON

from atiny.errors import QueueFull
from atiny.lwm2m.report import Report
from atiny.params import ATINY_DATA_UNSUBSCRIBE, ATINY_REG_FAIL, ReportStatus
from tests.lwm2m.rig import Rig

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


# -- the final status of a report


def acknowledged(rig, message):
    rig.ack(message)


def never_acknowledged(rig, message):
    rig.advance(94 * S)


def reset(rig, message):
    rig.reset(message)


def unsubscribed(rig, message):
    rig.ask("GET", REPORTS, token=TOKEN, observe=1)


def unsubscribed_by_path(rig, message):
    rig.ask("GET", REPORTS, token=b"new", observe=1)


def refused(rig, message):
    rig.fail_receiving(refused=True)


def ten_errors(rig, message):
    rig.fail_receiving(10)


def stopped(rig, message):
    rig.stop()


# what happens while one report is on its way and two wait -> its status, and that of those that wait (None: they go on)
ENDS = [
    (acknowledged, SUCCESS, None),
    (never_acknowledged, TIME_OUT, None),
    (reset, RST, None),
    (unsubscribed, FAIL, FAIL),
    (unsubscribed_by_path, FAIL, FAIL),
    (lambda rig, message: rig.reconnect(), FAIL, None),
    (refused, FAIL, None),
    (ten_errors, FAIL, None),
    (stopped, NOT_SENT, NOT_SENT),
]


@pytest.mark.parametrize(("happens", "first", "others"), ENDS)
def test_every_final_status(happens, first, others):
    rig = observed()
    reports = [rig.report(cookie) for cookie in "abc"]
    assert payloads(rig.sent) == ["a"], "one at a time"
    assert [report.status for report in reports] == [ReportStatus.SENT_WAIT_RESPONSE] + [ReportStatus.SEND_PENDING] * 2
    happens(rig, rig.only())
    assert ("a", first) in rig.done
    if others is None:
        assert len(rig.done) == 1
        if happens is not acknowledged:
            # They outlive whatever it was, and go up to whoever asks for them next.
            if happens is reset:
                rig.observe(REPORTS, TOKEN)
            else:
                rig.register_again()
                rig.observe(REPORTS, TOKEN)
        for cookie in "bc":
            sent = [message for message in rig.take() if message.token == TOKEN]
            assert payloads(sent) == [cookie]
            rig.ack(sent[0])
        others = SUCCESS
    assert sorted(rig.done) == [("a", first), ("b", others), ("c", others)]
    assert all(report.done for report in reports)
    if happens is not stopped:
        rig.stop()
    rig.advance(1000 * S)
    assert len(rig.done) == 3, "each ends once"


@pytest.mark.parametrize("later", ["reset", "cancel", "stop", "lost"])
def test_a_report_without_confirmation_ends_as_it_is_sent(later):
    rig = observed()
    report = rig.report("a", confirmable=False)
    message = rig.only()
    assert message.mtype is NON
    assert (report.status, rig.done) == (SUCCESS, [("a", SUCCESS)])
    if later == "reset":
        rig.reset(message)
        assert rig.events[-1] == (ATINY_DATA_UNSUBSCRIBE, "/19/0/0"), "it still says that nobody wants them"
    elif later == "cancel":
        unsubscribed(rig, message)
    elif later == "stop":
        rig.stop()
    else:
        rig.fail_receiving(refused=True)
    assert rig.done == [("a", SUCCESS)]


def test_a_report_that_cannot_be_sent_where_the_port_is_closed():
    rig = observed()
    rig.sending = "refused"
    rig.report("a")
    assert rig.done == [("a", FAIL)]
    assert rig.events[-1][0] == ATINY_REG_FAIL
    rig.sending = None
    rig.register_again()
    rig.observe(REPORTS, TOKEN)
    rig.report("b")
    rig.ack(rig.only())
    assert rig.done[1:] == [("b", SUCCESS)]


def test_a_send_that_fails_counts_as_a_datagram_lost_on_its_way():
    rig = observed()
    rig.sending = "error"
    rig.report("a")
    assert not rig.done
    rig.sending = None
    rig.advance(3 * S)
    rig.ack(rig.only())
    assert rig.done == [("a", SUCCESS)]


def test_a_report_on_its_way_when_the_server_observes_anew():
    rig = observed()
    rig.report("a")
    message = rig.only()
    rig.observe(REPORTS, b"new")
    rig.report("b")
    rig.ack(message)
    later = rig.only()
    assert (later.token, later.payload) == (b"new", b"b")
    rig.ack(later)
    assert rig.done == [("a", SUCCESS), ("b", SUCCESS)]


def test_at_least_one_report_a_day_is_confirmable_and_its_status_is_the_true_one():
    rig = observed()
    rig.advance(86400 * S)
    rig.report("a", confirmable=False)
    message = rig.only()
    assert (message.mtype, rig.done) == (CON, [])
    rig.ack(message)
    rig.report("b", confirmable=False)
    assert rig.only().mtype is NON
    assert rig.done == [("a", SUCCESS), ("b", SUCCESS)]


# -- the queue


@pytest.mark.parametrize("capacity", [1, 3, 8])
@pytest.mark.parametrize("registered", [False, True])
def test_reports_made_before_the_cloud_observes_are_kept_up_to_the_capacity(capacity, registered):
    rig = Rig(capacity=capacity, register=registered)
    for cookie in range(capacity):
        rig.report(cookie, confirmable=cookie % 2 == 0)
    with pytest.raises(QueueFull):
        rig.report("one too many")
    rig.advance(600 * S)
    assert not rig.done
    if not registered:
        rig.take()
        rig.register_again()
    assert not payloads(rig.sent)
    rig.observe(REPORTS, TOKEN)
    seen = []
    while rig.sent:
        sent = rig.take()
        seen += payloads(sent)
        for message in sent:
            if message.mtype is CON and message.token == TOKEN:
                rig.ack(message)
    assert seen == [str(cookie) for cookie in range(capacity)]
    assert rig.done == [(cookie, SUCCESS) for cookie in range(capacity)]


def test_reports_made_after_an_unsubscription_wait_for_the_next_observer():
    rig = observed()
    rig.report("a")
    unsubscribed(rig, rig.only())
    rig.report("b")
    rig.report("c")
    assert rig.done == [("a", FAIL)]
    rig.observe("3/0/0", b"other")
    rig.ask("GET", "3/0/0", token=b"other", observe=1)
    assert rig.done == [("a", FAIL)], "another observation's end does not concern them"
    rig.observe(REPORTS, TOKEN)
    assert payloads(rig.take()) == ["b"]


def test_a_report_after_the_stop_is_not_accepted():
    rig = observed()
    rig.stop()
    assert rig.agent.reports.put(Report(1, (19, 0, 0), b"x", 0, None, True)) is False
    assert not rig.done


def test_the_loop_knows_when_reports_are_due():
    rig = observed()
    rig.ask("PUT", REPORTS, query=["pmin=10"])
    rig.report("a", confirmable=False)
    rig.report("b", confirmable=False)
    assert rig.agent.deadline() == rig.now + 10 * S
    rig.advance(10 * S)
    assert payloads(rig.take()) == ["a"]
    assert rig.agent.deadline() == rig.now + 10 * S
