"""The built-in objects on the other runtime: what they say there is what they say here."""

import os
import subprocess

import pytest

from tests.lwm2m.formats.test_micropython import ROOT, micropython
from tests.micropython.objects_check import play


def test_the_objects_say_the_same_under_micropython():
    command = micropython()
    if command is None:
        missing = "micropython is neither on PATH nor in the virtual environment"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    here: "list[str]" = []
    play(here.append)
    done = subprocess.run(
        [command, str(ROOT / "tests/micropython/objects_check.py")],
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == here
    assert len(here) > 200
