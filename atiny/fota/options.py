"""What a host says about firmware updates."""

from ..errors import ParameterError
from .package import HASH_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .package import PackageHead

TRUST_SIZE = 8


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
    ``sources``: where images come from besides CoAP; see `source`. None: no URI is of use, packages are pushed only.
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
        sources: "Iterable[Any] | None" = (),
        psk: "tuple[str | bytes, bytes] | None" = None,
        describe: "Callable[[PackageHead], tuple[str, str] | None] | None" = None,
        allow: "Callable[[PackageHead | None], bool] | None" = None,
    ):
        for name, value in (("tries", tries), ("checkpoint", checkpoint)):
            if type(value) is not int or value < 1:
                raise ParameterError("%s is %r: give a number from 1 on" % (name, value))
        if digest is not None and (type(digest) is not bytes or len(digest) != HASH_SIZE):
            raise ParameterError("the digest of an image is its SHA-256: 32 bytes")
        if not 0 < retry_min_s <= retry_max_s:
            raise ParameterError("retry_min_s is %r: give more than 0 and at most retry_max_s" % (retry_min_s,))
        self.signer: "tuple[int, int] | None" = None
        # What tells the key from others: what was verified with another one does not count as verified.
        self.trust = bytes(TRUST_SIZE)
        if key is not None:
            if accept_raw:
                raise ParameterError("with a key, packages must be signed: a raw image cannot be accepted beside them")
            from .signature import load_key, trust  # for those who sign; the others have no room for it

            self.signer = load_key(key)
            self.trust = trust(self.signer)
        self.accept_raw = accept_raw
        self.digest = digest
        self.types = None if types is None else tuple(types)
        self.tries = tries
        self.retry_min_s = retry_min_s
        self.retry_max_s = retry_max_s
        self.checkpoint = checkpoint
        if sources is not None:
            sources = tuple(sources)
        self.sources = sources
        self.psk: "tuple[bytes, bytes] | None" = None
        if psk is not None:
            identity, secret = psk
            self.psk = identity.encode() if isinstance(identity, str) else bytes(identity), bytes(secret)
        self.describe = describe
        self.allow = allow
