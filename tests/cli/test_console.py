"""The console of ``atiny cloud``: each command, what it asks of a device and what it says."""

import json
from typing import Any

from aiocoap import Message
from aiocoap.numbers.codes import Code

from atiny.cli.common import Output
from atiny.cli.console import HELP, Console
from atiny.cloud import BootstrapConfig, Cloud, ManualClock, Observed
from tests.cloud.bootstrap_device import BootstrapDevice
from tests.cloud.peers import FakeDevice, on_a_loop


class Screen(Output):
    def __init__(self, as_json: bool = False):
        super().__init__(as_json)
        self.lines: list[str] = []
        self.events: list[dict[str, Any]] = []

    def say(self, text: str, event: str, **fields: Any) -> None:
        self.lines.append(text)
        self.events.append({"event": event, **fields})


CONSOLE = [
    ("read x /3/0/0", "2.05 Acme"),
    ("read x /3/0/0 42", "2.05 Acme"),
    ("read x /9/9", "4.04"),
    ("discover x /3", "2.05 </3>,</3/0>"),
    ("write x /3/0/14 '+02:00'", "2.04"),
    ("write x /3/0/14 hex:0102", "2.04"),
    ("update x /3/0/14 tlv:C10D05", "2.04"),
    ("exec x /3/0/4", "2.04"),
    ("exec x /3/0/4 '0=1'", "2.04"),
    ("create x /3303", "2.01 /3303/7"),
    ("create x /3303 E8164408 3FF8000000000000", "error: usage: create"),
    ("create x /3303 E81644083FF8000000000000", "2.01 /3303/7"),
    ("delete x /3303/7", "2.02"),
    ("observe x /3/0/9", "2.05 "),
    ("cancel x /3/0/9 path", "2.05 "),
    ("cancel x /3/0/9", "error: /3/0/9 of x is not observed"),
    ("cancel x /19/0/0 reset", "done"),
    ("bootstrap x", "2.04"),
    ("bootstrap nobody", "error: nobody is not registered"),
    ("attributes x /3/0/14 pmin=1 pmax=9 gt", "2.04"),
    ("command x cafe", "command 1 is queued"),
    ("command x cafe 0", "command 2 is queued"),
    ("command x zz", "error: 'zz' is not hexadecimal"),
    ("command x 01 soon", "error: could not convert"),
    ("read nobody /3", "error: nobody is not registered"),
    ("read x", "error: usage: read EP PATH"),
    ("dance", "error: dance is no command: try help"),
    ("read 'x", "error: No closing quotation"),
    ("devices", "x  127.0.0.1:"),
]


@on_a_loop
async def test_the_console():
    answers = {
        "/3/0/0": Message(code=Code.CONTENT, content_format=0, payload=b"Acme"),
        "/3": Message(code=Code.CONTENT, content_format=40, payload=b"</3>,</3/0>"),
        "/1/0/9": b"",
        "/3/0/14": b"",
        "/3/0/4": b"",
        "/3/0/9": Message(code=Code.CONTENT, content_format=0, payload=b"90"),
        "/3303": Message(code=Code.CREATED, location_path=("3303", "7")),
        "/3303/7": b"",
    }
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", answers) as fake:
        await cloud.events.wait_for(Observed)
        screen = Screen()
        console = Console(cloud, screen)
        for line, wanted in CONSOLE:
            assert await console.handle(line)
            assert screen.lines[-1].startswith(wanted), (line, screen.lines[-1])
        assert [request.payload for method, path, request in fake.asked if path == "/3/0/14"] == [
            b"+02:00",
            b"\x01\x02",
            b"\xc1\x0d\x05",
            b"",
        ]
        assert fake.asked[-1][1] in ("/3/0/14", "/19/1/0")
        for line in ("", "   ", "# nothing"):
            before = len(screen.lines)
            assert await console.handle(line)
            assert len(screen.lines) == before
        await console.handle("help")
        assert screen.lines[-1] == HELP
        assert not await console.handle("quit")
        assert [json.loads(json.dumps(event)) for event in screen.events]
    screen = Screen()
    async with Cloud(port=0) as cloud:
        await Console(cloud, screen).handle("devices")
    assert screen.lines == ["no device is registered"]


@on_a_loop
async def test_a_device_that_is_not_registered_is_bootstrapped_where_it_is():
    config = BootstrapConfig(delete=("/1",), discover=False)
    async with Cloud(port=0, bootstrap=config, bootstrap_port=0) as cloud:
        screen = Screen()
        console = Console(cloud, screen)
        await console.handle("bootstrap x")
        assert screen.lines[-1].startswith("error: x has not asked to be bootstrapped")
        async with BootstrapDevice(cloud.bootstrap_url, "x") as device:
            await device.request()
            await cloud.wait_bootstrapped("x")
            await console.handle("bootstrap x")
            assert screen.events[-1] == {"event": "answer", "command": "bootstrap", "ok": True, "reason": ""}
            device.answer = lambda request: Message(code=Code.BAD_REQUEST)
            await console.handle("bootstrap x")
            assert screen.lines[-1] == "error: delete /1 was answered 4.00"


@on_a_loop
async def test_a_device_that_sleeps_is_shown_so():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock) as cloud, FakeDevice(cloud.url, "x", b="UQ", lt=7200):
        await cloud.events.wait_for(Observed)
        screen = Screen()
        console = Console(cloud, screen)
        await console.handle("devices")
        assert screen.lines[-1].endswith("observed /19/0/0")
        clock.advance(93)
        await console.handle("command x 01")
        await console.handle("devices")
        assert screen.lines[-1].endswith("out of reach, 1 commands wait")
        assert screen.events[-1]["devices"][0]["reachable"] is False
