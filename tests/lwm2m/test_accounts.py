"""Accounts in the model: pairs, copies, and whether a device can register with them."""

import pytest

from atiny.dtls import session
from atiny.errors import ParameterError
from atiny.lwm2m import accounts
from atiny.lwm2m.accounts import bootstrap_security, check, copy_accounts
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.servers import pairs, take_accounts
from tests.lwm2m.provisioning import contents, control
from tests.lwm2m.widget import WIDGET, Widget


def model(*items) -> Model:
    made = Model()
    for item in items:
        made.add(item)
    return made


def at(id: int, item):
    item.instance_id = id
    return item


def good(*items) -> Model:
    return model(Security("coap://one", 1), Server(1), *items)


def changed(item, **values):
    for name, value in values.items():
        setattr(item, name, value)
    return item


def test_pairs_are_sorted_by_the_server_instance():
    first, second = Security("coap://a", 2), Security("coap://b", 1)
    one, other = Server(1), Server(2)
    found = pairs(model(first, second, Security("coap://bs", 1, is_bootstrap=True), at(7, other), at(3, one)))
    assert found == [(second, one), (first, other)]


def test_what_has_no_partner_is_no_pair():
    assert pairs(model(Security("coap://a", 1), Server(2))) == []
    assert pairs(model(Security("coap://a", 1, is_bootstrap=True), Server(1))) == []
    assert pairs(model(Security("coap://a", 1))) == []
    assert pairs(Model()) == []


def test_the_bootstrap_server():
    security = at(5, Security("coap://bs", is_bootstrap=True))
    assert bootstrap_security(good(security)) is security
    assert bootstrap_security(good()) is None
    assert bootstrap_security(Model()) is None


# -- copies


def test_a_copy_is_equal_and_stands_alone():
    source = good(changed(Server(2), rights=7, default_pmax_s=9, listener=object()), control((3, 0), {0: 1}), Widget())
    before = contents(source)
    copy = copy_accounts(source)
    assert contents(copy) == {path: what for path, what in before.items() if path[0] != WIDGET}
    assert copy.objects[1].instances[1].rights == 7
    assert copy.objects[1].instances[1].listener is None, "nobody hears of what is only staged"
    copy.objects[2].instances[0].acl[5] = 31
    copy.objects[1].instances[0].lifetime_s = 1
    copy.objects[0].instances[0].server_uri = "coap://x"
    copy.remove((1, 1))
    copy.add(Security("coap://new", 9))
    assert contents(source) == before


def test_a_copy_of_a_model_without_accounts_has_room_for_them():
    copy = copy_accounts(model(Widget()))
    assert sorted(copy.objects) == [0, 1, 2]
    assert [copy.objects[id].cls for id in (0, 1, 2)] == [Security, Server, AccessControl]
    assert [copy.objects[id].ids for id in (0, 1, 2)] == [[], [], []]


def test_taking_the_copy_back_changes_nothing_but_the_generation():
    source = good(control((3, 0)), Widget())
    before, generation = contents(source), source.generation
    take_accounts(source, copy_accounts(source))
    assert contents(source) == before
    assert source.generation > generation


def test_taking_accounts():
    source = good(control((3, 0)), Widget())
    widget = source.objects[WIDGET]
    staged = copy_accounts(source)
    staged.remove((2, 0))
    staged.remove((1, 0))
    staged.add(at(4, Server(1, 77)))
    take_accounts(source, staged)
    assert sorted(source.objects) == [0, 1, WIDGET], "Access Control is there only with instances"
    assert [server.lifetime_s for _, server in pairs(source)] == [77]
    assert source.objects[WIDGET] is widget


@pytest.mark.parametrize("ahead", ["model", "staged"])
def test_the_generation_never_comes_again(ahead):
    source = good()
    staged = copy_accounts(source)
    (source if ahead == "model" else staged).generation += 50
    generation = source.generation
    take_accounts(source, staged)
    assert source.generation > generation


# -- consistency

PSK = dict(identity=b"me", secret_key=b"k")

CONSISTENT = [
    good(),
    good(Security("coap://bs", is_bootstrap=True)),
    good(Security("coaps://bs", 0, b"me", b"k", is_bootstrap=True)),
    good(Security("coaps://[::1]:5684", 2, **PSK), Server(2, 1, "UQ")),
    good(Security("coaps://two", 65534, b"i" * 128, b"k" * 32), Server(65534)),
    good(control((3, 0), {0: 1, 1: 31}, 65535), control((3, 1)), control((9, 65535))),
    good(at(9, Security("coap://two", 2)), at(40, Server(2))),
    good(Widget()),
]


@pytest.mark.parametrize("consistent", CONSISTENT, ids=range(len(CONSISTENT)))
def test_consistent(consistent):
    check(consistent)


