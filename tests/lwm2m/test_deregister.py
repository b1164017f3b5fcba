"""De-register, and beginning anew when the host asks for it, in every state."""

import itertools

import pytest
from aiocoap import CON

from atiny.params import ATINY_DATA_UNSUBSCRIBE, ATINY_REG_FAIL
from tests.lwm2m.rig import Rig

S = 1000
DAY = 86400 * S


def states():
    """A rig in each state, as (name, rig)."""
    waiting = Rig(register=False)
    waiting.answer(waiting.only(), "4.03")
    updating = Rig()
    updating.ask("POST", "1/0/8")
    stopping = Rig()
    stopping.agent.stop(stopping.now)
    stopping.pump()
    connecting = Rig(register=False)
    connecting.opening = None
    connecting.agent.reconnect(None, connecting.now)
    connecting.pump()
    return {
        "connecting": connecting,
        "registering": Rig(register=False),
        "registered": Rig(),
        "updating": updating,
        "waiting": waiting,
        "deregistering": stopping,
    }


STATE_NAMES = ["connecting", "registering", "registered", "updating", "waiting", "deregistering"]


@pytest.mark.parametrize("state", STATE_NAMES)
@pytest.mark.parametrize("answer", ["2.02", "4.04", "none", "reset", "link"])
def test_stop_in_every_state(state, answer):
    rig = states()[state]
    if state != "deregistering":
        rig.take()
    events = len(rig.events)
    for _ in range(2):  # the second one changes nothing
        rig.agent.stop(rig.now)
        rig.pump()
    if state in ("registered", "updating", "deregistering"):
        assert rig.ended == 0
        delete = rig.only()
        assert (delete.mtype, delete.code, delete.opt.uri_path) == (CON, 4, ("rd", "7"))
        assert (delete.opt.uri_query, delete.payload) == ((), b"")
        if answer == "none":
            rig.advance(93 * S)
        elif answer == "reset":
            rig.reset(delete)
        elif answer == "link":
            rig.agent.receive_failed(0, rig.now, "port closed", True)
            rig.pump()
        else:
            rig.answer(delete, answer)
    assert rig.ended == 1
    assert rig.links[-1] == "close"
    assert rig.events[events:] == [], "a host that stops is told nothing of it"
    assert not rig.agent.registered
    assert rig.agent.deadline() is None
    rig.take()
    rig.agent.reconnect(None, rig.now)
    rig.agent.server_changed(True)
    rig.agent.changed((3, 0, 0), rig.now)
    rig.pump()
    rig.advance(DAY)
    assert not rig.sent


@pytest.mark.parametrize("state", STATE_NAMES)
def test_reconnect_in_every_state(state):
    rig = states()[state]
    if state in ("registered", "updating"):
        rig.observe("3/0/0", b"obs")
    rig.take()
    events = len(rig.events)
    rig.opening = "ok"
    rig.agent.reconnect(None, rig.now)
    rig.pump()
    if state == "deregistering":
        assert rig.links == ["open"]
        return
    assert rig.links[-1] == "open"
    register = rig.only()
    assert register.opt.uri_path == ("rd",)
    told = [(ATINY_DATA_UNSUBSCRIBE, "/3/0/0"), (ATINY_REG_FAIL, "reconnect")]
    assert rig.events[events:] == (told if state in ("registered", "updating") else [])
    rig.answer(register, "2.01", ("rd", "8"))
    assert rig.agent.registered
    rig.change((3, 0, 0))
    assert not rig.sent, "no observation outlives a registration"


def test_stop_and_reconnect_in_any_order_never_break():
    for steps in itertools.product(("stop", "reconnect", "timer", "fail", "answer"), repeat=4):
        for state, rig in states().items():
            for step in steps:
                if step == "stop":
                    rig.agent.stop(rig.now)
                elif step == "reconnect":
                    rig.agent.reconnect(None, rig.now)
                elif step == "timer":
                    rig.advance(200 * S)
                elif step == "fail":
                    rig.agent.link_failed(0, rig.now, "down")
                elif rig.sent and rig.sent[-1].code in (2, 4):
                    rig.answer(rig.sent[-1], "2.01" if rig.sent[-1].opt.uri_path == ("rd",) else "2.04", ("rd", "9"))
                rig.pump()
            assert rig.ended <= ("stop" in steps or state == "deregistering")
            if rig.ended:
                assert rig.agent.deadline() is None
            else:
                rig.agent.link_opened(0, rig.now)  # some took their time
                rig.pump()
                rig.advance(400 * S)
                assert rig.agent.registered or rig.ended or rig.sent, "it goes on, or comes to its end"
