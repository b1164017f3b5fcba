"""The contract of a secured link, and its simplest case.

A session is sans-I/O: datagrams of the network go in by `receive`, plaintext of ours by `protect`; what the session
itself has to send is in `datagrams`. One session serves one connection: after an error or a close, the link gets a
new one.
"""

from ..errors import ParameterError

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


def check_psk(identity: "str | bytes", key: bytes) -> "tuple[bytes, bytes]":
    """(identity, key) as bytes; `ParameterError` that names the limit, and never the key."""
    if type(identity) is str:
        identity = identity.encode()
    if type(identity) is not bytes or not 1 <= len(identity) <= MAX_IDENTITY:
        raise ParameterError("a PSK identity is str or bytes, 1 to %d bytes long" % MAX_IDENTITY)
    if type(key) not in (bytes, bytearray):
        raise ParameterError("a PSK is given as bytes: bytes.fromhex(...) makes them of hexadecimal digits")
    if not 1 <= len(key) <= MAX_KEY:
        raise ParameterError("a PSK is 1 to %d bytes long, this one has %d" % (MAX_KEY, len(key)))
    return identity, bytes(key)


def check_suites(suites: "tuple[str, ...] | None", known: "tuple[str, ...]") -> "tuple[str, ...]":
    """The cipher suites to offer, as the libraries spell them; all of ``known`` where None are asked for.

    A name may also be IANA's ("TLS_PSK_WITH_AES_128_CCM_8"). Suites that do not prove the key would accept any server
    and are refused: `ParameterError`.
    """
    if suites is None:
        return known
    if type(suites) not in (tuple, list) or not suites:
        raise ParameterError("ciphers are a tuple of names, such as %s" % (known[:1],))
    found: "tuple[str, ...]" = ()
    for suite in suites:
        name = str(suite).replace("_", "-")
        if "PSK-" not in name or "-NULL-" in name:
            raise ParameterError("the cipher suite %s is not one of pre-shared keys, such as %s" % (suite, known[0]))
        found += (name,)
    return found
