"""No answer to a server, and nothing that the host is told, has a word of what was to be written: it may be a key."""

import base64
import json

import pytest
from hypothesis import given, strategies as st

from tests.lwm2m.provisioning import METHODS, OPAQUE, TEXT, TLV, Rig as Provisioned, nosec, row, server
from tests.lwm2m.rig import Rig

JSON = 11543
SECRET = b"s3cr3t-K3Y-material"
FORMS = [SECRET, base64.b64encode(SECRET), SECRET.hex().encode(), SECRET[:7], SECRET[-7:]]
# Of a device that has them, and the paths of a secret there: keys, and what a Widget does not tell.
KEYS = ["0/1/3", "0/1/5", "0/1/7", "0/1/8", "0/9/5", "0/1", "0/9", "0", "0/1/5/0", "0/1/99", "0/1/10"]
OTHERS = ["31024/0/9", "31024/0/4", "31024/0/1", "31024/0/7", "31024/0/7/1", "31024/0", "31024", "31024/0/99", "3/0/13"]


def entry(**members) -> bytes:
    return json.dumps({"bn": "/0/1/", "e": [members]}).encode()


def payloads() -> "list[bytes]":
    """The secret where it fits, and where it does not: as a value, a name, in the wrong type, cut off, too long."""
    text = SECRET.decode()
    found = [SECRET, base64.b64encode(SECRET), base64.b64encode(SECRET)[:-1], SECRET + b"\xff", SECRET * 300]
    for id in (1, 5, 10):
        found += [row(id, SECRET), row(id, SECRET)[:-1], row(id, SECRET) * 2, row(id, SECRET * 300)]
        found += [b"\x08\x01\x17" + row(id, SECRET), b"\x88" + bytes((id,)) + b"\x15\x48\x01\x13" + SECRET]
        found += [entry(n=str(id), sv=text), entry(n="%d/0" % id, sv=text), entry(n=str(id), ov=text)]
    found += [entry(n=text, sv="AAAA"), entry(n="5", v=text), entry(n="5", sv=text, t=text), entry(n="5", **{text: 1})]
    found += [entry(n="5", sv=text)[:-5], b'"' + SECRET, b"[" + SECRET, json.dumps({"bn": text, "e": []}).encode()]
    return found


def clean(*texts) -> None:
    for text in texts:
        said = text if type(text) is bytes else str(text).encode()
        assert not [form for form in FORMS if form.lower() in said.lower()], said


@pytest.mark.parametrize("content_format", [None, TEXT, OPAQUE, TLV, JSON, 110])
@pytest.mark.parametrize("path", KEYS + OTHERS)
def test_a_bootstrap_server_is_not_told_what_it_wrote(path, content_format):
    codes = set()
    for payload in payloads():
        rig = Provisioned()
        code, response = rig.ask("PUT", path, payload, content_format)
        codes.add(code)
        clean(response.payload, *rig.refused, *[error for _, error in rig.failed])
        code, response = rig.ask("POST", "bs")
        clean(response.payload, *rig.refused)
    assert codes - {"2.04"}, "some of it was refused"


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("content_format", [None, TEXT, OPAQUE, TLV, JSON, 110])
def test_nor_is_a_server(method, content_format):
    rig = Provisioned()
    widget = rig.widget
    device = Rig(widget)
    refused = 0
    for path in [*OTHERS, "1/0", "1/0/7", "0/0/5", "2", "31024/0/10"]:
        for payload in payloads():
            if len(payload) > 1000:
                continue  # in one datagram
            response = device.ask(method, path, payload=payload, content_format=content_format)
            refused += not response.code.is_successful()
            clean(response.payload)
        query = [SECRET.decode(), "pmin=" + SECRET.decode(), SECRET.decode() + "=1"]
        clean(*[device.ask("PUT", path, query=[one]).payload for one in query])
    assert refused > 100
    clean(*[arg for _, arg in device.events if type(arg) is str])


# What an account with the secret can lack: /0/9 -> the refusal says what, not which value.
ACCOUNTS = [
    row(10, 9) + row(5, SECRET),
    row(10, 9) + row(0, "coaps://" + SECRET.decode()) + row(2, 0) + row(5, SECRET * 4) + row(3, b"me"),
    row(10, 9) + row(0, SECRET.decode()) + row(2, 3),
    row(10, 9) + row(0, "coap://" + SECRET.decode() + ":port") + row(2, 3),
    row(10, 9) + row(0, "coaps://h") + row(2, 0) + row(3, SECRET * 20) + row(5, SECRET),
    row(10, 9) + row(0, "coaps://h") + row(2, 0) + row(5, SECRET),
    row(10, 9) + row(0, "coap://h") + row(2, 0) + row(3, b"me") + row(5, SECRET),
    row(10, 9) + row(0, "coaps://h") + row(2, 3) + row(3, b"me") + row(5, SECRET),
    row(10, 9) + row(0, "coaps://h") + row(2, 1) + row(4, SECRET) + row(5, SECRET),
    nosec("coap://h", 123) + row(7, SECRET[:6]) + row(8, SECRET),
    nosec("coap://h", 0) + row(8, SECRET),
]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_reason_of_a_refused_finish_names_no_value(account):
    rig = Provisioned()
    assert rig.put("0/9", account) == "2.04"
    assert rig.put("1/9", server(9)) == "2.04"
    code, response = rig.ask("POST", "bs")
    assert code == "4.06"
    assert response.payload
    assert rig.refused == ["Bootstrap-Finish: " + response.payload.decode()]
    clean(response.payload)


@given(st.sampled_from(sorted(METHODS)), st.sampled_from(KEYS + OTHERS + ["1/0", "2/0/2", "bs"]), st.data())
def test_whatever_surrounds_it(method, path, data):
    before, after = data.draw(st.binary(max_size=8)), data.draw(st.binary(max_size=8))
    content_format = data.draw(st.sampled_from([None, TEXT, OPAQUE, TLV, JSON]))
    rig = Provisioned()
    _, response = rig.ask(method, path, before + SECRET + after, content_format)
    clean(response.payload, *rig.refused, *[error for _, error in rig.failed])
