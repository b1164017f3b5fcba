"""The smallest firmware on the open API: it registers, reports its state, obeys commands, ends on a reboot command.

python examples/minimal.py 127.0.0.1 5683          runs unchanged as: micropython examples/minimal.py 127.0.0.1 5683
"""

import sys

import atiny


class Device(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())
        report(data)  # the new state

    def do_dev_reboot(self):
        atiny.atiny_deinit(handle)  # from a callback it returns at once; atiny_bind ends when the cloud knows


def report(state):
    atiny.atiny_data_report(handle, atiny.DataReport(buf=state, callback=acknowledged))


def acknowledged(type, cookie, status):
    print("report", atiny.ReportStatus.name(status))


def on_event(event, arg):
    if event == atiny.ATINY_REG_OK:
        print("registered")
        report(b"\x00")


server = atiny.AtinySecurityParam(server_ip=sys.argv[1], server_port=sys.argv[2])
params = atiny.AtinyParam(atiny.AtinyServerParam(binding="U", life_time=300), [server])
code, handle = atiny.atiny_init(params, Device().cmd_ioctl, on_event)
sys.exit(code or atiny.atiny_bind(atiny.AtinyDeviceInfo("minimal", "Agent_Tiny"), handle))
