"""One of our own Java programs on Leshan's library: orders and events are lines of JSON (see Lines.java)."""

import base64
import itertools
import json
import threading
from pathlib import Path
from typing import Any, Callable

from tests.interop import java

START_TIMEOUT_S = 60
TIMEOUT_S = 20


class Refused(Exception):
    """Leshan did not pass the operation on, or had no answer."""


class Program:
    """The process. ``name``: of its class; ``jars``: its class path; ``directory``: its own; ``hear``: is told of each
    event, a dict, by a thread."""

    def __init__(self, name: str, jars: str, directory: Path, hear: "Callable[[dict[str, Any]], None]"):
        self._name = name
        self._jars = jars
        self._directory = directory
        self._log = directory / f"{name}.log"
        self._hear = hear
        self._process: Any = None
        self._ids = itertools.count()
        self._answered = threading.Condition()
        self._answers: "dict[int, dict[str, Any]]" = {}
        self._ready = threading.Event()

    def start(self, *arguments: object) -> None:
        """Start, and wait until it serves."""
        self._ready.clear()
        line = [java.LOGGING, self._name, *map(str, arguments)]
        self._process = java.start(self._jars, line, self._directory, self._log, pipes=True)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True, name=self._name).start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise AssertionError(f"{self._name} did not start: {self._log.read_text()}")

    def stop(self) -> None:
        """End it, as a power cut does."""
        if self._process is not None:
            java.end(self._process)

    def begin(self, **order: Any) -> "Callable[[float], dict[str, Any]]":
        """Give an order. Returns what waits for its answer, for so many seconds; that raises `Refused`."""
        id = next(self._ids)
        self._process.stdin.write(json.dumps({"id": id, **order}).encode() + b"\n")
        self._process.stdin.flush()

        def answer(timeout_s: float = TIMEOUT_S) -> "dict[str, Any]":
            with self._answered:
                assert self._answered.wait_for(lambda: id in self._answers, timeout_s), f"no answer to {order}"
                line = self._answers.pop(id)
            if line["event"] == "refused":
                raise Refused(line["detail"])
            return line

        return answer

    def order(self, **order: Any) -> "dict[str, Any]":
        """Give an order and wait for its answer. Raises `Refused`."""
        return self.begin(**order)(TIMEOUT_S)

    def add_psk(self, endpoint: str, identity: str, key: bytes) -> None:
        """Let the device in with a pre-shared key."""
        self.order(do="psk", endpoint=endpoint, identity=identity, key=octets(key))

    def _listen(self, process: Any) -> None:
        try:
            for raw in process.stdout:
                line = json.loads(raw)
                if "id" in line:
                    with self._answered:
                        self._answers[line["id"]] = line
                        self._answered.notify_all()
                elif line["event"] == "ready":
                    self._ready.set()
                else:
                    self._hear(line)
        except ValueError:
            if process.poll() is None:  # else it was killed in the middle of a line
                raise


def octets(value: bytes) -> str:
    """Octets in an order."""
    return base64.b64encode(value).decode()
