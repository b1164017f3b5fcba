"""DTLS for many devices on one socket, sans-I/O: identities and keys, how sessions end, bounds."""

import pytest

from atiny.cloud.dtls import HANDSHAKE_S, DtlsServer
from atiny.cloud.keys import KeyStore
from atiny.errors import NotSupported
from tests.cloud.dtls_peer import DtlsDevice, Network, needs_dtls

pytestmark = needs_dtls

A, B = ("192.0.2.1", 1000), ("192.0.2.2", 1000)
KEY = bytes(range(16))


def network(**options):
    return Network({b"lamp": KEY}, **options)


@pytest.mark.parametrize(
    "identity",
    [b"lamp", "lämp-é中".encode(), b"urn:dev:ops:32473-1", b"\x00\x01\x02\x7f", b" ", b"x" * 128],
    ids=["text", "utf-8", "urn", "control", "blank", "longest"],
)
@pytest.mark.parametrize("key", [b"k", bytes(32), b"\xff" * 16], ids=["shortest", "longest", "bytes"])
def test_the_identity_is_recorded(identity, key):
    net = Network({identity: key, b"other": b"other"})
    device = net.connect(identity, key, A)
    assert device.ready
    net.receive(device.protect(b"x"), A)
    assert net.delivered == [(identity, b"x")]
    [connection] = net.started
    assert connection.identity == identity
    assert connection.cipher == "TLS-PSK-WITH-AES-128-CCM-8"


@pytest.mark.parametrize(
    ("identity", "key", "code", "told"),
    [
        (b"nobody", KEY, 0x7780, (b"nobody", "unknown identity")),
        (b"lamp", b"wrong", 0x7780, (b"lamp", "wrong key")),
        (b"lamp", KEY + b"\0", 0x7780, (b"lamp", "wrong key")),
        (b"\xff\xfe", KEY, 0x7780, (b"", "unknown identity, and not in UTF-8")),
    ],
)
def test_who_has_not_the_key_is_refused_at_once(identity, key, code, told):
    net = network()
    device = net.connect(identity, key, A)
    assert device.error == code, "a fatal alert"
    assert net.failed == [(A, *told)]
    assert net.started == net.delivered == net.ended == []
    assert net.server.handshakes == 0
    assert net.connect(b"lamp", KEY, A).ready


def test_what_is_older_than_dtls_1_2_is_refused():
    from mbedtls.tls import DTLSVersion

    net = Network({b"lamp": KEY}, suites=("TLS-PSK-WITH-AES-128-CBC-SHA",))  # which the older version has too
    for version, wanted in ((DTLSVersion.DTLSv1_2, True), (DTLSVersion.DTLSv1_0, False)):
        device = DtlsDevice(b"lamp", KEY, ("TLS-PSK-WITH-AES-128-CBC-SHA",), highest_supported_version=version)
        assert net.run(device, A).ready is wanted
    assert len(net.failed) == 1


def test_nobody_has_an_identity_before_the_key_is_proved():
    net = network()
    device = DtlsDevice(b"lamp", KEY)
    answers = net.receive(net.hellos(device, A), A)
    exchange, *_ = [datagram for answer in answers for datagram in device.feed(answer)]
    net.receive(exchange, A)
    [connection] = net.server._handshakes.values()
    assert connection.claimed == b"lamp"
    assert connection.identity == b""
    assert connection.protect(b"x") == b""
    assert not net.server.send(connection, b"x")


def test_the_key_store_may_change_meanwhile():
    keys = KeyStore({"lamp": b"old"})
    net = Network(keys)
    device = net.connect(b"lamp", b"old", A)
    keys["lamp"] = b"new"
    net.receive(device.protect(b"a key counts from the next handshake on"), A)
    assert len(net.delivered) == 1
    assert net.connect(b"lamp", b"old", B).error
    assert net.connect(b"lamp", b"new", B).ready
    del keys["lamp"]
    assert net.connect(b"lamp", b"new", B).error
    keys["lamp-2"] = b"2"
    assert net.connect(b"lamp-2", b"2", B).ready


