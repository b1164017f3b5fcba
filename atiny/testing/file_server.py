"""A CoAP file server inside the virtual network, for the tests of downloads: by the book until it is told otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from .coap_server import BLOCK_SIZES, CoapServer
from .datagrams import Address
from .network import Network
from .peer import Message, code_name, code_number

GET = 1
CONTENT = 69
AUTO = object()  # what the content says


@dataclass(slots=True)
class Fetch:
    """One request for a block. ``offset``: where in the file it begins; ``size``: of the block as it was answered."""

    time_ms: int
    address: Address
    path: str
    offset: int
    size: int
    code: str


class VirtualFile:
    """A file: ``content``; ``etag``, None: the server tells none; ``announced``: its Size2, None: it sends none."""

    def __init__(self, content: bytes, etag: object = AUTO, announced: object = AUTO):
        self.content = content
        self._etag = etag
        self._announced = announced

    @property
    def etag(self) -> bytes | None:
        """The entity tag: what was set, else the beginning of the content's SHA-256."""
        if self._etag is AUTO:
            return hashlib.sha256(self.content).digest()[:8]
        return self._etag  # type: ignore[return-value]

    @etag.setter
    def etag(self, value: object) -> None:
        self._etag = value

    @property
    def announced(self) -> int | None:
        """The length that is announced: what was set, else the content's."""
        return len(self.content) if self._announced is AUTO else self._announced  # type: ignore[return-value]

    @announced.setter
    def announced(self, value: object) -> None:
        self._announced = value


class VirtualFileServer(CoapServer):
    """Serves ``files``, {path: `VirtualFile`}, block by block (RFC 7959), at ``host`` and ``port`` of a `Network`.

    ``fetches``: every request that was answered (duplicates are not). Behaviour to set: `put`, and each file's
    ``etag`` and ``announced``; ``block_size``, at any time; ``silent``, ``separate_ms``; `fail`, `at`, `restart`;
    ``alter(request, response)``, which may change each response, or return another (aiocoap messages).
    """

    def __init__(
        self,
        network: Network,
        host: str = "files",
        port: int = 5683,
        *,
        seed: int | str = 0,
        ack_timeout_ms: int = 2000,
        max_retransmit: int = 4,
        block_size: int = 1024,
    ):
        super().__init__(network, host, port, seed, ack_timeout_ms, max_retransmit, block_size)
        self.files: dict[str, VirtualFile] = {}
        self.fetches: list[Fetch] = []
        self.alter: Callable[[Message, Message], Message | None] | None = None
        self._failures: list[tuple[int, int | None]] = []
        self._failing: tuple[int, int | None] | None = None
        self._at: list[tuple[int, Callable[[], object]]] = []

    # -- behaviour

    def put(self, path: str, content: bytes, etag: object = AUTO, announced: object = AUTO) -> VirtualFile:
        """Serve ``content`` at ``path`` ("/lamp.bin") from now on, whatever was there; returns the file."""
        self.files[path] = VirtualFile(content, etag, announced)
        return self.files[path]

    @property
    def block_size(self) -> int:
        """The largest block that it sends."""
        return 16 << self._szx

    @block_size.setter
    def block_size(self, value: int) -> None:
        if value not in BLOCK_SIZES:
            raise ValueError(f"block_size is a power of two from 16 to 1024, not {value}")
        self._szx = value.bit_length() - 5

    def fail(self, code: int | str, times: int | None = 1, max_age: int | None = None) -> None:
        """Answer the next requests with ``code`` ("5.03"), ``times`` of them (None: until `mend`); with a Max-Age."""
        if times is None:
            self._failing = code_number(code), max_age
        else:
            self._failures += [(code_number(code), max_age)] * times

    def mend(self) -> None:
        """End what `fail` began."""
        self._failures = []
        self._failing = None

    def at(self, offset: int, function: Callable[[], object]) -> None:
        """Call ``function()`` once, as soon as a block at ``offset`` or later is asked for, before it is answered."""
        self._at.append((offset, function))

    # -- what devices send

    def _on_request(self, message: Message, address: Address) -> Message | None:
        path = "/" + "/".join(message.opt.uri_path)
        block2 = message.opt.block2
        offset = 0 if block2 is None else block2.block_number << (block2.size_exponent + 4)
        for entry in [one for one in self._at if offset >= one[0]]:
            self._at.remove(entry)
            entry[1]()
        if self.silent:  # it fell silent just now
            return None
        response = self._failure() or self._block(message, path, offset)
        if self.alter is not None:
            response = self.alter(message, response) or response
        self.fetches.append(
            Fetch(
                self.network.clock.now_ms,
                address,
                path,
                offset,
                len(response.payload),
                code_name(response.code),
            )
        )
        return response

    def _failure(self) -> Message | None:
        failure = self._failures.pop(0) if self._failures else self._failing
        if failure is None:
            return None
        response = Message(code=failure[0])
        response.opt.max_age = failure[1]
        return response

    def _block(self, message: Message, path: str, offset: int) -> Message:
        if int(message.code) != GET:
            return Message(code=code_number("4.05"))
        file = self.files.get(path)
        if file is None:
            return Message(code=code_number("4.04"))
        block2 = message.opt.block2
        szx = self._szx if block2 is None else min(self._szx, block2.size_exponent)
        size = 16 << szx
        content = file.content
        if offset and offset >= len(content):
            return Message(code=code_number("4.00"), payload=b"the file ends before that block")
        response = Message(code=CONTENT, payload=content[offset : offset + size])
        more = offset + size < len(content)
        if block2 is not None or more:
            response.opt.block2 = (offset // size, more, szx)
        if file.etag is not None:
            response.opt.etag = file.etag
        if file.announced is not None and (message.opt.size2 is not None or not offset):
            response.opt.size2 = file.announced
        return response
