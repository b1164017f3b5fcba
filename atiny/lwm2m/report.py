"""The report queue: between the host's threads, which put reports in, and the loop, which sends them.

Every report that was accepted ends in exactly one final status (`ReportStatus`), told through its owner.
"""

from ..coap.exchange import DONE, FAILED, RESET, TIME_OUT
from ..errors import QueueFull
from ..params import ReportStatus

DEFAULT_CAPACITY = 8

_STATUS = {
    DONE: ReportStatus.SENT_SUCCESS,
    TIME_OUT: ReportStatus.SENT_TIME_OUT,
    RESET: ReportStatus.SENT_GET_RST,
    FAILED: ReportStatus.SENT_FAIL,
}


def status_of(outcome: int, stopping: bool) -> int:
    """The `ReportStatus` for the end of a message; ``stopping``: what is cancelled is, because the device stops."""
    return _STATUS.get(outcome, ReportStatus.NOT_SENT if stopping else ReportStatus.SENT_FAIL)


class Report:
    """One report on its way. ``status`` is a `ReportStatus`; ``done`` once it is final.

    ``copies``: to how many servers it is on its way; ``told``: its end is decided (see `delivery`).
    """

    __slots__ = (
        "type",
        "path",
        "payload",
        "cookie",
        "callback",
        "confirmable",
        "status",
        "done",
        "copies",
        "told",
    )

    def __init__(self, type: int, path: tuple, payload: bytes, cookie: object, callback, confirmable: bool):
        self.type = type
        self.path = path
        self.payload = payload
        self.cookie = cookie
        self.callback = callback
        self.confirmable = confirmable
        self.status = ReportStatus.SEND_PENDING
        self.done = False
        self.copies = 0
        self.told = False

    def finish(self, status: int) -> None:
        """Set the final status. The loop does this, once."""
        self.status = status
        self.done = True


class ReportQueue:
    """Reports that wait to be sent: first in, first out, at most ``capacity`` of them.

    ``mutex`` guards it: `put` is called by any thread, the rest by the loop.
    """

    def __init__(self, mutex, capacity: int = DEFAULT_CAPACITY):
        self.capacity = capacity
        self._mutex = mutex
        self._reports: "list[Report]" = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._reports)

    def put(self, report: Report) -> bool:
        """Accept a report, or raise `QueueFull`. False: the queue is closed, the report was not accepted."""
        self._mutex.lock()
        try:
            if self._closed:
                return False
            if len(self._reports) >= self.capacity:
                raise QueueFull("the report queue holds %d reports already" % self.capacity)
            self._reports.append(report)
            return True
        finally:
            self._mutex.unlock()

    def first(self) -> "Report | None":
        """The oldest report, left in the queue."""
        return self._reports[0] if self._reports else None

    def take(self) -> Report:
        """Remove and return the oldest report."""
        self._mutex.lock()
        try:
            return self._reports.pop(0)
        finally:
            self._mutex.unlock()

    def take_all(self) -> "list[Report]":
        """Remove and return all reports."""
        self._mutex.lock()
        try:
            reports = self._reports
            self._reports = []
            return reports
        finally:
            self._mutex.unlock()

    def close(self) -> "list[Report]":
        """Accept no more; returns what was still waiting."""
        self._closed = True
        return self.take_all()
