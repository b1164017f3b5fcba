"""What only M15 can ask for: each number of Content-Format, OPAQUE, legacy numbers, resource instances, composites.

It also tells the format of an answer. Link format is not among them: a Read that accepts it is a Discover.
"""

import pytest

from tests.interop.device import Lamp, Light, Portfolio, Temperature
from tests.interop.leshan import resource
from tests.interop.library import ONLY_M15

pytestmark = [pytest.mark.interop, ONLY_M15]

TEXT, OPAQUE, TLV, TLV_LEGACY, JSON, JSON_LEGACY = 0, 42, 11542, 1542, 11543, 1543
CBOR, SENML_JSON, SENML_CBOR = 60, 110, 112
OF_LATER_VERSIONS = (CBOR, SENML_JSON, SENML_CBOR)

TEMPERATURE = {5700: 21.5, 5601: -40.25, 5602: 85.0, 5701: "Cel"}
IDENTITY = {0: "host", 1: "manufacturer", 3: "serial"}


@pytest.fixture
def device(devices):
    lamp, portfolio = Lamp(), Portfolio()
    _, remote = devices.start(device=lamp, objects=[Temperature(), Light(), portfolio])
    remote.lamp, remote.portfolio = lamp, portfolio
    return remote


@pytest.mark.parametrize(
    ("path", "value", "default", "formats"),
    [
        ("/3303/0/5700", 21.5, TEXT, (TEXT, TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/3303/0", TEMPERATURE, TLV, (TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/3303", {0: TEMPERATURE}, TLV, (TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/16/0/0", IDENTITY, TLV, (TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/16/0/0/1", "manufacturer", TEXT, (TEXT, TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/16/0/2", {0: "0001", 7: "ff"}, TLV, (TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
        ("/16/0/2/7", "ff", OPAQUE, (TEXT, OPAQUE, TLV, TLV_LEGACY, JSON, JSON_LEGACY)),
    ],
    ids=lambda item: item.replace("/", "_") if isinstance(item, str) else "",
)
def test_read_in_each_format(device, path, value, default, formats):
    answer = device.read(path)
    assert (answer.code, answer.format, answer.value) == ("2.05", default, value)
    for format in (TEXT, OPAQUE, TLV, TLV_LEGACY, JSON, JSON_LEGACY, *OF_LATER_VERSIONS):
        answer = device.read(path, format)
        if format in formats:
            assert (answer.code, answer.format, answer.value) == ("2.05", format, value)
        else:
            assert (answer.code, format) == ("4.06", format)


@pytest.mark.parametrize("format", [TLV_LEGACY, JSON_LEGACY])
def test_write_with_legacy_numbers(device, format):
    assert device.write("/3311/0/5851", resource(5851, 7), format).code == "2.04"
    assert device.read("/3311/0/5851", format).value == 7


@pytest.mark.parametrize("format", OF_LATER_VERSIONS)
def test_formats_of_later_versions_are_not_written(device, format):
    assert device.write("/3311/0/5851", resource(5851, 7), format).code == "4.15"
    assert device.read("/3311/0/5851").code == "4.04"  # it has no value yet


@pytest.mark.parametrize("format", [None, TEXT, TLV, JSON])
@pytest.mark.parametrize("instance", [1, 8])
def test_write_a_resource_instance(device, instance, format):
    """One that is there, and a new one; the others stay."""
    assert device.write(f"/16/0/0/{instance}", {"value": "größer"}, format).code == "2.04"
    assert device.portfolio.identity == {**IDENTITY, instance: "größer"}


@pytest.mark.parametrize("path", ["/16/0/0/9", "/3303/0/5700/0", "/16/3/0/1"])
def test_resource_instances_that_are_not_there(device, path):
    assert device.read(path).code == "4.04"
    assert device.observe(path).code == "4.04"


@pytest.mark.parametrize("format", [None, TLV, JSON])
def test_update_and_replace_a_multiple_resource(device, format):
    assert device.update("/16/0/0", resource(0, {1: "model", 5: "new"}), format).code == "2.04"
    assert device.portfolio.identity == {**IDENTITY, 1: "model", 5: "new"}
    assert device.write("/16/0/0", resource(0, {1: "model", 5: "only"}), format).code == "2.04"
    assert device.portfolio.identity == {1: "model", 5: "only"}


# -- object 19: any octets are a command


@pytest.mark.parametrize("path", ["/19/0/0", "/19/1/0"])
@pytest.mark.parametrize("format", [OPAQUE, TLV, TLV_LEGACY, JSON, JSON_LEGACY])
def test_commands_in_each_format(device, path, format):
    commands = [bytes(range(256)), b"\x00", b"\xff" * 1024]  # the last one is as long as they may be
    for command in commands:
        assert device.write(path, resource(0, command.hex()), format).code == "2.04"
    assert device.lamp.commands == commands
    assert device.write(path, resource(0, "00" * 1025), format).code == "4.13"
    assert device.lamp.commands == commands


def test_a_command_as_text_is_not_decoded(device):
    """As clouds send it that are made for the SDK. Leshan writes octets in base64 there."""
    assert device.write("/19/1/0", resource(0, "00ff"), TEXT).code == "2.04"
    assert device.lamp.commands == [b"AP8="]


def test_reports_in_each_format(devices):
    client, remote = devices.start()
    for number, format in enumerate((None, OPAQUE, TLV, TLV_LEGACY)):
        assert remote.observe("/19/0/0", format).code == "2.05"
        client.report(bytes([number]))
        assert remote.notified() in (f"{number:02x}", {0: f"{number:02x}"})


@pytest.mark.parametrize("path", ["/3/0", "/3/0/0"])
def test_composites_came_with_a_later_version(device, path):
    assert device.read_composite(path).code == "4.05"
