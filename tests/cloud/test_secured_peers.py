"""The cloud's DTLS port with clients of other libraries: libcoap on OpenSSL and on GnuTLS."""

import re
import subprocess

import pytest

from atiny.cloud import CloudThread, HandshakeFailed, SessionEnded, SessionStarted
from tests.cloud.dtls_peer import needs_dtls
from tests.tools import tool

pytestmark = needs_dtls

CLIENTS = ["coap-client-openssl", "coap-client-gnutls"]


def get(name: str, cloud: CloudThread, identity: str, key: str) -> str:
    """What a client says of GET /nothing; without the times before its lines, which may look like any code."""
    command = [tool(name), "-m", "get", "-B", "5", "-u", identity, "-k", key, f"{cloud.secure_url}/nothing"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return re.sub(r"\d\d:\d\d:\d\d\.\d+", "", result.stdout + result.stderr)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_of_libcoap(name):
    with CloudThread(port=0, dtls_port=0, psk={"lamp-1": b"Geheim"}) as cloud:
        assert "4.04" in get(name, cloud, "lamp-1", "Geheim")
        assert cloud.wait_for(SessionStarted).identity == "lamp-1"
        assert cloud.wait_for(SessionEnded).reason == "the device closed it"
        assert "4.04" not in get(name, cloud, "lamp-1", "Falsch")
        assert cloud.wait_for(HandshakeFailed).reason == "wrong key"
        assert "4.04" not in get(name, cloud, "lamp-2", "Geheim")
        assert cloud.wait_for(HandshakeFailed, identity="lamp-2").reason == "unknown identity"
