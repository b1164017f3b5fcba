"""RSASSA-PSS (RFC 8017, 8.1) with a modulus of 2048 bits, SHA-256, MGF1 with SHA-256 and a salt of any length.

What a firmware package is signed with. `verify` runs on the package ``cryptography`` where it is installed (the extra
``fota``), else on `verify_plainly`, this file's own public operation: big integers and `hashlib`, which a board has.
Everything in it is public: it needs no secret and protects none. To sign takes ``cryptography``.
"""

import binascii
from hashlib import sha256

from ..errors import NotSupported, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Key = tuple[int, int]  # modulus, public exponent

BITS = 2048
SIZE = BITS // 8  # of a signature, in bytes
HASH_SIZE = 32

_INTEGER = 0x02
_BIT_STRING = 0x03
_SEQUENCE = 0x30
# 1.2.840.113549.1.1.1 and its parameters, NULL (RFC 3279, 2.3.1): a key that is good for any use of RSA.
_RSA_ENCRYPTION = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"

_ZEROS = b"\x00" * 8  # in front of the digest (RFC 8017, 9.1.2, step 5)
_TRAILER = 0xBC
_DB_SIZE = SIZE - HASH_SIZE - 1


def load_key(key: "str | bytes | Key") -> "Key":
    """The public key (n, e), out of a PEM text (SubjectPublicKeyInfo or PKCS#1) or of (n, e) itself.

    Raises `ParameterError` for anything else, and for a key that no package is signed with: a modulus that is even or
    has not 2048 bits, an exponent that is even or 1.
    """
    if isinstance(key, (str, bytes)):
        n, e = _from_pem(key)
    elif type(key) is tuple and len(key) == 2 and all(type(part) is int for part in key):
        n, e = key
    else:
        raise ParameterError("a public key is a PEM text, or the integers (n, e)")
    if n >> (BITS - 1) != 1 or not n & 1:
        raise ParameterError("packages are signed with RSA of 2048 bits: this key has another modulus")
    if not 1 < e < n or not e & 1:
        raise ParameterError("the exponent of an RSA key is odd and greater than 1: this key has another")
    return n, e


def verify(key: "Key", digest: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (256 bytes) is that of ``digest`` (SHA-256, 32 bytes) by the owner of ``key``, a key of
    `load_key`. False for whatever it is not; never raises for what a peer sent."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
        from cryptography.hazmat.primitives.hashes import SHA256
    except ImportError:
        return verify_plainly(key, digest, signature)
    n, e = key
    if len(digest) != HASH_SIZE:
        return False
    scheme = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
    try:
        rsa.RSAPublicNumbers(e, n).public_key().verify(signature, digest, scheme, utils.Prehashed(SHA256()))
    except InvalidSignature:
        return False
    return True


def verify_plainly(key: "Key", digest: bytes, signature: bytes) -> bool:
    """`verify` without a library. Every check is made, whatever the ones before it found."""
    n, e = key
    if len(signature) != SIZE or len(digest) != HASH_SIZE:
        return False
    number = int.from_bytes(signature, "big")
    wrong = number >= n
    encoded = _power(number, e, n).to_bytes(SIZE, "big")
    masked = encoded[:_DB_SIZE]
    found = encoded[_DB_SIZE : _DB_SIZE + HASH_SIZE]
    wrong |= encoded[SIZE - 1] != _TRAILER
    # The encoded message has 2047 bits, one less than the modulus.
    wrong |= encoded[0] & 0x80 != 0
    unmasked = int.from_bytes(masked, "big") ^ int.from_bytes(_mask(found, _DB_SIZE), "big")
    block = unmasked.to_bytes(_DB_SIZE, "big")
    # Zeros, a one, the salt. The bit that was cut off belongs to the mask.
    start = 0
    marked = False
    for index in range(_DB_SIZE):
        byte = block[index] & 0x7F if index == 0 else block[index]
        if not marked and byte:
            marked = True
            start = index + 1
            wrong |= byte != 1
    wrong |= not marked
    return not wrong and sha256(_ZEROS + digest + block[start:]).digest() == found


def _power(base: int, exponent: int, modulus: int) -> int:
    """By squaring. Not every port of MicroPython has a pow() of three arguments."""
    result = 1
    base %= modulus
    while exponent:
        if exponent & 1:
            result = result * base % modulus
        exponent >>= 1
        if exponent:
            base = base * base % modulus
    return result


def _mask(seed: bytes, size: int) -> bytes:
    """MGF1 (RFC 8017, B.2.1)."""
    mask = b""
    counter = 0
    while len(mask) < size:
        mask += sha256(seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return mask[:size]


def sign(pem: "str | bytes", digest: bytes, password: "bytes | None" = None) -> bytes:
    """The signature (256 bytes) of a digest (SHA-256, 32 bytes) with a private key, a PEM text that may be encrypted.

    Raises `ParameterError` for a key that is not one, is not RSA of 2048 bits or does not open with the password,
    `NotSupported` where the package ``cryptography`` is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise NotSupported('to sign takes the package cryptography: pip install "atiny[fota]"') from None
    try:
        key: "Any" = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password)
    except TypeError:  # a password too many, or one that is missing
        missing = password is None
        raise ParameterError("the key is encrypted" if missing else "the key is not encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ParameterError("this is no private key in PEM, or the password is not its own") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise ParameterError("packages are signed with an RSA key of 2048 bits: this key is another")
    scheme = padding.PSS(padding.MGF1(SHA256()), HASH_SIZE)
    return key.sign(digest, scheme, utils.Prehashed(SHA256()))


# -- PEM and DER


def _from_pem(pem: "str | bytes") -> "Key":
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
        der = binascii.a2b_base64("".join(body.split()).encode())
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


def _from_pkcs1(der: bytes) -> "Key":
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
