"""The bootstrap server's operations and their codes. What Writes do is in `test_provision_write`."""

import pytest

from atiny.coap import codes
from atiny.coap.message import Message
from atiny.lwm2m.accounts import bootstrap_security
from atiny.lwm2m.formats import link
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.provision import MAX_INSTANCES
from atiny.lwm2m.servers import pairs, take_accounts
from atiny.lwm2m.types import INTEGER
from tests.lwm2m.provisioning import LINK, TEXT, TLV, Rig, contents, nosec, psk, row, server, wrap
from tests.lwm2m.widget import WIDGET, Widget


@pytest.fixture
def rig():
    return Rig()


class Later(Object):
    object_id = 5
    resources = (Resource(3, "state", INTEGER, "R"),)


# -- Discover (5.2.7.3)

ALL = '</>;lwm2m="1.0",</0/0>;ssid=123,</0/1>,</1/0>;ssid=123,</2>,</3/0>,</19/0>,</31024>;ver="1.1",</31024/0>'

DISCOVERED = [
    ("/", ALL),
    ("0", '</>;lwm2m="1.0",</0/0>;ssid=123,</0/1>'),
    ("1", '</>;lwm2m="1.0",</1/0>;ssid=123'),
    ("2", '</>;lwm2m="1.0",</2>'),
    ("3", '</>;lwm2m="1.0",</3/0>'),
    ("31024", '</>;lwm2m="1.0",</31024>;ver="1.1",</31024/0>'),
]


@pytest.mark.parametrize(("path", "payload"), DISCOVERED)
@pytest.mark.parametrize("accept", [LINK, None])
def test_discover(rig, path, payload, accept):
    code, response = rig.ask("GET", path, accept=accept)
    assert (code, response.payload.decode()) == ("2.05", payload)
    assert response.options == [(codes.CONTENT_FORMAT, bytes((LINK,)))]
    assert link.parse(response.payload), "it is link format, whole"
    assert rig.operations == 1


def test_the_root_may_be_an_empty_segment(rig):
    response = rig.provision.handle(Message(codes.GET, [(codes.URI_PATH, b"")]))
    assert response.payload.decode() == ALL


def test_discover_tells_what_is_staged():
    rig = Rig(Later)
    assert rig.put("0/7", nosec("coap://new", 7)) == "2.04"
    assert rig.put("0/8", nosec("coap://bs", 0, True)) == "2.04"
    assert rig.put("1/3", server(7)) == "2.04"
    assert rig.code("DELETE", "1/0") == "2.02"
    payload = rig.ask("GET", "/")[1].payload.decode()
    expected = '</>;lwm2m="1.0",</0/0>;ssid=123,</0/1>,</0/7>;ssid=7,</0/8>,</1/3>;ssid=7,</2>,</3/0>,</5>,</19/0>,'
    assert payload.startswith(expected)


def test_an_account_that_is_not_yet_named_has_no_short_server_id(rig):
    assert rig.put("0/7", b"") == "2.04"
    assert rig.put("1/7", b"") == "2.04"
    assert rig.ask("GET", "0")[1].payload.endswith(b",</0/7>")
    assert rig.ask("GET", "1")[1].payload.endswith(b",</1/7>")


@pytest.mark.parametrize(
    ("path", "accept", "code"),
    [
        ("9", LINK, "4.04"),
        ("0/0", LINK, "4.00"),
        ("0/9", None, "4.00"),
        ("3/0/9", LINK, "4.00"),
        ("x", LINK, "4.00"),
        ("1/0/0/0/0", LINK, "4.00"),
        ("65536", LINK, "4.00"),
        # a Read, which 1.1 knows in a bootstrap
        ("1", TLV, "4.05"),
        ("1/0/1", TEXT, "4.05"),
        ("bs", LINK, "4.05"),
    ],
)
def test_what_is_not_discovered(rig, path, accept, code):
    assert rig.code("GET", path, accept=accept) == code
    assert not rig.operations, "it does not hold up the time-out"


# -- Delete (5.2.7.5)

OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0 = (0, 0), (0, 1), (1, 0), (3, 0), (19, 0), (WIDGET, 0)

