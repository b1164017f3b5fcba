"""Access control: each operation needs its right, wherever that comes from (LwM2M 1.0, 7.3.2)."""

import pytest

from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.server import Server
from tests.lwm2m.access_rig import LINK, TEXT, TLV, Device, on
from tests.lwm2m.widget import WIDGET, Widget

READ, WRITE, EXECUTE, DELETE, CREATE, ALL = 1, 2, 4, 8, 16, 31
NAME = bytes.fromhex("c3 00 6e6577")
PARTS = bytes.fromhex("83 07 41 01 05")

# what the server asks -> the right it needs, and the code with it
OPERATIONS = {
    "read an instance": (("GET", "31024/0"), {}, READ, "2.05"),
    "read a resource": (("GET", "31024/0/1"), {}, READ, "2.05"),
    "read a resource instance": (("GET", "31024/0/7/2"), {}, READ, "2.05"),
    "read the object": (("GET", "31024"), {}, READ, "2.05"),
    "observe an instance": (("GET", "31024/0"), dict(observe=0), READ, "2.05"),
    "observe a resource": (("GET", "31024/0/1"), dict(observe=0), READ, "2.05"),
    "observe the object": (("GET", "31024"), dict(observe=0), READ, "2.05"),
    "write attributes of an instance": (("PUT", "31024/0"), dict(query=["pmin=1"]), READ, "2.04"),
    "write attributes of a resource": (("PUT", "31024/0/1"), dict(query=["pmin=1"]), READ, "2.04"),
    "replace an instance": (("PUT", "31024/0", NAME), dict(format=TLV), WRITE, "2.04"),
    "update an instance": (("POST", "31024/0", NAME), dict(format=TLV), WRITE, "2.04"),
    "write a resource": (("PUT", "31024/0/1", b"9"), dict(format=TEXT), WRITE, "2.04"),
    "write a multiple resource": (("PUT", "31024/0/7", PARTS), dict(format=TLV), WRITE, "2.04"),
    "update a multiple resource": (("POST", "31024/0/7", PARTS), dict(format=TLV), WRITE, "2.04"),
    "write a resource instance": (("PUT", "31024/0/7/1", b"9"), dict(format=TEXT), WRITE, "2.04"),
    "execute": (("POST", "31024/0/10", b"5"), {}, EXECUTE, "2.04"),
    "delete": (("DELETE", "31024/0"), {}, DELETE, "2.02"),
    "discover an instance": (("GET", "31024/0"), dict(accept=LINK), READ | WRITE | EXECUTE | DELETE, "2.05"),
    "discover a resource": (("GET", "31024/0/1"), dict(accept=LINK), READ | WRITE | EXECUTE | DELETE, "2.05"),
    # Allowed or not, they are not possible; without the right the server does not learn why.
    "delete a resource": (("DELETE", "31024/0/1"), {}, DELETE, "4.05"),
    "write what is only read": (("PUT", "31024/0/8", b"x"), dict(format=TEXT), WRITE, "4.05"),
    "read what is only written": (("GET", "31024/0/9"), {}, READ, "4.05"),
    "execute what is none": (("POST", "31024/0/1"), {}, EXECUTE, "4.05"),
    "read a resource that is none": (("GET", "31024/0/99"), {}, READ, "4.04"),
    "write a resource that is none": (("PUT", "31024/0/99", b"x"), dict(format=TEXT), WRITE, "4.04"),
    "execute a resource that is none": (("POST", "31024/0/99"), {}, EXECUTE, "4.04"),
    "write in a format that is none": (("PUT", "31024/0/1", b"9"), dict(format=9999), WRITE, "4.15"),
}

