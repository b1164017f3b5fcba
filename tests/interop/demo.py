"""Leshan's demo server, driven by its REST interface and its stream of events.

Facts about its release, 2.0.0-M4:

- It answers 200 with the device's answer in JSON, 400 for what it does not even send, 504 for a time-out.
- Of an object that it has no model for it reads TLV, but writes guessed types.
- The registrations are in memory, the keys in a file: after a restart it knows no device, but every key. Its CoAP
  port opens before its web port does, so its events do not tell of who comes back first.
- It cancels an observation passively: the next notification is answered by a Reset.
- It has no octets: TLV makes them of hexadecimal text, and so does OPAQUE, which it writes to a single resource only
  (object 19's is a multiple one in its model).
"""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.interop import java
from tests.interop.leshan import TIMEOUT_S, Leshan
from tests.interop.program import START_TIMEOUT_S, Refused

MAIN = "org.eclipse.leshan.server.demo.LeshanServerDemo"

# Operations: the method, and what follows the path.
OPERATIONS = {
    "read": ("GET", ""),
    "discover": ("GET", "/discover"),
    "write": ("PUT", ""),
    "update": ("PUT", ""),
    "write_attributes": ("PUT", "/attributes"),
    "execute": ("POST", ""),
    "create": ("POST", ""),
    "delete": ("DELETE", ""),
    "observe": ("POST", "/observe"),
    "cancel": ("DELETE", "/observe"),
}


class Demo(Leshan):
    """The demo server."""

    def __init__(self, jars: str, directory: Path):
        super().__init__(jars, directory)
        self._log = directory / "leshan.log"
        self._http = java.free_port(socket.SOCK_STREAM)
        self._process: Any = None

    def start(self) -> None:
        ports = ["-lp", str(self.coap), "-slp", str(self.coaps), "-wp", str(self._http)]
        hosts = ["-lh", "127.0.0.1", "-slh", "127.0.0.1", "-wh", "127.0.0.1"]
        self._process = java.start(self._jars, [java.LOGGING, MAIN, *ports, *hosts], self._directory, self._log)
        stream = self._stream()
        threading.Thread(target=self._listen, args=(stream,), daemon=True, name="leshan-events").start()

    def stop(self) -> None:
        if self._process is not None:
            java.end(self._process)

    def add_psk(self, endpoint: str, identity: str, key: bytes) -> None:
        self._rest("PUT", "security/clients/", {"endpoint": endpoint, "psk": {"identity": identity, "key": key.hex()}})

    def registration(self, endpoint: str) -> "dict[str, Any] | None":
        try:
            found: "dict[str, Any]" = self._rest("GET", f"clients/{quote(endpoint)}")
            return found
        except Refused:
            return None

    def ask(self, endpoint: str, operation: str, path: str, **details: Any) -> "dict[str, Any]":
        method, end = OPERATIONS[operation]
        query = {key: details[key] for key in ("format", "timeout") if details.get(key) is not None}
        if operation == "update":
            query["replace"] = "false"
        elif operation == "write_attributes":
            # The release takes every parameter of this request for an attribute: none may be added.
            query = {key: "" if value is None else value for key, value in details["attributes"].items()}
        body = details.get("node", details.get("arguments"))
        answer: "dict[str, Any]" = self._rest(method, f"clients/{quote(endpoint)}{path}{end}", body, query)
        return answer

    def _rest(self, method: str, path: str, body: Any = None, query: "dict[str, Any] | None" = None) -> Any:
        """A request to the REST interface; ``body``: sent as JSON, or a str as it is."""
        url = f"http://127.0.0.1:{self._http}/api/{path}" + (f"?{urlencode(query)}" if query else "")
        data, kind = None, "application/json; charset=utf-8"
        if isinstance(body, str):
            data, kind = body.encode(), "text/plain; charset=utf-8"
        elif body is not None:
            data = json.dumps(body).encode()
        headers = {"Content-Type": kind} if data is not None else {}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S + 5) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(f"{error.code}: {error.read().decode()}")
        return json.loads(text) if text else None

    def _stream(self) -> Any:
        url, headers = f"http://127.0.0.1:{self._http}/api/event", {"Accept": "text/event-stream"}
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=START_TIMEOUT_S)
            except urllib.error.HTTPError as error:
                raise AssertionError(f"Leshan has no events: {error}")
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"Leshan did not start ({error}): {self._log.read_text()}")
                time.sleep(0.05)

    def _listen(self, stream: Any) -> None:
        """Take events until the server goes."""
        kind = ""
        try:
            for raw in stream:
                name, _, value = raw.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                    data = data.get("registration", data)  # of an update
                    self.heard(data.get("ep") or data["endpoint"], kind, data)
        except (OSError, ValueError, AttributeError):  # it was killed in the middle of an event
            return
        finally:
            stream.close()
