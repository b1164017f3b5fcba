"""The bench's own LwM2M server: one raw UDP socket that takes registrations and asks for resources.

It knows as much CoAP (RFC 7252) as it needs and none of the project's, so that what it measures is the client.
"""

import os
import select
import socket
import struct
import subprocess
import time
from typing import Callable, NamedTuple

HOST = "127.0.0.1"
CON, NON, ACK, RST = 0, 1, 2, 3
CREATED, DELETED, CHANGED, CONTENT, CONTINUE, NOT_FOUND = 0x41, 0x42, 0x44, 0x45, 0x5F, 0x84
LOCATION_PATH, URI_PATH, CONTENT_FORMAT, ACCEPT, BLOCK1 = 8, 11, 12, 17, 27
OPAQUE = 42
MAX_TRIES = 5
NOBODY = ("", 0)


class Reply(NamedTuple):
    code: int
    options: "list[tuple[int, bytes]]"
    payload: bytes


def encode_options(options: "list[tuple[int, bytes]]") -> bytes:
    """Options in ascending order; deltas here stay below 269, lengths below 13."""
    out, last = b"", 0
    for number, value in options:
        delta = number - last
        out += bytes([delta << 4 | len(value)] if delta < 13 else [13 << 4 | len(value), delta - 13]) + value
        last = number
    return out


def decode_options(data: bytes, at: int) -> "tuple[list[tuple[int, bytes]], bytes]":
    """All options from offset ``at``, and the payload."""
    options: "list[tuple[int, bytes]]" = []
    number = 0
    while at < len(data):
        if data[at] == 0xFF:
            return options, data[at + 1 :]
        nibbles = [data[at] >> 4, data[at] & 15]
        at += 1
        for i, nibble in enumerate(nibbles):
            if nibble == 13:
                nibbles[i] = 13 + data[at]
                at += 1
            elif nibble == 14:
                nibbles[i] = 269 + int.from_bytes(data[at : at + 2], "big")
                at += 2
        number += nibbles[0]
        options.append((number, data[at : at + nibbles[1]]))
        at += nibbles[1]
    return options, b""


