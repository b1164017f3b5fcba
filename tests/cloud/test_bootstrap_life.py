"""atiny's own device and the bootstrap server on loopback: accounts given, kept, replaced, refused, taken back."""

import socket
from typing import Any, Iterator

import pytest

import atiny
from atiny.cloud import (
    BootstrapAccount,
    BootstrapConfig,
    BootstrapEnded,
    BootstrapRequested,
    CloudThread,
    Registered,
    SessionStarted,
)
from atiny.params import BOOTSTRAP_SEQUENCE
from atiny.testing import FakeStore
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.scenarios import Lamp, clouds

PSK = ("lamp", b"Werkseinstellung")
SECURED: "dict[str, Any]" = {"dtls_port": 0, "bootstrap_dtls_port": 0, "bootstrap_psk": dict([PSK])}


class Choice:
    """The configuration as the test has it now; None: an account of the cloud itself."""

    def __init__(self) -> None:
        self.cloud: "CloudThread | None" = None
        self.config: "BootstrapConfig | None" = None

    def __call__(self, endpoint: str) -> BootstrapConfig:
        assert self.cloud is not None
        return self.config or BootstrapConfig([self.cloud.own_account(endpoint)])


def bootstrapping(choice: Choice, **options: Any) -> CloudThread:
    fast = {"ack_timeout_s": 0.1, "max_retransmit": 2, **options}
    choice.cloud = CloudThread(port=0, bootstrap=choice, bootstrap_port=0, **fast)
    return choice.cloud


@pytest.fixture
def choice() -> Choice:
    return Choice()


@pytest.fixture(params=["nosec", pytest.param("psk", marks=needs_dtls)])
def cloud(request: Any, choice: Choice) -> Iterator[CloudThread]:
    with bootstrapping(choice, **(SECURED if request.param == "psk" else {})) as running:
        yield running


def lamp(cloud: CloudThread, **options: Any) -> Lamp:
    if cloud.secure_port is None:
        return Lamp(bootstrap=cloud.bootstrap_url, **options)
    return Lamp(bootstrap=cloud.bootstrap_secure_url, bootstrap_psk=PSK, **options)


def requests(cloud: CloudThread) -> int:
    return sum(isinstance(event, BootstrapRequested) for event in cloud.events)


def test_a_device_that_knows_only_its_bootstrap_server(cloud):
    with lamp(cloud) as device:
        result = cloud.wait_bootstrapped("lamp")
        assert result.ok, result
        at_cloud = cloud.wait_registered("lamp")
        device.wait(atiny.ATINY_BOOTSTRAP_OK)
        assert device.client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
        assert at_cloud.command(b"\x02").wait(10) == "success"
        assert at_cloud.read("/1/0/1").value == 86400
        assert at_cloud.read("/1/0", 11543).value[0] == 123, "in JSON"
        assert at_cloud.read("/0/0").code_text == "4.01"
        if cloud.secure_port is not None:
            assert cloud.wait_for(Registered).identity.startswith("lamp-")
        assert requests(cloud) == 1


def test_a_restart_needs_no_new_bootstrap(cloud):
    store = FakeStore()
    with lamp(cloud, store=store):
        cloud.wait_registered("lamp")
    with lamp(cloud, store=store) as device:
        device.wait(atiny.ATINY_REG_OK)
        assert cloud.wait_registered("lamp").read("/3/0/0").ok
    assert requests(cloud) == 1
    with lamp(cloud):  # which has no store
        cloud.wait_registered("lamp")
    assert requests(cloud) == 2


