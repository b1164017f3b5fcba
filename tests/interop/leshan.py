"""Leshan as an LwM2M server: what the tests do with it, whichever release it is (see demo.py and library.py).

Nodes are the JSON of the demo's REST interface: {"id", "instances"}, {"id", "resources"}, {"id", "values"} of a
multiple resource, {"id", "value"}; octets are hexadecimal text, times are ISO 8601. Both releases know objects by OMA's
definitions only, so tests use registered ones (19, 3303, 3311, 16).
"""

import collections
import threading
from pathlib import Path
from typing import Any, Callable

from tests.interop import java

TIMEOUT_S = 10

# What happens to a device.
REGISTRATION, UPDATED, DEREGISTRATION = "REGISTRATION", "UPDATED", "DEREGISTRATION"
NOTIFICATION, ENDED, UNREADABLE = "NOTIFICATION", "ENDED", "UNREADABLE"  # ENDED, UNREADABLE: only M15 tells them
AWAKE, SLEEPING, QUEUED = "AWAKE", "SLEEPING", "QUEUED"  # QUEUED: only by M15


class Answer:
    """A device's answer. ``code``: "2.05"; ``content``: the JSON of what was read; ``links``; ``location``; ``format``:
    the number of its Content-Format, which only M15 tells."""

    def __init__(self, body: "dict[str, Any]"):
        digits = body["status"].rpartition("(")[2].rstrip(")")
        self.code = f"{digits[0]}.{digits[1:]}"
        self.content = body.get("content")
        self.links = links(body)
        self.location = body.get("location")
        self.format = body.get("format")

    @property
    def value(self) -> Any:
        """Of a single resource: its value; of a multiple one: {instance: value}; of an instance: {resource: value};
        of an object: {instance: {resource: value}}."""
        return plain(self.content)

    def __repr__(self) -> str:
        return f"<{self.code} {self.content or self.links or self.location or ''}>"


def links(body: "dict[str, Any]") -> "dict[str, dict[str, Any]]":
    """The object links in an answer or a registration: {path: attributes}."""
    return {link["url"]: link.get("attributes", {}) for link in body.get("objectLinks", [])}


def plain(node: "dict[str, Any]") -> Any:
    """The values in a node of Leshan's JSON."""
    if "instances" in node:
        return {instance["id"]: plain(instance) for instance in node["instances"]}
    if "resources" in node:
        return {resource["id"]: plain(resource) for resource in node["resources"]}
    if "values" in node:
        return {int(key): value for key, value in node["values"].items()}
    return node["value"]


def resource(id: int, value: Any) -> "dict[str, Any]":
    """A resource in Leshan's JSON; a dict is the value of a multiple one."""
    if isinstance(value, dict):
        return {"id": id, "values": {str(key): item for key, item in value.items()}}
    return {"id": id, "value": value}


def instance(id: "int | None", values: "dict[int, Any]") -> "dict[str, Any]":
    """An object instance in Leshan's JSON; None: the device chooses its id."""
    node: "dict[str, Any]" = {"resources": [resource(key, value) for key, value in values.items()]}
    return node if id is None else {"id": id, **node}


