"""A device with two LwM2M servers, one of each release: its rights (object 2), and what each of them is told."""

import pytest

import atiny
from atiny import Client, ServerAccount
from tests.cloud.dtls_peer import needs_dtls
from tests.interop.bootstrap import security, server
from tests.interop.demo import Demo
from tests.interop.device import Events, Light, Temperature
from tests.interop.leshan import DEREGISTRATION, REGISTRATION, instance, resource
from tests.interop.library import Library

pytestmark = pytest.mark.interop

FIRST, SECOND = 1, 2
READ, WRITE = 1, 2


class Device:
    """A running device, and the two servers' views of it."""

    def __init__(self, endpoint, leshans, *arguments, **options):
        self.temperature, self.light, self.told = Temperature(), Light(), Events()
        self.remotes = [leshan.device(endpoint) for leshan in leshans]
        objects = [self.temperature, self.light]
        self.client = Client(endpoint, *arguments, objects=objects, on_event=self.told, **options)

    def __enter__(self):
        self.client.start()
        for remote in self.remotes:
            remote.next(REGISTRATION)
        self.told.wait(atiny.ATINY_REG_OK, count=2)
        return self

    def __exit__(self, *_):
        self.client.stop()

    def warm(self, value):
        self.temperature.sensor_value = value
        self.client.changed("/3303/0/5700")


@pytest.fixture
def leshans(running):
    return running(Demo), running(Library)


@pytest.fixture
def accounts(leshans):
    first, second = leshans
    return [
        ServerAccount(first.url, short_server_id=FIRST, lifetime=100),
        ServerAccount(second.url, short_server_id=SECOND, lifetime=200),
    ]


def test_each_has_its_own_registration_and_observations(endpoint, leshans, accounts):
    with Device(endpoint, leshans, accounts) as device:
        first, second = device.remotes
        assert [remote.registration["lifetime"] for remote in device.remotes] == [100, 200]
        assert [remote.observe("/3303/0/5700").value for remote in device.remotes] == [21.5, 21.5]
        device.warm(22.5)
        assert [remote.notified() for remote in device.remotes] == [22.5, 22.5]
        first.write_attributes("/3303/0/5700", gt=30)  # its own attribute, of no concern to the other
        device.warm(23.5)
        assert second.notified() == 23.5
        device.warm(31.5)
        assert [first.notified(), second.notified()] == [31.5, 31.5]
        second.cancel_actively("/3303/0/5700")
        device.warm(25.5)
        assert first.notified() == 25.5
    for remote in device.remotes:
        remote.next(DEREGISTRATION)


def test_a_report_goes_to_both(endpoint, leshans, accounts):
    with Device(endpoint, leshans, accounts) as device:
        for remote in device.remotes:
            assert remote.observe("/19/0/0").code == "2.05"
        assert device.client.report(b"\x07").wait(10) == atiny.ReportStatus.SENT_SUCCESS
        assert [remote.notified() for remote in device.remotes] == ["07", "07"]


def test_the_first_server_owns_what_the_other_may_only_read(endpoint, leshans, accounts):
    with Device(endpoint, leshans, accounts) as device:
        first, second = device.remotes
        assert second.read("/3311/0/5850").value is False
        assert second.write("/3311/0/5850", resource(5850, True)).code == "4.01"
        assert second.execute("/3303/0/5605").code == "4.01"
        assert second.create("/3311", instance(5, {5850: True})).code == "4.01"
        assert second.delete("/3311/0").code == "4.01"
        assert second.read("/1/0").code == "4.01"  # the account of the other one
        assert second.write("/1/1/1", resource(1, 300)).code == "2.04"
        assert (device.light.on, device.temperature.executed) == (False, [])

        assert first.write("/3311/0/5850", resource(5850, True)).code == "2.04"
        assert first.execute("/3303/0/5605").code == "2.04"
        control = next(key for key, value in first.read("/2").value.items() if (value[0], value[1]) == (3311, 0))
        assert first.write(f"/2/{control}/2", resource(2, {0: READ, SECOND: READ | WRITE})).code == "2.04"
        assert second.write("/3311/0/5850", resource(5850, False)).code == "2.04"
        assert second.write(f"/2/{control}/2", resource(2, {SECOND: 31})).code == "4.01"


def test_rights_that_the_device_gives(endpoint, leshans, accounts):
    accounts[1] = ServerAccount(leshans[1].url, short_server_id=SECOND, rights="RE")
    with Device(endpoint, leshans, accounts) as device:
        second = device.remotes[1]
        assert second.execute("/3303/0/5605").code == "2.04"
        assert second.write("/3311/0/5850", resource(5850, True)).code == "4.01"


@needs_dtls
def test_both_by_bootstrap(endpoint, leshans, bootstrap_server):
    """Two accounts, one of them with a key, and their rights; by a bootstrap server with a key of its own."""
    first, second = leshans
    key, another = b"the key of the bootstrap server", b"the key of the second server"
    bootstrap_server.add_psk(endpoint, f"{endpoint}-bs", key)
    second.add_psk(endpoint, f"{endpoint}-2", another)
    bootstrap_server.configure(
        endpoint,
        toDelete=["/0", "/1"],
        security={
            3: security(first.url, serverId=FIRST),
            4: security(second.secure_url, (f"{endpoint}-2", another), serverId=SECOND),
        },
        servers={0: server(shortId=FIRST, lifetime=150), 1: server(shortId=SECOND, lifetime=250)},
        acls={
            0: {"objectId": 3311, "objectInstanceId": 0, "acls": {SECOND: READ | WRITE}, "AccessControlOwner": FIRST},
            1: {"objectId": 3303, "objectInstanceId": 0, "acls": {FIRST: READ}, "AccessControlOwner": FIRST},
        },
    )
    with Device(
        endpoint, leshans, bootstrap=bootstrap_server.secure_url, bootstrap_psk=(f"{endpoint}-bs", key)
    ) as device:
        steps = bootstrap_server.wait_ended(endpoint)
        assert {code for _, code in steps} == {"DELETED(202)", "CHANGED(204)"}
        assert ("Write /2/1", "CHANGED(204)") in steps
        assert [remote.registration["lifetime"] for remote in device.remotes] == [150, 250]
        assert [remote.registration["secure"] for remote in device.remotes] == [False, True]
        owner, other = device.remotes
        assert other.write("/3311/0/5850", resource(5850, True)).code == "2.04"
        assert device.light.on is True
        assert other.execute("/3303/0/5605").code == "4.01"
        assert other.read("/3303/0/5700").code == "4.01"  # that instance's ACL has no default entry
        assert owner.read("/3303/0/5700").value == 21.5
        assert owner.execute("/3303/0/5605").code == "4.01"  # an entry of its own counts, not that it is the owner
