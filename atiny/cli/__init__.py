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

import sys

NO_CLICK = 7


def main(arguments: "list[str] | None" = None) -> int:
    """Run ``atiny`` with these arguments (None: the process's); returns the exit code."""
    try:
        import click
    except ImportError:
        print('atiny: the command line needs click: pip install "atiny[cloud]"', file=sys.stderr)
        return NO_CLICK
    from .common import Failure, explain
    from .group import group
    from .interruption import Interruption

    with Interruption() as interruption:
        try:
            # What a command returns is its exit code; --help and --version return 0.
            return group.main(arguments, prog_name="atiny", standalone_mode=False) or 0
        except (click.Abort, KeyboardInterrupt):
            return interruption.code
        except click.ClickException as problem:
            problem.show()
            return problem.code if isinstance(problem, Failure) else problem.exit_code
        except Exception as problem:
            if interruption.is_behind(problem):
                return interruption.code
            failure = explain(problem)
            if failure is None:
                raise
            failure.show()
            return failure.code
