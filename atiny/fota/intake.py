"""A package on its way into the storage, verified while it passes: whoever brings it, and a server that pushes it."""

from ..coap.codes import METHOD_NOT_ALLOWED, REQUEST_ENTITY_INCOMPLETE
from ..errors import Rejected
from .machine import CONNECTION_LOST, DOWNLOADED, IDLE, INTEGRITY, NONE_YET, UNSUPPORTED_PACKAGE
from .package import PackageError, PackageReader
from .record import PULL, PUSH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .updater import Updater

CHUNK = 4096  # bytes that are read back at a time
STEP = 16  # chunks until the loop has its turn again
MARK_SIZE = 8


def read_back(storage, position: int, end: int, take: "Callable[[bytes], object]") -> int:
    """Give ``take`` some of what is stored of an image, from ``position`` on; returns where to go on, at last ``end``.

    Raises `PackageError` where it is not there, and what the storage raises (NotImplementedError: it cannot be read).
    """
    stop = min(position + STEP * CHUNK, end)
    while position < stop:
        length = min(CHUNK, end - position)
        data = storage.read_software(position, length)
        if len(data) != length:
            raise PackageError(INTEGRITY, "the storage has no more than %d bytes" % (position + len(data)))
        take(data)
        position += length
    return position


class Intake:
    """One package: `take` the bytes of the file, from its beginning. The image in it goes to the storage.

    Where the record says that some of the image is stored already, and the head is that of the same package, nothing is
    erased, and ``behind`` says that the image goes on in the storage, and not with the bytes that follow in the file.

    ``server``: the short id of who writes it; 0: the device gets it itself. ``reader``: of the package; a new one where
    the file begins anew. How long the file is, as far as that is known, is ``total`` of the record.
    """

    def __init__(self, updater: "Updater", server: "int | None"):
        self.server = server
        self.reader: "Any" = PackageReader(updater.options)
        self._updater = updater

    @property
    def behind(self) -> bool:
        reader = self.reader
        return reader.held is None and reader.stored < self._updater.record.written

    def take(self, data: bytes) -> None:
        """Take the next bytes of the file. Raises `PackageError`, and what the storage raises."""
        reader = self.reader
        updater = self._updater
        known = reader.held is None
        start = reader.stored
        body = reader.feed(data)
        if reader.held is not None:
            return
        if not known:
            self._begin(reader.head)
        kept = updater.record.written
        if start < kept:
            body = body[kept - start :]
            start = kept
        if len(body):
            updater.storage.write_software(start, body)

    def _begin(self, head) -> None:
        """It is known by now what comes (``head`` None: a raw image): make the storage ready for it."""
        updater = self._updater
        options = updater.options
        record = updater.record
        if options.allow is not None and not options.allow(head):
            raise PackageError(UNSUPPORTED_PACKAGE, "the device does not take this package")
        mark = b""
        if head is not None:
            record.total = head.total
            mark = head.checksum[:MARK_SIZE]
            if options.describe is not None:
                found = options.describe(head)
                if found is not None:
                    updater.call(*found)
        if not record.written or mark != record.check:
            record.written = 0
            record.check = mark
            record.save()  # before anything is erased: what a download left before is not gone on with
            updater.storage.begin_software_download()

    def whole(self) -> "Rejected | None":
        """The file is at its end; returns what to answer where it is no good."""
        updater = self._updater
        record = updater.record
        reader = self.reader
        try:
            digest = reader.finish()
            if record.total not in (0, reader.fed):
                raise PackageError(
                    INTEGRITY, "%d bytes came of the %d that were announced" % (reader.fed, record.total)
                )
            record.written = reader.stored
            record.total = reader.fed
            if record.kind == PULL:
                record.save()  # after a power cut within the next line there is nothing to write behind that end
            updater.storage.end_software_download()
            record.etag = b""
            record.check = digest + updater.options.trust
            updater.enter(DOWNLOADED, NONE_YET)
        except Exception as error:
            return updater.broke(error)
        updater.intake = updater.pull = None
        return None


class Push(Intake):
    """A package that a server writes to /5/0/0, block by block; see `coap.stream` for what its methods are called for.

    The first bytes decide whether it is taken: nothing, or a single zero byte (OMA), is no package but a reset.
    """

    def write(self, offset: int, data: bytes, total: "int | None" = None) -> None:
        """Take the next bytes; raises `Rejected`, and then the transfer is over."""
        updater = self._updater
        if updater.intake is not self:
            if offset:  # reset, or begun again by its server in another transfer
                raise Rejected(REQUEST_ENTITY_INCOMPLETE, "the transfer was given up")
            if len(data) <= 1 and data in (b"", b"\0") and total in (None, len(data)):
                updater.check_uri("")
                return
            if updater.record.state != IDLE and (updater.intake is None or updater.intake.server != self.server):
                raise Rejected(METHOD_NOT_ALLOWED, "an update is under way: write an empty package first")
            updater.begin(self, PUSH, "")
        reader = self.reader
        if total is not None and reader.head is None:  # which says it better
            updater.record.total = total
        try:
            self.take(data)
        except Exception as error:
            raise updater.broke(error) from None
        updater.moved(reader.fed)

    def end(self) -> None:
        """All was written; raises `Rejected` where it is no good."""
        updater = self._updater
        if not self.reader.fed:
            updater.set_uri("")
        elif updater.intake is not self:
            raise Rejected(REQUEST_ENTITY_INCOMPLETE, "the transfer was given up")
        else:
            refused = self.whole()
            if refused is not None:
                raise refused

    def abandon(self) -> None:
        """The rest will not come."""
        if self._updater.intake is self:
            self._updater.settle(CONNECTION_LOST)
