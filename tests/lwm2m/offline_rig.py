"""A device that loses its network and finds it again, and what its server sees of it."""

from aiocoap import CON, NON

from tests.lwm2m.rig import dotted
from tests.lwm2m.thermometer import PATH, TOKEN


def go_offline(rig):
    rig.agent.go_offline(None, rig.now)
    rig.pump()


def go_online(rig):
    rig.agent.go_online(None, rig.now)
    rig.pump()
    rig.advance(0)


def come_back(rig):
    """The network is back, and the Update answered."""
    go_online(rig)
    update = rig.only()
    assert update.opt.uri_path == ("rd", "7"), "the Update goes first"
    rig.answer(update, "2.04")


def drop_notifications(rig):
    assert dotted(rig.ask("PUT", "1/0/6", payload=b"0")) == "2.04"


def values(rig, token=TOKEN, fresh=0):
    """The values of the notifications, each acknowledged before the next; the last ``fresh`` were not stored."""
    found = []
    types = []
    while rig.sent:
        notification = rig.only()
        assert (dotted(notification), notification.token) == ("2.05", token)
        found.append((notification.opt.observe, float(notification.payload)))
        types.append(notification.mtype)
        if notification.mtype is CON:
            rig.ack(notification)
    assert types == [CON] * (len(types) - fresh) + [NON] * fresh
    sequence = [number for number, _ in found]
    assert sequence == sorted(set(sequence))
    return [value for _, value in found]


def statuses(rig):
    assert {(path, server) for path, server, _ in rig.notified} <= {("/" + PATH, 123)}
    return [status for _, _, status in rig.notified]
