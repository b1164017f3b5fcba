"""Leshan restarts in the middle: it then knows no device (but every key), and no DTLS session."""

import pytest

import atiny
from tests.cloud.dtls_peer import HAS_DTLS
from tests.interop.device import Temperature

pytestmark = pytest.mark.interop


def test_devices_come_back_by_themselves(devices, leshan):
    """Their next Update is refused, or not answered: they register anew, and are observed anew."""
    endpoint = devices.name()
    leshan.add_psk(endpoint, endpoint, b"0123456789abcdef")
    links = {"NoSec": dict(arguments=(leshan.url,), options={})}
    if HAS_DTLS:
        psk = (endpoint, b"0123456789abcdef")
        links["PSK"] = dict(arguments=(leshan.secure_url,), options=dict(endpoint=endpoint, psk=psk))
    quick = dict(lifetime=4, ack_timeout_ms=300, max_retransmit=2, retry_min_s=0.2, retry_max_s=1)

    running = []
    for link in links.values():
        temperature = Temperature()
        client, remote = devices.start(*link["arguments"], objects=[temperature], **link["options"], **quick)
        remote.observe("/3303/0/5700")
        running.append((client, remote, temperature, remote.registration["registrationId"]))

    leshan.restart()

    for client, remote, temperature, before in running:
        # Not by Leshan's event: its CoAP port opens before its event stream does.
        client.told.wait(atiny.ATINY_REG_OK, count=2, timeout_s=20)
        assert remote.registration["registrationId"] != before
        assert remote.observe("/3303/0/5700").value == 21.5
        temperature.sensor_value = 30.5
        client.changed("/3303/0/5700")
        assert remote.notified() == 30.5
        assert remote.observe("/19/0/0").code == "2.05"
        assert client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
