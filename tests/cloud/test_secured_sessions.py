"""The cloud's DTLS port below CoAP: whose registration it is, sessions that end, restarts from the same port."""

import asyncio
import gc
import json
import logging

import pytest
from aiocoap import Message, error
from aiocoap.numbers.codes import Code

from atiny.cloud import (
    Cloud,
    CommandState,
    DeviceGone,
    DeviceTimeout,
    DeviceUnreachable,
    Error,
    HandshakeFailed,
    Registered,
    Report,
    SessionEnded,
    SessionStarted,
    dtls,
    secured,
)
from tests.cloud.dtls_peer import DtlsDevice, needs_dtls
from tests.cloud.peers import OBJECTS, FakeDevice, RawDevice, on_a_loop
from tests.cloud.secure_device import SecureDevice

pytestmark = needs_dtls

KEYS = {"a": b"Geheim-a", "b": b"Geheim-b"}


def secure_cloud(ack_timeout_s=0.05, **options):
    return Cloud(port=0, dtls_port=0, psk=KEYS, observe=(), ack_timeout_s=ack_timeout_s, max_retransmit=1, **options)


def secure_device(cloud, identity="a"):
    return SecureDevice(cloud, identity.encode(), KEYS[identity])


# Whose registration it is


@on_a_loop
async def test_a_registration_belongs_to_its_identity():
    async with secure_cloud() as cloud, secure_device(cloud) as a, secure_device(cloud, "b") as b:
        cloud.keys.add("b", KEYS["b"], endpoints=("b", "a"))  # even where both may register the name
        assert await a.register("a") == "2.01"
        registration = cloud.device("a").registration
        path = "/".join(a.location)
        assert await b.ask(Code.POST, path, "lt=7") == "4.03"
        assert await b.ask(Code.POST, path, payload=b"</9/0>", content_format=40) == "4.03"
        assert await b.ask(Code.DELETE, path) == "4.03"
        with RawDevice(cloud.port) as nosec:
            for code in (Code.POST, Code.DELETE):
                nosec.send(0, code, uri_path=a.location)
                assert (await nosec.receive()).code is Code.FORBIDDEN
        assert cloud.device("a").registration is registration
        assert (registration.lifetime_s, registration.identity, 9 in registration.objects.objects) == (60, b"a", False)
        assert registration.remote.authenticated_claims == (b"a",)
        assert len(cloud.events.of(Error)) == 5, "and each is in the log"
        assert await a.ask(Code.POST, path, "lt=90") == "2.04"
        assert registration.lifetime_s == 90
        assert await a.ask(Code.DELETE, path) == "2.02"
        assert not cloud.device("a").registered
        assert await b.register("a") == "2.01"


@on_a_loop
async def test_what_is_registered_without_dtls_is_not_updated_over_it():
    async with secure_cloud() as cloud, FakeDevice(cloud.url, "open") as nosec, secure_device(cloud) as a:
        path = "/".join(nosec.location)
        assert await a.ask(Code.POST, path, "lt=7") == "4.03"
        assert await a.ask(Code.DELETE, path) == "4.03"
        assert await a.register("open") == "4.03"
        assert (await nosec.update(lt=90)).code is Code.CHANGED
        cloud.keys.add("a", KEYS["a"], endpoints=("a", "open"))
        assert await a.register("open") == "2.01", "its owner may take it over into DTLS"
        assert (await nosec.update(lt=90)).code is Code.NOT_FOUND
        assert (await nosec.register()).code is Code.FORBIDDEN


@on_a_loop
async def test_nobody_takes_a_registration_out_of_dtls():
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        assert await a.register("a") == "2.01"
        del cloud.keys["a"]  # so that the name is nobody's; the registration lives on until its lifetime has passed
        fake = await FakeDevice(cloud.url, "a").open()
        try:
            response = await fake.register()
            assert (response.code, response.payload) == (Code.FORBIDDEN, b"a is registered over DTLS")
        finally:
            await fake.close()
        assert cloud.device("a").registration.identity == b"a"


@on_a_loop
async def test_the_hosts_own_rule_comes_on_top():
    asked = []

    def authorize(endpoint, remote):
        asked.append((endpoint, remote.scheme, remote.authenticated_claims))
        return endpoint != "b"

    async with secure_cloud(authorize=authorize) as cloud, secure_device(cloud) as a, secure_device(cloud, "b") as b:
        assert await a.register("a") == "2.01"
        assert await b.register("b") == "4.03"
        assert await b.register("a") == "4.03"
        assert asked == [("a", "coaps", (b"a",)), ("b", "coaps", (b"b",))], "not of what is refused anyway"


# Sessions that end


async def given_up_and_waiting(cloud, a, given_up=0):
    """Of two requests one has just been given up, and one waits for its answer: the latter, and what the device has."""
    await a.register("a")
    requests = []
    for _ in range(2):
        message = Message(code=Code.GET)
        message.remote = cloud.device("a").registration.remote
        requests.append(cloud.context.request(message, handle_blockwise=False))
    received = await a.receive()
    requests[given_up].response.cancel()
    return requests[1 - given_up], received


