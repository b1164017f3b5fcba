"""Connectivity Monitoring and Location: the host's answers as servers see them."""

import struct

import pytest

from atiny import commands as word
from atiny.commands import CommandHandler
from atiny.lwm2m.host import Host
from atiny.lwm2m.objects.connectivity import Connectivity
from atiny.lwm2m.objects.location import Location
from atiny.params import ATINY_HANDLER_ERROR
from atiny.testing import FakeCommandHandler
from tests.lwm2m.rig import LINK, TLV, Rig, dotted


def rig_of(cls, answers, *args):
    handler = FakeCommandHandler(answers)
    return Rig(cls(Host(handler), *args), handler=handler)


def f64(value):
    return struct.pack(">d", value)


# -- object 4

MODEM = {
    word.ATINY_GET_NETWORK_BEARER: 7,
    word.ATINY_GET_SIGNAL_STRENGTH: -92,
    word.ATINY_GET_LINK_QUALITY: 3,
    word.ATINY_GET_CELL_ID: 268435455,
    word.ATINY_GET_LINK_UTILIZATION: 40,
}
FULL = {
    **MODEM,
    word.ATINY_GET_AVAILABLE_BEARERS: [7, 22],
    word.ATINY_GET_IP_ADDRESSES: ["10.0.0.2", "fe80::2"],
    word.ATINY_GET_ROUTER_ADDRESSES: {1: "fe80::1"},
    word.ATINY_GET_APN: "iot",
    word.ATINY_GET_SMNC: 1,
    word.ATINY_GET_SMCC: 262,
}
NETWORK = [
    (0, "c1 00 07"),
    (1, "86 01 41 00 07 41 01 16"),
    (2, "c1 02 a4"),
    (3, "c1 03 03"),
    (4, "88 04 14 48 00 08 31302e302e302e32 47 01 666538303a3a32"),
    (5, "88 05 09 47 01 666538303a3a31"),
    (6, "c1 06 28"),
    (7, "85 07 43 00 696f74"),
    (8, "c4 08 0fffffff"),
    (9, "c1 09 01"),
    (10, "c2 0a 0106"),
]


@pytest.mark.parametrize(("id", "tlv"), NETWORK)
def test_each_resource_of_connectivity_monitoring(id, tlv):
    rig = rig_of(Connectivity, FULL)
    assert rig.ask("GET", "4/0/%d" % id, accept=TLV).payload == bytes.fromhex(tlv)
    rig = rig_of(Connectivity, {})
    assert dotted(rig.ask("GET", "4/0/%d" % id)) == "4.04"


def test_all_of_connectivity_monitoring():
    assert rig_of(Connectivity, FULL).ask("GET", "4/0").payload == b"".join(bytes.fromhex(tlv) for _, tlv in NETWORK)
    expected = b"".join(bytes.fromhex(tlv) for id, tlv in NETWORK if id in (0, 2, 3, 6, 8))
    bearer = bytes.fromhex("83 01 41 00 07")
    assert rig_of(Connectivity, MODEM).ask("GET", "4/0").payload == expected[:3] + bearer + expected[3:]


def test_what_a_host_of_the_sdk_cannot_say_is_not_invented():
    found = rig_of(Connectivity, MODEM).ask("GET", "4/0", accept=LINK).payload.decode()
    assert found == "</4/0>,</4/0/0>,</4/0/1>;dim=1,</4/0/2>,</4/0/3>,</4/0/6>,</4/0/8>"


@pytest.mark.parametrize(
    ("addresses", "tlv"),
    [
        (lambda: ["10.0.0.2"], "88 04 0b 48 00 08 31302e302e302e32"),
        (lambda: {4: "::1"}, "85 04 43 04 3a3a31"),
        (lambda: "::1", "85 04 43 00 3a3a31"),
        (lambda: None, None),
        (None, None),
    ],
)
def test_the_addresses_that_the_adapter_knows(addresses, tlv):
    rig = rig_of(Connectivity, MODEM, addresses)
    response = rig.ask("GET", "4/0/4", accept=TLV)
    if tlv is None:
        assert dotted(response) == "4.04"
    else:
        assert response.payload == bytes.fromhex(tlv)
    assert (b"</4/0/4>" in rig.ask("GET", "4/0", accept=LINK).payload) is (tlv is not None)


def test_the_host_s_addresses_come_before_the_adapter_s():
    rig = rig_of(Connectivity, {word.ATINY_GET_IP_ADDRESSES: "::2"}, lambda: pytest.fail("not asked"))
    assert rig.ask("GET", "4/0/4", accept=TLV).payload == bytes.fromhex("85 04 43 00 3a3a32")


