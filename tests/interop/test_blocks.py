"""Block-wise transfers with Leshan: every kind of message that may be longer than a block, either way."""

import pytest

from tests.interop.device import Lamp, Light
from tests.interop.leshan import UPDATED, instance, links, resource

pytestmark = pytest.mark.interop

LONG = "".join(f"{number:05}" for number in range(700))


def lights(count):
    made = []
    for number in range(count):
        light = Light()
        light.dimmer, light.colour = number % 100, f"a colour for the lamp with the number {number}"
        made.append(light)
    return made


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_read_a_large_object(devices, format):
    """4 kB in TLV, 7 kB in JSON; Leshan takes 8 kB."""
    _, remote = devices.start(objects=lights(60))
    found = remote.read("/3311", format).value
    assert {key: values[5851] for key, values in found.items()} == {number: number for number in range(60)}
    assert found[59][5706] == "a colour for the lamp with the number 59"


@pytest.mark.parametrize("format", [None, "TEXT", "TLV", "JSON"])
def test_write_and_read_a_large_resource(devices, format):
    light = Light()
    _, remote = devices.start(objects=[light])
    assert remote.write("/3311/0/5750", resource(5750, LONG), format).code == "2.04"
    assert light.application_type == LONG
    assert remote.read("/3311/0/5750", format).value == LONG


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_write_and_create_a_large_instance(devices, format):
    light = Light()
    light.colour = "red"
    _, remote = devices.start(objects=[light])
    assert remote.update("/3311/0", instance(0, {5850: True, 5750: LONG}), format).code == "2.04"
    assert (light.on, light.application_type, light.colour) == (True, LONG, "red")
    assert remote.write("/3311/0", instance(0, {5850: False, 5750: LONG[1:]}), format).code == "2.04"
    assert (light.on, light.application_type, light.colour) == (False, LONG[1:], None)

    assert remote.create("/3311", instance(3, {5850: True, 5750: LONG}), format).location == "3311/3"
    assert remote.read("/3311/3", format).value == {5850: True, 5750: LONG}


def test_a_large_notification(devices):
    """Its first block is notified, the rest is read (RFC 7959, 2.6)."""
    made = lights(60)
    client, remote = devices.start(objects=made)
    assert len(remote.observe("/3311").value) == 60
    for number in (7, 42):
        made[number].dimmer = 100
        client.changed(f"/3311/{number}/5851")
        found = remote.notified()
        assert (len(found), found[number][5851]) == (60, 100)


def test_a_large_registration(devices):
    """2 kB of links in a Register, then in an Update."""
    client, remote = devices.start(objects=lights(200))
    assert {f"/3311/{number}" for number in range(200)} <= set(links(remote.registration))
    client.remove_object("/3311/150")
    remote.next(UPDATED, lambda event: "/3311/150" not in links(event))
    assert "/3311/199" in links(remote.registration)


def test_a_large_discover(devices):
    """4 kB."""
    _, remote = devices.start(objects=lights(60))
    assert {"/3311/0/5850", "/3311/59/5706"} <= set(remote.discover("/3311").links)


def test_a_large_command(devices):
    lamp = Lamp()
    _, remote = devices.start(device=lamp)
    assert remote.write("/19/1/0", resource(0, "aa" * 1024), "TLV").code == "2.04"
    assert lamp.commands == [b"\xaa" * 1024]


def test_what_is_too_long(devices):
    _, remote = devices.start(device=Lamp())
    assert remote.write("/19/1/0", resource(0, "aa" * 1025), "TLV").code == "4.13"
    assert remote.read("/3/0/0").value == "atiny"
