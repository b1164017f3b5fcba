"""Register and Update on the wire: the exact query and payload, when, and what follows each answer."""

import pytest
from aiocoap import CON

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import INTEGER
from atiny.params import ATINY_DATA_UNSUBSCRIBE, ATINY_REG_FAIL, ATINY_REG_OK
from tests.lwm2m.rig import LINK, TLV, Rig, build, dotted
from tests.lwm2m.widget import Widget

S = 1000
DAY = 86400 * S
LINKS = b'</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</19/0>,</19/1>'


class Lamp(Object):
    object_id = 3311
    multiple = creatable = True
    resources = (Resource(5850, "on_off", INTEGER, "RW"),)


def write(path, payload):
    return build(3, path, payload=payload, mid=1, token=b"t").encode()


def fields(message):
    return (
        message.mtype,
        message.code,
        message.opt.uri_path,
        message.opt.uri_query,
        message.opt.content_format,
        message.payload,
    )


def test_register():
    rig = Rig(register=False)
    register = rig.only()
    query = ("ep=dev", "lt=86400", "lwm2m=1.0", "b=U")
    assert fields(register) == (CON, 2, ("rd",), query, LINK, LINKS)
    assert len(register.token) >= 2
    assert (rig.links, rig.events, rig.agent.registered) == (["open"], [], False)
    rig.answer(register, "2.01", ("rd", "7"))
    assert (rig.events, rig.agent.registered) == ([(ATINY_REG_OK, 123)], True)


@pytest.mark.parametrize(
    ("options", "query"),
    [
        (dict(lifetime_s=20), ("ep=dev", "lt=20", "lwm2m=1.0", "b=U")),
        (dict(binding="UQ"), ("ep=dev", "lt=86400", "lwm2m=1.0", "b=UQ")),
        (dict(endpoint_name="urn:dev:äö &=%"), ("ep=urn:dev:äö &=%", "lt=86400", "lwm2m=1.0", "b=U")),
    ],
)
def test_what_a_register_says(options, query):
    assert Rig(register=False, **options).only().opt.uri_query == query


def test_objects_instances_and_versions():
    widget = Widget()
    widget.instance_id = 9
    rig = Rig(widget, Lamp, register=False)
    assert rig.only().payload == LINKS + b',</3311>,</31024>;ver="1.1",</31024/9>'


@pytest.mark.parametrize("location", [("rd", "7"), ("x",), ("a", "b", "c", "d", "e"), ("rd", "ü /?", "%41"), ("", "q")])
def test_every_segment_of_the_location_is_used(location):
    rig = Rig(register=False)
    rig.register(*location)
    rig.advance(DAY - 93 * S)
    update = rig.only()
    assert update.opt.uri_path == location
    rig.answer(update, "2.04")
    rig.agent.stop(rig.now)
    rig.pump()
    delete = rig.only()
    assert (delete.code, delete.opt.uri_path) == (4, location)


@pytest.mark.parametrize(
    ("lifetime_s", "after_ms"),
    [(86400, 86307_000), (1000, 907_000), (187, 94_000), (186, 93_000), (100, 50_000), (20, 10_000), (1, 500)],
)
def test_update_before_the_lifetime_ends(lifetime_s, after_ms):
    rig = Rig(lifetime_s=lifetime_s)
    for _ in range(3):
        rig.advance(after_ms - 1)
        assert not rig.sent
        rig.advance(1)
        update = rig.only()
        assert fields(update) == (CON, 2, ("rd", "7"), (), None, b""), "nothing changed: it says nothing"
        rig.answer(update, "2.04")
    assert rig.events == [(ATINY_REG_OK, 123)]


def add(rig):
    rig.agent.model.add(Lamp())
    rig.change((3311,))


def remove(rig):
    rig.agent.remove((3311, 0), rig.now)
    rig.pump()
    rig.advance(0)


WITH_LAMP = LINKS + b",</3311/0>"

