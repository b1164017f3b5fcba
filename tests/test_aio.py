"""AsyncClient on an event loop, against the local cloud on the same one."""

import asyncio
import threading

import pytest

from atiny import (
    FLOAT,
    AsyncClient,
    AtinyError,
    CommandHandler,
    Object,
    ParameterError,
    QueueFull,
    ReportStatus,
    Resource,
)
from atiny.cloud import Cloud

TIMEOUT_S = 10


class Temperature(Object):
    object_id = 3303
    resources = (Resource(5700, "sensor_value", FLOAT, "R"),)
    sensor_value = 21.5


def run(scenario):
    """Run a coroutine function with a cloud; a hanging one fails."""

    async def body():
        async with Cloud(port=0) as cloud:
            await asyncio.wait_for(scenario(cloud), 3 * TIMEOUT_S)

    asyncio.run(body())


def test_registers_reports_and_obeys():
    commands = []

    class Lamp(CommandHandler):
        def write_app_write(self, data):
            commands.append(data)

    async def scenario(cloud):
        async with AsyncClient("lamp", cloud.url, device=Lamp()) as client:
            assert await client.wait_registered(TIMEOUT_S)
            assert await client.report(b"\x01") == ReportStatus.SENT_SUCCESS
            device = await cloud.wait_registered("lamp", TIMEOUT_S)
            assert (await device.next_report(TIMEOUT_S)).data == b"\x01"
            assert await device.command(b"\x00").wait(TIMEOUT_S) == "success"
            assert commands == [b"\x00"]
        assert not client.registered
        assert cloud.devices == []

    run(scenario)


def test_reports_of_concurrent_tasks_all_arrive():
    async def scenario(cloud):
        async with AsyncClient("busy", cloud.url, queue_size=50) as client:
            assert await asyncio.gather(*(client.report(b"%d" % n) for n in range(50))) == [4] * 50
            device = await cloud.wait_registered("busy", TIMEOUT_S)
            received = [(await device.next_report(TIMEOUT_S)).data for _ in range(50)]
            assert received == [b"%d" % n for n in range(50)]

    run(scenario)


def test_a_change_from_another_thread_is_notified():
    async def scenario(cloud):
        sensor = Temperature()
        async with AsyncClient("sensor", cloud.url, objects=[sensor]) as client:
            device = await cloud.wait_registered("sensor", TIMEOUT_S)
            assert (await device.observe("/3303/0/5700")).value == 21.5
            sensor.sensor_value = 30.0
            thread = threading.Thread(target=client.changed, args=("/3303/0/5700",))
            thread.start()
            assert (await device.next_report(TIMEOUT_S)).value == 30.0
            thread.join()

    run(scenario)


def test_an_error_comes_and_goes():
    async def scenario(cloud):
        async with AsyncClient("faulty", cloud.url) as client:
            device = await cloud.wait_registered("faulty", TIMEOUT_S)
            for present, expected in ((True, {0: 4}), (False, {0: 0})):
                client.device_error(4, present)
                assert (await device.read("/3/0/11")).value == expected

    run(scenario)


def test_stop_ends_what_waits():
    async def scenario(cloud):
        client = AsyncClient("quits", "coap://127.0.0.1:9")
        await client.start()
        waiting = asyncio.create_task(client.report(b"1"))
        await asyncio.sleep(0)
        await client.stop(timeout_s=0.1)
        assert await waiting == ReportStatus.NOT_SENT
        await client.stop()

    run(scenario)


def test_waiting_has_a_limit():
    async def scenario(cloud):
        async with AsyncClient("nobody", "coap://127.0.0.1:9", retry_min_s=60) as client:
            assert not await client.wait_registered(0.05)

    run(scenario)


def test_errors_are_those_of_client():
    with pytest.raises(ParameterError, match="coap://host:port"):
        AsyncClient("device", "nonsense")

    async def scenario(cloud):
        client = AsyncClient("device", cloud.url, queue_size=1)
        with pytest.raises(AtinyError, match="start the client first"):
            await client.wait_registered(1)
        async with AsyncClient("full", "coap://127.0.0.1:9", queue_size=1) as full:
            first = asyncio.create_task(full.report(b"1"))
            await asyncio.sleep(0)
            with pytest.raises(QueueFull):
                await full.report(b"2")
            with pytest.raises(ParameterError):
                await full.report(b"")
            first.cancel()

    run(scenario)


def test_two_devices_on_one_loop():
    async def scenario(cloud):
        async with AsyncClient("one", cloud.url) as one, AsyncClient("two", cloud.url) as two:
            results = await asyncio.gather(one.report(b"1"), two.report(b"2"))
            assert results == [ReportStatus.SENT_SUCCESS] * 2
            assert {device.endpoint for device in cloud.devices} == {"one", "two"}

    run(scenario)
