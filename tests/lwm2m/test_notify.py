"""When a changed value is notified: pmin, pmax, gt, lt, st and the default periods, in virtual time."""

import pytest

from tests.lwm2m.rig import TLV, dotted
from tests.lwm2m.thermometer import HOUR, PATH, TOKEN, S, Thermometer, attributes, observable, set_value, values


@pytest.fixture
def thermometer():
    return Thermometer()


@pytest.fixture
def rig(thermometer):
    return observable(thermometer)


# -- periods


def test_not_before_pmin_and_then_the_latest_value(rig, thermometer):
    attributes(rig, PATH, "pmin=10")
    rig.observe(PATH, TOKEN)
    rig.advance(4 * S)
    set_value(rig, thermometer, 21.0)
    set_value(rig, thermometer, 22.0)
    rig.advance(6 * S - 1)
    assert values(rig) == []
    rig.advance(1)
    assert values(rig) == [22.0]
    rig.advance(30 * S)
    set_value(rig, thermometer, 23.0)
    assert values(rig) == [23.0], "the quiet time is over: at once"
    set_value(rig, thermometer, 24.0)
    rig.advance(10 * S)
    assert values(rig) == [24.0]


def test_at_pmax_even_unchanged(rig, thermometer):
    attributes(rig, PATH, "pmax=60")
    rig.advance(7 * S)
    rig.observe(PATH, TOKEN)
    rig.advance(60 * S - 1)
    assert values(rig) == []
    rig.advance(1)
    assert values(rig) == [20.0]
    rig.advance(30 * S)
    set_value(rig, thermometer, 21.0)
    assert values(rig) == [21.0]
    rig.advance(60 * S - 1)
    assert values(rig) == [], "each notification begins the time anew"
    rig.advance(1)
    assert values(rig) == [21.0]
    rig.advance(600 * S)
    assert values(rig) == [21.0] * 10


def test_pmin_and_pmax_alike(rig, thermometer):
    attributes(rig, PATH, "pmin=10", "pmax=10")
    rig.observe(PATH, TOKEN)
    for step in range(35):
        set_value(rig, thermometer, float(step))
        rig.advance(S)
    assert values(rig) == [9.0, 19.0, 29.0]


def test_attributes_set_after_the_observation_began(rig, thermometer):
    rig.observe(PATH, TOKEN)
    rig.advance(20 * S)
    attributes(rig, "3303", "pmax=60")
    rig.advance(40 * S)
    assert values(rig) == [20.0], "counted from the last notification"
    attributes(rig, "3303/0", "pmax=30")
    rig.advance(30 * S)
    assert values(rig) == [20.0]
    attributes(rig, PATH, "pmax=10", "pmin=10")
    rig.advance(10 * S)
    assert values(rig) == [20.0]
    attributes(rig, PATH, "pmax", "pmin")
    rig.advance(30 * S)
    assert values(rig) == [20.0], "what the instance has holds again"
    attributes(rig, "3303/0", "pmax")
    attributes(rig, "3303", "pmax=")
    rig.advance(HOUR)
    assert values(rig) == []
    attributes(rig, "3/0", "pmax=1")
    attributes(rig, "3303/0/5701", "pmax=1")
    rig.advance(HOUR)
    assert values(rig) == [], "what is set elsewhere does not concern it"


def test_the_server_object_has_the_default_periods(rig, thermometer):
    assert dotted(rig.ask("PUT", "1/0/2", payload=b"5")) == "2.04"
    assert dotted(rig.ask("PUT", "1/0/3", payload=b"50")) == "2.04"
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 21.0)
    rig.advance(5 * S)
    assert values(rig) == [21.0]
    rig.advance(50 * S)
    assert values(rig) == [21.0]
    # They may be changed while it runs,
    assert dotted(rig.ask("PUT", "1/0/3", payload=b"20")) == "2.04"
    rig.advance(20 * S)
    assert values(rig) == [21.0]
    # have less weight than any attribute,
    attributes(rig, "3303", "pmax=40")
    rig.advance(39 * S)
    assert values(rig) == []
    rig.advance(1 * S)
    assert values(rig) == [21.0]
    # and go where the Server object is replaced without them.
    attributes(rig, "3303", "pmax")
    replacement = bytes.fromhex("c4 01 3b9aca00 c1 06 01 c1 07 55")
    assert dotted(rig.ask("PUT", "1/0", payload=replacement, content_format=TLV)) == "2.04"
    rig.advance(HOUR)
    set_value(rig, thermometer, 22.0)
    set_value(rig, thermometer, 23.0)
    assert values(rig) == [22.0, 23.0]


def test_a_pmax_of_zero_and_one_below_an_inherited_pmin_are_none(rig, thermometer):
    attributes(rig, PATH, "pmax=10")
    attributes(rig, "3303/0", "pmin=20")  # its own check cannot see what lies below
    rig.observe(PATH, TOKEN)
    rig.advance(HOUR)
    assert values(rig) == []
    attributes(rig, "3303/0", "pmin")
    rig.advance(0)
    assert values(rig) == [20.0]
    rig.ask("PUT", "1/0/3", payload=b"7")
    attributes(rig, PATH, "pmax=0")
    rig.advance(HOUR)
    assert values(rig) == []


# -- thresholds

# attributes, the values that the resource takes after 20.0 -> those that are notified
THRESHOLDS = [
    (["gt=25"], [24, 25, 25.5, 30, 25, 26, 20], [25.5, 25, 26, 20]),
    (["lt=15"], [16, 15, 14.5, 10, 15, 14], [14.5, 15, 14]),
    (["gt=25", "lt=15"], [26, 14, 26, 20, 21], [26, 14, 26, 20]),
    (["st=2"], [21, 22, 23, 21, 20, 18], [22, 20, 18]),
    (["st=0.5"], [20.4, 20.5, 20.0, 19.6], [20.5, 20.0]),
    (["gt=25", "st=5"], [24, 25, 26, 30, 31, 25], [25, 26, 31, 25]),
    (["lt=-5"], [-5, -5.5, -4], [-5.5, -4]),
    (["gt=20"], [20, 20.5, 20], [20.5, 20]),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("query", "changes", "notified"), THRESHOLDS)
def test_thresholds(rig, thermometer, query, changes, notified, when):
    if when == "before":
        attributes(rig, PATH, *query)
    rig.observe(PATH, TOKEN)
    if when == "after":
        attributes(rig, PATH, *query)
    for value in changes:
        set_value(rig, thermometer, float(value))
        rig.advance(S)
    assert values(rig) == notified


def test_thresholds_and_periods_together(rig, thermometer):
    attributes(rig, PATH, "pmin=10", "pmax=60", "gt=25")
    rig.observe(PATH, TOKEN)
    set_value(rig, thermometer, 26.0)
    rig.advance(9 * S)
    assert values(rig) == [], "it crossed, but not before pmin"
    set_value(rig, thermometer, 24.0)
    rig.advance(10 * S)
    assert values(rig) == [], "at pmin it was back: what counts is the last value notified"
    rig.advance(41 * S)
    assert values(rig) == [24.0], "at pmax whatever it is"
    rig.advance(20 * S)
    set_value(rig, thermometer, 26.0)
    assert values(rig) == [26.0]
    set_value(rig, thermometer, None)
    rig.advance(10 * S)
    assert dotted(rig.only()) == "4.04"
