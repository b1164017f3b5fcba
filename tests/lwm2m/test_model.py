"""What a host declares: tables are checked when they are given, and the message names the row."""

import pytest

from atiny.coap.codes import BAD_REQUEST
from atiny.errors import ATINY_ARG_INVALID, ParameterError, Rejected
from atiny.lwm2m.model import Model, Object, Resource
from atiny.lwm2m.operations import read
from atiny.lwm2m.types import FLOAT, INTEGER, NONE, OPAQUE, STRING
from tests.lwm2m.widget import Widget


class Lamp(Object):
    object_id = 3311
    multiple = True
    resources = (Resource(5850, "on_off", INTEGER, "RW"),)


class Clock(Object):
    object_id = 3333
    resources = (Resource(5506, "current_time", INTEGER, "RW"),)


class Other(Object):
    object_id = 3333


GOOD = Resource(1, "good")

# (attributes of the class, what the message says beside its name)
BAD = [
    (dict(object_id=-1), "object_id is -1"),
    (dict(object_id=65536), "object_id is 65536"),
    (dict(object_id="3303"), "object_id is '3303'"),
    (dict(object_id=True), "object_id is True"),
    (dict(object_id=3.0), "object_id is 3.0"),
    (dict(version=1.1), "version is 1.1"),
    (dict(version="1"), "version is '1'"),
    (dict(version="1.x"), "version is '1.x'"),
    (dict(version='1.1";a'), "version is"),
    (dict(resources=GOOD), "needs a comma"),
    (dict(resources=None), "needs a comma"),
    (dict(resources={1: GOOD}), "needs a comma"),
    (dict(resources=(GOOD, "row")), "resources[1] is 'row'"),
    (dict(resources=(GOOD, (2, "name"))), "resources[1] is (2, 'name')"),
    (dict(resources=(GOOD, None)), "resources[1] is None"),
    (dict(resources=(Resource(-1, "x"),)), "resources[0] ('x'): the id -1"),
    (dict(resources=(Resource(65536, "x"),)), "resources[0] ('x'): the id 65536"),
    (dict(resources=(Resource("1", "x"),)), "resources[0] ('x'): the id '1'"),
    (dict(resources=(Resource(True, "x"),)), "resources[0] ('x'): the id True"),
    (dict(resources=(GOOD, Resource(1, "x"))), "resources[1] ('x'): the id 1 stands already in the row of 'good'"),
    (dict(resources=(GOOD, Resource(2, "good"))), "resources[1] ('good'): the name must be a word"),
    (dict(resources=(Resource(2, ""),)), "resources[0] (''): the name must be a word"),
    (dict(resources=(Resource(2, "two words"),)), "resources[0] ('two words'): the name must be a word"),
    (dict(resources=(Resource(2, "2nd"),)), "resources[0] ('2nd'): the name must be a word"),
    (dict(resources=(Resource(2, "größe"),)), "resources[0] ('größe'): the name must be a word"),
    (dict(resources=(Resource(2, None),)), "resources[0] (None): the name must be a word"),
    (dict(resources=(Resource(2, "version"),)), "resources[0] ('version'): every Object has an attribute version"),
    (dict(resources=(Resource(2, "read"),)), "every Object has an attribute read"),
    (dict(resources=(Resource(2, "instance_id"),)), "every Object has an attribute instance_id"),
    (dict(resources=(GOOD, Resource(2, "x", 8))), "resources[1] ('x'): the type 8 is none of"),
    (dict(resources=(Resource(2, "x", -1),)), "the type -1 is none of"),
    (dict(resources=(Resource(2, "x", "STRING"),)), "the type 'STRING' is none of"),
    (dict(resources=(Resource(2, "x", float),)), "is none of"),
    (dict(resources=(Resource(2, "x", STRING, "WR"),)), "resources[0] ('x'): the operations 'WR'"),
    (dict(resources=(Resource(2, "x", STRING, "rw"),)), "the operations 'rw'"),
    (dict(resources=(Resource(2, "x", STRING, None),)), "the operations None"),
    (dict(resources=(Resource(2, "x", STRING, "E"),)), "type NONE, and only that, has the operations E"),
    (dict(resources=(Resource(2, "x", NONE, "R"),)), "type NONE, and only that, has the operations E"),
    (dict(resources=(Resource(2, "x", NONE, "E"),)), "resources[0] ('x'): the class has no method execute_x("),
    (dict(resources=(Resource(2, "x", NONE, "E", multiple=True),)), "what is executed has no value"),
    (dict(resources=(Resource(2, "x", INTEGER, "RW", max_size=4),)), "max_size is a number of bytes"),
    (dict(resources=(Resource(2, "x", STRING, "RW", max_size=0),)), "max_size is a number of bytes"),
    (dict(resources=(Resource(2, "x", STRING, "RW", max_size="9"),)), "max_size is"),
    (dict(resources=(Resource(2, "x", STRING, "RW", range=(0, 9)),)), "range is of a number"),
    (dict(resources=(Resource(2, "x", STRING, "RW", raw=True),)), "raw is for a single OPAQUE"),
    (dict(resources=(Resource(2, "x", OPAQUE, "RW", raw=True, multiple=True),)), "raw is for a single OPAQUE"),
    (dict(resources=(Resource(2, "x", STRING, "W", stream=True),)), "stream is for a single OPAQUE"),
    (dict(resources=(Resource(2, "x", OPAQUE, "R", stream=True),)), "stream is for a single OPAQUE that is written"),
    (dict(resources=(Resource(2, "x", OPAQUE, "W", multiple=True, stream=True),)), "stream is for a single OPAQUE"),
    (dict(resources=(Resource(2, "x", OPAQUE, "W", raw=True, stream=True),)), "stream is for a single OPAQUE"),
    (dict(resources=(Resource(2, "x", OPAQUE, "W", max_size=9, stream=True),)), "how long it may be, its sink says"),
    (dict(resources=(Resource(2, "x", OPAQUE, "W", stream=True),)), "the class has no method open_x(self, server)"),
]


