"""Firmware packages: the format of the LiteOS SDK, checked while it streams.

A package is a head and the image. Numbers are big-endian::

    u32 version, 0
    u32 head_len: 12 to 4096
    u32 total_len: of head and image
    up to head_len: u16 type, u16 length, value
        1     SHA-256, 32 bytes
        3     SHA-256 signed with RSASSA-PSS, RSA of 2048 bits, 256 bytes
        4     binary type, u32: 0 the full software, which is also what is meant without it; 1 a difference to it
        100.. the maker's own
    the image

The checksum (one of 1 and 3, once) is that of the head, with zeros for the checksum's value, and of the image.
A type below 100 that is not in the list is refused: a device cannot know what it asks for.

Two things tell a package from anything else: version 0, and lengths that make sense. What has neither is no package
(result 6); with one of them it is a damaged one (result 5), as is whatever else does not add up in it. So one wrong
bit in a package is always result 5. Only a binary type that is not accepted is another 6, known as soon as the head.
"""

from hashlib import sha256
from struct import pack, unpack

from ..errors import AtinyError, ParameterError
from . import signature
from .machine import INTEGRITY, UNSUPPORTED_PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

    Data = bytes | bytearray | memoryview

MIN_HEAD = 12
MAX_HEAD = 4096
MAX_TOTAL = 0xFFFFFFFF

SHA256 = 1
SHA256_RSA2048_PSS = 3
BINARY_TYPE = 4
OWN = 100  # and above
MAX_TYPE = 0xFFFF

FULL = 0
DIFFERENCE = 1

_SIZES = {SHA256: signature.HASH_SIZE, SHA256_RSA2048_PSS: signature.SIZE, BINARY_TYPE: 4}
_MARK = 8  # bytes that tell a package from a raw image: the version and the length of the head


class PackageError(AtinyError):
    """An image that is not taken. ``result`` is 5 (integrity) or 6 (type, or no package), ``text`` says why."""

    def __init__(self, result: int, text: str):
        super().__init__(text)
        self.result = result
        self.text = text


class PackageHead:
    """What the head of a package says; raises `PackageError` for bytes that are none.

    ``data``: the head itself; ``total``: length of the package; ``checksum_type``: `SHA256` or `SHA256_RSA2048_PSS`;
    ``checksum``: its value; ``type``: the binary type, None where the head has none; ``own``: ((type, value), ...) of
    the maker's own, as they come.
    """

    def __init__(self, data: bytes):
        self.data = data
        self.total = _lengths(data)[1]
        self.type: "int | None" = None
        self.own: "tuple[tuple[int, bytes], ...]" = ()
        self.checksum_type = 0
        self.checksum = b""
        self.checksum_at = 0  # where its value begins
        seen = []
        at = MIN_HEAD
        while at < len(data):
            if at + 4 > len(data):
                raise PackageError(INTEGRITY, "the head ends within a TLV")
            kind, size = unpack(">HH", data[at : at + 4])
            at += 4
            value = data[at : at + size]
            if len(value) != size:
                raise PackageError(INTEGRITY, "TLV %d is longer than the head" % kind)
            if kind >= OWN:
                self.own += ((kind, value),)
            elif kind not in _SIZES:
                raise PackageError(INTEGRITY, "TLV %d is unknown" % kind)
            elif size != _SIZES[kind]:
                raise PackageError(INTEGRITY, "TLV %d has %d bytes instead of %d" % (kind, size, _SIZES[kind]))
            elif kind in seen:
                raise PackageError(INTEGRITY, "TLV %d comes twice" % kind)
            elif kind == BINARY_TYPE:
                self.type = int.from_bytes(value, "big")
            elif self.checksum_type:
                raise PackageError(INTEGRITY, "two checksums")
            else:
                self.checksum_type = kind
                self.checksum = value
                self.checksum_at = at
            seen.append(kind)
            at += size
        if not self.checksum_type:
            raise PackageError(INTEGRITY, "the head has no checksum")

    def own_value(self, kind: int) -> "bytes | None":
        """The value of the first of the maker's own TLVs of this type; None where there is none."""
        for each, value in self.own:
            if each == kind:
                return value
        return None


