"""Write: what a request of aiocoap's codec leaves in the model, and that a refused one leaves all.

`b"..."` beside a TLV id: see `tests/lwm2m/formats/vectors_tlv.py` for the format itself.
"""

import pytest

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import INTEGER
from atiny.params import ATINY_HANDLER_ERROR
from tests.lwm2m.rig import LINK, OPAQUE, TEXT, TLV, TLV_LEGACY, Rig, dotted
from tests.lwm2m.widget import WIDGET, Widget


def tlv(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture
def widget():
    return Widget()


@pytest.fixture
def rig(widget):
    return Rig(widget)


NEW_NAME = tlv("c3 00 6e6577")

# method, path, payload, Content-Format -> what is then different
WRITES = [
    # text, and what there is without a Content-Format
    ("PUT", "0/0", b"new", TEXT, dict(name="new")),
    ("PUT", "0/0", b"new", None, dict(name="new")),
    ("PUT", "0/0", b"", TEXT, dict(name="")),
    ("PUT", "0/0", "grün".encode(), TEXT, dict(name="grün")),
    ("PUT", "0/1", b"-7", TEXT, dict(level=-7)),
    ("PUT", "0/1", b"-7", None, dict(level=-7)),
    ("PUT", "0/2", b"2.25", TEXT, dict(weight=2.25)),
    ("PUT", "0/2", b"2", TEXT, dict(weight=2.0)),
    ("PUT", "0/3", b"0", TEXT, dict(open=False)),
    ("PUT", "0/4", b"AQI=", TEXT, dict(tag=b"\x01\x02")),
    ("PUT", "0/4", b"\x01\x02", OPAQUE, dict(tag=b"\x01\x02")),
    ("PUT", "0/4", b"\x01\x02", None, dict(tag=b"\x01\x02")),
    ("PUT", "0/5", b"0", TEXT, dict(since=0)),
    ("PUT", "0/6", b"5:65535", TEXT, dict(target=(5, 65535))),
    ("PUT", "0/9", b"pw", TEXT, dict(secret="pw")),
    ("PUT", "0/12", b"100", TEXT, dict(bounded=100)),
    ("PUT", "0/300", b"new", TEXT, dict(far="new")),
    # TLV, both ids of it
    ("PUT", "0/0", NEW_NAME, TLV, dict(name="new")),
    ("PUT", "0/0", NEW_NAME, TLV_LEGACY, dict(name="new")),
    ("PUT", "0/1", tlv("c4 01 00010000"), TLV, dict(level=65536)),
    ("PUT", "0/2", tlv("c4 02 40100000"), TLV, dict(weight=2.25)),
    ("PUT", "0/2", tlv("c8 02 08 4002000000000000"), TLV, dict(weight=2.25)),
    ("PUT", "0/3", tlv("c1 03 00"), TLV, dict(open=False)),
    ("PUT", "0/4", tlv("c0 04"), TLV, dict(tag=b"")),
    ("PUT", "0/6", tlv("c4 06 0001 0002"), TLV, dict(target=(1, 2))),
    ("PUT", "0/300", tlv("e3 012c 6e6577"), TLV, dict(far="new")),
    # a multiple resource: PUT replaces, POST adds to it
    ("PUT", "0/7", tlv("83 07 41 01 05"), TLV, dict(parts={1: 5})),
    ("PUT", "0/7", tlv("41 01 05"), TLV, dict(parts={1: 5})),
    ("PUT", "0/7", tlv("83 07 41 01 05"), None, dict(parts={1: 5})),
    ("PUT", "0/7", tlv("80 07"), TLV, dict(parts={})),
    ("POST", "0/7", tlv("86 07 41 01 05 41 02 06"), TLV, dict(parts={0: 10, 1: 5, 2: 6})),
    ("POST", "0/7", tlv("41 01 05"), TLV, dict(parts={0: 10, 1: 5, 2: -1})),
    ("POST", "0/7", tlv("80 07"), TLV, {}),
    ("PUT", "0/7/2", b"6", TEXT, dict(parts={0: 10, 2: 6})),
    ("PUT", "0/7/2", b"6", None, dict(parts={0: 10, 2: 6})),
    ("PUT", "0/7/5", tlv("41 05 06"), TLV, dict(parts={0: 10, 2: -1, 5: 6})),
    ("POST", "0/7/5", b"6", TEXT, dict(parts={0: 10, 2: -1, 5: 6})),
    # an instance: POST changes what is named
    ("POST", "0", NEW_NAME, TLV, dict(name="new")),
    ("POST", "0", NEW_NAME, None, dict(name="new")),
    ("POST", "0", tlv("08 00 05") + NEW_NAME, TLV, dict(name="new")),
    (
        "POST",
        "0",
        NEW_NAME + tlv("c1 01 09 83 07 41 01 05"),
        TLV,
        dict(name="new", level=9, parts={0: 10, 1: 5, 2: -1}),
    ),
    ("POST", "0", tlv("c1 01 09") + NEW_NAME, TLV, dict(name="new", level=9)),
    ("POST", "0", b"", TLV, {}),
    # and PUT replaces all that may be written: what is not named is gone, what may not be written stays
    ("PUT", "0", NEW_NAME, TLV, "only"),
    ("PUT", "0", tlv("08 00 05") + NEW_NAME, TLV_LEGACY, "only"),
]


@pytest.mark.parametrize(("method", "path", "payload", "content_format", "different"), WRITES)
def test_write(rig, widget, method, path, payload, content_format, different):
    expected = widget.state()
    if different == "only":
        expected = dict.fromkeys(expected)
        different = dict(name="new", serial="S/1", hidden="nobody knows")
    expected.update(different)
    response = rig.ask(method, "31024/" + path, payload=payload, content_format=content_format)
    assert (dotted(response), response.payload) == ("2.04", b"")
    assert widget.state() == expected


# method, path, payload, Content-Format -> code
REFUSED = [
    # what there is not
    ("PUT", "31024/1", NEW_NAME, TLV, "4.04"),
    ("PUT", "31024/1/0", b"x", TEXT, "4.04"),
    ("PUT", "31024/0/99", b"x", TEXT, "4.04"),
    ("POST", "31024/0/99", b"x", TEXT, "4.04"),
    ("PUT", "9/0", NEW_NAME, TLV, "4.04"),
    ("POST", "9", NEW_NAME, TLV, "4.04"),
    ("PUT", "31024/0/1/0", b"5", TEXT, "4.04"),
    ("PUT", "31024/0", NEW_NAME + tlv("c1 63 05"), TLV, "4.04"),
    # what may not be written
    ("PUT", "31024", tlv("08 00 05") + NEW_NAME, TLV, "4.05"),
    ("PUT", "31024/0/8", b"x", TEXT, "4.05"),
    ("PUT", "31024/0/8", b"x", SENML := 110, "4.05"),
    ("PUT", "31024/0/10", b"x", TEXT, "4.05"),
    ("PUT", "31024/0/11", b"x", TEXT, "4.05"),
    ("POST", "31024/0/8", b"x", TEXT, "4.05"),
    ("POST", "31024/0/1", b"5", TEXT, "4.05"),
    ("PUT", "31024/0", NEW_NAME + tlv("c1 08 78"), TLV, "4.05"),
    ("POST", "31024/0", NEW_NAME + tlv("c0 0a"), TLV, "4.05"),
    ("POST", "31024/0", NEW_NAME + tlv("c1 0b 78"), TLV, "4.05"),
    ("PUT", "3/0/9", b"not a number", TEXT, "4.05"),
    ("PUT", "1/0/0", b"124", TEXT, "4.05"),
    # formats
    ("PUT", "31024/0/0", b"new", SENML, "4.15"),
    ("PUT", "31024/0/0", b"</3>", LINK, "4.15"),
    ("PUT", "31024/0", b"{}", SENML, "4.15"),
    ("POST", "31024", b"{}", SENML, "4.15"),
    # payloads of the wrong type or form
    ("PUT", "31024/0/0", b"\xff", TEXT, "4.00"),
    ("PUT", "31024/0/1", b"five", TEXT, "4.00"),
    ("PUT", "31024/0/1", b"5.5", TEXT, "4.00"),
    ("PUT", "31024/0/1", b"", TEXT, "4.00"),
    ("PUT", "31024/0/1", b"9223372036854775808", TEXT, "4.00"),
    ("PUT", "31024/0/1", b"5", OPAQUE, "4.00"),
    ("PUT", "31024/0/1", tlv("c3 01 000000"), TLV, "4.00"),
    ("PUT", "31024/0/2", b"nan", TEXT, "4.00"),
    ("PUT", "31024/0/3", b"2", TEXT, "4.00"),
    ("PUT", "31024/0/3", tlv("c1 03 02"), TLV, "4.00"),
    ("PUT", "31024/0/4", b"no base64", TEXT, "4.00"),
    ("PUT", "31024/0/6", b"3", TEXT, "4.00"),
    ("PUT", "31024/0", b"new", TEXT, "4.00"),
    ("PUT", "31024/0", b"new", OPAQUE, "4.00"),
    ("PUT", "31024/0/0", tlv("c3 01 6e6577"), TLV, "4.00"),  # another resource's
    ("PUT", "31024/0/0", NEW_NAME + tlv("c1 01 05"), TLV, "4.00"),
    ("PUT", "31024/0/0", NEW_NAME[:-1], TLV, "4.00"),
    ("PUT", "31024/0/0", b"", TLV, "4.00"),
    ("POST", "31024/0", tlv("08 01 05") + NEW_NAME, TLV, "4.00"),  # another instance's
    ("POST", "31024/0", NEW_NAME + NEW_NAME, TLV, "4.00"),
    ("PUT", "31024/0/7/2", tlv("41 03 06"), TLV, "4.00"),
    # single and multiple mixed up
    ("PUT", "31024/0/7", b"5", TEXT, "4.00"),
    ("PUT", "31024/0/7", tlv("c1 07 05"), TLV, "4.00"),
    ("PUT", "31024/0/1", tlv("83 01 41 00 05"), TLV, "4.00"),
    ("PUT", "31024/0/1", tlv("80 01"), TLV, "4.00"),
    ("POST", "31024/0", NEW_NAME + tlv("c1 07 05"), TLV, "4.00"),
    # what a replacing write must contain
    ("PUT", "31024/0", b"", TLV, "4.00"),
    ("PUT", "31024/0", tlv("c1 01 05"), TLV, "4.00"),
    ("PUT", "1/0", tlv("c1 01 3c"), TLV, "4.00"),
    # too long
    ("PUT", "31024/0/0", b"123456789", TEXT, "4.13"),
    ("PUT", "31024/0/0", "äöüß€".encode(), TEXT, "4.13"),
    ("PUT", "31024/0/4", bytes(17), OPAQUE, "4.13"),
    ("POST", "31024/0", tlv("c8 00 09 313233343536373839"), TLV, "4.13"),
    ("POST", "31024", tlv("c8 00 09 313233343536373839"), TLV, "4.13"),
    # what the host refuses
    ("PUT", "31024/0/12", b"101", TEXT, "4.00"),
    ("PUT", "31024/0/13", b"-1", TEXT, "4.03"),
    ("PUT", "31024/0/13", b"0", TEXT, "5.00"),
    # a good value first, a bad one after it: all or none
    ("POST", "31024/0", NEW_NAME + tlv("c1 0c 65"), TLV, "4.00"),
    ("PUT", "31024/0", NEW_NAME + tlv("c1 0c 65"), TLV, "4.00"),
    ("POST", "31024/0", NEW_NAME + tlv("c1 0d ff"), TLV, "4.03"),
    ("PUT", "31024/0", NEW_NAME + tlv("c1 0d ff"), TLV, "4.03"),
    ("PUT", "31024/0", NEW_NAME + tlv("83 07 41 01 05 c1 0d 00"), TLV, "5.00"),
    ("POST", "31024/0", NEW_NAME + tlv("c4 04 01020304 c2 06 0001"), TLV, "4.00"),
]


@pytest.mark.parametrize(("method", "path", "payload", "content_format", "code"), REFUSED)
def test_what_is_refused_changes_nothing(rig, widget, method, path, payload, content_format, code):
    before = widget.state()
    server = vars(rig.server).copy()
    response = rig.ask(method, path, payload=payload, content_format=content_format)
    assert dotted(response) == code
    assert widget.state() == before
    assert vars(rig.server) == server
    assert rig.agent.model.objects[WIDGET].ids == [0]
    errors = [arg[0] for event, arg in rig.events if event == ATINY_HANDLER_ERROR]
    assert errors == (["/" + path] if code == "5.00" else []), "only the host's own fault is an event"
    assert not rig.sent, "and the registration stays as it is"


def test_observers_hear_of_what_is_written(rig, widget):
    rig.observe("31024/0/1", b"level")
    assert dotted(rig.ask("POST", "31024/0", payload=tlv("c1 01 09"), content_format=TLV)) == "2.04"
    assert rig.only().payload == b"9"
    assert dotted(rig.ask("POST", "31024/0", payload=NEW_NAME, content_format=TLV)) == "2.04"
    assert not rig.sent, "not of what was not named"
    assert dotted(rig.ask("PUT", "31024/0", payload=NEW_NAME, content_format=TLV)) == "2.04"
    assert dotted(rig.only()) == "4.04", "replaced: it has no value any more"


def test_observers_hear_of_what_a_method_wrote_before_another_failed():
    class Pair(Object):
        object_id = 31025
        resources = (
            Resource(0, "stored", INTEGER, "RW"),
            Resource(1, "sent", INTEGER, "RW"),
            Resource(2, "last", INTEGER, "RW"),
        )
        stored = 1
        bus = 1

        def read_sent(self):
            return self.bus

        def write_sent(self, value):
            self.bus = value

        def write_last(self, value):
            raise OSError(5)

    rig = Rig(Pair())
    for id in range(2):
        rig.observe("31025/0/%d" % id, b"%d" % id)
    payload = tlv("c1 00 05 c1 01 05 c1 02 05")
    assert dotted(rig.ask("POST", "31025/0", payload=payload, content_format=TLV)) == "5.00"
    assert [(message.token, message.payload) for message in rig.take()] == [(b"1", b"5")]
    assert rig.ask("GET", "31025/0/0").payload == b"1", "an attribute is as it was"


@pytest.mark.parametrize("bug", [None, "bug"])
def test_a_partial_write_to_a_multiple_resource_that_cannot_be_read(bug):
    class Stack(Object):
        object_id = 31029
        resources = (Resource(0, "parts", INTEGER, "W", multiple=True),)

        def read_parts(self):
            return bug

        def write_parts(self, value):
            self.parts = value

    stack = Stack()
    rig = Rig(stack)
    response = rig.ask("POST", "31029/0/0", payload=tlv("41 01 05"), content_format=TLV)
    if bug is None:
        assert dotted(response) == "2.04"
        assert stack.parts == {1: 5}
    else:
        assert dotted(response) == "5.00"
        assert not hasattr(stack, "parts")
