"""What the cloud asks of devices: requests and their answers, observations, reports, what happens without an answer."""

import asyncio

import aiocoap
import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code

from atiny.cloud import (
    Cloud,
    CloudError,
    DeviceGone,
    DeviceReset,
    DeviceTimeout,
    DeviceUnreachable,
    Error,
    Observed,
    Report,
    UnknownDevice,
    Unobserved,
)
from tests.cloud.peers import FakeDevice, RawDevice, on_a_loop

DEVICE_TLV = bytes.fromhex("C8001441" + b"tiny-manufacturer-x".hex() + "C10964")


def asked_for(device: FakeDevice) -> "list[tuple[object, ...]]":
    """(method, path, queries, Content-Format, Accept, payload) of each request but the cloud's own Observe."""
    found: list[tuple[object, ...]] = []
    for method, path, request in device.asked:
        opt = request.opt
        if opt.observe is None:
            found.append((method, path, opt.uri_query, opt.content_format, opt.accept, request.payload))
    return found


@on_a_loop
async def test_each_operation_is_the_request_that_the_specification_says():
    answers = {
        "/3/0": lambda request: (
            Message(code=Code.CONTENT, content_format=11542, payload=DEVICE_TLV)
            if request.opt.accept == 11542
            else Message(code=Code.CONTENT, content_format=40, payload=b"</3/0>;pmin=5,</3/0/9>")
        ),
        "/3/0/9": Message(code=Code.CONTENT, content_format=0, payload=b"100"),
        "/3/0/14": b"",
        "/3/0/4": b"",
        "/3303": Message(code=Code.CREATED, location_path=("3303", "7")),
        "/3303/7": b"",
    }
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", answers) as fake:
        device = cloud.device("x")
        await cloud.events.wait_for(Observed)

        response = await device.read("/3/0", accept=11542)
        assert (response.code_text, response.content_format) == ("2.05", 11542)
        assert response.value == {0: "Atiny-manufacturer-x", 9: 100}
        response = await device.read("/3/0/9")
        assert response.value == 100
        assert [link.target for link in (await device.discover("/3/0")).links] == ["/3/0", "/3/0/9"]
        assert (await device.write("/3/0/14", "+02:00")).code_text == "2.04"
        await device.write("/3/0/14", b"\x01\x02")
        await device.write("/3/0/14", b"\x01", 11542, replace=False)
        await device.write("/3303/7", {5700: 21.5})
        await device.write_attributes("/3/0/9", pmin=10, pmax=60, gt=None)
        assert (await device.execute("/3/0/4")).ok
        await device.execute("/3/0/4", "0='a'")
        created = await device.create("/3303", {5700: 1.5})
        assert (created.code_text, created.location) == ("2.01", "/3303/7")
        assert (await device.delete("/3303/7")).code_text == "2.02"
        assert asked_for(fake) == [
            ("GET", "/3/0", (), None, 11542, b""),
            ("GET", "/3/0/9", (), None, None, b""),
            ("GET", "/3/0", (), None, 40, b""),
            ("PUT", "/3/0/14", (), 0, None, b"+02:00"),
            ("PUT", "/3/0/14", (), 42, None, b"\x01\x02"),
            ("POST", "/3/0/14", (), 11542, None, b"\x01"),
            ("PUT", "/3303/7", (), 11542, None, bytes.fromhex("E8 1644 08 4035800000000000")),
            ("PUT", "/3/0/9", ("pmin=10", "pmax=60", "gt"), None, None, b""),
            ("POST", "/3/0/4", (), None, None, b""),
            ("POST", "/3/0/4", (), 0, None, b"0='a'"),
            ("POST", "/3303", (), 11542, None, bytes.fromhex("E8 1644 08 3FF8000000000000")),
            ("DELETE", "/3303/7", (), None, None, b""),
        ]


