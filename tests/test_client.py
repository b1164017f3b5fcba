"""Client over loopback against the local cloud: the Python face, its errors, its threads."""

import socket
import threading

import pytest

from atiny import (
    ATINY_HANDLER_ERROR,
    FLOAT,
    NONE,
    AtinyError,
    Client,
    CommandHandler,
    Deferred,
    NotRegistered,
    Object,
    ParameterError,
    QueueFull,
    Rejected,
    ReportStatus,
    Resource,
)
from atiny.cloud import CloudThread
from atiny.cloud.events import Updated
from atiny.lwm2m.path import parse_server

TIMEOUT_S = 10


class Temperature(Object):
    object_id = 3303
    multiple = True
    resources = (
        Resource(5700, "sensor_value", FLOAT, "R", unit="Cel"),
        Resource(5605, "reset", NONE, "E"),
    )

    def __init__(self):
        self.sensor_value = 21.5
        self.arguments = []

    def execute_reset(self, arguments):
        self.arguments.append(arguments)


@pytest.fixture
def cloud():
    with CloudThread(port=0) as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("server", "parsed"),
    [
        ("coap://127.0.0.1", ("coap", "127.0.0.1", 5683)),
        ("coap://127.0.0.1:5700", ("coap", "127.0.0.1", 5700)),
        ("coap://cloud.example:5683/", ("coap", "cloud.example", 5683)),
        ("coaps://cloud.example", ("coaps", "cloud.example", 5684)),
        ("coap://[::1]", ("coap", "::1", 5683)),
        ("coap://[::1]:61616", ("coap", "::1", 61616)),
    ],
)
def test_server_addresses(server, parsed):
    assert parse_server(server) == parsed


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("127.0.0.1:5683", "coap://host:port"),
        ("http://127.0.0.1", "coap://host:port"),
        ("coap://", "coap://host:port"),
        ("coap://host:", "port after the colon"),
        ("coap://host:port", "coap://host:port"),
        ("coap://host:\u00b2", "coap://host:port"),
        ("coap://host:0", "port 0"),
        ("coap://host:65536", "port 65536"),
        ("coap://host/path", "coap://host:port"),
        ("coap://::1", r"\[::1\]"),
        ("coap://[::1", r"\[::1\]"),
        ("coap://[::1]5683", r"\[::1\]"),
        (None, "no server: give server="),
        (b"coap://host", "coap://host:port"),
    ],
)
def test_a_wrong_server_address_says_what_would_be_right(server, says):
    with pytest.raises(ParameterError, match=says):
        Client("device", server)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (dict(endpoint=""), "endpoint name"),
        (dict(endpoint=None), "endpoint name"),
        (dict(lifetime=0), "lifetime is 0"),
        (dict(lifetime="60"), "lifetime is '60'"),
        (dict(queue_size=0), "queue_size is 0"),
        (dict(ack_timeout_ms=-1), "ack_timeout_ms is -1"),
        (dict(objects=[object()]), "not an Object"),
        (dict(objects=[Temperature(), type("Other", (Temperature,), {})()]), "object 3303 is already defined"),
    ],
)
def test_wrong_parameters_are_refused_with_what_to_do(arguments, says):
    with pytest.raises(ParameterError, match=says):
        Client(**{"endpoint": "device", "server": "coap://127.0.0.1", **arguments})


@pytest.mark.parametrize(
    ("server", "psk", "says"),
    [
        ("coaps://127.0.0.1", None, "go together"),
        ("coap://127.0.0.1", ("device", b"secret"), "go together"),
        ("coaps://127.0.0.1", ("", b"secret"), "1 to 128 bytes"),
        ("coaps://127.0.0.1", (b"i" * 129, b"secret"), "1 to 128 bytes"),
        ("coaps://127.0.0.1", ("device", b""), "1 to 32 bytes long, this one has 0"),
        ("coaps://127.0.0.1", ("device", b"k" * 33), "1 to 32 bytes long, this one has 33"),
        ("coaps://127.0.0.1", ("device", "secret"), "as bytes"),
    ],
)
def test_wrong_credentials_are_refused_at_once_and_never_shown(server, psk, says):
    with pytest.raises(ParameterError, match=says) as refused:
        Client("device", server, psk=psk)
    assert "secret" not in str(refused.value)
    assert "kkk" not in str(refused.value)


