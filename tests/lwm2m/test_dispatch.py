"""Requests of a server, as datagrams of aiocoap's codec, and their responses: every code of each operation.

Writes and what they leave are in `test_operations`.
"""

import pytest
from aiocoap import NON

from atiny.coap import codes
from atiny.commands import CommandHandler
from atiny.errors import Rejected
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import FLOAT, INTEGER, STRING
from atiny.params import ATINY_HANDLER_ERROR
from tests.lwm2m.rig import LINK, OPAQUE as OPAQUE_FORMAT, TEXT, TLV, TLV_LEGACY, Rig, dotted
from tests.lwm2m.widget import WIDGET, Widget

SENML_JSON = 110
SENML_CBOR = 112

NAME = bytes.fromhex("c3 00 6f6e65")
# What else can be read of a new Widget.
REST = bytes.fromhex(
    "c1 01 05c8 02 08 3ff8000000000000c1 03 01c2 04 00ffc4 05 5182428fc4 06 0003000086 07 41 00 0a 41 02 ffc3 08 532f31"
)
WHOLE = NAME + REST

BARE = 31030


class Bare(Object):
    """Instances may be created, none is there."""

    object_id = BARE
    multiple = creatable = True
    resources = (Resource(0, "value", INTEGER, "RW"),)


class Odd(Object):
    """Reads that fail, or give what they should not."""

    object_id = 31031
    resources = (
        Resource(0, "wrong", INTEGER),
        Resource(1, "flat", INTEGER, multiple=True),
        Resource(2, "keys", INTEGER, multiple=True),
        Resource(3, "nan", FLOAT),
        Resource(4, "raises", STRING),
        Resource(5, "refuses", STRING),
        Resource(6, "praises", STRING),
        Resource(7, "none", STRING, multiple=True),
        Resource(8, "surrogate", STRING),
        Resource(9, "curses", STRING),
    )
    wrong = "text"
    flat = 5
    keys = {"a": 1}
    nan = float("nan")
    none: dict = {}
    surrogate = "\ud800"

    def read_raises(self):
        raise OSError(110, "the bus is stuck")

    def read_refuses(self):
        raise Rejected(codes.SERVICE_UNAVAILABLE, "starting")

    def read_praises(self):
        raise Rejected(codes.CONTENT, "an error that is none")

    def read_curses(self):
        raise Rejected(codes.FORBIDDEN, "half \ud800")


@pytest.fixture
def rig():
    return Rig(Widget(), Bare)


