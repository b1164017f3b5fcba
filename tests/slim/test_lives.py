"""Whole lives of devices on slim builds: under MicroPython, the same datagrams out as on CPython, byte for byte."""

import sys

import pytest

from tests.micropython import recording
from tests.micropython.recording import assert_same
from tests.micropython.test_replay import *  # noqa: F403  all of its lives, played by another package
from tests.micropython.test_replay_core import test_core
from tests.micropython.test_replay_transfers import test_block_wise, test_firmware

__all__ = ["test_block_wise", "test_core", "test_firmware"]

# The lives that a build has all parts for. Where texts are numbers, what is said of an error differs, and nothing else.
IN_FULL = ("test_block_wise", "test_bootstrap_in_sequence", "test_core", "test_firmware")


def pytest_generate_tests(metafunc):
    name = metafunc.function.__name__
    found = ["everything"]
    if name in IN_FULL:
        found.append("full")
    if name == "test_core":
        found += ["core", "dtls"]
    metafunc.parametrize("on_build", found, indirect=True)


@pytest.fixture(autouse=True)
def on_build(request, builds, monkeypatch):
    """MicroPython takes the package from there."""
    monkeypatch.setenv("ATINY_PACKAGE", str(builds.lib(request.param)))
    if request.param != "everything":
        monkeypatch.setattr(recording, "assert_same", same_but_texts)
        monkeypatch.setitem(sys.modules, "atiny.lwm2m.objects.statistics", None)  # an object that no profile has


def same_but_texts(expected: "list[str]", found: "list[str]", runtime: str) -> None:
    """That two runs said the same, but for the texts of errors and for what only a part of `Client` tells."""
    assert_same([without_text(line) for line in expected], [without_text(line) for line in found], runtime)


def without_text(line: str) -> str:
    """A line without what a build may leave out: an error response's payload, the reason in an event, the sleep."""
    words = line.split(" ")
    if words[0] == "send":
        datagram = bytes.fromhex(words[2])
        if datagram[1] >> 5 in (4, 5):
            words[2] = datagram.partition(b"\xff")[0].hex()
    if words[0] == "step":
        line = line.partition(", sleeps until ")[0] + line[line.rindex(",") :]
        return line
    if words[:2] in (["event", "not"], ["event", "handler"]):
        del words[3:]
    return " ".join(words)


def test_it_is_the_build(builds) -> None:
    for name in ("everything", "full", "core"):
        files = list((builds.lib(name) / "atiny").rglob("*"))
        assert not [path for path in files if path.suffix == ".py"]
        assert (builds.folder(name) / "atiny" / "__init__.mpy") in files