@on_a_loop
async def test_an_error_of_the_device_is_an_answer():
    refusals = {f"/3/0/{n}": Message(code=code) for n, code in enumerate((Code.BAD_REQUEST, Code.METHOD_NOT_ALLOWED))}
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", refusals):
        device = cloud.device("x")
        codes = [(await device.read(path)).code_text for path in ("/3/0/0", "/3/0/1", "/9/9")]
        assert codes == ["4.00", "4.05", "4.04"]
        assert not (await device.read("/9/9")).ok


@on_a_loop
async def test_the_alternate_path_is_put_in_front():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register(objects=b'</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>')
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            request = await raw.receive()
            assert request.opt.uri_path == ("lwm2m", "3", "0")
            raw.answer(request, Code.CONTENT, payload=b"x", content_format=0)
            assert (await reading).payload == b"x"


@on_a_loop
async def test_large_bodies_go_both_ways_in_blocks():
    body = bytes(range(256)) * 20
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x", {"/5/0/0": body}) as fake:
        device = cloud.device("x")
        assert (await device.read("/5/0/0")).payload == body
        assert (await device.write("/5/0/0", body)).ok
        assert fake.asked[-1][2].payload == body


@on_a_loop
async def test_requests_leave_from_the_servers_own_port_one_at_a_time():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:  # connected: what comes from another port never arrives
            await raw.register(objects=b"</3/0>")
            readings = [asyncio.ensure_future(cloud.device("raw").read(f"/3/0/{n}")) for n in range(3)]
            for number in range(3):
                request = await raw.receive()
                assert request.opt.uri_path == ("3", "0", str(number))
                await raw.silence(0.02)
                raw.answer(request, Code.CONTENT, payload=str(number).encode(), content_format=0)
            assert [(await reading).payload for reading in readings] == [b"0", b"1", b"2"]


# Observations


@on_a_loop
async def test_reports_are_delivered_in_order_and_acknowledged():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            request = await raw.observed(b"")
            observed = await cloud.events.wait_for(Observed)
            assert (observed.path, observed.token, observed.data) == ("/19/0/0", request.token, b"")
            for number in range(1, 6):
                mid = raw.notify(request.token, number, bytes((number,)))
                ack = await raw.receive()
                assert (ack.mtype, ack.code, ack.mid) == (aiocoap.ACK, Code.EMPTY, mid)
            for number in range(6, 10):
                raw.notify(request.token, number, bytes((number,)), aiocoap.NON)
            device = cloud.device("raw")
            reports = [await device.next_report() for _ in range(9)]
            assert [report.data for report in reports] == [bytes((n,)) for n in range(1, 10)]
            assert [report.confirmable for report in reports] == [True] * 5 + [False] * 4
            assert {report.content_format for report in reports} == {42}
            with pytest.raises(TimeoutError):
                await device.next_report(0.01)


@on_a_loop
async def test_a_report_whose_acknowledgement_was_lost_is_told_once():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            token = (await raw.observed()).token
            mid = raw.notify(token, 5, b"\x05")
            for _ in range(2):
                assert (await raw.receive()).mtype is aiocoap.ACK
                raw.send(aiocoap.CON, Code.CONTENT, mid=mid, token=token, observe=5, payload=b"\x05")
            assert (await raw.receive()).mtype is aiocoap.ACK
            raw.notify(token, 4, b"\x04", aiocoap.NON)  # overtaken on the way: stale (RFC 7641 3.4)
            raw.notify(token, 2**24 - 1, b"\xff", aiocoap.NON)  # far behind 5, modulo 2**24
            raw.notify(token, 6, b"\x06", aiocoap.NON)
            await cloud.events.wait_for(Report, number=6)
            assert [report.number for report in cloud.events.of(Report)] == [5, 6]


@on_a_loop
async def test_a_report_larger_than_a_block_is_completed():
    body = bytes(range(250)) * 6
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as fake:
        await cloud.events.wait_for(Observed)
        fake.notify(body)
        assert (await cloud.device("x").next_report()).data == body


