"""Every event in every state, against OMA's text (LwM2M 1.0, E.6) written down a second time."""

import pytest

from atiny.fota import machine
from atiny.fota.machine import (
    ACTIVE,
    BEGIN,
    DOWNLOADED,
    DOWNLOADING,
    EVENTS,
    FAILURES,
    IDLE,
    INACTIVE,
    RESET,
    RESULTS,
    ROTTEN,
    STATES,
    TRANSITIONS,
    UPDATE,
    UPDATING,
    WHOLE,
    following,
    rows,
)
from tests.sources import ROOT

FAILED = {FAILURES + result: (0, result) for result in range(2, 10)}
# By state: what each event leads to. All others cannot happen.
EXPECTED = {
    IDLE: {BEGIN: (1, 0), INACTIVE: (0, 8), RESET: (0, 0), FAILURES + 7: (0, 7), FAILURES + 9: (0, 9)},
    DOWNLOADING: dict(FAILED),
    DOWNLOADED: {UPDATE: (3, 0), ACTIVE: (0, 1), ROTTEN: (0, 5), RESET: (0, 0)},
    UPDATING: {ACTIVE: (0, 1), INACTIVE: (2, 8), ROTTEN: (0, 5)},
}
EXPECTED[DOWNLOADING].update({BEGIN: (1, 0), WHOLE: (2, 0), RESET: (0, 0)})


@pytest.mark.parametrize("state", range(4), ids=STATES)
@pytest.mark.parametrize("event", sorted(EVENTS), ids=[EVENTS[event] for event in sorted(EVENTS)])
def test_every_event_in_every_state(state, event):
    assert following(state, event) == EXPECTED[state].get(event)


def test_the_table_has_nothing_else():
    assert len(TRANSITIONS) == sum(len(events) for events in EXPECTED.values())
    assert {event for _, event in TRANSITIONS} == set(EVENTS)
    assert {result for _, result in TRANSITIONS.values()} == set(range(10))
    assert len(RESULTS) == 10
    assert following(4, BEGIN) is None


def test_the_numbers_are_those_of_oma():
    assert (machine.IDLE, machine.DOWNLOADING, machine.DOWNLOADED, machine.UPDATING) == (0, 1, 2, 3)
    names = "NONE_YET SUCCESS NO_SPACE NO_MEMORY CONNECTION_LOST INTEGRITY UNSUPPORTED_PACKAGE INVALID_URI"
    numbers = [getattr(machine, name) for name in (names + " UPDATE_FAILED UNSUPPORTED_PROTOCOL").split()]
    assert numbers == list(range(10))


def test_while_the_device_is_updated_no_server_can_change_anything():
    for event in (BEGIN, UPDATE, RESET, FAILURES + 7, FAILURES + 9):
        assert following(UPDATING, event) is None


def test_from_every_state_there_is_a_way_back_to_idle():
    ways = {state: {after for (before, _), (after, _) in TRANSITIONS.items() if before == state} for state in range(4)}
    assert all(IDLE in after for after in ways.values())


def test_the_rows_for_the_drawing():
    found = rows()
    assert len(found) == len(TRANSITIONS)
    assert found[0] == ("Idle", "package or URI", "Downloading", "0 none yet")
    assert ("Downloading", "whole and verified", "Downloaded", "0 none yet") in found
    assert ("Updating", "the new image runs", "Idle", "1 updated successfully") in found
    assert ("Downloading", "connection lost", "Idle", "4 connection lost") in found


def test_the_page_has_the_table():
    page = (ROOT / "docs" / "fota.md").read_text()
    assert "\n".join("| %s | %s | %s | %s |" % row for row in rows()) in page