@pytest.mark.parametrize(("attributes", "said"), BAD)
def test_bad_tables_are_refused(attributes, said):
    cls = type("Sensor", (Object,), {"object_id": 3303, "resources": (GOOD,), **attributes})
    model = Model()
    for item in (cls, cls()):
        with pytest.raises(ParameterError) as caught:
            model.add(item)
        assert caught.value.atiny_code == ATINY_ARG_INVALID
        assert "Sensor." in str(caught.value)
        assert said in str(caught.value)
    assert not model.objects
    assert model.generation == 0


@pytest.mark.parametrize("item", [Object, None, 5, "Lamp", Resource(1, "x"), int, Resource])
def test_what_is_no_object(item):
    with pytest.raises(ParameterError):
        Model().add(item)


def test_an_execute_of_the_class_s_own_needs_no_methods():
    class Panel(Object):
        object_id = 31000
        resources = [Resource(0, "press", NONE, "E")]

        def execute(self, resource, arguments):
            return None

    Model().add(Panel())


def test_instances_take_the_lowest_free_id():
    model = Model()
    lamps = [Lamp() for _ in range(4)]
    lamps[1].instance_id = 2
    for lamp in lamps:
        model.add(lamp)
    assert [lamp.instance_id for lamp in lamps] == [0, 2, 1, 3]
    assert model.objects[3311].ids == [0, 1, 2, 3]
    model.remove("/3311/1")
    late = Lamp()
    model.add(late)
    assert late.instance_id == 1
    assert model.objects[3311].instances[1] is late


@pytest.mark.parametrize("id", [-1, 65535, 65536, "0", 1.0, True])
def test_bad_instance_ids(id):
    model = Model()
    lamp = Lamp()
    lamp.instance_id = id
    with pytest.raises(ParameterError, match="the instance id .* is not a number from 0 to 65534"):
        model.add(lamp)
    assert not model.objects, "nothing of it stays"


def test_an_instance_id_twice_and_a_second_of_a_single_one():
    model = Model()
    model.add(Lamp())
    again = Lamp()
    again.instance_id = 0
    with pytest.raises(ParameterError, match="/3311/0 exists already"):
        model.add(again)
    model.add(Clock())
    with pytest.raises(ParameterError, match="Clock.multiple is False"):
        model.add(Clock())
    with pytest.raises(ParameterError, match="object 3333 is already defined by Clock"):
        model.add(Other())
    assert model.objects[3311].ids == [0]
    assert model.objects[3333].ids == [0]


