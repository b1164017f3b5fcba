"""Block-wise transfer (RFC 7959) above the message exchange, in both directions: the part `block`.

`Blocks` joins the Block1 blocks of a peer's request and cuts a long response into Block2 blocks. What is held is
bounded: a peer cannot make the device join more than ``max_body`` bytes a transfer, nor hold more than two transfers in
each direction. A transfer of the peer is known by its method and options, not by its token, which may change from block
to block. Two transfers to one resource are told apart by the Request-Tag (RFC 9175), which is an option like others
here.

Of what we ask, a long request goes in Block1 blocks, and a long answer comes in Block2. The peer may ask for smaller
blocks than ours in its answer to the first one (2.31, or 4.13 before it took any), and we for smaller ones than its: in
a GET that says so at once, or in what we ask for next.
"""

import binascii

from ..errors import Rejected
from . import codes
from .codes import BLOCK1, BLOCK2, ETAG, OBSERVE, SIZE1, SIZE2
from .exchange import DONE, FAILED, Exchange
from .message import Message, uint_bytes

MAX_TRANSFERS = 2
LARGEST_SZX = 6  # 1024 bytes; 7 is reserved (section 2.2)


def block_value(number: int, more: bool, szx: int) -> bytes:
    """The value of a Block option (section 2.2): block ``number`` of size 2**(szx + 4), ``more`` to come."""
    return uint_bytes(number << 4 | (8 if more else 0) | szx)


def is_sound(block: int, length: int) -> bool:
    """Whether a payload of that length can be that of a block, by the value of its Block option."""
    size = 16 << (block & 7)
    return block & 7 <= LARGEST_SZX and (length == size if block & 8 else length <= size)


def with_option(options: "list[tuple[int, bytes]]", number: int, value: bytes) -> "list[tuple[int, bytes]]":
    """A copy of the options with this one added, or put in the place of those of the same number."""
    kept = without(options, (number,))
    index = 0
    while index < len(kept) and kept[index][0] < number:
        index += 1
    kept.insert(index, (number, value))
    return kept


def without(options: "list[tuple[int, bytes]]", numbers: "tuple[int, ...]") -> "list[tuple[int, bytes]]":
    """The options but those of these numbers."""
    return [option for option in options if option[0] not in numbers]


def asked(message: Message) -> "list[tuple[int, bytes]]":
    """The options that say what is asked, without those that say which part of it."""
    return without(message.options, (OBSERVE, BLOCK1, BLOCK2, SIZE1, SIZE2))


class _Transfer:
    """What is held of a transfer of the peer, under the request's method and options.

    Of a Block1 transfer: the blocks in ``body``, which is None once they are joined in the ``request``, until there is
    its ``answer``. Of a Block2 transfer: the ``answer``.
    """

    __slots__ = ("key", "time", "body", "last", "request", "answer")

    def __init__(self, key: tuple, now: int, body: "bytearray | None", answer: "Message | None" = None):
        self.key = key
        self.time = now  # of the latest block
        self.body = body
        self.last = 0  # where in the body the latest block began
        self.request: "Message | None" = None
        self.answer = answer


class _Transfers:
    """The transfers in one direction. One that is over goes first, else the one that was silent longest."""

    def __init__(self) -> None:
        self._all: "list[_Transfer]" = []

    def find(self, key: tuple, now: int) -> "_Transfer | None":
        found = None
        for transfer in list(self._all):
            if now - transfer.time >= codes.EXCHANGE_LIFETIME_MS:
                self._all.remove(transfer)
            elif transfer.key == key:
                found = transfer
        return found

    def drop(self, key: tuple, now: int) -> None:
        found = self.find(key, now)
        if found is not None:
            self._all.remove(found)

    def add(self, transfer: _Transfer) -> None:
        self.drop(transfer.key, transfer.time)
        if len(self._all) >= MAX_TRANSFERS:
            self._all.remove(max(self._all, key=lambda other: (other.body is None, -other.time)))
        self._all.append(transfer)


