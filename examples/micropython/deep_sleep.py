"""A board on a battery: it wakes, registers in queue mode, reports, takes what the cloud has kept for it, and sleeps.

Deep sleep keeps no memory: each time this file runs from its beginning, and the device registers anew, which takes the
place of the registration before. Between reports the cloud keeps its commands. Build with
``atiny slim --profile dtls --with queue``. For sleep that keeps memory and sockets see examples/sleepy.py.
"""

import time

import config
import machine
import net
import objects

import atiny

AWAKE_S = 5  # how long the cloud may send after it heard from the device
GIVE_UP_S = 60  # without an acknowledgement until then it sleeps again, and the report is lost


class Board(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())


def acknowledged(type, cookie, status):
    print("report", atiny.ReportStatus.name(status))


net.connect()
temperature = objects.Temperature(config.SENSOR)
client = atiny.Client(
    config.ENDPOINT,
    config.SERVER,
    psk=config.PSK,
    device=Board(),
    objects=[temperature],
    binding="UQ",
    awake_s=AWAKE_S,
    lifetime=config.REPORT_S * 3,  # two wakings may fail
)
report = client.report(b"%.1f" % temperature.sensor_value, callback=acknowledged)
started = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), started) < GIVE_UP_S * 1000:
    client.step()
    until = client.sleep_until()
    if report.done and (until is None or until > client.platform.hardware.gettime_ms()):
        break  # all is acknowledged, and the cloud had its time
    time.sleep_ms(20)
client.close()  # no De-register: the cloud knows that the device sleeps
machine.deepsleep(config.REPORT_S * 1000)
