"""What comes in: matching of responses, ACK and RST; answers in the ACK and separate; what is not known."""

import pytest

from atiny.coap.exchange import DONE, RESET, TIME_OUT
from atiny.coap.message import Message

from .peer import (
    ACK,
    BLOCK2,
    CHANGED,
    CON,
    CONTENT,
    CONTENT_FORMAT,
    ETAG,
    GET,
    IF_MATCH,
    LOCATION_PATH,
    MAX_AGE,
    NON,
    OBSERVE,
    POST,
    RST,
    URI_PATH,
    Device,
    block,
    empty,
    options_of,
    pack,
    path,
    unhex,
)

GET_VALUE = pack(CON, GET, 0x1234, b"tok", path("/3/0/9"))


def asking():
    """A device that has sent a request, and that request."""
    device = Device()
    device.ask()
    return device, device.one()


def ended(device):
    return [(outcome, response and response.payload) for _, outcome, response in device.ends]


# -- responses to our requests (RFC 7252 sections 5.2 and 5.3.2)


def test_a_piggybacked_response():
    device, request = asking()
    assert (request.mtype, request.code, len(request.token)) == (CON, GET, 4)
    assert device.hear(pack(ACK, CONTENT, request.mid, request.token, [(CONTENT_FORMAT, b"")], b"22.3")) == []
    assert ended(device) == [(DONE, b"22.3")]
    response = device.ends[0][2]
    assert (response.code, response.options) == (CONTENT, [(CONTENT_FORMAT, b"")])


@pytest.mark.parametrize("ack_first", [True, False])
@pytest.mark.parametrize("kind", [CON, NON])
def test_a_separate_response(kind, ack_first):
    device, request = asking()
    if ack_first:
        assert device.hear(empty(ACK, request.mid)) == []
        assert device.wait(60_000) == []  # it is not sent again
    answers = device.hear(pack(kind, CONTENT, 0x77, request.token, payload=b"22.3"))
    assert [(answer.mtype, answer.code, answer.mid) for answer in answers] == ([(ACK, 0, 0x77)] if kind == CON else [])
    assert ended(device) == [(DONE, b"22.3")]
    assert device.hear(empty(ACK, request.mid)) == []  # late
    assert device.wait(300_000) == []
    assert len(device.ends) == 1


def test_a_separate_response_whose_ack_was_lost_is_acknowledged_again():
    device, request = asking()
    device.hear(empty(ACK, request.mid))
    response = pack(CON, CONTENT, 0x77, request.token, payload=b"22.3")
    first = device.hear_raw(response)
    assert first == [empty(ACK, 0x77)]
    device.ask("next")
    device.take()
    for _ in range(3):
        assert device.hear_raw(response) == first
    assert ended(device) == [(DONE, b"22.3")]
    # Its message id under another token is another message, which nobody waits for.
    assert device.hear_raw(pack(CON, CONTENT, 0x77, b"else")) == [empty(RST, 0x77)]


def test_the_latest_separate_responses_are_remembered():
    device = Device()
    responses = []
    for mid in range(20):
        device.ask()
        responses.append(pack(CON, CONTENT, mid, device.one().token))
        device.hear(responses[-1])
    answers = [device.hear_raw(response) for response in responses]
    assert answers == [[empty(RST, mid)] for mid in range(12)] + [[empty(ACK, mid)] for mid in range(12, 20)]


@pytest.mark.parametrize("accepted", [False, True])
def test_a_rst_to_a_request(accepted):
    device, request = asking()
    if accepted:
        device.hear(empty(ACK, request.mid))
    assert device.hear(empty(RST, request.mid)) == []
    assert ended(device) == [(RESET, None)]
    assert device.wait(300_000) == []


WRONG_ANSWERS = {
    "another token": lambda request: pack(ACK, CONTENT, request.mid, b"else"),
    "no token": lambda request: pack(ACK, CONTENT, request.mid),
    "a token that begins alike": lambda request: pack(ACK, CONTENT, request.mid, request.token + b"\0"),
    "another message id": lambda request: pack(ACK, CONTENT, request.mid ^ 1, request.token),
    "an empty ACK of another": lambda request: empty(ACK, request.mid ^ 1),
    "a RST of another": lambda request: empty(RST, request.mid ^ 1),
    "a separate response to another": lambda request: pack(NON, CONTENT, 5, b"else"),
    "an ACK with a request code": lambda request: pack(ACK, GET, request.mid, request.token),
    "an ACK of the reserved class 1": lambda request: pack(ACK, 0x21, request.mid, request.token),
    "an ACK of class 3": lambda request: pack(ACK, 0x60, request.mid, request.token),
    "an ACK of class 6": lambda request: pack(ACK, 0xC0, request.mid, request.token),
    "an ACK of class 7": lambda request: pack(ACK, 0xE1, request.mid, request.token),
    "a RST with a code": lambda request: pack(RST, CONTENT, request.mid, request.token),
    "an empty NON": lambda request: empty(NON, request.mid),
    "a malformed ACK": lambda request: pack(ACK, CONTENT, request.mid, request.token) + b"\xff",
    "a critical option that we do not know": lambda request: pack(
        ACK, CONTENT, request.mid, request.token, [(IF_MATCH, b"")]
    ),
    "a Block2 of 4 bytes": lambda request: pack(ACK, CONTENT, request.mid, request.token, [(BLOCK2, bytes(4))]),
}


