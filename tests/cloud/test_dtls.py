"""DTLS for many devices on one socket, sans-I/O: cookies, restarts, losses, replays, garbage."""

import time

import pytest

from atiny.cloud.dtls import HANDSHAKE_S, REFUSALS_PER_S
from tests.cloud.dtls_peer import DtlsDevice, Network, needs_dtls

pytestmark = needs_dtls

A, B = ("192.0.2.1", 1000), ("192.0.2.2", 1000)
KEY = bytes(range(16))
HELLO_VERIFY_REQUEST, SERVER_HELLO = 3, 2


def network(**options):
    return Network({b"lamp": KEY}, **options)


def test_many_devices_on_one_socket():
    keys = {b"lamp-%d" % number: b"key %d" % number for number in range(20)}
    net = Network(keys)
    devices = {("192.0.2.%d" % number, 5000): DtlsDevice(*item) for number, item in enumerate(keys.items())}
    out = {address: device.step() for address, device in devices.items()}
    while any(out.values()):  # their handshakes go on side by side
        back = {address: [net.receive(one, address) for one in out[address]] for address in devices}
        for address, device in devices.items():
            out[address] = [answer for one in sum(back[address], []) for answer in device.feed(one)]
    assert all(device.ready for device in devices.values())
    assert net.server.handshakes == 0
    assert {one.identity for one in net.started} == set(keys)
    for number, (address, device) in enumerate(devices.items()):
        net.receive(device.protect(b"%d" % number), address)
    assert net.delivered == [(b"lamp-%d" % number, b"%d" % number) for number in range(20)]
    for connection in net.server.sessions:
        assert net.server.send(connection, b"to " + connection.identity)
    for (address, device), identity in zip(devices.items(), keys, strict=True):
        for datagram in net.taken(address):
            assert device.feed(datagram) == []
        assert device.received == [b"to " + identity]
    assert net.failed == net.ended == []


# Before the cookie


def test_nothing_is_kept_for_a_hello_without_a_cookie():
    net = network()
    hellos = [DtlsDevice(b"lamp", KEY).step()[0] for _ in range(20)]
    for number in range(2000):
        hello = hellos[number % 20]
        [answer] = net.receive(hello, ("198.51.100.1", number))
        assert answer[13] == HELLO_VERIFY_REQUEST
        assert len(answer) < len(hello), "whose address was forged is not flooded"
    assert net.server.handshakes == 0
    assert net.server.sessions == net.failed == []


def test_a_cookie_is_good_for_one_address():
    net = network()
    hello = net.hellos(DtlsDevice(b"lamp", KEY), A)
    [answer] = net.receive(hello, B)
    assert answer[13] == HELLO_VERIFY_REQUEST
    assert net.server.handshakes == 0
    answers = net.receive(hello, A)
    assert answers[0][13] == SERVER_HELLO
    assert net.server.handshakes == 1


def test_refusals_without_a_cookie_are_told_but_not_all():
    net = network()
    for number in range(50):
        [hello] = DtlsDevice(b"lamp", KEY, ("TLS-PSK-WITH-CAMELLIA-128-CBC-SHA256",)).step()
        net.receive(hello, ("198.51.100.1", number))
    assert {reason for _, _, reason in net.failed} == {"no cipher suite in common"}
    assert len(net.failed) == REFUSALS_PER_S
    net.now += 1
    net.receive(hello, A)
    assert len(net.failed) == REFUSALS_PER_S + 1
    assert net.server.handshakes == 0


# Restarts


def test_a_device_restarts_from_the_same_port():
    net = network()
    first = net.connect(b"lamp", KEY, A)
    second = DtlsDevice(b"lamp", KEY)
    hello = net.hellos(second, A)
    out = [datagram for answer in net.receive(hello, A) for datagram in second.feed(answer)]
    assert net.server.handshakes == 1
    net.receive(first.protect(b"still here"), A)
    assert net.delivered == [(b"lamp", b"still here")], "the session is in force until the new one is"
    assert net.ended == []
    last = [answer for datagram in out for answer in net.receive(datagram, A)]
    assert [datagram[0] for datagram in last] == [20, 22], "no word of the session that the device has forgotten"
    for datagram in last:
        second.feed(datagram)
    assert second.ready
    old, new = net.started
    assert net.ended == [(old, "replaced by a new session")]
    assert net.server.sessions == [new]
    net.receive(first.protect(b"from before"), A)
    net.receive(second.protect(b"again"), A)
    assert net.delivered[1:] == [(b"lamp", b"again")]
    assert net.server.send(new, b"hello")
    assert not net.server.send(old, b"nobody is there")
    second.feed(net.taken(A)[0])
    assert second.received == [b"hello"]


