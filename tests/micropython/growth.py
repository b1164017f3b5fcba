"""What reports do to a board's heap: what one allocates on its way out, and what many leave behind.

Prints "allocated BYTES" for a report from `Client.report` to its datagram, with the collector off, and "growth BYTES"
between the heap after 100 reports and after ``sys.argv[1]``, each with its acknowledgement and its final status.
"""

import gc
import sys

from peer import Peer

import atiny

peer = Peer()
client = atiny.Client("board", "coap://127.0.0.1", platform=atiny.Platform(socket=lambda: peer))
while not (client.registered and peer.answers and not peer.inbox):
    client.step()
assert peer.answers == [0x45], peer.answers


def run(count):
    for _ in range(count):
        status = client.report(b"\x01\x02\x03\x04")
        while not status.done:
            client.step()
    while peer.inbox:
        client.step()


run(5)
gc.collect()
gc.disable()
before = gc.mem_alloc()
sent = peer.sent
client.report(b"\x01\x02\x03\x04")
while peer.sent == sent:
    client.step()
print("allocated", gc.mem_alloc() - before)
gc.enable()
run(95)
gc.collect()
after_100 = gc.mem_alloc()
run(int(sys.argv[1]) - 100)
gc.collect()
print("growth", gc.mem_alloc() - after_100)
assert peer.reports >= int(sys.argv[1]), peer.reports