@pytest.mark.parametrize("how", ["token", "path", "reset"])
def test_cancel(how):
    @on_a_loop
    async def run():
        async with Cloud(port=0) as cloud:
            with RawDevice(cloud.port) as raw:
                await raw.register()
                token = (await raw.observed()).token
                device = cloud.device("raw")
                await cloud.events.wait_for(Observed)
                cancelling = asyncio.ensure_future(device.cancel("/19/0/0", how))
                if how != "reset":
                    request = await raw.receive()
                    assert (request.code, request.opt.observe) == (Code.GET, 1)
                    assert request.opt.uri_path == ("19", "0", "0")
                    assert (request.token == token) == (how == "token")
                    if how == "token":  # a notification that was on its way is still one
                        raw.notify(token, 3, b"\x03", aiocoap.NON)
                    raw.answer(request, Code.CONTENT, payload=b"", content_format=42)
                response = await cancelling
                assert (response is None) if how == "reset" else (response is not None and response.ok)
                assert len(cloud.events.of(Report)) == (1 if how == "token" else 0)
                assert [event.reason for event in cloud.events.of(Unobserved)] == ["cancelled"]
                mid = raw.notify(token, 9, b"\x09")
                reset = await raw.receive()
                assert (reset.mtype, reset.mid) == (aiocoap.RST, mid)
                with pytest.raises(CloudError):
                    await device.cancel("/19/0/0")

    run()


