"""The cloud's DTLS port with atiny's own device on loopback: its life, wrong keys, restarts, new keys."""

import json
import logging
from typing import Any, Iterator

import pytest

import atiny
from atiny.cloud import (
    Cloud,
    CloudError,
    CloudThread,
    CommandState,
    Deregistered,
    HandshakeFailed,
    HostUnknown,
    KeyStore,
    Observed,
    PortInUse,
    Registered,
    Report,
    SessionEnded,
    SessionStarted,
)
from atiny.errors import NotSupported, ParameterError
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.peers import FakeDevice, on_a_loop
from tests.cloud.scenarios import Lamp

KEYS = {"lamp-1": b"Geheim-1", "lamp-2": b"Geheim-2", "lamp-3": bytes(32)}


@pytest.fixture
def cloud() -> Iterator[CloudThread]:
    with CloudThread(port=0, dtls_port=0, psk=KEYS, ack_timeout_s=0.1, max_retransmit=2) as running:
        yield running


def lamp(cloud: CloudThread, endpoint: str = "lamp-1", key: "bytes | None" = None, **options: Any) -> Lamp:
    return Lamp(cloud.secure_url, endpoint, psk=(endpoint, KEYS[endpoint] if key is None else key), **options)


@needs_dtls
def test_the_life_of_a_device(cloud):
    with lamp(cloud) as one:
        device = cloud.wait_registered("lamp-1")
        cloud.wait_for(Observed, endpoint="lamp-1", path="/19/0/0")
        registered = cloud.wait_for(Registered)
        assert registered.identity == "lamp-1"
        assert one.client.report(b"\x01").wait(5) == atiny.ReportStatus.SENT_SUCCESS
        report = device.next_report()
        assert (report.data, report.confirmable) == (b"\x01", True)
        assert device.command(b"\xca\xfe").wait(5) == CommandState.SUCCESS
        assert one.commands == [b"\xca\xfe"]
        assert device.read("/3/0/0").value == "atiny"
        assert device.command(bytes(1024)).wait(5) == CommandState.SUCCESS  # the longest there is
        assert one.commands[-1] == bytes(1024)
    assert cloud.wait_for(Deregistered).reason == "requested"
    started, ended = cloud.wait_for(SessionStarted), cloud.wait_for(SessionEnded)
    assert (started.identity, started.address) == ("lamp-1", registered.address)
    assert started.cipher.startswith("TLS-PSK-WITH-AES-128-")
    assert (ended.identity, ended.address, ended.reason) == ("lamp-1", registered.address, "the device closed it")
    kinds = [event.kind for event in cloud.events if event.kind in ("session_started", "registered", "session_ended")]
    assert kinds == ["session_started", "registered", "session_ended"]


@needs_dtls
def test_close_ends_the_session_without_a_de_register(cloud: CloudThread) -> None:
    lamp = Lamp(cloud.secure_url, "lamp-1", psk=("lamp-1", KEYS["lamp-1"]))
    assert lamp.client.wait_registered(10)
    lamp.client.close()
    assert cloud.wait_for(SessionEnded).reason == "the device closed it"
    assert not [event for event in cloud.events if isinstance(event, Deregistered) and event.reason == "requested"]


@needs_dtls
def test_several_devices_with_several_identities(cloud):
    with lamp(cloud, "lamp-1") as one, lamp(cloud, "lamp-2") as two, lamp(cloud, "lamp-3") as three:
        with Lamp(cloud.url, "open") as four:  # and one without DTLS beside them
            for endpoint in (*KEYS, "open"):
                cloud.wait_registered(endpoint)
                cloud.wait_for(Observed, endpoint=endpoint)
            lamps = dict(zip((*KEYS, "open"), (one, two, three, four), strict=True))
            for endpoint, device in lamps.items():
                assert device.client.report(endpoint.encode()).wait(5) == atiny.ReportStatus.SENT_SUCCESS
                assert cloud.device(endpoint).command(endpoint.encode()).wait(5) == CommandState.SUCCESS
            for endpoint, device in lamps.items():
                assert device.commands == [endpoint.encode()]
                assert cloud.device(endpoint).next_report().data == endpoint.encode()
    identities = {event.endpoint: event.identity for event in cloud.cloud.events.of(Registered)}
    assert identities == {"lamp-1": "lamp-1", "lamp-2": "lamp-2", "lamp-3": "lamp-3", "open": ""}


