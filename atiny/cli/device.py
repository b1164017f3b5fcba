"""``atiny device``: the guide's device simulator. It reports code streams and prints the commands it receives."""

from __future__ import annotations

import sys
import threading
from typing import IO

import click

import atiny
from atiny import LOG_DEBUG, LOG_ERR, LOG_INFO, LOG_OFF, LOG_WARNING
from atiny.client import PendingReport
from atiny.lwm2m.path import parse_server

from .common import (
    FAILED,
    NOT_REGISTERED,
    Failure,
    Output,
    check_host,
    from_hex,
    json_option,
    psk_from,
    timeout_option,
)
from .firmware import Firmware
from .fota import show_state

HANDSHAKE_TIMEOUT_S = 60.0
AWAKE_S = 93.0  # MAX_TRANSMIT_WAIT (OMA LwM2M 1.0, 8.3)
LOG_LEVELS = {"off": LOG_OFF, "error": LOG_ERR, "warning": LOG_WARNING, "info": LOG_INFO, "debug": LOG_DEBUG}


@click.command("device")
@click.option("--server", metavar="coap[s]://HOST:PORT", help="The LwM2M server; not needed with --bootstrap.")
@click.option("--endpoint", required=True, metavar="NAME", help="The device's endpoint name.")
@click.option("--psk-id", metavar="ID", envvar="ATINY_PSK_ID", show_envvar=True, help="For coaps: the identity.")
@click.option(
    "--psk-hex",
    metavar="HEXKEY",
    envvar="ATINY_PSK_HEX",
    show_envvar=True,
    help="For coaps: its key. On the command line others on this machine may see it, in the environment not.",
)
@click.option(
    "--bootstrap",
    metavar="coap[s]://HOST:PORT",
    help="The bootstrap server: who gives the device its servers, or with --server may give it others.",
)
@click.option(
    "--bootstrap-psk-id",
    metavar="ID",
    envvar="ATINY_BOOTSTRAP_PSK_ID",
    show_envvar=True,
    help="For bootstrap over coaps: the identity.",
)
@click.option(
    "--bootstrap-psk-hex",
    metavar="HEXKEY",
    envvar="ATINY_BOOTSTRAP_PSK_HEX",
    show_envvar=True,
    help="For bootstrap over coaps: its key.",
)
@click.option(
    "--store",
    "store_dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Keep in this folder what outlives a restart: the accounts that a bootstrap gave. Keys are among them.",
)
@click.option(
    "--lifetime",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="Of the registration.",
)
@click.option("--binding", type=click.Choice(("U", "UQ")), default="U", show_default=True, help="UQ is queue mode.")
@click.option("--queue-mode", is_flag=True, help="As --binding UQ.")
@click.option(
    "--awake",
    "awake_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="In queue mode, how long the device listens when nothing happens.  [default: 93]",
)
@click.option(
    "--log",
    type=click.Choice(tuple(LOG_LEVELS)),
    default="off",
    show_default=True,
    help="To the standard error: debug shows each CoAP message, in plaintext also over DTLS.",
)
@click.option(
    "--firmware",
    "firmware_dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Take firmware packages, and keep the images in this folder. The device plays its restarts, stays until "
    "Ctrl-C, and reports only the streams that are arguments.",
)
@click.option(
    "--firmware-key",
    type=click.File("rb"),
    metavar="PUB.pem",
    help="Take only packages that are signed, as this public key shows.",
)
@click.option("--stay", is_flag=True, help="When all is reported, stay and print commands until Ctrl-C.")
@timeout_option
@json_option
@click.argument("streams", nargs=-1, metavar="[HEX]...")
def command(
    server: str | None,
    endpoint: str,
    psk_id: str | None,
    psk_hex: str | None,
    bootstrap: str | None,
    bootstrap_psk_id: str | None,
    bootstrap_psk_hex: str | None,
    store_dir: str | None,
    lifetime: int,
    binding: str,
    queue_mode: bool,
    awake_s: float | None,
    log: str,
    firmware_dir: str | None,
    firmware_key: IO[bytes] | None,
    stay: bool,
    timeout_s: float,
    as_json: bool,
    streams: tuple[str, ...],
) -> int:
    """Be a device that reports hexadecimal code streams and prints the commands it receives.

    The streams are the arguments, or else the lines of the standard input (typed: until Ctrl-D). It ends when they are
    acknowledged: the exit code is 0 only if all were.

    \b
    atiny device --server coap://127.0.0.1:5683 --endpoint lamp-1 01 00
    atiny device --server coaps://127.0.0.1:5684 --endpoint lamp-1 --psk-id lamp-1 --psk-hex 0001..0f 01 00
    atiny device --bootstrap coap://127.0.0.1:5783 --endpoint lamp-1 01 00
    """
    if firmware_key is not None and firmware_dir is None:
        raise click.UsageError("--firmware-key needs --firmware")
    if server is None and bootstrap is None:
        raise click.UsageError("a device needs a --server, or a --bootstrap server that gives it one")
    psk = _psk(psk_id, psk_hex, "--psk")
    bootstrap_psk = _psk(bootstrap_psk_id, bootstrap_psk_hex, "--bootstrap-psk")
    data = [from_hex(stream) for stream in streams]  # before anything else: a typing error costs no registration
    out = Output(as_json)
    simulator = _Simulator(out)

    def make() -> atiny.Client:
        firmware = simulator.firmware
        return atiny.Client(
            endpoint,
            server,
            psk=psk,
            bootstrap=bootstrap,
            bootstrap_psk=bootstrap_psk,
            device=simulator,
            lifetime=lifetime,
            binding="UQ" if queue_mode else binding,
            awake_s=awake_s or AWAKE_S,
            queue_size=max(8, len(data)),
            on_event=simulator.on_event,
            platform=atiny.Platform(
                log_level=LOG_LEVELS[log],
                store=None if store_dir is None else atiny.FileStore(store_dir),
                storage=None if firmware is None else firmware.boot(),
            ),
            firmware=None if firmware is None else firmware.options,
            handshake_timeout_s=min(HANDSHAKE_TIMEOUT_S, 0.8 * timeout_s),  # so that there is a reason to be told
        )

    try:
        for uri in (server, bootstrap):
            if uri is not None:
                check_host(*parse_server(uri)[1:])
        if firmware_dir is not None:
            simulator.firmware = Firmware(firmware_dir, None if firmware_key is None else firmware_key.read())
        client = make()
    except (atiny.ParameterError, atiny.NotSupported) as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        raise click.UsageError(f"--store: {problem}" if firmware_dir is None else str(problem)) from None

    ended = None
    while True:
        with client:
            try:
                if not client.wait_registered(timeout_s):
                    why = f": {simulator.reason}" if simulator.reason else ""
                    where = server or "any server"
                    raise Failure(NOT_REGISTERED, f"not registered at {where} within {timeout_s:g} s{why}")
                if simulator.firmware is not None:
                    simulator.firmware.confirm()
                if ended is None:
                    typed = not data and simulator.firmware is None
                    pending = _typed(client, simulator) if typed else [simulator.report(client, item) for item in data]
                    ended = [report.wait(timeout_s) for report in pending]
                if stay or simulator.firmware is not None:
                    simulator.restarting.wait()
            finally:
                if client.registered:
                    out.say("de-registering", "deregistering")
        if not simulator.restarting.is_set():
            return 0 if all(status == atiny.ReportStatus.SENT_SUCCESS for status in ended) else FAILED
        simulator.restarting.clear()
        client = make()
        version = None if simulator.firmware is None else simulator.firmware.version
        out.say("restarted" + ("" if version is None else f" with firmware {version}"), "restarted", firmware=version)


