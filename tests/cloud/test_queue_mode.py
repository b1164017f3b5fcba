"""Queue mode on loopback with atiny's own device: what comes while it sleeps waits, and goes in its order."""

import time

import pytest

import atiny
from atiny.cloud import CloudThread, CommandState, DeviceAsleep, ManualClock, Report, SessionEnded, Updated
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import FLOAT
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.scenarios import Lamp, clouds

PSK = ("lamp", b"Geheim")


class Temperature(Object):
    object_id = 3303
    resources = (Resource(5700, "sensor_value", FLOAT, "R"),)

    def read_sensor_value(self) -> float:
        return 21.5


def asleep(cloud: CloudThread) -> None:
    until = time.monotonic() + 5
    while cloud.call(lambda: cloud.cloud.device("lamp").reachable):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_commands_wait_for_the_next_update():
    clock = ManualClock()
    with clouds(1, clock=clock, awake_s=93) as [cloud], Lamp(cloud.url, binding="UQ", lifetime=7200) as device:
        at_cloud = cloud.wait_registered("lamp")
        assert at_cloud.command(b"\x00").wait(10) == CommandState.SUCCESS, "it is awake"
        cloud.call(clock.advance, 93)
        commands = [at_cloud.command(bytes([number])) for number in range(1, 6)]
        at_once = at_cloud.command(b"\xff", expire_s=0)
        assert at_once.wait(1) == CommandState.FAIL
        with pytest.raises(DeviceAsleep):
            at_cloud.read("/3/0/0")
        assert [command.state for command in commands] == [CommandState.WAITING] * 5
        after = cloud.events[-1].seq
        device.client.add_object(Temperature())  # which an Update tells
        assert [command.wait(10) for command in commands] == [CommandState.SUCCESS] * 5
        assert device.commands == [bytes([number]) for number in range(6)]
        assert cloud.wait_for(Updated, after=after).changed == ("objects",)
        assert at_cloud.read("/3303/0/5700").value == 21.5


@pytest.mark.parametrize("psk", [None, pytest.param(PSK, marks=needs_dtls)], ids=["nosec", "psk"])
def test_a_device_that_really_sleeps(psk):
    options = {} if psk is None else {"dtls_port": 0, "psk": dict([psk])}
    with clouds(1, awake_s=0.3, **options) as [cloud]:
        url = cloud.url if psk is None else cloud.secure_url
        with Lamp(url, psk=psk, binding="UQ", awake_s=0.1, lifetime=7200) as device:
            at_cloud = cloud.wait_registered("lamp")
            assert device.client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
            asleep(cloud)
            wakes = device.client.sleep_until()
            assert wakes is not None
            assert wakes - device.client.platform.hardware.gettime_ms() > 60_000
            commands = [at_cloud.command(bytes([number])) for number in range(3)]
            assert [command.state for command in commands] == [CommandState.WAITING] * 3
            after = cloud.events[-1].seq
            report = device.client.report(b"\x02")
            assert report.wait(10) == atiny.ReportStatus.SENT_SUCCESS
            assert [command.wait(10) for command in commands] == [CommandState.SUCCESS] * 3
            assert device.commands == [b"\x00", b"\x01", b"\x02"]
            # on waking, Update goes first, then what is to be notified
            updated = cloud.wait_for(Updated, after=after)
            assert updated.seq < cloud.wait_for(Report, after=after, data=b"\x02").seq
            assert not any(isinstance(event, SessionEnded) for event in cloud.events)
