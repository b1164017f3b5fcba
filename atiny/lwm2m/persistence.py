"""What outlives a restart: the accounts, the notification attributes, the device's error codes.

Each is one record of a `Store` (adapter.base; any object with its ``get``, ``put``, ``delete`` will do), which writes
a record whole or not at all:

================  ==================================================================================
record            contents
================  ==================================================================================
``accounts``      objects 0, 1 and 2, with every value: the keys too, so the medium must be the device's own
``accounts_old``  the accounts that worked last, until those in ``accounts`` have worked
``attributes``    what servers set by Write-Attributes
``device_errors`` the codes of /3/0/11
================  ==================================================================================

A record is a version byte, its contents, and the CRC-32 of both, big-endian: a damaged one is refused whole. The
contents of accounts are the 8 bytes of a fingerprint (of what the host configured: other accounts void the record),
then what `record_codec` makes of them.

A bootstrap changes the accounts in this order, and a power cut between any two steps leaves accounts to start with:
`keep_previous`, `save_accounts` of the new ones, then either `drop_previous` once a server was reached, or
`load_previous`, `save_accounts` of what that gave, `drop_previous`.
"""

from binascii import crc32

from ..errors import AtinyError, CodecError
from . import record_codec
from .model import Model
from .servers import take_accounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ACCOUNTS = "accounts"
PREVIOUS = "accounts_old"
ATTRIBUTES = "attributes"
DEVICE_ERRORS = "device_errors"

VERSION = 1
FINGERPRINT_SIZE = 8


class Records:
    """The records of one device in ``store``.

    ``warn(text)`` is told what failed, never with a value of a record. No error of the store leaves this class: a
    device whose medium fails goes on without it. What is in the store already is not written again: flash wears.
    ``fingerprint``: of what the host configured, see `fingerprint`.

    ``changed``: the store has not yet what the device says; for the one who saves.
    """

    def __init__(self, store: "Any", warn, fingerprint: bytes):
        self.changed = False
        self._store = store
        self._warn = warn
        self._fingerprint = fingerprint

    # Accounts

    def save_accounts(self, model: Model) -> bool:
        """Write objects 0, 1, 2 of ``model``; returns whether the store has them now."""
        return self._save(ACCOUNTS, record_codec.encode_accounts, model, self._fingerprint)

    def load_accounts(self, model: Model, name: str = ACCOUNTS) -> bool:
        """Give ``model`` the stored objects 0, 1, 2 for its own; returns whether there were any.

        False: no record, a damaged one (the host is warned) or one of another fingerprint; the model is untouched.
        """
        loaded = self._load(name, record_codec.decode_accounts, self._fingerprint)
        if loaded is None:
            return False
        take_accounts(model, loaded)
        return True

    def load_previous(self, model: Model) -> bool:
        """As `load_accounts`, from those that worked last."""
        return self.load_accounts(model, PREVIOUS)

    def keep_previous(self) -> bool:
        """Keep the stored accounts as those that worked last; returns whether there is something to go back to.

        Where such are kept already, the accounts have not worked yet, and the kept ones stay: unless the host
        configured others meanwhile. False: no accounts are stored (`save_accounts` first), or the store failed.
        """
        if self.has_previous():
            return True
        current = self._load(ACCOUNTS, bytes)
        return current is not None and self._keep(PREVIOUS, current)

    def has_previous(self) -> bool:
        """Whether other accounts than the stored ones are kept: then those have not been proven to work yet."""
        previous = self._load(PREVIOUS, bytes)
        if previous is None:
            return False
        current = self._load(ACCOUNTS, bytes)
        return current is None or (current != previous and current[:FINGERPRINT_SIZE] == previous[:FINGERPRINT_SIZE])

    def drop_previous(self) -> bool:
        """Forget the accounts that worked last; returns whether they are gone."""
        return self._keep(PREVIOUS, b"")

    # The others

    def save_attributes(self, entries: "list[tuple[int, tuple, dict[str, float]]]") -> bool:
        """Write (short server id, path, {name: value}) of each path with attributes; none at all: no record."""
        return self._save(ATTRIBUTES, record_codec.encode_attributes, entries)

    def load_attributes(self) -> "list[tuple[int, tuple, dict[str, float]]]":
        """What `save_attributes` wrote, by server and path; [] where there is nothing."""
        return self._load(ATTRIBUTES, record_codec.decode_attributes) or []

    def save_errors(self, codes: "list[int]") -> bool:
        """Write the error codes of the device, in their order; none at all: no record."""
        return self._save(DEVICE_ERRORS, record_codec.encode_errors, codes)

    def load_errors(self) -> "list[int]":
        """What `save_errors` wrote; [] where there is nothing."""
        return self._load(DEVICE_ERRORS, record_codec.decode_errors) or []

    # Records

    def _save(self, name: str, encode, value, head: bytes = b"") -> bool:
        """Write what ``encode`` makes of a value, after the head."""
        try:
            contents = head + encode(value)
        except AtinyError as error:
            self._warn("%s is not stored: %s" % (name, error))
            return False
        return self._keep(name, contents)

    def _load(self, name: str, decode, head: bytes = b"") -> "Any":
        """What ``decode`` makes of the contents of a record, which begin with the head; None where there is no such."""
        record = self._ask("read", name, self._store.get)
        if record is None or record is False:
            return None
        try:
            if _sum(record[:-4]) != record[-4:]:
                raise CodecError("its checksum is wrong")
            if record[0] != VERSION:
                raise CodecError("it is of version %d, this is %d" % (record[0], VERSION))
            contents = bytes(record[1:-4])
            if contents[: len(head)] == head:
                return decode(contents[len(head) :])
        except AtinyError as error:
            self._warn("the stored %s cannot be used: %s" % (name, error))
        return None

    def _keep(self, name: str, contents: bytes) -> bool:
        """Have the store say that, or nothing where it is empty; returns whether it does now."""
        store = self._store
        record = None
        if contents:
            record = bytes([VERSION]) + contents
            record += _sum(record)
        if self._ask("read", name, store.get) == record:
            return True
        if record is None:
            done = self._ask("delete", name, store.delete)
        else:
            done = self._ask("write", name, store.put, record)
        return done is not False

    def _ask(self, what: str, name: str, action, *data: bytes) -> "Any":
        """What the store answers; False where it failed, and the host has been told."""
        try:
            return action(name, *data)
        except Exception as error:
            # Of an exception that no store should raise, the text might show the record: its type alone is told.
            why = str(error) if isinstance(error, OSError) else error.__class__.__name__
            self._warn("the store failed to %s %s: %s" % (what, name, why))
            return False


def _sum(data: bytes) -> bytes:
    return (crc32(data) & 0xFFFFFFFF).to_bytes(4, "big")


def fingerprint(model: Model) -> bytes:
    """8 bytes that tell the accounts of one configuration from those of another.

    FNV-1a in 64 bits: it guards nothing, and needs no hashlib, which costs 4 MB.
    """
    value = 0xCBF29CE484222325
    for byte in record_codec.encode_accounts(model):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value.to_bytes(FINGERPRINT_SIZE, "big")
