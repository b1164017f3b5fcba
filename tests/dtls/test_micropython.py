"""DTLS on MicroPython, run by MicroPython itself: tests/micropython/dtls_check.py against servers of ours."""

import os
import random
import select
import subprocess
import time

import pytest

from tests.dtls.peer import DOWN, KEYS, UP
from tests.dtls.udp import Gateway, Proxy
from tests.sources import ROOT
from tests.tools import tool

GCM, CBC = "TLS-PSK-WITH-AES-128-GCM-SHA256", "TLS-PSK-WITH-AES-128-CBC-SHA256"
SCRIPT = str(ROOT / "tests" / "micropython" / "dtls_check.py")


def micropython(*arguments):
    """The command that runs a check."""
    return [tool("micropython"), SCRIPT, *map(str, arguments)]


def started(*arguments):
    return subprocess.Popen(
        micropython(*arguments),
        env={**os.environ, "MICROPYPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def run(*arguments, timeout_s=30):
    """The lines that a check prints."""
    with started(*arguments) as process:
        try:
            output = process.communicate(timeout=timeout_s)[0].decode()
        finally:
            process.kill()
    assert process.returncode == 0, output
    return output.splitlines()


@pytest.fixture
def echo():
    with Gateway(None, {**KEYS, b"short": b"k", b"long": bytes(range(32))}, suites=(GCM, CBC), packed=False) as gateway:
        yield gateway


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("suite", [GCM, CBC])
def test_a_handshake_with_each_suite(suite, packed):
    with Gateway(None, suites=(suite,), packed=packed) as gateway:
        assert run("sessions", gateway.port) == [f"ok {gateway.port}"]
    with Gateway(None, suites=(GCM, CBC), packed=packed) as gateway:
        assert run("suite", gateway.port, suite) == ["ok"]
        (peer,) = gateway.peers.values()
        assert peer.suite == suite


def test_no_common_suite():
    with Gateway(None, suites=(CBC,)) as gateway:
        (line,) = run("suite", gateway.port, GCM)
    assert line.startswith("the server refused the handshake: alert 40, handshake_failure: no cipher suite in common")


DATAGRAMS = [(UP, number) for number in range(3)] + [(DOWN, number) for number in range(5)]


def dropped(datagram, late):
    return []


def doubled(datagram, late):
    return [datagram, datagram]


def delayed(datagram, late):
    late.append(datagram)
    return []


def mistreating(what, direction, number):
    late = []

    def fate(way, count, datagram):
        if way != direction:
            return [datagram]
        if count == number:
            return what(datagram, late)
        arriving = [datagram, *late]
        late.clear()
        return arriving

    return fate


def test_every_single_datagram_dropped_doubled_and_delayed(echo):
    """Twenty-four sessions at once, each in a network of its own."""
    fates = [mistreating(what, *one) for what in (dropped, doubled, delayed) for one in DATAGRAMS]
    with Proxy(echo.port, *fates) as proxy:
        assert run("sessions", *proxy.ports) == [f"ok {port}" for port in proxy.ports]


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 18), marks=pytest.mark.slow)])
def test_random_loss(echo, seeds):
    """A fifth of all datagrams of the handshake."""

    def lossy(seed):
        chance = random.Random(seed)

        def fate(way, count, datagram):
            protected = datagram[3:5] == b"\0\1" and datagram[0] == 23
            return [] if not protected and chance.random() < 0.2 else [datagram]

        return fate

    with Proxy(echo.port, *map(lossy, seeds)) as proxy:
        assert run("sessions", *proxy.ports) == [f"ok {port}" for port in proxy.ports]


def test_noise_and_replays_in_handshakes(echo):
    """Before each datagram of the server's: noise, what it said before, and records that look as if they were its."""
    epoch_1 = b"\x16\xfe\xfd\0\1" + bytes(6) + b"\0\x20" + bytes(32)
    forged = [
        b"noise" * 20,
        b"x",
        b"\x17\xfe\xfd" + bytes(6) + b"\0\x99\0\3GET",
        b"\x14\xfe\xfd" + bytes(6) + b"\0\x99\0\1\1",
        b"\x15\xfe\xfd" + bytes(6) + b"\x7f\x99\0\2\1\x28",
        epoch_1,  # looks like a Finished
    ]

    def noisy(index):
        before = []

        def fate(way, count, datagram):
            if way == UP:
                return [datagram]
            if forged[index] is epoch_1 and count > 2:
                return [datagram]  # in place of the real one it ends the handshake, as it must
            before.append(datagram)
            return [forged[index], *before]

        return fate

    with Proxy(echo.port, *map(noisy, range(len(forged)))) as proxy:
        assert run("sessions", *proxy.ports) == [f"ok {port}" for port in proxy.ports]


