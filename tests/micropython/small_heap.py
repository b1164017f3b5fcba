"""A board whose heap is too small for what its server wants to write: it says so, and goes on. Arguments: URL ENDPOINT.

It has a resource of any length (/31025/0/0), prints each error that the host is told of, and each command; it ends by
the cloud's command ``ff``.
"""

import gc
import sys

import atiny


class Blob(atiny.Object):
    object_id = 31025
    resources = (atiny.Resource(0, "blob", atiny.OPAQUE, "RW"),)
    blob = b""

    def write_blob(self, value):
        print("blob", len(value))


class Board(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())
        if data == b"\xff":
            client.stop(wait=False)


def on_event(event, arg):
    if event == atiny.ATINY_HANDLER_ERROR:
        print("error", arg[1].__class__.__name__)


client = atiny.Client(sys.argv[2], sys.argv[1], device=Board(), objects=[Blob()], on_event=on_event)
gc.collect()
client.run()
print("stopped")
