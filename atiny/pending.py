"""A report that the client accepted, for the host to wait for."""

from .lwm2m.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .loop import Loop


class PendingReport(Report):
    """A report that the client accepted: its end can be waited for."""

    loop: "Loop"  # of the client that accepted it

    def wait(self, timeout_s: "float | None" = None) -> int:
        """Wait for the end; returns the status, which is not final (`done` is False) where the time ran out.

        Where no thread runs the client's loop, this call does.
        """
        self.loop.wait(lambda: self.done, timeout_s)
        return self.status
