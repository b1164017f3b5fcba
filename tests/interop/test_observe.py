"""Write-Attributes, Observe, Notify and Cancel with Leshan.

Either release cancels passively: it forgets the observation, and answers the next notification by a Reset. M15 also
cancels actively, by a request with Observe 1. Observing a path again ends its earlier observation.
"""

import pytest

import atiny
from tests.interop.device import Light, Portfolio, Temperature
from tests.interop.leshan import ENDED, NOTIFICATION, resource
from tests.interop.library import ONLY_M15, Library
from tests.interop.program import Refused

pytestmark = pytest.mark.interop


@pytest.fixture
def device(devices):
    temperature, light = Temperature(), Light()
    client, remote = devices.start(objects=[temperature, light, Portfolio()])
    remote.client, remote.temperature, remote.light = client, temperature, light

    def warm(value):
        temperature.sensor_value = value
        client.changed("/3303/0/5700")

    remote.warm = warm
    return remote


@pytest.mark.parametrize("format", [None, "TEXT", "TLV", "JSON"])
def test_observe_a_resource(device, format):
    answer = device.observe("/3303/0/5700", format)
    assert (answer.code, answer.value) == ("2.05", 21.5)
    device.client.told.wait(atiny.ATINY_DATA_SUBSCRIBE, "/3303/0/5700")
    for value in (22.5, 23.25):
        device.warm(value)
        assert device.notified() == value


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_observe_an_instance(device, format):
    values = {5700: 21.5, 5601: -40.25, 5602: 85.0, 5701: "Cel"}
    assert device.observe("/3303/0", format).value == values
    device.warm(24.0)
    assert device.notified() == {**values, 5700: 24.0}


@pytest.mark.parametrize("format", [None, "TLV", "JSON"])
def test_observe_an_object(device, format):
    """A new instance is a change too."""
    assert set(device.observe("/3311", format).value) == {0}
    device.light.dimmer = 9
    device.client.changed("/3311/0/5851")
    assert device.notified() == {0: {5850: False, 5851: 9}}
    another = Light()
    another.on = True
    device.client.add_object(another)
    assert device.notified(lambda value: len(value) == 2) == {0: {5850: False, 5851: 9}, 1: {5850: True}}


def test_a_write_notifies(device):
    assert device.observe("/3311/0/5850").value is False
    assert device.write("/3311/0/5850", resource(5850, True)).code == "2.04"
    assert device.notified() is True


def test_cancel_passively(device):
    device.observe("/3303/0/5700")
    device.warm(22.5)
    assert device.notified() == 22.5
    device.cancel("/3303/0/5700")
    device.warm(23.5)  # is answered by a Reset
    device.client.told.wait(atiny.ATINY_DATA_UNSUBSCRIBE, "/3303/0/5700")

    device.observe("/3303/0/5700")
    device.warm(24.5)
    assert device.notified() == 24.5


@ONLY_M15
@pytest.mark.parametrize("path", ["/3303/0/5700", "/3303/0", "/3303"])
def test_cancel_actively(device, leshan, path):
    """The answer has the value; nothing is notified after it."""
    device.observe(path)
    device.warm(22.5)
    device.notified()
    answer = device.cancel_actively(path)
    assert answer.code == "2.05"
    assert "22.5" in str(answer.value)
    device.client.told.wait(atiny.ATINY_DATA_UNSUBSCRIBE, path)
    device.warm(23.5)
    assert device.read("/3303/0/5700").value == 23.5
    assert leshan.count(device.endpoint, NOTIFICATION) == 0


@ONLY_M15
@pytest.mark.parametrize("format", [None, "TEXT", "TLV", "JSON"])
def test_observe_a_resource_instance(device, format):
    """LwM2M 1.1 has this level; it does no harm in 1.0."""
    assert device.observe("/16/0/0/1", format).value == "manufacturer"
    assert device.write("/16/0/0/1", {"value": "model"}).code == "2.04"
    assert device.notified() == "model"
    assert device.write("/16/0/0/3", {"value": "number"}).code == "2.04"
    assert device.cancel_actively("/16/0/0/1").value == "model"


