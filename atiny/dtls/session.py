"""The contract of a secured link, and its simplest case.

A session is sans-I/O: datagrams of the network go in by `receive`, plaintext of ours by `protect`; what the session
itself has to send is in `datagrams`. One session serves one connection: after an error or a close, the link gets a
new one.
"""

HANDSHAKE_TIMEOUT_MS = 60000
MAX_KEY = 32  # of both runtimes' libraries
MAX_IDENTITY = 128  # what every implementation must take (RFC 4279, 5.3)


class Session:
    """NoSec: every datagram is plaintext. The base of the secured sessions, which override all of this.

    ``ready``: plaintext can be protected. ``closed``: the session has ended, by the peer's word, by an error or by
    `close`; it is not ready then, and stays so. ``error``: why, where it was not `close`.
    """

    ready = True
    closed = False
    error: "str | None" = None

    def start(self, now: int) -> None:
        """Begin the handshake, where there is one."""

    def receive(self, datagram: bytes, now: int) -> "tuple[bytes, ...]":
        """Take a datagram of the network; returns the plaintexts in it, none for what is not ours. Never raises."""
        return (datagram,)

    def protect(self, plaintext: bytes) -> bytes:
        """The datagram that carries a plaintext; b"" where none can (look at ``closed``). Only while ``ready``."""
        return plaintext

    def datagrams(self) -> "tuple[bytes, ...]":
        """What the session itself has to send (handshake, alerts), each datagram once."""
        return ()

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, in milliseconds of the agent's clock, or None."""
        return None

    def handle_timer(self, now: int) -> None:
        """Let the session retransmit, begin anew, or give up; cheap when nothing is due."""

    def close(self) -> None:
        """End the session: `datagrams` then holds the farewell (close_notify), where there is one."""
        self.closed = True
        self.ready = False
