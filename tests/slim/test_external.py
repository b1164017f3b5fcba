"""The list of the runtimes' own attributes has those of the runtimes that are here."""

import subprocess
import sys

import pytest

from atiny.slim.external import MEMBERS
from tests.sources import ROOT
from tests.tools import tool

SCRIPT = str(ROOT / "tests/slim/members.py")


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_the_list_is_whole(runtime: str) -> None:
    command = sys.executable if runtime == "cpython" else tool("micropython")
    done = subprocess.run([command, SCRIPT, SCRIPT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    names = set(done.stdout.split())
    assert len(names) > 80
    assert names <= MEMBERS, sorted(names - MEMBERS)


def test_the_list_is_sorted() -> None:
    text = (ROOT / "atiny/slim/external.py").read_text().partition('"""\n')[2].partition('"""')[2]
    words = text.partition('"""')[0].split()
    assert words == sorted(set(words))
