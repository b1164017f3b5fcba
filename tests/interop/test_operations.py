"""Read, Write, Execute, Create and Delete by Leshan, on each level and in each format that it offers.

Leshan asks for no format unless told (then the device chooses), and writes TLV by default. Of the formats it offers,
SenML and CBOR came with LwM2M 1.1: a 1.0 device refuses them.
"""

import pytest

from tests.interop.device import Lamp, Light, Portfolio, Temperature
from tests.interop.leshan import UPDATED, instance, resource
from tests.interop.program import Refused

pytestmark = pytest.mark.interop

TEMPERATURE = {5700: 21.5, 5601: -40.25, 5602: 85.0, 5701: "Cel"}


@pytest.fixture
def device(devices):
    lamp, light, temperature = Lamp(), Light(), Temperature()
    light.on, light.dimmer, light.on_time, light.power_factor, light.colour = True, 55, 2**40, 0.25, "größer"
    client, remote = devices.start(device=lamp, objects=[temperature, light, Portfolio()])
    remote.lamp, remote.light, remote.temperature = lamp, light, temperature
    return remote


# -- Read


@pytest.mark.parametrize(
    ("path", "format", "code"),
    [
        ("/3303/0/5700", None, "2.05"),
        ("/3303/0/5700", "TEXT", "2.05"),
        ("/3303/0/5700", "TLV", "2.05"),
        ("/3303/0/5700", "JSON", "2.05"),
        ("/3303/0/5700", "OPAQUE", "4.06"),
        ("/3303/0/5700", "SENML_JSON", "4.06"),
        ("/3303/0/5700", "SENML_CBOR", "4.06"),
        ("/3303/0/5700", "CBOR", "4.06"),
        ("/3303/0", None, "2.05"),
        ("/3303/0", "TLV", "2.05"),
        ("/3303/0", "JSON", "2.05"),
        ("/3303/0", "TEXT", "4.06"),
        ("/3303/0", "OPAQUE", "4.06"),
        ("/3303/0", "SENML_JSON", "4.06"),
        ("/3303", None, "2.05"),
        ("/3303", "TLV", "2.05"),
        ("/3303", "JSON", "2.05"),
        ("/3303", "TEXT", "4.06"),
        ("/3303", "SENML_CBOR", "4.06"),
    ],
)
def test_read(device, path, format, code):
    answer = device.read(path, format)
    assert answer.code == code
    expected = {"/3303/0/5700": 21.5, "/3303/0": TEMPERATURE, "/3303": {0: TEMPERATURE}}[path]
    if code == "2.05":
        assert answer.value == expected


@pytest.mark.parametrize("format", [None, "TEXT", "TLV", "JSON"])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/3311/0/5850", True),
        ("/3311/0/5851", 55),
        ("/3311/0/5852", 2**40),
        ("/3311/0/5820", 0.25),
        ("/3311/0/5706", "größer"),
        ("/3/0/1", "lamp 500"),
        ("/3/0/13", "2023-11-14T22:13:20Z"),
        ("/3/0/14", "+02:00"),
        ("/16/0/3", -1),
    ],
)
def test_read_each_type(device, path, format, value):
    assert device.read(path, format).value == value


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
@pytest.mark.parametrize(
    ("path", "value"),
    [("/16/0/0", {0: "host", 1: "manufacturer", 3: "serial"}), ("/16/0/2", {0: "0001", 7: "ff"})],
)
def test_read_a_multiple_resource(device, path, format, value):
    assert device.read(path, format).value == value
    assert device.read("/16/0", format).value[int(path[-1])] == value


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/3303/1", "4.04"),
        ("/3303/0/5999", "4.04"),
        ("/3304", "4.04"),
        ("/3303/0/5605", "4.05"),
        ("/0/0/0", "4.01"),
        ("/0", "4.01"),
    ],
)
def test_read_what_cannot_be_read(device, path, code):
    assert device.read(path).code == code


# -- Write


@pytest.mark.parametrize("format", [None, "TEXT", "TLV", "JSON"])
@pytest.mark.parametrize(
    ("id", "name", "value"),
    [
        (5850, "on", False),
        (5851, "dimmer", 7),
        (5852, "on_time", -(2**40)),
        (5706, "colour", "weiß"),
        (5706, "colour", ""),
    ],
)
def test_write_a_resource(device, id, name, value, format):
    assert device.write(f"/3311/0/{id}", resource(id, value), format).code == "2.04"
    assert getattr(device.light, name) == value
    assert device.read(f"/3311/0/{id}", format).value == value


