"""A device whose DTLS session is lost: a new handshake, a new registration, and one end for every report."""

import pytest

from atiny import ATINY_DATA_SUBSCRIBE, ATINY_REG_FAIL, ATINY_REG_OK, ATINY_UPDATE_PSK, ReportStatus
from atiny.dtls import handshake, mbedtls
from atiny.testing import FakeCommandHandler
from tests.dtls.peer import KEYS
from tests.dtls.secured import World

FINAL = (ReportStatus.SENT_FAIL, ReportStatus.SENT_TIME_OUT)


def test_a_devices_life():
    world = World()
    world.register()
    report = world.report(b"\1", cookie=7)
    world.simulation.run(1000)
    assert (report.status, world.acks, world.arrived()) == (ReportStatus.SENT_SUCCESS, [(7, 4)], [b"\1"])
    answer = world.server.read("lamp-1", "/3/0/0")
    world.simulation.run(1000)
    assert (answer.code, answer.payload) == ("2.05", b"atiny")
    world.client.stop()
    world.simulation.run(100)
    assert [event.kind for event in world.server.events] == ["register", "deregister"]
    assert (world.port.handshakes, world.port.farewells) == (1, 1)
    assert world.network.trace[-1].uplink
    assert (world.server.protocol_errors, world.server.malformed) == ([], [])
    assert [event for event, _ in world.events] == [ATINY_REG_OK, ATINY_DATA_SUBSCRIBE]


def test_nothing_is_said_in_the_clear():
    world = World()
    world.register()
    world.report(b"an open secret")
    world.simulation.run(1000)
    world.client.stop()
    for datagram in world.network.trace:
        assert datagram.data[0] in range(20, 24)
        assert b"lamp-1/" not in datagram.data
        assert b"open secret" not in datagram.data


# -- ways to lose a session


def restart(world):
    """The server forgets everything, and says nothing to what it does not know."""
    world.port.peers.clear()
    world.server.restart()


def farewell(world):
    world.port.say_farewell()
    world.server.restart()


def rebind(world):
    """The device's address changes on the way: the server takes it for a stranger."""
    world.network.rebind(world.client.platform.sockets[-1])


def reconnect(world):
    """The host knows that its network is another."""
    world.client.reconnect()


def refused(world):
    """The server is down, and up again after a while."""
    world.network.refuse(5684)
    world.network.call_at(world.simulation.now_ms + 20_000, lambda: world.network.accept(5684))
    restart(world)


def fatal_alert(world):
    from mbedtls.exceptions import TLSError

    def readinto(*_):
        raise TLSError(handshake.FATAL_ALERT)

    world.client._agent.accounts[0].session._readinto = readinto
    world.server.read("lamp-1", "/3/0")


REASONS = {
    restart: "a notification was not acknowledged",
    farewell: "the server closed the session",
    rebind: "a notification was not acknowledged",
    reconnect: "reconnect",
    refused: "server port 5684 refused the datagram",
    fatal_alert: "the server ended the session (fatal alert)",
}


@pytest.mark.parametrize("lose", REASONS)
def test_a_lost_session_costs_the_report_on_its_way(lose):
    world = World()
    world.register()
    world.simulation.run(1000)
    lose(world)
    reports = [world.report(b"%d" % number, number) for number in range(4)]
    world.simulation.run_until(lambda: all(report.done for report in reports), 300_000)
    world.simulation.run(5000)
    statuses = dict(world.acks)
    assert len(world.acks) == 4  # one end for each
    assert statuses[0] in FINAL or lose in (farewell, reconnect)
    assert [statuses[number] for number in (1, 2, 3)] == [ReportStatus.SENT_SUCCESS] * 3
    assert world.arrived()[-3:] == [b"1", b"2", b"3"]
    assert world.client.registered
    assert world.port.handshakes == 2
    assert world.server.count("register") == 2
    assert world.events_of(ATINY_REG_FAIL)[0].startswith(REASONS[lose])
    assert len(world.events_of(ATINY_REG_OK)) == 2


@pytest.mark.parametrize("lose", [restart, rebind])
def test_a_device_that_has_nothing_to_say_finds_out_by_its_update(lose):
    world = World(lifetime=300)
    world.register()
    lose(world)
    world.simulation.run_until(lambda: world.port.handshakes == 2, 300_000)
    world.simulation.run(5000)
    assert world.client.registered
    assert world.events_of(ATINY_REG_FAIL) == ["Update: time-out"]


def test_an_update_that_is_reset_connects_anew_at_once():
    """The answer comes on the link that it ends; what is sent next must not go there."""
    world = World(lifetime=60)
    world.register()
    world.server.restart()
    peer = world.server._peer
    original = peer._on_request

    def reset(message, address):
        peer._on_request = original
        empty = bytes([0x70, 0, message.mid >> 8, message.mid & 255])
        world.port.send(empty, address)
        raise ConnectionResetError

    peer._on_request = reset
    start = world.simulation.now_ms
    with pytest.raises(ConnectionResetError):
        world.simulation.run(60_000)
    sent = world.simulation.now_ms
    assert sent > start
    world.simulation.run_until(lambda: world.port.handshakes == 2, 60_000)
    assert world.simulation.now_ms - sent < 500
    world.simulation.run(500)
    assert world.client.registered
    assert world.events_of(ATINY_REG_FAIL) == ["Update: reset"]


# -- handshakes that fail


