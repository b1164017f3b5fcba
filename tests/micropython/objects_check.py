"""Every built-in object, read, checked, written and executed: the same lines come out on both runtimes.

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/objects_check.py
"""

from atiny.commands import COUNT, FIRST_OWN, METHODS, OWN_METHODS, CommandHandler
from atiny.errors import AtinyError, ParameterError, Rejected
from atiny.lwm2m.host import Host
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.objects.app_data import AppData
from atiny.lwm2m.objects.connectivity import Connectivity
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.device_errors import DeviceErrors
from atiny.lwm2m.objects.location import Location
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.objects.statistics import Statistics
from atiny.lwm2m.types import check


class Lamp(CommandHandler):
    def get_model_number(self):
        return "lamp"

    def get_power_source(self):
        return {2: 1}

    def get_source_voltage(self):
        return 3800

    def get_ext_dev_info(self):
        return (3, 0)

    def get_apn(self):
        return ["iot", "internet"]

    def get_network_bearer(self):
        return 7

    def get_latitude(self):
        return 52.5

    def get_velocity(self):
        return b"\x01"

    def set_utc_offset(self, offset):
        self.offset = offset

    def write_app_write(self, data):
        self.data = data


class Ticking:
    ms = 0


def value(row, found):
    """What the codecs get."""
    if type(found) is dict:
        return [(id, check(row.type, found[id])) for id in sorted(found)]
    return found if found is None else check(row.type, found)


def attempt(function, *args):
    try:
        return function(*args)
    except Rejected as error:
        return "%d %s" % (error.code, error.diagnostic)
    except AtinyError as error:
        return "%s %s" % (error.__class__.__name__, error)


def play(emit) -> None:
    """Tell ``emit`` each line."""
    lamp = Lamp()
    lamp.get_serial_number = lambda: "7"
    hosts = [Host(lamp), Host(CommandHandler()), Host(lambda cmd, arg: 3 if cmd == 21 else None)]
    clock = Ticking()
    for host in hosts:
        known = [host.supports(cmd) for cmd in range(COUNT)]
        emit("supports %s" % (known + [host.supports(FIRST_OWN + n) for n in range(len(OWN_METHODS))],))
        emit("supported %s %s" % (Connectivity.supported(host), Location.supported(host)))
        instances = [
            Security("coap://server", 1),
            Server(1, 60, "UQ"),
            AccessControl(3, 0, {0: 1, 5: 31}, 1),
            Device(host, "maker", "lamp", lambda: "UQ"),
            Connectivity(host, lambda: ["::1"]),
            Location(host),
            Statistics(clock),
            AppData(host, 0),
        ]
        model = Model()
        for instance in instances:
            model.add(instance)  # its table is checked
            rows = instance.resources
            emit("object %d" % instance.object_id)
            for row in rows:
                if row.readable:
                    emit("%d %s" % (row.id, value(row, instance.read(row))))
            readable = [row for row in rows if row.readable]
            emit("all %s" % [(row.id, value(row, found)) for row, found in instance.read_all(readable)])
            for row in rows:
                if row.executable:
                    result = attempt(instance.execute, row, "")
                    emit("execute %d %s" % (row.id, attempt(result) if callable(result) else result))
                for example in (0, 70000, -1, "", "UQ", "+02:00", "Europe/Berlin", {5: 3}, {5: 70000}):
                    fits = type(example) is dict if row.multiple else type(example) is (str, int)[row.type in (2, 6)]
                    if row.writable and fits and row.type in (1, 2, 6):
                        emit("check %d %r %s" % (row.id, example, attempt(instance.check, row, example)))
            instance.replace()
            emit("replaced %s" % [row.id for row, found in instance.read_all(readable)])
    device = Device(hosts[0], "maker", None, lambda: "U")
    told = []
    device.kept_errors = kept = DeviceErrors(device, told.append, [])
    for code in (1, 8, 1, 0, True, 33):
        emit("error %s %s" % (code, attempt(kept.set, code, True)))
    kept.set(1, False)
    emit("errors %s %s %s" % (kept.codes, told, device.read(device.resources[11])))
    device.write(device.resources[14], "+02:00")
    AppData(hosts[0], 1).write_data(b"on")
    emit("written %s %s" % (lamp.offset, lamp.data))
    statistics = Statistics(clock)
    statistics.collection_period_s = 60
    statistics.execute_start("")
    for clock.ms in (0, 59999, 60000):
        statistics.count_sent(1000)
        statistics.count_received(100)
    emit("counted %s" % [statistics.read(row) for row in statistics.resources[2:6]])
    emit("words %d %d %s" % (len(METHODS), len(OWN_METHODS), ParameterError.__name__))


if __name__ == "__main__":
    play(print)
