"""DTLS with a pre-shared key on CPython, by python-mbedtls (RFC 6347, RFC 4279). Sans-I/O; CPython only."""

from ..errors import NotSupported
from .handshake import HEADER, MAX_RECORDS, SecureSession
from .psk import check_suites
from .session import HANDSHAKE_TIMEOUT_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, NoReturn

SUITES = (
    "TLS-PSK-WITH-AES-128-CCM-8",
    "TLS-PSK-WITH-AES-128-GCM-SHA256",
    "TLS-PSK-WITH-AES-128-CBC-SHA256",
)


def load() -> "Any":
    """python-mbedtls' ``tls`` module; `NotSupported` that says why where it is not there."""
    try:
        from mbedtls import tls
    except ImportError as error:
        raise NotSupported(
            "coaps needs python-mbedtls, which has wheels for CPython 3.10 to 3.12 only (%s): "
            "use one of those, or coap://" % error
        ) from None
    return tls


class _Identity:
    """An identity that need not be text: the library only asks for its bytes."""

    def __init__(self, identity: bytes):
        self._identity = identity

    def encode(self, *_: object) -> bytes:
        return self._identity


class _PreSharedKey:
    """The pair that the library unpacks. It keeps it, in a configuration that shows what it has."""

    def __init__(self, identity: bytes, key: bytes):
        self._pair = (_Identity(identity), key)

    def __iter__(self) -> "Iterator[object]":
        return iter(self._pair)


class MbedTLSSession(SecureSession):
    """The client's side of one DTLS session. ``suites``: names of Mbed TLS or IANA, most wanted first.

    Raises `NotSupported` without python-mbedtls and for suites that it has not.
    """

    def __init__(
        self,
        identity: bytes,
        key: bytes,
        suites: "tuple[str, ...] | None" = None,
        timeout_ms: int = HANDSHAKE_TIMEOUT_MS,
    ):
        super().__init__(timeout_ms)
        suites = check_suites(suites, SUITES)
        tls = load()
        unknown = [suite for suite in suites if suite not in tls.ciphers_available()]
        if unknown:
            raise NotSupported("the cipher suite %s is unknown here; the usual ones are %s" % (unknown[0], SUITES))
        configuration = tls.DTLSConfiguration(
            pre_shared_key=_PreSharedKey(identity, key),
            ciphers=suites,
            validate_certificates=False,  # there are none: all suites prove the key
            lowest_supported_version=tls.DTLSVersion.DTLSv1_2,
            handshake_timeout_min=self.retransmit_ms / 1000,
        )
        self._context = tls.ClientContext(configuration)
        self._want_read = tls.WantReadError
        self._want_write = tls.WantWriteError
        self._over = tls.HandshakeStep.HANDSHAKE_OVER
        self._buffer: "Any" = None
        # The buffers' own methods: what the library has around them costs as much again.
        self._put: "Callable[[bytes, int], object]" = _ended
        self._readinto: "Callable[[bytearray, int], int]" = _ended
        self._write: "Callable[[bytes], int]" = _ended  # returns how much there is to be sent
        self._written: "Callable[[int], bytes]" = _ended
        self._plain = bytearray(2048)
        self._view = memoryview(self._plain)

    def receive(self, datagram: bytes, now: int) -> "tuple[bytes, ...]":
        """As the contract says; here is the way of nearly every datagram, which holds one record."""
        size = len(datagram)
        if not self.ready or not HEADER < size <= 2048 or datagram[11] << 8 | datagram[12] != size - HEADER:
            return super().receive(datagram, now)
        try:
            self._put(datagram, size)
            return (bytes(self._view[: self._readinto(self._plain, 2048)]),)
        except self._want_read:  # garbage, a replay
            return ()
        except Exception as error:
            self._lose(error)
            return ()

    def protect(self, plaintext: bytes) -> bytes:
        try:
            return self._written(self._write(plaintext))
        except Exception as error:
            self._lose(error)
            return b""

    def _open(self) -> None:
        self._buffer = buffer = self._context.wrap_buffers(None)
        self._put = buffer._input_buffer.write
        self._readinto = buffer.readinto
        self._write = buffer.write
        self._written = buffer._output_buffer.read

    def _feed(self, datagram: bytes) -> None:
        self._put(datagram, len(datagram))

    def _advance(self) -> bool:
        buffer = self._buffer
        try:
            while buffer._handshake_state is not self._over:
                try:
                    buffer.do_handshake()
                except self._want_write:
                    self._collect()
                except self._want_read:
                    self._collect()  # a retransmission comes out this way, and then the datagram is still there
                    if not len(buffer._input_buffer):
                        return False
        except Exception:
            self._collect()  # the alert that tells the server
            raise
        return True

    def _read(self) -> "bytes | None":
        plain = bytearray(MAX_RECORDS)
        try:
            return bytes(plain[: self._readinto(plain, MAX_RECORDS)])
        except self._want_read:
            self._collect()
            return None

    def _collect(self) -> None:
        """Take what the library has written: at most a flight, which here fits in one datagram."""
        size = len(self._buffer._output_buffer)
        if size:
            self._out.append(self._written(size))

    def _farewell(self) -> None:
        self._buffer.shutdown()
        self._collect()

    def _release(self) -> None:
        self._buffer = None
        self._put = self._readinto = self._write = self._written = _ended

    def _code(self, error: Exception) -> int:
        return getattr(error, "err", None) or 0


def _ended(*_: object) -> "NoReturn":
    raise ValueError("the session has ended")
