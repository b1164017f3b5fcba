"""Block-wise transfer against aiocoap over UDP on loopback, in both roles and both directions."""

import asyncio
import random
import socket
from contextlib import asynccontextmanager

import aiocoap
import pytest
from aiocoap import resource

from atiny.cloud.transport import close_context, open_context
from atiny.coap.endpoint import Endpoint
from atiny.coap.exchange import DONE
from atiny.coap.message import Message

from .peer import CHANGED, CONTENT, CONTENT_FORMAT, GET, OBSERVE, PUT, body, path

BODY = body(5000)
OTHER = body(10000)[5000:]


class Wired:
    """An endpoint of ours on a socket and an event loop. ``address``: of its peer; else the first who calls."""

    def __init__(self, handler=None, address=None, **options):
        self.loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.address = address
        self.endpoint = Endpoint(handler, random.Random(1).randbytes, **options)
        self.received = 0
        self.loop.add_reader(self.socket, self.readable)
        self.timer = None

    @property
    def now(self):
        return int(self.loop.time() * 1000)

    def readable(self):
        datagram, self.address = self.socket.recvfrom(2048)
        self.received += 1
        self.endpoint.receive(datagram, self.now)
        self.flush()

    def flush(self):
        exchange = self.endpoint.exchange
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        exchange.handle_timer(self.now)
        while exchange.outbox:
            id, datagram = exchange.outbox.pop(0)
            self.socket.sendto(datagram, self.address)
            if id:
                exchange.sent(id, self.now)
        due = exchange.deadline()
        if due is not None:
            self.timer = self.loop.call_later((due - self.now) / 1000, self.flush)

    async def request(self, code, payload=b"", options=()):
        """Send a request; returns the response."""
        end = self.loop.create_future()
        message = Message(code, [*path("/body"), *options], payload)
        self.endpoint.request(message, lambda outcome, response: end.set_result((outcome, response)))
        self.flush()
        outcome, response = await end
        assert outcome == DONE
        return response

    def close(self):
        if self.timer is not None:
            self.timer.cancel()
        self.loop.remove_reader(self.socket)
        self.socket.close()


class Body(resource.ObservableResource):
    """A long representation on aiocoap."""

    def __init__(self):
        super().__init__()
        self.content = BODY

    async def render_get(self, request):
        return aiocoap.Message(payload=self.content, content_format=42)

    async def render_put(self, request):
        self.content = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED, payload=b"thanks " * 300)


@asynccontextmanager
async def wired(*args, **options):
    device = Wired(*args, **options)
    try:
        yield device
    finally:
        device.close()


@asynccontextmanager
async def context(*resources):
    site = resource.Site()
    for one in resources:
        site.add_resource(["body"], one)
    opened, _, port = await open_context(site, "127.0.0.1", 0)
    try:
        yield opened, port
    finally:
        await close_context(opened)


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 20))


@pytest.mark.parametrize("szx", [2, 6])
def test_our_requests_to_aiocoap(szx):
    async def story():
        theirs = Body()
        async with context(theirs) as (_, port), wired(None, ("127.0.0.1", port), szx=szx) as device:
            response = await device.request(GET)
            assert (response.code, response.payload, response.uint(CONTENT_FORMAT)) == (CONTENT, BODY, 42)
            assert device.received >= 5000 // (16 << szx)
            response = await device.request(PUT, OTHER, [(CONTENT_FORMAT, b"\x2a")])
            assert (response.code, response.payload) == (CHANGED, b"thanks " * 300)
            assert theirs.content == OTHER
            response = await device.request(GET)
            assert response.payload == OTHER

    run(story())


@pytest.mark.parametrize("szx", [2, 5, 6])
def test_requests_of_aiocoap_to_us(szx):
    """aiocoap cannot be told a size for its first block: with szx 2 and 5 it is negotiated down (or ours is larger)."""
    asked = []

    def handler(request):
        asked.append((request.code, request.payload))
        if request.code == PUT:
            return Message(CHANGED, None, b"thanks " * 300)
        return Message(CONTENT, [(CONTENT_FORMAT, b"\x2a")], BODY)

    async def story():
        async with context() as (client, _), wired(handler, szx=szx) as device:
            uri = "coap://127.0.0.1:%d/body" % device.port
            response = await client.request(aiocoap.Message(code=aiocoap.GET, uri=uri)).response
            assert (response.code, response.payload, response.opt.content_format) == (CONTENT, BODY, 42)
            assert device.received == -(-len(BODY) // (16 << szx))
            response = await client.request(aiocoap.Message(code=aiocoap.PUT, uri=uri, payload=OTHER)).response
            assert (response.code, response.payload) == (CHANGED, b"thanks " * 300)
        assert asked == [(GET, b""), (PUT, OTHER)]

    run(story())


def test_an_observation_of_aiocoap_with_long_notifications():
    contents = [BODY, OTHER, b"short", BODY[::-1]]
    observed = []

    def handler(request):
        observed.append(request)
        return Message(CONTENT, [(OBSERVE, b"\1"), (CONTENT_FORMAT, b"\x2a")], contents[0])

    async def story():
        async with context() as (client, _), wired(handler) as device:
            uri = "coap://127.0.0.1:%d/body" % device.port
            request = client.request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
            response = await request.response
            assert response.payload == contents[0]
            notifications = aiter(request.observation)
            for number, content in enumerate(contents[1:], 2):
                acknowledged = device.loop.create_future()
                notification = Message(CONTENT, [(OBSERVE, bytes((number,))), (CONTENT_FORMAT, b"\x2a")], content)
                device.endpoint.notify(
                    observed[0],
                    notification,
                    True,
                    lambda *end, future=acknowledged: future.set_result(end),
                    device.now,
                )
                device.flush()
                assert (await anext(notifications)).payload == content
                assert await acknowledged == (DONE, None)
            request.observation.cancel()
        assert len(observed) == 1

    run(story())
