"""The conformance check for a `Socket`, with an echo server of its own on the loopback interface."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import suppress

from ..adapter.base import Socket
from ..errors import TransportError
from .checks import Checklist
from .echo import LATE_S, Echo, free_port

AT_ONCE_S = 0.15
SHORT_MS = 80


def check_socket(
    factory: Callable[[], Socket],
    host: str = "127.0.0.1",
    port: int | None = None,
    timeout_ms: int = 2000,
    can_refuse: bool = True,
) -> list[str]:
    """Check the sockets of ``factory()`` against an echo server; about half a second.

    ``port`` None: an echo of this function's own, on ``host``. A modem that cannot reach the loopback interface needs
    an echo of yours: give its ``host`` and ``port``; it sends each datagram back, one that begins with b"late" after
    0.15 s. ``timeout_ms``: how long an echo may take. ``can_refuse`` False: the hardware cannot tell that nobody
    listens at a port.
    """
    if port is not None:
        return _check(factory, host, port, timeout_ms, can_refuse, own_echo=False)
    with Echo(host) as echo:
        return _check(factory, host, echo.port, timeout_ms, can_refuse, own_echo=True)


def _check(
    factory: Callable[[], Socket], host: str, port: int, timeout_ms: int, can_refuse: bool, own_echo: bool
) -> list[str]:
    check = Checklist("Socket")
    link = factory()
    try:
        link.connect(host, port, "udp")
        _check_datagrams(check, link, timeout_ms)
        _check_waiting(check, link, timeout_ms)
        if hasattr(link, "fileno"):
            _check_fileno(check, link, timeout_ms)
        if own_echo:
            _check_strangers(check, link, timeout_ms)
        _check_two(check, link, factory, host, port, timeout_ms)
        _check_close(check, link, factory)
    finally:
        with suppress(Exception):  # what is wrong with close() was said, or there is something worse to say
            link.close()
    _check_errors(check, factory, host, timeout_ms, can_refuse)
    return check.done


def _check_datagrams(check: Checklist, link: Socket, timeout_ms: int) -> None:
    start = time.monotonic()
    nothing = link.recv(2048)
    check.rule(
        "recv gives None where no datagram is there",
        nothing is None,
        f"{nothing!r}",
        'return None for EAGAIN ("would block"), not b""',
    )
    check.rule(
        "recv never blocks",
        time.monotonic() - start < AT_ONCE_S,
        f"it took {int((time.monotonic() - start) * 1000)} ms",
        "make the link non-blocking when it is connected",
    )
    for size in (1, 100, 1280):
        data = bytes(range(256)) * 5
        data = data[:size]
        sent = link.send(data)
        check.rule("send gives the datagram's length", sent == size, f"{sent!r} for {size} bytes", "return len(data)")
        answer = link.recv_timeout(2048, timeout_ms)
        check.rule(
            "a datagram of up to 1280 bytes arrives whole, as bytes",
            type(answer) is bytes and answer == data,
            f"{_shown(answer)} came back for {size} bytes",
            "send and receive bytes as they are: no text mode, no cut, no escape",
        )
    for data in (b"one", b"two", b"three"):
        link.send(data)
    received = [link.recv_timeout(2048, timeout_ms) for _ in range(3)]
    check.rule(
        "one recv gives one datagram",
        sorted(map(str, received)) == sorted(map(str, (b"one", b"two", b"three"))),
        f"{received!r} for one, two, three",
        "keep the datagrams' boundaries: a datagram is not part of a stream",
    )
    link.send(b"0123456789")
    cut = link.recv_timeout(4, timeout_ms)
    rest = link.recv(2048)
    check.rule(
        "a datagram is cut to size, its rest is gone",
        cut == b"0123" and rest is None,
        f"{cut!r}, then {rest!r}",
        "drop what does not fit; the next recv begins with the next datagram",
    )


def _check_waiting(check: Checklist, link: Socket, timeout_ms: int) -> None:
    start = time.monotonic()
    nothing = link.recv_timeout(2048, SHORT_MS)
    waited_ms = int((time.monotonic() - start) * 1000)
    check.rule(
        "recv_timeout waits for its time, and then gives None",
        nothing is None and SHORT_MS * 0.8 <= waited_ms <= SHORT_MS + 500,
        f"{nothing!r} after {waited_ms} ms where {SHORT_MS} were asked for",
        "its time-out is in milliseconds; return None, raise nothing, when it is over",
    )
    start = time.monotonic()
    nothing = link.recv_timeout(2048, 0)
    check.rule(
        "recv_timeout with 0 does not wait",
        nothing is None and time.monotonic() - start < AT_ONCE_S,
        f"{nothing!r} after {int((time.monotonic() - start) * 1000)} ms",
        "0 milliseconds are none; they do not mean without end",
    )
    link.send(b"late")
    start = time.monotonic()
    answer = link.recv_timeout(2048, timeout_ms + 10_000)
    waited_ms = int((time.monotonic() - start) * 1000)
    check.rule(
        "recv_timeout returns when a datagram comes",
        answer == b"late" and waited_ms < LATE_S * 1000 + timeout_ms,
        f"{answer!r} after {waited_ms} ms",
        "wait for the datagram and for the time-out at once: poll, or an event",
    )
    nothing = link.recv(2048)
    check.rule(
        "recv still does not block after recv_timeout",
        nothing is None,
        f"{nothing!r}",
        "do not leave a time-out set on the socket",
    )


def _check_fileno(check: Checklist, link: Socket, timeout_ms: int) -> None:
    fd = link.fileno()  # type: ignore[attr-defined]
    check.rule("fileno gives a descriptor", type(fd) is int and fd >= 0, f"{fd!r}", "leave fileno out if there is none")
    quiet = select.select([fd], [], [], 0)[0]
    check.rule(
        "the descriptor is not readable while nothing is there",
        not quiet,
        "it is readable",
        "give the descriptor that the datagrams arrive at",
    )
    link.send(b"readable")
    readable = select.select([fd], [], [], timeout_ms / 1000)[0]
    answer = link.recv(2048)
    check.rule(
        "the descriptor becomes readable when a datagram is there",
        bool(readable) and answer == b"readable",
        f"readable: {bool(readable)}, then recv gave {answer!r}",
        "give the descriptor that the datagrams arrive at, or leave fileno out",
    )
    quiet = select.select([fd], [], [], 0)[0]
    check.rule(
        "the descriptor is quiet again after recv",
        not quiet,
        "it is still readable",
        "take the datagram off the descriptor in recv; a thread that reads ahead needs a pipe of its own",
    )


def _check_strangers(check: Checklist, link: Socket, timeout_ms: int) -> None:
    link.send(b"stranger")
    answers = [link.recv_timeout(2048, timeout_ms), link.recv_timeout(2048, SHORT_MS)]
    check.rule(
        "only the peer's datagrams are received",
        answers == [b"stranger", None],
        f"{answers!r}",
        "connect the UDP socket to its peer, or compare each datagram's source with it",
    )


def _check_two(
    check: Checklist, link: Socket, factory: Callable[[], Socket], host: str, port: int, timeout_ms: int
) -> None:
    second = factory()
    try:
        second.connect(host, port, "udp")
        link.send(b"first")
        second.send(b"second")
        answers = [second.recv_timeout(2048, timeout_ms), link.recv_timeout(2048, timeout_ms)]
    finally:
        second.close()
    check.rule(
        "two sockets do not mix",
        answers == [b"second", b"first"],
        f"{answers!r}",
        "keep the link in the object, not in the class or the module",
    )
    link.send(b"after")
    answer = link.recv_timeout(2048, timeout_ms)
    check.rule(
        "closing one socket leaves the others open",
        answer == b"after",
        f"{answer!r}",
        "close only what is the object's",
    )


def _check_close(check: Checklist, link: Socket, factory: Callable[[], Socket]) -> None:
    try:
        link.close()
        link.close()
        factory().close()
    except Exception as error:
        check.rule(
            "close may be called twice, and before connect", False, repr(error), "do nothing where nothing is open"
        )
    check.rule("close may be called twice, and before connect", True, "", "")


def _check_errors(
    check: Checklist, factory: Callable[[], Socket], host: str, timeout_ms: int, can_refuse: bool
) -> None:
    link = factory()
    error = _error_of(lambda: link.connect("no-such-host.invalid", 5683, "udp"))
    link.close()
    check.rule(
        "a name that does not resolve is a TransportError",
        isinstance(error, TransportError),
        f"connect raised {error!r}",
        "raise TransportError from connect; nothing else says so early",
    )
    if not can_refuse:
        return
    link = factory()
    refused = free_port(host)

    def insist() -> None:
        link.connect(host, refused, "udp")
        deadline = time.monotonic() + timeout_ms / 1000
        while time.monotonic() < deadline:
            link.send(b"anyone?")
            link.recv_timeout(2048, 20)

    error = _error_of(insist)
    link.close()
    check.rule(
        "a closed port is a TransportError with refused=True",
        isinstance(error, TransportError) and error.refused,
        f"{error!r}, refused={getattr(error, 'refused', None)}",
        "map ECONNREFUSED of send and recv; check_socket(can_refuse=False) where the hardware cannot tell",
    )


def _error_of(function: Callable[[], object]) -> Exception | None:
    try:
        function()
    except Exception as error:
        return error
    return None


def _shown(data: bytes | None) -> str:
    return repr(data) if data is None or len(data) <= 32 else f"{len(data)} bytes, {data[:16]!r}..."
