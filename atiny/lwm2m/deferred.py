"""An Execute whose end comes later: acknowledged at once, answered when the host is done (RFC 7252, 5.2.2)."""

from ..coap.codes import EXCHANGE_LIFETIME_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..coap.message import Message


class Deferred:
    """What an ``execute_`` method returns when the work takes longer than a server waits, or than the loop may stand.

    ::

        def execute_calibrate(self, arguments):
            self.calibration = Deferred()
            self.start_motor()          # whoever sees it stop calls self.calibration.done()
            return self.calibration

    `done` or `failed` is called once, by any thread; a second call does nothing.
    """

    __slots__ = ("_answer", "_tell")

    def __init__(self):
        self._answer: "tuple[Exception | None] | None" = None
        self._tell = None

    def done(self) -> None:
        """The server is told 2.04."""
        self._finish(None)

    def failed(self, error: Exception) -> None:
        """The server is told the code of a `Rejected`; 5.00 for any other exception, which is an event to the host."""
        self._finish(error)

    def _finish(self, error: "Exception | None") -> None:
        if self._answer is None:
            self._answer = (error,)
            if self._tell is not None:
                self._tell(error)

    def attach(self, tell) -> None:
        """Have ``tell(error)`` called at the end, or now where it has come already. The agent's driver does this.

        Where the end comes from another thread at this very moment it may be called twice: it takes the first.
        """
        self._tell = tell
        if self._answer is not None:
            tell(self._answer[0])


def defer(account, request: "Message", path: tuple, deferred: Deferred) -> None:
    """Answer an Execute later; not any more where the server was lost and found again meanwhile."""
    if account.deferrals is None:
        account.deferrals = []
    account.deferrals.append(request)
    account.deferred_until = account.agent.clock.ms + EXCHANGE_LIFETIME_MS

    def finish(error: "Exception | None", now: int) -> None:
        if account.deferrals is not None and request in account.deferrals:
            account.deferrals.remove(request)
            if not account.asleep:
                account.endpoint.respond(request, account.dispatcher.late(path, error), now)

    account.agent.deferred(deferred, finish)
