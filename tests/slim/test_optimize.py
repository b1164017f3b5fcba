"""All passes together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atiny.slim.optimize import optimize
from atiny.slim.plan import Plan, SlimError
from tests.slim.building import ELSEWHERE, build
from tests.sources import ROOT
from tests.tools import tool

SCRIPT = """
import hashlib
from tests.slim.building import ELSEWHERE, package_sources
from atiny.slim.optimize import optimize
from atiny.slim.plan import Plan
sources = package_sources()
result = optimize(dict(sorted(sources.items(), reverse=True)), Plan(missing=ELSEWHERE))
print(hashlib.sha256(repr((result.sources, result.texts, result.names)).encode()).hexdigest())
"""

pytestmark = pytest.mark.slow  # whole builds


def test_the_same_input_gives_the_same_output() -> None:
    """Whatever the order of dicts and sets."""
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_modules_that_became_empty() -> None:
    sources = {
        "atiny": "from .client import Client as Client",
        "atiny.client": "from .codes import GET\nfrom . import codes\nclass Client:\n    x = GET",
        "atiny.codes": "GET = 1\nPUT = 2",
        "atiny.alone": "def f(): pass",
        "atiny.sub": '"""A package."""',
        "atiny.sub.inner": "print(1)",
    }
    result = optimize(sources, Plan())
    assert sorted(result.sources) == ["atiny", "atiny.client", "atiny.sub", "atiny.sub.inner"]
    assert result.sources["atiny.sub"] == ""
    assert result.texts == {}


def test_a_part_that_is_not_there() -> None:
    sources = {
        "atiny": "from .client import Client as Client",
        "atiny.errors": "class NotSupported(Exception): pass",
        "atiny.client": """
class Client:
    def __init__(self):
        self._queue = None
    def use_queue(self):
        from .queue import Queue
        self._queue = Queue()
    def run(self):
        if self._queue is not None:
            self._drain()
        return self._queue is None or self._queue.empty
    def _drain(self):
        self._queue.drain()
    def pull(self, uri):
        from .pull import Pull
        return Pull(uri)
""",
    }
    plan = Plan(
        missing={"atiny.queue": "queue", "atiny.pull": "fota"},
        absent=frozenset(["_queue"]),
        dropped=frozenset(["Client.use_queue"]),
        keep_names=True,
    )
    result = optimize(sources, plan)
    assert result.sources["atiny.client"] == (
        "from.errors import NotSupported\nclass Client:\n\tdef __init__(self):0\n\tdef run(self):return True\n"
        "\tdef pull(self,uri):raise NotSupported(1)"
    )
    assert result.texts == {1: ("atiny.client", 15, "this build has no fota: atiny slim --with fota")}
    sources["atiny.client"] = sources["atiny.client"].replace("return self._queue is None or ", "return ")
    with pytest.raises(SlimError, match="atiny/client.py:11: _queue is used without a test for None"):
        optimize(sources, plan)


@pytest.mark.parametrize("names", [True, False])
def test_the_sources_run(tmp_path: Path, names: bool) -> None:
    """As .py, with all names and texts, and without a single one of them."""
    build(tmp_path, Plan(missing=ELSEWHERE, keep_names=names, keep_texts=names), compiled=False)
    script = tmp_path / "script.py"
    script.write_text(
        "import atiny\n"
        "class Device(atiny.CommandHandler):\n    def get_manufacturer(self): return 'x'\n"
        "client = atiny.Client('dev', 'coap://127.0.0.1:1', device=Device(), retry_min_s=1)\n"
        "assert client.step() is not None\n"
        "assert client.registered is False\n"
        "code, handle = atiny.atiny_init(None, print)\nassert code == atiny.ATINY_ARG_INVALID\n"
        "try:\n    atiny.Client('')\nexcept atiny.ParameterError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [tool("micropython"), str(script)],
        env={"MICROPYPATH": f"{tmp_path}:.frozen"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("the endpoint name is" if names else "#")


def test_what_is_saved(tmp_path: Path) -> None:
    """Everything in one build: a third less than what is only stripped."""
    result = build(tmp_path / "all")
    assert len(result.texts) > 300
    assert len(result.names) > 400
    sizes = {path.relative_to(tmp_path / "all").as_posix(): path.stat().st_size for path in tmp_path.rglob("*.mpy")}
    assert sum(sizes.values()) < 140_000, sorted(sizes.items(), key=lambda row: -row[1])[:10]
