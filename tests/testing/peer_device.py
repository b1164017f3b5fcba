"""A device of aiocoap messages, for the tests of the virtual server."""

from aiocoap import ACK, CON, Message

from atiny.testing import Conditions, Network, NetworkSocket, VirtualClock, VirtualServer

LINKS = b'</>;rt="oma.lwm2m",</1/0>,</3/0>'
REGISTER = ("ep=dev", "lt=300", "lwm2m=1.0", "b=U")


class Device:
    """Sends what it is told, answers requests with ``answer(message)``, keeps what it receives."""

    def __init__(self, network, host="dev"):
        self.network = network
        self.socket = NetworkSocket(network, host)
        self.socket.connect("server", 5683, "udp")
        self.received = []
        self.answer = lambda message: None
        self.mid = 100

    def message(self, code, path="", query=(), payload=b"", mtype=CON, mid=None, token=b"t", **options):
        message = Message(code=code, payload=payload)
        message.opt.uri_path = [segment for segment in path.split("/") if segment]
        message.opt.uri_query = query
        for name, value in options.items():
            setattr(message.opt, name, value)
        self.mid += 1
        message.mtype, message.mid, message.token = mtype, self.mid if mid is None else mid, token
        return message

    def send(self, *args, **options):
        self.socket.send(self.message(*args, **options).encode())

    def empty(self, mtype, mid):
        self.socket.send(bytes([0x40 | mtype << 4, 0]) + mid.to_bytes(2, "big"))

    def run(self, ms=1000):
        """Let time pass; returns what was received in it."""
        end = self.network.clock.now_ms + ms
        before = len(self.received)
        while True:
            self.network.advance(lambda: self.socket.readable(0), end)
            data = self.socket.recv(2048)
            if data is None:
                return self.received[before:]
            message = Message.decode(data)
            self.received.append(message)
            if 1 <= message.code < 32:
                self.respond(message)

    def respond(self, message):
        response = self.answer(message)
        if response is not None:
            response.token = message.token
            response.mtype, response.mid = ACK, message.mid
            self.socket.send(response.encode())

    def ask(self, *args, **options):
        """Send a request; returns the code and the payload of the one answer."""
        self.send(*args, **options)
        (answer,) = self.run()
        return "%d.%02d" % (answer.code >> 5, answer.code & 31), answer

    def register(self, query=REGISTER):
        code, answer = self.ask(2, "rd", query, LINKS, content_format=40)
        assert code == "2.01"
        return "/".join(answer.opt.location_path)


class World:
    def __init__(self, **options):
        self.network = Network(VirtualClock(0), 0, Conditions(), Conditions())
        self.server = VirtualServer(self.network, **options)
        self.device = Device(self.network)


def content(payload, **options):
    message = Message(code=69, payload=payload)
    for name, value in options.items():
        setattr(message.opt, name, value)
    return message
