"""Which modules a build has: what its parts need is found by the imports, and what cannot be is refused."""

import ast
import subprocess
from pathlib import Path

import pytest

from atiny.errors import ParameterError
from atiny.slim import parts, pick as picking
from atiny.slim.build import Options, build, write
from atiny.slim.parts import FULL, PARTS, PROFILES, Part, part_of
from atiny.slim.pick import HOST, ROOTS, pick
from atiny.slim.sources import Import, Module, read_package
from tests.tools import tool

NONE: "frozenset[str]" = frozenset()


def module(name: str, needs: str = "", choices: str = "") -> Module:
    """A module that imports ``needs`` at its top, and ``choices`` in a function."""
    imports = [Import(f"atiny.{other}", 1, False) for other in needs.split()]
    imports += [Import(f"atiny.{other}", 9, True) for other in choices.split()]
    return Module(name, name.replace(".", "/") + ".py", "", imports)


MADE_UP = {
    one.name: one
    for one in (
        module("atiny", "engine", "extra trailer.hitch elsewhere"),
        module("atiny.adapter"),
        module("atiny.adapter.micropython", "adapter.base"),
        module("atiny.adapter.base"),
        module("atiny.engine", "", "turbo"),
        module("atiny.unused", "engine"),
        module("atiny.extra", "shared"),
        module("atiny.shared", "", "extra"),
        module("atiny.turbo", "exhaust"),
        module("atiny.exhaust", "shared"),
        module("atiny.radio", "", "shared"),
        module("atiny.trailer"),
        module("atiny.trailer.hitch", "trailer.ball"),
        module("atiny.trailer.ball"),
    )
}
TABLE = (
    Part("extra", "", ("extra",), ("more",), ("Car.more",)),
    Part("shared", "", ("shared",)),
    Part("turbo", "", ("turbo", "exhaust"), ("boost",)),
    Part("radio", "", ("radio",), ("radio", "sound"), ("Car.listen", "Station"), needs=("turbo",)),
    Part("trailer", "", ("trailer.*",)),
    Part("paint", "", (), ("colour",)),
)
CORE = {"atiny", "atiny.adapter", "atiny.adapter.base", "atiny.adapter.micropython", "atiny.engine"}


@pytest.fixture
def made_up(monkeypatch):
    """The package of these tests, with two profiles."""
    monkeypatch.setattr(parts, "_TABLE", TABLE)  # what `part_of` asks
    monkeypatch.setattr(picking, "PARTS", {part.name: part for part in TABLE})
    monkeypatch.setattr(picking, "PROFILES", {"bare": NONE, "sport": frozenset({"turbo", "shared"})})
    return MADE_UP


TO_SHARED = "atiny.extra -> atiny.shared (of the part shared)"
TURBO_TO_SHARED = "atiny.exhaust -> atiny.shared (of the part shared)"
PICKED = [
    # profile, with, without, the parts that are added and why, the modules beside the core's
    ("bare", "", "", {}, ""),
    ("bare", "shared", "", {}, "shared"),
    ("bare", "extra", "", {"shared": TO_SHARED}, "extra shared"),
    ("bare", "extra shared", "", {}, "extra shared"),
    ("bare", "turbo", "", {"shared": TURBO_TO_SHARED}, "turbo exhaust shared"),
    (
        "bare", "radio", "",
        {"turbo": "radio works only with it", "shared": TURBO_TO_SHARED}, "radio turbo exhaust shared",
    ),
    ("bare", "trailer", "", {}, "trailer trailer.hitch trailer.ball"),
    ("bare", "paint", "", {}, ""),
    ("bare", "", "extra", {}, ""),
    ("sport", "", "", {}, "turbo exhaust shared"),
    ("sport", "extra", "", {}, "turbo exhaust shared extra"),
    ("sport", "", "turbo", {}, "shared"),
    ("sport", "trailer", "turbo shared", {}, "trailer trailer.hitch trailer.ball"),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "add", "drop", "added", "modules"), PICKED)
def test_what_is_picked(made_up, profile, add, drop, added, modules):
    found = pick(made_up, profile, frozenset(add.split()), frozenset(drop.split()))
    assert found.added == added
    assert set(found.modules) == CORE | {f"atiny.{name}" for name in modules.split()}
    assert found.parts == (picking.PROFILES[profile] | frozenset(add.split()) | set(added)) - frozenset(drop.split())
    assert all(made_up[name] is one for name, one in found.modules.items())
    assert list(found.modules) == sorted(found.modules)


REFUSED = [
    ("fast", "", "", "no profile 'fast': take one of bare, sport"),
    ("bare", "wings", "", "no part 'wings': the parts are extra, paint, radio, shared, trailer, turbo"),
    ("bare", "", "wings", "no part 'wings': the parts are"),
    ("bare", "extra paint", "paint", "paint is both asked for and left out: say one of them"),
    ("bare", "extra", "shared", f"shared is left out, but needed: {TO_SHARED}"),
    ("sport", "", "shared", f"shared is left out, but needed: {TURBO_TO_SHARED}"),
    ("bare", "radio", "turbo", "turbo is left out, but needed: radio works only with it"),
    ("bare", "radio", "shared", f"shared is left out, but needed: {TURBO_TO_SHARED}"),
]


