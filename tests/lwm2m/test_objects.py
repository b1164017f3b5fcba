"""The objects that the device brings itself, on the wire: 0, 1, 3 and 19."""

import pytest

from atiny import commands as word
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.server import DEFAULT_LIFETIME_S
from atiny.params import ATINY_DATA_SUBSCRIBE, ATINY_HANDLER_ERROR
from atiny.testing import FakeCommandHandler
from tests.lwm2m.rig import OPAQUE, TEXT, TLV, TLV_LEGACY, Rig, build, dotted

# -- Device

# The device of the specification's example (6.4.3.1), and its payload.
EXAMPLE = {
    word.ATINY_GET_MANUFACTURER: "Open Mobile Alliance",
    word.ATINY_GET_MODEL_NUMBER: "Lightweight M2M Client",
    word.ATINY_GET_SERIAL_NUMBER: "345000123",
    word.ATINY_GET_FIRMWARE_VER: "1.0",
    word.ATINY_GET_POWER_SOURCE: {0: 1, 1: 5},
    word.ATINY_GET_SOURCE_VOLTAGE: {0: 3800, 1: 5000},
    word.ATINY_GET_POWER_CURRENT: {0: 125, 1: 900},
    word.ATINY_GET_BATTERY_LEVEL: 100,
    word.ATINY_GET_MEMORY_FREE: 15,
    word.ATINY_GET_DEV_ERR: 0,
    word.ATINY_GET_CURRENT_TIME: 1367491215,
    word.ATINY_GET_UTC_OFFSET: "+02:00",
}
EXAMPLE_TLV = bytes.fromhex(
    "C8 00 14 4F70656E204D6F62696C6520416C6C69616E6365"
    "C8 01 16 4C69676874776569676874204D324D20436C69656E74"
    "C8 02 09 333435303030313233"
    "C3 03 312E30"
    "86 06 41 00 01 41 01 05"
    "88 07 08 42 00 0ED8 42 01 1388"
    "87 08 41 00 7D 42 01 0384"
    "C1 09 64"
    "C1 0A 0F"
    "83 0B 41 00 00"
    "C4 0D 5182428F"
    "C6 0E 2B30323A3030"
    "C1 10 55"
)


def test_the_specification_s_example():
    rig = Rig(handler=FakeCommandHandler(EXAMPLE))
    assert len(EXAMPLE_TLV) == 121
    assert rig.ask("GET", "3/0").payload == EXAMPLE_TLV
    assert rig.ask("GET", "3").payload == bytes.fromhex("08 00 79") + EXAMPLE_TLV


def test_what_the_host_does_not_support_does_not_exist():
    rig = Rig(handler=FakeCommandHandler())
    found = {id: dotted(rig.ask("GET", "3/0/%d" % id)) for id in range(18)}
    executable = dict.fromkeys((4, 5, 12), "4.05")
    assert found == {**dict.fromkeys(range(18), "4.04"), **dict.fromkeys((0, 11, 16), "2.05"), **executable}
    assert rig.ask("GET", "3/0/0").payload == b"maker"
    assert rig.ask("GET", "3/0/11").payload == bytes.fromhex("83 0b 41 00 00"), "no error"
    assert rig.ask("GET", "3/0/16").payload == b"U", "the binding that it registers with"
    rig.ask("PUT", "1/0/7", payload=b"UQ")
    assert rig.ask("GET", "3/0/16").payload == b"UQ"


def test_the_device_type_is_the_host_s():
    rig = Rig()
    device = Device(rig.host, "maker", "lamp", lambda: "U")
    assert device.read(Device.resources[17]) == "lamp"


@pytest.mark.parametrize(
    ("id", "get", "value", "payload"),
    [
        (6, word.ATINY_GET_POWER_SOURCE, 5, "83 06 41 00 05"),
        (7, word.ATINY_GET_SOURCE_VOLTAGE, {2: 1, 0: 2}, "86 07 41 00 02 41 02 01"),
        (8, word.ATINY_GET_POWER_CURRENT, {}, "80 08"),
        (11, word.ATINY_GET_DEV_ERR, {0: 1, 1: 8}, "86 0b 41 00 01 41 01 08"),
        (11, word.ATINY_GET_DEV_ERR, 2, "83 0b 41 00 02"),
    ],
)
def test_multiple_resources_of_the_host(id, get, value, payload):
    rig = Rig(handler=FakeCommandHandler({get: value}))
    assert rig.ask("GET", "3/0/%d" % id).payload == bytes.fromhex(payload)


def asked(handler, *words):
    return [(cmd, arg) for cmd, arg in handler.commands if cmd in words]


