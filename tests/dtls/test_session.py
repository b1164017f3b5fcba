"""The contract of a session, its NoSec, and what may be a key."""

import re
import sys

import pytest

from atiny import Client
from atiny.dtls import handshake, mbedtls
from atiny.dtls.alerts import alert_reason
from atiny.dtls.handshake import SecureSession
from atiny.dtls.psk import check_psk, check_suites, psk_session
from atiny.dtls.session import Session
from atiny.errors import ATINY_ARG_INVALID, NotSupported, ParameterError


def test_nosec_is_transparent():
    session = Session()
    session.start(1000)
    assert (session.ready, session.closed, session.error) == (True, False, None)
    assert session.receive(b"in", 1000) == (b"in",)
    assert session.protect(b"out") == b"out"
    assert (session.datagrams(), session.deadline()) == ((), None)
    session.handle_timer(10**9)
    assert session.ready


def test_a_nosec_session_ends():
    session = Session()
    session.close()
    session.close()
    assert (session.ready, session.closed, session.error, session.datagrams()) == (False, True, None, ())
    assert Session().ready


GOOD_PSK = [
    ("lamp-1", b"k", (b"lamp-1", b"k")),
    (b"lamp-1", b"k" * 32, (b"lamp-1", b"k" * 32)),
    (b"\xff\x00\x80", bytearray(b"\0" * 16), (b"\xff\x00\x80", b"\0" * 16)),
    ("Lämpchen", bytes(range(16)), ("Lämpchen".encode(), bytes(range(16)))),
    ("x" * 128, b"k", (b"x" * 128, b"k")),
]


@pytest.mark.parametrize(("identity", "key", "expected"), GOOD_PSK)
def test_check_psk_takes(identity, key, expected):
    found = check_psk(identity, key)
    assert found == expected
    assert [type(part) for part in found] == [bytes, bytes]


SECRET = b"a secret that nobody may see, for it is too long"
BAD_PSK = [
    ("lamp-1", b"", "1 to 32 bytes long, this one has 0"),
    ("lamp-1", SECRET, f"1 to 32 bytes long, this one has {len(SECRET)}"),
    ("lamp-1", b"k" * 33, "1 to 32 bytes long, this one has 33"),
    ("lamp-1", SECRET.decode(), "bytes.fromhex"),
    ("lamp-1", None, "bytes.fromhex"),
    ("lamp-1", 16, "bytes.fromhex"),
    ("lamp-1", list(SECRET[:16]), "bytes.fromhex"),
    ("", SECRET[:16], "1 to 128 bytes"),
    (b"", SECRET[:16], "1 to 128 bytes"),
    ("ä" * 65, SECRET[:16], "1 to 128 bytes"),
    (None, SECRET[:16], "1 to 128 bytes"),
    (7, SECRET[:16], "1 to 128 bytes"),
]


@pytest.mark.parametrize(("identity", "key", "message"), BAD_PSK)
def test_check_psk_refuses_and_names_the_limit(identity, key, message):
    with pytest.raises(ParameterError, match=re.escape(message)) as caught:
        check_psk(identity, key)
    assert caught.value.atiny_code == ATINY_ARG_INVALID
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("psk", [("lamp-1",), ("lamp-1", SECRET[:16], "more"), SECRET[:16], 7, {"lamp-1": SECRET[:16]}])
def test_a_psk_is_a_pair(psk):
    with pytest.raises(ParameterError, match="pair") as caught:
        Client("lamp-1", "coaps://127.0.0.1", psk=psk)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("timeout_s", [0, -1, -0.5])
def test_a_handshake_takes_time(timeout_s):
    with pytest.raises(ParameterError, match="handshake_timeout_s"):
        Client("lamp-1", "coaps://127.0.0.1", psk=("lamp-1", b"key"), handshake_timeout_s=timeout_s)


KNOWN = ("TLS-PSK-WITH-AES-128-CCM-8", "TLS-PSK-WITH-AES-128-GCM-SHA256")


