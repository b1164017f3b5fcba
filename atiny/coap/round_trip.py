"""The retransmission time-out of a peer that is asked again and again, learnt from how long its answers take.

RFC 7252 (section 4.8) takes 2 to 3 seconds for a peer of which nothing is known; a transfer of a thousand blocks over
a link that loses some of them would spend most of its time waiting. This is the estimator of RFC 6298: smoothed round
trip plus a multiple of its variation, answers to a retransmitted request not counted, the time-out doubled and kept
after one (Karn's algorithm). One message is outstanding at a time, and each retransmission still waits twice as long as
the one before: a link that is congested gets less, not more. Before the first answer the peer's parameters are those
of the section; and the last retransmission comes as late as with them.
"""

from .exchange import Transmission

LEAST_MARGIN_MS = 20  # between the round trip and the time-out: the clocks and schedulers of both ends
LONGEST_MS = 32000  # of the first time-out


class RoundTrip(Transmission):
    """A link's own parameters, `Exchange.transmission`, which begin as ``usual`` and follow the peer's round trips.

    Call `asked` when a request is sent and `answered` with its end; times in milliseconds.
    """

    def __init__(self, usual: Transmission):
        Transmission.__init__(self, usual.ack_timeout_ms, usual.ack_random_permille, usual.max_retransmit)
        self._longest_ms = max(LONGEST_MS, usual.ack_timeout_ms)
        self._span = usual.ack_timeout_ms * ((2 << usual.max_retransmit) - 1)
        self._smoothed: "int | None" = None  # in eighths of a millisecond
        self._variation = 0  # in quarters
        self._sent_ms = 0
        self._waited_ms = 0  # the time-out of the request that is under way, at the least

    def asked(self, now: int) -> None:
        """A request is sent."""
        self._sent_ms = now
        self._waited_ms = self.ack_timeout_ms

    def answered(self, now: int) -> None:
        """It was answered."""
        took = now - self._sent_ms
        if took >= self._waited_ms:  # to which of its transmissions, nobody can say
            timeout_ms = self._waited_ms * 2
        else:
            smoothed = self._smoothed
            if smoothed is None:
                smoothed = took << 3
                self._variation = took << 1
            else:
                difference = took - (smoothed >> 3)
                smoothed += difference
                self._variation += abs(difference) - (self._variation >> 2)
            self._smoothed = smoothed
            smoothed >>= 3
            timeout_ms = smoothed + max(self._variation, smoothed >> 1, LEAST_MARGIN_MS)
        self.ack_timeout_ms = timeout_ms = min(self._longest_ms, timeout_ms)
        tries = 1
        while timeout_ms * ((2 << tries) - 1) < self._span:
            tries += 1
        self.max_retransmit = tries
