"""Create and Delete of object instances (LwM2M 1.0, 5.4.6, 5.4.7, 7.3.2.4): requests of aiocoap's codec."""

import pytest

from atiny.coap import codes
from atiny.errors import Rejected
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import INTEGER, NONE, STRING
from atiny.params import ATINY_HANDLER_ERROR
from tests.lwm2m.rig import LINK, TLV, TLV_LEGACY, Rig, dotted
from tests.lwm2m.widget import WIDGET, Widget

JSON = 11543


def tlv(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture
def widget():
    return Widget()


@pytest.fixture
def rig(widget):
    return Rig(widget)


NEW_NAME = tlv("c3 00 6e6577")

# payload, Content-Format -> Location-Path, the new instance's values
CREATES = [
    (NEW_NAME, TLV, "31024/1", dict(name="new")),
    (NEW_NAME, TLV_LEGACY, "31024/1", dict(name="new")),
    (NEW_NAME + tlv("c1 01 09 83 07 41 01 05"), TLV, "31024/1", dict(name="new", level=9, parts={1: 5})),
    (tlv("08 05 05") + NEW_NAME, TLV, "31024/5", dict(name="new")),
    (tlv("28 fffe 05") + NEW_NAME, TLV, "31024/65534", dict(name="new")),
    # What no server may write, and what the object does not know, is ignored.
    (NEW_NAME + tlv("c1 08 78"), TLV, "31024/1", dict(name="new")),
    (tlv("c1 0b 78") + NEW_NAME + tlv("c0 0a"), TLV, "31024/1", dict(name="new")),
    (NEW_NAME + tlv("c1 63 05"), TLV, "31024/1", dict(name="new")),
]


@pytest.mark.parametrize(("payload", "content_format", "location", "values"), CREATES)
def test_create(rig, payload, content_format, location, values):
    response = rig.ask("POST", "31024", payload=payload, content_format=content_format)
    assert (dotted(response), "/".join(response.opt.location_path), response.payload) == ("2.01", location, b"")
    id = int(location.split("/")[1])
    made = rig.agent.model.objects[WIDGET].instances[id]
    assert made.instance_id == id
    expected = Widget().state()
    expected.update(values)
    assert made.state() == expected
    update = rig.only()
    assert update.opt.uri_path == ("rd", "7")
    assert b"</%s>" % location.encode() in update.payload, "the server is told at once"
    assert rig.ask("GET", location + "/0").payload == b"new"


def test_create_several_at_once(rig):
    payload = tlv("08 03 05") + NEW_NAME + tlv("08 02 05") + NEW_NAME
    response = rig.ask("POST", "31024", payload=payload, content_format=TLV)
    assert (dotted(response), response.opt.location_path) == ("2.01", ())
    assert rig.agent.model.objects[WIDGET].ids == [0, 2, 3]
    assert rig.only().payload.endswith(b"</31024/0>,</31024/2>,</31024/3>")


class Single(Object):
    object_id = 31026
    resources = (Resource(0, "value", INTEGER, "RW"),)


class Fixed(Object):
    object_id = 31027
    multiple = True
    resources = (Resource(0, "value", INTEGER, "RW"),)


class Needy(Object):
    """An instance cannot be made without the host."""

    object_id = 31028
    multiple = creatable = True
    resources = (Resource(0, "value", INTEGER, "RW"), Resource(1, "label", STRING, "RW", max_size=4))

    def __init__(self, room=None):
        if room is None:
            raise Rejected(codes.SERVICE_UNAVAILABLE, "no room")
        if room == "bug":
            raise KeyError("bug")


# object, payload -> code
NOT_CREATED = [
    (31024, b"", "4.00"),  # the name is mandatory
    (31024, tlv("c1 01 05"), "4.00"),
    (31024, tlv("08 00 05") + NEW_NAME, "4.00"),  # it exists
    (31024, tlv("28 ffff 05") + NEW_NAME, "4.00"),  # a reserved id
    (31024, tlv("08 05 05") + NEW_NAME + tlv("08 00 05") + NEW_NAME, "4.00"),
    (31024, tlv("08 05 05") + NEW_NAME + tlv("08 06 03 c1 01 05"), "4.00"),
    (31024, tlv("08 05 05") + NEW_NAME + NEW_NAME, "4.00"),
    (31024, NEW_NAME + tlv("c1 0c 65"), "4.00"),
    (31024, tlv("c1 08 78"), "4.00"),  # what is ignored is no name
    (31024, NEW_NAME + tlv("c1 0d ff"), "4.03"),
    (31024, NEW_NAME + tlv("c1 0d 00"), "5.00"),
    (31024, NEW_NAME[:-1], "4.00"),
    (31026, tlv("c1 00 05"), "4.00"),
    (3, b"", "4.00"),
    (31027, tlv("c1 00 05"), "4.05"),
    (1, b"", "4.05"),
    (19, b"", "4.05"),
    (31028, b"", "5.03"),
    (31028, tlv("c5 01 3132333435"), "4.13"),
    (0, b"", "4.01"),
    (9, b"", "4.04"),
]


class Sealed(Object):
    """What can only be read is the device's: nobody has to name it."""

    object_id = 31032
    multiple = creatable = True
    resources = (
        Resource(0, "serial", STRING, "R", mandatory=True, max_size=4),
        Resource(1, "value", INTEGER, "RW", mandatory=True),
        Resource(2, "press", NONE, "E", mandatory=True),
        Resource(3, "hidden", STRING, "", mandatory=True),
    )

    def __init__(self):
        self.serial = "S/9"
        self.value = 0
        self.hidden = "h"

    def check_serial(self, value):
        raise AssertionError("nobody may write it")

    def execute_press(self, arguments):
        raise AssertionError("nobody executes it")


@pytest.mark.parametrize("payload", ["c1 01 05", "c1 01 05 c5 00 7875313132", "c0 02 c1 01 05 c1 03 78"])
def test_what_can_only_be_read_is_the_device_s(payload):
    rig = Rig(Sealed)
    assert dotted(rig.ask("POST", "31032", payload=tlv(payload), content_format=TLV)) == "2.01"
    made = rig.agent.model.objects[31032].instances[0]
    assert (made.serial, made.value, made.hidden) == ("S/9", 5, "h")
    assert dotted(rig.ask("POST", "31032", payload=tlv("c3 00 532f31"), content_format=TLV)) == "4.00", "the value"


# -- an object that has one instance, or none


class Lamp(Object):
    object_id = 31033
    creatable = True
    resources = (Resource(0, "value", INTEGER, "RW", mandatory=True),)
    value = 0

    def deleted(self):
        self.gone = True


# payload, Content-Format
ONE = [
    (tlv("c1 00 05"), TLV),
    (tlv("08 00 03 c1 00 05"), TLV),
    (b'{"bn":"/31033/0/","e":[{"n":"0","v":5}]}', JSON),
]


@pytest.mark.parametrize(("payload", "content_format"), ONE)
def test_the_only_instance_is_created_and_deleted(payload, content_format):
    rig = Rig(Lamp)
    for _ in range(2):
        response = rig.ask("POST", "31033", payload=payload, content_format=content_format)
        assert (dotted(response), response.opt.location_path) == ("2.01", ("31033", "0"))
        lamp = rig.agent.model.objects[31033].instances[0]
        assert lamp.value == 5
        update = rig.only()
        assert b"</31033/0>" in update.payload
        rig.answer(update, "2.04")
        assert dotted(rig.ask("POST", "31033", payload=payload, content_format=content_format)) == "4.00", "it exists"
        assert dotted(rig.ask("DELETE", "31033")) == "4.05"
        assert dotted(rig.ask("DELETE", "31033/0")) == "2.02"
        assert lamp.gone
        update = rig.only()
        assert update.payload.endswith(b",</31033>")
        rig.answer(update, "2.04")
        assert dotted(rig.ask("GET", "31033/0")) == "4.04"


@pytest.mark.parametrize("payload", ["08 01 03 c1 00 05", "08 00 03 c1 00 05 08 01 03 c1 00 05", "", "c1 07 05"])
def test_what_is_no_only_instance(payload):
    rig = Rig(Lamp)
    assert dotted(rig.ask("POST", "31033", payload=tlv(payload), content_format=TLV)) == "4.00"
    assert rig.agent.model.objects[31033].ids == []


@pytest.mark.parametrize(("object_id", "payload", "code"), NOT_CREATED)
def test_what_is_not_created(object_id, payload, code):
    rig = Rig(Widget(), Single, Fixed(), Needy)
    generation = rig.agent.model.generation
    assert dotted(rig.ask("POST", str(object_id), payload=payload, content_format=TLV)) == code
    assert rig.agent.model.generation == generation
    assert not rig.sent
    assert (ATINY_HANDLER_ERROR in [event for event, _ in rig.events]) is (code == "5.00")


def test_delete(rig, widget):
    rig.observe("31024/0/1", b"level")
    rig.ask("PUT", "31024/0/1", query=["pmin=60"])
    assert dotted(rig.ask("DELETE", "31024/0")) == "2.02"
    assert widget.log == [("deleted",)]
    assert rig.agent.model.objects[WIDGET].ids == []
    update = rig.only()
    assert update.payload.endswith(b'</31024>;ver="1.1"')
    rig.answer(update, "2.04")
    notification = rig.only()
    assert (dotted(notification), notification.token, notification.opt.observe) == ("4.04", b"level", None)
    assert dotted(rig.ask("DELETE", "31024/0")) == "4.04"
    assert dotted(rig.ask("GET", "31024/0/1")) == "4.04"
    payload = tlv("08 00 05") + NEW_NAME
    assert dotted(rig.ask("POST", "31024", payload=payload, content_format=TLV)) == "2.01"
    assert rig.ask("GET", "31024/0/1", accept=LINK).payload == b"</31024/0/1>", "with attributes of its own"


def test_delete_where_the_host_s_method_raises(rig, widget):
    widget.broken = True
    assert dotted(rig.ask("DELETE", "31024/0")) == "5.00"
    assert rig.events[-1][1][0] == "/31024/0"
    assert rig.agent.model.objects[WIDGET].ids == [], "it is gone all the same"
    assert b"31024/0" not in rig.only().payload, "and the server knows"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("31024", "4.05"), ("31024/0/1", "4.05"), ("31024/0/7/0", "4.05"), ("31024/1", "4.04"), ("31024/0/99", "4.04"),
        ("3", "4.05"), ("3/0", "4.05"), ("1/0", "4.05"), ("19/0", "4.05"), ("31026/0", "4.05"), ("31027/0", "4.05"),
        ("0", "4.01"), ("0/0", "4.01"), ("9", "4.04"), ("9/0", "4.04"), ("", "4.00"),
    ],
)  # fmt: skip
def test_what_cannot_be_deleted(path, code):
    rig = Rig(Widget(), Single(), Fixed())
    generation = rig.agent.model.generation
    assert dotted(rig.ask("DELETE", path)) == code
    assert rig.agent.model.generation == generation