def test_credentials(echo):
    lines = run("credentials", echo.port)
    assert lines[:3] == ["lamp-1 ok", "short ok", "long ok"]
    assert lines[3] == "lamp-1 the server refused the handshake: alert 20, bad_record_mac: wrong PSK"
    assert lines[4] == "stranger the server refused the handshake: alert 115, unknown_psk_identity"
    assert lines[5].startswith("NotSupported this MicroPython has not all of ")
    assert lines[6].startswith(
        "ParameterError the cipher suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is not one of pre-"
    )
    assert lines[7].startswith("ParameterError ciphers are a tuple of names")
    # Suites of pre-shared keys, and nothing that a certificate of anybody's would do for (00ff: RFC 5746).
    hello = bytes.fromhex(lines[8].removeprefix("offers "))
    assert hello[61:69] == bytes.fromhex("000600a800ae00ff")
    assert lines[9:] == ["not shown"]


def test_garbage_into_a_session(echo):
    assert run("garbage", echo.port) == ["ok 4133 b'' None"]


def test_a_datagram_that_comes_as_the_timer_runs_out(echo):
    assert run("timer", echo.port) == ["ok"]


def test_nobody_there(echo):
    with Proxy(echo.port, lambda *_: []) as proxy:
        started_at = time.monotonic()
        (line,) = run("suite", proxy.port, GCM, 1200)
    assert line == "no answer to the handshake for 1 s: wrong PSK or no DTLS server there"
    assert time.monotonic() - started_at > 1.2
    assert proxy.counts[0][UP] == 2  # at 0 and 1 s


class Device:
    """The whole client under MicroPython."""

    def __init__(self, port):
        self.process = started("client", port)
        self.lines = []
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, wanted, timeout_s=10):
        """Read lines until one begins with ``wanted``; returns it."""
        end = time.monotonic() + timeout_s
        while True:
            left = end - time.monotonic()
            assert left > 0, (wanted, self.lines)
            if select.select([self.process.stdout], [], [], left)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                assert more, self.lines
                *whole, self._rest = (self._rest + more).split(b"\n")
                fresh = [line.decode() for line in whole]
                self.lines += fresh
                for line in fresh:
                    if line.startswith(wanted):
                        return line


REG_OK, REG_FAIL = "event 0", "event 1"


def test_a_whole_device():
    """Registered by the local cloud: reports, a server that restarts, one that says farewell, the end."""
    pytest.importorskip("aiocoap")
    from atiny.cloud import CloudThread

    with CloudThread(port=0) as cloud, Gateway(cloud.port) as gateway, Device(gateway.port) as device:
        device.wait_for(REG_OK)
        device.tell("one")
        assert device.wait_for("report one") == "report one SENT_SUCCESS"
        gateway.forget()
        device.tell("two")
        device.tell("three")
        assert device.wait_for("report two") == "report two SENT_TIME_OUT"
        device.wait_for("report three SENT_SUCCESS")
        assert gateway.handshakes == 2
        gateway.say_farewell()
        assert device.wait_for(REG_FAIL) == REG_FAIL + " the server closed the session"
        device.wait_for(REG_OK)
        device.tell("reconnect")
        device.wait_for(REG_OK)
        assert gateway.handshakes == 4
        device.tell("stop")
        device.wait_for("stopped")
        assert cloud.devices() == []


def test_the_local_cloud():
    """Its own DTLS port: a report, a command, the end."""
    pytest.importorskip("aiocoap")
    from atiny.cloud import CloudThread

    with (
        CloudThread(port=0, dtls_port=0, psk={"lamp-1": KEYS[b"lamp-1"]}) as cloud,
        Device(cloud.secure_port) as device,
    ):
        registered = cloud.wait_registered("lamp-1")
        device.tell("one")
        assert device.wait_for("report one") == "report one SENT_SUCCESS"
        assert registered.read("/3/0/0").payload == b"atiny"
        device.tell("stop")
        device.wait_for("stopped")
        assert cloud.devices() == []
