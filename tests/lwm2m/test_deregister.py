"""De-register, and beginning anew when the host asks for it, in every state."""

import itertools
import random

import pytest
from aiocoap import CON

from atiny.lwm2m.registration import LAST_WAIT_MS
from atiny.params import ATINY_DATA_UNSUBSCRIBE, ATINY_REG_FAIL, ATINY_REG_OK, ReportStatus
from tests.lwm2m.rig import Rig, dotted

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
    disabled = Rig()
    disabled.ask("POST", "1/0/4")
    disabled.answer(disabled.only(), "2.02")
    asleep = Rig(binding="UQ")
    asleep.advance(93 * S)
    offline = Rig()
    offline.agent.go_offline(None, offline.now)
    offline.pump()
    return {
        "connecting": connecting,
        "registering": Rig(register=False),
        "registered": Rig(),
        "updating": updating,
        "waiting": waiting,
        "deregistering": stopping,
        "disabled": disabled,
        "asleep": asleep,
        "offline": offline,
    }


STATE_NAMES = sorted(states())


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
    if state == "registering":
        assert rig.ended == 0
        rig.advance(LAST_WAIT_MS)
    elif state in ("registered", "updating", "deregistering", "asleep"):
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
    rig.server.listener.server_changed(True)
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
    if state in ("disabled", "offline"):
        assert not rig.sent, "the server, or the host, wants silence"
        assert rig.links[-1] != "open"
        return
    assert rig.links[-1] == "open"
    register = rig.only()
    assert register.opt.uri_path == ("rd",)
    told = [(ATINY_DATA_UNSUBSCRIBE, "/3/0/0"), (ATINY_REG_FAIL, "reconnect")]
    expected = {"registered": told, "updating": told, "asleep": told[1:]}.get(state, [])
    assert rig.events[events:] == expected
    rig.answer(register, "2.01", ("rd", "8"))
    assert rig.agent.registered
    rig.change((3, 0, 0))
    assert not rig.sent, "no observation outlives a registration"


def test_stop_and_reconnect_in_any_order_never_break():
    every = list(itertools.product(("stop", "reconnect", "timer", "fail", "answer", "offline", "online"), repeat=4))
    for steps in random.Random(1).sample(every, 150):
        for state, rig in states().items():
            for step in steps:
                if step == "stop":
                    rig.agent.stop(rig.now)
                elif step == "reconnect":
                    rig.agent.reconnect(None, rig.now)
                elif step == "offline":
                    rig.agent.go_offline(None, rig.now)
                elif step == "online":
                    rig.agent.go_online(None, rig.now)
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
            elif state != "disabled":
                rig.agent.go_online(None, rig.now)
                rig.pump()
                rig.agent.link_opened(0, rig.now)  # some took their time
                rig.pump()
                rig.advance(400 * S)
                assert rig.agent.registered or rig.ended or rig.sent, "it goes on, or comes to its end"


def test_a_register_that_is_answered_while_the_host_stops_is_undone():
    rig = Rig(register=False)
    register = rig.only()
    rig.stop()
    assert not rig.sent
    rig.answer(register, "2.01", ("rd", "9"))
    delete = rig.only()
    assert (delete.code, delete.opt.uri_path) == (4, ("rd", "9"))
    assert (rig.ended, rig.agent.registered) == (0, False)
    rig.answer(delete, "2.02")
    assert (rig.ended, rig.events) == (1, [])


# -- disabled by the server


def test_disable():
    rig = Rig()
    rig.observe("3/0/0", b"obs")
    assert dotted(rig.ask("PUT", "1/0/5", payload=b"600")) == "2.04"
    assert dotted(rig.ask("POST", "1/0/4")) == "2.04"
    delete = rig.only()
    assert (delete.code, delete.opt.uri_path) == (4, ("rd", "7"))
    rig.change((3, 0, 0))
    rig.answer(delete, "2.02")
    assert rig.links == ["open", "close"]
    told = [(ATINY_DATA_UNSUBSCRIBE, "/3/0/0"), (ATINY_REG_FAIL, "disabled by the server for 600 s")]
    assert rig.events[-2:] == told
    assert not rig.agent.registered
    assert rig.agent.sleep_until(rig.now) == rig.now + 600 * S
    rig.change((3, 0, 0))
    rig.server.listener.server_changed(True)
    rig.advance(600 * S - 1)
    assert not rig.sent, "no word for all that time"
    rig.advance(1)
    rig.register("rd", "8")
    assert rig.events[-1] == (ATINY_REG_OK, 123)
    rig.change((3, 0, 0))
    assert not rig.sent


@pytest.mark.parametrize("how", ["no answer", "refused"])
def test_disable_whatever_becomes_of_the_de_register(how):
    rig = Rig()
    rig.ask("PUT", "1/0/5", payload=b"600")
    rig.ask("POST", "1/0/4")
    if how == "refused":
        rig.fail_receiving(refused=True)
    else:
        rig.advance(93 * S)
    rig.take()
    began = rig.now
    rig.wait()
    assert rig.links == ["open", "close", "open"]
    assert rig.now - began > 500 * S


def test_reports_wait_while_disabled():
    rig = Rig()
    rig.observe("19/0/0", b"obs")
    rig.report("a")
    rig.ack(rig.only())
    rig.ask("POST", "1/0/4")
    rig.report("b")
    delete = rig.only()
    assert delete.code == 4
    rig.answer(delete, "2.02")
    rig.advance(DAY)
    rig.register("rd", "8")
    rig.observe("19/0/0", b"obs")
    message = rig.only()
    assert message.payload == b"b"
    rig.ack(message)
    assert rig.done == [("a", ReportStatus.SENT_SUCCESS), ("b", ReportStatus.SENT_SUCCESS)]
