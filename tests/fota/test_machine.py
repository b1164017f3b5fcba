"""Every event in every state, against OMA's text (LwM2M 1.0, E.6) written down a second time."""

import pytest

from atiny.fota import machine
from atiny.fota.machine import DOWNLOADED, DOWNLOADING, IDLE, RESULTS, STATES, TRANSITIONS, UPDATING, in_words
from tests.sources import ROOT

# By state: what each event leads to. All others cannot happen.
EXPECTED = {
    IDLE: {
        "package or URI": (1, 0),
        "the old image runs": (0, 8),
        "empty package or URI": (0, 0),
        "invalid URI": (0, 7),
        "unsupported protocol": (0, 9),
    },
    DOWNLOADING: {
        "package or URI": (1, 0),
        "whole and verified": (2, 0),
        "empty package or URI": (0, 0),
        "not enough space for the package": (0, 2),
        "out of memory": (0, 3),
        "connection lost": (0, 4),
        "integrity check failed": (0, 5),
        "unsupported package type": (0, 6),
        "invalid URI": (0, 7),
        "update failed": (0, 8),
        "unsupported protocol": (0, 9),
    },
    DOWNLOADED: {
        "Update": (3, 0),
        "the new image runs": (0, 1),
        "the new image is damaged": (0, 5),
        "empty package or URI": (0, 0),
    },
    UPDATING: {
        "the new image runs": (0, 1),
        "the old image runs": (2, 8),
        "the new image is damaged": (0, 5),
    },
}


@pytest.mark.parametrize("state", range(4), ids=STATES)
@pytest.mark.parametrize("after", range(4), ids=STATES)
@pytest.mark.parametrize("result", range(11))
def test_every_state_and_result_after_every_state(state, after, result):
    events = [event for event, leads_to in EXPECTED[state].items() if leads_to == (after, result)]
    assert [TRANSITIONS[key] for key in [(state, after, result)] if key in TRANSITIONS] == events


def test_the_table_has_nothing_else():
    assert len(TRANSITIONS) == sum(len(events) for events in EXPECTED.values())
    assert {result for _, _, result in TRANSITIONS} == set(range(10))
    assert len(RESULTS) == 10


def test_the_numbers_are_those_of_oma():
    assert (machine.IDLE, machine.DOWNLOADING, machine.DOWNLOADED, machine.UPDATING) == (0, 1, 2, 3)
    names = "NONE_YET SUCCESS NO_SPACE NO_MEMORY CONNECTION_LOST INTEGRITY UNSUPPORTED_PACKAGE INVALID_URI"
    numbers = [getattr(machine, name) for name in (names + " UPDATE_FAILED UNSUPPORTED_PROTOCOL").split()]
    assert numbers == list(range(10))


def test_while_the_device_is_updated_no_server_can_change_anything():
    events = {event for (state, _, _), event in TRANSITIONS.items() if state == UPDATING}
    assert not events & {"package or URI", "Update", "empty package or URI", "invalid URI", "unsupported protocol"}


def test_from_every_state_there_is_a_way_back_to_idle():
    for state in range(4):
        assert IDLE in {after for before, after, _ in TRANSITIONS if before == state}


def test_the_rows_for_the_drawing():
    found = in_words()
    assert len(found) == len(TRANSITIONS)
    assert found[0] == ("Idle", "package or URI", "Downloading", "0 none yet")
    assert ("Downloading", "whole and verified", "Downloaded", "0 none yet") in found
    assert ("Updating", "the new image runs", "Idle", "1 updated successfully") in found
    assert ("Downloading", "connection lost", "Idle", "4 connection lost") in found


def test_the_page_has_the_table():
    page = (ROOT / "docs" / "fota.md").read_text()
    assert "\n".join("| %s | %s | %s | %s |" % row for row in in_words()) in page
