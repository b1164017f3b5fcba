"""Object 5 as a server sees it: messages of aiocoap's codec, an agent, the updater and a storage in memory."""

import pytest

from atiny.fota.build import build
from atiny.fota.options import FirmwareOptions
from atiny.fota.updater import Updater
from atiny.lwm2m.formats import tlv
from atiny.lwm2m.objects.firmware import Firmware
from atiny.lwm2m.types import INTEGER, OPAQUE as OPAQUE_TYPE
from atiny.testing import FakeStorageDevice
from tests.fota.rig import KEY, NEW, OLD, SIGNED, URI, Files
from tests.lwm2m.rig import LINK, OPAQUE, TEXT, TLV, Rig, dotted


class Device:
    """A registered device with a firmware to update."""

    def __init__(self, storage=None, sources=None, **options):
        self.storage = storage or FakeStorageDevice(OLD)
        self.files = Files()
        self.reboots = 0
        self.rig = None
        options = FirmwareOptions(sources=(self.files,) if sources is None else sources, **options)
        self.clock = self.host = self
        self.random = bytes
        self.offline = None
        self.updater = Updater(self, self.storage, options)
        self.updater.start()
        self.rig = Rig(Firmware(self.updater), register=False)
        self.register = self.rig.register()

    @property
    def ms(self):
        return 0 if self.rig is None else self.rig.now

    def do(self, command):
        self.reboots += 1

    def model_changed(self, path):
        if self.rig is not None:
            self.rig.agent.changed(path, self.rig.now)

    def firmware_moved(self, *event):
        pass

    def handler_failed(self, path, error):
        raise AssertionError(error)

    def restart(self, **options):
        self.storage.restart()
        return Device(self.storage, **options)

    def run(self):
        """What the agent does for the updater."""
        for _ in range(1000):
            due = self.updater.deadline()
            if due is None and not self.files.pump():
                break
            if due is not None:
                self.rig.advance(max(0, due - self.rig.now))
                self.updater.handle_timer()
        self.rig.advance(0)

    def get(self, path):
        answer = self.rig.ask("GET", path, accept=TEXT)
        return answer.payload.decode() if dotted(answer) == "2.05" else dotted(answer)

    def put(self, path, payload, content_format=TEXT):
        return dotted(self.rig.ask("PUT", path, payload=payload, content_format=content_format))

    def execute(self, path="5/0/2", payload=b""):
        return dotted(self.rig.ask("POST", path, payload=payload))

    def push(self, package=SIGNED, first=0, last=None):
        count = -(-len(package) // 1024)
        for number in range(first, count if last is None else last + 1):
            part = package[number * 1024 : number * 1024 + 1024]
            answer = self.rig.ask(
                "PUT", "5/0/0", payload=part, content_format=OPAQUE, block1=(number, number < count - 1, 6)
            )
        return dotted(answer)

    @property
    def says(self):
        return int(self.get("5/0/3")), int(self.get("5/0/5"))


@pytest.fixture
def device():
    return Device(**KEY)


def test_a_push_an_update_and_what_is_read_after_the_restart(device):
    assert device.push() == "2.04"
    assert device.says == (2, 0)
    assert device.execute() == "2.04"
    assert device.says == (3, 0)
    assert not device.reboots
    device.run()
    assert device.reboots == 1
    device = device.restart(**KEY)
    assert device.says == (0, 1)
    assert device.storage.software == NEW


def test_the_register_names_the_object(device):
    assert b"</5/0>" in device.register.payload


def test_state_and_result_are_notified(device):
    rig = device.rig
    rig.observe("5/0/3", b"s")
    rig.observe("5/0/5", b"r")
    states, results = [], []

    def heard():
        rig.advance(1000)
        for message in rig.take():
            (states if message.token == b"s" else results).append(message.payload)

    device.push(last=2)
    heard()
    device.push(first=3)
    heard()
    device.put("5/0/1", b"")
    heard()
    device.push(NEW)
    heard()
    device.put("5/0/0", b"", OPAQUE)
    device.push()
    heard()
    after = len(states)
    device.execute()
    rig.advance(500)
    assert not device.reboots
    heard()
    assert len(states) == after + 1  # Updating is told before the restart
    # A package that is refused with its first block was Downloading for that moment.
    assert states == [b"1", b"2", b"0", b"0", b"1", b"2", b"3"]
    assert results == [b"6", b"0"]


def test_a_pull(device):
    assert device.put("5/0/1", URI.encode()) == "2.04"
    assert device.says == (1, 0)
    assert device.get("5/0/1") == URI
    device.run()
    assert device.says == (2, 0)
    assert device.execute() == "2.04"
    device.run()
    assert device.restart(**KEY).says == (0, 1)


@pytest.mark.parametrize(("uri", "result"), [(b"lamp.bin", 7), (b"ftp://files/lamp.bin", 9)])
def test_a_uri_of_no_use(device, uri, result):
    assert device.put("5/0/1", uri) == "2.04"
    assert device.says == (0, result)


def test_a_uri_that_is_too_long(device):
    assert device.put("5/0/1", b"coap://" + b"h" * 249) == "4.13"
    assert device.says == (0, 0)


# -- what is refused


def test_update_in_any_state_but_downloaded(device):
    assert device.execute() == "4.05"
    device.push(last=0)
    assert device.says == (1, 0)
    assert device.execute() == "4.05"
    device.push(first=1)
    assert device.execute() == "2.04"
    assert device.execute() == "4.05"
    assert device.says == (3, 0)


def test_update_takes_no_arguments(device):
    device.push()
    assert device.execute(payload=b"0") == "4.00"
    assert device.says == (2, 0)


@pytest.mark.parametrize("empty", [b"", b"\0"])
def test_an_empty_package_and_uri(device, empty):
    for reset in (lambda: device.put("5/0/0", empty, OPAQUE), lambda: device.put("5/0/1", b"")):
        device.push(last=0)
        assert device.says == (1, 0)
        assert reset() == "2.04"
        assert device.says == (0, 0)
        device.push()
        assert reset() == "2.04"
        assert device.says == (0, 0)
    device.push()
    device.execute()
    assert device.put("5/0/0", empty, OPAQUE) == "4.05"
    assert device.put("5/0/1", b"") == "4.05"
    assert device.says == (3, 0)


def test_a_package_or_uri_while_another_is_there(device):
    device.push()
    assert device.push(last=0) == "4.05"
    assert device.put("5/0/0", SIGNED[:100], OPAQUE) == "4.05"
    assert device.put("5/0/1", URI.encode()) == "4.05"
    assert device.says == (2, 0)


@pytest.mark.parametrize(
    ("package", "result", "answer"),
    [(SIGNED[:-1] + b"?", 5, "4.00"), (build(NEW), 5, "4.00"), (NEW, 6, "4.15")],
    ids=["damaged", "unsigned", "no package"],
)
def test_a_package_that_is_no_good(device, package, result, answer):
    assert device.push(package, last=0 if package[:-1] != SIGNED[:-1] else None) == answer
    assert device.says == (0, result)
    assert device.execute() == "4.05"


def test_disk_full():
    device = Device(FakeStorageDevice(OLD, capacity=2048), **KEY)
    assert device.push(last=2) == "4.13"
    assert device.says == (0, 2)


def test_a_second_server_that_begins_at_block_0_is_another_push(device):
    other = device.updater.open_push(5)
    other.write(0, SIGNED[:1024], None)
    assert device.push(last=0) == "4.05"
    assert device.says == (1, 0)
    other.abandon()
    assert device.says == (0, 4)
    assert device.push() == "2.04"


def test_a_push_that_starts_over(device):
    device.push(last=2)
    assert device.push() == "2.04"
    assert device.says == (2, 0)
    assert bytes(device.storage.new) == NEW


def test_a_push_that_stops_half_way(device):
    device.push(last=2)
    device.rig.advance(246_000)
    assert device.says == (1, 0)
    device.rig.advance(2_000)
    assert device.says == (0, 4)


@pytest.mark.parametrize("lost", ["the link", "the registration"])
def test_a_link_that_is_lost(device, lost):
    device.push(last=2)
    if lost == "the link":
        device.rig.fail_receiving(10)
    else:
        device.rig.reconnect()
    assert (device.updater.record.state, device.updater.record.result) == (0, 4)


def test_in_one_piece(device):
    assert dotted(device.rig.ask("PUT", "5/0/0", payload=SIGNED, content_format=OPAQUE)) == "2.04"
    assert device.says == (2, 0)


def test_within_the_instance(device):
    payload = tlv.encode((5, 0), [((5, 0, 0), OPAQUE_TYPE, SIGNED)])
    assert dotted(device.rig.ask("POST", "5/0", payload=payload, content_format=TLV)) == "2.04"
    assert device.says == (2, 0)
    assert dotted(device.rig.ask("POST", "5/0", payload=payload, content_format=TLV)) == "4.05"


# -- what is read


def test_what_cannot_be_read_or_written(device):
    assert device.get("5/0/0") == "4.05"
    assert device.get("5/0/2") == "4.05"
    for id in (3, 5, 6, 7, 8, 9):
        assert device.put("5/0/%d" % id, b"1") == "4.05"
    assert dotted(device.rig.ask("DELETE", "5/0")) == "4.05"
    assert device.get("5/0/10") == "4.04"
    assert device.get("5/1/3") == "4.04"


def test_the_whole_instance(device):
    answer = device.rig.ask("GET", "5/0", accept=TLV)
    assert dotted(answer) == "2.05"
    kinds = {row.id: row.type for row in Firmware.resources}
    found = tlv.decode((5, 0), answer.payload, lambda object_id, id: kinds.get(id))
    assert found == [
        ((5, 0, 1), ""),
        ((5, 0, 3), 0),
        ((5, 0, 4), False),
        ((5, 0, 5), 0),
        ((5, 0, 8, 0), 0),
        ((5, 0, 9), 2),
    ]


def test_discover(device):
    answer = device.rig.ask("GET", "5/0", accept=LINK)
    links = answer.payload.decode()
    for id in (0, 1, 2, 3, 4, 5, 8, 9):
        assert "</5/0/%d>" % id in links
    assert "</5/0/6>" not in links


def test_name_and_version():
    device = Device(describe=lambda head: ("lamp", head.own_value(100).decode()))
    assert device.get("5/0/6") == "4.04"
    device.push(build(NEW, tlvs=((100, b"2.0"),)))
    assert (device.get("5/0/6"), device.get("5/0/7")) == ("lamp", "2.0")
    device.put("5/0/1", b"")
    assert device.get("5/0/7") == "4.04"


@pytest.mark.parametrize(
    ("schemes", "protocols", "method"),
    [
        ((), None, "1"),
        (("coap", "coaps"), {0: 0, 1: 1}, "2"),
        (("https", "http"), {0: 2, 1: 3}, "2"),
        (("coaps+tcp", "coap+tcp", "gopher"), {0: 4, 1: 5}, "2"),
        (("gopher",), None, "2"),
    ],
)
def test_protocols_and_delivery(schemes, protocols, method):
    class Some(Files):
        pass

    Some.schemes = schemes
    device = Device(sources=(Some(), Some()) if schemes else ())
    assert device.get("5/0/9") == method
    answer = device.rig.ask("GET", "5/0/8", accept=TLV)
    if protocols is None:
        assert dotted(answer) == "4.04"
    else:
        found = tlv.decode((5, 0, 8), answer.payload, lambda object_id, id: INTEGER)
        assert {path[3]: value for path, value in found} == protocols


def test_update_supported_objects(device):
    assert device.get("5/0/4") == "0"
    assert device.put("5/0/4", b"1") == "2.04"
    assert device.restart(**KEY).get("5/0/4") == "1"


def test_a_device_that_pulls_nothing():
    device = Device()
    device.updater.sources = None
    assert device.get("5/0/8") == "4.04"
    assert device.get("5/0/9") == "1"
    assert device.put("5/0/1", URI.encode()) == "2.04"
    assert device.says == (0, 9)
