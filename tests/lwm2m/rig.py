"""An `Agent` in virtual time and the server's side of its link: datagrams made and read by aiocoap's codec only.

`Rig` carries out what the agent says and keeps what it sent; nothing is answered but by the test. Time is an int.
"""

import random

from aiocoap import ACK, CON, NON, RST, Message
from aiocoap.numbers.codes import Code

from atiny.agent import (
    CLOSE_LINK,
    DEFERRED,
    ENDED,
    HOST_EVENT,
    OPEN_LINK,
    REPORT_DONE,
    SLEEP_LINK,
    WAKE_LINK,
    Agent,
    Settings,
)
from atiny.commands import CommandHandler
from atiny.lwm2m.host import Host
from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.app_data import REPORT_PATH, AppData
from atiny.lwm2m.objects.device import Device
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.report import Report, ReportQueue
from atiny.params import ATINY_NOTIFY_DONE
from atiny.testing import FakeMutex

METHODS = {"GET": 1, "POST": 2, "PUT": 3, "DELETE": 4}
TEXT, LINK, OPAQUE, TLV, TLV_LEGACY = 0, 40, 42, 11542, 1542
TIGHT = 40  # passes at one moment


def dotted(message) -> str:
    """The code as it is spoken: "2.05"."""
    return "%d.%02d" % (message.code >> 5, message.code & 31)


def build(code: int, path: str = "", *, payload=b"", mtype=CON, mid=0, token=b"", query=(), **options) -> Message:
    """A message of aiocoap: ``options`` are its names of options (accept, content_format, observe, ...)."""
    message = Message(code=Code(code), payload=payload)
    message.mtype, message.mid, message.token = mtype, mid, token
    message.opt.uri_path = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    message.opt.uri_query = tuple(query)
    for name, value in options.items():
        if value is not None:
            setattr(message.opt, name, value)
    return message


