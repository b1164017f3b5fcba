"""The open API against a real server over loopback: codes, callbacks, deinit from everywhere."""

import threading

import pytest

import atiny
from atiny import AtinyDeviceInfo, AtinyParam, AtinySecurityParam, AtinyServerParam, DataReport
from atiny.cloud import CloudThread

DEVICE = AtinyDeviceInfo("44440003", "Agent_Tiny")
TIMEOUT_S = 10


class Firmware:
    """The guide's firmware: a handler, an event callback, the loop in a thread of the host."""

    def __init__(self, port, binding="U", device_info=DEVICE, bootstrap=None, **server_params):
        security = [AtinySecurityParam("127.0.0.1", str(port)) if port else None, bootstrap]
        params = AtinyParam(AtinyServerParam(binding=binding, life_time=60, **server_params), security)
        self.events = []
        self.commands = []
        self.statuses = []
        self.subscribed = threading.Event()
        self.acknowledged = threading.Event()
        self.deinit_in = None
        code, self.handle = atiny.atiny_init(params, self.cmd_ioctl, self.event_notify)
        assert code == atiny.ATINY_OK
        self.result = None
        self.thread = threading.Thread(target=self.bind, args=(device_info,))

    def bind(self, device_info):
        self.result = atiny.atiny_bind(device_info, self.handle)

    def __enter__(self):
        self.thread.start()
        assert self.subscribed.wait(TIMEOUT_S)
        return self

    def __exit__(self, *exc):
        atiny.atiny_deinit(self.handle)
        self.thread.join(TIMEOUT_S)
        assert not self.thread.is_alive()

    def cmd_ioctl(self, cmd, arg):
        self.commands.append((cmd, arg))
        if cmd == atiny.ATINY_WRITE_APP_DATA and self.deinit_in == "command":
            atiny.atiny_deinit(self.handle)
        return None

    def event_notify(self, event, arg):
        self.events.append((event, arg))
        if event == atiny.ATINY_DATA_SUBSCRIBE:
            self.subscribed.set()
            if self.deinit_in == "event":
                atiny.atiny_deinit(self.handle)

    def ack(self, type, cookie, status):
        self.statuses.append((type, cookie, status))
        self.acknowledged.set()
        if self.deinit_in == "ack":
            atiny.atiny_deinit(self.handle)

    def report(self, buf, **fields):
        return atiny.atiny_data_report(self.handle, DataReport(buf=buf, callback=self.ack, **fields))


@pytest.mark.parametrize("mode", [atiny.BOOTSTRAP_CLIENT_INITIATED, atiny.BOOTSTRAP_SEQUENCE])
def test_the_bootstrap_server_at_index_1_gives_the_server(mode):
    with CloudThread(port=0, bootstrap=True, bootstrap_port=0) as cloud:
        bootstrap = AtinySecurityParam("127.0.0.1", cloud.bootstrap_url.rpartition(":")[2])
        with Firmware(None, bootstrap=bootstrap, bootstrap_mode=mode, hold_off_time=0) as firmware:
            assert firmware.events[0] == (atiny.ATINY_BOOTSTRAP_OK, None)
            assert firmware.report(b"\x01", cookie=7) == atiny.ATINY_OK
            assert firmware.acknowledged.wait(TIMEOUT_S)
        assert firmware.statuses == [(atiny.APP_DATA, 7, atiny.ReportStatus.SENT_SUCCESS)]
        assert firmware.result == atiny.ATINY_OK


@pytest.fixture
def cloud():
    with CloudThread(port=0) as cloud:
        yield cloud


IOT = AtinySecurityParam("127.0.0.1", "5683")
NOWHERE = AtinySecurityParam()