@needs_dtls
@pytest.mark.parametrize(
    ("psk", "told"),
    [
        (("lamp-1", b"Falsch"), ("lamp-1", "wrong key")),
        (("nobody", KEYS["lamp-1"]), ("nobody", "unknown identity")),
        ((b"\xff\x00", KEYS["lamp-1"]), ("", "unknown identity, and not in UTF-8")),
    ],
)
def test_a_wrong_key_and_an_unknown_identity_are_said_on_both_sides(cloud, psk, told):
    with Lamp(cloud.secure_url, "lamp-1", psk=psk) as one:
        reason = one.wait(atiny.ATINY_REG_FAIL)
        assert "the server refused the handshake" in str(reason)
        failed = cloud.wait_for(HandshakeFailed)
        assert (failed.identity, failed.reason) == told
        assert not one.client.registered
        one.wait(atiny.ATINY_REG_FAIL, 2)  # and it tries again
    assert cloud.devices() == []
    assert cloud.cloud.events.of(SessionStarted) == []


@needs_dtls
def test_an_endpoint_name_of_somebody_else_is_4_03(cloud):
    with Lamp(cloud.secure_url, "lamp-2", psk=("lamp-1", KEYS["lamp-1"])) as one:
        assert str(one.wait(atiny.ATINY_REG_FAIL)).startswith("Register: 4.03")
    with Lamp(cloud.url, "lamp-1") as one:
        assert one.wait(atiny.ATINY_REG_FAIL) == "Register: 4.03 lamp-1 has to register over DTLS"
    assert cloud.cloud.events.of(Registered) == []


@needs_dtls
@pytest.mark.parametrize("farewell", [True, False], ids=["stopped", "killed"])
def test_a_device_comes_back_by_itself_to_a_cloud_that_restarts(cloud, farewell):
    ports = {"port": cloud.port, "dtls_port": cloud.secure_port}
    with lamp(cloud) as one:
        cloud.wait_for(Observed)
        if not farewell:
            cloud.call(cloud.cloud._secured.server._sessions.clear)
        cloud.stop()
        with CloudThread(psk=KEYS, **ports) as again:
            report = one.client.report(b"\x07")  # a device that has nothing to say finds out with its next Update
            one.wait(atiny.ATINY_REG_FAIL)
            again.wait_registered("lamp-1")
            again.wait_for(Observed, endpoint="lamp-1")
            assert report.wait(5) in (atiny.ReportStatus.SENT_TIME_OUT, atiny.ReportStatus.SENT_SUCCESS)
            assert one.client.report(b"\x08").wait(5) == atiny.ReportStatus.SENT_SUCCESS
            assert again.wait_for(Report, data=b"\x08").endpoint == "lamp-1"
            assert again.device("lamp-1").command(b"\x09").wait(5) == CommandState.SUCCESS


@needs_dtls
def test_a_new_key(cloud):
    with lamp(cloud) as one:
        cloud.wait_registered("lamp-1")
        cloud.keys["lamp-1"] = b"Geheim-9"
        assert cloud.device("lamp-1").read("/3/0/0").ok, "the session goes on"
        one.client.reconnect()
        cloud.wait_for(HandshakeFailed, identity="lamp-1", reason="wrong key")
        one.client.update_psk("lamp-1", b"Geheim-9")
        one.client.reconnect()
        one.wait(atiny.ATINY_REG_OK, 2)
        assert cloud.device("lamp-1").read("/3/0/0").ok


