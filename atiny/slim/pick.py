"""Which modules a build has: those that its parts need, and nothing that is of another part.

A part that a chosen one cannot do without is added, unless it was ruled out: then the build is refused with the chain
of imports that leads to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ParameterError
from .parts import DROPPED, PARTS, PROFILES, part_of
from .sources import PACKAGE, Module

HOST = ""  # the "part" of what only a host can run
# What a board starts with: the package, and the adapter that is chosen when it runs.
ROOTS = (PACKAGE, f"{PACKAGE}.adapter.micropython")


@dataclass(frozen=True)
class Selection:
    """What a build is of: its ``parts``; those of them that were ``added`` because another one needs them, with why;
    its ``modules``; the ``missing`` ones, which it names but has not: module -> part (`HOST`: of no build)."""

    parts: frozenset[str]
    added: dict[str, str]
    modules: dict[str, Module]
    missing: dict[str, str]

    @property
    def absent(self) -> frozenset[str]:
        """The attributes that stay None."""
        return frozenset(name for part in self._others() for name in part.attributes)

    @property
    def dropped(self) -> frozenset[str]:
        """The public members that do not exist."""
        return frozenset(DROPPED) | {name for part in self._others() for name in part.members}

    def _others(self) -> list:  # type: ignore[type-arg]
        return [part for name, part in PARTS.items() if name not in self.parts]


def pick(
    package: dict[str, Module], profile: str, add: "frozenset[str] | set[str]", drop: "frozenset[str] | set[str]"
) -> Selection:
    """The modules of ``profile`` with the parts ``add`` and without ``drop``. Raises `ParameterError`."""
    if profile not in PROFILES:
        raise ParameterError(f"there is no profile {profile!r}: take one of {', '.join(PROFILES)}")
    for name in sorted(add | drop):
        if name not in PARTS:
            raise ParameterError(f"there is no part {name!r}: the parts are {', '.join(sorted(PARTS))}")
    both = sorted(add & drop)
    if both:
        raise ParameterError(f"{both[0]} is both asked for and left out: say one of them")
    parts = (PROFILES[profile] | add) - drop
    added: dict[str, str] = {}
    while True:
        wanted = _wanted(package, parts)
        if wanted is None:
            break
        name, why = wanted
        if name in drop:
            raise ParameterError(f"{name} is left out, but needed: {why}")
        parts |= {name}
        added[name] = why
    chains = _reach(package, parts)
    modules = {name: package[name] for name in sorted(chains)}
    return Selection(frozenset(parts), added, modules, _missing(package, modules))


def _wanted(package: dict[str, Module], parts: frozenset[str] | set[str]) -> tuple[str, str] | None:
    """A part that is needed and not chosen, with the chain that leads to it; None: there is none."""
    for name in sorted(parts):
        for need in PARTS[name].needs:
            if need not in parts:
                return need, f"{name} works only with it"
    for module, chain in sorted(_reach(package, parts).items()):
        part = part_of(module)
        if part is not None and part not in parts:
            return part, " -> ".join([*chain, f"{module} (of the part {part})"])
    return None


def _reach(package: dict[str, Module], parts: frozenset[str] | set[str]) -> dict[str, list[str]]:
    """Every module that is loaded or may be chosen, with the chain of those that lead to it."""
    chosen = sorted(name for name in package if part_of(name) in parts)
    chains: dict[str, list[str]] = {}
    queue: list[tuple[str, list[str]]] = [(name, []) for name in (*ROOTS, *chosen)]
    for name, chain in queue:
        if name in chains:
            continue
        chains[name] = chain
        below = [*chain, name]
        parent = name.rpartition(".")[0]
        if parent:
            queue.append((parent, below))
        for found in package[name].imports:
            if found.module in package and (not found.choice or part_of(found.module) in {None, *parts}):
                queue.append((found.module, below))
    return chains


def _missing(package: dict[str, Module], modules: dict[str, Module]) -> dict[str, str]:
    """What the modules may import and the build has not."""
    missing = {}
    for module in modules.values():
        for found in module.imports:
            if found.module not in modules:
                missing[found.module] = (part_of(found.module) or HOST) if found.module in package else HOST
    return dict(sorted(missing.items()))
