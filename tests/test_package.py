"""The package as it is installed: names, dependencies, entry points, the licence, and what lies at the top."""

from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.sources import PACKAGE, ROOT
from tests.tools import missing

TOP_LEVEL = {"atiny", "tests", "examples", "docs", "pyproject.toml", "README.md", "LICENSE"}
DEPENDENCIES = {"aiocoap", "cbor2", "pyserial", "python-mbedtls"}
EXTRAS = {"cloud", "fota", "test", "docs", "slim"}


@pytest.fixture
def distribution() -> metadata.Distribution:
    try:
        return metadata.distribution("atiny")
    except metadata.PackageNotFoundError:
        missing("atiny is not installed: it runs from the source tree")


def requirements(distribution: metadata.Distribution) -> "list[Requirement]":
    return [Requirement(text) for text in distribution.requires or []]


def applies(requirement: Requirement, python: str, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"python_version": python, "extra": extra})


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_depends_on_the_four(distribution: metadata.Distribution, python: str) -> None:
    assert {r.name for r in requirements(distribution) if applies(r, python)} == DEPENDENCIES


@pytest.mark.parametrize("python", ["3.13", "3.14"])
def test_installs_without_mbedtls_where_it_has_no_wheels(distribution: metadata.Distribution, python: str) -> None:
    assert {r.name for r in requirements(distribution) if applies(r, python)} == DEPENDENCIES - {"python-mbedtls"}


def test_has_the_extras(distribution: metadata.Distribution) -> None:
    assert set(distribution.metadata.get_all("Provides-Extra") or []) >= EXTRAS
    fota = {r.name for r in requirements(distribution) if applies(r, "3.11", "fota")} - DEPENDENCIES
    assert fota == {"cryptography", "urllib3"}
    cloud = {r.name for r in requirements(distribution) if applies(r, "3.11", "cloud")} - DEPENDENCIES
    assert cloud - fota - {"atiny"} == {"aiohttp", "click"}, "and the firmware's; the build may flatten atiny[fota]"


def test_has_its_entry_points(distribution: metadata.Distribution) -> None:
    found = {(point.group, point.name): point.value for point in distribution.entry_points}
    assert found[("console_scripts", "atiny")] == "atiny.cli:main"
    assert found[("pytest11", "atiny")] == "atiny.testing.pytest_plugin"


def test_says_what_it_is(distribution: metadata.Distribution) -> None:
    assert distribution.metadata["Requires-Python"] == ">=3.10"
    assert distribution.metadata["License-Expression"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")


def test_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_nothing_else_lies_at_the_top() -> None:
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "__"))}
    assert names <= TOP_LEVEL


def test_the_public_names_exist() -> None:
    import atiny

    words = [name for name in dir(atiny) if name.startswith(("ATINY_", "atiny_"))]
    assert len(words) >= 60
    assert atiny.Platform().hardware.gettime_ms() > 0
    assert atiny.AsyncClient.__name__ == "AsyncClient"
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        _ = atiny.Clinet


def test_one_version(distribution: metadata.Distribution) -> None:
    import atiny

    assert distribution.version == atiny.__version__
