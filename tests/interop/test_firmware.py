"""Firmware updates that Leshan asks for: pushed by Block1, pulled from CoAP file servers, with restarts of both sides.

A package is hexadecimal text for Leshan; told OPAQUE, both releases write its octets as they are. Left to itself
Leshan writes TLV, of which the package is a part: such a body is joined, and so may be no longer than 16 KiB.
"""

import os
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import atiny
from atiny.fota import machine
from atiny.fota.build import build
from tests.cloud.dtls_peer import needs_dtls
from tests.fota.keys import PRIVATE_PEM, PUBLIC_PEM, private_pem
from tests.interop.device import Lamp
from tests.interop.file_server import ByBlock, ByTransfer, Files, OfTheCloud
from tests.interop.leshan import NOTIFICATION, TIMEOUT_S, plain, resource

pytestmark = pytest.mark.interop

URI, UPDATE, STATE, RESULT = "/5/0/1", "/5/0/2", "/5/0/3", "/5/0/5"
OLD = b"the firmware that the device was made with"
NEW = random.Random(5).randbytes(60_000)
NAME = 100  # a TLV of the maker's own
OWN = [(NAME, b"lamp 2.0")]
SIGNED = build(NEW, key=PRIVATE_PEM, tlvs=OWN)
STRANGER = private_pem(rsa.generate_private_key(65537, 2048))
BAD = {
    "signed by another": build(NEW, key=STRANGER, tlvs=OWN),
    "not signed": build(NEW, tlvs=OWN),
    "damaged": SIGNED[:-1] + bytes([SIGNED[-1] ^ 1]),
    "cut": SIGNED[:-1000],
}
PSK = b"0123456789abcdef"
QUICK = dict(lifetime=4, ack_timeout_ms=300, max_retransmit=2, retry_min_s=0.2, retry_max_s=1)


def describe(head):
    return tuple(head.own_value(NAME).decode().split(" "))


class Bulb:
    """A device, as Leshan's ``remote``. What is in its ``folder`` outlives `restart`; ``hooks``: of its storage."""

    def __init__(self, devices, folder, *arguments, hooks=None, **options):
        self.devices, self.folder, self.arguments, self.options = devices, folder, arguments, options
        self.hooks = hooks or {}
        self.options.setdefault("endpoint", devices.name())
        (folder / "old").write_bytes(OLD)
        os.symlink("old", folder / "current")
        self.start()

    def start(self):
        self.lamp = Lamp()
        self.storage = atiny.SlotStorage(str(self.folder), **self.hooks)
        self.client, self.remote = self.devices.start(
            *self.arguments,
            device=self.lamp,
            platform=atiny.Platform(storage=self.storage),
            firmware=atiny.FirmwareOptions(key=PUBLIC_PEM, retry_min_s=1, describe=describe),
            **self.options,
        )

    def restart(self):
        """The power goes, without a word to the server, and comes back."""
        self.client.go_offline()
        self.client.stop()
        self.start()

    @property
    def software(self):
        """What the next start runs."""
        return (self.folder / "current").read_bytes()

    @property
    def says(self):
        """State and Result, as Leshan reads them."""
        return self.remote.read(STATE).value, self.remote.read(RESULT).value

    def observe(self):
        """Have them observed; returns them."""
        return self.remote.observe(STATE).value, self.remote.observe(RESULT).value

    def push(self, package, format="OPAQUE"):
        return self.remote.write("/5/0/0", resource(0, package.hex()), format).code

    def pull(self, uri):
        return self.remote.write(URI, resource(1, uri)).code

    def notified(self, wanted, timeout_s=TIMEOUT_S):
        """Until Leshan was notified of each value: {path: value}."""
        missing = dict(wanted)

        def is_last(event):
            if missing.get(event["res"]) == plain(event["val"]):
                del missing[event["res"]]
            return not missing

        self.remote.next(NOTIFICATION, is_last, timeout_s)

    def update(self):
        """Execute Update, and restart when the device would."""
        assert self.remote.execute(UPDATE).code == "2.04"
        assert self.lamp.rebooted.wait(10)
        self.restart()

    def is_new(self):
        """It has updated, and goes on to say so."""
        assert self.says == (machine.IDLE, machine.SUCCESS)
        assert self.software == NEW
        assert self.storage.confirm()
        self.restart()
        assert self.says == (machine.IDLE, machine.SUCCESS)


