"""The guide's LED lamp on the open API: it reports whether it shines, once a period and at each change, and obeys.

The code stream is the guide's: one byte, 01 for on and 00 for off, in reports and in commands. As in the SDK's demo one
thread runs atiny_bind and another one reports. Run `atiny cloud` in one terminal and in another

    python examples/led_lamp.py 127.0.0.1 5683 [SECONDS BETWEEN REPORTS]

then type `command led-lamp 01` into the first. Ctrl-C de-registers the lamp.
"""

import sys
import threading
from typing import Any

import atiny

ON, OFF = b"\x01", b"\x00"


class Lamp(atiny.CommandHandler):
    """What the cloud can ask of the lamp."""

    def __init__(self) -> None:
        self.state = OFF
        self.handle: Any = None  # what atiny_init gives
        self.reports = 0

    def get_model_number(self) -> str:
        return "LED lamp"

    def write_app_write(self, data: bytes) -> int:
        if data not in (ON, OFF):
            print("command", data.hex(), "is neither 01 nor 00", flush=True)
            return atiny.ATINY_ARG_INVALID  # the cloud is told 4.00
        self.state = data
        print("the lamp is", "on" if data == ON else "off", flush=True)
        self.report()
        return atiny.ATINY_OK

    def report(self) -> None:
        """Report the state; `acknowledged` is told what became of it."""
        self.reports += 1
        report = atiny.DataReport(atiny.APP_DATA, cookie=self.reports, buf=self.state, callback=self.acknowledged)
        code = atiny.atiny_data_report(self.handle, report)
        if code != atiny.ATINY_OK:
            print("report", self.reports, "was not accepted:", code, flush=True)

    def acknowledged(self, type: int, cookie: int, status: int) -> None:
        print("report", cookie, atiny.ReportStatus.name(status), flush=True)


def main() -> int:
    host, port = sys.argv[1], sys.argv[2]
    period_s = float(sys.argv[3]) if len(sys.argv) > 3 else 10.0
    lamp = Lamp()
    registered = threading.Event()

    def on_event(event: int, arg: object) -> None:
        if event == atiny.ATINY_REG_OK:
            print("registered", flush=True)
            registered.set()
        elif event == atiny.ATINY_REG_FAIL:
            print("not registered:", arg, flush=True)

    params = atiny.AtinyParam(
        atiny.AtinyServerParam(binding="U", life_time=60),
        [atiny.AtinySecurityParam(server_ip=host, server_port=port)],
    )
    code, lamp.handle = atiny.atiny_init(params, lamp.cmd_ioctl, on_event)
    if code != atiny.ATINY_OK:
        return 1
    info = atiny.AtinyDeviceInfo("led-lamp", "Agent_Tiny", "lamp")
    loop = threading.Thread(target=atiny.atiny_bind, args=(info, lamp.handle))
    loop.start()
    try:
        registered.wait()
        while loop.is_alive():
            lamp.report()
            loop.join(period_s)
    except KeyboardInterrupt:
        print("de-registering", flush=True)
    finally:
        atiny.atiny_deinit(lamp.handle)
        loop.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
