"""The same files by HTTP, on aiohttp: with ranges, and ETags that tell a file from another (RFC 9110)."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any

from . import errors
from .files import ROOT, Shelf

if TYPE_CHECKING:
    from aiohttp import web

CHUNK = 1 << 16


class HttpFiles:
    """Serves a `Shelf` from `start` to `stop`; ``port``: of the listening socket (before: as it was asked for)."""

    def __init__(self, shelf: Shelf, host: str, port: int):
        self.port = port
        self._shelf = shelf
        self._host = host
        self._runner: Any = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Listen, if it does not yet. Raises `errors.PortInUse`, `errors.HostUnknown`, or `errors.CloudError` where
        aiohttp is not installed.
        """
        async with self._starting:
            if self._runner is None:
                await self._start()

    async def _start(self) -> None:
        try:
            from aiohttp import web
        except ImportError:
            raise errors.CloudError("to serve by HTTP takes aiohttp: pip install atiny[cloud]") from None
        application = web.Application()
        application.router.add_get(f"/{ROOT}/{{key}}/{{name}}", self._get)  # and HEAD
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port).start()
        except OSError as problem:
            await runner.cleanup()
            if problem.errno == errno.EADDRINUSE:
                raise errors.PortInUse(self._host, self.port) from None
            raise errors.HostUnknown(f"cannot listen on {self._host} by HTTP: {problem}") from None
        self.port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Close the socket and what comes over it."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        file = self._shelf.find(request.match_info["key"])
        if file is None:
            raise web.HTTPNotFound()
        total = len(file.content)
        tag = f'"{file.etag.hex()}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes"}
        if tag in (entry.strip() for entry in request.headers.get("If-None-Match", "").split(",")):
            return web.Response(status=304, headers=headers)
        start, stop, status = 0, total, 200
        # By hand: aiohttp reads If-Range as a date only, and would give a part of a file that has changed.
        if request.headers.get("If-Range", tag) == tag:
            try:
                start, stop, _ = request.http_range.indices(total)
            except ValueError:  # what cannot be understood is passed over (14.2)
                start, stop = 0, total
            if "Range" in request.headers and (start, stop) != (0, total):
                status = 206
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
            if status == 206 and start >= stop:
                headers["Content-Range"] = f"bytes */{total}"
                raise web.HTTPRequestRangeNotSatisfiable(headers=headers)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_type = "application/octet-stream"
        response.content_length = stop - start
        await response.prepare(request)
        if request.method != "HEAD":
            for offset in range(start, stop, CHUNK):
                end = min(offset + CHUNK, stop)
                await response.write(file.content[offset:end])
                file.progress(end)
        await response.write_eof()
        return response
