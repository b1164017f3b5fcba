"""Security, Server and Access Control: what makes up the device's accounts, as instances and on the wire."""

from typing import Any

import pytest

from atiny.errors import Rejected
from atiny.lwm2m.objects.access_control import ALL, CREATE, DELETE, EXECUTE, READ, WRITE, AccessControl
from atiny.lwm2m.objects.security import MODE_NOSEC, MODE_PSK, Security
from atiny.lwm2m.objects.server import DEFAULT_DISABLE_S, DEFAULT_LIFETIME_S, Server
from tests.lwm2m.rig import LINK, TLV, Rig, dotted


class Listener:
    """An account, as the Server object sees it."""

    def __init__(self):
        self.told = []

    def server_changed(self, trigger):
        self.told.append(("changed", trigger))

    def disable(self, seconds):
        self.told.append(("disable", seconds))

    def request_bootstrap(self):
        self.told.append(("bootstrap",))


def row_of(cls, id):
    return next(row for row in cls.resources if row.id == id)


def values(instance):
    return {row.id: getattr(instance, row.name) for row in instance.resources if not row.executable}


# -- Security


def test_a_security_instance_that_a_bootstrap_server_creates():
    assert values(Security()) == {
        0: "",
        1: False,
        2: MODE_NOSEC,
        **dict.fromkeys((3, 4, 5), b""),
        **dict.fromkeys((6, 7, 8, 9, 10)),
        11: 0,
        12: None,
    }


def test_a_security_instance_of_the_host():
    security = Security("coaps://server", 123, b"id", b"key")
    assert (security.security_mode, security.is_bootstrap) == (MODE_PSK, False)
    assert values(security)[10] == 123
    bootstrap = Security("coap://bs", is_bootstrap=True, hold_off_s=10)
    assert (bootstrap.security_mode, bootstrap.is_bootstrap, bootstrap.hold_off_s) == (MODE_NOSEC, True, 10)
    assert bootstrap.short_server_id is None


@pytest.mark.parametrize("row", Security.resources, ids=lambda row: row.name)
def test_no_server_may_do_anything_with_it(row):
    assert (row.operations, row.readable, row.writable, row.executable) == ("", False, False, False)
    rig = Rig()
    for method in ("GET", "PUT", "POST"):
        assert dotted(rig.ask(method, "0/0/%d" % row.id, payload=b"" if method == "GET" else b"1")) == "4.01"


# (class, resource, values that can be, values that cannot)
CHECKS = [
    (Security, 2, [0, 3, 4], [-1, 5]),
    (Security, 6, [0, 255], [-1, 256]),
    (Security, 10, [0, 1, 65534, 65535], [-1, 65536]),
    (Security, 11, [0, 0xFFFFFFFF], [-1, 0x100000000]),
    (Security, 12, [0, 1, 0xFFFFFFFF], [-1, 0x100000000]),
    (Server, 0, [1, 65534], [-1, 0, 65535, 65536]),
    (Server, 1, [1, 0xFFFFFFFF], [-1, 0, 0x100000000]),
    (Server, 2, [0, 0xFFFFFFFF], [-1, 0x100000000]),
    (Server, 3, [0, 0xFFFFFFFF], [-1, 0x100000000]),
    (Server, 5, [0, 0xFFFFFFFF], [-1, 0x100000000]),
    (Server, 7, ["U", "UQ"], ["", "u", "S", "UQS", "T"]),
    (AccessControl, 0, [1, 3, 65534], [-1, 0, 65535]),
    (AccessControl, 1, [0, 65534, 65535], [-1, 65536]),
    (AccessControl, 2, [{}, {0: 1}, {1: 0, 65534: 31}, {5: 0xFFFF}], [{65535: 1}, {-1: 1}, {1: -1}, {1: 0x10000}]),
    (AccessControl, 3, [1, 65534, 65535], [-1, 0, 65536]),
]


@pytest.mark.parametrize(("cls", "id", "good", "bad"), CHECKS, ids=lambda x: getattr(x, "__name__", None))
def test_values_that_can_be_and_cannot(cls, id, good, bad):
    instance, row = cls(), row_of(cls, id)
    before = values(instance)
    for value in good:
        instance.check(row, value)
    for value in bad:
        with pytest.raises(Rejected) as caught:
            instance.check(row, value)
        assert dotted(caught.value) == "4.00"
        assert caught.value.diagnostic
    assert values(instance) == before, "a check changes nothing"


# -- Server


def test_a_server_instance_that_a_bootstrap_server_creates():
    server = Server()
    assert values(server) == {0: 0, 1: DEFAULT_LIFETIME_S, 2: None, 3: None, 5: None, 6: True, 7: "U"}
    assert (server.listener, server.rights) == (None, None)
    assert DEFAULT_DISABLE_S == 86400


def test_a_server_without_an_account():
    server = Server(1, 60, "UQ")
    server.write(row_of(Server, 1), 30)
    assert server.lifetime_s == 30
    for id in (4, 8, 9):
        after: Any = server.execute(row_of(Server, id), "")
        after()  # there is nobody to tell


@pytest.mark.parametrize(
    ("id", "told"), [(4, ("disable", 86400)), (8, ("changed", True)), (9, ("bootstrap",))]
)  # fmt: skip
def test_what_a_server_triggers_comes_after_the_answer(id, told):
    rig = Rig()
    rig.server.listener = listener = Listener()
    rig.agent.receive(0, b"\x41\x02" + b"\x12\x34" + b"t" + b"\xb1" + b"1" + b"\x010" + b"\x01%d" % id, rig.now)
    assert listener.told == []
    ((link, number, datagram),) = rig.agent.datagrams_to_send(rig.now)
    assert (datagram[1], listener.told) == (0x44, []), "2.04 is handed out, but has not left"
    rig.agent.sent(link, number, rig.now)
    assert listener.told == [told]


