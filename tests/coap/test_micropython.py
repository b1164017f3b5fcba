"""The same bytes on a board and on a host: one script of datagrams and time on both runtimes, the outputs compared."""

import os
import random
import subprocess

from tests.micropython.coap_check import play
from tests.sources import ROOT
from tests.tools import tool

from .fuzzing import Fuzzer
from .peer import BLOCK1, CON, PUT, block, body, pack, path


def script(count: int) -> "list[str]":
    """Lines of a seed; the answers in them belong to what the device sends when they are played in this order."""
    fuzzer = Fuzzer(3)
    rng = random.Random(3)
    lines: "list[str]" = []
    sent: "list[str]" = []
    content = body(80)

    def pushed():
        """The next block of an upload, or the same one again, or the first, or one too far."""
        number = 0
        for count in range(10**6):
            part = content[number * 16 : number * 16 + 16]
            options = [*path("/19/0/0"), (BLOCK1, block(number, number < 4, 0))]
            yield pack(CON, PUT, 0x5000 + count, b"p", options, part).hex()
            number = rng.choice([number + 1] * 9 + [number] * 2 + [0, number + 2])
            number = number if number < 5 else 0

    push = pushed()

    def grow():
        for _ in range(count):
            way = rng.random()
            if way < 0.05:
                line = "ask %d" % rng.choice([0, 100, 700])
            elif way < 0.1:
                line = "notify %d" % rng.choice([5, 700])
            elif way < 0.2:
                line = "+%d" % rng.choice([10, 2500, 50_000, 250_000])
            elif way < 0.4:
                line = next(push)
            else:
                line = fuzzer.datagram().hex()
            lines.append(line)
            yield line
            while sent:
                words = sent.pop(0).split()
                if words[0] not in ("end", "sink"):
                    fuzzer.learn(bytes.fromhex(words[1]))

    play(grow(), sent.append)
    return lines


def test_the_same_bytes_on_both_runtimes():
    lines = script(3000)
    here: "list[str]" = []
    play(lines, here.append)
    done = subprocess.run(
        [tool("micropython"), str(ROOT / "tests/micropython/coap_check.py")],
        input="\n".join(lines),
        env={"MICROPYPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    there = done.stdout.splitlines()
    assert len(here) > 1000
    assert {line.split()[1] for line in here if line.startswith("end")} >= {"0", "1", "2", "3"}
    assert {line.split()[1] for line in here if line.startswith("sink")} == {"write", "whole", "abandoned"}
    for number, (ours, theirs) in enumerate(zip(here, there, strict=True)):
        assert ours == theirs, f"line {number}"
