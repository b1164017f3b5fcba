"""A board whose firmware is made of asyncio tasks: the client is one of them, the sensor another."""

import asyncio

import config
import net
import objects

import atiny

PAUSE_MS = 20  # how soon a datagram is looked at


async def serve(client):
    """The client's task: as long as it lives."""
    while not client.stopped:
        wait_ms = client.step()
        await asyncio.sleep_ms(PAUSE_MS if wait_ms is None else min(PAUSE_MS, wait_ms))


async def report(client, temperature):
    """The sensor's task: measure, report, and wait for the report's end before the next one."""
    while True:
        temperature.measure()
        pending = client.report(b"%.1f" % temperature.sensor_value)
        while not pending.done:
            await asyncio.sleep_ms(PAUSE_MS)
        print("report", atiny.ReportStatus.name(pending.status))
        await asyncio.sleep(config.REPORT_S)


async def main():
    temperature = objects.Temperature(config.SENSOR)
    things = [temperature, objects.Switch(config.OUTPUT)]
    client = atiny.Client(config.ENDPOINT, config.SERVER, psk=config.PSK, objects=things)
    sensor = asyncio.create_task(report(client, temperature))
    await serve(client)
    sensor.cancel()


net.connect()
asyncio.run(main())
