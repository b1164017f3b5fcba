"""What the DTLS sessions of both runtimes share: the time of a handshake, and what is read off records (RFC 6347).

Their libraries leave some things to the caller. They have no timer that can be asked for: retransmissions, after 1, 2,
4, ... seconds of the wall clock, happen when the library is called, so its timer is followed here and the library is
called when it should have run out. A wrong key is mostly silence, so a handshake as a whole has a time-out. And an
error spends the library's session. A handshake that breaks, by a forged record, therefore ends this session too: who
owns it makes another, on another port, where a server that has half of a handshake in its memory hears it.
"""

from .session import HANDSHAKE_TIMEOUT_MS, Session

TYPE_CHECKING = False

RETRANSMIT_MS = 1000  # of both libraries, doubled each time (RFC 6347, 4.2.4.1)
POLL_MS = 100  # until the library is asked again, where its timer had not yet run out

HEADER = 13  # content type 1, version 2, epoch 2, sequence number 6, length 2 (RFC 6347, 4.1)
MAX_RECORDS = 16384  # a longer datagram is nobody's

# Codes of Mbed TLS, which is below both runtimes.
FATAL_ALERT = 0x7780
CLOSE_NOTIFY = 0x7880


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
            self._step(now, b"", None)

    def receive(self, datagram: bytes, now: int) -> "tuple[bytes, ...]":
        protected = self.ready
        datagram = self._whole_records(datagram)
        if not datagram or self.closed:
            return ()
        if not protected and self._due is not None:
            self._step(now, datagram, False)
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
        self._end(reason % (self._timeout_ms // 1000))

    def close(self) -> None:
        if self.ready:
            try:
                self._farewell()
            except Exception:
                pass  # it is a courtesy
        self._end(None)

    # -- the handshake

    def _step(self, now: int, datagram: bytes, timer: "bool | None") -> None:
        """Go on with the handshake: take a datagram where there is one, let the ``timer`` run out, or begin (None)."""
        sent = len(self._out)
        try:
            if timer is None:
                self._open()
            if datagram:
                self._feed(datagram)
            over = self._advance()
        except Exception as error:
            self._lose(error, datagram)
            return
        if over:
            self.ready = True
            self._due = None
        elif len(self._out) > sent:  # a flight: once more, or a new one, which has a time-out of its own
            self._wait_ms = self._wait_ms * 2 if timer else self.retransmit_ms
            self._due = min(now + self._wait_ms, self._until)
        elif timer:
            self._due = min(now + POLL_MS, self._until)

    def _whole_records(self, datagram: bytes) -> bytes:
        """The datagram without what follows its last whole record; b"" where it does not begin with one.

        A rest that is shorter than a header is an internal error to Mbed TLS, which ends the session: whoever can send
        a datagram could do that.

        In a handshake the records that are not yet protected (epoch 0) get sequence numbers of our own: nothing proves
        theirs. The libraries drop what was there before, so that one forged record would have them drop all that the
        server says; a message that comes again they know by the number inside.
        """
        size = len(datagram)
        end = 0
        changed = None if self.ready else bytearray(datagram)
        while HEADER <= size - end and size <= MAX_RECORDS:
            after = end + HEADER + (datagram[end + 11] << 8 | datagram[end + 12])
            if after > size:
                break
            if changed is not None and datagram[end + 3 : end + 5] == b"\0\0":
                self._records += 1
                changed[end + 5 : end + 11] = self._records.to_bytes(6, "big")
            end = after
        if changed is not None:
            return bytes(changed[:end])
        return datagram if end == size else datagram[:end]

    # -- the end

    def _lose(self, error: Exception, datagram: bytes = b"") -> None:
        """End it over what the library raised, for that datagram."""
        code = self._code(error)
        if self.ready:
            reason = "the session broke: %s" % error
            if code == CLOSE_NOTIFY:
                reason = "the server closed the session"
            elif code == FATAL_ALERT:
                reason = "the server ended the session (fatal alert)"
        else:
            reason = "the handshake broke: %s" % error
            if code == FATAL_ALERT:
                words = "fatal alert"
                try:
                    from .alerts import alert_reason

                    words = alert_reason(datagram)
                except ImportError:  # a build without the words for it
                    pass
                reason = "the server refused the handshake: " + words
        self._end(reason)

    def _end(self, reason: "str | None") -> None:
        if not self.closed:
            self.error = reason
            self.closed = True
            self.ready = False
            self._due = None
            self._release()

    if TYPE_CHECKING:  # of the runtime's library

        def _open(self) -> None: ...
        def _advance(self) -> bool: ...
        def _feed(self, datagram: bytes) -> None: ...
        def _read(self) -> "bytes | None": ...
        def _release(self) -> None: ...
        def _code(self, error: Exception) -> int: ...

    def _farewell(self) -> None:
        """Put the close_notify into ``_out``, where the library can."""