@pytest.mark.parametrize("wrong", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_what_is_no_answer_to_the_request_is_ignored(wrong):
    device, request = asking()
    assert device.hear_raw(wrong(request)) == []
    assert device.ends == []
    assert [message.mid for _, message in device.wait(3000)] == [request.mid]  # it is still waiting
    device.hear(pack(ACK, CONTENT, request.mid, request.token))
    assert ended(device) == [(DONE, b"")]


def test_a_separate_response_with_a_critical_option_that_we_do_not_know_is_rejected():
    device, request = asking()
    device.hear(empty(ACK, request.mid))
    assert device.hear_raw(pack(CON, CONTENT, 9, request.token, [(URI_PATH, b"x")])) == [empty(RST, 9)]
    assert device.hear_raw(pack(NON, CONTENT, 9, request.token, [(URI_PATH, b"x")])) == []
    assert device.ends == []
    assert device.wait(100_000) == []
    assert ended(device) == [(TIME_OUT, None)]


def test_elective_options_of_a_response_that_are_wrong_are_left_out():
    device, request = asking()
    # ETag of 9 bytes, Location-Path twice, Max-Age of 5 bytes, a second Content-Format, an unknown one.
    options = [(ETAG, bytes(9)), (LOCATION_PATH, b"a"), (LOCATION_PATH, b"b"), (CONTENT_FORMAT, b"\x28"),
               (CONTENT_FORMAT, b"\x00"), (MAX_AGE, bytes(5)), (2048, b"?")]  # fmt: skip
    device.hear(pack(ACK, CONTENT, request.mid, request.token, options))
    assert device.ends[0][2].options == [
        (LOCATION_PATH, b"a"), (LOCATION_PATH, b"b"), (CONTENT_FORMAT, b"\x28"), (2048, b"?"),
    ]  # fmt: skip


# -- notifications


def test_an_ack_or_rst_to_a_confirmable_notification():
    for answer, outcome in ((ACK, DONE), (RST, RESET)):
        device = Device()
        device.notify("n", b"tok")
        notification = device.one()
        assert (notification.mtype, notification.code, notification.token) == (CON, CONTENT, b"tok")
        device.hear(empty(answer, notification.mid))
        assert device.ends == [("n", outcome, None)]
        assert device.wait(300_000) == []


def test_a_rst_to_a_non_confirmable_notification():
    device = Device()
    mids = []
    for name in range(30):
        device.notify(name, b"tok", confirmable=False)
        notification = device.one()
        assert notification.mtype == NON
        mids.append(notification.mid)
    assert device.exchange.idle
    for name in (0, 5, 13):  # too long ago
        assert device.hear(empty(RST, mids[name])) == []
    assert device.ends == []
    for name in (29, 14, 20):
        device.hear(empty(RST, mids[name]))
        device.hear(empty(RST, mids[name]))
    assert device.ends == [(29, RESET, None), (14, RESET, None), (20, RESET, None)]
    device.hear(empty(ACK, mids[15]))  # there is no ACK to a NON
    assert len(device.ends) == 3


def test_a_response_under_the_token_of_an_observation_is_none_of_ours():
    device = Device()
    device.notify("n", b"tok")
    notification = device.one()
    assert device.hear_raw(pack(CON, CONTENT, 9, b"tok")) == [empty(RST, 9)]
    assert device.hear_raw(pack(NON, CONTENT, 9, b"tok")) == []
    assert device.hear_raw(pack(ACK, CONTENT, notification.mid, b"tok")) == []
    assert device.ends == []


# -- what is not for us (sections 4.2, 4.3)


REJECTED = {
    "a ping": "40 00 56 78",
    "a response that nobody waits for": "44 45 56 78 01 02 03 04",
    "a response without a token": "40 45 56 78",
    "an error that nobody waits for": "44 84 56 78 01 02 03 04",
    "code 1.00": "40 20 56 78",
    "code 1.31": "40 3f 56 78",
    "code 3.01": "40 61 56 78",
    "code 6.00": "40 c0 56 78",
    "code 7.01, a CSM of CoAP over TCP": "40 e1 56 78",
    "a malformed option": "40 01 56 78 f0",
    "a reserved token length": "4f 01 56 78",
    "an empty message with a payload": "40 00 56 78 ff 00",
}


@pytest.mark.parametrize("text", REJECTED.values(), ids=REJECTED)
@pytest.mark.parametrize("waiting", [False, True])
def test_a_confirmable_message_that_cannot_be_processed_gets_rst(text, waiting):
    device = asking()[0] if waiting else Device()
    datagram = bytearray(unhex(text))
    assert device.hear_raw(bytes(datagram)) == [unhex("70 00 56 78")]
    for kind in (NON, ACK, RST):  # any other is ignored
        datagram[0] = datagram[0] & 0xCF | kind << 4
        assert device.hear_raw(bytes(datagram)) == []
    assert device.asked == []
    assert device.ends == []


@pytest.mark.parametrize("text", ["", "40", "40 01 00", "00 01 00 01", "80 00 12 34", "c0 01 00 01 ff"])
def test_what_is_not_coap_version_1_is_ignored(text):
    assert Device().hear_raw(unhex(text)) == []


# -- requests of the peer and their answers (section 5.2)


def test_a_request_is_answered_in_its_ack():
    device = Device()
    assert device.hear_raw(GET_VALUE) == [
        unhex(
            """
            63 45 12 34 74 6f 6b          # ACK, 2.05, the request's message id and token
            c0                            # Content-Format 0
            ff 76 61 6c 75 65             # "value"
            """
        )
    ]
    assert device.asked[0].all(URI_PATH) == [b"3", b"0", b"9"]


def test_a_non_confirmable_request_gets_a_non_confirmable_response():
    device = Device()
    mids = set()
    for mid in range(3):
        answer = device.reply(pack(NON, GET, mid, b"tok%d" % mid, path("/3/0/9")))
        assert (answer.mtype, answer.code, answer.token) == (NON, CONTENT, b"tok%d" % mid)
        mids.add(answer.mid)
    assert len(mids) == 3
    assert device.exchange.idle


def test_unknown_methods_come_through_to_be_answered():
    device = Device(lambda request: Message(0x85))
    for code in (5, 8, 31):
        assert device.reply(pack(CON, code, code, b"tok", path("/3"))).code == 0x85  # section 5.8: 4.05
    assert [request.code for request in device.asked] == [5, 8, 31]


def test_a_separate_response_of_ours():
    device = Device(lambda request: None)
    assert device.hear_raw(GET_VALUE) == [empty(ACK, 0x1234)]
    device.endpoint.respond(device.asked[0], Message(CONTENT, None, b"late"), device.now)
    response = device.one()
    assert (response.mtype, response.code, response.token, response.payload) == (CON, CONTENT, b"tok", b"late")
    assert len(device.wait(30_000)) == 3  # it is repeated
    assert device.hear_raw(GET_VALUE) == [empty(ACK, 0x1234)]  # so is the ACK
    device.hear(empty(ACK, response.mid))
    assert device.wait(300_000) == []
    assert len(device.asked) == 1


def test_a_separate_response_to_a_non_confirmable_request():
    device = Device(lambda request: None)
    assert device.hear_raw(pack(NON, GET, 1, b"tok", path("/3"))) == []
    device.endpoint.respond(device.asked[0], Message(CONTENT, None, b"late"), device.now)
    response = device.one()
    assert (response.mtype, response.token, response.payload) == (NON, b"tok", b"late")
    assert device.wait(300_000) == []


def test_a_separate_response_that_is_given_up_or_refused_ends_quietly():
    for answer in (RST, None):
        device = Device(lambda request: None)
        device.hear(GET_VALUE)
        device.endpoint.respond(device.asked[0], Message(CONTENT), device.now)
        device.ask("next")
        response = device.one()
        if answer:
            device.hear(empty(answer, response.mid))
        device.wait(300_000)
        assert [end[:2] for end in device.ends] == [("next", TIME_OUT)]


@pytest.mark.parametrize("kind", [CON, NON])
def test_what_is_to_be_done_after_the_answer_is_done_once_it_has_left(kind):
    done = []

    def reboot(request):
        response = Message(CHANGED)
        response.after = lambda: done.append("reboot")
        return response

    device = Device(reboot, confirm=False)
    request = pack(kind, POST, 7, b"tok", path("/3/0/4"))
    assert device.reply(request).code == CHANGED
    assert done == []
    device.confirm_sent()
    assert done == ["reboot"]
    device.hear(request)
    device.confirm_sent()
    assert done == ["reboot"]


@pytest.mark.parametrize("way", ["acknowledged", "lost link", "send failed"])
def test_what_is_to_be_done_after_the_answer_is_done_even_where_it_is_lost(way):
    done = []
    response = Message(CHANGED)
    response.after = lambda: done.append("reboot")
    device = Device(lambda request: None if way == "acknowledged" else response, confirm=False)
    device.hear(pack(CON, POST, 7, b"tok", path("/3/0/4")))
    if way == "acknowledged":
        device.endpoint.respond(device.asked[0], response, device.now)
        device.hear(empty(ACK, device.one().mid))
    elif way == "lost link":
        device.exchange.reset()
    else:
        device.exchange.send_failed(device.unconfirmed.pop(), device.now, True)
    assert done == ["reboot"]
    device.exchange.reset()
    assert done == ["reboot"]


def test_an_observation_is_answered_as_any_other_request():
    device = Device(lambda request: Message(CONTENT, [(OBSERVE, b"\x07")], b"v"))
    answer = device.reply(pack(CON, GET, 1, b"tok", [(OBSERVE, b""), *path("/3/0/9"), (BLOCK2, block(0, False, 6))]))
    assert options_of(answer) == [(OBSERVE, b"\x07"), (BLOCK2, block(0, False, 6))]
