"""The POSIX socket, against an echo on the loopback interface."""

import socket

import pytest

from atiny.adapter import posix_net
from atiny.adapter.posix import Platform, Socket
from atiny.errors import NotSupported, TransportError
from atiny.testing import check_socket
from atiny.testing.echo import Echo, free_port

TIMEOUT_MS = 5000


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


@pytest.fixture
def echo():
    with Echo() as echo:
        yield echo


@pytest.fixture
def link(echo):
    link = Socket()
    link.connect(echo.host, echo.port, "udp")
    yield link
    link.close()


# -- sockets


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_sockets_keep_the_contract(host):
    assert len(check_socket(Socket, host)) == 20


@pytest.mark.parametrize("address", sorted({entry[4][0] for entry in socket.getaddrinfo("localhost", 5683)}))
def test_localhost_is_reached_at_any_of_its_addresses(address):
    """The server is on one of them; where the first refuses, the platform's next link tries the next."""
    platform = Platform()
    answers = []
    with Echo(address) as echo:
        for _ in range(2):
            link = platform.socket()
            link.connect("localhost", echo.port, "udp")
            try:
                link.send(b"hello")
                answers.append(link.recv_timeout(100, TIMEOUT_MS))
            except TransportError as error:
                answers.append(error.refused)
            link.close()
    assert answers in ([b"hello", b"hello"], [True, b"hello"])


def addresses(*ports):
    return lambda host, port: [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", port)) for port in ports]


def test_an_address_that_refused_comes_last(echo, monkeypatch):
    monkeypatch.setattr(posix_net, "_resolve", addresses(free_port(), echo.port))
    skip = {}
    first = Socket(skip)
    first.connect("name", 5683, "udp")
    first.send(b"anyone?")
    with pytest.raises(TransportError, match="cannot receive from name port 5683") as caught:
        first.recv_timeout(100, TIMEOUT_MS)
    assert caught.value.refused
    first.close()
    for _ in range(2):  # and it stays so
        second = Socket(skip)
        second.connect("name", 5683, "udp")
        second.send(b"hello")
        assert second.recv_timeout(100, TIMEOUT_MS) == b"hello"
        second.close()


def test_an_address_that_answered_before_is_kept(echo, monkeypatch):
    """A server that restarts refuses for a moment: that says nothing about its other addresses."""
    monkeypatch.setattr(posix_net, "_resolve", addresses(echo.port, free_port()))
    skip = {}
    link = Socket(skip)
    link.connect("name", 5683, "udp")
    link.send(b"hello")
    assert link.recv_timeout(100, TIMEOUT_MS) == b"hello"
    echo.close()
    link.send(b"still there?")
    with pytest.raises(TransportError, match="refused"):
        link.recv_timeout(100, TIMEOUT_MS)
    assert skip == {}
    link.close()


def test_an_address_that_cannot_be_reached_is_passed_over(echo, monkeypatch):
    broken = [
        (socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("255.255.255.255", 9)),  # EACCES without SO_BROADCAST
        (0x7FFF, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", 9)),  # no such family
    ]
    monkeypatch.setattr(posix_net, "_resolve", lambda host, port: broken + addresses(echo.port)(host, port))
    link = Socket()
    link.connect("name", 5683, "udp")
    link.send(b"hello")
    assert link.recv_timeout(100, TIMEOUT_MS) == b"hello"
    link.close()
    monkeypatch.setattr(posix_net, "_resolve", lambda host, port: broken)
    with pytest.raises(TransportError, match="cannot reach name port 5683: "):
        link.connect("name", 5683, "udp")


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "x" * 64 + ".invalid", "a..b", "a\0b", "ünresolvable.invalid", "1.2.3.4.5"]
)
def test_a_name_that_does_not_resolve(host):
    with pytest.raises(TransportError, match="cannot resolve") as caught:
        Socket().connect(host, 5683, "udp")
    assert not caught.value.refused


def test_only_udp():
    with pytest.raises(NotSupported, match="'tcp'"):
        Socket().connect("127.0.0.1", 5683, "tcp")


@pytest.mark.parametrize("use", [lambda s: s.send(b"x"), lambda s: s.recv(9), lambda s: s.fileno()])
def test_before_connect_and_after_close(echo, use):
    link = Socket()
    with pytest.raises(TransportError, match="not connected"):
        use(link)
    link.connect(echo.host, echo.port, "udp")
    link.close()
    with pytest.raises(TransportError, match="not connected"):
        use(link)


def test_a_datagram_that_is_too_large(link):
    with pytest.raises(TransportError, match="cannot send to 127.0.0.1 port") as caught:
        link.send(bytes(70_000))
    assert not caught.value.refused
    assert link.send(b"small") == 5


def test_a_full_buffer_is_waited_for(link, monkeypatch):
    tries = []

    def send(data):
        tries.append(data)
        if len(tries) == 1:
            raise BlockingIOError
        return len(data)

    link._send = send
    assert link.send(b"data") == 4
    assert len(tries) == 2


def test_connecting_again_releases_the_old_link(echo):
    link = Socket()
    link.connect(echo.host, echo.port, "udp")
    old = link.fileno()
    link.connect(echo.host, echo.port, "udp")
    link.send(b"hello")
    assert link.recv_timeout(100, TIMEOUT_MS) == b"hello"
    assert link.fileno() == old  # the lowest free descriptor: the old one was closed
    link.close()
