"""A file is fetched from its URI, whatever happens on the way: tried again, gone on with, started over.

An attempt that fails is followed by another after a back-off that doubles, with jitter, and goes on where the last
one ended. Only failures in a row without a single new byte count: ``tries`` of them end the download. So do more than
``tries`` starts over: a server whose image is another one each time, or that cannot go on with it, does not keep the
device busy for ever.
"""

from ..errors import NotSupported, ParameterError
from .machine import CONNECTION_LOST, INTEGRITY, INVALID_URI

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LONGEST_WAIT_MS = 3600000  # that a server may ask for
_DOUBLINGS = 19  # of the back-off, at the most


class _Attempt:
    """The receiver of one attempt: what the source says late, after its end, is not heard."""

    def __init__(self, download: "Download"):
        self.begin: "Callable[..., None]" = download.begun
        self.data: "Callable[..., None]" = download.arrived
        self.end: "Callable[..., None]" = download.ended


def _unheard(*_: object) -> None:
    """Nobody wants to know."""


class Download:
    """The download of the file at ``uri``; it begins with the first `go_on`.

    ``agent`` has: ``clock.ms``, the time; ``random(n)``, n random bytes; ``offline``, None but while the host has no
    network. ``sources``: see `source.Source`. ``options`` has ``tries``, ``retry_min_s``, ``retry_max_s``.

    A subclass has: ``begin(offset)``, what follows starts at that byte of the file (0: from the beginning, whatever
    came before); ``data(data)``, the next bytes; ``whole()``, that was all; ``failed(result, reason)``, it is given up:
    the Update Result, and the text that says why the latest attempt failed. It may call `cancel` in any of them.

    ``position``: bytes of the file that are here. ``total``: the length of the file, None while not known. ``etag``: of
    the file. ``failures``: attempts in a row that brought nothing new.

    Raises `ParameterError` for what is no URI, and `NotSupported` for a scheme that no source has.
    """

    if TYPE_CHECKING:

        def begin(self, offset: int) -> None: ...
        def data(self, data: bytes) -> None: ...
        def whole(self) -> object: ...
        def failed(self, result: int, reason: str) -> None: ...

    def __init__(self, agent, uri: str, sources, options):
        self._agent = agent
        self._uri = uri
        self._source = source_for(uri, sources)
        self._options = options
        self.position = 0
        self.total: "int | None" = None
        self.etag: "bytes | None" = None
        self.failures = 0
        self.due: "int | None" = agent.clock.ms  # None: an attempt is under way, or it is over
        self._attempt: "_Attempt | None" = None
        self._transfer: "Any" = None  # of the attempt; see `source.Transfer`
        self._best = 0  # the most that was ever there: what counts as new
        self._starts_over = 0
        self._mismatched = False  # there was more or less than announced, once

    # -- what the owner asks

    def cancel(self) -> None:
        """End the attempt that is under way, or to come: nothing more is heard of it."""
        attempt, transfer = self._attempt, self._transfer
        self._attempt = self._transfer = self.due = None
        if attempt is not None:
            attempt.begin = attempt.data = attempt.end = _unheard
        if transfer is not None:
            transfer.cancel()

    def network_changed(self) -> None:
        """The host has no network any more, or has one again: the next attempt is due as soon as there is one."""
        if self.due is not None or (self._attempt is not None and self._agent.offline is not None):
            self.cancel()
            self.failures = 0
            self.due = self._agent.clock.ms

    def deadline(self) -> "int | None":
        """When `go_on` is to be called, or None."""
        return self.due if self._agent.offline is None else None

    def go_on(self) -> None:
        """It is time for the next attempt."""
        self.due = None
        attempt = self._attempt = _Attempt(self)
        try:
            # Without a tag nobody can say whether the file is still the same: from the beginning.
            resumed = self.position if self.etag is not None else 0
            transfer = self._source.open(self._uri, resumed, self.etag if resumed else None, attempt)
        except Exception as error:  # of the host's own source too: it must not end the loop
            if attempt is self._attempt:
                final = isinstance(error, (ParameterError, NotSupported))
                self._end_attempt(str(error) or repr(error), INVALID_URI if final else CONNECTION_LOST)
            return
        if attempt is self._attempt:
            self._transfer = transfer
        else:  # it is over already
            transfer.cancel()

    def _end_attempt(self, reason: str, result: int, wait_ms: int = 0) -> None:
        """It has failed: after a lost connection the next one comes after the back-off, unless it was the last."""
        self.cancel()
        self.failures += 1
        options = self._options
        if result != CONNECTION_LOST or self.failures >= options.tries or self._starts_over > options.tries:
            self.failed(result, reason)
            return
        doubled_ms = int(options.retry_min_s * 1000) << min(self.failures - 1, _DOUBLINGS)
        delay = max(min(doubled_ms, int(options.retry_max_s * 1000)), min(wait_ms, LONGEST_WAIT_MS))
        # Up to half as long again: devices that lost one server together do not come back together.
        jitter = int.from_bytes(self._agent.random(2), "big")
        self.due = self._agent.clock.ms + delay + delay * jitter // 131072

    def _mismatch(self) -> None:
        """The file is not as long as announced. It may have been exchanged just now; twice, it is simply wrong."""
        result = INTEGRITY if self._mismatched else CONNECTION_LOST
        self._mismatched = True
        self.position = 0
        self.etag = None
        self._end_attempt("the file is not of the %s bytes that were announced" % self.total, result)

    # -- what the attempt says: see `source`

    def begun(self, etag: "bytes | None", total: "int | None", offset: int) -> None:
        if offset != self.position:
            if offset:
                self._end_attempt("the source began at byte %d instead of %d" % (offset, self.position), INVALID_URI)
                return
            self._starts_over += 1
            if self._starts_over > self._options.tries:
                self._end_attempt("the file had to be started over %d times" % self._starts_over, CONNECTION_LOST)
                return
            if etag is not None and etag != self.etag:
                self._best = 0  # of another file, every byte is new
        elif offset and total is None:
            total = self.total
        self.position = offset
        self.etag = etag
        self.total = total
        self.begin(offset)

    def arrived(self, data: bytes) -> None:
        position = self.position + len(data)
        if self.total is not None and position > self.total:
            self._mismatch()
            return
        self.position = position
        if position > self._best:
            self._best = position
            self.failures = 0
        self.data(data)

    def ended(self, error: "str | None", final: bool = False, wait_ms: int = 0) -> None:
        if error is not None:
            self._end_attempt(error, INVALID_URI if final else CONNECTION_LOST, wait_ms)
        elif self.total is not None and self.position != self.total:
            self._mismatch()
        else:
            self.cancel()
            self.whole()


def source_for(uri: str, sources: "Any") -> "Any":
    """The first of the sources that opens URIs of this scheme. `ParameterError`: it is no URI with an authority;
    `NotSupported`: there is none."""
    scheme, _, rest = uri.partition("://")
    scheme = scheme.lower()
    valid = rest[:1] not in ("", "/", "?", "#") and scheme[:1].isalpha()
    for char in uri:
        valid = valid and "!" <= char <= "~"  # everything else is percent-encoded (RFC 3986, 2)
    for char in scheme:
        valid = valid and (char.isalpha() or char in "+-.0123456789")
    if not valid:
        raise ParameterError("%r is not a URI such as coap://host/path" % (uri,))
    for source in sources:
        if scheme in source.schemes:
            return source
    raise NotSupported("no source of files for %s" % scheme)
