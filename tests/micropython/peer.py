"""An LwM2M server within a board's own process: a socket that answers, in a few bytes of heap. For MicroPython.

It knows no atiny: it writes and reads the header of RFC 7252 by hand, so it runs beside a build of any kind.
"""

ACK, CON, NON = 2, 0, 1
CREATED, DELETED, CHANGED, GET, PUT, POST = 0x41, 0x42, 0x44, 1, 3, 2


def header(message):
    """(type, code, mid, token) of a datagram."""
    length = message[0] & 15
    return message[0] >> 4 & 3, message[1], bytes(message[2:4]), bytes(message[4 : 4 + length])


class Peer:
    """Registers whoever asks, observes /19/0/0 at once, acknowledges each notification; a `Socket` of the device.

    ``sent``: datagrams of the device; ``reports``: the notifications acknowledged; ``answers``: the codes of what was
    asked by `ask`.
    """

    def __init__(self):
        self.inbox = []
        self.sent = self.reports = 0
        self.answers = []
        self.deregistered = False
        self._mid = 0

    def connect(self, host, port, proto):
        pass

    def send(self, datagram):
        self.sent += 1
        kind, code, mid, token = header(datagram)
        if code == POST:
            self.inbox.append(bytes([0x60 | len(token), CREATED]) + mid + token + b"\x82rd\x011")
            self.ask(GET, b"\x60\x5219\x010\x010")  # Observe: register, then the path
        elif code == 4:
            self.inbox.append(bytes([0x60 | len(token), DELETED]) + mid + token)
            self.deregistered = True
        elif kind == CON:
            self.inbox.append(b"\x60\x00" + mid)
            self.reports += 1
        elif kind == ACK:
            self.answers.append(code)

    def ask(self, code, options):
        """Ask something of the device: a confirmable request with these encoded options and payload."""
        self._mid += 1
        mid = bytes([self._mid >> 8 & 255, self._mid & 255])
        self.inbox.append(b"\x42" + bytes([code]) + mid + mid + options)

    def recv(self, size):
        return self.inbox.pop(0) if self.inbox else None

    def fileno(self):
        """As of a socket that a poller can wait for; who drives the client by `step` never waits."""

    def close(self):
        pass
