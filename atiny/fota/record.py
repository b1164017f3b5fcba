"""What outlives a restart of a firmware update, in the 512 bytes of `StorageDevice`'s update info.

Two slots of 256 bytes are written in turn, so that a write which a power cut tears leaves the one before. A slot, big
endian: "AF", u32 sequence number, u8 state, u8 result, u8 kind, u8 flags, u32 written, u32 total, u8 lengths of ETag,
check and URI, each with its bytes behind it, u32 CRC-32 of all before it. (The SDK's record has seven words and no way
back from a torn write; see docs/porting.md.)
"""

from binascii import crc32
from struct import calcsize, pack, unpack

from .machine import DOWNLOADED, DOWNLOADING, IDLE, NONE_YET, UNSUPPORTED_PROTOCOL, UPDATING

SLOT_SIZE = 256
MAX_LENGTH = 0xFFFFFFFF  # of an image, in bytes

# The kinds
NOTHING = 0
PUSH = 1
PULL = 2

_MAGIC = b"AF"
_HEAD = ">2sIBBBBIIBBB"
_HEAD_SIZE = calcsize(_HEAD)
_CRC_SIZE = 4
_ROOM = SLOT_SIZE - _HEAD_SIZE - _CRC_SIZE
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
        self.clear()

    def clear(self) -> None:
        """Forget the update; what is no part of one stays."""
        self.state = IDLE
        self.result = NONE_YET
        self.forget()

    def forget(self) -> None:
        """Forget the image; State and Result stay."""
        self.kind = NOTHING
        self.written = 0
        self.total = 0
        self.etag = b""
        self.check = b""
        self.uri = ""

    def load(self) -> bool:
        """Take the newest slot that is whole; False, and an empty record, where there is none. OSError passes."""
        newest = None
        for slot in (0, 1):
            found = _decode(bytes(self._storage.read_update_info(slot * SLOT_SIZE, SLOT_SIZE)))
            # Sequence numbers wrap: the newer one is less than half of them ahead.
            if found is not None and (newest is None or 0 < (found[0] - newest[0]) % _SEQUENCES < _SEQUENCES // 2):
                newest = found
                self._slot = 1 - slot
        self._saved = None
        if newest is None:
            self.clear()
            return False
        self._sequence, self.state, self.result, self.kind, flags, self.written, self.total = newest[:7]
        self.etag, self.check, uri = newest[7:]
        self.supported_objects = bool(flags & _SUPPORTED_OBJECTS)
        try:
            self.uri = uri.decode()
        except UnicodeError:
            self.uri = ""
        return True

    def save(self) -> None:
        """Write the record, where it has changed; OSError passes: the one before is then still there."""
        fields = self._encode()
        if fields == self._saved:
            return
        sequence = (self._sequence + 1) % _SEQUENCES
        body = _MAGIC + pack(">I", sequence) + fields
        self._saved = None
        self._storage.write_update_info(self._slot * SLOT_SIZE, body + pack(">I", crc32(body)))
        self._saved = fields
        self._sequence = sequence
        self._slot = 1 - self._slot

    def _encode(self) -> bytes:
        """All between the sequence number and the CRC, as long as a slot has room for."""
        uri = self.uri.encode()
        etag = self.etag
        if len(etag) + len(self.check) > _ROOM:
            etag = b""
        if len(etag) + len(self.check) + len(uri) > _ROOM:
            uri = b""
        flags = _SUPPORTED_OBJECTS if self.supported_objects else 0
        numbers = (self.state, self.result, self.kind, flags, self.written, self.total)
        lengths = (len(etag), len(self.check), len(uri))
        rest = etag + self.check + uri
        return pack(">BBBBIIBBB", *(numbers + lengths)) + rest + bytes(_ROOM - len(rest))


def _decode(data: bytes) -> "tuple | None":
    """(sequence, state, result, kind, flags, written, total, etag, check, uri) of a whole slot, or None."""
    if len(data) != SLOT_SIZE or unpack(">I", data[-_CRC_SIZE:])[0] != crc32(data[:-_CRC_SIZE]):
        return None
    fields = unpack(_HEAD, data[:_HEAD_SIZE])
    magic, _, state, result, kind = fields[:5]
    if magic != _MAGIC or state > UPDATING or result > UNSUPPORTED_PROTOCOL or kind > PULL:
        return None
    if state in (DOWNLOADING, DOWNLOADED, UPDATING) and kind == NOTHING:
        return None
    parts = []
    position = _HEAD_SIZE
    for length in fields[8:]:
        parts.append(data[position : position + length])
        position += length
    if position > SLOT_SIZE - _CRC_SIZE:
        return None
    return fields[1:8] + tuple(parts)