@pytest.mark.parametrize(
    ("mode", "security", "code"),
    [
        (atiny.BOOTSTRAP_FACTORY, [IOT], atiny.ATINY_OK),
        (atiny.BOOTSTRAP_FACTORY, [IOT, NOWHERE], atiny.ATINY_OK),
        (atiny.BOOTSTRAP_FACTORY, [], atiny.ATINY_ARG_INVALID),
        (atiny.BOOTSTRAP_FACTORY, [NOWHERE, IOT], atiny.ATINY_ARG_INVALID),
        (atiny.BOOTSTRAP_FACTORY, [AtinySecurityParam("127.0.0.1", None)], atiny.ATINY_ARG_INVALID),
        (atiny.BOOTSTRAP_FACTORY, [AtinySecurityParam(None, "5683")], atiny.ATINY_ARG_INVALID),
        (atiny.BOOTSTRAP_CLIENT_INITIATED, [NOWHERE, IOT], atiny.ATINY_OK),
        (atiny.BOOTSTRAP_CLIENT_INITIATED, [IOT], atiny.ATINY_ARG_INVALID),
        (atiny.BOOTSTRAP_SEQUENCE, [], atiny.ATINY_OK),
        (3, [IOT, IOT], atiny.ATINY_ARG_INVALID),
        (-1, [IOT, IOT], atiny.ATINY_ARG_INVALID),
    ],
)
def test_init_codes(mode, security, code):
    params = AtinyParam(AtinyServerParam(bootstrap_mode=mode), security)
    result, handle = atiny.atiny_init(params, atiny.CommandHandler().cmd_ioctl)
    assert result == code
    assert (handle is None) == (code != atiny.ATINY_OK)


def test_init_wants_params_and_a_handler():
    params = AtinyParam(AtinyServerParam(), [IOT])
    assert atiny.atiny_init(None, atiny.CommandHandler().cmd_ioctl) == (atiny.ATINY_ARG_INVALID, None)
    assert atiny.atiny_init(params, None) == (atiny.ATINY_ARG_INVALID, None)


@pytest.mark.parametrize(
    "server_params",
    [dict(binding="nonsense"), dict(life_time=-1), dict(storing_cnt=-5), dict(hold_off_time=-1)],
)
def test_init_accepts_what_the_sdk_accepts(server_params):
    params = AtinyParam(AtinyServerParam(**server_params), [IOT])
    assert atiny.atiny_init(params, atiny.CommandHandler().cmd_ioctl)[0] == atiny.ATINY_OK


@pytest.mark.parametrize(
    ("device_info", "binding", "code"),
    [
        (None, "U", atiny.ATINY_ARG_INVALID),
        (AtinyDeviceInfo("", "Agent_Tiny"), "U", atiny.ATINY_ARG_INVALID),
        (AtinyDeviceInfo(None, "Agent_Tiny"), "U", atiny.ATINY_ARG_INVALID),
        (AtinyDeviceInfo("44440003", ""), "U", atiny.ATINY_ARG_INVALID),
        (AtinyDeviceInfo("44440003", None), "U", atiny.ATINY_ARG_INVALID),
        (DEVICE, "X", atiny.ATINY_MALLOC_FAILED),
        (DEVICE, "uq", atiny.ATINY_MALLOC_FAILED),
    ],
)
def test_bind_codes_release_the_handle(device_info, binding, code):
    params = AtinyParam(AtinyServerParam(binding=binding), [IOT])
    _, handle = atiny.atiny_init(params, atiny.CommandHandler().cmd_ioctl)
    assert atiny.atiny_bind(device_info, handle) == code
    assert atiny.atiny_bind(DEVICE, handle) == atiny.ATINY_ARG_INVALID


def test_bind_wants_a_handle():
    assert atiny.atiny_bind(DEVICE, None) == atiny.ATINY_ARG_INVALID


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (None, atiny.ATINY_ARG_INVALID),
        (DataReport(buf=None), atiny.ATINY_ARG_INVALID),
        (DataReport(buf=b""), atiny.ATINY_ARG_INVALID),
        (DataReport(buf=bytes(1025)), atiny.ATINY_ARG_INVALID),
        (DataReport(buf=b"1"), atiny.ATINY_RESOURCE_NOT_FOUND),  # before atiny_bind
    ],
)
def test_report_codes_before_bind(report, code):
    _, handle = atiny.atiny_init(AtinyParam(AtinyServerParam(), [IOT]), atiny.CommandHandler().cmd_ioctl)
    assert atiny.atiny_data_report(handle, report) == code
    assert atiny.atiny_data_report(None, report) == atiny.ATINY_ARG_INVALID