# path, Accept -> code, Content-Format, payload
READS = [
    # a single resource: text, or opaque for OPAQUE, where the server names no format
    ("31024/0/0", None, "2.05", TEXT, b"one"),
    ("31024/0/0", TEXT, "2.05", TEXT, b"one"),
    ("31024/0/0", TLV, "2.05", TLV, NAME),
    ("31024/0/0", TLV_LEGACY, "2.05", TLV_LEGACY, NAME),
    ("31024/0/0", OPAQUE_FORMAT, "4.06", None, b""),
    ("31024/0/1", None, "2.05", TEXT, b"5"),
    ("31024/0/1", TLV, "2.05", TLV, bytes.fromhex("c1 01 05")),
    ("31024/0/2", None, "2.05", TEXT, b"1.5"),
    ("31024/0/3", None, "2.05", TEXT, b"1"),
    ("31024/0/4", None, "2.05", OPAQUE_FORMAT, b"\x00\xff"),
    ("31024/0/4", OPAQUE_FORMAT, "2.05", OPAQUE_FORMAT, b"\x00\xff"),
    ("31024/0/4", TEXT, "2.05", TEXT, b"AP8="),
    ("31024/0/4", TLV, "2.05", TLV, bytes.fromhex("c2 04 00ff")),
    ("31024/0/5", None, "2.05", TEXT, b"1367491215"),
    ("31024/0/6", None, "2.05", TEXT, b"3:0"),
    # more than one value: TLV
    ("31024/0/7", None, "2.05", TLV, bytes.fromhex("86 07 41 00 0a 41 02 ff")),
    ("31024/0/7", TLV_LEGACY, "2.05", TLV_LEGACY, bytes.fromhex("86 07 41 00 0a 41 02 ff")),
    ("31024/0/7", TEXT, "4.06", None, b""),
    ("31024/0/7", OPAQUE_FORMAT, "4.06", None, b""),
    ("31024/0/7/2", None, "2.05", TEXT, b"-1"),
    ("31024/0/7/2", TLV, "2.05", TLV, bytes.fromhex("41 02 ff")),
    ("31024/0", None, "2.05", TLV, WHOLE),
    ("31024/0", TLV, "2.05", TLV, WHOLE),
    ("31024/0", TLV_LEGACY, "2.05", TLV_LEGACY, WHOLE),
    ("31024/0", TEXT, "4.06", None, b""),
    ("31024/0", OPAQUE_FORMAT, "4.06", None, b""),
    ("31024", None, "2.05", TLV, bytes((8, 0, len(WHOLE))) + WHOLE),
    ("31024", TEXT, "4.06", None, b""),
    ("31030", None, "2.05", TLV, b""),
    # formats that are not ours
    ("31024/0/0", SENML_JSON, "4.06", None, b""),
    ("31024/0", SENML_CBOR, "4.06", None, b""),
    ("3/0/0", 65535, "4.06", None, b""),
    # what is not there
    ("31024/1", None, "4.04", None, b""),
    ("31024/0/99", None, "4.04", None, b""),
    ("31024/0/7/1", None, "4.04", None, b""),
    ("31024/0/1/0", None, "4.04", None, b""),
    ("31024/0/300", None, "4.04", None, b""),  # it has no value
    ("31025", None, "4.04", None, b""),
    ("31030/0", None, "4.04", None, b""),
    ("31030/0/0", None, "4.04", None, b""),
    ("65535/65535/65535", None, "4.04", None, b""),
    ("65536", None, "4.04", None, b""),
    ("03", None, "4.04", None, b""),
    ("rd", None, "4.04", None, b""),
    (".well-known/core", None, "4.04", None, b""),
    # what may not be read
    ("31024/0/9", None, "4.05", None, b""),
    ("31024/0/10", None, "4.05", None, b""),
    ("31024/0/11", None, "4.05", None, b""),
    # the Security object, whether what is asked of it exists or not
    ("0", None, "4.01", None, b""),
    ("0/0", TLV, "4.01", None, b""),
    ("0/0/0", None, "4.01", None, b""),
    ("0/0/5", OPAQUE_FORMAT, "4.01", None, b""),
    ("0/9", None, "4.01", None, b""),
    ("0", LINK, "4.01", None, b""),
    ("0/0/0", LINK, "4.01", None, b""),
    # too many segments, none
    ("3/0/11/0/0", None, "4.02", None, b"more than 4 path segments"),
    ("3/0/11/0/0", LINK, "4.02", None, b"more than 4 path segments"),
    ("", None, "4.00", None, b"the root is not a resource"),
]


@pytest.mark.parametrize(("path", "accept", "code", "content_format", "payload"), READS)
def test_read(rig, path, accept, code, content_format, payload):
    response = rig.ask("GET", path, accept=accept)
    assert (dotted(response), response.opt.content_format, response.payload) == (code, content_format, payload)
    # An Observe is a Read, or the same error, and then it leaves no observer.
    observed = rig.ask("GET", path, accept=accept, observe=0)
    assert (dotted(observed), observed.opt.content_format, observed.payload) == (code, content_format, payload)
    assert (observed.opt.observe is not None) is (code == "2.05")
    assert bool(rig.events[1:]) is (code == "2.05")


def test_the_default_of_a_single_resource_is_a_setting():
    rig = Rig(Widget(), single_format=TLV)
    assert rig.ask("GET", "31024/0/1").opt.content_format == TLV
    assert rig.ask("GET", "31024/0/1", accept=TEXT).payload == b"5"
    assert rig.ask("GET", "31024/0/4").opt.content_format == OPAQUE_FORMAT