def test_a_registered_device_is_told_to_come_again(cloud):
    with lamp(cloud) as device:
        device.wait(atiny.ATINY_REG_OK)
        cloud.wait_registered("lamp")
        cloud.wait_bootstrapped("lamp")  # whose end may come after the registration
        first = set(cloud.keys)
        after = cloud.events[-1].seq
        assert cloud.trigger_bootstrap("lamp").code_text == "2.04"
        assert cloud.wait_bootstrapped("lamp", after=after).ok
        cloud.wait_for(Registered, after=after)
        device.wait(atiny.ATINY_REG_OK, 2)
        assert cloud.wait_registered("lamp").read("/3/0/0").ok
        if cloud.secure_port is not None:
            assert len(cloud.keys) == 1
            assert set(cloud.keys) != first, "a fresh key, and the old one is void"


def test_accounts_that_cannot_work_are_refused_and_change_nothing(cloud, choice):
    with lamp(cloud) as device:
        cloud.wait_bootstrapped("lamp")
        cloud.wait_registered("lamp")
        device.wait(atiny.ATINY_REG_OK)
        choice.config = BootstrapConfig([BootstrapAccount("coap://127.0.0.1", security={0: "nonsense"})])
        after = cloud.events[-1].seq
        device.client.bootstrap()
        result = cloud.wait_bootstrapped("lamp", after=after)
        assert result.failed is not None, result
        assert (result.failed.operation, result.failed.code) == ("finish", "4.06")
        assert result.failed.reason
        assert device.client.registered
        assert cloud.wait_registered("lamp").read("/3/0/0").ok
        choice.config = None
        assert cloud.bootstrap("lamp").ok, "the server may yet correct it"
        device.wait(atiny.ATINY_REG_OK, 2)


def test_accounts_that_do_not_work_are_rolled_back(cloud, choice):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))  # which never answers
        with lamp(cloud) as device:
            cloud.wait_bootstrapped("lamp")
            cloud.wait_registered("lamp")
            device.wait(atiny.ATINY_REG_OK)
            choice.config = BootstrapConfig([BootstrapAccount("coap://127.0.0.1:%d" % nobody.getsockname()[1])])
            after = cloud.events[-1].seq
            assert cloud.trigger_bootstrap("lamp").ok
            assert cloud.wait_bootstrapped("lamp", after=after).ok
            device.wait(atiny.ATINY_REG_OK, 2)
            assert nobody.recv(100), "it has tried"
            cloud.wait_for(Registered, after=after)
            assert cloud.wait_registered("lamp").read("/3/0/0").ok


@needs_dtls
def test_the_server_begins_while_the_device_listens(choice):
    with bootstrapping(choice, **SECURED) as cloud:
        with Lamp(
            bootstrap=cloud.bootstrap_secure_url, bootstrap_psk=PSK, bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=60
        ) as device:
            cloud.wait_for(SessionStarted)
            assert cloud.bootstrap("lamp").ok
            cloud.wait_registered("lamp")
            device.wait(atiny.ATINY_REG_OK)
            assert requests(cloud) == 0


@needs_dtls
def test_a_bootstrap_gives_two_servers_and_their_rights(choice):
    with clouds(1, dtls_port=0) as [second], bootstrapping(choice, **SECURED) as first:
        choice.config = BootstrapConfig(
            [first.own_account("lamp", lifetime_s=300), second.own_account("lamp", short_server_id=5)],
            writes={"/2/0": {0: 3, 1: 0, 2: {5: 1, 123: 31}, 3: 123}},
        )
        with lamp(first) as device:
            result = first.wait_bootstrapped("lamp")
            assert result.ok, result
            at_first, at_second = first.wait_registered("lamp"), second.wait_registered("lamp")
            assert at_first.read("/3/0/0").ok
            assert at_second.read("/3/0/0").ok
            assert at_second.execute("/3/0/12").code_text == "4.01"
            assert at_first.execute("/3/0/12").code_text == "2.04"
            after = first.events[-1].seq
            assert second.trigger_bootstrap("lamp").code_text == "2.04"
            device.wait(atiny.ATINY_BOOTSTRAP_OK, 2)
            assert first.wait_bootstrapped("lamp", after=after).ok
        assert len([event for event in first.events if isinstance(event, BootstrapEnded)]) == 2
