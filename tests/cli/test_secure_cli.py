"""The ``atiny`` command over DTLS: identities and keys, their mistakes, and that no key is ever shown."""

import json
import signal
from typing import Any

import pytest

import atiny
from atiny.cli import main
from atiny.cloud import CloudThread, Registered
from tests.cloud.dtls_peer import needs_dtls
from tests.sources import ROOT
from tests.test_cli import in_order, read_until, run, start

KEY = b"Geheim!!Geheim!!"
WRONG = b"Falsch!!Falsch!!"
ID = "urn:dev:lamp-1"


def without_keys(*texts: str) -> bool:
    """Whether no key is in any of the texts, nor a part of one, in any spelling."""
    whole = "\n".join(texts).lower()
    parts = [key[:8] for key in (KEY, WRONG)]
    return not any(part.decode().lower() in whole or part.hex() in whole for part in parts)


def device(server: str, *arguments: str, key: bytes = KEY, identity: str = ID) -> "list[str]":
    return ["device", "--server", server, "--endpoint", ID, "--psk-id", identity, "--psk-hex", key.hex(), *arguments]


# demo


@needs_dtls
def test_the_demo_runs_over_dtls():
    code, lines, err = run("demo", "--reports", "1", "--json")
    assert (code, err) == (0, "")
    events = {event["event"]: event for event in map(json.loads, lines)}
    assert events["listening"]["url"].startswith("coaps://127.0.0.1:")
    assert events["session_started"]["identity"] == "led-lamp"
    [registered] = [event for event in map(json.loads, lines) if event["event"] == "registered" and "id" in event]
    assert registered["identity"] == "led-lamp"
    assert (events["result"]["acknowledged"], events["result"]["obeyed"]) == (1, True)


def test_the_demo_without_dtls():
    code, lines, err = run("demo", "--nosec", "--reports", "1")
    assert (code, err) == (0, "")
    assert lines[0].startswith("cloud: listening on coap://127.0.0.1:")
    assert "DTLS" not in "".join(lines)
    assert lines[-1] == "1 of 1 reports acknowledged, the command was obeyed"


@needs_dtls
def test_a_demo_with_a_wrong_key_says_so(capsys, monkeypatch):
    def other(*arguments: Any, psk: "dict[str, bytes]", **rest: Any) -> CloudThread:
        return CloudThread(*arguments, psk=dict.fromkeys(psk, KEY), **rest)

    monkeypatch.setattr("atiny.cli.demo.CloudThread", other)
    assert main(["demo", "--reports", "1", "--timeout", "0.5"]) == 6
    out, err = capsys.readouterr()
    assert "failed: wrong key" in out
    assert "lamp: not registered: the server refused the handshake" in out
    assert "wrong PSK" in out
    assert "the lamp did not register within 0.5 s: the server refused the handshake" in err
    assert without_keys(out, err)


@pytest.fixture
def no_mbedtls(tmp_path):
    """The environment of a runtime without DTLS."""
    (tmp_path / "mbedtls.py").write_text("raise ImportError('no mbedtls here')")
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}"}


def test_without_the_library_the_demo_says_what_to_do(no_mbedtls):
    code, lines, err = run("demo", "--reports", "1", **no_mbedtls)
    assert (code, lines) == (1, [])
    assert "CPython 3.10 to 3.12" in err
    assert "atiny demo --nosec" in err
    assert "Traceback" not in err
    code, lines, err = run("demo", "--nosec", "--reports", "1", **no_mbedtls)
    assert (code, err) == (0, "")


def test_without_the_library_the_others_say_so_too(no_mbedtls):
    code, _, err = run("cloud", "--port", "0", "--psk", f"x:{KEY.hex()}", **no_mbedtls)
    assert code == 1
    assert "CPython 3.10 to 3.12" in err
    code, _, err2 = run(*device("coaps://127.0.0.1:1", "01"), **no_mbedtls)
    assert code == 2
    assert "CPython 3.10 to 3.12" in err2
    assert without_keys(err, err2)


# cloud and device


@needs_dtls
@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
def test_a_cloud_and_a_device_over_dtls_show_no_key(as_json):
    more = ["--json"] if as_json else []
    psks = ["--psk", f"{ID}:{KEY.hex()}", "--psk", f"lamp-2:{KEY.hex().upper()}"]
    with start("cloud", "--port", "0", "--dtls-port", "0", *psks, *more) as process:
        assert process.stdin is not None
        listening = read_until(process, "coaps://")
        if as_json:
            url = json.loads(listening)["url"]
            assert json.loads(listening)["identities"] == ["lamp-2", ID]
        else:
            url = listening.split()[2]
            assert listening == f"listening on {url} for lamp-2, {ID}\n"
        code, lines, err = run(*device(url, "01", "cafe", *more))
        assert (code, err) == (0, "")
        assert in_order(lines, "registered", "01", "cafe")
        failures = [
            (6, device(url, "--timeout", "0.5", "01", *more, key=WRONG)),
            (6, device(url, "--timeout", "0.5", "01", *more, identity="nobody")),
            (6, device(url, "--timeout", "0.5", "01", *more, identity="lamp-2")),
            (3, device(url, "01", *more, key=KEY * 3)),
        ]
        outputs = ["\n".join(lines)]
        for expected, arguments in failures:
            code, lines, err = run(*arguments)
            assert code == expected, (arguments, lines, err)
            outputs += ["\n".join(lines), err]
        out, err = process.communicate("devices\nquit\n", timeout=10)
        assert (process.returncode, err) == (0, "")
        assert "failed: wrong key" in out or '"reason": "wrong key"' in out
        assert "unknown identity" in out
        assert "4.03" in out
        assert "not allowed to register" in "".join(outputs)
        assert without_keys(out, err, *outputs)


