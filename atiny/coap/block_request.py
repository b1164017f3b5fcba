"""Block-wise transfer (RFC 7959) of what we ask: a long request goes in Block1 blocks, a long answer comes in Block2.

The peer may ask for smaller blocks than ours in its answer to the first one (2.31, or 4.13 before it took any), and we
for smaller ones than its: in a GET that says so at once, or in what we ask for next.
"""

from . import codes
from .blockwise import LARGEST_SZX, asked, block_value, with_option
from .codes import BLOCK1, BLOCK2, ETAG, SIZE1
from .exchange import DONE, FAILED, Exchange
from .message import Message, uint_bytes


class BlockRequest:
    """One request of ours with its answer, either of them in blocks where it is long.

    ``on_done(outcome, response)`` is called once, with the joined response.
    """

    def __init__(self, exchange: Exchange, message: Message, on_done, szx: int = LARGEST_SZX, max_body: int = 16384):
        self._exchange = exchange
        self._message = message
        self._on_done = on_done
        self._szx = szx
        self._max_body = max_body
        self._blocks = len(message.payload) > 16 << szx
        self._sent = 0  # bytes of the request's body that the peer has
        self._answer: "bytearray | None" = None
        self._etag: "bytes | None" = None

    def start(self) -> None:
        """Send the request, or its first block."""
        message = self._message
        options = message.options
        part = message.payload
        if self._blocks:
            size = 16 << self._szx
            part = message.payload[self._sent : self._sent + size]
            more = self._sent + size < len(message.payload)
            options = with_option(options, BLOCK1, block_value(self._sent // size, more, self._szx))
            if self._sent == 0:
                options = with_option(options, SIZE1, uint_bytes(len(message.payload)))
        elif message.code == codes.GET and self._szx < LARGEST_SZX and message.option(BLOCK2) is None:
            options = with_option(options, BLOCK2, block_value(0, False, self._szx))  # the largest that we want
        self._exchange.request(Message(message.code, options, part), self._sent_answered)

    def _sent_answered(self, outcome: int, response: "Message | None") -> None:
        if outcome != DONE or response is None:
            self._on_done(outcome, None)
            return
        block1 = response.uint(BLOCK1)
        szx = self._szx if block1 is None else min(self._szx, block1 & 7)
        sent = self._sent + (16 << self._szx) if self._blocks else len(self._message.payload)
        if response.code == codes.REQUEST_ENTITY_TOO_LARGE and self._sent == 0 and szx < self._szx:
            # Section 2.9.3: the peer says which size it takes.
            self._blocks = True
            self._szx = szx
            self.start()
        elif response.code >> 5 == 2 and sent < len(self._message.payload):
            # 2.31, or another success where the peer acts on each block by itself (section 2.3).
            if block1 is None:
                self._on_done(FAILED, None)
                return
            self._sent = sent
            self._szx = szx
            self.start()
        elif response.code == codes.CONTINUE:
            self._on_done(FAILED, None)
        else:
            self._answered(DONE, response)

    def _answered(self, outcome: int, response: "Message | None") -> None:
        if outcome != DONE or response is None:
            self._on_done(outcome, None)
            return
        block2 = response.uint(BLOCK2)
        answer = self._answer
        if response.code >> 5 != 2 or (answer is None and (block2 is None or block2 < 8)):
            self._on_done(DONE, response)  # an error, or all in one piece
            return
        if answer is None:
            answer = self._answer = bytearray()
            self._etag = response.option(ETAG)
        if block2 is None or not self._fits(response, block2, len(answer)):
            self._on_done(FAILED, None)
            return
        answer += response.payload
        if block2 & 8:
            szx = min(self._szx, block2 & 7)
            value = block_value(len(answer) >> szx + 4, False, szx)
            options = with_option(asked(self._message), BLOCK2, value)
            self._exchange.request(Message(self._message.code, options), self._answered)
        else:
            response.payload = bytes(answer)
            self._on_done(DONE, response)

    def _fits(self, response: Message, block2: int, length: int) -> bool:
        """Whether a block of the answer is the next one, of the same representation, and not too much."""
        if block2 & 7 > LARGEST_SZX or response.option(ETAG) != self._etag:
            return False
        size = 16 << (block2 & 7)
        part = len(response.payload)
        if part > size or (block2 & 8 and part != size) or length + part > self._max_body:
            return False
        return (block2 >> 4) * size == length
