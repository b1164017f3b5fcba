"""Firmware upgrades by the command line: the console's ``fota``, progress on screens and off, the device, the demo."""

import json
import os
import pty
import subprocess
import sys
import threading

import pytest

from atiny.cli.common import Output
from atiny.cli.console import Console
from atiny.cli.demo_fota import LampFirmware, package
from atiny.cli.firmware import FACTORY, Firmware
from atiny.cli.fota import show_event, show_state
from atiny.cloud import Cloud, CloudThread, FotaProgress, UpgradePhase
from tests.cli.test_console import Screen
from tests.cloud.firmware_device import FirmwareDevice
from tests.cloud.peers import on_a_loop
from tests.sources import ROOT
from tests.test_cli import read_until, run, start

CONSOLE = [
    ("fota push lamp {file}", "firmware push 1 is begun"),
    ("fota status lamp", "state 2 (Downloaded), result 0 (none yet), package lamp"),
    ("fota update lamp", "firmware update 2 is begun"),
    ("fota push lamp {file} --update", "firmware push 3 is begun"),
    ("fota pull lamp {file} --coap --update", "firmware pull 4 is begun"),
    ("fota pull lamp {file} --http", "firmware pull 5 is begun"),
    ("fota cancel lamp", "done"),
    ("fota cancel nobody", "error: nobody is not registered"),
    ("fota push lamp {file}.gone", "error: cannot read "),
    ("fota push lamp", "error: usage: fota push|pull"),
    ("fota push lamp {file} --http", "error: usage: fota push|pull"),
    ("fota pull lamp {file} --http --coap", "error: usage: fota push|pull"),
    ("fota status lamp {file}", "error: usage: fota push|pull"),
    ("fota dance lamp", "error: usage: fota push|pull"),
    ("fota push nobody {file}", "error: nobody is not registered"),
    ("fota", "error: usage: fota push EP FILE [--update]"),
]


@on_a_loop
async def test_the_console(tmp_path):
    file = tmp_path / "lamp.pkg"
    file.write_bytes(b"a" * 3000)
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        screen = Screen()
        console = Console(cloud, screen)
        for line, wanted in CONSOLE:
            assert await console.handle(line.format(file=file))
            assert screen.lines[-1].startswith(wanted), (line, screen.lines[-1])
            if screen.events[-1].get("id"):
                phase = await cloud.fota.of("lamp").wait(5)
                assert phase == (UpgradePhase.SUCCESS if "update" in line else UpgradePhase.DOWNLOADED)
        assert device.image == file.read_bytes()


PROGRESS = [FotaProgress(1, 0.0, "lamp", 7, "push", done, 1000) for done in (10, 20, 110, 120, 1000)]


def test_progress_off_the_screen(capsys):
    out = Output(False)
    for event in PROGRESS:
        show_event(out, event, "> ")
    assert capsys.readouterr().out.splitlines() == [
        "> lamp: firmware push 7: 10 of 1000 bytes",
        "> lamp: firmware push 7: 110 of 1000 bytes",
        "> lamp: firmware push 7: 1000 of 1000 bytes",
    ]


def test_progress_for_machines(capsys):
    for event in PROGRESS:
        show_event(Output(True), event, "> ")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["done"], line["total"]) for line in told] == [
        ("fota_progress", event.done, 1000) for event in PROGRESS
    ]


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ((0, 1, 0, None), "firmware: Idle, updated successfully"),
        ((1, 0, 0, None), "firmware: Downloading"),
        ((1, 0, 4096, None), "firmware: 4096 bytes"),
        ((1, 0, 4096, 8192), "firmware: 4096 of 8192 bytes"),
        ((2, 0, 8192, 8192), "firmware: Downloaded"),
        ((2, 8, 8192, 8192), "firmware: Downloaded, update failed"),
    ],
)
def test_what_a_device_says(arg, text, capsys):
    show_state(Output(False), arg)
    assert capsys.readouterr().out == text + "\n"


SCREEN = """
from atiny.cli.common import Output
out = Output(False)
for done in (1, 50):
    out.progress("lamp", done, 100, "text", "event")
out.say("a line between", "event")
for done in (60, 100):
    out.progress("lamp", done, 100, "text", "event")
out.say("the end", "event")
"""


def test_progress_on_a_screen():
    """A bar, which makes room for lines."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", SCREEN], stdout=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # EIO: the other side has ended
                break
            if not data:
                break
            shown += data
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "50%" in text
    assert "\r\x1b[K\x1b[?25ha line between\r\n" in text
    assert "60%" in text
    assert text.index("100%") < text.index("the end")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is back"


def test_the_lamp_s_firmware(tmp_path):
    firmware = LampFirmware(str(tmp_path))
    assert firmware.version == "1"
    assert Firmware(str(tmp_path)).version == FACTORY
    assert package("2") == package("2") != package("1")


def test_a_device_is_upgraded_and_restarts(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(os.urandom(50_000) + b"!")
    code, _, err = run("package", "build", str(image), "--out", str(tmp_path / "pkg"))
    assert code == 0, err
    folder = tmp_path / "firmware"
    with CloudThread(port=0) as cloud:
        with start("device", "--server", cloud.url, "--endpoint", "lamp", "--firmware", str(folder)) as process:
            watchdog = threading.Timer(20, process.kill)
            watchdog.start()
            read_until(process, "registered")
            assert cloud.wait_registered("lamp").read("/3/0/3").value == FACTORY
            upgrade = cloud.fota_push("lamp", tmp_path / "pkg", update=True)
            assert upgrade.wait(10) == UpgradePhase.SUCCESS, upgrade.reason
            assert (folder / "current").read_bytes() == image.read_bytes()
            version = cloud.device("lamp").read("/3/0/3").value
            assert version in read_until(process, "restarted with firmware")
            for by in ("coap", "http"):
                upgrade = cloud.fota_pull("lamp", tmp_path / "pkg", update=True, by=by)
                assert upgrade.wait(10) == UpgradePhase.SUCCESS, upgrade.reason
            bad = cloud.fota_push("lamp", (tmp_path / "pkg").read_bytes()[:-1] + b"?")
            assert bad.wait(10) == UpgradePhase.FAIL
            assert cloud.fota_status("lamp").result == 5
            process.terminate()
            watchdog.cancel()


def test_a_key_without_a_folder(tmp_path):
    (tmp_path / "key").write_text("no key")
    key = ("--firmware-key", str(tmp_path / "key"))
    code, _, err = run("device", "--server", "coap://127.0.0.1:9", "--endpoint", "x", *key)
    assert (code, "--firmware-key needs --firmware" in err) == (2, True)
    code, _, err = run("device", "--server", "coap://127.0.0.1:9", "--endpoint", "x", "--firmware", str(tmp_path), *key)
    assert (code, "key" in err) == (2, True)


def test_the_demo_upgrades_the_lamp():
    code, lines, err = run("demo", "--nosec", "--fota", "--reports", "1")
    assert code == 0, err
    steps = [
        "cloud: the lamp has firmware version 1, version 2 is pushed",
        "lamp: firmware: Downloaded",
        "lamp: restarts",
        "cloud: led-lamp: firmware push 1 has succeeded",
        "cloud: the lamp has firmware version 2 now",
        "1 of 1 reports acknowledged, the command was obeyed",
    ]
    assert [line for line in lines if line in steps] == steps
