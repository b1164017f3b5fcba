"""DTLS with a pre-shared key on MicroPython, by its built-in ``tls`` module. Sans-I/O; MicroPython only.

The module runs the handshake inside every read and write, and does not say when it is over; asking for the cipher
before that crashes it. So a byte is written, which goes only once the handshake is over, and thrown away: to the
server it is a lost datagram.
"""

import io

import tls

from ..errors import NotSupported
from .handshake import CLOSE_NOTIFY, SecureSession
from .psk import check_suites
from .session import HANDSHAKE_TIMEOUT_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUITES = ("TLS-PSK-WITH-AES-128-CCM-8", "TLS-PSK-WITH-AES-128-GCM-SHA256", "TLS-PSK-WITH-AES-128-CBC-SHA256")
MAX_PLAINTEXT = 4096  # a longer one would end the session
_DATAGRAM = 2048  # the longest that the loop reads
_PROBE = b"\0"
_POLL_REQUEST = 3


class _Datagrams(io.IOBase):
    """The stream that the module thinks is its socket: whole datagrams, in and out."""

    def __init__(self, outgoing: "list[bytes]") -> None:
        self.incoming: "list[bytes]" = []
        self.outgoing = outgoing

    def readinto(self, buffer: bytearray) -> "int | None":
        if not self.incoming:
            return None
        datagram = self.incoming.pop(0)
        size = min(len(datagram), len(buffer))
        buffer[:size] = datagram[:size]
        return size

    def write(self, buffer: bytes) -> int:
        self.outgoing.append(bytes(buffer))
        return len(buffer)

    def ioctl(self, request: int, flags: int) -> int:
        return flags if request == _POLL_REQUEST else 0


class MicroPythonSession(SecureSession):
    """The client's side of one DTLS session. ``suites``: names of Mbed TLS or IANA, most wanted first.

    Raises `NotSupported` where the port's module knows no DTLS, or has not all of the suites.
    """

    def __init__(
        self,
        identity: bytes,
        key: bytes,
        suites: "tuple[str, ...] | None" = None,
        timeout_ms: int = HANDSHAKE_TIMEOUT_MS,
    ):
        super().__init__(timeout_ms)
        if not hasattr(tls, "PROTOCOL_DTLS_CLIENT"):
            raise NotSupported("coaps needs a MicroPython whose tls module knows DTLS")
        self._context = context = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
        known = context.get_ciphers()
        wanted = check_suites(suites, SUITES)
        offered = [suite for suite in wanted if suite in known]
        if not offered or (suites and len(offered) < len(wanted)):
            raise NotSupported("this MicroPython has not all of %s; it has %s" % (wanted, known))
        context.verify_mode = tls.CERT_NONE  # there are none: all suites prove the key
        context.psk_identity = identity
        context.psk_key = key
        context.set_ciphers(offered)
        self._datagrams = _Datagrams(self._out)
        self._tls: "Any" = None
        self._plain = bytearray(_DATAGRAM)
        self._view = memoryview(self._plain)

    def protect(self, plaintext: bytes) -> bytes:
        out = self._out
        before = len(out)
        if len(plaintext) <= MAX_PLAINTEXT:
            try:
                self._tls.write(plaintext)
            except Exception as error:
                self._lose(error)
        return out.pop() if len(out) > before else b""

    def _open(self) -> None:
        self._datagrams.incoming = []
        self._tls = self._context.wrap_socket(self._datagrams, do_handshake_on_connect=False)

    def _feed(self, datagram: bytes) -> None:
        self._datagrams.incoming.append(datagram)

    def _advance(self) -> bool:
        while True:
            if self._tls.write(_PROBE) is not None:
                self._out.pop()
                return True
            if not self._datagrams.incoming:  # a retransmission leaves the datagram where it is
                return False

    def _read(self) -> "bytes | None":
        size = self._tls.readinto(self._plain)
        if size is None:
            return None
        if not size:
            raise OSError(-CLOSE_NOTIFY)
        return bytes(self._view[:size])

    def _release(self) -> None:
        # The module cannot send a close_notify: the server learns of the end from the De-register, or by time.
        if self._tls is not None:
            self._tls.close()  # gives the C heap back at once
            self._tls = None

    def _code(self, error: Exception) -> int:
        code = error.args[0] if error.args else 0
        return -code if type(code) is int else 0
