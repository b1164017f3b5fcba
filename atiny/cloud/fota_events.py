"""The events of firmware upgrades, see `fota`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..fota.machine import RESULTS, STATES
from .events import Event

_PHASES = {
    "transfer": "begins",
    "downloaded": "is downloaded",
    "updating": "is being activated",
    "success": "has succeeded",
    "fail": "has failed",
    "cancelled": "is cancelled",
}


def state_text(state: int | None) -> str:
    """/5/0/3 in words."""
    return _word(STATES, state)


def result_text(result: int | None) -> str:
    """/5/0/5 in words."""
    return _word(RESULTS, result)


def _word(words: tuple[str, ...], number: int | None) -> str:
    if number is None:
        return "unknown"
    return words[number] if 0 <= number < len(words) else str(number)


@dataclass(frozen=True)
class FotaChanged(Event):
    """An upgrade went into another phase (`UpgradePhase`); ``way``: "push", "pull" or "update".

    ``state``, ``result``: the device's /5/0/3 and /5/0/5 as last read, None: not yet; ``uri``: what a device that pulls
    was given, or ""; ``reason``: why it failed, or "".
    """

    kind: ClassVar[str] = "fota"
    id: int
    way: str
    phase: str
    state: int | None
    result: int | None
    uri: str
    reason: str

    def text(self) -> str:
        words = _PHASES.get(self.phase, self.phase)
        if self.phase == "transfer" and self.uri:
            words += f" from {self.uri}"
        return f"firmware {self.way} {self.id} {words}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class FotaProgress(Event):
    """``done`` of ``total`` bytes of an upgrade's file have gone to the device: told at every hundredth.

    ``way``: "push" or "pull". Where a pull is taken up again, ``done`` may be less than before.
    """

    kind: ClassVar[str] = "fota_progress"
    id: int
    way: str
    done: int
    total: int

    def text(self) -> str:
        return f"firmware {self.way} {self.id}: {self.done} of {self.total} bytes"
