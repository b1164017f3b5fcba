"""What the subcommands share: exit codes, output as a story or as JSON lines, arguments and their errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import IO, Any

import click

from ..dtls.psk import check_psk
from ..errors import AtinyError, ParameterError

FAILED = 1
BAD_HEX = 3  # or a key of a length that cannot be
PORT_IN_USE = 4
HOST_UNKNOWN = 5
NOT_REGISTERED = 6
INTERRUPTED = 130
TERMINATED = 143

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for machines.")
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the registration, and for each acknowledgement.",
)


class Failure(click.ClickException):
    """An error that ends the command: what is printed and the exit ``code``."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"atiny: {self.format_message()}", file=file or sys.stderr)


def explain(problem: Exception) -> Failure | None:
    """An exception of the package as the `Failure` that the user sees; None where it is a fault of ours."""
    from ..cloud.errors import HostUnknown, PortInUse

    if isinstance(problem, PortInUse):
        return Failure(PORT_IN_USE, str(problem))
    if isinstance(problem, HostUnknown):
        return Failure(HOST_UNKNOWN, str(problem))
    if isinstance(problem, AtinyError):
        return Failure(FAILED, str(problem))
    return None


class Output:
    """Where a command says what happens: one line each, in words or as a JSON object. For any thread."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self._lock = threading.Lock()
        self._bar: Any = None  # on the screen's last line
        self._labels: dict[str, int] = {}  # tenths that were told, where there is no screen

    def progress(self, label: str, done: int, total: int | None, text: str, event: str, /, **fields: Any) -> None:
        """How far a transfer is: a bar on a screen, a line at each tenth elsewhere; for machines all there is to tell.

        ``done`` of ``total`` bytes (None: nobody knows of how many); ``text``, ``event`` and ``fields`` as in `say`.
        """
        if self.as_json or total is None:
            self.say(text, event, **fields)
        elif not sys.stdout.isatty():
            tenth = 10 * done // total
            if self._labels.get(label) != tenth:
                self._labels[label] = tenth
                self.say(text, event, **fields)
        else:
            with self._lock:
                self._draw(label, done, total)

    def _draw(self, label: str, done: int, total: int) -> None:
        if self._bar is None or (self._bar.label, self._bar.length) != (label, total):
            self._erase()
            self._bar = click.progressbar(length=total, label=label, show_eta=False)
        self._bar.update(done - self._bar.pos)
        self._bar.render_progress()
        if done >= total:
            self._bar.render_finish()
            self._bar = None

    def _erase(self) -> None:
        """What is said next takes the place of the bar, which is drawn again below with the next progress."""
        if self._bar is not None:
            click.echo("\r\x1b[K\x1b[?25h", nl=False)
            self._bar = None

    def say(self, text: str, event: str, **fields: Any) -> None:
        """``text`` for people; ``event`` and ``fields`` for machines."""
        if self.as_json:
            text = json.dumps({"event": event, "time": round(time.time(), 3), **fields})
        with self._lock:
            try:
                self._erase()
                print(text, flush=True)
            except BrokenPipeError:  # whoever read it has gone: say no more, and end in order
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                signal.raise_signal(signal.SIGTERM)


def from_hex(text: str) -> bytes:
    """The bytes of a hexadecimal code stream; spaces and colons between bytes are allowed. Raises `Failure`."""
    try:
        data = bytes.fromhex(text.replace(":", " "))
    except ValueError:
        data = b""
    if not data:
        raise Failure(BAD_HEX, f"{text!r} is not hexadecimal: two digits a byte, like 01 or cafe")
    return data


def psk_from(identity: str, key_hex: str, option: str) -> tuple[bytes, bytes]:
    """(identity, key) of what was typed for ``option``. Raises `Failure` that never shows the key, right or wrong."""
    try:
        check_psk(identity, b"?")
    except ParameterError as problem:
        raise click.UsageError(f"{option}: {problem}") from None
    try:
        key = bytes.fromhex(key_hex.replace(":", " "))
    except ValueError:
        raise Failure(BAD_HEX, f"{option}: the key is not hexadecimal: two digits a byte, like 000102") from None
    try:
        return check_psk(identity, key)
    except ParameterError as problem:
        raise Failure(BAD_HEX, f"{option}: {problem}") from None


def check_host(host: str, port: int) -> None:
    """Raise `Failure` where a host name cannot be resolved: a device would try again for ever."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as problem:
        raise Failure(HOST_UNKNOWN, f"cannot resolve {host!r}: {problem}") from None
