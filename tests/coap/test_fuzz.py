"""Hostile datagrams, 5,000 here and 200,000 in the slow run, into an endpoint and into a registered device.

Nothing raises, nothing grows without bound, every message of ours ends once, and the device works afterwards.
"""

import aiocoap
import pytest

from atiny.agent import CLOSE_LINK, HOST_EVENT, OPEN_LINK, REPORT_DONE, Agent, Settings
from atiny.coap.message import Message
from atiny.commands import CommandHandler
from atiny.lwm2m.host import Host
from atiny.lwm2m.model import Model, Object, Resource
from atiny.lwm2m.objects.app_data import REPORT_PATH, AppData
from atiny.lwm2m.objects.device import Device as DeviceObject
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.registration import DISABLED
from atiny.lwm2m.report import Report, ReportQueue
from atiny.lwm2m.types import FLOAT, INTEGER, NONE, OPAQUE, STRING
from atiny.params import APP_DATA, ReportStatus
from tests.leaks import Memory

from .fuzzing import Fuzzer
from .peer import (
    ACK,
    CHANGED,
    CON,
    CONTENT,
    CREATED,
    DELETED,
    GET,
    LOCATION_PATH,
    OBSERVE,
    POST,
    Device,
    body,
    empty,
    pack,
    path,
)
from .stream_rig import Sink

COUNTS = [5_000, pytest.param(200_000, marks=pytest.mark.slow)]


# -- an endpoint


class Target(Device):
    """An endpoint whose handler gives every kind of answer, and which asks and notifies itself."""

    def __init__(self, fuzzer):
        super().__init__(max_body=4096, confirm=False, rng=fuzzer.rng.randbytes, stream=self.stream)
        self.fuzzer = fuzzer
        self.later = []
        self.begun = self.ended = self.afters = 0
        self.sinks: "list[Sink]" = []
        self.opened = 0
        self.peaceful = False

    def _handle(self, request):
        if self.peaceful:
            return Message(CONTENT, None, b"peace")
        rng = self.fuzzer.rng
        way = rng.random()
        if way < 0.1:
            self.later = self.later[-3:] + [request]
            return None
        response = Message(
            rng.choice([CONTENT, CHANGED, CREATED, 0x80, 0x84, 0xA0]), None, body(rng.choice([0, 5, 3000]))
        )
        if way < 0.2:
            response.after = self.after
        return response

    def stream(self, request):
        """Half of what is pushed goes to sinks; at most one of them is open."""
        way = self.fuzzer.rng.random()
        if way < 0.5:
            return None
        if way < 0.6:
            return Message(0xA3)
        self.opened += 1
        self.sinks = [sink for sink in self.sinks if not sink.over] + [Sink(("write", self.fuzzer.rng.randrange(1, 9)))]
        assert len(self.sinks) <= 2
        return self.sinks[-1]

    def after(self):
        self.afters += 1

    def end(self, outcome, response):
        self.ended += 1

    def act(self):
        """Do something of its own."""
        rng = self.fuzzer.rng
        way = rng.random()
        if way < 0.3 and self.begun - self.ended < 20:
            self.begun += 1
            self.endpoint.request(
                Message(rng.choice([GET, POST]), path("/rd"), body(rng.choice([0, 9, 3000]))), self.end
            )
        elif way < 0.5 and self.begun - self.ended < 20:
            self.begun += 1
            request = Message(GET, path("/3"), token=b"o%d" % rng.randrange(3))
            notification = Message(CONTENT, [(OBSERVE, b"\1")], body(rng.choice([9, 3000])))
            self.endpoint.notify(request, notification, True, self.end, self.now)
        elif way < 0.6:
            request = Message(GET, path("/3"), token=b"o1")
            self.endpoint.notify(
                request, Message(CONTENT, [(OBSERVE, b"\1")], b"v"), False, lambda *end: None, self.now
            )
        elif way < 0.7 and self.later:
            self.endpoint.respond(self.later.pop(), Message(CONTENT, None, body(rng.choice([5, 2000]))), self.now)
        elif way < 0.72:
            self.exchange.cancel(b"o%d" % rng.randrange(3))
        elif way < 0.73:
            self.endpoint.reset()
        elif way < 0.9:
            self.now += rng.choice([1, 1000, 5000, 100_000])
            self.exchange.handle_timer(self.now)
            if self.endpoint.streams is not None:
                self.endpoint.streams.handle_timer(self.now)
        for id in self.unconfirmed:
            if rng.random() < 0.1:
                self.exchange.send_failed(id, self.now, rng.random() < 0.3)
            else:
                self.exchange.sent(id, self.now)
        self.unconfirmed = []


