"""Commands to devices: their order, their states (guide, "Delivering Commands"), devices that sleep."""

import asyncio

import aiocoap
import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code

from atiny.cloud import (
    Cloud,
    CommandChanged,
    CommandState,
    DeviceAsleep,
    ManualClock,
    Observed,
)
from tests.cloud.peers import FakeDevice, RawDevice, on_a_loop

WAITING, SENT, DELIVERED = CommandState.WAITING, CommandState.SENT, CommandState.DELIVERED
SUCCESS, FAIL, TIMEOUT = CommandState.SUCCESS, CommandState.FAIL, CommandState.TIMEOUT
OVERDUE, CANCELLED = CommandState.OVERDUE, CommandState.CANCELLED


def states(cloud: Cloud, id: int) -> "list[str]":
    return [event.state for event in cloud.events.of(CommandChanged) if event.id == id]


@on_a_loop
async def test_a_command_is_an_opaque_write_to_19_1_0():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as fake:
        command = cloud.command("x", b"\x01\x02")
        assert await command.wait(5) == SUCCESS
        assert command.response is not None
        assert command.response.code_text == "2.04"
        assert [state for _, state in command.history] == [WAITING, SENT, DELIVERED, SUCCESS]
        assert states(cloud, command.id) == [WAITING, SENT, DELIVERED, SUCCESS]
        method, path, request = fake.asked[-1]
        assert (method, path, int(request.opt.content_format)) == ("PUT", "/19/1/0", 42)
        assert fake.commands() == [b"\x01\x02"]


@on_a_loop
async def test_commands_are_served_in_their_order_one_at_a_time():
    running = 0

    async def slow(request):
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.01)
        running -= 1
        return b""

    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", {"/19/1/0": slow}) as fake:
        commands = [cloud.command("x", bytes((n,)), expire_s=n % 2) for n in range(6)]
        assert [await command.wait(5) for command in commands] == [SUCCESS] * 6
        assert fake.commands() == [bytes((n,)) for n in range(6)]
        assert len(cloud.device("x").commands) == 0


@on_a_loop
async def test_a_refusal_is_a_failure_and_the_next_one_is_served():
    def refuse(request):
        return Message(code=Code.METHOD_NOT_ALLOWED if request.payload == b"bad" else Code.CHANGED)

    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", {"/19/1/0": refuse}):
        bad, good = cloud.command("x", b"bad"), cloud.command("x", b"good")
        assert await bad.wait(5) == FAIL
        assert "4.05" in bad.reason
        assert await good.wait(5) == SUCCESS


@on_a_loop
async def test_no_acknowledgement_is_a_time_out():
    async with Cloud(port=0, observe=(), ack_timeout_s=0.01, max_retransmit=1) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            command = cloud.command("raw", b"\x01")
            assert await command.wait(5) == TIMEOUT
            assert states(cloud, command.id) == [WAITING, SENT, TIMEOUT]
        command = cloud.command("raw", b"\x02")
        assert await command.wait(5) == FAIL, "its port is closed"


# immediate (expire time 0): delivered now or not at all
@on_a_loop
async def test_an_immediate_command_fails_without_its_device():
    async with Cloud(port=0) as cloud:
        command = cloud.command("nobody", b"\x01", expire_s=0)
        assert await command.wait(1) == FAIL
        assert command.reason == "the device is not registered"


@on_a_loop
async def test_a_cached_command_waits_for_its_device():
    async with Cloud(port=0) as cloud:
        commands = [cloud.command("late", bytes((n,))) for n in range(3)]
        await asyncio.sleep(0)
        assert [command.state for command in commands] == [WAITING] * 3
        async with FakeDevice(cloud.url, "late") as fake:
            assert [await command.wait(5) for command in commands] == [SUCCESS] * 3
            assert fake.commands() == [b"\x00", b"\x01", b"\x02"]
            first = fake.asked[0]
            assert first[1] == "/19/0/0", "observed before the commands come"


@on_a_loop
async def test_a_cached_command_is_overdue_after_its_expire_time():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock) as cloud:
        short, default = cloud.command("late", b"\x01", expire_s=60), cloud.command("late", b"\x02")
        clock.advance(59)
        assert short.state == WAITING
        clock.advance(1)
        assert await short.wait(1) == OVERDUE
        assert short.history[-1][0] - short.history[0][0] == 60
        clock.advance(47 * 3600)
        async with FakeDevice(cloud.url, "late") as fake:
            assert await default.wait(5) == SUCCESS
            assert fake.commands() == [b"\x02"]
        never = cloud.command("never", b"\x03")
        clock.advance(48 * 3600)
        assert never.state == OVERDUE


