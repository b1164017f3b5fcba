"""What a bootstrap gives: accounts and configurations, what cannot be in them, keys that are issued and taken back."""

from typing import Any

import pytest

from atiny.cloud import (
    BootstrapAccount,
    BootstrapConfig,
    Cloud,
    CloudError,
    Error,
    KeyStore,
    PortInUse,
)
from atiny.cloud.provisioning import KeyIssuer
from atiny.errors import ParameterError
from tests.cloud.bootstrap_device import BootstrapDevice
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.peers import on_a_loop

A = BootstrapAccount("coap://a.example:5683", 101)
B = BootstrapAccount("coaps://b.example", 102, "id-b", b"Geheim", 60, "UQ", False, hold_off_s=5, default_pmin_s=1)
URI, IDENTITY, HOLD_OFF = 0, 3, 11


def local(config: Any, **options: Any) -> Cloud:
    return Cloud(port=0, bootstrap=config, bootstrap_port=0, **options)


WRONG = [
    (lambda: BootstrapAccount("http://x"), "give it as coap://host:port"),
    (lambda: BootstrapAccount("coaps://x"), "goes with an identity and a key"),
    (lambda: BootstrapAccount("coap://x", 1, "id", b"key"), "goes with an identity and a key"),
    (lambda: BootstrapAccount("coaps://x", 1, "id", b""), "1 to 32 bytes"),
    (lambda: BootstrapAccount("coap://x", 0), "1 to 65534, not 0"),
    (lambda: BootstrapAccount("coap://x", 65535), "1 to 65534, not 65535"),
    (lambda: BootstrapAccount("coap://x", lifetime_s=0), "1 to 2147483647 seconds"),
    (lambda: BootstrapAccount("coap://x", binding="X"), "one of U, UQ"),
    (lambda: BootstrapConfig([A, A]), "the same short server id"),
    (lambda: BootstrapConfig([A], delete="/0"), "a list of paths"),
    (lambda: BootstrapConfig([A], purge_after_s=0), "at least 1"),
    (lambda: Cloud(bootstrap=True, bootstrap_psk={"x": b"y"}), "needs a bootstrap_dtls_port"),
    (lambda: Cloud(bootstrap_dtls_port=0), "needs bootstrap"),
]


@pytest.mark.parametrize(("make", "why"), WRONG)
def test_what_cannot_be_is_said(make: Any, why: str):
    with pytest.raises(ParameterError, match=why):
        make()


@on_a_loop
async def test_the_device_judges_what_is_written_besides():
    account = BootstrapAccount("coap://x", security={URI: "nonsense", HOLD_OFF: 3, IDENTITY: None}, server={1: 0})
    async with local(BootstrapConfig([account])) as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        await device.request()
        assert (await cloud.wait_bootstrapped("x")).ok
        written = device.values()
        assert (written["/0/0"][URI], written["/0/0"][HOLD_OFF]) == ("nonsense", 3)
        assert IDENTITY not in written["/0/0"]
        assert written["/1/0"][1] == 0


def test_no_key_is_shown():
    config = BootstrapConfig(
        [B, BootstrapAccount("coap://x", 5, security={5: b"Geheim"})], writes={"/0/1/5": b"Geheim"}
    )
    assert "Geheim" not in repr(config)
    assert b"Geheim".hex() not in repr(config)


@on_a_loop
async def test_its_port_is_checked():
    async with local(True) as cloud:
        with pytest.raises(PortInUse):
            async with Cloud(port=0, bootstrap=True, bootstrap_port=cloud.bootstrap_server.port):
                pass
    async with Cloud(port=0) as cloud:
        with pytest.raises(CloudError, match="no bootstrap server"):
            print(cloud.bootstrap_url)
    async with local(True, host="::1") as cloud, BootstrapDevice(cloud.bootstrap_url, "x") as device:
        assert await device.request() == "2.04"
        await cloud.wait_bootstrapped("x")
        assert device.values()["/0/0"][URI] == cloud.url == f"coap://[::1]:{cloud.port}"
        with pytest.raises(CloudError, match="no DTLS port"):
            print(cloud.bootstrap_secure_url)


@on_a_loop
async def test_a_cloud_on_all_addresses_has_to_know_its_own():
    async with (
        local(True, host="0.0.0.0") as cloud,
        BootstrapDevice(f"coap://127.0.0.1:{cloud.bootstrap_server.port}", "x") as device,
    ):
        assert await device.request() == "5.00"
        assert "give it advertise" in cloud.events.of(Error)[-1].message
    async with local(True, host="0.0.0.0", advertise="127.0.0.1") as cloud:
        async with BootstrapDevice(cloud.bootstrap_url, "x") as device:
            assert await device.request() == "2.04"
            await cloud.wait_bootstrapped("x")
            assert device.values()["/0/0"][URI] == f"coap://127.0.0.1:{cloud.port}"
    with pytest.raises(CloudError, match="not running"):
        cloud.own_account("x")


@needs_dtls
def test_a_key_store_is_taken_as_it_is():
    keys = KeyStore({"x": b"key"})
    cloud = Cloud(dtls_port=None, bootstrap=True, bootstrap_psk=keys, bootstrap_dtls_port=0)
    assert cloud.bootstrap_server is not None
    assert cloud.bootstrap_server.keys is keys


def test_keys_that_are_issued_and_not():
    keys = KeyStore({"given": b"key"})
    issuer = KeyIssuer(keys)
    identity, key = issuer.issue("lamp")
    assert identity.startswith(b"lamp-")
    issuer.registered("lamp", None)
    issuer.registered("lamp", b"given")
    issuer.registered("other", identity)
    again, other = issuer.issue("lamp")
    assert (identity in keys, again in keys, "given" in keys) == (False, True, True)
    assert key != other
    issuer.registered("lamp", again)
    del keys[again]  # by somebody else
    latest, _ = issuer.issue("lamp")
    issuer.registered("lamp", latest)
    assert set(keys) == {b"given", latest}
    long, _ = issuer.issue("ü" * 100)
    assert len(long) == 32
    assert keys.endpoints(long) == ("ü" * 100,)
