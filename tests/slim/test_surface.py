"""What a host may name keeps its name, whatever the sources are."""

import inspect

import pytest

import atiny
from atiny.adapter import base, micropython, micropython_storage, micropython_store
from atiny.slim.links import Links
from atiny.slim.optimize import optimize
from atiny.slim.plan import Plan
from atiny.slim.strip import strip
from atiny.slim.surface import Surface, find_surface
from atiny.slim.tree import Build
from tests.slim.building import ELSEWHERE, package_sources


@pytest.fixture(scope="module")
def surface() -> Surface:
    build = Build(package_sources(), Plan(missing=ELSEWHERE))
    for module in build:
        strip(module)
    return find_surface(build, Links(build))


# Of what both runtimes have under one name, a build has the board's.
BOARD = {
    "FileStore": micropython_store.FileStore,
    "Platform": micropython.Platform,
    "SlotStorage": micropython_storage.SlotStorage,
}


def exported() -> "list[str]":
    """The same at any time: what `atiny` gives when asked for is told by `dir`, whether or not it was asked for yet."""
    names = [name for name in dir(atiny) if not name.startswith("_") and not inspect.ismodule(getattr(atiny, name))]
    return sorted({*names, "Platform"} - {"TYPE_CHECKING", "AsyncClient"})


@pytest.mark.parametrize("name", exported())
def test_what_is_exported(surface: Surface, name: str) -> None:
    assert name in surface.names
    value = BOARD.get(name) or getattr(atiny, name)
    if inspect.isclass(value):
        for member, function in inspect.getmembers(value, inspect.isfunction):
            if not member.startswith("_"):
                assert member in surface.names, member
                assert set(inspect.signature(function).parameters) - {"self"} <= surface.parameters
    elif inspect.isfunction(value):
        assert set(inspect.signature(value).parameters) <= surface.parameters


@pytest.mark.parametrize("name", [name for name in vars(base) if inspect.isclass(getattr(base, name))])
def test_what_a_host_implements(surface: Surface, name: str) -> None:
    for member, _ in inspect.getmembers(getattr(base, name), inspect.isfunction):
        assert member in surface.names or member.startswith("_")


def test_what_is_stored(surface: Surface) -> None:
    assert {"platform", "hardware", "storage", "store", "atiny_code", "diagnostic", "resources"} <= surface.names
    assert {"_agent", "_loop"} <= surface.guarded


def test_a_private_function_is_not_public(surface: Surface) -> None:
    assert not {"Agent", "Exchange", "Dispatcher", "psk_session"} & surface.names


def test_it_is_in_the_build() -> None:
    sources = optimize(package_sources(), Plan(missing=ELSEWHERE)).sources
    for name in exported():
        assert name in sources["atiny"], name
