"""Sockets without a descriptor, such as a modem's: the loop asks them one after the other."""

from ..errors import TransportError
from .base import MAX_DATAGRAM, Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def readable_socket(socket: Socket) -> Socket:
    """The socket, wrapped where it has no ``readable`` of its own."""
    return socket if hasattr(socket, "readable") else BufferedSocket(socket)


class BufferedSocket(Socket):
    """Gives a socket that has neither ``fileno`` nor ``readable`` the latter, by way of its `recv_timeout`.

    What `readable` had to receive to know its answer is what the next `recv` returns; nothing is lost or reordered.
    """

    def __init__(self, socket: Socket):
        self._socket = socket
        self._kept: "bytes | TransportError | None" = None

    def connect(self, host: str, port: int, proto: str) -> None:
        self._socket.connect(host, port, proto)

    def send(self, data: bytes) -> int:
        return self._socket.send(data)

    def readable(self, timeout_ms: int) -> bool:
        """Whether `recv` would give a datagram or raise now; waits up to ``timeout_ms`` for it."""
        if self._kept is None:
            try:
                self._kept = self._socket.recv_timeout(MAX_DATAGRAM, timeout_ms)
            except TransportError as error:
                self._kept = error
        return self._kept is not None

    def recv(self, size: int) -> "bytes | None":
        return self.recv_timeout(size, 0)

    def recv_timeout(self, size: int, timeout_ms: int) -> "bytes | None":
        kept: "Any" = self._kept
        if kept is None:
            return self._socket.recv_timeout(size, timeout_ms) if timeout_ms else self._socket.recv(size)
        self._kept = None
        if isinstance(kept, TransportError):
            raise kept
        datagram: bytes = kept[:size]
        return datagram

    def close(self) -> None:
        self._kept = None
        self._socket.close()
