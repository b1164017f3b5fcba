"""The Device object: what exists, the error codes, the power sources, and what may be written."""

import pytest

from atiny import commands as word
from atiny.commands import CommandHandler
from atiny.errors import ParameterError
from atiny.lwm2m.host import Host
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.device_errors import DeviceErrors, check_error
from atiny.testing import FakeCommandHandler
from tests.lwm2m.rig import LINK, TLV, Rig, dotted


def device_of(rig):
    return rig.agent.model.objects[3].instances[0]


def listed(rig):
    """The ids of the resources that a Discover shows."""
    links = rig.ask("GET", "3/0", accept=LINK).payload.decode().split(",")
    return [int(link.split(">")[0].split("/")[3]) for link in links if link.count("/") == 3]


# -- what exists


class Lamp(CommandHandler):
    """Knows the time, and cannot set it; restarts, and has no factory settings."""

    def get_current_time(self):
        return 1367491215

    def get_timezone(self):
        return "Europe/Berlin"

    def set_timezone(self, timezone):
        return None

    def set_utc_offset(self, offset):
        return None

    def do_dev_reboot(self):
        return None


def test_what_is_known_not_to_be_supported_is_in_no_discover():
    assert listed(Rig(handler=Lamp())) == [0, 4, 11, 12, 13, 15, 16]
    assert listed(Rig(handler=CommandHandler())) == [0, 11, 12, 16]
    # A function cannot be asked what it will do.
    assert listed(Rig(handler=lambda cmd, arg: None)) == [0, 4, 5, 11, 12, 16]


@pytest.mark.parametrize(
    ("method", "path", "payload", "code"),
    [
        ("POST", "3/0/4", b"", "2.04"),
        ("POST", "3/0/5", b"", "4.04"),
        ("POST", "3/0/5", b"0", "4.04"),
        ("PUT", "3/0/13", b"5", "4.05"),  # it can be read, not written
        ("PUT", "3/0/14", b"+01:00", "2.04"),  # it can be written, not read
        ("GET", "3/0/14", b"", "4.04"),
        ("PUT", "3/0/15", b"Europe/Berlin", "2.04"),
    ],
)
def test_what_a_lamp_can_do(method, path, payload, code):
    assert dotted(Rig(handler=Lamp()).ask(method, path, payload=payload)) == code


@pytest.mark.parametrize("id", [13, 14, 15])
def test_what_can_be_neither_read_nor_written_is_not_found(id):
    rig = Rig(handler=CommandHandler())
    assert dotted(rig.ask("GET", "3/0/%d" % id)) == "4.04"
    assert dotted(rig.ask("PUT", "3/0/%d" % id, payload=b"1")) == "4.04"


def test_a_write_with_something_that_is_not_supported_changes_nothing():
    done = []

    class Partly(Lamp):
        def set_timezone(self, timezone):
            done.append(timezone)

    rig = Rig(handler=Partly())
    zone, time = b"\xc8\x0f\x0dEurope/Berlin", bytes.fromhex("c4 0d 5182428f")
    assert dotted(rig.ask("POST", "3/0", payload=zone + time, content_format=TLV)) == "4.05"
    assert done == []
    assert dotted(rig.ask("POST", "3/0", payload=zone, content_format=TLV)) == "2.04"
    assert done == ["Europe/Berlin"]


def test_what_the_host_does_not_support_is_not_asked():
    asked = []

    class Asked(Lamp):
        def get_model_number(self):
            asked.append("model")
            return "m"

        def get_serial_number(self):
            asked.append("serial")

    rig = Rig(handler=Asked())
    assert rig.ask("GET", "3/0/1").payload == b"m"
    assert dotted(rig.ask("GET", "3/0/2")) == "4.04"
    assert asked == ["model", "serial"]


OWN = [
    (18, word.ATINY_GET_HARDWARE_VERSION, "rev C", "c5 12 7265762043"),
    (19, word.ATINY_GET_SOFTWARE_VERSION, "2.1", "c3 13 322e31"),
    (20, word.ATINY_GET_BATTERY_STATUS, 1, "c1 14 01"),
    (21, word.ATINY_GET_MEMORY_TOTAL, 512, "c2 15 0200"),
    (22, word.ATINY_GET_EXT_DEV_INFO, (33000, 1), "86 16 44 00 80e80001"),
    (22, word.ATINY_GET_EXT_DEV_INFO, {3: (33000, 1)}, "86 16 44 03 80e80001"),
    (22, word.ATINY_GET_EXT_DEV_INFO, [(3, 0), (5, 0)], "88 16 0c 44 00 00030000 44 01 00050000"),
]


