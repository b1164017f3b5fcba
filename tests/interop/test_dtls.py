"""DTLS with pre-shared keys against Leshan, whose DTLS is Scandium (Java).

Leshan gives a key's device only the endpoint name that the key was stored for, and does not let that name in without
the key. It offers no CBC suite unless told to.
"""

import pytest

import atiny
from atiny import Client
from tests.cloud.dtls_peer import needs_dtls
from tests.interop.device import Events, Temperature
from tests.interop.leshan import DEREGISTRATION, REGISTRATION

pytestmark = [pytest.mark.interop, needs_dtls]

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(
    "ciphers", [None, ("TLS-PSK-WITH-AES-128-CCM-8",), ("TLS-PSK-WITH-AES-128-GCM-SHA256",)], ids=str
)
def test_a_secured_device(devices, leshan, ciphers):
    endpoint = devices.name()
    leshan.add_psk(endpoint, f"identity of {endpoint}", KEY)
    temperature = Temperature()
    client, remote = devices.start(
        leshan.secure_url,
        endpoint=endpoint,
        psk=(f"identity of {endpoint}", KEY),
        objects=[temperature],
        ciphers=ciphers,
    )
    assert remote.registration["secure"] is True
    assert remote.read("/3303/0/5700").value == 21.5
    remote.observe("/3303/0/5700")
    temperature.sensor_value = 22.5
    client.changed("/3303/0/5700")
    assert remote.notified() == 22.5
    remote.observe("/19/0/0")
    assert client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
    client.stop()
    remote.next(DEREGISTRATION)


def test_a_new_key(devices, leshan):
    endpoint = devices.name()
    leshan.add_psk(endpoint, endpoint, KEY)
    client, remote = devices.start(leshan.secure_url, endpoint=endpoint, psk=(endpoint, KEY))
    leshan.add_psk(endpoint, f"{endpoint}-new", b"another key")
    client.update_psk(f"{endpoint}-new", b"another key")
    client.reconnect()
    remote.next(REGISTRATION)
    assert remote.read("/3/0/0").value == "atiny"


@pytest.mark.parametrize("wrong", ["key", "identity", "endpoint"])
def test_a_device_with_the_wrong_credentials_stays_out(devices, leshan, wrong):
    endpoint = devices.name()
    owner = f"{endpoint}-owner" if wrong == "endpoint" else endpoint
    leshan.add_psk(owner, endpoint, KEY)
    psk = (endpoint + "?" * (wrong == "identity"), b"wrong" if wrong == "key" else KEY)
    told = Events()
    with Client(endpoint, leshan.secure_url, psk=psk, on_event=told, handshake_timeout_s=2) as client:
        told.wait(atiny.ATINY_REG_FAIL)
        assert not client.registered
        assert leshan.device(endpoint).registration is None


def test_a_device_that_has_a_key_is_not_let_in_without(devices, leshan):
    endpoint = devices.name()
    leshan.add_psk(endpoint, endpoint, KEY)
    told = Events()
    with Client(endpoint, leshan.url, on_event=told) as client:
        told.wait(atiny.ATINY_REG_FAIL)
        assert not client.registered
        assert leshan.device(endpoint).registration is None
