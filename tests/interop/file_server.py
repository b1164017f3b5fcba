"""CoAP file servers that firmware is pulled from, in a thread of their own.

`OfTheCloud` is what `atiny cloud` has. `ByBlock` is aiocoap's own file server, which reads the block that is asked for.
`ByTransfer` is an ordinary resource of aiocoap: the library cuts the blocks, and knows a transfer only from its first
block on and by whom it was begun (4.08 else), so nobody can go on there where another transfer ended.
"""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import aiocoap
from aiocoap.cli.fileserver import FileServer
from aiocoap.resource import PathCapable, Resource, Site, hashing_etag

from atiny.cloud.files import ROOT, FilesResource, ServedFile, Shelf
from atiny.cloud.transport import close_context, open_context

START_TIMEOUT_S = 10


class _Held(Resource):
    """``asked``: the number of the block in each GET. From the ``limit``-th on they wait until that is raised."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: "list[int]" = []
        self.limit: "float" = float("inf")
        self.changed = asyncio.Event()
        self.held = threading.Event()

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        self.asked.append(request.opt.block2.block_number if request.opt.block2 is not None else 0)
        number = len(self.asked)
        while number > self.limit:
            self.held.set()
            await self.changed.wait()
        return bool(await super().needs_blockwise_assembly(request))

    def put(self, folder: Path, name: str, content: bytes) -> str:
        """Serve it; returns its path."""
        (folder / name).write_bytes(content)
        return f"/{name}"


class OfTheCloud(_Held, FilesResource):
    def __init__(self, folder: Path) -> None:
        self._own = Shelf()
        super().__init__(self._own)

    def put(self, folder: Path, name: str, content: bytes) -> str:
        file = ServedFile(name, content, lambda done: None)
        self._own.put(file)
        return file.path


class ByBlock(_Held, FileServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, logging.getLogger("coap-server"))


class ByTransfer(_Held):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    async def render_get(self, request: Any) -> Any:
        path = self._folder / request.opt.uri_path[-1]
        if not path.exists():
            raise aiocoap.error.NotFound
        response = aiocoap.Message(payload=path.read_bytes())
        hashing_etag(request, response)
        return response


class Files:
    """The server of a ``folder``, as a context manager. ``kind``: one of those above."""

    def __init__(self, kind: "type[_Held]", folder: Path):
        self.kind = kind
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True, name="files")

    def __enter__(self) -> "Files":
        self._thread.start()
        assert self._ready.wait(START_TIMEOUT_S), "the file server did not start"
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def put(self, name: str, content: bytes) -> str:
        """Serve that; returns its URI."""
        return f"coap://127.0.0.1:{self._port}{self._resource.put(self._folder, name, content)}"

    @property
    def asked(self) -> "list[int]":
        """The numbers of the blocks that were asked for."""
        return self._resource.asked

    def hold_after(self, count: int) -> None:
        """Answer so many requests, and no more until `release`."""
        self._resource.changed.clear()
        self._resource.limit = count

    def wait_held(self, timeout_s: float = 10) -> None:
        """Until a request waits."""
        assert self._resource.held.wait(timeout_s), f"asked for blocks {self.asked}"

    def release(self) -> None:
        """Answer everything."""
        self._resource.limit = float("inf")
        self._loop.call_soon_threadsafe(self._resource.changed.set)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._resource = self.kind(self._folder)
        site: Any = self._resource
        if isinstance(site, PathCapable):
            site = Site()
            site.add_resource([ROOT], self._resource)
        context, _, self._port = await open_context(site, "127.0.0.1", 0)
        self._ready.set()
        await self._over.wait()
        await close_context(context)
