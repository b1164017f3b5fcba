"""The servers that a host names: what is checked, and what the model has of them."""

import pytest

from atiny import BOOTSTRAP_CLIENT_INITIATED, BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE, ParameterError, ServerAccount
from atiny.factory import configure
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import DELETE, EXECUTE, READ
from atiny.lwm2m.persistence import fingerprint

PSK = ("lamp", b"0123456789abcdef")
BOOTSTRAP = "coap://bootstrap"


def configured(
    server, bootstrap=None, bootstrap_psk=None, lifetime=300, binding="U", hold_off_s=0, psk=None, mode=None
):
    """(model, bootstrap mode)"""
    model = Model()
    return model, configure(model, server, psk, lifetime, binding, bootstrap, bootstrap_psk, mode, hold_off_s)


# -- one account


@pytest.mark.parametrize(
    ("uri", "options", "says"),
    [
        ("http://host", {}, "coap://host:port"),
        ("coap://host", {"psk": PSK}, "go together"),
        ("coaps://host", {}, "go together"),
        ("coaps://host", {"psk": "key"}, "pair"),
        ("coaps://host", {"psk": ("lamp", b"")}, "1 to 32 bytes"),
        ("coap://host", {"short_server_id": 0}, "1 to 65534"),
        ("coap://host", {"short_server_id": 65535}, "1 to 65534"),
        ("coap://host", {"short_server_id": True}, "1 to 65534"),
        ("coap://host", {"lifetime": 0}, "positive"),
        ("coap://host", {"binding": "S"}, "one of U, UQ"),
        ("coap://host", {"rights": "RX"}, "RWEDC"),
    ],
)
def test_what_cannot_be_meant_says_what_would_be_right(uri, options, says):
    with pytest.raises(ParameterError, match=says):
        ServerAccount(uri, **options)


def test_rights_are_bits():
    assert ServerAccount("coap://host").rights is None, "the client decides"
    assert ServerAccount("coap://host", rights="").rights == 0
    assert ServerAccount("coap://host", rights="RED").rights == READ | EXECUTE | DELETE


# -- several


@pytest.mark.parametrize(
    ("server", "psk", "count"),
    [
        ("coap://host", None, 1),
        ("coaps://host", PSK, 1),
        (ServerAccount("coap://host"), None, 1),
        ([ServerAccount("coap://a"), ServerAccount("coap://b", short_server_id=2)], None, 2),
    ],
)
def test_the_shapes_in_which_servers_are_given(server, psk, count):
    for bootstrap, servers in ((None, count), (BOOTSTRAP, count)):
        model, _ = configured(server, bootstrap, psk=psk)
        assert len(model.objects[1].ids) == servers


def test_there_need_not_be_one():
    model, mode = configured(None, BOOTSTRAP)
    assert (model.objects[0].ids, model.objects[1].ids, mode) == ([1], [], BOOTSTRAP_CLIENT_INITIATED)


@pytest.mark.parametrize(
    ("server", "psk", "says"),
    [
        (None, PSK, "bootstrap_psk"),
        ([], None, "empty"),
        (["coap://host"], None, r"ServerAccount\(\.\.\.\)"),
        (7, None, "coap://host:port"),
        (ServerAccount("coaps://host", psk=PSK), PSK, "its own psk"),
    ],
)
def test_other_shapes_are_refused(server, psk, says):
    with pytest.raises(ParameterError, match=says):
        configured(server, BOOTSTRAP, psk=psk)


@pytest.mark.parametrize("binding", ["S", "", None, 1])
def test_a_binding_that_the_device_does_not_have_is_refused(binding):
    with pytest.raises(ParameterError, match="one of U, UQ"):
        configured("coap://host", binding=binding)


def test_two_servers_with_one_id_are_refused():
    with pytest.raises(ParameterError, match="123 is given twice"):
        configured([ServerAccount("coap://a"), ServerAccount("coap://b")])


