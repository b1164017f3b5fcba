"""The bench measures what it says, and atiny takes no more memory than it was given. Nothing here is timed."""

import argparse

import aiocoap
import pytest

from tests.bench import many, push
from tests.bench.__main__ import CLIENTS, PUSHED, ROOT, check_answers, run, table
from tests.bench.driver import Process, Server, decode_options, encode_options


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients are commands relative to the project."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_the_driver_speaks_coap() -> None:
    server = Server()
    first, second = server.requests("3/0", 11542, 2)
    server.close()
    message = aiocoap.Message.decode(first)
    assert (message.code, message.mtype) == (aiocoap.GET, aiocoap.CON)
    assert (message.opt.uri_path, message.opt.accept) == (("3", "0"), 11542)
    assert first[2:8] != second[2:8]


def test_the_driver_reads_long_options() -> None:
    message = aiocoap.Message(code=aiocoap.CONTENT, payload=b"body", _mid=1, _token=b"")
    message.mtype = aiocoap.ACK
    message.opt.location_path = ("rd", "x" * 20, "y" * 300)
    options, payload = decode_options(message.encode(), 4)
    assert options == [(8, b"rd"), (8, b"x" * 20), (8, b"y" * 300)]
    assert payload == b"body"
    assert decode_options(encode_options([(8, b"rd"), (11, b"")]), 0) == ([(8, b"rd"), (11, b"")], b"")


@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_registers_and_answers(name: str) -> None:
    server = Server()
    with Process(CLIENTS[name], server) as client:
        check_answers(server)
        before = client.cpu_us()
        server.load("3/0/0", None, 50)
        assert client.cpu_us() > before
        assert 0 < client.start_ms < 20000
    server.close()


@pytest.mark.parametrize("name", PUSHED)
def test_every_client_takes_what_is_pushed(name: str) -> None:
    found = push.measure(PUSHED[name], 100_000)
    assert 0 < found["block_us"]
    assert 0 < found["push_mbs"]


def test_what_is_pushed_is_what_arrives() -> None:
    server = Server()
    with Process(PUSHED["atiny"], server):
        for size in (1024, 1025, 100_000):
            server.push("5/0/0", size)
            assert server.get("5/0/5").payload == b"%d" % size
    server.close()


def test_the_table_has_ratios() -> None:
    made = table({"atiny": {"text_us": 20.0, "growth_mb": 0.0}, "echo": {"text_us": 5.0, "growth_mb": 0.0}})
    assert "| CPU per GET /3/0/0, us | 20.0 | 5.0 (0.25x) |" in made
    assert "| memory growth, MB | 0.00 | 0.00 |" in made


@pytest.mark.slow
def test_does_not_grow() -> None:
    options = argparse.Namespace(only="atiny", repeat=0, requests=0, starts=0, growth=50000, block1=0)
    assert run(options)["atiny"]["growth_mb"] < 1


@pytest.mark.slow
def test_does_not_grow_while_an_image_is_pushed() -> None:
    assert push.measure(PUSHED["atiny"], 64 << 20)["push_mb"] < 1


@pytest.mark.slow
def test_many_clients_share_a_process() -> None:
    assert many.measure(2000)["kb_each"] < 25
