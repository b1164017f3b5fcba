"""A package that the device gets from the URI in /5/0/1: what a `Download` brings, into the storage.

After a restart the download goes on at the last checkpoint, in three steps. The head of the package is not in the
storage, so it is fetched again, from the beginning of the file. Where ETag and head are those of before, the transfer
is ended and what is stored is read back, for the digests. Then the file is gone on with at that place.
"""

from .download import Download
from .intake import Intake
from .machine import CONNECTION_LOST, FAILURES, INTEGRITY, INVALID_URI
from .package import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .updater import Updater


class Pull:
    """The receiver of a download. Raises what `Download` raises for the URI."""

    def __init__(self, updater: "Updater", uri: str):
        self.uri = uri
        self.total: "int | None" = None
        self.intake: "Intake | None" = None
        self._updater = updater
        self._etag: "bytes | None" = None
        self._offline = False
        self._due = True  # there is something to do besides what the download has to
        self._rebuilding = False
        self._download = self._new_download()

    def _new_download(self) -> Download:
        updater = self._updater
        return Download(self.uri, updater.sources, self, updater.clock, updater.random, updater.options)

    # -- driven by the updater

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._updater.clock.ms if self._due else self._download.deadline()

    def handle_timer(self) -> None:
        if self._rebuilding:
            self._rebuild()
        elif self._due:
            self._due = False
            self._download.start()
        else:
            self._download.handle_timer()

    def go_offline(self) -> None:
        self._offline = True
        self._download.go_offline()

    def go_online(self) -> None:
        self._offline = False
        self._due = self._rebuilding  # a download that has not begun begins by this
        self._download.go_online()

    def cancel(self) -> None:
        self._due = self._rebuilding = False
        self._download.cancel()

    # -- what the download brings

    def begin(self, etag: "bytes | None", total: "int | None", offset: int) -> None:
        """What follows is the file from ``offset`` on: where it was left, or 0."""
        updater = self._updater
        record = updater.record
        self.total = total
        if offset == 0:
            kept = 0
            if self.intake is None and etag and etag == record.etag:
                kept = record.written  # of an earlier life
            record.written = kept
            self.intake = Intake(updater.storage, updater.options, updater, kept, record.check)
            if kept and total is None and record.total:
                self.total = record.total
        elif self.intake is None or offset != self.intake.fed:
            updater.broke(PackageError(INTEGRITY, "the download goes on elsewhere"))
            return
        self._etag = etag
        record.etag = etag or b""
        record.total = self.total or 0

    def data(self, data: bytes) -> None:
        """The next bytes."""
        updater = self._updater
        intake = self.intake
        assert intake is not None
        try:
            intake.write(data)
            if intake.behind:
                self._download.cancel()
                self._due = self._rebuilding = True
                return
            record = updater.record
            if intake.written - record.written >= updater.options.checkpoint:
                record.written = intake.written
                record.save()
        except Exception as error:
            updater.broke(error)
            return
        updater.moved(intake.fed)

    def end(self, error: "str | None", final: bool) -> None:
        """It is over."""
        if error is not None:
            result = CONNECTION_LOST
            if final:
                result = INTEGRITY if self._download.mismatched else INVALID_URI
            self._updater.settle(FAILURES + result)
        elif self.intake is None:
            self._updater.broke(PackageError(INTEGRITY, "the file is empty"))
        else:
            self._whole(self.intake)

    def _whole(self, intake: Intake) -> None:
        try:
            self._updater.whole(intake, self.total)
        except Exception:
            pass  # the updater has told its owner, and there is no server that waits for an answer

    def _rebuild(self) -> None:
        """Read back some of what is stored; then go on with the file."""
        intake = self.intake
        assert intake is not None
        offset = 0
        try:
            if intake.rebuild():
                return
            offset = intake.fed
        except Exception:
            # It cannot be read, or is not there, or not what it was: the way to the image is from the beginning.
            self.intake = None
            self._updater.record.written = 0
        self._due = self._rebuilding = False
        if self.intake is not None and offset == (intake.total or self.total):
            self._whole(intake)
            return
        self._download = self._new_download()
        if self._offline:
            self._download.go_offline()
        self._download.start(offset, self._etag if offset else None)
