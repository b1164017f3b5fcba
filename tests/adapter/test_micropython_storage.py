"""The slots of the MicroPython adapter: by MicroPython itself, power cuts in littlefs included, and by the check."""

import subprocess

import pytest

from atiny.adapter import micropython_storage
from atiny.testing import check_storage
from tests.sources import ROOT
from tests.tools import tool

CHECKS = 5


@pytest.mark.slow
def test_the_slots_under_micropython(tmp_path, capsys):
    script = ROOT / "tests" / "micropython" / "storage_check.py"
    run = subprocess.run(
        [tool("micropython"), "-X", "heapsize=8m", str(script), str(tmp_path / "slots")],
        env={"MICROPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok check_") == CHECKS
    with capsys.disabled():
        print("\nlittlefs:", *[line for line in run.stdout.splitlines() if line.endswith("power cuts")])


def test_the_slots_keep_the_contract(tmp_path):
    """They use nothing of MicroPython's that CPython has not, but for the clock."""
    made = []

    def factory():
        made.append(micropython_storage.SlotStorage(str(tmp_path), clock=int))
        return made[-1]

    assert len(check_storage(factory, activate=True)) == 13
    for storage in made:
        storage.close_image()
