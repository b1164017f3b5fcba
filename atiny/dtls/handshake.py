"""What the DTLS sessions of both runtimes share: the time of a handshake, and what is read off records (RFC 6347).

Their libraries leave some things to the caller. They have no timer that can be asked for: retransmissions, after 1, 2,
4, ... seconds of the wall clock, happen when the library is called, so its timer is followed here and the library is
called when it should have run out. A wrong key is mostly silence, so a handshake as a whole has a time-out. And an
error spends the library's session. A handshake that breaks, by a forged record, therefore ends this session too: who
owns it makes another, on another port, where a server that has half of a handshake in its memory hears it.
"""

from .session import HANDSHAKE_TIMEOUT_MS, Session

RETRANSMIT_MS = 1000  # of both libraries, doubled each time (RFC 6347, 4.2.4.1)
POLL_MS = 100  # until the library is asked again, where its timer had not yet run out

HEADER = 13  # content type 1, version 2, epoch 2, sequence number 6, length 2 (RFC 6347, 4.1)
MAX_RECORDS = 16384  # a longer datagram is nobody's
_ALERT = 21
_FATAL = 2

# Codes of Mbed TLS, which is below both runtimes.
FATAL_ALERT = 0x7780
CLOSE_NOTIFY = 0x7880

_REASONS = {
    20: "bad_record_mac: wrong PSK",
    40: "handshake_failure: no cipher suite in common, or unknown identity",
    47: "illegal_parameter: unknown identity or wrong PSK",
    51: "decrypt_error: wrong PSK",
    70: "protocol_version: it has no DTLS 1.2",
    71: "insufficient_security: no cipher suite in common",
    80: "internal_error",
    115: "unknown_psk_identity",
}