def test_keys_are_in_no_repr():
    key = b"Geheim!!Geheim!!"
    net = Network({b"lamp": key})
    device = net.connect(b"lamp", key, A)
    net.connect(b"lamp", b"wrong", B)
    library = net.server._library
    things = [net.server, library, library.lookup, library.context, library.context.configuration, net.failed]
    things += [library.lookup._keys, net.started, net.started[0], vars(net.started[0]), vars(net.server), vars(library)]
    with pytest.raises(KeyError) as caught:
        library.lookup["nobody"]
    for thing in [*things, caught.value]:
        for text in (repr(thing), str(thing), f"{thing}"):
            assert "Geheim" not in text
            assert key.hex() not in text
    assert device.ready


# Ends and bounds


def test_a_close_notify_ends_a_session():
    net = network()
    device = net.connect(b"lamp", KEY, A)
    late = device.protect(b"late")
    net.receive(device.close(), A)
    [connection] = net.started
    assert net.ended == [(connection, "the device closed it")]
    assert net.server.sessions == []
    assert net.receive(late, A) == []
    assert net.delivered == []
    assert not net.server.send(connection, b"x")
    assert net.connect(b"lamp", KEY, A).ready


def test_the_server_says_farewell():
    net = network()
    devices = [net.connect(b"lamp", KEY, address) for address in (A, B)]
    half_open = DtlsDevice(b"lamp", KEY)
    net.receive(net.hellos(half_open, ("192.0.2.3", 1)), ("192.0.2.3", 1))
    net.server.close()
    for device, address in zip(devices, (A, B), strict=True):
        [farewell] = net.taken(address)
        device.feed(farewell)
        assert device.error == 0x7880
    assert [reason for _, reason in net.ended] == ["the server was stopped"] * 2
    assert net.server.sessions == []
    assert net.server.handshakes == 0


def test_half_open_handshakes_are_bounded_and_expire():
    net = network(max_handshakes=3)
    addresses = [("198.51.100.1", number) for number in range(5)]
    devices = {}
    for address in addresses:
        devices[address] = DtlsDevice(b"lamp", KEY)
        devices[address].answers = net.receive(net.hellos(devices[address], address), address)
        net.now += 1
    assert net.server.handshakes == 3
    assert net.failed == [(address, b"", "too many handshakes at once") for address in addresses[:2]]
    survivor = devices[addresses[4]]
    out = [datagram for answer in survivor.answers for datagram in survivor.feed(answer)]
    for datagram in out:
        for answer in net.receive(datagram, addresses[4]):
            survivor.feed(answer)
    assert survivor.ready, "who is real comes through a flood"
    net.now = 100 + 2 + HANDSHAKE_S  # the third was the first that is left
    assert net.server.poll(net.now)
    assert net.failed[2:] == [(addresses[2], b"", "not done within 60 s")]
    net.now += HANDSHAKE_S
    assert not net.server.poll(net.now)
    assert len(net.server.sessions) == 1, "a session does not expire"


def test_the_longest_silent_session_makes_room():
    net = network(max_sessions=3)
    devices = [net.connect(b"lamp", KEY, ("192.0.2.1", port)) for port in range(3)]
    net.receive(devices[0].protect(b"alive"), ("192.0.2.1", 0))
    net.connect(b"lamp", KEY, A)
    assert [(connection.address, reason) for connection, reason in net.ended] == [
        (("192.0.2.1", 1), "too many sessions")
    ]
    assert len(net.server.sessions) == 3


def test_what_is_too_long_for_a_record_is_not_sent():
    net = network()
    device = net.connect(b"lamp", KEY, A)
    [connection] = net.started
    assert not net.server.send(connection, bytes(16385))
    assert net.server.send(connection, bytes(16384))
    device.feed(net.taken(A)[0])
    assert device.received == [bytes(16384)]


def test_an_ended_connection_holds_nothing_of_the_library():
    net = network()
    net.connect(b"lamp", KEY, A)
    [connection] = net.started
    net.server.end(connection, "enough")
    assert connection._buffer is None
    assert connection.receive(b"x") == []
    net.server.end(connection, "again")
    assert net.ended == [(connection, "enough")]


def test_a_thousand_sessions_come_and_go():
    net = network()
    for number in range(1000):
        device = net.connect(b"lamp", KEY, A if number % 2 else B)
        if number % 3:
            net.receive(device.close(), A if number % 2 else B)
    assert len(net.started) == 1000
    assert len(net.server.sessions) <= 2


def test_without_the_library_it_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mbedtls", None)
    with pytest.raises(NotSupported, match="python-mbedtls"):
        DtlsServer(KeyStore(), lambda *_: None, lambda *_: None)
