"""What a board has to have: the bytes of each profile's .mpy files, its heap, what reports do to it.

Measured on the unix port with 64-bit pointers; `python -m tests.micropython.footprint` prints the figures.
"""

import os
import subprocess

import pytest

from tests.micropython.footprint import BUDGETS, CORE_HEAP_KB, HERE, Board, Used
from tests.micropython.recording import micropython

PROFILES = pytest.mark.parametrize("profile", BUDGETS)
REPORT_BYTES = 2048
GROWTH_BYTES = 1024
STACK_BYTES = 8000  # 5.3 kB with 32-bit pointers, where a Pico has 8


@PROFILES
def test_size(builds, profile):
    built = builds.of(profile)
    assert built.selection.added == {}, "a profile has all that its parts need"
    files = list(builds.folder(profile).rglob("*.mpy"))
    assert built.size == sum(path.stat().st_size for path in files)
    assert 10_000 < built.size <= BUDGETS[profile]


def test_the_whole_scenario_in_the_heap_of_a_small_board(builds):
    """Register, observed, 20 reports acknowledged, 20 commands, de-register."""
    used = Board(builds.lib("core")).scenario(CORE_HEAP_KB)
    assert isinstance(used, Used), used
    assert list(used.heap) == ["before", "imported", "made", "registered", "done"]
    assert 1000 < used.stack <= STACK_BYTES


@PROFILES
def test_the_heap_after_many_reports_is_that_after_a_few(builds, profile):
    done = subprocess.run(
        [micropython(), str(HERE / "growth.py"), "10000"],
        env={**os.environ, "MICROPYPATH": f"{builds.lib(profile)}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines()}
    assert 0 < found["allocated"] <= REPORT_BYTES, "a report, from Client.report to its datagram"
    assert found["growth"] <= GROWTH_BYTES
