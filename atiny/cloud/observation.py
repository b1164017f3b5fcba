"""One observation (RFC 7641, OMA LwM2M 1.0 5.5) as the server keeps it.

aiocoap's own observation object keeps only the latest value ("lossy"), which is right for a state and wrong for
reports; it also ends when any other request to the device times out. So this one listens on aiocoap's `Pipe`, one
layer below: each notification is seen, in its order, and the token stays alive until the observation really ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiocoap
from aiocoap import error
from aiocoap.numbers.codes import Code
from aiocoap.pipe import Pipe

_log = logging.getLogger("coap-server")

# RFC 7641 3.4: a notification this much later is fresh whatever its number.
_RESET_S = 128.0


class Observation:
    """Listens on one token. ``path`` is what was asked for; ``active`` until it ends.

    ``request``: the GET that began it, with its token and the device's present address.
    ``on_start(observation, message)`` gets the response that accepts it, ``on_notification(observation, message)`` each
    fresh notification; ``on_end(observation, reason)`` is called once when the device ends it, not when the cloud does.
    """

    def __init__(
        self,
        context: aiocoap.Context,
        path: str,
        on_start: Callable[[Observation, Any], None],
        on_notification: Callable[[Observation, Any], None],
        on_end: Callable[[Observation, str], None],
    ):
        self.path = path
        self.active = False
        self._context = context
        self._on_start = on_start
        self._on_notification = on_notification
        self._on_end = on_end
        self.request: Any = None
        self._interface: Any = None
        self._stop_listening: Callable[[], None] | None = None
        self._first: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._cancelling: asyncio.Future[Any] | None = None
        self._number = 0
        self._heard_at = 0.0

    @property
    def token(self) -> bytes:
        """The token under which the notifications come."""
        return bytes(self.request.token)

    async def start(self, request: Any) -> Any:
        """Send the GET with Observe 0 and return the first response; raises aiocoap's errors."""
        self.request = request
        self._interface = await self._context.find_remote_and_interface(request)
        request.token = self._interface.next_token()
        self._listen()
        try:
            self._send(request)
            return await self._first
        finally:
            if not self.active:
                self.forget()

    async def cancel(self) -> Any:
        """Send the GET with Observe 1 and the same token (RFC 7641 3.6) and return its response."""
        self._cancelling = asyncio.get_running_loop().create_future()
        try:
            self._send(self.request.copy(observe=1, mid=None))
            return await self._cancelling
        finally:
            self.forget()

    def forget(self) -> None:
        """Stop listening: the next confirmable notification is answered with RST, which ends it at the device."""
        self.active = False
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def move(self, remote: Any) -> None:
        """The device has a new address (an Update from there): listen for the same token from it."""
        if self.active and remote != self.request.remote:
            self.forget()
            self.request = self.request.copy(remote=remote)
            self._listen()
            self.active = True

    def _send(self, message: Any) -> None:
        self._interface.token_interface.send_message(message, lambda: self._failed(error.MessageError()))

    def _listen(self) -> None:
        # As TokenManager.request does, with two differences: nothing is sent, and a pipe that ends takes only itself
        # out of the table, not the one that has followed it.
        requests = self._interface.outgoing_requests
        if requests is None:  # the context has been shut down
            return
        pipe = Pipe(self.request, _log)
        self._stop_listening = pipe.on_event(self._on_event)
        key = (self.request.token, self.request.remote)
        requests[key] = pipe
        pipe.on_interest_end(lambda: requests.pop(key, None) if requests.get(key) is pipe else None)

    def _on_event(self, event: Any) -> bool:
        message = event.message
        if message is None:
            self._failed(event.exception)
        elif not self._first.done():
            self._first.set_result(message)
            if message.code.is_successful() and message.opt.observe is not None:
                self.active = True
                self._number = message.opt.observe
                self._heard_at = asyncio.get_running_loop().time()
                self._on_start(self, message)
        elif message.opt.observe is None or not message.code.is_successful():
            if self._cancelling is None:
                self._ended(f"the device answered {message.code}")
            elif not self._cancelling.done():
                self._cancelling.set_result(message)
        elif self._is_fresh(message.opt.observe):
            self._on_notification(self, message)
        return self._stop_listening is not None and not event.is_last

    def _failed(self, problem: Exception) -> None:
        for waiting in (self._first, self._cancelling):
            if waiting is not None and not waiting.done():
                waiting.set_exception(problem)
                break
        if self.active and isinstance(problem, error.NetworkError):
            # Some other request to this device had no answer, and aiocoap fails all that it has with the device. The
            # device knows nothing of that and will go on notifying.
            self._listen()

    def _ended(self, reason: str) -> None:
        if self.active:
            self.active = False
            self._on_end(self, reason)

    def _is_fresh(self, number: int) -> bool:
        # RFC 7641 3.4, and with the times of arrival: a retransmitted notification is acknowledged and not told twice.
        now = asyncio.get_running_loop().time()
        last = self._number
        fresh = (last < number and number - last < 2**23) or (last > number and last - number > 2**23)
        if fresh or now > self._heard_at + _RESET_S:
            self._number = number
            self._heard_at = now
            return True
        return False


async def complete(context: aiocoap.Context, request: Any, first: Any) -> Any:
    """``first``, a notification or first response that may be the first block of its body (RFC 7959 3.4), made whole.

    Raises aiocoap's errors. ``request`` is the observation's: its path and Accept are asked for again.
    """
    body = bytearray(first.payload)
    block = first.opt.block2
    while block is not None and block.more:
        number = len(body) // (2 ** (block.size_exponent + 4))
        message = aiocoap.Message(code=Code.GET, transport_tuning=request.transport_tuning)
        message.remote = request.remote
        message.opt.uri_path = request.opt.uri_path
        message.opt.accept = request.opt.accept
        message.opt.block2 = (number, False, block.size_exponent)
        response = await context.request(message, handle_blockwise=False).response
        block = response.opt.block2
        if not response.code.is_successful() or block is None or block.block_number != number:
            raise error.UnexpectedBlock2(f"block {number} was answered with {response.code}")
        body += response.payload
    first.payload = bytes(body)
    return first
