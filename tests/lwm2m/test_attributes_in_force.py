"""Notification attributes in force (LwM2M 1.0, 5.1.2), on the wire and in virtual time: tables of what changes when,
and what is told when. Where the attributes come from: see `test_attributes_inherited`.
"""

import json

import pytest

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import INTEGER
from tests.lwm2m.gauge import COUNT, REAL, SINCE, WORDS, Observer
from tests.lwm2m.rig import Rig
from tests.lwm2m.thermometer import attributes

# -- when: pmin and pmax

# queries, (seconds, value) of the changes, the end -> (seconds, value) of the notifications
PERIODS = [
    # without pmin each change is told at once
    ([], [(1, 21), (1, 22), (5, 22)], 60, [(1, 21), (1, 22), (5, 22)]),
    (["pmin=0"], [(1, 21), (1, 22)], 60, [(1, 21), (1, 22)]),
    # the quiet time begins with the first response, then with each notification
    (["pmin=10"], [(4, 21)], 60, [(10, 21)]),
    (["pmin=10"], [(4, 21), (6, 22), (9.5, 23)], 60, [(10, 23)]),
    (["pmin=10"], [(10, 21)], 60, [(10, 21)]),
    (["pmin=10"], [(4, 21), (12, 22), (13, 23)], 60, [(10, 21), (20, 23)]),
    (["pmin=10"], [(4, 21), (50, 22)], 60, [(10, 21), (50, 22)]),
    (["pmin=10"], [(4, 21), (10.5, 22), (20.5, 23), (31, 24)], 60, [(10, 21), (20, 22), (30, 23), (40, 24)]),
    (["pmin=10"], [(4, 21), (6, 20)], 60, [(10, 20)]),  # there was a change, if no difference
    (["pmin=10"], [], 60, []),
    # pmax, even unchanged; each notification begins it anew
    (["pmax=30"], [], 100, [(30, 20), (60, 20), (90, 20)]),
    (["pmax=30"], [(10, 21)], 100, [(10, 21), (40, 21), (70, 21), (100, 21)]),
    (["pmax=30"], [(29.5, 21), (30, 22)], 65, [(29.5, 21), (30, 22), (60, 22)]),
    (["pmax=0"], [(10, 21)], 100, [(10, 21)]),
    (["pmax=1"], [], 4, [(1, 20), (2, 20), (3, 20), (4, 20)]),
    # together
    (["pmin=10", "pmax=30"], [(5, 21)], 100, [(10, 21), (40, 21), (70, 21), (100, 21)]),
    (["pmin=10", "pmax=30"], [(35, 21)], 100, [(30, 20), (40, 21), (70, 21), (100, 21)]),
    (["pmin=30", "pmax=30"], [(5, 21), (40, 22)], 100, [(30, 21), (60, 22), (90, 22)]),
    (["pmin=10", "pmax=0"], [(5, 21)], 100, [(10, 21)]),
]


@pytest.mark.parametrize(("queries", "changes", "end", "told"), PERIODS)
@pytest.mark.parametrize("where", [REAL, "31050/0", "31050"])
def test_periods(queries, changes, end, told, where):
    observer = Observer()
    if queries:
        attributes(observer.rig, where, *queries)
    observer.observe(REAL)
    assert observer.play(changes, end) == told


# -- what: gt, lt and st

# queries, the first value, what it becomes second by second -> what of that is told
VALUES = [
    # over a threshold and back; at it is not over it
    (["gt=25"], 20, [24, 25, 26, 30, 26, 25, 24, 26], [26, 25, 26]),
    (["gt=25"], 20, [25.1, 25, 24.9, 25.0001], [25.1, 25, 25.0001]),
    (["gt=0"], -1, [0, 1, 0, -1], [1, 0]),
    (["gt=-5"], -10, [-6, -5, -4, -5], [-4, -5]),
    # under a threshold and back; at it is not under it
    (["lt=15"], 20, [16, 15, 14, 10, 14, 15, 16, 14], [14, 15, 14]),
    (["lt=-5"], 0, [-5, -6, -5], [-6, -5]),
    # the first response counts: who was over at the start is told when it is not any more
    (["gt=25"], 30, [31, 26, 25, 30], [25, 30]),
    (["lt=15"], 10, [9, 14, 15, 14], [15, 14]),
    (["gt=25"], 25, [24, 25, 26], [26]),
    (["st=5"], 20, [24, 16, 25], [25]),
    # both: between them nothing is told, through both in one leap it is
    (["gt=25", "lt=15"], 20, [16, 24, 15, 25, 20], []),
    (["gt=25", "lt=15"], 20, [26, 27, 14, 13, 26, 20, 21], [26, 14, 26, 20]),
    # a step, up or down, is counted from the last value told, not from the last value
    (["st=5"], 20, [21, 22, 23, 24, 25, 26, 27, 28, 29, 30], [25, 30]),
    (["st=5"], 20, [15, 19, 20, 15, 10], [15, 20, 15, 10]),
    (["st=5"], 20, [22, 18, 22, 18, 24, 16], []),
    (["st=0.5"], 20, [20.25, 20.5, 20.25, 20.75, 21], [20.5, 21]),
    (["st=1"], 20, [20, 21, 21, 21], [21]),
    # any of them will do, and each is counted from the last value told, whyever it was
    (["gt=25", "st=10"], 20, [24, 26, 35, 36, 30, 25, 16, 15], [26, 36, 25, 15]),
    (["lt=15", "st=10"], 20, [14, 5, 4, 15, 24, 25], [14, 4, 15, 25]),
    (["gt=30", "lt=10", "st=5"], 20, [24, 25, 29, 31, 28, 12, 9, 5, 4], [25, 31, 28, 12, 9, 4]),
]


