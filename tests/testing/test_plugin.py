"""The pytest plugin: its fixtures here, its seed in a run of its own, and what importing it costs."""

import os
import subprocess
import sys

import pytest

from atiny import ATINY_GET_MODEL_NUMBER, Client
from atiny.testing.bootstrap import account, finish
from tests.sources import ROOT


def test_a_client_on_the_fixtures(
    atiny_simulation,
    atiny_server,
    atiny_platform,
    atiny_commands,
    atiny_network,
    atiny_clock,
    atiny_store,
    atiny_storage,
):
    atiny_commands.answers[ATINY_GET_MODEL_NUMBER] = "lamp"
    client = Client("dev", "coap://server", device=atiny_commands, platform=atiny_platform)
    atiny_simulation.add_client(client)
    atiny_simulation.run_until(lambda: client.registered)
    model = atiny_server.read("dev", "/3/0/1")
    atiny_simulation.run_until(lambda: model.done)
    assert model.payload in (b"lamp", b"\xc4\x01lamp")
    assert atiny_network.trace
    assert atiny_clock.now_ms == atiny_simulation.now_ms == 1_000_080
    assert (atiny_platform.store, atiny_platform.storage) == (atiny_store, atiny_storage)


def test_a_bootstrap_on_the_fixtures(atiny_simulation, atiny_server, atiny_bootstrap_server, atiny_platform):
    atiny_bootstrap_server.script = [*account("coap://server"), finish()]
    client = Client("dev", bootstrap="coap://bootstrap", platform=atiny_platform)
    atiny_simulation.add_client(client)
    atiny_simulation.run_until(lambda: client.registered)
    assert atiny_bootstrap_server.last("dev").ok
    assert atiny_server.device("dev").lifetime_s == 86400


def test_the_seed_is_0(atiny_seed, atiny_simulation):
    assert (atiny_seed, atiny_simulation.seed) == (0, 0)


@pytest.mark.atiny_seed(7)
def test_the_seed_of_a_mark(atiny_seed, atiny_network):
    assert (atiny_seed, atiny_network.seed) == (7, 7)


def run(folder, source, *args):
    """Run pytest on ``source``, as somebody does who has atiny installed, and nothing of this repository."""
    (folder / "test_device.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "atiny.testing.pytest_plugin", *args]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_the_seed_of_the_command_line(tmp_path):
    source = """
import pytest

def test_seed(atiny_seed):
    assert atiny_seed == 5

@pytest.mark.atiny_seed(7)
def test_mark(atiny_seed):
    assert atiny_seed == 7
"""
    result = run(tmp_path, source, "--atiny-seed=5")
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_without_aiocoap_only_the_server_is_missing(tmp_path):
    source = """
import sys
import pytest

sys.modules["aiocoap"] = None  # as if it were not installed

import atiny.testing

def test_the_rest(atiny_simulation, atiny_platform):
    atiny_simulation.run(1000)

def test_the_server():
    with pytest.raises(ImportError, match="VirtualServer needs aiocoap: pip install aiocoap"):
        atiny.testing.VirtualServer
    with pytest.raises(AttributeError, match="no attribute 'Servers'"):
        atiny.testing.Servers
"""
    result = run(tmp_path, source)
    assert "2 passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("installed", [False, True])
def test_this_repository_loads_the_plugin_once(tmp_path, installed):
    """By tests/conftest.py, or by the entry point of an installed atiny; both at once would be an error of pytest's."""
    if installed:
        info = tmp_path / "atiny-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: atiny\nVersion: 0\n")
        (info / "entry_points.txt").write_text("[pytest11]\natiny = atiny.testing.pytest_plugin\n")
    command = [sys.executable, "-m", "pytest", "-q", "tests/testing/test_plugin.py", "-k", "test_the_seed_is_0"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert "1 passed" in result.stdout, result.stdout + result.stderr


def test_importing_the_plugin_does_not_load_aiocoap():
    """It is imported by every run of pytest on a machine where atiny is installed."""
    code = "import sys, atiny.testing.pytest_plugin; print([m for m in ('aiocoap', 'asyncio') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert found.stdout.strip() == "[]", found.stderr
