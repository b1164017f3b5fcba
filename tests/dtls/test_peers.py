"""Other people's servers over loopback: libcoap with OpenSSL and with GnuTLS, and OpenSSL's own s_server."""

import subprocess
import time

import aiocoap
import pytest

from atiny.dtls.mbedtls import SUITES
from tests.dtls.peer import client
from tests.dtls.udp import HOST, Link, Program, free_ports
from tests.tools import tool

CCM_8, GCM, CBC = SUITES
KEY = b"secretkey"
WRONG = "wrong PSK, unknown identity or no common cipher suite"

# The suites that each of them shares with us.
SERVERS = {"coap-server-openssl": (CCM_8, GCM), "coap-server-gnutls": (CCM_8, GCM, CBC)}
OPENSSL_NAMES = {CCM_8: "PSK-AES128-CCM8", GCM: "PSK-AES128-GCM-SHA256", CBC: "PSK-AES128-CBC-SHA256"}


@pytest.fixture(scope="module", params=SERVERS)
def libcoap(request):
    """(name, port): a libcoap server that has been seen to answer."""
    tool(request.param)
    port = free_ports(2)
    with Program(request.param, "-A", HOST, "-p", str(port), "-k", KEY.decode(), "-h", "hint"):
        for _ in range(50):
            with Link(client(key=KEY, timeout_ms=100), port + 1) as link:
                if link.shake_hands().session.ready:
                    break
                time.sleep(0.02)
        yield request.param, port + 1


@pytest.mark.parametrize("suite", [None, *SUITES])
def test_libcoap(libcoap, suite):
    """A handshake, and requests in it."""
    name, port = libcoap
    suites = None if suite is None else (suite,)
    with Link(client(b"\xffany", key=KEY, suites=suites), port) as link:
        link.shake_hands()
        if suite is None or suite in SERVERS[name]:
            assert link.session.ready, link.session.error
            for _ in range(3):
                response = link.get("time")
                assert response.code is aiocoap.CONTENT
                assert len(response.payload) > 5
            assert link.get("nothing", "here").code is aiocoap.NOT_FOUND
        else:
            assert link.session.error.startswith("the server refused the handshake: alert 40, handshake_failure")


def test_libcoap_does_not_say_that_a_key_is_wrong(libcoap):
    with Link(client(key=b"another", timeout_ms=1200), libcoap[1]) as link:
        link.shake_hands()
        assert link.session.error == "the handshake did not end within 1 s: " + WRONG


def test_two_sessions_do_not_meet(libcoap):
    with Link(client(key=KEY), libcoap[1]) as one, Link(client(key=KEY), libcoap[1]) as other:
        for link in (one.shake_hands(), other.shake_hands(), one):
            assert link.get("time").code is aiocoap.CONTENT
        one.session.close()
        one.flush()
        assert other.get("time").code is aiocoap.CONTENT


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("arguments", [(), ("-listen",)], ids=["without cookies", "with cookies"])
def test_openssl_s_server(suite, arguments):
    port = free_ports()
    program = Program(
        "openssl", "s_server", "-dtls1_2", "-accept", f"{HOST}:{port}", "-nocert", "-psk", KEY.hex(),
        "-psk_identity", "lamp-1", "-cipher", OPENSSL_NAMES[suite] + "@SECLEVEL=0", *arguments,
    )  # fmt: skip
    with program, Link(client(key=KEY), port) as link:
        program.read(b"ACCEPT")
        link.shake_hands()
        assert link.session.ready, link.session.error
        link.socket.send(link.session.protect(b"from the device\n"))
        printed = program.read(b"from the device")
        assert b"CIPHER is " + OPENSSL_NAMES[suite].encode() in printed
        assert b"warning" not in printed
        program.write(b"from the server\n")
        assert link.receive(5) == (b"from the server\n",)
        link.session.close()
        link.flush()
        program.read(b"DONE")  # it has our close_notify


def test_a_server_with_a_certificate_and_without_the_key_is_not_spoken_to(tmp_path):
    """We could not check the certificate; nothing but the key proves a server."""
    port = free_ports()
    names = [str(tmp_path / name) for name in ("key.pem", "certificate.pem")]
    subprocess.run(
        [tool("openssl"), "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-subj", "/CN=server", "-days", "1", "-keyout", names[0], "-out", names[1]],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    program = Program(
        "openssl", "s_server", "-dtls1_2", "-accept", f"{HOST}:{port}", "-key", names[0], "-cert", names[1]
    )
    with program, Link(client(key=KEY), port) as link:
        program.read(b"ACCEPT")
        link.shake_hands()
        assert link.session.error.startswith("the server refused the handshake: alert 40, handshake_failure")
        assert b"no shared cipher" in program.read(b"no shared cipher")
