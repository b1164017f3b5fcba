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
from ..coap.exchange import CANCELLED, OUTCOMES
from ..coap.message import Message
from ..commands import ATINY_TRIGGER_SERVER_INITIATED_BS
from ..params import BOOTSTRAP_FACTORY, BOOTSTRAP_SEQUENCE
from .registration import back_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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

RETRY_MIN_MS = 10000  # SDK: 0, 10, 20 s
RETRY_MAX_MS = 120000

# The link to the bootstrap server.
CLOSED = 0
OPENING = 1
OPEN = 2


class Bootstrap:
    """The bootstrap of one device, as far as it is decisions. ``mode``: BOOTSTRAP_*.

    ``agent`` has ``clock``, ``random``, ``settings``, ``servers`` and ``registered``: whether one has the device.
    ``provision``: takes what the bootstrap server writes, see `Provision`. ``line``: the link to it; its requests count
    while that is OPEN. What is decided is carried out by a subclass, see `Bootstrapper`, which has ``provision``, and
    the methods that are only declared here.
    """

    if TYPE_CHECKING:
        provision: Any

        def has_accounts(self) -> bool:
            """Whether the device has a server to register with."""

        def has_previous(self) -> bool:
            """Whether the accounts come of a bootstrap after which no server has taken the device yet."""

        def bootstrap_server(self) -> Any:
            """The Security instance of the bootstrap server, or None."""

        def account_failed(self) -> None:
            """Call `all_failed` where no account is registered, and each failed as often as it may."""

        def open_link(self) -> None:
            """Open the link to the bootstrap server; ``line`` is OPENING."""

        def close_link(self) -> None:
            """Close it, where there is one; what is staged is void, and ``line`` is CLOSED."""

        def send(self, message: Message, on_done: Any) -> None: ...

        def commit(self) -> None:
            """What is staged are the accounts now, and the host hears of it; those that worked last are kept aside.

            The link may go, once the server surely has its answer.
            """

        def proven(self) -> None:
            """These need not be kept any more."""

        def roll_back(self) -> bool:
            """They are the accounts again; False: there are none."""

        def command(self, word: int) -> None:
            """A command for the host."""

        def tell_failed(self, reason: str) -> None:
            """One attempt failed, or the accounts that it gave."""

    def __init__(self, agent, mode: int):
        self.state = IDLE
        self._agent = agent
        self._clock = agent.clock
        self._servers = agent.servers
        self._mode = mode
        self._tries = 0  # attempts that failed since the accounts had their chance
        self._failures = 0  # and since one of both worked
        self._due: "int | None" = None
        self.line = CLOSED
        self._unproven = False  # the accounts are new: no server has taken the device yet
        self._kept = False  # the accounts go on while the device bootstraps

    # -- what the agent and the link tell

    def start(self) -> None:
        """Begin, with what the model says."""
        self._unproven = self.has_previous()
        if self.has_accounts():
            self._register()
        elif not self._seek(0):
            self._register()
            self.tell_failed("there is no server to register with, and none to ask")

    def stop(self) -> None:
        """End: a bootstrap that is under way is void. The accounts are the agent's to stop."""
        if self.state != IDLE:
            self._enter(IDLE)
            self._kept = False
            self.close_link()

    def link_opened(self) -> None:
        """The link to the bootstrap server is open (and secured)."""
        if self.line == OPENING:
            self.line = OPEN
            self.provision.begin()
            if self.state == CONNECTING:
                self._request()

    def link_failed(self, reason: str) -> None:
        """The link to the bootstrap server could not be opened, or broke."""
        if self.line == CLOSED:
            return
        if self.state == LISTENING:
            self.close_link()  # the attempt of our own will show whether it comes back
        else:
            self._failed(reason)

    def operation(self) -> None:
        """The bootstrap server did something; it has EXCHANGE_LIFETIME for the next (5.2.3)."""
        if self.line == OPEN:
            self._enter(PROVISIONING, EXCHANGE_LIFETIME_MS)

    def finished(self) -> None:
        """The bootstrap server is done, what it wrote is consistent, and it has its answer."""
        if self.state == PROVISIONING:
            self._kept = False
            self._servers.unregister()
            self.commit()
            self.line = CLOSED
            self._unproven = True
            self._failures = 0
            self._register()

    def registered(self) -> None:
        """A server has taken the device."""
        if self._kept or self.state in (REGISTERING, REGISTERED):
            if self._unproven:
                self._unproven = False
                self.proven()
            if self.state == REGISTERING:
                self._failures = 0
                self._enter(REGISTERED)

    def all_failed(self) -> None:
        """No server has the device registered, and each failed as often as it may."""
        if self.state not in (REGISTERING, REGISTERED):
            return
        if self._unproven and self.roll_back():
            self._unproven = False
            self._servers.unregister()
            self.tell_failed("no server takes the device with the new accounts: the last that worked are back")
            self._register()
        else:
            self._seek(0)

    def trigger(self) -> None:
        """A bootstrap is wanted, now: by a server, or by the host."""
        if self.state == IDLE or self.state >= CONNECTING:
            return
        if self.bootstrap_server() is None:
            self.tell_failed("there is no bootstrap server to ask")
            return
        if self.state <= REGISTERED:
            self._kept = True
            self._tries = 0
        self._ask()

    def handle_timer(self) -> None:
        """Go on where it is time."""
        if self._due is not None and self._due <= self._clock.ms:
            self._due = None
            if self.state == PROVISIONING:
                self._failed("the bootstrap server does not finish")
            else:
                self._ask()

    # -- the machine

    def _enter(self, state: int, ms: "int | None" = None) -> None:
        """Another state, for that long; None: time alone does not end it."""
        assert state in TRANSITIONS[self.state], "bootstrap: %s -> %s" % (STATES[self.state], STATES[state])
        self.state = state
        self._due = None if ms is None else self._clock.ms + ms

    def _register(self) -> None:
        self._enter(REGISTERING)
        self._tries = 0
        self._servers.register()

    def _seek(self, delay_ms: int) -> bool:
        """No account works: a bootstrap follows after the hold-off time, or after the delay where that is longer.

        False where there is nobody to ask: the accounts go on trying.
        """
        security = self.bootstrap_server()
        if security is None or self._mode == BOOTSTRAP_FACTORY:
            return False
        self._servers.unregister()
        delay_ms = max(delay_ms, (security.hold_off_s or 0) * 1000)
        if delay_ms == 0:
            self._ask()
        elif self._mode == BOOTSTRAP_SEQUENCE:
            self._enter(LISTENING, delay_ms)
            self.command(ATINY_TRIGGER_SERVER_INITIATED_BS)  # the host may want to have it begun
            self.open_link()
        else:
            self._enter(WAITING, delay_ms)
        return True

    def _ask(self) -> None:
        """A bootstrap that the device begins itself."""
        if self.line == OPEN:
            self._request()
            return
        self._enter(CONNECTING)
        if self.line == CLOSED:
            self.open_link()

    def _request(self) -> None:
        self._enter(REQUESTING)
        # 1.0 knows no more than the name; pct came with 1.1.
        query = "ep=" + self._agent.settings.endpoint_name
        self.send(Message(POST, [(URI_PATH, b"bs"), (URI_QUERY, query.encode())]), self._answered)

    def _answered(self, outcome: int, response: "Message | None") -> None:
        """The request has its end. An operation may have come before it; who cancels it has a plan of his own."""
        if self.state == REQUESTING and outcome != CANCELLED:
            if response is not None and response.code == CHANGED:
                self._enter(PROVISIONING, EXCHANGE_LIFETIME_MS)
            else:
                self._failed("Bootstrap-Request: " + (OUTCOMES[outcome] if response is None else dotted(response.code)))

    def _failed(self, reason: str) -> None:
        """One attempt failed: the next one comes after the back-off, unless it is the accounts' turn."""
        self.close_link()
        self._tries += 1
        self._failures += 1
        delay_ms = back_off(self._failures, RETRY_MIN_MS, RETRY_MAX_MS, self._agent.random)
        self.tell_failed(reason)
        if self._tries < self._agent.settings.tries:
            self._enter(WAITING, delay_ms)
        elif self._kept:
            self._kept = False
            self._failures = 0
            self._enter(REGISTERED if self._agent.registered else REGISTERING)
            self.account_failed()  # which they may have while nobody asked
        elif self.has_accounts():
            self._register()
        else:
            self._tries = 0
            self._seek(delay_ms)
