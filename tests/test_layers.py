"""The layers of the architecture, held by reading the sources: who may import whom, and what."""

import ast
import subprocess
import sys
from typing import Iterator, NamedTuple

import pytest

from tests.sources import HOST_ONLY, PACKAGE, is_host_only, module_of, package_files

# What each layer may import of the package besides itself. A file's layer is its folder, or its own name.
BASE = {"errors", "compat"}
WORDS = BASE | {"params", "commands"}
LINKS = BASE | {"adapter", "dtls", "at"}
ALLOWED: "dict[str, set[str]]" = {
    "errors": set(),
    "compat": set(),
    "params": BASE,
    "open_params": BASE | {"params"},
    "commands": BASE,
    "coap": BASE,
    "lwm2m": WORDS | {"coap"},
    "fota": WORDS | {"coap", "lwm2m"},
    "adapter": BASE,
    "dtls": BASE,
    "at": BASE | {"adapter"},
    "settings": BASE | {"coap", "lwm2m"},
    "agent": WORDS | {"coap", "lwm2m", "fota", "dtls", "settings"},
    "threads": BASE | {"adapter"},
    "trace": WORDS | {"adapter", "coap"},
    "loop": WORDS | LINKS | {"coap", "lwm2m", "fota", "agent", "threads", "trace"},
    "pending": WORDS | {"lwm2m", "loop"},
    "upgrade": WORDS | LINKS | {"lwm2m", "fota", "agent"},
    "factory": WORDS | {"lwm2m", "dtls"},
    "client": WORDS | LINKS | {"coap", "lwm2m", "fota", "agent", "loop", "factory", "pending", "trace", "upgrade"},
    "aio": WORDS | LINKS | {"coap", "lwm2m", "fota", "agent", "loop", "client"},
    "open_api": WORDS | LINKS | {"open_params", "coap", "lwm2m", "fota", "agent", "loop", "client"},
}
EVERYTHING = set(ALLOWED) | {"__init__"}
ALLOWED["__init__"] = set(ALLOWED)
# Host-only code may import whatever lies above the line. Below it: the cloud needs no fakes and the fakes no cloud.
ALLOWED["testing"] = ALLOWED["cloud"] = ALLOWED["slim"] = EVERYTHING
ALLOWED["cli"] = EVERYTHING | {"testing", "cloud", "slim"}

# The outside world: sockets, clocks, files, serial lines, TLS, threads, event loops.
OUTSIDE = {
    "socket", "time", "os", "serial", "mbedtls", "tls", "machine", "_thread",
    "_socket", "select", "selectors", "threading", "ssl", "network", "utime", "usocket",
    "subprocess", "signal", "pathlib",
}  # fmt: skip
MAY_TOUCH_OUTSIDE = {"adapter", "dtls", "at", *HOST_ONLY}
MAY_USE_ASYNCIO = {"aio", *HOST_ONLY}
MAX_LINES = 400
LAZY = ("aiocoap", "aiohttp", "mbedtls", "cbor2", "cryptography", "serial", "urllib3", "asyncio")


class Import(NamedTuple):
    line: int
    module: str


def layer_of(name: str) -> str:
    """``coap/codes.py`` -> ``coap``; ``client.py`` -> ``client``."""
    return name.split("/")[0].removesuffix(".py")


def imports(name: str, source: str) -> "Iterator[Import]":
    """Every import of a package file with its absolute module name; ``from . import x`` counts as ``.x``."""
    package = module_of(name).split(".")
    if not name.endswith("__init__.py"):
        package.pop()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            if full == "atiny":
                for alias in node.names:
                    yield Import(node.lineno, f"atiny.{alias.name}")
            else:
                yield Import(node.lineno, full)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            if node.args and isinstance(node.args[0], ast.Constant):
                yield Import(node.lineno, str(node.args[0].value))


def violations(name: str, source: str) -> "list[str]":
    """What breaks the layers in one file of the package, as ``file:line: why``."""
    layer = layer_of(name)
    if layer not in ALLOWED:
        return [f"{name}:1: no layer is called {layer}"]
    found = []
    for line, module in imports(name, source):
        parts = module.split(".")
        if parts[0] == "atiny":
            target = parts[1] if len(parts) > 1 else "__init__"
            if target not in ALLOWED:  # a public name: ``from atiny import Client``
                target = "__init__"
            if target != layer and target not in ALLOWED[layer]:
                found.append(f"{name}:{line}: {layer} must not know {target}")
        elif parts[0] in OUTSIDE and layer not in MAY_TOUCH_OUTSIDE:
            found.append(f"{name}:{line}: {layer} must not touch {parts[0]}")
        elif parts[0] == "asyncio" and layer not in MAY_USE_ASYNCIO:
            found.append(f"{name}:{line}: {layer} must not touch asyncio")
    lines = source.count("\n")
    if lines > MAX_LINES:
        found.append(f"{name}:{lines}: longer than {MAX_LINES} lines")
    return found


@pytest.mark.parametrize("name", package_files())
def test_keeps_the_layers(name: str) -> None:
    assert violations(name, (PACKAGE / name).read_text()) == []


def test_the_checker_sees_the_package() -> None:
    layers = {layer_of(name) for name in package_files()}
    assert {"errors", "params", "commands", "coap", "lwm2m", "adapter"} <= layers
    assert not is_host_only("client.py")
    assert is_host_only("testing/fakes.py")


