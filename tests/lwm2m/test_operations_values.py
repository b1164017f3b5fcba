"""Values on their way into the model: decoding, grouping, several instances at once, and undoing what broke off."""

import pytest

from atiny.errors import Rejected
from atiny.lwm2m import instances, operations
from atiny.lwm2m.model import Model, Object, Resource
from atiny.lwm2m.types import INTEGER, OPAQUE, STRING
from tests.lwm2m.access_rig import Device
from tests.lwm2m.widget import WIDGET, Widget


class Raw(Object):
    object_id = 31030
    resources = (Resource(0, "data", OPAQUE, "RW", raw=True), Resource(1, "label", STRING, "RW"))


def model_of(*items) -> Model:
    model = Model()
    for item in items:
        model.add(item)
    return model


@pytest.fixture
def widget():
    return Widget()


@pytest.fixture
def model(widget):
    return model_of(widget, Raw())


NAME = b"\xc3\x00new"

# path, Content-Format, payload -> values
DECODED = [
    ((WIDGET, 0), None, NAME, [((WIDGET, 0, 0), "new")]),
    ((WIDGET, 0, 0), None, b"new", [((WIDGET, 0, 0), "new")]),
    ((WIDGET, 0, 4), None, b"\xff", [((WIDGET, 0, 4), b"\xff")]),
    ((WIDGET, 0, 7), None, b"\x41\x05\x06", [((WIDGET, 0, 7, 5), 6)]),
    ((WIDGET, 0, 7, 5), None, b"6", [((WIDGET, 0, 7, 5), 6)]),
    ((WIDGET, 0, 1), 11542, b"\xc1\x01\x06", [((WIDGET, 0, 1), 6)]),
    ((WIDGET,), None, b"\x00\x05\x05\x05" + NAME, None),
    ((31030, 0, 0), None, b"\xff", [((31030, 0, 0), b"\xff")]),
    ((31030, 0, 0), 0, b"no base64", [((31030, 0, 0), b"no base64")]),
    ((31030, 0, 1), None, b"text", [((31030, 0, 1), "text")]),
    ((31030, 0, 99), None, b"\xc1\x63\xff", [((31030, 0, 99), b"\xff")]),
]


@pytest.mark.parametrize(("path", "content_format", "payload", "values"), DECODED)
def test_decode(model, path, content_format, payload, values):
    entry = model.objects[path[0]]
    if values is None:
        with pytest.raises(Rejected) as raised:
            operations.decode(entry, path, content_format, payload)
        assert raised.value.code == 0x80
    else:
        assert operations.decode(entry, path, content_format, payload) == values


def test_decode_knows_no_other_format(model):
    with pytest.raises(Rejected) as raised:
        operations.decode(model.objects[WIDGET], (WIDGET, 0), 60000, b"")
    assert raised.value.code == 0x8F


def test_the_instances_of_a_resource_need_not_stand_side_by_side(model, widget):
    payload = b'{"bn":"/31024/0/","e":[{"n":"7/1","v":5},{"n":"0","sv":"new"},{"n":"7/9","v":6}]}'
    operations.write(model, (WIDGET, 0), 11543, payload, True, lambda path: None)
    assert (widget.parts, widget.name) == ({1: 5, 9: 6}, "new")


# -- several instances at once


def write(model, path, values) -> list:
    changed: "list[tuple]" = []
    instances.provision(model, path, values, changed.append)
    return changed


def test_what_broke_off_in_one_instance_leaves_the_others_as_they_were(model, widget):
    other = Widget()
    model.add(other)
    before = widget.state(), other.state()
    values = [
        ((WIDGET, 0, 0), "new"),
        ((WIDGET, 2, 0), "made"),
        ((WIDGET, 1, 0), "new"),
        ((WIDGET, 1, 13), -1),  # its method refuses
    ]
    changed: "list[tuple]" = []
    with pytest.raises(Rejected, match="not below zero"):
        instances.provision(model, (WIDGET,), values, changed.append)
    assert (widget.state(), other.state()) == before
    assert model.objects[WIDGET].ids == [0, 1]
    assert {path[2] for path in changed} <= {13}, "an attribute is as it was: nobody needs to hear of it"


