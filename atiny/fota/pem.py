"""RSA public keys in PEM (RFC 7468, 5280, 8017), for those who do not give them as the integers (n, e)."""

from binascii import a2b_base64

from ..errors import ParameterError

_INTEGER = 0x02
_BIT_STRING = 0x03
_SEQUENCE = 0x30
# 1.2.840.113549.1.1.1 and its parameters, NULL (RFC 3279, 2.3.1): a key that is good for any use of RSA.
_RSA_ENCRYPTION = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"


def from_pem(pem: "str | bytes") -> "tuple[int, int]":
    """(n, e) of the first block in a PEM text."""
    try:
        text = pem.decode() if isinstance(pem, bytes) else pem
    except ValueError:
        text = ""
    before, begin, rest = text.partition("-----BEGIN ")
    label, dashes, rest = rest.partition("-----")
    body, end, rest = rest.partition("-----END " + label + "-----")
    if not begin or not dashes or not end:
        raise ParameterError("a public key in PEM begins with -----BEGIN PUBLIC KEY-----: this is none")
    if "PRIVATE" in label:
        raise ParameterError("this is a private key, which stays with who signs: give the public one")
    try:
        der = a2b_base64("".join(body.split()).encode())
        if label == "PUBLIC KEY":
            der = _from_spki(der)
        elif label != "RSA PUBLIC KEY":
            raise ValueError("another label")
        return _from_pkcs1(der)
    except ValueError:
        raise ParameterError("this is no RSA public key in PEM") from None


def _from_spki(der: bytes) -> bytes:
    """The PKCS#1 key in a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7)."""
    inside = _whole(der, _SEQUENCE)
    algorithm, rest = _element(inside, _SEQUENCE)
    if algorithm != _RSA_ENCRYPTION:
        raise ValueError("not an RSA key")
    bits = _whole(rest, _BIT_STRING)
    if not bits or bits[0]:
        raise ValueError("bits that are no bytes")
    return bits[1:]


def _from_pkcs1(der: bytes) -> "tuple[int, int]":
    modulus, rest = _element(_whole(der, _SEQUENCE), _INTEGER)
    exponent = _whole(rest, _INTEGER)
    return _positive(modulus), _positive(exponent)


def _positive(content: bytes) -> int:
    if not content or content[0] & 0x80 or (content[0] == 0 and len(content) > 1 and not content[1] & 0x80):
        raise ValueError("not a positive integer, in as few bytes as it takes")
    return int.from_bytes(content, "big")


def _element(der: bytes, tag: int) -> "tuple[bytes, bytes]":
    """(content, what follows) of the element ``tag`` that DER begins with; `ValueError` where it does not."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError("another element")
    size = der[1]
    start = 2
    if size & 0x80:
        start += size & 0x7F
        if not 2 < start <= min(len(der), 6):
            raise ValueError("a length that is none")
        size = int.from_bytes(der[2:start], "big")
        if not der[2] or size < 0x80:
            raise ValueError("a length in more bytes than it takes")
    if start + size > len(der):
        raise ValueError("it is cut short")
    return der[start : start + size], der[start + size :]


def _whole(der: bytes, tag: int) -> bytes:
    """The content of the one element that ``der`` is."""
    content, rest = _element(der, tag)
    if rest:
        raise ValueError("more than one element")
    return content