def test_a_read_that_is_no_confirmable_message(rig):
    assert rig.ask("GET", "31024/0/0", mtype=NON).payload == b"one"


@pytest.mark.parametrize("path", ["31024/0/0", ""])
@pytest.mark.parametrize("method", [5, 6, 7, 31])
def test_methods_that_are_none(rig, method, path):
    assert dotted(rig.ask(method, path)) == "4.05"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_the_root_and_the_security_object(rig, method):
    assert dotted(rig.ask(method, "", payload=b"" if method in ("GET", "DELETE") else b"x")) == "4.00"
    for path in ("0/0", "0/0/5", "0/1"):
        assert dotted(rig.ask(method, path)) == "4.01"
    assert dotted(rig.ask(method, "1/2/3/4/5")) == "4.02"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_unknown_critical_options(rig, method):
    assert dotted(rig.ask(method, "31024/0/1", if_none_match=True)) == "4.02"
    assert rig.agent.model.objects[WIDGET].instances[0].level == 5


ODD = [
    (0, "5.00", "wrong of object 31031: expected INTEGER"),
    (1, "5.00", "flat of object 31031: it is multiple"),
    (2, "5.00", "keys of object 31031: an id of its instances"),
    (4, "5.00", "the bus is stuck"),
    (5, "5.03", None),
    (6, "5.00", "an error that is none"),
    (8, "5.00", "surrogate of object 31031"),
    (9, "4.03", None),
]


@pytest.mark.parametrize(("resource", "code", "told"), ODD)
def test_a_read_of_the_host_that_fails(resource, code, told):
    rig = Rig(Odd())
    path = "31031/0/%d" % resource
    response = rig.ask("GET", path)
    assert dotted(response) == code
    assert response.payload == (b"starting" if code == "5.03" else b"")
    assert dotted(rig.ask("GET", path, observe=0)) == code
    if told is None:
        assert len(rig.events) == 1
    else:
        assert [event for event, _ in rig.events[1:]] == [ATINY_HANDLER_ERROR] * 2
        where, error = rig.events[1][1]
        assert where == "/" + path
        assert told in str(error)
    assert dotted(rig.ask("GET", "3/0/0")) == "2.05", "the device goes on"


def test_values_that_a_format_cannot_express():
    rig = Rig(Odd())
    nan = bytes.fromhex("c8 03 08 7ff8000000000000")
    assert dotted(rig.ask("GET", "31031/0/3", accept=TEXT)) == "4.06"
    response = rig.ask("GET", "31031/0/3")
    assert (dotted(response), response.opt.content_format, response.payload) == ("2.05", TLV, nan)
    assert rig.ask("GET", "31031/0/7").payload == bytes.fromhex("80 07"), "a multiple one without instances exists"
    assert dotted(rig.ask("GET", "31031/0/7/0")) == "4.04"


def test_discover():
    widget = Widget()
    rig = Rig(widget, Bare)

    def discover(path, code="2.05"):
        response = rig.ask("GET", path, accept=LINK)
        assert dotted(response) == code
        assert response.opt.content_format == (LINK if code == "2.05" else None)
        return response.payload.decode()

    resources = ",".join("</31024/0/%d>" % id + (";dim=2" if id == 7 else "") for id in range(11))
    # Rows that no server may touch (11) have a link too: they exist. What has no value (13, 300) has none.
    resources += ",</31024/0/11>"
    widget.bounded = None
    assert discover("31024") == '</31024>;ver="1.1",</31024/0>,' + resources
    assert discover("31024/0") == "</31024/0>," + resources
    assert discover("31024/0/1") == "</31024/0/1>"
    assert discover("31024/0/10") == "</31024/0/10>"
    assert discover("31024/0/7") == "</31024/0/7>;dim=2"
    assert discover("31030") == "</31030>"
    for path, code in (("31024/0/300", "4.04"), ("31024/0/7/0", "4.05"), ("31024/1", "4.04"), ("9", "4.04")):
        discover(path, code)

    # The specification's example (5.4.2): a resource alone has what it inherits, a list only what is its own.
    for path, query in (("31024", "pmin=10"), ("31024/0", "pmax=60")):
        assert dotted(rig.ask("PUT", path, query=[query])) == "2.04"
    assert dotted(rig.ask("PUT", "31024/0/7", query=["lt=42.2", "gt=50"])) == "2.04"
    assert discover("31024/0/7") == "</31024/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2"
    assert discover("31024/0/1") == "</31024/0/1>;pmin=10;pmax=60"
    marked = resources.replace("dim=2", "dim=2;gt=50;lt=42.2")
    assert discover("31024/0") == "</31024/0>;pmax=60," + marked
    assert discover("31024") == '</31024>;ver="1.1";pmin=10,</31024/0>;pmax=60,' + marked


