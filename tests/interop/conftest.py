"""The servers, one of each for all tests here, and devices that register with them."""

import contextlib
import itertools
from typing import Any, Callable, Iterator

import pytest

from atiny import Client
from tests.interop import java
from tests.interop.bootstrap import BootstrapServer
from tests.interop.demo import Demo
from tests.interop.device import Events
from tests.interop.leshan import REGISTRATION, TIMEOUT_S, UNREADABLE, Leshan, Remote
from tests.interop.library import Library

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def running(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Callable[[type], Any]]":
    """Starts a server when it is first asked for."""
    cache = pytestconfig.cache.mkdir("interop")
    servers: "dict[type, Any]" = {}

    def get(kind: type) -> Any:
        if kind not in servers:
            if kind is Demo:
                jars = java.class_path("demo", cache)
            else:
                jars = java.compiled(java.class_path("library", cache), cache)
            server = kind(jars, tmp_path_factory.mktemp(kind.__name__.lower()))
            try:
                server.start()
            except BaseException:
                server.stop()
                raise
            servers[kind] = server
        return servers[kind]

    try:
        yield get
    finally:
        for server in servers.values():
            server.stop()


@pytest.fixture(scope="session", params=[Demo, Library], ids=["M4 demo, REST", "M15"])
def leshan(request: pytest.FixtureRequest, running: "Callable[[type], Any]") -> Leshan:
    """The LwM2M server."""
    server: Leshan = running(request.param)
    return server


@pytest.fixture(scope="session")
def bootstrap_server(running: "Callable[[type], Any]") -> BootstrapServer:
    """The bootstrap server."""
    server: BootstrapServer = running(BootstrapServer)
    return server


class Devices:
    """Makes devices, each with an endpoint name of its own; they are stopped when the test is over."""

    def __init__(self, leshan: Leshan, request: pytest.FixtureRequest, stack: contextlib.ExitStack):
        self._leshan = leshan
        self._request = request
        self._stack = stack
        self.endpoints: "list[str]" = []

    def name(self) -> str:
        """An endpoint name that no other device has."""
        return unique(self._request)

    def start(self, *arguments: Any, endpoint: "str | None" = None, **options: Any) -> "tuple[Client, Remote]":
        """A running client that is registered, and the server's view of it. Options are `Client`'s."""
        endpoint = endpoint or self.name()
        self.endpoints.append(endpoint)
        events = Events()
        if not arguments and "bootstrap" not in options:
            arguments = (self._leshan.url,)
        client = Client(endpoint, *arguments, on_event=events, **options)
        client.told = events
        self._stack.enter_context(client)
        remote = self._leshan.device(endpoint)
        remote.next(REGISTRATION)
        assert client.wait_registered(TIMEOUT_S)
        return client, remote


def unique(request: pytest.FixtureRequest) -> str:
    name: str = request.node.originalname
    return f"{name.removeprefix('test_').replace('_', '-')}-{next(NUMBERS)}"


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> str:
    """An endpoint name that no other device has."""
    return unique(request)


@pytest.fixture
def devices(leshan: Leshan, request: pytest.FixtureRequest) -> "Iterator[Devices]":
    """Makes devices for this test. None of them may send a notification that the server cannot read."""
    with contextlib.ExitStack() as stack:
        made = Devices(leshan, request, stack)
        yield made
    assert [endpoint for endpoint in made.endpoints if leshan.count(endpoint, UNREADABLE)] == []
