"""The registration interface of the cloud (OMA LwM2M 1.0, 5.3), asked by an independent peer."""

import asyncio
import socket

import aiocoap
import pytest
from aiocoap.numbers.codes import Code

from atiny.cloud import Cloud, Deregistered, Error, Expired, ManualClock, Observed, Registered, Updated
from atiny.cloud.registry import Registration
from tests.cloud.peers import OBJECTS, FakeDevice, RawDevice, on_a_loop


def registration_of(cloud: Cloud) -> Registration:
    registration = cloud.device("x").registration
    assert registration is not None
    return registration


GOOD = "ep=x&lt=60&lwm2m=1.0&b=U"

# query, Content-Format, payload, the code of the answer
REGISTER = [
    (GOOD, 40, OBJECTS, "2.01"),
    ("ep=x&lwm2m=1.0", 40, b"</3/0>", "2.01"),  # lt and b have defaults: 86400 and U
    (GOOD + "&sms=0049123", 40, OBJECTS, "2.01"),
    (GOOD + "&vendor=1", 40, OBJECTS, "2.01"),
    ("ep=x&lt=2147483647&lwm2m=1.0&b=UQS", 40, OBJECTS, "2.01"),
    (GOOD, 40, b'</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>', "2.01"),
    (GOOD, 40, b"</3>;ver=1.1,</3/0>", "2.01"),
    ("lt=60&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=&lt=60&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep&lt=60&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&ep=x&lt=60&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=a%0Ab&lt=60&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=0&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=-5&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=1h&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=2147483648&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=60&lt=61&lwm2m=1.0&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=60&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=60&lwm2m=one&b=U", 40, OBJECTS, "4.00"),
    ("ep=x&lt=60&lwm2m=1.1&b=U", 40, OBJECTS, "4.12"),
    ("ep=x&lt=60&lwm2m=2.0&b=U", 40, OBJECTS, "4.12"),
    ("ep=x&lt=60&lwm2m=1.0&b=UT", 40, OBJECTS, "4.00"),
    ("ep=x&lt=60&lwm2m=1.0&b=", 40, OBJECTS, "4.00"),
    (GOOD, 0, OBJECTS, "4.15"),
    (GOOD, 11542, OBJECTS, "4.15"),
    (GOOD, None, OBJECTS, "4.15"),
    (GOOD, None, b"", "4.00"),
    (GOOD, 40, b"</>", "4.00"),
    (GOOD, 40, b"3/0", "4.00"),
    (GOOD, 40, b"</3/0", "4.00"),
    (GOOD, 40, b"</3/0>,", "4.00"),
    (GOOD, 40, b"</3/0></4/0>", "4.00"),
    (GOOD, 40, b"</3/0>;", "4.00"),
    (GOOD, 40, b"</3/0/1>", "4.00"),
    (GOOD, 40, b"</device/0>", "4.00"),
    (GOOD, 40, b"</65535/0>", "4.00"),
    (GOOD, 40, b"</03/0>", "4.00"),
    (GOOD, 40, b'</lwm2m>;rt="oma.lwm2m",</3/0>', "4.00"),
    (GOOD, 40, b"</3/0>\xff", "4.00"),
]


@pytest.mark.parametrize(("query", "content_format", "payload", "code"), REGISTER)
def test_register(query, content_format, payload, code):
    @on_a_loop
    async def run():
        async with Cloud(port=0) as cloud:
            device = await FakeDevice(cloud.url, "x").open()
            try:
                response = await device.send(Code.POST, "/rd?" + query, payload, content_format)
                assert str(response.code).startswith(code), (response.code, response.payload)
                if code == "2.01":
                    assert len(response.opt.location_path) == 2
                    assert response.opt.location_path[0] == "rd"
                    assert cloud.device("x").registered
                    assert cloud.events.of(Error) == []
                else:
                    assert cloud.devices == []
                    assert response.payload, "a refusal says why"
                    assert response.payload.decode() in cloud.events.of(Error)[0].message
            finally:
                await device.close()

    run()


@on_a_loop
async def test_what_is_registered():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "urn:dev:lamp-1", lt=300, b="UQ") as device:
        event = await cloud.events.wait_for(Registered)
        assert event.endpoint == "urn:dev:lamp-1"
        assert (event.lifetime_s, event.binding, event.version) == (300, "UQ", "1.0")
        assert event.objects == {1: [0], 3: [0], 19: [0, 1]}
        assert event.address.startswith("127.0.0.1:")
        assert device.location == ("rd", event.id)