# what the server or the host does -> the query, Content-Format and payload of the Update that follows
CHANGES = {
    "lifetime": (lambda rig: rig.ask("PUT", "1/0/1", payload=b"60"), ("lt=60",), None, b""),
    "binding": (lambda rig: rig.ask("PUT", "1/0/7", payload=b"UQ"), ("b=UQ",), None, b""),
    "both": (
        lambda rig: rig.ask("POST", "1/0", payload=bytes.fromhex("c1 01 3c c2 07 5551"), content_format=TLV),
        ("lt=60", "b=UQ"),
        None,
        b"",
    ),
    "replaced": (
        lambda rig: rig.ask("PUT", "1/0", payload=bytes.fromhex("c1 01 3c c1 06 01 c1 07 55"), content_format=TLV),
        ("lt=60",),
        None,
        b"",
    ),
    "trigger": (lambda rig: rig.ask("POST", "1/0/8"), (), None, b""),
    "instance added": (add, (), LINK, WITH_LAMP),
    "instance created": (
        lambda rig: rig.ask("POST", "3311", payload=bytes.fromhex("e1 16da 01"), content_format=TLV),
        (),
        LINK,
        WITH_LAMP,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_update_says_what_changed_and_only_that(name):
    change, query, content_format, payload = CHANGES[name]
    rig = Rig(Lamp)
    rig.take()
    rig.advance(5 * S)
    change(rig)
    update = rig.only()
    assert fields(update) == (CON, 2, ("rd", "7"), query, content_format, payload)
    rig.answer(update, "2.04")
    assert not rig.sent
    lifetime_s = rig.server.lifetime_s
    rig.advance(lifetime_s * S - min(93 * S, lifetime_s * S // 2))
    assert fields(rig.only()) == (CON, 2, ("rd", "7"), (), None, b""), "told once"


def test_the_update_comes_after_the_answer():
    rig = Rig()
    rig.agent.receive(0, write("1/0/1", b"60"), rig.now)
    rig.pump()
    rig.advance(0)
    assert [dotted(message) for message in rig.take()] == ["2.04", "0.02"]


@pytest.mark.parametrize(("path", "payload"), [("1/0/1", b"86400"), ("1/0/7", b"U"), ("1/0/2", b"5"), ("1/0/6", b"0")])
def test_no_update_where_nothing_is_new(path, payload):
    rig = Rig()
    assert dotted(rig.ask("PUT", path, payload=payload)) == "2.04"
    rig.advance(3600 * S)
    assert not rig.sent


def test_created_and_deleted_before_anybody_was_told():
    rig = Rig(Lamp)
    rig.take()
    rig.agent.model.add(Lamp())
    rig.agent.changed((3311,), rig.now)
    rig.agent.remove((3311, 0), rig.now)
    rig.pump()
    rig.advance(0)
    assert fields(rig.only())[3:] == ((), None, b"")


def test_deleted():
    rig = Rig(Lamp())
    remove(rig)
    assert fields(rig.only())[3:] == ((), LINK, LINKS + b",</3311>")
    rig = Rig(Lamp())
    rig.agent.remove((3311,), rig.now)
    rig.pump()
    rig.advance(0)
    assert fields(rig.only())[3:] == ((), LINK, LINKS)


def test_changes_while_an_update_is_on_its_way():
    rig = Rig(Lamp)
    add(rig)
    first = rig.only()
    rig.ask("PUT", "1/0/1", payload=b"60")
    add(rig)
    assert not rig.sent
    rig.answer(first, "2.04")
    assert fields(rig.only())[3:] == (("lt=60",), LINK, WITH_LAMP + b",</3311/1>")


def test_changes_while_registering():
    rig = Rig(Lamp, register=False)
    register = rig.only()
    assert register.payload.endswith(b"</3311>")
    add(rig)
    assert not rig.sent
    rig.answer(register, "2.01", ("rd", "7"))
    assert fields(rig.only())[3:] == ((), LINK, WITH_LAMP)


def test_a_register_says_how_things_are_then():
    rig = Rig(Lamp)
    rig.ask("PUT", "1/0/1", payload=b"60")
    rig.answer(rig.only(), "4.04")
    register = rig.only()
    assert register.opt.uri_query[1] == "lt=60"
    rig.answer(register, "2.01", ("rd", "8"))
    assert not rig.sent, "and no Update tells it again"


# -- the server is lost


@pytest.mark.parametrize("code", ["4.04", "4.00"])
def test_a_server_that_forgot_us(code):
    rig = Rig()
    rig.observe("3/0/0", b"obs")
    rig.ask("POST", "1/0/8")
    rig.answer(rig.only(), code)
    register = rig.only()
    assert register.opt.uri_path == ("rd",)
    assert rig.links == ["open"], "the link is good"
    assert rig.events[-2:] == [(ATINY_DATA_UNSUBSCRIBE, "/3/0/0"), (ATINY_REG_FAIL, "Update: " + code)]
    assert not rig.agent.registered
    rig.answer(register, "2.01", ("rd", "new"))
    assert rig.events[-1] == (ATINY_REG_OK, 123)
    rig.ask("POST", "1/0/8")
    assert rig.only().opt.uri_path == ("rd", "new")


@pytest.mark.parametrize("code", ["4.01", "4.03", "4.05", "5.00", "5.03"])
def test_an_update_that_is_refused(code):
    rig = Rig()
    rig.ask("POST", "1/0/8")
    rig.answer(rig.only(), code, payload=b"not now")
    assert not rig.sent, "first the back-off"
    assert rig.events[-1] == (ATINY_REG_FAIL, "Update: %s not now" % code)
    rig.advance(3 * S)
    assert rig.only().opt.uri_path == ("rd",)
    assert rig.links == ["open", "close", "open"]


def test_a_server_that_does_not_answer_an_update():
    rig = Rig()
    rig.ask("POST", "1/0/8")
    while rig.agent.registered:
        rig.advance(S)
    *updates, register = rig.take()
    assert len(updates) == 5
    assert register.opt.uri_path == ("rd",)
    assert rig.events[-1] == (ATINY_REG_FAIL, "Update: time-out")


@pytest.mark.parametrize("code", ["4.00", "4.03", "4.12", "5.00", "2.04"])
def test_a_register_that_is_refused(code):
    rig = Rig(register=False)
    for attempt in range(4):
        rig.answer(rig.only(), code, payload=b"\xff" if attempt else b"why")
        assert rig.events[-1] == (ATINY_REG_FAIL, "Register: %s %s" % (code, "" if attempt else "why"))
        assert not rig.sent
        began = rig.now
        rig.wait()
        assert 2000 << attempt <= rig.now - began <= (3000 << attempt) + 100
    assert rig.links == ["open", "close"] * 4 + ["open"]


def test_a_server_that_is_not_there_is_tried_for_ever_and_gently():
    for how in ("silent", "refused", "error", "no link"):
        rig = Rig(register=False)
        start = len(rig.take())
        if how == "no link":
            rig.opening = "the host name is unknown"
            rig.agent.link_failed(0, rig.now, "down")
            rig.pump()
        elif how != "silent":
            rig.sending = how
            rig.agent.reconnect(None, rig.now)
            rig.pump()
        rig.advance(DAY)
        attempts = rig.links.count("open")
        slowest = 180 + (0 if how in ("refused", "no link") else 94)
        assert 86400 / slowest < attempts < 86400 / 120 + 10, how
        assert len(rig.take()) + start <= attempts * 5
        assert {event for event, _ in rig.events} == {ATINY_REG_FAIL}
        rig.opening, rig.sending = "ok", None
        rig.advance(1)
        rig.take()
        rig.wait()
        rig.answer(rig.only(), "2.01", ("rd", "9"))
        assert rig.agent.registered, how


def test_devices_that_lost_one_server_together_do_not_come_back_together():
    moments = set()
    for seed in range(20):
        rig = Rig(seed=seed)
        rig.agent.receive_failed(0, rig.now, "port closed", True)
        rig.pump()
        due = rig.agent.deadline()
        assert due is not None
        moments.add(due - rig.now)
    assert len(moments) > 15
    assert 2000 <= min(moments)
    assert max(moments) < 3000


# -- requests of a server that has not taken us


def test_requests_count_only_while_registered():
    rig = Rig(register=False)
    register = rig.only()

    def ignored():
        rig.deliver(write("1/0/1", b"60"))
        rig.deliver(write("1/0/1", b"60"))
        sent = rig.take()
        return not sent and rig.server.lifetime_s == 86400

    assert ignored()
    rig.answer(register, "2.01", ("rd", "7"))
    rig.deliver(write("1/0/1", b"60"))
    assert [dotted(message) for message in rig.take()] == ["2.04", "0.02"], "the same datagram, sent again, counts now"
