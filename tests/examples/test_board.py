"""The board examples, unchanged, on MicroPython's unix port: network and pins are stand-ins, the cloud is real."""

from pathlib import Path
from typing import Iterator

import pytest

from atiny.cloud import CloudThread, CommandState, Deregistered, Observed, Report
from tests.cloud.dtls_peer import needs_dtls
from tests.examples.test_examples import Program
from tests.sources import ROOT
from tests.tools import tool

BOARD = ROOT / "examples" / "micropython"
STAND_INS = Path(__file__).parent / "board"
KEY = bytes(range(16))

pytestmark = needs_dtls


@pytest.fixture
def cloud() -> Iterator[CloudThread]:
    with CloudThread(port=0, dtls_port=0, psk={"board-1": KEY}) as cloud:
        yield cloud


@pytest.fixture
def board(tmp_path: Path, cloud: CloudThread) -> Path:
    """The board's file system: the examples as they are, but for config.py, which everybody edits."""
    for example in BOARD.glob("*.py"):
        (tmp_path / example.name).write_bytes(example.read_bytes())
    return configure(tmp_path, cloud)


def configure(board: Path, cloud: CloudThread, **changes: object) -> Path:
    """Edit config.py as its owner would."""
    values = {"SERVER": cloud.secure_url, "WIFI_NAME": "there", "REPORT_S": 1, **changes}
    text = (BOARD / "config.py").read_text()
    for name, value in values.items():
        lines = [line for line in text.splitlines() if line.startswith(f"{name} = ")]
        assert len(lines) == 1, f"config.py has no {name}"
        text = text.replace(lines[0], f"{name} = {value!r}")
    (board / "config.py").write_text(text)
    return board


def start(board: Path, name: str, *arguments: str) -> Program:
    path = [str(board), str(STAND_INS), str(ROOT), ".frozen"]
    return Program([tool("micropython"), str(board / name), *arguments], {"MICROPYPATH": ":".join(path)})


def registered(cloud: CloudThread):
    device = cloud.wait_registered("board-1")
    cloud.wait_for(Observed, endpoint="board-1", path="/19/0/0")
    return device


def test_main(board, cloud):
    with start(board, "main.py") as program:
        program.expect("joins there its password")
        program.expect("network 192.0.2.7")
        device = registered(cloud)
        program.expect("registered")
        assert float(device.next_report().data) > 20
        program.expect("report SENT_SUCCESS")
        assert device.read("/3303/0/5700").value > 20
        assert device.write("/3306/0/5850", True).code_text == "2.04"
        program.expect("pin 2 1")
        assert device.read("/3306/0/5850").value is True
        assert device.command(b"\x01\x02").wait(10) == CommandState.SUCCESS
        program.expect("command 0102")
        assert device.execute("/3/0/4").code_text == "2.04"
        assert cloud.wait_for(Deregistered).reason == "requested"
        program.expect("reset")
        assert program.end() == 0


@pytest.mark.parametrize("static", [None, ("192.0.2.50", "255.255.255.0", "192.0.2.1", "192.0.2.1")])
def test_ethernet(board, cloud, static):
    configure(board, cloud, NETWORK="ethernet", STATIC=static, LAN={"phy_addr": 1})
    with start(board, "main.py") as program:
        program.expect("lan [('phy_addr', 1)]")
        program.expect("network 192.0.2.50" if static else "network 192.0.2.7")
        registered(cloud)


def test_no_network_says_what_to_look_at(board, cloud, monkeypatch):
    configure(board, cloud, WIFI_NAME="nowhere")
    net = board / "net.py"
    net.write_text(net.read_text().replace("TIMEOUT_S = 30", "TIMEOUT_S = 0.3"))
    with start(board, "main.py") as program:
        assert program.end() == 1
        assert "config.py" in program.lines[-1]


@pytest.mark.parametrize("name", ["cooperative.py", "with_asyncio.py"])
def test_in_a_loop_of_ones_own(board, cloud, name):
    with start(board, name) as program:
        device = registered(cloud)
        assert float(device.next_report().data) > 20
        program.expect("report")
        assert device.write("/3306/0/5850", True).code_text == "2.04"
        program.expect("pin 2 1")
        assert float(device.next_report().data) > 20


def test_deep_sleep(board, cloud):
    slow = board / "deep_sleep.py"
    slow.write_text(slow.read_text().replace("AWAKE_S = 5", "AWAKE_S = 0.3"))
    for wake in (1, 2):
        with start(board, "deep_sleep.py") as program:
            program.expect("report SENT_SUCCESS")
            program.expect("deepsleep 1000")
            assert program.end() == 0
        reports = [event for event in cloud.events if isinstance(event, Report)]
        assert len(reports) == wake
        assert not [event for event in cloud.events if isinstance(event, Deregistered) and event.reason == "requested"]


def test_measure(board, cloud):
    with start(board, "measure.py") as program:
        stages = ["before", "imported", "registered", "after 100 reports", "stopped"]
        used = [int(program.expect(stage)[len(stage) :].split()[0]) for stage in stages]
        assert used[0] < used[1] < used[2]
        assert program.end() == 0


def test_boot_then_main(board, cloud):
    """boot.py runs first, in the same interpreter."""
    (board / "both.py").write_text("import boot\nimport main\n")
    with start(board, "both.py") as program:
        registered(cloud)
        program.expect("report SENT_SUCCESS")