def test_discover_with_an_observe_option_is_a_discover(rig):
    response = rig.ask("GET", "3/0/0", accept=LINK, observe=0)
    assert (dotted(response), response.payload, response.opt.observe) == ("2.05", b"</3/0/0>", None)


def test_discover_of_the_device_shows_what_the_host_supports():
    class Handler(CommandHandler):
        def get_battery_level(self):
            return 77

        def get_source_voltage(self):
            return {0: 3800, 1: 5000}

    rig = Rig(handler=Handler())
    links = rig.ask("GET", "3/0", accept=LINK).payload.decode().split(",")
    readable = ["</3/0>", "</3/0/0>", "</3/0/7>;dim=2", "</3/0/9>", "</3/0/11>;dim=1"]
    assert links == readable + ["</3/0/12>", "</3/0/16>"], "the errors, which the device keeps itself, can be reset"
    for path in ("3/0/4", "3/0/5"):
        assert dotted(rig.ask("GET", path, accept=LINK)) == "4.04"

    class Rebooting(CommandHandler):
        def do_dev_reboot(self):
            return None

    assert b"</3/0/0>,</3/0/4>,</3/0/11>" in Rig(handler=Rebooting()).ask("GET", "3/0", accept=LINK).payload


# path, query, payload -> code
WRITE_ATTRIBUTES = [
    ("31024", ["pmin=1"], b"", "2.04"),
    ("31024/0", ["pmin=1", "pmax=2"], b"", "2.04"),
    ("31024/0/1", ["pmin=1", "gt=10", "lt=5", "st=2"], b"", "2.04"),
    ("31024/0/2", ["gt=1.25"], b"", "2.04"),
    ("31024/0/5", ["st=3600"], b"", "2.04"),
    ("31024/0/7", ["gt=10"], b"", "2.04"),
    ("31024/0/1", ["pmin"], b"", "2.04"),
    ("31030", ["pmin=1"], b"", "2.04"),
    ("31024", ["gt=1"], b"", "4.00"),
    ("31024/0", ["st=1"], b"", "4.00"),
    ("31024/0/0", ["gt=1"], b"", "4.00"),
    ("31024/0/1", ["pmin=5", "pmax=4"], b"", "4.00"),
    ("31024/0/1", ["gt=5", "lt=5"], b"", "4.00"),
    ("31024/0/1", ["gt=5", "lt=1", "st=2"], b"", "4.00"),
    ("31024/0/1", ["pmin=x"], b"", "4.00"),
    ("31024/0/1", ["unknown=1"], b"", "4.00"),
    ("31024/0/1", ["pmin=1"], b"5", "4.00"),
    ("31024/1", ["pmin=1"], b"", "4.04"),
    ("31024/0/99", ["pmin=1"], b"", "4.04"),
    ("31024/0/300", ["pmin=1"], b"", "4.04"),
    ("9", ["pmin=1"], b"", "4.04"),
    ("31024/0/9", ["pmin=1"], b"", "4.05"),
    ("31024/0/10", ["pmin=1"], b"", "4.05"),
    ("31024/0/7/0", ["pmin=1"], b"", "4.05"),
    ("0", ["pmin=1"], b"", "4.01"),
    ("0/0/0", ["pmin=1"], b"", "4.01"),
    ("", ["pmin=1"], b"", "4.00"),
]


