"""A package that a server writes to /5/0/0, block by block."""

from ..coap.codes import METHOD_NOT_ALLOWED, REQUEST_ENTITY_INCOMPLETE
from ..errors import Rejected
from .intake import Intake
from .machine import CONNECTION_LOST, FAILURES, RESET, following

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .updater import Updater


class Push:
    """What `Updater.open_push` returns: see `coap.stream` for what its methods are called for.

    The first bytes decide whether it is taken: nothing, or a single zero byte (OMA), is no package but a reset.
    """

    def __init__(self, updater: "Updater", server: "int | None"):
        self.server = server
        self.total: "int | None" = None
        self.intake: "Intake | None" = None
        self._updater = updater
        self._begun = False

    def write(self, offset: int, data: bytes, total: "int | None" = None) -> None:
        """Take the next bytes; raises `Rejected`, and then the transfer is over."""
        updater = self._updater
        if updater.push is not self:
            if self._begun:
                # Reset, or begun again by its server in another transfer.
                raise Rejected(REQUEST_ENTITY_INCOMPLETE, "the transfer was given up")
            if len(data) <= 1 and data in (b"", b"\0") and total in (None, len(data)):
                if following(updater.state, RESET) is None:
                    raise Rejected(METHOD_NOT_ALLOWED, "the firmware is being updated")
                return
            self._begun = True
            updater.push_begins(self)
            self.intake = Intake(updater.storage, updater.options, updater)
        intake = self.intake
        assert intake is not None
        self.total = total
        try:
            intake.write(data)
        except Exception as error:
            raise updater.broke(error) from None
        updater.moved(intake.fed)

    def end(self) -> None:
        """All was written; raises `Rejected` where it is no good."""
        updater = self._updater
        if not self._begun:
            updater.reset()
            return
        if updater.push is not self or self.intake is None:
            raise Rejected(REQUEST_ENTITY_INCOMPLETE, "the transfer was given up")
        updater.whole(self.intake, self.total)

    def abandon(self) -> None:
        """The rest will not come."""
        self._begun = True
        if self._updater.push is self:
            self._updater.settle(FAILURES + CONNECTION_LOST)