@pytest.fixture
def bulb(devices, tmp_path):
    return Bulb(devices, tmp_path)


@pytest.fixture(params=[OfTheCloud, ByBlock, ByTransfer], ids=lambda kind: kind.__name__)
def files(request, tmp_path_factory):
    with Files(request.param, tmp_path_factory.mktemp("files")) as server:
        yield server


@pytest.mark.parametrize("secure", [False, pytest.param(True, marks=needs_dtls)], ids=["NoSec", "PSK"])
def test_push(devices, leshan, tmp_path, secure):
    """The whole of it, observed."""
    if secure:
        endpoint = devices.name()
        leshan.add_psk(endpoint, endpoint, PSK)
        bulb = Bulb(devices, tmp_path, leshan.secure_url, endpoint=endpoint, psk=(endpoint, PSK))
    else:
        bulb = Bulb(devices, tmp_path)
    assert bulb.remote.registration["secure"] is secure
    assert bulb.observe() == (machine.IDLE, machine.NONE_YET)
    assert bulb.remote.execute(UPDATE).code == "4.05"

    assert bulb.push(SIGNED) == "2.04"
    bulb.notified({STATE: machine.DOWNLOADED})
    assert bulb.says == (machine.DOWNLOADED, machine.NONE_YET)
    assert (bulb.remote.read("/5/0/6").value, bulb.remote.read("/5/0/7").value) == ("lamp", "2.0")
    assert bulb.push(SIGNED) == "4.05"
    bulb.client.told.wait(atiny.ATINY_FOTA_STATE, (machine.DOWNLOADED, machine.NONE_YET, len(SIGNED), len(SIGNED)))
    assert bulb.software == OLD

    assert bulb.remote.execute(UPDATE).code == "2.04"
    bulb.notified({STATE: machine.UPDATING})
    assert bulb.lamp.rebooted.wait(10)
    bulb.restart()
    assert bulb.observe() == (machine.IDLE, machine.SUCCESS)
    bulb.is_new()
    assert bulb.observe() == (machine.IDLE, machine.SUCCESS)
    assert bulb.pull("") == "2.04"
    bulb.notified({RESULT: machine.NONE_YET})
    assert bulb.software == NEW


@pytest.mark.parametrize("format", [None, "TLV"])
def test_push_in_tlv(bulb, format):
    assert bulb.push(SIGNED, format) == "2.04"
    assert bulb.says == (machine.DOWNLOADED, machine.NONE_YET)
    assert bulb.pull("") == "2.04"
    assert bulb.says == (machine.IDLE, machine.NONE_YET)


