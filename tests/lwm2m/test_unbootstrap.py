"""What goes with a server whose Security instance a bootstrap deleted (LwM2M 1.0, E.1.3)."""

import pytest

from atiny.coap import codes
from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.servers import take_accounts
from atiny.lwm2m.types import INTEGER
from tests.lwm2m.provisioning import TEXT, Rig, contents, nosec, row, server
from tests.lwm2m.widget import WIDGET, Widget

READ, WRITE, EXECUTE, DELETE, CREATE, ALL = 1, 2, 4, 8, 16, 31
MINE = (WIDGET, 0)
BOOTSTRAP_ONLY = 65535


class Fixed(Object):
    """The device's own: no server could have created it."""

    object_id = 31030
    resources = (Resource(0, "value", INTEGER, "RW"),)


FIXED = (31030, 0)


def several(*controls) -> Rig:
    """Servers 123 (/0/0, /1/0), 7 (/0/7, /1/7) and 8 (/0/8, /1/8); each Server instance is its own server's."""
    servers = [
        item
        for id in (7, 8)
        for item in (at(Security("coap://s%d" % id, id), id), at(Server(id), id))
    ]  # fmt: skip
    owned = [AccessControl(1, instance, {}, id) for instance, id in ((0, 123), (7, 7), (8, 8))]
    return Rig(*servers, Fixed(), *owned, *controls)


def at(item, id):
    item.instance_id = id
    return item


def finish(rig) -> "dict[tuple, tuple]":
    """Finish; then {target: (owner, ACL)} of the device's Access Control."""
    code, response = rig.ask("POST", "bs")
    assert (codes.dotted(response.code), rig.finished) == ("2.04", 0), response.payload
    response.after()
    assert rig.finished == 1
    take_accounts(rig.model, rig.staged)
    found = {}
    entry = rig.model.objects.get(2)
    for control in entry.instances.values() if entry else ():
        found[control.target_object_id, control.target_instance_id] = (control.owner, control.acl)
    return found


def ids(rig, object_id) -> list:
    return rig.model.objects[object_id].ids


def test_its_server_instance_goes():
    rig = several()
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.staged.objects[1].ids == [0, 7, 8], "not before Finish"
    assert finish(rig) == {(1, 0): (123, {}), (1, 8): (8, {})}
    assert (ids(rig, 0), ids(rig, 1)) == ([0, 1, 8], [0, 8])
    assert ids(rig, WIDGET) == [0], "nobody had said whose that is"


def test_a_security_instance_that_is_written_over_is_gone_too():
    rig = several()
    assert rig.put("0/7", nosec("coap://nine", 9)) == "2.04"
    assert rig.put("1/9", server(9)) == "2.04"
    assert finish(rig) == {(1, 0): (123, {}), (1, 8): (8, {})}
    assert ids(rig, 1) == [0, 8, 9]


def test_a_security_instance_that_comes_back_has_not_gone():
    rig = several(AccessControl(*MINE, {7: ALL}, 7))
    before = contents(rig.staged)
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.put("0/9", nosec("coap://elsewhere", 7)) == "2.04"
    assert finish(rig)[MINE] == (7, {7: ALL})
    assert ids(rig, 1) == [0, 7, 8]
    assert {path: what for path, what in contents(rig.model).items() if path[0] in (1, 2)} == {
        path: what for path, what in before.items() if path[0] in (1, 2)
    }


@pytest.mark.parametrize(("path", "payload"), [("1/7", server(7)), ("1/7/1", b"60")])
def test_a_server_instance_of_this_bootstrap_does_not_go_unheard(path, payload):
    rig = several()
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.put(path, payload, TEXT if path.count("/") == 2 else 11542) == "2.04"
    code, response = rig.ask("POST", "bs")
    assert (code, response.payload) == ("4.06", b"/1/7 has the short server id 7, which no Security instance has")
    assert rig.code("DELETE", "1/7") == "2.02"
    assert (1, 7) not in finish(rig), "who deletes it himself takes its access control with it"


def test_what_an_earlier_bootstrap_wrote_is_not_of_this_one():
    rig = several()
    assert rig.put("1/7/1", b"60", TEXT) == "2.04"
    rig.provision.begin()
    assert rig.code("DELETE", "0/7") == "2.02"
    assert (1, 7) not in finish(rig)


# the ACL and the owner as they are -> as they are without server 7; None: the instance goes
RIGHTS = [
    ({123: READ, 7: ALL, 0: READ}, 123, (123, {123: READ, 0: READ})),
    ({7: ALL}, 123, (123, {})),
    ({7: ALL}, BOOTSTRAP_ONLY, (BOOTSTRAP_ONLY, {})),  # only a bootstrap gives that away
    ({}, 8, (8, {})),
    # it was the owner: that is now who has most of Write and Delete
    ({8: READ}, 7, (8, {8: READ})),
    ({123: READ, 8: WRITE}, 7, (8, {123: READ, 8: WRITE})),
    ({123: DELETE, 8: WRITE}, 7, (123, {123: DELETE, 8: WRITE})),
    ({123: DELETE, 8: WRITE | DELETE}, 7, (8, {123: DELETE, 8: WRITE | DELETE})),
    ({123: 0, 8: EXECUTE, 7: ALL}, 7, (8, {123: 0, 8: EXECUTE})),
    ({0: READ}, 7, (123, {0: READ})),
    ({0: READ, 8: WRITE}, 7, (8, {0: READ, 8: WRITE})),
    ({0: WRITE | DELETE, 123: READ}, 7, (8, {0: WRITE | DELETE, 123: READ})),
    ({9: ALL, 8: READ}, 7, (8, {9: ALL, 8: READ})),  # there is no server 9
    # nobody else can reach it
    ({}, 7, None),
    ({7: ALL}, 7, None),
    ({7: ALL, 123: 0, 0: 0}, 7, None),
    ({9: ALL}, 7, None),
    ({8: 32}, 7, None),  # a bit without a meaning
]


