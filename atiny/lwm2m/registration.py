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


class Registration:
    """One server's registration.

    ``owner`` has: ``endpoint_name``, ``lifetime_s()``, ``binding()``, ``links()`` (paths), ``version_of(object id)``;
    ``open_link()``, ``close_link()``; ``send(message, on_done)``; ``registered()``, ``updated()``, ``failed(reason)``
    (one attempt), ``lost(reason)`` (what stood before is void), ``leaving()`` (a De-register is sent next: all else
    that is on its way is void), ``ended()``. ``clock.ms`` is the present time.

    ``failures``: attempts to register that failed, one after the other.
    """

    def __init__(self, owner, clock, random, retry_min_ms: int = 2000, retry_max_ms: int = 120000):
        self.state = IDLE
        self.location: "list[bytes]" = []
        self.failures = 0
        self._owner = owner
        self._clock = clock
        self._random = random
        self._retry_min_ms = retry_min_ms
        self._retry_max_ms = retry_max_ms
        self._due: "int | None" = None
        self._attempt = 0  # an answer to an earlier attempt is not one to this
        self._known: "tuple[int, str, bytes]" = (0, "", b"")  # lifetime, binding, object list as the server has them
        self._before = self._known  # as it was before the Update that is on its way
        self._forced = False  # an Update is to be sent, changed or not
        self._paused = False  # the host has no network
        self._stopping = False  # the host stops, and the answer to the Register is waited for
        self._disable_ms: "int | None" = None  # the server wants to be left alone, for that long
        self._sent_ms = 0  # when the latest Register or Update was sent,
        self._expires_ms = 0  # and when the registration ends, as the server counts

    # -- what the owner asks

    def start(self) -> None:
        """Begin to register."""
        self.failures = 0
        self._connect()

    def stop(self) -> None:
        """De-register where registered; ``owner.ended()`` follows, at the latest when the request has timed out."""
        state = self.state
        if state in (REGISTERED, UPDATING) and not self._paused:
            self._disable_ms = None
            self._deregister()
        elif state == REGISTERING:
            if not self._stopping:
                self._stopping = True
                self._due = self._clock.ms + LAST_WAIT_MS
        elif state == DEREGISTERING:
            self._disable_ms = None
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
        self._paused = True
        if self.state == UPDATING:
            self._known = self._before
            self._enter(REGISTERED)
        elif self.state == DEREGISTERING or self._stopping:
            self._deregistered(CANCELLED, None)
        elif self.state in (CONNECTING, REGISTERING):
            self._enter(WAITING)
            self._owner.close_link()

    def resume(self) -> None:
        """The network is back: Update, or register where the server has given up the device meanwhile."""
        self._paused = False
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
            self._deregistered(CANCELLED, None)
        elif self.state not in (IDLE, WAITING, DISABLED):
            self._retry(reason)

    def lost(self, reason: str) -> None:
        """The server does not answer any more: connect and register anew, at once."""
        if self.state in (REGISTERED, UPDATING):
            self._owner.lost(reason)
            self._connect()

    def reconnect(self) -> None:
        """The host wants a new connection and registration, now; what stood before is void.

        Not of a server that is disabled, which must be left alone, nor without a network.
        """
        if self.state not in (IDLE, DEREGISTERING, DISABLED) and not self._paused and not self._stopping:
            if self.registered:
                self._owner.lost("reconnect")
            self.failures = 0
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
        return None if self._paused else self._due

    def handle_timer(self) -> None:
        """Update, or try again, where it is time."""
        if self._due is None or self._due > self._clock.ms or self._paused:
            return
        self._due = None
        if self._disable_ms is not None and self.registered:
            self._deregister()
        elif self.state == REGISTERED:
            self._update()
        elif self.state in (WAITING, DISABLED):
            self._connect()
        elif self.state == REGISTERING:  # and the host stops
            self._end()

    # -- the machine

    def _enter(self, state: int) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError("registration: %s -> %s" % (STATES[self.state], STATES[state]))
        self.state = state
        self._attempt += 1
        self._due = None
        if state not in (REGISTERED, UPDATING, DEREGISTERING):
            self._disable_ms = None
            self._stopping = False

    def _connect(self) -> None:
        if self._paused:
            self._enter(WAITING)
            return
        self._enter(CONNECTING)
        self._owner.open_link()

    def _register(self) -> None:
        owner = self._owner
        self._enter(REGISTERING)
        self._forced = False
        self._sent_ms = self._clock.ms
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
            self.failures = 0
            if self._stopping:
                self._deregister()
                return
            self._enter(REGISTERED)
            self._schedule_update()
            self._owner.registered()

    def _update(self) -> None:
        self._forced = False
        self._sent_ms = self._clock.ms
        self._before = known = self._known
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
            self._owner.updated()
        elif response.code in (NOT_FOUND, BAD_REQUEST):
            # The server has forgotten us (it restarted, or the lifetime ran out): the link is good, so Register on it.
            self._owner.lost("Update: " + dotted(response.code))
            self._register()
        else:
            self._retry("Update: %s %s" % (dotted(response.code), _diagnostic(response)))

    def _deregister(self) -> None:
        self._enter(DEREGISTERING)
        self._owner.leaving()
        self._send(Message(DELETE, self._location_options()), self._deregistered)

    def _deregistered(self, outcome: int, response: "Message | None") -> None:
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
        self._owner.ended()

    def _retry(self, reason: str) -> None:
        """One attempt failed: the next one comes after the back-off."""
        if self._stopping:
            self._end()
            return
        tell = self._owner.lost if self.registered else self._owner.failed
        self._enter(WAITING)
        self._owner.close_link()
        self.failures += 1
        delay = self._retry_max_ms
        if self.failures < 20:
            delay = min(delay, self._retry_min_ms << (self.failures - 1))
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
        self._expires_ms = self._sent_ms + lifetime_ms
        self._due = self._clock.ms + lifetime_ms - min(lifetime_ms // 2, MAX_TRANSMIT_WAIT_MS)
        if self._forced or self._disable_ms is not None or self._present() != self._known:
            self._due = self._clock.ms

    def _location_options(self) -> "list[tuple[int, bytes]]":
        return [(URI_PATH, segment) for segment in self.location]

    def _present(self) -> "tuple[int, str, bytes]":
        """What a server is to know: lifetime, binding, and the objects and instances as links (5.3.1)."""
        # With JSON for everything 1.0 has ct=11543 here. Who reads it would then ask for JSON, which costs the device
        # more than TLV; who wants JSON gets it in any case.
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
