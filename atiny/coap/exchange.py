"""The message layer for one peer (RFC 7252 section 4): duplicates, matching, answers. Sans-I/O.

`Exchange` takes datagrams and gives requests of the peer, which are answered with `Exchange.respond`. What it sends,
and how that is repeated and ends, is in `sender`.
"""

from ..errors import CodecError
from .codes import ACK, CON, EMPTY, GET, NON, RST
from .message import Message, decode, encode
from .options import RESPONSE, screen
from .replies import ReplyRing
from .sender import CANCELLED, DONE, FAILED, OUTCOMES, RESET, TIME_OUT, Outgoing, Sender, Transmission

__all__ = ["CANCELLED", "DONE", "FAILED", "OUTCOMES", "RESET", "TIME_OUT", "Exchange", "Transmission"]

_ANSWERED = 8  # separate responses of the peer that are acknowledged again when they come again


class Exchange(Sender):
    """The exchanges with one peer. ``random(n)`` gives n random bytes; ``now`` is milliseconds that never wrap."""

    def __init__(self, random, transmission: "Transmission | None" = None):
        super().__init__(random, transmission)
        parameters = self.transmission
        self._replies = ReplyRing(parameters.reply_entries, parameters.reply_octets, True)
        self._read_replies = ReplyRing(parameters.read_reply_entries, parameters.read_reply_octets)
        self._request: "Message | None" = None  # the latest one, and what its reply is kept under
        self._request_key = b""
        self._answered: list[tuple[int, bytes]] = []  # (mid, token) of the latest separate responses

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
            replies = self._read_replies if code == GET else self._replies
            key = datagram[: 4 + len(message.token)]
            reply = replies.get(key, now)
            if reply is None:
                if kind == NON or code != GET:
                    replies.put(key, b"", now)
                self._request = message
                self._request_key = key
                return message
            if reply:
                self.outbox.append((0, reply))
            return None
        if code == EMPTY:
            self._receive_empty(kind, message.mid, now)
        elif kind != RST and code >= 64 and code >> 5 in (2, 4, 5):
            self._receive_response(message)
        elif kind == CON:
            self._send_empty(RST, message.mid)  # a code of a reserved class (section 4.2)
        return None

    def _receive_empty(self, kind: int, mid: int, now: int) -> None:
        if kind == CON:  # a ping (section 4.3)
            self._send_empty(RST, mid)
            return
        if kind == NON:  # there is no such thing (section 4.3)
            return
        active = self._active
        if active is not None and active.mid == mid:
            if kind == RST:
                self._end(active, RESET, None)
            elif active.is_request:
                self._accept(active, now)
            else:
                self._end(active, DONE, None)
        elif kind == RST:
            self._receive_reset(mid)

    def _receive_reset(self, mid: int) -> None:
        """A RST that is not for the outstanding message."""
        for request in self._accepted:
            if request.mid == mid:
                self._end(request, RESET, None)
                return
        for index in range(len(self._notified)):
            if self._notified[index][0] == mid:
                on_done = self._notified[index][1]
                self._notified = self._notified[:index] + self._notified[index + 1 :]
                on_done(RESET, None)
                return

    def _receive_response(self, message: Message) -> None:
        request = self._requested(message.token)
        kind = message.type
        if request is not None and screen(message, RESPONSE):
            request = None  # a critical option that is not recognised: rejected (section 5.4.1)
        if kind == ACK:
            if request is not None and request.mid == message.mid:
                self._end(request, DONE, message)
        elif request is not None:
            if kind == CON:
                self._answered = self._answered[1 - _ANSWERED :] + [(message.mid, message.token)]
                self._send_empty(ACK, message.mid)
            self._end(request, DONE, message)
        elif kind == CON:
            # Our ACK to a separate response was lost: it comes again, and must be acknowledged, not rejected.
            known = (message.mid, message.token) in self._answered
            self._send_empty(ACK if known else RST, message.mid)

    def _requested(self, token: bytes) -> "Outgoing | None":
        """The request of ours that is under way with that token."""
        for outgoing in self._under_way():
            if outgoing.is_request and outgoing.token == token:
                return outgoing
        return None

    # -- answering

    def respond(self, request: Message, response: Message, now: int, separate: bool = False) -> None:
        """Answer a request that `receive` gave: in its ACK, or separately where `acknowledge` came before.

        A non-confirmable request gets a non-confirmable response (section 5.2.3).
        """
        response.token = request.token
        if request.type == CON:
            if separate:
                response.type = CON
                response.mid = self._next_mid()
                self._enqueue(Outgoing(response, False, _then(response.after)))
                return
            response.type = ACK
            response.mid = request.mid
            datagram = encode(response)
            self._keep_reply(request, datagram, now)
        else:
            response.type = NON
            response.mid = self._next_mid()
            datagram = encode(response)
        if response.after is None:
            self.outbox.append((0, datagram))
        else:
            self._id += 1
            self._after[self._id] = response.after
            self.outbox.append((self._id, datagram))

    def acknowledge(self, request: Message, now: int) -> None:
        """The answer takes longer: acknowledge now (section 5.2.2), and `respond` with ``separate=True`` later."""
        if request.type == CON:
            empty = bytes((0x60, 0, request.mid >> 8, request.mid & 0xFF))
            self._keep_reply(request, empty, now)
            self.outbox.append((0, empty))

    def reset(self, outcome: int = CANCELLED) -> None:
        self._answered = []
        super().reset(outcome)

    def _keep_reply(self, request: Message, reply: bytes, now: int) -> None:
        replies = self._read_replies if request.code == GET else self._replies
        if request is self._request:  # nearly always: requests are answered as they come
            replies.put(self._request_key, reply, now)


def _then(after):
    """The on_done of a separate response: nobody asks whether it arrived, the peer asks again if it did not."""

    def ended(outcome: int, message: "Message | None") -> None:
        if after is not None:
            after()

    return ended
