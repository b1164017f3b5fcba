"""Signatures and packages, judged on either runtime; the verdicts are printed, to be compared.

Each line of the standard input is one of (bytes and integers in hexadecimal, "-" for none)
    signature N E DIGEST SIGNATURE
    key PEM
    package N E RAW DIGEST TYPES CUT PACKAGE    fed CUT bytes at a time; TYPES separated by commas

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/package_check.py < script

With the arguments "time COUNT KIB", it times as many verifications, and the reading of so many KiB.
"""

import sys
import time
from hashlib import sha256

from atiny.errors import AtinyError
from atiny.fota.options import FirmwareOptions
from atiny.fota.package import PackageError, PackageReader
from atiny.fota.signature import load_key, verify, verify_plainly


def octets(text):
    return b"" if text == "-" else bytes.fromhex(text)


def judge_signature(n, e, digest, signature):
    key = (int(n, 16), int(e, 16))
    verdicts = [check(key, octets(digest), octets(signature)) for check in (verify, verify_plainly)]
    assert verdicts[0] == verdicts[1]
    return str(verdicts[0])


def judge_key(pem):
    try:
        return "%x %x" % load_key(octets(pem))
    except AtinyError as error:
        return str(error)


def judge_package(n, e, raw, digest, types, cut, data):
    options = FirmwareOptions(
        key=None if n == "-" else (int(n, 16), int(e, 16)),
        accept_raw=raw == "1",
        digest=None if digest == "-" else octets(digest),
        types=None if types == "-" else [int(number, 16) for number in types.split(",") if number],
    )
    reader = PackageReader(options)
    image = sha256()
    stored = 0
    data = memoryview(octets(data))
    size = int(cut, 16) or len(data) + 1
    at = 0
    try:
        while at < len(data):
            assert reader.stored == stored
            piece = reader.feed(data[at : at + size])
            image.update(piece)
            stored += len(piece)
            at += size
        reader.finish()
    except PackageError as error:
        return "%d %s" % (error.result, error.text)
    head = reader.head
    found = "%d %d %s %s" % (reader.head_len, reader.fed, reader.raw, image.digest().hex())
    if head is not None:
        found += " %s %s" % (head.type, [(kind, value.hex()) for kind, value in head.own])
    return found


JUDGES: dict = {"signature": judge_signature, "key": judge_key, "package": judge_package}


def play(lines, write):
    """Judge each line; ``write`` gets the verdicts."""
    for line in lines:
        words = line.split()
        write(JUDGES[words[0]](*words[1:]))


def measure(count, kib):
    # An odd number of 2048 bits: what a verification costs does not depend on which.
    key = ((1 << 2047) + 12345678901, 65537)
    number = (1 << 2046) + 987654321
    signature = number.to_bytes(256, "big")
    start = time.time()
    for _ in range(count):
        verify_plainly(key, b"d" * 32, signature)
    print("a verification: %.2f ms" % ((time.time() - start) * 1000 / count))
    block = b"\x7f" * 1024
    reader = PackageReader(FirmwareOptions(accept_raw=True, digest=bytes(32)))
    start = time.time()
    for _ in range(kib):
        reader.feed(block)
    print("a block of 1 KiB: %.1f us" % ((time.time() - start) * 1e6 / kib))


if __name__ == "__main__":
    if sys.argv[1:2] == ["time"]:
        measure(int(sys.argv[2]), int(sys.argv[3]))
    else:
        play(sys.stdin, print)
