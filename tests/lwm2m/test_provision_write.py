"""Bootstrap-Write: what is staged, what holds at once, and that a refused one leaves all as it was."""

import pytest
from hypothesis import given, settings, strategies as st

from atiny.coap import codes
from atiny.coap.message import Message
from atiny.lwm2m import provision
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from tests.lwm2m.provisioning import LINK, OPAQUE, TEXT, TLV, Rig, contents, nosec, psk, row, server, values, wrap
from tests.lwm2m.widget import WIDGET

SENML = 110
NAME = bytes.fromhex("c3006e6577")


@pytest.fixture
def rig():
    return Rig()


def fresh(cls, **different):
    """The values of a new instance, with these."""
    return {**values(cls()), **different}


PSK_VALUES = dict(
    server_uri="coaps://a",
    security_mode=0,
    identity=b"me",
    server_public_key=b"",
    secret_key=b"secret",
    short_server_id=7,
)
SERVER_VALUES = dict(short_server_id=7, lifetime_s=300, notification_storing=True, binding="U")

# path, payload, Content-Format -> the instance after it
STAGED = [
    # an instance, new or not: what is not named is as in a new one
    ("0/7", psk("coaps://a", 7), TLV, fresh(Security, **PSK_VALUES)),
    ("0/7", psk("coaps://a", 7), None, fresh(Security, **PSK_VALUES)),
    ("0/7", wrap(7, psk("coaps://a", 7)), TLV, fresh(Security, **PSK_VALUES)),
    ("0/7", psk("coaps://a", 7), 1542, fresh(Security, **PSK_VALUES)),
    ("0/0", psk("coaps://a", 7), TLV, fresh(Security, **PSK_VALUES)),
    ("0/1", psk("coaps://a", 7, True), TLV, fresh(Security, **PSK_VALUES, is_bootstrap=True)),
    ("0/7", row(0, "coap://a"), TLV, fresh(Security, server_uri="coap://a")),
    ("0/7", b"", TLV, fresh(Security)),
    ("0/7", wrap(7, b""), TLV, fresh(Security)),
    ("1/0", server(7), TLV, fresh(Server, **SERVER_VALUES)),
    ("1/7", server(7) + row(2, 1) + row(3, 0), TLV, fresh(Server, **SERVER_VALUES, default_pmin_s=1, default_pmax_s=0)),
    ("0/65534", b"", TLV, fresh(Security)),
    # what the object does not know, and what cannot be written, is ignored
    ("1/7", server(7) + row(17, 3) + row(22, "U") + row(99, b"\xff"), TLV, fresh(Server, **SERVER_VALUES)),
    ("1/7", server(7) + row(4, b"") + row(8, b"x"), TLV, fresh(Server, **SERVER_VALUES)),
    ("1/7", server(7) + b"\x83\x63\x41\x00\x05", TLV, fresh(Server, **SERVER_VALUES)),
    # a resource: the others stay, the instance is made
    ("1/0/1", b"60", TEXT, fresh(Server, short_server_id=123, lifetime_s=60)),
    ("1/0/1", b"60", None, fresh(Server, short_server_id=123, lifetime_s=60)),
    ("1/0/1", row(1, 60), TLV, fresh(Server, short_server_id=123, lifetime_s=60)),
    ("1/0/0", b"9", TEXT, fresh(Server, short_server_id=9)),
    ("1/7/1", b"60", TEXT, fresh(Server, lifetime_s=60)),
    ("0/0/5", b"\x00key", OPAQUE, fresh(Security, server_uri="coap://old", short_server_id=123, secret_key=b"\x00key")),
    ("0/0/5", b"\x00key", None, fresh(Security, server_uri="coap://old", short_server_id=123, secret_key=b"\x00key")),
    ("0/7/1", b"1", TEXT, fresh(Security, is_bootstrap=True)),
]


