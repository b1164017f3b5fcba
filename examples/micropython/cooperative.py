"""A board with a loop of its own: the client gets a step between the other things to do, and never blocks them."""

import time

import config
import net
import objects

import atiny

PAUSE_MS = 20  # between two passes: how soon the other work and a datagram are looked at


def acknowledged(type, cookie, status):
    print("report", cookie, atiny.ReportStatus.name(status))


net.connect()
temperature = objects.Temperature(config.SENSOR)
switch = objects.Switch(config.OUTPUT)
client = atiny.Client(config.ENDPOINT, config.SERVER, psk=config.PSK, objects=[temperature, switch])
measured = time.ticks_ms()
count = 0
while not client.stopped:
    client.step()  # receives what is there, does what is due, sends: a few milliseconds at most
    if time.ticks_diff(time.ticks_ms(), measured) >= config.REPORT_S * 1000:
        measured = time.ticks_ms()
        temperature.measure()
        count += 1
        client.report(b"%.1f" % temperature.sensor_value, count, acknowledged)
    if switch.read_on_off():
        pass  # the rest of the firmware: displays, buttons, motors
    time.sleep_ms(PAUSE_MS)