def test_a_device_restarts_again_and_again():
    net = network()
    for number in range(1, 11):
        assert net.connect(b"lamp", KEY, A).ready
        assert len(net.started) == number
    assert len(net.server.sessions) == 1
    assert [connection for connection, _ in net.ended] == net.started[:-1]


def test_a_device_restarts_in_the_middle_of_a_handshake():
    net = network()
    net.receive(net.hellos(DtlsDevice(b"lamp", KEY), A), A)
    assert net.server.handshakes == 1
    assert net.connect(b"lamp", KEY, A).ready
    assert net.server.handshakes == 0
    assert len(net.started) == 1


def test_whoever_cannot_prove_the_key_ends_no_session():
    net = network()
    device = net.connect(b"lamp", KEY, A)
    [spoofed] = DtlsDevice(b"lamp", KEY).step()
    net.receive(spoofed, A)  # without a cookie
    net.receive(net.hellos(DtlsDevice(b"lamp", KEY), B), A)  # with that of another address
    assert net.server.handshakes == 0
    assert net.connect(b"lamp", b"wrong", A).error  # with a cookie and no key
    net.receive(net.hellos(DtlsDevice(b"lamp", KEY), A), A)  # begun and not gone on with
    assert net.server.handshakes == 1
    net.receive(device.protect(b"unharmed"), A)
    assert net.delivered == [(b"lamp", b"unharmed")]
    net.now += HANDSHAKE_S
    assert not net.server.poll(net.now)
    net.receive(device.protect(b"unharmed still"), A)
    assert len(net.delivered) == 2
    assert net.ended == []
    assert [reason for _, _, reason in net.failed] == ["wrong key", "not done within 60 s"]


def test_a_hello_behind_another_record_ends_no_session():
    net = network()
    device = net.connect(b"lamp", KEY, A)
    replayed = device.protect(b"x")
    net.receive(replayed, A)
    hello = net.hellos(DtlsDevice(b"lamp", KEY), A)  # by somebody on the path, who has seen the cookie
    net.receive(replayed + hello, A)
    net.receive(device.protect(b"y") + hello + device.protect(b"z"), A)
    assert [plaintext for _, plaintext in net.delivered] == [b"x", b"y", b"z"]
    assert net.ended == []


def test_a_late_copy_of_a_hello_begins_nothing():
    net = network()
    seen: "list[bytes]" = []
    device = net.run(DtlsDevice(b"lamp", KEY), A, lambda number, datagram: seen.append(datagram) is None)
    hellos = [datagram for datagram in seen if datagram[0] == 22 and datagram[13] == 1]
    assert len(hellos) == 2
    for hello in hellos:
        assert net.receive(hello, A) == []
    assert net.server.handshakes == 0
    net.receive(device.protect(b"x"), A)
    assert net.delivered == [(b"lamp", b"x")]
    net.now += 60  # later it is a device that has the same random numbers after each start
    assert net.receive(hellos[1], A)[0][13] == SERVER_HELLO


# What the network does


@pytest.mark.parametrize(
    ("lost", "joined"), [*((number, False) for number in range(10)), *((number, True) for number in range(6))]
)
def test_each_datagram_of_a_handshake_may_be_lost(lost, joined):
    net = network()
    device = net.run(DtlsDevice(b"lamp", KEY), A, lambda number, _: number != lost, joined)
    assert device.ready
    net.receive(device.protect(b"x"), A)
    assert net.delivered == [(b"lamp", b"x")]
    assert net.server.handshakes == 0
    assert net.failed == []


def test_each_datagram_of_a_handshake_may_come_twice():
    net = network()
    device = DtlsDevice(b"lamp", KEY)
    out = device.step()
    while out:
        back = [answer for datagram in out for _ in range(2) for answer in net.receive(datagram, A)]
        out = [answer for datagram in back for _ in range(2) for answer in device.feed(datagram)]
    assert device.ready
    assert net.failed == []
    assert len(net.started) == 1