@needs_dtls
def test_identities_come_and_go_while_it_runs(cloud):
    with lamp(cloud) as one:
        cloud.wait_registered("lamp-1")
        del cloud.keys["lamp-1"]
        assert cloud.wait_for(SessionEnded).reason == "the identity was removed"
        one.wait(atiny.ATINY_REG_FAIL)
        cloud.wait_for(HandshakeFailed, identity="lamp-1", reason="unknown identity")
        cloud.keys.add("lamp-1", KEYS["lamp-1"])
        one.wait(atiny.ATINY_REG_OK, 2)
    cloud.keys.add("gateway", b"Geheim-4", endpoints=("room-1", "room-2"))
    for endpoint in ("room-1", "room-2"):
        with Lamp(cloud.secure_url, endpoint, psk=("gateway", b"Geheim-4")):
            assert cloud.wait_registered(endpoint).read("/3/0/0").ok
            assert cloud.wait_for(Registered, endpoint=endpoint).identity == "gateway"


@needs_dtls
def test_keys_are_in_no_log_event_or_repr(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with CloudThread(port=0, dtls_port=0, psk=KEYS) as cloud:
        with lamp(cloud) as one:
            cloud.wait_for(Observed)
            assert one.client.report(b"\x01").wait(5) == atiny.ReportStatus.SENT_SUCCESS
        with lamp(cloud, key=b"Geheim-X") as two:
            two.wait(atiny.ATINY_REG_FAIL)
        cloud.keys["lamp-1"] = b"Geheim-Y"
        things = [cloud, vars(cloud), vars(cloud.cloud), vars(cloud.cloud._secured), *cloud.events]
        things += [*map(vars, cloud.cloud._secured._addresses), one.events, two.events]
    text = "\n".join([caplog.text, *map(str, things), *map(repr, things), *capfd.readouterr()])
    text += json.dumps([event.as_dict() for event in cloud.cloud.events])
    assert "lamp-1" in text
    assert "Geheim" not in text
    assert b"Geheim".hex() not in text


# The ports


@on_a_loop
async def test_without_a_dtls_port_there_is_none():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x"):
        assert cloud.secure_port is None
        assert len(cloud.keys) == 0
        with pytest.raises(CloudError, match="dtls_port"):
            _ = cloud.secure_url
    with pytest.raises(ParameterError, match="dtls_port"):
        Cloud(port=0, psk={"x": b"Geheim"})
    for kind in (Cloud, CloudThread):
        with pytest.raises(ParameterError, match="1 to 32 bytes"):
            kind(port=0, dtls_port=0, psk={"x": bytes(33)})


def test_without_the_library_it_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mbedtls", None)
    with pytest.raises(NotSupported, match="CPython 3.10 to 3.12"):
        Cloud(port=0, dtls_port=0)
    with pytest.raises(NotSupported, match="CPython 3.10 to 3.12"):
        CloudThread(port=0, dtls_port=0).start()


@needs_dtls
@on_a_loop
async def test_both_ports_are_taken_and_released():
    keys = KeyStore(KEYS)
    cloud = Cloud(port=0, dtls_port=0, psk=keys)
    assert cloud.keys is keys
    for _ in range(2):
        await cloud.start()
        assert cloud.url == f"coap://127.0.0.1:{cloud.port}"
        assert cloud.secure_url == f"coaps://127.0.0.1:{cloud.secure_port}"
        other = Cloud(port=0, dtls_port=cloud.secure_port)
        with pytest.raises(PortInUse, match=f"port {cloud.secure_port} on 127.0.0.1 is in use"):
            await other.start()
        async with Cloud(port=other.port):
            pass  # what the other had taken already was released
        await cloud.stop()
        await cloud.stop()
    assert keys._listeners == []


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("localhost", "localhost")])
@needs_dtls
def test_hosts(host, shown):
    with CloudThread(host, port=0, dtls_port=0, psk=KEYS) as cloud:
        assert cloud.secure_url == f"coaps://{shown}:{cloud.secure_port}"
        with lamp(cloud):
            assert cloud.wait_registered("lamp-1").read("/3/0/0").ok


@needs_dtls
def test_a_host_that_cannot_be():
    with pytest.raises(HostUnknown):
        CloudThread("192.0.2.1", port=0, dtls_port=0).start()
