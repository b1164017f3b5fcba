"""A UDP echo server on the loopback interface, for `check_socket`."""

from __future__ import annotations

import socket
import threading
import time

LATE_S = 0.15  # how long the echo keeps back a datagram that begins with b"late"


class Echo:
    """A UDP echo server in a thread; a datagram that begins with b"late" comes back after LATE_S."""

    def __init__(self, host: str = "127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.host, self.port = self._socket.getsockname()[:2]
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send_from_elsewhere(self, data: bytes, address: tuple[str, int]) -> None:
        """Send a datagram to ``address`` from another port."""
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(data, address)

    def _run(self) -> None:
        while True:
            data, address = self._socket.recvfrom(65_536)
            if self._closing:
                return
            if data.startswith(b"late"):
                time.sleep(LATE_S)
            if data.startswith(b"stranger"):
                self.send_from_elsewhere(b"from a stranger", address)
            self._socket.sendto(data, address)

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self.send_from_elsewhere(b"", (self.host, self.port))
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Echo:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def free_port(host: str = "127.0.0.1") -> int:
    """A UDP port that nobody listens at."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