def read_head(start: bytes) -> PackageHead:
    """The head of a package, of which ``start`` is the beginning, whole or not. Raises `PackageError`."""
    if len(start) >= MIN_HEAD:
        head_len = _lengths(start)[0]
        if len(start) >= head_len:
            return PackageHead(start[:head_len])
    raise _cut(start)


def _cut(start: "Data") -> PackageError:
    """What is wrong with an image that ends before its head does."""
    return PackageError(INTEGRITY if _may_be_package(start) else UNSUPPORTED_PACKAGE, "it ends within its head")


def _lengths(start: bytes) -> "tuple[int, int]":
    """(head_len, total_len) of the first 12 bytes of a package; `PackageError` where they are not."""
    version, head_len, total = unpack(">III", start[:MIN_HEAD])
    sane = MIN_HEAD <= head_len <= MAX_HEAD and head_len < total
    if version and not sane:
        raise PackageError(UNSUPPORTED_PACKAGE, "not a firmware package")
    if version:
        raise PackageError(INTEGRITY, "version %d instead of 0" % version)
    if not sane:
        raise PackageError(INTEGRITY, "a head of %d bytes in a package of %d" % (head_len, total))
    return head_len, total


def _may_be_package(start: "Data") -> bool:
    """Whether what begins like this can go on to version 0 and a head length that makes sense."""
    start = bytes(start[:_MARK])
    left = _MARK - len(start)
    lowest = int.from_bytes(start + b"\x00" * left, "big")
    highest = int.from_bytes(start + b"\xff" * left, "big")
    return lowest <= MAX_HEAD and highest >= MIN_HEAD