def test_pull(bulb, files):
    assert bulb.observe() == (machine.IDLE, machine.NONE_YET)
    uri = files.put("lamp.bin", SIGNED)
    files.hold_after(10)
    assert bulb.pull(uri) == "2.04"
    bulb.notified({STATE: machine.DOWNLOADING})
    files.wait_held()
    assert bulb.says == (machine.DOWNLOADING, machine.NONE_YET)  # the device obeys while it downloads
    assert bulb.remote.read(URI).value == uri
    assert bulb.remote.execute(UPDATE).code == "4.05"
    files.release()
    bulb.notified({STATE: machine.DOWNLOADED})
    assert files.asked == list(range(-(-len(SIGNED) // 1024)))
    assert bulb.software == OLD

    assert bulb.remote.execute(UPDATE).code == "2.04"
    bulb.notified({STATE: machine.UPDATING})
    assert bulb.lamp.rebooted.wait(10)
    bulb.restart()
    bulb.is_new()


def test_the_device_restarts_during_a_pull(devices, tmp_path, files):
    """It goes on where it was, with the head fetched again; where the server cannot do that, from the beginning.

    aiocoap's next datagram is lost when it has answered somebody who is gone: the device must not wait for long.
    """
    bulb = Bulb(devices, tmp_path, **QUICK)
    uri = files.put("lamp.bin", SIGNED)
    files.hold_after(40)
    assert bulb.pull(uri) == "2.04"
    files.wait_held()
    bulb.restart()
    assert bulb.observe() == (machine.DOWNLOADING, machine.NONE_YET)
    assert bulb.remote.read(URI).value == uri
    files.release()
    bulb.notified({STATE: machine.DOWNLOADED})
    blocks = -(-len(SIGNED) // 1024)
    if files.kind is ByTransfer:
        assert files.asked[-blocks:] == list(range(blocks))
    else:
        assert len(files.asked) < blocks + 10
    bulb.update()
    bulb.is_new()


@pytest.mark.parametrize("way", ["push", "pull"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_package(bulb, tmp_path_factory, way, bad):
    assert bulb.observe() == (machine.IDLE, machine.NONE_YET)
    if way == "push":
        assert bulb.push(BAD[bad]) == "4.00"
        bulb.notified({RESULT: machine.INTEGRITY})
    else:
        with Files(ByBlock, tmp_path_factory.mktemp("files")) as files:
            assert bulb.pull(files.put("lamp.bin", BAD[bad])) == "2.04"
            bulb.notified({RESULT: machine.INTEGRITY})
    assert bulb.says == (machine.IDLE, machine.INTEGRITY)
    assert bulb.remote.execute(UPDATE).code == "4.05"
    bulb.restart()
    assert bulb.says == (machine.IDLE, machine.INTEGRITY)
    assert bulb.remote.execute(UPDATE).code == "4.05"
    assert bulb.software == OLD
    # It takes a good one.
    assert bulb.push(SIGNED) == "2.04"
    assert bulb.says == (machine.DOWNLOADED, machine.NONE_YET)


def test_uris_of_no_use(bulb, tmp_path_factory):
    bulb.observe()
    with Files(ByBlock, tmp_path_factory.mktemp("files")) as files:
        for uri, result in (
            ("coap:lamp.bin", machine.INVALID_URI),
            ("ftp://127.0.0.1/lamp.bin", machine.UNSUPPORTED_PROTOCOL),
            (files.put("lamp.bin", SIGNED) + ".old", machine.INVALID_URI),  # 4.04
        ):
            assert bulb.pull(uri) == "2.04"
            bulb.notified({RESULT: result})
            assert bulb.says == (machine.IDLE, result)


def test_the_new_image_does_not_start(devices, tmp_path):
    """The boot loader goes back to the old one by itself: the package is still there, and may be tried again."""
    bulb = Bulb(devices, tmp_path, hooks=dict(active=lambda path: False))
    assert bulb.push(SIGNED) == "2.04"
    bulb.update()
    assert bulb.observe() == (machine.DOWNLOADED, machine.UPDATE_FAILED)
    assert bulb.software == OLD
    bulb.hooks = {}
    bulb.update()
    bulb.is_new()


def test_the_new_image_is_rolled_back(bulb):
    """It starts, and does not show itself healthy."""
    assert bulb.push(SIGNED) == "2.04"
    bulb.update()
    assert bulb.says == (machine.IDLE, machine.SUCCESS)
    assert bulb.storage.roll_back()
    bulb.restart()
    assert bulb.says == (machine.IDLE, machine.UPDATE_FAILED)
    assert bulb.software == OLD


def test_leshan_restarts_between_push_and_update(devices, leshan, tmp_path):
    bulb = Bulb(devices, tmp_path, **QUICK)
    assert bulb.push(SIGNED) == "2.04"
    leshan.restart()
    bulb.client.told.wait(atiny.ATINY_REG_OK, count=2, timeout_s=20)
    assert bulb.observe() == (machine.DOWNLOADED, machine.NONE_YET)
    assert bulb.remote.execute(UPDATE).code == "2.04"
    bulb.notified({STATE: machine.UPDATING})
    assert bulb.lamp.rebooted.wait(10)
    bulb.restart()
    bulb.is_new()


def test_leshan_restarts_during_a_pull(devices, leshan, files, tmp_path):
    """The download does not wait for it."""
    bulb = Bulb(devices, tmp_path, **QUICK)
    files.hold_after(20)
    assert bulb.pull(files.put("lamp.bin", SIGNED)) == "2.04"
    files.wait_held()
    leshan.stop()
    files.release()
    total = len(SIGNED)
    bulb.client.told.wait(atiny.ATINY_FOTA_STATE, (machine.DOWNLOADED, machine.NONE_YET, total, total))
    leshan.start()
    bulb.client.told.wait(atiny.ATINY_REG_OK, count=2, timeout_s=20)
    assert bulb.observe() == (machine.DOWNLOADED, machine.NONE_YET)
    bulb.update()
    bulb.is_new()
