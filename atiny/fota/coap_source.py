"""Files by coap and coaps: Block2 (RFC 7959), one block at a time, over a link of its own for each transfer.

A link of its own: what the device has to say to its servers never waits behind a block.
"""

from ..coap.blockwise import LARGEST_SZX, block_value
from ..coap.codes import (
    BAD_OPTION,
    BAD_REQUEST,
    BLOCK2,
    CONTENT,
    ETAG,
    GET,
    MAX_AGE,
    REQUEST_ENTITY_INCOMPLETE,
    SIZE2,
    dotted,
)
from ..coap.exchange import DONE, OUTCOMES
from ..coap.message import Message
from ..coap.round_trip import RoundTrip
from ..coap.sender import Transmission
from ..errors import ParameterError, TransportError
from ..lwm2m.connection import Connection
from ..lwm2m.objects.security import MODE_PSK, Security
from .coap_uri import CoapUri
from .source import Source, Transfer

TOO_MANY_REQUESTS = 0x9D  # 4.29 (RFC 8516)
NOT_IMPLEMENTED = 0xA1
PROXYING_NOT_SUPPORTED = 0xA5
_NO_SUCH_BLOCK = (BAD_REQUEST, BAD_OPTION, REQUEST_ENTITY_INCOMPLETE)  # how servers say that the file ends before it
_MOST_BLOCKS = 1 << 20


class CoapSource(Source):
    """Opens coap and coaps URIs for an `Agent`.

    coaps: with the pre-shared key of the agent's account at the URI's host and port; else with ``psk``, (identity,
    key) as bytes; else with that of the first account that has one.
    """

    schemes = ("coap", "coaps")

    def __init__(self, agent, psk: "tuple[bytes, bytes] | None" = None):
        self._agent = agent
        self._psk = psk

    def open(self, uri: str, offset: int, etag: "bytes | None", receiver) -> "CoapTransfer":
        """See `Source.open`."""
        target = CoapUri(uri)
        if self._agent.offline:
            raise TransportError("the host has no network")
        security = Security(target.server)
        if target.scheme == "coaps":
            security.identity, security.secret_key = self._credentials(target)
            security.security_mode = MODE_PSK
        return CoapTransfer(self._agent, security, target.options, offset, etag, receiver)

    def _credentials(self, target: CoapUri) -> "tuple[bytes, bytes]":
        psk = self._psk
        for account in self._agent.accounts:
            security = account.security
            if security.security_mode == MODE_PSK:
                own = (security.identity, security.secret_key)
                host, port = account.address
                if host.lower() == target.host and port == target.port:
                    return own
                psk = psk or own
        if psk is not None:
            return psk
        if not self._agent.accounts:  # there is a bootstrap under way
            raise TransportError("there is no account yet whose key could be used for %s" % target.server)
        raise ParameterError("there is no pre-shared key for %s" % target.server)


class _Link(Connection):
    """The link of one transfer. The server may answer, not ask."""

    def __init__(self, agent, link: int, security: Security, transfer: "CoapTransfer"):
        self._transfer = transfer
        Connection.__init__(self, agent, link, security, None)
        usual = agent.settings.transmission
        self.exchange.transmission = Transmission(usual.ack_timeout_ms, usual.ack_random_permille, usual.max_retransmit)

    def serving(self) -> bool:
        return False

    def link_ready(self) -> None:
        self._transfer.ready()

    def link_lost(self, reason: str) -> None:
        self._transfer.failed(reason)


