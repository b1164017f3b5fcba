"""Block-wise transfer (RFC 7959) of what a peer asks, above the message exchange; `block_request`: of what we ask.

`BlockServer` joins the Block1 blocks of a request and cuts a long response into Block2 blocks. What is held is bounded:
a peer cannot make the device join more than ``max_body`` bytes a transfer, nor hold more than two transfers in each
direction.

A transfer of the peer is known by its method and options, not by its token, which may change from block to block. Two
transfers to one resource are told apart by the Request-Tag (RFC 9175), which is an option like others here.
"""

import binascii

from . import codes
from .codes import BLOCK1, BLOCK2, ETAG, OBSERVE, SIZE1, SIZE2
from .message import Message, uint_bytes

MAX_TRANSFERS = 2
LARGEST_SZX = 6  # 1024 bytes; 7 is reserved (section 2.2)


def block_value(number: int, more: bool, szx: int) -> bytes:
    """The value of a Block option (section 2.2): block ``number`` of size 2**(szx + 4), ``more`` to come."""
    return uint_bytes(number << 4 | (8 if more else 0) | szx)


def with_option(options: "list[tuple[int, bytes]]", number: int, value: bytes) -> "list[tuple[int, bytes]]":
    """A copy of the options with this one added, or put in the place of those of the same number."""
    kept = [option for option in options if option[0] < number]
    kept.append((number, value))
    return kept + [option for option in options if option[0] > number]


def without(options: "list[tuple[int, bytes]]", numbers: "tuple[int, ...]") -> "list[tuple[int, bytes]]":
    """The options but those of these numbers."""
    return [option for option in options if option[0] not in numbers]


def asked(message: Message) -> "list[tuple[int, bytes]]":
    """The options that say what is asked, without those that say which part of it."""
    return without(message.options, (OBSERVE, BLOCK1, BLOCK2, SIZE1, SIZE2))


def _copy(response: Message) -> Message:
    return Message(response.code, response.options, response.payload)


class _Transfer:
    """What is held of a transfer of the peer, under the request's method and options.

    Of a Block1 transfer: the blocks in ``body``; once ``whole`` the ``request``, until there is its ``answer``. Of a
    Block2 transfer: the ``answer``.
    """

    __slots__ = ("key", "time", "body", "last", "whole", "request", "answer")

    def __init__(self, key: tuple, now: int, answer: "Message | None" = None):
        self.key = key
        self.time = now  # of the latest block
        self.body = bytearray()
        self.last = 0  # where in the body the latest block began
        self.whole = answer is not None
        self.request: "Message | None" = None
        self.answer = answer


class _Transfers:
    """The transfers in one direction. One that is over goes first, else the one that was silent longest."""

    __slots__ = ("_all",)

    def __init__(self):
        self._all: "list[_Transfer]" = []

    def add(self, transfer: _Transfer) -> None:
        self._expire(transfer.time)
        self.drop(transfer.key)
        if len(self._all) >= MAX_TRANSFERS:
            oldest = self._all[0]
            for other in self._all:
                if (other.whole, -other.time) > (oldest.whole, -oldest.time):
                    oldest = other
            self._all.remove(oldest)
        self._all.append(transfer)

    def find(self, key: tuple, now: int) -> "_Transfer | None":
        self._expire(now)
        for transfer in self._all:
            if transfer.key == key:
                return transfer
        return None

    def drop(self, key: tuple) -> None:
        self._all = [transfer for transfer in self._all if transfer.key != key]

    def _expire(self, now: int) -> None:
        self._all = [transfer for transfer in self._all if now - transfer.time < codes.EXCHANGE_LIFETIME_MS]


