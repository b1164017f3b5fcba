"""An upload whose blocks go to sinks, which note all that they are told."""

from atiny.errors import Rejected

from .peer import EXCHANGE_LIFETIME_MS, URI_PATH
from .upload import Upload

FORBIDDEN = 0x83


class Sink:
    """``log`` has what it was told; ``refuse``: the call that raises, as (what, number of the write)."""

    def __init__(self, refuse=None):
        self.log = []
        self.body = b""
        self.writes = 0
        self.refuse = refuse

    @property
    def over(self):
        """How it ended: "end", "abandon", "refused", or "" while it is open."""
        return self.log[-1] if self.log and type(self.log[-1]) is str else ""

    def _tell(self, *call):
        assert not self.over, "it hears of nothing after its end"
        if self.refuse == (call[0], self.writes):
            self.log.append("refused")
            raise Rejected(FORBIDDEN, "not that")
        self.log.append(call if call[1:] else call[0])

    def write(self, offset, data, total):
        assert offset == len(self.body)
        assert type(data) is bytes
        self.writes += 1
        self._tell("write", offset, len(data), total)
        self.body += data

    def end(self):
        self._tell("end")

    def abandon(self):
        self._tell("abandon")


class Push(Upload):
    """``sinks``: those that were opened, in order. ``opening``: what an opener says next (a Message, None), each once.

    Only what goes to /5 is streamed.
    """

    def __init__(self, refuse=None, **options):
        super().__init__(stream=self._open, **options)
        self.sinks = []
        self.opening = []
        self.refuse = refuse

    def _open(self, request):
        if (URI_PATH, b"5") not in request.options:
            return None
        if self.opening:
            return self.opening.pop(0)
        self.sinks.append(Sink(self.refuse))
        return self.sinks[-1]

    @property
    def due(self):
        """When the transfer is to be looked at, or None."""
        streams = self.device.endpoint.streams
        return None if streams is None else streams.due

    @property
    def ends(self):
        return [sink.over for sink in self.sinks]

    def wait(self, ms):
        """Let time pass; what is due for the transfer is done when it is due."""
        until = self.device.now + ms
        due = self.due
        if due is not None and due <= until:
            self.device.now = due
            self.device.endpoint.streams.handle_timer(due)
            assert self.due is None
        self.device.now = until

    def lapse(self):
        self.wait(EXCHANGE_LIFETIME_MS)
