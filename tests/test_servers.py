"""A client with several servers, in virtual time: what is each one's own. More is in tests/testing and tests/lwm2m."""

from atiny import ATINY_REG_FAIL, FLOAT, Object, ReportStatus, Resource, ServerAccount
from atiny.testing import Simulation


class Thermometer(Object):
    object_id = 3303
    resources = (Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),)

    def __init__(self):
        self.sensor_value = 20.0


class World:
    """A device with the servers "one" (short id 1) and "two" (2)."""

    def __init__(self, observe=("/19/0/0",)):
        self.simulation = Simulation()
        self.one = self.simulation.server("one", auto_observe=observe)
        self.two = self.simulation.server("two", auto_observe=observe)
        self.events = []
        self.sensor = Thermometer()
        self.client = self.simulation.client(
            "dev",
            [ServerAccount("coap://one", short_server_id=1), ServerAccount("coap://two", short_server_id=2)],
            objects=[self.sensor],
            on_event=lambda event, arg: self.events.append((event, arg)),
        )

    def run(self, ms=1000):
        self.simulation.run(ms)

    def done(self, request):
        """The code of a request, once virtual time has passed."""
        self.run()
        return request.code


def test_a_server_that_is_not_there_does_not_hold_up_the_other():
    world = World()
    world.two.silent = True
    world.run(5000)
    assert world.client.registered
    for number in range(20):
        before = world.simulation.now_ms
        report = world.client.report(b"%d" % number)
        world.simulation.run_until(lambda: report.done, 1000)  # noqa: B023
        assert report.status == ReportStatus.SENT_SUCCESS
        assert world.simulation.now_ms - before < 200
        world.run(60_000)
    assert world.one.count("register") == 1
    failures = [arg for event, arg in world.events if event == ATINY_REG_FAIL]
    assert len(failures) >= 3, "it was tried again and again"
    world.two.silent = False
    world.run(10 * 60_000)
    assert world.two.count("register") == 1
    assert world.one.count("register") == 1


def test_observations_and_attributes_are_each_servers_own():
    world = World(observe=())
    world.run()
    path = "/3303/0/5700"
    assert world.done(world.one.write_attributes("dev", path, "pmin=10")) == "2.04"
    first = world.one.observe("dev", path)
    second = world.two.observe("dev", path)
    world.run()
    for number in range(20):
        world.sensor.sensor_value = 20.0 + number
        world.client.changed(path)
        world.run(1000)
    assert len(second.notifications) == 21, "the first is the answer"
    assert 2 <= len(first.notifications) <= 4
    first.cancel()
    world.run()
    count = len(first.notifications)
    world.sensor.sensor_value = 1.0
    world.client.changed(path)
    world.run(60_000)
    assert len(first.notifications) == count
    assert len(second.notifications) == 22


def test_an_update_psk_for_a_server_that_is_not_there_is_logged():
    world = World()
    world.run()
    world.client.update_psk("lamp", b"0123456789abcdef", short_server_id=9)
    world.run()
    assert "there is no server 9" in world.client.platform.hardware.log[-1]
