"""What a server sees of an object with instances of several owners: Read, Observe, Notify and Discover."""

import pytest

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.types import INTEGER, OPAQUE
from tests.lwm2m.access_rig import LINK, TEXT, TLV, Device, dotted, on
from tests.lwm2m.widget import Widget

READ, WRITE, EXECUTE, DELETE, CREATE, ALL = 1, 2, 4, 8, 16, 31
PLAIN, DATA = 31030, 31032


class Plain(Object):
    """One value in each instance."""

    object_id = PLAIN
    multiple = creatable = True
    resources = (Resource(0, "value", INTEGER, "RW"),)

    def __init__(self, value: int = 1):
        self.value = value
        self.reads = 0

    def read_value(self) -> int:
        self.reads += 1
        return self.value


class Data(Object):
    """Application data."""

    object_id = DATA
    multiple = True
    resources = (Resource(0, "report", OPAQUE, "RW", raw=True),)
    report = b"\x00"


def control(instance: int, acl: dict, owner: int = 103, object_id: int = PLAIN) -> AccessControl:
    return AccessControl(object_id, instance, acl, owner)


@pytest.fixture
def plains():
    return [Plain(5), Plain(6), Plain(7)]


@pytest.fixture
def device(plains):
    """Server 101 reads 0 and 2, writes 1; server 102 reads 1; 103 owns all of it."""
    return Device(
        *plains, control(0, {101: READ}), control(1, {101: WRITE, 102: READ}), control(2, {101: ALL, 102: EXECUTE})
    )


def tlv(*values: "tuple[int, int]") -> bytes:
    """(instance, value) as the object's TLV."""
    return b"".join(bytes((0x03, id, 0xC1, 0, value)) for id, value in values)


def test_the_read_of_an_object_gives_the_readable_instances(device, plains):
    assert device.ask(101, "GET", "31030").payload == tlv((0, 5), (2, 7))
    assert plains[1].reads == 0, "the host is not asked for what the server may not read"
    assert device.ask(102, "GET", "31030").payload == tlv((1, 6))
    assert device.ask(103, "GET", "31030").payload == tlv((0, 5), (1, 6), (2, 7))


def test_an_object_of_which_nothing_may_be_read():
    device = Device(Plain(), control(0, {101: ALL - READ}))
    for options in ({}, dict(observe=0), dict(observe=1)):
        assert device.code(101, "GET", "31030", **options) == "4.01"
    assert device.seats[101].observing == []
    empty = Device(Plain)
    response = empty.ask(101, "GET", "31030")
    assert (dotted(response), response.payload) == ("2.05", b""), "there is nothing to be denied"


def test_discover_shows_the_instances_with_a_right(device):
    def discover(server: int, path: str) -> str:
        return device.ask(server, "GET", path, accept=LINK).payload.decode()

    device.seats[101].attributes.write((PLAIN, 1), [b"pmin=5"], None)
    links = ["</31030>", "</31030/0>,</31030/0/0>", "</31030/1>;pmin=5,</31030/1/0>", "</31030/2>,</31030/2/0>"]
    assert discover(101, "31030") == ",".join(links), "to write is enough to see"
    device.seats[101].attributes.forget((PLAIN, 1))
    links[2] = "</31030/1>,</31030/1/0>"
    assert discover(102, "31030") == ",".join((links[0], links[2], links[3]))
    assert discover(103, "31030") == ",".join(links)
    assert discover(102, "31030/2") == links[3]
    assert device.code(102, "GET", "31030/0", accept=LINK) == "4.01"
    assert device.code(102, "GET", "31030/0/0", accept=LINK) == "4.01"


def test_discover_of_an_object_is_answered_whatever_the_rights(plains):
    device = Device(*plains, control(65535, {101: CREATE}, 65535))
    response = device.ask(101, "GET", "31030", accept=LINK)
    assert (dotted(response), response.payload) == ("2.05", b"</31030>")
    assert [plain.reads for plain in plains] == [0, 0, 0]


def test_an_observed_object_follows_the_rights(device, plains):
    assert device.ask(101, "GET", "31030", observe=0).payload == tlv((0, 5), (2, 7))

    def notified() -> bytes:
        device.changed((PLAIN, 0, 0))
        (notification,) = device.notified(101)
        assert dotted(notification) == "2.05"
        return notification.payload

    plains[0].value = plains[1].value = plains[2].value = 9
    assert notified() == tlv((0, 9), (2, 9))
    device.control((PLAIN, 1)).acl = {101: READ}
    assert notified() == tlv((0, 9), (1, 9), (2, 9))
    device.control((PLAIN, 0)).acl = {101: ALL - READ}
    assert notified() == tlv((1, 9), (2, 9))
    for instance in (1, 2):
        device.control((PLAIN, instance)).acl = {}
    device.changed((PLAIN, 2, 0))
    (last,) = device.notified(101)
    assert dotted(last) == "4.01"
    assert device.seats[101].observing == []


