"""A board on the network: it registers with its key, reports a sensor, and the cloud switches a pin of it.

For an ESP32 or a Pico W, or an Ethernet board. Copy to the board: this file, net.py, config.py (edited), objects.py,
and what ``atiny slim --profile dtls`` has built. Reports come every `config.REPORT_S` seconds. The cloud's
Execute of /3/0/4 (reboot) de-registers the device and resets the board.
"""

import config
import machine
import net
import objects

import atiny


class Board(atiny.CommandHandler):
    def get_model_number(self):
        return "atiny board"

    def write_app_write(self, data):
        print("command", data.hex())

    def do_dev_reboot(self):
        client.stop(wait=False)  # the cloud has its answer first; run() returns when it knows


def on_event(event, arg):
    if event == atiny.ATINY_REG_OK:
        print("registered")
    elif event == atiny.ATINY_REG_FAIL:
        print("not registered:", arg)  # it tries again by itself, less and less often


def acknowledged(type, cookie, status):
    print("report", atiny.ReportStatus.name(status))


net.connect()
temperature = objects.Temperature(config.SENSOR)
client = atiny.Client(
    config.ENDPOINT,
    config.SERVER,
    psk=config.PSK,
    device=Board(),
    objects=[temperature, objects.Switch(config.OUTPUT)],
    on_event=on_event,
    lifetime=600,
)
while not client.stopped:
    temperature.measure()
    client.report(b"%.1f" % temperature.sensor_value, callback=acknowledged)
    client.changed("/3303/0/5700")
    client.run(config.REPORT_S)  # obeys and answers until the next report is due
machine.reset()
