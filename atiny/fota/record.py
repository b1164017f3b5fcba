"""What outlives a restart of a firmware update, in the 512 bytes of `StorageDevice`'s update info.

Two slots of 256 bytes are written in turn, so that a write which a power cut tears leaves the one before. A slot, big
endian: "AF", u32 sequence number, u8 state, u8 result, u8 kind, u8 flags, u32 written, u32 total, u8 lengths of ETag,
check and URI, each with its bytes behind it, u32 CRC-32 of all before it. (The SDK's record has seven words and no way
back from a torn write; see docs/porting.md.)
"""

from binascii import crc32
from struct import pack, unpack

from .machine import IDLE, NONE_YET, UNSUPPORTED_PROTOCOL, UPDATING

SLOT_SIZE = 256
MAX_LENGTH = 0xFFFFFFFF  # of an image, in bytes

# The kinds
NOTHING = 0
PUSH = 1
PULL = 2

_MAGIC = b"AF"
_HEAD = ">2sIBBBBIIBBB"
_HEAD_SIZE = 21
_FIELDS_AT = 6  # what follows is the same in a record that has not changed
_BODY_SIZE = SLOT_SIZE - 4  # what the CRC is of
_ROOM = _BODY_SIZE - _HEAD_SIZE
_SUPPORTED_OBJECTS = 1
_SEQUENCES = 1 << 32


class UpdateRecord:
    """The record in a storage; set its fields, then `save`.

    ``state``, ``result``: of machine.py. ``kind``: NOTHING, PUSH, PULL. ``written``: bytes of the image that are known
    to be stored; once it is whole, its length. ``total``: bytes of the file, 0: unknown. ``etag``: of the file at
    ``uri``, b"": unknown. ``check``: what tells this image from another, for whoever resumes or activates it.
    ``supported_objects``: /5/0/4. ETag and check matter more than the URI: what does not fit with them is not kept,
    and then is "".
    """

    def __init__(self, storage):
        self._storage = storage
        self._sequence = 0
        self._slot = 0  # the one to write next
        self._saved: "bytes | None" = None
        self.supported_objects = False
        self.state = IDLE
        self.result = NONE_YET
        self.forget()

    def forget(self) -> None:
        """Forget the image; State and Result stay."""
        self.kind = NOTHING
        self.written = self.total = 0
        self.etag = self.check = b""
        self.uri = ""

    def load(self) -> bool:
        """Take the newest slot that is whole; False, and nothing is changed, where there is none. OSError passes."""
        newest: "tuple | None" = None
        kept = b""
        for slot in (0, 1):
            data = bytes(self._storage.read_update_info(slot * SLOT_SIZE, SLOT_SIZE))
            body = data[:_BODY_SIZE]
            if data[_BODY_SIZE:] != pack(">I", crc32(body)) or body[:2] != _MAGIC:
                continue
            fields = unpack(_HEAD, body[:_HEAD_SIZE])
            state, result, kind = fields[2:5]
            end = _HEAD_SIZE + sum(fields[8:])
            if state > UPDATING or result > UNSUPPORTED_PROTOCOL or kind > PULL or (state != IDLE and kind == NOTHING):
                continue
            # Sequence numbers wrap: the newer one is less than half of them ahead.
            if end <= _BODY_SIZE and (newest is None or 0 < (fields[1] - newest[1]) % _SEQUENCES < _SEQUENCES // 2):
                newest = fields
                kept = body[_HEAD_SIZE:end]
                self._slot = 1 - slot
        self._saved = None
        if newest is None:
            return False
        _, self._sequence, self.state, self.result, self.kind, flags, self.written, self.total = newest[:8]
        self.supported_objects = flags & _SUPPORTED_OBJECTS > 0
        etag_size, check_size = newest[8:10]
        self.etag = kept[:etag_size]
        self.check = kept[etag_size : etag_size + check_size]
        try:
            self.uri = kept[etag_size + check_size :].decode()
        except UnicodeError:
            self.uri = ""
        return True

    def save(self) -> None:
        """Write the record, where it has changed; OSError passes: the one before is then still there."""
        uri, etag, check = self.uri.encode(), self.etag, self.check
        if len(etag) + len(check) > _ROOM:
            etag = b""
        if len(etag) + len(check) + len(uri) > _ROOM:
            uri = b""
        sequence = (self._sequence + 1) % _SEQUENCES
        head = pack(
            _HEAD,
            _MAGIC,
            sequence,
            self.state,
            self.result,
            self.kind,
            self.supported_objects,
            self.written,
            self.total,
            len(etag),
            len(check),
            len(uri),
        )
        body = (head + etag + check + uri + bytes(_ROOM))[:_BODY_SIZE]
        fields = body[_FIELDS_AT:]
        if fields != self._saved:
            self._saved = None
            self._storage.write_update_info(self._slot * SLOT_SIZE, body + pack(">I", crc32(body)))
            self._saved = fields
            self._sequence = sequence
            self._slot = 1 - self._slot
