"""One firmware upgrade of one device (object 5 of OMA LwM2M 1.0), followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiocoap.numbers.codes import Code

from ..fota.machine import DOWNLOADED, DOWNLOADING, IDLE, NONE_YET, SUCCESS, UPDATING
from . import errors
from .fota_events import FotaChanged, FotaProgress, result_text, state_text

if TYPE_CHECKING:
    from .device import Device

UPDATE, STATE, RESULT = ("/5/0/2", "/5/0/3", "/5/0/5")
LOOK_S = 30.0  # how often the state is read where nothing is notified
PATIENCE_S = 247.0  # how long a device that fell silent is waited for: it keeps its place so long (EXCHANGE_LIFETIME)


class UpgradePhase:
    """Where an upgrade is."""

    TRANSFER = "transfer"  # the package is on its way
    DOWNLOADED = "downloaded"  # it is at the device, whole and verified; the end where no Update was asked for
    UPDATING = "updating"  # Update was executed
    SUCCESS = "success"  # the device says that the new firmware runs
    FAIL = "fail"
    CANCELLED = "cancelled"

    ENDS = frozenset((SUCCESS, FAIL, CANCELLED))


class Upgrade:
    """One upgrade. ``phase``: of `UpgradePhase`; ``reason``: why it failed, or "".

    ``done``, ``total``: bytes of the file that have gone to the device; ``uri``: where it gets them from, or "".
    ``state``, ``result``: the device's as last read, or None.
    """

    def __init__(self, id: int, device: Device, way: str, total: int, update: bool):
        self.id = id
        self.endpoint = device.endpoint
        self.way = way
        self.phase = UpgradePhase.TRANSFER
        self.reason = ""
        self.done = 0
        self.total = total
        self.uri = ""
        self.state: int | None = None
        self.result: int | None = None
        self.update = update
        self.ended = False
        self._device = device
        self._told = 0
        self._executed: str | None = None  # the registration in which Update was executed
        self._busy = False  # the device was seen at work
        self._news = asyncio.Event()
        self._final: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[Any] | None = None

    async def wait(self, timeout_s: float | None = None) -> str:
        """The phase in which it ended, when it has. Raises `TimeoutError`."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._final), timeout_s)
        except asyncio.TimeoutError:
            raise TimeoutError(f"the upgrade of {self.endpoint} is still {self.phase} after {timeout_s} s") from None

    def cancel(self) -> None:
        """End it here; the device keeps what it has (`Fota.cancel` tells it)."""
        if not self.ended:
            self._enter(UpgradePhase.CANCELLED)
            if self._task is not None:
                self._task.cancel()

    def heard(self) -> None:
        """There is news of the device (`fota.Fota` calls this)."""
        self._news.set()

    def progress(self, done: int) -> None:
        """So many bytes have gone to the device."""
        self.done = done
        if done < self._told or done >= self._told + self.total / 100 or done == self.total != self._told:
            self._told = done
            self._device.events.add(FotaProgress, self.endpoint, id=self.id, way=self.way, done=done, total=self.total)

    async def run(self, transfer: Callable[[Upgrade], Awaitable[None]]) -> None:
        """Transfer and follow it to its end (`fota.Fota` calls this)."""
        try:
            await self._read()
            await transfer(self)
            while not self.ended:
                self._news.clear()
                await self._look()
                if not self.ended:
                    await self.news(LOOK_S)
        except errors.CloudError as problem:
            self.fail(str(problem))
        except asyncio.CancelledError:
            self.fail("the cloud was stopped")
            raise
        except Exception as problem:  # a fault of ours: nobody is to wait for ever
            self.fail(f"{type(problem).__name__}: {problem}")
            raise

    def began(self, uri: str = "") -> None:
        """The transfer begins; ``uri``: where the device is to get the file."""
        self.uri = uri
        self._tell()

    def when_ended(self, function: Callable[[], None]) -> None:
        """Call ``function()`` when it is over."""
        self._final.add_done_callback(lambda _: function())

    def start(self, task: asyncio.Task[Any]) -> None:
        """``task`` is what runs it."""
        self._task = task

    async def news(self, timeout_s: float) -> bool:
        """Wait for news of the device; False: there is none within that time."""
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            self._news.set()

        handle = self._device.clock.call_later(timeout_s, give_up)
        try:
            await self._news.wait()
        finally:
            handle.cancel()
        return not late

    async def silence_ends(self) -> bool:
        """Wait until a device that did not answer is heard again; False: it is not."""
        heard = await self.news(PATIENCE_S)  # which may have been while the request was on its way
        self._news.clear()
        return heard

    def fail(self, reason: str) -> None:
        """It is over, and was no success."""
        if not self.ended:
            self._enter(UpgradePhase.FAIL, reason)

    # How it is followed

    async def _look(self) -> None:
        found = await self._read()
        if found is not None:
            await self._judge(*found)

    async def _read(self) -> tuple[int, int] | None:
        try:
            state = await self._value(STATE)  # before the result, which is there when the state has changed
            result = await self._value(RESULT)
        except (errors.DeviceError, errors.UnknownDevice):
            return None  # it restarts, or sleeps: it will be heard again
        self.state, self.result = state, result
        return state, result

    async def _value(self, path: str) -> int:
        device = self._device
        response = await (device.read(path) if path in device.observations else device.observe(path))
        if response.code == Code.SERVICE_UNAVAILABLE:
            raise errors.DeviceError(f"{path} of {self.endpoint} was answered {response.code_text}")
        if not response.ok or type(response.value) is not int:
            raise errors.CloudError(f"{path} of {self.endpoint} was answered {response.code_text}")
        return response.value

    async def _judge(self, state: int, result: int) -> None:
        told = f"result {result}: {result_text(result)}"
        if state in (DOWNLOADING, UPDATING):
            self._busy = True
            if state == UPDATING and self.phase != UpgradePhase.UPDATING:
                self._enter(UpgradePhase.UPDATING)
        elif state == DOWNLOADED:
            if self._executed is not None:
                if result > SUCCESS:
                    self.fail(f"the update failed ({told})")
                return
            if self.phase != UpgradePhase.DOWNLOADED:
                self._enter(UpgradePhase.DOWNLOADED)
            if self.update:
                await self._execute()
        elif result > SUCCESS:
            self.fail(f"the device gave it up ({told})")
        elif self._executed is not None and result == SUCCESS:
            self._enter(UpgradePhase.SUCCESS)
        elif self.way == "update" and self._executed is None:
            self.fail("there is nothing to update to: no package is downloaded")
        elif self._restarted() or (self._busy and self._executed is None and result == NONE_YET):
            self.fail(f"the device is {state_text(IDLE)} and has no result")

    async def _execute(self) -> None:
        registration = self._device.registration
        response = await self._device.execute(UPDATE)
        if not response.ok:
            self.fail(f"Update was answered {response.code_text}")
        elif registration is not None:
            self._executed = registration.id
            self._enter(UpgradePhase.UPDATING)
            self._news.set()

    def _restarted(self) -> bool:
        registration = self._device.registration
        return self._executed is not None and registration is not None and registration.id != self._executed

    def _enter(self, phase: str, reason: str = "") -> None:
        self.phase = phase
        self.reason = reason
        self.ended = phase in UpgradePhase.ENDS or (phase == UpgradePhase.DOWNLOADED and not self.update)
        self._tell()
        if self.ended and not self._final.done():
            self._final.set_result(phase)

    def _tell(self) -> None:
        self._device.events.add(
            FotaChanged,
            self.endpoint,
            id=self.id,
            way=self.way,
            phase=self.phase,
            state=self.state,
            result=self.result,
            uri=self.uri,
            reason=self.reason,
        )
