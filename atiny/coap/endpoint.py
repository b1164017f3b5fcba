"""One CoAP peer, whole: message exchange, block-wise transfer and the check of options."""

from . import codes
from .block_request import BlockRequest
from .blockwise import BlockServer
from .codes import BLOCK2, URI_PATH
from .exchange import Exchange, Transmission
from .message import Message
from .options import REQUEST, screen
from .stream import Streams

# The options that may be empty, with the length that they may have.
_LONGEST = {number: row[1] for number, row in REQUEST.items() if row[0] == 0}


class Endpoint:
    """The exchanges with one peer, seen as requests and responses.

    ``handler(request)`` returns the response to a request of the peer, or None where it will come through `respond`.
    It may see options of block-wise transfer in the request; they are dealt with here. ``szx``: the largest block
    that is sent or asked for, 2**(szx + 4) bytes. ``max_body``: the longest body that is joined from blocks, in bytes.
    ``stream(request)``: asked where a long PUT or POST begins; it gives a sink for its blocks, a Message that refuses
    it, or None, where the handler is to have it in one piece: see `stream.Streams`.
    """

    def __init__(
        self,
        handler,
        random,
        transmission: "Transmission | None" = None,
        szx: int = 6,
        max_body: int = 16384,
        stream=None,
    ):
        self.exchange = Exchange(random, transmission)
        self._handler = handler
        self._szx = szx
        self._size = 16 << szx
        self._max_body = max_body
        self._blocks = BlockServer(handler, szx, max_body)
        self.streams = Streams(stream, self._blocks, szx)
        self._serve = self._blocks.serve if stream is None else self.streams.serve

    def receive(self, datagram: bytes, now: int) -> None:
        """Take a datagram of the peer; what is to be sent is then in ``exchange.outbox``. Its bytes never raise."""
        exchange = self.exchange
        request = exchange.receive(datagram, now)
        if request is None:
            return
        # This loop is on the path of every request: what it does not pass at first sight is screened.
        last = 0
        for number, value in request.options:
            if number == URI_PATH and len(value) < 256:
                continue
            if number <= last or len(value) > _LONGEST.get(number, -1):
                refused = screen(request, REQUEST)
                if refused:
                    self._refuse_option(request, refused, now)
                    return
                last = request.options[-1][0] if request.options else 0
                break
            last = number
        # Options stand in the order of their numbers: where the last is below those of block-wise transfer, there are
        # none of them, and the request, as nearly all, skips that layer.
        blocks = last >= BLOCK2
        response = self._serve(request, now) if blocks else self._handler(request)
        if response is None:
            exchange.acknowledge(request, now)
            return
        if len(response.payload) > self._size and not blocks:
            response = self._blocks.finish(request, response, now)
        exchange.respond(request, response, now)

    def respond(self, request: Message, response: Message, now: int) -> None:
        """Answer a request to which the handler gave None (a separate response)."""
        self.exchange.respond(request, self._blocks.finish(request, response, now), now, separate=True)

    def request(self, message: Message, on_done) -> None:
        """Send a request of ours, in blocks where it is long; ``on_done(outcome, response)`` is called once."""
        BlockRequest(self.exchange, message, on_done, self._szx, self._max_body).start()

    def notify(self, request: Message, response: Message, confirmable: bool, on_done, now: int) -> None:
        """Send a notification for an observation: ``request`` is the GET that began it, ``response`` what is new.

        ``on_done``: see `Exchange.notify`. Of a long one the first block goes, in the size that the GET asked for; the
        peer fetches the others (RFC 7959 section 2.6).
        """
        response = self._blocks.cut(request, response, now)
        response.token = request.token
        self.exchange.notify(response, confirmable, on_done)

    def reset(self) -> None:
        """The link is new, or gone: what is under way ends, in both directions."""
        self.exchange.reset()
        self.streams.abandon()

    def _refuse_option(self, request: Message, number: int, now: int) -> None:
        if request.type == codes.NON:  # section 5.4.1: rejected, that is: ignored
            return
        code = codes.BAD_OPTION
        if number in (codes.PROXY_URI, codes.PROXY_SCHEME):
            code = codes.PROXYING_NOT_SUPPORTED  # section 5.10.2
        self.exchange.respond(request, Message(code, None, b"option %d" % number), now)
