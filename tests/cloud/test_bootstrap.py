"""The bootstrap server against devices that are none of atiny's: its operations, refusals, failures, new beginnings."""

import asyncio
from typing import Any

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code

from atiny.cloud import (
    BootstrapAccount,
    BootstrapConfig,
    BootstrapEnded,
    BootstrapRequested,
    BootstrapStepped,
    Cloud,
    CloudError,
    Error,
    UnknownDevice,
)
from tests.cloud.bootstrap_device import DISCOVERED, BootstrapDevice, agree, path_of
from tests.cloud.peers import FakeDevice, on_a_loop

A = BootstrapAccount("coap://a.example:5683", 101)
B = BootstrapAccount("coaps://b.example", 102, "id-b", b"Geheim", 60, "UQ", False, hold_off_s=5, default_pmin_s=1)
URI, IS_BOOTSTRAP, MODE, IDENTITY, PUBLIC_KEY, KEY, SHORT_ID, HOLD_OFF = 0, 1, 2, 3, 4, 5, 10, 11


def local(config: Any, **options: Any) -> Cloud:
    return Cloud(port=0, bootstrap=config, bootstrap_port=0, **options)


def steps(cloud: Cloud, endpoint: str = "x") -> "list[str]":
    found = cloud.events.of(BootstrapStepped, endpoint)
    return [f"{step.operation} {step.path} {step.code}" for step in found]


# What it does


@on_a_loop
async def test_a_device_is_given_its_accounts():
    config = BootstrapConfig([A, B], writes={"/2/0": {0: 3, 1: 0, 2: {101: 15}, 3: 101}, "/3/0/14": "+02:00"})
    async with local(config) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        assert await device.request() == "2.04"
        result = await cloud.wait_bootstrapped("x")
        assert (result.ok, result.reason, result.failed) == (True, "", None)
        assert [(method, path) for method, path, _ in device.asked] == [
            ("GET", "/"),
            ("DELETE", "/0"),
            ("DELETE", "/1"),
            ("PUT", "/0/0"),
            ("PUT", "/0/2"),  # 1 is the bootstrap server's own account
            ("PUT", "/1/0"),
            ("PUT", "/1/1"),
            ("PUT", "/2/0"),
            ("PUT", "/3/0/14"),
            ("POST", "/bs"),
        ]
        assert device.requests[0].opt.accept == 40
        written = device.values()
        assert written["/0/0"] == {
            URI: "coap://a.example:5683", IS_BOOTSTRAP: False, MODE: 3, IDENTITY: b"", PUBLIC_KEY: b"", KEY: b"",
            SHORT_ID: 101,
        }  # fmt: skip
        assert written["/0/2"] == {
            URI: "coaps://b.example", IS_BOOTSTRAP: False, MODE: 0, IDENTITY: b"id-b", PUBLIC_KEY: b"", KEY: b"Geheim",
            SHORT_ID: 102, HOLD_OFF: 5,
        }  # fmt: skip
        assert written["/1/0"] == {0: 101, 1: 86400, 6: True, 7: "U"}
        assert written["/1/1"] == {0: 102, 1: 60, 2: 1, 6: False, 7: "UQ"}
        assert written["/2/0"] == {0: 3, 1: 0, 2: {101: 15}, 3: 101}
        assert written["/3/0/14"] == "+02:00"
        assert {request.opt.content_format for request in device.requests[3:8]} == {11542}
        [requested] = cloud.events.of(BootstrapRequested)
        assert (requested.endpoint, requested.identity) == ("x", "")
        assert [step.code for step in result.steps] == ["2.05", "2.02", "2.02", *["2.04"] * 7]
        assert steps(cloud)[0] == "discover / 2.05"
        assert steps(cloud)[-1] == "finish /bs 2.04"


@on_a_loop
async def test_the_answer_goes_before_the_first_operation():
    async with local(BootstrapConfig([A])) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        for _ in range(20):
            before = len(device.asked)
            assert await device.request() == "2.04"
            assert len(device.asked) == before
            await asyncio.wait_for(cloud.bootstrap_server._running["x"], 5)


INVENTORIES = [
    # (what Discover says, the instances of Security and of Server that are written; the second account has one)
    (DISCOVERED, ["/0/0", "/0/7"], ["/1/0", "/1/7"]),
    (b'lwm2m="1.0",</0/0>,</3/0>', ["/0/1", "/0/7"], ["/1/0", "/1/7"]),
    (b"</>;lwm2m=1.1,</0/0>;ssid=1,</0/1>;ssid=0,</1/3>;ssid=1", ["/0/0", "/0/7"], ["/1/0", "/1/7"]),
    (b'lwm2m="1.0"', ["/0/0", "/0/7"], ["/1/0", "/1/7"]),
    (b"", ["/0/0", "/0/7"], ["/1/0", "/1/7"]),
    (b"!not links!", ["/0/1", "/0/7"], ["/1/0", "/1/7"]),
    (None, ["/0/1", "/0/7"], ["/1/0", "/1/7"]),
]


