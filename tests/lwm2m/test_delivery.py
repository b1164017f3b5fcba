"""The fan-out of reports alone, to accounts that do what the test says; on the wire: `tests/test_agent_reports`."""

import pytest

from atiny.coap.exchange import CANCELLED, DONE, FAILED, RESET, TIME_OUT
from atiny.errors import Rejected
from atiny.lwm2m.attributes import Rules
from atiny.lwm2m.connection import ASLEEP, OFFLINE, ONLINE, WAKING
from atiny.lwm2m.report import Delivery, Report, ReportQueue
from atiny.params import ReportStatus
from atiny.testing import FakeMutex

PATH = (19, 0, 0)
SUCCESS, TIMED_OUT, RST = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_GET_RST
FAIL, NOT_SENT = ReportStatus.SENT_FAIL, ReportStatus.NOT_SENT


class Account:
    """An account and the observation of ``PATH`` (or of ``path``) that it has, in one."""

    def __init__(self, path=PATH):
        self.observations = self.source = self
        self.backlog = []
        self.queue_mode = self  # it is that, too
        self.online, self.can_wake, self.offline = True, False, False  # the state of its queue mode
        self.rules = None
        self.observed = True
        self.path, self.accept = path, None
        self.last_ms = 0
        self.in_flight = False
        self.sent = []
        self.woken = 0
        self.renders = True

    def observing(self, path):
        return self if self.observed else None

    def render(self, path, entries, accept):
        if not self.renders:
            raise Rejected(0x86)

    def notify(self, observation, response, confirmable, report):
        self.sent.append(response.payload)
        self.in_flight, self.report = confirmable, report
        if not confirmable:
            self.end(DONE)

    @property
    def state(self):
        return ONLINE if self.online else ASLEEP if self.can_wake else OFFLINE if self.offline else WAKING

    def awake(self):
        if self.can_wake:
            self.woken += 1
            self.can_wake = False
        return self.online

    def end(self, outcome):
        self.in_flight = False
        self.delivery.ended(self, self.report, outcome)


class Bench:
    ms = 1000  # it is the clock too

    def __init__(self, *accounts, capacity=3):
        self.done = []
        self.queue = ReportQueue(FakeMutex(), capacity)
        self.accounts = accounts or (Account(), Account())
        self.delivery = Delivery(self.queue, self, list(self.accounts), lambda *end: self.done.append(end))
        for account in self.accounts:
            account.delivery = self.delivery
        if len(self.accounts) > 1:
            self.delivery.keep_backlogs()

    def report(self, name, confirmable=True):
        assert self.queue.put(Report(1, PATH, name, name, None, confirmable))
        self.delivery.send()

    @property
    def queued(self):
        """How many copies wait in backlogs."""
        backlogs = self.delivery.backlogs
        waiting = sum(len(account.backlog) for account in self.accounts)
        assert waiting == (0 if backlogs is None else backlogs.queued)
        return waiting

    @property
    def ends(self):
        return [(report.cookie, status) for report, status in self.done]


# the ends of the copies, in their order -> the status of the report, and after which copy it is told
ENDS = [
    ((DONE, DONE), SUCCESS, 0),
    ((DONE, TIME_OUT), SUCCESS, 0),
    ((TIME_OUT, DONE), SUCCESS, 1),
    ((RESET, DONE), SUCCESS, 1),
    ((TIME_OUT, RESET), RST, 1),
    ((RESET, TIME_OUT), TIMED_OUT, 1),
    ((FAILED, CANCELLED), FAIL, 1),
]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("outcomes", "status", "told"), ENDS)
def test_the_status_of_a_report(outcomes, status, told, order):
    bench = Bench()
    bench.report(b"a")
    for number in (0, 1):
        assert bench.ends == ([(b"a", status)] if number > told else [])
        bench.accounts[order[number]].end(outcomes[number])
    assert bench.ends == [(b"a", status)]


def test_one_that_waits_has_its_copies_in_order():
    fast, slow = Account(), Account()
    bench = Bench(fast, slow)
    for name in (b"a", b"b", b"c"):
        bench.report(name)
        fast.end(DONE)
    assert (fast.sent, slow.sent, len(bench.queue)) == ([b"a", b"b", b"c"], [b"a"], 0)
    assert bench.ends == [(b"a", SUCCESS), (b"b", SUCCESS), (b"c", SUCCESS)]
    for name in (b"b", b"c"):
        slow.end(DONE)
        bench.delivery.send()
        assert slow.sent[-1] == name
    assert (bench.queued, len(bench.done)) == (0, 3)