def test_suites_by_either_name():
    assert check_suites(None, KNOWN) == KNOWN
    assert check_suites(("TLS_PSK_WITH_AES_128_CCM_8",), KNOWN) == KNOWN[:1]
    assert check_suites(["TLS-ECDHE-PSK-WITH-AES-128-CBC-SHA256"], KNOWN) == ("TLS-ECDHE-PSK-WITH-AES-128-CBC-SHA256",)


@pytest.mark.parametrize(
    "suites",
    [
        ("TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",),  # any certificate would do: nothing is known to check it by
        ("TLS-PSK-WITH-AES-128-CCM-8", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("TLS-PSK-WITH-NULL-SHA256",),
        ("",),
        (),
        "TLS-PSK-WITH-AES-128-CCM-8",
        (7,),
    ],
)
def test_suites_that_prove_no_key_are_refused(suites):
    with pytest.raises(ParameterError):
        check_suites(suites, KNOWN)
    with pytest.raises(ParameterError):
        psk_session(b"id", b"key", suites, 1000)


def test_a_suite_that_the_library_lacks():
    pytest.importorskip("mbedtls")
    with pytest.raises(NotSupported, match="TLS-PSK-WITH-MAGIC"):
        psk_session(b"id", b"key", ("TLS-PSK-WITH-MAGIC",), 1000)


def record(kind=23, epoch=1, body=b"body"):
    return bytes([kind]) + b"\xfe\xfd" + epoch.to_bytes(2, "big") + bytes(6) + len(body).to_bytes(2, "big") + body


ONE, TWO = record(), record(22, 0, b"other")
WHOLE = [
    (b"", b""),
    (b"\x17", b""),
    (ONE[:12], b""),
    (ONE[:13], b""),
    (ONE[:-1], b""),
    (ONE, ONE),
    (ONE + b"x", ONE),
    (ONE + TWO, ONE + TWO),
    (ONE + TWO[:-1], ONE),
    (ONE + TWO + ONE[:12], ONE + TWO),
    (record(body=b""), record(body=b"")),
    (record(body=bytes(1 << 14)), b""),
]


@pytest.mark.parametrize(("datagram", "whole"), WHOLE)
def test_whole_records(datagram, whole):
    session = SecureSession()
    session.ready = True
    assert session._whole_records(datagram) == whole


ALERTS = [
    (record(21, 0, b"\2\x73"), "alert 115, unknown_psk_identity"),
    (record(22, 0) + record(21, 0, b"\2\x28"), "alert 40, handshake_failure: no cipher suite in common"),
    (record(21, 0, b"\2\x63"), "alert 99, unknown identity or wrong PSK"),
    (record(21, 1, b"\2\x28"), "fatal alert"),  # it is encrypted
    (record(21, 0, b"\1\x28"), "fatal alert"),  # a warning is not what ended it
    (record(21, 0, b""), "fatal alert"),
    (b"", "fatal alert"),
]


@pytest.mark.parametrize(("datagram", "reason"), ALERTS)
def test_what_an_alert_says(datagram, reason):
    assert alert_reason(datagram).startswith(reason)


def test_without_the_library_it_is_said_why(monkeypatch):
    """CPython 3.13 and later: there is no python-mbedtls."""
    monkeypatch.setitem(sys.modules, "mbedtls", None)
    with pytest.raises(NotSupported, match="python-mbedtls.*3.10 to 3.12") as caught:
        Client("lamp-1", "coaps://127.0.0.1", psk=("lamp-1", b"key"))
    assert caught.value.__suppress_context__
    assert Client("lamp-1", "coap://127.0.0.1").registered is False


def test_the_usual_suites_are_those_of_lwm2m_first():
    assert mbedtls.SUITES[0] == "TLS-PSK-WITH-AES-128-CCM-8"
    assert handshake.RETRANSMIT_MS == 1000