@pytest.mark.parametrize(("discovered", "security", "server"), INVENTORIES)
@on_a_loop
async def test_accounts_go_where_there_is_room(discovered: "bytes | None", security: Any, server: Any):
    def answer(request: Any) -> Any:
        if request.code is not Code.GET:
            return agree(request)
        if discovered is None:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        return Message(code=Code.CONTENT, content_format=40, payload=discovered)

    config = BootstrapConfig([A, BootstrapAccount("coap://b", 102, instance=7)])
    async with local(config) as cloud, BootstrapDevice(cloud.bootstrap_url, "x", answer) as device:
        await device.request()
        assert (await cloud.wait_bootstrapped("x")).ok
        assert device.of("PUT") == security + server


@on_a_loop
async def test_an_account_beside_those_that_stay():
    config = BootstrapConfig([A], delete=("/0/0", "/19"))
    async with local(config) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        await device.request()
        assert (await cloud.wait_bootstrapped("x")).ok
        assert device.of("DELETE") == ["/0/0", "/19"]
        assert device.of("PUT") == ["/0/0", "/1/1"]


@on_a_loop
async def test_without_discover_and_everything_deleted():
    config = BootstrapConfig([A], delete=("/",), discover=False)
    async with local(config) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        await device.request()
        assert (await cloud.wait_bootstrapped("x")).ok
        assert [path for _, path, _ in device.asked] == ["/", "/0/1", "/1/0", "/bs"]


@on_a_loop
async def test_the_bootstrap_account_is_purged_if_told():
    async with local(BootstrapConfig([A], purge_after_s=30)) as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "x") as device:
            await device.request()
            assert (await cloud.wait_bootstrapped("x")).ok
            assert device.asked[-2:] == [("PUT", "/0/1/12", 30), ("POST", "/bs", None)]
    async with local(BootstrapConfig([A], purge_after_s=30, discover=False)) as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "x") as device:
            await device.request()
            result = await cloud.wait_bootstrapped("x")
            assert "known by Discover only" in result.reason
            assert device.asked == [], "nothing is half done"


@on_a_loop
async def test_a_large_write_goes_in_blocks():
    config = BootstrapConfig(writes={"/5/0": {0: bytes(5000)}}, delete=())
    async with local(config) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        await device.request()
        assert (await cloud.wait_bootstrapped("x")).ok
        assert device.values() == {"/5/0": {0: bytes(5000)}}


# Whom it takes for what


@on_a_loop
async def test_each_device_has_its_own():
    asked = []

    def choose(endpoint: str) -> Any:
        asked.append(endpoint)
        return {"x": BootstrapConfig([A]), "y": [B], "bad": 5}.get(endpoint)

    for source in ({"x": BootstrapConfig([A]), "y": [B]}, choose):
        async with local(source) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
            assert await device.request() == "2.04"
            await cloud.wait_bootstrapped("x")
            assert device.values()["/0/0"][SHORT_ID] == 101
            assert await device.request("ep=y") == "2.04"
            await cloud.wait_bootstrapped("y")
            assert device.values()["/0/0"][SHORT_ID] == 102
            assert await device.request("ep=z") == "4.00"
            assert device.response.payload == b"z is not known here"
            if source is choose:
                assert await device.request("ep=bad") == "5.00"
                assert "a BootstrapConfig is expected" in cloud.events.of(Error)[-1].message
    assert asked == ["x", "y", "z", "bad"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "4.00"),
        ("ep=", "4.00"),
        ("ep=a&ep=b", "4.00"),
        ("lwm2m=1.0", "4.00"),
        ("ep=%01", "4.00"),
        ("ep=known", "4.03"),
    ],
)
@on_a_loop
async def test_what_is_refused(query: str, code: str):
    async with local(BootstrapConfig([A])) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        cloud.bootstrap_server.keys["known"] = b"key"
        assert await device.request(query) == code
        assert "POST /bs from 127.0.0.1" in cloud.events.of(Error)[-1].message
        assert device.asked == []
        assert await device.request("ep=x", if_none_match=True) == "4.02"
        message = Message(code=Code.GET, uri=cloud.bootstrap_url + "/bs")
        assert (await device.context.request(message).response).code is Code.METHOD_NOT_ALLOWED
        message = Message(code=Code.POST, uri=cloud.url + "/bs?ep=x")
        assert (await device.context.request(message).response).code is Code.NOT_FOUND


# How it ends badly


