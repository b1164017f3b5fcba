"""Duplicate detection: the replies to what a peer asked, kept so that a repeated request is answered, not repeated.

RFC 7252 section 4.5 wants a reply kept for EXCHANGE_LIFETIME (247 s). A device cannot keep every reply of four
minutes, so what is kept is bounded in number and in bytes, and what goes first is what is safest to lose:

- Replies to GET have a small ring of their own. When it is full, in number or in bytes, the oldest goes. A repeated
  GET whose reply is gone is executed again, which is safe: GET changes nothing (section 5.1), and section 4.5 allows it
  by name. (A repeated Observe begins the same observation again, under the same token; a peer that has ended it since
  answers the next notification with RST.) So a burst of reads can never push out the reply to a write.
- Replies to POST, PUT and DELETE have a larger ring. When it is full in number the oldest goes. A peer keeps NSTART =
  1, one request in flight: when its next request is here it has the reply to the one before, and what may still arrive
  is a copy that the network delayed. For such a copy to be executed twice, the network must hold it back while the
  peer sends ``entries`` further writes. When it is full in bytes, only the oldest reply goes: that its request was
  executed is still known, and a copy of it is dropped in silence.

A request is known by its header and token, not by its message id alone: a peer that restarted and uses a message id
again with another token is not answered with another request's reply.
"""

from .codes import EXCHANGE_LIFETIME_MS


class ReplyRing:
    """The latest replies, at most ``entries`` of them and ``octets`` bytes; the oldest is evicted first.

    ``remember``: where the bytes are too many, forget the reply but not that the request was executed.
    """

    __slots__ = ("_octets", "_remember", "_held", "_keys", "_next", "_replies")

    def __init__(self, entries: int, octets: int, remember: bool = False):
        self._octets = octets
        self._remember = remember
        self._held = 0  # bytes of all replies
        self._keys = [b""] * entries  # a ring: the oldest, or an empty place, is at _next
        self._next = 0
        self._replies: dict[bytes, tuple[int, bytes]] = {}

    def get(self, key: bytes, now: int) -> "bytes | None":
        """The reply to that request (b"": it was taken, and has no reply to repeat), or None where it is new."""
        found = self._replies.get(key)
        if found is None or now - found[0] >= EXCHANGE_LIFETIME_MS:
            return None
        return found[1]

    def put(self, key: bytes, reply: bytes, now: int) -> None:
        """Keep a reply; a second one for the same request replaces the first."""
        if len(reply) > self._octets:
            return
        replies = self._replies
        keys = self._keys
        old = replies.get(key)
        replies[key] = (now, reply)  # first: where memory runs out, nothing has changed
        if old is not None:
            self._held -= len(old[1])
            if now - old[0] >= EXCHANGE_LIFETIME_MS:  # its time is over: this is another request, and the youngest
                keys[keys.index(key)] = b""
                old = None
        if old is None:
            oldest = keys[self._next]
            if oldest:
                self._held -= len(replies.pop(oldest)[1])
            keys[self._next] = key
            self._next = (self._next + 1) % len(keys)
        self._held += len(reply)
        # Evict the oldest until the bytes fit.
        index = self._next
        for _ in keys:
            if self._held <= self._octets:
                return
            oldest = keys[index]
            if oldest and oldest != key:
                time, reply = replies[oldest]
                if self._remember:
                    replies[oldest] = (time, b"")
                else:
                    del replies[oldest]
                    keys[index] = b""
                self._held -= len(reply)
            index = (index + 1) % len(keys)
