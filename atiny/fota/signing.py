"""RSASSA-PSS by the package ``cryptography`` (the extra ``fota``): what checks fast, and what signs. CPython only.

Where the package is not installed, `verify_by_library` raises ImportError and `sign` `NotSupported`.
"""

from ..errors import NotSupported, ParameterError
from .signature import BITS, HASH_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def verify_by_library(key: "tuple[int, int]", digest: bytes, signature: bytes) -> bool:
    """See `signature.verify`; ImportError without the package."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    n, e = key
    if len(digest) != HASH_SIZE:
        return False
    scheme = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
    try:
        rsa.RSAPublicNumbers(e, n).public_key().verify(signature, digest, scheme, utils.Prehashed(SHA256()))
    except InvalidSignature:
        return False
    return True


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
