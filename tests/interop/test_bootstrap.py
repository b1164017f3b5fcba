"""Client-initiated bootstrap by Leshan's bootstrap server, and registration with Leshan after it.

The bootstrap server deletes and writes what its configuration of the endpoint says, then sends Finish; told to, it
first asks by a Bootstrap Discover which Security instance is its own. A failed Write does not end its session, a failed
Finish does. It writes every resource of a Security instance, the SMS ones too, and empty ones for keys that are not
there.
"""

import pytest

import atiny
from atiny import Client
from tests.cloud.dtls_peer import needs_dtls
from tests.interop.bootstrap import security, server
from tests.interop.device import Events, Temperature
from tests.interop.leshan import DEREGISTRATION, REGISTRATION

pytestmark = pytest.mark.interop

KEY = b"0123456789abcdef"
DELETED, CHANGED = "DELETED(202)", "CHANGED(204)"


def test_bootstrap_and_register(devices, leshan, bootstrap_server, endpoint):
    bootstrap_server.configure(
        endpoint,
        toDelete=["/0", "/1"],
        security={5: security(leshan.url)},
        servers={2: server(lifetime=77, defaultMinPeriod=2)},
    )
    client, remote = devices.start(endpoint=endpoint, bootstrap=bootstrap_server.url, objects=[Temperature()])
    assert bootstrap_server.wait_ended(endpoint) == [
        ("Delete /0", DELETED),
        ("Delete /1", DELETED),
        ("Write /0/5", CHANGED),
        ("Write /1/2", CHANGED),
        ("Finish", CHANGED),
    ]
    client.told.wait(atiny.ATINY_BOOTSTRAP_OK)
    assert remote.registration["lifetime"] == 77
    assert remote.read("/1/2/2").value == 2
    assert remote.read("/3303/0/5700").value == 21.5


def test_the_bootstrap_server_finds_its_account(devices, leshan, bootstrap_server, endpoint):
    """By Bootstrap Discover: it has no short server id."""
    bootstrap_server.configure(
        endpoint,
        autoIdForSecurityObject=True,
        security={0: security(leshan.url)},
        servers={0: server()},
    )
    _, remote = devices.start(endpoint=endpoint, bootstrap=bootstrap_server.url)
    steps = bootstrap_server.wait_ended(endpoint)
    assert steps[0] == ("Discover /", "CONTENT(205)")
    assert {code for _, code in steps[1:]} == {CHANGED}
    shown = [line["detail"] for line in bootstrap_server.told(endpoint) if line.get("request") == "Discover /"]
    assert 'lwm2m="1.0"' in shown[0] or "lwm2m=1.0" in shown[0]
    assert remote.read("/3/0/0").value == "atiny"


@needs_dtls
def test_bootstrap_and_register_with_keys(devices, leshan, bootstrap_server, endpoint):
    bootstrap_server.add_psk(endpoint, f"{endpoint}-bs", KEY)
    leshan.add_psk(endpoint, f"{endpoint}-iot", b"the key of the server")
    bootstrap_server.configure(
        endpoint,
        toDelete=["/0", "/1"],
        security={9: security(leshan.secure_url, (f"{endpoint}-iot", b"the key of the server"))},
        servers={0: server()},
    )
    _, remote = devices.start(
        endpoint=endpoint, bootstrap=bootstrap_server.secure_url, bootstrap_psk=(f"{endpoint}-bs", KEY)
    )
    bootstrap_server.wait_ended(endpoint)
    assert remote.registration["secure"] is True
    assert remote.read("/3/0/0").value == "atiny"


def test_a_server_triggers_a_new_bootstrap(devices, leshan, bootstrap_server, endpoint):
    bootstrap_server.configure(endpoint, security={5: security(leshan.url)}, servers={0: server(lifetime=300)})
    _, remote = devices.start(endpoint=endpoint, bootstrap=bootstrap_server.url)
    bootstrap_server.wait_ended(endpoint)

    bootstrap_server.configure(endpoint, security={5: security(leshan.url)}, servers={0: server(lifetime=400)})
    assert remote.execute("/1/0/9").code == "2.04"
    bootstrap_server.wait_ended(endpoint, count=2)
    remote.next(REGISTRATION, lambda event: event["lifetime"] == 400)


def test_accounts_outlive_the_device(devices, leshan, bootstrap_server, endpoint, tmp_path):
    bootstrap_server.configure(endpoint, security={5: security(leshan.url)}, servers={0: server(lifetime=99)})
    for _ in range(2):
        platform = atiny.Platform(store=atiny.FileStore(str(tmp_path)))
        client, remote = devices.start(endpoint=endpoint, bootstrap=bootstrap_server.url, platform=platform)
        assert remote.registration["lifetime"] == 99
        client.stop()
        remote.next(DEREGISTRATION)
    assert [line["event"] for line in bootstrap_server.told(endpoint)].count("initiated") == 1


def test_accounts_that_cannot_work_are_refused_at_finish(leshan, bootstrap_server, endpoint):
    bootstrap_server.configure(
        endpoint,
        security={5: security(leshan.secure_url)},
        servers={0: server()},  # "coaps" without a key
    )
    with Client(endpoint, bootstrap=bootstrap_server.url) as client:
        answers = bootstrap_server.wait_ended(endpoint, "failed")
        assert not client.registered
    assert answers[-1] == ("Finish", "NOT_ACCEPTABLE(406)")
    assert {code for _, code in answers[:-1]} == {CHANGED}
    assert leshan.device(endpoint).registration is None


def test_an_endpoint_that_the_bootstrap_server_does_not_know(bootstrap_server, endpoint):
    told = Events()
    with Client(endpoint, bootstrap=bootstrap_server.url, on_event=told) as client:
        told.wait(atiny.ATINY_BOOTSTRAP_FAIL)
        assert not client.registered
    bootstrap_server.wait_told(endpoint, "no_config")