def _psk(identity: str | None, key_hex: str | None, option: str) -> tuple[bytes, bytes] | None:
    if identity is None and key_hex is None:
        return None
    if identity is None or key_hex is None:
        raise click.UsageError(f"{option}-id and {option}-hex go together: give both")
    return psk_from(identity, key_hex, f"{option}-hex")


class _Simulator(atiny.CommandHandler):
    def __init__(self, out: Output):
        self.out = out
        self.reason = ""
        self.firmware: Firmware | None = None
        self.restarting = threading.Event()

    def get_model_number(self) -> str:
        return "device simulator"

    def get_firmware_ver(self) -> str | None:
        return None if self.firmware is None else self.firmware.version

    def do_dev_reboot(self) -> int:
        if self.firmware is None:
            return atiny.ATINY_RESOURCE_NOT_FOUND
        self.restarting.set()
        return atiny.ATINY_OK

    def write_app_write(self, data: bytes) -> int:
        self.out.say(f"command {data.hex()}", "command", data=data.hex())
        return atiny.ATINY_OK

    def report(self, client: atiny.Client, data: bytes) -> PendingReport:
        """Report a code stream, and say its end."""

        def ended(type: int, cookie: object, status: int) -> None:
            word = atiny.ReportStatus.name(status)
            self.out.say(f"report {data.hex()}: {word}", "report", data=data.hex(), status=word)

        return client.report(data, callback=ended)

    def on_event(self, event: int, arg: object) -> None:
        if event == atiny.ATINY_REG_OK:
            self.out.say("registered", "registered")
        elif event == atiny.ATINY_REG_FAIL:
            self.reason = "" if arg is None else str(arg)
            self.out.say(f"not registered: {self.reason}", "not_registered", reason=self.reason)
        elif event == atiny.ATINY_DATA_SUBSCRIBE:
            self.out.say(f"observed {arg}", "observed", path=str(arg))
        elif event == atiny.ATINY_DATA_UNSUBSCRIBE:
            self.out.say(f"no longer observed {arg}", "unobserved", path=str(arg))
        elif event == atiny.ATINY_BOOTSTRAP_OK:
            self.out.say("bootstrapped", "bootstrapped")
        elif event == atiny.ATINY_BOOTSTRAP_FAIL:
            self.reason = f"bootstrap failed: {arg}"
            self.out.say(self.reason, "bootstrap_failed", reason=str(arg))
        elif event == atiny.ATINY_FOTA_STATE:
            show_state(self.out, arg)
        elif event == atiny.ATINY_HANDLER_ERROR:
            self.out.say(f"error {arg}", "error", message=str(arg))


def _typed(client: atiny.Client, simulator: _Simulator) -> list[PendingReport]:
    """Report the lines of the standard input; a mistake in one ends it only where nobody types."""
    pending: list[PendingReport] = []
    for line in sys.stdin or ():
        if not line.strip():
            continue
        try:
            pending.append(_when_there_is_room(client, simulator, from_hex(line.strip()), pending))
        except (Failure, atiny.AtinyError) as problem:
            if not sys.stdin.isatty():
                raise
            click.echo(f"atiny: {problem}", err=True)
    return pending


def _when_there_is_room(
    client: atiny.Client, simulator: _Simulator, data: bytes, pending: list[PendingReport]
) -> PendingReport:
    while True:
        try:
            return simulator.report(client, data)
        except atiny.QueueFull:
            for report in pending:
                if not report.done:
                    report.wait()
                    break