@pytest.mark.parametrize("given_up", [0, 1])
@on_a_loop
async def test_a_session_ends_when_a_request_was_just_given_up(caplog, given_up):
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        waiting, _ = await given_up_and_waiting(cloud, a, given_up)
        cloud.device("a").registration.remote.interface._end_all(b"a")
        with pytest.raises(error.NetworkError):
            await waiting.response
    assert [record.getMessage() for record in caplog.records] == []


@on_a_loop
async def test_an_answer_to_a_request_that_was_just_given_up(caplog):
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        waiting, received = await given_up_and_waiting(cloud, a)
        a.answer(received)
        cloud.device("a").registration.remote.interface._readable()
        a.answer(await a.receive(), payload=b"alive")
        assert (await waiting.response).payload == b"alive"
    assert [record.getMessage() for record in caplog.records] == []


@on_a_loop
async def test_a_request_fails_when_its_session_ends():
    async with secure_cloud(response_timeout_s=10, ack_timeout_s=10) as cloud, secure_device(cloud) as a:
        await a.register("a")
        device = cloud.device("a")
        reading = asyncio.ensure_future(device.read("/3/0"))
        await a.receive()
        queued = device.command(b"\x01")
        a.close()
        with pytest.raises(DeviceUnreachable, match="GET /3/0 of a: DTLS: the device closed it"):
            await reading
        assert (await cloud.events.wait_for(SessionEnded)).reason == "the device closed it"
        assert device.registered, "the registration has a life of its own"
        assert not device.reachable
        with pytest.raises(DeviceUnreachable, match="the DTLS session of a has ended"):
            await device.read("/3/0")
        now_or_never = device.command(b"\x02", expire_s=0)
        assert (now_or_never.state, now_or_never.reason) == (CommandState.FAIL, "the DTLS session has ended")
        assert queued.state == CommandState.WAITING
        waiting = asyncio.ensure_future(device.read("/3/0/9", wait_s=5))
        await a.connect()
        await a.register("a")
        asked = {}
        for _ in range(2):
            request = await a.receive()
            asked["/".join(request.opt.uri_path)] = request.payload
            a.answer(request, Code.CHANGED if request.payload else Code.CONTENT)
        assert asked == {"19/1/0": b"\x01", "3/0/9": b""}, "what waited for the device"
        assert await queued.wait(5) == CommandState.SUCCESS
        assert (await waiting).ok


@on_a_loop
async def test_a_device_restarts_from_the_same_port():
    async with secure_cloud(response_timeout_s=10) as cloud, secure_device(cloud) as a:
        assert await a.register("a", mid=7) == "2.01"
        first = cloud.device("a").registration.remote
        location = a.location
        reading = asyncio.ensure_future(cloud.device("a").read("/3/0"))
        await a.receive()
        await a.connect()
        with pytest.raises((DeviceUnreachable, DeviceGone)):
            await reading
        assert await a.register("a", mid=7) == "2.01"
        assert a.location != location, "the same message id in another session is another message (RFC 7252, 9.1.2)"
        second = cloud.device("a").registration.remote
        assert first != second
        assert first.blockwise_key != second.blockwise_key
        assert (first.hostinfo, first.closed, second.closed) == (second.hostinfo, True, False)
        reading = asyncio.ensure_future(cloud.device("a").read("/3/0"))
        a.answer(await a.receive(), payload=b"x", content_format=42)
        assert (await reading).payload == b"x"
        [ended] = cloud.events.of(SessionEnded)
        assert ended.reason == "replaced by a new session"
        assert len(cloud.events.of(SessionStarted)) == 2


@on_a_loop
async def test_a_device_that_comes_from_another_port_leaves_no_session_behind():
    async with secure_cloud() as cloud, secure_device(cloud) as first, secure_device(cloud) as second:
        await first.register("a")
        await second.register("a")
        [ended] = cloud.events.of(SessionEnded)
        assert (ended.identity, ended.reason) == ("a", "replaced by a new session")
        async with secure_device(cloud) as third:  # whose address changed, and who updates over a new session
            assert await third.ask(Code.POST, "/".join(second.location)) == "2.04"
            assert len(cloud.events.of(SessionEnded)) == 2
            reading = asyncio.ensure_future(cloud.device("a").read("/3/0"))
            third.answer(await third.receive())
            assert (await reading).ok
    assert len(cloud.events.of(SessionStarted)) == 3


@on_a_loop
async def test_a_session_with_two_devices_stays_for_the_other():
    async with secure_cloud() as cloud, secure_device(cloud) as gateway, secure_device(cloud) as again:
        cloud.keys.add("a", KEYS["a"], endpoints=("a-1", "a-2"))
        assert await gateway.register("a-1") == "2.01"
        assert await gateway.register("a-2") == "2.01"
        assert await again.register("a-1") == "2.01"
        assert cloud.events.of(SessionEnded) == []
        reading = asyncio.ensure_future(cloud.device("a-2").read("/3/0"))
        gateway.answer(await gateway.receive())
        assert (await reading).ok