# method, path, query, Content-Format, payload, the code of the answer; {id}: a registration that exists
REQUESTS = [
    (Code.POST, "/rd/{id}", "", None, b"", "2.04"),
    (Code.POST, "/rd/{id}", "lt=120", None, b"", "2.04"),
    (Code.POST, "/rd/{id}", "b=UQ", None, b"", "2.04"),
    (Code.POST, "/rd/{id}", "", 40, b"</3/0>,</5/0>", "2.04"),
    (Code.POST, "/rd/{id}", "lt=0", None, b"", "4.00"),
    (Code.POST, "/rd/{id}", "lt=60&lt=60", None, b"", "4.00"),
    (Code.POST, "/rd/{id}", "b=X", None, b"", "4.00"),
    (Code.POST, "/rd/{id}", "ep=y", None, b"", "4.00"),
    (Code.POST, "/rd/{id}", "lwm2m=1.0", None, b"", "4.00"),
    (Code.POST, "/rd/{id}", "", 40, b"</3/0", "4.00"),
    (Code.POST, "/rd/{id}", "", 42, b"</3/0>", "4.15"),
    (Code.POST, "/rd/{id}", "", None, b"</3/0>", "4.15"),
    (Code.POST, "/rd/unknown", "", None, b"", "4.04"),
    (Code.POST, "/rd/{id}/x", "", None, b"", "4.04"),
    (Code.DELETE, "/rd/{id}", "", None, b"", "2.02"),
    (Code.DELETE, "/rd/unknown", "", None, b"", "4.04"),
    (Code.DELETE, "/rd", "", None, b"", "4.05"),
    (Code.GET, "/rd", "", None, b"", "4.05"),
    (Code.GET, "/rd/{id}", "", None, b"", "4.05"),
    (Code.PUT, "/rd/{id}", "", None, b"", "4.05"),
    (Code.POST, "/nowhere", "", None, b"", "4.04"),
    (Code.GET, "/", "", None, b"", "4.04"),
]


@pytest.mark.parametrize(("method", "path", "query", "content_format", "payload", "code"), REQUESTS)
def test_requests(method, path, query, content_format, payload, code):
    @on_a_loop
    async def run():
        async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as device:
            before = registration_of(cloud)
            former = (before.lifetime_s, before.binding, before.objects)
            target = path.replace("{id}", device.location[1]) + ("?" + query if query else "")
            response = await device.send(method, target, payload, content_format)
            assert str(response.code).startswith(code), (response.code, response.payload)
            if not code.startswith("2"):
                now = registration_of(cloud)
                assert (now.lifetime_s, now.binding, now.objects) == former, "a refused request changes nothing"

    run()


@on_a_loop
async def test_unknown_critical_option_is_4_02():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as device:
            device.send(aiocoap.CON, Code.POST, uri_path=("rd",), uri_query=("ep=x", "lwm2m=1.0"), if_none_match=True)
            assert (await device.receive()).code is Code.BAD_OPTION


@on_a_loop
async def test_update_changes_what_it_names():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as device:
        registration = registration_of(cloud)
        assert (await device.update(lt=120)).code is Code.CHANGED
        assert (await device.update(b"</3/0>,</3303/0>")).code is Code.CHANGED
        assert (await device.update()).code is Code.CHANGED
        assert [event.changed for event in cloud.events.of(Updated)] == [("lifetime",), ("objects",), ()]
        assert registration_of(cloud) is registration
        assert registration.lifetime_s == 120
        assert registration.objects.objects == {3: [0], 3303: [0]}


@on_a_loop
async def test_deregister_ends_it():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as device:
        assert (await device.deregister()).code is Code.DELETED
        assert cloud.devices == []
        assert cloud.events.of(Deregistered)[0].reason == "requested"
        assert (await device.update()).code is Code.NOT_FOUND
        assert (await device.deregister()).code is Code.NOT_FOUND


@on_a_loop
async def test_registering_again_replaces():
    async with Cloud(port=0) as cloud, FakeDevice(cloud.url, "x") as device:
        await cloud.events.wait_for(Observed)
        first = device.location
        await device.register(lt=90)
        second = await cloud.events.wait_for(Observed, after=cloud.events.of(Registered)[1].seq)
        assert device.location != first
        assert [event.reason for event in cloud.events.of(Deregistered)] == ["replaced"]
        assert len(cloud.devices) == 1
        assert second.token != cloud.events.of(Observed)[0].token
        response = await device.send(Code.POST, "/" + "/".join(first))
        assert response.code is Code.NOT_FOUND


@on_a_loop
async def test_a_lifetime_passes():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock) as cloud, FakeDevice(cloud.url, "x", lt=60) as device:
        clock.advance(59.9)
        assert cloud.device("x").registered
        assert (await device.update()).code is Code.CHANGED
        clock.advance(59.9)
        assert cloud.device("x").registered, "an Update starts the lifetime anew"
        assert (await device.update(lt=10)).code is Code.CHANGED
        clock.advance(10)
        assert not cloud.device("x").registered
        expired = cloud.events.of(Expired)
        assert [(event.endpoint, event.lifetime_s) for event in expired] == [("x", 10)]
        assert expired[0].time == clock.wall() == pytest.approx(1_600_000_129.8)
        assert (await device.update()).code is Code.NOT_FOUND
        await device.register()
        assert cloud.device("x").registered
        clock.advance(3600)
        assert len(cloud.events.of(Expired)) == 2


