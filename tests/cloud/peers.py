"""Devices for the cloud's tests, both independent of atiny's own: one on aiocoap, one that is a bare socket."""

import asyncio
import copy
import functools
import socket
from types import TracebackType
from typing import Any, Callable, Coroutine

import aiocoap
from aiocoap import Message, resource
from aiocoap.numbers.codes import Code

from atiny.cloud.transport import close_context

OBJECTS = b'</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</19/0>,</19/1>'


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine as a test, on an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 20))

    return run


class Answering(resource.ObservableResource):
    """A resource that keeps what it was asked and answers what the test says."""

    def __init__(self, device: "FakeDevice", path: str):
        super().__init__()
        self.device = device
        self.path = path

    @property
    def observers(self) -> int:
        return len(self._observations)

    async def render(self, request: Any) -> Any:
        self.device.asked.append((request.code.name, self.path, request))
        answer = self.device.answers[self.path]
        result = answer(request) if callable(answer) else answer
        if asyncio.iscoroutine(result):
            result = await result
        if isinstance(result, Message):
            answer = Message(code=result.code, payload=result.payload)
            answer.opt = copy.deepcopy(result.opt)
            return answer
        code = {Code.GET: Code.CONTENT, Code.DELETE: Code.DELETED}.get(request.code, Code.CHANGED)
        payload = result if request.code is Code.GET else b""
        return Message(code=code, payload=payload, content_format=42 if payload else None)


class FakeDevice:
    """An LwM2M device on aiocoap. ``answers``: {path: bytes, a Message, or a function of the request}."""

    def __init__(self, url: str, endpoint: str, answers: "dict[str, Any] | None" = None, **query: Any):
        self.url = url
        self.endpoint = endpoint
        self.query = {"lwm2m": "1.0", "lt": 60, "b": "U", **query}
        self.answers: dict[str, Any] = {"/19/0/0": b"", "/19/1/0": b"", **(answers or {})}
        self.asked: list[tuple[str, str, Any]] = []
        self.resources: dict[str, Answering] = {}
        self.location: tuple[str, ...] = ()

    async def open(self) -> "FakeDevice":
        site = resource.Site()
        for path in self.answers:
            self.resources[path] = Answering(self, path)
            site.add_resource(path.strip("/").split("/"), self.resources[path])
        host = "::1" if "[" in self.url else "127.0.0.1"
        self.context = await aiocoap.Context.create_server_context(site, bind=(host, 0), transports=["udp6"])
        return self

    async def __aenter__(self) -> "FakeDevice":
        await self.open()
        response = await self.register()
        assert response.code is Code.CREATED, response
        return self

    async def __aexit__(
        self, kind: "type[BaseException] | None", value: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await close_context(self.context)

    async def send(self, code: Code, path: str, payload: bytes = b"", content_format: "int | None" = None) -> Any:
        message = Message(code=code, uri=self.url + path, payload=payload, content_format=content_format)
        return await self.context.request(message).response

    async def register(self, objects: bytes = OBJECTS, **query: Any) -> Any:
        values = {"ep": self.endpoint, **self.query, **query}
        text = "&".join(f"{name}={value}" for name, value in values.items())
        response = await self.send(Code.POST, "/rd?" + text, objects, 40)
        self.location = response.opt.location_path
        return response

    async def update(self, payload: bytes = b"", **query: Any) -> Any:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return await self.send(Code.POST, f"/{'/'.join(self.location)}?{text}", payload, 40 if payload else None)

    async def deregister(self) -> Any:
        return await self.send(Code.DELETE, "/" + "/".join(self.location))

    def notify(self, data: Any, path: str = "/19/0/0") -> None:
        self.answers[path] = data
        self.resources[path].updated_state()

    def commands(self) -> "list[bytes]":
        return [request.payload for code, path, request in self.asked if path == "/19/1/0" and code == "PUT"]


class RawDevice:
    """A device that is a connected socket: what it sends and when it acknowledges is the test's to say."""

    def __init__(self, port: int):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(("127.0.0.1", port))
        self.mid = 100

    def __enter__(self) -> "RawDevice":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def send(self, mtype: Any, code: Code, *, mid: "int | None" = None, token: bytes = b"", **rest: Any) -> int:
        """Send a message; returns its message id."""
        if mid is None:
            self.mid += 1
            mid = self.mid
        message = Message(code=code, **rest)
        message.mtype, message.mid, message.token = mtype, mid, token
        self.socket.send(message.encode())
        return mid

    def answer(self, request: Any, code: Code, **rest: Any) -> None:
        """The piggybacked response to a request."""
        self.send(aiocoap.ACK, code, mid=request.mid, token=request.token, **rest)

    async def receive(self, timeout_s: float = 5.0) -> Any:
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 2048), timeout_s)
        return Message.decode(data)

    async def silence(self, seconds: float = 0.05) -> None:
        """Nothing comes for that long."""
        try:
            message = await self.receive(seconds)
        except asyncio.TimeoutError:
            return
        raise AssertionError(f"unexpected {message}")

    async def register(self, endpoint: str = "raw", *, objects: bytes = OBJECTS, **query: Any) -> Any:
        values = {"ep": endpoint, "lwm2m": "1.0", "lt": 60, "b": "U", **query}
        self.send(
            aiocoap.CON,
            Code.POST,
            token=b"reg",
            uri_path=("rd",),
            uri_query=[f"{name}={value}" for name, value in values.items()],
            content_format=40,
            payload=objects,
        )
        response = await self.receive()
        assert response.code is Code.CREATED, response
        return response

    async def observed(self, data: bytes = b"") -> Any:
        """Take the cloud's Observe of /19/0/0 and accept it; returns the request."""
        request = await self.receive()
        assert request.opt.uri_path == ("19", "0", "0"), request.opt.uri_path
        assert request.opt.observe == 0
        self.answer(request, Code.CONTENT, observe=0, content_format=42, payload=data)
        return request

    def notify(self, token: bytes, number: int, payload: bytes, mtype: Any = aiocoap.CON, **rest: Any) -> int:
        return self.send(mtype, Code.CONTENT, token=token, observe=number, content_format=42, payload=payload, **rest)