@pytest.mark.parametrize(("id", "cmd", "value", "tlv"), OWN)
def test_the_words_of_our_own(id, cmd, value, tlv):
    rig = Rig(handler=FakeCommandHandler({cmd: value}))
    assert rig.ask("GET", "3/0/%d" % id, accept=TLV).payload == bytes.fromhex(tlv)
    assert id in listed(rig)


def test_a_host_of_the_sdk_is_not_asked_words_that_it_cannot_know():
    asked = []

    def cmd_ioctl(cmd, arg):
        asked.append(cmd)
        return 0 if cmd > 36 else None  # as a switch whose default is ATINY_OK

    rig = Rig(handler=cmd_ioctl)
    assert dotted(rig.ask("GET", "3/0")) == "2.05"
    assert listed(rig) == [0, 4, 5, 11, 12, 16]
    assert asked
    assert max(asked) <= 36


# -- power sources


@pytest.mark.parametrize(
    ("sources", "voltage", "current", "expected"),
    [
        (1, 3800, 125, ({0: 1}, {0: 3800}, {0: 125})),
        ({0: 1, 1: 5}, {0: 3800, 1: 5000}, {0: 125, 1: 900}, ({0: 1, 1: 5}, {0: 3800, 1: 5000}, {0: 125, 1: 900})),
        ([1, 5], [3800, 5000], (125, 900), ({0: 1, 1: 5}, {0: 3800, 1: 5000}, {0: 125, 1: 900})),
        ({7: 1}, 3800, 125, ({7: 1}, {7: 3800}, {7: 125})),  # the same id associates them
        ({4: 5, 2: 1}, 3800, {4: 900}, ({4: 5, 2: 1}, {2: 3800}, {4: 900})),
        (None, 3800, None, (None, {0: 3800}, None)),
        ({}, 3800, None, ({}, {0: 3800}, None)),
    ],
)
def test_power_sources(sources, voltage, current, expected):
    answers = {
        word.ATINY_GET_POWER_SOURCE: sources,
        word.ATINY_GET_SOURCE_VOLTAGE: voltage,
        word.ATINY_GET_POWER_CURRENT: current,
    }
    device = Device(Host(FakeCommandHandler(answers)), "maker", None, lambda: "U")
    rows = device.resources[6:9]
    assert tuple(device.read(row) for row in rows) == expected
    found = dict(device.read_all(rows))
    assert tuple(found.get(row) for row in rows) == expected


# -- error codes


def errors(rig):
    """What a server reads in /3/0/11, as {instance: code}."""
    tlv = rig.ask("GET", "3/0/11").payload
    body = tlv[3:] if tlv[0] == 0x88 else tlv[2:]
    assert tlv[1] == 11
    assert len(body) % 3 == 0
    return {body[i + 1]: body[i + 2] for i in range(0, len(body), 3)}


def kept_by(rig, *codes, save=None):
    """The errors of a device whose host does not keep them."""
    device = device_of(rig)
    device.kept_errors = DeviceErrors(device, save, list(codes))
    return device.kept_errors


def test_the_device_keeps_the_errors_where_the_host_does_not():
    rig = Rig(handler=CommandHandler())
    saved, told = [], []
    assert errors(rig) == {0: 0}, "no error"
    kept = kept_by(rig, save=saved.append)
    device_of(rig).on_errors = lambda: told.append(kept.codes)
    assert errors(rig) == {0: 0}, "no error"
    kept.set(7, True)
    assert errors(rig) == {0: 7}
    kept.set(1, True)
    kept.set(7, True)
    assert errors(rig) == {0: 7, 1: 1}, "each once"
    kept.set(32, True)
    kept.set(7, False)
    kept.set(7, False)
    assert errors(rig) == {0: 1, 1: 32}
    assert dotted(rig.ask("POST", "3/0/12")) == "2.04"
    assert errors(rig) == {0: 0}
    assert told == saved == [[7], [7, 1], [7, 1, 32], [1, 32], []]
    assert kept.codes == []


def test_errors_that_were_kept():
    rig = Rig()
    device_of(rig).on_errors = lambda: pytest.fail("this is no change")
    kept = kept_by(rig, 2, 8, save=lambda codes: pytest.fail("this is no change"))
    assert errors(rig) == {0: 2, 1: 8}
    assert kept.codes == [2, 8]


@pytest.mark.parametrize("code", [0, -1, 33, True, "1", None, 1.0])
def test_what_is_no_error_code(code):
    kept = kept_by(Rig())
    for present in (True, False):
        with pytest.raises(ParameterError, match="give one from 1 to 32"):
            kept.set(code, present)
    with pytest.raises(ParameterError, match="give one from 1 to 32"):
        check_error(code)
    assert kept.codes == []


