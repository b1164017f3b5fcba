"""The registration interface for one server (LwM2M 1.0, 5.3): Register, Update, De-register, and beginning again.

A state machine; `TRANSITIONS` is all it may do. It asks its owner to open and close the link and to send requests,
and never gives up: whatever fails, it registers again after a back-off that doubles, with jitter, up to a limit. Only
a server that was there a moment ago is tried again at once.
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
from ..coap.exchange import CANCELLED, DONE, OUTCOMES
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

STATES = ("idle", "connecting", "registering", "registered", "updating", "waiting", "deregistering")

TRANSITIONS = {
    IDLE: (CONNECTING,),
    CONNECTING: (REGISTERING, CONNECTING, WAITING, IDLE),
    REGISTERING: (REGISTERED, CONNECTING, WAITING, IDLE),
    REGISTERED: (UPDATING, CONNECTING, WAITING, DEREGISTERING),
    UPDATING: (REGISTERED, REGISTERING, CONNECTING, WAITING, DEREGISTERING),
    WAITING: (CONNECTING, IDLE),
    DEREGISTERING: (IDLE,),
}

VERSION = "1.0"


class Registration:
    """One server's registration.

    ``owner`` has: ``endpoint_name``, ``lifetime_s()``, ``binding()``, ``links()`` (paths), ``version_of(object id)``;
    ``open_link()``, ``close_link()``; ``send(message, on_done)``; ``registered()``, ``failed(reason)`` (one attempt),
    ``lost(reason)`` (what stood before is void), ``ended()``. ``clock.ms`` is the present time.
    """

    def __init__(self, owner, clock, random, retry_min_ms: int = 2000, retry_max_ms: int = 120000):
        self.state = IDLE
        self.location: "list[bytes]" = []
        self._owner = owner
        self._clock = clock
        self._random = random
        self._retry_min_ms = retry_min_ms
        self._retry_max_ms = retry_max_ms
        self._failures = 0
        self._due: "int | None" = None
        self._attempt = 0  # an answer to an earlier attempt is not one to this
        self._known: "tuple[int, str, bytes]" = (0, "", b"")  # lifetime, binding, object list as the server has them
        self._forced = False  # an Update is to be sent, changed or not

    # -- what the owner asks

    def start(self) -> None:
        """Begin to register."""
        self._connect()

    def stop(self) -> None:
        """De-register where registered; ``owner.ended()`` follows, at the latest when the request has timed out."""
        if self.state in (REGISTERED, UPDATING):
            self._enter(DEREGISTERING)
            self._send(Message(DELETE, self._location_options()), self._deregistered)
        elif self.state != DEREGISTERING:
            self._end()

    def link_opened(self) -> None:
        """The link is open (and secured)."""
        if self.state == CONNECTING:
            self._register()

    def link_failed(self, reason: str) -> None:
        """The link could not be opened, or broke: the peer's port is closed, or its errors are too many."""
        if self.state == DEREGISTERING:
            self._end()
        elif self.state not in (IDLE, WAITING):
            self._retry(reason)

    def lost(self, reason: str) -> None:
        """The server does not answer any more: connect and register anew, at once."""
        if self.state in (REGISTERED, UPDATING):
            self._owner.lost(reason)
            self._connect()

    def reconnect(self) -> None:
        """The host wants a new connection and registration, now; what stood before is void."""
        if self.state not in (IDLE, DEREGISTERING):
            if self.registered:
                self._owner.lost("reconnect")
            self._failures = 0
            self._connect()

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
        return self._due

    def handle_timer(self) -> None:
        """Update, or try again, where it is time."""
        if self._due is None or self._due > self._clock.ms:
            return
        self._due = None
        if self.state == REGISTERED:
            self._update()
        elif self.state == WAITING:
            self._connect()

    # -- the machine

    def _enter(self, state: int) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError("registration: %s -> %s" % (STATES[self.state], STATES[state]))
        self.state = state
        self._attempt += 1
        self._due = None

    def _connect(self) -> None:
        self._enter(CONNECTING)
        self._owner.open_link()

    def _register(self) -> None:
        owner = self._owner
        self._enter(REGISTERING)
        self._forced = False
        self._known = known = self._present()
        queries = ["ep=" + owner.endpoint_name, "lt=%d" % known[0], "lwm2m=" + VERSION, "b=" + known[1]]
        options = [(URI_PATH, b"rd"), (CONTENT_FORMAT, uint_bytes(LINK))]
        options += [(URI_QUERY, query.encode()) for query in queries]
        self._send(Message(POST, options, known[2]), self._register_answered)

    def _register_answered(self, outcome: int, response: "Message | None") -> None:
        if outcome != DONE or response is None:
            self._retry("Register: " + OUTCOMES[outcome])
        elif response.code != CREATED:
            self._retry("Register: %s %s" % (dotted(response.code), _diagnostic(response)))
        else:
            self.location = response.all(LOCATION_PATH)
            self._failures = 0
            self._enter(REGISTERED)
            self._schedule_update()
            self._owner.registered()

    def _update(self) -> None:
        self._forced = False
        known = self._known
        self._known = lifetime_s, binding, payload = self._present()
        options = self._location_options()
        body = b""
        if payload != known[2]:
            options.append((CONTENT_FORMAT, uint_bytes(LINK)))
            body = payload
        if lifetime_s != known[0]:
            options.append((URI_QUERY, b"lt=%d" % lifetime_s))
        if binding != known[1]:
            options.append((URI_QUERY, b"b=" + binding.encode()))
        self._enter(UPDATING)
        self._send(Message(POST, options, body), self._update_answered)

    def _update_answered(self, outcome: int, response: "Message | None") -> None:
        if outcome != DONE or response is None:
            self.lost("Update: " + OUTCOMES[outcome])
        elif response.code == CHANGED:
            self._enter(REGISTERED)
            self._schedule_update()
        elif response.code in (NOT_FOUND, BAD_REQUEST):
            # The server has forgotten us (it restarted, or the lifetime ran out): the link is good, so Register on it.
            self._owner.lost("Update: " + dotted(response.code))
            self._register()
        else:
            self._retry("Update: %s %s" % (dotted(response.code), _diagnostic(response)))

    def _deregistered(self, outcome: int, response: "Message | None") -> None:
        self._end()

    def _end(self) -> None:
        if self.state != IDLE:
            self._enter(IDLE)
        self._owner.close_link()
        self._owner.ended()

    def _retry(self, reason: str) -> None:
        """One attempt failed: the next one comes after the back-off."""
        tell = self._owner.lost if self.registered else self._owner.failed
        self._enter(WAITING)
        self._owner.close_link()
        self._failures += 1
        delay = self._retry_max_ms
        if self._failures < 20:
            delay = min(delay, self._retry_min_ms << (self._failures - 1))
        # Up to half as long again: devices that lost one server together do not come back together.
        jitter = int.from_bytes(self._random(2), "big")
        self._due = self._clock.ms + delay + delay * jitter // 131072
        tell(reason)

    def _send(self, message: Message, on_answer) -> None:
        attempt = self._attempt

        def answered(outcome: int, response: "Message | None") -> None:
            # Who cancels has a plan of his own: a new link, or the end.
            if attempt == self._attempt and outcome != CANCELLED:
                on_answer(outcome, response)

        self._owner.send(message, answered)

    def _schedule_update(self) -> None:
        """Update before expiry by half the lifetime, at the most by the time that a lost exchange takes."""
        lifetime_ms = self._known[0] * 1000
        self._due = self._clock.ms + lifetime_ms - min(lifetime_ms // 2, MAX_TRANSMIT_WAIT_MS)
        if self._forced or self._present() != self._known:
            self._due = self._clock.ms

    def _location_options(self) -> "list[tuple[int, bytes]]":
        return [(URI_PATH, segment) for segment in self.location]

    def _present(self) -> "tuple[int, str, bytes]":
        """What a server is to know: lifetime, binding, and the objects and instances as links (5.3.1)."""
        links: "list[tuple]" = [("/", (("rt", "oma.lwm2m"), ("ct", TLV)))]
        for path in self._owner.links():
            version = self._owner.version_of(path[0]) if len(path) == 1 else None
            links.append((render(path), (("ver", version),) if version else ()))
        return self._owner.lifetime_s(), self._owner.binding(), link.render(links)


def _diagnostic(response: Message) -> str:
    try:
        return str(response.payload, "utf-8")
    except UnicodeError:
        return ""
