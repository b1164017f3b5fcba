"""A file is fetched from its URI, whatever happens on the way: tried again, gone on with, started over.

An attempt that fails is followed by another after a back-off that doubles, with jitter, and goes on where the last
one ended. Only failures in a row without a single new byte count: ``tries`` of them end the download. So do more than
``tries`` starts over: a server whose image is another one each time, or that cannot go on with it, does not keep the
device busy for ever.
"""

from ..errors import AtinyError, NotSupported, ParameterError
from .source import source_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_WAIT_MS = 3600000  # that a server may ask for


class _Attempt:
    """The receiver of one attempt: what the source says late, after its end, is not heard."""

    __slots__ = ("download",)

    def __init__(self, download: "Download | None"):
        self.download = download

    def begin(self, etag: "bytes | None", total: "int | None", offset: int) -> None:
        if self.download is not None:
            self.download.begun(etag, total, offset)

    def data(self, data: bytes) -> None:
        if self.download is not None:
            self.download.arrived(data)

    def end(self, error: "str | None", final: bool = False, wait_ms: int = 0) -> None:
        if self.download is not None:
            self.download.ended(error, final, wait_ms)


class Download:
    """The download of the file at ``uri``.

    ``sources``: see `source.Source`. ``receiver`` has: ``begin(etag, total, offset)``, what follows starts at that byte
    of the file (0: from the beginning, whatever came before); ``data(data)``, the next bytes; ``end(error, final)``,
    the download is over: ``error`` None: whole; else why not, ``final``: because of the URI or of what is there, not
    of the connection. It may call `cancel` in any of them. ``clock.ms`` is the present time, ``random(n)`` gives n
    random bytes. ``options`` has ``tries``, ``retry_min_s``, ``retry_max_s``.

    ``position``: bytes of the file that the receiver has. ``total``: the length of the file, None while not known.
    ``etag``: of the file. ``failures``: attempts in a row that brought nothing new. ``reason``: why the latest one
    failed, or None. ``mismatched``: there was more or less than announced, that time.

    Raises `ParameterError` for what is no URI, and `NotSupported` for a scheme that no source has.
    """

    def __init__(self, uri: str, sources, receiver, clock, random, options):
        self.uri = uri
        self.position = 0
        self.total: "int | None" = None
        self.etag: "bytes | None" = None
        self.failures = 0
        self.reason: "str | None" = None
        self.mismatched = False
        self.done = False
        self._source = source_for(uri, sources)
        if self._source is None:
            raise NotSupported("no source of files for %s" % uri.partition(":")[0])
        self._receiver = receiver
        self._clock = clock
        self._random = random
        self._options = options
        self._attempt: "_Attempt | None" = None
        self._handle: "Any" = None
        self._due: "int | None" = None
        self._offline = False
        self._best = 0  # the most that was ever there: what counts as new
        self._starts_over = 0
        self._mismatches = 0  # how often there was more or less than announced

    # -- what the owner asks

    def start(self, offset: int = 0, etag: "bytes | None" = None) -> None:
        """Begin; with ``offset`` and ``etag`` after a restart: go on where it ended, if it is still that file."""
        if etag is not None:
            self.position = self._best = offset
            self.etag = etag
        self._try()

    def cancel(self) -> None:
        """End it; the receiver is told nothing more."""
        self.done = True
        self._due = None
        self._drop()

    def go_offline(self) -> None:
        """The host has no network: nothing is tried until `go_online`."""
        self._offline = True
        self._due = None
        self._drop()

    def go_online(self) -> None:
        """The host has a network again: go on at once."""
        self._offline = False
        if not self.done and self._attempt is None:
            self.failures = 0
            self._try()

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._due

    def handle_timer(self) -> None:
        """Try again, where it is time."""
        if self._due is not None and self._due <= self._clock.ms:
            self._try()

    # -- one attempt after the other

    def _try(self) -> None:
        self._due = None
        if self._offline or self.done:
            return
        self.mismatched = False
        attempt = self._attempt = _Attempt(self)
        try:
            # Without a tag nobody can say whether the file is still the same: from the beginning.
            resumed = self.position if self.etag is not None else 0
            handle = self._source.open(self.uri, resumed, self.etag if resumed else None, attempt)
        except Exception as error:  # of the host's own source too: it must not end the loop
            if attempt is self._attempt:
                text = str(error) if isinstance(error, (AtinyError, OSError)) else repr(error)
                self.ended(text, isinstance(error, (ParameterError, NotSupported)), 0)
            return
        if attempt is self._attempt:
            self._handle = handle
        else:  # it is over already
            handle.cancel()

    def _drop(self) -> None:
        """End the attempt that is under way."""
        attempt, handle = self._attempt, self._handle
        self._attempt = self._handle = None
        if attempt is not None:
            attempt.download = None
        if handle is not None:
            handle.cancel()

    def _failed(self, reason: str, final: bool, wait_ms: int = 0) -> None:
        """The attempt is over: the next one comes after the back-off, unless that was the last."""
        self._drop()
        self.reason = reason
        self.failures += 1
        options = self._options
        if final or self.failures >= options.tries or self._starts_over > options.tries:
            self.done = True
            self._receiver.end(reason, final)
            return
        delay = longest = int(options.retry_max_s * 1000)
        if self.failures < 20:
            delay = min(longest, int(options.retry_min_s * 1000) << (self.failures - 1))
        delay = max(delay, min(wait_ms, LONGEST_WAIT_MS))
        # Up to half as long again: devices that lost one server together do not come back together.
        jitter = int.from_bytes(self._random(2), "big")
        self._due = self._clock.ms + delay + delay * jitter // 131072

    def _mismatch(self, reason: str) -> None:
        """The file is not as long as announced. It may have been exchanged just now; twice, it is simply wrong."""
        self._mismatches += 1
        self.mismatched = True
        self.position = 0
        self.etag = None
        self._failed(reason, self._mismatches > 1)

    # -- what the attempt says

    def begun(self, etag: "bytes | None", total: "int | None", offset: int) -> None:
        """See `source`."""
        if offset != self.position:
            if offset:
                self._failed("the source began at byte %d instead of %d" % (offset, self.position), True)
                return
            self._starts_over += 1
            if self._starts_over > self._options.tries:
                self._failed("the file had to be started over %d times" % self._starts_over, False)
                return
            if etag is not None and etag != self.etag:
                self._best = 0  # of another file, every byte is new
        elif offset and total is None:
            total = self.total
        self.position = offset
        self.etag = etag
        self.total = total
        self._receiver.begin(etag, total, offset)

    def arrived(self, data: bytes) -> None:
        """See `source`."""
        position = self.position + len(data)
        if self.total is not None and position > self.total:
            self._mismatch("there is more than the %d bytes that were announced" % self.total)
            return
        self.position = position
        if position > self._best:
            self._best = position
            self.failures = 0
        self._receiver.data(data)

    def ended(self, error: "str | None", final: bool, wait_ms: int) -> None:
        """See `source`."""
        if error is not None:
            self._failed(error, final, wait_ms)
        elif self.total is not None and self.position != self.total:
            self._mismatch("%d bytes came of the %d that were announced" % (self.position, self.total))
        else:
            self._drop()
            self.done = True
            self.reason = None
            self._receiver.end(None, True)
