"""The same verdicts on both runtimes: signatures, keys and packages, good and hostile, fed in pieces of every size."""

import random
import subprocess

from tests.fota.test_signature import BAD_PEMS
from tests.fota.vectors_package import PACKAGES, PLAIN, SIGNED
from tests.fota.vectors_signature import KEY, PKCS1, SPKI, vectors
from tests.micropython.package_check import play
from tests.sources import ROOT
from tests.tools import tool

SCRIPT = ROOT / "tests" / "micropython" / "package_check.py"
SEED = 5
FLIPS = 60


def line(*words) -> str:
    return " ".join(
        word if type(word) is str else "%x" % word if type(word) is int else word.hex() or "-" for word in words
    )


def of_package(options: dict, data: bytes, cut: int) -> str:
    types = options.get("types")
    return line(
        "package",
        *options.get("key", ("-", "-")),
        int(options.get("accept_raw", False)),
        options.get("digest", b""),
        "-" if types is None else "".join("%x," % number for number in types) or ",",
        cut,
        data,
    )


def script() -> "list[str]":
    lines = [line("signature", *key, digest, made) for _, key, digest, made, _ in vectors()]
    for pem in [SPKI, PKCS1, *(row[1] for row in BAD_PEMS)]:
        lines.append(line("key", pem if type(pem) is bytes else pem.encode()))
    for _, options, data, _, _ in PACKAGES:
        lines += [of_package(options, data, cut) for cut in (0, 1, 17)]
    chance = random.Random(SEED)
    for data, options in ((PLAIN, {}), (SIGNED, {"key": KEY})):
        for _ in range(FLIPS):
            flipped = bytearray(data)
            bit = chance.randrange(len(data) * 8)
            flipped[bit // 8] ^= 1 << bit % 8
            lines.append(of_package(options, flipped, chance.choice((0, 100))))
    return lines


def test_both_runtimes_judge_alike():
    lines = script()
    ours: "list[str]" = []
    play(lines, ours.append)
    done = subprocess.run(
        [tool("micropython"), str(SCRIPT)],
        input="\n".join(lines) + "\n",
        env={"MICROPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert done.stdout.splitlines() == ours
    assert [verdict == "True" for verdict in ours[: len(vectors())]] == [row[4] for row in vectors()]
    judged = ours[-2 * FLIPS - 3 * len(PACKAGES) : -2 * FLIPS]
    for index, (name, _, _, result, why) in enumerate(PACKAGES):
        for verdict in judged[3 * index : 3 * index + 3]:
            assert not result or (verdict.startswith(f"{result} ") and why in verdict), name
    assert all(verdict.startswith("5 ") for verdict in ours[-2 * FLIPS :])
