"""Measure what DTLS costs a device, against NoSec in the same run, and print markdown tables.

    python -m tests.bench.dtls                   # half a minute
    python -m tests.bench.dtls --only wire       # the bytes on the wire, which are the same every time
    python -m tests.bench.dtls --only cpu --repeat 3

CPU time is the kernel's accounting of the device's process, which shares one CPU with the driver, as in the bench of
NoSec. The driver's own DTLS is python-mbedtls, outside the loop that is timed.
"""

import argparse
import contextlib
import os
import socket
import statistics
import sys
import time
from typing import Any, Iterator

from atiny.dtls.mbedtls import SUITES, MbedTLSSession
from atiny.testing import Simulation
from tests.bench.__main__ import ROOT, SETTLE_S, WARM_UP
from tests.bench.driver import CONTENT, Process, Server
from tests.bench.dtls_device import IDENTITY, KEY
from tests.dtls.peer import Peer
from tests.dtls.secured import World
from tests.dtls.udp import HOST, Gateway, Link, Program, free_ports
from tests.tools import find

NOSEC = "NoSec"
SHORT = {NOSEC: "NoSec", SUITES[0]: "CCM-8", SUITES[1]: "GCM", SUITES[2]: "CBC-SHA256"}
ENDPOINT = "urn:dev:lamp-1"
TURNS = 10
NOTHING = b"\x60\x00\x00\x00"  # an empty ACK, which a server takes for nothing
Address = Any


class SecureSocket:
    """The bench server's socket, with DTLS in it. What is not for the server looks like `NOTHING`."""

    def __init__(self, inner: "socket.socket"):
        self.inner = inner
        self.peers: "dict[Address, Peer]" = {}

    def fileno(self) -> int:
        return self.inner.fileno()

    def close(self) -> None:
        self.inner.close()

    def recvfrom(self, size: int) -> "tuple[bytes, Address]":
        data, address = self.inner.recvfrom(size)
        if address not in self.peers:
            self.peers[address] = Peer({IDENTITY: KEY}, retransmit_s=1.0)
        peer = self.peers[address]
        found = peer.receive(data)
        sent, peer.out = peer.out, []
        for datagram in sent:
            self.inner.sendto(datagram, address)
        return (found[0] if found else NOTHING), address

    def sendto(self, plaintext: bytes, address: Address) -> None:
        self.inner.sendto(self.peers[address].protect(plaintext), address)


class SecureServer(Server):
    """The bench's server with DTLS."""

    def __init__(self) -> None:
        super().__init__()
        self.socket: Any = SecureSocket(self.socket)

    def load(self, path: str, accept: "int | None", count: int) -> None:
        """As the other's. It seals all requests before and opens all answers afterwards: the loop is as bare."""
        requests = self.requests(path, accept, count)
        peer = self.socket.peers[self.client]
        sealed = [peer.protect(request) for request in requests]
        link = self.socket.inner
        link.connect(self.client)
        send, recv = link.send, link.recv
        answers = []
        for record in sealed:
            send(record)
            answers.append(recv(4096))
        for request, answer in zip(requests, answers, strict=True):
            (found,) = peer.receive(answer)
            if (found[0], found[1], found[4:8]) != (0x64, CONTENT, request[4:8]):
                raise ValueError(f"GET {path} was answered {found.hex()}")


