"""The Access Control instances themselves: who writes them, and how they come and go (LwM2M 1.0, 5.4.6, 7.3.1)."""

import pytest

from atiny.errors import ParameterError
from atiny.lwm2m.model import Object
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.server import Server
from tests.lwm2m.access_rig import LINK, TEXT, TLV, Device, on
from tests.lwm2m.widget import WIDGET, Widget

READ, WRITE, EXECUTE, DELETE, CREATE, ALL = 1, 2, 4, 8, 16, 31
NAME = bytes.fromhex("c3 00 6e6577")


def acl(**entries: int) -> bytes:
    """The whole ACL as TLV: ``acl(s101=READ)``."""
    rows = b"".join(bytes((0x41, int(name[1:]), entries[name])) for name in sorted(entries))
    return bytes((0x80 | len(rows), 2)) + rows


@pytest.fixture
def device():
    """Of /31024/0 server 101 is the owner; /2/1 is for Create."""
    return Device(Widget(), on(0, {101: ALL, 0: READ}, 101), on(65535, {101: CREATE}, 101))


@pytest.mark.parametrize("server", [101, 102])
def test_every_server_may_read_it(device, server):
    assert device.code(server, "GET", "2") == "2.05"
    assert device.code(server, "GET", "2/0", observe=0) == "2.05"
    assert device.ask(server, "GET", "2/0/2/101").payload == b"31"
    assert device.ask(server, "GET", "2/1/3").payload == b"101"
    links = device.ask(server, "GET", "2", accept=LINK).payload.decode()
    one = "</2/0>,</2/0/0>,</2/0/1>,</2/0/2>;dim=2,</2/0/3>"
    assert links == "</2>,%s,%s" % (one, one.replace("/2/0", "/2/1").replace("dim=2", "dim=1"))
    assert device.code(server, "PUT", "2/0", query=["pmin=1"]) == "2.04"


OWNER = bytes.fromhex("c1 03 66")
# method, path, payload, format -> what it makes of the ACL and of the owner
CHANGES = [
    ("PUT", "2/0/2", acl(s102=READ), TLV, {102: READ}, 101),
    ("PUT", "2/0/2", bytes.fromhex("80 02"), TLV, {}, 101),
    ("PUT", "2/0/2/102", b"3", TEXT, {101: ALL, 0: READ, 102: 3}, 101),
    ("PUT", "2/0/2/0", b"0", TEXT, {101: ALL, 0: 0}, 101),
    ("POST", "2/0/2", acl(s0=0, s102=7), TLV, {101: ALL, 0: 0, 102: 7}, 101),
    ("POST", "2/0", acl(s101=READ) + OWNER, TLV, {101: READ, 0: READ}, 102),
    ("PUT", "2/0", acl(s102=READ) + OWNER, TLV, {102: READ}, 102),
    ("PUT", "2/0", OWNER, TLV, {}, 102),
    ("PUT", "2/0/3", b"102", TEXT, {101: ALL, 0: READ}, 102),
    ("PUT", "2/0/3", b"65535", TEXT, {101: ALL, 0: READ}, 65535),
]


@pytest.mark.parametrize(("method", "path", "payload", "format", "entries", "owner"), CHANGES)
def test_only_its_owner_writes_it(device, method, path, payload, format, entries, owner):
    control = device.control((WIDGET, 0))
    before = (control.acl, control.owner)
    for server in (102, 103):
        assert device.code(server, method, path, payload, format=format) == "4.01"
        assert ((control.acl, control.owner), device.changes) == (before, [])
    assert device.code(101, method, path, payload, format=format) == "2.04"
    assert (control.acl, control.owner) == (entries, owner)
    assert device.changes
    assert set(device.changes) <= {(2, 0, 2), (2, 0, 3)}
    assert device.code(101, "PUT", "2/0/2/0", b"1", format=TEXT) == ("2.04" if owner == 101 else "4.01"), "at once"


