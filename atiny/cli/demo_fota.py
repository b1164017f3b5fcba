"""The firmware upgrade of ``atiny demo --fota``: the lamp from version 1 to version 2, pushed by the cloud."""

from __future__ import annotations

import random
import threading

import atiny
from atiny.cloud import CloudThread, UpgradePhase

from ..fota.build import build
from .common import Output
from .firmware import Firmware

OLD, NEW = "1", "2"
IMAGE_SIZE = 512 * 1024
_MARK = b"LED lamp, version "


def package(version: str) -> bytes:
    """The package of an image of the lamp: a line that says its version, and what might be a program."""
    head = _MARK + version.encode() + b"\n"
    return build(head + random.Random(version).randbytes(IMAGE_SIZE - len(head)))


class LampFirmware:
    """The firmware of the lamp, in ``folder``. ``restarting`` is set when it is to be started again."""

    def __init__(self, folder: str):
        self._firmware = Firmware(folder)
        self.restarting = threading.Event()

    def start(self) -> tuple[atiny.Platform, atiny.FirmwareOptions]:
        """The platform and the options of the client that runs this time."""
        self.restarting.clear()
        return atiny.Platform(storage=self._firmware.boot()), self._firmware.options

    def confirm(self) -> bool:
        """It works."""
        return self._firmware.confirm()

    @property
    def version(self) -> str:
        """Of the image that runs."""
        image = self._firmware.image or _MARK + OLD.encode() + b"\n"
        return image.partition(b"\n")[0].removeprefix(_MARK).decode(errors="replace")


def begin(cloud: CloudThread, out: Output, endpoint: str, firmware: LampFirmware) -> bool:
    """Push the new version, and wait until the lamp is to restart with it; returns whether it came to that."""
    was = cloud.device(endpoint).read("/3/0/3").value
    out.say(f"cloud: the lamp has firmware version {was}, version {NEW} is pushed", "upgrading", who="cloud", was=was)
    upgrade = cloud.fota_push(endpoint, package(NEW), update=True)
    # What ends it before the restart is a failure. The upgrade itself is followed on after the restart.
    while not upgrade.upgrade.ended:
        if firmware.restarting.wait(0.05):
            return True
    return firmware.restarting.is_set()


def finish(cloud: CloudThread, out: Output, endpoint: str, timeout_s: float) -> bool:
    """After the restart: returns whether the lamp runs the new version."""
    upgrade = cloud.cloud.fota.of(endpoint)
    assert upgrade is not None
    phase = cloud.run(upgrade.wait(timeout_s))
    version = cloud.device(endpoint).read("/3/0/3").value
    done = phase == UpgradePhase.SUCCESS and version == NEW
    text = f"cloud: the lamp has firmware version {version} now" if done else f"cloud: NOT upgraded: {upgrade.reason}"
    out.say(text, "upgraded", who="cloud", ok=done, version=version)
    return done
