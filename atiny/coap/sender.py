"""Our messages to one peer: how they are repeated, in what order they go, and how each ends (RFC 7252 section 4).

What is to be sent lies in ``outbox`` as (id, datagram). Where the id is not 0, the caller says `sent` or `send_failed`
once it knows: a retransmission time-out runs from the moment the datagram really left, which on a modem may be seconds
later.

One confirmable message is outstanding at a time (NSTART 1, section 4.7); others wait in order. A request that the
peer has acknowledged, whose response will come separately, is outstanding no longer: it keeps nobody waiting. Each ends
in exactly one call of its ``on_done(outcome, message)``.

Message ids count up from a random one. None comes again within EXCHANGE_LIFETIME (section 4.4) as long as fewer than
65536 messages of ours go to one peer in that time, 265 a second.
"""

from .codes import CON, MAX_TRANSMIT_WAIT_MS, NON
from .message import Message, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Outcomes of a confirmable message or request.
DONE = 0  # acknowledged (message None), or answered (message: the response)
TIME_OUT = 1  # the retransmissions, or the wait for a separate response, are used up
RESET = 2  # the peer answered with RST
FAILED = 3  # it could not be sent: the peer's port is closed, or the body broke off
CANCELLED = 4  # ended from our side

OUTCOMES = ("done", "time-out", "reset", "failed", "cancelled")

_NOTIFIED = 16  # non-confirmable notifications that a RST can still be told to


class Transmission:
    """The transmission parameters of section 4.8; times in milliseconds.

    ``ack_random_permille``: ACK_RANDOM_FACTOR in thousandths. Reply ring sizes: see `replies`. How long replies are
    kept, and a separate response is waited for, is up to the peer's parameters: those of section 4.8 are taken.
    """

    def __init__(
        self,
        ack_timeout_ms: int = 2000,
        ack_random_permille: int = 1500,
        max_retransmit: int = 4,
        reply_entries: int = 32,
        reply_octets: int = 4096,
        read_reply_entries: int = 16,
        read_reply_octets: int = 4096,
    ):
        self.ack_timeout_ms = ack_timeout_ms
        self.ack_random_permille = ack_random_permille
        self.max_retransmit = max_retransmit
        self.reply_entries = reply_entries
        self.reply_octets = reply_octets
        self.read_reply_entries = read_reply_entries
        self.read_reply_octets = read_reply_octets


class Outgoing:
    """A confirmable message on its way, or waiting for its turn."""

    __slots__ = ("mid", "token", "datagram", "is_request", "on_done", "attempts", "timeout_ms", "due", "sending", "id")

    def __init__(self, message: Message, is_request: bool, on_done):
        self.mid = message.mid
        self.token = message.token
        self.datagram = encode(message)
        self.is_request = is_request
        self.on_done = on_done
        self.attempts = 0
        self.timeout_ms = 0
        self.due = 0
        self.sending = True  # handed out, not yet confirmed as sent
        self.id = 0

    def answers(self, token: bytes) -> bool:
        """Whether it goes to the peer under a token that the peer chose."""
        return not self.is_request and self.token == token


