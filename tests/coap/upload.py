"""A peer that uploads in blocks: shared by the tests of Block1."""

from atiny.coap.message import Message

from .peer import (
    BLOCK1,
    CHANGED,
    CON,
    CONTENT_FORMAT,
    PUT,
    Device,
    block,
    pack,
    path,
)

BAD_REQUEST, BAD_OPTION, INCOMPLETE, TOO_LARGE, UNAVAILABLE = 0x80, 0x82, 0x88, 0x8D, 0xA3
REQUEST_TAG = 292


class Upload:
    """A device that takes PUTs, and the peer that sends it blocks."""

    def __init__(self, **options):
        self.device = Device(lambda request: Message(CHANGED, None, b"%d" % len(self.device.asked)), **options)
        self.mid = 0
        self.token = 0

    @property
    def bodies(self):
        return [request.payload for request in self.device.asked]

    def raw(self, number, more, szx, payload, to="/5/0/0", code=PUT, kind=CON, extra=()):
        """One block, under a new message id and token."""
        self.mid += 1
        self.token += 1
        options = [*path(to), (CONTENT_FORMAT, b"\x2a"), *extra, (BLOCK1, block(number, more, szx))]
        return pack(kind, code, self.mid, b"%d" % self.token, options, payload)

    def send(self, number, more, szx, payload, **options):
        return self.device.reply(self.raw(number, more, szx, payload, **options))

    def of(self, content, number, szx, **options):
        """The block of that number of a body."""
        size = 16 << szx
        more = (number + 1) * size < len(content)
        return self.send(number, more, szx, content[number * size : (number + 1) * size], **options)


def seen(answer):
    """(code, Block1 of the answer)."""
    block1 = answer.opt.block1
    return (int(answer.code), block1 and (block1.block_number, block1.more, block1.size_exponent))