@pytest.mark.parametrize(("path", "payload", "content_format", "expected"), STAGED)
def test_accounts_are_staged(rig, path, payload, content_format, expected):
    before = contents(rig.model)
    assert rig.put(path, payload, content_format) == "2.04"
    ids = tuple(int(part) for part in path.split("/"))
    instance = rig.staged.objects[ids[0]].instances[ids[1]]
    assert values(instance) == expected
    assert instance.instance_id == ids[1]
    assert rig.staged.objects[ids[0]].ids == sorted(rig.staged.objects[ids[0]].instances)
    assert contents(rig.model) == before, "the device goes on with what it has"
    assert (rig.operations, rig.changed) == (1, [])


def test_several_instances_at_once(rig):
    body = wrap(9, psk("coaps://a", 7)) + wrap(0, nosec("coap://b", 8)) + wrap(3, b"")
    assert rig.put("0", body) == "2.04"
    instances = rig.staged.objects[0].instances
    assert rig.staged.objects[0].ids == [0, 1, 3, 9]
    assert [instances[id].server_uri for id in (0, 1, 3, 9)] == ["coap://b", "coaps://bs", "", "coaps://a"]


def test_a_multiple_resource_is_replaced(rig):
    assert rig.put("2/0", row(0, 3) + row(1, 0) + b"\x86\x02\x41\x00\x01\x41\x07\x05" + row(3, 7)) == "2.04"
    control = rig.staged.objects[2].instances[0]
    assert (control.acl, control.owner) == ({0: 1, 7: 5}, 7)
    assert rig.put("2/0/2", b"\x83\x02\x41\x09\x02") == "2.04"
    control = rig.staged.objects[2].instances[0]
    assert (control.acl, control.owner, control.target_object_id) == ({9: 2}, 7, 3)
    assert 2 not in rig.model.objects


