"""A year of a device that reports hourly over a network that loses a tenth of all datagrams, both ways."""

import pytest

from atiny import ATINY_REG_OK, ReportStatus
from atiny.testing import Simulation

HOUR_MS = 3_600_000
REPORTS = "/19/0/0"
SUCCESS = ReportStatus.SENT_SUCCESS
FINAL = (SUCCESS, ReportStatus.SENT_TIME_OUT, ReportStatus.SENT_FAIL, ReportStatus.SENT_GET_RST)


class Device:
    """It reports each hour's number, again where that did not arrive for sure; and its server, which observes."""

    def __init__(self, binding, seed):
        self.simulation = Simulation(seed)
        self.simulation.network.set(loss=0.1, delay_ms=(20, 500))
        self.server = self.simulation.server(auto_observe=[REPORTS])
        self.unsure = []
        self.statuses = {}
        self.registrations = 0
        self.hours_asleep = 0  # at the end of which the link slept
        self.client = self.simulation.client(
            "dev", binding=binding, lifetime=86400, on_event=self.on_event, queue_size=64
        )

    def on_event(self, event, arg):
        self.registrations += event == ATINY_REG_OK

    def report(self, number):
        self.client.report(number.to_bytes(4, "big"), number, self.ended)

    def ended(self, type, number, status):
        assert status in FINAL
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status != SUCCESS:
            self.unsure.append(number)

    def hour(self, number):
        self.report(number)
        for old in self.unsure:
            self.report(old)
        self.unsure.clear()
        self.keep_observing()
        self.simulation.run(HOUR_MS)
        self.hours_asleep += int(self.client.platform.sockets[-1].asleep)

    def keep_observing(self):
        """As a cloud does: an Observe that failed is repeated."""
        going = [request for request in self.server.requests[-3:] if request.observing or not request.done]
        if not going and "dev" in self.server.devices:
            self.server.observe("dev", REPORTS)

    def arrived(self):
        """How often each number has arrived."""
        counts = {}
        for request in self.server.requests:
            for notification in request.notifications:
                if notification.payload:
                    number = int.from_bytes(notification.payload, "big")
                    counts[number] = counts.get(number, 0) + 1
        return counts

    def held(self):
        """What the device keeps that could grow: objects in the lists of its account and exchange."""
        (account,) = self.client._agent.accounts
        exchange = account.exchange
        lists = [exchange.outbox, exchange._queue, exchange._notified, exchange._answered]
        lists += [account.backlog, account.observations.all, self.client._agent._events]
        if account.observations.unsent is not None:
            lists.append(account.observations.unsent.entries)
        held = len(exchange._replies._replies) + len(exchange._read_replies._replies)
        for one in lists:
            held += len(one)
        return held + len(self.client._agent.reports)


def live(binding, days, seed=1):
    device = Device(binding, seed)
    most = 0
    for number in range(days * 24):
        device.hour(number)
        most = max(most, device.held())
    for _ in range(24):  # until the last one is sure
        if not device.unsure and not len(device.client._agent.reports):
            break
        for old in device.unsure:
            device.report(old)
        device.unsure.clear()
        device.keep_observing()
        device.simulation.run(HOUR_MS)
    counts = device.arrived()
    assert sorted(counts) == list(range(days * 24)), "nothing is lost"
    ended = sum(device.statuses.values())
    assert device.statuses[SUCCESS] == days * 24
    assert ended - days * 24 <= 2 + days // 20, "five datagrams in a row are seldom lost"
    assert sum(counts.values()) <= ended
    assert device.registrations <= 2 + days // 20
    assert device.client.registered
    assert device.server.count("expired") == 0
    assert device.server.protocol_errors == []
    assert most < 60, "and memory does not grow"
    assert device.hours_asleep >= (0.97 * days * 24 if binding == "UQ" else 0)
    assert device.hours_asleep == 0 or binding == "UQ"


@pytest.mark.parametrize("binding", ["U", "UQ"])
def test_a_year(binding):
    live(binding, 365)
