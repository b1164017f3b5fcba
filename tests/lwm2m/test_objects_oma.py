"""The tables of the built-in objects against OMA's definitions of version 1.0, row by row."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from atiny.lwm2m import types
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.app_data import AppData
from atiny.lwm2m.objects.connectivity import Connectivity
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.firmware import Firmware
from atiny.lwm2m.objects.location import Location
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.objects.statistics import Statistics

DEFINITIONS = Path(__file__).parents[1] / "data" / "oma"
OBJECTS = {
    "0-1_0.xml": Security,
    "1-1_0.xml": Server,
    "2-1_0.xml": AccessControl,
    "3-1_0.xml": Device,
    "4-1_0.xml": Connectivity,
    "5-1_0.xml": Firmware,
    "6-1_0.xml": Location,
    "7-1_0.xml": Statistics,
    "19.xml": AppData,
}

TYPES = {
    "": types.NONE,
    "string": types.STRING,
    "integer": types.INTEGER,
    "float": types.FLOAT,
    "boolean": types.BOOLEAN,
    "opaque": types.OPAQUE,
    "time": types.TIME,
    "objlnk": types.OBJLNK,
}

# Where a table is not as OMA has it: (object, resource) -> (type, operations, multiple, mandatory) of ours, and why.
DEVIATIONS = {
    (1, 9): (
        (types.NONE, "E", False, False),
        "Bootstrap-Request Trigger, of the Server object's version 1.1: by it a server starts a bootstrap",
    ),
    (5, 4): (
        (types.BOOLEAN, "RW", False, False),
        "Update Supported Objects, of version 1.0 before its last corrections: servers of that time ask for it",
    ),
    (19, 0): (
        (types.OPAQUE, "RW", False, True),
        "single in the SDK and in the clouds made for it: /19/0/0 and /19/1/0 carry the bytes themselves",
    ),
}


def child(element, name):
    return (element.find(name).text or "").strip()


def definition(name):
    return ElementTree.parse(DEFINITIONS / name).getroot().find("Object")


def oma_rows(name):
    """{id: (type, operations, multiple, mandatory)}"""
    return {
        int(item.get("ID")): (
            TYPES[child(item, "Type").lower()],
            child(item, "Operations"),
            child(item, "MultipleInstances") == "Multiple",
            child(item, "Mandatory") == "Mandatory",
        )
        for item in definition(name).find("Resources")
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_every_resource_is_that_of_the_definition(name):
    cls = OBJECTS[name]
    expected = oma_rows(name)
    assert len(expected) >= 4
    for (object_id, id), (row, why) in DEVIATIONS.items():
        if object_id == cls.object_id:
            assert expected.get(id) != row, "no deviation: " + why
            expected[id] = row
    ours = {row.id: (row.type, row.operations, row.multiple, row.mandatory) for row in cls.resources}
    assert ours == expected
    assert [row.id for row in cls.resources] == sorted(expected)


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_is_that_of_the_definition(name):
    cls = OBJECTS[name]
    root = definition(name)
    assert cls.object_id == int(child(root, "ObjectID"))
    assert cls.multiple is (child(root, "MultipleInstances") == "Multiple")
    assert cls.version is None, "1.0"
    assert not cls.creatable, "no server makes instances of them"


def test_every_deviation_is_of_an_object_that_is_compared():
    assert {id for id, _ in DEVIATIONS} <= {cls.object_id for cls in OBJECTS.values()}