@pytest.mark.parametrize(
    ("failing", "code", "done"),
    [
        ("/1", Code.METHOD_NOT_ALLOWED, 3),
        ("/0/0", Code.BAD_REQUEST, 4),
        ("/1/0", Code.NOT_FOUND, 5),
        ("/bs", Code.NOT_ACCEPTABLE, 6),
    ],
)
@on_a_loop
async def test_the_first_refusal_ends_it(failing: str, code: Code, done: int):
    def answer(request: Any) -> Any:
        return Message(code=code, payload=b"because") if path_of(request) == failing else agree(request)

    async with local(BootstrapConfig([A])) as cloud, BootstrapDevice(cloud.bootstrap_url, "x", answer) as device:
        await device.request()
        result = await cloud.wait_bootstrapped("x")
        assert not result.ok
        assert result.failed is not None
        assert (result.failed.path, result.failed.code) == (failing, f"{code >> 5}.{code & 31:02d}")
        assert result.reason.endswith(f"{failing} was answered {result.failed.code} because")
        assert len(device.asked) == done
        [ended] = cloud.events.of(BootstrapEnded)
        assert (ended.ok, ended.reason, str(ended)) == (False, result.reason, f"x: bootstrap failed: {result.reason}")


@on_a_loop
async def test_no_answer_ends_it_and_the_device_may_come_again():
    silent = True

    async def answer(request: Any) -> Any:
        if silent:
            await asyncio.sleep(60)
        return agree(request)

    async with local(BootstrapConfig([A]), response_timeout_s=0.1) as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "x", answer) as device:
            await device.request()
            result = await cloud.wait_bootstrapped("x")
            assert (result.ok, result.reason) == (False, "discover / of x: no response within 0.1 s")
            assert [step.code for step in result.steps] == [""]
            silent = False
            await device.request()
            await cloud.events.wait_for(BootstrapEnded, ok=True)
            assert cloud.bootstrap_server.results["x"].ok


@on_a_loop
async def test_a_new_request_begins_anew():
    blocked = asyncio.Event()

    async def answer(request: Any) -> Any:
        if path_of(request) == "/0" and not blocked.is_set():
            blocked.set()
            await asyncio.sleep(60)
        return agree(request)

    async with local(BootstrapConfig([A])) as cloud, BootstrapDevice(cloud.bootstrap_url, "x", answer) as device:
        await device.request()
        await blocked.wait()
        await device.request()
        await cloud.events.wait_for(BootstrapEnded, ok=True)
        first, second = cloud.events.of(BootstrapEnded)
        assert (first.reason, second.reason) == ("it was begun anew", "")
        assert device.of("GET") == ["/", "/"]
        assert device.of("POST") == ["/bs"]


@on_a_loop
async def test_what_is_on_its_way_ends_with_the_cloud():
    async def answer(request: Any) -> Any:
        await asyncio.sleep(60)

    async with local(BootstrapConfig([A])) as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "x", answer) as device:
            await device.request()
            await cloud.events.wait_for(BootstrapRequested)
            while not device.asked:
                await asyncio.sleep(0)
            await cloud.stop()
            assert [event.reason for event in cloud.events.of(BootstrapEnded)] == ["the cloud was stopped"]
            await cloud.start()
            assert await device_again(device, cloud) == "2.04"


async def device_again(device: BootstrapDevice, cloud: Cloud) -> str:
    device.url, device.answer = cloud.bootstrap_url, agree
    code = await device.request()
    await cloud.events.wait_for(BootstrapEnded, ok=True)
    return code


# Begun by the server


@on_a_loop
async def test_the_server_begins():
    configs: dict[str, BootstrapConfig] = {}
    async with local(configs) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        with pytest.raises(CloudError, match="no bootstrap configuration for x"):
            await cloud.bootstrap("x")
        with pytest.raises(UnknownDevice, match="has not asked to be bootstrapped"):
            await cloud.bootstrap("x", BootstrapConfig([A]))
        configs["x"] = BootstrapConfig([A])
        await device.request()
        await cloud.wait_bootstrapped("x")
        result = await cloud.bootstrap("x", BootstrapConfig([B], discover=False))
        assert result.ok
        assert device.asked[-1][1] == "/bs"
        assert device.values()["/0/1"][SHORT_ID] == 102
        assert len(cloud.events.of(BootstrapRequested)) == 1


@on_a_loop
async def test_a_registered_device_is_asked_to_come():
    objects = b'</>;rt="oma.lwm2m",</1/2>,</1/3>,</3/0>'
    answers = {"/1/2/9": Message(code=Code.UNAUTHORIZED), "/1/3/9": b""}
    async with local(True) as cloud:
        fake = FakeDevice(cloud.url, "x", answers)
        await fake.open()
        try:
            await fake.register(objects)
            assert (await cloud.trigger_bootstrap("x")).code_text == "2.04"
            assert [(name, path) for name, path, _ in fake.asked] == [("POST", "/1/2/9"), ("POST", "/1/3/9")]
            fake.answers["/1/3/9"] = Message(code=Code.UNAUTHORIZED)
            assert (await cloud.trigger_bootstrap("x")).code_text == "4.01"
        finally:
            await fake.close()
        with pytest.raises(UnknownDevice):
            await cloud.trigger_bootstrap("nobody")
