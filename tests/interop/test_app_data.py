"""Application data on object 19, up and down.

In Leshan's model /19/0/0 is a multiple resource; it takes the opaque payload of a report as a single one. Just started,
either release may lose a report that follows its Observe at once; the retransmission, 2 to 3 s later, arrives. More
formats of reports and commands, OPAQUE among them, are in test_formats.py: the demo's REST interface has no octets.
"""

import pytest

import atiny
from tests.interop.device import Lamp
from tests.interop.leshan import resource

pytestmark = pytest.mark.interop


def test_reports_go_up(devices):
    client, remote = devices.start()
    first = client.report(b"\x01")  # waits for an observer
    assert remote.observe("/19/0/0").code == "2.05"
    assert remote.notified() == "01"
    assert first.wait(10) == atiny.ReportStatus.SENT_SUCCESS
    reports = [client.report(bytes([number]) * 100) for number in range(5)]
    assert [remote.notified() for _ in reports] == [f"{number:02x}" * 100 for number in range(5)]
    assert {report.wait(10) for report in reports} == {atiny.ReportStatus.SENT_SUCCESS}


def test_a_report_that_leshan_no_longer_wants(devices):
    """The passive cancel's Reset is the report's status."""
    client, remote = devices.start()
    remote.observe("/19/0/0")
    assert client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
    remote.cancel("/19/0/0")
    assert client.report(b"\x02").wait(10) == atiny.ReportStatus.SENT_GET_RST


def test_commands_come_down(devices):
    lamp = Lamp()
    _, remote = devices.start(device=lamp)
    assert remote.write("/19/1/0", resource(0, "00ff10"), "TLV").code == "2.04"
    assert remote.write("/19/0/0", resource(0, "aa" * 1000), "TLV").code == "2.04"
    assert lamp.commands == [b"\x00\xff\x10", b"\xaa" * 1000]


def test_a_plain_read(devices):
    _, remote = devices.start()
    assert remote.read("/19/0/0", "OPAQUE").value == "00"
