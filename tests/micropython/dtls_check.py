"""DTLS under MicroPython. tests/dtls/test_micropython.py runs it against servers of its own and reads what it prints.

micropython dtls_check.py sessions PORT...     a session at each port, all at once: handshake, messages
micropython dtls_check.py suite PORT SUITE [MS] one that offers that suite only
micropython dtls_check.py credentials PORT     keys and identities, good and bad, and what is said of them
micropython dtls_check.py garbage PORT         what nobody sent, into a session
micropython dtls_check.py timer PORT           a datagram that comes as the timer runs out
micropython dtls_check.py client PORT          a whole device; it obeys what it reads from its standard input
micropython dtls_check.py memory PORT HANDSHAKES MESSAGES
"""

import gc
import select
import socket
import sys
import time

import atiny
from atiny import NotSupported, ParameterError
from atiny.dtls.handshake import POLL_MS
from atiny.dtls.psk import psk_session

IDENTITY = b"lamp-1"
KEY = b"0123456789abcdef"
LIMIT_MS = 15000
now = atiny.Platform().hardware.gettime_ms


class Link:
    """A session on a socket of its own."""

    def __init__(self, port, identity=IDENTITY, key=KEY, suites=None, timeout_ms=LIMIT_MS):
        self.port = port
        self.session = psk_session(identity, key, suites, timeout_ms)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self.socket.setblocking(False)
        self.heard = []
        self.calls = 0

    def flush(self):
        for datagram in self.session.datagrams():
            self.socket.send(datagram)

    def start(self):
        self.session.start(now())
        self.flush()

    def receive(self):
        """Take one datagram; returns whether there was one."""
        try:
            datagram = self.socket.recv(2048)
        except OSError:
            return False
        self.heard += self.session.receive(datagram, now())
        self.flush()
        return True

    def tick(self):
        due = self.session.deadline()
        if due is not None and due <= now():
            self.calls += 1
            self.session.handle_timer(now())
            self.flush()

    def send(self, plaintext):
        datagram = self.session.protect(plaintext)
        assert datagram, self.session.error
        self.socket.send(datagram)

    def close(self):
        self.session.close()
        self.flush()
        self.socket.close()


def drive(links, ended, limit_ms=LIMIT_MS):
    """Serve all links until ``ended()``; sleeps between."""
    poll = select.poll()
    for link in links:
        poll.register(link.socket, select.POLLIN)
    end = now() + limit_ms
    while not ended():
        assert now() < end, "time is out: " + str([(one.port, one.session.ready, one.session.error) for one in links])
        dues = [one.session.deadline() for one in links if one.session.deadline() is not None]
        poll.poll(max(0, min(dues + [now() + POLL_MS]) - now()))
        for link in links:
            while link.receive():
                pass
            link.tick()


def shake(links):
    for link in links:
        link.start()
    drive(links, lambda: all(one.session.ready or one.session.closed for one in links))
    return links


def exchange(link, plaintext):
    """The server sends it back."""
    link.heard = []
    link.send(plaintext)
    drive([link], lambda: link.heard)
    assert link.heard == [plaintext], link.heard


def check_sessions(*ports):
    links = shake([Link(int(port)) for port in ports])
    for link in links:
        assert link.session.ready, link.session.error
        assert link.session.deadline() is None
        for size in (1, 20, 1024, 1500):
            exchange(link, bytes([size & 255]) * size)
        assert link.calls <= 12, link.calls  # no busy waiting: the timer's 1, 2, 4 s, and a little patience
        link.close()
        assert link.session.closed
        assert link.session.receive(b"x" * 20, now()) == ()
        print("ok", link.port)


def check_suite(port, suite, timeout_ms=LIMIT_MS):
    (link,) = shake([Link(int(port), suites=(suite,), timeout_ms=int(timeout_ms))])
    if link.session.ready:
        exchange(link, b"by " + suite.encode())
    print(link.session.error or "ok")


