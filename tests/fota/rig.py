"""A device without an agent: an `Updater` on a `FakeStorageDevice`, fed by a test, and a source of files in memory."""

import random

from atiny.commands import ATINY_DO_DEV_REBOOT
from atiny.errors import Rejected
from atiny.fota.build import build
from atiny.fota.machine import RESULTS
from atiny.fota.options import FirmwareOptions
from atiny.fota.source import Source, Transfer
from atiny.fota.updater import Updater
from atiny.lwm2m.host import Host
from atiny.testing import FakeStorageDevice
from tests.fota.keys import PRIVATE_PEM, PUBLIC_PEM

URI = "coap://files/lamp.bin"
OLD = b"old"


def image(size=5000, seed=1):
    return random.Random(seed).randbytes(size)


NEW = image()
SIGNED = build(NEW, key=PRIVATE_PEM)
PLAIN = build(NEW)
KEY = {"key": PUBLIC_PEM}


class MemoryTransfer(Transfer):
    """One transfer of `Files`, a block for each `pump`."""

    def __init__(self, files, uri, offset, etag, receiver):
        self.files, self.uri, self.receiver = files, uri, receiver
        self.offset, self.etag = offset, etag
        self.begun = self.over = False

    def cancel(self):
        self.over = True

    def fail(self, error="the link is gone", final=False):
        self.over = True
        self.receiver.end(error, final)

    def pump(self):
        content, etag = self.files.content.get(self.uri, (None, None))
        if content is None:
            return self.fail("4.04", True)
        if not self.begun:
            self.begun = True
            if self.offset and (etag != self.etag or not self.files.resumes):
                self.offset = 0
            self.receiver.begin(etag, len(content) + self.files.lie if self.files.announces else None, self.offset)
            if self.over:
                return None
        block = content[self.offset : self.offset + self.files.block]
        self.offset += len(block)
        self.files.served += len(block)
        if block:
            self.receiver.data(block)
        if self.offset >= len(content) and not self.over:
            self.over = True
            self.receiver.end(None, True)
        return None


class Files(Source):
    """``content``: by URI, (bytes, ETag). ``opened``: (offset, etag) of each transfer. ``served``: bytes."""

    schemes = ("coap",)

    def __init__(self):
        self.content = {URI: (SIGNED, b"\x01")}
        self.opened = []
        self.transfers = []
        self.block = 512
        self.served = 0
        self.resumes = self.announces = True
        self.lie = 0  # by how much the announced length is wrong

    def open(self, uri, offset, etag, receiver):
        self.opened.append((offset, etag))
        self.transfers.append(MemoryTransfer(self, uri, offset, etag, receiver))
        return self.transfers[-1]

    def pump(self):
        """One block of each transfer; whether there was one."""
        alive = [transfer for transfer in self.transfers if not transfer.over]
        for transfer in alive:
            transfer.pump()
        return bool(alive)


class Clock:
    ms = 1000


class Rig:
    """The updater and its agent. ``options``: of `FirmwareOptions`.

    ``told``: the events, ``changes``: paths, ``failures``: (path, error)."""

    def __init__(self, storage=None, **options):
        self.storage = storage or FakeStorageDevice(OLD)
        self.files = Files()
        self.options = options
        self.clock = Clock()
        self.random = bytes
        self.host = Host(self.ioctl)
        self.reboots = 0
        self.boot()

    def boot(self, cut=None):
        """The device starts; the power may fail again, at that operation of the storage from now on."""
        for transfer in self.files.transfers:
            transfer.over = True
        self.storage.restart()
        self.storage.cut_power_at(cut)
        self.told, self.changes, self.failures = [], [], []
        options = FirmwareOptions(**{"sources": (self.files,), **self.options})
        self.offline = None
        self.updater = Updater(self, self.storage, options)
        self.updater.start()
        return self.says

    def ioctl(self, cmd, arg):
        assert cmd == ATINY_DO_DEV_REBOOT
        self.reboots += 1

    def model_changed(self, path):
        self.changes.append(path)

    def firmware_moved(self, *event):
        self.told.append(event)

    def handler_failed(self, path, error):
        self.failures.append((tuple(int(part) for part in path.split("/")[1:]), error))

    def go_offline(self):
        self.offline = True
        self.updater.network_changed()

    def go_online(self):
        self.offline = None
        self.updater.network_changed()

    def timer(self):
        """As the agent does."""
        due = self.updater.deadline()
        if due is not None and due <= self.clock.ms:
            self.updater.handle_timer()

    @property
    def says(self):
        return self.updater.record.state, self.updater.record.result

    def refused(self, function, *args):
        """The code that a server is answered; None: it is not refused."""
        try:
            function(*args)
        except Rejected as error:
            return error.code
        return None

    def push(self, package, server=1, block=512, announce=True):
        """Push a package in blocks; the code it is refused with, or None."""
        sink = self.updater.open_push(server)
        total = len(package) if announce else None

        def go():
            for offset in range(0, len(package), block):
                sink.write(offset, package[offset : offset + block], total)
            sink.end()

        return self.refused(go)

    def run(self, blocks=None):
        """Until nothing is to be done any more, or so many blocks have come."""
        came = 0
        for _ in range(100_000):
            if blocks is not None and came >= blocks:
                return
            due = self.updater.deadline()
            if due is not None and due <= self.clock.ms:
                self.timer()
            elif self.files.pump():
                came += 1
            elif due is not None:
                self.clock.ms = due
            else:
                return
        raise AssertionError("it never ends")

    def pull(self, uri=URI, blocks=None):
        self.updater.set_uri(uri)
        self.run(blocks)
        return self.says

    def update(self):
        """Execute Update, and do what follows up to the restart; the restart itself is the test's."""
        after = self.updater.update()
        after()
        self.run()
        return self.says


def begun(rig, server=1, package=SIGNED):
    """A push of which the first two blocks have come."""
    sink = rig.updater.open_push(server)
    sink.write(0, package[:512], len(package))
    sink.write(512, package[512:1024], len(package))
    return sink


def rig_with(**options):
    """A device that takes what is signed, with a checkpoint at every 1024 bytes."""
    return Rig(**{**KEY, "checkpoint": 1024, **options})


def broken_off(rig=None, blocks=7, **options):
    """A pull that a restart interrupts after so many blocks of 512 bytes."""
    rig = rig or rig_with(**options)
    assert rig.pull(blocks=blocks) == (1, 0)
    assert rig.boot() == (1, 0)
    return rig


def completes(rig, content=NEW):
    """It comes to its end, and runs the image."""
    rig.run()
    assert rig.says == (2, 0), RESULTS[rig.updater.record.result]
    assert bytes(rig.storage.new) == content
    assert rig.failures == []
    rig.update()
    assert rig.boot() == (0, 1)
    assert rig.storage.software == content
