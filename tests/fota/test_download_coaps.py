"""Pulls by coaps: whose key it is, and what becomes of a link that is secured."""

import pytest

from atiny import ServerAccount
from atiny.testing.file_server import VirtualFileServer
from tests.dtls.peer import KEYS
from tests.dtls.secured import SecureNetwork
from tests.fota.pull_rig import Pull, image

pytest.importorskip("mbedtls")

IDENTITY, KEY = "lamp-1", KEYS[b"lamp-1"]


def secured(pull, host="secret", port=5684):
    """A file server behind DTLS; returns it and its port."""
    network = SecureNetwork(pull.network)
    server = VirtualFileServer(network, host, port)
    return server, network.bound[0]


def pulled(pull, server):
    content = image(5000)
    server.put("/lamp.bin", content)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content


URI = "coaps://secret/lamp.bin"


def two_accounts(*accounts):
    made = []
    for host, psk in accounts:
        made.append(ServerAccount("coaps://" + host, short_server_id=len(made) + 1, psk=psk))
    return made


@pytest.mark.parametrize(
    ("servers", "psk"),
    [
        (two_accounts(("other", ("x", b"wrong")), ("secret", (IDENTITY, KEY))), ("y", b"wrong")),  # the URI's own
        (two_accounts(("other", ("x", b"wrong")), ("SECRET", (IDENTITY, KEY))), None),
        (two_accounts(("other", ("x", b"wrong"))), (IDENTITY.encode(), KEY)),  # the one that was given
        (two_accounts(("other", (IDENTITY, KEY)), ("third", ("x", b"wrong"))), None),  # the first account's
    ],
    ids=["of-the-server", "in-capitals", "given", "first"],
)
def test_whose_key(servers, psk):
    pull = Pull(uri=URI, server=servers, source_psk=psk)
    server, port = secured(pull)
    pull.simulation.run(100)
    pulled(pull, server)
    assert port.farewells >= 1, "it says good-bye"


def test_no_key():
    pull = Pull(uri=URI)
    pull.simulation.run(100)
    pull.start()
    ((error, final),) = pull.receiver.ends
    assert "no pre-shared key" in error
    assert final


def test_no_account_yet():
    """A bootstrap is under way, which may bring the key."""
    pull = Pull(uri=URI, server=None, bootstrap="coap://bootstrap")
    pull.start()
    assert not pull.receiver.ends
    assert "no pre-shared key" in pull.download.reason
    pull.download.cancel()


def test_a_session_that_ends_half_way():
    pull = Pull(uri=URI, source_psk=(IDENTITY.encode(), KEY))
    server, port = secured(pull)
    server.at(3000, port.say_farewell)
    pulled(pull, server)
    assert port.handshakes == 2
    assert [offset for _, _, offset in pull.receiver.begins] == [0, 3072]
