"""Keys stay where they belong: in no text that anybody might print."""

import gc
import traceback

import pytest

from atiny import ATINY_UPDATE_PSK, AtinySecurityParam, Client, CommandHandler, ParameterError
from atiny.dtls.psk import check_psk
from atiny.testing import FakeCommandHandler
from tests.dtls.peer import KEYS, Peer, Wire, client
from tests.dtls.secured import World

SECRET = b"S3cr3t-k3y\xff\x00"
LATER = b"N3w-s3cr3t\xfe"
# As raw text, as a repr, as hexadecimal digits, as numbers.
SHAPES = [
    shape
    for key in (SECRET, LATER)
    for shape in (key[:10].decode(), key.hex(), key.hex().upper(), repr(list(key))[1:-1], repr(key)[2:-1])
]


def shows(text):
    return [shape for shape in SHAPES if shape in text]


def reachable(start):
    """Every object of ours, and of the library, that can be reached from ``start``."""
    found, waiting = {}, [start]
    while waiting:
        item = waiting.pop()
        if id(item) in found or isinstance(item, type) or type(item).__module__ == "builtins" and callable(item):
            continue
        found[id(item)] = item
        module = type(item).__module__ or ""
        if module.startswith(("atiny", "mbedtls")) or isinstance(item, (dict, list, tuple)):
            waiting += gc.get_referents(item)
            waiting += [getattr(item, name, None) for name in ("context", "configuration", "_context")]
    return [item for item in found.values() if (type(item).__module__ or "").startswith(("atiny", "mbedtls"))]


def test_no_object_shows_its_key():
    handler = FakeCommandHandler({ATINY_UPDATE_PSK: 0})
    world = World(psk=("lamp-1", SECRET), device=handler)
    world.port.keys = {b"lamp-1": SECRET, b"lamp-2": LATER}
    world.register()
    found = reachable(world.client)
    names = {type(item).__name__ for item in found}
    assert {"Client", "Agent", "Account", "Security", "MbedTLSSession", "DTLSConfiguration", "Loop"} <= names
    for item in found:
        assert shows(repr(item)) == shows(str(item)) == [], type(item)
    world.client.update_psk("lamp-2", LATER)
    world.simulation.run(100)
    world.client.reconnect()
    world.simulation.run(1000)
    assert world.client.registered
    for item in reachable(world.client):
        if type(item).__name__ != "FakeCommandHandler":  # a host may show what it was given
            assert shows(repr(item)) == shows(str(item)) == [], type(item)
    assert shows("".join(world.client.platform.hardware.log)) == []


def test_the_check_would_see_it():
    class Careless:
        def __init__(self):
            self.key = SECRET

        def __repr__(self):
            return f"Careless({self.key!r})"

    Careless.__module__ = "atiny.careless"
    (found,) = reachable(Careless())
    assert shows(repr(found))
    assert shows(SECRET.hex())


def test_a_parameter_shows_none():
    assert shows(repr(AtinySecurityParam("127.0.0.1", 5684, "lamp-1", SECRET))) == []


@pytest.mark.parametrize(
    ("identity", "key"),
    [("lamp-1", SECRET * 4), ("lamp-1", SECRET.decode("latin-1")), ("", SECRET), (None, SECRET), ("x" * 200, SECRET)],
)
def test_no_refusal_shows_the_key(identity, key):
    for refused in (
        lambda: check_psk(identity, key),
        lambda: Client("lamp-1", "coaps://127.0.0.1", psk=(identity, key)),
        lambda: Client("lamp-1", "coap://127.0.0.1").update_psk(identity, key),
    ):
        with pytest.raises(ParameterError) as caught:
            refused()
        text = "".join(traceback.format_exception(caught.value))
        assert shows(text.replace(", key)", "")) == []


def test_a_psk_without_coaps_is_not_shown():
    with pytest.raises(ParameterError) as caught:
        Client("lamp-1", "coap://127.0.0.1", psk=("lamp-1", SECRET))
    assert shows(str(caught.value)) == []


def test_no_event_and_no_log_shows_a_key():
    """A wrong one, a handler that raises, a session that breaks."""

    class Raising(CommandHandler):
        def update_psk(self, identity, key):
            raise ValueError("no room")

    world = World(psk=("lamp-1", SECRET), device=Raising())
    world.simulation.run(10_000)
    world.client.update_psk("lamp-1", LATER)
    world.client.reconnect()
    world.simulation.run(10_000)
    world.port.keys = {b"lamp-1": LATER}
    world.register(300_000)
    text = repr(world.events) + "".join(world.client.platform.hardware.log)
    assert "refused the handshake" in text
    assert "no room" in text
    assert shows(text) == []


def test_what_is_sent_shows_no_key():
    wire = Wire(client(key=SECRET), Peer({b"lamp-1": SECRET}))
    wire.shake_hands()
    wire.exchange()
    everything = b"".join(wire.sent["up"] + wire.sent["down"])
    assert b"lamp-1" in everything
    assert SECRET not in everything
    assert KEYS[b"lamp-1"] not in everything
