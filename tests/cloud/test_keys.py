"""The key store: who is in it, what an identity may register, and that its keys are never shown."""

import json
import threading
from types import SimpleNamespace

import pytest

from atiny.cloud.keys import KeyStore, identity_of, shown
from atiny.errors import ParameterError

KEY = b"Geheim!!Geheim!!"


def test_identities_are_str_or_bytes():
    keys = KeyStore({"lamp": b"1", b"l\xc3\xa4mp": b"2"})
    assert keys["lamp"] == keys[b"lamp"] == b"1"
    assert keys["lämp"] == b"2"
    assert "lamp" in keys
    assert b"lamp" in keys
    assert 7 not in keys
    assert sorted(keys) == [b"lamp", b"l\xc3\xa4mp"]
    keys["lamp"] = b"3"
    assert (keys[b"lamp"], len(keys)) == (b"3", 2)
    del keys["lamp"]
    assert "lamp" not in keys
    with pytest.raises(KeyError):
        keys["lamp"]
    with pytest.raises(KeyError):
        del keys["lamp"]


@pytest.mark.parametrize(
    ("identity", "key", "limit"),
    [
        ("", KEY, "1 to 128 bytes"),
        ("x" * 129, KEY, "1 to 128 bytes"),
        ("é" * 65, KEY, "1 to 128 bytes"),
        (7, KEY, "str or bytes"),
        (b"\xff", KEY, "UTF-8"),
        ("lamp", b"", "1 to 32 bytes long, this one has 0"),
        ("lamp", bytes(33), "1 to 32 bytes long, this one has 33"),
        ("lamp", "Geheim!!", "bytes"),
        ("lamp", None, "bytes"),
    ],
)
def test_what_cannot_be_is_refused_and_names_the_limit(identity, key, limit):
    keys = KeyStore()
    with pytest.raises(ParameterError, match=limit) as caught:
        keys.add(identity, key)
    assert "Geheim" not in str(caught.value)
    assert len(keys) == 0
    with pytest.raises(ParameterError, match=limit):
        KeyStore({identity: key})


@pytest.mark.parametrize(
    ("endpoint", "identity", "allowed"),
    [
        ("lamp", b"lamp", True),
        ("lamp-2", b"lamp", False),
        ("LAMP", b"lamp", False),
        ("lamp", b"other", False),
        ("lamp", b"unknown", False),
        ("unknown", b"unknown", False),
        ("a", b"gateway", True),
        ("b", b"gateway", True),
        ("gateway", b"gateway", False),
        ("nothing", b"nothing", False),
        ("lamp", None, False),
        ("a", None, False),
        ("gateway", None, True),
        ("anybody", None, True),
    ],
)
def test_who_may_register_what(endpoint, identity, allowed):
    keys = KeyStore({"lamp": KEY, "other": KEY})
    keys.add("gateway", KEY, endpoints=["a", "b"])
    keys.add("nothing", KEY, endpoints=[])
    assert keys.may_register(endpoint, identity) is allowed


def test_a_new_key_keeps_the_endpoints():
    keys = KeyStore()
    keys.add("gateway", b"1", endpoints=("a", "b"))
    keys.add("nothing", b"1", endpoints=())
    keys["gateway"] = b"2"
    keys["nothing"] = b"2"
    assert keys.endpoints("gateway") == ("a", "b")
    assert keys.endpoints("nothing") == ()
    keys.add("gateway", b"3")
    assert keys.endpoints(b"gateway") == ("gateway",)
    with pytest.raises(ParameterError, match="a list of names"):
        keys.add("gateway", b"4", endpoints="ab")
    assert keys["gateway"] == b"3"


def test_removals_are_told():
    keys = KeyStore({"a": KEY, "b": KEY, "c": KEY})
    told: "list[bytes]" = []
    end = keys.on_removed(told.append)
    keys["a"] = b"new"
    del keys["a"]
    keys.pop(b"b")
    assert told == [b"a", b"b"]
    end()
    keys.clear()
    assert told == [b"a", b"b"]
    assert len(keys) == 0


def test_keys_are_never_shown(capsys):
    keys = KeyStore({"lamp": KEY, b"\x00\x01": KEY})
    keys.add("gateway", KEY, endpoints=("a",))
    print(keys, [keys], {"psk": keys}, SimpleNamespace(psk=keys))
    with pytest.raises(TypeError) as not_json:
        json.dumps(keys)
    with pytest.raises(KeyError) as unknown:
        keys["nobody"]
    out = capsys.readouterr().out + str(not_json.value) + str(unknown.value) + repr(keys) + f"{keys}"
    assert "KeyStore of 3: 0x0001, gateway, lamp" in out
    for secret in (KEY.decode(), repr(KEY), KEY.hex()):
        assert secret not in out


def test_threads_may_change_it_while_others_look():
    keys = KeyStore({f"lamp-{number}": KEY for number in range(100)})
    done = threading.Event()

    def change():
        while not done.is_set():
            keys["x"] = KEY
            del keys["x"]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(500):
            assert keys.reserved("lamp-99")
            assert len(sorted(keys)) in (100, 101)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (b"lamp", "lamp"),
        ("lämp".encode(), "lämp"),
        (b"\xff", "0xff"),
        (b"\x1b[31mred", "0x1b5b33316d726564"),
        (b"a\nb", "0x610a62"),
        (b"", "0x"),
    ],
)
def test_an_identity_as_text(identity, text):
    assert shown(identity) == text


def test_the_identity_of_a_remote():
    assert identity_of(SimpleNamespace(authenticated_claims=())) is None
    assert identity_of(SimpleNamespace(authenticated_claims=[None])) is None
    assert identity_of(SimpleNamespace(authenticated_claims=(b"lamp",))) == b"lamp"