@pytest.mark.parametrize("count", COUNTS)
def test_an_endpoint(count):
    fuzzer, memory = Fuzzer(1), Memory()
    target = Target(fuzzer)
    for number in range(count):
        for sent in target.hear_raw(fuzzer.datagram()):
            fuzzer.learn(sent)
        if number % 3 == 0:
            target.act()
            for sent in target.take_raw():
                fuzzer.learn(sent)
        if number % (count // 20) == 0:
            target.endpoint.reset()
            assert [sink for sink in target.sinks if not sink.over] == []
            memory.sample()
    memory.check()
    assert target.begun > count // 50
    assert target.afters > count // 200
    assert target.opened > count // 200
    target.confirm = target.peaceful = True
    target.act()
    while not target.exchange.idle:  # left in peace, everything comes to its end
        target.wait(100_000)
    assert target.ended == target.begun
    answer = target.reply(pack(CON, GET, 0x7777, b"peace", path("/3/0")))
    assert (answer.mtype, answer.code, answer.token, answer.payload) == (ACK, CONTENT, b"peace", b"peace")
    assert fuzzer.count == count
    print(f"{count} datagrams, {target.ended} messages of ours ended")


# -- a device


class Bin(Object):
    object_id = 77
    multiple = creatable = True
    resources = (
        Resource(0, "name", STRING, "RW", max_size=64),
        Resource(1, "level", INTEGER, "RW"),
        Resource(2, "weight", FLOAT, "RW"),
        Resource(3, "tag", OPAQUE, "RW", max_size=256),
        Resource(4, "empty", NONE, "E"),
        Resource(5, "image", OPAQUE, "W", stream=True),
    )

    def __init__(self):
        self.name, self.level, self.weight, self.tag = "bin", 1, 1.5, b"t"

    def open_image(self, server):
        return Sink()

    def execute_empty(self, arguments):
        raise ValueError("a handler with a bug")


class NoMutex:
    def lock(self):
        pass

    unlock = lock


class Registered:
    """A registered device, its server, and their link in virtual time."""

    def __init__(self, fuzzer):
        self.fuzzer = fuzzer
        self.now = 0
        model = Model()
        self.reports = ReportQueue(NoMutex())
        self.agent = agent = Agent(Settings("dev"), model, self.reports, fuzzer.rng.randbytes)
        server = Server(123, 300, "U")
        commands = Host(CommandHandler().cmd_ioctl)
        for item in (Security("coap://server", 123), server, DeviceObject(commands, "atiny", None, lambda: "U"),
                     AppData(commands, 0), AppData(commands, 1), Bin()):  # fmt: skip
            model.add(item)
        self.open = False
        self.honest = True
        self.accepted = 0
        self.finished: "list[int]" = []
        agent.start(0)
        self.work()

    def work(self, answers=True):
        """Carry out what the agent says, and be the server; returns what it sent, as long as it says something."""
        agent = self.agent
        seen = []
        for _ in range(1000):
            event = agent.next_event()
            if event is not None:
                if event[0] == OPEN_LINK:
                    self.open = True
                    agent.link_opened(event[1], self.now)
                elif event[0] == CLOSE_LINK:
                    self.open = False
                elif event[0] == REPORT_DONE:
                    event[1].finish(event[2])
                    self.finished.append(event[2])
                else:
                    assert event[0] == HOST_EVENT
                continue
            datagrams = agent.datagrams_to_send(self.now)
            if not datagrams:
                return seen
            for link, id, datagram in datagrams:
                if id:
                    agent.sent(link, id, self.now)
                self.fuzzer.learn(datagram)
                seen.append(datagram)
                if answers:
                    self.answer(datagram)
        raise AssertionError("the agent never rests")

    def answer(self, datagram):
        """What an honest server answers to a request or notification of the device."""
        kind, code, mid = datagram[0] >> 4 & 3, datagram[1], datagram[2] << 8 | datagram[3]
        token = datagram[4 : 4 + (datagram[0] & 15)]
        if kind != CON or not code or not self.open:
            return
        if code == POST and b"ep=dev" in datagram:
            reply = pack(ACK, CREATED, mid, token, [(LOCATION_PATH, b"rd"), (LOCATION_PATH, b"1")])
        elif code < 32:
            reply = pack(ACK, CHANGED if code == POST else DELETED, mid, token)
        else:
            reply = empty(ACK, mid)
        self.agent.receive(0, reply, self.now)

    def hear(self, datagram, answers=True):
        if self.open:
            self.agent.receive(0, datagram, self.now)
        return self.work(answers)

    def wait(self, ms, answers=True):
        until = self.now + ms
        for _ in range(1000):
            due = self.agent.deadline()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.agent.handle_timer(self.now)
            self.work(answers)
        self.now = max(self.now, until)

    def report(self, data=b"\x01\x02"):
        if len(self.reports) < self.reports.capacity:
            report = Report(APP_DATA, REPORT_PATH, data, None, None, True)
            assert self.reports.put(report)
            self.accepted += 1
            return report
        return None

    def works(self):
        """Left in peace it is registered, answers a GET, is observed, and its report is acknowledged."""
        for _ in range(100):
            self.wait(60_000)
            if self.agent.registered:
                break
            if self.agent.accounts[0].registration.state == DISABLED:  # a server may well want that (/1/0/4)
                self.wait((self.agent.deadline() or self.now) - self.now)
        assert self.agent.registered
        self.wait(300_000)
        (answer,) = self.hear(pack(CON, GET, 0x4711, b"works", path("/3/0/0")))
        message = aiocoap.Message.decode(answer)
        assert (message.mtype, message.code, message.token, message.payload) == (ACK, CONTENT, b"works", b"atiny")
        self.hear(pack(CON, GET, 0x4712, b"report", [(OBSERVE, b""), *path("/19/0/0")]))
        self.wait(60_000)
        report = self.report(b"\xca\xfe")
        self.wait(60_000)
        assert report is not None
        assert report.status == ReportStatus.SENT_SUCCESS
        assert len(self.finished) == self.accepted


@pytest.mark.parametrize("count", COUNTS)
def test_a_registered_device(count):
    fuzzer, memory = Fuzzer(2), Memory()
    server = Registered(fuzzer)
    rng = fuzzer.rng
    server.works()
    for number in range(count):
        # Where the agent asks for something, the hostile server answers now and then as an honest one would.
        server.hear(fuzzer.datagram(), rng.random() < 0.7)
        if rng.random() < 0.02:
            server.report(rng.randbytes(rng.choice([1, 20, 1024])))
            server.work(rng.random() < 0.5)
        if rng.random() < 0.05:
            server.wait(rng.choice([10, 1000, 10_000, 100_000]), rng.random() < 0.5)
        if number % (count // 20) == 0:
            server.works()
            server.agent.remove((77,), server.now)
            server.agent.model.add(Bin())
            server.agent.model_changed((77,))
            server.works()
            memory.sample()
    server.works()
    memory.check()
    assert set(server.finished) >= {ReportStatus.SENT_SUCCESS, ReportStatus.SENT_GET_RST}
    assert fuzzer.count == count
    print(f"{count} datagrams, {len(server.finished)} reports ended")
