"""Leshan's bootstrap server as a process on loopback, driven by lines of JSON (see BootstrapServer.java)."""

import threading
from pathlib import Path
from typing import Any

from tests.interop import java
from tests.interop.program import TIMEOUT_S, Program, octets

SHORT_SERVER_ID = 123


def security(uri: str, psk: "tuple[str, bytes] | None" = None, **more: Any) -> "dict[str, Any]":
    """A Security instance in Leshan's configuration: of an LwM2M server unless ``bootstrapServer`` is given."""
    keys = {"securityMode": "NO_SEC"}
    if psk is not None:
        keys = {"securityMode": "PSK", "publicKeyOrId": octets(psk[0].encode()), "secretKey": octets(psk[1])}
    return {"uri": uri, "serverId": SHORT_SERVER_ID, **keys, **more}


def server(**more: Any) -> "dict[str, Any]":
    """A Server instance in Leshan's configuration."""
    return {"shortId": SHORT_SERVER_ID, "lifetime": 300, "binding": ["U"], **more}


class BootstrapServer(java.Loopback):
    """The server. ``jars``: its class path; ``directory``: its own, empty one."""

    def __init__(self, jars: str, directory: Path):
        super().__init__()
        self._program = Program("BootstrapServer", jars, directory, self._hear)
        self._told = threading.Condition()
        self._events: "list[dict[str, Any]]" = []

    def start(self) -> None:
        """Start, and wait until it serves."""
        self._program.start(self.coap, self.coaps)

    def stop(self) -> None:
        self._program.stop()

    def configure(self, endpoint: str, **configuration: Any) -> None:
        """What the device is given: Leshan's BootstrapConfig, as ``security={1: security(...)}``,
        ``servers={0: server(...)}``, ``toDelete=["/1"]``."""
        self._program.order(do="configure", endpoint=endpoint, config=configuration)

    def add_psk(self, endpoint: str, identity: str, key: bytes) -> None:
        """Let the device in with a pre-shared key."""
        self._program.add_psk(endpoint, identity, key)

    def wait_ended(self, endpoint: str, how: str = "finished", count: int = 1) -> "list[tuple[str, str]]":
        """Wait for the end of the device's bootstrap number ``count``, "finished" or "failed".

        Returns all requests and what the device answered: ("Write /0/1", "CHANGED(204)").
        """

        def ends() -> "list[str]":
            return [line["event"] for line in self.told(endpoint) if line["event"] in ("finished", "failed")]

        with self._told:
            assert self._told.wait_for(lambda: len(ends()) >= count, TIMEOUT_S), f"only {self.told(endpoint)}"
        assert ends()[-1] == how, self.told(endpoint)
        return [(line["request"], line["code"]) for line in self.told(endpoint) if line["event"] == "answered"]

    def wait_told(self, endpoint: str, event: str) -> None:
        """Wait until it told ``event`` of the device."""
        with self._told:
            found = self._told.wait_for(lambda: event in [line["event"] for line in self.told(endpoint)], TIMEOUT_S)
        assert found, f"no {event}, only {self.told(endpoint)}"

    def told(self, endpoint: str) -> "list[dict[str, Any]]":
        """All that it told of the device."""
        return [line for line in self._events if line["endpoint"] == endpoint]

    def _hear(self, line: "dict[str, Any]") -> None:
        with self._told:
            self._events.append(line)
            self._told.notify_all()
