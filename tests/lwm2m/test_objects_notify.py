"""`atiny_data_change` on any readable resource of any built-in object notifies its observer of the new value."""

import pytest

from atiny import commands as word
from atiny.agent import Clock
from atiny.lwm2m.host import Host
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.app_data import AppData
from atiny.lwm2m.objects.connectivity import Connectivity
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.location import Location
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.objects.statistics import Statistics
from atiny.testing import FakeCommandHandler
from tests.lwm2m.rig import TLV, Rig, dotted

OBJECTS = (Security, Server, AccessControl, Device, Connectivity, Location, Statistics, AppData)

# The words, and what the host answers first and later.
ANSWERS = {
    word.ATINY_GET_MANUFACTURER: ("acme", "Acme"),
    word.ATINY_GET_MODEL_NUMBER: ("m1", "m2"),
    word.ATINY_GET_SERIAL_NUMBER: ("1", "2"),
    word.ATINY_GET_FIRMWARE_VER: ("1.0", "1.1"),
    word.ATINY_GET_POWER_SOURCE: (1, {0: 1, 1: 5}),
    word.ATINY_GET_SOURCE_VOLTAGE: (3800, {0: 3700, 1: 5000}),
    word.ATINY_GET_POWER_CURRENT: (125, {0: 100, 1: 900}),
    word.ATINY_GET_BATTERY_LEVEL: (100, 99),
    word.ATINY_GET_MEMORY_FREE: (15, 14),
    word.ATINY_GET_DEV_ERR: (0, {0: 1, 1: 8}),
    word.ATINY_GET_CURRENT_TIME: (1367491215, 1367491216),
    word.ATINY_GET_UTC_OFFSET: ("+01:00", "+02:00"),
    word.ATINY_GET_TIMEZONE: ("Europe/Berlin", "UTC"),
    word.ATINY_GET_BINDING_MODES: ("U", "UQ"),
    word.ATINY_GET_HARDWARE_VERSION: ("a", "b"),
    word.ATINY_GET_SOFTWARE_VERSION: ("a", "b"),
    word.ATINY_GET_BATTERY_STATUS: (0, 1),
    word.ATINY_GET_MEMORY_TOTAL: (512, 1024),
    word.ATINY_GET_EXT_DEV_INFO: ((3, 0), (5, 0)),
    word.ATINY_GET_NETWORK_BEARER: (7, 21),
    word.ATINY_GET_AVAILABLE_BEARERS: (7, [7, 21]),
    word.ATINY_GET_SIGNAL_STRENGTH: (-92, -93),
    word.ATINY_GET_LINK_QUALITY: (3, 4),
    word.ATINY_GET_IP_ADDRESSES: ("10.0.0.2", ["10.0.0.3", "::2"]),
    word.ATINY_GET_ROUTER_ADDRESSES: ("10.0.0.1", "10.0.0.9"),
    word.ATINY_GET_LINK_UTILIZATION: (1, 2),
    word.ATINY_GET_APN: ("a", "b"),
    word.ATINY_GET_CELL_ID: (1, 2),
    word.ATINY_GET_SMNC: (1, 2),
    word.ATINY_GET_SMCC: (262, 263),
    word.ATINY_GET_LATITUDE: (52.5, 52.6),
    word.ATINY_GET_LONGITUDE: (13.5, 13.6),
    word.ATINY_GET_ALTITUDE: (30.0, 31.0),
    word.ATINY_GET_RADIUS: (5.0, 6.0),
    word.ATINY_GET_VELOCITY: (b"\x00", b"\x01"),
    word.ATINY_GET_TIMESTAMP: (1, 2),
    word.ATINY_GET_SPEED: (0.0, 1.0),
}

# By (object, resource), of those that are no words: (what sets it, first, later).
ATTRIBUTES = {
    (1, 0): ("short_server_id", 123, 124),
    (1, 1): ("lifetime_s", 10**9, 10**9 + 1),
    (1, 2): ("default_pmin_s", 0, 1),
    (1, 3): ("default_pmax_s", 10**9, 10**9 + 1),
    (1, 5): ("disable_timeout_s", 86400, 60),
    (1, 6): ("notification_storing", True, False),
    (1, 7): ("binding", "U", "UQ"),
    (2, 0): ("target_object_id", 3, 4),
    (2, 1): ("target_instance_id", 0, 1),
    (2, 2): ("acl", {0: 1}, {0: 1, 5: 31}),
    (2, 3): ("owner", 123, 124),
    (7, 2): ("_sent", 1024, 2048),
    (7, 3): ("_received", 1024, 2048),
    (7, 4): ("max_message_size", 100, 200),
    (7, 5): ("_sent", 1024, 2048),
    (7, 8): ("collection_period_s", 60, 0),
    (19, 1): ("data_priority", 0, 1),
    (19, 2): ("data_creation_time", 1, 2),
    (19, 3): ("data_description", "meter", "water"),
    (19, 4): ("data_format", "a", "b"),
    (19, 5): ("app_id", 1, 2),
}

