"""A device over DTLS with a pre-shared key: it registers, reports, obeys commands, ends on a reboot command.

python examples/secure.py 127.0.0.1 5684 lamp-1 000102030405060708090a0b0c0d0e0f      runs unchanged under micropython

Run it against `atiny cloud --psk lamp-1:000102030405060708090a0b0c0d0e0f`, and type `command lamp-1 01` there. On a
board, identity and key come from where others cannot read them, not from the source or a command line.
"""

import sys

import atiny


class Device(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())

    def do_dev_reboot(self):
        client.stop()  # from a callback it returns at once; run() ends when the cloud knows


def acknowledged(type, cookie, status):
    print("report", atiny.ReportStatus.name(status))


def on_event(event, arg):
    if event == atiny.ATINY_REG_OK:
        print("registered")
    elif event == atiny.ATINY_REG_FAIL:
        print("not registered:", arg)  # a wrong key is said here, and tried again after a while


host, port, identity, key = sys.argv[1:]
psk = (identity, bytes.fromhex(key))
client = atiny.Client(identity, "coaps://%s:%s" % (host, port), psk=psk, device=Device(), on_event=on_event)
client.report(b"\x00", callback=acknowledged)  # it waits in the queue until the cloud observes
client.run()
