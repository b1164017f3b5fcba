"""Commands to a device: queued, delivered in their order, each with a state (guide, "Delivering Commands")."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiocoap.numbers.codes import Code

from . import errors, events, values

if TYPE_CHECKING:
    from .device import Device
    from .exchange import Response


class CommandState:
    """The guide's words for where a command is."""

    WAITING = "waiting"  # cached, not sent yet
    SENT = "sent"  # on its way
    DELIVERED = "delivered"  # the device acknowledged it (the guide's "Arrived")
    SUCCESS = "success"  # and said that it was carried out (2.xx)
    FAIL = "fail"  # and refused it, or it could not be delivered
    TIMEOUT = "timeout"  # no acknowledgement came
    OVERDUE = "overdue"  # not sent within its expire time
    CANCELLED = "cancelled"  # taken back before it was sent

    FINAL = frozenset((SUCCESS, FAIL, TIMEOUT, OVERDUE, CANCELLED))


# The legal transitions. An acknowledgement of CoAP mostly carries the result, so DELIVERED is passed through.
_NEXT: dict[str, frozenset[str]] = {
    CommandState.WAITING: frozenset(
        (CommandState.SENT, CommandState.FAIL, CommandState.OVERDUE, CommandState.CANCELLED)
    ),
    CommandState.SENT: frozenset((CommandState.DELIVERED, CommandState.FAIL, CommandState.TIMEOUT)),
    CommandState.DELIVERED: frozenset((CommandState.SUCCESS, CommandState.FAIL)),
}


class Command:
    """One command. ``state``: of `CommandState`; ``history``: [(seconds since 1970-01-01 UTC, state)].

    ``response``: the device's answer where there is one; ``reason``: why it failed, or "".
    """

    def __init__(
        self, id: int, endpoint: str, path: str, data: bytes, expire_s: float, changed: Callable[[Command], float]
    ):
        self.id = id
        self.endpoint = endpoint
        self.path = path
        self.data = data
        self.expire_s = expire_s
        self.state = CommandState.WAITING
        self.reason = ""
        self.response: Response | None = None
        self.history: list[tuple[float, str]] = []
        self._changed = changed
        self._final: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.history.append((changed(self), self.state))

    @property
    def final(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in CommandState.FINAL

    async def wait(self, timeout_s: float | None = None) -> str:
        """The final state, when it is there. Raises `TimeoutError` after ``timeout_s``."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._final), timeout_s)
        except asyncio.TimeoutError:
            raise TimeoutError(f"command {self.id} is still {self.state} after {timeout_s} s") from None

    def cancel(self) -> bool:
        """Take it back; returns whether that was in time (False: it is on its way, or over)."""
        if self.state != CommandState.WAITING:
            return False
        self.enter(CommandState.CANCELLED)
        return True

    def enter(self, state: str, reason: str = "") -> None:
        """Go into another state (the queue calls this)."""
        if state not in _NEXT.get(self.state, frozenset()):
            raise AssertionError(f"a command that is {self.state} cannot be {state}")
        self.state = state
        self.reason = reason
        self.history.append((self._changed(self), state))
        if self.final and not self._final.done():
            self._final.set_result(state)


class CommandQueue:
    """The commands of one device. They outlive its registrations: a device that comes later gets what waits."""

    def __init__(self, device: Device, spawn: Callable[[Any], Any]):
        self._device = device
        self._spawn = spawn
        self._waiting: deque[Command] = deque()
        self._working = False
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self.waiting())

    def waiting(self) -> list[Command]:
        """The commands that are still to be sent, in their order."""
        return [command for command in self._waiting if command.state == CommandState.WAITING]

    def submit(self, data: bytes, expire_s: float, path: str) -> Command:
        """Queue a command; see `Device.command`."""
        command = Command(next(self._numbers), self._device.endpoint, path, bytes(data), expire_s, self._changed)
        if expire_s <= 0 and not self._device.reachable:
            command.enter(CommandState.FAIL, self._why_not())
            return command
        self._waiting.append(command)
        if expire_s > 0:
            self._device.clock.call_later(expire_s, lambda: self._overdue(command))
        self.kick()
        return command

    def kick(self) -> None:
        """Deliver what waits, if the device can be reached: called when it was heard."""
        if self._waiting and not self._working and self._device.reachable:
            self._working = True
            self._spawn(self._work())

    def close(self) -> None:
        """The cloud stops: what still waits is cancelled."""
        for command in self.waiting():
            command.enter(CommandState.CANCELLED, "the cloud was stopped")
        self._waiting.clear()

    async def _work(self) -> None:
        try:
            while self._waiting:
                command = self._waiting[0]
                if command.final:
                    self._waiting.popleft()
                elif self._device.reachable:
                    await self._deliver(command)
                elif command.expire_s <= 0:
                    command.enter(CommandState.FAIL, self._why_not())
                else:
                    return
        finally:
            self._working = False

    async def _deliver(self, command: Command) -> None:
        def sent() -> None:
            if command.final:
                raise errors.DeviceError(f"command {command.id} was taken back")
            command.enter(CommandState.SENT)

        try:
            response = await self._device.request(
                Code.PUT, command.path, payload=command.data, content_format=values.OPAQUE, on_send=sent
            )
        except (errors.DeviceAsleep, errors.UnknownDevice):
            return  # it fell asleep while other requests had their turn; `_work` looks again
        except errors.DeviceTimeout as problem:
            command.enter(CommandState.TIMEOUT, str(problem))
        except errors.CloudError as problem:
            if command.state == CommandState.WAITING and not self._device.reachable:
                return  # likewise, its DTLS session has ended
            if not command.final:
                command.enter(CommandState.FAIL, str(problem))
        except asyncio.CancelledError:
            if not command.final:
                command.enter(CommandState.FAIL, "the cloud was stopped")
            raise
        else:
            command.response = response
            command.enter(CommandState.DELIVERED)
            if response.ok:
                command.enter(CommandState.SUCCESS)
            else:
                command.enter(CommandState.FAIL, f"the device answered {response.code_text}")

    def _overdue(self, command: Command) -> None:
        if command.state == CommandState.WAITING:
            command.enter(CommandState.OVERDUE, f"not delivered within {command.expire_s:g} s")

    def _why_not(self) -> str:
        registration = self._device.registration
        if registration is None:
            return "the device is not registered"
        return "the DTLS session has ended" if registration.disconnected else "the device sleeps"

    def _changed(self, command: Command) -> float:
        return self._device.events.add(
            events.CommandChanged,
            command.endpoint,
            id=command.id,
            state=command.state,
            path=command.path,
            data=command.data,
            reason=command.reason,
        ).time
