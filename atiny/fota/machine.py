"""The firmware update's state machine (OMA LwM2M 1.0, E.6): one table, from which docs/fota.md is drawn too.

``TRANSITIONS[state, event]`` is ``(state, result)``: what /5/0/3 and /5/0/5 say from then on. What is not in it cannot
happen: a server that asks for it is refused with 4.05.
"""

# /5/0/3, State
IDLE = 0
DOWNLOADING = 1
DOWNLOADED = 2
UPDATING = 3
STATES = ("Idle", "Downloading", "Downloaded", "Updating")

# /5/0/5, Update Result
NONE_YET = 0
SUCCESS = 1
NO_SPACE = 2
NO_MEMORY = 3
CONNECTION_LOST = 4
INTEGRITY = 5
UNSUPPORTED_PACKAGE = 6
INVALID_URI = 7
UPDATE_FAILED = 8
UNSUPPORTED_PROTOCOL = 9
RESULTS = (
    "none yet",
    "updated successfully",
    "not enough space for the package",
    "out of memory",
    "connection lost",
    "integrity check failed",
    "unsupported package type",
    "invalid URI",
    "update failed",
    "unsupported protocol",
)

# What happens. Those from FAILURES on are the ends of a download that went wrong: FAILURES + the result.
BEGIN = 0  # the first bytes of a package, or a URI to get it from; of a push that starts over as well
WHOLE = 1  # the package is there, verified, and outlives a power cut
UPDATE = 2  # a server executed Update
ACTIVE = 3  # after the restart: the new image runs
INACTIVE = 4  # the new image does not run, could not be chosen, or was rolled back: the old one runs
ROTTEN = 5  # the new image is not any more what was verified, or what verified it is not trusted any more
RESET = 6  # a server wrote an empty package or URI
FAILURES = 10
EVENTS = {
    BEGIN: "package or URI",
    WHOLE: "whole and verified",
    UPDATE: "Update",
    ACTIVE: "the new image runs",
    INACTIVE: "the old image runs",
    ROTTEN: "the new image is damaged",
    RESET: "empty package or URI",
}

TRANSITIONS = {
    (IDLE, BEGIN): (DOWNLOADING, NONE_YET),
    (IDLE, FAILURES + INVALID_URI): (IDLE, INVALID_URI),
    (IDLE, FAILURES + UNSUPPORTED_PROTOCOL): (IDLE, UNSUPPORTED_PROTOCOL),
    (IDLE, INACTIVE): (IDLE, UPDATE_FAILED),  # it ran, and was rolled back at a later start
    (IDLE, RESET): (IDLE, NONE_YET),
    (DOWNLOADING, BEGIN): (DOWNLOADING, NONE_YET),
    (DOWNLOADING, WHOLE): (DOWNLOADED, NONE_YET),
    (DOWNLOADING, RESET): (IDLE, NONE_YET),
    (DOWNLOADED, UPDATE): (UPDATING, NONE_YET),
    (DOWNLOADED, ACTIVE): (IDLE, SUCCESS),  # the boot loader tried once more
    (DOWNLOADED, ROTTEN): (IDLE, INTEGRITY),
    (DOWNLOADED, RESET): (IDLE, NONE_YET),
    (UPDATING, ACTIVE): (IDLE, SUCCESS),
    (UPDATING, INACTIVE): (DOWNLOADED, UPDATE_FAILED),
    (UPDATING, ROTTEN): (IDLE, INTEGRITY),
}
for _result in range(NO_SPACE, UNSUPPORTED_PROTOCOL + 1):
    EVENTS[FAILURES + _result] = RESULTS[_result]
    TRANSITIONS[DOWNLOADING, FAILURES + _result] = (IDLE, _result)


def following(state: int, event: int) -> "tuple[int, int] | None":
    """(state, result) after an event, or None where it cannot happen in that state."""
    return TRANSITIONS.get((state, event))


def rows() -> "list[tuple[str, str, str, str]]":
    """(state, event, next state, result) of each transition in words, in the order of state and event."""
    found = []
    for state, event in sorted(TRANSITIONS):
        after, result = TRANSITIONS[state, event]
        found.append((STATES[state], EVENTS[event], STATES[after], "%d %s" % (result, RESULTS[result])))
    return found