def test_the_links_of_a_registration():
    model = Model()
    assert model.links() == []
    widget = Widget()
    widget.instance_id = 7
    security = type("Security", (Object,), {"object_id": 0, "resources": ()})
    for item in (widget, security(), Lamp, Clock()):
        model.add(item)
    assert model.links() == [(3311,), (3333, 0), (31024,), (31024, 7)], "sorted, version carriers, never object 0"
    model.add(Lamp())
    assert model.links() == [(3311, 0), (3333, 0), (31024,), (31024, 7)]


def test_the_generation_grows_when_something_comes_or_goes():
    model = Model()
    seen = [model.generation]

    def step(function, *args, grows=True):
        function(*args)
        assert (model.generation > seen[-1]) is grows
        seen.append(model.generation)

    step(model.add, Lamp)
    step(model.add, Lamp())
    step(model.add, Lamp())
    step(model.remove, "/3311/5", grows=False)
    step(model.remove, "/9", grows=False)
    step(model.remove, "/3311/0/5850", grows=False)
    step(model.remove, (3311, 0))
    assert model.has((3311, 1))
    assert not model.has((3311, 0))
    step(model.remove, "/3311")
    assert not model.has((3311,))
    assert model.links() == []


def test_values_come_from_methods_else_from_attributes():
    class Sensor(Object):
        object_id = 3303
        resources = (
            Resource(5700, "value", FLOAT, "R"),
            Resource(5701, "units", STRING, "RW"),
            Resource(5750, "label", STRING, "RW"),
        )
        units = "Cel"

        def read_value(self):
            return 21.5

        def write_label(self, value):
            self.written = value

    sensor = Sensor()
    value, units, label = Sensor.resources
    assert [sensor.read(row) for row in (value, units, label)] == [21.5, "Cel", None]
    sensor.write(units, "F")
    sensor.write(label, "roof")
    assert (sensor.units, sensor.written, sensor.read(label)) == ("F", "roof", None)
    sensor.replace()
    assert (sensor.units, sensor.written) == (None, "roof"), "what only a method knows is not forgotten here"
    Model().add(sensor)
    assert "5750" in repr(label)


def test_values_that_come_all_at_once():
    class Weather(Object):
        """One transfer from the sensor gives both."""

        object_id = 3315
        resources = (Resource(5700, "pressure", FLOAT, "R"), Resource(5701, "units", STRING, "R"))
        transfers = 0

        def read_all(self, resources):
            self.transfers += 1
            return list(zip(resources, (1013.25, "hPa"), strict=True))

    weather = Weather()
    model = Model()
    model.add(weather)
    paths = [(3315, 0, 5700), (3315, 0, 5701)]
    assert [(path, value) for path, _, value in read(model, (3315, 0))] == [
        (paths[0], 1013.25),
        (paths[1], "hPa"),
    ]
    assert weather.transfers == 1
    units = Weather.resources[1]
    assert Object.read_all(weather, Weather.resources) == []
    weather.units = "bar"
    assert Object.read_all(weather, Weather.resources) == [(units, "bar")]
    assert read(model, (3315, 0, 5701)) == [(paths[1], STRING, "bar")], "one alone is read by itself"


class Dimmer(Object):
    object_id = 31001
    resources = (
        Resource(0, "level", FLOAT, "RW", range=(0, 100)),
        Resource(1, "steps", INTEGER, "RW", multiple=True, range=(-1, 1)),
    )

    def check_level(self, value):
        if value == 13:
            raise Rejected(BAD_REQUEST, "not that one")


@pytest.mark.parametrize(
    ("id", "value", "refused"),
    [
        (0, 0.0, None),
        (0, 100, None),
        (0, 100.5, "level is 0 to 100"),
        (0, -0.5, "level is 0 to 100"),
        (0, float("nan"), "level is 0 to 100"),
        (0, 13, "not that one"),  # the method is asked too
        (1, {}, None),
        (1, {0: -1, 7: 1}, None),
        (1, {0: -1, 7: 2}, "steps is -1 to 1"),
    ],
)
def test_a_number_within_its_range(id, value, refused):
    dimmer = Dimmer()
    if refused is None:
        dimmer.check(dimmer.resources[id], value)
    else:
        with pytest.raises(Rejected) as caught:
            dimmer.check(dimmer.resources[id], value)
        assert (caught.value.code, caught.value.diagnostic) == (BAD_REQUEST, refused)