# path, payload, Content-Format -> code
REFUSED = [
    # paths
    ("", b"", TLV, "4.00"),
    ("9", wrap(0, b""), TLV, "4.00"),
    ("9/0", NAME, TLV, "4.00"),
    ("0/65535", b"", TLV, "4.00"),
    ("0", wrap(65535, b""), TLV, "4.00"),
    ("0/0/99", b"x", TEXT, "4.00"),
    ("0/0/99", row(99, b"x"), TLV, "4.00"),
    ("1/0/4", b"", TEXT, "4.00"),
    ("1/0/8", b"x", TEXT, "4.00"),
    ("2/0/2/1", b"5", TEXT, "4.00"),
    ("1/0/1/0", b"5", TEXT, "4.00"),
    ("1/x", b"", TLV, "4.00"),
    ("1/00", b"", TLV, "4.00"),
    ("1/0/1/0/0", b"5", TEXT, "4.00"),
    # an object without its instances
    ("0", b"", TLV, "4.00"),
    ("0", nosec("coap://a", 7), TLV, "4.00"),
    ("0", wrap(1, b"") + NAME, TLV, "4.00"),
    ("31024", NAME, TLV, "4.00"),
    # formats
    ("0/0", b"[]", SENML, "4.15"),
    ("0/0", b"</0>", LINK, "4.15"),
    ("0/0/0", b"coap://a", 60000, "4.15"),
    ("3/0/14", b"x", SENML, "4.15"),
    ("0/0", b"coap://a", TEXT, "4.00"),
    # not well-formed
    ("0/0", psk("coaps://a", 7)[:-1], TLV, "4.00"),
    ("0/0", wrap(3, psk("coaps://a", 7)), TLV, "4.00"),  # another instance's
    ("0/0", NAME + NAME, TLV, "4.00"),
    ("0", wrap(3, b"") + wrap(3, b""), TLV, "4.00"),
    ("0/0/0", b"\xff", TEXT, "4.00"),
    ("0/0/0", b"", TLV, "4.00"),
    ("0/0/0", row(1, True), TLV, "4.00"),
    ("1/0/1", b"1e3", TEXT, "4.00"),
    ("1/0/1", b"", TEXT, "4.00"),
    # types
    ("0/0", psk("coaps://a", 7) + b"\x80\x0b", TLV, "4.00"),
    ("0/0", row(1, b"\x02"), TLV, "4.00"),
    ("0/0", row(2, b"abc"), TLV, "4.00"),
    ("2/0", row(2, 5), TLV, "4.00"),
    ("2/0/2", row(2, 5), TLV, "4.00"),
    # ranges
    ("0/0/2", b"5", TEXT, "4.00"),
    ("0/0/10", b"65536", TEXT, "4.00"),
    ("0/0/11", b"-1", TEXT, "4.00"),
    ("1/0/0", b"0", TEXT, "4.00"),
    ("1/0/1", b"0", TEXT, "4.00"),
    ("1/0/7", b"S", TEXT, "4.00"),
    ("1/0", server(7, 0), TLV, "4.00"),
    ("1/0", server(7, 60, "SMS"), TLV, "4.00"),
    ("2/0/2", b"\x85\x02\x42\x00\xff\xff", TLV, "4.00"),
    # sizes
    ("0/0/0", b"coap://" + b"a" * 249, TEXT, "4.13"),
    ("0/0/5", bytes(4097), OPAQUE, "4.13"),
    ("0/0", row(5, bytes(4097)), TLV, "4.13"),
    ("0/0/7", bytes(7), OPAQUE, "4.13"),
    # one good instance, one bad: none
    ("0", wrap(5, psk("coaps://a", 7)) + wrap(6, row(2, 9)), TLV, "4.00"),
    ("1", wrap(0, server(7)) + wrap(1, server(8, 0)), TLV, "4.00"),
    ("0", wrap(5, psk("coaps://a", 7)) + wrap(65535, b""), TLV, "4.00"),
    # other objects: the checks of any Write
    ("3/0/0", b"x", TEXT, "4.05"),
    ("3/0", row(0, "x"), TLV, "4.05"),
    ("3/1/14", b"x", TEXT, "4.00"),
    ("3", wrap(1, row(14, "x")), TLV, "4.00"),
    ("19/5/0", b"x", OPAQUE, "4.05"),
    ("31024/0/8", b"x", TEXT, "4.05"),
    ("31024/0/12", b"101", TEXT, "4.00"),
    ("31024/0/0", b"123456789", TEXT, "4.13"),
    ("31024/0/10", b"", TEXT, "4.00"),
    ("31024/0/99", b"x", TEXT, "4.00"),
    ("31024/0/7/2", b"5", TEXT, "4.00"),
    ("31024/0", row(1, 5), TLV, "4.00"),  # the name is mandatory
    ("31024/1", row(1, 5), TLV, "4.00"),
    ("31024/65535", NAME, TLV, "4.00"),
    ("31024/0/13", b"-1", TEXT, "4.03"),
    ("31024/0/13", b"0", TEXT, "5.00"),
    ("31024", wrap(0, NAME) + wrap(1, row(1, 5)), TLV, "4.00"),
    ("31024", wrap(1, NAME) + wrap(0, NAME + row(12, 200)), TLV, "4.00"),
    ("31024", wrap(1, NAME) + wrap(0, NAME + row(13, -1)), TLV, "4.03"),
    ("31024", wrap(0, NAME) + wrap(1, NAME + row(13, 0)), TLV, "5.00"),
]


@pytest.mark.parametrize(("path", "payload", "content_format", "code"), REFUSED)
def test_what_is_refused_changes_nothing(rig, path, payload, content_format, code):
    before = contents(rig.model), contents(rig.staged), rig.widget.state()
    assert rig.put(path, payload, content_format) == code
    assert (contents(rig.model), contents(rig.staged), rig.widget.state()) == before
    assert not rig.handler.written
    assert set(rig.changed) <= {(WIDGET, 0, 13)}, "of what a method of the host may have done"
    assert not rig.operations
    assert [path for path, _ in rig.failed] == (["/" + path] if code == "5.00" else [])


# -- other objects


def test_a_value_of_the_host(rig):
    assert rig.put("3/0/14", b"+02:00", TEXT) == "2.04"
    assert rig.put("19/0/0", b"\x01\x02", OPAQUE) == "2.04"
    assert rig.handler.written == [("utc", "+02:00"), ("app", b"\x01\x02")]
    assert rig.changed == [(3, 0, 14)]


def test_an_instance_is_replaced_and_the_unknown_ignored(rig):
    assert rig.put("31024/0", NAME + row(99, b"x")) == "2.04"
    assert (rig.widget.name, rig.widget.level, rig.widget.serial) == ("new", None, "S/1")
    assert (WIDGET, 0, 0) in rig.changed


