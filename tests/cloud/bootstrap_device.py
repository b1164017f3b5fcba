"""A device that is bootstrapped, on aiocoap or on a DTLS socket; what it answers is the test's to say."""

from typing import Any, Callable

from aiocoap import CON, Context, Message, resource
from aiocoap.numbers.codes import Code

from atiny.cloud.transport import close_context
from atiny.cloud.values import decode

DISCOVERED = b'lwm2m="1.0",</0/0>;ssid=101,</0/1>,</1/0>;ssid=101,</3/0>'

# What a device answers that agrees to all.
AGREES = {Code.DELETE: Code.DELETED, Code.PUT: Code.CHANGED, Code.POST: Code.CHANGED}


def path_of(request: Any) -> str:
    return "/" + "/".join(request.opt.uri_path)


def agree(request: Any) -> Message:
    if request.code is Code.GET:
        return Message(code=Code.CONTENT, content_format=40, payload=DISCOVERED)
    return Message(code=AGREES[request.code])


class BootstrapDevice(resource.Resource, resource.PathCapable):
    """``answer(request)``: its answer to an operation. ``asked``: [(method, path, decoded value)]."""

    def __init__(self, url: str, endpoint: str, answer: "Callable[[Any], Any]" = agree):
        super().__init__()
        self.url = url
        self.endpoint = endpoint
        self.answer = answer
        self.asked: list[tuple[str, str, Any]] = []
        self.requests: list[Any] = []

    async def __aenter__(self) -> "BootstrapDevice":
        host = "::1" if "[" in self.url else "127.0.0.1"
        self.context = await Context.create_server_context(self, bind=(host, 0), transports=["udp6"])
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await close_context(self.context)

    async def request(self, query: "str | None" = None, **rest: Any) -> str:
        """Bootstrap-Request; returns the code of the answer, like "2.04"."""
        query = f"ep={self.endpoint}" if query is None else query
        message = Message(code=Code.POST, uri=f"{self.url}/bs?{query}", **rest)
        self.response = await self.context.request(message).response
        return f"{self.response.code >> 5}.{self.response.code & 31:02d}"

    async def render(self, request: Any) -> Any:
        self.requests.append(request)
        path = path_of(request)
        value = decode(path, request.opt.content_format, request.payload) if request.payload else None
        self.asked.append((request.code.name, path, value))
        answer = self.answer(request)
        return await answer if hasattr(answer, "__await__") else answer

    def of(self, method: str) -> "list[str]":
        """The paths of the requests of one method."""
        return [path for name, path, _ in self.asked if name == method]

    def values(self) -> "dict[str, Any]":
        """{path: value} of what was written."""
        return {path: value for name, path, value in self.asked if name == "PUT"}


async def serve(device: Any, asked: "list[tuple[str, str, Any]]", until: str = "/bs") -> None:
    """A `tests.cloud.secure_device.SecureDevice` agrees to all, up to Finish."""
    while True:
        request = await device.receive()
        if request.mtype is not CON or not request.code.is_request():
            continue
        path = path_of(request)
        value = decode(path, request.opt.content_format, request.payload) if request.payload else None
        asked.append((request.code.name, path, value))
        answer = agree(request)
        device.answer(request, answer.code, payload=answer.payload, content_format=answer.opt.content_format)
        if path == until:
            return