class PackageReader:
    """Takes a package piece by piece, gives the image in it, and says in the end whether it is good.

    Any cut of the input gives the same. No more than the head is held. What `feed` returns is unverified until `finish`
    has returned: store it, and do not use it.

    ``key``: see `signature.load_key`. A package must then be signed with it; without a key, it must not be signed.
    ``accept_raw``: take an image without a head too, with nothing but ``digest`` to check it by. Never with a key.
    ``digest``: the SHA-256 (32 bytes) that the image must have, raw or in a package.
    ``types``: the binary types accepted; None: all. A raw image has none, and is not asked for it.

    ``head``: `PackageHead`, None until it is complete, and for a raw image. ``head_len``: 0 until then, and for a raw
    image. ``total``: length of the whole package, None until then, and for a raw image. ``raw``: whether it is one.
    ``fed``: how many bytes of the package came so far.
    """

    def __init__(
        self,
        key: "str | bytes | tuple[int, int] | None" = None,
        accept_raw: bool = False,
        digest: "bytes | None" = None,
        types: "Iterable[int] | None" = None,
    ):
        if key is not None and accept_raw:
            raise ParameterError("with a key, packages must be signed: a raw image cannot be accepted beside them")
        if digest is not None and (type(digest) is not bytes or len(digest) != signature.HASH_SIZE):
            raise ParameterError("the digest of an image is its SHA-256: 32 bytes")
        self._key = None if key is None else signature.load_key(key)
        self._accept_raw = accept_raw
        self._digest = digest
        self._types = None if types is None else tuple(types)
        self._held: "bytearray | None" = bytearray()  # the head, until it is complete
        self._hash = sha256()  # of the package, as its checksum counts it
        self._image_hash = None if digest is None else sha256()
        self._error: "PackageError | None" = None
        self._good = False
        self.head: "PackageHead | None" = None
        self.head_len = 0
        self.total: "int | None" = None
        self.raw = False
        self.fed = 0

    @property
    def body_len(self) -> "int | None":
        """The length of the image as the head says it; None where none did."""
        return None if self.total is None else self.total - self.head_len

    @property
    def stored(self) -> int:
        """How many bytes of the image came so far: where the next ones belong."""
        return self.fed - self.head_len if self._held is None else 0

    def feed(self, data: "Data") -> "Data":
        """Take the next bytes; returns those of the image, to be stored at what `stored` was before.

        Raises `PackageError` as soon as the package cannot be good any more, and from then on.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._feed(data)
        except PackageError as error:
            self._error = error
            raise

    def skip_body(self, chunks: "Iterable[Data]") -> None:
        """Take image bytes that were stored in an earlier life: after the head, or first where the image is raw."""
        for chunk in chunks:
            self.feed(chunk)

    def finish(self) -> None:
        """The package is at its end. Raises `PackageError` unless it is whole, unharmed and by the right maker."""
        if self._error is not None:
            raise self._error
        if not self._good:
            try:
                self._finish()
            except PackageError as error:
                self._error = error
                raise
            self._good = True

    def _feed(self, data: "Data") -> "Data":
        body = data if self._held is None else self._feed_head(self._held, data)
        self.fed += len(data)
        if self.total is not None and self.fed > self.total:
            raise PackageError(INTEGRITY, "it is longer than the %d bytes its head says" % self.total)
        if len(body):
            if not self.raw:
                self._hash.update(body)
            if self._image_hash is not None:
                self._image_hash.update(body)
        return body

    def _feed_head(self, held: bytearray, data: "Data") -> "Data":
        """Hold what belongs to the head; returns the rest."""
        used = 0
        while True:
            piece = data[used : used + (self.head_len or MIN_HEAD) - len(held)]
            held += piece
            used += len(piece)
            if self._accept_raw and not _may_be_package(held):
                self.raw = True
                self._held = None
                return bytes(held) + bytes(data[used:])
            if len(held) < (self.head_len or MIN_HEAD):
                return b""
            if not self.head_len:
                self.head_len, self.total = _lengths(bytes(held))
            else:
                self._held = None
                self._take_head(PackageHead(bytes(held)))
                return data[used:]

    def _take_head(self, head: PackageHead) -> None:
        if self._key is not None and head.checksum_type != SHA256_RSA2048_PSS:
            raise PackageError(INTEGRITY, "it is not signed")
        if self._key is None and head.checksum_type != SHA256:
            raise PackageError(INTEGRITY, "it is signed, and there is no key to check that with")
        if self._types is not None and (head.type or FULL) not in self._types:
            raise PackageError(UNSUPPORTED_PACKAGE, "binary type %d is not accepted" % (head.type or FULL))
        self.head = head
        _hash_head(self._hash, head.data, head.checksum_at, len(head.checksum))

    def _finish(self) -> None:
        if self._held is not None:
            raise _cut(self._held)
        if self.total is not None and self.fed != self.total:
            raise PackageError(INTEGRITY, "%d of %d bytes came" % (self.fed, self.total))
        if self.head is not None:
            digest = self._hash.digest()
            if self._key is None:
                if digest != self.head.checksum:
                    raise PackageError(INTEGRITY, "the checksum is wrong")
            elif not signature.verify(self._key, digest, self.head.checksum):
                raise PackageError(INTEGRITY, "the signature is wrong")
        if self._image_hash is not None and self._image_hash.digest() != self._digest:
            raise PackageError(INTEGRITY, "it is another image than the expected one")


def _hash_head(hash: "Any", head: bytes, at: int, size: int) -> None:
    """Feed a head to a running digest, with zeros for the ``size`` bytes of the checksum ``at`` its place."""
    hash.update(head[:at])
    hash.update(b"\x00" * size)
    hash.update(head[at + size :])


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
    size = _SIZES[kind]
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
    at = MIN_HEAD + 4
    head_len = at + size + len(own)
    total = head_len + len(image)
    if head_len > MAX_HEAD:
        raise ParameterError("the head of a package has at most %d bytes, this one %d" % (MAX_HEAD, head_len))
    if not image or total > MAX_TOTAL:
        raise ParameterError("a package holds an image of 1 byte to 4 GiB")
    start = pack(">IIIHH", 0, head_len, total, kind, size)
    hash = sha256()
    _hash_head(hash, start + b"\x00" * size + own, at, size)
    hash.update(image)
    checksum = hash.digest()
    if key is not None:
        checksum = signature.sign(key, checksum, password)
    return start + checksum + own + image
