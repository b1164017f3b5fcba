"""Two slots for firmware, one of which runs: which, since when, and the way back. What every runtime does alike.

A runtime's own part (`posix_storage`, `micropython_storage`) writes files and moves the *link*, the one thing that
says which image the next start runs. Moving it is atomic; everything else is written so that whatever a power cut
leaves of it can be told by looking at the link. What is known besides is the record "state", a JSON object:

=========  =======================================================================================================
phase      one of the phases below
image      the slot that `active_software` chose, or None
old        where the link led before, or None where there was none
loading    the slot that an image is being written to, or None
whole      the slot whose image was last written to its end, or None
starts     how often the chosen image was started without a `confirm`
booted     whether `boot` has counted the start that is under way
=========  =======================================================================================================
"""

import errno
import json

from . import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SLOTS = ("slot0", "slot1")
UPDATE_INFO_SIZE = 512

# Numbers that MicroPython's errno does not name; they are the same on every system that atiny runs on.
EBUSY = 16
ENOSPC = 28

# The phases of a switch.
NONE = "none"  # nothing was chosen, or another image has begun to take its place
CHOSEN = "chosen"  # the link leads to the new image, which has to confirm itself
ARMED = "armed"  # the same, in its last start: the link leads back already, only `confirm` moves it again
CONFIRMED = "confirmed"  # the new image is here to stay
FAILING = "failing"  # it is decided that the old image comes back
FAILED = "failed"  # it is back
_PHASES = (NONE, CHOSEN, ARMED, CONFIRMED, FAILING, FAILED)

# The state of a device that was never upgraded.
_NEW = {
    "phase": NONE,
    "image": None,
    "old": None,
    "loading": None,
    "whole": None,
    "starts": 0,
    "booted": False,
}