@pytest.mark.parametrize(("path", "query", "payload", "code"), WRITE_ATTRIBUTES)
def test_write_attributes(rig, path, query, payload, code):
    before = rig.agent.model.objects[WIDGET].instances[0].state()
    assert dotted(rig.ask("PUT", path, query=query, payload=payload)) == code
    assert rig.agent.model.objects[WIDGET].instances[0].state() == before


# path, payload, Content-Format -> code, what the method was called with
EXECUTES = [
    ("31024/0/10", b"", None, "2.04", ""),
    ("31024/0/10", b"0='on',1", None, "2.04", "0='on',1"),
    ("31024/0/10", b"5", TEXT, "2.04", "5"),
    ("31024/0/10", "größe".encode(), TEXT, "2.04", "größe"),
    ("31024/0/10", b"", TLV, "2.04", ""),
    ("31024/0/10", b"5", TLV, "4.15", None),
    ("31024/0/10", b"5", OPAQUE_FORMAT, "4.15", None),
    ("31024/0/10", b"\xff", None, "4.00", None),
    ("31024/0/10", b"raise", None, "5.00", "raise"),
    ("31024/0/10", b"refuse", None, "4.03", "refuse"),
    ("31024/0/1", b"", None, "4.05", None),
    ("31024/0/8", b"", None, "4.05", None),
    ("31024/0/11", b"", None, "4.05", None),
    ("31024/0/99", b"", None, "4.04", None),
    ("31024/1/10", b"", None, "4.04", None),
    ("31024/0/10/0", b"", None, "4.04", None),
    ("31024/0", b"", None, "4.05", None),  # an instance; and what has values is not executed either
    ("31024/0/7", b"", None, "4.05", None),
    ("31024/0/7/2", b"", None, "4.05", None),
    ("31024/0", b"", TLV, "2.04", None),  # a Write of nothing
    ("31024/0/7/2", b"", TEXT, "4.00", None),  # no integer
]


@pytest.mark.parametrize(("path", "payload", "content_format", "code", "called"), EXECUTES)
def test_execute(rig, path, payload, content_format, code, called):
    widget = rig.agent.model.objects[WIDGET].instances[0]
    assert dotted(rig.ask("POST", path, payload=payload, content_format=content_format)) == code
    assert widget.log == ([] if called is None else [("press", called)])
    errors = [arg for event, arg in rig.events if event == ATINY_HANDLER_ERROR]
    assert [path for path, _ in errors] == (["/31024/0/10"] if code == "5.00" else [])


def test_what_an_execute_leaves_for_later_comes_after_the_answer(rig):
    widget = rig.agent.model.objects[WIDGET].instances[0]
    widget.after = lambda: widget.log.append(("after", len(rig.sent)))
    assert dotted(rig.ask("POST", "31024/0/10")) == "2.04"
    assert widget.log == [("press", ""), ("after", 1)], "when the answer had been sent"

    widget.after = lambda: 1 // 0
    assert dotted(rig.ask("POST", "31024/0/10")) == "2.04"
    path, error = rig.events[-1][1]
    assert (path, type(error)) == ("/31024/0/10", ZeroDivisionError)


def test_a_create_names_its_format(rig):
    value = bytes.fromhex("c1 00 05")
    response = rig.ask("POST", "31030", payload=value)
    assert (dotted(response), response.payload) == ("4.00", b"a Create names its Content-Format")
    assert rig.agent.model.objects[BARE].ids == []
    assert dotted(rig.ask("POST", "31030", payload=value, content_format=TLV)) == "2.01"
    assert dotted(rig.ask("POST", "31030")) == "2.01", "of nothing there is no format to name"
    assert rig.agent.model.objects[BARE].ids == [0, 1]
    # What there is not, and what cannot be created, is said first.
    assert dotted(rig.ask("POST", "9", payload=value)) == "4.04"
    assert dotted(rig.ask("POST", "0", payload=value)) == "4.01"
