"""Firmware packages are made: what only a host does, and no device. For their format see `package`."""

from hashlib import sha256
from struct import pack

from ..errors import ParameterError
from .package import (
    BINARY_TYPE,
    MAX_HEAD,
    MIN_HEAD,
    OWN,
    SHA256,
    SHA256_RSA2048_PSS,
    SIZES,
    PackageHead,
    cut,
    lengths,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

MAX_TOTAL = 0xFFFFFFFF
MAX_TYPE = 0xFFFF


def read_head(start: bytes) -> PackageHead:
    """The head of a package, of which ``start`` is the beginning, whole or not. Raises `PackageError`."""
    if len(start) >= MIN_HEAD:
        head_len = lengths(start)[0]
        if len(start) >= head_len:
            return PackageHead(start[:head_len])
    raise cut(start)


def build(
    image: bytes,
    *,
    key: "str | bytes | None" = None,
    type: "int | None" = None,
    tlvs: "Iterable[tuple[int, bytes]]" = (),
    password: "bytes | None" = None,
) -> bytes:
    """The package of an image, with its SHA-256, or signed.

    ``key``: a private one in PEM, with its ``password`` where it is encrypted; ``type``: the binary type; ``tlvs``:
    (type, value) of the maker's own, types 100 to 65535. Raises `ParameterError` for what no package can hold and for
    a key that none can be signed with, `NotSupported` where nothing can sign.
    """
    kind = SHA256 if key is None else SHA256_RSA2048_PSS
    size = SIZES[kind]
    own = b""
    if type is not None:
        if not 0 <= type <= MAX_TOTAL:
            raise ParameterError("a binary type is 0 to %d, not %d" % (MAX_TOTAL, type))
        own += pack(">HHI", BINARY_TYPE, 4, type)
    for number, value in tlvs:
        if not OWN <= number <= MAX_TYPE:
            raise ParameterError("the types of your own TLVs are %d to %d, not %d" % (OWN, MAX_TYPE, number))
        if len(value) > MAX_HEAD:
            raise ParameterError("the head of a package has at most %d bytes" % MAX_HEAD)
        own += pack(">HH", number, len(value)) + value
    head_len = MIN_HEAD + 4 + size + len(own)
    total = head_len + len(image)
    if head_len > MAX_HEAD:
        raise ParameterError("the head of a package has at most %d bytes, this one %d" % (MAX_HEAD, head_len))
    if not image or total > MAX_TOTAL:
        raise ParameterError("a package holds an image of 1 byte to 4 GiB")
    start = pack(">IIIHH", 0, head_len, total, kind, size)
    hash = sha256(start + bytes(size) + own)
    hash.update(image)
    checksum = hash.digest()
    if key is not None:
        from .signing import sign  # what only takes a checksum does not need it

        checksum = sign(key, checksum, password)
    return start + checksum + own + image
