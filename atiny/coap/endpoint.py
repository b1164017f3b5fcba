"""One CoAP peer, whole: message exchange, the check of options, and block-wise transfer where it is needed.

Block-wise transfer (RFC 7959) is a part of its own: it is loaded when the first message needs it, and a small build may
be without it. Then its options are critical ones that are not known (4.02), and a response that is longer than a block
is 5.01.
"""

from ..errors import Rejected
from . import codes
from .codes import BLOCK1, BLOCK2, GET, URI_PATH
from .exchange import FAILED, Exchange, Transmission
from .message import LAST_NOT_EMPTY, LONGEST, Message, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .blockwise import Blocks
    from .stream import Streams


class Endpoint:
    """The exchanges with one peer, seen as requests and responses.

    ``handler(request)`` returns the response to a request of the peer, or None where it will come through `respond`.
    It may see options of block-wise transfer in the request; they are dealt with here. ``szx``: the largest block
    that is sent or asked for, 2**(szx + 4) bytes. ``max_body``: the longest body that is joined from blocks, in bytes.
    ``stream(request)``: asked where a long PUT or POST begins; it gives a sink for its blocks, a Message that refuses
    it, or None, where the handler is to have it in one piece: see `stream.Streams`.

    Where memory runs out over a message, that exchange is dropped: the transfers that are under way are let go, a
    request is answered with 5.00 if that much can be had, or else may be sent again, and
    ``failed(path, error)`` is told: the path of the request as a str, or None, and the MemoryError.
    """

    def __init__(
        self,
        handler,
        random,
        transmission: "Transmission | None" = None,
        szx: int = 6,
        max_body: int = 16384,
        stream=None,
        failed=None,
    ):
        self.exchange = Exchange(random, transmission)
        self.block: "Blocks | None" = None  # once it was needed
        self.streams: "Streams | None" = None  # likewise
        self._stream = stream
        self._handler = handler
        self._failed = failed
        self._szx = szx
        self._size = 16 << szx
        self._max_body = max_body

    def receive(self, datagram: bytes, now: int) -> None:
        """Take a datagram of the peer; what is to be sent is then in ``exchange.outbox``. Its bytes never raise."""
        exchange = self.exchange
        request = None
        try:
            request = exchange.receive(datagram, now)
            if request is None:
                return
            # This loop is on the path of every request: what it does not pass at first sight is screened.
            last = LAST_NOT_EMPTY
            for number, value in request.options:
                if number == URI_PATH and len(value) < 256:
                    continue
                if number <= last or len(value) > LONGEST.get(number, -1):
                    refused = screen(request)
                    if refused:
                        self._refuse(request, refused, now)
                        return
                    last = request.options[-1][0] if request.options else 0
                    break
                last = number
            # Options stand in the order of their numbers: where the last is below those of block-wise transfer, there
            # are none of them, and the request, as nearly all, skips that layer.
            response = None
            if last >= BLOCK2:
                if self.block is None:
                    self._load()
                if self.block is not None:
                    response = self._take_block(self.block, request, now)
                else:
                    for number in (BLOCK2, BLOCK1):
                        if request.option(number) is not None:
                            self._refuse(request, number, now)
                            return
            if response is None:
                if request.code != GET or request.type == codes.NON:
                    exchange.keep_reply(request, b"", now)
                response = self._handler(request)
                if response is None:
                    exchange.acknowledge(request, now)
                    return
                if last >= BLOCK2 or len(response.payload) > self._size:
                    response = self._cut(request, response, now)
            exchange.respond(request, response, now)
        except MemoryError as error:
            self._run_out(error, request, now)

    def respond(self, request: Message, response: Message, now: int) -> None:
        """Answer a request to which the handler gave None (a separate response)."""
        try:
            self.exchange.respond(request, self._cut(request, response, now), now, True)
        except MemoryError as error:
            self._run_out(error, request, now, True)

    def request(self, message: Message, on_done) -> None:
        """Send a request of ours, in blocks where it is long; ``on_done(outcome, response)`` is called once."""
        try:
            if self.block is None:
                self._load()
            if self.block is not None:
                self.block.request(message, on_done)
            else:
                self.exchange.request(message, on_done)
        except MemoryError as error:
            self._run_out(error)
            on_done(FAILED, None)

    def notify(self, request: Message, response: Message, confirmable: bool, on_done, now: int) -> None:
        """Send a notification for an observation: ``request`` is the GET that began it, ``response`` what is new.

        ``on_done``: see `Exchange.notify`; FAILED where memory ran out. Of a long one the first block goes, in the size
        that the GET asked for; the peer fetches the others (RFC 7959 section 2.6).
        """
        try:
            response = self._cut(request, response, now)
            response.token = request.token
            self.exchange.notify(response, confirmable, on_done)
        except MemoryError as error:
            self._run_out(error)
            on_done(FAILED, None)

    def reset(self) -> None:
        """The link is new, or gone: what is under way ends, in both directions."""
        self.exchange.reset()
        if self.streams is not None:
            self.streams.abandon()

    def _refuse(self, request: Message, number: int, now: int) -> None:
        """A critical option is not known."""
        if request.type == codes.NON:  # section 5.4.1: rejected, that is: ignored
            return
        code = codes.BAD_OPTION
        if number in (codes.PROXY_URI, codes.PROXY_SCHEME):
            code = codes.PROXYING_NOT_SUPPORTED  # section 5.10.2
        self.exchange.respond(request, Message(code, None, b"option %d" % number), now)

    # -- block-wise transfer

    def _load(self) -> None:
        """Make ``block``, where the build has it."""
        try:
            from .blockwise import Blocks
        except ImportError:
            return
        self.block = Blocks(self.exchange, self._szx, self._max_body)

    def _load_streams(self, blocks: "Blocks") -> None:
        """Make ``streams``, where the build has it."""
        try:
            from .stream import Streams
        except ImportError:
            return
        self.streams = Streams(self._stream, blocks)

    def _take_block(self, blocks: "Blocks", request: Message, now: int) -> "Message | None":
        """The answer to a request with options of block-wise transfer; None: it is whole now, and the handler's."""
        if self.streams is None and self._stream is not None:
            self._load_streams(blocks)
        try:
            if self.streams is not None:
                return self.streams.take(request, now)
            return blocks.take(request, now)
        except Rejected as error:
            return Message(error.code, None, str(error.diagnostic).encode())

    def _cut(self, request: Message, response: Message, now: int) -> Message:
        """What is sent of a response: all of it, or the block that the request asks for."""
        fits = len(response.payload) <= self._size
        if fits and (not request.options or request.options[-1][0] < BLOCK2):
            return response
        if self.block is None:
            self._load()
        if self.block is not None:
            return self.block.finish(request, response, now)
        return response if fits else Message(codes.NOT_IMPLEMENTED)

    # -- memory

    def _run_out(
        self, error: MemoryError, request: "Message | None" = None, now: int = 0, separate: bool = False
    ) -> None:
        """Memory ran out over a message: let the transfers go, answer a request with 5.00, tell the host."""
        self.block = None
        path = None
        try:
            if self.streams is not None:
                streams = self.streams
                self.streams = None
                streams.abandon()
            if request is not None:
                request.payload = b""
                self.exchange.respond(request, Message(codes.INTERNAL_SERVER_ERROR), now, separate)
                path = "/" + b"/".join(request.all(URI_PATH)).decode()
        except (MemoryError, UnicodeError):
            pass  # a request that is not answered is sent again
        if self._failed is not None:
            try:
                self._failed(path, error)
            except MemoryError:
                pass
