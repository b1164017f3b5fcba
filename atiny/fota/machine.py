"""The firmware update's state machine (OMA LwM2M 1.0, E.6): one table, from which docs/fota.md is drawn too.

``TRANSITIONS[state, after, result]`` is what happens for it: State and Result are ``after`` and ``result`` then.
What is not in it cannot happen (`Updater.enter` asserts it): a server that asks for it is refused with 4.05.
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

_BEGINS = "package or URI"  # the first bytes of one, or where to get it; also of a push that starts over
_WHOLE = "whole and verified"  # and outlives a power cut
_NEW_RUNS = "the new image runs"
_OLD_RUNS = "the old image runs"  # the new one could not be chosen, did not start, or was rolled back
_ROTTEN = "the new image is damaged"  # it is not what was verified, or what verified it is not trusted any more
_RESET = "empty package or URI"

TRANSITIONS = {
    (IDLE, DOWNLOADING, NONE_YET): _BEGINS,
    (IDLE, IDLE, UPDATE_FAILED): _OLD_RUNS,  # the new one was rolled back at a later start
    (IDLE, IDLE, NONE_YET): _RESET,
    (IDLE, IDLE, INVALID_URI): RESULTS[INVALID_URI],
    (IDLE, IDLE, UNSUPPORTED_PROTOCOL): RESULTS[UNSUPPORTED_PROTOCOL],
    (DOWNLOADING, DOWNLOADING, NONE_YET): _BEGINS,
    (DOWNLOADING, DOWNLOADED, NONE_YET): _WHOLE,
    (DOWNLOADING, IDLE, NONE_YET): _RESET,
    (DOWNLOADING, IDLE, NO_SPACE): RESULTS[NO_SPACE],
    (DOWNLOADING, IDLE, NO_MEMORY): RESULTS[NO_MEMORY],
    (DOWNLOADING, IDLE, CONNECTION_LOST): RESULTS[CONNECTION_LOST],
    (DOWNLOADING, IDLE, INTEGRITY): RESULTS[INTEGRITY],
    (DOWNLOADING, IDLE, UNSUPPORTED_PACKAGE): RESULTS[UNSUPPORTED_PACKAGE],
    (DOWNLOADING, IDLE, INVALID_URI): RESULTS[INVALID_URI],
    (DOWNLOADING, IDLE, UPDATE_FAILED): RESULTS[UPDATE_FAILED],
    (DOWNLOADING, IDLE, UNSUPPORTED_PROTOCOL): RESULTS[UNSUPPORTED_PROTOCOL],
    (DOWNLOADED, UPDATING, NONE_YET): "Update",
    (DOWNLOADED, IDLE, SUCCESS): _NEW_RUNS,  # the boot loader tried once more
    (DOWNLOADED, IDLE, INTEGRITY): _ROTTEN,
    (DOWNLOADED, IDLE, NONE_YET): _RESET,
    (UPDATING, IDLE, SUCCESS): _NEW_RUNS,
    (UPDATING, DOWNLOADED, UPDATE_FAILED): _OLD_RUNS,
    (UPDATING, IDLE, INTEGRITY): _ROTTEN,
}


def in_words() -> "list[tuple[str, str, str, str]]":
    """(state, event, next state, result) of each transition in words."""
    found = []
    for (state, after, result), event in TRANSITIONS.items():
        found.append((STATES[state], event, STATES[after], "%d %s" % (result, RESULTS[result])))
    return found
