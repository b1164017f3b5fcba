"""Files by http and https on CPython: urllib3 in a thread of the transfer's own, which hands what comes to the loop.

What a source is, and what it calls when, is said in `atiny.fota.source`; this is one. urllib3 comes with the extra
``fota``: pip install atiny[fota].

A file is gone on with where the server gives ranges and a strong entity tag (RFC 9110, 8.8.3, 13.1.5, 14.2); else it
comes from the beginning. Certificates are verified, with the system's authorities or ``ca_certs``. Redirections are
followed, a few, never from https to http. Proxies of the environment are not asked.
"""

from hashlib import sha256

from ..errors import AtinyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from urllib3 import BaseHTTPResponse

    from .base import Platform

CHUNK = 16384  # bytes that are handed over at once, at most
QUEUE = 4  # chunks that wait for the loop, at most
TAG_SIZE = 8
MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
WAIT_MAX_S = 86400
_TRY_AGAIN = (408, 425, 429)  # of the 4xx, those that are about now


class _Failure(AtinyError):
    """The transfer ends with that."""

    def __init__(self, reason: str, final: bool = False, wait_ms: int = 0):
        super().__init__(reason)
        self.final = final
        self.wait_ms = wait_ms


class _Cancelled(AtinyError):
    """The loop wants no more."""


class HttpSource:
    """Opens http and https URIs.

    ``platform``: its `Platform.spawn` starts the threads. ``request(function, argument)``: has the loop call
    ``function(argument, now)``, from any thread (`Loop.request`). ``ca_certs``: a file of certificates, PEM, of the
    authorities to believe; None: the system's. ``connect_timeout_s``; ``read_timeout_s``: the longest silence of the
    server.
    """

    schemes = ("http", "https")

    def __init__(
        self,
        platform: "Platform",
        request: "Callable[[Callable[[Any, int], None], Any], None]",
        ca_certs: "str | None" = None,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
    ):
        self.platform = platform
        self.request = request
        self.ca_certs = ca_certs
        self.connect_timeout_s = connect_timeout_s
        self.read_timeout_s = read_timeout_s
        self.tag = (b"", "")  # the latest entity tag, short and as the server says it

    def open(self, uri: str, offset: int, etag: "bytes | None", receiver: "Any") -> "HttpTransfer":
        """Begin a transfer; see `atiny.fota.source.Source.open`. Raises `NotSupported` where there are no threads."""
        transfer = HttpTransfer(self, uri, offset, etag, receiver)
        self.platform.spawn(transfer.run)
        return transfer


def http_sources(
    platform: "Platform", request: "Callable[[Callable[[Any, int], None], Any], None]"
) -> "list[HttpSource]":
    """The source for HTTP, where urllib3 is installed; else none."""
    from importlib.util import find_spec

    return [HttpSource(platform, request)] if find_spec("urllib3") is not None else []


