"""What a host says about firmware updates."""

from hashlib import sha256

from ..errors import ParameterError
from . import signature
from .package import PackageReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .package import PackageHead

TRUST_SIZE = 8
_NOBODY = bytes(TRUST_SIZE)


def _octets(identity: "str | bytes") -> bytes:
    return identity.encode() if isinstance(identity, str) else bytes(identity)


class FirmwareOptions:
    """What packages a device takes, and how it gets them. `ParameterError` for what cannot be meant.

    ``key``: the maker's public key, PEM or (n, e): every package must then be signed with it.
    ``accept_raw``: take images without a head too; never with a key.
    ``digest``: the SHA-256 (32 bytes) that the image must have.
    ``types``: the binary types that are accepted; None: all.
    ``tries``: how often in a row a download may fail without a byte of progress, until the result is 4.
    ``retry_min_s``, ``retry_max_s``: the first and the longest pause between tries, in seconds; each doubles the last.
    ``checkpoint``: after how many bytes of a download the place to go on from is kept over a restart: a record of 256
    bytes is written each time. It is also the least that ATINY_FOTA_STATE tells as progress.
    ``sources``: where images come from besides CoAP; see `download`.
    ``psk``: (identity, key) for a coaps URI at a host that is none of the device's servers; None: that of its first
    account which has one.
    ``describe(head)``: (name, version) of a package, for /5/0/6 and /5/0/7; None: there are none. ``head``: a
    `PackageHead`.
    ``allow(head)``: asked once the head is there (None: of a raw image), before anything is stored; what is not true
    refuses the package with result 6, as of an older version.
    """

    def __init__(
        self,
        *,
        key: "str | bytes | tuple[int, int] | None" = None,
        accept_raw: bool = False,
        digest: "bytes | None" = None,
        types: "Iterable[int] | None" = None,
        tries: int = 5,
        retry_min_s: int = 5,
        retry_max_s: int = 120,
        checkpoint: int = 4096,
        sources: "Iterable[Any]" = (),
        psk: "tuple[str | bytes, bytes] | None" = None,
        describe: "Callable[[PackageHead], tuple[str, str] | None] | None" = None,
        allow: "Callable[[PackageHead | None], bool] | None" = None,
    ):
        if type(tries) is not int or tries < 1:
            raise ParameterError("tries is %r: give a number from 1 on" % (tries,))
        if type(checkpoint) is not int or checkpoint < 1:
            raise ParameterError("checkpoint is %r: give a number of bytes" % (checkpoint,))
        if not 0 < retry_min_s <= retry_max_s:
            raise ParameterError("retry_min_s is %r: give more than 0 and at most retry_max_s" % (retry_min_s,))
        self.key = None if key is None else signature.load_key(key)
        self.accept_raw = accept_raw
        self.digest = digest
        self.types = None if types is None else tuple(types)
        self.tries = tries
        self.retry_min_s = retry_min_s
        self.retry_max_s = retry_max_s
        self.checkpoint = checkpoint
        self.sources = tuple(sources)
        self.psk = None if psk is None else (_octets(psk[0]), bytes(psk[1]))
        self.describe = describe
        self.allow = allow
        self.trust = _NOBODY if self.key is None else _trust(self.key)
        self.reader()  # what is wrong with the rest is said now, not when a package comes

    def reader(self) -> PackageReader:
        """A reader for the next package."""
        return PackageReader(self.key, self.accept_raw, self.digest, self.types)

    def trusts(self, trust: bytes) -> bool:
        """Whether a package that was verified under the ``trust`` of earlier options counts as verified under these."""
        return self.key is None or trust == self.trust


def _trust(key: "tuple[int, int]") -> bytes:
    """8 bytes that tell a key from another."""
    n, e = key
    return sha256(n.to_bytes(signature.SIZE, "big") + e.to_bytes(signature.SIZE, "big")).digest()[:TRUST_SIZE]
