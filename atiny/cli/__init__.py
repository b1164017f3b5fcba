"""The ``atiny`` command. One file a subcommand; what they share is in `common`.

Exit codes:

===  =====================================================================================================
  0  done as asked
  1  a report was not acknowledged, a command was not obeyed, or something else went wrong
  2  wrong usage
  3  bad hexadecimal, or a key that is not 1 to 32 bytes long
  4  the port is in use
  5  a host name that cannot be resolved, or an address that is not this machine's
  6  no registration in time
  7  the command line's library is not installed
130  ended by Ctrl-C, after de-registration (143: by SIGTERM, likewise)
===  =====================================================================================================
"""

import signal
import sys
import threading
from typing import Any

NO_CLICK = 7


def main(arguments: "list[str] | None" = None) -> int:
    """Run ``atiny`` with these arguments (None: the process's); returns the exit code."""
    try:
        import click
    except ImportError:
        print('atiny: the command line needs click: pip install "atiny[cloud]"', file=sys.stderr)
        return NO_CLICK
    from .common import INTERRUPTED, TERMINATED, Failure, explain
    from .group import group

    terminated = False

    def on_sigterm(number: int, frame: Any) -> None:
        nonlocal terminated
        terminated = True
        on_sigint = signal.getsignal(signal.SIGINT)  # whatever Ctrl-C does, de-registration included
        if not callable(on_sigint):  # nothing: it was started in the background of a shell
            raise KeyboardInterrupt
        on_sigint(number, frame)

    def interrupted() -> int:
        return TERMINATED if terminated else INTERRUPTED

    in_main_thread = threading.current_thread() is threading.main_thread()
    former = signal.signal(signal.SIGTERM, on_sigterm) if in_main_thread else None
    try:
        # What a command returns is its exit code; --help and --version return 0.
        return group.main(arguments, prog_name="atiny", standalone_mode=False) or 0
    except (click.Abort, KeyboardInterrupt):
        return interrupted()
    except click.ClickException as problem:
        problem.show()
        return problem.code if isinstance(problem, Failure) else problem.exit_code
    except Exception as problem:
        if _follows_interrupt(problem):
            return interrupted()
        failure = explain(problem)
        if failure is None:
            raise
        failure.show()
        return failure.code
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, former or signal.SIG_DFL)


def _follows_interrupt(problem: "BaseException | None") -> bool:
    """Whether Ctrl-C is behind it: it may come in the middle of anything, as of a lock's release, which fails then."""
    while problem is not None and not isinstance(problem, KeyboardInterrupt):
        problem = problem.__context__
    return problem is not None
