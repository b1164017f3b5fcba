"""Block-wise transfers and firmware updates, on MicroPython as on CPython: the same datagrams out, byte for byte."""

import pytest

from tests.fota.vectors_package import IMAGE, SIGNED
from tests.micropython.test_replay import HOUR_MS, MINUTE_MS, OPAQUE, REPORTS, TEXT, TLV, World, tlv

BAD = {"loss": 0.1, "duplication": 0.1, "delay_ms": (5, 90)}
STATE, RESULT = "/5/0/3", "/5/0/5"


@pytest.mark.parametrize("network", [{}, BAD], ids=["quiet", "bad"])
def test_block_wise(tmp_path, network):
    """Values of all lengths around the block's, both ways, in pieces of each size; one that is given up half-way."""
    world = World("Upgraded", tmp_path, 3, observe=("/31025/0",), **network)
    device, server = world.device, world.server
    world.until_registered()
    lengths = [0, 1, 1023, 1024, 1025, 2048, 4000]
    for length in lengths:
        value = bytes(number * 7 & 0xFF for number in range(length))
        for request in (
            server.write("dev", "/31025/0/0", value, OPAQUE),
            server.update("dev", "/31025/0", tlv({0: value, 1: "n" * (length // 3)}), TLV),
            server.read("dev", "/31025/0/0", accept=OPAQUE),
            server.read("dev", "/31025/0", accept=TLV),
            server.read("dev", "/31025/0/1", accept=TEXT),
        ):
            world.run(2 * MINUTE_MS)
            assert request.done
    server.write("dev", "/31025/0/0", bytes(9000), OPAQUE)
    world.run(0)
    device.do("report", "0102")
    server.restart()
    world.run(HOUR_MS)
    assert len(device.compare("send")) > 60


@pytest.mark.parametrize("way", ["push", "pull"])
@pytest.mark.parametrize("network", [{}, BAD], ids=["quiet", "bad"])
def test_firmware(tmp_path, way, network):
    """An image that is damaged, then a sound one, with a power failure within each transfer, and a restart into it."""
    world = World("Upgraded", tmp_path, 9, observe=(STATE, RESULT, REPORTS), **network)
    device, server = world.device, world.server
    files = world.simulation.file_server(block_size=256)
    world.until_registered()
    damaged = SIGNED[:-1] + bytes([SIGNED[-1] ^ 1])
    for package in (damaged, SIGNED):
        files.put("/new.pkg", package)
        for power in ("fails", "stays"):
            if way == "push":
                server.write("dev", "/5/0/0", package, OPAQUE)
            else:
                server.write("dev", "/5/0/1", b"coap://files/new.pkg")
            if power == "fails":
                world.run(120)
                device.restart()
            world.run(10 * MINUTE_MS)
    asked = server.execute("dev", "/5/0/2")
    world.run(5 * MINUTE_MS)
    assert asked.code == "2.04"
    assert device.lines.count("reboot") == 1
    device.restart()
    world.run(5 * MINUTE_MS)
    device.do("report", "ff")
    world.run(MINUTE_MS)
    result = server.read("dev", RESULT)
    world.run(MINUTE_MS)
    assert (result.payload, device.storage.software) == (b"1", IMAGE)
    assert device.lines.count("storage begin") >= 3
    assert len(device.compare("send")) > 40