@pytest.mark.parametrize(("profile", "add", "drop", "why"), REFUSED)
def test_what_is_refused(made_up, profile, add, drop, why):
    with pytest.raises(ParameterError) as caught:
        pick(made_up, profile, frozenset(add.split()), frozenset(drop.split()))
    assert why in str(caught.value)


def test_a_chain_has_each_import_on_the_way(made_up):
    """From what the board loads first, where the core itself leads to it."""
    longer = {**made_up, "atiny.engine": module("atiny.engine", "gears"), "atiny.gears": module("atiny.gears", "extra")}
    with pytest.raises(ParameterError) as caught:
        pick(longer, "bare", NONE, frozenset({"extra"}))
    chain = "atiny -> atiny.engine -> atiny.gears -> atiny.extra (of the part extra)"
    assert str(caught.value) == f"extra is left out, but needed: {chain}"


def test_what_a_build_goes_without(made_up):
    found = pick(made_up, "bare", frozenset({"extra"}), NONE)
    assert found.missing == {"atiny.elsewhere": HOST, "atiny.trailer.hitch": "trailer", "atiny.turbo": "turbo"}
    assert found.absent == {"boost", "radio", "sound", "colour"}
    assert found.dropped == {"Car.listen", "Station", *parts.DROPPED}


# the real package


@pytest.fixture(scope="module")
def package() -> "dict[str, Module]":
    return read_package()


def assert_closed(found: picking.Selection) -> None:
    """Whatever a module needs is there; what it may choose is there, or known to be missing."""
    assert set(ROOTS) <= set(found.modules)
    for one in found.modules.values():
        assert one.name == "atiny" or one.name.rpartition(".")[0] in found.modules
        for other in one.imports:
            assert other.module in found.modules or (other.choice and other.module in found.missing), (one.name, other)
    assert {part_of(name) for name in found.modules} - {None} <= found.parts
    assert {part_of(name) or HOST for name in found.missing} == set(found.missing.values())


def test_the_profiles_grow(package):
    core, dtls, full = (pick(package, profile, NONE, NONE) for profile in PROFILES)
    assert set(core.modules) < set(dtls.modules) < set(full.modules)
    assert core.parts < dtls.parts < full.parts


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_needs_no_more_than_it_says(package, profile):
    found = pick(package, profile, NONE, NONE)
    assert found.added == {}
    assert found.parts == PROFILES[profile]
    assert_closed(found)


@pytest.mark.parametrize("name", PARTS)
def test_each_part_can_be_had(package, name):
    found = pick(package, "core", frozenset({name}), NONE)
    assert found.parts == {name, *found.added}
    assert {one for one in package if part_of(one) == name} <= set(found.modules)
    assert_closed(found)


# What other parts of the whole device need.
NEEDED = {"attributes", "backlog", "block", "create", "fota", "servers", "stream"}


@pytest.mark.parametrize("name", sorted(FULL - NEEDED))
def test_what_the_whole_device_can_go_without(package, name):
    found = pick(package, "full", NONE, frozenset({name}))
    assert found.parts == FULL - {name}
    assert_closed(found)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_other_parts_of_the_whole_device_need(package, name):
    with pytest.raises(ParameterError, match=f"^{name} is left out, but needed: "):
        pick(package, "full", NONE, frozenset({name}))


def test_the_table_names_what_there_is(package):
    """A module in the table that does not exist is of no part, and its part would lose nothing."""
    for part in PARTS.values():
        for pattern in part.modules:
            assert any(part_of(one) == part.name for one in package if one.endswith(pattern.rstrip("*."))), pattern
        assert set(part.needs) <= set(PARTS)
    owners = [(pattern, part.name) for part in PARTS.values() for pattern in part.modules]
    assert len({pattern for pattern, _ in owners}) == len(owners)
    assert PROFILES["full"] <= set(PARTS)


BUILT = [("core", name, "") for name in PARTS] + [("full", "", name) for name in sorted(FULL - NEEDED)]


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "add", "drop"), [*BUILT, ("full", " ".join(PARTS), "")])
def test_each_part_can_be_built(tmp_path, profile, add, drop):
    """What is left names nothing that has gone, and MicroPython loads all of it."""
    built = build(Options(profile, frozenset(add.split()), frozenset(drop.split())))
    write(built, tmp_path)
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in built.sources}
    for path, text in built.sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "atiny":
                assert node.module in modules, path
    script = "\n".join(f"import {name}" for name in sorted(modules))
    command = [tool("micropython"), "-c", f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{script}\n"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path("/"))
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr
