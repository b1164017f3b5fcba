"""The MicroPython adapter, run by MicroPython itself: tests/micropython/adapter_check.py against an echo of ours."""

import os
import subprocess

from atiny.testing.echo import Echo, free_port
from tests.sources import ROOT
from tests.tools import tool

CHECKS = 17


def test_the_adapter_under_micropython(tmp_path):
    script = ROOT / "tests" / "micropython" / "adapter_check.py"
    with Echo() as echo:
        run = subprocess.run(
            [tool("micropython"), str(script), str(echo.port), str(free_port()), str(tmp_path / "store")],
            env={**os.environ, "MICROPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok check_") == CHECKS
