"""Reports: from the host's threads, which put them in a queue, to every server that observes their path.

Every report that was accepted ends in exactly one final status (`ReportStatus`), told through its owner. It leaves the
queue when a server can take it. Where several observe, and where a report comes back because the network has gone, it
waits for its server in a `backlog`.
"""

from ..coap.codes import CONTENT, CONTENT_FORMAT
from ..coap.exchange import CANCELLED
from ..coap.message import Message, uint_bytes
from ..errors import QueueFull, Rejected
from ..params import APP_DATA, ReportStatus
from .connection import OFFLINE, WAKING
from .formats import OPAQUE
from .types import OPAQUE as OPAQUE_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .backlog import Backlogs

DEFAULT_CAPACITY = 8
_OPAQUE_OPTION = (CONTENT_FORMAT, uint_bytes(OPAQUE))

# By the outcome of a message: DONE, TIME_OUT, RESET, FAILED, CANCELLED.
_STATUS = (
    ReportStatus.SENT_SUCCESS,
    ReportStatus.SENT_TIME_OUT,
    ReportStatus.SENT_GET_RST,
    ReportStatus.SENT_FAIL,
    ReportStatus.SENT_FAIL,
)


def status_of(outcome: int, stopping: bool) -> int:
    """The `ReportStatus` for the end of a message; ``stopping``: what is cancelled is, because the device stops."""
    return ReportStatus.NOT_SENT if stopping and outcome == CANCELLED else _STATUS[outcome]


class Report:
    """One report on its way. ``status`` is a `ReportStatus`; ``done`` once it is final.

    ``copies``: to how many servers it is on its way; ``told``: its end is decided (see `backlog`).
    """

    # The class has them until they change: on a board an object's table of attributes is made anew as it grows.
    type = APP_DATA
    status = ReportStatus.SEND_PENDING
    done = False
    copies = 1
    told = False

    def __init__(self, type: int, path: tuple, payload: bytes, cookie: object, callback, confirmable: bool):
        if type != APP_DATA:
            self.type = type
        self.path = path
        self.payload = payload
        self.cookie = cookie
        self.callback = callback
        self.confirmable = confirmable

    def finish(self, status: int) -> None:
        """Set the final status. The loop does this, once."""
        self.status = status
        self.done = True


class ReportQueue:
    """Reports that wait to be sent: first in, first out, at most ``capacity`` of them.

    ``mutex`` guards it: `put` is called by any thread, the rest by the loop. None: there is one thread.
    """

    def __init__(self, mutex, capacity: int = DEFAULT_CAPACITY):
        self.capacity = capacity
        self.mutex = mutex
        self._reports: "list[Report]" = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._reports)

    def put(self, report: Report) -> bool:
        """Accept a report, or raise `QueueFull`. False: the queue is closed, the report was not accepted."""
        if self.mutex is not None:
            self.mutex.lock()
        try:
            if self._closed:
                return False
            if len(self._reports) >= self.capacity:
                raise QueueFull("the report queue holds %d reports already" % self.capacity)
            self._reports.append(report)
            return True
        finally:
            if self.mutex is not None:
                self.mutex.unlock()

    def first(self) -> "Report | None":
        """The oldest report, left in the queue."""
        return self._reports[0] if self._reports else None

    def take(self) -> Report:
        """Remove and return the oldest report."""
        if self.mutex is not None:
            self.mutex.lock()
        report = self._reports.pop(0)
        if self.mutex is not None:
            self.mutex.unlock()
        return report

    def take_all(self, closing: bool = False) -> "list[Report]":
        """Remove and return all reports. ``closing``: no more are accepted."""
        empty: "list[Report]" = []
        if self.mutex is not None:
            self.mutex.lock()
        reports = self._reports
        self._reports = empty
        self._closed = self._closed or closing
        if self.mutex is not None:
            self.mutex.unlock()
        return reports


