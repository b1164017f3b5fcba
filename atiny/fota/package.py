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
from struct import unpack

from ..errors import AtinyError
from .machine import INTEGRITY, UNSUPPORTED_PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import FirmwareOptions

    Data = bytes | bytearray | memoryview

MIN_HEAD = 12
MAX_HEAD = 4096

SHA256 = 1
SHA256_RSA2048_PSS = 3
BINARY_TYPE = 4
OWN = 100  # and above

HASH_SIZE = 32
SIGNATURE_SIZE = 256
SIZES = {SHA256: HASH_SIZE, SHA256_RSA2048_PSS: SIGNATURE_SIZE, BINARY_TYPE: 4}

FULL = 0
DIFFERENCE = 1

# What tells a package from a raw image: the version and the length of the head, as the first and the last that pass.
_FIRST_MARK = b"\0\0\0\0\0\0\0\x0c"
_LAST_MARK = b"\0\0\0\0\0\0\x10\0"
_MARK = 8


class PackageError(AtinyError):
    """A package that is not taken. ``result``: the Update Result that tells a server of it, 5 (integrity) or 6 (type,
    or no package) of what is wrong with its bytes. ``text`` says why."""

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
        self.total = lengths(data)[1]
        self.own: "tuple[tuple[int, bytes], ...]" = ()
        self.checksum_type = SHA256
        found = {}  # by type, where the value of a TLV begins that is not the maker's own
        at = MIN_HEAD
        while at < len(data):
            if at + 4 > len(data):
                raise PackageError(INTEGRITY, "the head ends within a TLV")
            kind, size = unpack(">HH", data[at : at + 4])
            at += 4
            if at + size > len(data):
                raise PackageError(INTEGRITY, "TLV %d is longer than the head" % kind)
            if kind >= OWN:
                self.own += ((kind, data[at : at + size]),)
            elif kind not in SIZES:
                raise PackageError(INTEGRITY, "TLV %d is unknown" % kind)
            elif size != SIZES[kind]:
                raise PackageError(INTEGRITY, "TLV %d has %d bytes instead of %d" % (kind, size, SIZES[kind]))
            elif kind in found:
                raise PackageError(INTEGRITY, "TLV %d comes twice" % kind)
            else:
                found[kind] = at
            at += size
        if SHA256_RSA2048_PSS in found:
            self.checksum_type = SHA256_RSA2048_PSS
            if SHA256 in found:
                raise PackageError(INTEGRITY, "two checksums")
        elif SHA256 not in found:
            raise PackageError(INTEGRITY, "the head has no checksum")
        self.checksum_at = found[self.checksum_type]
        self.checksum = data[self.checksum_at : self.checksum_at + SIZES[self.checksum_type]]
        at = found.get(BINARY_TYPE, 0)
        self.type = int.from_bytes(data[at : at + 4], "big") if at else None

    def own_value(self, kind: int) -> "bytes | None":
        """The value of the first of the maker's own TLVs of this type; None where there is none."""
        for each, value in self.own:
            if each == kind:
                return value
        return None


def lengths(start: bytes) -> "tuple[int, int]":
    """(head_len, total_len) of the first 12 bytes of a package; `PackageError` where they are not."""
    version, head_len, total = unpack(">III", start[:MIN_HEAD])
    if not MIN_HEAD <= head_len <= MAX_HEAD or head_len >= total:
        if version:
            raise PackageError(UNSUPPORTED_PACKAGE, "not a firmware package")
        raise PackageError(INTEGRITY, "a head of %d bytes in a package of %d" % (head_len, total))
    if version:
        raise PackageError(INTEGRITY, "version %d instead of 0" % version)
    return head_len, total


def cut(start: "Data") -> PackageError:
    """What is wrong with an image that ends before its head does."""
    return PackageError(INTEGRITY if _may_be_package(start) else UNSUPPORTED_PACKAGE, "it ends within its head")


def _may_be_package(start: "Data") -> bool:
    """Whether what begins like this can go on to version 0 and a head length that makes sense."""
    start = bytes(start[:_MARK])
    left = _MARK - len(start)
    return start + b"\xff" * left >= _FIRST_MARK and start + bytes(left) <= _LAST_MARK


