"""What the servers inside the virtual network have in common: a CoAP end, and what is asked of devices."""

from __future__ import annotations

from .datagrams import Address
from .network import Network
from .peer import CoapPeer, Message
from .requests import PendingRequest

BLOCK_SIZES = (16, 32, 64, 128, 256, 512, 1024)


class CoapServer:
    """A server at ``host`` and ``port`` of a `Network`; CoAP over UDP.

    ``ack_timeout_ms``, ``max_retransmit``: of its own CON requests. ``block_size``: 16 to 1024, the most it sends and
    asks for at once. Subclasses answer requests in ``_on_request``.
    """

    def __init__(
        self,
        network: Network,
        host: str,
        port: int,
        seed: int | str,
        ack_timeout_ms: int,
        max_retransmit: int,
        block_size: int,
    ):
        if block_size not in BLOCK_SIZES:
            raise ValueError(f"block_size is a power of two from 16 to 1024, not {block_size}")
        self.network = network
        self._szx = block_size.bit_length() - 5
        self._pending: dict[bytes, PendingRequest] = {}
        self._peer = CoapPeer(
            network, host, port, self._on_request, self._on_response, seed, ack_timeout_ms, max_retransmit
        )

    # -- behaviour

    @property
    def silent(self) -> bool:
        """Whether it neither hears nor speaks, as behind a cut cable; what it knows it keeps."""
        return self._peer.silent

    @silent.setter
    def silent(self, value: bool) -> None:
        self._peer.silent = value

    @property
    def separate_ms(self) -> int | None:
        """None: answers are piggybacked; else after how many milliseconds they come separately."""
        return self._peer.separate_ms

    @separate_ms.setter
    def separate_ms(self, value: int | None) -> None:
        self._peer.separate_ms = value

    def restart(self) -> None:
        """Forget what is on its way, and the message IDs."""
        self._peer.forget()

    def close(self) -> None:
        """Leave the network."""
        self.restart()
        self._peer.close()

    # -- what it saw

    @property
    def malformed(self) -> list[tuple[int, bytes]]:
        """(virtual time, datagram) of what was not CoAP."""
        return self._peer.malformed

    @property
    def protocol_errors(self) -> list[str]:
        """What devices sent and must not, in words."""
        return self._peer.protocol_errors

    @property
    def duplicates(self) -> int:
        """How many messages came again."""
        return self._peer.duplicates

    # -- what devices send

    def _on_request(self, message: Message, address: Address) -> Message:
        raise NotImplementedError

    def _on_response(self, message: Message, address: Address) -> bool:
        request = self._pending.get(message.token)
        return request is not None and request.received(message)
