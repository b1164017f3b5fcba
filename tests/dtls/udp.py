"""DTLS over real UDP on loopback: a socket for a session, other people's servers, a bad network, a gateway."""

import os
import select
import socket
import subprocess
import threading
import time
from types import TracebackType
from typing import Any, Callable

import aiocoap

from tests.dtls.peer import DOWN, KEYS, RETRANSMIT_S, UP, Fate, Peer, now_ms
from tests.tools import tool

HOST = "127.0.0.1"
Address = tuple[str, int]


def bound(port: int = 0) -> "socket.socket":
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((HOST, port))
    link.setblocking(False)
    return link


def free_ports(count: int = 1) -> int:
    """The first of ``count`` free ports in a row."""
    for _ in range(100):
        first = bound()
        port: int = first.getsockname()[1]
        links = [first]
        try:
            links += [bound(port + 1 + number) for number in range(count - 1)]
            return port
        except (OSError, OverflowError):
            pass
        finally:
            for link in links:
                link.close()
    raise OSError("no free ports")


class Program:
    """A server of somebody else's, as a process. ``sent``: a pipe that is its standard input."""

    def __init__(self, name: str, *arguments: str):
        self.process = subprocess.Popen(
            [tool(name), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", value: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def read(self, wanted: bytes, timeout_s: float = 5.0) -> bytes:
        """What it prints, until ``wanted`` is in it."""
        assert self.process.stdout is not None
        end = time.monotonic() + timeout_s
        found = b""
        while wanted not in found:
            left = end - time.monotonic()
            assert left > 0, f"{wanted!r} is not in {found!r}"
            if select.select([self.process.stdout], [], [], left)[0]:
                more = os.read(self.process.stdout.fileno(), 65536)
                assert more, f"it ended with {found!r}"
                found += more
        return found

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()


class Link:
    """A session of ours on a socket."""

    def __init__(self, session: Any, port: int):
        self.session = session
        self.socket = bound()
        self.socket.connect((HOST, port))
        self.mid = 0

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self.flush()
        self.socket.close()

    def flush(self) -> None:
        for datagram in self.session.datagrams():
            try:
                self.socket.send(datagram)
            except ConnectionRefusedError:
                pass

    def receive(self, timeout_s: float) -> "tuple[bytes, ...] | None":
        """The plaintexts of the next datagram, None where none came in time."""
        if not select.select([self.socket], [], [], max(0, timeout_s))[0]:
            return None
        try:
            datagram = self.socket.recv(65536)
        except ConnectionRefusedError:
            return ()
        found: "tuple[bytes, ...]" = self.session.receive(datagram, now_ms())
        self.flush()
        return found

    def shake_hands(self, timeout_s: float = 5.0) -> "Link":
        end = time.monotonic() + timeout_s
        self.session.start(now_ms())
        self.flush()
        while not self.session.ready and not self.session.closed:
            assert time.monotonic() < end, "the handshake did not end"
            if self.receive((self.session.deadline() - now_ms()) / 1000) is None:
                self.session.handle_timer(now_ms())
                self.flush()
        return self

    def exchange(self, plaintext: bytes, timeout_s: float = 5.0) -> bytes:
        """Send a plaintext; returns the next one that comes."""
        self.socket.send(self.session.protect(plaintext))
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for found in self.receive(end - time.monotonic()) or ():
                return found
        raise AssertionError("no answer")

    def get(self, *path: str) -> Any:
        """A confirmable GET; returns the response."""
        self.mid += 1
        request = aiocoap.Message(code=aiocoap.GET, uri_path=path, _mid=self.mid, _token=b"tk%d" % self.mid)
        request.mtype = aiocoap.CON
        response = aiocoap.Message.decode(self.exchange(request.encode()))
        assert (response.mid, response.token) == (self.mid, request.token)
        return response


class Served:
    """A thread that looks after sockets; `call` has it do something."""

    def __init__(self) -> None:
        self._calls: "list[tuple[Callable[[], Any], threading.Event, list[Any]]]" = []
        self._stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Any:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self.thread.join(10)

    def call(self, function: "Callable[[], Any]") -> Any:
        """Call ``function()`` in the thread and return what it returns."""
        done, result = threading.Event(), []
        self._calls.append((function, done, result))
        assert done.wait(10)
        return result[0]

    def _run(self) -> None:
        while not self._stopping:
            ready = select.select(self.sockets(), [], [], RETRANSMIT_S / 4)[0]
            for link in ready:
                try:
                    data, address = link.recvfrom(65536)
                except (ConnectionRefusedError, BlockingIOError):
                    continue
                self.arrived(link, data, address)
            self.pass_time()
            while self._calls:
                function, done, result = self._calls.pop(0)
                result.append(function())
                done.set()
        for link in self.sockets():
            link.close()

    def sockets(self) -> "list[socket.socket]":
        raise NotImplementedError

    def arrived(self, link: "socket.socket", data: bytes, address: Address) -> None:
        raise NotImplementedError

    def pass_time(self) -> None:
        """Called every few milliseconds."""


class Gateway(Served):
    """DTLS in front of a server that has none: each session talks to ``back`` from a port of its own.

    Without ``back`` it sends each plaintext back. ``keys``: by identity; ``peers``: the sessions by address.
    """

    def __init__(self, back: "int | None" = None, keys: "dict[bytes, bytes] | None" = None, **options: Any):
        super().__init__()
        self.back = back
        self.keys = dict(KEYS) if keys is None else keys
        self.options = options
        self.front = bound()
        self.port: int = self.front.getsockname()[1]
        self.peers: "dict[Address, Peer]" = {}
        self.handshakes = 0
        self.farewells = 0
        self.addresses: "set[Address]" = set()  # all that ever began a handshake
        self._links: "dict[Address, socket.socket]" = {}

    def forget(self) -> None:
        """Restart: nothing is known any more."""
        self.call(lambda: self.peers.clear())

    def say_farewell(self) -> None:
        """End all sessions with a close_notify."""

        def end() -> None:
            for address, peer in self.peers.items():
                self.front.sendto(peer.farewell(), address)
            self.peers.clear()

        self.call(end)

    def sockets(self) -> "list[socket.socket]":
        return [self.front, *self._links.values()]

    def arrived(self, link: "socket.socket", data: bytes, address: Address) -> None:
        if link is not self.front:
            for owner, back in self._links.items():
                if back is link and owner in self.peers:
                    self.front.sendto(self.peers[owner].protect(data), owner)
            return
        if address not in self.peers:
            if data[:1] != b"\x16" or data[3:5] != b"\0\0":
                return  # not a handshake
            self.peers[address] = Peer(self.keys, **self.options)
            self.addresses.add(address)
        peer = self.peers[address]
        before = peer.handshakes
        for plaintext in peer.receive(data):
            self._answer(peer, address, plaintext)
        self.handshakes += peer.handshakes - before
        if peer.closed:
            self.farewells += 1
            del self.peers[address]
        self._flush(peer, address)

    def _answer(self, peer: Peer, address: Address, plaintext: bytes) -> None:
        if self.back is None:
            self.front.sendto(peer.protect(plaintext), address)
            return
        if address not in self._links:
            self._links[address] = bound()
            self._links[address].connect((HOST, self.back))
        self._links[address].send(plaintext)

    def _flush(self, peer: Peer, address: Address) -> None:
        for datagram in peer.out:
            self.front.sendto(datagram, address)
        peer.out = []

    def pass_time(self) -> None:
        for address, peer in self.peers.items():
            if not peer.established:
                before = peer.handshakes
                peer.poll()  # it may complete one that waited for nothing but a turn
                self.handshakes += peer.handshakes - before
                self._flush(peer, address)


class Proxy(Served):
    """A bad network in front of a server: each datagram's `Fate`, and a NAT that forgets its ports.

    Each of its ``ports`` is a network of its own, with the fate of the same number.
    """

    def __init__(self, upstream: int, *fates: Fate):
        super().__init__()
        self.upstream = upstream
        self.fates = list(fates)
        self.fronts = [bound() for _ in fates]
        self.ports = [front.getsockname()[1] for front in self.fronts]
        self.counts = [{UP: 0, DOWN: 0} for _ in fates]
        self.seen: "list[tuple[str, bytes]]" = []
        self._backs: "dict[tuple[int, Address], socket.socket]" = {}

    @property
    def port(self) -> int:
        """The first network's."""
        return int(self.ports[0])

    def rebind(self) -> None:
        """Forget every port, as a NAT does in time: what is sent next comes from others."""

        def forget() -> None:
            for back in self._backs.values():
                back.close()
            self._backs.clear()

        self.call(forget)

    def inject(self, datagram: bytes) -> None:
        """Send a datagram to every device, as from the server."""

        def send() -> None:
            for number, address in self._backs:
                self.fronts[number].sendto(datagram, address)

        self.call(send)

    def sockets(self) -> "list[socket.socket]":
        return [*self.fronts, *self._backs.values()]

    def arrived(self, link: "socket.socket", data: bytes, address: Address) -> None:
        if link in self.fronts:
            number = self.fronts.index(link)
            back = self._backs.get((number, address))
            if back is None:
                back = self._backs[number, address] = bound()
                back.connect((HOST, self.upstream))
            for datagram in self._fate(number, UP, data):
                back.send(datagram)
        else:
            for (number, device), back in self._backs.items():
                if back is link:
                    for datagram in self._fate(number, DOWN, data):
                        self.fronts[number].sendto(datagram, device)

    def _fate(self, number: int, direction: str, data: bytes) -> "list[bytes]":
        count = self.counts[number][direction]
        self.counts[number][direction] += 1
        self.seen.append((direction, data))
        return self.fates[number](direction, count, data)
