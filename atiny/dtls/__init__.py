"""What lies between a datagram and CoAP: nothing (`session.Session`), or DTLS by the runtime's library."""

import sys

from . import session as session  # before anything is asked of this module by name


def psk_session(identity: bytes, key: bytes, suites: "tuple[str, ...] | None", timeout_ms: int) -> session.Session:
    """A new DTLS session with a pre-shared key, not yet started.

    ``suites``: names of Mbed TLS or IANA, most wanted first; None: the usual ones. ``timeout_ms``: for the whole
    handshake. Raises `NotSupported` where the runtime has no DTLS or not those suites.
    """
    if sys.implementation.name == "micropython":
        from .micropython import MicroPythonSession

        return MicroPythonSession(identity, key, suites, timeout_ms)
    from .mbedtls import MbedTLSSession

    return MbedTLSSession(identity, key, suites, timeout_ms)
