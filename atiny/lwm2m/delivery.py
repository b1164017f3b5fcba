"""Reports on their way: from the queue to every server that observes their path.

A report leaves the queue when one of those servers can take it; it then goes to each of them. Who cannot take it yet
(one before it is unacknowledged, its ``pmin``, its device is asleep) has it in a backlog of its own, as long as the
queue; where that overflows, its oldest copy goes. So a server that fails keeps no report from the others. A report's
status is SENT_SUCCESS with the first acknowledgement, else that of the copy that failed last.
"""

from ..coap.codes import CONTENT, CONTENT_FORMAT
from ..coap.exchange import CANCELLED
from ..coap.message import Message, uint_bytes
from ..errors import Rejected
from ..params import ReportStatus
from .formats import OPAQUE
from .report import Report, ReportQueue, status_of
from .types import OPAQUE as OPAQUE_TYPE


class Delivery:
    """Carries one device's reports.

    ``clock.ms`` is the present time. ``accounts`` is the agent's list, in place; an account has ``observations``,
    ``backlog`` (a list, only used here), ``online`` (it can be told now), ``can_wake``, ``wake()`` and ``returning``
    (what is cancelled now goes up later). ``done(report, status)`` is called once for each report.
    """

    def __init__(self, queue: ReportQueue, clock, accounts: list, done):
        self.queued = 0  # copies in backlogs
        self._queue = queue
        self._clock = clock
        self._accounts = accounts
        self._done = done
        self._stopping = False

    def deadline(self) -> "int | None":
        """When `send` is to be called next, or None: while all wait for an observer or an acknowledgement."""
        soonest = None
        first = self._queue.first()
        for account in self._accounts:
            report = account.backlog[0] if account.backlog else first
            if report is not None:
                due = self._due(account, report)
                if due is not None and (soonest is None or due < soonest):
                    soonest = due
        return soonest

    def send(self) -> None:
        """Send what may go now, and wake the accounts that sleep over something that may."""
        now = self._clock.ms
        if self.queued:
            for account in self._accounts:
                while account.backlog and self._may_go(account, account.backlog[0], now):
                    self.queued -= 1
                    self._send(account, account.backlog.pop(0))
        report = self._queue.first()
        while report is not None:
            ready = False
            for account in self._accounts:
                if not account.backlog and self._may_go(account, report, now):
                    ready = True
            if not ready:
                return
            self._hand_out(self._queue.take(), now)
            report = self._queue.first()

    def unsubscribed(self, account, path: tuple, cancelled: bool) -> None:
        """An observation has ended: the account's copies go with it.

        The server that cancels wants none of the reports that wait in the queue either, where it was the only one
        (SDK: they fail); who is lost may ask again.
        """
        kept: "list[Report]" = []
        backlog = account.backlog
        account.backlog = kept
        for report in backlog:
            if account.observations.observing(report.path) is None:
                self.queued -= 1
                self._ended(report, ReportStatus.SENT_FAIL)
            else:
                kept.append(report)
        report = self._queue.first()
        if cancelled and report is not None and report.path[: len(path)] == path and not self._observed(report):
            for waiting in self._queue.take_all():
                self._finish(waiting, ReportStatus.SENT_FAIL)

    def stop(self) -> None:
        """Every report that is not yet acknowledged ends as NOT_SENT; those on their way when they are cancelled."""
        self._stopping = True
        for report in self._queue.close():
            self._finish(report, ReportStatus.NOT_SENT)
        for account in self._accounts:
            backlog = account.backlog
            account.backlog = []
            for report in backlog:
                self._ended(report, ReportStatus.NOT_SENT)
        self.queued = 0

    # -- inside

    def _due(self, account, report: Report) -> "int | None":
        """When a report may go to a server, or None while it waits for something else than time."""
        if not account.online and not account.can_wake:
            return None
        observation = account.observations.observing(report.path)
        if observation is None or observation.in_flight:
            return None
        return observation.last_ms + observation.pmin_ms

    def _may_go(self, account, report: Report, now: int) -> bool:
        due = self._due(account, report)
        if due is None or due > now:
            return False
        if account.online:
            return True
        account.wake()
        return False

    def _observed(self, report: Report) -> bool:
        for account in self._accounts:
            if account.observations.observing(report.path) is not None:
                return True
        return False

    def _hand_out(self, report: Report, now: int) -> None:
        """Give a report to every server that observes its path."""
        takers = [one for one in self._accounts if one.observations.observing(report.path) is not None]
        report.copies = len(takers)
        for account in takers:
            if not account.backlog and self._may_go(account, report, now):
                self._send(account, report)
            else:
                self._put_back(account, report, len(account.backlog))

    def _put_back(self, account, report: Report, place: int) -> None:
        account.backlog.insert(place, report)
        self.queued += 1
        if len(account.backlog) > self._queue.capacity:
            self.queued -= 1
            self._ended(account.backlog.pop(0), ReportStatus.NOT_SENT)

    def _send(self, account, report: Report) -> None:
        observations = account.observations
        observation = observations.observing(report.path)
        if observation.path == report.path:
            response = Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(OPAQUE))], report.payload)
        else:
            entries = [(report.path, OPAQUE_TYPE, report.payload)]
            try:
                response = observations.source.render(observation.path, entries, observation.accept)
            except Rejected:  # the format that this observer asked for cannot carry it
                self._ended(report, ReportStatus.SENT_FAIL)
                return
        if not report.told:
            report.status = ReportStatus.SENT_WAIT_RESPONSE

        def ended(outcome: int) -> None:
            if outcome == CANCELLED and account.returning and observations.observing(report.path) is not None:
                self._put_back(account, report, 0)
            else:
                self._ended(report, status_of(outcome, self._stopping))

        # Without a callback a report is not confirmable, most of the time: then it ends as it is sent.
        if not observations.report(observation, response, report.confirmable, ended):
            self._ended(report, ReportStatus.SENT_SUCCESS)

    def _ended(self, report: Report, status: int) -> None:
        """One copy has ended."""
        report.copies -= 1
        if not report.told and (status == ReportStatus.SENT_SUCCESS or report.copies <= 0):
            self._finish(report, status)

    def _finish(self, report: Report, status: int) -> None:
        report.told = True
        self._done(report, status)