@pytest.mark.parametrize(("method", "path", "payload", "format", "entries", "owner"), CHANGES)
def test_the_instance_of_an_object_is_the_bootstrap_server_s(device, method, path, payload, format, entries, owner):
    control = device.control((WIDGET, 65535))
    assert device.code(101, method, "2/1" + path[3:], payload, format=format) == "4.01"
    assert (control.acl, control.owner) == ({101: CREATE}, 101)


@pytest.mark.parametrize(
    ("path", "payload", "format", "code"),
    [
        ("2/0/2/101", b"-1", TEXT, "4.00"),
        ("2/0/2/101", b"65536", TEXT, "4.00"),
        ("2/0/2/101", b"all", TEXT, "4.00"),
        ("2/0/2/65535", b"1", TEXT, "4.00"),
        ("2/0/2", acl(s101=1) + acl(s102=255), TLV, "4.00"),
        ("2/0/2", bytes.fromhex("84 02 42 65 ff ff"), TLV, "4.00"),
        ("2/0/2", b"31", TEXT, "4.00"),
        ("2/0/3", b"0", TEXT, "4.00"),
        ("2/0/3", b"65536", TEXT, "4.00"),
        ("2/0/3", b"-1", TEXT, "4.00"),
        ("2/0", acl(s101=1) + bytes.fromhex("c1 03 00"), TLV, "4.00"),
        ("2/0", acl(s101=1), TLV, "4.00"),  # a replacing Write names the owner
        ("2/0/0", b"3", TEXT, "4.05"),
        ("2/0/1", b"1", TEXT, "4.05"),
        ("2/0", acl(s101=1) + bytes.fromhex("c1 01 00 c1 03 66"), TLV, "4.05"),
        ("2/0/4", b"1", TEXT, "4.04"),
        ("2/9/2", acl(s101=1), TLV, "4.04"),
    ],
)
def test_what_its_owner_may_not_write(device, path, payload, format, code):
    control = device.control((WIDGET, 0))
    before = vars(control).copy()
    assert device.code(101, "PUT", path, payload, format=format) == code
    assert (vars(control), device.changes) == (before, [])


def test_no_server_creates_or_deletes_it(device):
    device.model.add(AccessControl(2, 65535, {101: CREATE}, 65535))
    generation = device.model.generation
    for server in (101, 102):
        assert device.code(server, "POST", "2", bytes.fromhex("c1 00 03 c1 01 00 c1 03 65"), format=TLV) == "4.01"
        assert device.code(server, "DELETE", "2/0") == "4.01"
        assert device.code(server, "DELETE", "2") == "4.05"
        assert device.code(server, "POST", "2/0/2") == ("4.05" if server == 101 else "4.01"), "nothing is executed"
    assert device.model.generation == generation


def test_what_a_server_creates_is_its_own(device):
    assert device.code(102, "GET", "2", observe=0) == "2.05"
    response = device.ask(101, "POST", "31024", NAME, format=TLV)
    assert response.code == 65
    control = device.control((WIDGET, 1))
    assert (control.owner, control.acl, control.instance_id) == (101, {}, 2)
    assert device.changes == [(WIDGET, 1), (2, 2)]
    (notification,) = device.notified(102)
    assert bytes.fromhex("c2 00 7930 c1 01 01 c1 03 65") in notification.payload, "who observes object 2 hears of it"
    for ask in (("GET", "31024/1"), ("PUT", "31024/1/1", b"3"), ("POST", "31024/1/10"), ("DELETE", "31024/1")):
        assert device.code(102, *ask) == "4.01"
    assert device.code(101, "PUT", "2/2/2/102", b"1", format=TEXT) == "2.04"
    assert device.code(102, "GET", "31024/1/0") == "2.05"
    assert device.code(101, "PUT", "31024/1/1", b"3", format=TEXT) == "2.04"