@pytest.mark.parametrize(
    ("id", "cmd", "payload", "arg"),
    [
        (13, word.ATINY_SET_CURRENT_TIME, b"1367491215", 1367491215),
        (14, word.ATINY_SET_UTC_OFFSET, b"+01:00", "+01:00"),
        (15, word.ATINY_SET_TIMEZONE, b"Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_writes_are_commands(id, cmd, payload, arg):
    handler = FakeCommandHandler({cmd: 0})
    rig = Rig(handler=handler)
    path = "3/0/%d" % id
    assert dotted(rig.ask("PUT", path, payload=payload)) == "2.04"
    assert asked(handler, cmd) == [(cmd, arg)]
    tlv = bytes((0xC0 | 0x08, id, len(payload))) + payload if id > 13 else bytes.fromhex("c4 0d 5182428f")
    assert dotted(rig.ask("PUT", path, payload=tlv, content_format=TLV)) == "2.04"
    assert asked(handler, cmd) == [(cmd, arg)] * 2
    handler.answers[cmd] = -1
    assert dotted(rig.ask("PUT", path, payload=payload)) == "4.00"
    del handler.answers[cmd]
    assert dotted(rig.ask("PUT", path, payload=payload)) == "4.04", "not supported"


def test_a_replacing_write_forgets_nothing_of_the_host_s():
    handler = FakeCommandHandler({**EXAMPLE, word.ATINY_SET_CURRENT_TIME: 0})
    rig = Rig(handler=handler)
    rig.ask("PUT", "3/0", payload=bytes.fromhex("c4 0d 5182428f"), content_format=TLV)
    sets = (word.ATINY_SET_CURRENT_TIME, word.ATINY_SET_UTC_OFFSET, word.ATINY_SET_TIMEZONE)
    assert asked(handler, *sets) == [(word.ATINY_SET_CURRENT_TIME, 1367491215)]
    assert rig.ask("GET", "3/0").payload == EXAMPLE_TLV


@pytest.mark.parametrize(("id", "cmd"), [(4, word.ATINY_DO_DEV_REBOOT), (5, word.ATINY_DO_FACTORY_RESET)])
def test_reboot_and_factory_reset_come_after_the_answer(id, cmd):
    handler = FakeCommandHandler({cmd: 0})
    rig = Rig(handler=handler)
    request = build(2, "3/0/%d" % id, mid=77, token=b"r").encode()
    rig.agent.receive(0, request, rig.now)
    assert asked(handler, cmd) == []
    ((link, number, datagram),) = rig.agent.datagrams_to_send(rig.now)
    assert (datagram[1], asked(handler, cmd)) == (0x44, []), "2.04 is handed out, but has not left"
    rig.agent.sent(link, number, rig.now)
    assert asked(handler, cmd) == [(cmd, None)]
    rig.deliver(request)
    assert dotted(rig.only()) == "2.04"
    assert asked(handler, cmd) == [(cmd, None)], "once, though the request came twice"


@pytest.mark.parametrize("id", [4, 5, 12])
def test_executes_take_no_arguments(id):
    handler = FakeCommandHandler()
    rig = Rig(handler=handler)
    assert dotted(rig.ask("POST", "3/0/%d" % id, payload=b"0")) == "4.00"
    does = (word.ATINY_DO_DEV_REBOOT, word.ATINY_DO_FACTORY_RESET, word.ATINY_DO_RESET_DEV_ERR)
    assert asked(handler, *does) == []


@pytest.mark.parametrize("answer", [OSError(5), word.ATINY_RESOURCE_NOT_FOUND])
def test_a_reboot_that_fails_is_an_event(answer):
    rig = Rig(handler=FakeCommandHandler({word.ATINY_DO_DEV_REBOOT: answer}))
    assert dotted(rig.ask("POST", "3/0/4")) == "2.04"
    event, (path, error) = rig.events[-1]
    assert (event, path) == (ATINY_HANDLER_ERROR, "/3/0/4")
    assert error is answer or "answered -5" in str(error)


@pytest.mark.parametrize(("answer", "code"), [(0, "2.04"), (None, "2.04"), (-1, "4.00"), (-9, "5.00")])
def test_resetting_the_error_codes_is_answered_when_it_is_done(answer, code):
    handler = FakeCommandHandler({word.ATINY_DO_RESET_DEV_ERR: answer})
    rig = Rig(handler=handler)
    assert dotted(rig.ask("POST", "3/0/12")) == code
    assert asked(handler, word.ATINY_DO_RESET_DEV_ERR) == [(word.ATINY_DO_RESET_DEV_ERR, None)]


# -- Server


def test_the_default_lifetime_is_a_day():
    assert DEFAULT_LIFETIME_S == 86400


# path, payload -> code and what is then read
SERVER_WRITES = [
    ("1/0/1", b"60", "2.04", b"60"),
    ("1/0/1", b"1", "2.04", b"1"),
    ("1/0/1", b"4294967295", "2.04", b"4294967295"),
    ("1/0/1", b"0", "4.00", b"86400"),
    ("1/0/1", b"-1", "4.00", b"86400"),
    ("1/0/1", b"4294967296", "4.00", b"86400"),
    ("1/0/2", b"0", "2.04", b"0"),
    ("1/0/2", b"10", "2.04", b"10"),
    ("1/0/2", b"-1", "4.00", None),
    ("1/0/3", b"10", "2.04", b"10"),
    ("1/0/3", b"-1", "4.00", None),
    ("1/0/3", b"4294967296", "4.00", None),
    ("1/0/6", b"0", "2.04", b"0"),
    ("1/0/7", b"UQ", "2.04", b"UQ"),
    ("1/0/7", b"S", "4.00", b"U"),
    ("1/0/7", b"", "4.00", b"U"),
    ("1/0/7", b"u", "4.00", b"U"),
    ("1/0/0", b"1", "4.05", b"123"),
    ("1/0/8", b"", "4.05", None),
]


@pytest.mark.parametrize(("path", "payload", "code", "read"), SERVER_WRITES)
def test_writes_to_the_server_object(path, payload, code, read):
    rig = Rig()
    assert dotted(rig.ask("PUT", path, payload=payload)) == code
    response = rig.ask("GET", path)
    if read is None:
        assert response.code >= 128
    else:
        assert response.payload == read


# -- App Data


@pytest.mark.parametrize("path", ["19/0/0", "19/1/0"])
@pytest.mark.parametrize(
    ("payload", "content_format", "arg"),
    [
        (b"\x00\xff on", OPAQUE, b"\x00\xff on"),
        (b"\x00\xff on", TEXT, b"\x00\xff on"),  # as it is: no base64
        (b"\x00\xff on", None, b"\x00\xff on"),
        (bytes.fromhex("c3 00 6f6e00"), TLV, b"on\x00"),
        (bytes.fromhex("c3 00 6f6e00"), TLV_LEGACY, b"on\x00"),
        (b"", OPAQUE, b""),
        (bytes(1024), OPAQUE, bytes(1024)),
    ],
)
def test_commands_from_the_cloud(path, payload, content_format, arg):
    handler = FakeCommandHandler({word.ATINY_WRITE_APP_DATA: 0})
    rig = Rig(handler=handler)
    response = rig.ask("PUT", path, payload=payload, content_format=content_format)
    assert (dotted(response), response.payload) == ("2.04", b"")
    assert handler.commands == [(word.ATINY_WRITE_APP_DATA, arg)]
    assert type(handler.commands[0][1]) is bytes


@pytest.mark.parametrize(
    ("method", "path", "payload", "content_format", "code"),
    [
        ("PUT", "19/1/0", bytes(1025), OPAQUE, "4.13"),
        ("PUT", "19/1/0", bytes.fromhex("d0 00 0401") + bytes(1025), TLV, "4.13"),
        ("PUT", "19/1/0", b"x", 110, "4.15"),
        ("PUT", "19/1/0", b"no tlv", TLV, "4.00"),
        ("PUT", "19/1/6", b"x", OPAQUE, "4.04"),
        ("PUT", "19/2/0", b"x", OPAQUE, "4.04"),
        ("POST", "19/1/0", b"x", OPAQUE, "4.05"),
        ("PUT", "19/1/0/0", b"x", OPAQUE, "4.04"),
    ],
)
def test_what_is_no_command(method, path, payload, content_format, code):
    handler = FakeCommandHandler({word.ATINY_WRITE_APP_DATA: 0})
    rig = Rig(handler=handler)
    assert dotted(rig.ask(method, path, payload=payload, content_format=content_format)) == code
    assert handler.commands == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_command_as_a_whole_instance(method):
    handler = FakeCommandHandler({word.ATINY_WRITE_APP_DATA: 0})
    rig = Rig(handler=handler)
    assert dotted(rig.ask(method, "19/1", payload=bytes.fromhex("c2 00 6f6e"), content_format=TLV)) == "2.04"
    assert handler.commands == [(word.ATINY_WRITE_APP_DATA, b"on")]


def test_a_read_gives_one_zero_byte_and_an_observe_nothing():
    rig = Rig()
    for path in ("19/0/0", "19/1/0"):
        response = rig.ask("GET", path)
        assert (dotted(response), response.opt.content_format, response.payload) == ("2.05", OPAQUE, b"\x00")
    assert rig.ask("GET", "19/0/0", accept=TLV).payload == bytes.fromhex("c1 00 00")
    assert rig.ask("GET", "19").payload == bytes.fromhex("03 00 c1 00 00 03 01 c1 00 00")
    response = rig.observe("19/0/0", b"obs")
    assert (response.opt.content_format, response.payload) == (OPAQUE, b"")
    assert rig.events[-1] == (ATINY_DATA_SUBSCRIBE, "/19/0/0")


def test_a_command_that_raises():
    rig = Rig(handler=FakeCommandHandler({word.ATINY_WRITE_APP_DATA: ValueError("bug")}))
    assert dotted(rig.ask("PUT", "19/1/0", payload=b"x", content_format=OPAQUE)) == "5.00"
    event, (path, error) = rig.events[-1]
    assert (event, path, str(error)) == (ATINY_HANDLER_ERROR, "/19/1/0", "bug")
