"""A server's request to a device in virtual time: block-wise both ways (RFC 7959), observations (RFC 7641)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .datagrams import Address
from .network import Timer
from .peer import CON, EXCHANGE_LIFETIME_MS, NON, CoapPeer, Confirmable, Message, code_name

METHODS = {"GET": 1, "POST": 2, "PUT": 3, "DELETE": 4}
CONTINUE = 95
TOO_LARGE = 141


class Target(Protocol):
    """Whom a request is for."""

    @property
    def endpoint(self) -> str:
        """Its endpoint name."""

    @property
    def address(self) -> Address:
        """Where it is now."""


@dataclass(slots=True)
class Notification:
    """One response to an Observe, the first included. ``code`` is as "2.05"; ``sequence`` is its Observe option."""

    time_ms: int
    code: str
    payload: bytes
    content_format: int | None
    sequence: int | None
    confirmable: bool


class PendingRequest:
    """A request and what became of it; `VirtualServer.request` makes it.

    ``done``: whether it is over. ``code``: of the response, such as "2.05", or None. ``payload``, ``content_format``,
    ``location`` (Location-Path), ``response`` (the last aiocoap message): of the response. ``error``: None, "timeout",
    "reset", or what was wrong in words. ``notifications``: for an Observe, all responses in the order of their arrival,
    the first included. ``observing``: whether more are expected. ``rounds``: how many messages were sent (blocks).
    """

    def __init__(
        self,
        server_peer: CoapPeer,
        pending: dict[bytes, PendingRequest],
        device: Target,
        method: str,
        path: str,
        payload: bytes,
        content_format: int | None,
        accept: int | None,
        observe: int | None,
        query: Sequence[str],
        confirmable: bool,
        szx: int,
        token: bytes | None = None,
        on_done: Callable[[PendingRequest], object] | None = None,
    ):
        self.device = device
        self.method = method
        self.path = path
        self.done = False
        self.error: str | None = None
        self.response: Message | None = None
        self.code: str | None = None
        self.payload = b""
        self.notifications: list[Notification] = []
        self.observing = False
        self.reset_notifications = False
        self.rounds = 0
        self.token = token or server_peer.new_token()
        self._peer = server_peer
        self._pending = pending
        self._timer = Timer(None)
        self._sending: Confirmable | None = None
        self._body = payload
        self._content_format = content_format
        self._accept = accept
        self._query = tuple(query)
        self._observe = observe
        self._confirmable = confirmable
        self._szx = szx
        self._sent = 0  # bytes of the body that are acknowledged or on their way
        self._collected = b""  # of a response in blocks
        self._notification: Message | None = None  # the one whose blocks are being collected
        self._followup: bytes | None = None  # the token of a request for a further block
        self._on_done = on_done
        self._start()

    @property
    def content_format(self) -> int | None:
        """The response's Content-Format."""
        return None if self.response is None else _number(self.response.opt.content_format)

    @property
    def location(self) -> tuple[str, ...]:
        """The response's Location-Path."""
        return () if self.response is None else tuple(self.response.opt.location_path)

    @property
    def latest(self) -> Notification | None:
        """The newest notification by its sequence number; not the last to arrive where some overtook others."""
        fresh = [one for one in self.notifications if one.sequence is not None]
        return max(fresh, key=lambda one: one.sequence or 0) if fresh else None

    def __repr__(self) -> str:
        state = self.error or self.code or "pending"
        return f"<{self.method} {self.path} to {self.device.endpoint}: {state}>"

    # -- observations

    def cancel(self, by: str = "get") -> PendingRequest | None:
        """Cancel the observation: "get" sends a GET with Observe 1 and its token and returns that request; "reset"
        answers the next notification with RST; "forget" stops knowing the token, which answers with RST too."""
        if by == "reset":
            self.reset_notifications = True
            return None
        self._end_observation()
        if by == "forget":
            return None
        return PendingRequest(
            self._peer, self._pending, self.device, "GET", self.path, b"", None, self._accept, 1, (),
            True, self._szx, self.token,
        )  # fmt: skip

    def _end_observation(self) -> None:
        self.observing = False
        self._pending.pop(self.token, None)

    def fail(self, error: str) -> None:
        """Called by the server: it ends without a response."""
        self._timer.cancel()
        if self._sending is not None:
            self._peer.abandon(self._sending)
        if not self.done:
            self.error = error
            self.done = True
        self._end_observation()
        self._drop_followup()
        self._told()

    def _told(self) -> None:
        if self._on_done is not None:
            told, self._on_done = self._on_done, None
            told(self)

    # -- out

    def _start(self) -> None:
        message = self._message()
        if self._observe is not None:
            message.opt.observe = self._observe
        if len(self._body) > self._size:
            self._send_block(message, 0)
            return
        message.payload = self._body
        if self.method == "GET" and self._szx < 6:
            message.opt.block2 = (0, False, self._szx)  # says early which size it wants
        self._send(message, self.token)

    @property
    def _size(self) -> int:
        return 16 << self._szx

    def _message(self) -> Message:
        message = Message(code=METHODS[self.method])
        message.opt.uri_path = tuple(segment for segment in self.path.split("/") if segment)
        message.opt.uri_query = self._query
        if self._content_format is not None:
            message.opt.content_format = self._content_format
        if self._accept is not None:
            message.opt.accept = self._accept
        return message

    def _send(self, message: Message, token: bytes) -> None:
        self.rounds += 1
        message.mtype = CON if self._confirmable else NON
        message.token = token
        self._pending[token] = self
        self._timer.cancel()
        self._timer = self._peer.network.call_at(
            self._peer.network.clock.now_ms + EXCHANGE_LIFETIME_MS, lambda: self.fail("no response")
        )
        self._sending = self._peer.send(message, self.device.address, self.fail)

    def _send_block(self, message: Message, offset: int) -> None:
        block = self._body[offset : offset + self._size]
        self._sent = offset + len(block)
        message.opt.block1 = (offset // self._size, self._sent < len(self._body), self._szx)
        message.payload = block
        self._send(message, self.token)

    def _ask_block(self, number: int, szx: int) -> None:
        message = self._message()
        message.opt.block2 = (number, False, szx)
        self._drop_followup()
        self._followup = self._peer.new_token()
        self._send(message, self._followup)

    def _drop_followup(self) -> None:
        if self._followup is not None:
            self._pending.pop(self._followup, None)
            self._followup = None

    # -- in

    def received(self, message: Message) -> bool:
        """Called by the server: a response with one of this request's tokens; False asks for an RST."""
        self._timer.cancel()
        if message.token == self._followup:
            self._block2(message)
            return True
        if self.observing:
            if message.opt.observe is not None and self.reset_notifications:
                self._end_observation()
                return False
            self._notification = message
            self._drop_followup()  # blocks of an older state
        elif not self._more_body(message):
            return True
        self._collected = b""
        self._block2(message)
        return True

    def _more_body(self, message: Message) -> bool:
        """Go on with the next block of the body, if there is one; returns whether the response is the last one."""
        block1 = message.opt.block1
        if block1 is None or self._sent == 0:
            return True
        if message.code == TOO_LARGE and self._sent <= self._size and block1.size_exponent < self._szx:
            self._szx = block1.size_exponent
            self._send_block(self._message(), 0)
            return False
        if message.code != CONTINUE or self._sent >= len(self._body):
            return True
        self._szx = min(self._szx, block1.size_exponent)
        self._send_block(self._message(), self._sent)
        return False

    def _block2(self, message: Message) -> None:
        block2 = message.opt.block2
        if block2 is not None:
            if block2.block_number << (block2.size_exponent + 4) != len(self._collected):
                self.fail(f"block {block2.block_number} came after {len(self._collected)} bytes")
                return
            self._collected += message.payload
            if block2.more:
                if len(message.payload) != block2.size:
                    self.fail(f"a block of {len(message.payload)} bytes says it has {block2.size}")
                    return
                self._ask_block(len(self._collected) // block2.size, block2.size_exponent)
                if self._notification is None and message.opt.observe is not None:
                    self._notification = message
                return
        self._drop_followup()
        self._finish(message, self._collected if block2 is not None else message.payload)

    def _finish(self, message: Message, payload: bytes) -> None:
        first = self._notification or message
        self._notification = None
        sequence = first.opt.observe
        if self._observe == 0 and (self.observing or sequence is not None):
            self.notifications.append(
                Notification(
                    self._peer.network.clock.now_ms,
                    code_name(message.code),
                    payload,
                    _number(message.opt.content_format),
                    sequence,
                    first.mtype is CON,
                )
            )
        if not self.done:
            self.done = True
            self.response = message
            self.code = code_name(message.code)
            self.payload = payload
        self.observing = self._observe == 0 and message.code.is_successful() and sequence is not None
        if not self.observing:
            self._pending.pop(self.token, None)
        self._told()


def _number(option: object) -> int | None:
    return None if option is None else int(option)  # type: ignore[call-overload]