def test_instances_are_replaced_and_made(model, widget):
    values = [((WIDGET, 5, 0), "five"), ((WIDGET, 0, 0), "zero"), ((WIDGET, 5, 1), 9), ((WIDGET, 0, 99), b"?")]
    changed = write(model, (WIDGET,), values)
    made = model.objects[WIDGET].instances[5]
    assert (widget.name, widget.level, made.name, made.level) == ("zero", None, "five", 9)
    assert changed[-1] == (WIDGET, 5)
    assert (WIDGET, 0, 1) in changed, "replaced: it has no value any more"


def test_a_bootstrap_sets_what_can_only_be_read_once(model, widget):
    values = [((WIDGET, 3, 0), "new"), ((WIDGET, 3, 8), "S/2"), ((WIDGET, 3, 11), "?"), ((WIDGET, 3, 99), b"?")]
    assert write(model, (WIDGET, 3), values) == [(WIDGET, 3)]
    made = model.objects[WIDGET].instances[3]
    assert (made.name, made.serial, made.hidden) == ("new", "S/2", "nobody knows")
    with pytest.raises(Rejected) as raised:
        write(model, (WIDGET, 3), values[:2])
    assert raised.value.code == 0x85, "it is there now"


class Lamp(Object):
    object_id = 31033
    creatable = True
    resources = (Resource(0, "value", INTEGER, "RW"),)


@pytest.mark.parametrize("path", [(31033,), (31033, 0), (31033, 0, 0)])
def test_a_bootstrap_makes_the_only_instance(path):
    model = model_of(Lamp)
    for ids in ([1], [0, 1]):
        if len(path) == 1:
            with pytest.raises(Rejected) as raised:
                write(model, path, [((31033, id, 0), 5) for id in ids])
            assert (raised.value.code, model.objects[31033].ids) == (0x80, [])
    assert write(model, path, [((31033, 0, 0), 5)]) == [(31033, 0)]
    assert model.objects[31033].instances[0].value == 5


def test_one_resource(model, widget):
    assert write(model, (WIDGET, 0, 7), [((WIDGET, 0, 7, 1), 5)]) == [(WIDGET, 0, 7)]
    assert (widget.parts, widget.level) == ({1: 5}, 5)


# path, values -> code
REFUSED = [
    ((WIDGET,), [], 0x80),
    ((WIDGET,), [((WIDGET, None, 0), "new")], 0x80),
    ((WIDGET, 0), [], 0x80),  # the name is mandatory
    ((WIDGET, 0, 8), [((WIDGET, 0, 8), "x")], 0x85),
    ((WIDGET, 65535), [((WIDGET, 65535, 0), "new")], 0x80),
    ((WIDGET, 3), [], 0x80),
    ((WIDGET, 3), [((WIDGET, 3, 8), "x")], 0x80),
    ((WIDGET, 3), [((WIDGET, 3, 12), 101), ((WIDGET, 3, 0), "new")], 0x80),
    ((31030, 1), [], 0x80),
    ((31030, 0), [((31030, 0, 1, 0), "x")], 0x80),
]


@pytest.mark.parametrize(("path", "values", "code"), REFUSED)
def test_what_is_refused(model, widget, path, values, code):
    before, generation = widget.state(), model.generation
    with pytest.raises(Rejected) as raised:
        write(model, path, values)
    assert raised.value.code == code
    assert (widget.state(), model.generation) == (before, generation)


class Plain(Object):
    object_id = 31031
    multiple = creatable = True
    resources = (Resource(0, "value", INTEGER, "RW"),)


@pytest.mark.parametrize("function", ["create", "provision"])
def test_as_many_instances_as_a_request_can_hold(function):
    model = model_of(Plain)
    payload = b"".join(b"\x20" + id.to_bytes(2, "big") for id in range(1000))
    if function == "create":
        device = Device(Plain, servers=(101,))
        assert device.code(101, "POST", "31031", payload, format=11542) == "2.01"
        model, changes = device.model, device.changes
    else:
        values = operations.decode(model.objects[31031], (31031,), 11542, payload)
        changes = write(model, (31031,), values)
    assert changes == [(31031, id) for id in range(1000)]
    assert model.objects[31031].ids == list(range(1000))