def failing(world, times, timeout_ms=600_000):
    world.simulation.run_until(lambda: len(world.events_of(ATINY_REG_FAIL)) >= times, timeout_ms)
    return world.events_of(ATINY_REG_FAIL)


def test_no_server():
    world = World()
    world.port.accepting = False
    began = world.simulation.now_ms
    reasons = failing(world, 2)
    assert reasons == ["no answer to the handshake for 60 s: wrong PSK or no DTLS server there"] * 2
    assert 122_000 <= world.simulation.now_ms - began < 124_000
    world.port.accepting = True
    world.register(200_000)


def test_the_time_for_a_handshake():
    world = World(handshake_timeout_s=5)
    world.port.accepting = False
    began = world.simulation.now_ms
    assert failing(world, 1) == ["no answer to the handshake for 5 s: wrong PSK or no DTLS server there"]
    assert world.simulation.now_ms - began == 5000


@pytest.mark.parametrize(
    ("psk", "reason"),
    [
        (("lamp-1", b"another key"), "the server refused the handshake: alert 20, bad_record_mac: wrong PSK"),
        (("stranger", KEYS[b"lamp-1"]), "the server refused the handshake: alert 115, unknown_psk_identity"),
        ((b"\xff\xfe", KEYS[b"lamp-1"]), "the server refused the handshake: alert"),
    ],
)
def test_wrong_credentials_are_told_and_tried_again_more_and_more_slowly(psk, reason):
    world = World(psk=psk)
    times = []
    for number in range(1, 9):
        assert failing(world, number)[-1].startswith(reason)
        times.append(world.simulation.now_ms)
    waits = [after - before for before, after in zip(times, times[1:], strict=False)]
    for wait, least in zip(waits, (2, 4, 8, 16, 32, 64, 120), strict=True):
        assert least * 1000 <= wait <= least * 1500 + 500
    assert not world.client.registered
    if psk[0] != b"\xff\xfe":  # which the library's server cannot know
        world.client.update_psk("lamp-1", KEYS[b"lamp-1"])
        world.client.reconnect()
        world.register(1000)


def test_a_new_key_is_used_from_the_next_handshake_on():
    handler = FakeCommandHandler({ATINY_UPDATE_PSK: 0})
    world = World(device=handler)
    world.register()
    world.client.update_psk("lamp-2", b"new")
    world.report(b"by the old key")
    world.simulation.run(1000)
    assert world.port.handshakes == 1
    assert handler.args(ATINY_UPDATE_PSK) == [(b"lamp-2", b"new")]
    world.port.keys = {b"lamp-2": b"new"}
    world.client.reconnect()
    world.simulation.run_until(lambda: world.port.handshakes == 2)
    world.simulation.run(500)
    assert world.client.registered
    assert world.acks == [(None, ReportStatus.SENT_SUCCESS)]


def test_a_handshake_that_a_forgery_broke_is_made_again_from_another_port():
    world = World()

    def forge(datagram):
        world.network.filters.clear()
        return b"\x16\xfe\xfd" + bytes(8) + b"\0\x0c" + bytes(12) if not datagram.uplink else None

    world.network.filters.append(lambda datagram: None if datagram.uplink else forge(datagram))
    took = world.register()
    assert 2000 <= took < 4000
    assert len(world.port.peers) == 2  # the server still waits for the first
    (reason,) = world.events_of(ATINY_REG_FAIL)
    assert reason.startswith("the handshake broke: ")


def test_forged_datagrams_do_nothing_to_a_registered_device():
    world = World()
    world.register()
    socket = world.client.platform.sockets[-1]
    replays = [datagram.data for datagram in world.network.trace if not datagram.uplink]
    for datagram in [*replays, b"", b"\x17", b"noise" * 10, *(replay + b"x" for replay in replays)]:
        socket.deliver(datagram, ("server", 5684))
    report = world.report(b"still here")
    world.simulation.run(1000)
    assert report.status == ReportStatus.SENT_SUCCESS
    assert (world.port.handshakes, world.server.count("register")) == (1, 1)
    assert (world.server.protocol_errors, world.server.malformed) == ([], [])


# -- the end


def test_stop_during_a_handshake():
    world = World()
    world.port.accepting = False
    world.simulation.run(3000)
    began = world.simulation.now_ms
    world.client.stop()
    assert world.client.stopped
    assert world.simulation.now_ms - began < 100


def test_stop_when_the_server_is_gone():
    world = World()
    world.register()
    world.port.peers.clear()
    world.port.accepting = False
    report = world.report(b"too late")
    began = world.simulation.now_ms
    world.client.stop(timeout_s=3)
    assert world.client.stopped
    assert world.simulation.now_ms - began <= 3000
    assert (report.done, report.status) == (True, ReportStatus.NOT_SENT)
    assert len(world.acks) == 1


def test_a_device_that_cannot_reach_its_server_sleeps(monkeypatch):
    """A handshake without an answer wakes the loop when the library's timer runs out, not all the time."""
    calls = []
    original = mbedtls.MbedTLSSession.handle_timer

    def handle_timer(self, now):
        calls.append(now)
        original(self, now)

    monkeypatch.setattr(mbedtls.MbedTLSSession, "handle_timer", handle_timer)
    # The virtual hour passes in no time, so the library's timer never runs out: the worst case.
    world = World()
    world.port.accepting = False
    failing(world, 1)
    assert len(calls) <= 60_000 / handshake.POLL_MS
