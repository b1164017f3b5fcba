"""The bytes of a package on their way into the storage, verified while they pass."""

from hashlib import sha256

from ..coap.codes import (
    BAD_REQUEST,
    INTERNAL_SERVER_ERROR,
    REQUEST_ENTITY_TOO_LARGE,
    UNSUPPORTED_CONTENT_FORMAT,
)
from ..errors import Rejected
from . import machine
from .package import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import FirmwareOptions
    from .package import PackageHead

CHUNK = 4096  # bytes that are read back at a time
STEP = 16  # chunks until the loop has its turn again
MARK_SIZE = 8

_ENOMEM = 12
# ENOSPC, EFBIG, and EDQUOT of Linux, macOS and BSD: MicroPython's errno has not all of them.
_FULL = (28, 27, 122, 69)
# What a server that pushes is answered; any other result is 5.00.
_ANSWERS = {
    machine.NO_SPACE: REQUEST_ENTITY_TOO_LARGE,
    machine.INTEGRITY: BAD_REQUEST,
    machine.UNSUPPORTED_PACKAGE: UNSUPPORTED_CONTENT_FORMAT,
}


def result_of(error: Exception) -> int:
    """The Update Result that tells a server of what went wrong with a package.

    OMA has no result for a medium that fails: it is the update that failed (8). A full one is 2.
    """
    if isinstance(error, PackageError):
        return error.result
    if isinstance(error, MemoryError):
        return machine.NO_MEMORY
    if isinstance(error, OSError) and error.args:
        if error.args[0] in _FULL:
            return machine.NO_SPACE
        if error.args[0] == _ENOMEM:
            return machine.NO_MEMORY
    return machine.UPDATE_FAILED


def refusal(error: Exception) -> Rejected:
    """What a server is answered that pushes a package of which ``error`` came."""
    result = result_of(error)
    text = str(error) if isinstance(error, PackageError) else machine.RESULTS[result]
    return Rejected(_ANSWERS.get(result, INTERNAL_SERVER_ERROR), text)


class Intake:
    """One package. The image in it goes to the storage, where `begin_software_download` is called first.

    ``owner`` has ``head_known(head)``: the head is complete (None: a raw image); it may raise `PackageError`;
    ``image_begins(mark)``: the storage is about to be erased for it; ``mark`` tells its head from others, b"" if raw.
    ``kept``: so much of the image is stored already, of a package with the head ``mark``: where the head is that one,
    nothing is erased, and `behind` says that `rebuild` comes before what follows in the file.

    ``fed``: bytes of the file so far; ``written``: bytes of the image that are stored and have been digested.
    """

    def __init__(self, storage, options: "FirmwareOptions", owner, kept: int = 0, mark: bytes = b""):
        self._storage = storage
        self._owner = owner
        self._reader = options.reader()
        self._digest = sha256()
        self._known = False
        self._kept = kept
        self._mark = mark
        self.written = 0

    @property
    def fed(self) -> int:
        return self._reader.fed

    @property
    def total(self) -> "int | None":
        """The length of the file, as the package says it; None where it does not, or not yet."""
        return self._reader.total

    @property
    def behind(self) -> bool:
        """Whether the image goes on in the storage, and not with the bytes that follow in the file."""
        return self._known and self.written < self._kept

    def write(self, data: bytes) -> None:
        """Take the next bytes of the file. Raises `PackageError`, and what the storage raises."""
        body = self._reader.feed(data)
        if not self._known and not self._look():
            return
        if len(body):
            start = self.written
            self._digest.update(body)
            if start >= self._kept:
                self._storage.write_software(start, body)
            elif start + len(body) > self._kept:
                self._storage.write_software(self._kept, body[self._kept - start :])
            self.written = start + len(body)

    def _look(self) -> bool:
        """Whether it is known by now what comes; then the storage is made ready for it."""
        reader = self._reader
        head: "PackageHead | None" = reader.head
        if head is None and not reader.raw:
            return False
        self._owner.head_known(head)
        mark = b"" if head is None else head.checksum[:MARK_SIZE]
        if self._kept and mark != self._mark:
            self._kept = 0
        if not self._kept:
            self._owner.image_begins(mark)
            self._storage.begin_software_download()
        self._known = True
        return True

    def rebuild(self) -> bool:
        """Read some of what is stored, for the digests; False once they are up to it.

        Raises `ValueError` where it is not there, and what the storage raises (NotImplementedError: it cannot be read).
        """
        for _ in range(STEP):
            length = min(CHUNK, self._kept - self.written)
            if length <= 0:
                return False
            data = self._storage.read_software(self.written, length)
            if len(data) != length:
                raise ValueError("the storage has no more than %d bytes" % (self.written + len(data)))
            self._reader.skip_body((data,))
            self._digest.update(data)
            self.written += length
        return True

    def finish(self, announced: "int | None") -> bytes:
        """The SHA-256 of the image, once the package turned out good; `PackageError` where it did not.

        ``announced``: the length of the file as its sender said it, or None. The head of a package says it better.
        """
        self._reader.finish()
        if self._reader.total is None and announced is not None and announced != self.fed:
            raise PackageError(machine.INTEGRITY, "%d bytes came of the %d that were announced" % (self.fed, announced))
        return self._digest.digest()
