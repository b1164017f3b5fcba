"""How large the builds are and what heap they take: ``python -m tests.micropython.footprint``.

The figures of docs/micropython.md: .mpy bytes of each profile, what is allocated at each stage of the scenario of
`tests.micropython.board`, the smallest heap (``-X heapsize``) in which it completes 20 times out of 20, to 4 kB, and
the C stack that is in use where a command reaches the host.

``--runtime FILE`` takes another unix port than the environment's ``micropython``, as one with 32-bit pointers;
``--frozen PROFILE`` the build that is frozen into it.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atiny.cloud import CloudError, CloudThread, CommandState, Deregistered, Observed
from atiny.slim.build import Options, build, write
from tests.tools import COMES_WITH, find

HERE = Path(__file__).resolve().parent
STEP = 4  # kB
TRIES = 20  # near the limit the heap is sometimes in too many pieces: a single success says little
KEY = ("board", bytes(range(16)))
CORE_HEAP_KB = 160  # in which the core is to do all of the scenario
BUDGETS = {"core": 40_000, "dtls": 46_000, "full": 80_000}  # bytes of .mpy


def make(profile: str, out: Path, **options: object) -> int:
    """Build a profile into ``out``; returns the bytes of its .mpy files."""
    built = build(Options(profile, **options))
    write(built, out)
    return built.size


@dataclass(frozen=True)
class Used:
    """What a board used, in bytes: of the heap at each stage, and of the C stack where a command reaches the host."""

    heap: "dict[str, int]"
    stack: int


@dataclass(frozen=True)
class Board:
    """MicroPython's unix port with a build: in the folder ``lib``, or, where that is None, frozen in."""

    lib: "Path | None"
    secure: bool = False
    runtime: "str | None" = None

    def scenario(self, heap_kb: "int | None" = None) -> "Used | str":
        """All that board.py does: what it used, or what went wrong."""
        out = self._run("board.py", heap_kb, _scenario)
        if "reports 20 commands 20" not in out:
            return out
        lines = [line.split() for line in out.splitlines()]
        [stack] = [int(line[1]) for line in lines if line[0] == "stack"]
        return Used({line[1]: int(line[2]) for line in lines if line[0] == "heap"}, stack)

    def smallest(self, low: int = 16, high: int = 512) -> "int | None":
        """The smallest heap, in kB, in which the scenario completes each time; None: not even in ``high``."""
        first, last = low // STEP + 1, high // STEP
        while first < last:  # where it completes at all
            middle = (first + last) // 2
            if self._completes(middle * STEP):
                last = middle
            else:
                first = middle + 1
        for heap_kb in range(first * STEP, high + 1, STEP):
            if all(self._completes(heap_kb) for _ in range(TRIES)):
                return heap_kb
        return None

    def _completes(self, heap_kb: int) -> bool:
        return isinstance(self.scenario(heap_kb), Used)

    def take_blocks(self, heap_kb: int, size: int = 4096) -> "tuple[str, str]":
        """A value of ``size`` bytes is written block by block.

        Returns what the server got ("2.04", another code, or the name of what its client raised; "" where the board was
        not there) and what the board printed.
        """
        answer = ""

        def serve(cloud: CloudThread) -> None:
            nonlocal answer
            device = cloud.device("board")
            try:
                answer = device.write("/31025/0/0", bytes(size)).code_text
            except CloudError as error:
                answer = type(error).__name__
            assert device.read("/3/0/0").value == "atiny"
            for data in (b"\x01", b"\x02", b"\xff"):
                if device.command(data).wait(5) != CommandState.SUCCESS:
                    raise CloudError(f"command {data!r} failed")

        out = self._run("small_heap.py", heap_kb, serve)
        return answer, out

    def _run(self, script: str, heap_kb: "int | None", serve: "Callable[[CloudThread], None]") -> str:
        """What a script prints that runs against a cloud of its own; ``serve`` is called once it is observed."""
        runtime = self.runtime or find("micropython")
        if runtime is None:
            raise FileNotFoundError(f"micropython is missing: {COMES_WITH['micropython']}")
        secure = self.secure
        with CloudThread(port=0, dtls_port=0 if secure else None, psk=dict([KEY]) if secure else None) as cloud:
            command = [runtime, *([] if heap_kb is None else ["-X", f"heapsize={heap_kb}K"]), str(HERE / script)]
            command += [cloud.secure_url, "board", KEY[0], KEY[1].hex()] if secure else [cloud.url, "board"]
            path = ".frozen" if self.lib is None else f"{self.lib}:.frozen"
            process = subprocess.Popen(
                command,
                env={**os.environ, "MICROPYPATH": path},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                if _observed(cloud, process):
                    serve(cloud)
                return process.communicate(timeout=20)[0]
            except (CloudError, TimeoutError, subprocess.TimeoutExpired) as error:
                process.kill()
                return process.communicate()[0] + repr(error)


def _observed(cloud: CloudThread, process: "subprocess.Popen[str]") -> bool:
    """Whether the cloud observes the board; False: the board has ended."""
    for _ in range(50):
        try:
            cloud.wait_for(Observed, 0.2, endpoint="board", path="/19/0/0")
            return True
        except TimeoutError:
            if process.poll() is not None:
                return False
    raise CloudError("the board does not register")


def _scenario(cloud: CloudThread) -> None:
    device = cloud.device("board")
    for number in range(20):
        state = device.command(bytes([number])).wait(5)
        if state != CommandState.SUCCESS:
            raise CloudError(f"command {number}: {state}")
    cloud.wait_for(Deregistered, endpoint="board")


def _line(profile: str, size: str, board: Board) -> None:
    used = board.scenario()
    assert isinstance(used, Used), used
    imported, registered = ((used.heap[stage] - used.heap["before"]) / 1000 for stage in ("imported", "registered"))
    print(f"| {profile} | {size} | {imported:.1f} | {registered:.1f} | {board.smallest()} | {used.stack / 1000:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.micropython.footprint", description=__doc__)
    parser.add_argument("--runtime", help="the micropython to run; that of the environment")
    parser.add_argument("--frozen", choices=BUDGETS, help="the profile that is frozen into it")
    options = parser.parse_args()
    print("| profile | .mpy, bytes | imported, kB of heap | registered, kB | smallest heap, kB | stack, kB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    if options.frozen:
        _line(options.frozen, "frozen", Board(None, options.frozen != "core", options.runtime))
        return
    for profile in BUDGETS:
        with tempfile.TemporaryDirectory() as folder:
            lib = Path(folder)
            size = make(profile, lib)
            _line(profile, str(size), Board(lib, profile != "core", options.runtime))


if __name__ == "__main__":
    main()
