"""The built-in objects on the other runtime: what they say there is what they say here."""

import os
import subprocess

from tests.micropython.objects_check import play
from tests.sources import ROOT
from tests.tools import tool


def test_the_objects_say_the_same_under_micropython():
    here: "list[str]" = []
    play(here.append)
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/objects_check.py")],
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == here
    assert len(here) > 200
