"""How large the builds are and what heap they take: ``python -m tests.micropython.footprint``.

The figures of docs/micropython.md: .mpy bytes of each profile, what is allocated at each stage of the scenario of
`tests.micropython.board`, and the smallest heap (``-X heapsize``) in which it completes, to 4 kB.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from atiny.cloud import CloudError, CloudThread, CommandState, Deregistered, Observed
from atiny.slim.build import Options, build, write

HERE = Path(__file__).resolve().parent
STEP = 4  # kB
KEY = ("board", bytes(range(16)))
CORE_HEAP_KB = 160  # in which the core is to do all of the scenario
BUDGETS = {"core": 40_000, "dtls": 46_000, "full": 80_000}  # bytes of .mpy


def make(profile: str, out: Path, **options: object) -> int:
    """Build a profile into ``out``; returns the bytes of its .mpy files."""
    built = build(Options(profile, **options))
    write(built, out)
    return built.size


def run_board(lib: Path, heap_kb: "int | None", secure: bool = False) -> "dict[str, int] | str":
    """The scenario with the package in the folder ``lib``: the bytes of heap at each stage, or what went wrong."""
    out = _run("board.py", lib, heap_kb, secure, _scenario)
    if "reports 20 commands 20" not in out:
        return out
    return {line.split()[1]: int(line.split()[2]) for line in out.splitlines() if line.startswith("heap ")}


def run_small_heap(lib: Path, heap_kb: int, size: int = 4096) -> "tuple[str, str]":
    """A value of ``size`` bytes is written block by block to a board with little heap.

    Returns what the server got ("2.04", another code, or the name of what its client raised; "" where the board was not
    there) and what the board printed.
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

    out = _run("small_heap.py", lib, heap_kb, False, serve)
    return answer, out


def _run(script: str, lib: Path, heap_kb: "int | None", secure: bool, serve: "Callable[[CloudThread], None]") -> str:
    """What a script prints that runs as a board against a cloud of its own; ``serve`` is called once it is observed."""
    runtime = shutil.which("micropython")
    assert runtime is not None
    with CloudThread(port=0, dtls_port=0 if secure else None, psk=dict([KEY]) if secure else None) as cloud:
        command = [runtime, *([] if heap_kb is None else ["-X", f"heapsize={heap_kb}K"]), str(HERE / script)]
        command += [cloud.secure_url, "board", KEY[0], KEY[1].hex()] if secure else [cloud.url, "board"]
        environment = {**os.environ, "MICROPYPATH": f"{lib}:.frozen"}
        process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
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


def smallest(lib: Path, secure: bool = False, low: int = 96, high: int = 512) -> "int | None":
    """The smallest heap, in kB, in which the scenario completes; None: not even in ``high``."""
    if isinstance(run_board(lib, high, secure), str):
        return None
    while high - low > STEP:  # low is too small, high is enough
        middle = (low + high) // (2 * STEP) * STEP
        if isinstance(run_board(lib, middle, secure), str):
            low = middle
        else:
            high = middle
    return high


def main() -> None:
    print("| profile | .mpy, bytes | imported, kB of heap | registered, kB | smallest heap, kB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for profile in BUDGETS:
        with tempfile.TemporaryDirectory() as folder:
            lib = Path(folder)
            size = make(profile, lib)
            secure = profile != "core"
            stages = run_board(lib, None, secure)
            assert isinstance(stages, dict), stages
            imported, registered = ((stages[name] - stages["before"]) / 1000 for name in ("imported", "registered"))
            print(f"| {profile} | {size} | {imported:.1f} | {registered:.1f} | {smallest(lib, secure)} |")


if __name__ == "__main__":
    main()