def test_an_observer_is_told_of_errors_and_of_their_reset():
    rig = Rig(handler=CommandHandler())
    kept = kept_by(rig)
    device_of(rig).on_errors = lambda: rig.change((3, 0, 11))
    rig.observe("3/0/11", b"obs")
    kept.set(1, True)
    assert rig.only().payload == bytes.fromhex("83 0b 41 00 01")
    device_of(rig).on_errors = lambda: rig.agent.model_changed((3, 0, 11))
    assert dotted(rig.ask("POST", "3/0/12")) == "2.04"
    assert rig.only().payload == bytes.fromhex("83 0b 41 00 00")


def test_an_observer_is_told_of_a_reset_of_the_host_s_errors():
    class Keeping(CommandHandler):
        code = 4

        def get_dev_err(self):
            return self.code

        def do_reset_dev_err(self):
            self.code = 0

    rig = Rig(handler=Keeping())
    device_of(rig).on_errors = lambda: rig.agent.model_changed((3, 0, 11))
    assert rig.observe("3/0/11", b"obs").payload == bytes.fromhex("83 0b 41 00 04")
    assert dotted(rig.ask("POST", "3/0/12")) == "2.04"
    assert rig.only().payload == bytes.fromhex("83 0b 41 00 00")


def test_a_reset_that_finds_the_error_still_there():
    class Sensor(CommandHandler):
        def do_reset_dev_err(self):
            kept.set(3, True)

    rig = Rig(handler=Sensor())
    kept = kept_by(rig, 3, 5)
    assert dotted(rig.ask("POST", "3/0/12")) == "2.04"
    assert errors(rig) == {0: 3}


@pytest.mark.parametrize(
    ("answers", "code", "left"),
    [
        ({}, "2.04", []),  # the host knows nothing of it: they are the device's
        ({word.ATINY_DO_RESET_DEV_ERR: -5}, "2.04", []),
        ({word.ATINY_DO_RESET_DEV_ERR: -9}, "5.00", [3]),
        ({word.ATINY_DO_RESET_DEV_ERR: OSError(5)}, "5.00", [3]),
        ({word.ATINY_DO_RESET_DEV_ERR: -5, word.ATINY_GET_DEV_ERR: 2}, "4.04", [3]),
        ({word.ATINY_GET_DEV_ERR: 2}, "4.04", [3]),
    ],
)
@pytest.mark.parametrize("keeps", [True, False])
def test_whose_errors_a_reset_forgets(answers, code, left, keeps):
    rig = Rig(handler=FakeCommandHandler(answers))
    if keeps:
        kept_by(rig, 3)
    assert dotted(rig.ask("POST", "3/0/12")) == code
    if keeps:
        assert device_of(rig).kept_errors.codes == left


def test_the_host_s_errors_count_where_it_has_them():
    class Keeping(CommandHandler):
        def get_dev_err(self):
            return [1, 8]

    rig = Rig(handler=Keeping())
    kept_by(rig).set(5, True)
    assert errors(rig) == {0: 1, 1: 8}
    assert 12 not in listed(rig), "the host cannot reset them"
    assert dotted(rig.ask("POST", "3/0/12")) == "4.04"


# -- what may be written

WRITES = [
    (13, "0", "2.04"),
    (13, "4294967296", "2.04"),
    (13, "-1", "4.00"),
    (13, "noon", "4.00"),
    *[(14, offset, "2.04") for offset in ("Z", "+00", "+02", "-0330", "+05:45", "-12:00", "+14:00", "+0000")],
    *[
        (14, offset, "4.00")
        for offset in ("", "+", "2", "+2", "02:00", "+2:00", "+02:60", "+14:01", "-15", "+02:0", "+0200:", "UTC+2", "z",
                       "+02:00 ", "\uff0b02:00", "+\u0660\u0662", "++2", "+-2")
    ],
    *[(15, zone, "2.04") for zone in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5")],
    *[(15, zone, "4.00") for zone in ("", "/", "Europe/", "/Berlin", "Europe//Berlin", "Europe Berlin", "Z\u00fcrich")],
    (15, "a" * 256, "4.13"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "text", "code"), WRITES)
def test_what_a_server_may_write(id, text, code):
    cmd = {13: word.ATINY_SET_CURRENT_TIME, 14: word.ATINY_SET_UTC_OFFSET, 15: word.ATINY_SET_TIMEZONE}[id]
    handler = FakeCommandHandler({cmd: 0})
    rig = Rig(handler=handler)
    assert dotted(rig.ask("PUT", "3/0/%d" % id, payload=text.encode())) == code
    expected = [int(text) if id == 13 else text] if code == "2.04" else []
    assert handler.args(cmd) == expected
