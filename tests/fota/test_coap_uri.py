"""coap URIs as options; aiocoap decomposes the same ones."""

import pytest
from aiocoap import GET, Message
from hypothesis import given, strategies as st

from atiny.coap.codes import URI_HOST, URI_PATH, URI_QUERY
from atiny.errors import ParameterError
from atiny.fota.coap_uri import decompose
from atiny.lwm2m.path import parse_server

URIS = [
    ("coap://h", "h", 5683, [(URI_HOST, b"h")]),
    ("coap://h/", "h", 5683, [(URI_HOST, b"h")]),
    ("coaps://h", "h", 5684, [(URI_HOST, b"h")]),
    ("COAPS://H.example:99/A", "h.example", 99, [(URI_HOST, b"h.example"), (URI_PATH, b"A")]),
    ("coap://127.0.0.1/a/b", "127.0.0.1", 5683, [(URI_PATH, b"a"), (URI_PATH, b"b")]),
    ("coap://[::1]:61616/a", "::1", 61616, [(URI_PATH, b"a")]),
    ("coap://1.2.3/a", "1.2.3", 5683, [(URI_HOST, b"1.2.3"), (URI_PATH, b"a")]),
    ("coap://h?x", "h", 5683, [(URI_HOST, b"h"), (URI_QUERY, b"x")]),
    ("coap://[::2]/a/?x=1&y", "::2", 5683, [(URI_PATH, b"a"), (URI_PATH, b""), (URI_QUERY, b"x=1"), (URI_QUERY, b"y")]),
    ("coap://h//a", "h", 5683, [(URI_HOST, b"h"), (URI_PATH, b""), (URI_PATH, b"a")]),
    ("coap://[::1]/%2Fa%20?a%26b&c/d?e", "::1", 5683, [(URI_PATH, b"/a "), (URI_QUERY, b"a&b"), (URI_QUERY, b"c/d?e")]),
    ("coap://h/%C3%A4", "h", 5683, [(URI_HOST, b"h"), (URI_PATH, "ä".encode())]),
    ("coap://h/" + "a" * 255, "h", 5683, [(URI_HOST, b"h"), (URI_PATH, b"a" * 255)]),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "host", "port", "options"), URIS)
def test_decomposed(uri, host, port, options):
    server, found = decompose(uri)
    assert parse_server(server) == (uri.partition(":")[0].lower(), host, port)
    assert found == options
    assert decompose(server)[0] == server


@pytest.mark.parametrize(("uri", "host", "port", "options"), URIS)
def test_as_aiocoap_decomposes_it(uri, host, port, options):
    message = Message(code=GET)
    message.set_request_uri(uri)
    theirs = {URI_PATH: message.opt.uri_path, URI_QUERY: message.opt.uri_query}
    for number, values in theirs.items():
        assert tuple(value.decode() for kind, value in options if kind == number) == tuple(values)


@pytest.mark.parametrize(
    "uri",
    [
        "coap://", "coap:///a", "coap://:5683/a", "coap://h:/a", "coap://h:0", "coap://h:65536", "coap://h:x/a",
        "coap://u@h/a", "coap://u:p@h/a", "coap://h/a#f", "coap://h#f", "coap://h/a?b#f", "http://h/a", "coap+tcp://h/a",
        "coap://h/%", "coap://h/%4", "coap://h/%4g", "coap://h/%ff", "coap://h/?%c3", "coap://::1/a", "coap://[::1/a",
        "coap://[::1]x/a", "coap", "", "coap:/h", "coap://h/" + "a" * 256, "coap://h/?" + "a" * 256,
    ],
)  # fmt: skip
def test_refused(uri):
    with pytest.raises(ParameterError):
        decompose(uri)


@given(st.text(max_size=60))
def test_nothing_else_is_raised(text):
    for uri in (text, "coap://" + text, "coap://h/" + text):
        try:
            decompose(uri)
        except ParameterError:
            pass
