"""When the link to one server sleeps, and what comes first when it wakes (queue mode: LwM2M 1.0, 8.3). Sans-I/O.

A device whose binding has a Q listens for a time after the last message; then it sleeps, its session as it is, until
there is something to tell. The server keeps its requests meanwhile, until an Update says that the device is awake. So
on waking the Update goes first, and what else is due follows once it is answered. The same holds where the host has
had no network for a time.
"""

from .connection import ASLEEP, OFFLINE, ONLINE, WAKING

STATES = ("online", "asleep", "waking", "offline")

TRANSITIONS = {
    ONLINE: (ASLEEP, OFFLINE),
    ASLEEP: (WAKING, ONLINE, OFFLINE),
    WAKING: (ONLINE, OFFLINE),
    OFFLINE: (WAKING, ONLINE),
}


class QueueMode:
    """Whether one server can be told.

    ``owner`` is the account, with ``agent``, ``registration``, and ``quiet_since()``, the time of the last message, or
    None while something is open or there is no registration; ``asleep`` is set there. Its ``observations.unsent`` hears
    that the server can be told from now on, or cannot. ``enabled``: whether the binding has a Q; to be set.
    """

    def __init__(self, owner):
        self.state = ONLINE
        self.enabled = False
        self._owner = owner
        self._agent = owner.agent

    def deadline(self) -> "int | None":
        """When the link falls asleep if nothing happens, or None."""
        if self.state != ONLINE or not self.enabled:
            return None
        quiet_since = self._owner.quiet_since()
        return None if quiet_since is None else quiet_since + self._agent.settings.awake_ms

    def handle_timer(self) -> None:
        """Fall asleep, where it is time."""
        due = self.deadline()
        if due is not None and due <= self._agent.clock.ms:
            self._enter(ASLEEP)
            self._rest(True)

    def awake(self) -> bool:
        """Whether the server can be told now; something is due, so that a link that sleeps is woken."""
        if self.state == ASLEEP:
            self._wake()
        return self.state == ONLINE

    def ready(self) -> None:
        """The server knows that the device is there: an Update was answered, or a new registration."""
        if self.state == WAKING:
            self._enter(ONLINE)
            self._owner.observations.unsent.go_online()

    def reset(self) -> None:
        """The link is made anew, or closed: nothing of it sleeps, and there is nothing to tell on it yet."""
        if self.state in (ASLEEP, WAKING):
            self._enter(ONLINE)

    def leave(self) -> None:
        """The link is needed once more, for the farewell."""
        if self.state == ASLEEP:
            self._agent.wake_link(self._owner)
            self._enter(ONLINE)

    def go_offline(self, registered: bool) -> bool:
        """The host has no network from now on; returns whether that is news. ``registered``: there is a live link."""
        if self.state == OFFLINE:
            return False
        before = self.state
        self._enter(OFFLINE)
        self._rest(registered and before != ASLEEP)
        return True

    def go_online(self, registered: bool) -> bool:
        """The host has a network again; returns whether that is news."""
        if self.state != OFFLINE:
            return False
        if registered:
            self._wake()
        else:
            self._enter(ONLINE)
            self._owner.observations.unsent.go_online()
        return True

    def _rest(self, listened: bool) -> None:
        self._owner.observations.unsent.go_offline()
        if listened:
            self._owner.asleep = True
            self._agent.sleep_link(self._owner)

    def _wake(self) -> None:
        self._enter(WAKING)
        self._agent.wake_link(self._owner)
        self._owner.registration.update()

    def _enter(self, state: int) -> None:
        assert state in TRANSITIONS[self.state], "queue mode: %s -> %s" % (STATES[self.state], STATES[state])
        self.state = state
