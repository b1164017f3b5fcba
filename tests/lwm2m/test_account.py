"""What an account has only once it is needed: a device that needs none of it does not pay for it."""

import pytest

from atiny.lwm2m.deferred import Deferred
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.types import NONE
from tests.lwm2m.offline_rig import go_offline
from tests.lwm2m.rig import Rig, build, dotted
from tests.lwm2m.thermometer import PATH, TOKEN, Thermometer, set_value

EXTRAS = ("attributes", "rules", "queue_mode", "unsent", "held", "away_ms", "backlogs", "deferrals", "session")


class Oven(Object):
    """Its Execute is answered when the host is done."""

    object_id = 31025
    resources = (Resource(0, "bake", NONE, "E"),)

    def __init__(self):
        self.baking: "list[Deferred]" = []

    def execute_bake(self, arguments):
        self.baking.append(Deferred())
        return self.baking[-1]


def extras(rig):
    """Which of EXTRAS the device has."""
    (account,) = rig.agent.accounts
    rooms = [account, account.observations, account.registration, rig.agent.delivery, *account.observations.all]
    return {name for name in EXTRAS for room in rooms if getattr(room, name, None) is not None}


@pytest.fixture
def rig():
    return Rig(Thermometer(), Oven())


def bake(rig, mid):
    rig.deliver(build(2, "31025/0/0", mid=mid, token=b"t%d" % mid))
    assert dotted(rig.only()) == "0.00", "acknowledged; the answer comes later"


def test_a_usual_life_needs_none(rig):
    rig.observe(PATH, TOKEN)
    set_value(rig, rig.agent.model.objects[3303].instances[0], 21.0)
    assert dotted(rig.only()) == "2.05"
    assert dotted(rig.ask("PUT", "1/0/1", payload=b"60")) == "2.04"
    rig.answer(rig.only(), "2.04")
    rig.observe("19/0/0", b"up")
    rig.report(1)
    rig.ack(rig.only())
    assert [cookie for cookie, _ in rig.done] == [1]
    rig.reconnect()
    rig.register_again()
    assert extras(rig) == set()


NEEDS = {
    "an attribute": (lambda rig: rig.ask("PUT", PATH, query=["pmin=1"]), {"attributes", "rules"}),
    "an attribute elsewhere": (lambda rig: rig.ask("PUT", "3", query=["pmin=1"]), {"attributes"}),
    "a default period": (lambda rig: rig.ask("PUT", "1/0/2", payload=b"5"), {"attributes", "rules"}),
    "queue mode": (lambda rig: rig.ask("PUT", "1/0/7", payload=b"UQ"), {"queue_mode", "unsent"}),
    "no network": (go_offline, {"queue_mode", "unsent", "away_ms"}),
    "a deferred Execute": (lambda rig: bake(rig, 9), {"deferrals"}),
}


@pytest.mark.parametrize("need", NEEDS)
def test_what_makes_them(rig, need):
    rig.observe(PATH, TOKEN)
    act, made = NEEDS[need]
    act(rig)
    assert extras(rig) == made


def test_an_attribute_that_is_unset_rules_no_more(rig):
    rig.observe(PATH, TOKEN)
    for query in ("pmin=1", "pmin"):
        assert dotted(rig.ask("PUT", PATH, query=[query])) == "2.04"
    assert extras(rig) == {"attributes"}


def test_a_deferred_execute_is_not_answered_on_another_link(rig):
    oven = rig.agent.model.objects[31025].instances[0]
    bake(rig, 9)
    rig.reconnect()
    rig.register_again()
    bake(rig, 10)
    oven.baking[0].done()
    rig.pump()
    assert rig.take() == [], "who asked for it was lost, and has registered the device anew"
    oven.baking[1].done()
    oven.baking[1].failed(OSError())
    rig.pump()
    response = rig.only()
    assert (dotted(response), response.token) == ("2.04", b"t10")
    rig.ack(response)