# the Access Control instance of /31024/0, by some bits -> the bits that server 101 then has
ROLES = {
    "an entry": lambda bits: (on(0, {101: bits}), bits),
    "an entry beside others": lambda bits: (on(0, {0: ALL - bits, 101: bits, 102: ALL - bits}), bits),
    "an entry of the owner": lambda bits: (on(0, {0: ALL, 101: bits}, owner=101), bits),
    "the default": lambda bits: (on(0, {0: bits, 102: ALL - bits}), bits),
    "the owner without an entry": lambda bits: (on(0, {0: bits, 102: bits}, owner=101), ALL),
    "the owner without an ACL": lambda bits: (on(0, {}, owner=101), ALL),
    "no entry and no default": lambda bits: (on(0, {102: bits, 1: ALL, 10: ALL}), 0),
    "an ACL of nothing": lambda bits: (on(0, {}), 0),
    "only the bootstrap server": lambda bits: (on(0, {}, owner=65535), 0),
    "another instance's": lambda bits: (on(1, {101: bits, 0: bits}, owner=101), 0),
    "the object's own": lambda bits: (on(65535, {101: bits, 0: bits}, owner=101), 0),
    "another object's": lambda bits: (AccessControl(3, 0, {101: bits}, 101), 0),
}
BITS = (
    0,
    READ,
    WRITE,
    EXECUTE,
    DELETE,
    CREATE,
    READ | WRITE,
    ALL - READ,
    ALL - WRITE,
    ALL - EXECUTE,
    ALL - DELETE,
    ALL,
)


