"""``atiny demo``: a cloud and an LED lamp in one process, each with an event loop of its own, over real DTLS or UDP."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

import click

import atiny
from atiny.cloud import CloudThread, CommandState, Event
from atiny.dtls.mbedtls import load

from .common import FAILED, NOT_REGISTERED, Failure, Output, json_option, timeout_option
from .demo_fota import OLD, LampFirmware, begin, finish
from .fota import show_event, show_state

ENDPOINT = "led-lamp"
ON, OFF = b"\x01", b"\x00"
PERIOD_S = 2.0
COMMAND_EVERY = 3  # reports, where the demonstration has no end


@click.command("demo")
@click.option(
    "--reports",
    type=click.IntRange(min=1),
    metavar="N",
    help="Report N times, command the lamp once and end: 0 only if all were acknowledged and the command was obeyed.",
)
@click.option("--nosec", is_flag=True, help="Without DTLS: plain CoAP, for a runtime that has none, or to be watched.")
@click.option("--fota", is_flag=True, help="Upgrade the lamp's firmware first, from version 1 to version 2.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the cloud listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Its port; by default a free one.")
@timeout_option
@json_option
def command(reports: int | None, nosec: bool, fota: bool, host: str, port: int, timeout_s: float, as_json: bool) -> int:
    """Show a device on a cloud: registered, observed, reporting, obeying, de-registered.

    All goes over DTLS, with a key made for this one run. Without --reports it goes on until Ctrl-C.
    """
    out = Output(as_json)
    psk = None if nosec else (ENDPOINT, secrets.token_bytes(16))
    with _cloud(host, port, psk) as cloud:
        cloud.subscribe(lambda event: _tell(out, event))
        url = cloud.url if nosec else cloud.secure_url
        out.say(f"cloud: listening on {url}", "listening", who="cloud", url=url)
        lamp = _Lamp(out)
        upgraded = True
        with ExitStack() as stack:
            if fota:
                lamp.firmware = LampFirmware(stack.enter_context(TemporaryDirectory(prefix="atiny-lamp-")))
                with _registered(lamp, url, psk, timeout_s):
                    upgraded = begin(cloud, out, ENDPOINT, lamp.firmware)
                out.say("lamp: restarts", "restarting", who="lamp")
            with _registered(lamp, url, psk, timeout_s) as client:
                if fota and upgraded:
                    upgraded = finish(cloud, out, ENDPOINT, timeout_s)
                acknowledged, obeyed = _run(cloud, client, lamp, reports, timeout_s)
        out.say("lamp: stopped", "stopped", who="lamp")
    fine = acknowledged == reports and obeyed and upgraded
    verdict = "the command was obeyed" if obeyed else "the command was NOT obeyed"
    out.say(
        f"{acknowledged} of {reports} reports acknowledged, {verdict}",
        "result",
        reports=reports,
        acknowledged=acknowledged,
        obeyed=obeyed,
        **({"upgraded": upgraded} if fota else {}),
    )
    return 0 if fine else FAILED


@contextmanager
def _registered(lamp: _Lamp, url: str, psk: tuple[str, bytes] | None, timeout_s: float) -> Iterator[atiny.Client]:
    """The lamp, once it is registered; it is switched off at the end."""
    platform, options = (None, None) if lamp.firmware is None else lamp.firmware.start()
    client = atiny.Client(
        ENDPOINT,
        url,
        psk=psk,
        device=lamp,
        lifetime=60,
        on_event=lamp.on_event,
        platform=platform,
        firmware=options,
    )
    with client:
        if not client.wait_registered(timeout_s):
            why = f": {lamp.reason}" if lamp.reason else ""
            raise Failure(NOT_REGISTERED, f"the lamp did not register within {timeout_s:g} s{why}")
        if lamp.firmware is not None:
            lamp.firmware.confirm()
        yield client


def _cloud(host: str, port: int, psk: tuple[str, bytes] | None) -> CloudThread:
    """The cloud, started when it is entered; ``port`` is the one that the lamp is to use."""
    if psk is None:
        return CloudThread(host, port)
    try:
        load()
    except atiny.NotSupported as problem:
        raise Failure(FAILED, f"{problem}; or without DTLS: atiny demo --nosec") from None
    return CloudThread(host, 0, dtls_port=port, psk=dict([psk]))


def _run(
    cloud: CloudThread, client: atiny.Client, lamp: _Lamp, reports: int | None, timeout_s: float
) -> tuple[int, bool]:
    """Report and command; returns how many reports were acknowledged and whether each command was obeyed."""
    acknowledged = 0
    obeyed = True
    for number in itertools.count(1):
        if lamp.report(client, number, timeout_s):
            acknowledged += 1
        if number == 1 or (reports is None and number % COMMAND_EVERY == 0):
            wanted = OFF if lamp.state == ON else ON
            delivered = cloud.device(ENDPOINT).command(wanted, expire_s=timeout_s)
            obeyed = delivered.wait(4 * timeout_s) == CommandState.SUCCESS and lamp.state == wanted and obeyed
        if number == reports:
            break
        if reports is None:
            time.sleep(PERIOD_S)
    return acknowledged, obeyed


class _Lamp(atiny.CommandHandler):
    """The guide's LED lamp: one byte, 01 on and 00 off, in reports and in commands."""

    def __init__(self, out: Output):
        self.out = out
        self.state = OFF
        self.reason = ""  # why it is not registered
        self.firmware: LampFirmware | None = None

    def get_model_number(self) -> str:
        return "LED lamp"

    def get_firmware_ver(self) -> str:
        return OLD if self.firmware is None else self.firmware.version

    def do_dev_reboot(self) -> int:
        if self.firmware is None:
            return atiny.ATINY_RESOURCE_NOT_FOUND
        self.firmware.restarting.set()
        return atiny.ATINY_OK

    def write_app_write(self, data: bytes) -> int:
        if data not in (ON, OFF):
            return atiny.ATINY_ARG_INVALID
        self.state = data
        word = "on" if data == ON else "off"
        self.out.say(f"lamp: obeys, it is {word} now", "lamp", who="lamp", state=word)
        return atiny.ATINY_OK

    def report(self, client: atiny.Client, number: int, timeout_s: float) -> bool:
        """Report the state; returns whether that was acknowledged."""
        data = self.state
        self.out.say(f"lamp: reports {data.hex()}", "reporting", who="lamp", number=number, data=data.hex())
        status = client.report(data).wait(timeout_s)
        word = atiny.ReportStatus.name(status)
        fine = status == atiny.ReportStatus.SENT_SUCCESS
        text = (
            f"lamp: report {number} is acknowledged" if fine else f"lamp: report {number} is NOT acknowledged: {word}"
        )
        self.out.say(text, "reported", who="lamp", number=number, data=data.hex(), status=word)
        return fine

    def on_event(self, event: int, arg: object) -> None:
        if event == atiny.ATINY_REG_OK:
            self.out.say("lamp: registered", "registered", who="lamp")
        elif event == atiny.ATINY_REG_FAIL:
            self.reason = str(arg)
            self.out.say(f"lamp: not registered: {arg}", "not_registered", who="lamp", reason=self.reason)
        elif event == atiny.ATINY_FOTA_STATE:
            show_state(self.out, arg, "lamp: ", who="lamp")


def _tell(out: Output, event: Event) -> None:
    show_event(out, event, "cloud: ", who="cloud")