def test_registers_reports_and_obeys(cloud):
    commands = []

    class Lamp(CommandHandler):
        def write_app_write(self, data):
            commands.append(data)

    with Client("lamp", cloud.url, device=Lamp()) as client:
        assert client.wait_registered(TIMEOUT_S)
        assert client.registered
        assert client.report(b"\x01").wait(TIMEOUT_S) == ReportStatus.SENT_SUCCESS
        device = cloud.wait_registered("lamp", TIMEOUT_S)
        assert device.next_report(TIMEOUT_S).data == b"\x01"
        assert device.command(b"\x00").wait(TIMEOUT_S) == "success"
        assert commands == [b"\x00"]
    assert client.stopped
    assert not client.registered
    assert cloud.devices() == []


def test_a_report_can_be_made_before_the_device_runs(cloud):
    client = Client("early", cloud.url)
    report = client.report(b"1")
    assert (report.status, report.done) == (ReportStatus.SEND_PENDING, False)
    with client:
        assert report.wait(TIMEOUT_S) == ReportStatus.SENT_SUCCESS


def test_wait_runs_the_loop_where_no_thread_does(cloud):
    client = Client("alone", cloud.url)
    assert client.wait_registered(TIMEOUT_S)
    assert client.report(b"1").wait(TIMEOUT_S) == ReportStatus.SENT_SUCCESS
    client.stop()
    assert client.stopped
    client.stop()


def test_waiting_in_a_callback_is_refused(cloud):
    refusals = []

    def on_event(event, arg):
        try:
            client.report(b"1").wait()
        except AtinyError as error:
            refusals.append(str(error))

    client = Client("waits", cloud.url, on_event=on_event)
    assert client.wait_registered(TIMEOUT_S)
    client.stop()
    assert "callback" in refusals[0]


def test_a_custom_object_is_read_executed_and_observed(cloud):
    sensor = Temperature()
    with Client("sensor", cloud.url, objects=[sensor]) as client:
        device = cloud.wait_registered("sensor", TIMEOUT_S)
        assert device.read("/3303/0/5700").value == 21.5
        assert device.execute("/3303/0/5605", "0='1'").code_text == "2.04"
        assert sensor.arguments == ["0='1'"]
        assert device.observe("/3303/0/5700").value == 21.5
        sensor.sensor_value = 22.25
        client.changed("/3303/0/5700")
        assert device.next_report(TIMEOUT_S).value == 22.25


class Motor(Object):
    """Its calibration ends when the test says so."""

    object_id = 32770
    resources = (Resource(1, "calibrate", NONE, "E"),)

    def __init__(self, at_once=None):
        self.at_once = at_once
        self.calibration = None
        self.started = threading.Event()

    def execute_calibrate(self, arguments):
        self.calibration = Deferred()
        if self.at_once is not None:
            self.at_once(self.calibration)
        self.started.set()
        return self.calibration


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda deferred: deferred.done(), "2.04"),
        (lambda deferred: deferred.failed(Rejected(0x83, "blocked")), "4.03"),
        (lambda deferred: deferred.failed(ValueError("a bug")), "5.00"),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_an_execute_is_answered_when_it_ends(cloud, end, code, at_once):
    motor = Motor(end if at_once else None)
    with Client("motor", cloud.url, objects=[motor]):
        device = cloud.wait_registered("motor", TIMEOUT_S)
        answers = []
        request = threading.Thread(target=lambda: answers.append(device.execute("/32770/0/1")))
        request.start()
        assert motor.started.wait(TIMEOUT_S)
        assert device.registered
        if not at_once:
            end(motor.calibration)
        end(motor.calibration)  # a second end is ignored
        request.join(TIMEOUT_S)
        assert [answer.code_text for answer in answers] == [code]


def test_objects_come_and_go_while_it_runs(cloud):
    with Client("grows", cloud.url) as client:
        device = cloud.wait_registered("grows", TIMEOUT_S)
        client.add_object(Temperature())
        first = cloud.wait_for(Updated, TIMEOUT_S, changed=("objects",))
        assert device.read("/3303/0/5700").value == 21.5
        with pytest.raises(ParameterError, match="not an Object"):
            client.add_object(object())
        with pytest.raises(ParameterError, match="/3303/0/5700 is a resource"):
            client.remove_object("/3303/0/5700")
        client.remove_object("/3303/0")
        cloud.wait_for(Updated, TIMEOUT_S, after=first.seq, changed=("objects",))
        assert device.read("/3303/0/5700").code_text == "4.04"