def test_a_bearer_that_raises():
    rig = rig_of(Connectivity, {word.ATINY_GET_NETWORK_BEARER: OSError(5)})
    for path in ("4/0/0", "4/0/1", "4/0"):
        assert dotted(rig.ask("GET", path)) == "5.00"
        event, (where, error) = rig.events[-1]
        assert (event, where, type(error)) == (ATINY_HANDLER_ERROR, "/" + path, OSError)


# -- object 6

PLACE = {
    word.ATINY_GET_LATITUDE: -43.5723,
    word.ATINY_GET_LONGITUDE: 153.2176,
    word.ATINY_GET_ALTITUDE: 12,  # an int is a number of metres too
    word.ATINY_GET_RADIUS: 2.5,
    word.ATINY_GET_VELOCITY: bytearray(b"\x00\x2d\x00\x10"),
    word.ATINY_GET_TIMESTAMP: 1367491215,
    word.ATINY_GET_SPEED: 0.5,
}
POSITION = [
    (0, b"-43.5723", f64(-43.5723)),
    (1, b"153.2176", f64(153.2176)),
    (2, b"12.0", struct.pack(">f", 12.0)),
    (3, b"2.5", struct.pack(">f", 2.5)),
    (4, b"\x00\x2d\x00\x10", b"\x00\x2d\x00\x10"),
    (5, b"1367491215", bytes.fromhex("5182428f")),
    (6, b"0.5", struct.pack(">f", 0.5)),
]


@pytest.mark.parametrize(("id", "text", "value"), POSITION)
def test_each_resource_of_location(id, text, value):
    rig = rig_of(Location, PLACE)
    response = rig.ask("GET", "6/0/%d" % id)
    if id == 4:
        assert response.payload == text
    else:
        assert float(response.payload) == float(text)
    tlv = rig.ask("GET", "6/0/%d" % id, accept=TLV).payload
    # A float may go in 4 bytes where nothing is lost, or in 8.
    width = {9: 2, 11: 3}.get(len(tlv), 2)
    body = tlv[width:]
    assert tlv[1] == id
    if id in (0, 1, 2, 3, 6):
        assert struct.unpack(">d" if len(body) == 8 else ">f", body)[0] == float(text)
    else:
        assert body == value
    assert dotted(rig_of(Location, {}).ask("GET", "6/0/%d" % id)) == "4.04"


@pytest.mark.parametrize("value", ["52.5", b"52.5", True])
def test_a_latitude_that_is_no_number(value):
    rig = rig_of(Location, {word.ATINY_GET_LATITUDE: value})
    assert dotted(rig.ask("GET", "6/0/0")) == "5.00"
    event, (where, error) = rig.events[-1]
    assert (event, where) == (ATINY_HANDLER_ERROR, "/6/0/0")
    assert "latitude of object 6" in str(error)


@pytest.mark.parametrize(("cls", "object_id"), [(Connectivity, 4), (Location, 6)])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_nothing_of_it_can_be_written(cls, object_id, method):
    rig = rig_of(cls, {**FULL, **PLACE})
    for row in cls.resources:
        assert dotted(rig.ask(method, "%d/0/%d" % (object_id, row.id), payload=b"1")) == "4.05"


# -- whether there is such an object at all


class Positioned(CommandHandler):
    def get_latitude(self):
        return None  # it has no fix yet

    def get_apn(self):
        return None


def raising(cmd, arg):
    raise KeyError(cmd)


@pytest.mark.parametrize(
    ("handler", "network", "place"),
    [
        (CommandHandler(), False, False),
        (Positioned(), True, True),
        (FakeCommandHandler(), False, False),
        (FakeCommandHandler({word.ATINY_GET_RADIUS: None}), False, True),  # scripted, and so supported
        (FakeCommandHandler({word.ATINY_GET_SMCC: 262}), True, False),
        (lambda cmd, arg: None, False, False),
        (lambda cmd, arg: 21 if cmd == word.ATINY_GET_NETWORK_BEARER else None, True, False),
        (lambda cmd, arg: 0 if cmd == word.ATINY_GET_TIMESTAMP else None, False, True),
        (lambda cmd, arg: 0 if cmd >= 100 else None, False, False),  # it does not know our words
        (raising, False, False),
    ],
)
def test_an_object_of_which_the_host_knows_nothing(handler, network, place):
    assert Connectivity.supported(Host(handler)) is network
    assert Location.supported(Host(handler)) is place
