"""Whole devices on real UDP behind a bad network: the local cloud, DTLS in front of it, a proxy in between."""

import random
import time

import pytest

from atiny import ATINY_REG_FAIL, Client, ReportStatus
from atiny.dtls.mbedtls import SUITES
from tests.dtls.peer import DOWN, KEYS, UP, quick
from tests.dtls.udp import HOST, Gateway, Proxy

pytest.importorskip("aiocoap")

PSK = ("lamp-1", KEYS[b"lamp-1"])


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    quick(monkeypatch)


@pytest.fixture(scope="module")
def cloud():
    from atiny.cloud import CloudThread

    with CloudThread(port=0) as thread:
        yield thread


@pytest.fixture
def gateway(cloud):
    with Gateway(cloud.port, packed=False) as gateway:
        yield gateway


def clean(direction, number, datagram):
    return [datagram]


class Device:
    """A client at a port, and what it told its host."""

    def __init__(self, port, **options):
        self.failures = []
        self.acks = []
        options = {"psk": PSK, "ack_timeout_ms": 50, "max_retransmit": 3, "retry_min_s": 0.05, **options}
        self.client = Client("lamp-1", f"coaps://{HOST}:{port}", on_event=self.on_event, **options)

    def on_event(self, event, arg):
        if event == ATINY_REG_FAIL:
            self.failures.append(arg)

    def __enter__(self):
        self.client.start()
        return self

    def __exit__(self, *_):
        self.client.stop(1)

    def report(self, data):
        return self.client.report(data, data, lambda kind, cookie, status: self.acks.append((cookie, status)))

    def works(self, times=1):
        for number in range(times):
            assert self.report(b"%d" % number).wait(10) == ReportStatus.SENT_SUCCESS


DATAGRAMS = [(UP, number) for number in range(3)] + [(DOWN, number) for number in range(5)]


@pytest.mark.parametrize("what", ["drop", "double", "delay"])
def test_every_datagram_of_the_handshake(gateway, what):
    """Eight devices at once, each with a network of its own that mistreats one datagram."""

    def mistreat(direction, number):
        late = []

        def fate(way, count, datagram):
            if way != direction or count != number:
                arriving = [datagram, *late] if way == direction else [datagram]
                if way == direction:
                    late.clear()
                return arriving
            if what == "delay":
                late.append(datagram)
            return [datagram, datagram] if what == "double" else []

        return fate

    with Proxy(gateway.port, *[mistreat(*one) for one in DATAGRAMS]) as proxy:
        devices = [Device(port, max_retransmit=8) for port in proxy.ports]  # a busy machine is slow to answer Register
        for device in devices:
            device.client.start()
        try:
            for device in devices:
                assert device.client.wait_registered(10)
                assert device.failures == []
        finally:
            for device in devices:
                device.client.stop(0.3)
    assert gateway.handshakes == len(DATAGRAMS)


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_all_datagrams_is_lost(gateway, seed):
    chance = random.Random(seed)

    def lossy(way, count, datagram):
        return [] if chance.random() < 0.2 else [datagram]

    with Proxy(gateway.port, lossy) as proxy, Device(proxy.port, max_retransmit=8, ack_timeout_ms=20) as device:
        device.works(10)
        proxy.fates[0] = clean
    assert [status for _, status in device.acks] == [ReportStatus.SENT_SUCCESS] * 10


def test_a_server_that_restarts(gateway):
    with Device(gateway.port) as device:
        device.works()
        gateway.forget()
        lost, *kept = [device.report(b"r%d" % number) for number in range(3)]
        assert lost.wait(10) == ReportStatus.SENT_TIME_OUT
        for report in kept:
            assert report.wait(10) == ReportStatus.SENT_SUCCESS
        assert gateway.handshakes == 2
        assert device.failures == ["a notification was not acknowledged"]
    assert len(device.acks) == 4


def test_a_server_that_says_farewell(gateway):
    with Device(gateway.port) as device:
        device.works()
        gateway.say_farewell()
        device.works(3)
        assert gateway.handshakes == 2