def test_a_backlog_is_as_long_as_the_queue_and_loses_the_oldest():
    fast, slow = Account(), Account()
    bench = Bench(fast, slow, capacity=2)
    for name in (b"a", b"b", b"c", b"d"):
        bench.report(name)
        fast.end(TIME_OUT)
    assert [report.cookie for report in slow.backlog] == [b"c", b"d"]
    assert bench.ends == [(b"b", NOT_SENT)], "the other copy had failed before"
    assert bench.queued == 2


def test_alone_nothing_leaves_the_queue_before_its_turn():
    only = Account()
    bench = Bench(only)
    for name in (b"a", b"b", b"c"):
        bench.report(name)
    assert (only.sent, len(bench.queue), bench.queued) == ([b"a"], 2, 0)
    assert bench.delivery.deadline() is None
    only.end(DONE)
    assert bench.delivery.deadline() == 0
    bench.delivery.send()
    assert only.sent == [b"a", b"b"]


def test_pmin_and_the_deadline():
    first, second = Account(), Account()
    first.rules, second.rules = Rules(5, None, {}), Rules(3, None, {})
    bench = Bench(first, second)
    bench.report(b"a")
    assert (bench.delivery.deadline(), bench.done) == (3000, [])
    bench.ms = 3000
    bench.delivery.send()
    assert (first.sent, second.sent, bench.delivery.deadline()) == ([], [b"a"], 5000)
    bench.ms = 5000
    bench.delivery.send()
    assert first.sent == [b"a"]


def test_a_sleeper_is_woken_and_has_it_once_it_is_awake():
    sleeper, listener = Account(), Account()
    sleeper.online, sleeper.can_wake = False, True
    bench = Bench(sleeper, listener)
    bench.report(b"a")
    assert (sleeper.woken, sleeper.sent, listener.sent) == (1, [], [b"a"])
    assert bench.delivery.deadline() is None, "it wakes already"
    sleeper.online = True
    bench.delivery.send()
    assert (sleeper.woken, sleeper.sent) == (1, [b"a"])


def test_what_is_cancelled_because_the_network_goes_goes_again():
    bench = Bench()
    one, other = bench.accounts
    bench.report(b"a")
    for account in bench.accounts:
        account.online, account.offline = False, True
        account.end(CANCELLED)
    assert (bench.done, bench.queued) == ([], 2)
    one.observed = False
    bench.delivery.unsubscribed(one, PATH, False)
    assert (bench.done, bench.queued, one.backlog) == ([], 1, [])
    other.online, other.offline = True, False
    bench.delivery.send()
    other.end(DONE)
    assert bench.ends == [(b"a", SUCCESS)]


def test_cancel_takes_the_queue_only_where_nobody_else_observes():
    bench = Bench()
    one, other = bench.accounts
    for name in (b"a", b"b"):
        bench.report(name)
    one.observed = False
    bench.delivery.unsubscribed(one, PATH, True)
    assert len(bench.queue) == 1
    other.observed = False
    bench.delivery.unsubscribed(other, PATH, False)
    assert len(bench.queue) == 1, "who is lost may ask again"
    bench.delivery.unsubscribed(other, PATH, True)
    assert (len(bench.queue), bench.ends) == (0, [(b"b", FAIL)])


def test_a_format_that_cannot_carry_it_fails_one_copy():
    strange, plain = Account((19, 0)), Account()
    strange.renders = False
    bench = Bench(strange, plain)
    bench.report(b"a")
    assert (strange.sent, bench.done) == ([], [])
    plain.end(DONE)
    assert bench.ends == [(b"a", SUCCESS)]


def test_without_confirmation_it_ends_as_it_is_sent():
    bench = Bench()
    bench.report(b"a", confirmable=False)
    assert bench.ends == [(b"a", SUCCESS)]
    assert [account.sent for account in bench.accounts] == [[b"a"], [b"a"]]


def test_stop():
    fast, slow = Account(), Account()
    bench = Bench(fast, slow)
    for name in (b"a", b"b"):
        bench.report(name)
        fast.end(TIME_OUT)
    bench.report(b"c")
    bench.report(b"d")
    bench.delivery.stop()
    assert bench.ends == [(b"d", NOT_SENT), (b"b", NOT_SENT)]
    fast.end(CANCELLED)
    slow.end(CANCELLED)
    assert sorted(bench.ends) == [(name, NOT_SENT) for name in (b"a", b"b", b"c", b"d")]
    assert (bench.queued, bench.delivery.deadline()) == (0, None)