def outcome(device: Device, widget: Widget) -> tuple:
    """All that a request may leave."""
    seat = device.seats[101]
    controls = device.model.objects[2].instances
    return (
        widget.state(),
        list(widget.log),
        device.model.generation,
        list(device.changes),
        list(seat.observing),
        seat.attributes.in_force((WIDGET, 0, 1)),
        {id: vars(controls[id]).copy() for id in controls},
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_needs_its_right(name, role):
    ask, options, needed, code = OPERATIONS[name]
    for bits in BITS:
        control, given = ROLES[role](bits)
        widget = Widget()
        device = Device(widget, control)
        before = outcome(device, widget)
        response = device.code(101, *ask, **options)
        if given & needed:
            assert response == code, bits
        else:
            assert response == "4.01", bits
            assert outcome(device, widget) == before, "a server without rights changes nothing"
        assert device.failed == []


# what an instance's rights have no say in
OTHERS = [
    (("GET", "31024"), dict(accept=LINK), "2.05"),
    (("PUT", "31024"), dict(query=["pmin=1"]), "2.04"),
    (("PUT", "31024", NAME), dict(format=TLV), "4.05"),
    (("DELETE", "31024"), {}, "4.05"),
    (("GET", "31024/1"), {}, "4.04"),
    (("GET", "31024/1/0"), dict(observe=0), "4.04"),
    (("GET", "31024/1"), dict(accept=LINK), "4.04"),
    (("PUT", "31024/1/0", b"x"), dict(format=TEXT), "4.04"),
    (("POST", "31024/1/10"), {}, "4.04"),
    (("DELETE", "31024/1"), {}, "4.04"),
    (("GET", "9"), {}, "4.04"),
    (("POST", "9", NAME), dict(format=TLV), "4.04"),
    (("DELETE", "9/0"), {}, "4.04"),
    (("GET", "0"), {}, "4.01"),
    (("GET", "0/0/0"), {}, "4.01"),
    (("GET", "0"), dict(accept=LINK), "4.01"),
    (("GET", "0/0"), dict(accept=LINK), "4.01"),
    (("PUT", "0/0/0", b"x"), dict(format=TEXT), "4.01"),
    (("POST", "0", NAME), dict(format=TLV), "4.01"),
    (("DELETE", "0/0"), {}, "4.01"),
]


@pytest.mark.parametrize(("ask", "options", "code"), OTHERS)
@pytest.mark.parametrize("bits", [0, ALL])
def test_what_needs_no_right_and_what_none_is_enough_for(ask, options, code, bits):
    device = Device(Widget(), on(0, {101: bits}), AccessControl(0, 0, {101: ALL}, 101))
    assert device.code(101, *ask, **options) == code


# the Access Control instance of the object -> whether server 101 may create
CREATORS = [
    (on(65535, {101: CREATE}, 65535), "2.01"),
    (on(65535, {101: ALL}, 65535), "2.01"),
    (on(65535, {101: ALL - CREATE}, 65535), "4.01"),
    (on(65535, {102: CREATE}, 65535), "4.01"),
    (on(65535, {0: ALL}, 65535), "4.01"),  # the default is for instances: 7.3.2.1 wants an entry of its own
    (on(65535, {}, 101), "4.01"),  # and so it is with the owner
    (on(0, {101: ALL}, 101), "4.01"),
    (AccessControl(31030, 65535, {101: CREATE}, 65535), "4.01"),
]


@pytest.mark.parametrize(("control", "code"), CREATORS)
def test_create(control, code):
    widget = Widget()
    device = Device(widget, control)
    before = outcome(device, widget)
    assert device.code(101, "POST", "31024", NAME, format=TLV) == code
    assert device.model.objects[WIDGET].ids == ([0, 1] if code == "2.01" else [0])
    if code == "4.01":
        assert outcome(device, widget) == before


def test_a_single_server_may_do_everything_until_there_is_a_second():
    for name in OPERATIONS:
        ask, options, _, code = OPERATIONS[name]
        device = Device(Widget(), on(0, {101: 0}), servers=(101,))
        assert device.code(101, *ask, **options) == code, name
    device = Device(Widget(), on(0, {101: 0}), servers=(101,))
    assert not device.access.active
    assert device.access.allowed(101, (WIDGET, 0), WRITE)
    assert device.code(101, "POST", "31024", NAME, format=TLV) == "2.01"

    device.model.add(Server(102))
    assert device.access.active
    assert not device.access.allowed(101, (WIDGET, 0), WRITE)
    assert device.code(101, "GET", "31024/0") == "4.01"
    assert device.code(101, "PUT", "31024/0/1", b"7", format=TEXT) == "4.01"
    assert device.code(101, "POST", "31024", NAME, format=TLV) == "4.01"
    assert device.code(101, "GET", "31024/1/0") == "2.05", "what it created is its own"

    device.model.remove((1, 1))
    assert not device.access.active
    assert device.code(101, "GET", "31024/0") == "2.05"


def test_without_access_there_is_no_question():
    widget = Widget()
    device = Device(widget, on(0, {101: 0}))
    for seat in device.seats.values():
        seat.dispatcher.access = None
    assert device.code(101, "PUT", "31024/0/1", b"7", format=TEXT) == "2.04"
    assert device.code(101, "DELETE", "31024/0") == "2.02"
    assert device.seats[101].dispatcher.may_read((WIDGET, 0, 1))


def test_each_server_has_its_own_rights():
    widget = Widget()
    device = Device(widget, on(0, {101: WRITE, 0: READ}, owner=103))
    assert [device.code(server, "GET", "31024/0/1") for server in (101, 102, 103)] == ["4.01", "2.05", "2.05"]
    codes = [device.code(server, "PUT", "31024/0/1", b"%d" % server, format=TEXT) for server in (102, 101)]
    assert codes == ["4.01", "2.04"]
    assert widget.level == 101
    assert [device.access.allowed(server, (WIDGET, 0, 1), DELETE) for server in (101, 102, 103)] == [False, False, True]
    assert [device.access.allowed(server, (WIDGET, 0, 1), READ | WRITE) for server in (101, 102)] == [True, True]
    assert not device.access.allowed(104, (WIDGET, 0), WRITE), "a server that is none has the default at most"


def test_rights_that_cannot_be_given():
    device = Device(Widget(), on(65535, {101: ALL}, 101), AccessControl(0, 0, {101: ALL}, 101))
    for bit in (READ, WRITE, EXECUTE, DELETE):
        assert not device.access.allowed(101, (WIDGET,), bit), "to an object there is only Create"
        assert not device.access.allowed(101, (0, 0), bit), "and to Security nothing"
        assert device.access.allowed(101, (2,), bit) is False
    assert device.access.allowed(101, (WIDGET,), CREATE)
    assert not device.seats[101].dispatcher.may_read((WIDGET,))


def test_of_two_instances_with_one_target_the_first_counts():
    device = Device(Widget(), on(0, {101: READ}), on(0, {101: ALL}))
    assert device.code(101, "PUT", "31024/0/1", b"7", format=TEXT) == "4.01"
    device.model.remove((2, 0))
    assert device.code(101, "PUT", "31024/0/1", b"7", format=TEXT) == "2.04"


def test_the_error_says_who_may_not():
    response = Device(Widget(), on(0)).ask(101, "GET", "31024/0/1")
    assert response.payload == b"server 101 has no right to it"