def test_what_is_not_answered_is_sent_again_by_polling():
    net = network()
    flight = net.receive(net.hellos(DtlsDevice(b"lamp", KEY), A), A)
    again: "list[bytes]" = []
    until = time.monotonic() + 5
    while not again and time.monotonic() < until:
        assert net.server.poll(net.now)
        again = net.taken(A)
    assert [datagram[13:] for datagram in again] == [datagram[13:] for datagram in flight]


def test_what_arrives_when_a_retransmission_is_due_is_not_left_lying():
    net = network()
    device = DtlsDevice(b"lamp", KEY)
    answers = net.receive(net.hellos(device, A), A)
    *out, last = [datagram for answer in answers for datagram in device.feed(answer)]
    for datagram in out:
        assert net.receive(datagram, A) == []
    time.sleep(0.03)  # the library's timer runs on the wall clock
    for datagram in net.receive(last, A):
        device.feed(datagram)
    assert device.ready, "without another poll"


def test_a_replay_is_delivered_once():
    net = network()
    device = net.connect(b"lamp", KEY, A)
    one, two = device.protect(b"one"), device.protect(b"two")
    for datagram in (two, one, one, two, one):
        net.receive(datagram, A)
    assert net.delivered == [(b"lamp", b"two"), (b"lamp", b"one")]
    net.receive(one, B)
    assert len(net.delivered) == 2
    assert net.ended == []


GARBAGE = [
    b"",
    b"\x00",
    b"\x40\x01\x00\x01",  # a CoAP message in plain
    bytes(100),
    b"\xff" * 1400,
    bytes.fromhex("16fefd0000000000000000ffff") + b"\x01" * 50,  # a length beyond the datagram
    bytes.fromhex("16fefd000000000000000a0000"),  # an empty record
    bytes.fromhex("16fefd0000000000000009000c0100000000000000000000000"[:-1]),  # an empty ClientHello
    bytes.fromhex("16fefd0000000000000009001a") + b"\x01\xff\xff\xff" + bytes(22),  # a ClientHello of 16 MB
    bytes.fromhex("17fefd0001000000000005") + b"\x00\x20" + b"\xaa" * 32,  # data under no key
    bytes.fromhex("15fefd0001000000000005") + b"\x00\x20" + b"\xaa" * 32,  # an alert under no key
    bytes.fromhex("17fefd00000000000000050004") + b"data",  # data in plain
    bytes.fromhex("18fefd00000000000000050003010000"),  # a heartbeat
    b"\x16\xfe" * 7000,
    bytes(70000),
]
FATAL = [  # what nobody can tell from the device's own before the key is proved: the library then gives up
    bytes.fromhex("15fefd000000000000000500020228"),  # an alert
    bytes.fromhex("14fefd0000000000000005000107"),  # a malformed ChangeCipherSpec
    bytes.fromhex("16fefd0001000000000005") + b"\x00\x20" + b"\xaa" * 32,  # a Finished under no key
]


@pytest.mark.parametrize("state", ["nothing", "hello", "cookie", "key", "established"])
@pytest.mark.parametrize("garbage", [*GARBAGE, *FATAL], ids=lambda garbage: garbage[:16].hex() + f"-{len(garbage)}")
def test_garbage_in_each_state(state, garbage):
    net = network()
    device = DtlsDevice(b"lamp", KEY)
    if state == "hello":
        net.receive(device.step()[0], A)
    elif state in ("cookie", "key"):
        answers = net.receive(net.hellos(device, A), A)
        if state == "key":
            net.receive([datagram for answer in answers for datagram in device.feed(answer)][0], A)
    elif state == "established":
        net.run(device, A)
    for _ in range(3):
        net.receive(garbage, A)
    assert net.delivered == []
    if state == "established":
        net.receive(device.protect(b"unharmed"), A)
        assert net.delivered == [(b"lamp", b"unharmed")]
        assert net.ended == []
    elif garbage in GARBAGE and state in ("cookie", "key"):
        assert net.server.handshakes == 1, "it goes on"
        assert {reason for _, _, reason in net.failed} <= {"malformed ClientHello"}
    assert net.connect(b"lamp", KEY, A).ready, "and in any case the device can begin anew"
    assert net.server.handshakes == 0
