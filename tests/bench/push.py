"""What a long Write costs: Block1 blocks of 1 KiB pushed to /5/0/0, and a device that takes them.

As a command it is the device: ``python -m tests.bench.push HOST PORT``. Its sink drops what it gets: what is measured
lies above the storage.
"""

import sys
import time

import atiny
from tests.bench.driver import Process, Server

KB = 1024
WARM_UP = 200  # blocks


class Nothing:
    """A sink that keeps the length only."""

    written = 0

    def write(self, offset, data, total):
        self.written += len(data)

    def end(self):
        pass

    def abandon(self):
        pass


class Package(atiny.Object):
    """As much of the Firmware Update object as takes an image."""

    object_id = 5
    resources = (
        atiny.Resource(0, "package", atiny.OPAQUE, "W", stream=True),
        atiny.Resource(5, "length", atiny.INTEGER),
    )
    sink = Nothing()

    def open_package(self, server):
        self.sink = Nothing()
        return self.sink

    def read_length(self):
        return self.sink.written


def measure(command: "list[str]", size: int) -> "dict[str, float]":
    """Push ``size`` bytes in one transfer: the client's CPU time for a block, megabytes a second, what it grew by."""
    server = Server()
    with Process(command, server) as client:
        server.push("5/0/0", WARM_UP * KB)
        kb, before, began = client.rss_kb(), client.cpu_us(), time.perf_counter()
        server.push("5/0/0", size)
        took = time.perf_counter() - began
        found = {
            "block_us": (client.cpu_us() - before) * KB / size,
            "push_mbs": size / took / 1e6,
            "push_mb": (client.rss_kb() - kb) / 1000,
        }
    server.close()
    return found


if __name__ == "__main__":
    atiny.Client("push", "coap://%s:%s" % tuple(sys.argv[1:3]), objects=[Package()], lifetime=86400).run()