class SecureSession(Session):
    """The client's side of one DTLS session, whose library a subclass calls.

    It has: ``_open()`` (begin; what the library writes goes to ``_out``), ``_feed(datagram)``, ``_advance()`` (go on
    with the handshake; returns whether it is over), ``_read()`` (the next plaintext, None: there is none),
    ``_farewell()`` and ``_release()``. All but the last may raise what the library raises, of which ``_code(error)`` is
    the number.
    """

    ready = False
    retransmit_ms = RETRANSMIT_MS  # the library's first time-out

    def __init__(self, timeout_ms: int = HANDSHAKE_TIMEOUT_MS):
        self._timeout_ms = timeout_ms
        self._until = 0
        self._due: "int | None" = None  # None: no handshake is under way
        self._wait_ms = 0
        self._records = 0  # of the handshake, that were taken
        self._out: "list[bytes]" = []  # what is to be sent, a datagram each; always this list

    # -- the contract

    def start(self, now: int) -> None:
        if self._due is None and not self.closed:
            self._until = self._due = now + self._timeout_ms
            try:
                self._open()
            except Exception as error:  # no memory
                self._fail("the handshake broke: %s" % error)
                return
            self._step(now, b"", False)

    def receive(self, datagram: bytes, now: int) -> "tuple[bytes, ...]":
        datagram = whole_records(datagram)
        if not datagram or self.closed:
            return ()
        protected = self.ready
        if not protected and self._due is not None:
            self._step(now, self._renumbered(datagram), False)
        found: "tuple[bytes, ...]" = ()
        if self.ready:
            try:
                if protected:
                    self._feed(datagram)
                plaintext = self._read()
                while plaintext is not None:
                    found += (plaintext,)
                    plaintext = self._read()
            except Exception as error:
                self._lose(error)
        return found

    def datagrams(self) -> "tuple[bytes, ...]":
        out = tuple(self._out)
        self._out.clear()
        return out

    def deadline(self) -> "int | None":
        return self._due

    def handle_timer(self, now: int) -> None:
        if self._due is None or now < self._due:
            return
        if now < self._until:
            self._step(now, b"", True)
            return
        # As far as it can be known: a wrong key and a dead server look alike.
        reason = "no answer to the handshake for %d s: wrong PSK or no DTLS server there"
        if self._records:
            reason = "the handshake did not end within %d s: wrong PSK, unknown identity or no common cipher suite"
        self._fail(reason % (self._timeout_ms // 1000))

    def close(self) -> None:
        if self.closed:
            return
        if self.ready:
            try:
                self._farewell()
            except Exception:
                pass  # it is a courtesy
        self._end()

    # -- the handshake

    def _step(self, now: int, datagram: bytes, timer: bool) -> None:
        """Go on with the handshake: begin it, take a datagram (where there is one), or let the ``timer`` run out."""
        sent = len(self._out)
        try:
            if datagram:
                self._feed(datagram)
            over = self._advance()
        except Exception as error:
            if self._code(error) == FATAL_ALERT:
                self._fail("the server refused the handshake: " + alert_reason(datagram))
            else:
                self._fail("the handshake broke: %s" % error)
            return
        if over:
            self.ready = True
            self._due = None
        elif len(self._out) > sent:  # a flight: once more, or a new one, which has a time-out of its own
            self._wait_ms = self._wait_ms * 2 if timer else self.retransmit_ms
            self._due = min(now + self._wait_ms, self._until)
        elif timer:
            self._due = min(now + POLL_MS, self._until)

    def _renumbered(self, datagram: bytes) -> bytes:
        """The records of a handshake with sequence numbers of our own, until they are protected (epoch 0).

        Nothing proves theirs yet. The libraries drop what was there before, so that one forged record would have them
        drop all that the server says; a message that comes again they know by the number inside.
        """
        changed = bytearray(datagram)
        start = 0
        while start < len(changed):
            if changed[start + 3 : start + 5] == b"\0\0":
                self._records += 1
                changed[start + 5 : start + 11] = self._records.to_bytes(6, "big")
            start += HEADER + (changed[start + 11] << 8 | changed[start + 12])
        return bytes(changed)

    # -- the end

    def _lose(self, error: Exception) -> None:
        code = self._code(error)
        if code == CLOSE_NOTIFY:
            self._fail("the server closed the session")
        elif code == FATAL_ALERT:
            self._fail("the server ended the session (fatal alert)")
        else:
            self._fail("the session broke: %s" % error)

    def _fail(self, reason: str) -> None:
        if not self.closed:
            self.error = reason
            self._end()

    def _end(self) -> None:
        self.closed = True
        self.ready = False
        self._due = None
        self._release()

    # -- of the runtime's library

    def _open(self) -> None:
        raise NotImplementedError

    def _advance(self) -> bool:
        raise NotImplementedError

    def _feed(self, datagram: bytes) -> None:
        raise NotImplementedError

    def _read(self) -> "bytes | None":
        raise NotImplementedError

    def _farewell(self) -> None:
        """Put the close_notify into ``_out``, where the library can."""

    def _release(self) -> None:
        raise NotImplementedError

    def _code(self, error: Exception) -> int:
        raise NotImplementedError


def whole_records(datagram: bytes) -> bytes:
    """The datagram without what follows its last whole record; b"" where it does not begin with one.

    A rest that is shorter than a header is an internal error to Mbed TLS, which ends the session: whoever can send a
    datagram could do that.
    """
    size = len(datagram)
    if size > MAX_RECORDS:
        return b""
    end = 0
    while size - end >= HEADER:
        after = end + HEADER + (datagram[end + 11] << 8 | datagram[end + 12])
        if after > size:
            break
        end = after
    return datagram if end == size else datagram[:end]


def alert_reason(datagram: bytes) -> str:
    """What the fatal alert in a datagram says, where it is not encrypted (RFC 5246, 7.2.2)."""
    start = 0
    while len(datagram) - start >= HEADER + 2:
        body = start + HEADER
        if datagram[start] == _ALERT and datagram[start + 3 : start + 5] == b"\0\0" and datagram[body] == _FATAL:
            number = datagram[body + 1]
            return "alert %d, %s" % (number, _REASONS.get(number, "unknown identity or wrong PSK"))
        start = body + (datagram[start + 11] << 8 | datagram[start + 12])
    return "fatal alert, unknown identity or wrong PSK"