@pytest.mark.parametrize(("value", "seconds"), [(60, 60), (0, 0), (None, 86400)])
def test_the_disable_time_out(value, seconds):
    server = Server(1)
    server.listener = listener = Listener()
    server.disable_timeout_s = value
    after: Any = server.execute(row_of(Server, 4), "")
    server.disable_timeout_s = 7  # too late
    after()
    assert listener.told == [("disable", seconds)]


@pytest.mark.parametrize("id", [1, 2, 3, 5, 6, 7])
def test_the_account_hears_of_every_write(id):
    rig = Rig()
    rig.server.listener = listener = Listener()
    value = {6: b"0", 7: b"UQ"}.get(id, b"100")
    assert dotted(rig.ask("PUT", "1/0/%d" % id, payload=value)) == "2.04"
    assert listener.told == [("changed", False)]
    assert rig.ask("GET", "1/0/%d" % id).payload == value


def test_a_replacing_write_to_the_server():
    rig = Rig()
    for id in (2, 3, 5):
        assert dotted(rig.ask("PUT", "1/0/%d" % id, payload=b"9")) == "2.04"
    whole = bytes.fromhex("c1 01 3c c1 06 00 c1 07 55")
    assert dotted(rig.ask("PUT", "1/0", payload=whole[:-3], content_format=TLV)) == "4.00", "no binding"
    assert values(rig.server)[2] == 9
    assert dotted(rig.ask("PUT", "1/0", payload=whole, content_format=TLV)) == "2.04"
    assert values(rig.server) == {0: 123, 1: 60, 2: None, 3: None, 5: None, 6: False, 7: "U"}


def test_the_disable_time_out_exists_once_it_is_written():
    rig = Rig()
    whole = bytes.fromhex("c1 01 3c c1 06 00 c1 07 55")
    for _ in range(2):
        assert dotted(rig.ask("GET", "1/0/5")) == "4.04"
        assert b"</1/0/5>" not in rig.ask("GET", "1/0", accept=40).payload
        assert dotted(rig.ask("PUT", "1/0/5", payload=b"86400")) == "2.04"
        assert rig.ask("GET", "1/0/5").payload == b"86400"
        assert b"</1/0/5>" in rig.ask("GET", "1/0", accept=40).payload
        assert dotted(rig.ask("PUT", "1/0", payload=whole, content_format=TLV)) == "2.04"


# -- Access Control


def test_an_access_control_instance_that_a_bootstrap_server_creates():
    assert values(AccessControl()) == {0: 0, 1: 0, 2: {}, 3: 65535}
    assert AccessControl().acl is not AccessControl().acl
    assert (READ, WRITE, EXECUTE, DELETE, CREATE, ALL) == (1, 2, 4, 8, 16, 31)


def test_access_control_on_the_wire():
    rig = Rig(AccessControl(3, 0, {0: READ, 123: ALL}, 123))
    assert rig.ask("GET", "2/0").payload == bytes.fromhex("c1 00 03 c1 01 00 86 02 41 00 01 41 7b 1f c1 03 7b")
    found = rig.ask("GET", "2/0", accept=LINK).payload
    assert found == b"</2/0>,</2/0/0>,</2/0/1>,</2/0/2>;dim=2,</2/0/3>"


@pytest.mark.parametrize(
    ("method", "path", "payload", "content_format", "code", "acl"),
    [
        ("PUT", "2/0/2", "41 05 03", TLV, "2.04", {5: 3}),
        ("POST", "2/0/2", "41 05 03", TLV, "2.04", {0: 1, 5: 3}),
        ("PUT", "2/0/2/0", "37", 0, "2.04", {0: 7}),
        ("PUT", "2/0/2", "42 05 0100", TLV, "2.04", {5: 256}),  # reserved bits
        ("PUT", "2/0/2", "44 05 00010000", TLV, "4.00", {0: 1}),
        ("PUT", "2/0/2", "61 ffff 01", TLV, "4.00", {0: 1}),
        ("PUT", "2/0/0", "34", 0, "4.05", {0: 1}),
        ("PUT", "2/0/1", "34", 0, "4.05", {0: 1}),
        ("PUT", "2/0/3", "30", 0, "4.00", {0: 1}),
        ("PUT", "2/0/3", "35", 0, "2.04", {0: 1}),
        ("PUT", "2/0", "c1 03 05", TLV, "2.04", {}),
        ("PUT", "2/0", "83 02 41 05 03", TLV, "4.00", {0: 1}),  # the owner is mandatory
        ("POST", "2", "", TLV, "4.05", {0: 1}),
        ("DELETE", "2/0", "", None, "4.05", {0: 1}),
    ],
)
def test_writes_to_access_control(method, path, payload, content_format, code, acl):
    instance = AccessControl(3, 0, {0: READ}, 123)
    rig = Rig(instance)
    response = rig.ask(method, path, payload=bytes.fromhex(payload), content_format=content_format)
    assert dotted(response) == code
    assert instance.acl == acl


def test_without_entries_there_is_no_acl():
    rig = Rig(AccessControl(3, 0, None, 123))
    assert dotted(rig.ask("GET", "2/0/2")) == "4.04"
    assert rig.ask("GET", "2/0").payload == bytes.fromhex("c1 00 03 c1 01 00 c1 03 7b")