@pytest.mark.parametrize("path", ["31030/0", "31030/0/0"])
@pytest.mark.parametrize("taken", ["the entry", "the default", "the owner"])
def test_a_right_that_is_taken_away_ends_the_observation(path, taken):
    plain = Plain(5)
    acl = {"the entry": {101: READ}, "the default": {0: READ}, "the owner": {}}[taken]
    device = Device(plain, control(0, acl, 101 if taken == "the owner" else 103))
    assert device.code(101, "GET", path, observe=0) == "2.05"
    plain.value = 77
    if taken == "the owner":
        device.control((PLAIN, 0)).owner = 103
    else:
        device.control((PLAIN, 0)).acl = {102: ALL}
    device.changed((PLAIN, 0, 0))
    (last,) = device.notified(101)
    assert (dotted(last), last.payload) == ("4.01", b"server 101 has no right to it")
    assert plain.reads == 1, "only for the first answer"
    assert device.seats[101].observing == []
    device.changed((PLAIN, 0, 0))
    assert device.notified(101) == []


def test_a_right_that_is_taken_away_by_a_server_that_may():
    device = Device(Plain(5), control(0, {101: READ}, 103))
    assert device.code(101, "GET", "31030/0/0", observe=0) == "2.05"
    assert device.code(101, "PUT", "31030/0/0", b"6", format=TEXT) == "4.01"
    assert device.code(103, "PUT", "2/0/2/101", b"0", format=TEXT) == "2.04"
    assert device.code(103, "PUT", "31030/0/0", b"6", format=TEXT) == "2.04"
    assert [dotted(one) for one in device.notified(101)] == ["4.01"]


def test_an_observe_without_the_right_leaves_no_observer(device):
    seat = device.seats[102]
    assert device.code(102, "GET", "31030/1", observe=0) == "2.05"
    token = b"t%d" % device._token
    device.control((PLAIN, 1)).acl = {}
    device._token -= 1  # the same token: it asks again
    assert device.code(102, "GET", "31030/1", observe=0) == "4.01"
    assert b"t%d" % device._token == token
    assert seat.observing == []


def test_application_data_is_for_those_who_may_read_it():
    device = Device(
        Data(), Data(), control(0, {101: READ, 102: WRITE}, object_id=DATA), control(1, {0: READ}, 103, DATA)
    )
    assert device.ask(101, "GET", "31032/0/0", observe=0).payload == b""
    assert device.seats[101].observing == [(DATA, 0, 0)]
    for observe in (0, 1, None):
        assert device.code(102, "GET", "31032/0/0", observe=observe) == "4.01"
    assert device.seats[102].observing == []
    assert device.ask(102, "GET", "31032", observe=0).payload == bytes.fromhex("03 01 c1 00 00")

    def upward(server: int, path: tuple) -> bool:
        return device.seats[server].observations.observing(path) is not None

    assert upward(101, (DATA, 0, 0))
    assert upward(102, (DATA, 1, 0)), "a report goes to who observes the object"
    assert not upward(102, (DATA, 0, 0)), "but not from an instance that it may not read"
    device.control((DATA, 0)).acl = {}
    assert not upward(101, (DATA, 0, 0)), "nor when the right is gone"
    device.changed((2, 0, 2))
    assert [dotted(one) for one in device.notified(101)] == ["4.01"], "and the observation ends, without a report"
    assert device.seats[101].observing == []


def test_what_was_stored_for_a_server_that_slept_is_not_sent_once_it_lost_the_right(device, plains):
    seat = device.seats[101]
    device.control((PLAIN, 1)).acl = {101: READ}
    for path in ("31030/0/0", "31030/1/0", "31030"):
        assert device.code(101, "GET", path, observe=0) == "2.05"
    seat.go_offline()
    for value in (8, 9):
        plains[0].value = plains[1].value = value
        device.changed((PLAIN, 0, 0))
        device.changed((PLAIN, 1, 0))
        assert device.notified(101) == []
    assert device.code(103, "PUT", "2/1/2/101", b"0", format=TEXT) == "2.04"
    seat.go_online()
    sent = []
    for _ in range(10):
        for one in device.notified(101):
            sent.append((dotted(one), one.payload))
            seat.acknowledge()
    assert sorted(sent) == sorted(
        [("2.05", b"8"), ("2.05", b"9"), ("2.05", tlv((0, 9), (2, 7))), ("4.01", b"server 101 has no right to it")]
    )
    assert sorted(seat.observing) == [(PLAIN,), (PLAIN, 0, 0)]


def test_attributes_are_each_server_s_own(device):
    assert device.code(101, "PUT", "31030", query=["pmin=9"]) == "2.04"
    assert device.seats[102].attributes.in_force((PLAIN, 1, 0)) == {}
    assert device.code(102, "PUT", "31030/1", query=["pmin=9"]) == "2.04"
    assert device.code(102, "PUT", "31030/2", query=["pmin=9"]) == "4.01"


def test_what_the_host_raises_of_an_instance_that_is_hidden_is_not_told():
    class Stuck(Plain):
        def read_value(self):
            if self.value == 6:
                raise OSError(5)
            return self.value

    device = Device(Stuck(5), Stuck(6), control(0, {101: READ}), control(1, {102: READ}))
    assert device.ask(101, "GET", "31030").payload == tlv((0, 5))
    assert device.failed == []
    assert device.code(102, "GET", "31030") == "5.00"


def test_a_widget_is_read_whole_by_who_may_read_it():
    device = Device(Widget(), on(0, {101: READ}))
    single = Device(Widget(), servers=(101,))
    for path in ("31024", "31024/0"):
        assert device.ask(101, "GET", path, accept=TLV).payload == single.ask(101, "GET", path, accept=TLV).payload
