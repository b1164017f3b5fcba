"""Reports in any order of events, by a seed: each ends once, in the status that is true, first in first out."""

import random

import pytest
from aiocoap import CON

from atiny.errors import QueueFull
from atiny.params import ReportStatus
from tests.lwm2m.rig import Rig, dotted

S = 1000
REPORTS = "19/0/0"
SUCCESS, TIME_OUT, RST = ReportStatus.SENT_SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_GET_RST
FAIL, NOT_SENT = ReportStatus.SENT_FAIL, ReportStatus.NOT_SENT


class Schedule:
    """A device, a server and a network of which anything may be expected, by a seed."""

    def __init__(self, seed, restless=False):
        """``restless``: the device sleeps in queue mode, and loses its network now and then."""
        self.chance = random.Random(seed)
        lifetime_s = self.chance.choice((60, 3600))
        self.rig = Rig(
            capacity=self.chance.choice((1, 3, 8)),
            seed=seed,
            lifetime_s=lifetime_s,
            binding="UQ" if restless else "U",
            awake_ms=20_000,
        )
        self.restless = restless
        self.offline = False
        self.up = True
        self.tokens = 0
        self.confirmable: "dict[str, bool]" = {}  # of the reports that were accepted, by payload
        self.acknowledged: "set[str]" = set()
        self.mids: "dict[str, set[int]]" = {}  # under which each payload came
        self.arrived: "list[str]" = []
        self.observe()

    @property
    def reachable(self):
        """Whether the server can ask something: the device is registered, and listens."""
        account = self.rig.agent.accounts[0]
        return self.rig.agent.registered and not account.asleep

    def switch(self):
        self.offline = not self.offline
        agent = self.rig.agent
        (agent.go_offline if self.offline else agent.go_online)(None, self.rig.now)
        self.rig.pump()

    def observe(self):
        self.tokens += 1
        if self.reachable:
            self.rig.observe(REPORTS, b"obs%d" % self.tokens)

    def cancel(self):
        if self.reachable:
            self.rig.ask("GET", REPORTS, token=b"obs%d" % self.tokens, observe=1)

    def slow_down(self, seconds=None):
        if self.reachable:
            seconds = self.chance.choice((0, 5, 60)) if seconds is None else seconds
            assert dotted(self.rig.ask("PUT", REPORTS, query=["pmin=%d" % seconds])) == "2.04"

    def report(self):
        payload = "%04d" % len(self.confirmable)
        confirmable = self.chance.random() < 0.7
        try:
            self.rig.report(payload, confirmable)
        except QueueFull:
            assert len(self.rig.agent.reports) == self.rig.agent.reports.capacity
            return
        self.confirmable[payload] = confirmable

    def serve(self, loss=0.2):
        """The server takes what has come, and answers most of it."""
        for message in self.rig.take():
            payload = message.payload.decode()
            if message.code == 69 and len(payload) == 4:
                if payload not in self.mids:
                    self.arrived.append(payload)
                self.mids.setdefault(payload, set()).add(message.mid)
            if not self.up or self.chance.random() < loss:
                continue
            if message.code == 2 and message.opt.uri_path == ("rd",):
                self.rig.answer(message, "2.01" if self.chance.random() > loss else "5.03", ("rd", "x"))
                self.observe()
            elif message.code == 2:
                self.rig.answer(message, "2.04" if self.chance.random() > loss / 2 else "4.04")
            elif message.code == 4:
                self.rig.answer(message, "2.02")
            elif message.code == 69 and self.chance.random() < loss / 2:
                self.rig.reset(message)
            elif message.mtype is CON and message.code == 69:
                self.acknowledged.add(payload)
                self.rig.ack(message)

    def step(self):
        rig = self.rig
        what = self.chance.random()
        if self.restless and self.chance.random() < 0.05:
            self.switch()
        if what < 0.3:
            self.report()
        elif what < 0.55:
            self.serve()
        elif what < 0.75:
            rig.advance(int(10 ** self.chance.uniform(0, 5)))
        elif what < 0.8:
            self.up = not self.up
        elif what < 0.84:
            self.observe()
        elif what < 0.87:
            self.cancel()
        elif what < 0.9:
            self.slow_down()
        elif what < 0.93:
            rig.reconnect()
        elif what < 0.96:
            rig.fail_receiving(self.chance.choice((1, 10)))
        elif what < 0.98:
            rig.fail_receiving(refused=True)
        else:
            rig.sending = self.chance.choice((None, None, "error", "refused"))
            rig.advance(1000)
            rig.sending = None

    def settle(self):
        """Everything is well again, for long enough."""
        self.up = True
        if self.offline:
            self.switch()
        for _ in range(400):
            self.serve(loss=0)
            self.rig.advance(S)
        assert self.rig.agent.registered
        if not self.reachable:
            self.rig.server.listener.server_changed(True)  # it wakes
            self.rig.advance(0)
            self.serve(loss=0)
        self.slow_down(0)
        self.observe()
        self.serve(loss=0)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("restless", [False, True])
def test_any_schedule(seed, settled, restless):
    schedule = Schedule(seed, restless)
    rig = schedule.rig
    for _ in range(120):
        schedule.step()
    if settled:
        schedule.settle()
        while rig.sent:
            schedule.serve(loss=0)
        assert len(rig.done) == len(schedule.confirmable), "nothing waits any more"
        assert not [cookie for cookie, status in rig.done if status == NOT_SENT]
    before_stop = list(rig.done)
    rig.stop()
    for _ in range(200):
        schedule.serve()
        rig.advance(S)
    assert rig.ended == 1
    assert rig.agent.deadline() is None

    assert sorted(cookie for cookie, _ in rig.done) == sorted(schedule.confirmable), "each one ended, and once"
    for cookie, status in rig.done:
        if status == SUCCESS and schedule.confirmable[cookie]:
            assert cookie in schedule.acknowledged, "what is said to have arrived has arrived"
        assert (status == NOT_SENT) <= ((cookie, status) not in before_stop)
        assert status in (NOT_SENT, SUCCESS, TIME_OUT, RST, FAIL)
    assert schedule.arrived == sorted(schedule.arrived), "first in, first out"
    if not restless:  # one that was on its way when the network went goes again
        assert {len(mids) for mids in schedule.mids.values()} <= {1}, "a report is one message, however often sent"


def test_the_schedules_are_worth_something():
    """All that can happen happens in them."""
    statuses = set()
    for seed in range(15):
        schedule = Schedule(seed)
        for _ in range(120):
            schedule.step()
        schedule.rig.stop()
        statuses |= {status for _, status in schedule.rig.done}
    assert statuses == {NOT_SENT, SUCCESS, TIME_OUT, RST, FAIL}
