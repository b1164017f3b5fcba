"""A device with object 5, played on aiocoap: it joins the blocks that are pushed and gets what it is to pull."""

import asyncio
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from aiocoap import Message
from aiocoap.numbers.codes import Code

from tests.cloud.peers import FakeDevice

OBJECTS = b'</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</5/0>,</19/0>,</19/1>'


class FirmwareDevice(FakeDevice):
    """``image``: what it got. ``good(image)``: whether it is a package; ``boots``: whether it runs after an update.

    ``back``: how it pulls from the middle, an offset; ``szx``: of the blocks it asks for and offers.
    """

    def __init__(self, url, endpoint="lamp", **answers):
        super().__init__(url, endpoint)
        self.image = b""
        self.uri = ""
        self.good = lambda image: True
        self.boots = True
        self.back = 0
        self.szx = 6
        self.fetched = []
        self.state = self.result = 0
        self.down = False
        self.tasks = []
        self.answers.update(
            {
                "/5/0/0": lambda request: self.put(request),
                "/5/0/1": lambda request: self.set_uri(request),
                "/5/0/2": lambda request: self.update_now(request),
                "/5/0/3": lambda request: self.number(self.state),
                "/5/0/5": lambda request: self.number(self.result),
                "/5/0/6": Message(code=Code.CONTENT, content_format=0, payload=b"lamp"),
                "/5/0/7": Message(code=Code.NOT_FOUND),
                **answers,
            }
        )

    async def register(self, objects=OBJECTS, **query):
        return await super().register(objects, **query)

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await super().close()

    def number(self, value):
        if self.down:
            return Message(code=Code.SERVICE_UNAVAILABLE)
        return Message(code=Code.CONTENT, content_format=0, payload=str(value).encode())

    def enter(self, state, result):
        self.state, self.result = state, result
        for path in ("/5/0/3", "/5/0/5"):
            self.resources[path].updated_state()

    def got(self, image):
        self.image = image
        if self.good(image):
            self.enter(2, 0)
        else:
            self.enter(0, 5)

    def put(self, request):
        if self.state:
            return Message(code=Code.METHOD_NOT_ALLOWED, payload=b"busy")
        self.got(request.payload)
        if self.state:
            return Message(code=Code.CHANGED)
        return Message(code=Code.BAD_REQUEST, payload=b"no package")

    def set_uri(self, request):
        self.uri = request.payload.decode()
        if not self.uri:
            self.enter(0, 0)
            return b""
        self.enter(1, 0)
        self.tasks.append(asyncio.ensure_future(self.fetch()))
        return b""

    async def fetch(self):
        try:
            if self.uri.startswith("http:"):
                image = await asyncio.to_thread(self.by_http)
            else:
                image = await self.by_coap()
        except LookupError:
            self.enter(0, 7)
        else:
            self.got(image)

    async def by_coap(self):
        """Block by block, each a request of its own; beginning in the middle where ``back`` says so."""
        size = 16 << self.szx
        image = {}
        numbers = list(range(self.back // size, 1 << 20)) + list(range(self.back // size))
        total = None
        for block in numbers:
            if total is not None and block * size >= total:
                continue
            message = Message(code=Code.GET, uri=self.uri)
            message.opt.block2 = (block, False, self.szx)
            message.opt.size2 = 0
            response = await self.context.request(message, handle_blockwise=False).response
            self.fetched.append(response)
            if not response.code.is_successful():
                raise LookupError(response.code)
            total = response.opt.size2
            image[block] = response.payload
            if block * size + len(response.payload) >= total and not self.back:
                break
            if len(image) * size >= total:
                break
        return b"".join(image[block] for block in sorted(image))

    def by_http(self):
        headers = {}
        begin = b""
        if self.back:
            with urlopen(Request(self.uri, headers={"Range": f"bytes=0-{self.back - 1}"}), timeout=5) as part:
                assert part.status == 206
                begin = part.read()
                headers = {"Range": f"bytes={self.back}-", "If-Range": part.headers["ETag"]}
        with urlopen(Request(self.uri, headers=headers), timeout=5) as response:
            self.fetched.append(response)
            return begin + response.read()

    def update_now(self, request):
        if self.state != 2:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        self.enter(3, 0)
        self.tasks.append(asyncio.ensure_future(self.restart()))
        return b""

    async def restart(self):
        """There is nothing to be heard, then the registration is made anew."""
        self.down = True
        await asyncio.sleep(0.02)
        self.state, self.result = (0, 1) if self.boots else (2, 8)
        self.down = False
        await self.register()


def where(uri):
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.port
