"""A package that the device gets from the URI in /5/0/1: what a `Download` brings, into the storage.

After a restart the download goes on at the last checkpoint, in three steps. The head of the package is not in the
storage, so it is fetched again, from the beginning of the file. Where ETag and head are those of before, the transfer
is ended and what is stored is read back, for the digests. Then the file is gone on with at that place.
"""

from ..errors import TransportError
from .download import Download
from .intake import Intake, read_back
from .package import PackageReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .updater import Updater

_URI = 1  # the resource that a failed download is about


class Pull(Intake, Download):
    """An intake that is its own download. Raises what `Download` raises for the URI."""

    def __init__(self, updater: "Updater", uri: str):
        Intake.__init__(self, updater, 0)
        Download.__init__(self, updater.agent, uri, updater.sources, updater.options)

    def go_on(self) -> None:
        """Read back some of what is stored; or, once that is done, begin the next attempt."""
        record = self._updater.record
        if self.behind:
            try:
                reader = self.reader
                read_back(self._updater.storage, reader.stored, record.written, reader.feed)
                if self.behind:
                    return
            except Exception:
                # It cannot be read, or is not there, or not what it was: the way to the image is from the beginning.
                self.reader = PackageReader(self._updater.options)
                record.written = 0
            self.position = self._best = self.reader.fed
            if self.position and self.position == record.total:
                self.whole()
                return
        Download.go_on(self)

    # -- what the download brings

    def begin(self, offset: int) -> None:
        updater = self._updater
        record = updater.record
        if offset == 0:
            if self.reader.fed or not self.etag or self.etag != record.etag:
                record.written = 0  # else it is of an earlier life
            if self.total is not None or not record.written:
                record.total = self.total or 0
            self.reader = PackageReader(updater.options)
        record.etag = self.etag or b""

    def data(self, data: bytes) -> None:
        updater = self._updater
        record = updater.record
        try:
            self.take(data)
            if self.behind:
                self.cancel()
                self.due = updater.agent.clock.ms
                return
            if self.reader.stored - record.written >= updater.options.checkpoint:
                record.written = self.reader.stored
                record.save()
        except Exception as error:
            updater.broke(error)
            return
        updater.moved(self.reader.fed)

    def failed(self, result: int, reason: str) -> None:
        self._updater.failed(_URI, TransportError(reason))
        self._updater.settle(result)