class Delivery:
    """Carries one device's reports.

    ``clock.ms`` is the present time. ``accounts`` is the agent's list, in place. ``done(report, status)`` is called
    once for each report. ``backlogs``: None while no report had to wait outside the queue.
    """

    def __init__(self, queue: ReportQueue, clock, accounts: list, done):
        self.accounts = accounts
        self.queue = queue
        self.backlogs: "Backlogs | None" = None
        self._clock = clock
        self._done = done
        self._stopping = False

    def keep_backlogs(self) -> "Backlogs":
        """The backlogs of the accounts: from now on each has one."""
        if self.backlogs is None:
            from .backlog import Backlogs  # not for a single server that is always there

            self.backlogs = Backlogs(self)
        return self.backlogs

    def deadline(self) -> "int | None":
        """When `send` is to be called next, or None: while all wait for an observer or an acknowledgement."""
        soonest = None
        first = self.queue.first()
        for account in self.accounts:
            report = first
            if self.backlogs is not None and account.backlog:
                report = account.backlog[0]
            if report is not None:
                due = self._due(account, report)
                if due is not None and (soonest is None or due < soonest):
                    soonest = due
        return soonest

    def send(self) -> None:
        """Send what may go now, and wake the accounts that sleep over something that may."""
        if self.backlogs is not None:
            self.backlogs.send()
        report = self.queue.first()
        while report is not None:
            takers = []
            for account in self.accounts:
                if (self.backlogs is None or not account.backlog) and self.may_go(account, report):
                    takers.append(account)
            if not takers:
                return
            self.queue.take()
            if self.backlogs is not None:
                self.backlogs.share(report, takers)
            for account in takers:
                self.send_to(account, report)
            report = self.queue.first()

    def unsubscribed(self, account, path: tuple, cancelled: bool) -> None:
        """An observation has ended.

        The server that cancels wants none of the reports that wait in the queue either, where it was the only one
        (SDK: they fail); who is lost may ask again.
        """
        if self.backlogs is not None:
            self.backlogs.unsubscribed(account)
        report = self.queue.first()
        if cancelled and report is not None and report.path[: len(path)] == path:
            for account in self.accounts:
                if account.observations.observing(report.path) is not None:
                    return
            for waiting in self.queue.take_all():
                self._done(waiting, ReportStatus.SENT_FAIL)

    def stop(self) -> None:
        """Every report that is not yet acknowledged ends as NOT_SENT; those on their way when they are cancelled."""
        self._stopping = True
        for report in self.queue.take_all(True):
            self._done(report, ReportStatus.NOT_SENT)
        if self.backlogs is not None:
            self.backlogs.stop()

    def may_go(self, account, report: Report) -> bool:
        """Whether a report may go to a server now; its account is woken for that."""
        due = self._due(account, report)
        if due is None or due > self._clock.ms:
            return False
        return account.queue_mode is None or account.queue_mode.awake()

    def _due(self, account, report: Report) -> "int | None":
        """When a report may go to a server, or None while it waits for something else than time."""
        if account.queue_mode is not None and account.queue_mode.state >= WAKING:
            return None
        observation = account.observations.observing(report.path)
        if observation is None or observation.in_flight:
            return None
        due: int = observation.last_ms
        if observation.rules is not None:
            due += observation.rules.pmin_ms
        return due

    def send_to(self, account, report: Report) -> None:
        """Send a report to a server that observes its path."""
        observations = account.observations
        observation = observations.observing(report.path)
        if observation.path == report.path:
            response = Message(CONTENT, [_OPAQUE_OPTION], report.payload)
        else:
            entries = [(report.path, OPAQUE_TYPE, report.payload)]
            try:
                response = observations.source.render(observation.path, entries, observation.accept)
            except Rejected:  # the format that this observer asked for cannot carry it
                self.copy_ended(report, ReportStatus.SENT_FAIL)
                return
        if not report.told:
            report.status = ReportStatus.SENT_WAIT_RESPONSE
        # Without a callback a report is not confirmable, most of the time: then it ends as it is sent.
        observations.notify(observation, response, report.confirmable, report)

    def ended(self, account, report: Report, outcome: int) -> None:
        """The message with a report has its end."""
        if (
            outcome == CANCELLED
            and account.queue_mode is not None
            and account.queue_mode.state == OFFLINE
            and account.observations.observing(report.path) is not None
        ):
            self.keep_backlogs().put(account, report, 0)  # it goes up later
        else:
            self.copy_ended(report, status_of(outcome, self._stopping))

    def copy_ended(self, report: Report, status: int) -> None:
        """One copy of a report has ended."""
        if self.backlogs is None or not self.backlogs.others_left(report, status):
            self._done(report, status)