def test_the_model_has_the_servers_in_order_then_the_bootstrap_server():
    servers = [
        ServerAccount("coap://a", lifetime=60, binding="UQ", notification_storing=False),
        ServerAccount("coaps://b", short_server_id=2, psk=PSK, rights="R"),
    ]
    model, _ = configured(servers, "coaps://bootstrap", PSK, hold_off_s=7)
    securities = model.objects[0].instances
    assert [securities[id].server_uri for id in (0, 1, 2)] == ["coap://a", "coaps://b", "coaps://bootstrap"]
    assert [securities[id].is_bootstrap for id in (0, 1, 2)] == [False, False, True]
    assert [securities[id].security_mode for id in (0, 1, 2)] == [3, 0, 0]
    assert (securities[1].identity, securities[1].secret_key) == (b"lamp", PSK[1])
    assert securities[2].hold_off_s == 7
    found = [model.objects[1].instances[id] for id in (0, 1)]
    assert [server.short_server_id for server in found] == [123, 2]
    assert [server.lifetime_s for server in found] == [60, 300]
    assert [server.binding for server in found] == ["UQ", "U"]
    assert [server.notification_storing for server in found] == [False, True]
    assert [server.rights for server in found] == [None, READ]


def test_the_fingerprint_tells_configurations_apart():
    def of(*args, **options):
        return fingerprint(configured(*args, **options)[0])

    one = ServerAccount("coap://a")
    same = of([one])
    assert len(same) == 8
    assert of([ServerAccount("coap://a")]) == of("coap://a") == same
    others = [
        of([ServerAccount("coap://b")]),
        of([one], lifetime=301),
        of([one], binding="UQ"),
        of([one], BOOTSTRAP),
        of([one], "coaps://bootstrap", PSK),
        of([one], "coaps://bootstrap", ("lamp", b"another key")),
    ]
    fingerprints = [same] + others
    assert len(set(fingerprints)) == len(fingerprints)


# -- the mode


@pytest.mark.parametrize(
    ("mode", "server", "bootstrap", "chosen"),
    [
        (None, "coap://host", None, None),
        (None, "coap://host", BOOTSTRAP, BOOTSTRAP_FACTORY),
        (None, None, BOOTSTRAP, BOOTSTRAP_CLIENT_INITIATED),
        (BOOTSTRAP_CLIENT_INITIATED, "coap://host", BOOTSTRAP, BOOTSTRAP_CLIENT_INITIATED),
        (BOOTSTRAP_SEQUENCE, None, None, BOOTSTRAP_SEQUENCE),
    ],
)
def test_the_mode(mode, server, bootstrap, chosen):
    assert configured(server, bootstrap, mode=mode)[1] == chosen


@pytest.mark.parametrize(
    ("mode", "server", "bootstrap", "says"),
    [
        (None, None, None, "no server"),
        (BOOTSTRAP_FACTORY, None, BOOTSTRAP, "no server"),
        (BOOTSTRAP_CLIENT_INITIATED, "coap://host", None, "no bootstrap server"),
        (7, "coap://host", None, r"BOOTSTRAP_\*"),
    ],
)
def test_a_mode_without_its_server(mode, server, bootstrap, says):
    with pytest.raises(ParameterError, match=says):
        configured(server, bootstrap, mode=mode)


@pytest.mark.parametrize(
    ("server", "options", "mode"),
    [
        ("coap://host", {}, None),
        ("coap://host", {"mode": BOOTSTRAP_FACTORY}, None),
        ("coap://host", {"bootstrap": BOOTSTRAP}, BOOTSTRAP_FACTORY),
        ("coap://host", {"mode": BOOTSTRAP_SEQUENCE}, BOOTSTRAP_SEQUENCE),
    ],
)
def test_without_a_bootstrap_server_there_is_no_mode(server, options, mode):
    assert configured(server, **options)[1] == mode


def test_what_asks_first_has_no_servers_but_they_are_checked():
    model, mode = configured("coap://host", BOOTSTRAP, mode=BOOTSTRAP_CLIENT_INITIATED)
    assert (mode, model.objects[0].ids, model.objects[1].ids) == (BOOTSTRAP_CLIENT_INITIATED, [1], [])
    with pytest.raises(ParameterError, match="go together"):
        configured("coaps://host", BOOTSTRAP, mode=BOOTSTRAP_CLIENT_INITIATED)


def test_a_key_for_no_bootstrap_server_is_refused():
    with pytest.raises(ParameterError, match="give bootstrap="):
        configured("coap://host", bootstrap_psk=PSK)