@pytest.mark.parametrize("target", [MINE, FIXED])
@pytest.mark.parametrize(("acl", "owner", "expected"), RIGHTS)
def test_its_rights_go(target, acl, owner, expected):
    rig = several(AccessControl(target[0], target[1], dict(acl), owner))
    assert rig.code("DELETE", "0/7") == "2.02"
    assert finish(rig).get(target) == expected
    assert ids(rig, 31030) == [0], "what is the device's own stays in any case"
    gone = expected is None and target == MINE
    assert ids(rig, WIDGET) == ([] if gone else [0]), "what a server created goes"
    assert rig.widget.log == ([("deleted",)] if gone else [])
    assert rig.changed == ([MINE] if gone else [])


def test_what_nobody_can_reach_goes_once_finish_is_answered():
    rig = several(AccessControl(*MINE, {}, 7), AccessControl(WIDGET, 5, {}, 7))
    assert rig.code("DELETE", "0/7") == "2.02"
    rig.widget.broken = True
    _, response = rig.ask("POST", "bs")
    assert ids(rig, WIDGET) == [0]
    response.after()
    assert (ids(rig, WIDGET), rig.finished) == ([], 1), "whatever its handler raises"
    assert [path for path, _ in rig.failed] == ["/31024/0"]


def test_rights_to_create():
    rig = several(AccessControl(WIDGET, 65535, {7: CREATE}, BOOTSTRAP_ONLY), AccessControl(31030, 65535, {}, 7))
    assert rig.code("DELETE", "0/7") == "2.02"
    found = finish(rig)
    assert found[WIDGET, 65535] == (BOOTSTRAP_ONLY, {})
    assert (31030, 65535) not in found
    assert ids(rig, WIDGET) == [0]


def test_a_server_instance_is_nobody_else_s():
    rig = several(AccessControl(*MINE, {}, 7))
    control = rig.staged.objects[2].instances[1]
    assert (control.target_object_id, control.target_instance_id) == (1, 7)
    control.acl = {8: WRITE}
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.put("0/9", nosec("coap://nine", 9)) == "2.04"
    assert rig.put("1/7", server(9)) == "2.04"
    found = finish(rig)
    assert (1, 7) not in found, "the device makes it anew, for server 9"
    assert ids(rig, 1) == [0, 7, 8]


def test_access_control_that_a_bootstrap_writes_is_treated_alike():
    rig = several()
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.put("2/9", row(0, WIDGET) + row(1, 0) + b"\x86\x02\x41\x07\x1f\x41\x08\x01" + row(3, 7)) == "2.04"
    assert finish(rig)[MINE] == (8, {8: READ})


def test_from_several_servers_to_one():
    rig = several(AccessControl(*MINE, {7: ALL}, 7), AccessControl(*FIXED, {0: READ}, 123))
    for path in ("0/7", "0/8"):
        assert rig.code("DELETE", path) == "2.02"
    assert finish(rig) == {(1, 0): (123, {}), FIXED: (123, {0: READ})}
    assert (ids(rig, 1), ids(rig, WIDGET)) == ([0], [])


def test_all_servers_anew():
    rig = several(AccessControl(*MINE, {0: READ}, 123))
    assert rig.code("DELETE", "0") == "2.02"
    assert rig.put("0/0", nosec("coap://nine", 9)) == "2.04"
    assert rig.put("1/3", server(9)) == "2.04"
    assert finish(rig) == {MINE: (9, {0: READ})}
    assert ids(rig, 1) == [3]


def test_a_finish_that_is_refused_leaves_everything_for_the_next():
    rig = several(AccessControl(*MINE, {7: ALL, 8: READ}, 7), AccessControl(*FIXED, {7: ALL}, 7))
    assert rig.code("DELETE", "0/7") == "2.02"
    assert rig.put("0/5", nosec("coap://bs2", 0, True)) == "2.04"
    assert rig.put("0/9", nosec("coap://nine", 9)) == "2.04"
    before = contents(rig.staged), contents(rig.model)
    for _ in range(2):
        code, response = rig.ask("POST", "bs")
        assert (code, response.after) == ("4.06", None)
        assert (contents(rig.staged), contents(rig.model)) == before
        assert rig.put("0/9/10", b"9", TEXT) == "2.04", "it goes on"
    assert len(rig.refused) == 2
    # It changes its mind: server 7 has only moved.
    assert rig.put("0/9/10", b"7", TEXT) == "2.04"
    found = finish(rig)
    assert (found[MINE], found[FIXED]) == ((7, {7: ALL, 8: READ}), (7, {7: ALL}))
    assert (ids(rig, 0), ids(rig, 1), ids(rig, WIDGET)) == ([0, 5, 8, 9], [0, 7, 8], [0])


def test_new_instances_are_not_mixed_up_with_what_went():
    """Of a target that does not exist any more, nothing is deleted."""
    rig = several(AccessControl(WIDGET, 3, {}, 7), AccessControl(9, 0, {}, 7))
    assert rig.code("DELETE", "0/7") == "2.02"
    assert (WIDGET, 3) not in finish(rig)
    assert (ids(rig, WIDGET), rig.changed) == ([0], [])
    assert isinstance(rig.model.objects[WIDGET].instances[0], Widget)
