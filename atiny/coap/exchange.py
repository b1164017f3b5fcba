"""The message layer for one peer (RFC 7252 section 4): duplicates, matching, answers, retransmission. Sans-I/O.

`Exchange` takes datagrams and gives requests of the peer, which are answered with `Exchange.respond`; our own messages
go by `request` and `notify`. What is to be sent lies in ``outbox`` as (id, datagram). Where the id is not 0, the caller
says `sent` or `send_failed` once it knows: a retransmission time-out runs from the moment the datagram really left,
which on a modem may be seconds later.

One confirmable message is outstanding at a time (NSTART 1, section 4.7); others wait in order. A request that the
peer has acknowledged, whose response will come separately, is outstanding no longer: it keeps nobody waiting. Each ends
in exactly one call of its ``on_done(outcome, message)``; only who runs out of memory over a response is told FAILED
after it.

Message ids count up from a random one. None comes again within EXCHANGE_LIFETIME (section 4.4) as long as fewer than
65536 messages of ours go to one peer in that time, 265 a second.

Memory may run out anywhere. Each method allocates before it changes what is held, so that a MemoryError out of here
means that the datagram was not taken, the answer not given, the request or notification not sent; a message that waits
and cannot be handed out is handed out by `handle_timer`.
"""

from ..errors import CodecError
from .codes import ACK, CON, EMPTY, GET, MAX_TRANSMIT_WAIT_MS, NON, RST
from .message import Message, decode, encode, screen
from .replies import ReplyRing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Outcomes of a confirmable message or request.
DONE = 0  # acknowledged (message None), or answered (message: the response)
TIME_OUT = 1  # the retransmissions, or the wait for a separate response, are used up
RESET = 2  # the peer answered with RST
FAILED = 3  # it could not be sent: the peer's port is closed, or the body broke off; or there was no memory for it
CANCELLED = 4  # ended from our side

OUTCOMES = ("done", "time-out", "reset", "failed", "cancelled")

_ANSWERED = 8  # separate responses of the peer that are acknowledged again when they come again
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

    __slots__ = ("mid", "token", "datagram", "is_request", "on_done", "attempts", "timeout_ms", "due", "id")

    def __init__(self, message: Message, is_request: bool, on_done):
        self.mid = message.mid
        self.token = message.token
        self.datagram = encode(message)
        self.is_request = is_request
        self.on_done = on_done
        self.attempts = 0
        self.timeout_ms = 0
        self.due: "Any" = 0  # None: handed out, not yet confirmed as sent
        self.id = 0


