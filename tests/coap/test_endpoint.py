"""The endpoint whole: options that are not known, or not in their form, and what goes through it undisturbed."""

import pytest

from atiny.coap.message import Message

from .peer import (
    ACCEPT,
    ACK,
    BLOCK1,
    BLOCK2,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    ETAG,
    GET,
    IF_MATCH,
    IF_NONE_MATCH,
    LOCATION_PATH,
    MAX_AGE,
    NON,
    OBSERVE,
    POST,
    PROXY_SCHEME,
    PROXY_URI,
    PUT,
    SIZE1,
    SIZE2,
    URI_HOST,
    URI_PATH,
    URI_PORT,
    URI_QUERY,
    Device,
    pack,
    path,
)

BAD_OPTION, PROXYING_NOT_SUPPORTED = 0x82, 0xA5
OSCORE, EDHOC, NO_RESPONSE, REQUEST_TAG, ECHO, Q_BLOCK1, HOP_LIMIT = 9, 21, 258, 292, 252, 19, 16

# What is wrong, the options, the code of the answer (RFC 7252 sections 5.4.1, 5.4.3, 5.4.5, 5.10.2).
REFUSED = [
    ("If-Match", [(IF_MATCH, b"\1"), *path("/3/0")], BAD_OPTION),
    ("an empty If-Match", [(IF_MATCH, b""), *path("/3/0")], BAD_OPTION),
    ("If-None-Match", [(IF_NONE_MATCH, b""), *path("/3/0")], BAD_OPTION),
    ("OSCORE", [(OSCORE, b""), *path("/3/0")], BAD_OPTION),
    ("Q-Block1", [*path("/3/0"), (Q_BLOCK1, b"")], BAD_OPTION),
    ("EDHOC", [*path("/3/0"), (EDHOC, b"")], BAD_OPTION),
    ("option 65535", [*path("/3/0"), (65535, b"?")], BAD_OPTION),
    ("a critical option of experiments", [*path("/3/0"), (65001, b"")], BAD_OPTION),
    ("after known ones", [*path("/3/0"), (ACCEPT, b""), (BLOCK2, b"\6"), (2049, b"")], BAD_OPTION),
    ("Proxy-Uri", [(PROXY_URI, b"coap://elsewhere/3/0")], PROXYING_NOT_SUPPORTED),
    ("Proxy-Scheme", [*path("/3/0"), (PROXY_SCHEME, b"coap")], PROXYING_NOT_SUPPORTED),
    ("two Accepts", [*path("/3/0"), (ACCEPT, b""), (ACCEPT, b"\x28")], BAD_OPTION),
    ("two Block2", [*path("/3/0"), (BLOCK2, b"\6"), (BLOCK2, b"\6")], BAD_OPTION),
    ("two Uri-Hosts", [(URI_HOST, b"a"), (URI_HOST, b"b"), *path("/3/0")], BAD_OPTION),
    ("two Uri-Ports", [(URI_PORT, b""), (URI_PORT, b""), *path("/3/0")], BAD_OPTION),
    ("an empty Uri-Host", [(URI_HOST, b""), *path("/3/0")], BAD_OPTION),
    ("a Uri-Host of 256 bytes", [(URI_HOST, bytes(256)), *path("/3/0")], BAD_OPTION),
    ("a Uri-Path of 256 bytes", [*path("/3"), (URI_PATH, b"0" * 256)], BAD_OPTION),
    ("a Uri-Query of 256 bytes", [*path("/3"), (URI_QUERY, b"0" * 256)], BAD_OPTION),
    ("a Uri-Port of 3 bytes", [(URI_PORT, bytes(3)), *path("/3/0")], BAD_OPTION),
    ("an Accept of 3 bytes", [*path("/3/0"), (ACCEPT, bytes(3))], BAD_OPTION),
    ("a Block2 of 4 bytes", [*path("/3/0"), (BLOCK2, bytes(4))], BAD_OPTION),
    ("a Block1 of 4 bytes", [*path("/3/0"), (BLOCK1, bytes(4))], BAD_OPTION),
]

