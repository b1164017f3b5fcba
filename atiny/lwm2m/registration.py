"""The registration interface for one server (LwM2M 1.0, 5.3): Register, Update, De-register, and beginning again.

A state machine; `TRANSITIONS` is all it may do. It asks its owner to open and close the link and to send requests,
and never gives up: whatever fails, it registers again after a back-off that doubles, with jitter, up to a limit. Only
a server that was there a moment ago is tried again at once.

A server may disable its account for a time (/1/x/4), and the host may say that there is no network: then nothing is
sent until the time is over, or the host says otherwise.
"""

from ..coap.codes import (
    BAD_REQUEST,
    CHANGED,
    CONTENT_FORMAT,
    CREATED,
    DELETE,
    LOCATION_PATH,
    MAX_TRANSMIT_WAIT_MS,
    NOT_FOUND,
    POST,
    URI_PATH,
    URI_QUERY,
    dotted,
)
from ..coap.exchange import CANCELLED, OUTCOMES
from ..coap.message import Message, uint_bytes
from .formats import LINK, TLV, link
from .path import render

IDLE = 0  # not begun, or ended
CONNECTING = 1  # the link is being opened
REGISTERING = 2
REGISTERED = 3
UPDATING = 4
WAITING = 5  # until the next attempt
DEREGISTERING = 6
DISABLED = 7  # by the server, for a time

STATES = ("idle", "connecting", "registering", "registered", "updating", "waiting", "deregistering", "disabled")

TRANSITIONS = {
    IDLE: (CONNECTING, WAITING),
    CONNECTING: (REGISTERING, CONNECTING, WAITING, IDLE),
    REGISTERING: (REGISTERED, CONNECTING, WAITING, DEREGISTERING, IDLE),
    REGISTERED: (UPDATING, CONNECTING, WAITING, DEREGISTERING, IDLE),
    UPDATING: (REGISTERED, REGISTERING, CONNECTING, WAITING, DEREGISTERING, IDLE),
    WAITING: (CONNECTING, IDLE),
    DEREGISTERING: (DISABLED, IDLE),
    DISABLED: (CONNECTING, IDLE),
}

VERSION = "1.0"
LAST_WAIT_MS = 2000  # for the answer to a Register, when the host stops the device: it could be de-registered then
_NOTHING = (0, "", b"")  # what a server knows that has not taken the device


