"""The CoAP end of a `VirtualServer`: messages of aiocoap's codec, exchanges of RFC 7252 in virtual time.

It shares nothing with `atiny.coap`: what a device sends is judged by a peer that was not written with it.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable

try:
    from aiocoap import ACK, CON, NON, RST, Message
except ImportError:
    raise ImportError("atiny.testing.VirtualServer needs aiocoap: pip install aiocoap") from None

from .datagrams import Address
from .network import Network, Timer

__all__ = [
    "ACK",
    "CON",
    "EXCHANGE_LIFETIME_MS",
    "NON",
    "RST",
    "CoapPeer",
    "Confirmable",
    "Message",
    "code_name",
    "code_number",
]

EXCHANGE_LIFETIME_MS = 247_000


def code_name(code: int) -> str:
    """A response code as it is spoken: 69 is "2.05"."""
    return f"{int(code) >> 5}.{int(code) & 31:02}"


def code_number(code: int | str) -> int:
    """The number of a response code: "2.05" (or 69) is 69."""
    if isinstance(code, str):
        major, _, minor = code.partition(".")
        return int(major) << 5 | int(minor)
    return code


class Confirmable:
    """A CON of ours that has not been acknowledged."""

    def __init__(self, key: tuple[Address, int], data: bytes, on_end: Callable[[str], object]):
        self.key = key
        self.data = data
        self.on_end = on_end  # called with "timeout" or "reset"
        self.tries = 0
        self.timeout_ms = 0
        self.timer = Timer(None)


class CoapPeer:
    """Sends and receives messages at one address of the network.

    ``on_request(message, address)`` returns the response, or None for none. ``on_response(message, address)`` returns
    whether the token is known. ``silent``: neither receives nor sends. ``separate_ms``: None, or after how long a
    request is answered by a separate response. ``malformed``: (time, datagram) of what aiocoap could not decode.
    ``duplicates``: how many datagrams came again. ``protocol_errors``: what a device must not send, in words.
    """

    def __init__(
        self,
        network: Network,
        host: str,
        port: int,
        on_request: Callable[[Message, Address], Message | None],
        on_response: Callable[[Message, Address], bool],
        seed: int | str,
        ack_timeout_ms: int,
        max_retransmit: int,
    ):
        self.network = network
        self.silent = False
        self.separate_ms: int | None = None
        self.malformed: list[tuple[int, bytes]] = []
        self.protocol_errors: list[str] = []
        self.duplicates = 0
        self._random = random.Random(f"server {seed} {host} {port}")
        self._on_request = on_request
        self._on_response = on_response
        self._ack_timeout_ms = ack_timeout_ms
        self._max_retransmit = max_retransmit
        self._port = network.bind(host, port, self._received)
        self.forget()

    def forget(self) -> None:
        """Begin anew, as after a restart: no exchange is known, message IDs and tokens start elsewhere."""
        for confirmable in getattr(self, "_confirmables", {}).values():
            confirmable.timer.cancel()
        self._confirmables: dict[tuple[Address, int], Confirmable] = {}
        self._replies: OrderedDict[tuple[Address, int], tuple[int, bytes | None]] = OrderedDict()
        self._mid = self._random.randrange(0x10000)
        self._token = self._random.randrange(1 << 32)

    def close(self) -> None:
        """Leave the network."""
        self.forget()
        self._port.close()

    # -- out

    def new_token(self) -> bytes:
        """A token that no open request of this server has."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        return self._token.to_bytes(4, "big")

    def send(
        self, message: Message, address: Address, on_end: Callable[[str], object] | None = None
    ) -> Confirmable | None:
        """Send a CON (with retransmissions, which `abandon` ends) or NON; ``on_end`` is told "timeout" or "reset"."""
        self._mid = (self._mid + 1) & 0xFFFF
        message.mid = self._mid
        data = message.encode()
        if message.mtype is not CON:
            self._emit(data, address)
            return None
        confirmable = Confirmable((address, self._mid), data, on_end or (lambda _: None))
        confirmable.timeout_ms = int(self._ack_timeout_ms * self._random.uniform(1, 1.5))
        self._confirmables[confirmable.key] = confirmable
        self._transmit(confirmable)
        return confirmable

    def abandon(self, confirmable: Confirmable) -> None:
        """Do not send it again."""
        confirmable.timer.cancel()
        self._confirmables.pop(confirmable.key, None)

    def _transmit(self, confirmable: Confirmable) -> None:
        def due() -> None:
            if confirmable.tries < self._max_retransmit:
                confirmable.tries += 1
                confirmable.timeout_ms *= 2
                self._transmit(confirmable)
            else:
                self.abandon(confirmable)
                confirmable.on_end("timeout")

        self._emit(confirmable.data, confirmable.key[0])
        confirmable.timer = self.network.call_at(self.network.clock.now_ms + confirmable.timeout_ms, due)

    def _emit(self, data: bytes, address: Address) -> None:
        if not self.silent:
            self._port.send(data, address)

    def _empty(self, kind: int, mid: int) -> bytes:
        return bytes([0x40 | kind << 4, 0]) + mid.to_bytes(2, "big")

    # -- in

    def _received(self, data: bytes, address: Address) -> None:
        if self.silent:
            return
        now_ms = self.network.clock.now_ms
        try:
            message = Message.decode(data, remote=None)
        except Exception:  # aiocoap lets more than its own UnparsableMessage through
            self.malformed.append((now_ms, data))
            return
        key = (address, message.mid)
        if message.mtype in (ACK, RST):
            self._acknowledged(message, key)
            return
        self._expire(now_ms)
        if key in self._replies:
            self.duplicates += 1
            reply = self._replies[key][1]
            if reply is not None:
                self._emit(reply, address)
            return
        self._keep(key, None)
        if message.code == 0:
            if message.mtype is CON:  # a ping
                self._reply(key, self._empty(RST, message.mid))
            return
        if message.code.is_response():
            known = self._on_response(message, address)
            if not known:
                self._reply(key, self._empty(RST, message.mid))
            elif message.mtype is CON:
                self._reply(key, self._empty(ACK, message.mid))
            return
        self._request(message, address, key)

    def _request(self, message: Message, address: Address, key: tuple[Address, int]) -> None:
        response = self._on_request(message, address)
        if response is None:
            return
        response.token = message.token
        if message.mtype is CON and self.separate_ms is None:
            response.mtype, response.mid = ACK, message.mid
            self._reply(key, response.encode())
            return
        response.mtype = message.mtype
        if message.mtype is CON:
            self._reply(key, self._empty(ACK, message.mid))
        self.network.call_at(self.network.clock.now_ms + (self.separate_ms or 0), lambda: self.send(response, address))

    def _acknowledged(self, message: Message, key: tuple[Address, int]) -> None:
        confirmable = self._confirmables.get(key)
        if confirmable is not None:
            self.abandon(confirmable)
        if message.mtype is RST:
            if confirmable is not None:
                confirmable.on_end("reset")
        elif message.code != 0 and confirmable is not None and not self._on_response(message, key[0]):
            self.protocol_errors.append(f"a piggybacked response to message {message.mid} has another token")

    def _reply(self, key: tuple[Address, int], data: bytes) -> None:
        self._keep(key, data)
        self._emit(data, key[0])

    def _keep(self, key: tuple[Address, int], data: bytes | None) -> None:
        self._replies[key] = (self.network.clock.now_ms + EXCHANGE_LIFETIME_MS, data)

    def _expire(self, now_ms: int) -> None:
        while self._replies:
            key, (until_ms, _) = next(iter(self._replies.items()))
            if until_ms > now_ms:
                return
            del self._replies[key]