def test_several_at_once_and_none_where_one_fails(device):
    one = bytes.fromhex("08 03 05") + NAME
    assert device.code(101, "POST", "31024", one + bytes.fromhex("08 00 05") + NAME, format=TLV) == "4.00"
    assert device.model.objects[2].ids == [0, 1]
    assert device.code(101, "POST", "31024", one + bytes.fromhex("08 05 05") + NAME, format=TLV) == "2.01"
    assert [device.control((WIDGET, id)).owner for id in (3, 5)] == [101, 101]


def test_its_instance_goes_with_what_a_server_deletes(device):
    device.control((WIDGET, 0)).acl = {102: DELETE}
    assert device.code(103, "GET", "2/0/3", observe=0) == "2.05"
    assert device.code(103, "DELETE", "31024/0") == "4.01"
    assert device.code(102, "DELETE", "31024/0") == "2.02"
    assert device.control((WIDGET, 0)) is None
    assert device.changes == [(WIDGET, 0), (2, 0)]
    assert [one.code for one in device.notified(103)] == [0x84], "4.04: it is gone"
    assert device.control((WIDGET, 65535)) is not None
    assert device.code(101, "POST", "31024", bytes.fromhex("08 00 05") + NAME, format=TLV) == "2.01"
    assert device.code(102, "DELETE", "31024/0") == "4.01", "of what comes after it nobody inherits the rights"


def test_it_goes_even_where_the_host_s_method_raises():
    widget = Widget()
    widget.broken = True
    device = Device(widget, on(0, {}, 101))
    assert device.code(101, "DELETE", "31024/0") == "5.00"
    assert 2 not in device.model.objects


def test_one_that_the_host_left_behind_gives_no_rights_to_what_comes(device):
    device.control((WIDGET, 0)).acl = {102: ALL}
    device.control((WIDGET, 0)).owner = 103
    device.model.remove((WIDGET, 0))  # and nobody told the access control
    assert device.code(101, "POST", "31024", bytes.fromhex("08 00 05") + NAME, format=TLV) == "2.01"
    control = device.control((WIDGET, 0))
    assert (control.instance_id, control.owner, control.acl) == (0, 101, {})
    assert device.code(102, "GET", "31024/0") == "4.01"


def test_the_object_goes_with_its_last_instance_and_with_its_target():
    device = Device(Widget(), Widget(), on(0, {101: DELETE}), on(65535), AccessControl(3, 0))
    assert device.access.deleted((WIDGET, 1)) == []
    assert device.access.deleted((WIDGET,)) == [(2, 0), (2, 1)]
    assert device.access.deleted((3, 0)) == [(2, 2)]
    assert 2 not in device.model.objects
    assert device.access.deleted((3, 0)) == []


def test_a_single_server_needs_none_but_keeps_those_there_are():
    device = Device(Widget(), servers=(101,))
    assert device.code(101, "POST", "31024", NAME, format=TLV) == "2.01"
    assert 2 not in device.model.objects, "and no </2> is registered"
    device.model.add(on(0, {}, 101))
    assert device.code(101, "POST", "31024", NAME, format=TLV) == "2.01"
    assert device.control((WIDGET, 2)).owner == 101
    assert device.code(101, "DELETE", "31024/0") == "2.02"
    assert device.control((WIDGET, 0)) is None


# -- what `complete` adds


def described(device: Device) -> dict:
    """{target: (owner, acl)} of all instances."""
    entry = device.model.objects.get(2)
    controls = [entry.instances[id] for id in entry.ids] if entry else []
    found = {(one.target_object_id, one.target_instance_id): (one.owner, one.acl) for one in controls}
    assert len(found) == len(controls)
    return found


def servers(*rights: "int | None") -> Device:
    device = Device(Widget(), Widget(), servers=(101, 102, 103)[: len(rights)])
    for id, bits in enumerate(rights):
        device.model.objects[1].instances[id].rights = bits
    return device


