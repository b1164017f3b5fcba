"""DTLS with a pre-shared key: the credentials, the cipher suites, and the session of the runtime's library."""

import sys

from ..errors import ParameterError
from .session import MAX_IDENTITY, MAX_KEY, Session


def psk_session(identity: bytes, key: bytes, suites: "tuple[str, ...] | None", timeout_ms: int) -> Session:
    """A new DTLS session with a pre-shared key, not yet started.

    ``suites``: names of Mbed TLS or IANA, most wanted first; None: the usual ones. ``timeout_ms``: for the whole
    handshake. Raises `NotSupported` where the runtime has no DTLS or not those suites.
    """
    if sys.implementation.name == "micropython":
        from .micropython import MicroPythonSession

        return MicroPythonSession(identity, key, suites, timeout_ms)
    from .mbedtls import MbedTLSSession

    return MbedTLSSession(identity, key, suites, timeout_ms)


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