DELETED = [
    ("/", [BS, DEVICE, APP]),
    ("0", [BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("0/0", [BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("1", [OLD, BS, DEVICE, APP, WIDGET_0]),
    ("1/0", [OLD, BS, DEVICE, APP, WIDGET_0]),
    ("2", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("3", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("19", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("31024", [OLD, BS, ACCOUNT, DEVICE, APP]),
    ("31024/0", [OLD, BS, ACCOUNT, DEVICE, APP]),
    # what is not there is gone
    ("9", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("9/1", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("0/9", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
    ("31024/9", [OLD, BS, ACCOUNT, DEVICE, APP, WIDGET_0]),
]


@pytest.mark.parametrize(("path", "expected"), DELETED)
def test_delete(rig, path, expected):
    accounts = {path: what for path, what in contents(rig.model).items() if path[0] < 3}
    assert rig.code("DELETE", path) == "2.02"
    links = [target for target, _ in link.parse(rig.ask("GET", "/")[1].payload) if target.count("/") == 2]
    assert links == ["/%d/%d" % where for where in expected]
    now = contents(rig.model)
    assert {path: now.get(path) for path in accounts} == accounts, "the device still has its accounts"
    gone = WIDGET_0 not in expected
    assert rig.widget.log == ([("deleted",)] if gone else [])
    assert rig.changed == ([WIDGET_0] if gone else [])
    assert rig.operations == 2


@pytest.mark.parametrize("path", ["0/1", "3/0", "19/0", "3/0/9", "0/0/0", "1/0/1/0", "bs", "x", "00", "1/65536"])
def test_what_is_not_deleted(rig, path):
    before = contents(rig.model), contents(rig.staged)
    assert rig.code("DELETE", path) == "4.00"
    assert (contents(rig.model), contents(rig.staged)) == before
    assert not rig.operations


def test_a_handler_that_fails_keeps_no_other_instance_alive(rig):
    other = Widget()
    rig.model.add(other)
    rig.widget.broken = True
    assert rig.code("DELETE", "/") == "2.02"
    assert rig.model.objects[WIDGET].ids == []
    assert other.log == [("deleted",)]
    assert [(path, type(error)) for path, error in rig.failed] == [("/31024/0", RuntimeError)]


# -- Finish (5.2.7.2)


def test_finish(rig):
    assert rig.put("1/0/1", b"77", TEXT) == "2.04"
    code, response = rig.ask("POST", "bs")
    assert (code, response.payload, rig.finished) == ("2.04", b"", 0)
    response.after()
    assert rig.finished == 1, "only once the server has its answer"
    assert pairs(rig.model)[0][1].lifetime_s == 86400, "it is the owner who takes them"
    take_accounts(rig.model, rig.staged)
    assert pairs(rig.model)[0][1].lifetime_s == 77


def test_finish_at_once_leaves_the_accounts_as_they_are(rig):
    before = contents(rig.staged)
    assert rig.code("POST", "bs") == "2.04"
    assert contents(rig.staged) == before


def test_what_was_found_consistent_is_not_changed_any_more(rig):
    assert rig.code("POST", "bs") == "2.04"
    before = contents(rig.staged)
    for method, path in (("DELETE", "/"), ("PUT", "1/0/1"), ("POST", "bs"), ("GET", "/")):
        assert rig.code(method, path, b"5" if method == "PUT" else b"") == "4.05"
    assert contents(rig.staged) == before


def test_what_cannot_work_is_refused_and_can_be_corrected(rig):
    assert rig.code("DELETE", "0") == "2.02"
    operations = rig.operations
    code, response = rig.ask("POST", "bs")
    assert (code, response.after) == ("4.06", None)
    assert response.payload == b"/1 no server to register with"
    assert rig.refused == ["Bootstrap-Finish: /1 no server to register with"]
    assert rig.operations == operations + 1, "the server is there, and has its time to correct it"
    assert rig.put("0/0", nosec("coap://new", 123)) == "2.04"
    assert rig.code("POST", "bs") == "2.04"
    assert len(rig.refused) == 1


@pytest.mark.parametrize(
    ("method", "payload", "query", "code"),
    [
        ("POST", b"x", (), "4.00"),
        ("POST", b"", ("ep=x",), "4.00"),
        ("DELETE", b"", (), "4.00"),
        ("PUT", b"", (), "4.05"),
    ],
)
def test_what_is_no_finish(rig, method, payload, query, code):
    assert rig.code(method, "bs", payload, query=query) == code
    assert not rig.operations
    assert not rig.refused


# -- the bootstrap server's own account


def finish(rig):
    """Finish, and the accounts that are then the model's."""
    assert rig.code("POST", "bs") == "2.04"
    take_accounts(rig.model, rig.staged)
    return bootstrap_security(rig.model)


def test_it_is_replaced_in_place(rig):
    assert rig.put("0/1", psk("coaps://bs2", 0, True)) == "2.04"
    security = finish(rig)
    assert (security.instance_id, security.server_uri, security.hold_off_s) == (1, "coaps://bs2", 0)


def test_a_new_one_beside_it_replaces_it(rig):
    assert rig.put("0/5", psk("coaps://bs2", 0, True)) == "2.04"
    security = finish(rig)
    assert (security.instance_id, security.server_uri) == (5, "coaps://bs2")
    assert rig.model.objects[0].ids == [0, 5]


def test_it_is_still_there_where_finish_fails(rig):
    assert rig.put("0/5", psk("coaps://bs2", 0, True)) == "2.04"
    assert rig.code("DELETE", "1") == "2.02"
    assert rig.code("POST", "bs") == "4.06"
    assert rig.staged.objects[0].ids == [0, 1, 5]
    assert bootstrap_security(rig.model).server_uri == "coaps://bs"


def test_two_new_ones_are_one_too_many(rig):
    for id in (5, 6):
        assert rig.put("0/%d" % id, psk("coaps://bs%d" % id, 0, True)) == "2.04"
    code, response = rig.ask("POST", "bs")
    assert (code, response.payload) == ("4.06", b"/0/6 is a second bootstrap server's account, besides /0/5")
    assert rig.put("0/1/12", b"60", TEXT) == "2.04"
    assert rig.code("POST", "bs") == "4.06", "a write to the old one does not hide them"


def test_one_over_it_and_one_beside_it_are_one_too_many(rig):
    for id in (1, 5):
        assert rig.put("0/%d" % id, psk("coaps://bs%d" % id, 0, True)) == "2.04"
    assert rig.code("POST", "bs") == "4.06"


def test_what_was_written_in_an_earlier_bootstrap_does_not_count(rig):
    assert rig.put("0/1/12", b"60", TEXT) == "2.04"
    rig.provision.begin()
    assert rig.put("0/5", psk("coaps://bs2", 0, True)) == "2.04"
    assert finish(rig).instance_id == 5


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_it_may_trade_places_with_a_server(rig, order):
    for id in order:
        body = nosec("coap://new", 123) if id else psk("coaps://bs2", 0, True)
        assert rig.put("0/%d" % id, body) == "2.04"
    security = finish(rig)
    assert (security.instance_id, security.server_uri) == (0, "coaps://bs2")
    assert rig.model.objects[0].ids == [0, 1]
    assert pairs(rig.model)[0][0].server_uri == "coap://new"


def test_it_may_trade_places_in_one_write(rig):
    assert rig.put("0", wrap(1, nosec("coap://new", 123)) + wrap(0, psk("coaps://bs2", 0, True))) == "2.04"
    assert (finish(rig).server_uri, rig.model.objects[0].ids) == ("coaps://bs2", [0, 1])


def test_a_server_s_account_written_over_it_moves_it(rig):
    assert rig.put("0/1", nosec("coap://new", 9)) == "2.04"
    assert rig.put("1/1", server(9)) == "2.04"
    assert rig.ask("GET", "0")[1].payload == b'</>;lwm2m="1.0",</0/0>;ssid=123,</0/1>;ssid=9,</0/2>'
    # and again
    assert rig.put("0/2", nosec("coap://third", 8)) == "2.04"
    assert rig.put("1/2", server(8)) == "2.04"
    security = finish(rig)
    assert (security.instance_id, security.server_uri, security.secret_key) == (3, "coaps://bs", b"bskey")
    assert len(pairs(rig.model)) == 3


def test_it_moves_to_where_the_same_write_puts_nothing(rig):
    assert rig.put("0", wrap(2, nosec("coap://b", 8)) + wrap(1, nosec("coap://a", 9))) == "2.04"
    assert rig.ask("GET", "0")[1].payload.endswith(b",</0/1>;ssid=9,</0/2>;ssid=8,</0/3>")


def test_where_there_is_no_room_for_it_nothing_moves(rig):
    for id in range(2, MAX_INSTANCES[0]):
        assert rig.put("0/%d" % id, b"") == "2.04"
    before = contents(rig.staged)
    assert rig.put("0/1", nosec("coap://new", 9)) == "4.00"
    assert contents(rig.staged) == before
    for id in range(2, MAX_INSTANCES[0]):
        assert rig.code("DELETE", "0/%d" % id) == "2.02"
    assert rig.put("0/5", psk("coaps://bs2", 0, True)) == "2.04"
    assert finish(rig).instance_id == 5
    assert rig.model.objects[0].ids == [0, 5]


def test_it_may_give_itself_up(rig):
    assert rig.put("0/1/1", b"0", TEXT) == "2.04"
    assert rig.put("0/1/10", b"9", TEXT) == "2.04"
    assert rig.put("1/1", server(9)) == "2.04"
    assert finish(rig) is None


# -- as servers do it


def test_the_order_of_leshan(rig):
    """Delete what was, then the accounts instance by instance in TLV, with all that they know, then Finish."""
    extra = row(6, 3) + row(7, b"") + row(8, b"") + row(9, "") + row(11, 1) + row(12, 0)
    later = row(13, 1) + row(14, "name") + row(17, b"\x00\x15\x00\x00")
    for path in ("0", "1"):
        assert rig.code("DELETE", path) == "2.02"
    assert rig.put("0/0", wrap(0, psk("coaps://bs:5684", 0, True) + extra + later)) == "2.04"
    assert rig.put("0/2", nosec("coap://lwm2m:5683", 5) + extra + later) == "2.04"
    body = server(5, 20) + row(2, 1) + row(3, 10) + row(5, 86400) + row(21, True) + row(22, "U") + row(23, False)
    assert rig.put("1/0", body) == "2.04"
    security = finish(rig)
    assert (rig.model.objects[0].ids, security.server_uri) == ([0, 2], "coaps://bs:5684")
    ((_, account),) = pairs(rig.model)
    assert (account.short_server_id, account.lifetime_s, account.default_pmax_s) == (5, 20, 10)


def test_everything_anew(rig):
    assert rig.code("DELETE", "/") == "2.02"
    assert rig.put("0", wrap(4, psk("coaps://a", 1)) + wrap(7, nosec("coap://b", 2))) == "2.04"
    assert rig.put("1", wrap(0, server(2)) + wrap(1, server(1, 60, "UQ"))) == "2.04"
    assert rig.put("2/0", row(0, 3) + row(1, 0) + b"\x83\x02\x41\x01\x05" + row(3, 1)) == "2.04"
    assert finish(rig).server_uri == "coaps://bs"
    assert [(pair[0].server_uri, pair[1].binding) for pair in pairs(rig.model)] == [
        ("coap://b", "U"),
        ("coaps://a", "UQ"),
    ]
    assert rig.model.objects[2].instances[0].acl == {1: 5}


def test_a_server_may_only_change_a_key(rig):
    assert rig.put("0/1/5", b"other key", 42) == "2.04"
    security = finish(rig)
    assert (security.server_uri, security.secret_key, security.hold_off_s) == ("coaps://bs", b"other key", 5)


# -- the rest


def test_nothing_is_answered_before_it_begins_and_after_it_is_dropped():
    rig = Rig(begin=False)
    assert rig.code("GET", "/") == "4.05"
    rig.provision.begin()
    assert rig.code("DELETE", "1") == "2.02"
    rig.provision.begin()
    assert rig.staged.objects[1].ids == [0], "it begins anew"
    rig.provision.staged = None
    assert rig.code("POST", "bs") == "4.05"
    assert (rig.operations, rig.finished) == (1, 0)


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [("POST", "0", ()), ("POST", "0/0", ()), ("POST", "3/0/4", ()), ("PUT", "1/0", ("pmin=1",)), ("FETCH", "3", ())],
)
def test_other_methods(rig, method, path, query):
    assert rig.code(method, path, query=query) == "4.05"
    assert not rig.operations


def test_the_staged_server_has_no_listener(rig):
    account = rig.model.objects[1].instances[0]
    account.listener = object()
    rig.provision.begin()
    assert rig.put("1/0/1", b"60", TEXT) == "2.04"
    assert isinstance(rig.staged.objects[1].instances[0], Server)
    assert rig.staged.objects[1].instances[0].listener is None