class Server:
    """Takes every registration, answers updates, and asks the client that registered last."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))
        self.socket.bind((HOST, 0))
        self.port: int = self.socket.getsockname()[1]
        self.mid = int.from_bytes(os.urandom(2), "big")
        self.token = 0
        self.registered = 0
        self.first_seen_ns = 0
        self.client = NOBODY

    def close(self) -> None:
        self.socket.close()

    def serve(self, seconds: float, until: "Callable[[], object]" = lambda: False) -> bool:
        """Answer what clients ask for ``seconds``, or until ``until()``; returns what that says last."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], min(left, 0.1))[0]:
                if left <= 0:
                    return False
                continue
            self.answer(*self.socket.recvfrom(65536))
        return True

    def answer(self, data: bytes, address: "tuple[str, int]") -> None:
        """Answer one request of a client; anything else of its making is acknowledged and dropped."""
        kind, code, end = data[0] >> 4 & 3, data[1], 4 + (data[0] & 15)
        if code == 0 or code >= 0x40:
            if kind == CON:
                self.socket.sendto(bytes([0x70 if code == 0 else 0x60, 0]) + data[2:4], address)
            return
        options, _ = decode_options(data, end)
        path = [value for number, value in options if number == URI_PATH]
        body = b""
        if path[:1] != [b"rd"]:
            result = NOT_FOUND
        elif code == 2 and len(path) == 1:
            result = CREATED
            self.first_seen_ns = self.first_seen_ns or time.perf_counter_ns()
            self.registered += 1
            self.client = address
            body = encode_options([(LOCATION_PATH, b"rd"), (LOCATION_PATH, b"%d" % self.registered)])
        else:
            result = DELETED if code == 4 else CHANGED
        first = (0x60 if kind == CON else 0x50) | (data[0] & 15)
        self.socket.sendto(bytes([first, result]) + data[2:end] + body, address)

    def requests(self, path: str, accept: "int | None", count: int) -> "list[bytes]":
        """``count`` confirmable GETs, each with a message id and token of its own."""
        options = [(URI_PATH, part.encode()) for part in path.split("/")]
        if accept is not None:
            options.append((ACCEPT, accept.to_bytes(2, "big").lstrip(b"\0")))
        tail = encode_options(options)
        made = []
        for _ in range(count):
            self.mid = (self.mid + 1) & 0xFFFF
            self.token += 1
            made.append(struct.pack(">BBHI", 0x44, 1, self.mid, self.token) + tail)
        return made

    def exchange(self, request: bytes) -> bytes:
        """Send one request and return the response to it, whether piggybacked or separate."""
        token, to = request[4:8], self.client
        for _ in range(MAX_TRIES):
            self.socket.sendto(request, to)
            while True:
                try:
                    data, address = self.socket.recvfrom(65536)
                except BlockingIOError:
                    break
                if data[4:8] == token and data[1] >= 0x40:
                    if data[0] >> 4 & 3 == CON:
                        self.socket.sendto(b"\x60\x00" + data[2:4], address)
                    return data
                self.answer(data, address)
        raise TimeoutError(f"no answer to {request.hex()}")

    def get(self, path: str, accept: "int | None" = None) -> Reply:
        """One GET, its answer taken apart."""
        data = self.exchange(self.requests(path, accept, 1)[0])
        return Reply(data[1], *decode_options(data, 4 + (data[0] & 15)))

    def load(self, path: str, accept: "int | None", count: int) -> None:
        """``count`` GETs one after the other; an answer other than 2.05 is an error.

        The socket is connected and the loop bare: driver and client share a CPU and its caches.
        """
        self.ask_all(f"GET {path}", self.requests(path, accept, count), CONTENT, CONTENT)

    def push(self, path: str, size: int) -> None:
        """One PUT of ``size`` bytes, in Block1 blocks of 1 KiB."""
        options = [(URI_PATH, part.encode()) for part in path.split("/")] + [(CONTENT_FORMAT, bytes([OPAQUE]))]
        count = -(-size // 1024)
        payload = os.urandom(1024)
        requests = []
        for number in range(count):
            block = number << 4 | (8 if number < count - 1 else 0) | 6
            tail = encode_options([*options, (BLOCK1, block.to_bytes(3, "big").lstrip(b"\0"))])
            self.mid = (self.mid + 1) & 0xFFFF
            self.token += 1
            part = payload[: min(1024, size - number * 1024)]
            requests.append(struct.pack(">BBHI", 0x44, 3, self.mid, self.token) + tail + b"\xff" + part)
        self.ask_all(f"PUT {path}", requests, CONTINUE, CHANGED)

    def ask_all(self, what: str, requests: "list[bytes]", code: int, last: int) -> None:
        """Send requests one after the other; each is answered with ``code``, the last one with ``last``."""
        self.socket.connect(self.client)
        send, recv = self.socket.send, self.socket.recv
        final = requests[-1]
        for request in requests:
            send(request)
            try:
                data = recv(4096)
            except BlockingIOError:
                data = b""
            if data[4:8] != request[4:8] or data[0] != 0x64:  # lost, separate, or something else came first
                if data:
                    self.answer(data, self.client)
                data = self.exchange(request)
            if data[1] != code and (request is not final or data[1] != last):
                raise ValueError(f"{what} was answered {data[1] >> 5}.{data[1] & 31:02d}")


class Process:
    """A client that runs beside the server, and what the kernel knows about it."""

    def __init__(self, command: "list[str]", server: Server):
        self.server = server
        self.start_ms = 0.0
        server.client, server.first_seen_ns = NOBODY, 0
        filled = [part.replace("{port}", str(server.port)) for part in command]
        started = time.perf_counter_ns()
        self.process = subprocess.Popen(filled, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            server.serve(20, lambda: server.client != NOBODY or self.process.poll() is not None)
            if not server.first_seen_ns:
                raise RuntimeError(f"{filled} did not register; exit code {self.process.poll()}")
        except BaseException:
            self.stop()
            raise
        self.start_ms = (server.first_seen_ns - started) / 1e6

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, answer its farewell, and end it if that takes too long."""
        self.process.terminate()
        if not self.server.serve(2, lambda: self.process.poll() is not None):
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def cpu_us(self) -> float:
        """CPU time of all its threads, user and kernel, in microseconds (nanosecond accounting)."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1000

    def rss_kb(self) -> int:
        return rss_kb(self.process.pid)


def rss_kb(pid: "int | str") -> int:
    """Resident memory of a process, kB."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise ValueError(f"process {pid} has no VmRSS")