def test_a_source_port_that_changes(gateway):
    with Proxy(gateway.port, clean) as proxy, Device(proxy.port) as device:
        device.works()
        proxy.rebind()
        assert device.report(b"lost").wait(10) == ReportStatus.SENT_TIME_OUT
        device.works(2)
        assert gateway.handshakes == 2
        assert len(gateway.addresses) == 2


def test_garbage_and_replays_into_a_session(gateway):
    with Proxy(gateway.port, clean) as proxy, Device(proxy.port) as device:
        device.works(3)
        replays = [datagram for direction, datagram in proxy.seen]
        for datagram in [*replays, *(replay + b"x" for replay in replays), b"x", bytes(2000)]:
            proxy.inject(datagram)
        device.works(3)
        assert gateway.handshakes == 1
        assert device.failures == []


def test_garbage_and_replays_into_a_handshake(gateway):
    """Noise, and what the server said before, come before each of its datagrams."""
    said = [b"noise" * 20, b"x"]

    def noisy(way, count, datagram):
        if way == UP:
            return [datagram]
        said.append(datagram)
        return [*said, datagram][-8:]

    with Proxy(gateway.port, noisy) as proxy, Device(proxy.port) as device:
        device.works(2)
        assert gateway.handshakes == 1
        assert device.failures == []


def test_the_farewell_comes_after_the_deregistration(gateway):
    with Proxy(gateway.port, clean) as proxy:
        with Device(proxy.port) as device:
            device.works()
        assert device.client.stopped
        end = time.monotonic() + 2
        while gateway.farewells == 0 and time.monotonic() < end:
            time.sleep(0.01)
        assert gateway.farewells == 1
        last = [datagram[0] for direction, datagram in proxy.seen if direction == UP][-1]
        assert last == 21


def test_the_local_clouds_own_port():
    """Reports, a read, a source port that changes, the end."""
    from atiny.cloud import CloudThread

    with CloudThread(port=0, dtls_port=0, psk={"lamp-1": KEYS[b"lamp-1"]}) as cloud:
        with Proxy(cloud.secure_port, clean) as proxy, Device(proxy.port) as device:
            registered = cloud.wait_registered("lamp-1")
            device.works(3)
            assert registered.read("/3/0/0").payload == b"atiny"
            proxy.rebind()
            assert device.report(b"lost").wait(10) == ReportStatus.SENT_TIME_OUT
            device.works(3)
        assert cloud.devices() == []


@pytest.mark.parametrize("suite", SUITES)
def test_the_local_cloud_with_each_suite(suite):
    from atiny.cloud import CloudThread

    with CloudThread(port=0, dtls_port=0, psk={"lamp-1": KEYS[b"lamp-1"]}) as cloud:
        with Device(cloud.secure_port, ciphers=(suite,)) as device:
            device.works()


def test_a_wrong_key(gateway):
    with Device(gateway.port, psk=("lamp-1", b"another"), handshake_timeout_s=1) as device:
        end = time.monotonic() + 5
        while not device.failures and time.monotonic() < end:
            time.sleep(0.01)
    assert device.failures[0] == "the server refused the handshake: alert 20, bad_record_mac: wrong PSK"


def test_nobody_there(gateway):
    with Proxy(gateway.port, lambda *_: []) as proxy, Device(proxy.port, handshake_timeout_s=0.5) as device:
        report = device.report(b"waits")
        end = time.monotonic() + 5
        while not device.failures and time.monotonic() < end:
            time.sleep(0.01)
    assert device.failures[0].startswith("no answer to the handshake for ")
    assert report.status == ReportStatus.NOT_SENT


@pytest.mark.slow
def test_with_the_librarys_own_timers(cloud, monkeypatch):
    """One second, two, four: as in the field."""
    monkeypatch.undo()
    for direction, number in DATAGRAMS:

        def fate(way, count, datagram, direction=direction, number=number):
            return [] if (way, count) == (direction, number) else [datagram]

        with Gateway(cloud.port, packed=False, retransmit_s=1.0) as gateway, Proxy(gateway.port, fate) as proxy:
            with Device(proxy.port) as device:
                started = time.monotonic()
                assert device.client.wait_registered(10)
                assert time.monotonic() - started < 2.5
                device.works()
