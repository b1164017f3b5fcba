"""A device that may run out of memory, and its peer: shared by the tests of that."""

from atiny.coap.exchange import DONE

from .peer import ACK, BLOCK1, CHANGED, CON, CONTENT, CONTINUE, GET, PUT, Device, block, pack, path
from .shortage import Shortage
from .stream_rig import Sink

FAULT = 0xA0
MOST = 2000  # places that allocate in one story; far more than there are


class Story:
    """A device that may run out of memory at one place, and its peer.

    ``told``: what the host heard of it. The peer sends again what is not answered, and begins again what fails.
    """

    def __init__(self, at, answer=None, **options):
        self.told = []
        self.sinks = []
        self.device = Device(answer, failed=lambda *what: self.told.append(what), **options)
        self.shortage = Shortage(at)
        self.mid = 0

    def hear(self, datagram):
        """What the device sends at once, on a datagram that it hears while memory may be short."""
        with self.shortage:
            self.device.endpoint.receive(datagram, self.device.now)
        return self.device.take()

    def ask(self, code, options, payload=b"", kind=CON):
        """The answer to a request, which is sent up to three times; None: there was none."""
        self.mid += 1
        datagram = pack(kind, code, self.mid, b"t%d" % self.mid, options, payload)
        for _ in range(3):
            answers = self.hear(datagram)
            if answers:
                assert (answers[-1].mid if kind == CON else self.mid) == self.mid
                return answers[-1]
        return None

    def opener(self, request):
        self.sinks.append(Sink())
        return self.sinks[-1]

    def over(self):
        """What must hold when the story is told, however it went."""
        device = self.device
        for _, error in self.told:
            assert type(error) is MemoryError
        exchange = device.exchange
        for ring in (exchange._replies, exchange._read_replies):
            assert sorted(key for key in ring._keys if key) == sorted(ring._replies)
            assert ring._held == sum(len(reply) for _, reply in ring._replies.values())
        device.wait(300_000)  # what waited for its turn is given up by now
        assert exchange.idle
        device.ends.clear()
        device.ask("next")
        request = device.one()
        device.hear(pack(ACK, CONTENT, request.mid, request.token))
        assert [end[:2] for end in device.ends] == [("next", DONE)]
        assert device.reply(pack(CON, GET, 60_000, b"next", path("/3/0"))).code in (CONTENT, CHANGED)


def upload(story, content, to, size=16):
    """PUT a body in blocks; begin again where it fails. Returns the last answer."""
    for _ in range(4):
        number = 0
        while True:
            more = (number + 1) * size < len(content)
            part = content[number * size : (number + 1) * size]
            options = [*path(to), (BLOCK1, block(number, more, 0))]
            answer = story.ask(PUT, options, part)
            if answer is None or answer.code not in (CONTINUE, CHANGED):
                break
            if not more:
                return answer
            number += 1
    return None