class Leshan(java.Loopback):
    """The server. ``jars``: its class path; ``directory``: its own, empty one."""

    def __init__(self, jars: str, directory: Path):
        super().__init__()
        self._jars = jars
        self._directory = directory
        self._told = threading.Condition()
        self._events: "dict[tuple[str, str], collections.deque[Any]]" = {}

    def start(self) -> None:
        """Start, and wait until it serves and its events are heard."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it, as a power cut does: no device hears of it."""
        raise NotImplementedError

    def restart(self) -> None:
        """A power cut; the same ports again, and the same keys."""
        self.stop()
        self.start()

    def add_psk(self, endpoint: str, identity: str, key: bytes) -> None:
        """Let the device in with a pre-shared key."""
        raise NotImplementedError

    def registration(self, endpoint: str) -> "dict[str, Any] | None":
        """What the server knows of the device, None where it is not registered."""
        raise NotImplementedError

    def ask(self, endpoint: str, operation: str, path: str, **details: Any) -> "dict[str, Any]":
        """Have the device do something (a method of `Remote`), and return its answer. Raises `Refused`."""
        raise NotImplementedError

    def device(self, endpoint: str) -> "Remote":
        return Remote(self, endpoint)

    def heard(self, endpoint: str, kind: str, data: "dict[str, Any]") -> None:
        """An event came."""
        with self._told:
            self._events.setdefault((endpoint, kind), collections.deque()).append(data)
            self._told.notify_all()

    def next(self, endpoint: str, kind: str, wanted: "Callable[[Any], bool]", timeout_s: float) -> Any:
        """Take the next event of a kind that is ``wanted``; earlier ones of that kind are dropped."""
        with self._told:
            queue = self._events.setdefault((endpoint, kind), collections.deque())
            seen = []

            def found() -> bool:
                while queue:
                    seen.append(queue.popleft())
                    if wanted(seen[-1]):
                        return True
                return False

            if not self._told.wait_for(found, timeout_s):
                others = {key[1]: list(value) for key, value in self._events.items() if key[0] == endpoint}
                raise AssertionError(f"{endpoint}: no {kind} within {timeout_s} s, only {seen or others}")
            return seen[-1]

    def count(self, endpoint: str, kind: str) -> int:
        """How many events of a kind nobody has taken."""
        with self._told:
            return len(self._events.get((endpoint, kind), ()))


class Remote:
    """One device, as the server has it. Paths are "/3303/0/5700"; formats are "TLV", or a number."""

    def __init__(self, leshan: Leshan, endpoint: str):
        self.leshan = leshan
        self.endpoint = endpoint

    def next(
        self, kind: str, wanted: "Callable[[Any], bool]" = lambda event: True, timeout_s: float = TIMEOUT_S
    ) -> Any:
        """The next event of a kind about this device; a registration's event is the registration."""
        return self.leshan.next(self.endpoint, kind, wanted, timeout_s)

    def notified(self, wanted: "Callable[[Any], bool]" = lambda value: True, timeout_s: float = TIMEOUT_S) -> Any:
        """The value in the next notification that is ``wanted``."""
        return plain(self.next(NOTIFICATION, lambda event: wanted(plain(event["val"])), timeout_s)["val"])

    @property
    def registration(self) -> "dict[str, Any] | None":
        """What the server knows of it, None where it is not registered."""
        return self.leshan.registration(self.endpoint)

    def read(self, path: str, format: "str | int | None" = None, timeout: int = TIMEOUT_S) -> Answer:
        return self._ask("read", path, format=format, timeout=timeout)

    def discover(self, path: str) -> Answer:
        return self._ask("discover", path)

    def write(self, path: str, node: Any, format: "str | int | None" = None) -> Answer:
        """Write a resource, or replace an instance."""
        return self._ask("write", path, node=node, format=format)

    def update(self, path: str, node: Any, format: "str | int | None" = None) -> Answer:
        """Write only what is given of an instance."""
        return self._ask("update", path, node=node, format=format)

    def write_attributes(self, path: str, **attributes: object) -> Answer:
        """Set attributes; None unsets one."""
        return self._ask("write_attributes", path, attributes=attributes)

    def execute(self, path: str, arguments: str = "") -> Answer:
        return self._ask("execute", path, arguments=arguments)

    def create(self, path: str, node: Any, format: "str | int | None" = None) -> Answer:
        return self._ask("create", path, node=node, format=format)

    def delete(self, path: str) -> Answer:
        return self._ask("delete", path)

    def observe(self, path: str, format: "str | int | None" = None) -> Answer:
        return self._ask("observe", path, format=format)

    def cancel(self, path: str) -> None:
        """Passively: the server forgets the observation, and answers the next notification by a Reset."""
        self.leshan.ask(self.endpoint, "cancel", path)

    def cancel_actively(self, path: str) -> Answer:
        """By a request with Observe 1; M15 only."""
        answer = self._ask("cancel_actively", path)
        self.cancel(path)  # Leshan leaves it to the application to forget the observation
        return answer

    def read_composite(self, path: str) -> Answer:
        """LwM2M 1.1's FETCH; M15 only."""
        return self._ask("read_composite", path)

    def _ask(self, operation: str, path: str, **details: Any) -> Answer:
        return Answer(self.leshan.ask(self.endpoint, operation, path, **{"timeout": TIMEOUT_S, **details}))
