"""The files that devices get from the cloud: by CoAP and by HTTP, by the book."""

import asyncio
import urllib.error
from urllib.request import Request, urlopen

import pytest
from aiocoap import Context, Message
from aiocoap.numbers.codes import Code

from atiny.cloud import Cloud, CloudError, PortInUse
from atiny.cloud.files import ServedFile, Shelf
from atiny.cloud.http_files import HttpFiles
from tests.cloud.peers import on_a_loop

CONTENT = bytes(range(256)) * 8  # 2048 bytes


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lamp-2.pkg", "lamp-2.pkg"),
        ("", "firmware"),
        ("a/b?c#d%e f", "a_b_c_d_e_f"),
        ("\u5149" * 3, "___"),
        ("x" * 100 + ".pkg", "x" * 60 + ".pkg"),
    ],
)
def test_names(name, path):
    file = ServedFile(name, b"x", print)
    assert file.path == f"/fota/{file.key}/{path}"
    assert len("coaps://[2001:0db8:0000:0000:0000:0000:0000:0001]:65535" + file.path) <= 200


def test_no_two_paths_are_alike():
    assert len({ServedFile("a", b"x", print).path for _ in range(100)}) == 100


COAP = [
    (dict(), (Code.CONTENT, 0, 1024, True, 2048)),
    (dict(block2=(0, False, 6)), (Code.CONTENT, 0, 1024, True, 2048)),
    (dict(block2=(1, False, 6)), (Code.CONTENT, 1, 1024, False, None)),
    (dict(block2=(1, False, 6), size2=0), (Code.CONTENT, 1, 1024, False, 2048)),
    (dict(block2=(127, False, 0)), (Code.CONTENT, 127, 16, False, None)),
    (dict(block2=(2, False, 6)), (Code.BAD_REQUEST,)),
    (dict(block2=(1, False, 7)), (Code.BAD_REQUEST,)),
    (dict(etags=[b"stale"]), (Code.CONTENT, 0, 1024, True, 2048)),
    (dict(etags=[b"stale", None]), (Code.VALID,)),  # None: the file's
]


@on_a_loop
async def test_by_coap():
    async with Cloud(port=0) as cloud:
        told = []
        file = ServedFile("lamp.pkg", CONTENT, told.append)
        cloud.fota.shelf.put(file)
        context = await Context.create_client_context()
        try:

            async def ask(path, code=Code.GET, etags=(), **options):
                message = Message(code=code, uri=cloud.url + path, **options)
                message.opt.etags = [file.etag if etag is None else etag for etag in etags]
                return await context.request(message, handle_blockwise=False).response

            for options, wanted in COAP:
                response = await ask(file.path, **options)
                assert response.code is wanted[0], options
                if response.code is Code.CONTENT:
                    block2 = response.opt.block2
                    found = block2.block_number, len(response.payload), block2.more, response.opt.size2
                    assert found == wanted[1:], options
                    start = block2.block_number * block2.size
                    assert response.payload == CONTENT[start : start + block2.size]
                    assert told[-1] == start + len(response.payload)
                if response.code.is_successful():
                    assert response.opt.etag == file.etag
            assert (await ask(file.path, Code.PUT)).code is Code.METHOD_NOT_ALLOWED
            for path in ("/fota", "/fota/" + file.key, "/fota/0123456789abcdef/lamp.pkg", file.path + "/x"):
                assert (await ask(path)).code is Code.NOT_FOUND, path
            cloud.fota.shelf.take(file)
            assert (await ask(file.path)).code is Code.NOT_FOUND
        finally:
            await context.shutdown()


TAG = object()
HTTP = [
    (dict(), 200, CONTENT, None),
    (dict(Range="bytes=100-"), 206, CONTENT[100:], "bytes 100-2047/2048"),
    (dict(Range="bytes=100-199"), 206, CONTENT[100:200], "bytes 100-199/2048"),
    (dict(Range="bytes=-48"), 206, CONTENT[2000:], "bytes 2000-2047/2048"),
    (dict(Range="bytes=2000-9999"), 206, CONTENT[2000:], "bytes 2000-2047/2048"),
    (dict(Range="bytes=2048-"), 416, None, "bytes */2048"),
    (dict(Range="lines=1-2"), 200, CONTENT, None),
    (dict(Range="bytes=100-", **{"If-Range": TAG}), 206, CONTENT[100:], "bytes 100-2047/2048"),
    (dict(Range="bytes=100-", **{"If-Range": '"another"'}), 200, CONTENT, None),
    ({"If-None-Match": TAG}, 304, None, None),
    ({"If-None-Match": '"another"'}, 200, CONTENT, None),
]


@on_a_loop
async def test_by_http():
    shelf = Shelf()
    told = []
    file = ServedFile("lamp.pkg", CONTENT, told.append)
    shelf.put(file)
    tag = f'"{file.etag.hex()}"'
    server = HttpFiles(shelf, "127.0.0.1", 0)
    await asyncio.gather(server.start(), server.start())

    def ask(path, headers=None, method="GET"):
        headers = {name: tag if value is TAG else value for name, value in (headers or {}).items()}
        url = f"http://127.0.0.1:{server.port}{path}"
        try:
            with urlopen(Request(url, headers=headers, method=method), timeout=5) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, problem.headers, None

    try:
        for headers, status, content, part in HTTP:
            found = await asyncio.to_thread(ask, file.path, headers)
            assert (found[0], found[2], found[1]["Content-Range"]) == (status, content, part), headers
            assert found[1]["ETag"] == tag
        told.clear()
        head = await asyncio.to_thread(ask, file.path, None, "HEAD")
        assert (head[0], head[1]["Content-Length"], head[1]["Accept-Ranges"], head[2]) == (200, "2048", "bytes", b"")
        assert told == []
        assert (await asyncio.to_thread(ask, "/fota/0123456789abcdef/lamp.pkg"))[0] == 404
        with pytest.raises(PortInUse):
            await HttpFiles(shelf, "127.0.0.1", server.port).start()
    finally:
        await server.stop()
        await server.stop()


def test_http_without_its_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)
    with pytest.raises(CloudError, match="pip install"):
        asyncio.run(HttpFiles(Shelf(), "127.0.0.1", 0).start())
