"""The command itself and its subcommands, each loaded when it is asked for."""

from __future__ import annotations

import importlib

import click

import atiny

EPILOG = """\b
Exit codes:
  0    done as asked
  1    a report was not acknowledged or a command not obeyed, or another error
  2    wrong usage
  3    bad hexadecimal, or a key that is not 1 to 32 bytes long
  4    the port is in use
  5    a host name that cannot be resolved
  6    no registration in time
  7    click is not installed
  130  ended by Ctrl-C, after de-registration (143: by SIGTERM)
"""

COMMANDS = ("cloud", "demo", "device", "lint", "object", "package", "slim")


class _Lazy(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f".{name}", __package__).command
        assert isinstance(command, click.Command)
        return command


@click.command(cls=_Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(atiny.__version__, prog_name="atiny", message="%(prog)s %(version)s")
def group() -> None:
    """An LwM2M device in Python, and a local cloud to run it against."""
