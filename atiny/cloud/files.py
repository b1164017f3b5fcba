"""Files that devices get from the cloud by CoAP: block by block (RFC 7959), each block a request of its own.

The content is taken into memory when a file is put up, so that what a device gets is of one piece whatever becomes of
the file on the disk. Nothing is kept of who has got which block: a device may go on anywhere, at any time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

import aiocoap
from aiocoap import error, resource
from aiocoap.numbers.codes import Code

ROOT = "fota"
MAX_SZX = 6  # blocks of 1024 bytes
ETAG_SIZE = 8  # RFC 7252, 5.10.6: at most
NAME_SIZE = 64  # of a file, in a URI: /5/0/1 holds 255 bytes (OMA LwM2M 1.0, E.6)


class ServedFile:
    """``content`` under ``path`` ("/fota/5e7f0d1cb2a39486/lamp-2.pkg"), which nobody can guess.

    ``progress(done)`` is told how many bytes, counted from the file's beginning, were given with each request.
    """

    def __init__(self, name: str, content: bytes, progress: Callable[[int], None]):
        self.key = secrets.token_hex(8)
        self.path = f"/{ROOT}/{self.key}/{re.sub('[^A-Za-z0-9._-]', '_', name)[-NAME_SIZE:] or 'firmware'}"
        self.content = content
        self.etag = hashlib.sha256(content).digest()[:ETAG_SIZE]
        self.progress = progress


class Shelf:
    """The files that are put up now."""

    def __init__(self) -> None:
        self._files: dict[str, ServedFile] = {}

    def put(self, file: ServedFile) -> None:
        """Have it served."""
        self._files[file.key] = file

    def take(self, file: ServedFile) -> None:
        """Have it served no more."""
        self._files.pop(file.key, None)

    def find(self, key: str) -> ServedFile | None:
        """The file whose path has this key; its name is for people."""
        return self._files.get(key)


class FilesResource(resource.Resource, resource.PathCapable):
    """/fota/KEY/NAME: GET with Block2, Size2 and ETag."""

    def __init__(self, shelf: Shelf):
        super().__init__()
        self._shelf = shelf

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        """No: aiocoap's would have a device begin with the first block."""
        return False

    async def render_get(self, request: Any) -> Any:
        """One block."""
        path = request.opt.uri_path
        file = self._shelf.find(path[0]) if len(path) == 2 else None
        if file is None:
            raise error.NotFound()
        if file.etag in request.opt.etags:
            return _tagged(aiocoap.Message(code=Code.VALID), file)
        wanted = request.opt.block2
        number, szx = (0, MAX_SZX) if wanted is None else (wanted.block_number, wanted.size_exponent)
        if szx > MAX_SZX:
            raise error.BadRequest("blocks are of at most 1024 bytes")
        offset, size = number * (16 << szx), 16 << szx
        if offset and offset >= len(file.content):
            raise error.BadRequest("the file ends before that block")
        more = offset + size < len(file.content)
        response = aiocoap.Message(code=Code.CONTENT, payload=file.content[offset : offset + size], content_format=42)
        if wanted is not None or more:
            response.opt.block2 = (number, more, szx)
        if not offset or request.opt.size2 is not None:
            response.opt.size2 = len(file.content)
        file.progress(min(offset + size, len(file.content)))
        return _tagged(response, file)


def _tagged(response: Any, file: ServedFile) -> Any:
    response.opt.etag = file.etag
    return response