# What is readable in the table, and is no value of this device; and why.
NEVER = {
    (3, 17): "the device type is the host's once and for all: an argument of the client",
    (7, 0): "no SMS",
    (7, 1): "no SMS",
    (19, 0): "its notifications are the host's reports",
}

READABLE = [(cls.object_id, row.id) for cls in OBJECTS for row in cls.resources if row.readable]


def build_rig():
    handler = FakeCommandHandler({cmd: first for cmd, (first, _) in ANSWERS.items()})
    host = Host(handler)
    statistics = Statistics(Clock())
    statistics._messages = 1
    own = (AccessControl(3, 0, {0: 1}, 123), Connectivity(host), Location(host), statistics)
    rig = Rig(*own, handler=handler, lifetime_s=10**9)
    for (object_id, _), (name, first, _) in ATTRIBUTES.items():
        setattr(rig.agent.model.objects[object_id].instances[0], name, first)
    return rig, handler


def alter(rig, handler, object_id, id):
    """The value changes on the device."""
    instance = rig.agent.model.objects[object_id].instances[0]
    if (object_id, id) in ATTRIBUTES:
        name, first, later = ATTRIBUTES[object_id, id]
        assert getattr(instance, name) == first
        setattr(instance, name, later)
    else:
        cmd = instance.words[id]
        handler.answers[cmd] = ANSWERS[cmd][1]


@pytest.mark.parametrize(
    "where", [where for where in READABLE if where not in NEVER], ids=lambda where: "%d/%d" % where
)
def test_a_change_notifies(where):
    object_id, id = where
    path = "%d/0/%d" % (object_id, id)
    rig, handler = build_rig()
    first = rig.observe(path, b"obs", accept=TLV)
    assert rig.take() == []
    alter(rig, handler, object_id, id)
    rig.advance(1000)
    assert rig.take() == [], "nobody said so"
    rig.change((object_id, 0, id))
    rig.advance(2000)
    notifications = [message for message in rig.take() if message.token == b"obs"]
    assert [dotted(message) for message in notifications] == ["2.05"]
    assert notifications[0].opt.observe > first.opt.observe
    assert notifications[0].payload not in (b"", first.payload)
    assert notifications[0].payload == rig.ask("GET", path, accept=TLV).payload


@pytest.mark.parametrize(
    "where", [where for where in READABLE if where not in NEVER], ids=lambda where: "%d/%d" % where
)
def test_a_change_notifies_who_observes_the_instance(where):
    object_id, id = where
    rig, handler = build_rig()
    first = rig.observe("%d/0" % object_id, b"obs")
    alter(rig, handler, object_id, id)
    rig.change((object_id, 0, id))
    rig.advance(2000)
    notifications = [message for message in rig.take() if message.token == b"obs"]
    assert len(notifications) == 1
    assert notifications[0].payload != first.payload


def test_every_readable_resource_has_its_row():
    assert {where for where in READABLE if where[0] == 0} == set()
    assert set(NEVER) <= set(READABLE)
    words = {cmd for cls in (Device, Connectivity, Location) for cmd in cls.words if cmd is not None}
    assert words == set(ANSWERS)
    ids = {
        (cls.object_id, id)
        for cls in (Device, Connectivity, Location)
        for id, cmd in enumerate(cls.words)
        if cmd is not None
    }
    assert ids | set(ATTRIBUTES) | set(NEVER) == set(READABLE)


def test_what_is_no_value_of_this_device_does_not_exist():
    rig, _ = build_rig()
    found = {where: dotted(rig.ask("GET", "%d/0/%d" % where)) for where in NEVER}
    assert found == {(3, 17): "4.04", (7, 0): "4.04", (7, 1): "4.04", (19, 0): "2.05"}
