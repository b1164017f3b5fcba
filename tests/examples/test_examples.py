"""Each example as its own process, under each runtime it is for, against the local cloud."""

import os
import queue
import signal
import subprocess
import sys
import threading

import pytest

from atiny.cloud import (
    BootstrapEnded,
    CloudThread,
    CommandState,
    Deregistered,
    DeviceAsleep,
    HandshakeFailed,
    Observed,
    Registered,
    Report,
    SessionStarted,
    Updated,
)
from atiny.cloud.thread import DeviceThread
from tests.cloud.dtls_peer import needs_dtls
from tests.sources import ROOT
from tests.tools import tool


class Program:
    """An example that runs; its lines are read as they come."""

    def __init__(self, command: "list[str]", environment: "dict[str, str]"):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.lines: list[str] = []
        self._next: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self._next.put(line.rstrip())

    def expect(self, start: str) -> str:
        """The next line that begins so."""
        while True:
            try:
                line = self._next.get(timeout=10)
            except queue.Empty:
                raise AssertionError(f"no line {start!r} in {self.lines}") from None
            if line.startswith(start):
                return line

    def end(self) -> int:
        """Wait for its end; returns the exit code."""
        code = self.process.wait(10)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def launch(runtime: str, name: str, cloud: CloudThread, *arguments: str, port: "int | None" = None) -> Program:
    """Run examples/``name`` against the cloud."""
    command = [runtime, str(ROOT / "examples" / name), cloud.host, str(port or cloud.port), *arguments]
    return Program(command, {"PYTHONPATH": str(ROOT), "MICROPYPATH": f"{ROOT}:.frozen"})


def registered(cloud: CloudThread, endpoint: str) -> DeviceThread:
    device = cloud.wait_registered(endpoint)
    cloud.wait_for(Observed, endpoint=endpoint, path="/19/0/0")
    return device


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_minimal(runtime):
    runtime = sys.executable if runtime == "cpython" else tool("micropython")
    with CloudThread(port=0) as cloud, launch(runtime, "minimal.py", cloud) as program:
        device = registered(cloud, "minimal")
        program.expect("registered")
        report = device.next_report()
        assert (report.data, report.confirmable) == (b"\x00", True)
        program.expect("report SENT_SUCCESS")
        assert device.command(b"\xca\xfe").wait(10) == CommandState.SUCCESS
        program.expect("command cafe")
        assert device.next_report().data == b"\xca\xfe"
        program.expect("report SENT_SUCCESS")
        assert device.read("/3/0/0").value == "Agent_Tiny"
        assert device.read("/3/0", accept=11542).value[0] == "Agent_Tiny"
        assert device.execute("/3/0/4").code_text == "2.04"
        assert cloud.wait_for(Deregistered).reason == "requested"
        assert program.end() == 0


def test_minimal_is_small():
    source = (ROOT / "examples" / "minimal.py").read_text()
    assert len(source.splitlines()) < 40
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert imports == ["import sys", "import atiny"]


@needs_dtls
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_secure(runtime):
    runtime = sys.executable if runtime == "cpython" else tool("micropython")
    key = bytes(range(16))
    with CloudThread(port=0, dtls_port=0, psk={"lamp-1": key}) as cloud:
        with launch(runtime, "secure.py", cloud, "lamp-1", key.hex(), port=cloud.secure_port) as program:
            device = registered(cloud, "lamp-1")
            program.expect("registered")
            assert device.next_report().data == b"\x00"
            program.expect("report SENT_SUCCESS")
            assert device.command(b"\xca\xfe").wait(10) == CommandState.SUCCESS
            program.expect("command cafe")
            assert device.execute("/3/0/4").code_text == "2.04"
            assert cloud.wait_for(Deregistered).reason == "requested"
            assert program.end() == 0
        assert cloud.wait_for(SessionStarted).identity == "lamp-1"
        with launch(runtime, "secure.py", cloud, "lamp-1", "00" * 16, port=cloud.secure_port) as program:
            line = program.expect("not registered: ")
            assert "wrong PSK" in line
            assert cloud.wait_for(HandshakeFailed).reason == "wrong key"


def test_led_lamp():
    with CloudThread(port=0) as cloud, launch(sys.executable, "led_lamp.py", cloud, "0.1") as program:
        lamp = registered(cloud, "led-lamp")
        assert lamp.next_report().data == b"\x00"
        assert lamp.command(b"\x01").wait(10) == CommandState.SUCCESS
        program.expect("the lamp is on")
        while lamp.next_report().data != b"\x01":
            pass
        assert lamp.command(b"\x00").wait(10) == CommandState.SUCCESS
        program.expect("the lamp is off")
        refused = lamp.command(b"\x07")
        assert refused.wait(10) == CommandState.FAIL
        assert refused.command.response is not None
        assert refused.command.response.code_text == "4.00"
        assert lamp.read("/3/0/1").value == "LED lamp"
        numbers = [int(line.split()[1]) for line in program.lines if line.endswith("SENT_SUCCESS")]
        assert numbers == list(range(1, len(numbers) + 1)), "each acknowledged once, in its order"
        program.process.send_signal(signal.SIGINT)
        assert cloud.wait_for(Deregistered).reason == "requested"
        assert program.end() == 0


