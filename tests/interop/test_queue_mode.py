"""Queue mode (UQ): a device that sleeps, and how Leshan takes it.

Leshan takes a UQ device for awake until 93 s after its last message, or until a request of the server stays without an
answer; then it sends nothing until the device's next Update. Those 93 s are a setting of the library.
"""

import time

import pytest

from tests.cloud.dtls_peer import needs_dtls
from tests.interop.device import Lamp, Light, Temperature
from tests.interop.leshan import AWAKE, NOTIFICATION, SLEEPING, UPDATED, resource
from tests.interop.library import ONLY_M15
from tests.interop.program import Refused

pytestmark = pytest.mark.interop

AWAKE_S = 1


def wait_asleep(client, timeout_s=10):
    end = time.monotonic() + timeout_s
    while True:
        until = client.sleep_until()
        if until is None or until > client.platform.hardware.gettime_ms():
            return
        assert time.monotonic() < end, "the device does not fall asleep"
        time.sleep(0.02)


def test_a_device_sleeps_and_wakes(devices):
    temperature = Temperature()
    client, remote = devices.start(binding="UQ", awake_s=AWAKE_S, objects=[temperature])
    remote.next(AWAKE)
    registration = remote.registration
    assert (registration["bindingMode"], registration["queuemode"], registration["sleeping"]) == ("UQ", True, False)
    assert remote.read("/3303/0/5700").value == 21.5
    assert remote.observe("/3303/0/5700").value == 21.5

    wait_asleep(client)
    with pytest.raises(Refused, match="(?i)timeout"):  # the device does not listen
        remote.read("/3303/0/5700", timeout=1)
    remote.next(SLEEPING)
    with pytest.raises(Refused, match="sleeping"):
        remote.read("/3303/0/5700")
    assert remote.registration["sleeping"] is True

    temperature.sensor_value = 22.5
    client.changed("/3303/0/5700")  # wakes it: the Update goes first
    remote.next(UPDATED)
    remote.next(AWAKE)
    assert remote.notified() == 22.5
    assert remote.read("/3303/0/5700").value == 22.5


def test_a_sleeping_device_wakes_for_its_updates(devices):
    client, remote = devices.start(binding="UQ", awake_s=AWAKE_S, lifetime=4)
    remote.next(AWAKE)
    wait_asleep(client)
    remote.next(UPDATED)
    assert remote.read("/3/0/0").value == "atiny"


def test_a_report_wakes_the_device(devices):
    client, remote = devices.start(binding="UQ", awake_s=AWAKE_S)
    remote.observe("/19/0/0")
    wait_asleep(client)
    client.report(b"\x01\x02")
    remote.next(UPDATED)
    assert remote.next(NOTIFICATION)["val"]["value"] == "0102"


@ONLY_M15
@pytest.mark.parametrize("secure", [False, pytest.param(True, marks=needs_dtls)], ids=["NoSec", "PSK"])
def test_what_is_asked_of_a_sleeping_device_waits(devices, leshan, secure):
    """Leshan's presence service tells when the device is awake; then what is queued is sent, in order."""
    endpoint, options = devices.name(), {}
    arguments = (leshan.url,)
    if secure:
        leshan.add_psk(endpoint, endpoint, b"0123456789abcdef")
        arguments, options = (leshan.secure_url,), {"psk": (endpoint, b"0123456789abcdef")}
    leshan.set_awake_time(endpoint, AWAKE_S)
    lamp, temperature = Lamp(), Temperature()
    client, remote = devices.start(
        *arguments,
        endpoint=endpoint,
        binding="UQ",
        awake_s=AWAKE_S,
        objects=[temperature],
        device=lamp,
        **options,
    )
    remote.next(AWAKE)
    remote.next(SLEEPING)  # by the time that passed: nothing was asked
    assert remote.registration["sleeping"] is True
    wait_asleep(client)
    with pytest.raises(Refused, match="sleeping"):
        remote.read("/3303/0/5700")

    write = leshan.ask_when_awake(endpoint, "write", "/19/1/0", node=resource(0, "0102"), format="OPAQUE")
    observe = leshan.ask_when_awake(endpoint, "observe", "/3303/0/5700")
    read = leshan.ask_when_awake(endpoint, "read", "/3311/0/5850")
    temperature.sensor_value = 22.5
    client.add_object(Light())  # needs an Update, which wakes it
    remote.next(UPDATED)
    remote.next(AWAKE)
    assert (write().code, observe().value, read().value) == ("2.04", 22.5, False)
    assert lamp.commands == [b"\x01\x02"]

    remote.next(SLEEPING)
    wait_asleep(client)
    temperature.sensor_value = 23.5
    client.changed("/3303/0/5700")
    remote.next(AWAKE)
    assert remote.notified() == 23.5