OWN = {(1, 0): (101, {}), (1, 1): (102, {})}


@pytest.mark.parametrize(
    ("rights", "order", "expected"),
    [
        ((None,), [101], None),
        ((ALL,), [101], None),
        ((None, None), [101, 102], ((101, {0: READ}), {101: CREATE})),
        ((None, None), [102, 101], ((102, {0: READ}), {102: CREATE})),
        ((None, READ | WRITE), [101, 102], ((101, {0: READ, 102: READ | WRITE}), {101: CREATE})),
        ((None, ALL), [101, 102], ((101, {0: READ, 102: 15}), {101: CREATE, 102: CREATE})),
        ((None, 0), [101, 102], ((101, {0: READ, 102: 0}), {101: CREATE})),
        ((READ, None), [101, 102], ((101, {0: READ, 101: READ}), None)),
        ((READ, CREATE), [101, 102], ((101, {0: READ, 101: READ, 102: 0}), {102: CREATE})),
        ((None, None), [], ((65535, {0: READ}), None)),
    ],
)
def test_what_is_missing_is_completed(rights, order, expected):
    device = servers(*rights)
    made = device.access.complete(order)
    if expected is None:
        assert (made, 2 in device.model.objects) == ([], False)
        return
    wanted = dict(OWN)
    wanted[(WIDGET, 0)] = wanted[(WIDGET, 1)] = expected[0]
    if expected[1] is not None:
        wanted[(WIDGET, 65535)] = (65535, expected[1])
    assert described(device) == wanted
    assert made == [(2, id) for id in device.model.objects[2].ids]
    assert device.access.complete(order) == [], "once is enough"


def test_the_entries_of_the_instances_are_not_shared():
    device = servers(None, READ)
    device.access.complete([101, 102])
    device.control((WIDGET, 0)).acl[0] = 0
    assert device.control((WIDGET, 1)).acl == {0: READ, 102: READ}


def test_what_was_provisioned_stays_and_says_who_may_create():
    device = servers(None, ALL)
    device.model.add(on(1, {102: WRITE}, 102))
    device.access.complete([101, 102])
    wanted = dict(OWN)
    wanted[(WIDGET, 0)] = (101, {0: READ, 102: 15})
    wanted[(WIDGET, 1)] = (102, {102: WRITE})
    assert described(device) == wanted, "and nobody may Create"


def test_a_server_keeps_its_own_account_from_the_others():
    device = servers(None, ALL)
    device.access.complete([101, 102])
    assert device.code(102, "PUT", "1/0/1", b"60", format=TEXT) == "4.01"
    assert device.code(102, "GET", "1/0") == "4.01"
    assert device.code(102, "POST", "1/0/8") == "4.01"
    assert device.code(102, "PUT", "1/1/1", b"60", format=TEXT) == "2.04"
    assert device.code(101, "PUT", "1/1/1", b"60", format=TEXT) == "4.01"
    links = device.ask(102, "GET", "1", accept=LINK).payload.decode()
    assert "</1/1>" in links
    assert "</1/0>" not in links


def test_an_instance_that_the_host_adds_later():
    device = servers(None, None)
    device.access.complete([101, 102])
    device.model.add(Widget())
    assert device.code(101, "GET", "31024/2/0") == "4.01", "nobody said whose it is"
    assert device.access.complete([101, 102]) == [(2, 5)]
    assert device.code(101, "PUT", "31024/2/1", b"1", format=TEXT) == "2.04"
    assert device.code(102, "GET", "31024/2/0") == "2.05"


def test_a_host_with_an_object_2_of_its_own_is_told():
    class Mine(Object):
        object_id = 2

    device = Device(Mine, servers=(101,))
    assert device.access.complete([101]) == []
    device.model.add(Server(102))
    with pytest.raises(ParameterError, match="object 2 is already defined by Mine"):
        device.access.complete([101, 102])