def test_a_handler_that_raises_gives_an_event_and_the_device_goes_on(cloud):
    class Broken(CommandHandler):
        def get_battery_level(self):
            raise RuntimeError("no gauge")

    events = []
    failed = threading.Event()

    def on_event(event, arg):
        events.append((event, arg))
        if event == ATINY_HANDLER_ERROR:
            failed.set()
            raise ValueError("the host's event handler is broken too")

    with Client("broken", cloud.url, device=Broken(), on_event=on_event):
        device = cloud.wait_registered("broken", TIMEOUT_S)
        assert device.read("/3/0/9").code_text == "5.00"
        assert failed.wait(TIMEOUT_S)
        assert device.read("/3/0/0").value == "atiny"
    path, error = next(arg for event, arg in events if event == ATINY_HANDLER_ERROR)
    assert (path, str(error)) == ("/3/0/9", "no gauge")


@pytest.mark.parametrize("data", [b"", bytes(1025), "text", None, 7])
def test_a_wrong_report_is_refused(data):
    with pytest.raises(ParameterError, match="1 to 1024 bytes"):
        Client("device", "coap://127.0.0.1").report(data)


def test_a_full_queue_refuses_and_close_ends_what_it_holds():
    statuses = []
    client = Client("device", "coap://127.0.0.1", queue_size=2)
    reports = [client.report(b"1", n, lambda *end: statuses.append(end)) for n in range(2)]
    with pytest.raises(QueueFull, match="2 reports"):
        client.report(b"1")
    client.close()
    assert [report.status for report in reports] == [ReportStatus.NOT_SENT] * 2
    assert [end[1:] for end in statuses] == [(0, ReportStatus.NOT_SENT), (1, ReportStatus.NOT_SENT)]
    with pytest.raises(NotRegistered, match="stopped"):
        client.report(b"1")


def test_a_loop_runs_once(cloud):
    with Client("once", cloud.url) as client:
        for again in (client.start, client.run, client.step):
            with pytest.raises(AtinyError, match="runs already"):
                again()
    with pytest.raises(AtinyError, match="stopped"):
        client.start()
    client.run()
    assert client.step() is None


def test_reports_from_many_threads_all_arrive(cloud):
    with Client("busy", cloud.url, queue_size=400) as client:
        assert client.wait_registered(TIMEOUT_S)
        statuses = []

        def work(thread):
            for n in range(25):
                statuses.append(client.report(b"%d-%d" % (thread, n)).wait(TIMEOUT_S))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [ReportStatus.SENT_SUCCESS] * 200
        device = cloud.wait_registered("busy", TIMEOUT_S)
        received = {device.next_report(TIMEOUT_S).data for _ in range(200)}
        assert len(received) == 200


def test_two_clients_share_nothing(cloud):
    class Named(CommandHandler):
        def __init__(self, name):
            self.name = name
            self.commands = []

        def get_model_number(self):
            return self.name

        def write_app_write(self, data):
            self.commands.append(data)

    one, other = Named("one"), Named("other")
    with Client("one", cloud.url, device=one) as first, Client("other", cloud.url, device=other) as second:
        devices = {name: cloud.wait_registered(name, TIMEOUT_S) for name in ("one", "other")}
        assert [devices[name].read("/3/0/1").value for name in ("one", "other")] == ["one", "other"]
        assert devices["other"].command(b"2").wait(TIMEOUT_S) == "success"
        assert (one.commands, other.commands) == ([], [b"2"])
        first.stop()
        assert second.report(b"still here").wait(TIMEOUT_S) == ReportStatus.SENT_SUCCESS


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
def test_an_ipv6_server():
    with CloudThread(host="::1", port=0) as cloud, Client("six", cloud.url) as client:
        assert client.wait_registered(TIMEOUT_S)
        assert client.report(b"6").wait(TIMEOUT_S) == ReportStatus.SENT_SUCCESS
