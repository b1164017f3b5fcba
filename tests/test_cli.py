"""The ``atiny`` command: what it prints, for people and for machines, and each of its exit codes."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Iterator

import pytest

import atiny
from atiny.cli import main
from atiny.cli.common import Output, from_hex
from atiny.cloud import CloudThread, CommandState, Deregistered, Registered
from tests.cloud.dtls_peer import HAS_DTLS
from tests.sources import ROOT

DEMO = ["demo"] if HAS_DTLS else ["demo", "--nosec"]


class Process(subprocess.Popen):
    """A process that does not outlive a test that failed: it would wait for its input for ever."""

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, trace)


def start(*arguments: str, stdin: int = subprocess.PIPE, **environment: str) -> "subprocess.Popen[str]":
    return Process(
        [sys.executable, "-m", "atiny.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(*arguments: str, typed: str = "", **environment: str) -> "tuple[int, list[str], str]":
    """(exit code, lines of the output, what went to the standard error)."""
    with start(*arguments, **environment) as process:
        out, err = process.communicate(typed, timeout=20)
    return process.returncode, out.splitlines(), err


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}")


def in_order(lines: "list[str]", *wanted: str) -> bool:
    """Whether ``wanted`` are contained in lines that follow each other, with others between."""
    rest = iter(lines)
    return all(any(text in line for line in rest) for text in wanted)


@pytest.fixture
def cloud() -> Iterator[CloudThread]:
    with CloudThread(port=0) as running:
        yield running


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that something listens on and that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


# The whole


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"atiny {atiny.__version__}\n"
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("cloud", "demo", "device", "object", "package", "130", "the port is in use"))
    for name in ("cloud", "demo", "device"):
        assert main([name, "--help"]) == 0
        assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["demo", "--reports", "0"],
        ["demo", "--port", "70000"],
        ["device", "01"],
        ["device", "--server", "coap://127.0.0.1:1", "01"],
        ["device", "--server", "http://127.0.0.1:1", "--endpoint", "x", "01"],
        ["device", "--server", "coap://127.0.0.1:port", "--endpoint", "x", "01"],
        ["device", "--server", "coaps://127.0.0.1:1", "--endpoint", "x", "01"],
        ["device", "--server", "coap://127.0.0.1:1", "--endpoint", "", "01"],
        ["device", "--server", "coap://127.0.0.1:1", "--endpoint", "x", "--lifetime", "0", "01"],
    ],
)
def test_wrong_usage_is_2(arguments, capsys):
    assert main(arguments) == 2
    assert "Usage: atiny" in capsys.readouterr().err


def test_without_click_is_7(tmp_path):
    (tmp_path / "click.py").write_text("raise ImportError('no click')")
    code, out, err = run("demo", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert (code, out) == (7, [])
    assert 'pip install "atiny[cloud]"' in err


# demo


def test_the_demo_tells_its_story():
    code, lines, err = run(*DEMO, "--reports", "3")
    assert (code, err) == (0, "")
    assert lines[0].startswith(f"cloud: listening on {'coaps' if HAS_DTLS else 'coap'}://127.0.0.1:")
    assert in_order(
        lines,
        "cloud: led-lamp: registered from 127.0.0.1:",
        "cloud: led-lamp: /19/0/0 is observed",
        "cloud: led-lamp: report /19/0/0 = 00 (acknowledged)",
        "lamp: report 1 is acknowledged",
        "cloud: led-lamp: command 1 (01) is sent",
        "lamp: obeys, it is on now",
        "cloud: led-lamp: command 1 (01) is success",
        "cloud: led-lamp: report /19/0/0 = 01 (acknowledged)",
        "lamp: report 2 is acknowledged",
        "lamp: report 3 is acknowledged",
        "cloud: led-lamp: de-registered",
        "lamp: stopped",
        "3 of 3 reports acknowledged, the command was obeyed",
    ), lines
    assert in_order(lines, "lamp: registered", "lamp: reports 00")


def test_the_demo_for_machines():
    code, lines, _ = run(*DEMO, "--reports", "2", "--json")
    assert code == 0
    events = [json.loads(line) for line in lines]
    assert all({"event", "time"} <= set(event) for event in events)
    names = [event["event"] for event in events]
    assert {"listening", "registered", "observed", "report", "reported", "command", "deregistered"} <= set(names)
    assert [event["data"] for event in events if event["event"] == "report"] == ["00", "01"]
    assert {event["status"] for event in events if event["event"] == "reported"} == {"SENT_SUCCESS"}
    result = {key: value for key, value in events[-1].items() if key != "time"}
    assert result == {"event": "result", "reports": 2, "acknowledged": 2, "obeyed": True}


def test_a_demo_that_is_not_obeyed_is_1(capsys, monkeypatch):
    monkeypatch.setattr("atiny.cli.demo._Lamp.write_app_write", lambda lamp, data: atiny.ATINY_ERR)
    assert main([*DEMO, "--reports", "1"]) == 1
    assert "the command was NOT obeyed" in capsys.readouterr().out


def test_a_demo_whose_reports_are_not_acknowledged_is_1(capsys, monkeypatch):
    monkeypatch.setattr("atiny.cli.demo.CloudThread", functools.partial(CloudThread, observe=()))
    assert main([*DEMO, "--reports", "1", "--timeout", "0.2"]) == 1
    assert "0 of 1 reports acknowledged" in capsys.readouterr().out


def test_a_demo_without_a_registration_is_6(capsys, monkeypatch):
    monkeypatch.setattr("atiny.cli.demo.CloudThread", functools.partial(CloudThread, versions=("9.9",)))
    assert main([*DEMO, "--reports", "1", "--timeout", "0.2"]) == 6
    assert "did not register within 0.2 s" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_endless_demo_is_ended_by_a_signal(number, code):
    with start(*DEMO) as process:
        read_until(process, "lamp: report 1 is acknowledged")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert process.returncode == code, err
        assert "led-lamp: de-registered" in out
        assert "Traceback" not in err


def test_a_demo_whose_reader_has_gone_ends_in_order():
    with start(*DEMO, "--reports", "3") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "listening" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 143
        assert process.stderr.read().strip() == ""  # click ends the line of the ^C


# Ports and hosts


@pytest.mark.parametrize("arguments", [["cloud"], DEMO, ["demo", "--nosec"]], ids="-".join)
def test_a_port_in_use_is_4(arguments, busy_port, capsys):
    assert main([*arguments, "--port", str(busy_port)]) == 4
    assert f"port {busy_port} on 127.0.0.1 is in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["cloud", "--host", "no-such-host.invalid"],
        ["cloud", "--host", "192.0.2.1"],
        [*DEMO, "--host", "no-such-host.invalid"],
        ["device", "--server", "coap://no-such-host.invalid", "--endpoint", "x", "01"],
    ],
)
def test_a_host_that_cannot_be_is_5(arguments, capsys):
    assert main(arguments) == 5
    error = capsys.readouterr().err
    assert "no-such-host.invalid" in error or "192.0.2.1" in error


# device


def device(cloud: CloudThread, *arguments: str) -> "list[str]":
    return ["device", "--server", cloud.url, "--endpoint", "sim", *arguments]


def test_a_device_reports_its_arguments(cloud, capsys):
    assert main(device(cloud, "01", "00", "CAFE", "de ad", "be:ef")) == 0
    lines = capsys.readouterr().out.splitlines()
    streams = ("01", "00", "cafe", "dead", "beef")
    assert in_order(lines, "registered", *(f"report {data}: SENT_SUCCESS" for data in streams), "de-registering")
    reports = [cloud.device("sim").next_report(0) for _ in streams]
    assert [report.data.hex() for report in reports] == list(streams)
    assert cloud.wait_for(Deregistered).reason == "requested"


def test_more_reports_than_a_queue_holds(cloud, capsys):
    streams = [f"{number:02x}" for number in range(20)]
    assert main(device(cloud, *streams)) == 0
    assert capsys.readouterr().out.count("SENT_SUCCESS") == 20


def test_a_device_reports_what_is_typed(cloud):
    typed = "\n".join(f"{number:02x}" for number in range(30)) + "\n\n"
    code, lines, err = run(*device(cloud, "--json", "--lifetime", "77", "--binding", "UQ"), typed=typed)
    assert (code, err) == (0, "")
    reports = [event for event in map(json.loads, lines) if event["event"] == "report"]
    assert [report["data"] for report in reports] == [f"{number:02x}" for number in range(30)]
    assert {report["status"] for report in reports} == {"SENT_SUCCESS"}
    registered = cloud.wait_for(Registered)
    assert (registered.lifetime_s, registered.binding) == (77, "UQ")


def test_a_device_stays_and_prints_commands_until_it_is_interrupted(cloud):
    with start(*device(cloud, "--stay", "01")) as process:
        read_until(process, "report 01: SENT_SUCCESS")
        assert cloud.device("sim").command(b"\xca\xfe").wait(10) == CommandState.SUCCESS
        assert read_until(process, "command") == "command cafe\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert "de-registering" in out
        assert "Traceback" not in err
    assert cloud.wait_for(Deregistered).reason == "requested"


def test_a_report_that_nobody_observes_is_1(capsys):
    with CloudThread(port=0, observe=()) as cloud:
        assert main(device(cloud, "--timeout", "0.2", "01")) == 1
        assert "report 01: NOT_SENT" in capsys.readouterr().out


def test_no_registration_is_6(busy_port, capsys):
    server = f"coap://127.0.0.1:{busy_port}"
    assert main(["device", "--server", server, "--endpoint", "x", "--timeout", "0.2", "01"]) == 6
    assert f"not registered at {server} within 0.2 s" in capsys.readouterr().err


def test_a_refused_registration_is_6_and_says_why(capsys):
    with CloudThread(port=0, authorize=lambda endpoint, remote: False) as cloud:
        assert main(device(cloud, "--timeout", "0.5", "01")) == 6
        assert "4.03" in capsys.readouterr().err


@pytest.mark.parametrize("stream", ["0", "0g", "xyz", "0x01", "", "01-02"])
def test_bad_hex_is_3(stream, cloud, capsys):
    assert main(device(cloud, "01", stream)) == 3
    assert f"{stream!r} is not hexadecimal" in capsys.readouterr().err
    assert cloud.events == [], "nothing was sent"


def test_bad_hex_on_the_standard_input_is_3(cloud):
    code, lines, err = run(*device(cloud), typed="01\nzz\n")
    assert code == 3
    assert "'zz' is not hexadecimal" in err
    assert "de-registering" in lines


def test_hex():
    assert from_hex("ca fe:01") == b"\xca\xfe\x01"


# cloud


def test_a_cloud_takes_commands_and_prints_events():
    with start("cloud", "--port", "0", "--json") as process:
        assert process.stdin is not None
        url = json.loads(read_until(process, "listening"))["url"]
        lamp = atiny.Client("lamp", url, manufacturer="Acme")
        with lamp:
            assert lamp.wait_registered(10)
            assert json.loads(read_until(process, '"registered"'))["endpoint"] == "lamp"
            read_until(process, '"observed"')
            assert lamp.report(b"\xca\xfe").wait(10) == atiny.ReportStatus.SENT_SUCCESS
            assert json.loads(read_until(process, '"report"'))["data"] == "cafe"
            process.stdin.write("read lamp /3/0/0\n")
            process.stdin.flush()
            answer = json.loads(read_until(process, '"answer"'))
            assert (answer["code"], answer["value"]) == ("2.05", "Acme")
        read_until(process, '"deregistered"')
        out, err = process.communicate("quit\n", timeout=10)
        assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("stdin", [subprocess.PIPE, subprocess.DEVNULL])
def test_a_cloud_without_a_standard_input_serves_on(stdin):
    with start("cloud", "--port", "0", stdin=stdin) as process:
        if process.stdin is not None:
            process.stdin.close()
            process.stdin = None
        url = read_until(process, "listening").split()[-1]
        with atiny.Client("lamp", url) as lamp:
            assert lamp.wait_registered(10)
            read_until(process, "lamp: registered")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert "Traceback" not in err


def test_lines_of_several_threads_do_not_mix(capsys):
    out = Output(as_json=True)
    threads = [threading.Thread(target=lambda: [out.say("x", "e", n=n) for n in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 800
    assert all(json.loads(line)["event"] == "e" for line in lines)