def measure_cpu(runtime: str, ways: "tuple[str, ...]", requests: int) -> "dict[str, float]":
    """Microseconds of a device's CPU time for a confirmable GET /3/0/0, by the way it is secured.

    The devices share a CPU with the driver and are asked in turns, so that a slow moment meets all of them.
    """
    samples: "dict[str, list[float]]" = {way: [] for way in ways}
    with contextlib.ExitStack() as stack:
        everywhere = os.sched_getaffinity(0)
        stack.callback(os.sched_setaffinity, 0, everywhere)
        os.sched_setaffinity(0, {max(everywhere)})
        devices: "dict[str, tuple[Server, Process]]" = {}
        for way in ways:
            server = Server() if way == NOSEC else SecureServer()
            stack.callback(server.close)
            command = [runtime, "tests/bench/dtls_device.py", HOST, "{port}", *([] if way == NOSEC else [way])]
            devices[way] = server, stack.enter_context(Process(command, server))
            server.serve(SETTLE_S)
            if server.get("3/0/0").payload != b"atiny":
                raise ValueError(f"{command} answers wrongly")
            server.load("3/0/0", None, WARM_UP)
        for _ in range(TURNS):
            for way, (server, client) in devices.items():
                before = client.cpu_us()
                server.load("3/0/0", None, requests // TURNS)
                samples[way].append((client.cpu_us() - before) / (requests // TURNS))
    return {way: statistics.median(found) for way, found in samples.items()}


def runtimes() -> "Iterator[tuple[str, str, tuple[str, ...]]]":
    """(name, command, ways) of the runtimes that are here."""
    yield "CPython", sys.executable, (NOSEC, *SUITES)
    micropython = find("micropython")
    if micropython:
        yield "MicroPython", micropython, (NOSEC, *SUITES[1:])


def cpu_table(requests: int, repeat: int) -> "tuple[str, dict[str, dict[str, float]]]":
    """The table, and the medians by runtime and way."""
    figures: "dict[str, dict[str, float]]" = {}
    for name, command, ways in runtimes():
        found = [measure_cpu(command, ways, requests) for _ in range(repeat)]
        figures[name] = {way: statistics.median(one[way] for one in found) for way in ways}
    lines = ["| CPU per GET /3/0/0, us | " + " | ".join(SHORT.values()) + " |", "| --- |" + " ---: |" * len(SHORT)]
    for name, medians in figures.items():
        cells = [
            f"{medians[way]:.1f} ({medians[way] - medians[NOSEC]:+.1f})" if way in medians else "" for way in SHORT
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines), figures


# -- the handshake


def handshake_ms(port: int, suite: str, count: int) -> "tuple[float, float]":
    """(elapsed, of our CPU time): medians of ``count`` handshakes with the server at ``port``."""
    elapsed, cpu = [], []
    for _ in range(count):
        with Link(MbedTLSSession(IDENTITY, KEY, (suite,)), port) as link:
            began, used = time.perf_counter(), time.process_time()
            link.shake_hands()
            elapsed.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - used) * 1000)
            if not link.session.ready:
                raise ValueError(f"no handshake with {suite}: {link.session.error}")
    return statistics.median(elapsed), statistics.median(cpu)


def handshake_table(count: int) -> "tuple[str, float]":
    """The table, and the longest of its elapsed times in milliseconds."""
    rows: "list[tuple[str, str, float, float]]" = []
    with Gateway(None, {IDENTITY: KEY}) as gateway:
        for suite in SUITES:
            rows.append(("python-mbedtls, in this process", suite, *handshake_ms(gateway.port, suite, count)))
    for name, suites in (("coap-server-openssl", SUITES[:2]), ("coap-server-gnutls", SUITES)):
        if find(name):
            port = free_ports(2)
            with Program(name, "-A", HOST, "-p", str(port), "-k", KEY.decode(), "-h", "hint"):
                time.sleep(0.5)
                for suite in suites:
                    rows.append((name, suite, *handshake_ms(port + 1, suite, count)))
    lines = ["| Handshake on loopback, ms | suite | elapsed | of our CPU |", "| --- | --- | ---: | ---: |"]
    lines += [f"| {server} | {SHORT[suite]} | {took:.2f} | {cpu:.2f} |" for server, suite, took, cpu in rows]
    return "\n".join(lines), max(row[2] for row in rows)


# -- the bytes on the wire


def phases(way: str) -> "dict[str, tuple[int, int]]":
    """(datagrams, bytes of UDP payload) both ways, of each phase of a device's life."""
    if way == NOSEC:
        simulation = Simulation()
        server = simulation.server(auto_observe=("/19/0/0",))
        client: Any = simulation.client(ENDPOINT, lifetime=300)
    else:
        world = World(endpoint=ENDPOINT, lifetime=300, ciphers=(way,))
        simulation, server, client = world.simulation, world.server, world.client
    found: "dict[str, tuple[int, int]]" = {}
    done = 0

    def phase(name: str) -> None:
        nonlocal done
        datagrams = list(simulation.network.trace)
        fresh = datagrams[done:]
        done = len(datagrams)
        found[name] = len(fresh), sum(len(datagram.data) for datagram in fresh)

    client.step()
    if way != NOSEC:
        simulation.run_until(lambda: client._agent.accounts[0].session.ready)
        register = simulation.network.trace.pop()  # it left with the handshake's end, and is no part of it
        phase("handshake")
        simulation.network.trace.append(register)
    simulation.run_until(lambda: client.registered)
    simulation.run(1000)
    phase("Register, Observe /19/0/0")
    for size in (1, 100):
        client.report(bytes(size))
        simulation.run(1000)
        phase(f"a report of {size} byte{'s' * (size > 1)}")
    server.read(ENDPOINT, "/3/0/0")
    simulation.run(1000)
    phase("Read /3/0/0")
    simulation.run(210_000)
    phase("Update")
    client.stop()
    simulation.run(1000)
    phase("De-register, farewell")
    return found


def wire_table() -> "tuple[str, dict[str, dict[str, tuple[int, int]]]]":
    """The table, and its figures by way and phase."""
    figures = {way: phases(way) for way in SHORT}
    lines = [
        "| Datagrams / bytes of UDP payload | " + " | ".join(SHORT.values()) + " |",
        "| --- |" + " ---: |" * len(SHORT),
    ]
    for name in figures[SUITES[0]]:
        cells = ["{} / {}".format(*figures[way].get(name, (0, 0))) for way in SHORT]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines), figures


def main(arguments: "list[str] | None" = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dtls", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="cpu,handshake,wire", help="which of cpu, handshake, wire")
    parser.add_argument("--repeat", type=int, default=5, help="processes measured for each way")
    parser.add_argument("--requests", type=int, default=4000, help="requests timed in each process")
    parser.add_argument("--handshakes", type=int, default=50, help="handshakes timed with each server and suite")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = os.environ["MICROPYPATH"] = str(ROOT)
    wanted = options.only.split(",")
    if "cpu" in wanted:
        print(cpu_table(options.requests, options.repeat)[0], end="\n\n")
    if "handshake" in wanted:
        print(handshake_table(options.handshakes)[0], end="\n\n")
    if "wire" in wanted:
        print(wire_table()[0])


if __name__ == "__main__":
    main()