class HttpTransfer:
    """One transfer. `cancel` is called by the loop, `run` is the thread."""

    def __init__(self, source: HttpSource, uri: str, offset: int, etag: "bytes | None", receiver: "Any"):
        from threading import Semaphore

        self._source = source
        self._uri = uri
        self._offset = offset if etag is not None else 0
        self._etag = etag
        self._receiver = receiver
        self._free = Semaphore(QUEUE)  # what may still be handed over
        self._cancelled = False
        self._response: "BaseHTTPResponse | None" = None

    # -- in the loop

    def cancel(self) -> None:
        """End it: the thread reads nothing more, and ends at the latest with its time-out."""
        self._cancelled = True
        self._free.release()
        response = self._response
        if response is not None:
            try:
                response.shutdown()  # wakes the thread that reads
            except (OSError, RuntimeError, ValueError):
                pass  # it has ended already

    def _deliver(self, words: "tuple[Any, ...]", now: int) -> None:
        """What the thread handed over."""
        if not self._cancelled:
            getattr(self._receiver, words[0])(*words[1:])
        self._free.release()

    # -- in the thread

    def run(self) -> None:
        """Get the file; whatever happens, the loop hears of the end."""
        end: "tuple[Any, ...]"
        try:
            self._fetch()
            end = ("end", None, True, 0)
        except _Failure as failure:
            end = ("end", str(failure), failure.final, failure.wait_ms)
        except _Cancelled:
            return
        except Exception as error:  # urllib3's, http.client's, ssl's, socket's
            end = ("end", str(error) or repr(error), False, 0)
        try:
            self._hand_over(*end)
        except _Cancelled:
            pass

    def _hand_over(self, *words: object) -> None:
        """Have the loop say that to the receiver; waits while it has enough to do."""
        self._free.acquire()
        if self._cancelled:
            raise _Cancelled()
        self._source.request(self._deliver, words)

    def _fetch(self) -> None:
        try:
            import urllib3
            from urllib3.exceptions import LocationValueError
        except ImportError:
            raise _Failure("http needs urllib3: pip install atiny[fota]", True) from None
        source = self._source
        timeout = urllib3.Timeout(connect=source.connect_timeout_s, read=source.read_timeout_s)
        with urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=source.ca_certs, timeout=timeout) as pool:
            try:
                response = self._ask(pool, self._offset)
                if response is None:  # it cannot go on: from the beginning, then
                    response = self._ask(pool, 0)
            except LocationValueError as error:
                raise _Failure(str(error), True) from None
            if response is None:
                raise _Failure("206 without a range asked for", True)
            try:
                self._take(response)
            finally:
                response.close()

    def _ask(self, pool: "Any", offset: int) -> "BaseHTTPResponse | None":
        """The response that has the file from there on, or all of it; None: only another request can give it."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "atiny"}
        if offset:
            # The byte before is asked for too: there may be none after it.
            headers["Range"] = "bytes=%d-" % (offset - 1)
            short, tag = self._source.tag
            if short == self._etag:
                headers["If-Range"] = tag
        response = self._follow(pool, headers)
        status = response.status
        if status == 200:
            return response
        if offset and (status == 416 or (status == 206 and not self._goes_on(response, offset))):
            response.close()
            return None
        if status == 206:
            return response if offset else None
        response.close()
        final = status < 500 and status not in _TRY_AGAIN
        raise _Failure("HTTP %d" % status, final or status in (501, 505), 0 if final else _wait_ms(response))

    def _follow(self, pool: "Any", headers: "dict[str, str]") -> "BaseHTTPResponse":
        """The response to a GET, at the end of its redirections."""
        from urllib.parse import urljoin

        uri = self._uri
        for _ in range(MAX_REDIRECTS + 1):
            if self._cancelled:
                raise _Cancelled()
            response: "BaseHTTPResponse" = pool.request(
                "GET", uri, headers=headers, preload_content=False, decode_content=False, redirect=False, retries=False
            )
            self._response = response
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location:
                return response
            response.close()
            previous, uri = uri, urljoin(uri, location)
            scheme = uri.partition(":")[0].lower()
            if scheme != "https" and (scheme != "http" or previous.lower().startswith("https:")):
                raise _Failure("redirected from %s to %s" % (previous, uri), True)
        raise _Failure("more than %d redirections" % MAX_REDIRECTS, True)

    def _goes_on(self, response: "BaseHTTPResponse", offset: int) -> bool:
        """Whether it is the part that was asked for, of the same file."""
        first = response.headers.get("Content-Range", "").partition("-")[0]
        if first.split() != ["bytes", str(offset - 1)]:
            return False
        tag = _tag(response)
        return tag[0] == self._etag if tag[0] else response.headers.get("ETag") is None and self._validated()

    def _validated(self) -> bool:
        """Whether the server was told the tag, so that a part without one says that it is still the same."""
        return self._source.tag[0] == self._etag

    def _take(self, response: "BaseHTTPResponse") -> None:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise _Failure("the content is encoded as %s" % encoding, True)
        tag = _tag(response)
        if tag[0]:
            self._source.tag = tag
        if response.status == 206:
            total = _number(response.headers.get("Content-Range", "").partition("/")[2])
            self._hand_over("begin", self._etag, total, self._offset)
            skip = 1
        else:
            total = _number(response.headers.get("Content-Length", ""))
            self._hand_over("begin", tag[0] or None, total, 0)
            skip = 0
        while True:
            if self._cancelled:
                raise _Cancelled()
            chunk = response.read1(CHUNK)
            if not chunk:
                return
            if len(chunk) > skip:
                self._hand_over("data", chunk[skip:])
            skip = max(0, skip - len(chunk))


def _tag(response: "BaseHTTPResponse") -> "tuple[bytes, str]":
    """The strong entity tag, as 8 bytes and as the server says it; both empty where there is none."""
    tag = response.headers.get("ETag", "")
    if len(tag) < 2 or tag[0] != '"':  # a weak one does not say that the bytes are the same
        return b"", ""
    return sha256(tag.encode("latin-1", "replace")).digest()[:TAG_SIZE], tag


def _number(text: str) -> "int | None":
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _wait_ms(response: "BaseHTTPResponse") -> int:
    """How long the server wants to be left alone (Retry-After: seconds or a date)."""
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    value = response.headers.get("Retry-After")
    try:
        seconds = Retry().parse_retry_after(value) if value else 0
    except (InvalidHeader, OverflowError, ValueError):
        return 0
    return int(min(seconds, WAIT_MAX_S) * 1000)