def test_custom_object():
    with CloudThread(port=0) as cloud, launch(sys.executable, "custom_object.py", cloud, "0.05") as program:
        thermometer = registered(cloud, "thermometer")
        value = thermometer.read("/3303/0/5700").value
        assert isinstance(value, float)
        response = thermometer.observe("/3303/0/5700")
        assert response.ok
        program.expect("observed /3303/0/5700")
        values = []
        while len(values) < 3:
            report = thermometer.next_report()
            assert (report.path, type(report.value)) == ("/3303/0/5700", float)
            values.append(report.value)
        assert all(abs(value - 20) < 15 for value in values)
        instance = thermometer.read("/3303/0", accept=11542).value
        assert instance[5701] == "Cel"
        assert instance[5601] <= instance[5700] <= instance[5602]
        assert thermometer.execute("/3303/0/5605").ok
        program.expect("the extremes are reset")
        assert thermometer.write("/3303/0/5700", 1.5).code_text == "4.05"
        cancelled = thermometer.cancel("/3303/0/5700")
        assert cancelled is not None
        program.expect("no longer observed")
        count = len(cloud.cloud.events.of(Report))
        assert thermometer.read("/3303/0/5700").ok
        program.process.send_signal(signal.SIGINT)
        assert cloud.wait_for(Deregistered).reason == "requested"
        assert program.end() == 0
        assert len(cloud.cloud.events.of(Report)) == count


@pytest.mark.parametrize("secured", [False, pytest.param(True, marks=needs_dtls)], ids=["nosec", "psk"])
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_bootstrap(tmp_path, runtime, secured):
    runtime = sys.executable if runtime == "cpython" else tool("micropython")
    key = bytes(range(16))
    dtls = {"dtls_port": 0, "bootstrap_dtls_port": 0, "bootstrap_psk": {"lamp-1": key}} if secured else {}
    folder = str(tmp_path / "accounts")
    with CloudThread(port=0, bootstrap=True, bootstrap_port=0, **dtls) as cloud:
        port = int((cloud.bootstrap_secure_url if secured else cloud.bootstrap_url).rpartition(":")[2])
        arguments = (folder, "lamp-1", *([key.hex()] if secured else []))
        identities = []
        for start in range(2):
            after = cloud.events[-1].seq if start else 0
            with launch(runtime, "bootstrap.py", cloud, *arguments, port=port) as program:
                if not start:
                    program.expect("bootstrapped")
                program.expect("registered with server 123")
                identities.append(cloud.wait_for(Registered, after=after).identity)
                device = cloud.wait_registered("lamp-1")
                assert device.command(b"\xca\xfe").wait(10) == CommandState.SUCCESS
                program.expect("command cafe")
                assert device.execute("/3/0/4").code_text == "2.04"
                assert cloud.wait_for(Deregistered, after=after).reason == "requested"
                assert program.end() == 0
        assert [event.ok for event in cloud.events if isinstance(event, BootstrapEnded)] == [True], "once for both"
        assert len(set(identities)) == 1
        assert identities[0].startswith("lamp-1-") is secured


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_sleepy(runtime):
    runtime = sys.executable if runtime == "cpython" else tool("micropython")
    with CloudThread(port=0, awake_s=0.2) as cloud, launch(runtime, "sleepy.py", cloud, "0.3", "1.5") as program:
        sensor = registered(cloud, "sleepy")
        assert sensor.next_report().data == b"1"
        program.expect("report 1 SENT_SUCCESS")
        assert 300 < int(program.expect("asleep for").split()[2]) < 1500
        after = cloud.events[-1].seq
        commands = [sensor.command(bytes([number])) for number in range(2)]
        assert {command.state for command in commands} == {CommandState.WAITING}
        assert [command.wait(10) for command in commands] == [CommandState.SUCCESS] * 2
        program.expect("command 00")
        program.expect("command 01")
        assert cloud.wait_for(Updated, after=after).seq < cloud.wait_for(Report, after=after, data=b"2").seq
        while True:
            try:
                assert sensor.execute("/3/0/4").code_text == "2.04"
                break
            except DeviceAsleep:  # a busy machine was too late: the next time it wakes
                cloud.wait_for(Report, after=cloud.events[-1].seq)
        assert cloud.wait_for(Deregistered).reason == "requested"
        assert program.end() == 0