@on_a_loop
async def test_a_cancel_without_an_answer_ends_it_here():
    async with Cloud(port=0, ack_timeout_s=0.01, max_retransmit=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            token = (await raw.observed()).token
            device = cloud.device("raw")
            await cloud.events.wait_for(Observed)
            with pytest.raises(CloudError, match="how is token, path or reset"):
                await device.cancel("/19/0/0", "kindly")
            assert list(device.observations) == ["/19/0/0"]
            with pytest.raises(DeviceTimeout):
                await device.cancel("/19/0/0")
            assert device.observations == {}
            assert (await raw.receive()).opt.observe == 1
            raw.notify(token, 2, b"\x02")
            assert (await raw.receive()).mtype is aiocoap.RST


@on_a_loop
async def test_observing_again_replaces_the_token():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            old = (await raw.observed()).token
            again = asyncio.ensure_future(cloud.device("raw").observe("/19/0/0"))
            new = (await raw.observed(b"\x01")).token
            assert (await again).payload == b"\x01"
            assert [event.reason for event in cloud.events.of(Unobserved)] == ["replaced"]
            raw.notify(old, 9, b"\x09")
            assert (await raw.receive()).mtype is aiocoap.RST
            raw.notify(new, 9, b"\x0a")
            assert (await raw.receive()).mtype is aiocoap.ACK


@on_a_loop
async def test_a_failed_observe_leaves_nothing():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            request = await raw.receive()
            raw.answer(request, Code.NOT_FOUND)
            error = await cloud.events.wait_for(Error)
            assert error.message == "Observe /19/0/0 was answered 4.04"
            assert cloud.device("raw").observations == {}
            raw.notify(request.token, 2, b"\x02")
            assert (await raw.receive()).mtype is aiocoap.RST


@on_a_loop
async def test_the_device_ends_an_observation():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            token = (await raw.observed()).token
            await cloud.events.wait_for(Observed)
            raw.send(aiocoap.NON, Code.NOT_FOUND, token=token, observe=7)  # an error ends it, Observe or not
            event = await cloud.events.wait_for(Unobserved)
            assert "4.04" in event.reason
            assert cloud.device("raw").observations == {}


@on_a_loop
async def test_what_is_observed_at_registration_is_a_choice():
    async with Cloud(port=0, observe=("/3/0/9", "/19/0/0", "/4242/0")) as cloud:
        answers = {"/3/0/9": Message(code=Code.CONTENT, content_format=0, payload=b"90")}
        async with FakeDevice(cloud.url, "x", answers):
            await cloud.events.wait_for(Observed, path="/19/0/0")
            assert [event.path for event in cloud.events.of(Observed)] == ["/3/0/9", "/19/0/0"]  # it has no 4242


@on_a_loop
async def test_an_observation_outlives_a_request_without_an_answer():
    async with Cloud(port=0, ack_timeout_s=0.01, max_retransmit=1) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            token = (await raw.observed()).token
            await cloud.events.wait_for(Observed)
            with pytest.raises(DeviceTimeout):
                await cloud.device("raw").read("/3/0")
            for _ in range(2):
                assert (await raw.receive()).opt.uri_path == ("3", "0")
            raw.notify(token, 2, b"\x02")
            assert (await raw.receive()).mtype is aiocoap.ACK
            assert (await cloud.device("raw").next_report()).data == b"\x02"


@on_a_loop
async def test_an_update_from_a_new_address_moves_everything_there():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as before, RawDevice(cloud.port) as after:
            location = (await before.register()).opt.location_path
            token = (await before.observed()).token
            await cloud.events.wait_for(Observed)
            after.send(aiocoap.CON, Code.POST, uri_path=location)
            assert (await after.receive()).code is Code.CHANGED
            after.notify(token, 2, b"\x02")
            assert (await after.receive()).mtype is aiocoap.ACK
            assert (await cloud.device("raw").next_report()).data == b"\x02"
            before.notify(token, 3, b"\x03")
            assert (await before.receive()).mtype is aiocoap.RST
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            after.answer(await after.receive(), Code.CONTENT, payload=b"here", content_format=0)
            assert (await reading).payload == b"here"


# Without an answer


@on_a_loop
async def test_no_answer_is_a_time_out():
    async with Cloud(port=0, ack_timeout_s=0.01, max_retransmit=2, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            with pytest.raises(DeviceTimeout, match="GET /3/0 of raw: no answer"):
                await cloud.device("raw").read("/3/0")
            first, *repeated = [await raw.receive() for _ in range(3)]
            assert {message.mid for message in repeated} == {first.mid}
            await raw.silence()
            assert "no answer" in cloud.events.of(Error)[0].message


@on_a_loop
async def test_an_acknowledgement_without_a_response_is_a_time_out_too():
    async with Cloud(port=0, response_timeout_s=0.05, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            request = await raw.receive()
            raw.send(aiocoap.ACK, Code.EMPTY, mid=request.mid)
            with pytest.raises(DeviceTimeout, match=r"no response within 0\.05 s"):
                await reading


@on_a_loop
async def test_a_separate_response_is_awaited_and_acknowledged():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            request = await raw.receive()
            raw.send(aiocoap.ACK, Code.EMPTY, mid=request.mid)
            mid = raw.send(aiocoap.CON, Code.CONTENT, token=request.token, payload=b"late", content_format=0)
            ack = await raw.receive()
            assert (ack.mtype, ack.mid) == (aiocoap.ACK, mid)
            assert (await reading).payload == b"late"


@on_a_loop
async def test_a_reset_and_a_closed_port():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            raw.send(aiocoap.RST, Code.EMPTY, mid=(await raw.receive()).mid)
            with pytest.raises(DeviceReset):
                await reading
        with pytest.raises(DeviceUnreachable):
            await cloud.device("raw").read("/3/0")


@on_a_loop
async def test_a_request_ends_with_the_registration():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as raw:
            await raw.register()
            reading = asyncio.ensure_future(cloud.device("raw").read("/3/0"))
            await raw.receive()
            await raw.register()  # it has restarted
            with pytest.raises(DeviceGone):
                await reading


@on_a_loop
async def test_a_device_that_is_not_there():
    async with Cloud(port=0) as cloud:
        with pytest.raises(UnknownDevice):
            await cloud.device("nobody").read("/3/0")
        with pytest.raises(TimeoutError):
            await cloud.wait_registered("nobody", 0.01)
