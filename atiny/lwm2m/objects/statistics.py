"""Connectivity Statistics, object 7 (OMA LwM2M 1.0, E.8): the traffic of a collection period, as it was counted.

Start begins a window, which ends by its period or by Stop; the counts stay until the next Start. Sizes are those of IP
messages, as the object's definition has them: what is on the link and the headers of UDP and IP. Retransmissions of
CoAP count, those below IP cannot be seen. There are no SMS here, and so no counts of them. A kilobyte has 1000 bytes:
1.0 does not say which it means, the texts of later versions do.
"""

from ...coap.codes import BAD_REQUEST
from ...errors import Rejected
from ..model import Object, Resource
from ..types import INTEGER, NONE

LONGEST_S = 0xFFFFFFFF
UDP_IPV4_HEADERS = 28
KILOBYTE = 1000


class Statistics(Object):
    """The one instance of object 7. ``clock.ms`` is the time in milliseconds.

    ``running``: whether datagrams are counted; ask it before calling `count_sent` and `count_received`. A window whose
    period is over stays running until then, without counting any more.
    """

    object_id = 7
    resources = (
        Resource(0, "sms_tx_counter", INTEGER),
        Resource(1, "sms_rx_counter", INTEGER),
        Resource(2, "tx_data_kb", INTEGER, unit="kB"),
        Resource(3, "rx_data_kb", INTEGER, unit="kB"),
        Resource(4, "max_message_size", INTEGER, unit="B"),
        Resource(5, "average_message_size", INTEGER, unit="B"),
        Resource(6, "start", NONE, "E", mandatory=True),
        Resource(7, "stop", NONE, "E", mandatory=True),
        # That of the windows which are started from now on; 0: until Stop.
        Resource(8, "collection_period_s", INTEGER, "RW", unit="s", range=(0, LONGEST_S)),
    )

    def __init__(self, clock, overhead: int = UDP_IPV4_HEADERS):
        self._clock = clock
        self._overhead = overhead  # bytes of headers around each datagram
        self.running = False
        self.collection_period_s = 0
        self._end_ms: "int | None" = None  # of the window; None: it ends by Stop
        self._reset()

    def _reset(self) -> None:
        self.max_message_size = 0
        self._messages = 0
        self._sent = 0  # bytes
        self._received = 0

    # -- counting

    def count_sent(self, size: int) -> None:
        """A datagram of ``size`` bytes was sent on the link."""
        if self._count(size):
            self._sent += size + self._overhead

    def count_received(self, size: int) -> None:
        """A datagram of ``size`` bytes was received from the link."""
        if self._count(size):
            self._received += size + self._overhead

    def _count(self, size: int) -> bool:
        """Whether a datagram of now belongs to the window."""
        if not self.running:
            return False
        if self._end_ms is not None and self._clock.ms >= self._end_ms:
            self.running = False
            return False
        self._messages += 1
        if size + self._overhead > self.max_message_size:
            self.max_message_size = size + self._overhead
        return True

    # -- what servers see

    def read_tx_data_kb(self) -> int:
        """Rounded down."""
        return self._sent // KILOBYTE

    def read_rx_data_kb(self) -> int:
        """Rounded down."""
        return self._received // KILOBYTE

    def read_average_message_size(self) -> int:
        """Over both directions, rounded down; 0 where nothing was counted."""
        return (self._sent + self._received) // self._messages if self._messages else 0

    def replace(self) -> None:
        """Without a collection period, a window ends by Stop."""
        self.collection_period_s = 0

    def execute_start(self, arguments: str) -> None:
        """Counts begin at 0; the answer is the first that is counted."""
        _check_arguments(arguments)
        self._reset()
        period_ms = self.collection_period_s * 1000
        self._end_ms = self._clock.ms + period_ms if period_ms else None
        self.running = True

    def execute_stop(self, arguments: str) -> None:
        """The counts stay."""
        _check_arguments(arguments)
        self.running = False


def _check_arguments(arguments: str) -> None:
    if arguments:
        raise Rejected(BAD_REQUEST, "no arguments are taken")