def test_observing_again_replaces(device):
    for _ in range(3):
        assert device.observe("/3303/0/5700").code == "2.05"
    for value in (25.5, 26.5, 27.5):  # each is told once
        device.warm(value)
        assert device.notified() == value
    assert device.client.told.count(atiny.ATINY_DATA_UNSUBSCRIBE) == 0


def test_what_cannot_be_observed(device):
    assert device.observe("/3303/7").code == "4.04"
    assert device.observe("/3303/0/5605").code == "4.05"


def test_confirmable_notifications_are_acknowledged(devices):
    temperature = Temperature()
    client, remote = devices.start(objects=[temperature], confirmable_notifications=True)
    remote.observe("/3303/0/5700")
    temperature.sensor_value = 22.5
    client.changed("/3303/0/5700")
    assert remote.notified() == 22.5
    client.told.wait(atiny.ATINY_NOTIFY_DONE, ("/3303/0/5700", 123, atiny.ReportStatus.SENT_SUCCESS))


def test_greater_less_and_step(device):
    """Crossing gt and lt in both directions, and a step; what crosses nothing is not told."""
    assert device.write_attributes("/3303/0/5700", gt=30, lt=10).code == "2.04"
    device.observe("/3303/0/5700")
    for value, told in [(25.0, False), (31.0, True), (35.0, False), (29.0, True), (9.0, True), (11.0, True)]:
        device.warm(value)
        if told:
            assert device.notified() == value

    assert device.write_attributes("/3303/0/5700", gt=None, lt=None, st=5).code == "2.04"
    for value, told in [(13.0, False), (15.5, False), (16.0, True), (12.0, False), (11.0, True)]:
        device.warm(value)
        if told:
            assert device.notified() == value


def test_minimum_period(device):
    """Changes within pmin are told together, the last value, when it is over."""
    assert device.write_attributes("/3303/0/5700", pmin=1).code == "2.04"
    device.observe("/3303/0/5700")
    for value in (22.5, 23.5, 24.5):
        device.warm(value)
    assert device.notified() == 24.5


def test_maximum_period(device):
    """Without a change, the value is told again each pmax."""
    assert device.write_attributes("/3303/0/5700", pmax=1).code == "2.04"
    device.observe("/3303/0/5700")
    assert [device.notified(), device.notified()] == [21.5, 21.5]


@pytest.mark.parametrize(
    ("path", "attributes", "code"),
    [
        ("/3303/3", {"pmin": 5}, "4.04"),
        ("/3303/0/5999", {"pmin": 5}, "4.04"),
    ],
)
def test_attributes_of_what_is_not_there(device, path, attributes, code):
    assert device.write_attributes(path, **attributes).code == code


@pytest.mark.parametrize(
    ("first", "second"),
    [({"gt": 5}, {"lt": 6}), ({"pmax": 5}, {"pmin": 9}), ({"gt": 10, "lt": 5}, {"st": 3})],
)
def test_attributes_that_contradict(device, leshan, first, second):
    """One after the other; M15 does not send them in one request."""
    assert device.write_attributes("/3303/0/5700", **first).code == "2.04"
    assert device.write_attributes("/3303/0/5700", **second).code == "4.00"
    if isinstance(leshan, Library):
        with pytest.raises(Refused, match="not valid"):
            device.write_attributes("/3303/0/5700", **first, **second)
    else:
        assert device.write_attributes("/3303/0/5700", **first, **second).code == "4.00"


def test_leshan_sends_only_attributes_that_it_knows(device):
    with pytest.raises(Refused, match="Unsupported attribute|attribute is unknown"):
        device.write_attributes("/3303/0/5700", con=1)


def test_a_removed_instance_ends_its_observation(device, leshan):
    device.create("/3311", {"id": 5, "resources": [{"id": 5850, "value": True}]})
    assert device.observe("/3311/5").code == "2.05"
    assert device.delete("/3311/5").code == "2.02"
    device.client.told.wait(atiny.ATINY_DATA_UNSUBSCRIBE, "/3311/5")
    if isinstance(leshan, Library):
        assert device.next(ENDED)["status"] == "NOT_FOUND(404)"
