"""Downloads on both runtimes: the same bytes sent, the same words to the receiver."""

import os
import subprocess

from tests.micropython.download_check import play
from tests.micropython.recording import assert_same
from tests.sources import ROOT
from tests.tools import tool


def test_the_same_on_both_runtimes():
    here: "list[str]" = []
    play(here.append)
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/download_check.py")],
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert_same(here, done.stdout.splitlines(), "MicroPython")
    ends = [line for line in here if line.startswith("end")]
    assert len(ends) == 8
    assert ends.count("end None True") == 5
    assert len([line for line in here if line.startswith("0 links")]) == 8
