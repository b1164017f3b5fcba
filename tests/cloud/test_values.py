"""Links and values as the cloud reads and writes them."""

import pytest
from hypothesis import given, strategies as st

from atiny.cloud.errors import CloudError
from atiny.cloud.links import Link, parse_bootstrap_links, parse_links, parse_object_list
from atiny.cloud.values import decode, encode
from atiny.errors import CodecError

LINKS = [
    (b"", []),
    (b"</3/0>", [Link("/3/0")]),
    (b"</3/0>,</4>", [Link("/3/0"), Link("/4")]),
    (b"</3/0> , </4>", [Link("/3/0"), Link("/4")]),
    (b"</3>;pmin=10;pmax=60", [Link("/3", {"pmin": "10", "pmax": "60"})]),
    (b'</>;rt="oma.lwm2m";ct=11542', [Link("/", {"rt": "oma.lwm2m", "ct": "11542"})]),
    (b'</1>;title="a,b;\\"c\\" <d>";obs', [Link("/1", {"title": 'a,b;"c" <d>', "obs": ""})]),
]


@pytest.mark.parametrize(("payload", "links"), LINKS)
def test_links(payload, links):
    assert parse_links(payload) == links


@given(st.binary(max_size=60) | st.text('<>/;,="\\ 013ar', max_size=30).map(str.encode))
def test_any_bytes_are_links_or_a_codec_error(payload):
    for parse in (parse_links, parse_object_list, parse_bootstrap_links):
        try:
            parse(payload)
        except CodecError:
            pass


BOOTSTRAP_LINKS = [
    (b'lwm2m="1.0",</0/0>;ssid=101,</3/0>', [Link("/0/0", {"ssid": "101"}), Link("/3/0")]),
    (b"lwm2m=1.0 , </0/1>", [Link("/0/1")]),
    (b'lwm2m="1.0"', []),
    (b"</>;lwm2m=1.1,</0/1>;ssid=0", [Link("/", {"lwm2m": "1.1"}), Link("/0/1", {"ssid": "0"})]),
    (b"</0/1>", [Link("/0/1")]),
    (b"", []),
]


@pytest.mark.parametrize(("payload", "links"), BOOTSTRAP_LINKS)
def test_the_links_of_bootstrap_discover(payload, links):
    assert parse_bootstrap_links(payload) == links


def test_object_list():
    objects = parse_object_list(b'</>;rt="oma.lwm2m",</1/0>,</3>;ver="1.1",</3/0>,</3303/0>,</3303/2>,</5>')
    assert objects.objects == {1: [0], 3: [0], 3303: [0, 2], 5: []}
    assert objects.versions == {3: "1.1"}
    has = ["/3", "/3/0", "/3303/2/5700", "/5/0", "/"]
    assert [objects.has(path) for path in has] == [True, True, True, True, False]
    assert [objects.has(path) for path in ("/4", "/3/1", "/3303/1/5700")] == [False, False, False]


DECODED = [
    ("/3/0/0", 0, b"Acme", "Acme"),
    ("/3/0/9", 0, b"100", 100),
    ("/3303/0/5700", 0, b"21.5", 21.5),
    ("/9999/0/1", 0, b"21.5", "21.5"),  # not known to it: text
    ("/3/0/9", 0, b"many", b"many"),  # not what it should be: as it came
    ("/19/0/0", 42, b"\x01", b"\x01"),
    ("/19/0/0", None, b"\x01", b"\x01"),
    ("/3", 40, b"</3/0>", "</3/0>"),
    ("/3/0/9", 11542, bytes.fromhex("C10964"), 100),
    ("/3/0", 11542, bytes.fromhex("C10964 C80003 414263"), {9: 100, 0: "ABc"}),
    ("/3/0", 11542, bytes.fromhex("8606 410001 410105"), {6: {0: 1, 1: 5}}),
    ("/3", 11542, bytes.fromhex("080003 C10964"), {0: {9: 100}}),
    ("/3/0", 11542, b"\xff", b"\xff"),
    ("/3/0/9", 11543, b'{"bn":"/3/0/9","e":[{"v":5}]}', 5),
    ("/3/0", 11543, b'{"e":[{"n":"/3/0/0","sv":"A"},{"n":"/3/0/6/0","v":1}]}', {0: "A", 6: {0: 1}}),
    ("/3303", 1543, b'{"bn":"/3303/","e":[{"n":"0/5700","v":21.5}]}', {0: {5700: 21.5}}),
    ("/3/0", 11543, b"{bad", b"{bad"),
    ("/3/0", 60000, b"\xff", b"\xff"),
    ("/a/b", 0, b"x", b"x"),
]


@pytest.mark.parametrize(("path", "content_format", "payload", "value"), DECODED)
def test_decode(path, content_format, payload, value):
    assert decode(path, content_format, payload) == value


ENCODED = [
    ("/19/1/0", b"\x01", None, (b"\x01", 42)),
    ("/3/0", b"\x01", 11542, (b"\x01", 11542)),
    ("/3/0/14", "+02:00", None, (b"+02:00", 0)),
    ("/3/0/13", 1600000000, None, (b"1600000000", 0)),
    ("/3303/0/5700", 21, None, (b"21.0", 0)),
    ("/9999/0/1", True, None, (b"1", 0)),
    ("/9999/0/1", 1.5, None, (b"1.5", 0)),
    ("/2/0/1", (3, 0), None, None),
    ("/3/0/22", (3, 0), None, (b"3:0", 0)),
    ("/3/0/13", 5, 11542, (bytes.fromhex("C10D05"), 11542)),
    ("/1/0", {0: 123, 1: 300}, None, (bytes.fromhex("C1007B C201012C"), 11542)),
    ("/3/0/11", {0: 1, 1: 2}, None, (bytes.fromhex("860B 410001 410102"), 11542)),
    ("/3303", {5700: 1.5}, None, (bytes.fromhex("E81644083FF8000000000000"), 11542)),
    ("/3303", {2: {5605: 1}}, 11542, None),
    ("/3/0/9", 5, 11543, (b'{"bn":"/3/0/9","e":[{"v":5}]}', 11543)),
    ("/1/0", {1: 300, 7: "UQ"}, 11543, (b'{"bn":"/1/0/","e":[{"n":"1","v":300},{"n":"7","sv":"UQ"}]}', 11543)),
    ("/3303/0", 5, None, None),
    ("/3303/0", 5, 110, None),
    ("x", 5, None, None),
]


@pytest.mark.parametrize(("path", "value", "content_format", "result"), ENCODED)
def test_encode(path, value, content_format, result):
    if result is None:
        with pytest.raises(CloudError):
            encode(path, value, content_format)
    else:
        assert encode(path, value, content_format) == result
