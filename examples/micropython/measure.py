"""What atiny takes of this board's heap: before, after the import, registered, after 100 reports. Uses config.py.

Each line is what is allocated, and what is free, in bytes, after a collection.
"""

import gc

import config
import net


def heap(when):
    gc.collect()
    print("%-18s %8d allocated %8d free" % (when, gc.mem_alloc(), gc.mem_free()))


net.connect()
heap("before")
import atiny  # noqa: E402

heap("imported")
client = atiny.Client(config.ENDPOINT, config.SERVER, psk=config.PSK)
while not client.registered:
    client.step()
heap("registered")
for number in range(100):
    report = client.report(b"%d" % number)
    while not report.done:
        client.step()
heap("after 100 reports")
client.stop(wait=False)
while not client.stopped:
    client.step()
heap("stopped")
