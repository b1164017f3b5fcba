"""The cloud as a library: its address, its start and stop, its events, its face for threads."""

import asyncio
import gc
import json
import logging
import socket
import threading

import aiocoap
import pytest

from atiny.cloud import (
    Cloud,
    CloudError,
    CloudThread,
    CommandState,
    HostUnknown,
    ManualClock,
    Observed,
    PortInUse,
    Registered,
    Report,
    UnknownDevice,
)
from atiny.cloud.events import Event, EventLog, plain
from atiny.errors import TransportError
from tests.cloud.peers import FakeDevice, RawDevice, on_a_loop


@on_a_loop
async def test_a_port_in_use_is_said():
    async with Cloud(port=0) as cloud:
        with pytest.raises(PortInUse, match=f"port {cloud.port} on 127.0.0.1 is in use"):
            await Cloud(port=cloud.port).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(PortInUse) as caught:
            await Cloud(port=other.getsockname()[1]).start()
        assert isinstance(caught.value, TransportError)
    async with Cloud(port=cloud.port):
        pass  # it was released


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a..b", ""])
def test_a_host_that_cannot_be_is_said(host):
    @on_a_loop
    async def run():
        with pytest.raises(HostUnknown):
            await Cloud(host or "x" * 300, port=0).start()

    run()


@on_a_loop
async def test_it_can_be_started_again_and_stopped_twice():
    cloud = Cloud(port=0)
    for _ in range(2):
        await cloud.start()
        async with FakeDevice(cloud.url, "x"):
            await cloud.wait_registered("x")
        await cloud.stop()
        await cloud.stop()
        assert cloud.devices == []
    with pytest.raises(CloudError):
        _ = cloud.context


@pytest.mark.parametrize("blocks", [True, False])
@on_a_loop
async def test_a_request_that_fails_as_it_is_given_up(caplog, blocks):
    """As where a device de-registers and closes its session at once, with a command under way."""
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as device:
            await device.register("lamp")
            remote = cloud.device("lamp").registration.remote
            message = aiocoap.Message(code=aiocoap.GET)
            message.remote = remote
            request = cloud.context.request(message, handle_blockwise=blocks)
            await device.receive()
            for interface in cloud.context.request_interfaces:
                interface.token_interface.dispatch_error(OSError("gone"), remote)
            request.response.cancel()
    assert [record.getMessage() for record in caplog.records] == []


def test_a_stop_leaves_nothing_behind(caplog):
    caplog.set_level(logging.WARNING)

    async def run():
        async with Cloud(port=0) as cloud:
            with RawDevice(cloud.port) as silent, RawDevice(cloud.port) as other:
                await silent.register("silent")
                await silent.receive()  # the Observe, never answered
                await other.register("other")
                token = (await other.observed()).token
                cloud.spawn(cloud.device("other").read("/3/0"))
                await other.receive()
                other.notify(token, 2, b"\x02")
                waiting = asyncio.ensure_future(cloud.device("other").next_report(None))
                await waiting
                await cloud.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run(), debug=True)
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


# Events


@on_a_loop
async def test_events_are_typed_timed_and_json():
    clock = ManualClock(wall_start=1000.0)
    async with Cloud(port=0, clock=clock) as cloud, FakeDevice(cloud.url, "x") as fake:
        heard: list[Event] = []
        unsubscribe = cloud.events.subscribe(heard.append)
        stream = cloud.events.stream()
        following = asyncio.ensure_future(stream.__anext__())
        await cloud.events.wait_for(Observed)
        clock.advance(5)
        fake.notify(b"\xca\xfe")
        report = await cloud.events.wait_for(Report)
        assert (report.time, report.endpoint, report.data) == (1005.0, "x", b"\xca\xfe")
        assert heard[-1] is report
        assert isinstance(await following, Observed)
        assert await stream.__anext__() is report
        await stream.aclose()
        unsubscribe()
        unsubscribe()
        assert [event.seq for event in cloud.events] == list(range(1, cloud.events.total + 1))
        for event in cloud.events:
            assert json.loads(json.dumps(event.as_dict()))["event"] == event.kind
            assert str(event).startswith("x: ")
        assert report.as_dict() == {
            "event": "report",
            "seq": report.seq,
            "time": 1005.0,
            "endpoint": "x",
            "path": "/19/0/0",
            "data": "cafe",
            "content_format": 42,
            "value": "cafe",
            "number": report.number,
            "confirmable": True,
        }


@on_a_loop
async def test_the_log_is_bounded():
    log = EventLog(lambda: 0.0, capacity=10)
    for _ in range(25):
        log.add(Registered, "x", id="", address="", lifetime_s=1, binding="U", version="1.0", objects={})
    assert (len(log), log.total) == (10, 25)
    assert [event.seq for event in log] == list(range(16, 26))
    with pytest.raises(TimeoutError):
        await log.wait_for(Registered, 0.01, after=25)
    assert log._listeners == []


def test_a_listener_that_raises_harms_nobody(caplog):
    log = EventLog(lambda: 0.0)
    heard: list[Event] = []

    def broken(event):
        raise ValueError("broken")

    log.subscribe(broken)
    log.subscribe(heard.append)
    log.add(Event, "x")
    assert len(heard) == 1
    assert "broken" in caplog.text


def test_plain_values():
    assert plain({1: b"\x01", 2: (1, [b"\x02"])}) == {"1": "01", "2": [1, ["02"]]}


# For threads


def test_a_cloud_in_a_thread():
    with CloudThread(port=0) as cloud:
        fake = FakeDevice(cloud.url, "x", {"/3/0/9": b"x"})
        done = threading.Event()

        async def device():
            async with fake:
                while not done.is_set():
                    await asyncio.sleep(0.01)
                await fake.deregister()

        thread = threading.Thread(target=lambda: asyncio.run(device()))
        thread.start()
        try:
            lamp = cloud.wait_registered("x")
            cloud.wait_for(Observed)
            assert lamp.read("/3/0/9").payload == b"x"
            assert lamp.write("/19/1/0", b"\x05").ok
            command = lamp.command(b"\x06")
            assert command.wait(5) == CommandState.SUCCESS == command.state
            assert not command.cancel()
            assert [device.endpoint for device in cloud.devices()] == ["x"]
            assert cloud.device("x").registered
            assert cloud.call(lambda: len(cloud.cloud.devices)) == 1
            with pytest.raises(UnknownDevice):
                cloud.device("nobody").read("/3/0")
            with pytest.raises(AttributeError):
                lamp.attach(None)
            heard: list[Event] = []
            unsubscribe = cloud.subscribe(heard.append)
            lamp.cancel("/19/0/0")
            unsubscribe()
            assert [event.kind for event in heard] == ["unobserved"]
            assert [event.kind for event in cloud.events][:2] == ["registered", "observed"]
        finally:
            done.set()
            thread.join()
        assert not lamp.registered
    cloud.stop()
    with pytest.raises(CloudError):
        cloud.device("x")


def test_a_thread_raises_what_its_cloud_raises():
    with CloudThread(port=0) as cloud, pytest.raises(PortInUse):
        CloudThread(port=cloud.port).start()
    assert [thread.name for thread in threading.enumerate() if thread.name == "atiny-cloud"] == []
