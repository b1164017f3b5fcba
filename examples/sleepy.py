"""Queue mode with a loop of one's own: a battery-powered sensor that is switched off most of the time.

It wakes to report, and whenever the protocol needs it (an Update before its registration runs out); then it listens
for AWAKE seconds, in which the cloud sends what it has kept for it. Run `atiny cloud --awake 5` in one terminal and in
another

    python examples/sleepy.py 127.0.0.1 5683 5 60         (AWAKE and the SECONDS between reports)

which runs unchanged under micropython. It ends on a reboot command.
"""

import sys

import atiny

LISTEN_MS = 20  # between two looks at the socket while awake


class Sensor(atiny.CommandHandler):
    def write_app_write(self, data):
        print("command", data.hex())

    def do_dev_reboot(self):
        client.stop()  # from a callback it returns at once; the loop below sees to the rest


def power_down(ms):
    """Nothing happens for that long. On a board: machine.lightsleep(ms), which keeps the memory and the sockets.

    After machine.deepsleep the program starts from its beginning, and the device registers anew: worth it only where
    the reports are hours apart.
    """
    print("asleep for", ms, "ms")
    hardware.usleep(ms * 1000)


def acknowledged(type, cookie, status):
    print("report", cookie, atiny.ReportStatus.name(status))


host, port, awake_s, period_s = sys.argv[1:]
client = atiny.Client(
    "sleepy", "coap://%s:%s" % (host, port), device=Sensor(), binding="UQ", awake_s=float(awake_s), lifetime=86400
)
hardware = client.platform.hardware
measurements = 0
due = hardware.gettime_ms()
while not client.stopped:
    if hardware.gettime_ms() >= due:
        due += int(float(period_s) * 1000)
        measurements += 1
        client.report(b"%d" % measurements, measurements, acknowledged)
    client.step()
    until = client.sleep_until()  # None: the protocol plans nothing
    ms = (due if until is None or until > due else until) - hardware.gettime_ms()
    if ms > LISTEN_MS:
        power_down(ms)
    else:
        hardware.usleep(LISTEN_MS * 1000)
