"""The slots of the MicroPython adapter under MicroPython: exits 1 if something fails.

tests/adapter/test_micropython_storage.py runs it. The power is cut in every write of a block of littlefs.

MICROPYPATH=. micropython tests/micropython/storage_check.py FOLDER
"""

import json
import os
import sys

import atiny

FOLDER = sys.argv[1]
DEVICE = "/flash"
BLOCK = 512
OLD, NEW, OTHER = b"old" * 50, bytes(range(250)) * 8, b"downloaded once and never activated"
PIECE = 300
STARTS = 2


class Failure(Exception):
    pass


class PowerCut(BaseException):
    pass


def expect(found, expected) -> None:
    if found != expected:
        raise Failure("expected %r, got %r" % (expected, found))


def raises(number, function, *args) -> None:
    try:
        result = function(*args)
    except OSError as caught:
        expect(caught.errno, number)
        return
    raise Failure("expected OSError %d, got %r" % (number, result))


class Flash:
    """A block device in memory that loses its power in the ``number``-th write or erasure, half way."""

    def __init__(self, data, number=0):
        self.data = data
        self.number = number
        self.count = 0

    def readblocks(self, block, buffer, offset=0):
        start = block * BLOCK + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self.change(block * BLOCK + offset, buffer)

    def ioctl(self, operation, block):
        if operation == 4:
            return len(self.data) // BLOCK
        if operation == 5:
            return BLOCK
        if operation == 6:
            self.change(block * BLOCK, b"\xff" * BLOCK)
        return 0

    def change(self, start, data):
        self.count += 1
        if self.number and self.count > self.number:
            return  # the power is off
        cut = self.count == self.number
        if cut:
            data = bytes(data)[: len(data) // 2]
        self.data[start : start + len(data)] = data
        if cut:
            raise PowerCut


def mounted(kind, flash, new):
    if new:
        kind.mkfs(flash)
    os.mount(kind(flash), DEVICE)


def unmounted():
    try:
        os.umount(DEVICE)
    except (OSError, PowerCut):
        pass


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


class Host:
    """A board: ``launcher``: its main.py asks `boot` what to run; else it runs what `path` says, and that counts."""

    def __init__(self, folder, launcher=True):
        self.folder = folder
        self.launcher = launcher
        self.records = [{}]
        self.activating = False
        self.certain = ""

    def install(self):
        atiny.SlotStorage(self.folder).point("slot0")
        write(self.folder + "/slot0", OLD)
        storage = atiny.SlotStorage(self.folder)
        storage.init()
        storage.begin_software_download()
        storage.write_software(0, OTHER)
        storage.end_software_download()

    def start(self):
        if self.certain == "activated":
            self.certain = "started"
        self.storage = atiny.SlotStorage(self.folder, starts=STARTS, clock=int)
        path = self.storage.boot() if self.launcher else self.storage.path()
        self.running = read(path)
        self.storage.init()

    def record(self, **fields):
        self.records.append(fields)
        text = json.dumps(fields).encode()
        self.storage.write_update_info(256, text + bytes(256 - len(text)))

    def read_record(self):
        text = self.storage.read_update_info(256, 256)
        return json.loads(text[: text.find(b"\0")] or b"{}")

    def load(self, start=0):
        storage = self.storage
        if not start:
            self.record(state="loading", written=0)
            storage.begin_software_download()
        for offset in range(start, len(NEW), PIECE):
            storage.write_software(offset, NEW[offset : offset + PIECE])
            if offset // PIECE % 3 == 2:
                self.record(state="loading", written=offset + PIECE)
        storage.end_software_download()
        self.record(state="loaded")

    def update(self):
        self.record(state="updating")
        self.activating = True
        self.storage.active_software()
        self.certain = "activated"

    def upgrade(self):
        self.start()
        self.load()
        self.update()
        for _ in range(STARTS):
            self.start()
            expect(self.running, NEW)
        expect(self.storage.get_active_result(), True)
        expect(self.storage.confirm(), True)
        self.certain = "confirmed"
        self.start()
        expect(self.running, NEW)

    def in_vain(self):
        self.start()
        self.load()
        self.update()
        for _ in range(STARTS):
            self.start()
            expect(self.running, NEW)
        self.start()
        expect(self.running, OLD)
        expect(self.storage.get_active_result(), False)
        self.activating = False
        self.certain = "back"
        self.start()


def check_start(host, before) -> None:
    """What a start finds after the power was cut in the life of ``before``."""
    state = json.loads(atiny.FileStore(host.folder).get("state"))
    if state["whole"]:
        expect(read(host.folder + "/" + state["whole"]) in (NEW, OTHER), True)
    host.start()
    record, running = host.read_record(), host.running
    expect(running in (OLD, NEW), True)
    expect(record in before.records[-2:], True)
    if before.certain in ("activated", "confirmed"):
        expect(running, NEW)
    elif before.certain != "started":  # not activated, or given up
        expect(running == NEW and not before.activating, False)
    if record.get("state") == "updating":
        expect(host.storage.get_active_result(), running == NEW)
    if record.get("written"):
        expect(host.storage.read_software(0, record["written"]), NEW[: record["written"]])
    if record.get("state") == "loaded":
        expect(host.storage.read_software(0, 5000), NEW)


def go_on(host, confirms) -> None:
    record = host.read_record()
    if host.running == OLD:
        if record.get("written"):
            host.load(record["written"])
        elif record.get("state") not in ("loaded", "updating"):
            host.load()
        host.update()
        host.start()
        expect(host.running, NEW)
    if confirms:
        expect(host.storage.confirm(), True)
    for _ in range(STARTS + 1):
        host.start()
    expect(host.running, NEW if confirms else OLD)


def check_power_cuts() -> None:
    """Every write and erasure of a block, in littlefs."""
    for life, launcher in (("upgrade", True), ("in_vain", False)):
        clean = bytearray(BLOCK * 200)
        mounted(os.VfsLfs2, Flash(clean), True)
        Host(DEVICE + "/fw").install()
        unmounted()
        number = 0
        done = False
        while not done:
            number += 1
            flash = Flash(bytearray(clean), number)
            mounted(os.VfsLfs2, flash, False)
            before = Host(DEVICE + "/fw", launcher)
            try:
                getattr(before, life)()
                done = True
            except (PowerCut, OSError):  # a with statement may end in an error of its own
                if flash.count < number:
                    raise
                try:
                    before.storage.close_image()
                except OSError:
                    pass
            unmounted()
            if not done:
                mounted(os.VfsLfs2, Flash(flash.data), False)
                host = Host(DEVICE + "/fw", launcher)
                check_start(host, before)
                go_on(host, life == "upgrade")
                unmounted()
        expect(number > 100, True)
        print("%s: %d power cuts" % (life, number - 1))


def check_file_systems() -> None:
    for kind in (os.VfsLfs2, os.VfsLfs1, os.VfsFat):
        for life in ("upgrade", "in_vain"):
            mounted(kind, Flash(bytearray(BLOCK * 200)), True)
            host = Host(DEVICE + "/fw")
            host.install()
            getattr(host, life)()
            unmounted()


def check_full() -> None:
    """The medium is full in the middle of an image; the old one runs on, and a smaller one fits."""
    for kind in (os.VfsLfs2, os.VfsFat):
        mounted(kind, Flash(bytearray(BLOCK * 200)), True)
        host = Host(DEVICE + "/fw")
        host.install()
        host.start()
        storage = host.storage
        storage.begin_software_download()
        written = 0
        try:
            while written < BLOCK * 400:
                storage.write_software(written, bytes(700))
                written += 700
            raise Failure("no end of the medium")
        except OSError as error:
            expect(error.errno, 28)
        expect(written > BLOCK * 100, True)
        expect(read(storage.path()), OLD)
        storage.begin_software_download()
        host.load()
        host.update()
        host.start()
        expect(host.running, NEW)
        unmounted()


def check_first_upgrade() -> None:
    storage = atiny.SlotStorage(FOLDER)
    expect(storage.boot(), None)
    storage.init()
    expect(storage.read_update_info(500, 12), bytes(12))
    expect(storage.read_software(0, 10), b"")
    raises(22, storage.write_software, 0, b"x")
    raises(22, storage.active_software)
    storage.begin_software_download()
    raises(22, storage.write_software, 1, b"x")
    storage.write_software(0, memoryview(NEW))
    expect(storage.read_software(240, 20), NEW[240:260])
    storage.write_software(len(NEW), b"end")
    storage.write_software(0, NEW[:10])
    expect(storage.read_software(0, 5000), NEW + b"end")
    storage.end_software_download()
    storage.active_software()
    storage = atiny.SlotStorage(FOLDER)
    expect(storage.boot(), FOLDER + "/slot0")
    storage.init()
    expect(storage.on_trial(), True)
    expect(0 < (storage.health_left_ms() or 0) <= 300000, True)
    raises(16, storage.begin_software_download)
    expect(storage.roll_back(), True)
    expect((storage.given_up(), storage.confirm(), storage.path()), (True, False, None))
    expect(atiny.SlotStorage(FOLDER).boot(), None)


def check_hooks() -> None:
    paths = []
    storage = atiny.SlotStorage(FOLDER, activate=paths.append)
    storage.init()
    storage.active_software()
    expect(paths, [FOLDER + "/slot0"])

    def fails(path):
        raise ValueError(path)

    raises(5, atiny.SlotStorage(FOLDER, activate=fails).roll_back)
    storage = atiny.SlotStorage(FOLDER, activate=paths.append)
    storage.init()
    expect(paths, [FOLDER + "/slot0", ""])
    expect(storage.path(), None)


def main() -> None:
    failures = 0
    for name, check in (
        ("check_first_upgrade", check_first_upgrade),
        ("check_hooks", check_hooks),
        ("check_file_systems", check_file_systems),
        ("check_full", check_full),
        ("check_power_cuts", check_power_cuts),
    ):
        try:
            check()
            print("ok", name)
        except Exception as error:
            failures += 1
            print("FAILED", name)
            sys.print_exception(error)
            unmounted()
    print("%d failed" % failures)
    sys.exit(1 if failures else 0)


main()
