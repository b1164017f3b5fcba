"""Reports that wait for one server, while others have them already, or until the network is back.

A report that leaves the queue goes to every server that observes its path. Who cannot take it yet (one before it is
unacknowledged, its ``pmin``, its device is asleep) has it in a backlog of its own, as long as the queue; where that
overflows, its oldest copy goes. So a server that fails keeps no report from the others. A report's status is
SENT_SUCCESS with the first acknowledgement, else that of the copy that failed last.
"""

from ..params import ReportStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Delivery, Report


class Backlogs:
    """The backlogs of all accounts: the list ``backlog`` in each. ``queued``: copies in them."""

    def __init__(self, delivery: "Delivery"):
        self.queued = 0
        self._delivery = delivery

    def send(self) -> None:
        """Send of each backlog what may go now."""
        delivery = self._delivery
        if self.queued:
            for account in delivery.accounts:
                while account.backlog and delivery.may_go(account, account.backlog[0]):
                    self.queued -= 1
                    delivery.send_to(account, account.backlog.pop(0))

    def share(self, report: "Report", takers: list) -> None:
        """A report goes to these accounts now, and to each other one that observes its path later."""
        report.copies = len(takers)
        for account in self._delivery.accounts:
            if account not in takers and account.observations.observing(report.path) is not None:
                report.copies += 1
                self.put(account, report, len(account.backlog))

    def put(self, account, report: "Report", place: int) -> None:
        """Have a report wait for a server."""
        account.backlog.insert(place, report)
        self.queued += 1
        if len(account.backlog) > self._delivery.queue.capacity:
            self._drop(account, account.backlog[:1], ReportStatus.NOT_SENT)

    def unsubscribed(self, account) -> None:
        """An observation has ended: the account's copies go with it."""
        observing = account.observations.observing
        gone = [report for report in account.backlog if observing(report.path) is None]
        self._drop(account, gone, ReportStatus.SENT_FAIL)

    def stop(self) -> None:
        """Nothing waits any more."""
        for account in self._delivery.accounts:
            self._drop(account, account.backlog, ReportStatus.NOT_SENT)

    def _drop(self, account, gone: "list[Report]", status: int) -> None:
        account.backlog = [report for report in account.backlog if report not in gone]
        self.queued -= len(gone)
        for report in gone:
            self._delivery.copy_ended(report, status)

    def others_left(self, report: "Report", status: int) -> bool:
        """One copy has ended: whether the report is decided already, or by another copy."""
        report.copies -= 1
        if report.told or (status != ReportStatus.SENT_SUCCESS and report.copies > 0):
            return True
        report.told = True
        return False
