"""Register, Update, De-register and Discover with Leshan.

Leshan checks the endpoint name, the lifetime and the binding, and takes the root path from ``rt="oma.lwm2m"``. It sorts
the object links.
"""

import pytest

import atiny
from tests.interop.device import Lamp, Light, Temperature
from tests.interop.leshan import DEREGISTRATION, NOTIFICATION, REGISTRATION, UPDATED, links, resource
from tests.interop.program import Refused

pytestmark = pytest.mark.interop


def test_register_and_deregister(devices, leshan):
    endpoint = devices.name()
    client, remote = devices.start(endpoint=endpoint, objects=[Temperature()], lifetime=300)
    registration = remote.registration
    assert (registration["endpoint"], registration["lifetime"]) == (endpoint, 300)
    assert (registration["lwM2mVersion"], registration["bindingMode"]) == ("1.0", "U")
    assert (registration["secure"], registration["queuemode"], registration["rootPath"]) == (False, False, "/")
    assert {"/1/0", "/3/0", "/19/0", "/19/1", "/3303/0"} <= set(links(registration))
    assert "/0/0" not in links(registration)

    client.stop()
    assert remote.next(DEREGISTRATION)["registrationId"] == registration["registrationId"]
    assert remote.registration is None


def test_an_endpoint_name_beyond_ascii(devices):
    _, remote = devices.start(endpoint="Flurlampe-Süd 2")
    assert remote.registration["endpoint"] == "Flurlampe-Süd 2"
    assert remote.read("/3/0/0").value == "atiny"


def test_update_of_the_objects(devices):
    client, remote = devices.start(objects=[Light])
    assert "/3303/0" not in links(remote.registration)
    assert "/3311" in links(remote.registration)

    client.add_object(Temperature())
    event = remote.next(UPDATED, lambda event: "/3303/0" in links(event))
    assert event["lifetime"] == 86400
    client.remove_object("/3303/0")
    remote.next(UPDATED, lambda event: "/3303/0" not in links(event))


def test_update_of_the_lifetime_and_the_binding(devices):
    _, remote = devices.start(lifetime=600)
    assert remote.write("/1/0/1", resource(1, 500)).code == "2.04"
    event = remote.next(UPDATED, lambda event: event["lifetime"] == 500)
    assert event["bindingMode"] == "U"
    assert remote.write("/1/0/7", resource(7, "UQ")).code == "2.04"
    event = remote.next(UPDATED, lambda event: event["bindingMode"] == "UQ")
    assert event["lifetime"] == 500
    assert (remote.read("/1/0/1").value, remote.read("/1/0/7").value) == (500, "UQ")


def test_update_on_request_of_the_server(devices):
    _, remote = devices.start()
    assert remote.execute("/1/0/8").code == "2.04"
    remote.next(UPDATED)


def test_updates_keep_a_registration_alive(devices):
    _, remote = devices.start(lifetime=2)
    identifier = remote.registration["registrationId"]
    for _ in range(2):
        remote.next(UPDATED)
    assert remote.registration["registrationId"] == identifier


def test_a_lifetime_that_ends(devices):
    """The device is silent: Leshan forgets it, and takes it again."""
    client, remote = devices.start(lifetime=1)
    client.go_offline()
    assert remote.next(DEREGISTRATION)["endpoint"] == remote.endpoint
    assert remote.registration is None
    client.go_online()
    remote.next(REGISTRATION)
    assert remote.read("/3/0/0").value == "atiny"


def test_several_devices(devices, leshan):
    """Each has its own registration, observations and links; one goes, the others stay."""
    made = []
    for number in range(6):
        temperature = Temperature()
        temperature.sensor_value = number + 0.5
        client, remote = devices.start(objects=[temperature], lifetime=100 + number)
        made.append((client, remote, temperature))
    for number, (_, remote, _) in enumerate(made):
        assert remote.registration["lifetime"] == 100 + number
        assert remote.observe("/3303/0/5700").value == number + 0.5
    for client, _, temperature in made:
        temperature.sensor_value += 10
        client.changed("/3303/0/5700")
    assert [remote.notified() for _, remote, _ in made] == [number + 10.5 for number in range(6)]
    assert [leshan.count(remote.endpoint, NOTIFICATION) for _, remote, _ in made] == [0] * 6

    made[0][0].stop()
    made[0][1].next(DEREGISTRATION)
    assert [remote.registration is None for _, remote, _ in made] == [True] + [False] * 5
    assert [remote.read("/3303/0/5700").value for _, remote, _ in made[1:]] == [11.5, 12.5, 13.5, 14.5, 15.5]


def test_the_server_disables_the_device_for_a_while(devices):
    client, remote = devices.start()
    assert remote.write("/1/0/5", resource(5, 1)).code == "2.04"
    try:
        outcome = remote.execute("/1/0/4").code
    except Refused as refused:  # the De-register follows the answer, and may overtake it in Leshan's threads
        outcome = str(refused).lower()
    assert outcome == "2.04" or "cancel" in outcome
    remote.next(DEREGISTRATION)
    remote.next(REGISTRATION)
    assert remote.read("/3/0/0").value == "atiny"


def test_reconnect_registers_anew(devices):
    client, remote = devices.start()
    before = remote.registration["registrationId"]
    client.reconnect()
    assert remote.next(REGISTRATION)["registrationId"] != before
    client.told.wait(atiny.ATINY_REG_OK, count=2)
    assert remote.read("/3/0/0").value == "atiny"


def test_discover(devices):
    _, remote = devices.start(objects=[Temperature(), Temperature(), Light], device=Lamp())
    answer = remote.discover("/3303")
    assert answer.code == "2.05"
    paths = {"/3303", "/3303/0", "/3303/0/5700", "/3303/0/5605", "/3303/1", "/3303/1/5700"}
    assert paths <= set(answer.links)
    assert set(remote.discover("/3303/1").links) == {
        "/3303/1", "/3303/1/5700", "/3303/1/5601", "/3303/1/5602", "/3303/1/5701", "/3303/1/5605",
    }  # fmt: skip
    assert set(remote.discover("/3303/1/5700").links) == {"/3303/1/5700"}
    assert "/3/0/9" in remote.discover("/3/0").links
    assert "/3/0/7" not in remote.discover("/3/0").links  # the device has no voltage
    assert remote.discover("/3303/2").code == "4.04"
    assert remote.discover("/3304").code == "4.04"


def test_discover_shows_the_attributes(devices):
    _, remote = devices.start(objects=[Temperature()])
    assert remote.write_attributes("/3303/0", pmin=3, pmax=60).code == "2.04"
    assert remote.write_attributes("/3303/0/5700", gt=30, lt=-5, st=1).code == "2.04"
    shown = remote.discover("/3303/0").links
    assert {key: float(value) for key, value in shown["/3303/0"].items()} == {"pmin": 3, "pmax": 60}
    assert {key: float(value) for key, value in shown["/3303/0/5700"].items()} == {"gt": 30, "lt": -5, "st": 1}
    # The attributes of a resource include what is inherited (LwM2M 1.0, 5.4.2).
    alone = remote.discover("/3303/0/5700").links["/3303/0/5700"]
    assert {key: float(value) for key, value in alone.items()} == {"pmin": 3, "pmax": 60, "gt": 30, "lt": -5, "st": 1}