WHOLE = [row for row in VALUES if all(value % 1 == 0 for value in row[2])]


@pytest.mark.parametrize(
    ("path", "row"), [(REAL, row) for row in VALUES] + [(path, row) for path in (COUNT, SINCE) for row in WHOLE]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_thresholds(path, row, when):
    queries, first, changes, told = row
    observer = Observer(first)
    if when == "before":
        attributes(observer.rig, path, *queries)
    assert float(observer.observe(path).payload) == first
    if when == "after":
        attributes(observer.rig, path, *queries)
    played = observer.play(list(enumerate(changes, 1)), 3600, path)
    assert [value for _, value in played] == told
    assert all(value == changes[int(seconds) - 1] for seconds, value in played), "each at once"


def test_thresholds_are_of_the_number_alone():
    """What lies around the resource, and what lies beside it, is told of every change."""
    observer = Observer()
    attributes(observer.rig, REAL, "gt=25")
    for path, token in ((REAL, b"real"), ("31050/0", b"instance"), ("31050", b"object"), (WORDS, b"words")):
        observer.observe(path, token)
    observer.change(21)
    observer.change(21, WORDS)
    told = [token for _, token, _ in observer.until(10)]
    assert told == [b"instance", b"object", b"instance", b"object", b"words"]


class Channels(Object):
    object_id = 31051
    resources = (Resource(0, "levels", INTEGER, "R", multiple=True),)
    levels: "dict[int, int]" = {}


def test_of_several_numbers_no_threshold_counts():
    """Of no number at all neither: what has no instance has no value to compare."""
    channels = Channels()
    rig = Rig(channels, lifetime_s=10**9)
    attributes(rig, "31051/0/0", "gt=3", "st=1")
    rig.observe("31051/0/0", b"all")
    for levels in ({}, {0: 1}, {0: 1, 1: 2}, {}, {}):
        channels.levels = levels
        rig.change((31051, 0, 0))
        assert [message.token for message in rig.take()] == [b"all"]


# -- together

# queries, changes, end -> told
BOTH = [
    # what crossed is told after pmin, if it is still over then; if not, there is nothing to tell
    (["pmin=10", "gt=25"], [(5, 26)], 60, [(10, 26)]),
    (["pmin=10", "gt=25"], [(5, 26), (7, 30)], 60, [(10, 30)]),
    (["pmin=10", "gt=25"], [(5, 26), (7, 24)], 60, []),
    (["pmin=10", "gt=25"], [(5, 24), (12, 26), (13, 24)], 60, [(12, 26), (22, 24)]),
    # a change that is not told does not begin the quiet time
    (["pmin=10", "st=5"], [(12, 21), (13, 25)], 60, [(13, 25)]),
    (["pmin=10", "st=5"], [(12, 25), (14, 30), (16, 36)], 60, [(12, 25), (22, 36)]),
    # at pmax the value is told whatever it is, and is then what steps are counted from
    (["pmax=30", "gt=25"], [(5, 24)], 60, [(30, 24), (60, 24)]),
    (["pmax=30", "st=5"], [(5, 24), (35, 25), (40, 28), (45, 29)], 60, [(30, 24), (45, 29)]),
    (["pmax=30", "st=5"], [(29, 24.5)], 60, [(30, 24.5), (60, 24.5)]),
    (["pmax=30", "gt=25"], [(5, 26), (31, 27), (34, 28)], 64, [(5, 26), (35, 28)]),
    (["pmin=10", "pmax=30", "lt=15"], [(5, 10), (12, 20)], 60, [(10, 10), (20, 20), (50, 20)]),
]


@pytest.mark.parametrize(("queries", "changes", "end", "told"), BOTH)
def test_thresholds_and_periods(queries, changes, end, told):
    observer = Observer()
    attributes(observer.rig, REAL, *queries)
    observer.observe(REAL)
    assert observer.play(changes, end) == told


def test_what_moves_the_value_that_steps_are_counted_from():
    observer = Observer()
    rig = observer.rig
    attributes(rig, REAL, "st=5")
    observer.observe(REAL)
    observer.change(24)
    assert rig.ask("GET", REAL).payload == b"24.0"
    observer.change(28)
    assert [row[1:] for row in observer.until(1)] == [(b"obs", b"28.0")], (
        "a Read is not a notification: 20 was the last"
    )
    observer.change(32)
    assert not observer.until(2)
    assert observer.observe(REAL, b"new").payload == b"32.0"
    observer.change(36)
    assert not observer.until(1), "the response to an Observe counts as one"
    observer.change(37)
    assert [row[1:] for row in observer.until(2)] == [(b"new", b"37.0")]
    observer.gauges[0].error = OSError(5)
    observer.change(50)
    assert not observer.until(3)
    observer.gauges[0].error = None
    observer.change(41)
    assert not observer.until(4), "what could not be read was not told"
    observer.change(42)
    assert [row[1:] for row in observer.until(5)] == [(b"new", b"42.0")]


def test_notifications_in_json():
    observer = Observer()
    attributes(observer.rig, REAL, "st=5")
    first = observer.observe(REAL, accept=11543)
    observer.change(24)
    observer.change(25)
    [notification] = observer.taken()
    for message, value in ((first, 20), (notification, 25)):
        assert message.opt.content_format == 11543
        assert json.loads(message.payload) == {"bn": "/" + REAL, "e": [{"v": value}]}
