"""The codecs on the other runtime: the same tables, run by MicroPython."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def micropython() -> "str | None":
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return shutil.which("micropython", path=os.pathsep.join(folders))


def test_vectors_under_micropython():
    command = micropython()
    if command is None:
        missing = "micropython is neither on PATH nor in the virtual environment"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    done = subprocess.run(
        [command, str(ROOT / "tests/micropython/formats_check.py")],
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" 0 failures")