@on_a_loop
async def test_a_day_of_many_devices_passes():
    clock = ManualClock()
    async with Cloud(port=0, clock=clock, observe=()) as cloud:
        device = await FakeDevice(cloud.url, "").open()
        for number in range(20):
            await device.register(ep=f"d{number}", lt=3600 * (number + 1))
        assert len(cloud.devices) == 20
        clock.advance(10 * 3600)
        assert sorted(d.endpoint for d in cloud.devices) == sorted(f"d{n}" for n in range(10, 20))
        assert [event.endpoint for event in cloud.events.of(Expired)] == [f"d{n}" for n in range(10)]
        await device.close()


@on_a_loop
async def test_not_everybody_may_register():
    def authorize(endpoint, remote):
        return endpoint == "lamp" and remote.hostinfo.startswith("127.0.0.1")

    async with Cloud(port=0, authorize=authorize) as cloud, FakeDevice(cloud.url, "lamp") as device:
        assert (await device.register(ep="thief")).code is Code.FORBIDDEN
        assert [d.endpoint for d in cloud.devices] == ["lamp"]


@on_a_loop
async def test_a_version_that_is_told_to_be_supported():
    async with Cloud(port=0, versions=("1.0", "1.1")) as cloud, FakeDevice(cloud.url, "x", lwm2m="1.1"):
        assert registration_of(cloud).version == "1.1"


@on_a_loop
async def test_a_long_object_list_comes_in_blocks():
    objects = ",".join(f"</3303/{instance}>" for instance in range(400)).encode()
    assert len(objects) > 4096
    async with Cloud(port=0) as cloud:
        device = await FakeDevice(cloud.url, "x").open()
        response = await device.register(objects)
        assert response.code is Code.CREATED
        assert registration_of(cloud).objects.objects == {3303: list(range(400))}
        await device.close()


@on_a_loop
async def test_registering_twice_with_one_message_is_one_registration():
    async with Cloud(port=0, observe=()) as cloud:
        with RawDevice(cloud.port) as device:
            first = await device.register()
            device.mid -= 1  # the answer was lost: the same message once more
            second = await device.register()
            assert first.opt.location_path == second.opt.location_path
            assert len(cloud.events.of(Registered)) == 1


@on_a_loop
async def test_garbage_does_not_stop_it(caplog):
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            for data in (b"", b"\x00", b"\xff" * 30, b"\x40", b"\x40\x02\x00\x01\xff", bytes(range(64))):
                raw.socket.send(data)
            # Uri-Query that is not UTF-8
            raw.socket.send(b"\x40\x02\x00\x07" + b"\xb2rd\x42\xff\xfe")
        async with FakeDevice(cloud.url, "x"):
            assert cloud.device("x").registered


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@on_a_loop
async def test_ipv6():
    async with Cloud("::1", port=0) as cloud, FakeDevice(cloud.url, "six") as device:
        assert cloud.url.startswith("coap://[::1]:")
        await cloud.events.wait_for(Observed)
        device.notify(b"\x06")
        assert (await cloud.device("six").next_report()).data == b"\x06"
        assert await cloud.device("six").command(b"\x01").wait() == "success"


@on_a_loop
async def test_several_devices_at_once():
    async with Cloud(port=0) as cloud:
        devices = [await FakeDevice(cloud.url, f"d{n}").open() for n in range(8)]
        await asyncio.gather(*(device.register() for device in devices))
        for device in devices:
            await cloud.events.wait_for(Observed, endpoint=device.endpoint)
        for number, device in enumerate(devices):
            device.notify(bytes((number,)))
        commands = [cloud.command(f"d{n}", bytes((n, n))) for n in range(8)]
        for number, device in enumerate(devices):
            assert (await cloud.device(device.endpoint).next_report()).data == bytes((number,))
            assert await commands[number].wait(5) == "success"
            assert device.commands() == [bytes((number, number))]
            await device.close()


@on_a_loop
async def test_a_device_that_leaves_at_once_is_no_error():
    async with Cloud(port=0) as cloud:
        with RawDevice(cloud.port) as raw:
            location = (await raw.register()).opt.location_path
            request = await raw.receive()
            raw.answer(request, Code.CONTENT, observe=0, content_format=42)
            raw.send(aiocoap.CON, Code.DELETE, uri_path=location)
            assert (await raw.receive()).code is Code.DELETED
            assert [event.kind for event in cloud.events] == ["registered", "observed", "unobserved", "deregistered"]
        for _ in range(10):  # what was to follow the registration has its turn
            await asyncio.sleep(0)
        assert cloud.events.of(Error) == []