class Exchange:
    """The exchanges with one peer. ``random(n)`` gives n random bytes; ``now`` is milliseconds that never wrap."""

    def __init__(self, random, transmission: "Transmission | None" = None):
        self.transmission = parameters = transmission or Transmission()
        self.outbox: list[tuple[int, bytes]] = []
        self._random = random
        seed = random(6)
        # Both go on counting over a reconnect: an answer to an old message never fits a new one.
        self._mid = seed[0] << 8 | seed[1]
        self._token = int.from_bytes(seed[2:6], "big")
        self._id = 0
        # Ours, in the order in which they were asked for: requests that are acknowledged and not answered, so many;
        # then the one that is outstanding, then those that wait.
        self._queue: list[Outgoing] = []
        self._accepted = 0
        self._after: "dict[int, Callable[[], object]]" = {}  # id -> function to call once that datagram has gone
        # (mid, on_done) of the latest non-confirmable notifications
        self._notified: "list[tuple[int, Callable[[int, Message | None], object]]]" = []
        self._answered: list[tuple[int, bytes]] = []  # (mid, token) of the latest separate responses
        self._replies = ReplyRing(parameters.reply_entries, parameters.reply_octets, True)
        self._read_replies = ReplyRing(parameters.read_reply_entries, parameters.read_reply_octets)
        self._key = b""  # under which the reply to the latest request is kept

    # -- receiving

    def receive(self, datagram: bytes, now: int) -> "Message | None":
        """Take a datagram. Returns a request to be answered with `respond`, or None: all else is dealt with here."""
        try:
            message = decode(datagram)
        except CodecError:
            # A malformed confirmable message is rejected, any other is ignored (sections 4.2, 4.3), and so is
            # another version of CoAP (section 3).
            if len(datagram) >= 4 and datagram[0] >> 4 == 4:
                self._send_empty(RST, datagram[2] << 8 | datagram[3])
            return None
        code = message.code
        kind = message.type
        if kind < ACK and 0 < code < 32:
            key = datagram[: 4 + len(message.token)]
            reply = (self._read_replies if code == GET else self._replies).get(key, now)
            if reply is None:
                self._key = key
                return message
            if reply:
                self.outbox.append((0, reply))
        elif code == EMPTY and kind >= ACK:
            self._receive_empty(kind, message.mid, now)
        elif kind != RST and code >> 5 in (2, 4, 5):
            self._receive_response(message)
        elif kind == CON:
            self._send_empty(RST, message.mid)  # a ping (section 4.3), or a code of a reserved class (section 4.2)
        return None

    def _receive_empty(self, kind: int, mid: int, now: int) -> None:
        """An ACK or RST without more."""
        for outgoing in self._queue[: self._accepted + 1]:
            if outgoing.mid == mid:
                if kind == RST:
                    self._end(outgoing, RESET, None)
                elif not outgoing.is_request:
                    self._end(outgoing, DONE, None)
                elif outgoing is self._outstanding():  # its response will come separately (section 5.2.2)
                    outgoing.due = now + MAX_TRANSMIT_WAIT_MS
                    self._accepted += 1
                    self._start_next()
                return
        if kind == RST:
            for entry in self._notified:
                if entry[0] == mid:
                    self._notified.remove(entry)
                    entry[1](RESET, None)
                    return

    def _receive_response(self, message: Message) -> None:
        request = None
        for outgoing in self._queue[: self._accepted + 1]:
            if outgoing.is_request and outgoing.token == message.token:
                request = outgoing
        if request is not None and screen(message):
            request = None  # a critical option that is not recognised: rejected (section 5.4.1)
        kind = message.type
        key = (message.mid, message.token)
        if request is None:
            if kind == CON:
                # Our ACK to a separate response was lost: it comes again, and must be acknowledged, not rejected.
                self._send_empty(ACK if key in self._answered else RST, message.mid)
        elif kind != ACK or request.mid == message.mid:
            if kind == CON:
                self._answered = self._answered[1 - _ANSWERED :] + [key]
                self._send_empty(ACK, message.mid)
            self._end(request, DONE, message)

    # -- answering

    def keep_reply(self, request: Message, reply: bytes, now: int) -> None:
        """Keep the reply to the latest request; empty: that it is carried out, of what must not be done twice."""
        (self._read_replies if request.code == GET else self._replies).put(self._key, reply, now)

    def respond(self, request: Message, response: Message, now: int, separate: bool = False) -> None:
        """Answer the request that `receive` gave last, in its ACK; or separately any one that was acknowledged.

        A non-confirmable request gets a non-confirmable response (section 5.2.3).
        """
        response.token = request.token
        after = response.after
        if request.type != CON:
            response.type = NON
            response.mid = self._next_mid()
        elif separate:
            # Nobody asks whether it arrived: the peer asks again if it did not.
            self._send(response, False, lambda outcome, message: after and after())
            return
        else:
            response.type = ACK
            response.mid = request.mid
        datagram = encode(response)
        if not separate:
            self.keep_reply(request, datagram if request.type == CON else b"", now)
        if after is None:
            self.outbox.append((0, datagram))
        else:
            self._id += 1
            outbox = self.outbox + [(self._id, datagram)]
            self._after[self._id] = after
            self.outbox = outbox

    def acknowledge(self, request: Message, now: int) -> None:
        """The answer takes longer: acknowledge now (section 5.2.2), and `respond` with ``separate=True`` later."""
        if request.type == CON:
            self._send_empty(ACK, request.mid)
            self.keep_reply(request, self.outbox[-1][1], now)

    # -- sending

    def request(self, message: Message, on_done) -> None:
        """Send a confirmable request; ``on_done(DONE, response)`` or another outcome with None."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        message.token = self._token.to_bytes(4, "big")
        self._send(message, True, on_done)

    def notify(self, message: Message, confirmable: bool, on_done) -> None:
        """Send a notification (its token is the observation's); ``on_done(DONE, None)`` once acknowledged.

        A non-confirmable one is only told of a RST that comes back, while it is among the latest of them.
        """
        if confirmable:
            self._send(message, False, on_done)
        else:
            message.type = NON
            message.mid = self._next_mid()
            notified = self._notified[1 - _NOTIFIED :] + [(message.mid, on_done)]
            self.outbox.append((0, encode(message)))
            self._notified = notified

    def cancel(self, token: bytes) -> None:
        """End what is sent or waiting for an observation of the peer's, known by its token, with CANCELLED.

        Requests of ours stay, even where the peer has chosen a token like one of ours.
        """
        ended = [outgoing for outgoing in self._queue if outgoing.token == token and not outgoing.is_request]
        for outgoing in ended:
            self._queue.remove(outgoing)
        self._start_next()
        for outgoing in ended:
            outgoing.on_done(CANCELLED, None)

    def reset(self, outcome: int = CANCELLED) -> None:
        """Drop all that is under way (the link is new): everything ends with ``outcome``, nothing more is sent."""
        ended = self._queue
        after = self._after
        self._queue = []
        self._accepted = 0
        self._after = {}
        self._notified = []
        self._answered = []
        self.outbox = []
        for outgoing in ended:
            outgoing.on_done(outcome, None)
        for function in after.values():
            function()

    @property
    def idle(self) -> bool:
        """Whether no confirmable message is outstanding or waiting, and no response is waited for."""
        return not self._queue

    # -- confirmation of sends, time

    def sent(self, id: int, now: int) -> None:
        """The datagram with that id has left."""
        active = self._outstanding()
        if active is not None and active.id == id:
            if active.due is None:
                active.due = now + active.timeout_ms
        elif id in self._after:
            self._after.pop(id)()

    def send_failed(self, id: int, now: int, refused: bool = False) -> None:
        """The datagram with that id did not leave. Refused: the peer is gone; else it counts as lost on the way."""
        active = self._outstanding()
        if refused and active is not None and active.id == id:
            self._end(active, FAILED, None)
        else:
            self.sent(id, now)

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        active = self._outstanding()
        due = None if active is None else active.due
        if self._accepted and (due is None or self._queue[0].due < due):
            return self._queue[0].due
        return due

    def handle_timer(self, now: int) -> None:
        """Retransmit or give up what is due (section 4.2)."""
        while self._accepted and self._queue[0].due <= now:
            self._end(self._queue[0], TIME_OUT, None)
        active = self._outstanding()
        if active is None or active.due is None or active.due > now:
            return
        if active.attempts > self.transmission.max_retransmit:
            self._end(active, TIME_OUT, None)
        else:
            self._hand_out(active)

    # -- inside

    def _next_mid(self) -> int:
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def _send_empty(self, kind: int, mid: int) -> None:
        self.outbox.append((0, bytes((64 | kind << 4, 0, mid >> 8, mid & 0xFF))))

    def _outstanding(self) -> "Outgoing | None":
        """The message that is outstanding; where memory ran out over it, it is still to be handed out."""
        return self._queue[self._accepted] if len(self._queue) > self._accepted else None

    def _send(self, message: Message, is_request: bool, on_done) -> None:
        message.type = CON
        message.mid = self._next_mid()
        self._queue.append(Outgoing(message, is_request, on_done))
        self._start_next()

    def _start_next(self) -> None:
        """Hand out the message whose turn it is, if it was not."""
        active = self._outstanding()
        if active is not None and not active.attempts:
            try:
                self._hand_out(active)
            except MemoryError:
                pass  # it is due: the timer tries again

    def _hand_out(self, outgoing: Outgoing) -> None:
        """Send the outstanding message, for the first time or again."""
        timeout_ms = outgoing.timeout_ms * 2
        if not outgoing.attempts:
            parameters = self.transmission
            spread = parameters.ack_random_permille - 1000
            jitter = int.from_bytes(self._random(2), "big")
            timeout_ms = parameters.ack_timeout_ms + parameters.ack_timeout_ms * spread * jitter // 65535000
        self.outbox.append((self._id + 1, outgoing.datagram))
        self._id += 1
        outgoing.id = self._id
        outgoing.attempts += 1
        outgoing.timeout_ms = timeout_ms
        outgoing.due = None

    def _end(self, outgoing: Outgoing, outcome: int, message: "Message | None") -> None:
        """End one that is under way. The next one starts before its owner hears of it: the order is kept."""
        if outgoing is self._outstanding():
            self._queue.pop(self._accepted)
            self._start_next()
        else:
            self._queue.remove(outgoing)
            self._accepted -= 1
        try:
            outgoing.on_done(outcome, message)
        except MemoryError:
            if message is not None:
                outgoing.on_done(FAILED, None)
            raise
