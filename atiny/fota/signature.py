"""RSASSA-PSS (RFC 8017, 8.1) with a modulus of 2048 bits, SHA-256, MGF1 with SHA-256 and a salt of any length.

What a firmware package is signed with. `verify` runs on the package ``cryptography`` where it is installed, see
`signing`; else on `verify_plainly`, this file's own public operation: big integers and `hashlib`, which a board has.
Everything in it is public: it needs no secret and protects none.
"""

from hashlib import sha256

from ..errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Key = tuple[int, int]  # modulus, public exponent

BITS = 2048
SIZE = BITS // 8  # of a signature, in bytes
HASH_SIZE = 32

_ZEROS = b"\x00" * 8  # in front of the digest (RFC 8017, 9.1.2, step 5)
_TRAILER = 0xBC
_DB_SIZE = SIZE - HASH_SIZE - 1
_MASK_COUNT = -(-_DB_SIZE // HASH_SIZE)  # digests that make the mask of the data block


def load_key(key: "str | bytes | Key") -> "Key":
    """The public key (n, e), out of a PEM text (SubjectPublicKeyInfo or PKCS#1) or of (n, e) itself.

    Raises `ParameterError` for anything else, and for a key that no package is signed with: a modulus that is even or
    has not 2048 bits, an exponent that is even or 1.
    """
    if isinstance(key, (str, bytes)):
        from .pem import from_pem  # what is given (n, e) does not need it

        n, e = from_pem(key)
    elif type(key) is tuple and len(key) == 2 and type(key[0]) is int and type(key[1]) is int:
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
        from .signing import verify_by_library

        return verify_by_library(key, digest, signature)
    except ImportError:
        return verify_plainly(key, digest, signature)


def verify_plainly(key: "Key", digest: bytes, signature: bytes) -> bool:
    """`verify` without a library: RFC 8017, 8.1.2 and 9.1.2."""
    n, e = key
    number = int.from_bytes(signature, "big")
    if len(signature) != SIZE or len(digest) != HASH_SIZE or number >= n:
        return False
    encoded = _power(number, e, n).to_bytes(SIZE, "big")
    found = encoded[_DB_SIZE:-1]
    mask = b""  # MGF1 (B.2.1)
    for counter in range(_MASK_COUNT):
        mask += sha256(found + bytes((0, 0, 0, counter))).digest()
    block = int.from_bytes(encoded[:_DB_SIZE], "big") ^ int.from_bytes(mask[:_DB_SIZE], "big")
    # The encoded message has 2047 bits, one less than the modulus: the one that was cut off belongs to the mask.
    bits = 8 * _DB_SIZE - 1  # by a name: the compiler for boards would write down the number, in decimal
    block &= (1 << bits) - 1
    salted = block.to_bytes(_DB_SIZE, "big").lstrip(b"\0")  # a one, the salt
    return (
        encoded[0] < 0x80
        and encoded[-1] == _TRAILER
        and salted[:1] == b"\1"
        and sha256(_ZEROS + digest + salted[1:]).digest() == found
    )


def _power(base: int, exponent: int, modulus: int) -> int:
    """By squaring. Not every port of MicroPython has a pow() of three arguments."""
    result = 1
    while True:
        if exponent & 1:
            result = result * base % modulus
        exponent >>= 1
        if not exponent:
            return result
        base = base * base % modulus


def trust(key: "Key") -> bytes:
    """8 bytes that tell a key from another."""
    n, e = key
    return sha256(n.to_bytes(SIZE, "big") + e.to_bytes(SIZE, "big")).digest()[:8]
