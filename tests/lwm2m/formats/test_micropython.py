"""The codecs on the other runtime: the same tables, run by MicroPython."""

import os
import subprocess

from tests.sources import ROOT
from tests.tools import tool


def test_vectors_under_micropython():
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/formats_check.py")],
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" 0 failures")