class Blocks:
    """Block-wise transfer with one peer.

    ``szx``: the largest block we send and ask for, 2**(szx + 4) bytes.
    """

    def __init__(self, exchange: Exchange, szx: int, max_body: int):
        self.exchange = exchange
        self.szx = szx
        self.max_body = max_body
        self._requests = _Transfers()
        self._responses = _Transfers()

    # -- what the peer asks

    def take(self, request: Message, now: int) -> "Message | None":
        """Take a request that may be one block of a longer one, or ask for one block of the answer.

        Returns the answer; or None: the request is whole, its payload the joined one, and its response goes through
        `finish`. `Rejected`: it is refused.
        """
        block1 = request.uint(BLOCK1)
        block2 = request.uint(BLOCK2)
        if (block1 or 0) & 7 > LARGEST_SZX or (block2 or 0) & 7 > LARGEST_SZX:
            raise Rejected(codes.BAD_REQUEST, "block size 7 is reserved")
        if block2 is not None and block2 >> 4:
            if block1 is not None:
                raise Rejected(codes.BAD_REQUEST, "a later block of an answer that is not there yet")
            held = self._responses.find((request.code, asked(request)), now)
            if held is not None and held.answer is not None:
                held.time = now
                return self.cut(request, held.answer, now)
            if request.code != codes.GET:  # only GET may be executed again (RFC 7252 section 5.1)
                raise Rejected(codes.REQUEST_ENTITY_INCOMPLETE, "the answer is no longer here")
            request.options = without(request.options, (OBSERVE,))  # only block 0 begins an observation (section 2.6)
        if block1 is None:
            return None
        if request.code in (codes.GET, codes.DELETE):  # their payload has no meaning, so blocks of it have none
            raise Rejected(codes.BAD_OPTION, "option %d" % BLOCK1)
        return self._join(request, block1, now)

    def _join(self, request: Message, block1: int, now: int) -> "Message | None":
        """Add a Block1 block."""
        number = block1 >> 4
        more = block1 & 8
        payload = request.payload
        requests = self._requests
        key = (request.code, asked(request))
        if not is_sound(block1, len(payload)):
            raise Rejected(codes.BAD_REQUEST, "the payload is not of the block's size")
        start = number << (block1 & 7) + 4
        end = start + len(payload)
        if number or more:
            if end > self.max_body or (request.uint(SIZE1) or 0) > self.max_body:
                requests.drop(key, now)
                return Message(codes.REQUEST_ENTITY_TOO_LARGE, [(SIZE1, uint_bytes(self.max_body))])
        else:
            requests.drop(key, now)
            return None
        if number:
            transfer = requests.find(key, now)
            if transfer is None:
                raise Rejected(codes.REQUEST_ENTITY_INCOMPLETE, "the blocks before it are not here")
        else:
            transfer = _Transfer(key, now, bytearray())
            requests.add(transfer)
        transfer.time = now
        body = transfer.body
        if body is None:
            if not more and start == transfer.last:
                # The last block came again under another message id: the request is not executed again.
                if transfer.answer is None:
                    raise Rejected(codes.SERVICE_UNAVAILABLE, "its answer is under way")
                return self.cut(request, transfer.answer, now)
        elif start == len(body):
            transfer.last = start
            body += payload
            if not more:
                request.payload = bytes(body)
                transfer.body = None
                transfer.request = request
                return None
            return self.go_on(uint_bytes(block1), block1)
        elif more and body[start:end] == payload:
            return self.go_on(uint_bytes(block1), block1)
        requests.drop(key, now)
        raise Rejected(codes.REQUEST_ENTITY_INCOMPLETE, "a block is missing")

    def finish(self, request: Message, response: Message, now: int) -> Message:
        """What is sent of a handler's response: with its Block1 where the request had one, cut where it is long."""
        block1 = request.uint(BLOCK1)
        if block1 is not None:
            response.options = with_option(response.options, BLOCK1, block_value(block1 >> 4, False, block1 & 7))
            transfer = self._requests.find((request.code, asked(request)), now)
            if transfer is not None and transfer.request is request:
                transfer.request = None
                transfer.answer = Message(response.code, response.options, response.payload)
        return self.cut(request, response, now)

    def cut(self, request: Message, response: Message, now: int) -> Message:
        """The block of a response that the request asked for; a short response asked for whole is left as it is."""
        block2 = request.uint(BLOCK2)
        options = response.options
        body = response.payload
        start = 0
        szx = self.szx
        if block2 is not None:
            start = (block2 >> 4) << (block2 & 7) + 4
            szx = min(szx, block2 & 7)
        size = 16 << szx
        end = start + size
        if response.code >> 5 != 2:
            # The text of an error is not worth a transfer: its beginning, up to the end of a UTF-8 character.
            if len(body) <= size:
                return response
            start = 0
            end = size
            while end and body[end] & 0xC0 == 0x80:
                end -= 1
        elif not start and len(body) <= size:
            if block2 is None:
                return response
            options = with_option(options, BLOCK2, block_value(0, False, szx))
        elif start >= len(body):
            return Message(codes.BAD_REQUEST, None, b"there is no such block")
        else:
            if start:
                options = without(options, (OBSERVE, BLOCK1))  # they belong to the first block
            else:
                self._responses.add(_Transfer((request.code, asked(request)), now, None, response))
                options = with_option(options, SIZE2, uint_bytes(len(body)))
            # A tag that tells one representation from the next: the peer must not join blocks of two (section 2.4).
            options = with_option(options, ETAG, binascii.crc32(body).to_bytes(4, "big"))
            options = with_option(options, BLOCK2, block_value(start // size, end < len(body), szx))
        part = Message(response.code, options, body[start:end])
        if not start:
            part.after = response.after
        return part

    def go_on(self, value: bytes, block1: int) -> Message:
        """2.31. A larger block than we like is taken, and the next ones asked for in our size (section 2.3)."""
        if block1 & 7 > self.szx:
            value = block_value(block1 >> 4, True, self.szx)
        return Message(codes.CONTINUE, [(BLOCK1, value)])

    # -- what we ask

    def request(self, message: Message, on_done) -> None:
        """Send a request, in blocks where it is long; see `_Request`."""
        _Request(self, message, on_done).send()


class _Request:
    """One request of ours with its answer, either of them in blocks where it is long.

    ``on_done(outcome, response)`` is called once, with the joined response.
    """

    def __init__(self, blocks: Blocks, message: Message, on_done):
        self._exchange = blocks.exchange
        self._szx = blocks.szx
        self._max_body = blocks.max_body
        self._message = message
        self._on_done = on_done
        self._blocks = len(message.payload) > 16 << self._szx
        self._sent = 0  # bytes of the request's body that the peer has
        self._answer: "bytearray | None" = None
        self._etag: "bytes | None" = None

    def send(self) -> None:
        """Send the request, or its next block."""
        message = self._message
        options = message.options
        part = message.payload
        if self._blocks:
            size = 16 << self._szx
            part = part[self._sent : self._sent + size]
            more = self._sent + size < len(message.payload)
            options = with_option(options, BLOCK1, block_value(self._sent // size, more, self._szx))
            if self._sent == 0:
                options = with_option(options, SIZE1, uint_bytes(len(message.payload)))
        elif message.code == codes.GET and self._szx < LARGEST_SZX and message.option(BLOCK2) is None:
            options = with_option(options, BLOCK2, block_value(0, False, self._szx))  # the largest that we want
        self._exchange.request(Message(message.code, options, part), self.sent)

    def sent(self, outcome: int, response: "Message | None") -> None:
        """The end of the request, or of a block of it."""
        if response is not None:
            block1 = response.uint(BLOCK1)
            szx = self._szx if block1 is None else min(self._szx, block1 & 7)
            length = len(self._message.payload)
            sent = self._sent + (16 << self._szx) if self._blocks else length
            if response.code == codes.REQUEST_ENTITY_TOO_LARGE and self._sent == 0 and szx < self._szx:
                # Section 2.9.3: the peer says which size it takes.
                self._blocks = True
                sent = 0
            elif response.code >> 5 != 2 or (sent >= length and response.code != codes.CONTINUE):
                self._answered(outcome, response)
                return
            elif sent >= length or block1 is None:
                outcome = FAILED
            # Else 2.31, or another success where the peer acts on each block by itself (section 2.3).
            if outcome == DONE:
                self._sent = sent
                self._szx = szx
                self.send()
                return
        self._on_done(outcome, None)

    def _answered(self, outcome: int, response: "Message | None") -> None:
        """The answer to all of the request, or the next block of it."""
        answer = self._answer
        if response is not None and response.code >> 5 == 2:
            block2 = response.uint(BLOCK2)
            if answer is None and block2 is not None and block2 >= 8:  # it is not all in one piece
                answer = self._answer = bytearray()
                self._etag = response.option(ETAG)
            if answer is not None:
                part = len(response.payload)
                if (
                    block2 is None
                    or not is_sound(block2, part)
                    or (block2 >> 4) << (block2 & 7) + 4 != len(answer)  # it is not the next one
                    or len(answer) + part > self._max_body
                    or response.option(ETAG) != self._etag  # it is of another representation
                ):
                    self._on_done(FAILED, None)
                    return
                answer += response.payload
                if block2 & 8:
                    szx = min(self._szx, block2 & 7)
                    value = block_value(len(answer) >> szx + 4, False, szx)
                    options = with_option(asked(self._message), BLOCK2, value)
                    self._exchange.request(Message(self._message.code, options), self._answered)
                    return
                response.payload = bytes(answer)
        self._on_done(outcome, response)
