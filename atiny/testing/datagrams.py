"""A datagram of the virtual network: what it is, and what can happen to it on its way."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

Address = tuple[str, int]

_TYPES = ("CON", "NON", "ACK", "RST")


@dataclass
class Conditions:
    """What happens to the datagrams of one direction. Probabilities are from 0 to 1.

    ``delay_ms``: a number, or the range (least, most) to choose from. ``reordering``: the probability that a datagram
    takes up to ``reordering_ms`` longer, so that later ones overtake it. ``corruption``: that bits flip or its end is
    cut off.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay_ms: int | tuple[int, int] = 20
    reordering: float = 0.0
    reordering_ms: int = 3000
    corruption: float = 0.0

    def delay_of(self, chance: float, overtaken: float) -> int:
        """The delay of one datagram in milliseconds, from two random numbers of 0 to 1."""
        least, most = self.delay_ms if isinstance(self.delay_ms, tuple) else (self.delay_ms, self.delay_ms)
        delay_ms = least + int(chance * (most - least + 1))
        if overtaken < self.reordering:
            delay_ms += 1 + int(overtaken / self.reordering * self.reordering_ms)
        return delay_ms


@dataclass(slots=True)
class Datagram:
    """What the trace keeps of a datagram.

    ``fate``: "delivered", or why not: "lost" (by chance), "dropped" (scripted), "partition", "refused", "nobody" (no
    one is bound there). ``arrivals_ms``: the virtual times it was delivered at, none or several. ``data`` is what was
    sent, ``altered`` what arrives where that is something else.
    """

    number: int
    time_ms: int
    source: Address
    destination: Address
    data: bytes
    uplink: bool
    fate: str = "delivered"
    altered: bytes | None = None
    arrivals_ms: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        way = "up  " if self.uplink else "down"
        text = f"{self.time_ms:>10} ms {way} {len(self.data):4} B "
        if len(self.data) >= 4:
            code = self.data[1]
            text += (
                f"{_TYPES[self.data[0] >> 4 & 3]} {code >> 5}.{code & 31:02} mid {self.data[2] << 8 | self.data[3]:5} "
            )
        return text + self.fate + (" (altered)" if self.altered is not None else "")


def corrupted(data: bytes, twist: random.Random) -> bytes:
    """``data`` with 1 to 3 bits flipped, or, one time in four, with its end cut off."""
    if not data or twist.random() < 0.25:
        return data[: twist.randrange(len(data) or 1)]
    changed = bytearray(data)
    for bit in twist.sample(range(8 * len(data)), twist.randint(1, 3)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
