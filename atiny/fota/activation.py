"""From an executed Update to the restart: the image is read back, and only what was verified is made to run."""

from hashlib import sha256

from ..commands import ATINY_DO_DEV_REBOOT
from . import machine
from .intake import CHUNK, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .updater import Updater

STATE_PATH = (5, 0, 3)
DELAY_MS = 1000  # who observes State hears of Updating before the device restarts


class ReadBack:
    """Whether the storage still holds the image of that length and SHA-256: asked before it is made to run."""

    def __init__(self, storage, length: int, digest: bytes):
        self._storage = storage
        self._length = length
        self._expected = digest
        self._digest = sha256()
        self._position = 0

    def step(self) -> "bool | None":
        """Read some of it; None: there is more. True, unseen, where the storage cannot be read. OSError passes."""
        for _ in range(STEP):
            length = min(CHUNK, self._length - self._position)
            if length <= 0:
                return self._digest.digest() == self._expected
            try:
                data = self._storage.read_software(self._position, length)
            except NotImplementedError:
                return True
            if len(data) != length:
                return False
            self._digest.update(data)
            self._position += length
        return None


class Activation:
    """Makes the image of that length and SHA-256 the one to run, and restarts the device; or ends as an update that
    failed. Nothing happens before `begin`."""

    def __init__(self, updater: "Updater", length: int, digest: bytes):
        self._updater = updater
        self._read_back: "ReadBack | None" = ReadBack(updater.storage, length, digest)
        self._due: "int | None" = None

    def begin(self) -> None:
        """The server that executed Update has its answer."""
        self._due = self._updater.clock.ms + DELAY_MS

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._due

    def handle_timer(self) -> None:
        """Read some of the image back; when it is what it was, let it run."""
        updater = self._updater
        if self._due is None or self._due > updater.clock.ms or self._read_back is None:
            return
        try:
            good = self._read_back.step()
            if good is None:
                return
            if good:
                updater.storage.active_software()
        except Exception as error:
            self._over()
            updater.failed(STATE_PATH, error)
            updater.settle(machine.INACTIVE)
            return
        self._over()
        if not good:
            updater.settle(machine.ROTTEN)
            return
        try:
            updater.host.do(ATINY_DO_DEV_REBOOT)
        except Exception as error:  # the image runs after the next start, whoever brings that about
            updater.failed(STATE_PATH, error)

    def _over(self) -> None:
        self._read_back = self._due = None
