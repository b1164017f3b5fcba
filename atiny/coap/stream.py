"""Block1 transfers that are not joined: each block goes where it belongs as it comes (RFC 7959 section 2.5).

`Blocks` holds a long request until it is whole, and so bounds its length. A body that is longer than the memory,
an image of firmware, goes to a sink instead: an object with

- ``write(offset, data, total)``: the next bytes, in order and each once. ``total`` is the latest Size1, or None: an
  estimate of the sender (section 4), which the body may turn out not to keep;
- ``end()``: all of it was written;
- ``abandon()``: it will not be. Nothing has come for EXCHANGE_LIFETIME, or block 0 came again, or the link is gone.

`Rejected`, raised by write or end, is the answer to the block, and the end of the transfer. The sink hears of nothing
after that, nor after end or abandon.

Of a transfer only the latest block is held, to know it again. What comes for it besides the next block:

- the latest block again: the answer to it again (under the same message id the exchange gives that, in `replies`);
- the latest block with other content: the blocks are of two bodies; 4.08, and the transfer is abandoned;
- block 0: the transfer starts over;
- any other block: 4.08, and the transfer waits for the right one.
"""

from ..errors import Rejected
from . import codes
from .blockwise import Blocks, asked, block_value, is_sound
from .codes import BLOCK1, BLOCK2, SIZE1
from .message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Streams:
    """The streamed transfer of one peer; one at a time. All other requests go on to ``blocks``.

    ``opener(request)`` is asked with each first block that has others to follow. It gives a sink; or None, and the body
    is joined as always; or a Message that refuses. Where another transfer, of other options, is under way, that is
    abandoned once the opener has given a sink for the new one.

    ``due``: when `handle_timer` is to be called, or None.
    """

    def __init__(self, opener, blocks: Blocks):
        self.due: "int | None" = None
        self._opener = opener
        self._blocks = blocks
        # The latest transfer, known by the method and options of its requests. It is over where it has no sink.
        self._code = 0
        self._options: "list[tuple[int, bytes]]" = []
        self._opened: "tuple[int, bytes] | None" = None  # message id and token of block 0
        self._sink: "Any" = None
        self._total: "int | None" = None
        self._written = 0  # bytes
        self._answer: "Message | None" = None  # to the block with which it was over
        # Of the latest block: its payload, Block1 and time.
        self._latest = b""
        self._value = b""
        self._time = 0

    def take(self, request: Message, now: int) -> "Message | None":
        """The response to a request that has an option of block-wise transfer; see `Blocks.take`."""
        options = request.options
        # Block 7,000 of an image passes here as block 1 did: its options are those of the first, and then Block1.
        if options[-1][0] == BLOCK1 and options[:-1] == self._options and request.code == self._code:
            return self._next(request, options[-1][1], now)
        value = request.option(BLOCK1)
        if value is None or request.code not in (codes.PUT, codes.POST) or (request.uint(BLOCK2) or 0) >> 4:
            return self._blocks.take(request, now)
        if request.code == self._code and asked(request) == self._options:
            return self._next(request, value, now)
        return self._open(request, value, now)

    def abandon(self) -> None:
        """End the transfer: what was under way is void."""
        sink = self._sink
        self._sink = self.due = None
        self._code = 0  # of no request
        if sink is not None:
            sink.abandon()

    def handle_timer(self, now: int) -> None:
        """Abandon a transfer of which nothing is heard any more."""
        if self.due is not None and self.due <= now:
            self.abandon()

    def _open(self, request: Message, value: bytes, now: int) -> "Message | None":
        """A transfer that is not known: a new one, or it is not for us."""
        block1 = int.from_bytes(value, "big")
        if 8 <= block1 < 16 and is_sound(block1, len(request.payload)):
            opened = self._opener(request)
            if isinstance(opened, Message):
                return self._blocks.cut(request, opened, now)
            if opened is not None:
                self.abandon()
                self._sink = opened
                self._code = request.code
                self._options = asked(request)
                self._opened = (request.mid, request.token)
                self._total = self._answer = None
                self._written = 0
                return self._write(request, value, block1, now)
        return self._blocks.take(request, now)

    def _next(self, request: Message, value: bytes, now: int) -> "Message | None":
        """A block of the transfer that is known."""
        block1 = int.from_bytes(value, "big")
        payload = request.payload
        start = (block1 >> 4) << (block1 & 7) + 4
        if now - self._time >= codes.EXCHANGE_LIFETIME_MS:
            self.abandon()
            return self._open(request, value, now)
        if not is_sound(block1, len(payload)):
            return self._blocks.take(request, now)  # which says what is wrong
        if start and start == self._written and self._sink is not None:
            return self._write(request, value, block1, now)
        copy = not start and (request.mid, request.token) == self._opened
        if value == self._value and payload == self._latest and (start or copy or self._sink is not None):
            self._time = now
            if self._answer is not None:
                return self._blocks.cut(request, self._answer, now)
            self.due = now + codes.EXCHANGE_LIFETIME_MS
        elif not copy:
            if not start:
                self.abandon()
                return self._open(request, value, now)
            if start == self._written - len(self._latest) and payload != self._latest[: len(payload)]:
                self.abandon()
            raise Rejected(codes.REQUEST_ENTITY_INCOMPLETE, "not the next block")
        # A copy of block 0 may have been kept by the network for so long that its reply is forgotten: nothing starts
        # over.
        return self._blocks.go_on(value, block1)

    def _write(self, request: Message, value: bytes, block1: int, now: int) -> Message:
        """The next block."""
        sink = self._sink
        payload = request.payload
        if request.options[-1][0] != BLOCK1 and request.option(SIZE1) is not None:
            self._total = request.uint(SIZE1)
        start = self._written
        self._written = start + len(payload)
        self._latest = payload
        self._value = value
        self._time = now
        try:
            if payload:
                sink.write(start, payload, self._total)
            if block1 & 8:
                self.due = now + codes.EXCHANGE_LIFETIME_MS
                return self._blocks.go_on(value, block1)
            self._sink = None
            sink.end()
            answer = Message(codes.CHANGED)
        except Rejected as error:
            answer = Message(error.code, None, str(error.diagnostic).encode())
        answer.options = [(BLOCK1, block_value(block1 >> 4, False, block1 & 7))]
        self._answer = answer
        self._sink = self.due = None
        return self._blocks.cut(request, answer, now)
