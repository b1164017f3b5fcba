"""Tapes for `replay`, made of devices that live in a simulation, and what each runtime makes of them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from atiny.errors import TransportError
from atiny.testing import Simulation
from atiny.testing.ends import NetworkSocket
from atiny.testing.platform import VirtualPlatform
from tests.micropython.lives import LIVES, Life
from tests.micropython.replay import SEED, Player, Seeded, Storage, do, keep, new_store, step
from tests.sources import ROOT
from tests.tools import tool


class RecordedSocket(NetworkSocket):
    """A socket of the virtual network; what it gives goes onto the tape, what it is told is told."""

    def __init__(self, recorder: "Recorder"):
        super().__init__(recorder.simulation.network, "dev")
        self.number = recorder.opened
        self._recorder = recorder
        recorder.opened += 1

    def _call(self, word: str, method: Any, *args: Any) -> Any:
        try:
            result = method(*args)
        except TransportError as error:
            self._recorder.inputs.append([self.number, word, str(error), int(error.refused)])
            raise
        if word == "recv" and result is not None:
            self._recorder.inputs.append([self.number, word, result.hex(), None])
        return result

    def connect(self, host: str, port: int, proto: str) -> None:
        self._call("connect", super().connect, host, port, proto)
        self._recorder.emit(f"connect {self.number} {host} {port} {proto}")

    def send(self, data: bytes) -> int:
        self._call("send", super().send, data)
        self._recorder.emit(f"send {self.number} {data.hex()}")
        return len(data)

    def recv(self, size: int) -> "bytes | None":
        found: "bytes | None" = self._call("recv", super().recv, size)
        return found

    def sleep(self) -> None:
        super().sleep()
        self._recorder.emit(f"sleep {self.number}")

    def wake(self) -> None:
        super().wake()
        self._recorder.emit(f"wake {self.number}")

    def close(self) -> None:
        super().close()
        self._recorder.emit(f"close {self.number}")

    def vanish(self) -> None:
        """The device has lost its power."""
        super().close()


class RecordedPlatform(VirtualPlatform):
    def __init__(self, recorder: "Recorder"):
        super().__init__(recorder.simulation.network, "dev", store=recorder.new_store(), storage=recorder.storage)
        self._recorder = recorder
        self.hardware.random = recorder.random.bytes

    def default_socket(self) -> RecordedSocket:
        socket = RecordedSocket(self._recorder)
        self.sockets = [*self.sockets, socket]
        return socket


class Recorder:
    """The device ``life`` in a simulation, which steps it. ``tape`` has what came in, ``lines`` what came out."""

    def __init__(self, simulation: Simulation, life: str, folder: Path):
        self.simulation = simulation
        self.folder = folder / "recorded"
        self.name = life
        self.tape: "list[list]" = []
        self.lines: "list[str]" = []
        self.emit = self.lines.append
        self.inputs: "list[list]" = []
        self.opened = 0
        self.random = Seeded(SEED)
        self.life: Life = LIVES[life](self.emit)
        self.storage = Storage(self.emit) if self.life.upgrades else None
        self.start()
        simulation.add_client(self)

    @property
    def client(self) -> Any:
        return self.life.client

    def new_store(self) -> Any:
        return new_store(str(self.folder)) if self.life.stores else None

    def start(self) -> None:
        """The power comes."""
        self.tape.append(["start", self.simulation.now_ms])
        if self.storage is not None:
            self.storage.restart()
        self.platform = RecordedPlatform(self)
        self.life.start(self.platform)

    def restart(self) -> None:
        """The power fails, and comes again at once."""
        for socket in self.platform.sockets:
            assert isinstance(socket, RecordedSocket)
            socket.vanish()
        self.start()

    def step(self) -> "int | None":
        """One pass, asked for by the simulation."""
        self.inputs = []
        self.tape.append(["step", self.simulation.now_ms, self.inputs])
        return step(self.client, self.simulation.now_ms, self.emit)

    def do(self, name: str, *arguments: Any) -> None:
        """Have the host do something."""
        self.tape.append(["do", self.simulation.now_ms, name, list(arguments)])
        do(self.life, name, list(arguments), self.emit)

    def of(self, word: str) -> "list[str]":
        """The lines that begin with a word, without it."""
        return [line[len(word) + 1 :] for line in self.lines if line.startswith(word + " ")]

    def events(self, name: str) -> "list[str]":
        """The arguments of the events of one name."""
        return [line.partition(" ")[2] for line in self.of("event") if line.startswith(name + " ")]

    def compare(self, word: str) -> "list[str]":
        """Play the tape on CPython and on MicroPython: all must say the same. Returns the lines of a word."""
        keep(self.life, str(self.folder), self.emit)
        tape = [json.dumps(entry) for entry in self.tape]
        assert_same(self.lines, on_cpython(self.name, tape, self.folder.with_name("cpython")), "CPython")
        assert_same(self.lines, on_micropython(self.name, tape, self.folder.with_name("micropython")), "MicroPython")
        return self.of(word)


def on_cpython(life: str, tape: "list[str]", folder: Path) -> "list[str]":
    """The lines of a tape that is played here."""
    lines: "list[str]" = []
    host = LIVES[life](lines.append)
    player = Player(host, str(folder), lines.append)
    for entry in tape:
        player.play(json.loads(entry))
    keep(host, str(folder), lines.append)
    return lines


def on_micropython(life: str, tape: "list[str]", folder: Path) -> "list[str]":
    """The lines of a tape that MicroPython plays, with the package of the folder $ATINY_PACKAGE where that is set."""
    folders = [*filter(None, [os.environ.get("ATINY_PACKAGE")]), str(ROOT), ".frozen"]
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/replay.py"), life, str(folder)],
        input="\n".join(tape),
        env={"MICROPYPATH": ":".join(folders), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    return done.stdout.splitlines()


def assert_same(expected: "list[str]", found: "list[str]", runtime: str) -> None:
    """That two runs said the same; what came before the first difference is told."""
    for number, (ours, theirs) in enumerate(zip(expected, found, strict=False)):
        if ours != theirs:
            before = "\n".join(expected[max(0, number - 10) : number])
            raise AssertionError(f"{runtime}, line {number}:\n{before}\nexpected {ours}\ngot      {theirs}")
    assert len(found) == len(expected), f"{runtime} went on, or stopped: {[*found, *expected][-3:]}"
