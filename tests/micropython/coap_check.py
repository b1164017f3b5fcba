"""An endpoint driven by a script of lines, on either runtime; what it sends is printed, to be compared.

Each line of the standard input is a datagram in hexadecimal, "+ MS" (time passes), "ask LENGTH" (a request of ours with
a body of that length) or "notify LENGTH".

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/coap_check.py < script
"""

import sys

from atiny.coap.endpoint import Endpoint
from atiny.coap.message import Message
from atiny.errors import Rejected


class Rng:
    """The same bytes on every runtime."""

    def __init__(self):
        self.state = 1

    def bytes(self, count):
        out = bytearray()
        for _ in range(count):
            self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
            out.append(self.state >> 16 & 0xFF)
        return bytes(out)


def handler(request):
    """An answer of every kind, by the length of the request's payload and its message id."""
    if request.mid % 11 == 10:
        return None
    code = (0x45, 0x44, 0x84)[request.mid % 3]
    return Message(code, [(12, b"\x2a")], request.payload + b"0123456789" * (request.mid % 7 * 40))


class Sink:
    """What a streamed transfer is told, as lines; every eleventh write is refused."""

    def __init__(self, lines):
        self.lines = lines

    def write(self, offset, data, total):
        self.lines.append("write %d %s %s" % (offset, data.hex(), total))
        if len(self.lines) % 11 == 10:
            raise Rejected(0x83, "not that")

    def end(self):
        self.lines.append("whole")

    def abandon(self):
        self.lines.append("abandoned")


def play(lines, write):
    """Run a script; ``write`` gets a line for each datagram sent and each end of a message of ours."""
    now = seen = 0
    ends = []
    told = []

    def stream(request):
        if (11, b"19") not in request.options:
            return None
        return Message(0xA3) if request.mid % 5 == 4 else Sink(told)

    endpoint = Endpoint(handler, Rng().bytes, szx=4, max_body=2000, stream=stream)
    exchange = endpoint.exchange

    def end(outcome, response):
        ends.append("end %d %s" % (outcome, response and response.payload.hex()))

    for line in lines:
        line = line.strip()
        if line.startswith("+"):
            now += int(line[1:])
            exchange.handle_timer(now)
            if endpoint.streams is not None:
                endpoint.streams.handle_timer(now)
        elif line.startswith("ask"):
            endpoint.request(Message(2, [(11, b"rd")], b"x" * int(line[3:])), end)
        elif line.startswith("notify"):
            request = Message(1, [(6, b""), (11, b"3")], b"", 0, 0, b"obs")
            endpoint.notify(request, Message(0x45, [(6, b"\x01")], b"y" * int(line[6:])), True, end, now)
        else:
            endpoint.receive(bytes.fromhex(line), now)
        outbox = exchange.outbox
        exchange.outbox = []
        for id, datagram in outbox:
            if id:
                exchange.sent(id, now)
            write("%d %s" % (now, datagram.hex()))
        while ends:
            write(ends.pop(0))
        for line in told[seen:]:
            write("sink " + line)
        seen = len(told)


if __name__ == "__main__":
    play(sys.stdin, print)