INCONSISTENT = [
    (Model(), "/1 no server"),
    (model(Security("coap://bs", is_bootstrap=True)), "/1 no server"),
    (model(Security("coap://a", 1)), "/0/0 has the short server id 1, which no Server"),
    (model(Server(1)), "/1/0 has the short server id 1, which no Security"),
    (model(Security("coap://a", 1, is_bootstrap=True), Server(1)), "/1/0 has the short server id 1, which no Sec"),
    (good(Server(2)), "/1/1 has the short server id 2, which no Security"),
    (good(Security("coap://b", 2)), "/0/1 has the short server id 2, which no Server"),
    (good(Security("coap://b", 1)), "/0/1 has the short server id 1, as /0/0"),
    (good(Server(1)), "/1/1 has the short server id 1, as /1/0"),
    (good(Security("coap://b")), "/0/1 has no short server id"),
    (good(Security("coap://b", 0), Server(0)), "/0/1 has no short server id"),
    (good(Security("coap://b", 65535), Server(65535)), "/0/1 has no short server id"),
    (good(Security("coap://x", is_bootstrap=True), Security("coap://y", is_bootstrap=True)), "/0/2 is a second"),
    # addresses
    (good(Security("", 2), Server(2)), "/0/1 has no URI"),
    (good(Security("http://a", 2), Server(2)), "/0/1 has no URI"),
    (good(Security("coap://", 2), Server(2)), "/0/1 has no URI"),
    (good(Security("coap://a:0", 2), Server(2)), "/0/1 has no URI"),
    (good(Security("coap://a:\u00b2", 2), Server(2)), "/0/1 has no URI"),
    (good(Security("coap+tcp://a", 2), Server(2)), "/0/1 has no URI"),
    (good(Security(None, 2), Server(2)), "/0/1 has no URI"),
    (good(Security("coap", is_bootstrap=True)), "/0/1 has no URI"),
    # modes
    (good(Security("coaps://a", 2), Server(2)), "/0/1 is without security"),
    (good(Security("coap://a", 2, **PSK), Server(2)), "/0/1 has a pre-shared key"),
    (good(Security("coaps://a", 2, b"", b"k"), Server(2)), "/0/1 has no identity"),
    (good(Security("coaps://a", 2, b"i" * 129, b"k"), Server(2)), "/0/1 has no identity"),
    (good(Security("coaps://a", 2, b"i", b"k" * 33), Server(2)), "/0/1 has no key"),
    (good(changed(Security("coaps://a", 2, b"i"), security_mode=0), Server(2)), "/0/1 has no key"),
    (good(changed(Security("coaps://a", 2, b"i"), security_mode=0, secret_key=None), Server(2)), "/0/1 has no key"),
    (good(changed(Security("coaps://a", 2), security_mode=1), Server(2)), "/0/1 has the security mode 1"),
    (good(changed(Security("coaps://a", 2), security_mode=2), Server(2)), "/0/1 has the security mode 2"),
    (good(changed(Security("coap://a", 2), security_mode=None), Server(2)), "/0/1 has the security mode None"),
    (good(changed(Security("coaps://a", is_bootstrap=True), security_mode=4)), "/0/1 has the security mode 4"),
    # Server
    (good(Security("coap://b", 2), Server(2, 0)), "/1/1 has a wrong lifetime_s: lifetime_s is 1 to 4294967295"),
    (good(Security("coap://b", 2), Server(2, 2**32)), "/1/1 has a wrong lifetime_s"),
    (good(Security("coap://b", 2), Server(2, None)), "/1/1 has no lifetime_s"),
    (good(Security("coap://b", 2), Server(2, 60, "S")), "/1/1 has a wrong binding"),
    (good(Security("coap://b", 2), Server(2, 60, None)), "/1/1 has no binding"),
    (model(Security("coap://a", 1), Server()), "/1/0 has a wrong short_server_id"),
    # Access Control
    (good(control((0, 0))), "/2/0 has a wrong target_object_id"),
    (good(control((3, 65536))), "/2/0 has a wrong target_instance_id"),
    (good(control((3, 0)), control((3, 0))), "/2/1 is about /3/0, as /2/0"),
    (good(control((3, 0), {65535: 1})), "/2/0 has a wrong acl"),
    (good(control((3, 0), {0: 65536})), "/2/0 has a wrong acl"),
    (good(control((3, 0), owner=0)), "/2/0 has a wrong owner"),
]


@pytest.mark.parametrize(("inconsistent", "why"), INCONSISTENT, ids=[why for _, why in INCONSISTENT])
def test_inconsistent(inconsistent, why):
    before = contents(inconsistent)
    with pytest.raises(ParameterError) as raised:
        check(inconsistent)
    assert str(raised.value).startswith(why)
    assert contents(inconsistent) == before


def test_the_reason_names_no_secret():
    for secret in (b"hunter2" * 5, b"hunter2"):
        with pytest.raises(ParameterError) as raised:
            check(good(Security("coap://a", 2, b"me", secret), Server(2)))
        assert "hunter2" not in str(raised.value)


def test_the_limits_of_a_key_are_those_of_the_sessions():
    assert (accounts.MAX_IDENTITY, accounts.MAX_KEY) == (session.MAX_IDENTITY, session.MAX_KEY)