class Registration:
    """One server's registration.

    ``owner`` has: ``agent`` and ``server``, the Server object instance; ``open_link()``, ``close_link()``;
    ``send(message, on_done)``; ``registered(anew)`` (the server knows the device; ``anew``: it did not before),
    ``lost(reason)`` (what stood before is void), ``leaving()`` (a De-register is sent next: all else that is on its way
    is void). The agent has: ``clock``, ``random``, ``model`` and ``settings``; ``failed(owner, reason)`` (one attempt),
    ``ended(owner)``.

    ``failures``: attempts to register that failed, one after the other. ``away_ms``: since when the host has no
    network, or None.
    """

    def __init__(self, owner):
        self.state = IDLE
        self.failures = 0
        self.away_ms: "int | None" = None
        self._owner = owner
        self._agent = owner.agent
        self._clock = owner.agent.clock
        self._location: "list[bytes]" = []  # of the registration; while there is none, where to ask for one
        self._due: "int | None" = None
        self._attempt = 0  # an answer to an earlier attempt is not one to this
        self._known: "tuple[int, str, bytes]" = _NOTHING  # lifetime, binding, object list as the server has them
        self._told = _NOTHING  # and as the request says that is on its way
        self._forced = False  # an Update is to be sent, changed or not
        self._stopping = False  # the host stops, and the answer to the Register is waited for
        self._disable_ms: "int | None" = None  # the server wants to be left alone, for that long
        self._sent_ms = 0  # when the latest request was sent,
        self._expires_ms = 0  # and when the registration ends, as the server counts

    # -- what the owner asks

    def start(self) -> None:
        """Begin to register."""
        self.failures = 0
        self._connect()

    def stop(self) -> None:
        """De-register where registered; ``agent.ended`` follows, at the latest when the request has timed out."""
        state = self.state
        if state == REGISTERING:
            if not self._stopping:
                self._stopping = True
                self._due = self._clock.ms + LAST_WAIT_MS
        elif state == DEREGISTERING:
            self._disable_ms = None
        elif self.registered and self.away_ms is None:
            self._disable_ms = None
            self._deregister()
        else:
            self._end()

    def drop(self) -> None:
        """End at once, without a word to the server; `start` begins again."""
        if self.state != IDLE:
            self._enter(IDLE)
            self._owner.close_link()

    def disable(self, ms: int) -> None:
        """The server wants to be left alone for that long (/1/x/4): De-register, and register again after it."""
        if self.registered:
            self._disable_ms = ms
            self._due = self._clock.ms

    def pause(self) -> None:
        """The host has no network: send nothing until `resume`. The owner has cancelled what was on its way."""
        self.away_ms = self._clock.ms
        if self.state == UPDATING:
            self._enter(REGISTERED)
        elif self.state == DEREGISTERING or self._stopping:
            self._deregistered()
        elif self.state in (CONNECTING, REGISTERING):
            self._enter(WAITING)
            self._owner.close_link()

    def resume(self) -> None:
        """The network is back: Update, or register where the server has given up the device meanwhile."""
        self.away_ms = None
        if self.state == WAITING:
            self.failures = 0
            self._connect()
        elif self.state == REGISTERED and self._clock.ms >= self._expires_ms:
            self.lost("the lifetime has passed")
        else:
            self.update()

    def link_opened(self) -> None:
        """The link is open (and secured)."""
        if self.state == CONNECTING:
            self._register()

    def link_failed(self, reason: str) -> None:
        """The link could not be opened, or broke: the peer's port is closed, or its errors are too many."""
        if self.state == DEREGISTERING:
            self._deregistered()
        elif self.state not in (IDLE, WAITING, DISABLED):
            self._retry(reason)

    def lost(self, reason: str) -> None:
        """The server does not answer any more: connect and register anew, at once."""
        if self.registered:
            self._owner.lost(reason)
            self._connect()

    def reconnect(self) -> None:
        """The host wants a new connection and registration, now; what stood before is void.

        Not of a server that is disabled, which must be left alone, nor without a network.
        """
        if self.state not in (IDLE, DEREGISTERING, DISABLED) and self.away_ms is None and not self._stopping:
            if self.registered:
                self._owner.lost("reconnect")
            self.start()

    def changed(self) -> None:
        """Lifetime, binding or objects may have changed: the server is told by an Update, if they have."""
        if self.state == REGISTERED and self._present() != self._known:
            self._due = self._clock.ms

    def update(self) -> None:
        """Send an Update as soon as possible, changed or not (the Registration Update Trigger, /1/x/8)."""
        self._forced = True
        if self.state == REGISTERED:
            self._due = self._clock.ms

    @property
    def registered(self) -> bool:
        """Whether the server counts the device as registered, as far as the device knows."""
        return self.state in (REGISTERED, UPDATING)

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._due if self.away_ms is None else None

    def handle_timer(self) -> None:
        """Update, or try again, where it is time."""
        due = self.deadline()
        if due is None or due > self._clock.ms:
            return
        self._due = None
        if self._disable_ms is not None and self.registered:
            self._deregister()
        elif self.state == REGISTERED:
            self._tell(UPDATING)
        elif self.state == REGISTERING:  # and the host stops
            self._end()
        else:
            self._connect()

    # -- the machine

    def _enter(self, state: int) -> None:
        assert state in TRANSITIONS[self.state], "registration: %s -> %s" % (STATES[self.state], STATES[state])
        self.state = state
        self._attempt += 1
        self._due = None
        if state not in (REGISTERED, UPDATING, DEREGISTERING):
            self._disable_ms = None
            self._stopping = False

    def _connect(self) -> None:
        if self.away_ms is not None:
            self._enter(WAITING)
            return
        self._enter(CONNECTING)
        self._owner.open_link()

    def _register(self) -> None:
        self._location = [b"rd"]
        self._known = _NOTHING
        self._tell(REGISTERING)

    def _tell(self, state: int) -> None:
        """Register, or Update: what the server does not know yet (5.3.1, 5.3.2)."""
        self._enter(state)
        self._forced = False
        known = self._known
        self._told = lifetime_s, binding, payload = self._present()
        options = self._location_options()
        queries = []
        if payload == known[2]:
            payload = b""
        else:
            options.append((CONTENT_FORMAT, uint_bytes(LINK)))
        if state == REGISTERING:
            queries.append("ep=" + self._agent.settings.endpoint_name)
        if lifetime_s != known[0]:
            queries.append("lt=%d" % lifetime_s)
        if state == REGISTERING:
            queries.append("lwm2m=" + VERSION)
        if binding != known[1]:
            queries.append("b=" + binding)
        for query in queries:
            options.append((URI_QUERY, query.encode()))
        self._send(Message(POST, options, payload))

    def _deregister(self) -> None:
        self._enter(DEREGISTERING)
        self._owner.leaving()
        self._send(Message(DELETE, self._location_options()))

    def _send(self, message: Message) -> None:
        attempt = self._attempt
        self._sent_ms = self._clock.ms

        def answered(outcome: int, response: "Message | None") -> None:
            # Who cancels has a plan of his own: a new link, or the end.
            if attempt == self._attempt and outcome != CANCELLED:
                self._answered(OUTCOMES[outcome], response)

        self._owner.send(message, answered)

    def _answered(self, reason: str, response: "Message | None") -> None:
        """The request of this state has its end: the response, or none and the reason."""
        code = 0
        if response is not None:
            code = response.code
            reason = "%s %s" % (dotted(code), _diagnostic(response))
        if self.state == DEREGISTERING:
            self._deregistered()
        elif self.state == REGISTERING:
            if response is None or code != CREATED:
                self._retry("Register: " + reason)
                return
            self._location = response.all(LOCATION_PATH)
            self.failures = 0
            if self._stopping:
                self._deregister()
            else:
                self._registered(True)
        elif response is None:
            self.lost("Update: " + reason)
        elif code == CHANGED:
            self._registered(False)
        elif code in (NOT_FOUND, BAD_REQUEST):
            # The server has forgotten us (it restarted, or the lifetime ran out): the link is good, so Register on it.
            self._owner.lost("Update: " + dotted(code))
            self._register()
        else:
            self._retry("Update: " + reason)

    def _registered(self, anew: bool) -> None:
        """The server knows what it was told.

        The Update comes before expiry by half the lifetime, at the most by the time that a lost exchange takes.
        """
        self._enter(REGISTERED)
        self._known = self._told
        lifetime_ms = self._known[0] * 1000
        self._expires_ms = self._sent_ms + lifetime_ms
        self._due = self._clock.ms
        if not self._forced and self._disable_ms is None and self._present() == self._known:
            self._due += lifetime_ms - min(lifetime_ms // 2, MAX_TRANSMIT_WAIT_MS)
        self._owner.registered(anew)

    def _deregistered(self) -> None:
        """The server knows the device no more, or will find that out."""
        wait_ms = self._disable_ms
        if wait_ms is None:
            self._end()
            return
        self._enter(DISABLED)
        self._due = self._clock.ms + wait_ms
        self._owner.close_link()
        self._owner.lost("disabled by the server for %d s" % (wait_ms // 1000))

    def _end(self) -> None:
        if self.state != IDLE:
            self._enter(IDLE)
        self._owner.close_link()
        self._agent.ended(self._owner)

    def _retry(self, reason: str) -> None:
        """One attempt failed: the next one comes after the back-off."""
        if self._stopping:
            self._end()
            return
        registered = self.registered
        self._enter(WAITING)
        self._owner.close_link()
        self.failures += 1
        settings = self._agent.settings
        self._due = self._clock.ms + back_off(
            self.failures, settings.retry_min_ms, settings.retry_max_ms, self._agent.random
        )
        if registered:
            self._owner.lost(reason)
        else:
            self._agent.failed(self._owner, reason)

    def _location_options(self) -> "list[tuple[int, bytes]]":
        return [(URI_PATH, segment) for segment in self._location]

    def _present(self) -> "tuple[int, str, bytes]":
        """What a server is to know: lifetime, binding, and the objects and instances as links (5.3.1)."""
        # With JSON for everything 1.0 has ct=11543 here. Who reads it would then ask for JSON, which costs the device
        # more than TLV; who wants JSON gets it in any case.
        links: "list[tuple]" = [("/", (("rt", "oma.lwm2m"), ("ct", TLV)))]
        model = self._agent.model
        for path in model.links():
            version = model.objects[path[0]].cls.version if len(path) == 1 else None
            links.append((render(path), (("ver", version),) if version else ()))
        server = self._owner.server
        return server.lifetime_s, server.binding, link.render(links)


def back_off(failures: int, shortest_ms: int, longest_ms: int, random) -> int:
    """How long to wait after that many failures in a row: it doubles, up to a limit.

    Up to half as long again: devices that lost one server together do not come back together.
    """
    delay_ms = longest_ms
    if failures < 20:
        delay_ms = min(delay_ms, shortest_ms << (failures - 1))
    return delay_ms + delay_ms * int.from_bytes(random(2), "big") // 131072


def _diagnostic(response: Message) -> str:
    try:
        return str(response.payload, "utf-8")
    except UnicodeError:
        return ""