def test_change_and_reconnect_codes_before_bind():
    _, handle = atiny.atiny_init(AtinyParam(AtinyServerParam(), [IOT]), atiny.CommandHandler().cmd_ioctl)
    assert atiny.atiny_data_change(None, "/3/0/9") == atiny.ATINY_ARG_INVALID
    assert atiny.atiny_data_change(handle, None) == atiny.ATINY_ARG_INVALID
    assert atiny.atiny_data_change(handle, "/3/0/9") == atiny.ATINY_CLIENT_UNREGISTERED
    assert atiny.atiny_reconnect(None) == atiny.ATINY_ARG_INVALID
    assert atiny.atiny_reconnect(handle) == atiny.ATINY_CLIENT_UNREGISTERED


def test_deinit_before_bind_and_twice():
    _, handle = atiny.atiny_init(AtinyParam(AtinyServerParam(), [IOT]), atiny.CommandHandler().cmd_ioctl)
    atiny.atiny_deinit(None)
    atiny.atiny_deinit(handle)
    atiny.atiny_deinit(handle)
    assert atiny.atiny_bind(DEVICE, handle) == atiny.ATINY_ARG_INVALID


def test_reports_are_acknowledged_and_commands_obeyed(cloud):
    with Firmware(cloud.port) as firmware:
        assert firmware.events[0][0] == atiny.ATINY_REG_OK
        assert (atiny.ATINY_DATA_SUBSCRIBE, "/19/0/0") in firmware.events
        assert firmware.report(bytes([0, 1, 6, 5, 9]), cookie=7) == atiny.ATINY_OK
        assert firmware.acknowledged.wait(TIMEOUT_S)
        assert firmware.statuses == [(atiny.APP_DATA, 7, atiny.ReportStatus.SENT_SUCCESS)]
        device = cloud.wait_registered("44440003", TIMEOUT_S)
        assert device.next_report(TIMEOUT_S).data == bytes([0, 1, 6, 5, 9])
        assert device.command(b"\x01").wait(TIMEOUT_S) == "success"
        assert (atiny.ATINY_WRITE_APP_DATA, b"\x01") in firmware.commands
        assert firmware.report(b"x", type=atiny.FIRMWARE_UPDATE_STATE) == atiny.ATINY_RESOURCE_NOT_FOUND
        assert firmware.report(b"x", type=9) == atiny.ATINY_RESOURCE_NOT_FOUND
        assert atiny.atiny_data_change(firmware.handle, "no path") == atiny.ATINY_ARG_INVALID
        assert atiny.atiny_data_change(firmware.handle, "/3/0/0") == atiny.ATINY_OK
    assert firmware.result == atiny.ATINY_OK


def test_the_buffer_is_copied(cloud):
    with Firmware(cloud.port) as firmware:
        buffer = bytearray(b"before")
        assert firmware.report(buffer) == atiny.ATINY_OK
        buffer[:] = b"after!"
        assert firmware.acknowledged.wait(TIMEOUT_S)
        assert cloud.wait_registered("44440003", TIMEOUT_S).next_report(TIMEOUT_S).data == b"before"


@pytest.mark.parametrize("place", ["event", "ack", "command"])
def test_deinit_from_a_callback(cloud, place):
    firmware = Firmware(cloud.port)
    firmware.deinit_in = place
    firmware.thread.start()
    assert firmware.subscribed.wait(TIMEOUT_S)
    if place == "ack":
        assert firmware.report(b"1") == atiny.ATINY_OK
    elif place == "command":
        assert cloud.wait_registered("44440003", TIMEOUT_S).command(b"\x00").wait(TIMEOUT_S) == "success"
    firmware.thread.join(TIMEOUT_S)
    assert not firmware.thread.is_alive()
    assert firmware.result == atiny.ATINY_OK
    atiny.atiny_deinit(firmware.handle)
    assert firmware.report(b"1") != atiny.ATINY_OK


def test_the_queue_is_bounded_and_deinit_ends_every_report():
    silent = 9  # the discard port: nobody answers, so nothing is ever observed
    firmware = Firmware(silent, storing_cnt=3)
    firmware.thread.start()
    while firmware.handle.client is None:
        pass
    codes = [firmware.report(b"1", cookie=n) for n in range(5)]
    assert codes == [atiny.ATINY_OK] * 3 + [atiny.ATINY_RESOURCE_NOT_ENOUGH] * 2
    atiny.atiny_deinit(firmware.handle)
    firmware.thread.join(TIMEOUT_S)
    assert sorted(firmware.statuses) == [(atiny.APP_DATA, n, atiny.ReportStatus.NOT_SENT) for n in range(3)]