class Sender:
    """The messages to one peer. ``random(n)`` gives n random bytes; ``now`` is milliseconds that never wrap."""

    def __init__(self, random, transmission: "Transmission | None" = None):
        self.transmission = transmission or Transmission()
        self.outbox: list[tuple[int, bytes]] = []
        self._random = random
        seed = random(6)
        # Both go on counting over a reconnect: an answer to an old message never fits a new one.
        self._mid = seed[0] << 8 | seed[1]
        self._token = int.from_bytes(seed[2:6], "big")
        self._id = 0
        self._active: "Outgoing | None" = None  # the one that is outstanding
        self._waiting: list[Outgoing] = []
        self._accepted: list[Outgoing] = []  # requests that are acknowledged and not answered, the oldest first
        self._after: "dict[int, Callable[[], object]]" = {}  # id -> function to call once that datagram has gone
        # (mid, on_done) of the latest non-confirmable notifications
        self._notified: "list[tuple[int, Callable[[int, Message | None], object]]]" = []

    # -- sending

    def request(self, message: Message, on_done) -> None:
        """Send a confirmable request; ``on_done(DONE, response)`` or another outcome with None."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        message.token = self._token.to_bytes(4, "big")
        message.type = CON
        message.mid = self._next_mid()
        self._enqueue(Outgoing(message, True, on_done))

    def notify(self, message: Message, confirmable: bool, on_done) -> None:
        """Send a notification (its token is the observation's); ``on_done(DONE, None)`` once acknowledged.

        A non-confirmable one is only told of a RST that comes back, while it is among the latest of them.
        """
        message.mid = self._next_mid()
        if confirmable:
            message.type = CON
            self._enqueue(Outgoing(message, False, on_done))
        else:
            message.type = NON
            self.outbox.append((0, encode(message)))
            self._notified = self._notified[1 - _NOTIFIED :] + [(message.mid, on_done)]

    def cancel(self, token: bytes) -> None:
        """End what is sent or waiting for an observation of the peer's, known by its token, with CANCELLED.

        Requests of ours stay, even where the peer has chosen a token like one of ours.
        """
        waiting = self._waiting
        self._waiting = [outgoing for outgoing in waiting if not outgoing.answers(token)]
        if self._active is not None and self._active.answers(token):
            self._end(self._active, CANCELLED, None)
        for outgoing in waiting:
            if outgoing.answers(token):
                outgoing.on_done(CANCELLED, None)

    def reset(self, outcome: int = CANCELLED) -> None:
        """Drop all that is under way (the link is new): everything ends with ``outcome``, nothing more is sent."""
        ended = self._under_way() + self._waiting
        self._active = None
        self._waiting = []
        self._accepted = []
        self._notified = []
        self.outbox = []
        after = self._after
        self._after = {}
        for outgoing in ended:
            outgoing.on_done(outcome, None)
        for function in after.values():
            function()

    @property
    def idle(self) -> bool:
        """Whether no confirmable message is outstanding or waiting, and no response is waited for."""
        return self._active is None and not self._accepted

    # -- confirmation of sends, time

    def sent(self, id: int, now: int) -> None:
        """The datagram with that id has left."""
        active = self._active
        if active is not None and active.id == id:
            if active.sending:
                active.sending = False
                active.due = now + active.timeout_ms
        elif id in self._after:
            self._after.pop(id)()

    def send_failed(self, id: int, now: int, refused: bool = False) -> None:
        """The datagram with that id did not leave. Refused: the peer is gone; else it counts as lost on the way."""
        active = self._active
        if refused and active is not None and active.id == id:
            self._end(active, FAILED, None)
        else:
            self.sent(id, now)

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        active = self._active
        due = None if active is None or active.sending else active.due
        if self._accepted and (due is None or self._accepted[0].due < due):
            return self._accepted[0].due
        return due

    def handle_timer(self, now: int) -> None:
        """Retransmit or give up what is due (section 4.2)."""
        while self._accepted and self._accepted[0].due <= now:
            self._end(self._accepted[0], TIME_OUT, None)
        active = self._active
        if active is None or active.sending or active.due > now:
            return
        if active.attempts >= self.transmission.max_retransmit:
            self._end(active, TIME_OUT, None)
        else:
            active.attempts += 1
            active.timeout_ms *= 2
            self._hand_out(active)

    # -- inside

    def _next_mid(self) -> int:
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def _send_empty(self, kind: int, mid: int) -> None:
        self.outbox.append((0, bytes((64 | kind << 4, 0, mid >> 8, mid & 0xFF))))

    def _enqueue(self, outgoing: Outgoing) -> None:
        if self._active is None:
            self._start(outgoing)
        else:
            self._waiting.append(outgoing)

    def _start(self, outgoing: Outgoing) -> None:
        parameters = self.transmission
        spread = parameters.ack_random_permille - 1000
        jitter = int.from_bytes(self._random(2), "big")
        outgoing.timeout_ms = parameters.ack_timeout_ms + parameters.ack_timeout_ms * spread * jitter // 65535000
        self._active = outgoing
        self._hand_out(outgoing)

    def _hand_out(self, outgoing: Outgoing) -> None:
        self._id += 1
        outgoing.id = self._id
        outgoing.sending = True
        self.outbox.append((self._id, outgoing.datagram))

    def _start_next(self) -> None:
        if self._waiting:
            self._start(self._waiting.pop(0))

    def _under_way(self) -> "list[Outgoing]":
        """What was sent and has no end yet, in the order in which it was asked for."""
        return self._accepted + ([] if self._active is None else [self._active])

    def _accept(self, request: Outgoing, now: int) -> None:
        """The outstanding request is acknowledged: its response will come separately (section 5.2.2)."""
        request.due = now + MAX_TRANSMIT_WAIT_MS
        self._accepted.append(request)
        self._active = None
        self._start_next()

    def _end(self, outgoing: Outgoing, outcome: int, message: "Message | None") -> None:
        """End one that is under way. The next one starts before its owner hears of it: the order is kept."""
        if outgoing is self._active:
            self._active = None
            self._start_next()
        else:
            self._accepted.remove(outgoing)
        outgoing.on_done(outcome, message)
