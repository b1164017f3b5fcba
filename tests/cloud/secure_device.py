"""A device over DTLS and a real socket that is neither atiny's nor aiocoap's: what it sends is the test's to say."""

import asyncio
import socket
from typing import Any

import aiocoap
from aiocoap import Message
from aiocoap.numbers.codes import Code

from tests.cloud.dtls_peer import DtlsDevice
from tests.cloud.peers import OBJECTS


class SecureDevice:
    """``identity``, ``key``: of its sessions; `connect` begins one, and another one from the same port."""

    def __init__(self, cloud: Any, identity: bytes, key: bytes):
        self.identity = identity
        self.key = key
        family = socket.AF_INET6 if "[" in cloud.secure_url else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((cloud.host, cloud.secure_port))
        self.mid = 100
        self.location: tuple[str, ...] = ()

    async def __aenter__(self) -> "SecureDevice":
        await self.connect()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.socket.close()

    async def connect(self) -> None:
        """Shake hands; afterwards ``dtls.error`` is 0 where there is a session."""
        self.dtls = DtlsDevice(self.identity, self.key)
        out = self.dtls.step()
        while not self.dtls.ready and not self.dtls.error:
            for datagram in out:
                self.socket.send(datagram)
            try:
                out = self.dtls.feed(await self.datagram(0.02))
            except asyncio.TimeoutError:
                out = self.dtls.step()

    async def datagram(self, timeout_s: float = 5.0) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 4096), timeout_s)

    def write(self, plaintext: bytes) -> None:
        self.socket.send(self.dtls.protect(plaintext))

    def send(self, code: Code, path: str = "", query: str = "", mid: "int | None" = None, **rest: Any) -> int:
        if mid is None:
            self.mid += 1
            mid = self.mid
        message = Message(code=code, uri_path=path.strip("/").split("/"), **rest)
        message.opt.uri_query = query.split("&") if query else ()
        message.mtype, message.mid, message.token = aiocoap.CON, mid, b"t%d" % mid
        self.write(message.encode())
        return mid

    def answer(self, request: Any, code: Code = Code.CONTENT, **rest: Any) -> None:
        message = Message(code=code, **rest)
        message.mtype, message.mid, message.token = aiocoap.ACK, request.mid, request.token
        self.write(message.encode())

    async def receive(self, timeout_s: float = 5.0) -> Any:
        while not self.dtls.received:
            self.dtls.feed(await self.datagram(timeout_s))
            assert not self.dtls.error, hex(self.dtls.error)
        return Message.decode(self.dtls.received.pop(0))

    async def ask(self, code: Code, path: str, query: str = "", **rest: Any) -> str:
        """Send a request; returns the code of the response, like "4.03"."""
        mid = self.send(code, path, query, **rest)
        while True:
            response = await self.receive()
            if response.mid == mid:
                self.response = response
                return f"{response.code >> 5}.{response.code & 31:02d}"

    async def register(self, endpoint: str, objects: bytes = OBJECTS, **rest: Any) -> str:
        code = await self.ask(
            Code.POST, "/rd", f"ep={endpoint}&lt=60&lwm2m=1.0&b=U", payload=objects, content_format=40, **rest
        )
        if code == "2.01":
            self.location = self.response.opt.location_path
        return code

    async def request_bootstrap(self, endpoint: str = "x") -> str:
        """Bootstrap-Request, to a cloud's bootstrap server."""
        return await self.ask(Code.POST, "/bs", f"ep={endpoint}")

    async def observed(self) -> Any:
        """Take the cloud's Observe of /19/0/0 and accept it; returns the request."""
        request = await self.receive()
        assert request.opt.uri_path == ("19", "0", "0"), request.opt.uri_path
        self.answer(request, observe=0, content_format=42)
        return request

    async def farewell(self) -> bool:
        """Read on until the session ends; returns whether it was with a close_notify."""
        while not self.dtls.error:
            self.dtls.feed(await self.datagram(5.0))
        return self.dtls.error == 0x7880

    def close(self) -> None:
        """Say farewell (close_notify)."""
        self.socket.send(self.dtls.close())
