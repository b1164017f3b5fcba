"""A device of the SDK, ported: the open API on a build, by the SDK's own names and defaults. For MicroPython.

Prints "allocated BYTES" of each of some reports, from `atiny_data_report` to its datagram, with the collector off.
"""

import gc

from peer import PUT, Peer

import atiny
from atiny import ATINY_GET_BATERRY_LEVEL, ATINY_GET_MANUFACTURER, ATINY_OK, ATINY_WRITE_APP_DATA

REPORTS = 5


class Board(Peer):
    """The server, and what the device does."""

    def __init__(self):
        super().__init__()
        self.before = None
        self.done = 0

    def cmd_ioctl(self, cmd, arg=None):
        if cmd == ATINY_WRITE_APP_DATA:
            print("command", arg)
            atiny.atiny_deinit(handle)
            return ATINY_OK
        return "me" if cmd == ATINY_GET_MANUFACTURER else None

    def on_event(self, event, arg):
        print("event", event)
        if event == atiny.ATINY_DATA_SUBSCRIBE:
            self.report()

    def report(self):
        report = atiny.DataReport(cookie=self.done, buf=b"\x01\x02\x03\x04", callback=self.on_report)
        gc.collect()
        gc.disable()
        self.before = gc.mem_alloc()
        assert atiny.atiny_data_report(handle, report) == ATINY_OK

    def on_report(self, type, cookie, status):
        print("report", type, cookie, atiny.ReportStatus.name(status))
        self.done += 1
        if self.done < REPORTS:
            self.report()
        else:
            self.ask(PUT, b"\xb2\x31\x39\x01\x31\x01\x30\xff!")  # /19/1/0

    def send(self, datagram):
        if self.before is not None:
            print("allocated", gc.mem_alloc() - self.before)
            self.before = None
            gc.enable()
        super().send(datagram)


class Platform(atiny.Platform):
    """Of a board that can look at its server, and not wait for it."""

    def poller(self):
        return self

    def wait(self, sockets, timeout_ms):
        return [socket for socket in sockets if socket.inbox]

    def wake(self):
        pass

    def close(self):
        pass


board = Board()
params = atiny.AtinyParam(atiny.AtinyServerParam(), [atiny.AtinySecurityParam("127.0.0.1", 5683)])
code, handle = atiny.atiny_init(params, board.cmd_ioctl, board.on_event, Platform(socket=lambda: board))
assert (code, ATINY_GET_MANUFACTURER, ATINY_GET_BATERRY_LEVEL, ATINY_WRITE_APP_DATA) == (ATINY_OK, 0, 9, 26)
assert not hasattr(atiny, "ATINY_GET_WELL")
gc.collect()
before = gc.mem_alloc()
for _ in range(100):
    assert atiny.ATINY_GET_BATERRY_LEVEL == 9
assert gc.mem_alloc() - before < 256, "a word is looked up once: a handler compares with many of them"
names = {}
exec("from atiny import *", names)
assert names["ATINY_WRITE_APP_DATA"] == 26
assert "atiny_bind" in names
assert "_METHODS" not in names
print("bound", atiny.atiny_bind(atiny.AtinyDeviceInfo("board", "me"), handle), board.deregistered)