def test_an_instance_is_made(rig):
    generation = rig.model.generation
    assert rig.put("31024/7", wrap(7, NAME + row(99, b"x"))) == "2.04"
    made = rig.model.objects[WIDGET].instances[7]
    assert (made.name, made.instance_id) == ("new", 7)
    assert rig.changed == [(WIDGET, 7)]
    assert rig.model.generation > generation, "servers are told of it, whatever becomes of the bootstrap"


def test_several_instances_some_of_them_new(rig):
    assert rig.put("31024", wrap(7, NAME) + wrap(0, NAME + row(1, 3)) + wrap(2, NAME)) == "2.04"
    instances = rig.model.objects[WIDGET].instances
    assert sorted(instances) == [0, 2, 7]
    assert (rig.widget.name, rig.widget.level) == ("new", 3)


def test_a_multiple_resource_of_another_object_is_replaced(rig):
    assert rig.put("31024/0/7", b"\x83\x07\x41\x01\x05") == "2.04"
    assert rig.widget.parts == {1: 5}


# -- bounds


@pytest.mark.parametrize("object_id", [0, 1, 2])
def test_the_instances_are_bounded(rig, object_id):
    limit = provision.MAX_INSTANCES[object_id]
    codes = [rig.put("%d/%d" % (object_id, id), b"") for id in range(2, limit + 10)]
    count = len(rig.staged.objects[object_id].ids)
    assert count == limit
    assert codes == sorted(codes)
    assert set(codes) == {"2.04", "4.00"}
    assert rig.put(str(object_id), b"".join(wrap(500 + id, b"") for id in range(limit + 1))) == "4.00"
    assert len(rig.staged.objects[object_id].ids) == count
    assert rig.put("%d/2" % object_id, b"") == "2.04", "what is there may still be written"


def test_the_longest_values(rig):
    assert rig.put("0/0/5", bytes(4096), OPAQUE) == "2.04"
    assert rig.put("0/0/0", b"coap://" + b"a" * 248, TEXT) == "2.04"


# -- anything

SEGMENTS = st.sampled_from(["0", "1", "2", "3", "19", "31024", "5", "7", "10", "bs", "65535", "", "x", "99999", "01"])
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [psk("coaps://a", 7), server(7), NAME, nosec("coap://b", 123, True), row(2, 9), b"60", b"coap://c"]
    ),
    st.lists(st.tuples(st.integers(0, 70000), st.sampled_from([server(7), NAME, psk("coaps://a", 1)])), max_size=4).map(
        lambda rows: b"".join(wrap(id & 0xFFFF, body) for id, body in rows)
    ),
)
REQUESTS = st.tuples(
    st.sampled_from([codes.GET, codes.PUT, codes.PUT, codes.PUT, codes.DELETE, codes.POST, 5, 7]),
    st.lists(SEGMENTS, max_size=5),
    BODIES,
    st.sampled_from([None, TEXT, OPAQUE, TLV, 1542, 11543, 110, LINK]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(REQUESTS, max_size=12))
def test_whatever_comes_is_answered_and_never_half_done(requests):
    rig = Rig()
    accounts = {path: what for path, what in contents(rig.model).items() if path[0] < 3}
    finished = False
    for code, segments, payload, content_format in requests:
        options = [(codes.URI_PATH, segment.encode()) for segment in segments]
        if content_format is not None:
            options.append((codes.CONTENT_FORMAT, content_format.to_bytes(2, "big").lstrip(b"\x00")))
        before = contents(rig.staged), contents(rig.model), rig.widget.state()
        response = rig.provision.handle(Message(code, options, payload))
        assert isinstance(response, Message)
        if response.code >= 0x80:
            assert (contents(rig.staged), contents(rig.model), rig.widget.state()) == before
            assert response.code != 0xA0 or rig.failed
        else:
            assert not finished
        finished = finished or response.after is not None
    now = {path: what for path, what in contents(rig.model).items() if path[0] < 3}
    assert now == accounts
    assert not rig.finished