@on_a_loop
async def test_an_observation_follows_an_update_in_another_session():
    async with Cloud(port=0, dtls_port=0, psk=KEYS) as cloud, secure_device(cloud) as a:
        await a.register("a")
        token = (await a.observed()).token
        await a.connect()
        assert await a.ask(Code.POST, "/".join(a.location)) == "2.04"
        notification = Message(code=Code.CONTENT, observe=5, content_format=42, payload=b"\x05")
        notification.mtype, notification.mid, notification.token = 0, 900, token
        a.write(notification.encode())
        assert (await cloud.events.wait_for(Report)).data == b"\x05"


@on_a_loop
async def test_what_is_sent_into_an_ended_session_fails_at_once():
    async with secure_cloud(ack_timeout_s=10) as cloud, secure_device(cloud) as a:
        await a.register("a")
        remote = cloud.device("a").registration.remote
        a.close()
        await cloud.events.wait_for(SessionEnded)
        request = Message(code=Code.GET, uri_path=("3", "0"), transport_tuning=cloud.tuning)
        request.remote = remote
        with pytest.raises(error.NetworkError) as caught:
            await asyncio.wait_for(cloud.context.request(request).response, 5)
        assert str(caught.value.__cause__) == "DTLS: the device closed it"


@on_a_loop
async def test_a_handshake_that_is_not_gone_on_with_is_in_the_log(monkeypatch):
    monkeypatch.setattr(dtls, "HANDSHAKE_S", 0.05)
    monkeypatch.setattr(secured, "POLL_S", 0.02)
    async with secure_cloud() as cloud:
        a = secure_device(cloud)
        with a.socket:
            address = "127.0.0.1:%d" % a.socket.getsockname()[1]
            device = DtlsDevice(b"a", KEYS["a"])
            a.socket.send(device.step()[0])
            a.socket.send(device.feed(await a.datagram())[0])
            failed = await cloud.events.wait_for(HandshakeFailed, 5)
        assert (failed.address, failed.identity, failed.reason) == (address, "", "not done within 0.05 s")
        assert cloud._secured.server.handshakes == 0


@on_a_loop
async def test_a_device_that_is_silent_times_out():
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        await a.register("a")
        with pytest.raises(DeviceTimeout):
            await cloud.device("a").read("/3/0")
        assert cloud.device("a").reachable


# What comes in a session


@on_a_loop
async def test_what_is_no_coap_is_ignored(caplog):
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        bad_option = b"\x40\x02\x00\x01\xb2rd\x42\xff\xfe"  # POST /rd?<not UTF-8>
        for garbage in (b"", b"\x00", b"\xff" * 50, b"\x40\x02", b"\x4f\x02\x00\x01", bad_option):
            if garbage:
                a.write(garbage)
        assert await a.register("a") == "2.01"
        assert cloud.events.of(SessionEnded) == []
    assert {record.levelname for record in caplog.records} <= {"INFO", "WARNING"}


@on_a_loop
async def test_an_unknown_session_gets_no_answer():
    async with secure_cloud() as cloud, secure_device(cloud) as a:
        cloud._secured.server._sessions.clear()  # a cloud that was killed and started again
        a.send(Code.GET, "/rd")
        with pytest.raises(asyncio.TimeoutError):
            await a.receive(0.1)
        await a.connect()
        assert await a.register("a") == "2.01"


def test_a_stop_says_farewell_and_leaves_nothing_behind(caplog):
    caplog.set_level(logging.WARNING)

    async def run():
        async with secure_cloud() as cloud, secure_device(cloud) as a, secure_device(cloud, "b") as b:
            await a.register("a")
            await b.register("b")
            cloud.spawn(cloud.device("a").read("/3/0"))
            await a.receive()
            b.send(Code.POST, "/rd", "ep=b&lwm2m=1.0", payload=OBJECTS, content_format=40)
            await cloud.stop()
            for device in (a, b):
                assert await device.farewell()
            assert [event.reason for event in cloud.events.of(SessionEnded)] == ["the cloud was stopped"] * 2
            for event in cloud.events:
                assert json.loads(json.dumps(event.as_dict()))["event"] == event.kind
                assert not str(event).startswith(":")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run(), debug=True)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == []


@on_a_loop
async def test_many_devices_at_once():
    keys = {f"d{number}": b"Geheim-%d" % number for number in range(50)}
    async with Cloud(port=0, dtls_port=0, psk=keys, observe=()) as cloud:
        devices = [SecureDevice(cloud, name.encode(), key) for name, key in keys.items()]

        async def live(device):
            async with device:
                assert await device.register(device.identity.decode()) == "2.01"
                assert await device.ask(Code.DELETE, "/".join(device.location)) == "2.02"
                device.close()

        await asyncio.gather(*map(live, devices))
        assert {event.identity for event in cloud.events.of(Registered)} == set(keys)
        await asyncio.sleep(0)
