"""A datagram network in memory and in virtual time, as bad as a test wants it, the same for the same seed.

Devices connect with `NetworkSocket`, servers `bind`. A datagram on its way, and whatever `call_at` was asked to do, is
an entry in one queue ordered by time; `advance` lets time pass from one entry to the next.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from functools import partial

from ..errors import TransportError
from .clock import VirtualClock
from .datagrams import Address, Conditions, Datagram, corrupted
from .ends import NetworkSocket, Port, Receiver

# Given a datagram: None or True lets it pass, False drops it, bytes go on in its place.
Filter = Callable[[Datagram], "bool | bytes | None"]


class Timer:
    """Something to be done at a moment of virtual time; `cancel` forgets it."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], object] | None):
        self.function = function

    def cancel(self) -> None:
        """Do not do it."""
        self.function = None


class Network:
    """The network, and the queue of all that is due in it.

    ``uplink`` and ``downlink`` are the `Conditions` from and to the devices; they may be changed at any time, as may
    ``filters``, a list of `Filter`. ``trace`` has the last ``trace_limit`` datagrams that were sent.
    """

    def __init__(
        self,
        clock: VirtualClock | None = None,
        seed: int | str = 0,
        uplink: Conditions | None = None,
        downlink: Conditions | None = None,
        trace_limit: int = 100_000,
    ):
        self.clock = clock or VirtualClock()
        self.seed = seed
        self.uplink = uplink or Conditions()
        self.downlink = downlink or Conditions()
        self.filters: list[Filter] = []
        self.trace: deque[Datagram] = deque(maxlen=trace_limit)
        self.sent = 0  # datagrams since the beginning
        self._random = random.Random(f"network {seed}")
        self._ends: dict[Address, Port | NetworkSocket] = {}
        self._queue: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        self._ephemeral = itertools.count(49152)
        self._refusing: set[int | Address] = set()
        self._unresolvable: set[str] = set()
        self._partition: set[bool] = set()
        self._drops: dict[bool, set[int]] = {True: set(), False: set()}
        self._counts = {True: 0, False: 0}

    # -- faults

    def set(self, **conditions: object) -> None:
        """Change conditions of both directions: ``network.set(loss=0.3, duplication=0.2)``."""
        for direction in (self.uplink, self.downlink):
            for name, value in conditions.items():
                if not hasattr(direction, name):
                    raise TypeError(f"Conditions has no {name}")
                setattr(direction, name, value)

    def drop(self, *numbers: int, uplink: bool) -> None:
        """Drop the nth datagrams of a direction, counted from now: ``drop(1, 3, uplink=True)``."""
        self._drops[uplink].update(self._counts[uplink] + number for number in numbers)

    def partition(self, uplink: bool = True, downlink: bool = True) -> None:
        """From now on nothing passes in the directions given."""
        self._partition = {way for way, cut in ((True, uplink), (False, downlink)) if cut}

    def heal(self) -> None:
        """End the partition."""
        self._partition = set()

    def refuse(self, port: int, host: str | None = None) -> None:
        """``port`` (of ``host``, or of all) answers with ICMP "port unreachable" from now on, bound or not."""
        self._refusing.add(port if host is None else (host, port))

    def accept(self, port: int, host: str | None = None) -> None:
        """End what `refuse` began."""
        self._refusing.discard(port if host is None else (host, port))

    def unresolvable(self, host: str, gone: bool = True) -> None:
        """The name ``host`` does not resolve (``gone`` False: it does again)."""
        (self._unresolvable.add if gone else self._unresolvable.discard)(host)

    def rebind(self, socket: NetworkSocket) -> Address:
        """Give a connected socket a new source port, as a NAT does that forgot it; returns the new address."""
        self.release(socket.address, socket)
        socket.address = self._claim((socket.address[0], next(self._ephemeral)), socket)
        return socket.address

    # -- ends

    def bind(self, host: str, port: int, receiver: Receiver) -> Port:
        """A server's end at ``(host, port)``; ``receiver(data, source)`` is called for each datagram that arrives."""
        end = Port(self, (host, port), receiver)
        self._claim(end.address, end)
        return end

    def connect(self, socket: NetworkSocket, host: str, port: int) -> None:
        """Called by `NetworkSocket.connect`: give it an address."""
        if host in self._unresolvable:
            raise TransportError(f"cannot resolve {host!r}: the virtual network was told not to")
        socket.address = self._claim((socket.host, next(self._ephemeral)), socket)
        socket.peer = (host, port)

    def _claim(self, address: Address, end: Port | NetworkSocket) -> Address:
        if address in self._ends:
            raise OSError(f"address in use: {address[0]} port {address[1]}")
        self._ends[address] = end
        return address

    def release(self, address: Address, end: Port | NetworkSocket) -> None:
        """Called by an end: it is no longer at ``address``."""
        if self._ends.get(address) is end:
            del self._ends[address]

    # -- datagrams

    def transmit(self, source: Address, destination: Address, data: bytes, *, uplink: bool) -> None:
        """Called by an end: send a datagram on its way."""
        self.sent += 1
        self._counts[uplink] += 1
        datagram = Datagram(self.sent, self.clock.now_ms, source, destination, bytes(data), uplink)
        self.trace.append(datagram)
        conditions = self.uplink if uplink else self.downlink
        # As many draws for each datagram, whatever becomes of it: changing one probability leaves the other draws be.
        loss, duplication, corruption, *chances = (self._random.random() for _ in range(7))
        twist = random.Random(self._random.getrandbits(32))
        if self._counts[uplink] in self._drops[uplink]:
            self._drops[uplink].discard(self._counts[uplink])
            datagram.fate = "dropped"
            return
        content = self._filtered(datagram)
        if content is None:
            datagram.fate = "dropped"
        elif uplink in self._partition:
            datagram.fate = "partition"
        elif loss < conditions.loss:
            datagram.fate = "lost"
        else:
            if corruption < conditions.corruption:
                content = corrupted(content, twist)
            if content != datagram.data:
                datagram.altered = content
            for chance, overtaken in ((chances[0], chances[1]), (chances[2], chances[3])):
                delay_ms = conditions.delay_of(chance, overtaken)
                self.call_at(self.clock.now_ms + delay_ms, partial(self._arrive, datagram, content))
                if duplication >= conditions.duplication:
                    break

    def _filtered(self, datagram: Datagram) -> bytes | None:
        content = datagram.data
        for function in self.filters:
            verdict = function(datagram)
            if verdict is False:
                return None
            if isinstance(verdict, bytes):
                content = verdict
        return content

    def _arrive(self, datagram: Datagram, content: bytes) -> None:
        _, port = datagram.destination
        if port in self._refusing or datagram.destination in self._refusing:
            datagram.fate = "refused"
            sender = self._ends.get(datagram.source)
            if sender is not None:
                sender.refused()
            return
        end = self._ends.get(datagram.destination)
        if end is None:
            datagram.fate = "nobody"
            return
        datagram.arrivals_ms.append(self.clock.now_ms)
        end.deliver(content, datagram.source)

    # -- time

    def call_at(self, time_ms: int, function: Callable[[], object]) -> Timer:
        """Call ``function()`` when the virtual time is ``time_ms`` (at the next `run_due` where that is past)."""
        timer = Timer(function)
        heapq.heappush(self._queue, (time_ms, next(self._order), timer))
        return timer

    def next_due(self) -> int | None:
        """The virtual time of the next thing due, or None."""
        while self._queue and self._queue[0][2].function is None:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def run_due(self) -> None:
        """Do what is due by now, in the order of its times."""
        due = self.next_due()
        while due is not None and due <= self.clock.now_ms:
            timer = heapq.heappop(self._queue)[2]
            if timer.function is not None:
                timer.function()
            due = self.next_due()

    def advance(self, ended: Callable[[], bool], deadline_ms: int | None = None) -> None:
        """Let time pass until ``ended()`` or until it is ``deadline_ms``.

        Raises AssertionError where there is no deadline and nothing is left that could happen.
        """
        while True:
            self.run_due()
            if ended() or (deadline_ms is not None and self.clock.now_ms >= deadline_ms):
                return
            self.clock.advance_to(next_moment(self.next_due(), deadline_ms))

    def format_trace(self, last: int = 20) -> str:
        """The last datagrams, one a line."""
        return "\n".join(
            str(datagram) for datagram in itertools.islice(self.trace, max(0, len(self.trace) - last), None)
        )


def next_moment(*dues_ms: int | None) -> int:
    """The earliest of the moments; AssertionError where all are None."""
    moments = [due_ms for due_ms in dues_ms if due_ms is not None]
    if not moments:
        raise AssertionError("a wait without end: nothing is due, no datagram is on its way, and there is no time-out")
    return min(moments)
