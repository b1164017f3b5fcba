"""``atiny cloud --bootstrap`` and ``atiny device --bootstrap``: two processes' worth of bootstrap, and its mistakes."""

import json
from typing import Any

import pytest

from atiny.cli import main
from atiny.cloud import BootstrapRequested, CloudThread, Registered
from tests.cloud.dtls_peer import needs_dtls
from tests.test_cli import in_order, read_until, run, start

KEY = "000102030405060708090a0b0c0d0e0f"
CLOUD = ["cloud", "--port", "0", "--bootstrap", "--bootstrap-port", "0"]


def device(url: str, *arguments: str) -> "list[str]":
    return ["device", "--endpoint", "lamp-1", "--bootstrap", url, *arguments]


def test_a_device_that_knows_only_the_bootstrap_server():
    with start(*CLOUD) as process:
        assert process.stdin is not None
        read_until(process, "listening on coap://")
        line = read_until(process, "bootstrap server on coap://")
        url = line.split()[-1]
        code, lines, err = run(*device(url, "01", "cafe"))
        assert (code, err) == (0, "")
        assert in_order(lines, "bootstrapped", "registered", "report 01: SENT_SUCCESS", "report cafe: SENT_SUCCESS")
        out, err = process.communicate("quit\n", timeout=10)
        assert (process.returncode, err) == (0, "")
        # What comes to two ports is told in either order: the end of the bootstrap and the registration.
        lines = out.splitlines()
        assert in_order(
            lines, "to be bootstrapped", "/0: 2.02", "write /0/0: 2.04", "finish /bs: 2.04", ": bootstrapped"
        )
        assert in_order(lines, "write /0/0: 2.04", "lamp-1: registered from", "report /19/0/0 = 01")


@needs_dtls
def test_over_dtls_with_a_fresh_key_that_is_never_shown():
    ports = ["--dtls-port", "0", "--bootstrap-dtls-port", "0"]
    with start(*CLOUD, *ports, "--bootstrap-psk", f"lamp-1:{KEY}", "--json") as process:
        assert process.stdin is not None
        secured = json.loads(read_until(process, "coaps://"))
        assert (secured["event"], secured["identities"]) == ("listening", [])
        secured = json.loads(read_until(process, "coaps://"))
        assert (secured["event"], secured["identities"]) == ("bootstrapping", ["lamp-1"])
        environment = {"ATINY_BOOTSTRAP_PSK_ID": "lamp-1", "ATINY_BOOTSTRAP_PSK_HEX": KEY}
        code, lines, err = run(*device(secured["url"], "01", "--json"), **environment)
        assert (code, err) == (0, "")
        assert [json.loads(line)["event"] for line in lines][:2] == ["bootstrapped", "registered"]
        registered = json.loads(read_until(process, '"registered"'))
        assert registered["identity"].startswith("lamp-1-")
        out, err = process.communicate("quit\n", timeout=10)
        assert process.returncode == 0
        assert KEY not in out + err + "".join(lines)


@pytest.fixture
def cloud() -> Any:
    with CloudThread(port=0, bootstrap=True, bootstrap_port=0) as running:
        yield running


def test_accounts_are_kept_in_a_folder(cloud, tmp_path, capsys):
    folder = tmp_path / "made" / "by it"
    for _ in range(2):
        assert main(device(cloud.bootstrap_url, "--store", str(folder), "01")) == 0
    assert capsys.readouterr().out.count("bootstrapped\n") == 1
    assert sum(isinstance(event, BootstrapRequested) for event in cloud.events) == 1
    assert main(device(cloud.bootstrap_url, "01")) == 0
    assert sum(isinstance(event, BootstrapRequested) for event in cloud.events) == 2


def test_queue_mode(cloud):
    assert main(["device", "--endpoint", "x", "--server", cloud.url, "--queue-mode", "--awake", "5", "01"]) == 0
    assert cloud.wait_for(Registered).binding == "UQ"


def test_a_bootstrap_that_fails_is_6_and_says_why(capsys):
    with CloudThread(port=0, bootstrap={}, bootstrap_port=0) as cloud:
        assert main(device(cloud.bootstrap_url, "01", "--timeout", "0.5")) == 6
        out, err = capsys.readouterr()
        assert "bootstrap failed: " in out
        assert "not registered at any server within 0.5 s: bootstrap failed: " in err
        assert "4.00" in err


WRONG = [
    (["device", "--endpoint", "x", "01"], "needs a --server, or a --bootstrap server"),
    (["device", "--endpoint", "x", "--bootstrap", "http://x", "01"], "coap://host:port"),
    (["device", "--endpoint", "x", "--bootstrap", "coaps://127.0.0.1", "01"], "go together"),
    (["device", "--endpoint", "x", "--bootstrap", "coap://127.0.0.1", "--bootstrap-psk-id", "x", "01"], "give both"),
    (["device", "--endpoint", "x", "--server", "coap://127.0.0.1", "--store", "/dev/null/x", "01"], "--store"),
    (["device", "--endpoint", "x", "--server", "coap://127.0.0.1", "--awake", "0", "01"], "--awake"),
    (["cloud", "--bootstrap-port", "0"], "need --bootstrap"),
    (["cloud", "--bootstrap-psk", f"x:{KEY}"], "need --bootstrap"),
    (["cloud", "--bootstrap", "--bootstrap-dtls-port", "0"], "needs --bootstrap-psk"),
    (["cloud", "--bootstrap", "--bootstrap-psk", "nocolon"], "--bootstrap-psk is an identity and a key"),
    (["cloud", "--dtls-port", "0"], "needs --psk, or --bootstrap"),
]


@pytest.mark.parametrize(("arguments", "why"), WRONG)
def test_wrong_usage_is_2(arguments, why, capsys):
    assert main(arguments) == 2
    assert why in " ".join(capsys.readouterr().err.split())
