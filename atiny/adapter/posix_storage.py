"""Firmware in two slots of a folder, for CPython on Linux and other POSIX systems."""

import errno
import os
import time

from .posix import FileStore, sync_folder
from .slots import Slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    Hook = Callable[[str], object] | Sequence[str]

LINK = "current"
WATCH_S = 0.2  # how often `SlotStorage.launch` looks whether the new firmware has confirmed itself


class SlotStorage(Slots):
    """A `StorageDevice` of two files in ``folder`` and a symbolic link to the one that runs.

    ``folder`` is made where it is missing, for its owner alone. ``slot0`` and ``slot1`` are the images (executable,
    should the host want to run them), ``current`` leads to the one that the next start is to run: start that. It may
    lead anywhere else before the first upgrade, and may be missing. A roll-back puts it back as it was.

    ``activate``: called with the path of an image, makes the host run it after the next start, whatever that takes
    besides the link ("": what ran before the first upgrade, where there was no link). ``active``: called with the path
    of the new image after a start, says whether that is what runs, for hosts whose boot loader may think otherwise.
    Each is a function, or a command: a list of words, to which the path is added; its exit status is to be 0.
    A hook that fails raises OSError, and the old image stays.

    ``starts``: how many starts the new image has to confirm itself (`confirm`); then the old one is back. 0: it need
    not. ``health_timeout_s``: how long it may take in each start, for who watches it (`launch`, `health_left_ms`);
    None: any time. ``clock``: milliseconds that never go back. ``hook_timeout_s``: how long a command may take.

    The record of the update and of the slots are files of a `FileStore` in the same folder.
    """

    def __init__(
        self,
        folder: str,
        activate: "Hook | None" = None,
        active: "Hook | None" = None,
        health_timeout_s: "int | None" = 300,
        starts: int = 3,
        clock: "Callable[[], int] | None" = None,
        hook_timeout_s: float = 300,
    ):
        folder = os.path.abspath(folder)  # a hook may be called from anywhere
        super().__init__(folder, FileStore(folder), activate, active, health_timeout_s, starts, clock or _monotonic_ms)
        self._hook_timeout_s = hook_timeout_s
        self._link_path = os.path.join(folder, LINK)
        self._fd = -1
        self._end = 0  # how long the new image is
        self._dirty = False

    # -- the image

    def write_software(self, offset: int, data: bytes) -> None:
        """Hand the data to the system; `write_update_info` and `end_software_download` bring it to the medium."""
        if self._fd < 0:
            self.open_image(False)
        if offset > self._end:
            raise OSError(errno.EINVAL, "a gap: %d is beyond the %d bytes written" % (offset, self._end))
        self._dirty = True
        try:
            length = os.pwrite(self._fd, data, offset)
            while length < len(data):  # where the medium is nearly full, the next one raises
                length += os.pwrite(self._fd, data[length:], offset + length)
        except OSError:
            self.drop_image()
            raise
        if offset + length > self._end:
            self._end = offset + length

    def read_software(self, offset: int, length: int) -> bytes:
        """Read from the slot that takes new images."""
        if self._fd >= 0:
            return os.pread(self._fd, length, offset)
        try:
            fd = os.open(self.new_path(), os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(fd, length, offset)
        finally:
            os.close(fd)

    def open_image(self, erase: bool) -> None:
        """Open the new image."""
        if self._fd >= 0:
            return
        path = self.new_path()
        if erase:
            # Not truncated: it may be a program that still runs.
            _remove(path)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o700)
            sync_folder(self._folder)
        else:
            self.go_on()
            self._fd = os.open(path, os.O_RDWR)
        self._end = os.fstat(self._fd).st_size
        self._dirty = True  # a process that ended may have left what the medium has not got yet

    def sync_image(self) -> None:
        """Bring what was written to the medium."""
        if self._fd >= 0 and self._dirty:
            try:
                os.fsync(self._fd)
            except OSError:
                # What could not be written is forgotten, and the next fsync would succeed: the image is of no use.
                self.drop_image()
                raise
            self._dirty = False

    def drop_image(self) -> None:
        """Remove the new image."""
        self.close_image()
        _remove(self.new_path())

    def close_image(self) -> None:
        """Close the new image."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    # -- the link

    def link(self) -> "str | None":
        """Where ``current`` leads."""
        try:
            return os.readlink(self._link_path)
        except FileNotFoundError:
            return None

    def point(self, target: "str | None") -> None:
        """Exchange the link for another, by rename(2)."""
        if target is None:
            _remove(self._link_path)
        else:
            new_path = self._link_path + ".new"
            _remove(new_path)
            os.symlink(target, new_path)
            os.replace(new_path, self._link_path)
        sync_folder(self._folder)

    def call(self, hook: "Any", path: str) -> object:
        """Call a function, or run a command."""
        if callable(hook):
            return super().call(hook, path)
        import subprocess

        try:
            status = subprocess.run([*hook, path], stdin=subprocess.DEVNULL, timeout=self._hook_timeout_s).returncode
        except subprocess.TimeoutExpired:
            raise OSError(errno.ETIMEDOUT, "%s took longer than %s s" % (hook[0], self._hook_timeout_s)) from None
        if status and hook is not self._active:
            raise OSError(errno.EIO, "%s %s ended with status %d" % (" ".join(hook), path, status))
        return not status

    def launch(self, command: "Sequence[str]" = (), grace_s: float = 10) -> int:
        """Start the image to be run, wait until it ends, and return its exit status (minus the signal that ended it).

        The image is a program, or ``command`` runs it: a list of words, to which its path is added. A new image that
        does not confirm itself in time is ended (SIGTERM; SIGKILL after ``grace_s``) and given up. For a launcher that
        is not upgraded itself: a program of three lines that the system starts, again whenever it ends.
        OSError where there is no image, or it cannot be started.
        """
        import subprocess

        try:
            path = self.boot()
        except OSError:  # a full medium keeps no count; that is no reason not to start
            path = self.path()
        if path is None:
            raise OSError(errno.ENOENT, "there is no link %s" % self._link_path)
        try:
            process = subprocess.Popen([*command, path])
        except OSError:
            if self.on_trial():  # it needs no second one
                self.roll_back()
            raise
        while True:
            left_ms = self.health_left_ms()
            try:
                return process.wait(None if left_ms is None else min(WATCH_S, left_ms / 1000))
            except subprocess.TimeoutExpired:
                if left_ms:
                    continue
            process.terminate()
            try:
                process.wait(grace_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if self.on_trial():  # it may have confirmed itself at the last moment
                self.roll_back()
            return process.returncode


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