class Slots(base.StorageDevice):
    """What the `SlotStorage` of both runtimes share; see there for the parameters.

    A runtime gives ``store`` and ``clock``, the methods of the first part below, `write_software` and `read_software`.
    Every method passes OSError of the medium and of the hooks.
    """

    def __init__(
        self,
        folder: str,
        store: base.Store,
        activate: object,
        active: object,
        health_timeout_s: "int | None",
        starts: int,
        clock: "Callable[[], int]",
    ):
        self._folder = folder
        self._store = store
        self._activate = activate
        self._active = active
        self._health_timeout_s = health_timeout_s
        self._starts = starts
        self._clock = clock
        self._started_ms = clock()
        self._given_up = False

    if TYPE_CHECKING:
        # -- what a runtime does its own way

        def link(self) -> "str | None":
            """Where the link leads: the name of a slot, or whatever the host made it lead to; None: there is none."""

        def point(self, target: "str | None") -> None:
            """Let the link lead to ``target`` (None: remove it), atomically; it outlives a power cut."""

        def open_image(self, erase: bool) -> None:
            """Open the new image where it is not open, empty if ``erase``; else OSError where there is none."""

        def sync_image(self) -> None:
            """What was written of the new image outlives a power cut from here on."""

        def drop_image(self) -> None:
            """Remove the new image; it failed, and the records may need its room."""

        def close_image(self) -> None:
            """No more is written to the new image."""

    def call(self, hook: "Any", path: str) -> object:
        """Call a hook of the host; whatever it raises comes as OSError."""
        try:
            return hook(path)
        except OSError:
            raise
        except Exception as error:
            raise OSError(errno.EIO, "the hook for %s raised %r" % (path, error))

    # -- a start

    def boot(self) -> "str | None":
        """For the host's launcher, before it starts the firmware: the path of the image to run.

        Ends what a power cut left undone and counts the start of an image that has not confirmed itself; one that had
        its starts is given up here. None: there is no link, what is to run is what there was before the first upgrade.
        """
        state = self._state()
        self._settle(state)
        if state["phase"] == CHOSEN:
            self._count(state)
            if state["phase"] == CHOSEN:
                state["booted"] = True
                self._put(state)
        self._started_ms = self._clock()
        return self.path()

    def init(self) -> None:
        """The firmware has started. Where no launcher has called `boot`, the start is counted here."""
        state = self._state()
        new_runs = self.link() == state["image"]
        self._settle(state)
        if state["phase"] == CHOSEN:
            if state["booted"]:
                state["booted"] = False
            else:
                self._count(state)
                if state["starts"] == self._starts:
                    # After this start nobody is there to count: if it ends badly, the next one is the old image's.
                    self._move(state["old"])
                    state["phase"] = ARMED
            if state["phase"] in (CHOSEN, ARMED):
                self._put(state)
        self._given_up = new_runs and state["phase"] == FAILED
        self._started_ms = self._clock()

    def path(self) -> "str | None":
        """The path of the image that the next start runs; None where there is no link."""
        target = self.link()
        return None if target is None else self._path(target)

    def on_trial(self) -> bool:
        """Whether the new image runs and has not confirmed itself yet."""
        return self._on_trial(self._state())

    def health_left_ms(self) -> "int | None":
        """How long the image that runs may still take to confirm itself; None: it need not, or may take any time.

        At 0 whoever watches it (a launcher, a watchdog, its own main loop) calls `roll_back` and restarts.
        """
        if self._health_timeout_s is None or not self.on_trial():
            return None
        return max(0, self._started_ms + self._health_timeout_s * 1000 - self._clock())

    def given_up(self) -> bool:
        """Whether the image that runs has been given up in this run: it is time to restart, into the old one."""
        return self._given_up

    def confirm(self) -> bool:
        """The new firmware says that it works, and stays; False where it is too late: it is `given_up`.

        To be called when it has shown what it has to be able to: has registered, say. Where nothing is on trial, it
        does nothing and returns True.
        """
        state = self._state()
        if self._on_trial(state):
            if state["phase"] == ARMED:
                self._move(state["image"])  # this decides: an armed image that the link leads to is a confirmed one
            state["phase"] = CONFIRMED
            self._put(state)
        return not self._given_up

    def roll_back(self) -> bool:
        """The new image does not work: the next start runs the old one. False where there is none to go back to."""
        state = self._state()
        if state["phase"] in (NONE, FAILED):
            return False
        new_runs = state["phase"] == CONFIRMED or self._on_trial(state)
        self._fail(state)
        self._given_up = self._given_up or new_runs
        return True

    # -- the storage device

    def begin_software_download(self) -> None:
        """A new image begins, in the slot that does not run.

        OSError (EBUSY) while the image that runs is on trial: the old one is in that slot, and may be needed.
        """
        state = self._not_on_trial()
        if state["phase"] in (CHOSEN, FAILING):  # chosen and not started yet: taken back
            self._fail(state)
        self.close_image()
        empty: "dict[str, Any]" = dict(_NEW)
        empty["loading"] = self.new_slot()
        if state != empty:  # where a medium is full of the image, there is no room for what does not change
            self._put(empty)  # before anything is erased: no image is whole
        self.open_image(True)

    def end_software_download(self) -> None:
        """The image is whole, and outlives a power cut; nothing where it is so already."""
        state = self._not_on_trial()
        if state["whole"] == self.new_slot():
            return
        self.open_image(False)
        self.sync_image()
        self.close_image()
        state["loading"] = None
        state["whole"] = self.new_slot()
        self._put(state)

    def active_software(self) -> None:
        """Call ``activate``, then let the link lead to the new image. OSError where it is not whole."""
        state = self._not_on_trial()
        new = self.new_slot()
        if state["phase"] == CHOSEN and not state["starts"] and state["image"] != new:
            return  # it was chosen already
        if state["whole"] != new:
            raise OSError(errno.EINVAL, "there is no whole image: end_software_download was not called")
        state["phase"] = CHOSEN
        state["image"] = new
        state["old"] = self.link()
        state["starts"] = 0
        state["booted"] = False
        self._put(state)
        try:
            self._move(new)
        except Exception:
            if self.link() != new:  # where it does, the image is chosen, and what failed came after that
                self._fail(state)  # the image stays whole: it may be tried again
            raise

    def get_active_result(self) -> bool:
        """Whether the image that `active_software` chose has been started, and has not been given up."""
        state = self._state()
        return state["phase"] == CONFIRMED or self._on_trial(state)

    def write_update_info(self, offset: int, data: bytes) -> None:
        """Write into the update record, whole or not at all. What it may count on of the image is made sure before."""
        if offset < 0 or offset + len(data) > UPDATE_INFO_SIZE:
            raise OSError(errno.EINVAL, "the update record has %d bytes" % UPDATE_INFO_SIZE)
        self.sync_image()
        record = bytearray(self.read_update_info(0, UPDATE_INFO_SIZE))
        record[offset : offset + len(data)] = data
        self._store.put("update", bytes(record))

    def read_update_info(self, offset: int, length: int) -> bytes:
        """Read from the update record."""
        record = self._store.get("update") or b""
        return (record + bytes(UPDATE_INFO_SIZE))[:UPDATE_INFO_SIZE][offset : offset + length]

    def new_slot(self) -> str:
        """The slot that takes a new image: one to which the link does not lead."""
        return SLOTS[1] if self.link() == SLOTS[0] else SLOTS[0]

    def new_path(self) -> str:
        """The path of the new image."""
        return self._path(self.new_slot())

    def go_on(self) -> None:
        """Where one that was whole is written to again, it is not whole any more; OSError where no image has begun."""
        state = self._not_on_trial()
        new = self.new_slot()
        if state["whole"] == new:
            state["loading"] = new
            state["whole"] = None
            self._put(state)
        elif state["loading"] != new:
            raise OSError(errno.EINVAL, "no image is being written: begin_software_download was not called")

    # -- the state

    def _settle(self, state: "dict[str, Any]") -> None:
        """At a start: end, one way or the other, what a power cut may have left half done."""
        phase = state["phase"]
        switched = self.link() == state["image"]
        if phase in (CHOSEN, ARMED):
            # A host that can tell what runs (its boot loader may have gone back by itself) is believed, not the link.
            runs = switched if self._active is None else bool(self.call(self._active, self._path(state["image"])))
            if not runs:
                self._fail(state)
                return
            if not switched:
                self.point(state["image"])
            if phase == ARMED:  # cut off in `confirm`, which alone leads there again
                state["phase"] = CONFIRMED
                self._put(state)
        elif phase == FAILING:
            self._fail(state)

    def _count(self, state: "dict[str, Any]") -> None:
        """One more start of the chosen image, which it may not have; the caller keeps the state."""
        state["starts"] += 1
        if not self._starts:
            state["phase"] = CONFIRMED
            self._put(state)
        elif state["starts"] > self._starts:
            self._fail(state)

    def _fail(self, state: "dict[str, Any]") -> None:
        """Go back to the old image; decided first, so that it is gone through with after a power cut."""
        if state["phase"] != FAILING:
            state["phase"] = FAILING
            self._put(state)
        self._move(state["old"])
        state["phase"] = FAILED
        self._put(state)

    def _move(self, target: "str | None") -> None:
        """Make ``target`` what the next start runs: the host's hook first, then the link."""
        if self._activate is not None:
            self.call(self._activate, "" if target is None else self._path(target))
        if self.link() != target:
            self.point(target)

    def _not_on_trial(self) -> "dict[str, Any]":
        state = self._state()
        if self._on_trial(state):
            raise OSError(EBUSY, "the firmware that runs has not confirmed itself")
        return state

    def _on_trial(self, state: "dict[str, Any]") -> bool:
        return bool(state["phase"] == ARMED or (state["phase"] == CHOSEN and state["starts"] > 0))

    def _path(self, target: str) -> str:
        return target if target.startswith("/") else self._folder + "/" + target

    def _state(self) -> "dict[str, Any]":
        """The state; that of a device that was never upgraded where there is none that makes sense."""
        try:
            found = json.loads(self._store.get("state") or b"{}")
            if found["phase"] in _PHASES:
                state = {}
                for name in _NEW:
                    state[name] = found[name]
                return state
        except (ValueError, KeyError, TypeError):
            pass
        return dict(_NEW)

    def _put(self, state: "dict[str, Any]") -> None:
        self._store.put("state", json.dumps(state).encode())