def test_no_layer_may_import_one_that_may_import_it() -> None:
    """The table itself has no cycle, so "below" means something."""
    above_line = {layer: known - {layer} for layer, known in ALLOWED.items() if layer not in HOST_ONLY}
    placed: "set[str]" = set()
    while placed != set(above_line):
        ready = {layer for layer in set(above_line) - placed if above_line[layer] <= placed}
        assert ready, f"a cycle among {set(above_line) - placed}"
        placed |= ready


BAD = [
    ("coap/exchange.py", "from ..lwm2m import path", "coap must not know lwm2m"),
    ("coap/exchange.py", "from atiny.lwm2m.path import parse", "coap must not know lwm2m"),
    ("coap/exchange.py", "def f():\n    import atiny.client", "coap must not know client"),
    ("coap/exchange.py", "from .. import client", "coap must not know client"),
    ("coap/exchange.py", "from ..params import ReportStatus", "coap must not know params"),
    ("coap/exchange.py", "from .. import Client", "coap must not know __init__"),
    ("coap/exchange.py", "import time", "coap must not touch time"),
    ("coap/exchange.py", "import os.path", "coap must not touch os"),
    ("coap/exchange.py", "from socket import AF_INET", "coap must not touch socket"),
    ("coap/exchange.py", "t = __import__('time')", "coap must not touch time"),
    ("coap/__init__.py", "from ..agent import Agent", "coap must not know agent"),
    ("lwm2m/objects/device.py", "from ...client import Client", "lwm2m must not know client"),
    ("lwm2m/objects/device.py", "from ...adapter.base import Hardware", "lwm2m must not know adapter"),
    ("lwm2m/report.py", "import _thread", "lwm2m must not touch _thread"),
    ("lwm2m/report.py", "try:\n    import threading\nexcept ImportError:\n    pass", "lwm2m must not touch threading"),
    ("dtls/session.py", "from ..adapter.base import Socket", "dtls must not know adapter"),
    ("dtls/session.py", "from ..coap import message", "dtls must not know coap"),
    ("adapter/posix.py", "from ..dtls import session", "adapter must not know dtls"),
    ("adapter/posix.py", "from ..lwm2m.types import NONE", "adapter must not know lwm2m"),
    ("at/bc95.py", "from ..dtls import session", "at must not know dtls"),
    ("at/bc95.py", "from ..client import Client", "at must not know client"),
    ("fota/machine.py", "from ..client import Client", "fota must not know client"),
    ("agent.py", "from .client import Client", "agent must not know client"),
    ("agent.py", "from .adapter.base import Platform", "agent must not know adapter"),
    ("agent.py", "import socket", "agent must not touch socket"),
    ("agent.py", "import asyncio", "agent must not touch asyncio"),
    ("client.py", "from .open_api import atiny_init", "client must not know open_api"),
    ("client.py", "from .testing import fakes", "client must not know testing"),
    ("client.py", "import time", "client must not touch time"),
    ("open_api.py", "from .cloud import server", "open_api must not know cloud"),
    ("__init__.py", "from .cli import main", "__init__ must not know cli"),
    ("__init__.py", "from atiny.slim import build", "__init__ must not know slim"),
    ("cloud/server.py", "from ..testing import fakes", "cloud must not know testing"),
    ("testing/fakes.py", "from ..cli import main", "testing must not know cli"),
    ("misc/helpers.py", "pass", "no layer is called misc"),
    ("agent.py", "\n" * 401, "longer than 400 lines"),
]


@pytest.mark.parametrize(("name", "source", "why"), BAD)
def test_the_checker_catches(name: str, source: str, why: str) -> None:
    found = violations(name, source)
    assert len(found) == 1
    assert found[0].startswith(f"{name}:")
    assert found[0].endswith(why)


GOOD = [
    ("coap/exchange.py", "from . import codes\nfrom .message import Message\nfrom ..errors import CodecError"),
    ("lwm2m/dispatch.py", "from ..coap import codes\nfrom .formats import tlv\nfrom ..params import ReportStatus"),
    ("lwm2m/formats/tlv.py", "import struct\nfrom ..types import NONE"),
    ("adapter/micropython.py", "import socket, time, select, _thread, os\nfrom .base import Socket"),
    ("at/framework.py", "import machine\nfrom ..adapter.base import Socket"),
    ("client.py", "from .agent import Agent\nfrom .adapter import base\nfrom . import errors"),
    ("aio.py", "import asyncio\nfrom .client import Client"),
    ("cloud/server.py", "import asyncio, time\nfrom ..lwm2m.formats import tlv"),
    ("cli.py", "from .cloud import server\nfrom . import Client"),
    ("agent.py", "\n" * 400),
]


@pytest.mark.parametrize(("name", "source"), GOOD)
def test_the_checker_lets_pass(name: str, source: str) -> None:
    assert violations(name, source) == []


def test_importing_the_package_loads_no_third_party_package() -> None:
    """No dependency, nor asyncio, which alone costs more than the rest of the start."""
    code = f"import sys, atiny; print([name for name in {LAZY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=PACKAGE.parent
    )
    assert result.stdout.strip() == "[]", result.stderr
