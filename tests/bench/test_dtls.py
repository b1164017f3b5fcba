"""The bench of DTLS measures what it says, and the page has its bytes. Nothing here is timed."""

import sys

import pytest

from atiny.dtls.mbedtls import SUITES
from tests.bench.dtls import NOSEC, handshake_table, measure_cpu, wire_table
from tests.sources import ROOT


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MICROPYPATH", str(ROOT))


def test_the_page_has_the_bytes_on_the_wire():
    """They are the same every time: change the page with what ``python -m tests.bench.dtls --only wire`` prints."""
    table, figures = wire_table()
    assert table in (ROOT / "docs" / "security.md").read_text()
    overhead = {SUITES[0]: 29, SUITES[1]: 37}  # of a record: header, explicit nonce, tag (RFC 6655, RFC 5288)
    for suite, octets in overhead.items():
        for name, (count, size) in figures[NOSEC].items():
            if "farewell" not in name:
                assert figures[suite][name] == (count, size + count * octets), name


def test_devices_are_measured():
    found = measure_cpu(sys.executable, (NOSEC, SUITES[0]), 100)
    assert 0 < min(found.values())


def test_handshakes_are_measured():
    table, longest = handshake_table(2)
    assert table.count("\n") >= 4
    assert 0 < longest < 1000
