"""Block1 transfers that are not joined: each block goes where it belongs as it comes (RFC 7959 section 2.5).

`BlockServer` holds a long request until it is whole, and so bounds its length. A body that is longer than the memory,
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
from .blockwise import LARGEST_SZX, BlockServer, asked, block_value
from .codes import BLOCK1, BLOCK2, SIZE1
from .message import Message


class _Stream:
    """A transfer, under the method and options of its requests. It is over where there is no ``sink`` any more."""

    __slots__ = ("code", "options", "opened", "sink", "total", "written", "start", "latest", "value", "time", "answer")

    def __init__(self, request: Message, sink):
        self.code = request.code
        self.options = asked(request)
        self.opened = (request.mid, request.token)
        self.sink = sink
        self.total: "int | None" = None
        self.written = 0  # bytes
        # Of the latest block: where in the body it began, its payload, Block1 and time.
        self.start = 0
        self.latest = b""
        self.value = b""
        self.time = 0
        self.answer: "Message | None" = None  # to the block with which it was over


class Streams:
    """The streamed transfer of one peer; one at a time. All other requests go on to ``blocks``.

    ``opener(request)`` is asked with each first block that has others to follow. It gives a sink; or None, and the body
    is joined as always; or a Message that refuses. Where another transfer, of other options, is under way, that is
    abandoned once the opener has given a sink for the new one.

    ``due``: when `handle_timer` is to be called, or None.
    """

    def __init__(self, opener, blocks: BlockServer, szx: int = LARGEST_SZX):
        self.due: "int | None" = None
        self._opener = opener
        self._blocks = blocks
        self._szx = szx
        self._stream: "_Stream | None" = None

    def serve(self, request: Message, now: int) -> "Message | None":
        """The response to a request that has an option of block-wise transfer; see `BlockServer.serve`."""
        stream = self._stream
        options = request.options
        # Block 7,000 of an image passes here as block 1 did: its options are those of the first, and then Block1.
        if (
            stream is not None
            and options[-1][0] == BLOCK1
            and options[:-1] == stream.options
            and request.code == stream.code
        ):
            return self._take(stream, request, options[-1][1], now)
        return self._find(request, now)

    def abandon(self) -> None:
        """End the transfer: what was under way is void."""
        stream = self._stream
        self._stream = self.due = None
        if stream is not None and stream.sink is not None:
            stream.sink.abandon()

    def handle_timer(self, now: int) -> None:
        """Abandon a transfer of which nothing is heard any more."""
        if self.due is not None and self.due <= now:
            self.abandon()

    def _find(self, request: Message, now: int) -> "Message | None":
        """The transfer to which a request belongs, or a new one; else it is not for us."""
        value = request.option(BLOCK1)
        if value is None or request.code not in (codes.PUT, codes.POST) or (request.uint(BLOCK2) or 0) >> 4:
            return self._blocks.serve(request, now)
        stream = self._stream
        if stream is not None and (stream.code, stream.options) == (request.code, asked(request)):
            return self._take(stream, request, value, now)
        return self._open(request, value, now)

    def _open(self, request: Message, value: bytes, now: int) -> "Message | None":
        block1 = int.from_bytes(value, "big")
        if block1 >> 4 or not block1 & 8 or not _sound(block1, len(request.payload)):
            return self._blocks.serve(request, now)
        opened = self._opener(request)
        if opened is None:
            return self._blocks.serve(request, now)
        if isinstance(opened, Message):
            return self._blocks.cut(request, opened, now)
        self.abandon()
        stream = self._stream = _Stream(request, opened)
        return self._write(stream, request, value, block1, now)

    def _take(self, stream: _Stream, request: Message, value: bytes, now: int) -> "Message | None":
        """A block of the transfer that is known."""
        block1 = int.from_bytes(value, "big")
        payload = request.payload
        start = (block1 >> 4) << (block1 & 7) + 4
        if now - stream.time >= codes.EXCHANGE_LIFETIME_MS:
            self.abandon()
            return self._open(request, value, now)
        if not _sound(block1, len(payload)):
            return self._blocks.serve(request, now)  # which says what is wrong
        if start and start == stream.written and stream.sink is not None:
            return self._write(stream, request, value, block1, now)
        copy = not start and (request.mid, request.token) == stream.opened
        if value == stream.value and payload == stream.latest and (start or copy or stream.sink is not None):
            stream.time = now
            if stream.answer is not None:
                return self._over(stream.answer, request, now)
            self.due = now + codes.EXCHANGE_LIFETIME_MS
            return self._continue(value, block1)
        if copy:
            # The network kept a copy of the first message for so long that its reply is forgotten: nothing starts over.
            return self._continue(value, block1)
        if not start:
            self.abandon()
            return self._open(request, value, now)
        if start == stream.start and payload != stream.latest[: len(payload)]:
            self.abandon()
        return Message(codes.REQUEST_ENTITY_INCOMPLETE, None, b"not the next block")

    def _write(self, stream: _Stream, request: Message, value: bytes, block1: int, now: int) -> Message:
        """The next block."""
        payload = request.payload
        if request.options[-1][0] != BLOCK1:
            announced = request.uint(SIZE1)
            if announced is not None:
                stream.total = announced
        start = stream.start = stream.written
        stream.written = start + len(payload)
        stream.latest = payload
        stream.value = value
        stream.time = now
        try:
            if payload:
                stream.sink.write(start, payload, stream.total)
            if block1 & 8:
                self.due = now + codes.EXCHANGE_LIFETIME_MS
                return self._continue(value, block1)
            stream.sink.end()
            answer = Message(codes.CHANGED)
        except Rejected as error:
            answer = Message(error.code, None, error.diagnostic.encode())
        answer.options = [(BLOCK1, block_value(block1 >> 4, False, block1 & 7))]
        stream.answer = answer
        stream.sink = self.due = None
        return self._over(answer, request, now)

    def _continue(self, value: bytes, block1: int) -> Message:
        """2.31. A larger block than we like is taken, and the next ones asked for in our size (section 2.3)."""
        if block1 & 7 > self._szx:
            value = block_value(block1 >> 4, True, self._szx)
        return Message(codes.CONTINUE, [(BLOCK1, value)])

    def _over(self, answer: Message, request: Message, now: int) -> Message:
        """What is sent of the last answer, now or again."""
        return self._blocks.cut(request, Message(answer.code, answer.options, answer.payload), now)


def _sound(block1: int, length: int) -> bool:
    """Whether the payload of a block has the length that its Block1 says."""
    size = 16 << (block1 & 7)
    return block1 & 7 <= LARGEST_SZX and (length == size if block1 & 8 else length <= size)