def test_write_the_time(device):
    assert device.write("/3/0/13", resource(13, "2024-02-29T12:00:00Z")).code == "2.04"
    assert device.lamp.now == 1_709_208_000
    assert device.read("/3/0/13").value == "2024-02-29T12:00:00Z"


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_write_a_multiple_resource(device, format):
    assert device.write("/16/0/0", resource(0, {2: "model", 5: "x"}), format).code == "2.04"
    assert device.read("/16/0/0").value == {2: "model", 5: "x"}


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_replace_and_update_an_instance(device, format):
    """A replacing Write (PUT) removes what it does not name, a partial update (POST) keeps it."""
    assert device.update("/3311/0", instance(0, {5851: 20, 5706: "red"}), format).code == "2.04"
    assert (device.light.on, device.light.dimmer, device.light.colour) == (True, 20, "red")
    assert device.light.on_time == 2**40

    assert device.write("/3311/0", instance(0, {5850: False, 5851: 30}), format).code == "2.04"
    light = device.light
    assert (light.on, light.dimmer, light.on_time, light.colour) == (False, 30, None, None)
    assert device.read("/3311/0").value == {5850: False, 5851: 30, 5820: 0.25}


@pytest.mark.parametrize(
    ("method", "path", "node", "format", "code"),
    [
        ("write", "/3311/0/5851", resource(5851, 101), None, "4.00"),  # the device's own check
        ("update", "/3311/0", instance(0, {5706: "blue", 5851: 101}), None, "4.00"),
        ("write", "/3311/0", instance(0, {5851: 3}), None, "4.00"),  # lacks what is mandatory
        ("write", "/3311/0/5820", resource(5820, 0.5), None, "4.05"),
        ("write", "/3311/4/5851", resource(5851, 1), None, "4.04"),
        ("write", "/3311/0/5851", resource(5851, 1), "SENML_JSON", "4.15"),
        ("write", "/3311/0/5851", resource(5851, 1), "SENML_CBOR", "4.15"),
    ],
)
def test_what_cannot_be_written_changes_nothing(device, method, path, node, format, code):
    before = device.read("/3311/0").value
    assert getattr(device, method)(path, node, format).code == code
    assert device.read("/3311/0").value == before


# -- Execute


@pytest.mark.parametrize("arguments", ["", "0", "0='hello',7='x'"])
def test_execute(device, arguments):
    assert device.execute("/3303/0/5605", arguments).code == "2.04"
    assert device.temperature.executed == [arguments]


@pytest.mark.parametrize(
    ("path", "code"), [("/3303/0/5700", "4.05"), ("/3303/0/5999", "4.04"), ("/3303/3/5605", "4.04")]
)
def test_what_cannot_be_executed(device, path, code):
    assert device.execute(path).code == code


def test_reboot_is_answered_first(device):
    assert device.execute("/3/0/4").code == "2.04"
    assert device.lamp.rebooted.wait(10)


# -- Create and Delete


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_create_and_delete(device, format):
    """Leshan sends the instance's id within TLV and JSON; without one the device chooses it."""
    made = device.create("/3311", instance(4, {5850: True, 5706: "green"}), format)
    assert (made.code, made.location) == ("2.01", "3311/4")
    assert device.read("/3311/4").value == {5850: True, 5706: "green"}
    urls = lambda event: [link["url"] for link in event["objectLinks"]]  # noqa: E731
    device.next(UPDATED, lambda event: "/3311/4" in urls(event))

    assert device.delete("/3311/4").code == "2.02"
    assert device.read("/3311/4").code == "4.04"
    device.next(UPDATED, lambda event: "/3311/4" not in urls(event))


@pytest.mark.parametrize("format", [None, "TLV"])
def test_create_with_the_id_that_the_device_chooses(device, format):
    made = device.create("/3311", instance(None, {5850: True}), format)
    assert (made.code, made.location) == ("2.01", "3311/1")
    assert device.read("/3311/1").value == {5850: True}


@pytest.mark.parametrize(
    ("path", "node", "code"),
    [
        ("/3311", instance(0, {5850: True}), "4.00"),  # exists
        ("/3311", instance(3, {5851: 5}), "4.00"),  # lacks what is mandatory
        ("/3303", instance(3, {5700: 5.5}), "4.05"),  # not by a server
        ("/3304", instance(0, {5700: 5.5}), "4.04"),
    ],
)
def test_what_cannot_be_created(device, path, node, code):
    assert device.create(path, node).code == code


@pytest.mark.parametrize(("path", "code"), [("/3303/0", "4.05"), ("/3311/9", "4.04"), ("/3/0", "4.05")])
def test_what_cannot_be_deleted(device, path, code):
    assert device.delete(path).code == code


def test_leshan_deletes_instances_only(device):
    with pytest.raises(Refused, match="Only object instances"):
        device.delete("/3311")
