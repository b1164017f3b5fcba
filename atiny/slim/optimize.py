"""The passes of a slim build, in order: sources in, smaller sources out, that do the same."""

import ast
from types import ModuleType

from ..errors import AtinyError
from .absent import check_absent, fold_absent
from .bundle import bundle
from .compact import compact
from .constants import fold_constants
from .dropped import drop_bare, drop_members
from .fold import fold
from .inline import inline
from .links import Links
from .missing import replace_missing
from .order import order
from .plan import Plan, Result
from .rename import rename
from .runtime import fold_runtime
from .shake import shake
from .strip import strip
from .surface import find_surface
from .texts import number_texts
from .tree import Build


def optimize(sources: "dict[str, str]", plan: Plan) -> Result:
    """Make the modules ``sources`` (dotted name -> text) as small as ``plan`` allows; `SlimError` where they cannot be.

    The same input gives the same output.
    """
    _minifier()  # before the work, where it is missing
    build = Build(sources, plan)
    for module in build:
        strip(module)
        fold_runtime(module)
        fold(module)
    fold_absent(build)
    replace_missing(build)
    fold_constants(build)
    drop_members(build)
    for module in build:
        fold(module)
    shake(build)
    check_absent(build)
    compact(build)
    texts = {} if plan.keep_texts else number_texts(build)
    surface = find_surface(build, Links(build))
    drop_bare(build)
    if plan.bundles:
        bundle(build)
    inline(build, surface)
    for module in build:
        fold(module)
    names = {} if plan.keep_names else rename(build, surface)
    for module in build:
        order(module)
    imported = _imported(build)
    result = {module.name: printed(module.tree) for module in build if module.tree.body or module.name in imported}
    return Result(result, texts, names)


def printed(tree: ast.Module) -> str:
    """The text of a module, the same on every version of Python."""
    text: str = _minifier().minify(
        ast.unparse(ast.fix_missing_locations(tree)),
        remove_annotations=False,
        combine_imports=False,
        hoist_literals=False,
        rename_locals=False,
        rename_globals=False,
        convert_posargs_to_args=False,
        preserve_shebang=False,
    )
    return text


def _minifier() -> ModuleType:
    try:
        import python_minifier
    except ImportError:
        raise AtinyError('python-minifier is not here: pip install "atiny[slim]"') from None
    return python_minifier


def _imported(build: Build) -> "set[str]":
    """The modules that some module imports, and the packages that they are in."""
    found: "set[str]" = {"atiny"}
    for module in build:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                source = module.source_of(node)
                found.update([source, *[source + "." + alias.name for alias in node.names]])
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
        if module.tree.body:
            found.add(module.name)
    for name in list(found):
        parts = name.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return found
