"""The README and the pages of docs/ keep up with the code: links, commands, and every Python example."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import atiny
import atiny.testing
from atiny.cloud import CloudThread
from tests.sources import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
IDS = [page.name for page in PAGES]
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)")


def examples() -> "list[Any]":
    found = []
    for page in PAGES:
        for number, match in enumerate(PYTHON.finditer(page.read_text()), 1):
            found.append(pytest.param(match.group(1), id=f"{page.name}-{number}"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("source", examples())
def test_examples_use_names_that_exist(source: str) -> None:
    missing = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "atiny":
            if not hasattr(atiny, node.attr):
                missing.append(node.attr)
    assert missing == []


@pytest.mark.parametrize("source", examples())
def test_examples_define_what_they_say(source: str) -> None:
    """Imports, classes and functions are executed; the objects among the classes have a sound table."""
    tree = ast.parse(source)
    tree.body = [
        node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef))
    ]
    names: "dict[str, Any]" = {}
    exec(compile(tree, "example", "exec"), names)
    from atiny.lwm2m.checks import check_table

    for value in names.values():
        if isinstance(value, type) and issubclass(value, atiny.Object) and value is not atiny.Object:
            assert check_table(value)


def test_the_tests_on_the_testing_page_pass(tmp_path: Path) -> None:
    blocks = PYTHON.findall((ROOT / "docs" / "testing.md").read_text())
    for number, block in enumerate(blocks):
        (tmp_path / f"test_{number}.py").write_text(block)
    assert len([block for block in blocks if "def test_" in block]) >= 3
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "atiny.testing.pytest_plugin", "--rootdir=.", "."]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_the_first_example_runs(page: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Against the local cloud, on a port of its own."""
    source = PYTHON.findall((ROOT / page).read_text())[0]
    assert source.count("127.0.0.1:5683") == 1
    names: "dict[str, Any]" = {}
    with CloudThread(port=0) as cloud:
        exec(source.replace("127.0.0.1:5683", f"127.0.0.1:{cloud.port}"), names)
    assert names["status"] == atiny.ReportStatus.SENT_SUCCESS
    assert names["client"].stopped


def test_the_readme_begins_with_two_commands() -> None:
    """One that shows the main job, one that runs the tests; the gate runs them as they stand."""
    demo, tests = SHELL.findall((ROOT / "README.md").read_text())[:2]
    assert demo.count("\n") == tests.count("\n") == 1
    assert demo.endswith(".venv/bin/atiny demo --reports 3\n")
    assert tests.endswith(".venv/bin/pytest\n")
    assert (ROOT / "docs" / "quickstart.md").read_text().count(demo) == 1


def test_the_minimal_port_keeps_the_contract() -> None:
    """What the porting page shows passes the checks that it asks for, and carries a device."""
    names: "dict[str, Any]" = {}
    blocks = [block for block in PYTHON.findall((ROOT / "docs" / "porting.md").read_text()) if "class Plain" in block]
    exec(blocks[0], names)
    assert len(atiny.testing.check_socket(names["PlainSocket"])) > 10
    assert len(atiny.testing.check_hardware(names["PlainHardware"])) > 5
    platform = atiny.Platform(socket=names["PlainSocket"], hardware=names["PlainHardware"]())
    with CloudThread(port=0) as cloud, atiny.Client("ported", cloud.url, platform=platform) as client:
        assert client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS


def rows(page: str) -> "dict[str, int]":
    """The name and value of each row of the page's tables that has both."""
    found = re.findall(r"^\| `([A-Z_]+)` \| (-?\d+) \|", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return {name: int(value) for name, value in found}


def test_the_tables_have_every_code() -> None:
    from atiny import errors, params

    codes = {name: value for name, value in vars(errors).items() if name.startswith("ATINY_")}
    assert rows("errors.md") == codes
    events = {name: value for name, value in vars(params).items() if name.startswith("ATINY_")}
    statuses = {name: value for value, name in enumerate(atiny.ReportStatus.NAMES)}
    misspelt = {"ATINY_DATA_SUBSCRIBLE", "ATINY_DATA_UNSUBSCRIBLE"}
    assert rows("open-api.md") == {name: value for name, value in (events | statuses).items() if name not in misspelt}


def test_every_conformance_check_is_on_the_porting_page() -> None:
    page = (ROOT / "docs" / "porting.md").read_text()
    checks = [name for name in atiny.testing.__all__ if name.startswith("check_")]
    assert len(checks) >= 5
    assert [name for name in checks if f"`{name}" not in page] == []
