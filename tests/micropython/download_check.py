"""Downloads by coap over a bad link, on either runtime; all that is sent and received is printed, to be compared.

The server is a few lines here: what is shown is that both runtimes do the same, not that it is right.

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/download_check.py
"""

from atiny.agent import CLOSE_LINK, OPEN_LINK, Agent, Settings
from atiny.coap.message import Message, decode, encode, uint_bytes
from atiny.errors import ParameterError
from atiny.fota.coap_source import CoapSource
from atiny.fota.coap_uri import decompose
from atiny.fota.download import Download, source_for
from atiny.fota.machine import CONNECTION_LOST
from atiny.lwm2m.model import Model
from atiny.lwm2m.report import ReportQueue

URIS = (
    "coap://files/a%20b//%C3%A4?x=1&y=%26",
    "COAPS://[::1]:7/a",
    "coap://10.0.0.1",
    "coap://h/%ff",
    "coap://h/%4",
    "coap://h/#f",
    "coap://u@h/a",
    "coap:/h",
    "",
)


class Rng:
    """The same bytes on every runtime."""

    def __init__(self, seed):
        self.state = seed

    def bytes(self, count):
        out = bytearray()
        for _ in range(count):
            self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
            out.append(self.state >> 16 & 0xFF)
        return bytes(out)


class Mutex:
    def lock(self):
        pass

    unlock = lock


class Known:
    schemes = ("coap", "coaps")


class Options:
    tries = 4
    retry_min_s = 5
    retry_max_s = 120


class Life(Download):
    """One download; ``trouble`` chooses what goes wrong besides the losses."""

    def __init__(self, trouble, write):
        self.write = write
        self.trouble = trouble
        self.rng = Rng(trouble + 1)
        self.content = Rng(7).bytes(9001)
        self.tag = b"one"
        self.szx = 6
        self.now = 1000
        self.served = 0
        self.links = []
        self.wire = []  # (time, link, datagram) on their way to the device
        self.over = False
        self.agent = Agent(Settings("dev"), Model(), ReportQueue(Mutex()), self.rng.bytes)
        self.agent.clock.ms = self.now
        Download.__init__(self, self.agent, "coap://files/lamp.bin", [CoapSource(self.agent)], Options)

    # -- what comes

    def begin(self, offset):
        self.write("begin %s %s %d" % (self.etag and self.etag.hex(), self.total, offset))

    def data(self, data):
        self.write("data %d %s" % (len(data), bytes(data[:8]).hex()))

    def whole(self):
        self.end(None, True)

    def failed(self, result, reason):
        self.end(reason, result != CONNECTION_LOST)

    def end(self, error, final):
        self.write("end %s %s" % (error, final))
        self.over = True

    # -- the server

    def serve(self, link, datagram):
        request = decode(datagram)
        self.served += 1
        self.misbehave()
        block2 = request.uint(23) or 0
        szx = min(self.szx, block2 & 7)
        start = (block2 >> 4) << (block2 & 7) + 4
        size = 16 << szx
        more = start + size < len(self.content)
        options = [] if self.tag is None else [(4, self.tag)]
        options += [
            (23, uint_bytes(start >> szx + 4 << 4 | (8 if more else 0) | szx)),
            (28, uint_bytes(len(self.content))),
        ]
        answer = Message(0x45, options, self.content[start : start + size])
        if start and start >= len(self.content):
            answer = Message(0x80)
        if self.trouble == 3 and 5 < self.served < 9:
            answer = Message(0xA3, [(14, b"\x09")])
        if self.trouble == 4 and self.served > 7:
            answer = Message(0x84)
        answer.type, answer.mid, answer.token = 2, request.mid, request.token
        chances = self.rng.bytes(3)
        if chances[0] > 50:
            self.wire.append((self.now + 20 + chances[1], link, encode(answer)))
            if chances[2] < 50:
                self.wire.append((self.now + 40 + chances[2], link, encode(answer)))

    def misbehave(self):
        if self.served == 5:
            if self.trouble == 1:
                self.content = Rng(8).bytes(5000)
                self.tag = b"two"
            elif self.trouble == 2:
                self.szx = 3
            elif self.trouble == 5:
                self.tag = None
        if self.trouble == 6:
            self.tag = bytes((self.served,))

    # -- the loop

    def run(self):
        self.go_on()
        while not self.over and self.now < 10000000:
            self.turn()
            dues = [self.agent.deadline(), self.deadline()] + [entry[0] for entry in self.wire]
            known = [due for due in dues if due is not None]
            if not known:
                break
            self.now = max(self.now, min(known))
            self.agent.clock.ms = self.now
            arrived = [entry for entry in self.wire if entry[0] <= self.now]
            self.wire = [entry for entry in self.wire if entry[0] > self.now]
            for _, link, datagram in arrived:
                if link in self.links:
                    self.agent.receive(link, datagram, self.now)
            self.agent.handle_timer(self.now)
            due = self.deadline()
            if due is not None and due <= self.now:
                self.go_on()
        self.turn()
        self.write("%d links at %d ms" % (len(self.links), self.now))

    def turn(self):
        event: "tuple | None" = (0, 0, 0)
        while event is not None:
            for link, id, datagram in self.agent.datagrams_to_send(self.now):
                self.write("%d send %d %s" % (self.now, link, datagram.hex()))
                if id:
                    self.agent.sent(link, id, self.now)
                if self.trouble != 7 and self.rng.bytes(1)[0] > 50:
                    self.serve(link, datagram)
            event = self.agent.next_event()
            if event is not None and event[0] == OPEN_LINK:
                self.write("open %d %s %d" % (event[1], event[2][0], event[2][1]))
                self.links.append(event[1])
                self.agent.link_opened(event[1], self.now)
            elif event is not None and event[0] == CLOSE_LINK:
                self.write("close %d" % event[1])
                self.links.remove(event[1])


def play(write):
    """All of it; ``write`` gets the lines."""
    for uri in URIS:
        try:
            source_for(uri, [Known])
            write("%s %s" % decompose(uri))
        except ParameterError:
            write("no URI")
    for trouble in range(8):
        write("trouble %d" % trouble)
        Life(trouble, write).run()


if __name__ == "__main__":
    play(print)