class Rig:
    """A device with the standard objects, ``objects`` besides, and the scripted end of its server."""

    def __init__(self, *objects, handler=None, lifetime_s=86400, binding="U", capacity=8, seed=1, register=True, **set):
        self.now = 5000
        self.settings = Settings("dev")
        for name, value in set.items():
            setattr(self.settings, name, value)
        model = Model()
        self.agent = Agent(self.settings, model, ReportQueue(FakeMutex(), capacity), random.Random(seed).randbytes)
        self.server = Server(123, lifetime_s, binding)
        handler = handler or CommandHandler()
        self.host = Host(handler)
        device = Device(self.host, "maker", None, lambda: self.server.binding)
        for item in (Security("coap://server", 123), self.server, device, AppData(self.host, 0), AppData(self.host, 1)):
            model.add(item)
        for item in objects:
            model.add(item)
        self.sent: "list[Message]" = []  # by the agent, and not yet taken
        self.events: "list[tuple]" = []  # (ATINY_* event, argument)
        self.notified: "list[tuple]" = []  # (path, short server id, final status) of each notification
        self.links: "list[str]" = []  # "open", "close", "sleep" and "wake"
        self.done: "list[tuple]" = []  # (cookie, final status)
        self.ended = 0
        self.opening: "str | None" = "ok"  # what becomes of a link: "ok", None (it takes its time), or the error
        self.sending: "str | None" = None  # what becomes of a datagram: None, "error" or "refused"
        self._mid = 0x1000
        self._token = 0
        self.agent.start(self.now)
        self.pump()
        if register:
            self.register()

    # -- driving the agent

    def pump(self) -> None:
        """Carry out what the agent says, at this moment."""
        agent = self.agent
        for _ in range(TIGHT):
            datagrams = agent.datagrams_to_send(self.now)
            for link, id, datagram in datagrams:
                if self.sending is not None:
                    agent.send_failed(link, id, self.now, self.sending, self.sending == "refused")
                    continue
                self.sent.append(Message.decode(datagram))
                if id:
                    agent.sent(link, id, self.now)
            event = agent.next_event()
            if event is None and not datagrams:
                return
            while event is not None:
                self._carry_out(*event)
                event = agent.next_event()
        raise AssertionError("a tight loop")

    def _carry_out(self, kind, a, b) -> None:
        assert not self.ended, "nothing comes after the end"
        if kind == OPEN_LINK:
            assert (a, b) == (0, ("server", 5683))
            self.links.append("open")
            if self.opening == "ok":
                self.agent.link_opened(0, self.now)
            elif self.opening is not None:
                self.agent.link_failed(0, self.now, self.opening)
        elif kind == CLOSE_LINK:
            self.links.append("close")
        elif kind == DEFERRED:
            a.attach(lambda error: b(error, self.now))
        elif kind == SLEEP_LINK:
            self.links.append("sleep")
        elif kind == WAKE_LINK:
            self.links.append("wake")
        elif kind == HOST_EVENT and a == ATINY_NOTIFY_DONE:
            self.notified.append(b)
        elif kind == HOST_EVENT:
            self.events.append((a, b))
        elif kind == REPORT_DONE:
            assert not a.done, "one final status only"
            a.finish(b)
            self.done.append((a.cookie, b))
        else:
            assert kind == ENDED
            self.ended += 1

    def advance(self, ms: int) -> None:
        """Let time pass, from one deadline of the agent to the next."""
        target = self.now + ms
        passes = 0
        while True:
            due = self.agent.deadline()
            if due is None or due > target:
                break
            passes = passes + 1 if due <= self.now else 0
            assert passes < TIGHT, "a tight loop"
            self.now = max(self.now, due)
            self.agent.handle_timer(self.now)
            self.pump()
        self.now = target

    def deliver(self, message) -> None:
        """A datagram of the server arrives."""
        self.agent.receive(0, message if type(message) is bytes else message.encode(), self.now)
        self.pump()
        # What is due at once (an Update, a notification) goes out at once.
        self.advance(0)

    def wait(self) -> None:
        """Let time pass until the agent sends something."""
        for _ in range(10**4):
            if self.sent:
                return
            self.advance(100)
        raise AssertionError("nothing comes")

    # -- the server's side

    def take(self) -> "list[Message]":
        """What the agent has sent since the last time."""
        sent = self.sent
        self.sent = []
        return sent

    def only(self) -> Message:
        """The one message that the agent has sent since the last time."""
        sent = self.take()
        assert len(sent) == 1, sent
        return sent[0]

    def answer(self, to: Message, code: str, location=(), payload=b"") -> None:
        """Answer a request of the agent in its ACK."""
        major, _, minor = code.partition(".")
        response = build(int(major) << 5 | int(minor), payload=payload, mtype=ACK, mid=to.mid, token=to.token)
        response.opt.location_path = tuple(location)
        self.deliver(response)

    def ack(self, message: Message) -> None:
        self.deliver(build(0, mtype=ACK, mid=message.mid))

    def reset(self, message: Message) -> None:
        self.deliver(build(0, mtype=RST, mid=message.mid))

    def register(self, *location: str) -> Message:
        """The agent's Register, answered with 2.01."""
        request = self.only()
        assert (request.code, request.opt.uri_path) == (2, ("rd",)), request
        self.answer(request, "2.01", location or ("rd", "7"))
        assert self.agent.registered
        return request

    def ask(self, method, path, *, token=None, mtype=CON, **options) -> Message:
        """Send a request, and take its response; other messages of the agent stay in ``sent``."""
        self._mid += 1
        if token is None:
            self._token += 1
            token = b"t%d" % self._token
        code = METHODS[method] if method in METHODS else method
        before = self.take()
        self.deliver(build(code, path, mid=self._mid, token=token, mtype=mtype, **options))
        if mtype is CON:
            found = [message for message in self.sent if (message.mtype, message.mid) == (ACK, self._mid)]
        else:
            found = [message for message in self.sent if message.mtype is NON]
        assert len(found) == 1, self.sent
        assert found[0].token == token
        self.sent.remove(found[0])
        self.sent = before + self.sent
        return found[0]

    def observe(self, path: str, token: bytes, **options) -> Message:
        response = self.ask("GET", path, token=token, observe=0, **options)
        assert dotted(response) == "2.05", response
        assert response.opt.observe is not None
        return response

    # -- the host's side

    def change(self, path: tuple) -> None:
        """The value at a path changed, says the host."""
        self.agent.changed(path, self.now)
        self.pump()
        self.advance(0)

    def report(self, cookie, confirmable: bool = True, payload: "bytes | None" = None) -> Report:
        """Queue a report; its payload is its cookie's text."""
        report = Report(1, REPORT_PATH, payload or str(cookie).encode(), cookie, None, confirmable)
        assert self.agent.reports.put(report)
        self.pump()
        return report

    def reconnect(self) -> None:
        self.agent.reconnect(None, self.now)
        self.pump()

    def stop(self) -> None:
        self.agent.stop(self.now)
        self.pump()

    # -- what else happens

    def fail_receiving(self, times: int = 1, refused: bool = False) -> None:
        """Receiving fails; ``refused``: the server's port is closed."""
        for _ in range(times):
            self.agent.receive_failed(0, self.now, "EIO", refused)
            self.pump()

    def register_again(self) -> None:
        """The device registers anew, and the server takes it."""
        self.wait()
        register = self.take()[-1]
        assert register.opt.uri_path == ("rd",), register
        self.answer(register, "2.01", ("rd", "8"))
