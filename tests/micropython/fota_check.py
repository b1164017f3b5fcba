"""Firmware updates by push and by pull, with the power cut at every write of the storage: the same lines come out on
both runtimes.

The standard input has one line: modulus and exponent of a key, and a package that it signed, in hexadecimal.

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/fota_check.py < line
"""

import sys

from atiny.errors import Rejected
from atiny.fota.machine import TRANSITIONS, in_words
from atiny.fota.options import FirmwareOptions
from atiny.fota.package import PackageReader
from atiny.fota.record import UpdateRecord
from atiny.fota.source import Source, Transfer
from atiny.fota.updater import Updater
from atiny.lwm2m.host import Host
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.firmware import Firmware

URI = "coap://files/lamp.bin"
OLD = b"old"


class PowerCut(BaseException):
    pass


class Medium:
    """Two slots and a record; each write can be the one that the power fails in, and then is done by half."""

    def __init__(self):
        self.slots = [OLD, b""]
        self.running = 0
        self.record = bytes(512)
        self.left = None
        self.chosen = False
        self.active = False

    def restart(self):
        self.left = None
        if self.chosen:
            self.running = 1 - self.running
            self.active = True
            self.chosen = False

    def operation(self):
        """How much of the data is written."""
        if self.left is not None:
            self.left -= 1
            return self.left >= 0
        return True

    def write(self, old, offset, data):
        whole = self.operation()
        data = bytes(data) if whole else bytes(data[: len(data) // 2])
        return whole, old[:offset] + data + old[offset + len(data) :]

    def init(self):
        pass

    def begin_software_download(self):
        self.active = False
        self.slots[1 - self.running] = b""
        if not self.operation():
            raise PowerCut

    def write_software(self, offset, data):
        new = 1 - self.running
        whole, self.slots[new] = self.write(self.slots[new], offset, data)
        if not whole:
            raise PowerCut

    def read_software(self, offset, length):
        return self.slots[1 - self.running][offset : offset + length]

    def end_software_download(self):
        if not self.operation():
            raise PowerCut

    def active_software(self):
        if not self.operation():
            raise PowerCut
        self.chosen = True

    def get_active_result(self):
        return self.active

    def write_update_info(self, offset, data):
        whole, self.record = self.write(self.record, offset, data)
        if not whole:
            raise PowerCut

    def read_update_info(self, offset, length):
        return self.record[offset : offset + length]


class Piece(Transfer):
    def __init__(self, files, offset, etag, receiver):
        self.files = files
        self.offset = offset if etag == files.etag else 0
        self.receiver = receiver
        self.over = False

    def cancel(self):
        self.over = True


class Files(Source):
    schemes = ("coap",)
    etag = b"\x01\x02"

    def __init__(self, content):
        self.content = content
        self.piece = None

    def open(self, uri, offset, etag, receiver):
        self.piece = Piece(self, offset, etag, receiver)
        return self.piece

    def pump(self):
        """A block; whether there was one."""
        piece = self.piece
        if piece is None or piece.over:
            return False
        receiver = piece.receiver
        receiver.begin(self.etag, len(self.content), piece.offset)
        while not piece.over:
            block = self.content[piece.offset : piece.offset + 256]
            piece.offset += len(block)
            if block:
                receiver.data(block)
            elif not piece.over:
                piece.over = True
                receiver.end(None, True)
        return True


class Clock:
    ms = 1000


class Device:
    def __init__(self, medium, package, key):
        self.medium = medium
        self.files = Files(package)
        self.options = FirmwareOptions(key=key, checkpoint=300, sources=(self.files,))
        self.random = bytes
        self.host = Host(self.ioctl)
        self.offline = None
        self.restart()

    def restart(self):
        self.medium.restart()
        self.events = []
        self.clock = Clock()
        self.updater = Updater(self, self.medium, self.options)
        self.updater.start()
        self.object = Firmware(self.updater)

    def ioctl(self, cmd, arg):
        self.events.append("cmd %d" % cmd)

    def model_changed(self, path):
        self.events.append("%d/%d/%d" % path)

    def firmware_moved(self, state, result, done, total):
        self.events.append("%d %d %d %s" % (state, result, done, total))

    def handler_failed(self, path, error):
        self.events.append("failed %s" % type(error).__name__)

    def push(self, package):
        sink = self.object.open_package(1)
        try:
            for offset in range(0, len(package), 256):
                sink.write(offset, package[offset : offset + 256], len(package))
            sink.end()
        except Rejected as error:
            return "%d %s" % (error.code, error.diagnostic)
        return "taken"

    def run(self):
        updater = self.updater
        while True:
            due = updater.deadline()
            if due is not None:
                self.clock.ms = max(due, self.clock.ms)
                updater.handle_timer()
            elif not self.files.pump():
                return

    def go_on(self, way, package):
        if self.updater.record.state == 0:
            if way == "push":
                self.push(package)
            else:
                self.object.write_package_uri(URI)
        self.run()
        if self.updater.record.state == 2:
            self.object.execute_update("")()
            self.run()

    @property
    def line(self):
        medium = self.medium
        return "%d %d runs %s" % (
            self.updater.record.state,
            self.updater.record.result,
            "old" if medium.slots[medium.running] == OLD else "new",
        )


def play(emit, key, package) -> None:
    """Tell ``emit`` each line."""
    for row in sorted(in_words()):
        emit(" | ".join(row))
    emit("%d transitions" % len(TRANSITIONS))
    reader = PackageReader(FirmwareOptions(key=key))
    image = bytes(reader.feed(package))
    Model().add(Firmware(None))

    for way in ("push", "pull"):
        device = Device(Medium(), package, key)
        device.go_on(way, package)
        emit("; ".join(device.events))
        device.restart()
        emit("; ".join(device.events))
        for row in Firmware.resources:
            if row.readable:
                emit("%s %r" % (row.name, device.object.read(row)))

        cuts = 0
        failed = True
        while failed:
            device = Device(Medium(), package, key)
            device.medium.left = cuts
            failed = False
            try:
                device.go_on(way, package)
            except PowerCut:
                failed = True
            device.restart()
            line = device.line
            if failed:
                cuts += 1
                if device.updater.record.result != 1:
                    device.go_on(way, package)
                    device.restart()
            emit("%s, cut %d: %s, then %s" % (way, cuts, line, device.line))
            assert device.medium.slots[device.medium.running] == image
        emit("%s: %d power cuts" % (way, cuts))

    device = Device(Medium(), package, key)
    for wrong in (package[:-1] + b"?", package[:-1], image, b"", b"\x00"):
        emit("%s %s" % (device.push(wrong), device.line))
    for uri in ("lamp.bin", "ftp://files/lamp.bin", ""):
        device.object.write_package_uri(uri)
        emit(device.line)
    device.push(package)
    device.medium.slots[1] = device.medium.slots[1][:-1] + b"?"
    device.object.execute_update("")()
    device.run()
    emit(device.line)

    medium = Medium()
    record = UpdateRecord(medium)
    for number in range(3):
        record.state = number
        record.kind = 2
        record.uri = URI
        record.etag = b"\xff"
        record.save()
        emit(medium.record.hex())
    medium.record = medium.record[:300] + b"\xff" + medium.record[301:]
    record = UpdateRecord(medium)
    emit("%s %d %s" % (record.load(), record.state, record.uri))


def main() -> None:
    words = sys.stdin.readline().split()
    key = int(words[0], 16), int(words[1], 16)
    play(print, key, bytes.fromhex(words[2]))


if __name__ == "__main__":
    main()