def check_credentials(port):
    port = int(port)
    for identity, key, suites in (
        (IDENTITY, KEY, None),
        (b"short", b"k", None),
        (b"long", bytes(range(32)), None),
        (IDENTITY, b"another", None),
        (b"stranger", KEY, None),
    ):
        (link,) = shake([Link(port, identity, key, suites, 2000)])
        if link.session.ready:
            exchange(link, b"hello")
        print(identity.decode(), link.session.error or "ok")
        link.close()
    for suites in (("TLS-PSK-WITH-AES-128-CCM-8",), ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",), ()):
        try:
            psk_session(IDENTITY, KEY, suites, 1000)
            print("taken", suites)
        except (NotSupported, ParameterError) as error:
            print(type(error).__name__, error)
    session = psk_session(IDENTITY, KEY, None, 2000)
    session.start(now())
    (hello,) = session.datagrams()
    print("offers", hello.hex())
    text = repr(session) + str(session)
    print("shown" if "0123456789" in text or KEY.hex() in text else "not shown")


def check_garbage(port):
    (link,) = shake([Link(int(port))])
    session = link.session
    exchange(link, b"before")
    replay = session.protect(b"echo")
    link.socket.send(replay)
    drive([link], lambda: link.heard[-1:] == [b"echo"])
    data = b"\x17\xfe\xfd\0\1\0\0\0\0\0\x09"
    for datagram in (
        b"",
        b"\x17",
        b"noise" * 30,
        data,
        data + b"\0\x20",
        data + b"\0\x20" + bytes(32),
        data + b"\0\x20" + bytes(32) + b"x",
        data + b"\0\x20" + bytes(32) + data,
        data + b"\0\0",
        data[:4] + b"\2" + data[5:] + b"\0\x20" + bytes(32),
        b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2\x28",
        b"\x15\xfe\xfd\0\1" + bytes(6) + b"\0\2\2\x28",
        b"\x14\xfe\xfd" + bytes(8) + b"\0\1\1",
        b"\x16\xfe\xfd" + bytes(8) + b"\0\x0c" + bytes(12),
        bytes(2048),
        bytes(20000),
        replay,
        replay + b"x",
    ):
        assert session.receive(datagram, now()) == (), datagram
        assert (session.ready, session.error) == (True, None), (datagram, session.error)
        exchange(link, b"after")
    print("ok", len(session.protect(b"x" * 4096)), session.protect(b"x" * 4097), session.error)


def check_timer(port):
    """A datagram that comes as the timer runs out: the module retransmits, and must be asked again to look at it."""
    link = Link(int(port))
    link.session.start(now())
    (hello,) = link.session.datagrams()
    link.socket.send(hello)
    time.sleep_ms(1050)
    link.session.receive(link.socket.recv(2048), now())
    sent = link.session.datagrams()
    print("ok" if len(sent[-1]) > len(hello) else "left lying")


def check_client(port):
    """Each line of the input is a report, "reconnect" or "stop"."""

    def on_event(event, arg):
        print("event", event, arg)

    def acknowledged(kind, cookie, status):
        print("report", cookie, atiny.ReportStatus.name(status))

    client = atiny.Client(
        "lamp-1", "coaps://127.0.0.1:" + port, psk=(IDENTITY, KEY), on_event=on_event,
        ack_timeout_ms=100, max_retransmit=2, retry_min_s=0.2,
    )  # fmt: skip
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    while not client.stopped:
        due = client.step()
        if poll.poll(10 if due is None else min(10, due)):
            line = sys.stdin.readline().strip()
            if line == "stop":
                client.stop(wait=False)
            elif line == "reconnect":
                client.reconnect()
            else:
                client.report(line.encode(), line, acknowledged)
    print("stopped")


def resident_kb():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


def check_memory(port, handshakes, messages):
    """(heap in bytes, resident kB) after a warm-up and after all of it."""

    def measure():
        gc.collect()
        return gc.mem_alloc(), resident_kb()

    def connect():
        (link,) = shake([Link(int(port))])
        assert link.session.ready, link.session.error
        return link

    for _ in range(100):
        connect().close()
    before = measure()
    for _ in range(int(handshakes)):
        connect().close()
    after = measure()
    print("handshakes", after[0] - before[0], after[1] - before[1])
    link = connect()
    for number in range(1000):
        exchange(link, b"%d" % number)
    before = measure()
    for number in range(int(messages)):
        link.send(b"%d" % number)
        link.heard = []
        while not link.heard:
            link.receive()
    after = measure()
    print("messages", after[0] - before[0], after[1] - before[1])


globals()["check_" + sys.argv[1]](*sys.argv[2:])
