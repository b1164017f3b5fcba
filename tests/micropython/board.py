"""What a board does with a build of atiny, and the memory that it takes. Arguments: URL ENDPOINT [IDENTITY KEY].

Registers, is observed, sends 20 reports one after the other, obeys 20 commands, de-registers. It names nothing of atiny
but its public API, so it runs with the sources as with any build. It prints "heap WHEN BYTES" of what is allocated, and
"stack BYTES" of what the C stack holds where a command reaches the host.
"""

import gc
import sys

import micropython

REPORTS = COMMANDS = 20


def heap(when):
    gc.collect()
    print("heap", when, gc.mem_alloc())


heap("before")
import atiny  # noqa: E402

heap("imported")


class Board(atiny.CommandHandler):
    reported = obeyed = stack = 0

    def get_model_number(self):
        return "board"

    def write_app_write(self, data):
        self.stack = micropython.stack_use()
        self.obeyed += 1
        self.end()

    def on_event(self, event, arg):
        if event == atiny.ATINY_DATA_SUBSCRIBE:
            heap("registered")
            self.report()

    def report(self):
        client.report(b"\x01\x02\x03\x04", callback=self.on_report)

    def on_report(self, type, cookie, status):
        assert status == atiny.ReportStatus.SENT_SUCCESS, status
        self.reported += 1
        if self.reported < REPORTS:
            self.report()
        self.end()

    def end(self):
        if self.reported == REPORTS and self.obeyed == COMMANDS:
            heap("done")
            client.stop(wait=False)


board = Board()
psk = (sys.argv[3], bytes.fromhex(sys.argv[4])) if len(sys.argv) > 3 else None
client = atiny.Client(sys.argv[2], sys.argv[1], psk=psk, device=board, on_event=board.on_event)
heap("made")
client.run()
print("reports", board.reported, "commands", board.obeyed)
print("stack", board.stack)