class PackageReader:
    """Takes a package piece by piece, gives the image in it, and says in the end whether it is good.

    Any cut of the input gives the same. No more than the head is held. What `feed` returns is unverified until `finish`
    has returned: store it, and do not use it.

    ``options``: what is taken, a `FirmwareOptions`. With a key, a package must be signed with it; without one, it must
    not be signed. A raw image has nothing but the expected digest to check it by, and no binary type.

    ``held``: what there is of the head, None once it is known what comes.
    ``head``: `PackageHead`, None until it is complete, and for a raw image. ``head_len``: 0 until then, and for a raw
    image. ``total``: length of the whole package, None until then, and for a raw image. ``raw``: whether it is one.
    ``fed``: how many bytes of the package came so far; ``stored``: of the image: where the next ones belong.
    """

    def __init__(self, options: "FirmwareOptions"):
        self._options = options
        self.held: "bytearray | None" = bytearray()
        self._hash = sha256()  # of the package, as its checksum counts it
        self._image_hash = sha256()
        self._error: "PackageError | None" = None
        self.head: "PackageHead | None" = None
        self.head_len = 0
        self.total: "int | None" = None
        self.raw = False
        self.fed = 0
        self.stored = 0

    def feed(self, data: "Data") -> "Data":
        """Take the next bytes; returns those of the image, to be stored at what `stored` was before.

        Raises `PackageError` as soon as the package cannot be good any more, and from then on.
        """
        if self._error is not None:
            raise self._error
        try:
            body = data if self.held is None else self._feed_head(self.held, data)
            self.fed += len(data)
            if self.total is not None and self.fed > self.total:
                raise PackageError(INTEGRITY, "it is longer than the %d bytes its head says" % self.total)
        except PackageError as error:
            self._error = error
            raise
        if len(body):
            self.stored += len(body)
            self._image_hash.update(body)
            if not self.raw:
                self._hash.update(body)
        return body

    def finish(self) -> bytes:
        """The package is at its end: the SHA-256 of the image. Raises `PackageError` unless the package is whole,
        unharmed and by the right maker."""
        if self._error is not None:
            raise self._error
        try:
            head = self.head
            options = self._options
            if self.held is not None:
                raise cut(self.held)
            if head is not None:
                if self.fed != head.total:
                    raise PackageError(INTEGRITY, "%d of %d bytes came" % (self.fed, head.total))
                digest = self._hash.digest()
                if options.signer is not None:
                    from .signature import verify

                    if not verify(options.signer, digest, head.checksum):
                        raise PackageError(INTEGRITY, "the signature is wrong")
                elif digest != head.checksum:
                    raise PackageError(INTEGRITY, "the checksum is wrong")
            digest = self._image_hash.digest()
            if options.digest not in (None, digest):
                raise PackageError(INTEGRITY, "it is another image than the expected one")
            return digest
        except PackageError as error:
            self._error = error
            raise

    def _feed_head(self, held: bytearray, data: "Data") -> "Data":
        """Hold what belongs to the head; returns the rest."""
        used = 0
        while True:
            missing = (self.head_len or MIN_HEAD) - len(held)
            held += data[used : used + missing]
            used = min(used + missing, len(data))
            if self._options.accept_raw and not _may_be_package(held):
                self.raw = True
                self.held = None
                return bytes(held) + bytes(data[used:])
            if len(held) < (self.head_len or MIN_HEAD):
                return b""
            if not self.head_len:
                self.head_len, self.total = lengths(bytes(held))
            else:
                self.held = None
                self._take_head(PackageHead(bytes(held)))
                return data[used:]

    def _take_head(self, head: PackageHead) -> None:
        options = self._options
        type = head.type or FULL
        if options.signer is not None:
            if head.checksum_type == SHA256:
                raise PackageError(INTEGRITY, "it is not signed")
        elif head.checksum_type != SHA256:
            raise PackageError(INTEGRITY, "it is signed, and there is no key to check that with")
        if options.types is not None and type not in options.types:
            raise PackageError(UNSUPPORTED_PACKAGE, "binary type %d is not accepted" % type)
        self.head = head
        # With zeros for the checksum.
        at = head.checksum_at
        size = len(head.checksum)
        self._hash.update(head.data[:at] + bytes(size) + head.data[at + size :])
