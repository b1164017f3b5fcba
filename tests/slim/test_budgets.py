"""What a board has to have: the bytes of each profile's .mpy files, its heap, what reports do to it.

Measured on the unix port with 64-bit pointers; `python -m tests.micropython.footprint` prints the figures.
"""

import os
import subprocess

import pytest

from tests.micropython.footprint import BUDGETS, CORE_HEAP_KB, HERE, Board, Used
from tests.tools import tool

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
    found = {line.split()[0]: int(line.split()[1]) for line in run(builds.lib(profile), "growth.py", "10000")}
    assert 0 < found["allocated"] <= REPORT_BYTES, "a report, from Client.report to its datagram"
    assert found["growth"] <= GROWTH_BYTES


@PROFILES
def test_a_device_of_the_sdk(builds, profile):
    """The open API is in every build, with the SDK's own names and defaults, and its reports take no more."""
    lines = run(builds.lib(profile), "ported.py")
    allocated = [int(line.split()[1]) for line in lines if line.startswith("allocated")]
    assert len(allocated) == 5
    assert 0 < max(allocated) <= REPORT_BYTES, "a report, from atiny_data_report to its datagram"
    assert [line for line in lines if not line.startswith("allocated")] == [
        "event 0",
        "event 2",
        *[f"report 1 {cookie} SENT_SUCCESS" for cookie in range(5)],
        "command b'!'",
        "bound 0 True",
    ]


def run(lib, script, *arguments):
    """The lines that a script for a board prints, with the build in a folder."""
    done = subprocess.run(
        [tool("micropython"), str(HERE / script), *arguments],
        env={**os.environ, "MICROPYPATH": f"{lib}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
