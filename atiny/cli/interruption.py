"""Ctrl-C and SIGTERM: a `KeyboardInterrupt` in whatever a command is doing, and its exit code."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from .common import INTERRUPTED, TERMINATED

_AGAIN_S = 0.05


class Interruption:
    """While it is entered, SIGTERM does what Ctrl-C does, de-registration included; and neither is lost, wherever it
    comes. ``code``: the exit code of a command that was interrupted.
    """

    code = INTERRUPTED
    _again: threading.Timer | None = None

    def __enter__(self) -> Interruption:
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._swallowed
        self._in_main_thread = threading.current_thread() is threading.main_thread()
        self._sigterm = signal.signal(signal.SIGTERM, self._on_sigterm) if self._in_main_thread else None
        return self

    def __exit__(self, *problem: object) -> None:
        sys.unraisablehook = self._unraisable
        if self._again is not None:
            self._again.cancel()
        if self._in_main_thread:
            signal.signal(signal.SIGTERM, self._sigterm or signal.SIG_DFL)

    @staticmethod
    def is_behind(problem: BaseException | None) -> bool:
        """Whether an error only follows from it: it may come as a lock is released, and then that fails."""
        while problem is not None and not isinstance(problem, KeyboardInterrupt):
            problem = problem.__context__
        return problem is not None

    def _on_sigterm(self, number: int, frame: Any) -> None:
        self.code = TERMINATED
        on_sigint = signal.getsignal(signal.SIGINT)
        if not callable(on_sigint):  # it does nothing: the command was started in the background of a shell
            raise KeyboardInterrupt
        on_sigint(number, frame)

    def _swallowed(self, unraisable: sys.UnraisableHookArgs) -> None:
        """It came where Python lets no exception out, as in the callback of a weak reference: it has to come again."""
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._unraisable(unraisable)
            return
        number = signal.SIGTERM if self.code == TERMINATED else signal.SIGINT
        main = threading.main_thread().ident
        assert main is not None
        self._again = threading.Timer(_AGAIN_S, signal.pthread_kill, (main, number))
        self._again.start()
