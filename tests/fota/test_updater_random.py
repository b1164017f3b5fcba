"""Servers, links, the power and the storage do what they like, in any order: what holds all the same."""

from hypothesis import example, given, settings, strategies as st

from atiny.errors import TransportError
from atiny.fota.machine import TRANSITIONS
from atiny.testing import FakeStorageDevice, PowerCut
from tests.fota.rig import KEY, NEW, OLD, PLAIN, SIGNED, URI, Rig

SERVERS = (1, 2, None)  # None: a bootstrap server
PACKAGES = (SIGNED, PLAIN, SIGNED[:-1], SIGNED[:-1] + b"?", NEW, b"", b"\0")
PACKAGE_URI = (5, 0, 1)  # where a pull that cannot go on is reported
URIS = (URI, URI + "x", "ftp://files/x", "lamp.bin", "")
REACHABLE = {(after, result) for _, after, result in TRANSITIONS}


class Chaos:
    """One step for each number that is drawn."""

    def __init__(self):
        self.rig = Rig(FakeStorageDevice(OLD), **KEY, checkpoint=512)
        self.sinks = []
        self.after = []
        self.steps = [
            self.open_push,
            self.go_on,
            self.go_on,
            self.go_on,
            self.push,
            self.end,
            self.abandon,
            self.set_uri,
            self.pump,
            self.pump,
            self.fail,
            self.update,
            self.answered,
            self.time,
            self.time,
            self.boot,
            self.cut,
            self.exchange,
            self.offline,
            self.online,
            self.break_storage,
            self.mend_storage,
        ]

    def do(self, step, number):
        rig = self.rig
        try:
            self.steps[step % len(self.steps)](number)
        except PowerCut:
            self.boot(0)
        self.rig = rig
        state = rig.says
        assert state in REACHABLE or state == (0, 0)
        assert rig.storage.software in (OLD, NEW)
        if state[0] == 2:
            assert bytes(rig.storage.new) == NEW
        for path, error in rig.failures:
            assert isinstance(error, OSError) or (path, type(error)) == (PACKAGE_URI, TransportError), (path, error)

    def open_push(self, number):
        self.sinks.append([self.rig.updater.open_push(SERVERS[number % 3]), PACKAGES[number % len(PACKAGES)], 0])

    def go_on(self, number):
        if self.sinks:
            sink = self.sinks[number % len(self.sinks)]
            at, size = sink[2], (number + 1) * 300
            if self.rig.refused(sink[0].write, at, sink[1][at : at + size], None) is not None:
                self.sinks.remove(sink)
            sink[2] += size

    def push(self, number):
        self.rig.push(PACKAGES[number % len(PACKAGES)], server=SERVERS[number % 3])

    def end(self, number):
        if self.sinks:
            self.rig.refused(self.sinks.pop(number % len(self.sinks))[0].end)

    def abandon(self, number):
        if self.sinks:
            self.sinks.pop(number % len(self.sinks))[0].abandon()

    def set_uri(self, number):
        self.rig.refused(self.rig.updater.set_uri, URIS[number % len(URIS)])

    def pump(self, number):
        for _ in range(number + 1):
            self.rig.files.pump()

    def fail(self, number):
        for transfer in self.rig.files.transfers:
            if not transfer.over:
                transfer.fail(final=number == 0)

    def update(self, number):
        def execute():
            self.after.append(self.rig.updater.update())

        self.rig.refused(execute)

    def answered(self, number):
        if self.after:
            self.after.pop()()

    def time(self, number):
        due = self.rig.updater.deadline()
        if due is not None:
            self.rig.clock.ms = max(self.rig.clock.ms, due)
            self.rig.timer()

    def boot(self, number):
        self.sinks.clear()
        self.after.clear()
        self.mend_storage(0)
        self.rig.storage.boots = number % 2 == 0
        self.rig.boot()

    def cut(self, number):
        self.rig.storage.cut_power_at(number + 1)

    def exchange(self, number):
        self.rig.files.content[URI] = ((SIGNED, PLAIN, NEW)[number % 3], bytes([number]) if number else None)
        self.rig.files.lie = number == 7
        self.rig.files.announces = number != 5

    def offline(self, number):
        self.rig.go_offline()

    def online(self, number):
        self.rig.go_online()

    def break_storage(self, number):
        def fails(*args):
            raise OSError((28, 5)[number % 2], "broken")

        names = ("write_software", "read_software", "begin_software_download", "end_software_download")
        setattr(self.rig.storage, (*names, "active_software", "write_update_info")[number % 6], fails)

    def mend_storage(self, number):
        for name in [name for name, value in vars(self.rig.storage).items() if callable(value)]:
            delattr(self.rig.storage, name)


@settings(max_examples=300, deadline=None)
@example([(7, 1), (13, 0), (8, 0)])  # a file that is not there
@given(st.lists(st.tuples(st.integers(0, 21), st.integers(0, 9)), min_size=5, max_size=60))
def test_whatever_happens(steps):
    chaos = Chaos()
    for step, number in steps:
        chaos.do(step, number)
    chaos.boot(0)
    rig = chaos.rig
    rig.files.content[URI] = (SIGNED, b"\x01")
    rig.files.lie, rig.files.announces = 0, True
    # It can still be upgraded, whatever it went through.
    rig.go_online()
    if rig.storage.software == OLD:
        rig.updater.set_uri("")
        assert rig.push(SIGNED) is None
        assert rig.update() == (3, 0)
        assert rig.boot() == (0, 1)
    assert rig.storage.software == NEW
