"""A device whose firmware knows no server: a bootstrap server tells it where to register and with which key.

What it is told it keeps in a folder, so that the next start needs no bootstrap. It ends on a reboot command. Run
`atiny cloud --bootstrap --bootstrap-psk lamp-1:000102030405060708090a0b0c0d0e0f` in one terminal and in another

    python examples/bootstrap.py 127.0.0.1 5784 accounts lamp-1 000102030405060708090a0b0c0d0e0f

which runs unchanged under micropython. Without the key it goes unsecured, to port 5783. The accounts are keys, too: on
a board, the folder is one that others cannot read.
"""

import sys

import atiny


class Device(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())

    def do_dev_reboot(self):
        client.stop()  # from a callback it returns at once; run() ends when the cloud knows


def on_event(event, arg):
    if event == atiny.ATINY_BOOTSTRAP_OK:
        print("bootstrapped")
    elif event == atiny.ATINY_BOOTSTRAP_FAIL:
        print("not bootstrapped:", arg)  # it is tried again, later and later
    elif event == atiny.ATINY_REG_OK:
        print("registered with server", arg)


host, port, folder, endpoint = sys.argv[1:5]
psk = (endpoint, bytes.fromhex(sys.argv[5])) if len(sys.argv) > 5 else None
client = atiny.Client(
    endpoint,
    bootstrap="%s://%s:%s" % ("coaps" if psk else "coap", host, port),
    bootstrap_psk=psk,
    platform=atiny.Platform(store=atiny.FileStore(folder)),
    device=Device(),
    on_event=on_event,
)
client.run()
