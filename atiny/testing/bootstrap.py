"""A LwM2M 1.0 bootstrap server inside the virtual network (OMA LwM2M 1.0, 5.2), for the tests of devices.

It says what its script says (`bootstrap_script`), as wrong as a test wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .bootstrap_script import Operation, account, delete, discover, finish, write
from .coap_server import CoapServer
from .datagrams import Address
from .network import Network, Timer
from .peer import Message, code_number
from .requests import PendingRequest

__all__ = [
    "BootstrapRun",
    "Operation",
    "Target",
    "VirtualBootstrapServer",
    "account",
    "delete",
    "discover",
    "finish",
    "write",
]

POST, CHANGED, BAD_REQUEST, NOT_FOUND, NOT_ALLOWED = 2, 68, 128, 132, 133


@dataclass(frozen=True)
class Target:
    """A device as the bootstrap server knows it."""

    endpoint: str
    address: Address


class BootstrapRun:
    """One bootstrap of one device. ``steps``: its requests, in their order; ``requested_ms``: when it began.

    ``done``: whether it is over. ``ok``: whether all steps were answered 2.xx, Finish being the last.
    """

    def __init__(self, target: Target, script: Sequence[Operation], now_ms: int):
        self.target = target
        self.endpoint = target.endpoint
        self.requested_ms = now_ms
        self.steps: list[PendingRequest] = []
        self.done = False
        self.waiting = list(script)
        self.timer = Timer(None)

    @property
    def codes(self) -> list[str | None]:
        """The codes of the answers, such as "2.04"; None where there is none."""
        return [step.code for step in self.steps]

    @property
    def ok(self) -> bool:
        """Whether it was finished, and every answer good."""
        fine = all(code is not None and code.startswith("2.") for code in self.codes)
        return (
            self.done and fine and bool(self.steps) and (self.steps[-1].method, self.steps[-1].path) == ("POST", "/bs")
        )

    def __repr__(self) -> str:
        return f"<bootstrap of {self.endpoint}: {' '.join(map(repr, self.steps)) or 'nothing yet'}>"


class VirtualBootstrapServer(CoapServer):
    """A bootstrap server at ``host`` and ``port`` of a `Network`; CoAP over UDP::

        server = VirtualBootstrapServer(network, script=[delete("/0"), *account("coap://server"), finish()])

    ``script``: the operations for each device that asks, or a function of the endpoint name that returns them (None:
    4.00). A step waits for the answer of the one before; one that is not 2.xx ends the run, unless ``stubborn``.
    The other arguments are `VirtualServer`'s.

    ``runs``: the bootstraps, `BootstrapRun`. ``requests``: (virtual time, endpoint) of each Bootstrap-Request, the
    refused ones included. ``silent``, ``separate_ms``: as of `VirtualServer`; `reject` refuses requests.
    """

    def __init__(
        self,
        network: Network,
        host: str = "bootstrap",
        port: int = 5683,
        *,
        script: Sequence[Operation] | Callable[[str], Sequence[Operation] | None] = (),
        stubborn: bool = False,
        seed: int | str = 0,
        ack_timeout_ms: int = 2000,
        max_retransmit: int = 4,
        block_size: int = 1024,
    ):
        super().__init__(network, host, port, seed, ack_timeout_ms, max_retransmit, block_size)
        self.script = script
        self.stubborn = stubborn
        self.runs: list[BootstrapRun] = []
        self.requests: list[tuple[int, str]] = []
        self._rejections: list[int] = []
        self._rejecting: int | None = None
        self._targets: dict[str, Target] = {}

    # -- behaviour

    def reject(self, code: int | str, times: int | None = None) -> None:
        """Answer each Bootstrap-Request with ``code`` ("4.00"), ``times`` times (None: until `accept`)."""
        if times is None:
            self._rejecting = code_number(code)
        else:
            self._rejections += [code_number(code)] * times

    def accept(self) -> None:
        """End what `reject` began."""
        self._rejecting = None
        self._rejections = []

    def restart(self) -> None:
        """Forget everything but ``runs`` and ``requests``: what is on its way, addresses, message IDs."""
        for run in self.runs:
            self._end(run)
        self._targets.clear()
        super().restart()

    # -- what it saw

    def last(self, endpoint: str | None = None) -> BootstrapRun:
        """The latest run (of one endpoint, or of all); LookupError where there is none."""
        for run in reversed(self.runs):
            if endpoint in (None, run.endpoint):
                return run
        raise LookupError(f"no bootstrap of {endpoint or 'any device'}; those that asked: {self.requests or 'none'}")

    # -- what it does

    def start(
        self, endpoint: str, script: Sequence[Operation] | None = None, address: Address | None = None
    ) -> BootstrapRun:
        """Begin without being asked (server-initiated, 5.2.3.4), where the device last asked from, or at ``address``.

        ``script``: None: the server's. LookupError where the address is not known.
        """
        if address is None:
            if endpoint not in self._targets:
                raise LookupError(f"{endpoint!r} has not asked yet: give its address")
            address = self._targets[endpoint].address
        chosen = self._script_of(endpoint) if script is None else script
        return self._begin(Target(endpoint, address), chosen or ())

    def request(self, endpoint: str, operation: Operation) -> PendingRequest:
        """Send one operation, outside of any run; ``done`` once virtual time has passed."""
        if endpoint not in self._targets:
            raise LookupError(f"{endpoint!r} has not asked yet")
        return self._send(self._targets[endpoint], operation, None)

    # -- how

    def _script_of(self, endpoint: str) -> Sequence[Operation] | None:
        return self.script(endpoint) if callable(self.script) else self.script

    def _begin(self, target: Target, script: Sequence[Operation]) -> BootstrapRun:
        for former in self.runs:
            if former.endpoint == target.endpoint:
                self._end(former)
        run = BootstrapRun(target, script, self.network.clock.now_ms)
        self.runs.append(run)
        self._next(run)
        return run

    def _next(self, run: BootstrapRun) -> None:
        if not run.waiting:
            run.done = True
            return
        operation = run.waiting.pop(0)

        def due() -> None:
            run.steps.append(self._send(run.target, operation, lambda request: self._answered(run, request)))

        run.timer = self.network.call_at(self.network.clock.now_ms + operation.pause_ms, due)

    def _answered(self, run: BootstrapRun, request: PendingRequest) -> None:
        if run.done:
            return
        if not self.stubborn and (request.code is None or not request.code.startswith("2.")):
            run.done = True
            return
        self._next(run)

    def _end(self, run: BootstrapRun) -> None:
        if not run.done:
            run.done = True
            run.timer.cancel()
            for step in run.steps:
                if not step.done:
                    step.fail("the run ended")

    def _send(
        self, target: Target, operation: Operation, on_done: Callable[[PendingRequest], object] | None
    ) -> PendingRequest:
        return PendingRequest(
            self._peer, self._pending, target, operation.method, operation.path, operation.payload,
            operation.content_format, operation.accept, None, (), True, self._szx, on_done=on_done,
        )  # fmt: skip

    def _on_request(self, message: Message, address: Address) -> Message:
        path = "/" + "/".join(message.opt.uri_path)
        query = dict(part.partition("=")[::2] for part in message.opt.uri_query)
        endpoint = query.get("ep", "")
        if path != "/bs":
            return self._refuse(NOT_FOUND, f"{int(message.code)} on {path}")
        if message.code != POST:
            return self._refuse(NOT_ALLOWED, f"{int(message.code)} on /bs")
        if set(query) != {"ep"} or not endpoint or message.payload:
            return self._refuse(BAD_REQUEST, f"Bootstrap-Request with {list(message.opt.uri_query)}")
        self.requests.append((self.network.clock.now_ms, endpoint))
        rejected = self._rejections.pop(0) if self._rejections else self._rejecting
        if rejected is not None:
            return Message(code=rejected)
        script = self._script_of(endpoint)
        if script is None:
            return Message(code=BAD_REQUEST, payload=b"unknown endpoint client name")
        target = self._targets[endpoint] = Target(endpoint, address)
        # The first operation goes out after the answer to this.
        after_ms = self.network.clock.now_ms + (0 if self.separate_ms is None else self.separate_ms + 1)
        self.network.call_at(after_ms, lambda: self._targets.get(endpoint) is target and self._begin(target, script))
        return Message(code=CHANGED)

    def _refuse(self, code: int, why: str) -> Message:
        self._peer.protocol_errors.append(why)
        return Message(code=code, payload=why.encode())
