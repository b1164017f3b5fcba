"""The whole of an update on the other runtime: what happens there is what happens here."""

import subprocess

from tests.fota.vectors_package import SIGNED
from tests.fota.vectors_signature import KEY
from tests.micropython.fota_check import play
from tests.sources import ROOT
from tests.tools import tool


def test_updates_and_power_cuts_under_micropython():
    here: "list[str]" = []
    play(here.append, KEY, SIGNED)
    assert len(here) > 80
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/fota_check.py")],
        input="%x %x %s\n" % (*KEY, SIGNED.hex()),
        env={"MICROPYPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == here
