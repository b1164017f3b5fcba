"""The bootstrap server over DTLS, and the fresh keys that a cloud gives for itself."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from atiny.cloud import (
    BootstrapConfig,
    BootstrapEnded,
    BootstrapRequested,
    Cloud,
    CloudThread,
    Error,
    HandshakeFailed,
    SessionStarted,
    UnknownDevice,
)
from tests.cloud.bootstrap_device import BootstrapDevice, serve
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.peers import on_a_loop
from tests.cloud.secure_device import SecureDevice

pytestmark = needs_dtls

ID, KEY = "x", b"Werkseinstellung"


def local(config: Any = True, **options: Any) -> Cloud:
    options = {"dtls_port": 0, "bootstrap_dtls_port": 0, "bootstrap_psk": {ID: KEY}, **options}
    return Cloud(port=0, bootstrap=config, bootstrap_port=0, **options)


def bootstrapped(cloud: Cloud, identity: bytes = ID.encode(), key: bytes = KEY) -> SecureDevice:
    """A device at the bootstrap server's DTLS port."""
    server = cloud.bootstrap_server
    assert server is not None
    there = SimpleNamespace(secure_url=cloud.bootstrap_secure_url, host=cloud.host, secure_port=server.secure_port)
    return SecureDevice(there, identity, key)


async def provisioned(cloud: Cloud, device: SecureDevice) -> "tuple[bytes, bytes]":
    """Have a device bootstrapped; the identity and key that it was given."""
    asked: list[tuple[str, str, Any]] = []
    after = cloud.events.total
    assert await device.request_bootstrap() == "2.04"
    await serve(device, asked)
    assert (await cloud.wait_bootstrapped("x", after=after)).ok
    [security] = [value for method, path, value in asked if path.startswith("/0/") and method == "PUT"]
    assert security[0] == cloud.secure_url
    return security[3], security[5]


@on_a_loop
async def test_a_device_is_given_a_fresh_key_of_this_cloud():
    async with local() as cloud, bootstrapped(cloud) as device:
        identity, key = await provisioned(cloud, device)
        assert len(key) == 16
        assert cloud.keys[identity] == key
        assert cloud.keys.endpoints(identity) == ("x",)
        assert cloud.events.of(BootstrapRequested)[0].identity == "x"
        async with SecureDevice(cloud, identity, key) as registering:
            assert await registering.register("y") == "4.03"
            assert await registering.register("x") == "2.01"
        async with SecureDevice(cloud, ID.encode(), KEY) as wrong:
            assert wrong.dtls.error, "the factory's key is for the bootstrap server only"


@on_a_loop
async def test_the_old_key_is_void_once_the_new_one_works():
    async with local(observe=()) as cloud, bootstrapped(cloud) as device:
        first = await provisioned(cloud, device)
        async with SecureDevice(cloud, *first) as registering:
            assert await registering.register("x") == "2.01"
        second = await provisioned(cloud, device)
        assert second[0] != first[0]
        assert set(cloud.keys) == {first[0], second[0]}, "it may yet come back with the first"
        async with SecureDevice(cloud, *first) as registering:
            assert await registering.register("x") == "2.01"
        third = await provisioned(cloud, device)
        assert set(cloud.keys) == {first[0], third[0]}
        async with SecureDevice(cloud, *third) as registering:
            assert await registering.register("x") == "2.01"
            assert set(cloud.keys) == {third[0]}
        async with SecureDevice(cloud, *first) as late:
            assert late.dtls.error


@on_a_loop
async def test_who_may_come():
    async with local() as cloud:
        async with bootstrapped(cloud, key=b"falsch") as device:
            assert device.dtls.error
        assert cloud.events.of(HandshakeFailed)[-1].reason == "wrong key"
        async with bootstrapped(cloud) as device:
            assert await device.request_bootstrap("y") == "4.03"
            assert "not allowed to be bootstrapped as y" in cloud.events.of(Error)[-1].message


@on_a_loop
async def test_keys_go_over_dtls_where_they_can():
    async with local() as cloud, BootstrapDevice(cloud.bootstrap_url, "y") as device:
        assert await device.request() == "4.03"
        assert device.response.payload == b"keys for y are given over DTLS only"
    options = {"port": 0, "bootstrap": True, "bootstrap_port": 0}
    async with Cloud(**options, dtls_port=0, psk={"given": b"key"}) as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "y") as device:
            assert await device.request("ep=given") == "4.03", "that name has a key already"
            for _ in range(2):
                after = cloud.events.total
                assert await device.request() == "2.04"
                await cloud.wait_bootstrapped("y", after=after)
            identity = device.values()["/0/0"][3]
            assert cloud.keys.endpoints(identity) == ("y",)


@on_a_loop
async def test_a_session_is_enough_for_the_server_to_begin():
    async with local(BootstrapConfig(delete=("/3",))) as cloud:
        with pytest.raises(UnknownDevice):
            await cloud.bootstrap("x")
        async with bootstrapped(cloud) as device:
            await cloud.events.wait_for(SessionStarted)
            asked: list[tuple[str, str, Any]] = []
            result, _ = await asyncio.gather(cloud.bootstrap("x"), serve(device, asked))
            assert result.ok
            assert [path for _, path, _ in asked] == ["/", "/3", "/bs"]


@on_a_loop
async def test_a_session_that_ends_ends_the_bootstrap():
    async with local(BootstrapConfig(delete=("/3",))) as cloud, bootstrapped(cloud) as device:
        assert await device.request_bootstrap() == "2.04"
        await device.receive()
        device.close()
        ended = await cloud.events.wait_for(BootstrapEnded)
        assert not ended.ok
        assert "DTLS: the device closed it" in ended.reason
        with pytest.raises(UnknownDevice):
            await cloud.bootstrap("x")


def test_two_clouds_in_two_threads_share_a_device():
    """What one bootstrap server gives may be accounts of several clouds, each with a key of its own."""
    with CloudThread(port=0, dtls_port=0) as second:

        def both(endpoint: str) -> Any:
            return [first.own_account(endpoint), second.own_account(endpoint, short_server_id=5)]

        with CloudThread(
            port=0, dtls_port=0, bootstrap=both, bootstrap_port=0, bootstrap_dtls_port=0, bootstrap_psk={ID: KEY}
        ) as first:

            async def device() -> "list[tuple[str, str, Any]]":
                asked: list[tuple[str, str, Any]] = []
                async with bootstrapped(first.cloud) as device:
                    assert await device.request_bootstrap() == "2.04"
                    await serve(device, asked)
                for cloud, path in ((first, "/0/0"), (second, "/0/2")):
                    [security] = [value for _, where, value in asked if where == path and value]
                    async with SecureDevice(cloud, security[3], security[5]) as registering:
                        assert await registering.register("x") == "2.01"
                return asked

            asked = asyncio.run(device())
            assert first.wait_bootstrapped("x").ok
            assert [value[0] for _, path, value in asked if path in ("/1/0", "/1/1") and value] == [123, 5]
            assert second.wait_registered("x").registered
            assert first.wait_registered("x").registered
            first.bootstrap_keys["y"] = b"another"
            assert first.bootstrap_secure_url.startswith("coaps://127.0.0.1:")
            assert first.bootstrap_url.startswith("coap://127.0.0.1:")
            with pytest.raises(UnknownDevice):
                first.bootstrap("nobody")
            with pytest.raises(UnknownDevice):
                first.trigger_bootstrap("nobody")