class CoapTransfer(Transfer):
    """One transfer: ``offset`` and ``etag`` say where it goes on, ``options`` what is asked for."""

    def __init__(
        self, agent, security: Security, options: "list[tuple[int, bytes]]", offset: int, etag: "bytes | None", receiver
    ):
        self._agent = agent
        self._options = options
        self._receiver = receiver
        self._position = offset  # where in the file goes on what the receiver gets
        self._etag = etag
        self._begun = False  # the receiver knows what it gets
        self._asked = 0  # where in the file the block begins that was asked for
        self._szx = agent.settings.block_szx
        self._over = False
        self._link = agent.servers.add(lambda number: _Link(agent, number, security, self))
        self._round_trip = RoundTrip(self._link.exchange.transmission)
        self._link.open_link()

    def cancel(self) -> None:
        if not self._over:
            self._over = True
            self._agent.servers.remove(self._link)

    def failed(self, reason: str, final: bool = False, wait_ms: int = 0) -> None:
        """It ends with that."""
        if not self._over:
            self.cancel()
            self._receiver.end(reason, final, wait_ms)

    # -- asking

    def ready(self) -> None:
        """The link is open and secured."""
        # Where it goes on at the end of a block, that block is asked for again: there may be none after it.
        self._ask(max(0, self._position - 1) if self._etag is not None else 0)

    def _ask(self, offset: int) -> None:
        """Ask for the block that has the byte ``offset``."""
        number = offset >> self._szx + 4
        if number >= _MOST_BLOCKS:
            self.failed("the file is longer than %d blocks of %d bytes" % (_MOST_BLOCKS, 16 << self._szx), True)
            return
        self._asked = number << self._szx + 4
        options = self._options + [(BLOCK2, block_value(number, False, self._szx))]
        if not self._begun:
            options.append((SIZE2, b""))  # how long is it? (RFC 7959, section 4)
        self._round_trip.asked(self._agent.clock.ms)
        self._link.exchange.request(Message(GET, options), self._answered)

    def _start_over(self) -> None:
        self._position = 0
        self._etag = None
        self._begun = False
        self._ask(0)

    # -- the answers

    def _answered(self, outcome: int, response: "Message | None") -> None:
        if self._over:
            return
        if outcome != DONE or response is None:
            self.failed("the block at byte %d: %s" % (self._asked, OUTCOMES[outcome]))
            return
        self._round_trip.answered(self._agent.clock.ms)
        if response.code == CONTENT:
            self._take(response)
        elif response.code in _NO_SUCH_BLOCK and self._asked:
            self._start_over()
        else:
            self._refused(response)

    def _refused(self, response: Message) -> None:
        """The answer is an error."""
        code = response.code
        final = code >> 5 != 5 or code in (NOT_IMPLEMENTED, PROXYING_NOT_SUPPORTED)
        wait_s = 0
        if code in (REQUEST_ENTITY_INCOMPLETE, TOO_MANY_REQUESTS):
            final = False
        if not final:
            wait_s = response.uint(MAX_AGE) or 0
        self.failed("the block at byte %d: %s" % (self._asked, dotted(code)), final, wait_s * 1000)

    def _take(self, response: Message) -> None:
        """A block, or the whole file where it is small."""
        payload = response.payload
        block2 = response.uint(BLOCK2)
        start = 0
        more = False
        szx = self._szx
        if block2 is not None:
            szx = block2 & 7
            start = (block2 >> 4) << szx + 4
            more = bool(block2 & 8)
            size = 16 << szx
            if szx > LARGEST_SZX or len(payload) > size or (more and len(payload) != size):
                self.failed("a block of %d bytes that says it is of another size" % len(payload))
                return
        if not self._same_file(response):
            if start:
                self._start_over()
                return
            self._position = 0
            self._begun = False
        if start > self._position or start > self._asked:
            self.failed("a block at byte %d instead of %d" % (start, self._asked))
            return
        first = not self._begun
        if first:
            self._begin(response, None if more else start + len(payload))
            if self._over:
                return
        part = payload[self._position - start :]
        if part:
            self._position += len(part)
            self._receiver.data(part)
        elif more and not first:  # the first one may end where the new ones begin, or before, where it is smaller
            self.failed("a block at byte %d instead of %d" % (start, self._asked))
        if self._over:
            return
        if more:
            self._szx = min(self._szx, szx)
            self._ask(self._position)
        else:
            self.cancel()
            self._receiver.end(None, True)

    def _same_file(self, response: Message) -> bool:
        """Whether the block is of the file that the receiver has the beginning of.

        A server that leaves the tag out of a later block is believed, but not one that does so after a break.
        """
        etag = response.option(ETAG)
        if self._begun:
            return etag is None or etag == self._etag
        return not self._position or etag == self._etag

    def _begin(self, response: Message, length: "int | None") -> None:
        self._begun = True
        self._etag = response.option(ETAG)
        total = response.uint(SIZE2) or length  # 0: it does not say
        self._receiver.begin(self._etag, total, self._position)
