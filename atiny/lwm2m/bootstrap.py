"""Which accounts the device has, and when it asks a bootstrap server for others (LwM2M 1.0, 5.2.3, 5.2.4; SDK).

A state machine; `TRANSITIONS` is all it may do. In the order of a device's life::

    start --> REGISTERING  with the accounts that are known  --some server took the device--> REGISTERED
                  |  every account failed, or none is known                                       |
                  |<---------- each server was lost, and failed as often -------------------------+
                  |
                  |  the accounts were new: the last that worked come back, REGISTERING again; else
                  v
              LISTENING    SEQUENCE only, for the hold-off time: the bootstrap server may begin
              WAITING      CLIENT_INITIATED, for the hold-off time; between two attempts, for the back-off
                  v
              CONNECTING   to the bootstrap server
                  v
              REQUESTING   POST /bs?ep=NAME  --2.04, or an operation of the server-->
              PROVISIONING the server writes  --Finish--> the new accounts are committed, REGISTERING with them

An attempt that fails leaves the accounts as they were. After TRIES of them the device registers with the accounts it
has, where it has any, and all begins anew: it never gives up. FACTORY does not come further than REGISTERING by itself.

What the specification leaves open:

- **Asked for** (the server executes /1/x/9, or the host wants one), in any mode that has a bootstrap server, a
  bootstrap begins at once, without the hold-off time. The accounts go on meanwhile, and are dropped only when others
  are committed: a bootstrap server that does not answer costs the device nothing. They are not de-registered; who is
  still among the new accounts sees the device register anew, and for another the lifetime runs out.
- **Server-initiated**: a bootstrap server reaches the device only where a link to it is open, and that is in
  LISTENING. There its operations count without a request. A device that is registered keeps no link to its bootstrap
  server: /1/x/9 is the way to have it bootstrap.
- An operation that arrives before the answer to the request, which may be lost, stands for it.
"""

from ..coap.codes import CHANGED, EXCHANGE_LIFETIME_MS, POST, URI_PATH, URI_QUERY, dotted
from ..coap.exchange import CANCELLED, DONE, OUTCOMES
from ..coap.message import Message
from ..params import BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE

IDLE = 0  # not begun, or ended
REGISTERING = 1  # the accounts try to register
REGISTERED = 2  # with one server at least
LISTENING = 3  # for the bootstrap server, which may begin
WAITING = 4  # until the next attempt
CONNECTING = 5  # the link to the bootstrap server is being opened
REQUESTING = 6
PROVISIONING = 7  # until Finish

STATES = (
    "idle",
    "registering",
    "registered",
    "listening",
    "waiting",
    "connecting",
    "requesting",
    "provisioning",
)

TRANSITIONS = {
    IDLE: (REGISTERING, LISTENING, WAITING, CONNECTING),
    REGISTERING: (REGISTERED, REGISTERING, LISTENING, WAITING, CONNECTING, IDLE),
    REGISTERED: (LISTENING, WAITING, CONNECTING, IDLE),
    LISTENING: (CONNECTING, REQUESTING, PROVISIONING, IDLE),
    WAITING: (CONNECTING, IDLE),
    CONNECTING: (REQUESTING, WAITING, LISTENING, REGISTERING, REGISTERED, IDLE),
    REQUESTING: (PROVISIONING, WAITING, LISTENING, REGISTERING, REGISTERED, IDLE),
    PROVISIONING: (PROVISIONING, WAITING, LISTENING, REGISTERING, REGISTERED, IDLE),
}

TRIES = 3  # SDK
RETRY_MIN_MS = 10000  # SDK: 0, 10, 20 s
RETRY_MAX_MS = 120000

# The link to the bootstrap server.
_CLOSED = 0
_OPENING = 1
_OPEN = 2

# What is known of the accounts.
_TRYING = 0
_UP = 1
_DOWN = 2


