"""``atiny cloud``: the local cloud as a server of its own, with a console."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import click

from atiny.cloud import Cloud, Event, KeyStore
from atiny.cloud.bootstrap import PORT as BOOTSTRAP_PORT, SECURE_PORT as BOOTSTRAP_DTLS_PORT
from atiny.cloud.keys import shown

from .common import INTERRUPTED, TERMINATED, Output, json_option, psk_from
from .console import Console
from .fota import show_event

DTLS_PORT = 5684  # RFC 7252, 12.7


@click.command("cloud")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; :: is all.")
@click.option("--port", type=click.IntRange(0, 65535), default=5683, show_default=True, help="0: a free one.")
@click.option(
    "--psk",
    "psks",
    multiple=True,
    metavar="ID:HEXKEY",
    envvar="ATINY_PSK",
    show_envvar=True,
    help="Speak DTLS too, with whoever shows this identity and key; may be given several times. The identity is the "
    "endpoint name that it may register.",
)
@click.option("--dtls-port", type=click.IntRange(0, 65535), help="For DTLS; 0: a free one.  [default: 5684]")
@click.option(
    "--observe",
    multiple=True,
    default=("/19/0/0",),
    show_default=True,
    metavar="PATH",
    help="What to observe at each device that registers; may be given several times.",
)
@click.option(
    "--awake",
    "awake_s",
    type=click.FloatRange(min=0, min_open=True),
    default=93.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a device in queue mode listens after it was heard; what comes later waits for its next message.",
)
@click.option(
    "--bootstrap",
    is_flag=True,
    help="Be a bootstrap server too: each device that asks is given an account of this server, with a fresh key of its "
    "own where the server speaks DTLS.",
)
@click.option(
    "--bootstrap-port",
    type=click.IntRange(0, 65535),
    help=f"Of the bootstrap server; 0: a free one.  [default: {BOOTSTRAP_PORT}]",
)
@click.option(
    "--bootstrap-psk",
    "bootstrap_psks",
    multiple=True,
    metavar="ID:HEXKEY",
    envvar="ATINY_BOOTSTRAP_PSK",
    show_envvar=True,
    help="Bootstrap over DTLS too; as --psk, and the accounts that are given are for DTLS then.",
)
@click.option(
    "--bootstrap-dtls-port",
    type=click.IntRange(0, 65535),
    help=f"For bootstrap over DTLS; 0: a free one.  [default: {BOOTSTRAP_DTLS_PORT}]",
)
@click.option("--advertise", metavar="HOST", help="The address to give to devices, where --host is not one: 0.0.0.0.")
@click.option(
    "--http-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where devices get firmware by HTTP; by default a free one.",
)
@json_option
def command(
    host: str,
    port: int,
    psks: tuple[str, ...],
    dtls_port: int | None,
    observe: tuple[str, ...],
    awake_s: float,
    bootstrap: bool,
    bootstrap_port: int | None,
    bootstrap_psks: tuple[str, ...],
    bootstrap_dtls_port: int | None,
    advertise: str | None,
    http_port: int,
    as_json: bool,
) -> int:
    """Run an LwM2M server, print what happens and take commands on the standard input (try: help).

    It runs until Ctrl-C, or until it is told to quit.

    \b
    atiny cloud --psk lamp-1:000102030405060708090a0b0c0d0e0f
    atiny cloud --bootstrap --bootstrap-psk lamp-1:000102030405060708090a0b0c0d0e0f
    """
    if not bootstrap and (bootstrap_port is not None or bootstrap_psks or bootstrap_dtls_port is not None):
        raise click.UsageError("--bootstrap-port, --bootstrap-psk and --bootstrap-dtls-port need --bootstrap")
    if dtls_port is not None and not psks and not bootstrap:
        raise click.UsageError("--dtls-port needs --psk, or --bootstrap: without a key nobody could come there")
    if bootstrap_dtls_port is not None and not bootstrap_psks:
        raise click.UsageError("--bootstrap-dtls-port needs --bootstrap-psk: without a key nobody could come there")
    if (psks or bootstrap_psks) and dtls_port is None:
        dtls_port = DTLS_PORT
    if bootstrap_psks and bootstrap_dtls_port is None:
        bootstrap_dtls_port = BOOTSTRAP_DTLS_PORT
    cloud = Cloud(
        host,
        port,
        dtls_port=dtls_port,
        psk=_keys(psks, "--psk"),
        observe=observe,
        awake_s=awake_s,
        bootstrap=bootstrap,
        bootstrap_port=BOOTSTRAP_PORT if bootstrap_port is None else bootstrap_port,
        bootstrap_dtls_port=bootstrap_dtls_port,
        bootstrap_psk=_keys(bootstrap_psks, "--bootstrap-psk"),
        advertise=advertise,
        http_port=http_port,
    )
    return asyncio.run(_serve(cloud, Output(as_json)))


def _keys(psks: tuple[str, ...], option: str) -> KeyStore:
    keys = KeyStore()
    for psk in psks:
        identity, colon, key = psk.rpartition(":")  # an identity may have colons: urn:dev:lamp-1
        if not colon:
            raise click.UsageError(f"{option} is an identity and a key in hexadecimal, with a colon between: ID:HEXKEY")
        name, secret = psk_from(identity, key, option)
        if name in keys:
            raise click.UsageError(f"{option}: the identity {identity} is given twice")
        keys[name] = secret
    return keys


async def _serve(cloud: Cloud, out: Output) -> int:
    """Serve until told to stop; returns the exit code."""
    async with cloud:
        cloud.events.subscribe(lambda event: _tell(out, event))
        out.say(f"listening on {cloud.url}", "listening", url=cloud.url)
        if cloud.secure_port is not None:
            _say_secured(out, "listening", cloud.secure_url, cloud.keys)
        if cloud.bootstrap_server is not None:
            url = cloud.bootstrap_url
            out.say(f"bootstrap server on {url}", "bootstrapping", url=url)
            if cloud.bootstrap_server.secure_port is not None:
                _say_secured(out, "bootstrapping", cloud.bootstrap_secure_url, cloud.bootstrap_server.keys)
        ended = asyncio.get_running_loop().create_future()
        _on_signals(ended)
        talk = asyncio.ensure_future(_talk(Console(cloud, out), out))
        await asyncio.wait({ended, talk}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            talk.cancel()
            return int(ended.result())
        return talk.result()


def _say_secured(out: Output, event: str, url: str, keys: KeyStore) -> None:
    identities = sorted(map(shown, keys))
    who = ", ".join(identities) or "the devices that it bootstraps"
    where = "listening" if event == "listening" else "bootstrap server"
    out.say(f"{where} on {url} for {who}", event, url=url, identities=identities)


def _on_signals(ended: asyncio.Future[int]) -> None:
    """Have Ctrl-C and SIGTERM end the server in order: as exceptions they could come in the middle of anything."""

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for what a shell starts in the background
            asyncio.get_running_loop().add_signal_handler(number, end, code)


async def _talk(console: Console, out: Output) -> int:
    """Carry out what is typed until that is to quit; returns the exit code."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    _read_lines(lines)
    typing = sys.stdin is not None and sys.stdin.isatty()
    if typing:
        out.say("type help for the commands", "ready")
    while (line := await lines.get()) is not None:
        if not await console.handle(line):
            return 0
    if not typing:  # a service without a standard input, or a script at its end
        await asyncio.Event().wait()
    return 0


def _tell(out: Output, event: Event) -> None:
    show_event(out, event, time.strftime("%H:%M:%S "))


def _read_lines(lines: asyncio.Queue[str | None]) -> None:
    """Put the lines of the standard input into ``lines``, then None.

    Not from a thread: one that blocks in reading cannot be ended when the server stops.
    """
    if sys.stdin is None:  # closed by whoever started this
        lines.put_nowait(None)
        return
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    rest = b""

    def readable() -> None:
        nonlocal rest
        data = os.read(descriptor, 4096)
        *whole, rest = (rest + data).split(b"\n")
        if not data:
            loop.remove_reader(descriptor)
            whole = [rest] if rest else []
        for line in whole:
            lines.put_nowait(line.decode(errors="replace"))
        if not data:
            lines.put_nowait(None)

    try:
        loop.add_reader(descriptor, readable)
    except PermissionError:  # a file, which epoll does not take: it can be read at once
        for line in sys.stdin:
            lines.put_nowait(line)
        lines.put_nowait(None)
