"""Leshan's library as an LwM2M server, in a program of ours (see LeshanServer.java).

Facts about its release, 2.0.0-M15, beside what the program adds:

- It cancels an observation either way: passively as the demo does, or by a request.
- It does not send attributes that contradict one another.
- It does not queue requests for a device in queue mode, it tells of its waking: the program queues (`ask_when_awake`).
- It reads and writes the legacy numbers of TLV and JSON when told to, and OPAQUE.
"""

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.interop.leshan import QUEUED, TIMEOUT_S, Answer, Leshan
from tests.interop.program import Program
from tests.sources import ROOT

DEFINITIONS = ROOT / "tests" / "data" / "oma"


class Library(Leshan):
    """The server."""

    def __init__(self, jars: str, directory: Path):
        super().__init__(jars, directory)
        self._program = Program("LeshanServer", jars, directory, self._hear)

    def start(self) -> None:
        self._program.start(self.coap, self.coaps, DEFINITIONS)

    def stop(self) -> None:
        self._program.stop()

    def add_psk(self, endpoint: str, identity: str, key: bytes) -> None:
        self._program.add_psk(endpoint, identity, key)

    def set_awake_time(self, endpoint: str, seconds: float) -> None:
        """How long after its last message the device is taken for awake, from that message on; by default 93 s."""
        self._program.order(do="awake", endpoint=endpoint, ms=int(seconds * 1000))

    def registration(self, endpoint: str) -> "dict[str, Any] | None":
        found = self._program.order(do="registration", endpoint=endpoint)
        return found if "lifetime" in found else None

    def ask(self, endpoint: str, operation: str, path: str, **details: Any) -> "dict[str, Any]":
        return self._begin(endpoint, operation, path, details)(TIMEOUT_S + 5)

    def ask_when_awake(self, endpoint: str, operation: str, path: str, **details: Any) -> "Callable[[], Answer]":
        """As `ask`, of a device that sleeps now: it waits in the server. Returns what waits for the answer."""
        answer = self._begin(endpoint, operation, path, {"timeout": TIMEOUT_S, "queue": True, **details})
        self.next(endpoint, QUEUED, lambda event: event["order"]["path"] == path, TIMEOUT_S)
        return lambda: Answer(answer(TIMEOUT_S + 5))

    def _begin(
        self, endpoint: str, operation: str, path: str, details: "dict[str, Any]"
    ) -> "Callable[[float], dict[str, Any]]":
        if "attributes" in details:
            pairs = details["attributes"].items()
            text = "&".join(key if value is None else f"{key}={value}" for key, value in pairs)
            details = {**details, "attributes": text}
        return self._program.begin(do=operation, endpoint=endpoint, path=path, **details)

    def _hear(self, line: "dict[str, Any]") -> None:
        self.heard(line["endpoint"], line["event"], line)


ONLY_M15 = pytest.mark.parametrize("leshan", [Library], ids=["M15"], indirect=True)  # for what the demo cannot do