class BlockServer:
    """Both directions of block-wise transfer for the requests of one peer.

    ``handler(request)`` gives the response to a whole request, or None for one that is answered later: by `finish`.
    ``szx``: the largest block we send and ask for, 2**(szx + 4) bytes.
    """

    def __init__(self, handler, szx: int = LARGEST_SZX, max_body: int = 16384):
        self._handler = handler
        self._szx = szx
        self._max_body = max_body
        self._requests = _Transfers()
        self._responses = _Transfers()

    def serve(self, request: Message, now: int) -> "Message | None":
        """The response to a request that may be one block of a longer one, or ask for one block of the answer."""
        block1 = request.uint(BLOCK1)
        block2 = request.uint(BLOCK2)
        for block in (block1, block2):
            if block is not None and block & 7 > LARGEST_SZX:
                return Message(codes.BAD_REQUEST, None, b"block size 7 is reserved")
        if block2 is not None and block2 >> 4:
            if block1 is not None:
                return Message(codes.BAD_REQUEST, None, b"a later block of an answer that is not there yet")
            held = self._responses.find((request.code, asked(request)), now)
            if held is not None and held.answer is not None:
                held.time = now
                return self.cut(request, _copy(held.answer), now)
            if request.code != codes.GET:  # only GET may be executed again (RFC 7252 section 5.1)
                return Message(codes.REQUEST_ENTITY_INCOMPLETE, None, b"the answer is no longer here")
            request.options = without(request.options, (OBSERVE,))  # only block 0 begins an observation (section 2.6)
        if block1 is not None:
            if request.code in (codes.GET, codes.DELETE):  # their payload has no meaning, so blocks of it have none
                return Message(codes.BAD_OPTION, None, b"option %d" % BLOCK1)
            response = self._take_block(request, block1, now)
            if response is not None:
                return response
        response = self._handler(request)
        return None if response is None else self.finish(request, response, now)

    def finish(self, request: Message, response: Message, now: int) -> Message:
        """What is sent of a handler's response: with its Block1 where the request had one, cut where it is long."""
        block1 = request.uint(BLOCK1)
        if block1 is not None:
            response.options = with_option(response.options, BLOCK1, block_value(block1 >> 4, False, block1 & 7))
            transfer = self._requests.find((request.code, asked(request)), now)
            if transfer is not None and transfer.request is request:
                transfer.request = None
                transfer.answer = _copy(response)
        return self.cut(request, response, now)

    def cut(self, request: Message, response: Message, now: int) -> Message:
        """The block of a response that the request asked for; a short response asked for whole is left as it is."""
        block2 = request.uint(BLOCK2)
        body = response.payload
        start = 0
        szx = self._szx
        if block2 is not None:
            start = (block2 >> 4) << (block2 & 7) + 4
            szx = min(szx, block2 & 7)
        size = 16 << szx
        if response.code >> 5 != 2:
            if len(body) > size:
                response.payload = _clipped(body, size)
            return response
        if not start and len(body) <= size:
            if block2 is not None:
                response.options = with_option(response.options, BLOCK2, block_value(0, False, szx))
            return response
        if start >= len(body):
            return Message(codes.BAD_REQUEST, None, b"there is no such block")
        options = response.options
        if start:
            options = without(options, (OBSERVE, BLOCK1))  # they belong to the first block
        else:
            self._responses.add(_Transfer((request.code, asked(request)), now, response))
            options = with_option(options, SIZE2, uint_bytes(len(body)))
        # A tag that tells one representation from the next: the peer must not join blocks of two (section 2.4).
        options = with_option(options, ETAG, binascii.crc32(body).to_bytes(4, "big"))
        options = with_option(options, BLOCK2, block_value(start // size, start + size < len(body), szx))
        part = Message(response.code, options, body[start : start + size])
        part.after = response.after
        return part

    def _take_block(self, request: Message, block1: int, now: int) -> "Message | None":
        """Add a Block1 block. None: the request is whole, its payload the joined one; else the answer to the block."""
        number = block1 >> 4
        more = block1 & 8
        szx = block1 & 7
        payload = request.payload
        size = 16 << szx
        key = (request.code, asked(request))
        if len(payload) > size or (more and len(payload) != size):
            return Message(codes.BAD_REQUEST, None, b"the payload is not of the block's size")
        if number == 0 and not more:
            self._requests.drop(key)
            return None
        announced = request.uint(SIZE1)
        start = number * size
        end = start + len(payload)
        if end > self._max_body or (announced is not None and announced > self._max_body):
            self._requests.drop(key)
            return Message(codes.REQUEST_ENTITY_TOO_LARGE, [(SIZE1, uint_bytes(self._max_body))])
        if number == 0:
            transfer = _Transfer(key, now)
            self._requests.add(transfer)
        else:
            found = self._requests.find(key, now)
            if found is None:
                return Message(codes.REQUEST_ENTITY_INCOMPLETE, None, b"the blocks before it are not here")
            transfer = found
        transfer.time = now
        body = transfer.body
        if transfer.whole:
            if not more and start == transfer.last:
                return self._answer_again(request, transfer, now)
        elif start == len(body):
            transfer.last = start
            body += payload
        elif not more or body[start:end] != payload:
            start = -1  # neither the next block nor one that is here already
        if start < 0 or transfer.whole:
            self._requests.drop(key)
            return Message(codes.REQUEST_ENTITY_INCOMPLETE, None, b"a block is missing")
        if more:
            # A larger block than we like is taken, and the next ones asked for in our size (section 2.3).
            return Message(codes.CONTINUE, [(BLOCK1, block_value(number, True, min(szx, self._szx)))])
        request.payload = bytes(body)
        transfer.body = bytearray()
        transfer.whole = True
        transfer.request = request
        return None

    def _answer_again(self, request: Message, transfer: _Transfer, now: int) -> Message:
        """The last block came again under another message id: the request is not executed again."""
        if transfer.answer is None:
            return Message(codes.SERVICE_UNAVAILABLE, None, b"its answer is under way")
        return self.cut(request, _copy(transfer.answer), now)


def _clipped(diagnostic: bytes, size: int) -> bytes:
    """The text of an error, which is not worth a transfer: its beginning, up to the end of a UTF-8 character."""
    while size and diagnostic[size] & 0xC0 == 0x80:
        size -= 1
    return diagnostic[:size]
