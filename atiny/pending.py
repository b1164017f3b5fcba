"""A report that the client accepted, for the host to wait for."""

from .loop import Loop
from .lwm2m.objects.app_data import REPORT_PATH
from .lwm2m.report import Report
from .params import APP_DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class PendingReport(Report):
    """A report that the client accepted: its end can be waited for."""

    __slots__ = ("_loop", "_ended")

    def __init__(
        self,
        loop: Loop,
        payload: bytes,
        cookie: object,
        callback: "Callable[[int, Any, int], object] | None",
        confirmable: bool,
    ):
        super().__init__(APP_DATA, REPORT_PATH, payload, cookie, callback, confirmable)
        self._loop = loop
        self._ended = loop.platform.signal()

    def wait(self, timeout_s: "float | None" = None) -> int:
        """Wait for the end; returns the status, which is not final (`done` is False) where the time ran out.

        Where no thread runs the client's loop, this call does.
        """
        self._loop.wait(self._ended, lambda: self.done, timeout_s)
        return self.status

    def finish(self, status: int) -> None:
        super().finish(status)
        self._ended.set()