class Bootstrap:
    """The bootstrap of one device. ``mode``: BOOTSTRAP_*. ``clock.ms`` is the present time.

    ``owner`` has: ``endpoint_name``; ``has_accounts()``, ``has_bootstrap()``, ``hold_off_ms()``; ``register()`` (make
    the accounts that the model names, and begin), ``unregister()`` (drop them, at once); ``open_link()``,
    ``close_link()``, ``send(message, on_done)`` (to the bootstrap server); ``announce()`` (a bootstrap by the server
    is waited for); ``begin()`` (what the server writes from now on is staged), ``drop()`` (what is staged is void),
    ``commit()`` (what is staged are the accounts now; those that worked last are kept aside), ``proven()`` (these need
    not be kept any more), ``roll_back()`` (they are the accounts again; False: there are none); ``failed(reason)``
    (one attempt), ``bootstrapped()``.
    """

    def __init__(
        self,
        owner,
        clock,
        random,
        mode: int,
        tries: int = TRIES,
        retry_min_ms: int = RETRY_MIN_MS,
        retry_max_ms: int = RETRY_MAX_MS,
    ):
        self.state = IDLE
        self._owner = owner
        self._clock = clock
        self._random = random
        self._mode = mode
        self._max_tries = tries
        self._retry_min_ms = retry_min_ms
        self._retry_max_ms = retry_max_ms
        self._tries = 0  # attempts that failed since the accounts had their chance
        self._failures = 0  # and since one of both worked
        self._due: "int | None" = None
        self._attempt = 0  # an answer to an earlier request is not one to this
        self._link = _CLOSED
        self._unproven = False  # the accounts are new: no server has taken the device yet
        self._accounts = _TRYING
        self._kept = False  # the accounts go on while the device bootstraps

    @property
    def accepting(self) -> bool:
        """Whether requests of the bootstrap server count now."""
        return self._link == _OPEN and self.state in (LISTENING, REQUESTING, PROVISIONING)

    @property
    def under_way(self) -> bool:
        """Whether the bootstrap server's account is in use: until then it must not be purged."""
        return self.state >= LISTENING

    # -- what the owner asks, and tells

    def start(self, unproven: bool = False) -> None:
        """Begin; ``unproven``: the accounts come of a bootstrap after which no server has taken the device yet."""
        self._unproven = unproven
        owner = self._owner
        if owner.has_accounts():
            self._register()
        elif self._mode != BOOTSTRAP_FACTORY and owner.has_bootstrap():
            self._seek(0)
        else:
            self._register()
            owner.failed("there is no server to register with, and none to ask")

    def stop(self) -> None:
        """End: a bootstrap that is under way is void. The accounts are the owner's to stop."""
        if self.state != IDLE:
            self._enter(IDLE)
            self._kept = False
            self._hang_up()

    def link_opened(self) -> None:
        """The link to the bootstrap server is open (and secured)."""
        if self._link == _OPENING:
            self._link = _OPEN
            self._owner.begin()
            if self.state == CONNECTING:
                self._request()

    def link_failed(self, reason: str) -> None:
        """The link to the bootstrap server could not be opened, or broke."""
        if self._link == _CLOSED:
            return
        if self.state == LISTENING:
            self._hang_up()  # the attempt of our own will show whether it comes back
        else:
            self._failed(reason)

    def operation(self) -> None:
        """The bootstrap server did something; it has EXCHANGE_LIFETIME for the next (5.2.3)."""
        if self.accepting:
            self._provision()

    def finished(self) -> None:
        """The bootstrap server is done, what it wrote is consistent, and it has its answer."""
        if self.state != PROVISIONING:
            return
        owner = self._owner
        if self._kept:
            self._kept = False
            owner.unregister()
        owner.commit()
        self._link = _CLOSED
        owner.close_link()
        self._unproven = True
        self._failures = 0
        owner.bootstrapped()
        self._register()

    def registered(self) -> None:
        """A server has taken the device."""
        if self.state not in (REGISTERING, REGISTERED) and not self._kept:
            return
        self._accounts = _UP
        if self._unproven:
            self._unproven = False
            self._owner.proven()
        if self.state == REGISTERING:
            self._failures = 0
            self._enter(REGISTERED)

    def all_failed(self) -> None:
        """No server has the device registered, and each failed as often as it may."""
        if self.state in (REGISTERING, REGISTERED):
            self._all_failed()
        elif self._kept:
            self._accounts = _DOWN

    def trigger(self) -> None:
        """A bootstrap is wanted, now: by a server, or by the host."""
        if self.state == IDLE or self.state >= CONNECTING:
            return
        if not self._owner.has_bootstrap():
            self._owner.failed("there is no bootstrap server to ask")
            return
        if self.state in (REGISTERING, REGISTERED):
            self._kept = True
            self._tries = 0
        self._ask()

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._due

    def handle_timer(self) -> None:
        """Go on where it is time."""
        if self._due is None or self._due > self._clock.ms:
            return
        self._due = None
        if self.state == PROVISIONING:
            self._failed("the bootstrap server does not finish")
        elif self.state in (LISTENING, WAITING):
            self._ask()

    # -- the machine

    def _enter(self, state: int) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError("bootstrap: %s -> %s" % (STATES[self.state], STATES[state]))
        self.state = state
        self._attempt += 1
        self._due = None

    def _register(self) -> None:
        self._enter(REGISTERING)
        self._accounts = _TRYING
        self._tries = 0
        self._owner.register()

    def _all_failed(self) -> None:
        owner = self._owner
        if self._unproven and owner.roll_back():
            self._unproven = False
            owner.unregister()
            owner.failed("no server takes the device with the new accounts: the last that worked are back")
            self._register()
        elif self._mode != BOOTSTRAP_FACTORY and owner.has_bootstrap():
            owner.unregister()
            self._seek(0)
        # Else there is nobody to ask: the accounts go on trying.

    def _seek(self, delay_ms: int) -> None:
        """No account works: a bootstrap follows after the hold-off time, or after the delay where that is longer."""
        delay_ms = max(delay_ms, self._owner.hold_off_ms())
        if delay_ms == 0:
            self._ask()
        elif self._mode == BOOTSTRAP_SEQUENCE:
            self._enter(LISTENING)
            self._due = self._clock.ms + delay_ms
            self._owner.announce()
            self._open()
        else:
            self._wait(delay_ms)

    def _wait(self, delay_ms: int) -> None:
        self._enter(WAITING)
        self._due = self._clock.ms + delay_ms

    def _open(self) -> None:
        self._link = _OPENING
        self._owner.open_link()

    def _hang_up(self) -> None:
        if self._link != _CLOSED:
            self._link = _CLOSED
            self._owner.drop()
            self._owner.close_link()

    def _ask(self) -> None:
        """A bootstrap that the device begins itself."""
        if self._link == _OPEN:
            self._request()
            return
        self._enter(CONNECTING)
        if self._link == _CLOSED:
            self._open()

    def _request(self) -> None:
        self._enter(REQUESTING)
        # 1.0 knows no more than the name; pct came with 1.1.
        query = "ep=" + self._owner.endpoint_name
        message = Message(POST, [(URI_PATH, b"bs"), (URI_QUERY, query.encode())])
        attempt = self._attempt

        def answered(outcome: int, response: "Message | None") -> None:
            # Who cancels has a plan of his own.
            if attempt == self._attempt and outcome != CANCELLED:
                self._answered(outcome, response)

        self._owner.send(message, answered)

    def _answered(self, outcome: int, response: "Message | None") -> None:
        if outcome != DONE or response is None:
            self._failed("Bootstrap-Request: " + OUTCOMES[outcome])
        elif response.code != CHANGED:
            self._failed("Bootstrap-Request: " + dotted(response.code))
        else:
            self._provision()

    def _provision(self) -> None:
        self._enter(PROVISIONING)
        self._due = self._clock.ms + EXCHANGE_LIFETIME_MS

    def _failed(self, reason: str) -> None:
        """One attempt failed: the next one comes after the back-off, unless it is the accounts' turn."""
        self._hang_up()
        self._tries += 1
        self._failures += 1
        delay_ms = self._retry_max_ms
        if self._failures < 20:
            delay_ms = min(delay_ms, self._retry_min_ms << (self._failures - 1))
        # Up to half as long again: devices that lost one server together do not come back together.
        delay_ms += delay_ms * int.from_bytes(self._random(2), "big") // 131072
        self._owner.failed(reason)
        if self._tries < self._max_tries:
            self._wait(delay_ms)
        elif self._kept:
            self._kept = False
            self._failures = 0
            self._enter(REGISTERED if self._accounts == _UP else REGISTERING)
            if self._accounts == _DOWN:
                self._all_failed()
        elif self._owner.has_accounts():
            self._register()
        else:
            self._tries = 0
            self._seek(delay_ms)
