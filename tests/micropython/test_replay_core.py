"""Registration, exchanges, observations and reports under everything that goes wrong, drawn by seed: on MicroPython as
on CPython, the same datagrams out, byte for byte."""

import random

import pytest

from tests.micropython.test_replay import HOUR_MS, MINUTE_MS, OPAQUE, REPORTS, TEXT, TLV, VALUE, World, tlv

UNITS = "/3303/0/5701"
PATHS = ("/3/0", "/3/0/0", "/1", VALUE, "/3303", "/9/9/9")
NETWORKS = [{}, {"loss": 0.2, "duplication": 0.2, "delay_ms": (5, 900)}]


def live(world: World, draw: random.Random, count: int) -> None:
    """``count`` things that the host, the server or the network do, at any distance in time."""
    device, server = world.device, world.server
    observed = []
    things = {
        "report": lambda: device.do("report", "%02x" % draw.randrange(256)),
        "reports": lambda: [device.do("report", "%04x" % number) for number in range(draw.randrange(1, 40))],
        "measure": lambda: device.do("measure", draw.choice((0.0, 21.5, -40.125, 1e9))),
        "reconnect": lambda: device.do("reconnect"),
        "read": lambda: server.read("dev", draw.choice(PATHS), draw.choice((None, TLV, TEXT, 99))),
        "write": lambda: server.write("dev", UNITS, draw.choice((b"Cel", b"", b"\xff", b"K" * 60))),
        "update": lambda: server.update("dev", "/3303/0", tlv({5701: "F"}), TLV),
        "command": lambda: server.write("dev", "/19/1/0", b"\x01\x02", OPAQUE),
        "execute": lambda: server.execute("dev", draw.choice(("/3303/0/5605", "/3/0/4", "/1/0/8", VALUE))),
        "observe": lambda: observed.append(server.observe("dev", draw.choice((VALUE, "/3303", "/3/0/0")))),
        "cancel": lambda: observed and observed.pop(0).cancel(draw.choice(("get", "reset"))),
        "restart": server.restart,
        "silence": lambda: setattr(server, "silent", not server.silent),
        "reject": lambda: server.reject_registrations(draw.choice(("4.03", "4.00", "5.03")), draw.randrange(1, 3)),
    }  # fmt: skip
    for _ in range(count):
        name = draw.choice(sorted(things))
        if "dev" in server.devices or name in ("report", "reports", "measure", "reconnect", "silence", "reject"):
            things[name]()
        world.run(draw.choice((0, 1, 50, 1000, 10_000, 10 * MINUTE_MS)))
    server.silent = False
    server.accept_registrations()
    world.run(HOUR_MS)


@pytest.mark.parametrize("network", NETWORKS, ids=["quiet", "bad"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_core(tmp_path, seed, network):
    world = World("Plain", tmp_path, seed, observe=(REPORTS,), **network)
    live(world, random.Random(seed), 150)
    device = world.device
    assert world.registered
    device.do("stop")
    world.run()
    assert len(device.of("report")) > 20
    assert len(device.compare("send")) > 100