@needs_dtls
def test_a_device_says_why_it_is_not_registered(capsys):
    with CloudThread(port=0, dtls_port=0, psk={ID: KEY}) as cloud:
        assert main(device(cloud.secure_url, "--timeout", "0.5", "01", key=WRONG)) == 6
        out, err = capsys.readouterr()
        assert f"not registered at {cloud.secure_url} within 0.5 s: the server refused the handshake" in err
        assert "wrong PSK" in err
        assert main(device(f"coaps://127.0.0.1:{cloud.port}", "--timeout", "1.3", "01")) == 6  # which speaks CoAP only
        _, err2 = capsys.readouterr()
        assert "no DTLS server there" in err2
        assert without_keys(out, err, err2)


@needs_dtls
def test_identity_and_key_may_come_from_the_environment():
    with CloudThread(port=0, dtls_port=0, psk={ID: KEY}) as cloud:
        environment = {"ATINY_PSK_ID": ID, "ATINY_PSK_HEX": KEY.hex()}
        code, _, err = run("device", "--server", cloud.secure_url, "--endpoint", ID, "01", **environment)
        assert (code, err) == (0, "")
        assert cloud.wait_for(Registered).identity == ID
    with start("cloud", "--port", "0", "--dtls-port", "0", ATINY_PSK=f"a:00 {ID}:{KEY.hex()}") as process:
        url = read_until(process, f"for a, {ID}").split()[2]
        with atiny.Client(ID, url, psk=(ID, KEY)) as client:
            assert client.wait_registered(10)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 143
        assert without_keys(out, err)


@needs_dtls
def test_a_dtls_port_in_use_is_4(capsys):
    with CloudThread(port=0, dtls_port=0) as cloud:
        port = str(cloud.secure_port)
        assert main(["cloud", "--port", "0", "--dtls-port", port, "--psk", "x:00"]) == 4
        assert f"port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


# Mistakes

LONG = KEY.hex() * 3


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (KEY.hex()[:-1], "is not hexadecimal: two digits a byte"),
        (KEY.hex() + "zz", "is not hexadecimal"),
        ("0x" + KEY.hex(), "is not hexadecimal"),
        (KEY.decode(), "is not hexadecimal"),
        (LONG, "a PSK is 1 to 32 bytes long, this one has 48"),
        ("", "a PSK is 1 to 32 bytes long, this one has 0"),
    ],
)
def test_a_key_that_cannot_be_is_3_and_is_not_shown(key, message, capsys):
    server = ["--server", "coaps://127.0.0.1:1", "--endpoint", "x"]
    assert main(["device", *server, "--psk-id", "x", "--psk-hex", key, "01"]) == 3
    assert message in capsys.readouterr().err
    assert main(["device", *server, "--psk-id", "x", "--psk-hex", key, "01", "--json"]) == 3
    out, err = capsys.readouterr()
    assert main(["cloud", "--port", "0", "--dtls-port", "0", "--psk", f"x:{key}"]) == 3
    out2, err2 = capsys.readouterr()
    assert message in err2
    assert without_keys(out, err, out2, err2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cloud", "--psk", KEY.hex()], "ID:HEXKEY"),
        (["cloud", "--psk", f":{KEY.hex()}"], "1 to 128 bytes"),
        (["cloud", "--psk", f"{'x' * 129}:{KEY.hex()}"], "1 to 128 bytes"),
        (["cloud", "--psk", f"x:{KEY.hex()}", "--psk", f"x:{WRONG.hex()}"], "x is given twice"),
        (["cloud", "--dtls-port", "0"], "needs --psk"),
        (["cloud", "--dtls-port", "70000", "--psk", f"x:{KEY.hex()}"], "70000"),
        (["device", "--server", "coaps://127.0.0.1:1", "--endpoint", "x", "01"], "go together"),
        (["device", "--server", "coaps://h", "--endpoint", "x", "--psk-id", "x", "01"], "give both"),
        (["device", "--server", "coaps://h", "--endpoint", "x", "--psk-hex", KEY.hex(), "01"], "give both"),
        (device("coap://127.0.0.1:1", "01"), "go together"),
        (device("coaps://127.0.0.1:1", "01", identity=""), "1 to 128 bytes"),
    ],
)
def test_wrong_usage_is_2_and_shows_no_key(arguments, message, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert without_keys(out, err)
