"""What a fatal alert says of why a server refused the handshake (RFC 5246, 7.2.2)."""

from .handshake import HEADER

_ALERT = 21
_FATAL = 2

_REASONS = {
    20: "bad_record_mac: wrong PSK",
    40: "handshake_failure: no cipher suite in common, or unknown identity",
    47: "illegal_parameter: unknown identity or wrong PSK",
    51: "decrypt_error: wrong PSK",
    70: "protocol_version: it has no DTLS 1.2",
    71: "insufficient_security: no cipher suite in common",
    80: "internal_error",
    115: "unknown_psk_identity",
}


def alert_reason(datagram: bytes) -> str:
    """What the fatal alert in a datagram says, where it is not encrypted (RFC 5246, 7.2.2)."""
    start = 0
    while len(datagram) - start >= HEADER + 2:
        body = start + HEADER
        if datagram[start] == _ALERT and datagram[start + 3 : start + 5] == b"\0\0" and datagram[body] == _FATAL:
            number = datagram[body + 1]
            return "alert %d, %s" % (number, _REASONS.get(number, "unknown identity or wrong PSK"))
        start = body + (datagram[start + 11] << 8 | datagram[start + 12])
    return "fatal alert, unknown identity or wrong PSK"
