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

from ..errors import AtinyError, CodecError, ParameterError
from . import record_codec
from .model import Model

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
    """The records of one device in ``store``; None: nothing is kept, nothing is found.

    ``warn(text)`` is told what failed, never with a value of a record. No error of the store leaves this class: a
    device whose medium fails goes on without it. What is in the store already is not written again: flash wears.
    """

    def __init__(self, store: "Any", warn):
        self._store = store
        self._warn = warn

    # Accounts

    def save_accounts(self, model: Model, fingerprint: bytes) -> bool:
        """Write objects 0, 1, 2 of ``model``; returns whether the store has them now. ``fingerprint``: 8 bytes."""
        return self._save(ACCOUNTS, lambda: _fingerprint(fingerprint) + record_codec.encode_accounts(model))

    def load_accounts(self, model: Model, fingerprint: bytes) -> bool:
        """Give ``model`` the stored objects 0, 1, 2 for its own; returns whether there were any.

        False: no record, a damaged one (the host is warned) or one of another fingerprint; the model is untouched.
        """
        return self._load_accounts(ACCOUNTS, model, fingerprint)

    def keep_previous(self) -> bool:
        """Keep the stored accounts as those that worked last; returns whether there is something to go back to.

        Where such are kept already, the accounts have not worked yet, and the kept ones stay: unless the host
        configured others meanwhile. False: no accounts are stored (`save_accounts` first), or the store failed.
        """
        if self.has_previous():
            return True
        if self._contents(ACCOUNTS) is None:
            return False
        record = self._get(ACCOUNTS)
        return record is not None and self._put(PREVIOUS, record)

    def has_previous(self) -> bool:
        """Whether other accounts than the stored ones are kept: then those have not been proven to work yet."""
        previous = self._contents(PREVIOUS)
        if previous is None:
            return False
        current = self._contents(ACCOUNTS)
        if current is None:
            return True
        return current != previous and current[:FINGERPRINT_SIZE] == previous[:FINGERPRINT_SIZE]

    def load_previous(self, model: Model, fingerprint: "bytes | None" = None) -> bool:
        """As `load_accounts`, from those that worked last; without ``fingerprint``, whatever theirs is."""
        return self._load_accounts(PREVIOUS, model, fingerprint)

    def drop_previous(self) -> bool:
        """Forget the accounts that worked last; returns whether they are gone."""
        return self._delete(PREVIOUS)

    def _load_accounts(self, name: str, model: Model, fingerprint: "bytes | None") -> bool:
        contents = self._contents(name)
        if contents is None:
            return False
        if len(contents) < FINGERPRINT_SIZE:
            self._damaged(name, "it has no fingerprint")
            return False
        if fingerprint is not None and contents[:FINGERPRINT_SIZE] != _fingerprint(fingerprint):
            return False
        try:
            loaded = record_codec.decode_accounts(contents[FINGERPRINT_SIZE:])
        except AtinyError as error:
            self._damaged(name, error)
            return False
        for object_id in record_codec.ACCOUNT_OBJECTS:
            if object_id in loaded.objects:
                model.objects[object_id] = loaded.objects[object_id]
            elif object_id in model.objects:
                model.objects.pop(object_id)
        model.generation += 1
        return True

    # The others

    def save_attributes(self, entries: "list[tuple[int, tuple, dict[str, float]]]") -> bool:
        """Write (short server id, path, {name: value}) of each path with attributes; none at all: no record."""
        if not entries:
            return self._delete(ATTRIBUTES)
        return self._save(ATTRIBUTES, lambda: record_codec.encode_attributes(entries))

    def load_attributes(self) -> "list[tuple[int, tuple, dict[str, float]]]":
        """What `save_attributes` wrote, by server and path; [] where there is nothing."""
        return self._load(ATTRIBUTES, record_codec.decode_attributes)

    def save_errors(self, codes: "list[int]") -> bool:
        """Write the error codes of the device, in their order; none at all: no record."""
        if not codes:
            return self._delete(DEVICE_ERRORS)
        return self._save(DEVICE_ERRORS, lambda: record_codec.encode_errors(codes))

    def load_errors(self) -> "list[int]":
        """What `save_errors` wrote; [] where there is nothing."""
        return self._load(DEVICE_ERRORS, record_codec.decode_errors)

    # Records

    def _save(self, name: str, encode) -> bool:
        if self._store is None:
            return False
        try:
            contents = encode()
        except AtinyError as error:
            self._warn("%s is not stored: %s" % (name, error))
            return False
        record = bytes([VERSION]) + contents
        return self._put(name, record + _sum(record))

    def _load(self, name: str, decode) -> list:
        contents = self._contents(name)
        if contents is None:
            return []
        try:
            return decode(contents)
        except CodecError as error:
            self._damaged(name, error)
            return []

    def _contents(self, name: str) -> "bytes | None":
        """The contents of a record, or None where there is none that is whole."""
        record = self._get(name)
        if record is None:
            return None
        if len(record) < 5 or _sum(record[:-4]) != record[-4:]:
            self._damaged(name, "its checksum is wrong")
        elif record[0] != VERSION:
            self._damaged(name, "it is of version %d, this is %d" % (record[0], VERSION))
        else:
            return record[1:-4]
        return None

    def _damaged(self, name: str, why: object) -> None:
        self._warn("the stored %s cannot be used: %s" % (name, why))

    def _get(self, name: str) -> "bytes | None":
        if self._store is None:
            return None
        try:
            record = self._store.get(name)
            return None if record is None else bytes(record)
        except Exception as error:
            self._failed("read", name, error)
            return None

    def _put(self, name: str, record: bytes) -> bool:
        if self._get(name) == record:
            return True
        try:
            self._store.put(name, record)
        except Exception as error:
            self._failed("write", name, error)
            return False
        return True

    def _delete(self, name: str) -> bool:
        if self._store is None:
            return False
        try:
            if self._store.get(name) is not None:
                self._store.delete(name)
        except Exception as error:
            self._failed("delete", name, error)
            return False
        return True

    def _failed(self, what: str, name: str, error: Exception) -> None:
        # Of an exception that no store should raise, the text might show the record: its type alone is told.
        why = str(error) if isinstance(error, OSError) else error.__class__.__name__
        self._warn("the store failed to %s %s: %s" % (what, name, why))


def _sum(data: bytes) -> bytes:
    return (crc32(data) & 0xFFFFFFFF).to_bytes(4, "big")


def _fingerprint(fingerprint: bytes) -> bytes:
    if len(fingerprint) != FINGERPRINT_SIZE:
        raise ParameterError("a fingerprint has %d bytes, not %d" % (FINGERPRINT_SIZE, len(fingerprint)))
    return bytes(fingerprint)