# What comes with the request, and what of it reaches the handler.
PASSED = [
    ("nothing", [], []),
    ("only a path", path("/3/0/9"), path("/3/0/9")),
    ("empty segments", [(URI_PATH, b""), (URI_PATH, b"")], [(URI_PATH, b""), (URI_PATH, b"")]),
    ("a path as long as may be", [(URI_PATH, b"0" * 255)], [(URI_PATH, b"0" * 255)]),
    ("Accept", [*path("/3/0"), (ACCEPT, b"\x2d\x16")], [*path("/3/0"), (ACCEPT, b"\x2d\x16")]),
    ("host and port", [(URI_HOST, b"x"), (URI_PORT, b"\1\2"), *path("/3")],
     [(URI_HOST, b"x"), (URI_PORT, b"\1\2"), *path("/3")]),
    ("queries", [*path("/3"), (URI_QUERY, b"pmin=1"), (URI_QUERY, b"pmax=2")],
     [*path("/3"), (URI_QUERY, b"pmin=1"), (URI_QUERY, b"pmax=2")]),
    ("two ETags", [(ETAG, b"\1"), (ETAG, b"\2"), *path("/3")], [(ETAG, b"\1"), (ETAG, b"\2"), *path("/3")]),
    # Elective options in a wrong form are left out (sections 5.4.3 and 5.4.5).
    ("an ETag of 9 bytes", [(ETAG, bytes(9)), *path("/3")], path("/3")),
    ("an empty ETag", [(ETAG, b""), *path("/3")], path("/3")),
    ("an Observe of 4 bytes", [(OBSERVE, bytes(4)), *path("/3")], path("/3")),
    ("two Observes", [(OBSERVE, b""), (OBSERVE, b"\1"), *path("/3")], [(OBSERVE, b""), *path("/3")]),
    ("a Content-Format of 3 bytes", [*path("/3"), (CONTENT_FORMAT, bytes(3))], path("/3")),
    ("two Content-Formats", [*path("/3"), (CONTENT_FORMAT, b"\1"), (CONTENT_FORMAT, b"\2")],
     [*path("/3"), (CONTENT_FORMAT, b"\1")]),
    ("a Size1 of 5 bytes", [*path("/3"), (SIZE1, bytes(5))], path("/3")),
    ("a Size2 of 5 bytes, and nothing else", [(SIZE2, bytes(5))], []),
    # Elective options that are not known are ignored: they may stay, nobody reads them.
    ("Max-Age in a request", [*path("/3"), (MAX_AGE, b"\1")], [*path("/3"), (MAX_AGE, b"\1")]),
    ("Location-Path in a request", [(LOCATION_PATH, b"x"), *path("/3")], [(LOCATION_PATH, b"x"), *path("/3")]),
    ("Hop-Limit", [*path("/3"), (HOP_LIMIT, b"\1")], [*path("/3"), (HOP_LIMIT, b"\1")]),
    ("No-Response, Echo, Request-Tag", [*path("/3"), (ECHO, b"e"), (NO_RESPONSE, b"\x1a"), (REQUEST_TAG, b"")],
     [*path("/3"), (ECHO, b"e"), (NO_RESPONSE, b"\x1a"), (REQUEST_TAG, b"")]),
    ("option 0", [(0, b"x"), *path("/3")], [(0, b"x"), *path("/3")]),
    ("option 65534", [*path("/3"), (65534, b"x" * 300)], [*path("/3"), (65534, b"x" * 300)]),
]  # fmt: skip


@pytest.mark.parametrize("method", [GET, PUT, POST])
@pytest.mark.parametrize(("options", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_critical_options_that_are_not_known(options, code, method):
    device = Device()
    request = pack(CON, method, 7, b"tok", options)
    answer = device.reply(request)
    assert (answer.mtype, answer.code, answer.mid, answer.token) == (ACK, code, 7, b"tok")
    first = device.hear_raw(request)
    assert device.hear_raw(request) == first  # it is as much a reply as any
    # Of a NON it is rejected: in silence (section 5.4.1).
    assert device.hear(pack(NON, method, 8, b"tok", options)) == []
    assert device.asked == []
    assert device.reply(pack(CON, GET, 9, b"tok", path("/3/0"))).code == CONTENT


def test_the_answer_names_the_option():
    answer = Device().reply(pack(CON, GET, 7, b"tok", [(IF_NONE_MATCH, b""), *path("/3"), (2049, b"")]))
    assert answer.payload == b"option 5"


@pytest.mark.parametrize(("options", "reach"), [row[1:] for row in PASSED], ids=[row[0] for row in PASSED])
@pytest.mark.parametrize("kind", [CON, NON])
def test_other_options_do_not_disturb(options, reach, kind):
    device = Device()
    answer = device.reply(pack(kind, GET, 7, b"tok", options))
    assert (answer.mtype, answer.code, answer.payload) == (ACK if kind == CON else NON, CONTENT, b"value")
    assert device.asked[0].options == reach


def test_an_answer_is_the_handlers_whatever_its_code():
    codes = (0x41, 0x44, 0x5F, 0x80, 0x84, 0x8D, 0xA0, 0xA5)
    device = Device(lambda request: Message(codes[request.mid], [(CONTENT_FORMAT, b"")], b"why"))
    for mid, code in enumerate(codes):
        answer = device.reply(pack(CON, POST, mid, b"", path("/3/0/4")))
        assert (answer.code, answer.opt.content_format, answer.payload) == (code, 0, b"why")


def test_two_endpoints_share_nothing():
    one, other = Device(), Device()
    one.ask("request")
    request = one.one()
    assert other.hear(pack(ACK, CONTENT, request.mid, request.token)) == []
    one.hear(pack(CON, POST, 7, b"tok", path("/3/0/4")))
    other.hear(pack(CON, POST, 7, b"tok", path("/3/0/4")))
    assert len(one.asked) == len(other.asked) == 1
    assert one.ends == other.ends == []
