"""Files by coap and coaps: Block2 (RFC 7959), one block at a time, over a link of its own for each transfer.

A link of its own: what the device has to say to its servers never waits behind a block.
"""

from ..coap.blockwise import block_value, is_sound
from ..coap.codes import (
    BAD_OPTION,
    BAD_REQUEST,
    BLOCK2,
    CONTENT,
    ETAG,
    GET,
    MAX_AGE,
    NOT_IMPLEMENTED,
    PROXYING_NOT_SUPPORTED,
    REQUEST_ENTITY_INCOMPLETE,
    SIZE2,
    dotted,
)
from ..coap.exchange import OUTCOMES
from ..coap.message import Message
from ..coap.round_trip import RoundTrip
from ..errors import ParameterError, TransportError
from ..lwm2m.connection import Connection
from ..lwm2m.objects.security import MODE_PSK, Security
from .coap_uri import decompose

TOO_MANY_REQUESTS = 0x9D  # 4.29 (RFC 8516)
_MOST_BLOCKS = 1 << 20


class CoapSource:
    """Opens coap and coaps URIs for an `Agent`; see `source.Source`.

    coaps: with the pre-shared key of the agent's account at the URI's host and port; else with ``psk``, (identity,
    key) as bytes; else with that of the first account that has one.
    """

    schemes = ("coap", "coaps")

    def __init__(self, agent, psk: "tuple[bytes, bytes] | None" = None):
        self._agent = agent
        self._psk = psk

    def open(self, uri: str, offset: int, etag: "bytes | None", receiver) -> "CoapTransfer":
        """See `Source.open`."""
        servers = self._agent.servers
        server, options = decompose(uri)
        link = servers.free_link()
        transfer = CoapTransfer(self._agent, link, Security(server), options, offset, etag, receiver)
        if server.startswith("coaps"):
            self._secure(transfer)
        servers.connections[link] = transfer
        transfer.open_link()
        return transfer

    def _secure(self, transfer: "CoapTransfer") -> None:
        psk = self._psk
        accounts = self._agent.accounts
        for account in accounts:
            security = account.security
            if security.security_mode == MODE_PSK:
                own = security.identity, security.secret_key
                host, port = account.address
                if (host.lower(), port) == transfer.address:
                    psk = own
                    break
                psk = psk or own
        if psk is None:  # where there is no account yet, there is a bootstrap under way, which may bring one
            raise (ParameterError if accounts else TransportError)("no pre-shared key for %s:%d" % transfer.address)
        security = transfer.security
        security.identity, security.secret_key = psk
        security.security_mode = MODE_PSK


class CoapTransfer(Connection):
    """One transfer, and the link of its own; the server may answer on it, not ask.

    ``options``: what is asked for; ``offset`` and ``etag`` say where it goes on.
    """

    def __init__(self, agent, link: int, security: Security, options, offset: int, etag: "bytes | None", receiver):
        Connection.__init__(self, agent, link, security, None)
        self.exchange.transmission = self._round_trip = RoundTrip(agent.settings.transmission)
        self._options = options
        self._receiver = receiver
        self._position = offset  # where in the file goes on what the receiver gets
        self._etag = etag
        self._begun = False  # the receiver knows what it gets
        self._asked = 0  # where in the file the block begins that was asked for
        self._szx = agent.settings.block_szx
        self._over = False

    def cancel(self) -> None:
        """See `source.Transfer`."""
        if not self._over:
            self._over = True
            self.agent.servers.remove(self)

    # -- the link

    def serving(self) -> bool:
        return False

    def link_ready(self) -> None:
        # Where it goes on at the end of a block, that block is asked for again: there may be none after it.
        self._ask(max(0, self._position - 1) if self._etag is not None else 0)

    def link_lost(self, reason: str) -> None:
        self._end(reason)

    # -- asking

    def _end(self, why: str, final: bool = False, wait_ms: int = 0) -> None:
        """It fails."""
        if not self._over:
            self.cancel()
            self._receiver.end("the block at byte %d: %s" % (self._asked, why), final, wait_ms)

    def _ask(self, offset: int) -> None:
        """Ask for the block that has the byte ``offset``."""
        number = offset >> self._szx + 4
        self._asked = number << self._szx + 4
        if number >= _MOST_BLOCKS:
            self._end("the file is longer than block numbers are", True)
            return
        options = self._options + [(BLOCK2, block_value(number, False, self._szx))]
        if not self._begun:
            options.append((SIZE2, b""))  # how long is it? (RFC 7959, section 4)
        self._round_trip.asked(self.agent.clock.ms)
        self.exchange.request(Message(GET, options), self._answered)

    def _start_over(self) -> None:
        self._position = 0
        self._etag = None
        self._begun = False
        self._ask(0)

    # -- the answers

    def _answered(self, outcome: int, response: "Message | None") -> None:
        if response is None:
            self._end(OUTCOMES[outcome])
            return
        self._round_trip.answered(self.agent.clock.ms)
        code = response.code
        if code == CONTENT:
            self._received(response)
        elif self._asked and code in (BAD_REQUEST, BAD_OPTION, REQUEST_ENTITY_INCOMPLETE):
            self._start_over()  # how servers say that the file ends before that block
        else:
            again = code in (REQUEST_ENTITY_INCOMPLETE, TOO_MANY_REQUESTS)
            if code >> 5 == 5:
                again = code not in (NOT_IMPLEMENTED, PROXYING_NOT_SUPPORTED)
            self._end(dotted(code), not again, (response.uint(MAX_AGE) or 0) * 1000)

    def _received(self, response: Message) -> None:
        """A block, or the whole file where it is small."""
        payload = response.payload
        etag = response.option(ETAG)
        block2 = response.uint(BLOCK2)
        if block2 is None:
            block2 = 0
        elif not is_sound(block2, len(payload)):
            self._end("it is not of the size that it says")
            return
        szx = block2 & 7
        start = (block2 >> 4) << szx + 4
        more = block2 & 8
        # A server that leaves the tag out of a later block is believed, but not one that does so after a break.
        if etag != self._etag and (etag is not None if self._begun else self._position):
            if start:
                self._start_over()
                return
            self._position = 0
            self._begun = False
        part = payload[max(0, self._position - start) :]
        if start > min(self._position, self._asked) or (self._begun and more and not part):
            self._end("another one came instead")
            return
        # The first one may end where the new ones begin, or before, where it is smaller.
        if not self._begun:
            self._begun = True
            self._etag = etag
            total = response.uint(SIZE2) or (None if more else start + len(payload))  # 0: it does not say
            self._receiver.begin(etag, total, self._position)
        if part:
            self._position += len(part)
            self._receiver.data(part)
        if self._over:
            return
        if more:
            self._szx = min(self._szx, szx)
            self._ask(self._position)
        else:
            self.cancel()
            self._receiver.end(None, True)