@on_a_loop
async def test_a_command_can_be_taken_back_until_it_is_sent():
    async with Cloud(port=0, observe=()) as cloud:
        waiting = cloud.command("raw", b"\x01")
        second = cloud.command("raw", b"\x02")
        assert waiting.cancel()
        assert waiting.state == CANCELLED
        assert not waiting.cancel()
        with RawDevice(cloud.port) as raw:
            await raw.register()
            request = await raw.receive()
            assert request.payload == b"\x02"
            assert not second.cancel(), "it is on its way"
            raw.answer(request, Code.CHANGED)
            assert await second.wait(5) == SUCCESS


@on_a_loop
async def test_a_command_taken_back_while_another_request_has_its_turn():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            request = await raw.receive()
            command = cloud.command("raw", b"\x01")
            await asyncio.sleep(0)
            assert command.cancel()
            raw.answer(request, Code.CONTENT, payload=b"x", content_format=0)
            await reading
            await raw.silence()
            assert states(cloud, command.id) == [WAITING, CANCELLED]


@on_a_loop
async def test_every_command_ends_when_the_cloud_stops():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            on_its_way, behind, other = (cloud.command(name, b"\x01") for name in ("raw", "raw", "nobody"))
            await raw.receive()
            await cloud.stop()
    assert [command.state for command in (on_its_way, behind, other)] == [FAIL, CANCELLED, CANCELLED]
    assert await other.wait(0) == CANCELLED


# Queue mode


@on_a_loop
async def test_a_sleeping_device_gets_its_commands_when_it_updates():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock, awake_s=93) as cloud, FakeDevice(cloud.url, "x", lt=7200, b="UQ") as fake:
        await cloud.events.wait_for(Observed)
        assert await cloud.command("x", b"\x01").wait(5) == SUCCESS, "it is awake after its Register"
        clock.advance(93)
        device = cloud.device("x")
        assert device.registered
        assert not device.reachable
        at_once, cached = cloud.command("x", b"\x02", expire_s=0), cloud.command("x", b"\x03", expire_s=3600)
        assert await at_once.wait(1) == FAIL
        assert at_once.reason == "the device sleeps"
        with pytest.raises(DeviceAsleep):
            await device.read("/19/0/0")
        reading = asyncio.ensure_future(device.read("/19/0/0", wait_s=600))
        await asyncio.sleep(0)
        assert (cached.state, reading.done()) == (WAITING, False)
        clock.advance(500)
        await fake.update()
        assert await cached.wait(5) == SUCCESS
        assert (await reading).code_text == "2.05"
        assert fake.commands() == [b"\x01", b"\x03"]


@on_a_loop
async def test_a_report_keeps_a_device_awake():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock, awake_s=93) as cloud, FakeDevice(cloud.url, "x", lt=7200, b="UQ") as fake:
        await cloud.events.wait_for(Observed)
        clock.advance(92)
        fake.notify(b"\x01")
        await cloud.device("x").next_report()
        clock.advance(92)
        assert cloud.device("x").reachable
        clock.advance(1)
        command = cloud.command("x", b"\x02")
        assert command.state == WAITING
        fake.notify(b"\x02")  # it woke to report
        assert await command.wait(5) == SUCCESS


@on_a_loop
async def test_waiting_for_a_sleeper_ends():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock, awake_s=10) as cloud, FakeDevice(cloud.url, "x", lt=7200, b="UQ"):
        await cloud.device("x").read("/3/0")
        clock.advance(10)
        reading = asyncio.ensure_future(cloud.device("x").read("/3/0", wait_s=60))
        await asyncio.sleep(0)
        clock.advance(60)
        with pytest.raises(DeviceAsleep):
            await reading


@on_a_loop
async def test_a_sleeper_that_does_not_answer_is_left_alone_until_it_is_heard():
    async with Cloud(port=0, observe=(), ack_timeout_s=0.01, max_retransmit=0) as cloud:
        with RawDevice(cloud.port) as raw:
            location = (await raw.register(b="UQ")).opt.location_path
            first, second = cloud.command("raw", b"\x01"), cloud.command("raw", b"\x02")
            assert (await raw.receive()).payload == b"\x01"
            assert await first.wait(5) == TIMEOUT
            await raw.silence()
            assert second.state == WAITING
            raw.send(aiocoap.CON, Code.POST, uri_path=location)
            assert (await raw.receive()).code is Code.CHANGED
            request = await raw.receive()
            assert request.payload == b"\x02"
            raw.answer(request, Code.CHANGED)
            assert await second.wait(5) == SUCCESS
